"""Runs pictures through a network, once for each way to prepare them, and keeps what features are read from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import normalize
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as transform

from grader.probes.refusals import Refuse
from grader.probes.retrieval.extractors import Taps, read_off
from grader.probes.retrieval.pictures import open_picture, read_bundle
from grader.probes.spread import fitting, pieces, spread
from grader.probes.weights.ways import batch_size

MOST_AT_ONCE = 16 * 256 * 256  # pixels of a batch
MOST_KEPT = 200_000_000  # pixels of decoded pictures that are kept between passes
TAKEN_FROM = {"head": "head", "last": "last", "map": "map", "position": "map", "logits": "logits", "softmax": "logits"}


def _decoded(bundle: int) -> Iterator[list[Image.Image]]:
    """Yield the images of a bundle, as many at once as may be kept: each is decoded once for all passes."""
    kept: list[Image.Image] = []
    pixels = 0
    for data in read_bundle(bundle):
        picture = open_picture(data)
        pixels += picture.width * picture.height
        if kept and pixels > MOST_KEPT:
            yield kept
            kept, pixels = [], picture.width * picture.height
        kept.append(picture)
    if kept:
        yield kept


@dataclass(frozen=True, slots=True)
class Way:
    """How pictures become inputs, whether BatchNorm trains, and which outputs are kept: maps of many would be large."""

    pipeline: Mapping[str, Any]
    training: bool = False
    wanted: frozenset[str] = frozenset({"head", "last"})
    bfloat16: bool = False

    def kept(self, taps: Taps) -> Taps:
        """Leave out what nobody wants."""
        nothing = torch.empty(0)
        return Taps(*(getattr(taps, name).float() if name in self.wanted else nothing for name in Taps.__slots__))


def way_of(told: Mapping[str, Any]) -> Way:
    """Return the way that a pass of a job tells."""
    wanted = {TAKEN_FROM[str(how["tap"])] for how in told["scores"]}
    return Way(told["pipeline"], bool(told["training"]), frozenset(wanted), bool(told["bfloat16"]))


def all_passes(model: nn.Module, bundle: int, ways: Sequence[Way], processes: int = 1) -> list[Taps | None]:
    """Run every image through the network in each way; None for one in which it cannot process them."""
    model.to(memory_format=torch.channels_last)
    parts: list[list[Taps] | None] = [[] for _ in ways]
    for pictures in _decoded(bundle):
        for place, way in enumerate(ways):
            some = parts[place]
            taps = None if some is None else _pass(model, pictures, way, processes)
            parts[place] = None if some is None or taps is None else [*some, taps]
    return [None if some is None else _joined(some) for some in parts]


def _joined(parts: Sequence[Taps]) -> Taps:
    return Taps(*(_together([getattr(part, name) for part in parts]) for name in Taps.__slots__))


def _pass(model: nn.Module, pictures: Sequence[Image.Image], way: Way, processes: int) -> Taps | None:
    """Run every image through the network; None if it cannot process them this way (BatchNorm over a single value)."""
    model.eval()
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):  # dropout is left off: it would depend on chance
            module.train(way.training)
            module.momentum = 0.0  # one pass leaves nothing for the next
    most = 1 if way.training else batch_size(model, way.pipeline["crop"] or way.pipeline["resize"])
    shares = [pictures[start : start + most] for start in range(0, len(pictures), most)]
    shares = [list(chain(*some)) for some in pieces(shares)]
    processes = fitting(processes, most * _pixels(pictures, way.pipeline))

    def one_share(number: int) -> tuple[NDArray[Any], ...]:
        inputs = (to_input(picture, way.pipeline) for picture in shares[number])
        with torch.autocast("cpu", torch.bfloat16, enabled=way.bfloat16):
            found = _joined([way.kept(read_off(model, batch)) for batch in _batches(inputs, most)])
        return tuple(getattr(found, name).numpy() for name in Taps.__slots__)

    try:
        parts = [Taps(*map(torch.from_numpy, part)) for part in spread(one_share, len(shares), processes)]
    except (ValueError, RuntimeError) as error:
        if "can't allocate memory" in str(error):
            raise
        if way.training or way.pipeline["crop"] == 0:
            return None
        raise Refuse("extractor_input", problem=str(error).splitlines()[0][:200]) from error
    return _joined(parts)


def _pixels(pictures: Sequence[Image.Image], how: Mapping[str, Any]) -> int:
    """Return the pixels of the largest input."""
    side = int(how["crop"] or how["resize"])
    if how["crop"] or how["squash"]:
        return side**2
    longest = max(max(picture.size) / min(picture.size) for picture in pictures)
    return min(MOST_AT_ONCE, int(side**2 * longest))


def _together(parts: Sequence[Tensor]) -> Tensor:
    """Return one tensor of all pictures; nothing if their shapes differ, where nothing was cropped or pooled."""
    if not all(part.numel() for part in parts):
        return torch.empty(0)
    try:
        return torch.cat(list(parts))
    except RuntimeError:
        return torch.empty(0)


def _batches(inputs: Iterator[Tensor], most: int) -> Iterator[Tensor]:
    """Batch neighbours of the same shape, as many as fit. Raises ValueError for an input that alone is too large."""
    batch: list[Tensor] = []
    for x in inputs:
        pixels = x.shape[1] * x.shape[2]
        if pixels > MOST_AT_ONCE:
            raise ValueError(f"an input of {x.shape[1]} x {x.shape[2]} pixels is too large")
        if batch and (x.shape != batch[0].shape or len(batch) == most or (len(batch) + 1) * pixels > MOST_AT_ONCE):
            yield torch.stack(batch).contiguous(memory_format=torch.channels_last)
            batch = []
        batch.append(x)
    if batch:
        yield torch.stack(batch).contiguous(memory_format=torch.channels_last)


def to_input(picture: Image.Image, how: Mapping[str, Any]) -> Tensor:
    """Convert an RGB image to the network's input, float32 (3, H, W), by the fields of evidence.Pipeline."""
    size = [how["resize"], how["resize"]] if how["squash"] else [how["resize"]]
    mode = InterpolationMode(how["interpolation"])
    if how["antialias"] or mode is InterpolationMode.NEAREST:
        pixels: Tensor = transform.pil_to_tensor(transform.resize(picture, size, mode))
    else:
        pixels = transform.resize(transform.pil_to_tensor(picture), size, mode, antialias=False)
    if how["crop"]:
        pixels = transform.center_crop(pixels, [how["crop"]])
    if how["blue_first"]:
        pixels = pixels.flip(0)
    x: Tensor = transform.normalize(pixels.float() / how["scale"], list(how["mean"]), list(how["std"]))
    return x


def features_of(taps: Taps, tap: str) -> Tensor:
    """Return the features of a tap, (N, D)."""
    match tap:
        case "head":
            values = taps.head
            return values.mean(dim=(2, 3)) if values.ndim == 4 and values.shape[-1] > 1 else values.flatten(1)
        case "last":
            return taps.last.flatten(1)
        case "map":
            return taps.map.flatten(1)
        case "position":
            return normalize(taps.map, dim=1).flatten(1)
        case "logits":
            return taps.logits
        case "softmax":
            return taps.logits.softmax(dim=1)
        case _:
            raise ValueError(f"no tap is called {tap}")
