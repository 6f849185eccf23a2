"""Keeps the features of pictures, so that a library that a whole class was given is computed once.

What is kept was computed where no student code runs, by a network of torchvision, from the bytes of the picture; it is
found by the digest of all that it depends on. Only numbers are read back.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.collect.equipment import Equipment
from grader.collect.retrieval.networks import Network
from grader.collect.retrieval.pictures import bundle
from grader.disk.kept import Kept
from grader.evidence import Failure, Malformed, Pipeline
from grader.evidence.wording import phrase
from grader.measures.ranking_distance import Scores
from grader.measures.ways import Way
from grader.sandbox import Job, Limits, Reply, Rest

MOST_BYTES = 512 << 20  # of a cache: some 60,000 pictures with a ResNet50
MOST_WIDTH = 150_000  # numbers of a picture from all passes: a VGG16 has 25,088 before its first linear layer
TAPS = ("head", "last")
HEAD = struct.Struct("<64sII")  # digest of the network, widths of both taps
MOST_PICTURES = 500  # of one job, whose answer is held in memory
SOURCES = (
    "retrieval/extractors.py", "retrieval/passes.py", "retrieval/pictures.py", "retrieval/scores.py", "spread.py",
    "weights/ways.py",
)  # fmt: skip

Vectors = tuple[NDArray[np.float32], NDArray[np.float32]]  # of one picture: at the head, and at the last linear layer
Pass = tuple[Pipeline, bool]  # how pictures are prepared, and whether in bfloat16


@dataclass(frozen=True, slots=True)
class Known:
    """Features of pictures in each pass; None where a pass cannot be computed. And the digest of the network."""

    vectors: dict[Pass, list[Vectors | None]]
    network: str

    def scores(self, way: Way, how: Pass, library: int) -> Scores:
        """Return cosines (Q, L) at the tap of a way; the library comes first. NaN where there are no features."""
        found = [one[TAPS.index(way.tap)] for one in self.vectors[how] if one is not None]
        queries = len(self.vectors[how]) - library
        if len(found) < library + queries or len({len(one) for one in found}) != 1:
            return np.full((queries, library), np.nan)
        rows = np.stack(found).astype(np.float64)
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        scores: Scores = (rows[library:] @ rows[:library].T).astype("<f4").astype(np.float64)
        return scores


def is_kept(ways: Sequence[Way], network: Network, equipment: Equipment) -> bool:
    """Return whether the features that these ways need are kept.

    Pictures of different shapes are computed together: whether they have features may depend on all of them.
    """
    pipelines = [way.pipeline(network.pipeline) for way in ways]
    if not all(one.crop or one.squash for one in pipelines):
        return False
    plain = all(way.compare == "cosine" and way.tap in TAPS and not way.training for way in ways)
    return plain and bool(network.kept) and equipment.kept is not None


@dataclass(frozen=True, slots=True)
class Asked:
    """The features of these pictures by a network, in some passes."""

    pictures: Sequence[Path]
    network: Network
    passes: Sequence[Pass]


def vectors_of(asked: Asked, equipment: Equipment, left: Callable[[], Limits]) -> Known | Failure:
    """Return the features of pictures: those that are kept, and the others computed and then kept."""
    assert equipment.kept is not None
    kept = Kept(equipment.kept, MOST_BYTES)
    digests = [_digest(path) for path in asked.pictures]
    keys = {how: [_key(digest, asked.network, how) for digest in digests] for how in asked.passes}
    found: dict[Pass, list[Vectors | None]] = {}
    network = ""
    for how in asked.passes:
        read = [_read(kept.get(key)) for key in keys[how]]
        found[how] = [None if one is None else one[1] for one in read]
        network = next((one[0] for one in read if one is not None), network)
    absent = [at for at in range(len(digests)) if any(found[how][at] is None for how in asked.passes)]
    for start in range(0, len(absent), MOST_PICTURES):
        some = absent[start : start + MOST_PICTURES]
        computed = _computed(asked, some, equipment, left())
        if not isinstance(computed, Known):
            return computed
        network = computed.network
        for how in asked.passes:
            for at, vectors in zip(some, computed.vectors[how], strict=True):
                found[how][at] = vectors
                if vectors is not None and all(np.isfinite(one).all() for one in vectors):
                    kept.put(keys[how][at], _written(computed.network, vectors))
    return Known(found, network)


def _computed(asked: Asked, absent: Sequence[int], equipment: Equipment, limits: Limits) -> Known | Failure:
    """Compute features of some of the pictures in the sandbox."""
    taps = [{"tap": tap, "compare": "cosine"} for tap in TAPS]
    told = [
        {"pipeline": asdict(pipeline), "training": False, "bfloat16": bfloat16, "scores": taps}
        for pipeline, bfloat16 in asked.passes
    ]
    inputs = {**asked.network.inputs, "threads": equipment.threads, "passes": told}
    rest = Rest(4 * MOST_WIDTH * len(absent))
    with bundle([asked.pictures[at] for at in absent]) as file:
        files = {"bundle": file, **asked.network.files}
        job = Job("retrieval.scores.compute_vectors", inputs, files, {"vectors": rest}, limits)
        reply = equipment.sandbox.run(job)
    return _cut(reply, asked.passes, len(absent)) if isinstance(reply, Reply) else reply


def _cut(reply: Reply, passes: Sequence[Pass], count: int) -> Known | Malformed:
    """Cut the numbers of an answer into those of each pass and picture."""
    widths: Any = reply.value.get("widths")
    data = reply.arrays["vectors"].tobytes()
    if not _fits(widths, passes, count, len(data)):
        return Malformed(phrase("answer_values"))
    numbers = np.frombuffer(data, "<f4")
    found: dict[Pass, list[Vectors | None]] = {}
    start = 0
    for how, (head, last) in zip(passes, widths, strict=True):
        rows = numbers[start : start + count * (head + last)].reshape(count, head + last)
        start += rows.size
        found[how] = [(row[:head], row[head:]) if head else None for row in rows]
    return Known(found, str(reply.value.get("network"))[:64])


def _fits(widths: Any, passes: Sequence[Pass], count: int, size: int) -> bool:
    if not isinstance(widths, list) or len(widths) != len(passes):
        return False
    pairs = [isinstance(one, list) and len(one) == len(TAPS) for one in widths]
    if not all(pairs) or not all(type(width) is int and 0 <= width <= MOST_WIDTH for one in widths for width in one):
        return False
    return size == 4 * count * sum(sum(one) for one in widths)


# --- on the disk -------------------------------------------------------------------------------------------------


def _written(network: str, vectors: Vectors) -> bytes:
    head, last = vectors
    body = b"".join(one.astype("<f4").tobytes() for one in vectors)
    return HEAD.pack(network.encode("ascii", "replace"), len(head), len(last)) + body


def _read(data: bytes | None) -> tuple[str, Vectors] | None:
    """Read one picture's features; None for what has another form."""
    if data is None or len(data) < HEAD.size:
        return None
    network, head, last = HEAD.unpack(data[: HEAD.size])
    if len(data) != HEAD.size + 4 * (head + last):
        return None
    numbers = np.frombuffer(data, "<f4", offset=HEAD.size)
    return network.rstrip(b"\0").decode("ascii", "replace"), (numbers[:head], numbers[head:])


def _key(picture: str, network: Network, how: Pass) -> str:
    pipeline, bfloat16 = how
    told = {
        "picture": picture, "network": network.inputs, "kept": network.kept, "pipeline": asdict(pipeline),
        "bfloat16": bfloat16, "code": _code(),
    }  # fmt: skip
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def _code() -> str:
    """Return the digest of our own code that computes features."""
    home = Path(__file__).resolve().parents[2] / "probes"
    return hashlib.sha256(b"".join((home / name).read_bytes() for name in SOURCES)).hexdigest()
