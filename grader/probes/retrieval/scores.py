"""Recomputes scores of library images for queries from the images themselves, in one or several ways.

No student code runs here. A way is a pass over the images (how they become inputs, whether BatchNorm runs in
training mode) and, for each pass, where features are read and how two of them are compared.
"""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import normalize

from grader.probes.refusals import Refuse, phrase
from grader.probes.retrieval.extractors import RANDOM, Taps, build_extractor
from grader.probes.retrieval.passes import TAKEN_FROM, Way, all_passes, features_of, way_of
from grader.probes.spread import threads_in_each

MOST_NPZ = 400 << 20  # bytes, unpacked


def compute_scores(inputs: dict[str, Any], files: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return scores, float32 (Q, L), as `scores_<pass>_<n>` for `files["bundle"]`, the library first, then the queries.

    `inputs`: model, weights, seed (see extractors.py), threads, library and queries (how many), and passes, each with
    a pipeline, training, bfloat16, and scores, each with tap and compare. A way that cannot be computed gives NaN.
    Also the digest of the network. Raises Refuse.
    """
    model, network = _model(inputs, files)
    library = int(inputs["library"])
    arrays: dict[str, bytes] = {}
    passes: list[dict[str, Any]] = inputs["passes"]
    with torch.inference_mode():
        found = all_passes(model, files["bundle"], [way_of(one) for one in passes], int(inputs["threads"]))
        for nth, (one, taps) in enumerate(zip(passes, found, strict=True)):
            for place, how in enumerate(one["scores"]):
                scores = _scores(taps, library, str(how["tap"]), str(how["compare"])) if taps else None
                shape = (int(inputs["queries"]), library)
                values = np.full(shape, np.nan, "<f4") if scores is None else scores.numpy().astype("<f4")
                arrays[f"scores_{nth}_{place}"] = values.tobytes()
    return {"network": network}, arrays


def compute_vectors(inputs: dict[str, Any], files: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return features of each picture of `files["bundle"]` as `vectors`, float32: pass by pass, picture by picture.

    `inputs`: as for compute_scores, without library and queries; of each pass the features of the taps are returned
    one after the other, as long as "widths" says: 0 where a pass cannot be computed. Raises Refuse.
    """
    model, network = _model(inputs, files)
    passes: list[dict[str, Any]] = inputs["passes"]
    with torch.inference_mode():
        found = all_passes(model, files["bundle"], [way_of(one) for one in passes], int(inputs["threads"]))
    widths: list[list[int]] = []
    data: list[bytes] = []
    for nth, one in enumerate(passes):
        taps, found[nth] = found[nth], None  # each pass is released when it is written: they are large
        names = [str(how["tap"]) for how in one["scores"]]
        whole = taps is not None and all(getattr(taps, TAKEN_FROM[name]).numel() for name in names)
        rows = [features_of(taps, name).numpy() for name in names] if taps is not None and whole else []
        widths.append([row.shape[1] for row in rows] or [0] * len(names))
        data.append(np.concatenate(rows, axis=1).astype("<f4").tobytes() if rows else b"")
    return {"network": network, "widths": widths}, {"vectors": b"".join(data)}


def _model(inputs: Mapping[str, Any], files: Mapping[str, int]) -> tuple[nn.Module, str]:
    """Build the network, and return its digest too. Processes with more than one thread could not be forked."""
    torch.set_num_threads(threads_in_each(int(inputs["threads"])))
    model = build_extractor(inputs, files)
    return model, digest_of(model, inputs["weights"] == RANDOM)


def digest_of(model: nn.Module, drawn: bool) -> str:
    """Return what is the same for one network under two names: a digest of its values, of a drawn one of its shapes."""
    digest = hashlib.sha256()
    for value in model.state_dict().values():
        digest.update(f"{tuple(value.shape)} ".encode())
        if not drawn:
            digest.update(value.detach().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


# --- from features to scores -----------------------------------------------------------------------------------


Compare = Callable[[Tensor, Tensor], Tensor]
COMPARE: dict[str, Compare] = {  # of queries (Q, D) and library (L, D), to (Q, L)
    "cosine": lambda queries, library: normalize(queries, dim=1) @ normalize(library, dim=1).T,
    "dot": lambda queries, library: queries @ library.T,
    "query": lambda queries, library: normalize(queries, dim=1) @ library.T,
    "columns": lambda queries, library: normalize(queries, dim=0) @ normalize(library, dim=0).T,
    "distance": torch.cdist,
    "unit distance": lambda queries, library: torch.cdist(normalize(queries, dim=1), normalize(library, dim=1)),
}


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
    model, _ = _model(inputs, files)
    names: list[str] = inputs["paths"]
    rows, places = _handed_in(files["features"], str(inputs["key"]))
    theirs = _rows(rows, places, names)
    with torch.inference_mode():
        (taps,) = all_passes(model, files["bundle"], [Way(inputs["pipeline"])], int(inputs["threads"]))
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
