"""A submission to evidence: which probe looks at which file, and what comes back checked and scored.

Labels exist here and never in a job: a child gets images and returns logits.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from grader.dataset import ImageSet
from grader.evidence import (
    Checkpoint,
    Claim,
    Claims,
    Diagnosis,
    Evidence,
    Failure,
    History,
    Layout,
    Malformed,
    Measurement,
    Observation,
    OpenTask,
    Preprocessing,
    Refused,
    Seen,
    Tasks,
    TestScores,
    Trial,
    Unavailable,
    kind_of,
)
from grader.intake import place
from grader.intake.names import from_disk
from grader.preprocessing import ALTERNATIVES, TEMPLATE
from grader.records import Message, Scalar, Submission, message
from grader.sandbox import ArraySpec, Job, Limits, Reply, Sandbox
from grader.scoring import count_correct, digest, score
from grader.statistics import better_preprocessing, sampling_error

CHECKPOINT_LIMITS = Limits()
DOCUMENT_LIMITS = Limits(seconds=60.0, megabytes=2_000)
MOST_DOCUMENTS = 40
TEMPLATE_SCRIPTS = ("exp1.py", "exp2.py", "extract_features.py", "retrieve.py")
TRAINING_TASKS = ("2.1", "2.2")  # without them exp2.py writes neither weights nor history
TRIAL_IMAGES = 2_000  # the first training images: enough to tell preprocessings apart, a fifth of the test set's time
SURPRISING = 0.01  # a claim that much above the measured accuracy is looked into
POOR = 0.50  # below this any accuracy is looked into


@dataclass(frozen=True, slots=True)
class Bench:
    """What a submission is measured with. `images` is a Message where there are none: why, and what to run."""

    images: ImageSet | Message
    sandbox: Sandbox
    device: str = "cpu"
    threads: int = 1
    limits: Limits = CHECKPOINT_LIMITS
    part: int | None = None  # measure the first so many test images, for a quick look; all of them by default


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def collect(submission: Submission, bench: Bench, say: Callable[[Message], None]) -> Evidence:
    """Look at everything that was handed in. Never raises for anything that a submission holds."""
    say(message("reading what was handed in"))
    tasks = _tasks(submission, bench.sandbox)
    used = _preprocessing(submission, bench.sandbox)
    history = _history(submission, bench.sandbox, tasks)
    say(message("measuring the accuracy"))
    looked = _checkpoint(submission, bench, used, tasks)
    claims = _claims(submission, bench.sandbox, (*looked.claims, *_history_claims(history)))
    seen: dict[str, Observation] = {
        kind_of(Layout): _layout(submission, tasks),
        kind_of(Tasks): tasks,
        kind_of(Preprocessing): used,
        kind_of(History): history,
        kind_of(Claims): claims,
        **looked.observations,
    }
    trials = _diagnose(submission, bench, seen)
    if trials is not None:
        seen[kind_of(Diagnosis)] = trials
    seen[kind_of(TestScores)] = _settled(seen)
    return Evidence(
        submission.student, submission.digest, submission.archive, tuple(seen.items()), submission.notes,
        bench.sandbox.name,
    )  # fmt: skip


def _validated(record: type[Any], fields: dict[str, Any]) -> Observation:
    """The record that a child's fields make; what does not fit is thrown away whole."""
    try:
        return Seen(TypeAdapter(record).validate_json(json.dumps(fields)))
    except ValidationError as error:
        first = error.errors()[0]
        return Malformed(f"{'.'.join(map(str, first['loc']))}: {first['msg']}"[:500])


# --- documents -------------------------------------------------------------------------------------------------


def _documents(submission: Submission, names: Iterable[str]) -> tuple[list[str], dict[str, Path]]:
    chosen = list(names)[:MOST_DOCUMENTS]
    return chosen, {name: place(submission, name) for name in chosen}


def _tasks(submission: Submission, sandbox: Sandbox) -> Observation:
    names, files = _documents(submission, submission.parts.sources)
    reply = sandbox.run(Job("tasks", {"names": names}, files, limits=DOCUMENT_LIMITS))
    return _validated(Tasks, reply.value) if isinstance(reply, Reply) else reply


def _layout(submission: Submission, tasks: Observation) -> Observation:
    """The files; refused where they are the template as it was given, for then there is nothing to look for."""
    parts, open_ = submission.parts, _open(tasks)
    results = (*parts.checkpoints, *parts.other_weights, parts.history, parts.retrieval, *parts.reports)
    scripts = [path for path in parts.sources if path.casefold() in TEMPLATE_SCRIPTS]
    unfinished = {task.file for task in open_}
    if open_ and not any(results) and unfinished.issuperset(scripts):
        first = open_[0]
        text = "The template was handed in as it was given: tasks {numbers} are not done. Begin with {first}: {text}"
        place = " ({file}, line {line})."
        numbers = ", ".join(task.number for task in open_)
        begin = {"first": first.number, "text": first.text, "file": first.file}
        return Refused(message(text + place, numbers=numbers, line=first.line, **begin))
    return Seen(Layout(submission.files, parts))


def _open(tasks: Observation, *numbers: str) -> list[OpenTask]:
    """The open tasks among `numbers`, by default all."""
    found = tasks.value.open if isinstance(tasks, Seen) and isinstance(tasks.value, Tasks) else ()
    return sorted((task for task in found if not numbers or task.number in numbers), key=lambda task: task.number)


def _not_written(file: str, tasks: Observation) -> Refused:
    """What exp2.py writes is missing: because it cannot run yet, or because it was left out."""
    if open_ := _open(tasks, *TRAINING_TASKS):
        text = (
            "{missing} is missing, and task {number} is not done: {text} ({file}, line {line}). Finish exp2.py and run"
            " it: it writes {missing}."
        )
        first = open_[0]
        place: dict[str, Scalar] = {"text": first.text, "file": first.file, "line": first.line}
        return Refused(message(text, missing=file, number=first.number, **place))
    return Refused(message("{missing} is missing. exp2.py writes it when it trains: hand it in as well.", missing=file))


def _preprocessing(submission: Submission, sandbox: Sandbox) -> Observation:
    """What the submission's code says, else the template's constants: a student who changed nothing need not say so."""
    parts = submission.parts
    names, files = _documents(submission, (*parts.sources, *parts.notebooks))
    reply = sandbox.run(Job("preprocessing", {"names": names}, files, limits=DOCUMENT_LIMITS))
    if not isinstance(reply, Reply):
        return reply
    if reply.value.get("found") is False:
        own = {"mean": TEMPLATE.mean, "std": TEMPLATE.std, "also_found": reply.value.get("also_found", [])}
        return _validated(Preprocessing, own)
    return _validated(Preprocessing, reply.value)


def _history(submission: Submission, sandbox: Sandbox, tasks: Observation) -> Observation:
    name = submission.parts.history
    if not name:
        return _not_written("history.json", tasks)
    job = Job("history", {"file": name}, {"history": place(submission, name)}, limits=DOCUMENT_LIMITS)
    reply = sandbox.run(job)
    return _validated(History, reply.value) if isinstance(reply, Reply) else reply


def _claims(submission: Submission, sandbox: Sandbox, known: Sequence[Claim]) -> Observation:
    parts = submission.parts
    names, files = _documents(submission, (*parts.notebooks, *parts.reports))
    reply = sandbox.run(Job("claims", {"names": names}, files, limits=DOCUMENT_LIMITS))
    if not isinstance(reply, Reply):  # what checkpoint and history state is known all the same
        return Seen(Claims(tuple(known), (f"any document ({reply.outcome})",))) if known else reply
    read = _validated(Claims, reply.value)
    if isinstance(read, Seen) and isinstance(read.value, Claims):
        return Seen(replace(read.value, claims=(*known, *read.value.claims)[:100]))
    return read


def _history_claims(history: Observation) -> list[Claim]:
    if not isinstance(history, Seen) or not isinstance(history.value, History):
        return []
    epochs = [epoch for epoch in history.value.epochs if epoch.test_accuracy is not None]
    stated = [(epoch.epoch, epoch.test_accuracy or 0.0) for epoch in epochs if 0 <= (epoch.test_accuracy or 0) <= 100]
    if not stated:
        return []
    chosen = dict.fromkeys((max(stated, key=lambda pair: pair[1]), stated[-1]))  # once where the last is the best
    source = history.value.source
    return [Claim(accuracy / 100.0, source, 0, f"epoch {epoch}: {accuracy:g}") for epoch, accuracy in chosen]


# --- the checkpoint --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Looked:
    observations: dict[str, Observation]
    claims: tuple[Claim, ...] = ()


def _checkpoint(submission: Submission, bench: Bench, used: Observation, tasks: Observation) -> _Looked:
    chosen = choose_checkpoint(submission) or _not_written("final.pth", tasks)
    preprocessing = used.value if isinstance(used, Seen) else None
    if not isinstance(chosen, str):
        return _failed(chosen)
    if not isinstance(preprocessing, Preprocessing):
        assert not isinstance(used, Seen)
        return _failed(used)
    images = bench.images
    runs = (
        [_run("images", preprocessing, len(images.labels("test")[: bench.part]))]
        if isinstance(images, ImageSet)
        else []
    )
    reply = bench.sandbox.run(_job(place(submission, chosen), bench, runs, "test"))
    if not isinstance(reply, Reply):
        return _failed(reply)
    return _scored(reply, chosen, images)


def choose_checkpoint(submission: Submission) -> str | Failure | None:
    """The path of the weights to grade, or why it cannot be told; None where there are none at all."""
    parts = submission.parts
    if len(parts.checkpoints) == 1:
        return parts.checkpoints[0]
    if parts.checkpoints:
        names = ", ".join(parts.checkpoints)
        text = "there are {count} files named final.pth ({names}); ask the student which one counts"
        return Unavailable(message(text, count=len(parts.checkpoints), names=names[:300]))
    if parts.other_weights:
        text = "final.pth is missing; {other} is there. Rename the weights that should count to final.pth."
        return Refused(message(text, other=", ".join(parts.other_weights[:3])))
    return None


def _failed(failure: Failure) -> _Looked:
    return _Looked({kind_of(kind): failure for kind in (Checkpoint, TestScores, Measurement)})


def _run(images: str, used: Preprocessing, count: int) -> dict[str, Any]:
    how = {
        "mean": used.mean,
        "std": used.std,
        "resize": used.resize,
        "crop": used.crop,
        "scale": used.scale,
        "reverse": used.blue_first,
    }
    return {"images": images, "count": count, **how}


def _job(weights: Path, bench: Bench, runs: list[dict[str, Any]], split: str) -> Job:
    files = {"checkpoint": weights}
    if isinstance(bench.images, ImageSet) and runs:
        files["images"] = bench.images.images_file("test" if split == "test" else "train")
    inputs = {"file": from_disk(weights.name), "device": bench.device, "threads": bench.threads, "runs": runs}
    arrays = {f"logits_{index}": ArraySpec("<f4", (run["count"], 10)) for index, run in enumerate(runs)}
    return Job("checkpoint", inputs, files, arrays, bench.limits)


def _scored(reply: Reply, path: str, images: ImageSet | Message) -> _Looked:
    found = reply.value.get("checkpoint")
    checkpoint = _validated(Checkpoint, {**found, "path": path} if isinstance(found, dict) else {})
    claims = _checkpoint_claim(reply.value.get("claim"), path)
    observations = {kind_of(Checkpoint): checkpoint}
    if isinstance(images, Message):
        return _Looked({**observations, kind_of(TestScores): Unavailable(images)}, claims)
    logits: NDArray[np.float32] = reply.arrays["logits_0"]
    labels = images.labels("test")
    observations[kind_of(TestScores)] = Seen(score(logits, labels, images.name, images.classes))
    fields = reply.value.get("measurements")
    own = {"logits_digest": digest(logits), "dataset_digest": images.digest}
    first = fields[0] if isinstance(fields, list) and fields and isinstance(fields[0], dict) else {}
    observations[kind_of(Measurement)] = _validated(Measurement, {**first, **own})
    return _Looked(observations, claims)


def _checkpoint_claim(found: Any, path: str) -> tuple[Claim, ...]:
    match found:
        case [str(key), int() | float() as value] if not isinstance(value, bool) and 0 <= value <= 100:
            return (Claim(value / 100.0 if value > 1 else float(value), path, 0, f"{key[:50]}: {value:g}"),)
    return ()


# --- why it is not what it should be ---------------------------------------------------------------------------


def _diagnose(submission: Submission, bench: Bench, seen: dict[str, Observation]) -> Observation | None:
    """Where the accuracy surprises: the same weights on training images, under the common preprocessings."""
    scores, claims, used = (_value(seen, kind) for kind in (TestScores, Claims, Preprocessing))
    path = choose_checkpoint(submission)
    if not scores or not used or not isinstance(bench.images, ImageSet) or not isinstance(path, str):
        return None
    if not _surprises(scores, claims) or scores.not_finite == scores.count:  # no normalisation mends an overflow
        return None
    labels = bench.images.labels("train")[:TRIAL_IMAGES]
    named = {"as graded": used, **{name: how for name, how in ALTERNATIVES.items() if not _same(how, used)}}
    tried = {name: replace(how, resize=used.resize, crop=used.crop) for name, how in named.items()}
    runs = [_run("images", how, len(labels)) for how in tried.values()]
    reply = bench.sandbox.run(_job(place(submission, path), bench, runs, "train"))
    if not isinstance(reply, Reply):
        return reply
    counts = [count_correct(reply.arrays[f"logits_{index}"], labels) for index in range(len(runs))]
    pairs = zip(tried.items(), counts, strict=True)
    return Seen(Diagnosis(tuple(Trial(name, how, correct, len(labels)) for (name, how), correct in pairs)))


def _surprises(scores: TestScores, claims: Claims | None) -> bool:
    """Whether the accuracy is poor, or clearly below a claim."""
    share = scores.correct / scores.count
    highest = max((claim.accuracy for claim in claims.claims), default=0.0) if claims else 0.0
    return share < POOR or highest - share > SURPRISING + sampling_error(scores)


def _settled(seen: dict[str, Observation]) -> Observation:
    """The scores; none where they surprise and the file holds weights that were left aside, which may be why."""
    scores, claims, checkpoint = (_value(seen, kind) for kind in (TestScores, Claims, Checkpoint))
    explained = better_preprocessing(_value(seen, Diagnosis)) is not None
    if not scores or not checkpoint or not checkpoint.spare_weights or explained or not _surprises(scores, claims):
        return seen[kind_of(TestScores)]
    text = (
        "{file} holds more weights than {network} has ({spare}). Measured without them it names {share:.2%} of the test"
        " images correctly, which is no mark if the submission's network uses them: look at its code, and ask the"
        " student for weights without them if it does not."
    )
    values: dict[str, Scalar] = {"file": checkpoint.path, "network": checkpoint.network}
    spare = ", ".join(checkpoint.spare_weights)
    return Unavailable(message(text, **values, spare=spare, share=scores.correct / scores.count))


def _value(seen: dict[str, Observation], kind: type[Any]) -> Any:
    outcome = seen.get(kind_of(kind))
    return outcome.value if isinstance(outcome, Seen) else None


def _same(one: Preprocessing, other: Preprocessing) -> bool:
    keys = ("mean", "std", "scale", "blue_first")
    return all(getattr(one, key) == getattr(other, key) for key in keys)
