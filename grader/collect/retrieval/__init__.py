"""Observes a submission's retrieval: reads its report, describes its images, recomputes its rankings."""

from __future__ import annotations

from dataclasses import dataclass

from grader.collect.retrieval.comparing import compare_run
from grader.collect.retrieval.comparison import Scene, Turn
from grader.collect.retrieval.networks import preparations
from grader.collect.retrieval.pictures import look_at_pictures, nothing_handed_in, readable
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
    images = look_at_pictures(submission, subject.equipment, subject.open_tasks, preparations(runs))
    return Retrieval(report, images, _compared(subject, report, images))


def _compared(
    subject: Subject, report: RetrievalReport | Failure, images: RetrievalImages | Failure
) -> ComparedRankings | Failure:
    if not isinstance(report, RetrievalReport):
        return report
    if not isinstance(images, RetrievalImages) and not nothing_handed_in(images):
        return images
    library, queries = (images.library, images.queries) if isinstance(images, RetrievalImages) else ((), ())
    of_library, of_queries = (tuple(image.path for image in readable(some)) for some in (library, queries))
    pixels = sum(image.width * image.height for some in (library, queries) for image in readable(some))
    runs: list[ComparedRun] = []
    for place, run in enumerate(report.runs):
        turn = Turn.begin(subject.equipment, len(report.runs) - place)
        compared = compare_run(run, Scene(subject.submission, subject.equipment, of_library, of_queries, turn, pixels))
        if not isinstance(compared, ComparedRun):
            return compared
        runs.append(compared)
    return ComparedRankings(tuple(runs))
