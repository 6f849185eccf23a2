"""Pictures: embedded once, only what is one, and never more than a page has room for."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from typing import Any

import pytest

from grader.records import Gallery, Grade, Judged, LabelledPicture, Picture, message
from reports.html import render
from reports.thumbnails import PAGE_BYTES, embedded, gallery, sound

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
JPEG = base64.b64encode(b"\xff\xd8\xff\xe0 and so on").decode()


def png(content: bytes) -> Picture:
    return Picture(content.decode(), "image/png", base64.b64encode(b"\x89PNG\r\n\x1a\n" + content).decode())


def showing(grade: Grade, *pictures: Picture) -> Grade:
    """The grade with these pictures as the only exhibit of its first criterion."""
    first = grade.marks[0]
    assert isinstance(first.finding, Judged)
    wall = Gallery(message("wall"), tuple(LabelledPicture(picture, ("below",)) for picture in pictures))
    finding = Judged("x", replace(first.finding.verdict, exhibits=(wall,)))
    return replace(grade, marks=(replace(first, finding=finding),))


@pytest.mark.parametrize(
    ("media", "data"),
    [
        ("image/png", JPEG),
        ("image/jpeg", PIXEL),
        ("image/svg+xml", PIXEL),
        ("image/png", PIXEL[:-1]),
        ("image/png", PIXEL.replace("A", '"', 1)),
        ("image/png", f"{PIXEL}\n"),
        ("image/png", f'{PIXEL}"/><script>'),
        ("image/png", "吴"),
        ("image/png", ""),
        ("image/png", base64.b64encode(base64.b64decode(PIXEL) + bytes(20_000)).decode()),
    ],
)
def test_what_is_no_small_picture_of_its_stated_form_is_not_embedded(media: Any, data: str, well_done: Grade) -> None:
    picture = Picture("cat/1.png", media, data)
    assert sound(picture) is None
    page = render(showing(well_done, picture))
    assert "<image" not in page
    assert '<span class="thumb none">no picture</span>\n<bdi class="path">cat/<wbr>1.png</bdi>' in page


def test_a_picture_is_embedded_once_however_often_it_is_shown(well_done: Grade) -> None:
    one, other = png(b"one"), png(b"other")
    page = render(showing(well_done, one, other, one, replace(one, name="another name")))
    assert page.count(one.data) == page.count(other.data) == 1
    assert len(re.findall(r"<use ", page)) == 4


def test_two_models_share_the_pictures_of_a_library(retrieved: Grade) -> None:
    page = render(retrieved)
    assert len(re.findall(r"<image ", page)) == 12 + 3 * 5  # the gallery, and of each query five pictures
    assert "cat/9.jpg" not in re.findall(r"<image[^>]*>", page)


def test_pictures_stop_where_the_page_is_full_and_names_stand_in_for_them() -> None:
    wall = Gallery(message("wall"), tuple(LabelledPicture(png(b"%d" % n * 3000), ()) for n in range(40)))
    kept = embedded([gallery(wall)])
    assert 0 < len(kept) < 40
    assert sum(len(picture.data) for picture in kept.values()) <= PAGE_BYTES


def test_a_ranking_says_in_words_what_its_colours_say(retrieved: Grade) -> None:
    text = " ".join(re.sub(r"<[^>]*>", " ", render(retrieved).replace("<wbr>", "")).split())
    assert "automobile/0.jpg 0.9100 ✓ correct class ● in both lists no picture bird/9.jpg 0.8912 ✗ other class" in text
    assert "✗ other class ○ only here" in text
    assert "queries/automobile.png class automobile ✗ not accepted handed in" in text
    assert "Queries accepted: 2 of 3" in text
