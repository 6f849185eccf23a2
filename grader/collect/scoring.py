"""Computes scores from logits and labels outside the sandbox: the child that computed the logits never saw a label."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.evidence import Accuracy, Bin, Mistake

BINS = 10
MISTAKES = 12  # that are looked at


def score(logits: NDArray[np.float32], labels: NDArray[np.uint8], dataset: str, classes: tuple[str, ...]) -> Accuracy:
    """Score logits, float32 (N, C), against the first N labels, uint8: count, confusion matrix and calibration.

    An image whose logits contain NaN or infinity counts as wrong, and is left out of the confusion matrix.
    """
    labels, whole = labels[: len(logits)], len(labels)
    finite = np.isfinite(logits).all(axis=1)
    predicted = logits[finite].argmax(axis=1)
    truth = labels[finite].astype(np.intp)
    confidence = _confidence(logits[finite])
    confusion = np.bincount(truth * len(classes) + predicted, minlength=len(classes) ** 2)
    return Accuracy(
        dataset=dataset,
        classes=classes,
        correct=int((predicted == truth).sum()),
        count=len(labels),
        confusion=tuple(tuple(map(int, row)) for row in confusion.reshape(len(classes), -1)),
        calibration=_calibration(confidence, predicted == truth),
        not_finite=int((~finite).sum()),
        whole=whole if len(labels) < whole else 0,
        surest_mistakes=tuple(
            Mistake(int(image), classes[true], classes[answer], float(sure))
            for image, true, answer, sure in _surest(np.flatnonzero(finite), truth, predicted, confidence)
        ),
    )


def count_correct(logits: NDArray[np.float32], labels: NDArray[np.uint8]) -> int:
    """Count the images classified correctly; those with NaN or infinity are not."""
    finite = np.isfinite(logits).all(axis=1)
    return int((finite & (logits.argmax(axis=1) == labels)).sum())


def digest(logits: NDArray[np.float32]) -> str:
    """Return the SHA-256 of the logits as little-endian float32, row by row."""
    return hashlib.sha256(np.ascontiguousarray(logits, dtype="<f4").tobytes()).hexdigest()


def _confidence(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the softmax of the largest logit of each row."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True, initial=-np.inf)
    confidence: NDArray[np.float64] = np.minimum(1.0, 1.0 / np.exp(shifted).sum(axis=1))
    return confidence


def _surest(images: NDArray[Any], *columns: NDArray[Any]) -> list[tuple[Any, ...]]:
    """Return (image, truth, prediction, confidence) of the most confident mistakes, the most confident first."""
    truth, predicted, confidence = columns
    wrong = np.flatnonzero(truth != predicted)
    chosen = wrong[np.argsort(-confidence[wrong], kind="stable")[:MISTAKES]]
    return list(zip(images[chosen], *(column[chosen] for column in columns), strict=True))


def _calibration(confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> tuple[Bin, ...]:
    place = np.minimum((confidence * BINS).astype(np.intp), BINS - 1)
    bins = []
    for index in range(BINS):
        inside = place == index
        mean = float(confidence[inside].mean()) if inside.any() else 0.0
        bins.append(Bin(int(inside.sum()), min(1.0, mean), int(correct[inside].sum())))
    return tuple(bins)
