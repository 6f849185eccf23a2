"""Generate the built-in demo set, so that the whole grader can be tried and tested without a download."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from grader.dataset.drawing import draw
from grader.dataset.edition import Batch, BatchFile, Edition, Unusable
from grader.dataset.image_set import ImageSet
from grader.dataset.shapes import SHAPES
from grader.dataset.store import kept_or_put
from grader.records import message
from grader.records.errors import MissingData

SEEDS = {"demo_test": 1, "demo_train": 2}

DEMO = Edition(
    name="demo",
    folder="demo",
    classes=tuple(shape.__name__ for shape in SHAPES),
    test=BatchFile("demo_test", 2_000, "58f481535949bbb2c7a829187766d8eaf258fb7874654b87892ddd8bdfeca135"),
    train=(BatchFile("demo_train", 5_000, "908834bcb332c4f24539a4e152d28b8c2fee769b2c0cc65079302aff3452f3d9"),),
)


def demo(cache: Path) -> ImageSet:
    """Return 2,000 test and 5,000 training images of ten drawn shapes, with the same bytes everywhere.

    Draws them once, in about a second, and keeps them in the cache. Raises MissingData if the cache cannot be written.
    """
    try:
        return kept_or_put(cache, DEMO, _drawn)
    except Unusable as error:  # the digest enforces the promise above
        sentence = message(
            "the generated demo set differs on this machine ({reason}); please report it, with your numpy version",
            reason=error.message,
        )
        raise MissingData(sentence) from error


def _drawn() -> Iterator[Batch]:
    for file in DEMO.files:
        yield file.name, draw(file.rows, SEEDS[file.name])
