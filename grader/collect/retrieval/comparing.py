"""Compares a run of the report with a recomputed one: from the images, else features, else the report alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from grader.collect.retrieval.comparison import Comparison, Scene, comparison_of
from grader.collect.retrieval.features import handed_in
from grader.collect.retrieval.networks import NO_WEIGHTS, Network, described, find_network
from grader.collect.retrieval.paths import Paths
from grader.collect.retrieval.pictures import USUAL_PIXELS, bundle
from grader.collect.retrieval.vectors import Asked, Known, is_kept, vectors_of
from grader.collect.yardstick import as_pictures, at_a_limit, measured_here
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
from grader.evidence.refusals import handed_in_again
from grader.intake import place
from grader.labs import the_lab
from grader.measures.ranking_distance import Scores
from grader.measures.ranking_labels import class_asked, classes_of
from grader.measures.ranking_verdict import accepted, exact
from grader.measures.ways import ALLOWED, DECLARED, Way, mistakes
from grader.records import Message, message
from grader.sandbox import ArraySpec, Job, Reply

TOO_SLOW = "retrieval_slow"
USUAL_COUNT = 200  # pictures that nobody is blamed for
MOST_TRIED = 20  # queries on which all mistakes are tried: enough to distinguish them


def compare_run(run: ReportedRun, scene: Scene) -> ComparedRun | Failure:
    """Compare the run on the strongest available basis; give the reason if that is not the images.

    Where the grader's machine lacks the weights, or is too slow for an ordinary network, the run says that this is
    `ours`. Any other failure that the student cannot fix is returned: no student code runs here, so
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
    why = _why_not(found)
    if why is None:
        return found  # type: ignore[return-value]  # a failure
    weaker = (_from_features(comparison, network) if isinstance(network, Network) else None) or _from_report(comparison)
    return replace(weaker, assumed=assumed, why_not=why.said, ours=why.ours)


@dataclass(frozen=True, slots=True)
class WhyNot:
    """Why a run was not computed from the images, and whether staff must mend that."""

    said: Message
    ours: bool = False


def _why_not(found: object) -> WhyNot | None:
    """Return the reason; None for a failure that says nothing about this run."""
    match found:
        case Message():
            return WhyNot(found)
        case Refused(message=sentence):
            return WhyNot(sentence)
        case Unavailable(code=code, message=sentence) if code == NO_WEIGHTS:
            return WhyNot(sentence, ours=True)
        case TimedOut() | OutOfMemory():
            return WhyNot(explain(found), ours=True)
        case _:
            return None


def _too_slow(network: Network, comparison: Comparison) -> Refused:
    """Refuse what takes longer than an ordinary network takes for as many pictures as usual."""
    scene = comparison.scene
    sentence = message(
        "recomputing it takes more time or memory than a submission has: {count} images with {pixels:.0f} million"
        " pixels together, prepared for {model} as declared ({declared}). Use a network of the usual size with images"
        " of at most {usual} pixels, or fewer or smaller images; run {retrieval_script} again, and {hand_in}.",
        count=len(scene.library) + len(scene.queries),
        pixels=scene.pixels / 1e6,
        declared=described(network.pipeline),
        model=str(network.inputs["model"]),
        usual=network.usual,
        retrieval_script=the_lab().retrieval_script,
        hand_in=handed_in_again(),
    )
    return Refused(TOO_SLOW, sentence)


def _whose(
    failure: Failure, ways: Sequence[Way], network: Network, comparison: Comparison
) -> ComparedRun | Message | Failure:
    """Return the failure; a refusal where an ordinary network and usual pictures would have stayed within the limit.

    Several processes need more memory than the network itself: without enough of it, all is tried again in one.
    """
    if not at_a_limit(failure):
        return failure
    scene = comparison.scene
    if isinstance(failure, OutOfMemory) and scene.equipment.threads > 1:
        alone = replace(scene, equipment=replace(scene.equipment, threads=1))
        return _from_pictures(replace(comparison, scene=alone), network)
    passes = len(_passes(ways, network))
    work = passes * min(USUAL_COUNT, len(scene.library) + len(scene.queries))
    work_before = as_pictures(min(USUAL_PIXELS, scene.pixels), passes)
    theirs = measured_here(scene.equipment).is_theirs(failure, work + work_before)
    return _too_slow(network, comparison) if theirs else failure


def _network_of(comparison: Comparison) -> Network | Message | Failure:
    """Find the network, if anything can be recomputed; else a Message that says what is missing."""
    scene = comparison.scene
    if comparison.run.by_number and not the_lab().retrieval:
        return message("its images are named by number, not by file: name them as in library/ and queries/")
    if comparison.run.by_number:
        return message(
            "its images are named by number, not by file: hand in {retrieval} as {retrieval_script} writes it",
            retrieval_script=the_lab().retrieval_script,
            retrieval=the_lab().rankings_in,
        )
    if not comparison.asked:
        return _nothing_to_compare(scene)
    return find_network(comparison.run, scene.submission, scene.equipment)


def _nothing_to_compare(scene: Scene) -> Message:
    if not scene.library:
        return message("the library's images were not handed in: hand in the folder library/")
    return message(
        "none of the report's queries was handed in: hand in the folder queries/ that {retrieval_script} used",
        retrieval_script=the_lab().retrieval_script,
    )


# --- from the pictures -----------------------------------------------------------------------------------------


def _from_pictures(comparison: Comparison, network: Network) -> ComparedRun | Message | Failure:
    """Try the declared way; if it does not agree to the digit, the other allowed ways, then the mistakes."""
    first = _tables((DECLARED,), network, comparison)
    if not isinstance(first, Tables):
        return _whose(first, (DECLARED,), network, comparison)
    if not np.isfinite(first.scores[0]).all():
        return _no_numbers(network)
    declared = replace(comparison.compared(DECLARED.name, first.scores[0]), network=first.network)
    if exact(declared):
        return declared
    tables = _tables(ALLOWED, network, comparison)
    if not isinstance(tables, Tables):
        return declared if accepted(declared) else _whose(tables, ALLOWED, network, comparison)
    pairs = zip(ALLOWED, tables.scores, strict=True)
    honest = [comparison.compared(way.name, table) for way, table in pairs if np.isfinite(table).all()]
    others = tuple(OtherWay(one.pipeline, one.queries, one.distance, one.example) for one in honest)
    found = replace(declared, other_ways=others)
    if any(map(exact, honest)):
        return found
    bank = (mistake.way for mistake in mistakes() if mistake.way.metric in (None, comparison.metric))
    tried = [way for way in bank if way.differs(network.pipeline)]
    few = replace(comparison, asked=comparison.asked[:MOST_TRIED])
    tables = _tables(tried, network, few, share=0.5)
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
        retrieval=the_lab().rankings_in,
    )


@dataclass(frozen=True, slots=True)
class Tables:
    """Scores (Q, L) of each way, and the digest of the network that gave them."""

    scores: list[Scores]
    network: str


def _passes(ways: Sequence[Way], network: Network) -> dict[tuple[Pipeline, bool, bool], list[Way]]:
    """Return the passes over the images that these ways need: those with the same inputs share one."""
    passes: dict[tuple[Pipeline, bool, bool], list[Way]] = {}
    for way in ways:
        passes.setdefault((way.pipeline(network.pipeline), way.training, way.bfloat16), []).append(way)
    return passes


def _tables(ways: Sequence[Way], network: Network, comparison: Comparison, share: float = 1.0) -> Tables | Failure:
    """Compute scores (Q, L) of each way, in this share of what is left of the turn."""
    scene, passes = comparison.scene, _passes(ways, network)
    if is_kept(ways, network, scene.equipment):
        return _from_kept(ways, network, comparison, share)
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
    with bundle(_files(comparison)) as file:
        files = {"bundle": file, **network.files}
        job = Job("retrieval.scores.compute_scores", inputs, files, arrays, scene.turn.left(share))
        reply = scene.equipment.sandbox.run(job)
    if not isinstance(reply, Reply):
        return reply
    scores = [reply.arrays[names[way.name]].astype(np.float64) for way in ways]
    return Tables(scores, str(reply.value.get("network"))[:100])


def _from_kept(ways: Sequence[Way], network: Network, comparison: Comparison, share: float) -> Tables | Failure:
    """Compute scores from the features of each picture, most of which may be known."""
    scene = comparison.scene
    passes = {way.name: (way.pipeline(network.pipeline), way.bfloat16) for way in ways}
    asked = Asked(_files(comparison), network, tuple(dict.fromkeys(passes.values())))
    found = vectors_of(asked, scene.equipment, lambda: scene.turn.left(share))
    if not isinstance(found, Known):
        return found
    return Tables([found.scores(way, passes[way.name], len(scene.library)) for way in ways], found.network)


def _files(comparison: Comparison) -> list[Path]:
    """Return the files of the pictures: the library first, then the queries."""
    scene = comparison.scene
    paths = [*scene.library, *(scene.queries[one.query] for one in comparison.asked)]
    return [place(scene.submission, path) for path in paths]


# --- from features, and from the report alone ------------------------------------------------------------------


def _from_features(comparison: Comparison, network: Network) -> ComparedRun | None:
    """Compare with the features that were handed in, if the network gives them for a sample of the images."""
    scene = comparison.scene
    features = handed_in(scene.submission, scene.equipment.sandbox, comparison.run.model)
    if features is None:
        return None
    queries = [scene.queries[one.query] for one in comparison.asked]
    scores = features.scores(scene.library, queries, scene.turn)
    if scores is None or not features.agrees(network, [*scene.library, *queries], scene.turn):
        return None
    return replace(comparison.compared(the_lab().features, scores), basis="features")


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
