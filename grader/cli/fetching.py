"""`grade data` and `grade weights`: what is fetched once, and where it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli import console
from grader.cli.options import data_option, lab_option, language_option
from grader.records import message

if TYPE_CHECKING:
    from grader.dataset import ImageSet
    from grader.records import Message


@click.group()
def data() -> None:
    """Fetch the images of a lab, or show where they are."""


@data.command(epilog="Examples: grade data fetch | grade data fetch --lab fashion-mnist")
@lab_option
@language_option
def fetch() -> None:
    """Fetch the lab's images once, CIFAR-10 (about 170 MB) unless --lab names another, verify and keep them."""
    from grader.dataset import fetch_set
    from grader.labs import the_lab

    out, cache = console.console(), console.cache()
    with console.bar(out) as bar:
        found = fetch_set(the_lab(), cache, bar)
    console.line(out, _verified(found))


@data.command(epilog="Examples: grade data where --data ./data | grade data where --lab fashion-mnist")
@data_option
@lab_option
@language_option
def where(data: Path | None) -> None:
    """Verify the lab's images, CIFAR-10 unless --lab names another, and show where they were found."""
    from grader.dataset import find_set, no_set
    from grader.labs import the_lab

    cache = console.cache()
    found = find_set(the_lab(), data, cache)
    if found is None:
        raise no_set(the_lab(), cache)
    console.line(console.console(), _verified(found))


@click.group()
def weights() -> None:
    """ImageNet weights on this machine, used to recompute rankings."""


@weights.command("fetch", epilog="Example: grade weights fetch resnet50 alexnet")
@click.argument("networks", nargs=-1, required=True, metavar="NETWORK...")
@language_option
def fetch_networks(networks: tuple[str, ...]) -> None:
    """Fetch torchvision's weights of each network, verify them and keep them in your cache."""
    from grader.batch.setup import files_of_weights
    from grader.dataset import fetch_weights

    console.cache()
    out = console.console()
    for name, url, file in files_of_weights(networks):
        with console.bar(out) as bar:
            place = fetch_weights(url, file, bar)
        console.line(out, message("{name}: {place}, verified.", name=name, place=str(place)))


def _verified(found: ImageSet) -> Message:
    from grader.labs import the_lab

    if (own := the_lab().images) is not None:
        return message("The images of this lab are its own, and in {file}.", file=str(own))
    if found.drawn:
        return message("{name} is in {folder}: drawn images, not the published ones.", name=found.name,
                       folder=str(found.folder))  # fmt: skip
    return message(
        "{name} is in {folder}, verified (test batch SHA-256 {digest}).",
        name=found.name,
        folder=str(found.folder),
        digest=found.digest,
    )
