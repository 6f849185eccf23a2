"""Images as reports name them, found among those that were handed in."""

from __future__ import annotations

import pytest

from grader.collect.retrieval.paths import Paths

HANDED_IN = (
    "library/cat/1.jpg",
    "library/dog/1.jpg",
    "library/dog/Rex.JPG",
    "library/图/图（1）.jpg",
    "library/é/é.png",
)


@pytest.mark.parametrize(
    ("named", "place"),
    [
        ("cat/1.jpg", 0),
        ("library/dog/1.jpg", 1),
        (".\\library\\dog\\1.jpg", 1),
        ("C:\\Users\\Ada\\lab\\library\\dog\\rex.jpg", 2),
        ("/home/ada/dog/Rex.JPG", 2),
        ("rex.jpg", 2),  # only one has this name
        ("1.jpg", None),  # two have it
        ("cow/1.jpg", None),
        ("图/图(1).jpg", 3),
        ("e\u0301/e\u0301.png", 4),
        ("../../etc/passwd", None),
        ("", None),
        ("/", None),
    ],
)
def test_a_path_is_found_by_its_last_two_parts_or_by_a_name_that_only_one_has(named, place):
    assert Paths(HANDED_IN).find(named) == place


def test_names_that_differ_only_in_case_are_told_apart_where_the_report_does():
    paths = Paths(("library/a/x.png", "library/a/X.png"))
    assert (paths.find("a/x.png"), paths.find("a/X.png")) == (0, 1)
