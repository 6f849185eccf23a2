"""Observes a submission's retrieval: reads its report, describes its images, recomputes its rankings."""

from __future__ import annotations

from dataclasses import dataclass

from grader.collect.retrieval.budget import Budget
from grader.collect.retrieval.comparing import compare_run
from grader.collect.retrieval.comparison import Scene
from grader.collect.retrieval.networks import preparations
from grader.collect.retrieval.pictures import look_at_pictures, readable
from grader.collect.retrieval.reading import read_report
from grader.collect.subject import Subject
from grader.evidence import ComparedRankings, ComparedRun, Failure, RetrievalImages, RetrievalReport


@dataclass(frozen=True, slots=True)
class Retrieval:
    """All observations of the retrieval."""

    report: RetrievalReport | Failure
    images: RetrievalImages | Failure
    compared: ComparedRankings | Failure


def look_at_retrieval(subject: Subject) -> Retrieval:
    """Read the report and the images, then recompute the report's rankings."""
    submission, sandbox = subject.submission, subject.equipment.sandbox
    report = read_report(submission, sandbox, subject.open_tasks)
    runs = report.runs if isinstance(report, RetrievalReport) else ()
    images = look_at_pictures(submission, sandbox, subject.open_tasks, preparations(runs))
    return Retrieval(report, images, _compared(subject, report, images))


def _compared(
    subject: Subject, report: RetrievalReport | Failure, images: RetrievalImages | Failure
) -> ComparedRankings | Failure:
    if not isinstance(report, RetrievalReport):
        return report
    library, queries = (images.library, images.queries) if isinstance(images, RetrievalImages) else ((), ())
    of_library, of_queries = (tuple(image.path for image in readable(some)) for some in (library, queries))
    budget = Budget(subject.equipment.limits)
    scene = Scene(subject.submission, subject.equipment, of_library, of_queries, budget)
    runs: list[ComparedRun] = []
    for run in report.runs:
        compared = compare_run(run, scene)
        if not isinstance(compared, ComparedRun):
            return compared
        runs.append(compared)
    return ComparedRankings(tuple(runs))
