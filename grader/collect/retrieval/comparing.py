"""Compares a run of the report with a recomputed one: from the images, else features, else the report alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from grader.collect.retrieval.comparison import Comparison, Scene, comparison_of
from grader.collect.retrieval.features import handed_in
from grader.collect.retrieval.networks import NO_WEIGHTS, Network, described, find_network
from grader.collect.retrieval.paths import Paths
from grader.collect.retrieval.pictures import bundle
from grader.evidence import (
    Agreement,
    ComparedQuery,
    ComparedRun,
    Failure,
    Match,
    OtherWay,
    OutOfMemory,
    Pipeline,
    Refused,
    ReportedRun,
    TimedOut,
    Unavailable,
)
from grader.evidence.explain import explain
from grader.evidence.kinds.retrieval import TOP
from grader.intake import place
from grader.lab import LAB
from grader.measures.ranking_distance import Scores
from grader.measures.ranking_labels import class_asked, classes_of
from grader.measures.ranking_verdict import accepted, exact
from grader.measures.ways import ALLOWED, DECLARED, MISTAKES, Way
from grader.records import Message, message
from grader.sandbox import ArraySpec, Job, Reply

MOST_TRIED = 20  # queries on which all mistakes are tried: enough to distinguish them


def compare_run(run: ReportedRun, scene: Scene) -> ComparedRun | Failure:
    """Compare the run on the strongest available basis; give the reason if that is not the images.

    Where the grader's machine lacks the weights, or the budget does not suffice for pictures of the usual size, the run
    says that this is `ours`. Any other failure that the student cannot fix is returned: no student code runs here, so
    it is ours as well.
    """
    comparison = comparison_of(run, scene)
    assumed = (
        () if run.metric else (message("the metric is not stated; {metric} was assumed", metric=comparison.metric),)
    )
    network = _network_of(comparison)
    found = _from_pictures(comparison, network) if isinstance(network, Network) else network
    if isinstance(found, ComparedRun) and isinstance(network, Network):
        return replace(found, weights=network.weights, assumed=(*assumed, *network.assumed))
    why = _why_not(found, network if isinstance(network, Network) else None)
    if why is None:
        return found  # type: ignore[return-value]  # a failure
    weaker = (_from_features(comparison, network) if isinstance(network, Network) else None) or _from_report(comparison)
    return replace(weaker, assumed=assumed, why_not=why.said, ours=why.ours)


@dataclass(frozen=True, slots=True)
class WhyNot:
    """Why a run was not computed from the images, and whether staff must mend that."""

    said: Message
    ours: bool = False


def _why_not(found: object, network: Network | None) -> WhyNot | None:
    """Return the reason; None for a failure that says nothing about this run."""
    match found:
        case Message():
            return WhyNot(found)
        case Refused(message=sentence):
            return WhyNot(sentence)
        case Unavailable(code=code, message=sentence) if code == NO_WEIGHTS:
            return WhyNot(sentence, ours=True)
        case TimedOut() | OutOfMemory() if network is not None and network.enlarged:
            return WhyNot(_too_slow(network))
        case TimedOut() | OutOfMemory():
            return WhyNot(explain(found), ours=True)
        case _:
            return None


def _too_slow(network: Network) -> Message:
    return message(
        "recomputing it with images as large as declared ({declared}) takes more time or memory than a submission"
        " has. Use the size that {model} is made for, at most {usual} pixels, run {retrieval_script} again, and hand in"
        " its {retrieval}.",
        declared=described(network.pipeline),
        model=str(network.inputs["model"]),
        usual=network.usual,
        retrieval_script=LAB.retrieval_script,
        retrieval=LAB.retrieval,
    )


def _network_of(comparison: Comparison) -> Network | Message | Failure:
    """Find the network, if anything can be recomputed; else a Message that says what is missing."""
    scene = comparison.scene
    if comparison.run.by_number:
        return message(
            "its images are named by number, not by file: hand in {retrieval} as {retrieval_script} writes it",
            retrieval_script=LAB.retrieval_script,
            retrieval=LAB.retrieval,
        )
    if not comparison.asked:
        return _nothing_to_compare(scene)
    return find_network(comparison.run, scene.submission, scene.equipment)


def _nothing_to_compare(scene: Scene) -> Message:
    if not scene.library:
        return message("the library's images were not handed in: hand in the folder library/")
    return message(
        "none of the report's queries was handed in: hand in the folder queries/ that {retrieval_script} used",
        retrieval_script=LAB.retrieval_script,
    )


# --- from the pictures -----------------------------------------------------------------------------------------


def _from_pictures(comparison: Comparison, network: Network) -> ComparedRun | Message | Failure:
    """Try the declared way; if it does not agree to the digit, the other allowed ways, then the mistakes."""
    first = _tables((DECLARED,), network, comparison)
    if not isinstance(first, Tables):
        return first
    if not np.isfinite(first.scores[0]).all():
        return _no_numbers(network)
    declared = replace(comparison.compared(DECLARED.name, first.scores[0]), network=first.network)
    if exact(declared):
        return declared
    tables = _tables(ALLOWED, network, comparison)
    if not isinstance(tables, Tables):
        return declared if accepted(declared) else tables
    pairs = zip(ALLOWED, tables.scores, strict=True)
    honest = [comparison.compared(way.name, table) for way, table in pairs if np.isfinite(table).all()]
    others = tuple(OtherWay(one.pipeline, one.queries, one.distance, one.example) for one in honest)
    found = replace(declared, other_ways=others)
    if any(map(exact, honest)):
        return found
    bank = (mistake.way for mistake in MISTAKES if mistake.way.metric in (None, comparison.metric))
    tried = [way for way in bank if way.differs(network.pipeline)]
    few = replace(comparison, asked=comparison.asked[:MOST_TRIED])
    tables = _tables(tried, network, few)
    if isinstance(tables, TimedOut | OutOfMemory):
        return found  # a mistake is only an explanation
    if not isinstance(tables, Tables):
        return tables
    suspicions = (few.suspicion(way, table) for way, table in zip(tried, tables.scores, strict=True))
    return replace(found, suspicions=tuple(one for one in suspicions if one is not None))


def _no_numbers(network: Network) -> Message:
    return message(
        "{model} gives no usable numbers for images prepared as declared ({declared}): declare under 'preprocess' in"
        " {retrieval} how the images were prepared.",
        model=str(network.inputs["model"]),
        declared=described(network.pipeline),
        retrieval=LAB.retrieval,
    )


@dataclass(frozen=True, slots=True)
class Tables:
    """Scores (Q, L) of each way, and the digest of the network that gave them."""

    scores: list[Scores]
    network: str


def _tables(ways: Sequence[Way], network: Network, comparison: Comparison) -> Tables | Failure:
    """Compute scores (Q, L) of each way; ways with the same inputs share a pass."""
    scene = comparison.scene
    passes: dict[tuple[Pipeline, bool, bool], list[Way]] = {}
    for way in ways:
        passes.setdefault((way.pipeline(network.pipeline), way.training, way.bfloat16), []).append(way)
    names = {way.name: f"scores_{nth}_{at}" for nth, some in enumerate(passes.values()) for at, way in enumerate(some)}
    told = [
        {
            "pipeline": asdict(pipeline),
            "training": training,
            "bfloat16": bfloat16,
            "scores": [{"tap": way.tap, "compare": way.compare} for way in some],
        }
        for (pipeline, training, bfloat16), some in passes.items()
    ]
    counts = {"library": len(scene.library), "queries": len(comparison.asked)}
    inputs = {**network.inputs, **counts, "threads": scene.equipment.threads, "passes": told}
    arrays = dict.fromkeys(names.values(), ArraySpec("<f4", (counts["queries"], counts["library"])))
    paths = [*scene.library, *(scene.queries[one.query] for one in comparison.asked)]
    with bundle([place(scene.submission, path) for path in paths]) as file:
        files = {"bundle": file, **network.files}
        job = Job("retrieval.scores.compute_scores", inputs, files, arrays, scene.budget.left())
        reply = scene.equipment.sandbox.run(job)
    if not isinstance(reply, Reply):
        return reply
    scores = [reply.arrays[names[way.name]].astype(np.float64) for way in ways]
    return Tables(scores, str(reply.value.get("network"))[:100])


# --- from features, and from the report alone ------------------------------------------------------------------


def _from_features(comparison: Comparison, network: Network) -> ComparedRun | None:
    """Compare with the features that were handed in, if the network gives them for a sample of the images."""
    scene = comparison.scene
    features = handed_in(scene.submission, scene.equipment.sandbox, comparison.run.model)
    if features is None:
        return None
    queries = [scene.queries[one.query] for one in comparison.asked]
    scores = features.scores(scene.library, queries, scene.budget)
    if scores is None or not features.agrees(network, [*scene.library, *queries], scene.budget):
        return None
    return replace(comparison.compared(LAB.features, scores), basis="features")


def _from_report(comparison: Comparison) -> ComparedRun:
    """Compare with nothing else: require five distinct matches per query, from the library if it has their names."""
    run, scene = comparison.run, comparison.scene
    library, there, free = Paths(scene.library), frozenset(scene.library), run.by_number or not scene.library
    classes = classes_of(run)
    nothing = Agreement(0, 0, 0)
    queries = []
    for query in run.queries:
        theirs = tuple(_as_handed_in(match, library, scene) for match in query.matches[:TOP])
        known = {match.path for match in theirs if free or match.path in there}
        distinct = Agreement(TOP, len(known), len(known))
        queries.append(
            ComparedQuery(query.query, class_asked(query, classes), theirs, (), distinct, nothing, nothing, 0.0, ())
        )
    return ComparedRun(
        run.model, run.weights, comparison.metric, "report", "", tuple(queries), missing=comparison.missing
    )


def _as_handed_in(match: Match, library: Paths, scene: Scene) -> Match:
    """Return the match with the path of the library's image, if the library has one of this name."""
    at = library.find(match.path)
    return match if at is None else replace(match, path=scene.library[at])
