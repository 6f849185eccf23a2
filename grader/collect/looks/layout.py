"""Lists the files of a submission."""

from __future__ import annotations

from grader.collect.subject import Look, Subject
from grader.evidence import Failure, Layout, Refused
from grader.labs import the_lab
from grader.records import message


def look(subject: Subject) -> Layout | Failure:
    """List the files. Refused if they are the unchanged template: then there is nothing to look for."""
    submission, open_ = subject.submission, subject.open_tasks
    parts = submission.parts
    results = (
        *(*parts.checkpoints, *parts.other_weights, parts.history, parts.retrieval, *parts.reports),
        *(path for _, paths in parts.by_network for path in paths),
        *(one.path for one in submission.left_out),
    )
    scripts = [path for path in parts.sources if path.casefold() in the_lab().scripts]
    unfinished = {task.file for task in open_}
    if open_ and not any(results) and unfinished.issuperset(scripts):
        first = open_[0]
        return Refused(
            "template",
            message(
                "No script of the template is finished; not done: {numbers}. Start with task {first}: {text}"
                " ({file}, line {line}).",
                numbers=", ".join(task.number for task in open_), first=first.number, text=first.text,
                file=first.file, line=first.line,
            ),
        )  # fmt: skip
    return Layout(submission.files, parts, submission.left_out)


LOOK = Look(Layout, look)
