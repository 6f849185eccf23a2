"""Recomputes scores of library images for queries from the images themselves, in one or several ways.

No student code runs here. A way is a pass over the images (how they become inputs, whether BatchNorm runs in
training mode) and, for each pass, where features are read and how two of them are compared.
"""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import normalize
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as transform

from grader.probes.refusals import Refuse, phrase
from grader.probes.retrieval.extractors import RANDOM, Taps, build_extractor, read_off
from grader.probes.retrieval.pictures import open_picture, read_bundle

BATCH = 16
MOST_AT_ONCE = BATCH * 256 * 256  # pixels of a batch
MOST_KEPT = 200_000_000  # pixels of decoded pictures that are kept between passes
MOST_NPZ = 400 << 20  # bytes, unpacked


def compute_scores(inputs: dict[str, Any], files: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return scores, float32 (Q, L), as `scores_<pass>_<n>` for `files["bundle"]`, the library first, then the queries.

    `inputs`: model, weights, seed (see extractors.py), threads, library and queries (how many), and passes, each with
    a pipeline, training, bfloat16, and scores, each with tap and compare. A way that cannot be computed gives NaN.
    Also the digest of the network. Raises Refuse.
    """
    torch.set_num_threads(int(inputs["threads"]))
    model = build_extractor(inputs, files)
    network = digest_of(model, inputs["weights"] == RANDOM)
    library = int(inputs["library"])
    arrays: dict[str, bytes] = {}
    passes: list[dict[str, Any]] = inputs["passes"]
    with torch.inference_mode():
        found = _all_passes(model, files["bundle"], [_way(one) for one in passes])
        for nth, (one, taps) in enumerate(zip(passes, found, strict=True)):
            for place, how in enumerate(one["scores"]):
                scores = _scores(taps, library, str(how["tap"]), str(how["compare"])) if taps else None
                shape = (int(inputs["queries"]), library)
                values = np.full(shape, np.nan, "<f4") if scores is None else scores.numpy().astype("<f4")
                arrays[f"scores_{nth}_{place}"] = values.tobytes()
    return {"network": network}, arrays


def digest_of(model: nn.Module, drawn: bool) -> str:
    """Return what is the same for one network under two names: a digest of its values, of a drawn one of its shapes."""
    digest = hashlib.sha256()
    for value in model.state_dict().values():
        digest.update(f"{tuple(value.shape)} ".encode())
        if not drawn:
            digest.update(value.detach().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


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
        return Taps(*(getattr(taps, name) if name in self.wanted else nothing for name in Taps.__slots__))


def _way(told: Mapping[str, Any]) -> Way:
    wanted = {TAKEN_FROM[str(how["tap"])] for how in told["scores"]}
    return Way(told["pipeline"], bool(told["training"]), frozenset(wanted), bool(told["bfloat16"]))


def _all_passes(model: nn.Module, bundle: int, ways: Sequence[Way]) -> list[Taps | None]:
    """Run every image through the network in each way; None for one in which it cannot process them."""
    parts: list[list[Taps] | None] = [[] for _ in ways]
    for pictures in _decoded(bundle):
        for place, way in enumerate(ways):
            some = parts[place]
            taps = None if some is None else _pass(model, pictures, way)
            parts[place] = None if some is None or taps is None else [*some, taps]
    return [None if some is None else _joined(some) for some in parts]


def _joined(parts: Sequence[Taps]) -> Taps:
    return Taps(*(_together([getattr(part, name) for part in parts]) for name in Taps.__slots__))


def _pass(model: nn.Module, pictures: Sequence[Image.Image], way: Way) -> Taps | None:
    """Run every image through the network; None if it cannot process them this way (BatchNorm over a single value)."""
    model.eval()
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):  # dropout is left off: it would depend on chance
            module.train(way.training)
            module.momentum = 0.0  # one pass leaves nothing for the next
    inputs = (to_input(picture, way.pipeline) for picture in pictures)
    try:
        with torch.autocast("cpu", torch.bfloat16, enabled=way.bfloat16):
            parts = [way.kept(read_off(model, batch)) for batch in _batches(inputs, 1 if way.training else BATCH)]
    except (ValueError, RuntimeError) as error:
        if "can't allocate memory" in str(error):
            raise
        if way.training or way.pipeline["crop"] == 0:
            return None
        raise Refuse("extractor_input", problem=str(error).splitlines()[0][:200]) from error
    return _joined(parts)


def _together(parts: Sequence[Tensor]) -> Tensor:
    """Return one tensor of all pictures; nothing if their shapes differ, where nothing was cropped or pooled."""
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
            yield torch.stack(batch)
            batch = []
        batch.append(x)
    if batch:
        yield torch.stack(batch)


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


# --- from features to scores -----------------------------------------------------------------------------------


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


Compare = Callable[[Tensor, Tensor], Tensor]
COMPARE: dict[str, Compare] = {  # of queries (Q, D) and library (L, D), to (Q, L)
    "cosine": lambda queries, library: normalize(queries, dim=1) @ normalize(library, dim=1).T,
    "dot": lambda queries, library: queries @ library.T,
    "query": lambda queries, library: normalize(queries, dim=1) @ library.T,
    "columns": lambda queries, library: normalize(queries, dim=0) @ normalize(library, dim=0).T,
    "distance": torch.cdist,
    "unit distance": lambda queries, library: torch.cdist(normalize(queries, dim=1), normalize(library, dim=1)),
}


TAKEN_FROM = {"head": "head", "last": "last", "map": "map", "position": "map", "logits": "logits", "softmax": "logits"}


def _scores(taps: Taps, library: int, tap: str, compare: str) -> Tensor | None:
    if not getattr(taps, TAKEN_FROM[tap]).numel():
        return None
    features = features_of(taps, tap).double()
    return COMPARE[compare](features[library:], features[:library])


# --- from handed-in features -----------------------------------------------------------------------------------


def compare_features(inputs: dict[str, Any], files: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return how far the rows of `files["features"]` are from those of `files["bundle"]`, as `off`, float32 (N,).

    Rows have length one; the unit is the median distance between the pictures' own. NaN: not in the file. `inputs`:
    as for compute_scores, key (the array), paths (of the bundle), and pipeline. Raises Refuse.
    """
    torch.set_num_threads(int(inputs["threads"]))
    model = build_extractor(inputs, files)
    names: list[str] = inputs["paths"]
    rows, places = _handed_in(files["features"], str(inputs["key"]))
    theirs = _rows(rows, places, names)
    with torch.inference_mode():
        (taps,) = _all_passes(model, files["bundle"], [Way(inputs["pipeline"])])
    off = torch.full((len(names),), float("nan"), dtype=torch.float64)
    for tap in ("head", "last"):
        kept = taps is not None and getattr(taps, tap).numel()
        ours = normalize(features_of(taps, tap).double(), dim=1) if taps and kept else theirs.new_zeros(0)
        if ours.shape == theirs.shape:
            usual = torch.cdist(ours, ours)[~torch.eye(len(names), dtype=torch.bool)].median()
            off = torch.fmin(off, (theirs - ours).norm(dim=1) / usual)
    return {}, {"off": off.numpy().astype("<f4").tobytes()}


def scores_of_features(inputs: dict[str, Any], files: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return cosines, float32 (Q, L), as `scores`, from `files["features"]`, an .npz; NaN for images not in it.

    `inputs`: key (the array), library and queries (the paths, as the array `paths` may have them). Raises Refuse.
    """
    features, places = _handed_in(files["features"], str(inputs["key"]))
    of_library, of_queries = (_rows(features, places, inputs[which]) for which in ("library", "queries"))
    return {"dim": int(features.shape[1])}, {"scores": (of_queries @ of_library.T).numpy().astype("<f4").tobytes()}


def _handed_in(descriptor: int, key: str) -> tuple[Tensor, dict[str, int]]:
    """Return rows of length one, and the row of each path. Raises Refuse."""
    paths, rows = _arrays(descriptor, ("paths", key))
    if rows.ndim != 2 or len(rows) != len(paths) or rows.dtype.kind != "f":
        problem = phrase("rows_and_paths", name=key, shape=str(rows.shape), count=len(paths))
        raise Refuse("features_file", problem=problem)
    places = {_name(str(path)): place for place, path in enumerate(paths.tolist())}
    return normalize(torch.from_numpy(rows.astype(np.float64)), dim=1), places


def _rows(features: Tensor, places: Mapping[str, int], paths: Sequence[str]) -> Tensor:
    found = torch.full((len(paths), features.shape[1]), float("nan"), dtype=features.dtype)
    for row, path in enumerate(paths):
        place = places.get(_name(path))
        if place is not None:
            found[row] = features[place]
    return found


def _name(path: str) -> str:
    """Return the last two parts of a path, which are the same on every machine."""
    return "/".join(path.replace("\\", "/").split("/")[-2:]).casefold()


def _arrays(descriptor: int, names: tuple[str, ...]) -> list[NDArray[Any]]:
    """Read arrays of an .npz, never with pickle, never more than was announced. Raises Refuse."""
    with os.fdopen(os.dup(descriptor), "rb") as file:
        file.seek(0)
        data = file.read()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MOST_NPZ:
                raise Refuse("features_file", problem=phrase("unpacks_large", size=MOST_NPZ // 1_000_000))
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            missing = [name for name in names if name not in stored]
            if missing:
                raise Refuse("features_file", problem=phrase("no_array", name=missing[0]))
            return [stored[name] for name in names]
    except Refuse:
        raise
    except Exception as error:  # a broken zip, an array of objects, a shape that lies
        raise Refuse("features_file", problem=phrase("no_npz", kind=type(error).__name__)) from error
