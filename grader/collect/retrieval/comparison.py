"""Holds one run of a report against the images that were handed in, and compares it with scores."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from grader.collect.budget import LEAST
from grader.collect.equipment import Equipment
from grader.collect.retrieval.paths import Paths
from grader.collect.retrieval.pictures import label_of
from grader.evidence import (
    ComparedQuery,
    ComparedRun,
    Match,
    ReportedQuery,
    ReportedRun,
    Suspicion,
)
from grader.evidence.kinds.retrieval import TOP, Metric
from grader.measures.ranking_distance import (
    Scores,
    as_cosines,
    as_distances,
    compare,
    distance,
    halves_of_cosines,
    printed_half_digit,
)
from grader.measures.ranking_verdict import share
from grader.measures.ways import Way
from grader.records import Submission
from grader.sandbox import Limits

SAMPLE = 0.1  # of a turn: kept for the sample of handed-in features


@dataclass(frozen=True, slots=True)
class Turn:
    """The time for one network of the report: an equal share of what is left, and more where the budget has more."""

    equipment: Equipment
    kept: float  # seconds that are left when it is over
    whole: float

    @classmethod
    def begin(cls, equipment: Equipment, waiting: int) -> Self:
        """Begin the turn of one of so many networks that are still waiting."""
        left = equipment.left("retrieval").seconds
        return cls(equipment, left - left / waiting, left / waiting)

    def left(self, share: float = 1.0, sample: bool = False) -> Limits:
        """Return the limits of a job that may take this share of what is left of the turn."""
        limits = self.equipment.left("retrieval")
        left = limits.seconds - self.kept - (0.0 if sample else SAMPLE * self.whole)
        return replace(limits, seconds=max(LEAST, share * left))


@dataclass(frozen=True, slots=True)
class Scene:
    """What all runs of a report share: the readable images, by path and label."""

    submission: Submission
    equipment: Equipment
    library: tuple[str, ...]
    queries: tuple[str, ...]
    turn: Turn
    pixels: int = 0  # of all these images together


@dataclass(frozen=True, slots=True)
class Asked:
    """A query of the report whose image was handed in: its index among the images, and the indices of its matches."""

    reported: ReportedQuery
    query: int
    places: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One run of the report, with the part that can be recomputed."""

    run: ReportedRun
    metric: Metric
    scene: Scene
    asked: tuple[Asked, ...]
    missing: tuple[str, ...]  # named in the report but not handed in
    half_digit: float  # of the scores as they were printed

    def compared(self, way: str, table: Scores) -> ComparedRun:
        """Compare the run with scores (Q, L) of the allowed way of this name."""
        queries = tuple(self._query(one, row) for one, row in zip(self.asked, table, strict=True))
        return ComparedRun(
            self.run.model, self.run.weights, self.metric, "images", way, queries, self.distance(table),
            self.example(table), missing=self.missing, absent=len(self.run.queries) - len(self.asked),
        )  # fmt: skip

    def _query(self, one: Asked, scores: Scores) -> ComparedQuery:
        halves = halves_of_cosines(self.metric, one.reported, self.half_digit)
        kept = compare(scores, one.places, as_cosines(self.metric, one.reported), halves)
        shown = as_distances(scores) if self.metric == "euclidean" else scores
        best = np.argsort(-scores, kind="stable")[:TOP]
        ours = tuple(Match(self.scene.library[place], float(shown[place])) for place in best)
        path = self.scene.queries[one.query]
        return ComparedQuery(
            path, label_of(path), self._theirs(one), ours, kept.sound, kept.complete, kept.ordered, kept.regret,
            kept.errors, kept.spread, kept.rises,
        )  # fmt: skip

    def _theirs(self, one: Asked) -> tuple[Match, ...]:
        """Return the reported matches, with the paths of the handed-in images where they exist."""
        pairs = zip(one.reported.matches[:TOP], one.places, strict=True)
        return tuple(match if at is None else replace(match, path=self.scene.library[at]) for match, at in pairs)

    def distance(self, table: Scores) -> float | None:
        """Return the median distance of the reported scores from those of the table, in units of sigma."""
        pairs = zip(table, self.asked, strict=False)
        return distance([(row, one.places, as_cosines(self.metric, one.reported)) for row, one in pairs])

    def example(self, table: Scores) -> float | None:
        """Return the table's score for the first match of the first query, on the report's scale."""
        place = self.asked[0].places[0] if self.asked and self.asked[0].places else None
        if place is None or not np.isfinite(table[0, place]):
            return None
        return float(as_distances(table[0, place]) if self.metric == "euclidean" else table[0, place])

    def suspicion(self, way: Way, table: Scores) -> Suspicion | None:
        """Measure how well a mistake explains the scores; None if it could not be tried."""
        if not np.isfinite(table).all():
            return None
        # unit distances are compared as cosines; everything else as it would have been printed
        held = self if way.compare == "cosine" else replace(self, metric="cosine")
        far = held.distance(table)
        if far is None:
            return None
        sign = 1.0 if way.largest_first else -1.0
        pairs = zip(table, self.asked, strict=False)
        kept = [compare(sign * row, one.places, [None] * len(one.places)) for row, one in pairs]
        sound = share((one.sound for one in kept), wide=True, of_nothing=0.0)
        order = share((one.ordered for one in kept), wide=True, of_nothing=0.0)
        return Suspicion(way.name, far, sound, order, held.example(table))


def comparison_of(run: ReportedRun, scene: Scene) -> Comparison:
    library, queries = Paths(scene.library), Paths(scene.queries)
    asked: list[Asked] = []
    missing: dict[str, None] = {}
    for query in () if run.by_number else run.queries:
        at = queries.find(query.query) if scene.library else None
        places = tuple(library.find(match.path) for match in query.matches[:TOP])
        unknown = [m.path for m, found in zip(query.matches, places, strict=False) if found is None]
        missing |= dict.fromkeys([*([query.query] if at is None else []), *unknown])
        if at is not None:
            asked.append(Asked(query, at, places))
    half = printed_half_digit([m.score for q in run.queries for m in q.matches if m.score is not None])
    return Comparison(run, stated_metric(run), scene, tuple(asked), tuple(missing)[:20], half)


def stated_metric(run: ReportedRun) -> Metric:
    """Return the metric that the report states, else the one implied by the order of its scores."""
    if run.metric:
        return run.metric
    ends = [(q.matches[0].score, q.matches[-1].score) for q in run.queries if len(q.matches) > 1]
    rises = sum(first < last for first, last in ends if first is not None and last is not None)
    return "euclidean" if rises * 2 > len(ends) else "cosine"
