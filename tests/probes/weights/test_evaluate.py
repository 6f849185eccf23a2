"""The fast evaluation names every image as a plain float32 loop does, whatever the network is like."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torchvision import transforms

from grader.probes.refusals import phrase
from grader.probes.weights import evaluate as module
from grader.probes.weights import ways
from grader.probes.weights.evaluate import evaluate, evaluate_all
from grader.probes.weights.inputs import Run, network_inputs
from grader.probes.worker import is_memory_error
from reference import models

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def many_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """As few as there are here would all be evaluated in the plain way."""
    monkeypatch.setattr(module, "FOLDED_SAMPLE", 8)


@pytest.fixture(scope="module")
def images(images_file: Path) -> NDArray[np.uint8]:
    loaded: NDArray[np.uint8] = np.load(images_file)
    return loaded


@pytest.fixture(params=[True, False], ids=["native bfloat16", "no bfloat16"])
def bfloat16(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    if request.param:
        _native(monkeypatch)
    else:
        monkeypatch.setattr(ways, "native_bfloat16", lambda: False)
    return bool(request.param)


def _native(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor with bfloat16, on which it never loses."""
    monkeypatch.setattr(ways, "native_bfloat16", lambda: True)
    monkeypatch.setattr(ways, "LOSES", 0.0)


def _plain(net: nn.Module, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The loop that a student would write."""
    x = torch.from_numpy(images.copy()).float() / 255.0
    x = (x - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)
    with torch.inference_mode():
        logits: NDArray[np.float32] = torch.cat([net.eval()(part) for part in x.split(50)]).numpy()
    return logits


def _small() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 5, stride=2), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 16, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip


class _Scaled(nn.Module):
    def __init__(self, net: nn.Module, scale: float, offset: float = 0.0) -> None:
        super().__init__()
        self.net, self.scale, self.offset = net, scale, offset

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.net(x)
        return (logits + self.offset) * self.scale


class _Cancelling(nn.Module):
    """Features on a large common offset that the last layer takes away again: little of it survives bfloat16."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net
        self.last = nn.Linear(10, 10)
        with torch.no_grad():
            self.last.weight.copy_(torch.eye(10) - 0.1)
            self.last.bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.last(self.net(x) + 1000.0)
        return logits


class _Sometimes(nn.Module):
    """NaN for dark images, infinity for bright ones, and sensible for the rest."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.net(x).float()
        brightness = x.mean(dim=(1, 2, 3))
        logits[brightness < 0.3, 3] = float("nan")
        logits[brightness > 0.6, 4] = float("inf")
        return logits


NETWORKS: dict[str, Callable[[Callable[..., nn.Module]], nn.Module]] = {
    "small": lambda lively: lively(_small()),
    "resnet20": lambda lively: lively(models.resnet20()),
    "resnet20 B": lambda lively: lively(models.resnet20("B"), 1),
    "huge logits": lambda lively: _Scaled(lively(_small(), 2), 1e12),
    "tiny logits": lambda lively: _Scaled(lively(_small(), 3), 1e-12),
    "offset logits": lambda lively: _Scaled(lively(_small(), 4), 1.0, 300.0),
    "cancelling offsets": lambda lively: _Cancelling(lively(_small(), 5)),
    "softmax at the end": lambda lively: nn.Sequential(lively(_small(), 6), nn.Softmax(dim=1)),
}


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.slow
def test_every_image_is_named_as_plain_float32_names_it(
    kind: str, bfloat16: bool, images: NDArray[np.uint8], lively_net: Any
) -> None:
    net = NETWORKS[kind](lively_net).eval()
    if isinstance(net, models.ResNet):  # with random weights one class wins everywhere
        net.linear.bias.data -= torch.from_numpy(_plain(net, images).mean(axis=0))
    expected = _plain(net, images)
    assert len(set(expected.argmax(axis=1))) > 1  # else anything would do

    result = evaluate(net, Run(images, MEAN, STD, 0), "cpu")

    assert (result.logits.argmax(axis=1) == expected.argmax(axis=1)).all()
    assert result.logits.shape == (len(images), 10)
    assert (result.precision == phrase("bfloat16_first")) == bfloat16
    folds = any(isinstance(one, nn.BatchNorm2d) for one in net.modules())
    assert bool(result.second_looks) == (bfloat16 or folds)


def test_a_network_for_which_bfloat16_is_poor_is_evaluated_in_float32_throughout(
    images: NDArray[np.uint8], lively_net: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _native(monkeypatch)
    monkeypatch.setattr(module, "SAMPLE", 4)
    monkeypatch.setattr(module, "CHUNK", 4)
    net = _Cancelling(lively_net(_small(), 5))

    result = evaluate(net, Run(images, MEAN, STD, 0), "cpu")

    assert result.second_looks > 0.9 * len(images)
    assert (result.logits.argmax(axis=1) == _plain(net, images).argmax(axis=1)).all()


def test_a_network_that_bfloat16_suits_is_looked_at_twice_only_where_it_could_matter(
    images: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    _native(monkeypatch)
    monkeypatch.setattr(module, "SAMPLE", 4)
    monkeypatch.setattr(module, "CHUNK", 4)
    torch.manual_seed(0)
    net = nn.Sequential(nn.AvgPool2d(8), nn.Flatten(), nn.Linear(48, 10))
    with torch.no_grad():
        net[2].weight.mul_(10.0)

    result = evaluate(net, Run(images, MEAN, STD, 0), "cpu")

    assert 4 <= result.second_looks < len(images)
    assert (result.logits.argmax(axis=1) == _plain(net, images).argmax(axis=1)).all()


def test_a_rough_run_after_an_exact_one_takes_no_second_look(
    images: NDArray[np.uint8], lively_net: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _native(monkeypatch)
    exact, rough = evaluate_all(
        lively_net(_small(), 5), [Run(images, MEAN, STD, 0), Run(images, MEAN, STD, 0, rough=True)], "cpu"
    )
    assert (exact.second_looks > 0, rough.second_looks) == (True, 0)


def test_where_bfloat16_changed_classes_a_rough_run_is_exact_after_all(
    images: NDArray[np.uint8], lively_net: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _native(monkeypatch)
    net = _Cancelling(lively_net(_small(), 5))
    exact, rough = evaluate_all(net, [Run(images, MEAN, STD, 0), Run(images, MEAN, STD, 0, rough=True)], "cpu")
    assert exact.changed > 0
    assert (rough.logits.argmax(axis=1) == _plain(net, images).argmax(axis=1)).all()


def test_a_rough_run_trusts_bfloat16_on_its_own_images_alone(
    images: NDArray[np.uint8], lively_net: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _native(monkeypatch)
    net = _Cancelling(lively_net(_small(), 5))
    (rough,) = evaluate_all(net, [Run(images, MEAN, STD, 0, rough=True)], "cpu")
    assert rough.second_looks > 0
    assert (rough.logits.argmax(axis=1) == _plain(net, images).argmax(axis=1)).all()


def test_few_images_are_evaluated_once_in_the_plain_way(
    bfloat16: bool, images: NDArray[np.uint8], lively_net: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FOLDED_SAMPLE", len(images))
    shown: list[int] = []
    net = lively_net(_small(), 5)
    net.register_forward_pre_hook(lambda net, given: shown.append(len(given[0])))
    result = evaluate(net, Run(images, MEAN, STD, 0), "cpu")
    assert (sum(shown), result.second_looks, result.precision) == (len(images), 0, "float32")


def test_copies_of_the_network_are_kept_for_one_side_alone(images: NDArray[np.uint8], lively_net: Any) -> None:
    kept: dict[int, ways.Way] = {}
    for side in (32, 40):
        with torch.inference_mode():
            module._on_processor(module.Pass(lively_net(_small(), 5).eval(), Run(images, MEAN, STD, side), 16, 1), kept)
        assert list(kept) == [side]


def test_no_more_processes_run_than_have_memory_for_their_batches(
    images: NDArray[np.uint8], lively_net: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr("grader.probes.spread.IN_FLIGHT", 2 * 16 * 40**2)

    def alone(work: Any, count: int, processes: int) -> Any:
        asked.append(processes)
        return [work(number) for number in range(count)]

    monkeypatch.setattr(module, "spread", alone)
    monkeypatch.setattr(module, "batch_size", lambda net, side: 16)
    evaluate(lively_net(_small(), 5), Run(images, MEAN, STD, 40), "cpu", 8)
    assert set(asked) == {2}


def test_a_dead_network_gives_equal_logits_and_the_first_class(bfloat16: bool, images: NDArray[np.uint8]) -> None:
    net = _small()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.zero_()

    result = evaluate(net, Run(images, MEAN, STD, 0), "cpu")

    assert (result.logits == 0.0).all()
    assert result.second_looks == len(images)


def test_nan_and_infinite_logits_stay_what_they_are_and_spoil_no_other_image(
    bfloat16: bool, images: NDArray[np.uint8], lively_net: Any
) -> None:
    net = _Sometimes(lively_net(_small(), 7))
    expected = _plain(net, images)
    finite = np.isfinite(expected).all(axis=1)
    assert 0 < finite.sum() < len(images)
    assert np.isnan(expected).any()
    assert np.isinf(expected).any()

    result = evaluate(net, Run(images, MEAN, STD, 0), "cpu")

    assert (np.isfinite(result.logits).all(axis=1) == finite).all()
    assert (result.logits[finite].argmax(axis=1) == expected[finite].argmax(axis=1)).all()


@pytest.mark.parametrize("count", [1, 2, 3, 17, 63])
def test_a_batch_size_that_does_not_divide_the_count_leaves_no_image_out(
    count: int, bfloat16: bool, images: NDArray[np.uint8], lively_net: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "batch_size", lambda net, side: 16)
    net = lively_net(_small(), 8)

    result = evaluate(net, Run(images[:count], MEAN, STD, 0), "cpu")

    assert result.logits.shape == (count, 10)
    assert (result.logits.argmax(axis=1) == _plain(net, images[:count]).argmax(axis=1)).all()


def test_evaluation_mode_is_set_and_statistics_are_left_alone(images: NDArray[np.uint8], lively_net: Any) -> None:
    net = nn.Sequential(lively_net(_small()), nn.Dropout(0.9)).train()
    before = {key: value.clone() for key, value in net.state_dict().items()}

    one, other = (evaluate(net, Run(images, MEAN, STD, 0), "cpu").logits for _ in range(2))

    assert (one == other).all()
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


def test_scale_and_order_of_colours_and_side_reach_the_network(images: NDArray[np.uint8]) -> None:
    net = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 10, bias=False))
    with torch.no_grad():
        net[2].weight.zero_()
        net[2].weight[:3] = torch.eye(3)

    result = evaluate(net, Run(images, (1.0, 2.0, 3.0), (4.0, 5.0, 6.0), 48, scale=1.0, reverse=True), "cpu")

    blue_first = images[:, ::-1].astype(np.float64).mean(axis=(2, 3))
    expected = (blue_first - np.array([1.0, 2.0, 3.0])) / np.array([4.0, 5.0, 6.0])
    # resizing rounds to whole grey levels, and bfloat16 stays where no prediction depends on it
    assert result.logits[:, :3] == pytest.approx(expected, rel=0.02, abs=0.2)


# --- memory of the GPU -----------------------------------------------------------------------------------------


def _small_gpu(monkeypatch: pytest.MonkeyPatch, fits: int) -> list[int]:
    """A device on which no more than so many images fit; returns the batches that were tried."""
    tried: list[int] = []
    forward = module._forward

    def limited(net: nn.Module, x: Tensor) -> Tensor:
        tried.append(len(x))
        if len(x) > fits:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return forward(net, x)

    monkeypatch.setattr(module, "_forward", limited)
    return tried


def test_a_batch_that_does_not_fit_is_halved_until_it_does(
    images: NDArray[np.uint8], lively_net: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = lively_net(_small(), 9)
    tried = _small_gpu(monkeypatch, fits=10)

    with torch.inference_mode():
        logits, batch = module._all_that_fits(net, Run(images, MEAN, STD, 0), 40, "cpu")

    assert tried[:3] == [40, 20, 10]
    assert batch == 10
    assert logits.numpy() == pytest.approx(_plain(net, images), abs=1e-4)


def test_a_single_image_that_does_not_fit_is_want_of_memory(
    images: NDArray[np.uint8], lively_net: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = _small_gpu(monkeypatch, fits=0)

    with pytest.raises(torch.cuda.OutOfMemoryError) as caught:
        module._all_that_fits(lively_net(_small()), Run(images, MEAN, STD, 0), 40, "cpu")

    assert tried == [40, 20, 10, 5, 2, 1]
    assert is_memory_error(caught.value)


@pytest.mark.parametrize(("resize", "crop"), [(0, 28), (0, 25), (40, 0), (64, 48), (40, 33)])
def test_images_are_resized_and_cropped_as_torchvision_does(resize: int, crop: int, images: NDArray[np.uint8]) -> None:
    steps = [transforms.Resize(resize)] if resize else []
    steps += [transforms.CenterCrop(crop)] if crop else []
    whole = transforms.Compose([*steps, transforms.ToTensor(), transforms.Normalize(MEAN, STD)])
    expected = torch.stack([whole(Image.fromarray(image.transpose(1, 2, 0))) for image in images[:8]])

    run = Run(images[:8], MEAN, STD, resize, crop)
    given = network_inputs(run, slice(0, 8), "cpu")

    grey_level = 1.01 / 255 / min(STD) if resize else 1e-5  # PIL rounds a resized pixel in its own way
    assert given.shape == expected.shape == (8, 3, run.side, run.side)
    assert float((given - expected).abs().max()) <= grey_level
