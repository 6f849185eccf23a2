"""Raises flags for staff about the retrieval: rankings that nobody can verify, and libraries of copies."""

from __future__ import annotations

from collections.abc import Iterator

from grader.evidence import ComparedRankings, ComparedRun, Evidence, RetrievalImages
from grader.measures.alike import alike
from grader.measures.ranking_verdict import accepted, chosen, close, named, undecided
from grader.measures.same_network import one_a_network
from grader.records import Flag, Message, message

RANKING = "retrieval_ranking"  # the criterion
ENOUGH = 2  # networks whose rankings were accepted: what others earn no longer matters


def rankings(evidence: Evidence) -> Iterator[Flag]:
    """Flag rankings that nearly agree, and rankings that could not be recomputed or decided.

    Points that rest on a report alone, or on an order that anything would fit, are confirmed by a person.
    """
    compared = evidence.seen(ComparedRankings)
    runs = chosen(compared.runs) if compared else ()
    asks_about = "" if _verified(runs) >= ENOUGH else RANKING
    for run in runs:
        if run.basis == "features":
            yield _handed_in(run)
        if loose := undecided(run):
            yield _undecided(run, len(loose), asks_about)
        if run.basis == "report":
            yield _not_recomputed(run, "" if run.ours else asks_about)
        elif not accepted(run) and close(run) and not named(run):
            sentence = message(
                "The rankings of {model} are close to the recomputed ones, but not within the bounds: please check.",
                model=run.model,
            )
            yield Flag("ranking nearly agrees", sentence)


def _verified(runs: tuple[ComparedRun, ...]) -> int:
    """Return of how many networks the rankings were accepted."""
    found = [run for run in runs if accepted(run)]
    return len(one_a_network(found, [run.network for run in found], range(len(found))))


def _undecided(run: ComparedRun, loose: int, asks_about: str) -> Flag:
    sentence = message(
        "{model}: for {count} of {of} queries, any order of the five best would fit: their scores are equal"
        " but for rounding, or the reported order is that of chance.",
        model=run.model, count=loose, of=len(run.queries),
    )  # fmt: skip
    if asks_about:
        sentence = message(
            "{what} Look at the images and the report, ask the student, then mark this criterion: until then its points"
            " are not final.",
            what=sentence,
        )
    return Flag("ranking undecided", sentence, asks_about=asks_about)


def _not_recomputed(run: ComparedRun, asks_about: str) -> Flag:
    sentence = message(
        "The rankings of {model} were checked only against the report itself: {why}",
        model=run.model or "?",
        why=_why(run),
    )
    if asks_about:
        sentence = message(
            "Nobody has verified the rankings of {model}. Look at the images and the report, ask the student, then mark"
            " this criterion: until then its points are not final. Only the report itself was checked: {why}",
            model=run.model or "?",
            why=_why(run),
        )
    return Flag("ranking not computed anew", sentence, asks_about=asks_about)


def _handed_in(run: ComparedRun) -> Flag:
    sentence = message(
        "The rankings of {model} were compared with the features that were handed in: {why}",
        model=run.model,
        why=_why(run),
    )
    return Flag("features handed in", sentence)


def _why(run: ComparedRun) -> Message:
    return run.why_not or message("the images were not used.")


def copies(evidence: Evidence) -> Iterator[Flag]:
    """Flag a library that has mostly copies of a few pictures."""
    found = alike(evidence.seen(RetrievalImages))
    if found:
        sentence = message(
            "The {count} images of the library are copies of {different} pictures, as the networks see them.",
            count=len(found),
            different=len(set(found.values())),
        )
        yield Flag("library of copies", sentence)
