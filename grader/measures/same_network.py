"""Says whether two runs of a report are of one network, however its name and its weights are spelled."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Protocol

from grader.records import Message, message

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
    """Return the places of the best run of each network; `digests` are of its weights, "" where it was not run.

    Names decide only where one of two was not run.
    """

    def same(place: int, other: int) -> bool:
        if digests[place] and digests[other]:
            return digests[place] == digests[other]
        return same_name(runs[place], runs[other])

    kept: list[int] = []
    for place in best:
        if not any(same(place, other) for other in kept):
            kept.append(place)
    return kept


def too_few(networks: int, named: int, wanted: int) -> Message:
    """Say that a report has fewer networks than are required, also if it names enough of them."""
    if named > networks:
        return message(
            "Number of models with rankings in the report: {count}; required: {wanted}. {named} are named, but some are"
            " one network, however it is spelled: rank the images with another network as well.",
            count=networks,
            wanted=wanted,
            named=named,
        )
    return message(
        "Number of models with rankings in the report: {count}; required: {wanted}.", count=networks, wanted=wanted
    )


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
