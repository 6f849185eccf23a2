"""The images to retrieve from: enough, distinct, small, and drawn anew to the same pixels."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image

from fixtures.images_build import IMAGES, main


def contents(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.rglob("*.png"))]


def test_there_are_50_library_images_of_ten_classes_and_a_query_of_each():
    classes = sorted(path.name for path in (IMAGES / "library").iterdir())
    assert len(classes) == 10
    assert all(len(contents(IMAGES / "library" / name)) == 5 for name in classes)
    assert sorted(path.stem for path in (IMAGES / "queries").iterdir()) == classes


def test_no_picture_is_there_twice():
    pixels = {np.asarray(Image.open(path)).tobytes() for path in IMAGES.rglob("*.png")}
    files = {hashlib.sha256(content).hexdigest() for content in contents(IMAGES)}
    assert len(pixels) == len(files) == 60


def test_they_are_small():
    assert sum(map(len, contents(IMAGES))) < 400_000


def test_they_are_drawn_anew_to_the_same_pixels(tmp_path):
    main(tmp_path)
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.png"))
    assert made == sorted(path.relative_to(IMAGES) for path in IMAGES.rglob("*.png"))
    for path in made:
        assert np.array_equal(np.asarray(Image.open(tmp_path / path)), np.asarray(Image.open(IMAGES / path))), path
