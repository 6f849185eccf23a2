"""Says whether two runs of a report are of one network, however its name and its weights are spelled."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Protocol

UNSAID = ("", "imagenet", "imagenet1k", "pretrained", "true", "torchvision", "default")  # one or other of its weights


class Named(Protocol):
    """What a run says of its network."""

    @property
    def model(self) -> str:
        """Its name."""

    @property
    def weights(self) -> str:
        """Its weights."""


def same_name(one: Named, other: Named) -> bool:
    """Return whether the names mean one network: case, width, dots and dashes do not count, nor do weights in a name.

    What has no name is the same as nothing.
    """
    if not one.model or not other.model:
        return False
    first, second = (_parts(run) for run in (one, other))
    unsaid = first[1] in UNSAID or second[1] in UNSAID
    random = "random" in (first[1], second[1])
    return first[0] == second[0] and (first[1] == second[1] or (unsaid and not random))


def one_a_network(runs: Sequence[Named], digests: Sequence[str], best: Sequence[int]) -> list[int]:
    """Return the places of the best run of each network; `digests` are of its weights, "" where it was not run."""
    kept: list[int] = []
    for place in best:
        known = digests[place] and digests[place] in {digests[other] for other in kept}
        if not known and not any(same_name(runs[place], runs[other]) for other in kept):
            kept.append(place)
    return kept


def _parts(run: Named) -> tuple[str, str]:
    """Return name and weights in one spelling: of the name what stands before weights that were put into it."""
    model, weights = _plain(run.model), _plain(run.weights.rpartition(".")[2])
    if run.weights.casefold().endswith(".pth"):
        weights = _plain(run.weights)
    name, found, version = model.partition("imagenet1k")
    if found and name:
        model, weights = name, weights if weights not in UNSAID else found + version
    return model.removesuffix("weights"), weights


def _plain(text: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKC", text).casefold() if letter.isalnum())
