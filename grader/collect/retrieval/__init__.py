"""The retrieval of a submission: its report read, its pictures described, its rankings computed anew."""

from __future__ import annotations

from grader.collect.equipment import Bench
from grader.collect.retrieval.comparing import Scene, compare_run
from grader.collect.retrieval.pictures import look_at_pictures, readable
from grader.collect.retrieval.reading import read_report
from grader.evidence import (
    ComparedRankings,
    ComparedRun,
    Observation,
    RetrievalImages,
    RetrievalReport,
    Seen,
    kind_of,
)
from grader.records import Submission

__all__ = ["look_at_retrieval"]


def look_at_retrieval(submission: Submission, bench: Bench, tasks: Observation) -> dict[str, Observation]:
    """All that is observed of the retrieval, by the kind of record."""
    report = read_report(submission, bench.sandbox, tasks)
    pictures = look_at_pictures(submission, bench.sandbox, tasks)
    return {
        kind_of(RetrievalReport): report,
        kind_of(RetrievalImages): pictures,
        kind_of(ComparedRankings): _compared(submission, bench, report, pictures),
    }


def _compared(submission: Submission, bench: Bench, report: Observation, pictures: Observation) -> Observation:
    if not isinstance(report, Seen):
        return report
    assert isinstance(report.value, RetrievalReport)
    images = pictures.value if isinstance(pictures, Seen) else None
    library, queries = (images.library, images.queries) if isinstance(images, RetrievalImages) else ((), ())
    of_library, of_queries = (tuple(image.path for image in readable(some)) for some in (library, queries))
    scene = Scene(submission, bench, of_library, of_queries)
    runs: list[ComparedRun] = []
    for run in report.value.runs:
        compared = compare_run(run, scene)
        if not isinstance(compared, ComparedRun):
            return compared
        runs.append(compared)
    return Seen(ComparedRankings(tuple(runs)))
