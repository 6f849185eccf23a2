"""Do the reported rankings match those recomputed from the images?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from grader.evidence import (
    ComparedQuery,
    ComparedRankings,
    ComparedRun,
    FeatureVectors,
    Match,
    RetrievalImages,
    RetrievalReport,
    Suspicion,
)
from grader.evidence.kinds.retrieval import TOP
from grader.evidence.refusals import handed_in_again
from grader.labs import the_lab
from grader.marking.check import BadLimit, Case, Doubt, check
from grader.measures.alike import ENOUGH, all_of_one, by_path, mostly_copies
from grader.measures.ranking_labels import called, class_of, count, same_class, shown, unsure
from grader.measures.ranking_verdict import (
    LEAST_SPREAD,
    accepted,
    agreeing,
    by_order_alone,
    chosen,
    close,
    named,
    scores_of,
    shows_nothing,
    undecided,
)
from grader.measures.same_network import one_a_network, too_few
from grader.measures.ways import DECLARED, SAID_OF_ALLOWED, mistake_called
from grader.records import (
    Cell,
    Exhibit,
    Message,
    Picture,
    Ranked,
    RankedQuery,
    Ranking,
    Scalar,
    Table,
    Verdict,
    joined,
    message,
)

NEARLY_EXACT = 1e-3  # relative error of a feature that rounding explains


@dataclass(frozen=True, slots=True)
class RankingLimits:
    """How many models are required, and the share of the points that weaker evidence can earn."""

    models: int
    from_features: float  # rankings follow from features.npz, of which only a sample was recomputed
    from_report: float  # only the report itself
    with_mistake: float  # a mistake explains the scores better than any correct way

    def __post_init__(self) -> None:
        if self.models < 1 or not 0.0 <= self.from_report <= self.from_features <= 1.0:
            raise BadLimit(message("models must be at least 1, and 0 <= from_report <= from_features <= 1"))
        if not 0.0 <= self.with_mistake <= 1.0:
            raise BadLimit(message("with_mistake must be between 0 and 1"))


@check(reads=ComparedRankings, limits=RankingLimits)
def retrieval_ranking(case: Case[ComparedRankings, RankingLimits]) -> Verdict | Doubt:
    """4.1, 4.2 Rankings.

    The reported rankings agree with the recomputed ones.
    """
    found = chosen(case.seen.runs)  # of which the best count: further ones never cost anything
    best = sorted(range(len(found)), key=lambda place: -_credit(found[place], case))
    places = one_a_network(found, [run.network for run in found], best)
    judged = sorted(places[: case.limits.models])
    credit = sum(_credit(found[place], case) for place in judged) / case.limits.models
    runs = [found[place] for place in places]
    if credit < 1.0 and (doubt := _doubt(runs, case)):
        return Doubt(doubt, tuple(_exhibits(case)))
    titles = called(run.model for run in found)
    faults = [fault for place in judged for fault in _faults(found[place], titles[place], case)]
    if len(runs) < case.limits.models:
        faults.append(too_few(len(runs), len(found), case.limits.models))
    said = faults[0] if faults else _praise([found[place] for place in judged])
    return Verdict(min(1.0, credit), said, tuple(faults[1:]), tuple(_exhibits(case)), faulty=bool(faults))


def _doubt(runs: list[ComparedRun], case: Case[ComparedRankings, RankingLimits]) -> Message | None:
    """Return why a low credit may be the grader's fault: weights that it lacks, lines that it could not read."""
    for run in runs:
        if run.ours and run.why_not is not None and _credit(run, case) < 1.0:
            return message("{model}: the rankings were not judged, because {why}", model=run.model, why=run.why_not)
    report = case.other(RetrievalReport)
    return unsure(report, len(runs) < case.limits.models) if report is not None else None


def _credit(run: ComparedRun, case: Case[ComparedRankings, RankingLimits]) -> float:
    whole = len(run.queries) + run.absent
    copies = _of_copies(run, case)
    if run.basis == "report":
        share = sum(q.sound.kept == q.sound.of and q not in copies for q in run.queries) / max(1, len(run.queries))
        return case.limits.from_report * share
    right = accepted(run)
    met = [query for query in (run.queries if right else agreeing(run)) if query not in copies]
    loose = [query for query in by_order_alone(run) if query not in copies and _five_different(query)]
    share = (len(met) + case.limits.from_report * len(loose)) / whole if whole else 0.0
    if not right and named(run):
        share = min(share, case.limits.with_mistake)
    shown = run.basis == "images" or _features_are_right(run, case.other(FeatureVectors))
    return share if shown else case.limits.from_features * share


def _of_copies(run: ComparedRun, case: Case[ComparedRankings, RankingLimits]) -> tuple[ComparedQuery, ...]:
    """Return the queries whose matches are copies of one picture.

    None, where these are no more than half of the queries, and the library has enough different pictures.
    """
    found = by_path(case.other(RetrievalImages))
    copies = tuple(query for query in run.queries if all_of_one(found, [match.path for match in query.theirs]))
    return copies if mostly_copies(found) or len(copies) > ENOUGH * len(run.queries) else ()


def _five_different(query: ComparedQuery) -> bool:
    return len({match.path for match in query.theirs}) == TOP


def _features_are_right(run: ComparedRun, vectors: FeatureVectors | None) -> bool:
    """Return whether the student's own function gave the correct features of this network when it was called."""
    found = [one for one in vectors.extracted if one.network == run.model] if vectors else []
    return any(one.distance is not None and one.distance <= NEARLY_EXACT for one in found)


def _faults(run: ComparedRun, title: Message | str, case: Case[ComparedRankings, RankingLimits]) -> Iterator[Message]:
    copies = _of_copies(run, case)
    if copies:
        yield message(
            "{model}: the matches of {query} are copies of one picture, so any order would fit; such a ranking is not"
            " accepted ({count} of {of}). Put different pictures into the library, run {retrieval_script} again, and"
            " hand in both.",
            model=title, query=copies[0].query, count=len(copies), of=len(run.queries),
            retrieval_script=the_lab().retrieval_script,
        )  # fmt: skip
    if run.basis == "report":
        why = run.why_not or message("nothing else was handed in")
        yield message("{model}: only the report itself could be checked, because {why}", model=title, why=why)
    elif loose := undecided(run):
        yield _undecided(loose, title, len(run.queries))
    elif not accepted(run):
        yield from _why(run)
    elif run.basis == "features" and not _features_are_right(run, case.other(FeatureVectors)):
        yield message(
            "{model}: the rankings follow from {features}, but the origin of these features could not be verified.",
            model=run.model,
            features=the_lab().features,
        )
    if run.missing:
        yield message(
            "{model}: {path} was not handed in, so it could not be compared.", model=title, path=run.missing[0]
        )


def _undecided(loose: tuple[ComparedQuery, ...], title: Message | str, queries: int) -> Message:
    first, of = loose[0], {"model": title, "count": len(loose), "of": queries}
    if first.spread is not None and first.spread < LEAST_SPREAD:
        return message(
            "{model}: the five best recomputed scores of {query} are equal to {spread:.0e}, so any order would fit, and"
            " the ranking earns no more than a report alone ({count} of {of}). Use a network with trained weights that"
            " distinguishes the images, or other images.",
            **of, query=first.query, spread=LEAST_SPREAD,
        )  # fmt: skip
    return message(
        "{model}: the five best recomputed scores of {query} are so close that any order would fit, and the reported"
        " order is that of chance; the ranking earns no more than a report alone ({count} of {of}). Sort the matches by"
        " their scores before you round them, or use images that the network distinguishes.",
        **of, query=first.query,
    )  # fmt: skip


def _why(run: ComparedRun) -> Iterator[Message]:
    mistake = named(run)
    if mistake:
        yield _explained(run, mistake)
        yield mistake_called(mistake.name).mend
        return
    values: dict[str, Scalar] = {"model": run.model, "agree": len(agreeing(run)), "of": len(run.queries)}
    if close(run):
        yield message(
            "{model}: {agree} of {of} rankings agree with the recomputed ones; the others are close.", **values
        )
    else:
        yield message(
            "{model}: {agree} of {of} rankings agree with the recomputed ones; why the others differ is not known.",
            **values,
        )
    if shows_nothing(run):
        yield _bare(run)
    yield message(
        "Run {retrieval_script} again, with the images and the weights that you hand in, and {hand_in}.",
        retrieval_script=the_lab().retrieval_script,
        hand_in=handed_in_again(),
    )


def _bare(run: ComparedRun) -> Message:
    values: dict[str, Scalar] = {"model": run.model, "right": len(by_order_alone(run)), "of": len(run.queries)}
    if scores_of(match for query in run.queries for match in query.theirs):
        return message(
            "{model}: all scores are whole numbers, so only the order can be compared: the order is right in {right} of"
            " {of} rankings, which earn no more than a report alone. Print at least four digits.",
            **values,
        )
    return message(
        "{model}: no score is a number, so only the order can be compared: the order is right in {right} of {of}"
        " rankings, which earn no more than a report alone. Print the scores with at least four digits.",
        **values,
    )


def _explained(run: ComparedRun, mistake: Suspicion) -> Message:
    said = mistake_called(mistake.name).said
    first = run.queries[0].theirs[0] if run.queries and run.queries[0].theirs else None
    if first is None or first.score is None or run.example is None or mistake.example is None:
        return message("{model}: {said}.", model=run.model, said=said)
    return message(
        "{model}: {said}. For {query}, the report gives {path} the score {theirs:.4f}; the correct score is"
        " {honest:.4f}, and this mistake gives {mistaken:.4f}.",
        model=run.model, said=said, query=run.queries[0].query, path=first.path, theirs=first.score, honest=run.example,
        mistaken=mistake.example,
    )  # fmt: skip


def _praise(runs: list[ComparedRun]) -> Message:
    models = joined("{first} and {second}", called(run.model for run in runs[:2]))
    queries = max(len(run.queries) for run in runs)
    if all(run.basis == "images" for run in runs):
        return message(
            "The rankings of {models} for {queries} queries agree with those recomputed from the images.",
            models=models,
            queries=queries,
        )
    return message(
        "The rankings of {models} for {queries} queries agree with the recomputed ones.", models=models, queries=queries
    )


# --- what is shown ---------------------------------------------------------------------------------------------


def _exhibits(case: Case[ComparedRankings, RankingLimits]) -> Iterator[Exhibit]:
    images = case.other(RetrievalImages)
    pictures = tuple(i.thumbnail for i in (*images.library, *images.queries) if i.thumbnail) if images else ()
    runs = chosen(case.seen.runs)
    titles = called(run.model for run in runs)
    labels = {image.label for image in images.library} if images else set()
    yield _table(runs, titles, labels)
    for nth, run in enumerate(runs):
        yield _ranking(run, titles[nth], () if nth else pictures)


def _table(runs: tuple[ComparedRun, ...], titles: list[Message | str], labels: set[str]) -> Table:
    columns = (
        message("Model"), message("Weights"), message("Scores"), message("Compared with"),
        message("Rankings that agree"), message("Precision@5"), message("Top-1"),
    )  # fmt: skip
    bases = {
        "images": message("rankings recomputed from the images"),
        "features": message("{features}", features=the_lab().features),
        "report": message("nothing but the report"),
    }
    rows: list[tuple[Cell, ...]] = []
    for run, title in zip(runs, titles, strict=True):
        known = labels | {class_of(match.path) for query in run.queries for match in (*query.theirs, *query.ours)}
        counted = count((query.label if query.label in known else "", query.theirs) for query in run.queries)
        agree = len(run.queries) if accepted(run) else len(agreeing(run))
        told = "–" if run.basis == "report" else f"{agree} / {len(run.queries) + run.absent}"
        declared = run.pipeline in ("", DECLARED.name)
        basis: Cell = bases[run.basis] if declared else SAID_OF_ALLOWED.get(run.pipeline, run.pipeline)
        figures = tuple(shown(figure) for figure in (counted.precision, counted.top1))
        rows.append((title, run.weights or "?", run.metric, basis, told, *figures))
    return Table(message("Models in the report"), columns, tuple(rows))


def _ranking(run: ComparedRun, name: Message | str, pictures: tuple[Picture, ...]) -> Ranking:
    whole = accepted(run)
    queries = tuple(_row(query, whole or bool(agreeing(_only(run, query)))) for query in run.queries)
    title = message("{model}: the top five of the report and of the grader", model=name)
    return Ranking(title, queries, pictures)


def _only(run: ComparedRun, query: ComparedQuery) -> ComparedRun:
    return ComparedRun(run.model, run.weights, run.metric, run.basis, run.pipeline, (query,))


def _row(query: ComparedQuery, agrees: bool) -> RankedQuery:
    theirs, ours = ({match.path for match in some} for some in (query.theirs, query.ours))
    return RankedQuery(
        query.query,
        query.label,
        tuple(_ranked(match, query.label, ours) for match in query.theirs),
        tuple(_ranked(match, query.label, theirs) for match in query.ours),
        agrees,
    )


def _ranked(match: Match, label: str, others: set[str]) -> Ranked:
    return Ranked(match.path, match.score, same_class(match, label), match.path in others)
