"""Compares figures that a student's function gave with the correct ones, and with those of the usual mistakes."""

from __future__ import annotations

from dataclasses import replace

from grader.evidence import EvaluationRun, Figure

CLOSE = 1e-3  # relative; float32 over a few dozen images is accurate to 1e-6
# What a function of the course's form may divide by, beside the number of images: those of CIFAR-10's test set, and of
# what stood in for that while its script was imported.
FIXED_COUNTS = (10_000, 90)


def close(seen: float | None, value: float) -> bool:
    """Whether a figure is the correct one, as far as float32 goes."""
    return seen is not None and abs(seen - value) <= CLOSE * max(abs(value), 1e-2)


def right_in_print(figure: Figure) -> bool:
    """Whether a figure is right to its last printed digit; the template's form returns figures, and prints none."""
    return figure.seen is not None and figure.within > 0.0 and abs(figure.seen - figure.right) <= figure.within


def mistakes_of(figure: Figure) -> list[str]:
    """Return the names of the usual mistakes that would give the value seen; none if the value is correct."""
    if close(figure.seen, figure.right):
        return []
    return [name for name, value in figure.mistakes if close(figure.seen, value)]


def in_percent(run: EvaluationRun) -> EvaluationRun:
    """Read an accuracy of the course's form in percent of the images, where it is right as a share or of another count.

    That form asks for no unit, and its scripts may divide by a number that they know of the test set.
    """
    figure = run.accuracy
    for scale in (1.0, 100.0):
        for factor in (scale, *(scale * count / run.images for count in FIXED_COUNTS)):
            seen = None if figure.seen is None else figure.seen * factor
            read = replace(figure, seen=seen, within=min(1.0, figure.within * factor))
            if close(read.seen, read.right) or right_in_print(read):
                return replace(run, accuracy=read)
    return run


def is_doubtful(run: EvaluationRun) -> bool:
    """Whether a number that was found in print is neither right nor what a usual mistake gives: it may be another."""
    figure = run.accuracy
    right = close(figure.seen, figure.right) or right_in_print(figure)
    return figure.within > 0.0 and not right and not mistakes_of(figure)
