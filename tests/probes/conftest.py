"""Checkpoints made by hand: what torch.save would write, what it would never write, and the probe that reads both."""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pydantic import TypeAdapter
from torch import Tensor, nn

from grader.evidence import RetrievalReport
from grader.evidence.refusals import heard_refusal
from grader.probes.rankings.reading import read_retrieval
from grader.probes.refusals import Refuse
from grader.probes.weights.checkpoint import run_checkpoint
from grader.sandbox.interface import HEADER_BYTES
from reference import models

COUNT = 64  # in the file; few tests need them all
FEW = 16
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


@dataclass(frozen=True)
class Probed:
    """What the checkpoint probe said of one file."""

    value: dict[str, Any]
    logits: NDArray[np.float32]

    @property
    def checkpoint(self) -> dict[str, Any]:
        return self.value["checkpoint"]


class Forge:
    """Writes checkpoints, honest and otherwise, and reads them with the probe in this process."""

    def __init__(self, images: Path) -> None:
        self.images = images

    @staticmethod
    def save(found: Any, **keywords: Any) -> bytes:
        file = io.BytesIO()
        torch.save(found, file, **keywords)
        return file.getvalue()

    @staticmethod
    def zipped(pickled: bytes, records: Mapping[str, bytes] | None = None, top: str = "archive/") -> bytes:
        """A checkpoint around a pickle written by hand."""
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(f"{top}data.pkl", pickled)
            for name, data in {"byteorder": b"little", "version": b"3\n", **(records or {})}.items():
                archive.writestr(top + name, data)
        return file.getvalue()

    @staticmethod
    def rewritten(data: bytes, change: Callable[[bytes], bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
        """The same checkpoint with its pickle changed, checksums and all."""
        file = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(file, "w", compression) as target:
            for entry in source.infolist():
                held = source.read(entry)
                target.writestr(entry.filename, change(held) if entry.filename.endswith("data.pkl") else held)
        return file.getvalue()

    @staticmethod
    def calling(name: str, *arguments: str | int | bytes) -> bytes:
        """A pickle of a dict whose only value is what calling `module.name` gives, written without importing it."""
        module, _, last = name.rpartition(".")
        return (
            b"\x80\x02}" + text("x") + b"c" + f"{module}\n{last}\n".encode() + b"("
            + b"".join(map(_argument, arguments)) + b"tRs."
        )  # fmt: skip

    def probe(self, data: bytes, count: int = FEW, side: int = 0) -> Probed:
        """Read and run a checkpoint as the sandbox's child does, in this process. Raises Refuse."""
        run = {"images": "images", "count": count, "mean": MEAN, "std": STD, "resize": side, "scale": 255.0}
        inputs = {"file": "final.pth", "device": "cpu", "threads": 1, "runs": [{**run, "crop": 0, "reverse": False}]}
        with tempfile.TemporaryFile() as file, self.images.open("rb") as images:
            file.write(data)
            file.flush()
            value, arrays = run_checkpoint(inputs, {"checkpoint": os.dup(file.fileno()), "images": images.fileno()})
        return Probed(value, np.frombuffer(arrays["logits_0"], "<f4").reshape(count, 10))

    def refusal(self, data: bytes) -> tuple[str, str, list[str]]:
        """The code, the sentence and the details with which a checkpoint is refused."""
        with pytest.raises(Refuse) as caught:
            self.probe(data, count=2)
        refused = heard_refusal(caught.value.code, caught.value.values)
        return caught.value.code, refused.message.english(), caught.value.details


def text(word: str) -> bytes:
    """A str, pickled."""
    data = word.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(data)) + data


def _argument(value: str | int | bytes) -> bytes:
    if isinstance(value, bytes):  # as it is: opcodes
        return value
    return text(value) if isinstance(value, str) else b"\x8a\x08" + struct.pack("<q", value)


def lively(net: nn.Module, seed: int = 0) -> nn.Module:
    """Random weights and BatchNorm statistics, so that no layer is the identity and no two logits are equal."""
    generator = torch.Generator().manual_seed(seed)
    for name, value in net.state_dict().items():
        if name.endswith("running_var"):
            value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
        elif name.endswith(("running_mean", "bias")) or value.ndim == 1:
            value.copy_(torch.randn(value.shape, generator=generator) * 0.2 + (0.0 if "bias" in name else 0.5))
        elif value.is_floating_point():
            fan_in = value[0].numel()
            value.copy_(torch.randn(value.shape, generator=generator) * (2.0 / fan_in) ** 0.5)
    return net.eval()


@pytest.fixture(scope="session")
def read_report() -> Callable[..., RetrievalReport]:
    """What the probe reads in documents, each a name and its content, checked as it is on its way out of a sandbox."""

    def read(*documents: tuple[str, str | bytes], parts: tuple[str, ...] = ()) -> RetrievalReport:
        with ExitStack() as stack:
            descriptors = {}
            for name, content in documents:
                file = stack.enter_context(tempfile.TemporaryFile())
                file.write(content if isinstance(content, bytes) else content.encode())
                file.flush()
                descriptors[name] = file.fileno()
            value, arrays = read_retrieval({"names": list(descriptors), "parts": parts}, descriptors)
        answer = json.dumps(value, allow_nan=False)
        assert arrays == {}
        assert len(answer) < HEADER_BYTES
        return TypeAdapter(RetrievalReport).validate_json(answer)

    return read


@pytest.fixture(scope="session")
def images_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn pictures, uint8 (64, 3, 32, 32), as .npy: smooth enough that networks answer differently to them."""
    random = np.random.default_rng(0)
    coarse = torch.from_numpy(random.uniform(0, 255, (COUNT, 3, 4, 4)))
    smooth = nn.functional.interpolate(coarse, size=32, mode="bilinear")
    path = tmp_path_factory.mktemp("images") / "images.npy"
    np.save(path, smooth.clamp(0, 255).numpy().astype(np.uint8))
    return path


@pytest.fixture(scope="session")
def forge(images_file: Path) -> Forge:
    return Forge(images_file)


@pytest.fixture(scope="session")
def resnet20_weights() -> dict[str, Tensor]:
    """The state dict of a ResNet20 with random weights; tests copy it and never change it."""
    return lively(models.resnet20("A")).state_dict()


@pytest.fixture(scope="session")
def plain_logits(forge: Forge, resnet20_weights: dict[str, Tensor]) -> NDArray[np.float32]:
    """What the ResNet20's plain state dict answers: every other form must answer the same."""
    return forge.probe(forge.save(resnet20_weights)).logits


@pytest.fixture
def lively_net() -> Callable[..., nn.Module]:
    return lively


STUDENT_SCRIPT = """
import functools, sys, types
import torch
sys.path[:0] = sys.argv[3:4]
source = open(sys.argv[1]).read().replace('if __name__ == "__main__":', "if False:")
weights = torch.load(sys.argv[2] + "/weights.pth")

def save(module_name, rename=None, change=lambda net: net, file=None):
    # the student's own module: its name is the student's, and the grader does not have it
    module = sys.modules[module_name] if module_name == "__main__" else types.ModuleType(module_name)
    sys.modules[module_name] = module
    exec(compile(source, module_name, "exec"), module.__dict__)
    net = module.resnet20("A")
    net.load_state_dict(weights)
    if rename:
        cls = module.ResNet
        cls.__name__ = cls.__qualname__ = rename
        setattr(module, rename, cls)
    torch.save(change(net), f"{sys.argv[2]}/{file or module_name}.pth")

def with_attributes(net):
    net.activation = torch.relu
    net.other = torch.nn.functional.relu
    net.norm = functools.partial(torch.nn.BatchNorm2d, eps=1e-3)
    return net

save("models")
save("__main__")
save("lowercase", rename="resnet")
save("attributes", change=with_attributes)
save("parallel", change=torch.nn.DataParallel)
save("optimizer", change=lambda net: {"model": net, "optimizer": torch.optim.SGD(net.parameters(), lr=0.1)})
"""


@pytest.fixture(scope="session")
def student_modules(
    tmp_path_factory: pytest.TempPathFactory, resnet20_weights: dict[str, Tensor]
) -> Iterator[dict[str, bytes]]:
    """Whole modules saved by a student's process, whose classes exist nowhere in this one, by file name."""
    folder = tmp_path_factory.mktemp("student")
    torch.save(resnet20_weights, folder / "weights.pth")
    source = Path(models.__file__)
    command = [sys.executable, "-c", STUDENT_SCRIPT, str(source), str(folder), *sys.path[:1]]
    subprocess.run(command, check=True, cwd=folder)
    (folder / "weights.pth").unlink()
    yield {path.stem: path.read_bytes() for path in folder.glob("*.pth")}
