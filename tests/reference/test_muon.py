"""The optimizer of the recipe `quick`."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import nn

REFERENCE = Path(__file__).parents[2] / "reference"


@pytest.fixture
def muon(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(REFERENCE))
    yield importlib.import_module("muon")
    sys.modules.pop("muon", None)


def network() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(8 * 36, 4))


def test_an_orthogonal_direction_has_singular_values_about_one_and_the_same_directions(muon):
    matrix = torch.randn(8, 27, generator=torch.Generator().manual_seed(2))
    u, before, v = torch.linalg.svd(matrix, full_matrices=False)
    turned = muon.orthogonal(matrix)
    after = torch.diag(u.T @ turned @ v.T)
    assert before.max() / before.min() > 2
    assert after.min() > 0.6 and after.max() < 1.3
    assert torch.allclose(turned, u @ torch.diag(after) @ v, atol=1e-4)
    assert torch.equal(muon.orthogonal(torch.zeros(3, 5)), torch.zeros(3, 5))


def test_a_kernel_turns_by_its_share_however_large_the_gradient_is(muon):
    for scale in (1e-3, 1.0, 1e3):
        net = network()
        optimizer = muon.Muon(net, 0.05, rate=0.0, momentum=0.0, decay=0.0)
        net[0].weight.grad = scale * torch.randn_like(net[0].weight)
        with torch.no_grad():
            start = net[0].weight * (8**0.5 / net[0].weight.norm())
        optimizer.step()
        moved = (net[0].weight.detach() - start).norm() / start.norm()
        assert 0.03 < moved < 0.07


def test_only_weights_of_linear_layers_decay(muon):
    net = network()
    optimizer = muon.Muon(net, 0.0, rate=0.1, momentum=0.0, decay=0.5)
    before = {name: value.clone() for name, value in net.named_parameters()}
    for parameter in net.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    after = dict(net.named_parameters())
    assert torch.allclose(after["3.weight"], before["3.weight"] * 0.95)
    for name in ("1.weight", "1.bias", "3.bias"):
        assert torch.equal(after[name], before[name])


def test_it_learns_faster_than_standing_still(muon):
    net, images = network(), torch.randn(32, 3, 8, 8, generator=torch.Generator().manual_seed(3))
    labels = images.mean(dim=(1, 2, 3)).gt(0).long()
    optimizer = muon.Muon(net, 0.02, rate=0.05, momentum=0.9, decay=0.0)
    losses = []
    for _ in range(20):
        loss = nn.functional.cross_entropy(net(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
