"""Decides whether a measured accuracy is surprising, and whether it therefore cannot be used as a mark."""

from __future__ import annotations

from grader.evidence import Accuracy, Checkpoint, Claims, Diagnosis, Evidence
from grader.measures.intervals import better_preprocessing, sampling_error
from grader.records import Message, message

SURPRISING = 0.01  # a claim this far above the measured accuracy is investigated
POOR = 0.50  # any accuracy below this is investigated


def surprises(accuracy: Accuracy, claims: Claims | None) -> bool:
    """Return whether the accuracy is poor, or clearly below a claim that was read with certainty."""
    return accuracy.correct / accuracy.count < POOR or falls_short(accuracy, claims)


def falls_short(accuracy: Accuracy, claims: Claims | None) -> bool:
    """Return whether the accuracy is clearly below a claim that was read with certainty."""
    highest = max((claim.accuracy for claim in claims.certain), default=0.0) if claims else 0.0
    return highest - accuracy.correct / accuracy.count > SURPRISING + sampling_error(accuracy)


def why_no_mark(
    accuracy: Accuracy, checkpoint: Checkpoint | None, claims: Claims | None, diagnosis: Diagnosis | None
) -> Message | None:
    """Say why staff must look before the accuracy is used: it is surprising, and weights that may be why were ignored.

    None if no weights were ignored, if the accuracy is not surprising, or if another normalisation explains it.
    """
    if checkpoint is None or not checkpoint.spare_weights or not surprises(accuracy, claims):
        return None
    if better_preprocessing(diagnosis) is not None:
        return None
    return message(
        "{file} contains weights that {network} does not have ({spare}). Measured without them, it classifies"
        " {share:.2%} of the test images correctly, which cannot be used as a mark if the submission's network uses"
        " them: look at its code, and if it does not, ask the student for weights without them.",
        file=checkpoint.path, network=checkpoint.network, spare=", ".join(checkpoint.spare_weights),
        share=accuracy.correct / accuracy.count,
    )  # fmt: skip


def doubt(evidence: Evidence) -> Message | None:
    """Apply `why_no_mark` to stored evidence; None also if nothing was measured."""
    accuracy = evidence.seen(Accuracy)
    if accuracy is None:
        return None
    return why_no_mark(accuracy, evidence.seen(Checkpoint), evidence.seen(Claims), evidence.seen(Diagnosis))


def certain_accuracy(evidence: Evidence) -> Accuracy | None:
    """Return the measured accuracy; None if there is a doubt about it."""
    return None if doubt(evidence) else evidence.seen(Accuracy)
