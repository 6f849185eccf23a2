"""Every mistake is found and told, and honest work keeps its points."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.stories import Story, read_stories
from grader.marking.rubric import Rubric

STORIES = read_stories()
MISTAKES = [story for story in STORIES if story.kind != "attack"]


@pytest.mark.parametrize("story", MISTAKES, ids=lambda story: story.name)
def test_a_story_is_told_as_it_happened(story: Story, told: Callable[[Story], None]) -> None:
    told(story)


def test_there_are_enough_mistakes() -> None:
    assert sum(story.kind == "mistake" for story in MISTAKES) >= 25


def test_every_check_is_passed_in_full_by_one_story_and_failed_by_another(lab_rubric: Rubric) -> None:
    told = [(check, expected) for story in STORIES for check, expected in story.findings.items()]
    checks = {line.criterion.check for line in lab_rubric.lines}
    assert {check for check, expected in told if expected.full} == checks
    assert {check for check, expected in told if expected.failed} == checks
