"""The picture of the curves, next to the history."""

from __future__ import annotations

from grader.collect.documents import DOCUMENT_LIMITS, not_written
from grader.collect.equipment import validated
from grader.collect.subject import Look, Subject
from grader.evidence import Failure
from grader.evidence.kinds.history_picture import HistoryPicture
from grader.intake import place
from grader.sandbox import Job, Reply

NAME = "history.png"


def look(subject: Subject) -> HistoryPicture | Failure:
    """The size of the picture; refused where there is none."""
    paths = [file.path for file in subject.submission.files if file.path.casefold().rpartition("/")[2] == NAME]
    if not paths:
        return not_written(NAME, subject.open_tasks)
    path = min(paths, key=lambda found: found.count("/"))
    files = {"picture": place(subject.submission, path)}
    job = Job("documents.history_picture.read_size", {"file": path}, files, limits=DOCUMENT_LIMITS)
    reply = subject.equipment.sandbox.run(job)
    return validated(HistoryPicture, reply.value) if isinstance(reply, Reply) else reply


LOOK = Look(HistoryPicture, look)
