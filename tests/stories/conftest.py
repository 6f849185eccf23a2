"""A story through the whole pipeline: what must be found is found, and can be shown."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console

from fixtures.stories import Expected, Story
from grader.batch.one import Setup, grade_archive
from grader.collect import Equipment
from grader.collect.code import caller
from grader.dataset import ImageSet
from grader.evidence import EVIDENCE
from grader.gradebook.files import Graded, from_json, to_json
from grader.intake import Archive
from grader.marking.rubric import Rubric
from grader.records import Blocked, Finding, Judged, Listing, MadeBy, Student, Table, Unjudged
from grader.sandbox import Limits, Sandbox, cells
from reports.html import render
from reports.languages import LANGUAGES, speaking
from reports.terminal import show

REACHED = "REACHED"  # printed by an attack that gets at something
SHORT = Limits(seconds=4.0, megabytes=1_500)
ACTIVE = {"script", "iframe", "object", "embed", "base", "form", "audio", "video"}

Tell = Callable[[Story], None]


@pytest.fixture(scope="module")
def packed() -> Callable[[Story], bytes]:
    """What a story hands in: made once for all ways to isolate."""
    made: dict[str, bytes] = {}
    return lambda story: made[story.name] if story.name in made else made.setdefault(story.name, story.packed())


@pytest.fixture(scope="module")
def setup(few_images: ImageSet, shared_sandbox: Sandbox, lab_rubric: Rubric) -> Setup:
    return Setup(Equipment(few_images, shared_sandbox), lab_rubric, MadeBy("0.1.0", "3.11"))


@pytest.fixture(scope="module")
def equipment(setup: Setup, remembering: Callable[[Sandbox], Sandbox]) -> Equipment:
    """What stories are graded with: most hand in the demo's files, which are measured once."""
    return replace(setup.equipment, sandbox=remembering(setup.equipment.sandbox))


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Folders of this test's own for the archive, temporary files and the current folder."""
    found = {name: tmp_path / name for name in ("handed-in", "temporary", "current")}
    for folder in found.values():
        folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(found["temporary"]))
    monkeypatch.chdir(found["current"])
    return found


@pytest.fixture
def told(
    setup: Setup,
    equipment: Equipment,
    places: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    internal: Callable[[str], list[str]],
    packed: Callable[[Story], bytes],
) -> Tell:
    """Grade a story, and require what it says of the findings and that they can be shown."""
    if not equipment.sandbox.isolated:
        pytest.skip("student code is not run on this machine")

    def tell(story: Story) -> None:
        if story.hangs:
            monkeypatch.setattr(caller, "IMPORT_LIMITS", SHORT)
            monkeypatch.setattr(caller, "CALL_LIMITS", SHORT)
            monkeypatch.setattr(cells, "LAST_WORDS", 2.0)
        timed = replace(setup, equipment=replace(equipment, limits=Limits(story.time_limit)))
        archive = places["handed-in"] / story.archive
        archive.write_bytes(packed(story))
        graded = grade_archive(Archive(archive, Student("Ada Ng")), timed, lambda step: None)
        findings = {mark.criterion.check: mark.finding for mark in graded.grade.marks}
        for check, expected in story.findings.items():
            require(findings[check], expected)
        assert {flag.kind for flag in graded.grade.flags} >= set(story.flags)
        assert {flag.asks_about for flag in graded.grade.flags} - {""} == set(story.asks)
        assert set(story.asks) <= {mark.criterion.check for mark in graded.grade.open}
        assert sum(mark.points or 0.0 for mark in graded.grade.marks if mark not in graded.grade.open) <= story.most
        require_shown(graded)
        for language in LANGUAGES:
            with speaking(language):
                assert internal(render(graded.grade, "student")) == []

    return tell


def require(finding: Finding, expected: Expected) -> None:
    """The finding is what a story says."""
    assert finding.state == expected.state, said(finding)
    if isinstance(finding, Judged):
        credit = finding.verdict.credit
        assert expected.credit is None or credit == pytest.approx(expected.credit, abs=0.005), said(finding)
        assert expected.at_least <= credit <= expected.at_most, said(finding)
    assert [words for words in expected.says if words not in said(finding)] == [], said(finding)


def said(finding: Finding) -> str:
    """Everything that a finding tells, in English."""
    match finding:
        case Judged(verdict=verdict):
            sentences, exhibits = (verdict.message, *verdict.hints), verdict.exhibits
        case Blocked(cause=sentence, exhibits=exhibits) | Unjudged(fault=sentence, exhibits=exhibits):
            sentences = (sentence,)
    lines = [line for exhibit in exhibits if isinstance(exhibit, Listing) for line in exhibit.lines]
    cells = [str(cell) for exhibit in exhibits if isinstance(exhibit, Table) for row in exhibit.rows for cell in row]
    return "\n".join([*(sentence.english() for sentence in sentences), *lines, *cells])


def require_shown(graded: Graded) -> None:
    """Page, terminal and files can be made of it; none of them holds what steers, and nothing was got at."""
    page = render(graded.grade)
    Inert().feed(page)
    printed = io.StringIO()
    show(graded.grade, Path("report.html"), Console(file=printed, width=1000, highlight=False))
    for text in (page, printed.getvalue()):
        assert text.translate({ord(letter): None for letter in "\n\t"}).isprintable()
        assert REACHED not in text
    assert from_json(to_json(graded.grade), "grade.json") == graded.grade
    if graded.evidence is not None:
        stored = EVIDENCE.dump_json(graded.evidence)
        assert REACHED.encode() not in stored
        assert EVIDENCE.validate_json(stored) == graded.evidence


class Inert(HTMLParser):
    """Reads a page, and finds whatever would run or fetch something."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ACTIVE
        for name, value in attrs:
            assert not name.startswith("on")
            assert name not in ("href", "src", "action") or str(value).startswith(("#", "data:")), value
            assert (name, str(value).casefold()) != ("http-equiv", "refresh")
