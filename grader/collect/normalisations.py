"""The lab's own preprocessing, and the common ones that students use instead."""

from __future__ import annotations

from grader.evidence import Preprocessing
from grader.labs import the_lab


def template() -> Preprocessing:
    """Return the preprocessing of the lab's own script."""
    return Preprocessing(the_lab().mean, the_lab().std)


def alternatives() -> dict[str, Preprocessing]:
    """Return what is tried on training images if the measured accuracy is surprising, by phrase.

    A new suspicion is one entry.
    """
    lab = the_lab()
    return {
        "template_normalisation": template(),
        "halves": Preprocessing((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        "unnormalised": Preprocessing((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
        "unscaled": Preprocessing((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), scale=1.0),
        # the mean of the per-image deviations, copied from script to script since 2017; it is not the pixels' deviation
        "old_deviation": Preprocessing(lab.mean, (0.2023, 0.1994, 0.2010)),
        "imagenet_normalisation": Preprocessing((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        "template_blue_first": Preprocessing(lab.mean, lab.std, blue_first=True),
    }


def same(one: Preprocessing, other: Preprocessing) -> bool:
    """Return whether two preprocessings make the same numbers of a pixel."""
    keys = ("mean", "std", "scale", "blue_first")
    return all(getattr(one, key) == getattr(other, key) for key in keys)
