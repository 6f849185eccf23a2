"""What is read from a submission's code and documents, in the sandbox and without running any of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from grader.collect.equipment import validated
from grader.collect.normalisations import TEMPLATE
from grader.evidence import (
    Claim,
    Claims,
    History,
    Layout,
    Observation,
    OpenTask,
    Preprocessing,
    Refused,
    Seen,
    Tasks,
    WrittenReport,
)
from grader.evidence.wording import phrase
from grader.intake import place
from grader.lab import LAB
from grader.records import Scalar, Submission, message
from grader.sandbox import Job, Limits, Reply, Sandbox

DOCUMENT_LIMITS = Limits(seconds=60.0, megabytes=2_000)
MOST_DOCUMENTS = 40


def _documents(submission: Submission, names: Iterable[str]) -> tuple[list[str], dict[str, Path]]:
    chosen = list(names)[:MOST_DOCUMENTS]
    return chosen, {name: place(submission, name) for name in chosen}


def read_tasks(submission: Submission, sandbox: Sandbox) -> Observation:
    names, files = _documents(submission, submission.parts.sources)
    reply = sandbox.run(Job("documents.tasks.read_tasks", {"names": names}, files, limits=DOCUMENT_LIMITS))
    return validated(Tasks, reply.value) if isinstance(reply, Reply) else reply


def look_at_layout(submission: Submission, tasks: Observation) -> Observation:
    """The files; refused where they are the template as it was given, for then there is nothing to look for."""
    parts, open_ = submission.parts, open_tasks(tasks)
    results = (*parts.checkpoints, *parts.other_weights, parts.history, parts.retrieval, *parts.reports)
    scripts = [path for path in parts.sources if path.casefold() in LAB.scripts]
    unfinished = {task.file for task in open_}
    if open_ and not any(results) and unfinished.issuperset(scripts):
        first = open_[0]
        text = "The template was handed in as it was given: tasks {numbers} are not done. Begin with {first}: {text}"
        place = " ({file}, line {line})."
        numbers = ", ".join(task.number for task in open_)
        begin = {"first": first.number, "text": first.text, "file": first.file}
        return Refused("template", message(text + place, numbers=numbers, line=first.line, **begin))
    return Seen(Layout(submission.files, parts))


def open_tasks(tasks: Observation, *numbers: str) -> list[OpenTask]:
    """The open tasks among `numbers`, by default all."""
    found = tasks.value.open if isinstance(tasks, Seen) and isinstance(tasks.value, Tasks) else ()
    return sorted((task for task in found if not numbers or task.number in numbers), key=lambda task: task.number)


def not_written(
    file: str, tasks: Observation, script: str = LAB.training_script, numbers: Sequence[str] = LAB.training_tasks
) -> Refused:
    """What a script writes is missing: because it cannot run yet, or because it was left out."""
    if open_ := open_tasks(tasks, *numbers):
        text = (
            "{missing} is missing, and task {number} is not done: {text} ({file}, line {line}). Finish {script} and run"
            " it: it writes {missing}."
        )
        first = open_[0]
        place: dict[str, Scalar] = {"text": first.text, "file": first.file, "line": first.line}
        return Refused("task_open", message(text, missing=file, number=first.number, script=script, **place))
    text = "{missing} is missing. {script} writes it: hand it in as well."
    return Refused("missing", message(text, missing=file, script=script))


def read_preprocessing(submission: Submission, sandbox: Sandbox) -> Observation:
    """What the submission's code says, else the template's constants: a student who changed nothing need not say so."""
    parts = submission.parts
    names, files = _documents(submission, (*parts.sources, *parts.notebooks))
    reply = sandbox.run(
        Job("documents.normalisation.read_preprocessing", {"names": names}, files, limits=DOCUMENT_LIMITS)
    )
    if not isinstance(reply, Reply):
        return reply
    if reply.value.get("found") is False:
        own = {"mean": TEMPLATE.mean, "std": TEMPLATE.std, "also_found": reply.value.get("also_found", [])}
        return validated(Preprocessing, own)
    return validated(Preprocessing, reply.value)


def read_history(submission: Submission, sandbox: Sandbox, tasks: Observation) -> Observation:
    name = submission.parts.history
    if not name:
        return not_written(LAB.history, tasks)
    job = Job(
        "documents.history.read_history", {"file": name}, {"history": place(submission, name)}, limits=DOCUMENT_LIMITS
    )
    reply = sandbox.run(job)
    return validated(History, reply.value) if isinstance(reply, Reply) else reply


def read_claims(submission: Submission, sandbox: Sandbox, known: Sequence[Claim]) -> Observation:
    parts = submission.parts
    names, files = _documents(submission, (*parts.notebooks, *parts.reports))
    reply = sandbox.run(Job("documents.claims.read_claims", {"names": names}, files, limits=DOCUMENT_LIMITS))
    if not isinstance(reply, Reply):  # what checkpoint and history state is known all the same
        return Seen(Claims(tuple(known), (phrase("unread_any", kind=reply.outcome),))) if known else reply
    read = validated(Claims, reply.value)
    if isinstance(read, Seen) and isinstance(read.value, Claims):
        return Seen(replace(read.value, claims=(*known, *read.value.claims)[:100]))
    return read


def read_written_report(submission: Submission, sandbox: Sandbox) -> Observation:
    """The report's text, for the person who marks it."""
    names, files = _documents(submission, submission.parts.reports)
    if not names:
        return Refused("no_report", message("No written report was found. Hand in report.pdf or report.md."))
    reply = sandbox.run(Job("documents.report_text.read_report", {"names": names}, files, limits=DOCUMENT_LIMITS))
    return validated(WrittenReport, reply.value) if isinstance(reply, Reply) else reply


def claims_of(history: Observation) -> list[Claim]:
    if not isinstance(history, Seen) or not isinstance(history.value, History):
        return []
    epochs = [epoch for epoch in history.value.epochs if epoch.test_accuracy is not None]
    stated = [(epoch.epoch, epoch.test_accuracy or 0.0) for epoch in epochs if 0 <= (epoch.test_accuracy or 0) <= 100]
    if not stated:
        return []
    chosen = dict.fromkeys((max(stated, key=lambda pair: pair[1]), stated[-1]))  # once where the last is the best
    source = history.value.source
    return [Claim(accuracy / 100.0, source, 0, f"epoch {epoch}: {accuracy:g}") for epoch, accuracy in chosen]
