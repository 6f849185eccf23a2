"""extract_features.py: compares features of random networks with those that the trusted sandbox computes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.collect.code.caller import CALL_LIMITS, Call, Caller, observed
from grader.collect.subject import Look, Subject
from grader.evidence import FailedCall, Failure, FeatureVectors, Refused
from grader.labs import the_lab
from grader.sandbox import ArraySpec, Job, Reply, Sandbox

IMAGES = 2
SEEDS = {"alexnet": 5, "resnet50": 6}
COLUMNS = {"alexnet": 9216, "resnet50": 2048}
LOGITS = 7
Truth = dict[str, Reply | Failure]
# Rows of very different lengths with values of both signs; one of zeros, and one whose length is not seen by its sum.
ROWS = (
    (0.3, -0.1, 0.02, 0.5),
    (120.0, 40.0, -900.0, 3.0),
    (0.0, 0.0, 0.0, 0.0),
    (2.0, -2.0, 2.0, -2.0),
    (1e-4, 0.0, 2e-4, -3e-4),
)


def look(subject: Subject) -> FeatureVectors | Failure:
    """Observe both networks and `normalise`. Refused if neither task gives anything to judge."""
    caller, trusted = subject.caller, subject.equipment.sandbox
    truth = _true_features(trusted) if caller.will_run(the_lab().script_of("normalise")) else {}
    extracted: list[dict[str, Any]] = []
    failures: dict[str, Failure] = {}
    for network in SEEDS:
        found = _extract(caller, truth, trusted, network)
        if isinstance(found, dict):
            extracted.append(found)
        else:
            failures[f"{network}_features"] = found
    rows = np.array(ROWS, dtype=np.float32)
    call = Call(
        "normalise", "code.feature_vectors.call_normalise", {}, {"rows": rows}, {"values": ArraySpec("<f4", rows.shape)}
    )
    reply = caller.call(the_lab().script_of("normalise"), call)
    normalised, shape = None, None
    if isinstance(reply, Reply):
        shape = reply.value.get("shape")
        normalised = _plain(reply.arrays["values"]) if shape == list(rows.shape) else None
    else:
        failures["normalise"] = reply
    tasks = [failures.get(name) for name in ("alexnet_features", "normalise")]  # resnet50_features is given
    if isinstance(tasks[0], Refused) and isinstance(tasks[1], Refused):
        return caller.refused(tasks[0])
    for failure in failures.values():
        if not isinstance(failure, Refused):  # a fault of ours must not cost the student points
            return caller.refused(failure)
    fields = {"extracted": extracted, "rows": ROWS, "normalised": normalised, "normalised_shape": shape or []}
    failed = [FailedCall(name, one.message) for name, one in failures.items() if isinstance(one, Refused)]
    return observed(FeatureVectors, fields, caller, failed)


def _true_features(trusted: Sandbox) -> Truth:
    """Compute the correct features in the sandbox that runs no student code."""
    return {network: trusted.run(_true_job(network, ("right",))) for network in SEEDS}


def _job_inputs(network: str) -> dict[str, Any]:
    return {"network": network, "seed": SEEDS[network], "images": IMAGES}


def _features(network: str) -> ArraySpec:
    return ArraySpec("<f4", (IMAGES, COLUMNS[network]))


def _true_job(network: str, ways: tuple[str, ...]) -> Job:
    arrays = dict.fromkeys(ways, _features(network))
    return Job(
        "answers.features.true_features", {**_job_inputs(network), "ways": ways}, arrays=arrays, limits=CALL_LIMITS
    )


def _extract(caller: Caller, truth: Truth, trusted: Sandbox, network: str) -> dict[str, Any] | Failure:
    wanted = _features(network)
    call = Call(
        f"{network}_features", "code.feature_vectors.call_features", _job_inputs(network), {}, {"values": wanted}
    )
    reply = caller.call(the_lab().script_of(f"{network}_features"), call)
    if not isinstance(reply, Reply):
        return reply
    true = truth[network]
    if not isinstance(true, Reply):
        return true
    shape, seen, right = reply.value.get("shape"), reply.arrays["values"], true.arrays["right"]
    as_many = isinstance(shape, list) and int(np.prod(shape)) == right.size
    distance = _distance(seen, right) if as_many else None
    mistakes = _mistakes(seen, right, trusted, network) if as_many and distance != 0.0 else []
    fields = {"network": network, "shape": shape, "wanted": wanted.shape, "logits": LOGITS}
    return {**fields, "distance": distance, "mistakes": mistakes}


def _mistakes(seen: NDArray[Any], right: NDArray[Any], trusted: Sandbox, network: str) -> list[tuple[str, float]]:
    """Measure the distance to what the usual mistakes would give; it names the mistake, and never changes the mark."""
    reply = trusted.run(_true_job(network, ("colours", "training")))
    like = {"normalised": _rows_of_length_one(right), **(reply.arrays if isinstance(reply, Reply) else {})}
    distances = {name: _distance(seen, value) for name, value in like.items() if _distance(right, value) != 0.0}
    return [(name, value) for name, value in distances.items() if value is not None]


def _rows_of_length_one(values: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(values / np.linalg.norm(values, axis=1, keepdims=True))


def _distance(seen: NDArray[Any], right: NDArray[Any]) -> float | None:
    with np.errstate(all="ignore"):
        value = float(np.abs(seen.astype(float) - right.astype(float)).max() / np.abs(right).max())
    return value if np.isfinite(value) else None


def _plain(values: NDArray[Any]) -> list[list[float | None]]:
    return [[float(value) if np.isfinite(value) else None for value in row] for row in values]


LOOK = Look(FeatureVectors, look, calls_code=True)
