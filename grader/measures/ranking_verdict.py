"""Decides about a report's rankings from comparisons: accepted, nearly accepted, or explained by a mistake.

The bounds apply to a whole report. They were found by simulation: honest variants (another decoder, batch, precision)
pass, every mistake and every invented ranking fails; `python benchmarks/retrieval_rule.py` repeats them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf
from statistics import fmean, median, pstdev, quantiles

from grader.evidence import Agreement, ComparedQuery, ComparedRun, Match, Suspicion
from grader.evidence.kinds.retrieval import TOP
from grader.measures.ways import mistake_called


@dataclass(frozen=True, slots=True)
class Rule:
    """Bounds: shares at least, regret and errors (in sigma) at most."""

    sound: float
    complete: float
    ordered: float
    regret: float
    median_error: float
    high_error: float  # 90th percentile


FULL = Rule(0.98, 0.98, 0.97, 0.5, 0.10, 0.20)
BY_ORDER = replace(FULL, median_error=inf, high_error=inf)
CLOSE = Rule(0.95, 0.95, 0.90, 1.0, 0.25, 0.80)  # at twice the tolerance; "please check", never full marks

# Naming a mistake
NEAREST = 0.30  # median error under the mistake, at most
FITS = 0.05  # up to here, the scores are those of the mistake, except for rounding
MARGIN = 1.5  # the honest way's error must be larger by at least this factor
WIDE_MARGIN = 3.0  # the same, if the scores do not fit that well
SOUND, ORDERED = 0.90, 0.85
FEWEST = 4  # queries
LEAST_SPREAD = 1e-6  # best score less the fifth best: below it they are equal but for rounding (retrieval_alike.py)
FEW = 0.2  # share of queries with equal scores that may be chance
MOST_RISES = 0.35  # of neighbours in the wrong order: at most 0.3 in honest reports, with noisy pictures; 0.5 by chance
FEWEST_PAIRS = 8  # neighbours, of two queries: of fewer, a third may rise by chance
EXACT = 0.005  # median error up to which no mistake needs to be tried: rounding, another processor
SAME = 1e-6  # mistakes with the same scores are distinguished by the order of the list

# BatchNorm in training mode, from a report alone
ALIKE, SPREAD = 0.97, 0.01
STILL_USEFUL = 0.45  # precision@5; random weights do not reach it


def keeps(queries: Sequence[ComparedQuery], rule: Rule, wide: bool = False) -> bool:
    """Return whether these queries together satisfy the rule."""
    if not queries:
        return False
    errors = [error for query in queries for error in query.errors]
    if not errors:
        return False
    return (
        share((q.sound for q in queries), wide) >= rule.sound
        and share((q.complete for q in queries), wide) >= rule.complete
        and share((q.ordered for q in queries), wide) >= rule.ordered
        and max(q.regret for q in queries) <= rule.regret
        and median(errors) <= rule.median_error
        and _high(errors) <= rule.high_error
    )


def share(parts: Iterable[Agreement], wide: bool, of_nothing: float = 1.0) -> float:
    """Return the share of all items that satisfy the rule, or its wider tier."""
    kept = [(part.wide if wide else part.kept, part.of) for part in parts]
    whole = sum(of for _, of in kept)
    return sum(number for number, _ in kept) / whole if whole else of_nothing


def _high(values: Sequence[float]) -> float:
    """Return the 90th percentile, by linear interpolation."""
    return quantiles(values, n=10, method="inclusive")[-1] if len(values) > 1 else values[0]


def undecided(run: ComparedRun) -> tuple[ComparedQuery, ...]:
    """Return the queries of which any order would fit: their five best scores are equal, or their order is by chance.

    None, if those with equal scores are few: a picture that happens to be there twice is no reason to doubt the others.
    """
    found = tuple(q for q in run.queries if q.spread is not None and q.spread < LEAST_SPREAD)
    return found if len(found) > FEW * len(run.queries) else _ordered_by_chance(run)


def _ordered_by_chance(run: ComparedRun) -> tuple[ComparedQuery, ...]:
    """Return the queries that satisfy the rule, if all in all their order is that of chance.

    The tolerance is a part of sigma: one picture unlike the others, or five that are much alike, would hide any order.
    """
    fitting = tuple(query for query in run.queries if query.rises is not None and keeps([query], FULL))
    pairs = sum(query.ordered.of for query in fitting)
    rises = sum(query.rises or 0 for query in fitting)
    return fitting if pairs >= FEWEST_PAIRS and rises > MOST_RISES * pairs else ()


def shows_nothing(run: ComparedRun) -> bool:
    """Return whether no score has a digit after the point, or is a number at all: only the order can be compared."""
    return all(score == int(score) for score in scores_of(match for query in run.queries for match in query.theirs))


def by_order_alone(run: ComparedRun) -> tuple[ComparedQuery, ...]:
    """Return the queries whose order fits, but nothing shows that it was computed."""
    if loose := undecided(run):
        return loose
    if accepted(run) or not shows_nothing(run):
        return ()
    agreed = agreeing(run)
    return tuple(query for query in run.queries if query not in agreed and keeps([query], BY_ORDER))


def accepted(run: ComparedRun) -> bool:
    """Return whether an allowed way gives these rankings, and no mistake explains their scores better."""
    return run.basis != "report" and not undecided(run) and keeps(run.queries, FULL) and not _explained_better(run)


def exact(run: ComparedRun) -> bool:
    """Return whether the rankings agree to the printed digits: then no mistake needs to be tried."""
    errors = [error for query in run.queries for error in query.errors]
    return accepted(run) and median(errors) <= EXACT


def chosen(runs: Iterable[ComparedRun]) -> tuple[ComparedRun, ...]:
    """Compare each run with the way that counts: one that agrees to the printed digits, else the nearest honest one."""
    return tuple(_chosen(run) for run in runs)


def _chosen(run: ComparedRun) -> ComparedRun:
    if not run.other_ways:
        return run
    ways = [replace(run, other_ways=(), suspicions=())]
    for way in run.other_ways:
        fields = {"pipeline": way.pipeline, "queries": way.queries, "distance": way.distance, "example": way.example}
        ways.append(replace(ways[0], **fields))  # type: ignore[arg-type]
    agreeing_ways = [way for way in ways if exact(way)]
    return agreeing_ways[0] if agreeing_ways else replace(nearest_honest(ways), suspicions=run.suspicions)


def nearest_honest(runs: Sequence[ComparedRun]) -> ComparedRun:
    """Choose among comparisons with allowed ways, the declared one first: the nearest that fits, else the declared.

    A mistake must explain the scores better than all of them.
    """
    distances = [run.distance for run in runs if run.distance is not None]
    fitting = [run for run in runs if keeps(run.queries, FULL)] or runs[:1]
    found = min(fitting, key=lambda run: inf if run.distance is None else run.distance)
    return replace(found, distance=min(distances, default=None))


def close(run: ComparedRun) -> bool:
    """Return whether the rankings nearly agree, so that a person should look."""
    return run.basis != "report" and not undecided(run) and keeps(run.queries, CLOSE, wide=True)


def agreeing(run: ComparedRun) -> list[ComparedQuery]:
    """Return the queries that satisfy the rule by themselves."""
    loose = undecided(run)
    return [query for query in run.queries if query not in loose and keeps([query], FULL)]


def named(run: ComparedRun) -> Suspicion | None:
    """Return the mistake that explains the scores; None if none does by a clear margin. It is never a guess."""
    if not run.suspicions or run.distance is None or len(run.queries) < FEWEST:
        return None
    least = min(suspicion.distance for suspicion in run.suspicions)
    equal = [suspicion for suspicion in run.suspicions if suspicion.distance <= least * (1 + SAME) + SAME]
    nearest = max(equal, key=lambda suspicion: (suspicion.soundness, suspicion.order))
    margin = MARGIN if nearest.distance <= FITS else WIDE_MARGIN
    apart = run.distance >= margin * nearest.distance or _only_sorts(nearest.name)
    plain = nearest.distance <= NEAREST and apart
    return nearest if plain and nearest.soundness >= SOUND and nearest.order >= ORDERED else None


def _explained_better(run: ComparedRun) -> bool:
    """Return whether a mistake explains the scores better, even if the order would fit the correct ones."""
    mistake = named(run)
    return mistake is not None and not _only_sorts(mistake.name)


# --- from a report alone ---------------------------------------------------------------------------------------


def scores_of(matches: Iterable[Match]) -> list[float]:
    """Return the scores that are numbers."""
    return [match.score for match in matches if match.score is not None]


def all_alike(scores: Sequence[float]) -> bool:
    """Return whether similarities are as high and as close to each other as with BatchNorm in training mode."""
    return len(scores) >= TOP and fmean(scores) > ALIKE and pstdev(scores) < SPREAD


def _only_sorts(name: str) -> bool:
    return mistake_called(name).way.only_sorts
