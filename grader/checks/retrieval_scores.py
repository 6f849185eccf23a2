"""Are the report's scores and claims consistent with each other?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from statistics import fmean, pstdev

from grader.evidence import ComparedRankings, ReportedRun, RetrievalReport
from grader.evidence.kinds.retrieval import TOP
from grader.marking.check import Case, Doubt, Part, add_up, check, require_weights
from grader.measures.ranking_labels import Counted, called, count, rows_of, shown, unsure
from grader.measures.ranking_verdict import STILL_USEFUL, accepted, all_alike, chosen, scores_of
from grader.measures.same_network import one_a_network, too_few
from grader.records import Cell, Exhibit, Listing, Message, Scalar, Table, Verdict, message

ROUNDED = 0.0051  # of a share: claims are printed in whole percent
LARGEST = {"cosine": 1.0, "euclidean": 2.0}
SMALLEST = {"cosine": -1.0, "euclidean": 0.0}
SLACK = 1e-3  # of a score, for rounding

Title = Message | str
Titled = tuple[ReportedRun, Title]  # a network, and what to call it
Look = Callable[[ReportedRun, Title], Iterable[Message]]


@dataclass(frozen=True, slots=True)
class ScoresLimits:
    """How many models are required, and the weight of each part."""

    models: int
    method: float
    five: float
    order: float
    range: float
    claims: float
    differ: float

    def __post_init__(self) -> None:
        require_weights(
            method=self.method, five=self.five, order=self.order, range=self.range, claims=self.claims,
            differ=self.differ,
        )  # fmt: skip


@check(reads=RetrievalReport, limits=ScoresLimits)
def retrieval_scores(case: Case[RetrievalReport, ScoresLimits]) -> Verdict | Doubt:
    """Scores.

    Scores match the stated method and are in order, and the stated accuracies follow from the rankings.
    """
    limits = case.limits
    runs = _best(case)
    counted = [(run, title) for run, title in runs if not _uncounted(run)]
    parts = (
        _each(message("The method is stated"), limits.method, runs, _method),
        _each(message("Five different matches for each query"), limits.five, runs, _five),
        _each(message("Scores are in order"), limits.order, runs, _order),
        _each(message("Scores are in the range of the method"), limits.range, runs, _range),
        *([_each(message("Claims follow from the rankings"), limits.claims, counted, _claims)] if counted else []),
        _differ(runs, len(case.seen.runs), limits),
    )
    praise = message(
        "The scores of {count} models are in order, and the claims follow from the rankings.", count=len(runs)
    )
    verdict = add_up(parts, praise, tuple(_exhibits(case.seen)))
    if verdict.credit < 1.0 and (doubt := unsure(case.seen, len(runs) < limits.models)):
        return Doubt(doubt, verdict.exhibits)
    hints = (*verdict.hints, *_suspect(case, runs), *_more(runs))
    return replace(verdict, hints=hints)


def _best(case: Case[RetrievalReport, ScoresLimits]) -> list[Titled]:
    """Return the best runs of as many networks as are required: further ones never cost anything."""
    limits, runs = case.limits, list(zip(case.seen.runs, called(run.model for run in case.seen.runs), strict=True))
    looks: tuple[tuple[Look, float], ...] = (
        (_method, limits.method), (_five, limits.five), (_order, limits.order), (_range, limits.range),
        (_claims, limits.claims),
    )  # fmt: skip

    def credit(place: int) -> float:
        return sum(weight for look, weight in looks if not any(look(*runs[place])))

    places = sorted(range(len(runs)), key=lambda place: -credit(place))
    first = one_a_network(case.seen.runs, _digests(case), places)
    return [runs[place] for place in sorted(first[: limits.models])]


def _digests(case: Case[RetrievalReport, ScoresLimits]) -> list[str]:
    """Return the digest of each run's network, "" where it was not run."""
    compared = case.other(ComparedRankings)
    if compared is None or [run.model for run in compared.runs] != [run.model for run in case.seen.runs]:
        return [""] * len(case.seen.runs)
    return [run.network for run in compared.runs]


def _each(name: Message, weight: float, runs: Sequence[Titled], look: Look) -> Part:
    found = [list(look(run, title)) for run, title in runs]
    good = sum(not faults for faults in found)
    return Part(name, weight, good / len(runs) if runs else 0.0, tuple(faults[0] for faults in found if faults))


def _method(run: ReportedRun, title: Title) -> Iterator[Message]:
    if not run.metric:
        yield message(
            "{model}: the report does not say how images are compared: state 'cosine' or 'euclidean'.",
            model=title,
        )


def _five(run: ReportedRun, title: Title) -> Iterator[Message]:
    for query in run.queries:
        distinct = len({match.path for match in query.matches[:TOP]})
        if distinct < TOP:
            yield message(
                "{model}, {query}: {count} different matches; the best {wanted} are required.",
                model=title,
                query=query.query,
                count=distinct,
                wanted=TOP,
            )


def _order(run: ReportedRun, title: Title) -> Iterator[Message]:
    falling = (run.metric or _direction(run)) == "cosine"
    for query in run.queries:
        for before, after in pairwise(query.matches[:TOP]):
            if before.score is None or after.score is None:
                path = (before if before.score is None else after).path
                yield message(
                    "{model}, {query}: {path} has no numeric score.",
                    model=title,
                    query=query.query,
                    path=path,
                )
                break
            if (after.score > before.score) if falling else (after.score < before.score):
                best = message("largest first") if falling else message("smallest first")
                yield message(
                    "{model}, {query}: {first:.4f} comes before {second:.4f}; the best match must come first ({best}).",
                    model=title, query=query.query, first=before.score, second=after.score,
                    best=best,
                )  # fmt: skip
                break


def _direction(run: ReportedRun) -> str:
    rises = [a.score < b.score for q in run.queries for a, b in pairwise(q.matches) if a.score and b.score]
    return "euclidean" if sum(rises) * 2 > len(rises) else "cosine"


def _range(run: ReportedRun, title: Title) -> Iterator[Message]:
    metric = run.metric or _direction(run)
    low, high = SMALLEST[metric] - SLACK, LARGEST[metric] + SLACK
    for query in run.queries:
        for match in query.matches[:TOP]:
            if match.score is not None and not low <= match.score <= high:
                yield message(
                    "{model}, {query}: the score {score:.4g} ({metric}) is outside the range for unit vectors, {low:g}"
                    " to {high:g}: normalise the features before you compare them.",
                    model=title, query=query.query, score=match.score, metric=metric,
                    low=SMALLEST[metric], high=LARGEST[metric],
                )  # fmt: skip


def _uncounted(run: ReportedRun) -> bool:
    """Return whether the report states accuracies that cannot be counted, because classes are not known."""
    return (run.precision_at_5, run.top1) != (None, None) and not count(rows_of(run)).known


def _claims(run: ReportedRun, title: Title) -> Iterator[Message]:
    counted = count(rows_of(run))
    for name, claimed, right in (
        ("precision@5", run.precision_at_5, counted.precision),
        ("top-1", run.top1, counted.top1),
    ):
        if claimed is not None and right is not None and abs(claimed - right) > ROUNDED:
            yield message(
                "{model}: {name} is stated as {claimed:.1%}; the rankings give {right:.1%}.",
                model=title,
                name=name,
                claimed=claimed,
                right=right,
            )


def _differ(runs: Sequence[Titled], named: int, limits: ScoresLimits) -> Part:
    name = message("Different models give different rankings")
    faults: list[Message] = []
    if len(runs) < limits.models:
        faults.append(too_few(len(runs), named, limits.models))
    for (one, _), (other, _) in combinations(runs, 2):
        if one.model and other.model and _lists(one) == _lists(other):
            sentence = message(
                "The rankings of {one} and {other} are identical for every query: one was copied from the other.",
                one=one.model,
                other=other.model,
            )
            faults.append(sentence)
    for run, title in runs:
        lists = _lists(run)
        if len(lists) > 1 and len(set(lists)) == 1:
            sentence = message(
                "{model}: every query has the same five matches: does the code use the query's own features?",
                model=title,
            )
            faults.append(sentence)
    return Part(name, limits.differ, 0.0 if faults else 1.0, tuple(faults))


def _lists(run: ReportedRun) -> list[tuple[tuple[str, float | None], ...]]:
    return [tuple((match.path, match.score) for match in query.matches[:TOP]) for query in run.queries]


def _suspect(case: Case[RetrievalReport, ScoresLimits], runs: Sequence[Titled]) -> Iterator[Message]:
    """Yield a hint where the scores alone suggest BatchNorm in training mode, or random weights."""
    compared = case.other(ComparedRankings)
    cleared = {run.model for run in chosen(compared.runs) if accepted(run)} if compared else set()
    for run, title in runs:
        scores = scores_of(match for query in run.queries for match in query.matches[:TOP])
        if run.model in cleared or run.weights == "random" or run.metric == "euclidean" or not all_alike(scores):
            continue
        counted = count(rows_of(run))
        values: dict[str, Scalar | Message] = {"model": title, "mean": fmean(scores), "spread": pstdev(scores)}
        if counted.precision is not None and counted.precision >= STILL_USEFUL:
            yield message(
                "{model}: all scores are close to {mean:.4f} (spread {spread:.4f}), as they are with BatchNorm in"
                " training mode: call model.eval() before you extract features.",
                **values,
            )
        else:
            yield message(
                "{model}: all scores are close to {mean:.4f} (spread {spread:.4f}), as they are with BatchNorm in"
                " training mode or with random weights: call model.eval(), and load the ImageNet weights.",
                **values,
            )


def _more(runs: Sequence[Titled]) -> Iterator[Message]:
    for run, title in runs:
        if run.by_number:
            yield message("{model}: images are named by number; file names would tell which they are.", model=title)
        if _uncounted(run):
            yield message(
                "{model}: labels unknown, so the stated accuracy was not compared. Put the images into folders named"
                " after their classes, and name each query after its class.",
                model=title,
            )
        if run.more_queries:
            yield message(
                "{model}: {count:,} more queries were not checked; a few dozen are enough.",
                model=title,
                count=run.more_queries,
            )


def _exhibits(report: RetrievalReport) -> Iterator[Exhibit]:
    rows: list[tuple[Cell, ...]] = []
    for run, title in zip(report.runs, called(run.model for run in report.runs), strict=True):
        scores = scores_of(match for query in run.queries for match in query.matches[:TOP])
        counted = count(rows_of(run))
        span = f"{min(scores):.4f} – {max(scores):.4f}" if scores else "–"
        rows.append((title, run.metric or "?", len(run.queries), span, *_beside(run, counted)))
    columns = (
        message("Model"), message("Method"), message("Queries"), message("Scores"),
        message("Precision@5 counted"), message("stated"), message("Top-1 counted"), message("stated"),
    )  # fmt: skip
    source = ", ".join((report.source, *report.more_sources))
    title = message("The report, read from {source} ({form})", source=source, form=report.form)
    yield Table(title, columns, tuple(rows))
    if report.unread:
        lines = tuple(f"{line.line}: {line.text}" for line in report.unread)
        yield Listing(message("Lines that could not be read: {count}", count=report.unread_count), lines)


def _beside(run: ReportedRun, counted: Counted) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    for figure, claimed in ((counted.precision, run.precision_at_5), (counted.top1, run.top1)):
        cells += [shown(figure), "–" if claimed is None else f"{claimed:.1%}"]
    return tuple(cells)
