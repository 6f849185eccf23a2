"""Classes that need arguments: each is built as its weights say, and what leaves no trace in them is not guessed."""

from __future__ import annotations

import contextvars
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from grader.probes.code import running
from grader.probes.code.arguments import MOST_TRIED, Facts, certain, combinations
from grader.probes.code.own_network import find_networks
from grader.probes.roots import Roots, use_roots
from grader.probes.weights.layout import block_counts, widths

BLOCKS = """
class Plain(nn.Module):
    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)

    def forward(self, x):
        return torch.relu(self.bn1(self.conv1(x)))

class Wide(nn.Module):
    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_planes, planes, 5, stride, 2, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)

    def forward(self, x):
        return torch.relu(self.bn1(self.conv1(x)))
"""
STAGES = """
class Net(nn.Module):
    def __init__({signature}):
        super().__init__()
        self.planes = {width}
        self.conv = nn.Conv2d({channels}, {width}, 3, padding=1)
        self.layer1 = self.stage({block}, {width}, {counts}[0], 1)
        self.layer2 = self.stage({block}, 2 * {width}, {counts}[1], 2)
        self.fc = nn.Linear(2 * {width}, {classes})

    def stage(self, block, planes, count, stride):
        layers = []
        for index in range(count):
            layers.append(block(self.planes, planes, stride if index == 0 else 1))
            self.planes = planes
        return nn.Sequential(*layers)

    def forward(self, x):
        return self.fc(self.layer2(self.layer1(self.conv(x))).mean((2, 3)))
"""
AS_TRAINED = {"block": "Wide", "counts": "[3, 2]", "width": "8", "channels": "3", "classes": "10"}


def _net(signature: str, **values: str) -> str:
    """The class as a student wrote it, and what it was trained as: `Wide` blocks, three and two, eight channels."""
    return BLOCKS + STAGES.format(signature=signature, **{**AS_TRAINED, **values})


NETS: dict[str, str] = {
    "nothing needed": _net("self"),
    "block and layers": _net("self, block, layers, num_classes", block="block", counts="layers", classes="num_classes"),
    "block and num_blocks": _net("self, block, num_blocks, num_classes=100", block="block", counts="num_blocks",
                                 classes="num_classes"),
    "annotations only": _net("self, kind: Type[nn.Module], how_many: List[int], nclass", block="kind",
                             counts="how_many", classes="nclass"),
    "defaults that were not trained": _net("self, block=Plain, layers=(1, 1), n_classes=1000", block="block",
                                           counts="layers", classes="n_classes"),
    "channels": _net("self, in_channels, out_dim", channels="in_channels", classes="out_dim"),
    "channels of grey images by default": _net("self, input_channels=1", channels="input_channels"),
    "image channels and size": _net("self, image_channels, image_size, num_class", channels="image_channels",
                                    classes="num_class"),
    "width": _net("self, base_width", width="base_width"),
    "another width by default": _net("self, nf=64, dropout=0.5, device='cuda'", width="nf"),
    "dropout and device": _net("self, drop_rate, device, pretrained"),
    "keywords only": _net("self, *, nc, n_out", channels="nc", classes="n_out"),
    "anything": _net("self, n_classes, *args, **kwargs", classes="n_classes"),
    "everything": _net("self, block, layers, width, in_channels, classes", block="block", counts="layers",
                       width="width", channels="in_channels", classes="classes"),
}  # fmt: skip
HEAD = "import torch\nfrom typing import List, Type\nfrom torch import nn\n"
Find = Callable[[str, dict[str, Tensor]], dict[str, Any]]


@pytest.fixture
def find(tmp_path: Path, forge: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Find]:
    """What `find_networks` says of a file beside these weights."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "pycache_prefix", None)

    def run(code: str, weights: dict[str, Tensor]) -> dict[str, Any]:
        (tmp_path / "students_net.py").write_text(HEAD + code, encoding="utf-8")
        use_roots(Roots(str(tmp_path), "/nowhere", "/nowhere", str(Path(running.__file__).parents[2])))
        with tempfile.TemporaryFile() as file:
            file.write(forge.save(weights))
            file.flush()
            inputs = {
                "file": "students_net.py",
                "weights": "final.pth",
                "classes": 10,
                "image": [3, 32, 32],
                "seconds": 60.0,
            }
            return find_networks(inputs, {"checkpoint": file.fileno()})[0]

    yield lambda code, weights: contextvars.copy_context().run(run, code, weights)
    sys.modules.pop("students_net", None)


def _trained() -> dict[str, Tensor]:
    scope: dict[str, Any] = {}
    exec(HEAD + NETS["nothing needed"], scope)
    torch.manual_seed(0)
    weights: dict[str, Tensor] = scope["Net"]().state_dict()
    return weights


def _names(found: dict[str, Any]) -> list[str]:
    return [fit[0] for fit in found["fits"]]


@pytest.mark.parametrize("kind", NETS)
def test_a_class_is_built_as_its_weights_say(kind: str, find: Find) -> None:
    assert _names(find(NETS[kind], _trained())) == ["Net"]


def test_a_class_with_other_weights_does_not_fit_whatever_is_tried(find: Find) -> None:
    weights = {**_trained(), "layer3.weight": torch.zeros(4)}

    assert _names(find(NETS["everything"], weights)) == []


def test_an_argument_without_a_meaning_is_named(find: Find) -> None:
    code = _net("self, num_heads, activation, in_channels", channels="in_channels")

    found = find(code, _trained())

    problem = next(other for other in found["others"] if other[0] == "Net")[-1]
    assert problem["code"] == "code_arguments"
    assert problem["values"]["arguments"] == "num_heads, activation"


def test_what_leaves_no_trace_in_the_weights_is_not_guessed(find: Find) -> None:
    """Both blocks have the same weights and answer differently."""
    same = BLOCKS.replace("planes, 3, stride, 1",
                                                                                  "planes, 5, stride, 2")  # fmt: skip
    same = same.replace("torch.relu", "torch.tanh", 1)
    code = same + STAGES.format(signature="self, block, layers", **{**AS_TRAINED, "block": "block", "counts": "layers"})

    found = find(code, _trained())

    assert _names(found) == []
    assert next(other for other in found["others"] if other[0] == "Net")[-1]["code"] == "code_arguments_differ"


def test_a_table_of_networks_in_the_file_is_tried(find: Find) -> None:
    code = """
cfg = {"VGG11": [8, "M", 16], "VGG13": [8, 8, "M", 16], "VGG16": [16, "M", 16]}

class VGG(nn.Module):
    def __init__(self, vgg_name):
        super().__init__()
        layers, planes = [], 3
        for x in cfg[vgg_name]:
            layers += [nn.MaxPool2d(2)] if x == "M" else [nn.Conv2d(planes, x, 3, padding=1), nn.ReLU()]
            planes = planes if x == "M" else x
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(16, 10)

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))
"""
    scope: dict[str, Any] = {}
    exec(HEAD + code, scope)

    assert _names(find(code, scope["VGG"]("VGG13").state_dict())) == ["VGG"]


@pytest.mark.parametrize(("depth", "widen"), [(10, 2), (16, 1)])
def test_depth_and_width_of_a_wide_resnet_follow_from_its_weights(depth: int, widen: int, find: Find) -> None:
    code = BLOCKS + textwrap.dedent("""
        class WideResNet(nn.Module):
            def __init__(self, depth, widen_factor, dropRate=0.3, num_classes=100):
                super().__init__()
                n = (depth - 4) // 6
                assert (depth - 4) % 6 == 0
                sizes = [16, 16 * widen_factor, 32 * widen_factor, 64 * widen_factor]
                self.conv1 = nn.Conv2d(3, 16, 3, padding=1)
                for index in (1, 2, 3):
                    blocks = [Plain(sizes[index - 1] if i == 0 else sizes[index], sizes[index]) for i in range(n)]
                    setattr(self, f"block{index}", nn.Sequential(*blocks))
                self.fc = nn.Linear(sizes[3], num_classes)

            def forward(self, x):
                return self.fc(self.block3(self.block2(self.block1(self.conv1(x)))).mean((2, 3)))
        """)
    scope: dict[str, Any] = {}
    exec(HEAD + code, scope)

    assert _names(find(code, scope["WideResNet"](depth, widen, 0.0, 10).state_dict())) == ["WideResNet"]


def test_a_function_is_called_only_with_what_is_certain(find: Find, tmp_path: Path) -> None:
    marker = tmp_path / "called"
    code = (
        NETS["block and layers"].replace("class Net", "class Inner")
        + textwrap.dedent(f"""
        def build(num_classes, in_channels, device):
            assert (num_classes, in_channels, device) == (10, 3, "cpu")
            return Inner(Wide, [3, 2], num_classes)

        def load(layers):
            open({str(marker)!r}, "w").close()
            return Inner(Wide, layers, 10)
        """).replace("Inner(Wide", "_made(Wide")
        + "\n_made = Inner\nclass Inner(nn.Module):\n    pass\n"
    )

    assert _names(find(code, _trained())) == ["build"]
    assert not marker.exists()


def test_only_so_many_combinations_are_tried() -> None:
    class Net(nn.Module):
        def __init__(self, width, nf, planes, layers, blocks, depth, hidden):
            super().__init__()

    shapes = {f"layer{stage}.{block}.weight": (stage * 10 + block, 3) for stage in range(9) for block in range(9)}

    tried = list(combinations(Net, Facts(10, shapes), "Net()"))

    assert len(tried) == MOST_TRIED
    assert len({str(one) for one in tried}) == MOST_TRIED


@pytest.mark.parametrize("name", ["num_classes", "n_classes", "nclass", "out_dim", "inChannels", "img_channels", "nc"])
def test_names_with_a_certain_value_are_known(name: str) -> None:
    assert certain(name)


@pytest.mark.parametrize("name", ["num_heads", "activation", "norm_layer", "stride", "pool", "x", "model", "layers"])
def test_names_without_one_are_not(name: str) -> None:
    assert not certain(name)


def test_blocks_are_counted_by_stage_outermost_first() -> None:
    keys = [f"layer{stage}.{block}.conv{conv}.weight" for stage, blocks in ((1, 2), (2, 3)) for block in range(blocks)
            for conv in (1, 2)]  # fmt: skip
    shapes: dict[str, tuple[int, ...]] = dict.fromkeys([*keys, "layer2.0.shortcut.0.weight", "head.0.weight",
                                                        "head.2.weight"], (8, 8))  # fmt: skip

    counts = block_counts(shapes)

    assert counts[0] == (2, 3)
    assert (2,) in counts, "two layers with weights"
    assert (3,) in counts, "three layers with the one between them"


def test_widths_are_those_of_all_layers_but_the_last() -> None:
    shapes = {"a.weight": (16, 3, 3, 3), "a.bias": (16,), "b.weight": (32, 16), "c.weight": (10, 32)}

    assert widths(shapes) == [16, 32]
