"""Every network that the grader knows names real images as a plain float32 loop does, however it is run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchvision import models as zoo
from torchvision.ops import StochasticDepth

from grader.dataset import ImageSet
from grader.labs import the_lab
from grader.probes.weights import evaluate as module
from grader.probes.weights import ways
from grader.probes.weights.evaluate import evaluate
from grader.probes.weights.inputs import Run
from reference import models

pytestmark = [pytest.mark.cifar10, pytest.mark.slow]

# Of the deeper ones, one shortcut each: what is built of it is the same at every depth.
DEPTHS = {"resnet20": "AB", "resnet32": "A", "resnet44": "B", "resnet56": "A", "resnet110": "B"}
LABS: dict[str, Callable[[], nn.Module]] = {
    **{
        f"{name} {shortcut}": partial(getattr(models, name), shortcut)
        for name, shortcuts in DEPTHS.items()
        for shortcut in shortcuts
    },
    **{name: models.NETWORKS[name] for name in ("small_alexnet", "mlp", "cnn", "resnet9")},
}
# One of each kind, the smallest; and the side of its images.
TORCHVISION = {
    "alexnet": 224, "convnext_tiny": 32, "densenet121": 32, "efficientnet_b0": 32, "efficientnet_v2_s": 32,
    "googlenet": 32, "inception_v3": 96, "maxvit_t": 224, "mnasnet0_5": 32, "mobilenet_v2": 32,
    "mobilenet_v3_small": 32, "regnet_y_400mf": 32, "resnet18": 32, "resnext50_32x4d": 32, "shufflenet_v2_x0_5": 32,
    "squeezenet1_1": 32, "swin_t": 32, "swin_v2_t": 32, "vgg11_bn": 32, "vit_b_32": 224, "wide_resnet50_2": 32,
}  # fmt: skip
EMULATED = 16  # images in bfloat16 where the processor does not have it: a ResNet20 takes a second for ten
NATIVE = ways.native_bfloat16()


@pytest.fixture(autouse=True)
def few_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few second looks without a reason: of a few images all would be looked at twice."""
    torch.set_num_threads(1)
    for name, most in {"SAMPLE": 6, "CHUNK": 3, "FOLDED_SAMPLE": 8, "FOLDED_CHUNK": 4}.items():
        monkeypatch.setattr(module, name, most)


def _built(build: Callable[[], nn.Module], run: Run, lively_net: Any) -> nn.Module:
    """Build with random weights, and statistics of these images; no class wins everywhere.

    Nothing is left out while the statistics are taken: those of a network without some of its layers are not its own,
    and its values would grow from layer to layer until rounding decides.
    """
    net: nn.Module = lively_net(build())
    for module_ in net.modules():
        if isinstance(module_, nn.BatchNorm2d):
            module_.momentum = 1.0
        if isinstance(module_, nn.Dropout | StochasticDepth):
            module_.p = 0.0
    with torch.no_grad():
        net.train()(_inputs(run))
    logits = _plain(net, run)
    ends = [one for one in net.modules() if isinstance(one, nn.Linear | nn.Conv2d) and one.weight.shape[0] == 10]
    if ends:
        bias = torch.zeros(10) if ends[-1].bias is None else ends[-1].bias.data
        ends[-1].bias = nn.Parameter(bias - logits.mean(dim=0))
    return net


def _run(images: ImageSet, count: int, side: int = 32) -> Run:
    pixels: NDArray[np.uint8] = images.images("test")[:count]
    return Run(pixels, the_lab().mean, the_lab().std, 0 if side == 32 else side)


def _inputs(run: Run) -> Tensor:
    x = torch.from_numpy(run.images.copy())
    if run.resize:
        size = (run.resize, run.resize)
        x = nn.functional.interpolate(x, size=size, mode="bilinear", antialias=True)
    return (x.float() / 255.0 - torch.tensor(the_lab().mean).view(1, 3, 1, 1)) / torch.tensor(the_lab().std).view(
        1, 3, 1, 1
    )


def _plain(net: nn.Module, run: Run) -> Tensor:
    """The loop that a student would write."""
    with torch.inference_mode():
        return torch.cat([net.eval()(part) for part in _inputs(run).split(10)])


def _agrees(net: nn.Module, run: Run) -> module.Result:
    expected = _plain(net, run)
    assert len(set(expected.argmax(dim=1).tolist())) > 1
    found = evaluate(net, run, "cpu")
    assert (found.logits.argmax(axis=1) == expected.argmax(dim=1).numpy()).all()
    return found


@pytest.mark.parametrize("name", LABS)
def test_the_labs_networks_with_batchnorm_folded(
    name: str, cifar10: ImageSet, lively_net: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ways, "native_bfloat16", lambda: False)
    run = _run(cifar10, 60)
    net = _built(LABS[name], run, lively_net)
    folds = any(isinstance(one, nn.BatchNorm2d) for one in net.modules())
    assert (_agrees(net, run).second_looks > 0) == folds


@pytest.mark.parametrize("name", LABS)
def test_the_labs_networks_in_bfloat16(
    name: str, cifar10: ImageSet, lively_net: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ways, "native_bfloat16", lambda: True)
    monkeypatch.setattr(ways, "LOSES", 0.0)
    run = _run(cifar10, 100 if NATIVE else EMULATED)
    assert _agrees(_built(LABS[name], run, lively_net), run).precision != "float32"


@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvisions_networks(name: str, cifar10: ImageSet, lively_net: Any) -> None:
    run = _run(cifar10, 12, TORCHVISION[name])
    extra = {"init_weights": False, "aux_logits": False} if name in ("googlenet", "inception_v3") else {}
    net = _built(lambda: zoo.get_model(name, weights=None, num_classes=10, **extra), run, lively_net)
    _agrees(net, run)


def test_the_references_weights_on_a_thousand_images(cifar10: ImageSet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    weights = LABS["resnet20 A"]()
    weights.load_state_dict(torch.load("reference/final.pth", map_location="cpu", weights_only=True)["net"])
    found = _agrees(weights.eval(), _run(cifar10, 1_000))
    assert found.second_looks < 900
