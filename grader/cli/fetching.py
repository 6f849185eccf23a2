"""`grade data` and `grade weights`: what is fetched once, and where it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli import console
from grader.cli.options import data_option, language_option
from grader.records import message

if TYPE_CHECKING:
    from grader.dataset import ImageSet
    from grader.records import Message


@click.group()
def data() -> None:
    """Fetch CIFAR-10, or show where it is."""


@data.command(epilog="Example: grade data fetch")
@language_option
def fetch() -> None:
    """Fetch CIFAR-10 (about 170 MB, once), verify it and keep it in your cache."""
    from grader.dataset import fetch_cifar10

    out, cache = console.console(), console.cache()
    with console.bar(out) as bar:
        found = fetch_cifar10(cache, bar)
    console.line(out, _verified(found))


@data.command(epilog="Example: grade data where --data ./data")
@data_option
@language_option
def where(data: Path | None) -> None:
    """Verify CIFAR-10 and show where it was found."""
    from grader.dataset import find_cifar10, nothing_here

    cache = console.cache()
    found = find_cifar10(data, cache)
    if found is None:
        raise nothing_here(cache)
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
    return message(
        "{name} is in {folder}, verified (test batch SHA-256 {digest}).",
        name=found.name,
        folder=str(found.folder),
        digest=found.digest,
    )
