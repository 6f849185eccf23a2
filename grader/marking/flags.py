"""Raises flags for staff: suspicions that do not change points."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from grader.evidence import (
    Accuracy,
    Checkpoint,
    Claim,
    Claims,
    Diagnosis,
    Evidence,
    Generalisation,
    GivenWeights,
    Layout,
    Malformed,
    OwnNetwork,
    Preprocessing,
    PreprocessingChoice,
    kind_of,
)
from grader.evidence.wording import said
from grader.lab import LAB
from grader.marking.choice_exhibits import chosen_by_measurement
from grader.marking.retrieval_flags import copies, rankings
from grader.measures.choice import choose
from grader.measures.doubts import certain_accuracy
from grader.measures.generalisation import knows_test_images
from grader.measures.intervals import better_preprocessing, fits_training
from grader.records import Flag, Message, Scalar, message

SHADOWED = frozenset({"torch", "torchvision", "numpy", "PIL", "grader", "sitecustomize", "usercustomize"})
FAR = 0.05  # a claim this far above the measurement is worth a look

# The kinds of flags that evidence raises: a re-marked grade has them again, or their cause is gone.
RAISED = frozenset({
    "claim above measurement", "claim fits the training set", "features handed in", "given weights",
    "library of copies", "look-up table?", "malformed answer", "more weights", "own class", "own network",
    "ranking nearly agrees", "ranking not computed anew", "ranking undecided", "several normalisations",
    "shadowed module", "unread normalisation", "weaker sandbox",
})  # fmt: skip


def raise_flags(evidence: Evidence) -> tuple[Flag, ...]:
    """Return every suspicion that the evidence supports."""
    return tuple(flag for rule in RULES for flag in rule(evidence))


def _claim_above(evidence: Evidence) -> Iterator[Flag]:
    scores, claims = certain_accuracy(evidence), evidence.seen(Claims)
    if not scores or not claims or not claims.certain:
        return
    share = scores.correct / scores.count
    highest = max(claims.certain, key=lambda claim: claim.accuracy)
    if highest.accuracy - share <= FAR:
        return
    yield _explained(highest, scores, evidence.seen(Diagnosis))


def _explained(claim: Claim, scores: Accuracy, diagnosis: Diagnosis | None) -> Flag:
    """Flag a claim above the measured accuracy, with the likely reason."""
    values: dict[str, Scalar | Message] = {
        "source": claim.source, "claimed": claim.accuracy, "share": scores.correct / scores.count,
    }  # fmt: skip
    better = better_preprocessing(diagnosis)
    if better is not None:
        values |= {"name": said(better.name), "better": better.correct / better.count}
        sentence = message(
            "{source} claims {claimed:.2%}; measured: {share:.2%}. The normalisation may be the reason: with {name},"
            " the same weights classify {better:.2%} of the training images correctly.",
            **values,
        )
        return Flag("claim above measurement", sentence)
    training = fits_training(claim.accuracy, scores, diagnosis)
    if training is not None:
        sentence = message(
            "{source} claims {claimed:.2%}; measured on test images: {share:.2%}, on training images: {training:.2%}.",
            **values,
            training=training,
        )
        return Flag("claim fits the training set", sentence)
    return Flag("claim above measurement", message("{source} claims {claimed:.2%}; measured: {share:.2%}.", **values))


def _unloaded_code(evidence: Evidence) -> Iterator[Flag]:
    checkpoint = None if evidence.seen(OwnNetwork) else evidence.seen(Checkpoint)
    strangers = [name for name in checkpoint.unloaded if not name.startswith("torchvision.")] if checkpoint else []
    if checkpoint and checkpoint.form == "whole module" and strangers:
        sentence = message(
            "The weights were taken from a whole module ({classes}) and run in the grader's own {network}.",
            classes=", ".join(strangers)[:200],
            network=checkpoint.network,
        )
        yield Flag("own class", sentence)


def _own_network(evidence: Evidence) -> Iterator[Flag]:
    own = evidence.seen(OwnNetwork)
    if not own:
        return
    sentence = message(
        "The network is the submission's own: {name} in {file}, line {line}. The accuracy was measured with that code.",
        name=own.name,
        file=own.file,
        line=own.line,
    )
    yield Flag("own network", sentence)


def _generalisation(evidence: Evidence) -> Iterator[Flag]:
    """Flag a network that may hold the test images. The points stay as measured, until a person decides."""
    found, scores = evidence.seen(Generalisation), evidence.seen(Accuracy)
    if found is None or scores is None or not knows_test_images(found, scores):
        return
    values: dict[str, Scalar | Message] = {
        "whose": _whose(evidence),
        "before": found.correct_before / found.moved,
        "after": found.correct_moved / found.moved,
        "count": found.moved,
    }
    sentence = message(
        "{whose} classifies {before:.1%} of {count:,} test images correctly, but {after:.1%} of the same images"
        " mirrored and shifted by at most two pixels.",
        **values,
    )
    if found.training:
        values |= {"training": found.correct_training / found.training, "trained": found.training}
        sentence = message(
            "{whose} classifies {test:.1%} of all test images correctly, {training:.1%} of {trained:,} training"
            " images, and {after:.1%} of {count:,} mirrored and slightly shifted test images, {before:.1%} of the same"
            " before that.",
            **values,
            test=scores.correct / scores.count,
        )
    yield Flag("look-up table?", _with_advice(sentence), asks_about=kind_of(Accuracy))


def _whose(evidence: Evidence) -> Message | str:
    own, checkpoint = evidence.seen(OwnNetwork), evidence.seen(Checkpoint)
    if own:
        return message("{name} in {file}, line {line},", name=own.name, file=own.file, line=own.line)
    return message("The network in {file}", file=checkpoint.path if checkpoint else LAB.checkpoint)


def _with_advice(figures: Message) -> Message:
    return message(
        "{figures} Honest networks differ by a few points, or are better on training images; one that holds the test"
        " images is far better on those alone, and so is one that was trained with them, even by mistake. Look at the"
        " network and its training, ask the student, then mark this criterion: until then the measured points are not"
        " final.",
        figures=figures,
    )


def _left_aside(evidence: Evidence) -> Iterator[Flag]:
    checkpoint = evidence.seen(Checkpoint)
    if checkpoint and checkpoint.spare_weights:
        spare = ", ".join(checkpoint.spare_weights)[:200]
        sentence = message(
            "{file} contains weights that {network} does not have ({spare}); they were ignored.",
            file=checkpoint.path,
            network=checkpoint.network,
            spare=spare,
        )
        yield Flag("more weights", sentence)


def _given_weights(evidence: Evidence) -> Iterator[Flag]:
    """Flag weights that are exactly a file that students are given; the accuracy counts as measured all the same."""
    found = evidence.seen(GivenWeights)
    same = [start for start in found.compared if start.same] if found else []
    if found is None or not same:
        return
    start = next((start for start in same if start.of_the_lab), same[0])
    values: dict[str, Scalar] = {"file": found.path, "given": start.file}
    if start.of_the_lab:
        sentence = message(
            "{file} contains exactly the weights that students are given, {given} of the template: they were not"
            " trained any further.",
            **values,
        )
    else:
        sentence = message(
            "{file} contains exactly the weights of {given}, a file of the submission with the name of the one that"
            " students are given. If it was not overwritten, they were not trained any further.",
            **values,
        )
    yield Flag("given weights", sentence)


def _unusual_input(evidence: Evidence) -> Iterator[Flag]:
    used, choice = evidence.seen(Preprocessing), evidence.seen(PreprocessingChoice)
    if choice:
        if not choose(choice).clear:
            yield Flag("unread normalisation", chosen_by_measurement(choice))
    elif used and used.also_found and not used.source:
        sentence = message(
            "The code's own normalisation cannot be read without running it ({place}); the template's was used.",
            place=said(used.also_found[0]),
        )
        yield Flag("unread normalisation", sentence)
    elif used and used.also_found:
        sentence = message(
            "The code normalises in several ways; {source}, line {line} was used.", source=used.source, line=used.line
        )
        yield Flag("several normalisations", sentence)


def _shadows(evidence: Evidence) -> Iterator[Flag]:
    """Flag files that Python would import as a package or run at startup: harmless here, but seldom honest."""
    layout = evidence.seen(Layout)
    for file in layout.files if layout else ():
        first, _, rest = file.path.partition("/")
        if (first.removesuffix(".py") if not rest else first) in SHADOWED and file.path.endswith(".py"):
            sentence = message(
                "{file} has the name of a package, or of a file that Python runs at startup; it was not used as such.",
                file=file.path,
            )
            yield Flag("shadowed module", sentence)
            return


def _thrown_away(evidence: Evidence) -> Iterator[Flag]:
    for kind, outcome in evidence.observations:
        if isinstance(outcome, Malformed):
            sentence = message(
                "The answer about {kind} did not have the expected form: {reason}.",
                kind=kind,
                reason=said(outcome.reason),
            )
            yield Flag("malformed answer", sentence)


RULES: tuple[Callable[[Evidence], Iterator[Flag]], ...] = (
    _claim_above,
    _unloaded_code,
    _own_network,
    _generalisation,
    _left_aside,
    _given_weights,
    _unusual_input,
    rankings,
    copies,
    _shadows,
    _thrown_away,
)
