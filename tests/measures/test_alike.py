"""Copies of one picture are alike, however they were made; different pictures are not."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from fixtures.images_build import pictures
from grader.evidence import LibraryImage, Pipeline, RetrievalImages
from grader.measures.alike import DIGITS, alike, all_of_one, by_path, different, groups, mostly_copies
from grader.probes.retrieval import pictures as probe
from grader.probes.retrieval.pictures import prepared, tile_hash

TEMPLATE = Pipeline(256, 224)


def one(seed: int = 0) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((300, 300), Image.Resampling.BICUBIC)


def framed(picture: Image.Image) -> Image.Image:
    """A frame of other colours, of which a crop of 224 from 256 leaves nothing."""
    frame = one(1).copy()
    frame.paste(picture.crop((18, 18, 282, 282)), (18, 18))
    return frame


def one_pixel(picture: Image.Image) -> Image.Image:
    copy = picture.copy()
    copy.putpixel((150, 150), (0, 255, 0))
    return copy


def seen(*pictures: Image.Image, how: Pipeline = TEMPLATE) -> list[LibraryImage]:
    hashes = [tile_hash(prepared(picture, asdict(how))) for picture in pictures]
    return [
        LibraryImage(f"library/a/{nth}.png", "a", f"content {nth}", prepared=(one,)) for nth, one in enumerate(hashes)
    ]


COPIES = {
    "one pixel": one_pixel,
    "mirrored": ImageOps.mirror,
    "twice as large": lambda picture: picture.resize((600, 600)),
    "a third": lambda picture: picture.resize((100, 100)),
    "darker": lambda picture: ImageEnhance.Brightness(picture).enhance(0.7),
    "framed": framed,
}


@pytest.mark.parametrize("change", COPIES.values(), ids=COPIES)
def test_a_copy_is_alike(change):
    assert different(seen(one(), change(one()))) == 1


def test_noise_does_not_make_plain_pictures_different():
    random = np.random.default_rng(0)
    plain = [Image.fromarray(random.integers(120, 124, (300, 300, 3), dtype=np.uint8)) for _ in range(4)]
    assert different(seen(*plain)) == 1


def test_plain_pictures_of_different_colours_are_different():
    assert different(seen(*(Image.new("RGB", (50, 50), name) for name in ("red", "lime", "blue", "yellow")))) == 4


@pytest.mark.parametrize("how", [TEMPLATE, Pipeline(32, 32), Pipeline(256, 0)], ids=["template", "CIFAR", "no crop"])
def test_the_pictures_of_the_fixtures_are_different(how):
    drawn = [picture for path, picture in pictures().items() if path.startswith("library")]
    assert different(seen(*drawn, how=how)) == len(drawn)


def small_thing(seed: int) -> Image.Image:
    """A small thing on white paper: an icon, a chess piece, a product."""
    random = np.random.default_rng(seed)
    around = zip(np.linspace(0, 2 * np.pi, 9)[:-1], 30 * random.uniform(0.4, 1.0, 8), strict=True)
    page = Image.new("RGB", (256, 256), "white")
    corners = [(128 + far * np.cos(turn), 128 + far * np.sin(turn)) for turn, far in around]
    ImageDraw.Draw(page).polygon(corners, tuple(random.integers(20, 200, 3).tolist()))
    return page


@pytest.mark.parametrize("how", [TEMPLATE, Pipeline(32, 32)], ids=["template", "CIFAR"])
def test_small_things_on_white_are_different_and_a_copy_of_one_is_not(how):
    things = [small_thing(seed) for seed in range(12)]
    assert different(seen(*things, how=how)) >= 10  # two of them hardly differ
    assert different(seen(things[0], things[0].resize((600, 600)), ImageOps.mirror(things[0]), how=how)) == 1


def test_digits_of_hashes_are_written_and_read_in_one_order():
    assert probe.DIGITS == DIGITS


def test_hashes_of_stored_evidence_are_read_as_they_were():
    old = [LibraryImage(f"{n}.png", "a", f"{n}", prepared=(digit * 432,)) for n, digit in enumerate("88f")]
    assert groups(old) == [0, 0, 2]


def test_what_only_one_preparation_makes_alike_is_alike():
    first, second = seen(one(), one(1))
    both = [
        LibraryImage(image.path, "a", image.content, prepared=(image.prepared[0], first.prepared[0]))
        for image in (first, second)
    ]
    assert groups(both) == [0, 0]


def test_images_without_hashes_are_told_by_their_contents():
    old = [LibraryImage(f"{nth}.png", "a", content) for nth, content in enumerate(("x", "y", "x"))]
    assert groups(old) == [0, 1, 0]


def test_a_library_is_of_copies_where_less_than_half_are_different_pictures():
    of_copies = seen(*[one()] * 3, one(1), *[one(2)] * 3)
    assert len(alike(RetrievalImages(tuple(of_copies), ()))) == 7
    fair = seen(one(), one(), one(1), one(2))
    assert alike(RetrievalImages(tuple(fair), ())) == {}
    assert alike(None) == {}


def test_every_picture_has_its_group_however_many_are_different():
    fair = seen(one(), one(), one(1), one(2))
    assert list(by_path(RetrievalImages(tuple(fair), ())).values()) == [0, 0, 2, 3]
    assert not mostly_copies(by_path(RetrievalImages(tuple(fair), ())))


@pytest.mark.parametrize(("paths", "right"), [("aaaaa", True), ("aaaab", True), ("aaabb", False), ("abcde", False)])
def test_matches_are_copies_where_at_most_one_is_another_picture(paths, right):
    assert all_of_one({letter: nth for nth, letter in enumerate("abcde")}, list(paths)) is right
