"""Raises flags for staff: suspicions that do not change points."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from grader.evidence import (
    Accuracy,
    Claim,
    Claims,
    Diagnosis,
    Evidence,
    Layout,
    Malformed,
    Preprocessing,
    PreprocessingChoice,
)
from grader.evidence.wording import said
from grader.marking.choice_exhibits import chosen_by_measurement
from grader.marking.network_flags import generalisation, given_weights, left_aside, own_network, unloaded_code
from grader.marking.retrieval_flags import copies, rankings
from grader.measures.choice import choose
from grader.measures.doubts import certain_accuracy
from grader.measures.intervals import better_preprocessing, fits_training
from grader.records import Flag, Message, Scalar, message

SHADOWED = frozenset({"torch", "torchvision", "numpy", "PIL", "grader", "sitecustomize", "usercustomize"})
FAR = 0.05  # a claim this far above the measurement is worth a look

# The kinds of flags that evidence raises: a re-marked grade has them again, or their cause is gone.
RAISED = frozenset({
    "claim above measurement", "claim fits the training set", "code not isolated", "features handed in",
    "given weights", "library of copies", "look-up table?", "malformed answer", "more weights", "own class",
    "own network", "ranking nearly agrees", "ranking not computed anew", "ranking undecided", "several normalisations",
    "shadowed module", "unread normalisation", "weaker sandbox",
})  # fmt: skip


def raise_flags(evidence: Evidence) -> tuple[Flag, ...]:
    """Return every suspicion that the evidence supports."""
    each = [flag for one in evidence.by_network for rule in RULES_OF_NETWORKS for flag in rule(one)]
    return tuple(dict.fromkeys((*each, *(flag for rule in RULES for flag in rule(evidence)))))


def _claim_above(evidence: Evidence) -> Iterator[Flag]:
    scores, claims = certain_accuracy(evidence), evidence.seen(Claims)
    if not scores or not claims or not claims.certain:
        return
    share = scores.correct / scores.count
    highest = max(claims.certain, key=lambda claim: claim.accuracy)
    if highest.accuracy - share <= FAR:
        return
    flag = _explained(highest, scores, evidence.seen(Diagnosis))
    yield replace(flag, message=_of_network(evidence, flag.message))


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


def _unusual_input(evidence: Evidence) -> Iterator[Flag]:
    used, choice = evidence.seen(Preprocessing), evidence.seen(PreprocessingChoice)
    if choice:
        if not choose(choice).clear:
            yield Flag("unread normalisation", _of_network(evidence, chosen_by_measurement(choice)))
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


def _of_network(evidence: Evidence, said: Message) -> Message:
    """Say which network a sentence is about, where the lab has several."""
    return message("{network}: {said}", network=evidence.network, said=said) if evidence.network else said


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


RULES_OF_NETWORKS: tuple[Callable[[Evidence], Iterator[Flag]], ...] = (
    _claim_above,
    unloaded_code,
    own_network,
    generalisation,
    left_aside,
    _unusual_input,
    _thrown_away,
)
RULES: tuple[Callable[[Evidence], Iterator[Flag]], ...] = (
    given_weights,
    rankings,
    copies,
    _shadows,
)
