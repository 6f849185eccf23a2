"""Reads a submission's code and documents in the sandbox, without running any of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grader.collect.equipment import validated
from grader.evidence import Claim, Claims, Failure, History, OpenTask, Preprocessing, Refused, Tasks
from grader.evidence.wording import phrase
from grader.intake import place
from grader.labs import the_lab
from grader.records import Submission, message
from grader.sandbox import Job, Limits, Reply, Sandbox

DOCUMENT_LIMITS = Limits(seconds=60.0, megabytes=2_000)
MOST_DOCUMENTS = 40


def files_of(submission: Submission, names: Iterable[str]) -> tuple[list[str], dict[str, Path]]:
    chosen = list(names)[:MOST_DOCUMENTS]
    return chosen, {name: place(submission, name) for name in chosen}


@dataclass(frozen=True, slots=True)
class Documents:
    """What the submission's files say, except for claims; `open_tasks` is unpacked from `tasks`."""

    tasks: Tasks | Failure
    preprocessing: Preprocessing | Failure
    history: History | Failure
    open_tasks: tuple[OpenTask, ...]
    candidates: tuple[Preprocessing, ...] | None = None  # None if `preprocessing` is certain


def read_documents(submission: Submission, sandbox: Sandbox) -> Documents:
    """Read the code's open tasks, its normalisation, and the history."""
    tasks = read_tasks(submission, sandbox)
    open_ = tuple(sorted(tasks.open, key=lambda task: task.number)) if isinstance(tasks, Tasks) else ()
    used, candidates = read_preprocessing(submission, sandbox)
    return Documents(tasks, used, read_history(submission, sandbox, open_), open_, candidates)


def read_tasks(submission: Submission, sandbox: Sandbox) -> Tasks | Failure:
    names, files = files_of(submission, submission.parts.sources)
    reply = sandbox.run(Job("documents.tasks.read_tasks", {"names": names}, files, limits=DOCUMENT_LIMITS))
    return validated(Tasks, reply.value) if isinstance(reply, Reply) else reply


def among(open_tasks: Iterable[OpenTask], numbers: Sequence[str]) -> list[OpenTask]:
    """Return the open tasks with these numbers."""
    return [task for task in open_tasks if task.number in numbers]


def not_written(
    file: str,
    open_tasks: Iterable[OpenTask],
    script: str = "",
    numbers: Sequence[str] = (),
) -> Refused:
    """Refuse because a script's output is missing: its task is open, or the file was not handed in.

    Without a script, that of training.
    """
    if not script:
        script, numbers = the_lab().training_script, the_lab().training_tasks
    if open_ := among(open_tasks, numbers):
        first = open_[0]
        sentence = message(
            "{missing} is missing, and task {number} is not done: {text} ({file}, line {line}). Finish it, then"
            " run {script}: it writes {missing}.",
            missing=file,
            number=first.number,
            text=first.text,
            file=first.file,
            line=first.line,
            script=script,
        )
        return Refused("task_open", sentence)
    return Refused(
        "missing",
        message("{missing} is missing. {script} writes it: hand it in as well.", missing=file, script=script),
    )


def read_preprocessing(
    submission: Submission, sandbox: Sandbox
) -> tuple[Preprocessing | Failure, tuple[Preprocessing, ...] | None]:
    """Return the preprocessing in the submission's code, else the template's constants and what else it may be.

    The second value is None if the first is certain.
    """
    parts = submission.parts
    names, files = files_of(submission, (*parts.sources, *parts.notebooks))
    reply = sandbox.run(
        Job(
            "documents.normalisation.read_preprocessing",
            {
                "names": names,
                "beside": the_lab().scripts_beside_training,
                "training": the_lab().training_script,
                "side": the_lab().image_shape[-1],
            },
            files,
            limits=DOCUMENT_LIMITS,
        )
    )
    if not isinstance(reply, Reply):
        return reply, None
    fields = dict(reply.value)
    told = fields.pop("candidates", [])
    read = [validated(Preprocessing, one) for one in (told if isinstance(told, list) else ()) if isinstance(one, dict)]
    candidates = tuple(one for one in read if isinstance(one, Preprocessing))
    if fields.get("found") is not False:
        return validated(Preprocessing, fields), candidates or None
    own = {"mean": the_lab().mean, "std": the_lab().std, "also_found": fields.get("also_found", [])}
    return validated(Preprocessing, own), candidates


def read_history(submission: Submission, sandbox: Sandbox, open_tasks: Iterable[OpenTask]) -> History | Failure:
    name = submission.parts.history
    if not name:
        return not_written(the_lab().history, open_tasks)
    job = Job(
        "documents.history.read_history", {"file": name}, {"history": place(submission, name)}, limits=DOCUMENT_LIMITS
    )
    reply = sandbox.run(job)
    return validated(History, reply.value) if isinstance(reply, Reply) else reply


def read_claims(submission: Submission, sandbox: Sandbox, known: Sequence[Claim]) -> Claims | Failure:
    parts = submission.parts
    names, files = files_of(submission, (*parts.notebooks, *parts.reports))
    reply = sandbox.run(Job("documents.claims.read_claims", {"names": names}, files, limits=DOCUMENT_LIMITS))
    if not isinstance(reply, Reply):  # the claims of checkpoint and history are known anyway
        return Claims(tuple(known), (phrase("unread_any", kind=reply.outcome),)) if known else reply
    read = validated(Claims, reply.value)
    return replace(read, claims=(*known, *read.claims)[:100]) if isinstance(read, Claims) else read


def claims_of(history: History | Failure) -> list[Claim]:
    if not isinstance(history, History):
        return []
    epochs = [epoch for epoch in history.epochs if epoch.test_accuracy is not None]
    stated = [(epoch.epoch, epoch.test_accuracy or 0.0) for epoch in epochs if 0 <= (epoch.test_accuracy or 0) <= 100]
    if not stated:
        return []
    chosen = dict.fromkeys((max(stated, key=lambda pair: pair[1]), stated[-1]))  # one claim if the last is the best
    source = history.source
    return [Claim(accuracy / 100.0, source, 0, f"epoch {epoch}: {accuracy:g}") for epoch, accuracy in chosen]
