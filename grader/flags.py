"""What staff should know beside the marks: suspicion, worth no points."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from grader.evidence import Checkpoint, Claims, Diagnosis, Evidence, Malformed, Preprocessing, TestScores
from grader.records import Flag, message
from grader.statistics import fits_training

FAR = 0.05  # a claim that much above the measurement is worth a look


def raise_flags(evidence: Evidence) -> tuple[Flag, ...]:
    """Every suspicion that the evidence gives rise to."""
    return tuple(flag for rule in RULES for flag in rule(evidence))


def _claim_above(evidence: Evidence) -> Iterator[Flag]:
    scores, claims = evidence.seen(TestScores), evidence.seen(Claims)
    if not scores or not claims or not claims.claims:
        return
    share = scores.correct / scores.count
    highest = max(claims.claims, key=lambda claim: claim.accuracy)
    if highest.accuracy - share <= FAR:
        return
    training = fits_training(highest.accuracy, scores, evidence.seen(Diagnosis))
    if training is not None:
        text = (
            "{source} claims {claimed:.2%}; measured on test images: {share:.2%}, on training images: {training:.2%}."
        )
        yield Flag("claim fits the training set", message(
            text, source=highest.source, claimed=highest.accuracy, share=share, training=training,
        ))  # fmt: skip
    else:
        text = "{source} claims {claimed:.2%}; measured: {share:.2%}."
        yield Flag(
            "claim above measurement", message(text, source=highest.source, claimed=highest.accuracy, share=share)
        )


def _unloaded_code(evidence: Evidence) -> Iterator[Flag]:
    checkpoint = evidence.seen(Checkpoint)
    strangers = [name for name in checkpoint.unloaded if not name.startswith("torchvision.")] if checkpoint else []
    if checkpoint and checkpoint.form == "whole module" and strangers:
        text = "The weights were taken out of a whole module of {classes} and run in the grader's own {network}."
        yield Flag("own class", message(text, classes=", ".join(strangers)[:200], network=checkpoint.network))


def _unusual_input(evidence: Evidence) -> Iterator[Flag]:
    used = evidence.seen(Preprocessing)
    if used and used.also_found and not used.source:
        text = "The code's own normalisation cannot be read without running it ({place}); the template's was taken."
        yield Flag("unread normalisation", message(text, place=used.also_found[0]))
    elif used and used.also_found:
        text = "The code normalises in several ways; {source}, line {line} was taken."
        yield Flag("several normalisations", message(text, source=used.source, line=used.line))


def _thrown_away(evidence: Evidence) -> Iterator[Flag]:
    for kind, outcome in evidence.observations:
        if isinstance(outcome, Malformed):
            text = "The answer about {kind} was not of the agreed form: {reason}."
            yield Flag("malformed answer", message(text, kind=kind, reason=outcome.reason[:300]))


RULES: tuple[Callable[[Evidence], Iterator[Flag]], ...] = (
    _claim_above,
    _unloaded_code,
    _unusual_input,
    _thrown_away,
)
