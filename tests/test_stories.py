"""Every story through the whole pipeline: what must be found is found, and nothing else happens.

After each attack there is no marker anywhere, no process and no file is left, and a neighbour gets the marks that it
got before.
"""

from __future__ import annotations

import ctypes
import io
import os
import time
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console

from fixtures.stories import Expected, Story, bases, read_stories, zipped
from fixtures.stories.build import MARKER
from grader.collect import Bench
from grader.collect.code import caller
from grader.dataset import ImageSet
from grader.evidence import EVIDENCE
from grader.intake import Archive
from grader.mark import from_json, to_json
from grader.pipeline import Graded, Lab, grade_archive
from grader.records import Blocked, Finding, Grade, Judged, Listing, MadeBy, Student, Table, Unjudged
from grader.rubric import Rubric
from grader.sandbox import Limits, Sandbox, bubblewrap
from grader.sandbox.watch import _tree
from reports.html import render
from reports.terminal import show

STORIES = read_stories()
REACHED = "REACHED"  # printed by an attack that gets at something
SHORT = Limits(seconds=4.0, megabytes=1_500)
END_SECONDS = 5.0
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
PUBLIC = [
    Path("/"),
    Path("/tmp"),
    Path("/var/tmp"),
    Path("/dev/shm"),
    Path.home(),
    Path.cwd(),
    Path(os.__file__).parent,
]
ACTIVE = {"script", "iframe", "object", "embed", "base", "form", "audio", "video"}

Run = Callable[[str, bytes], Graded]


@pytest.fixture(scope="module")
def lab(few_images: ImageSet, shared_sandbox: Sandbox, lab_rubric: Rubric) -> Lab:
    return Lab(Bench(few_images, shared_sandbox), lab_rubric, MadeBy("0.1.0", "3.11"))


@pytest.fixture(scope="module")
def neighbour(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Grade]:
    """Grade an honest submission beside the others; its code is tried once, at the end of this module."""
    demo = bases()["demo"]()
    archive = tmp_path_factory.mktemp("neighbour") / "bob.zip"
    archive.write_bytes(zipped({name: demo[name] for name in ("final.pth", "history.json", "report.md")}))
    return lambda: grade_archive(Archive(archive, Student("Bob")), lab, lambda step: None).grade


@pytest.fixture(scope="module")
def undisturbed(neighbour: Callable[[], Grade]) -> Grade:
    return neighbour()


@pytest.fixture(scope="module", autouse=True)
def orphans_are_ours() -> Iterator[None]:
    """Whatever outlives its parent becomes a child of this process, and is seen in its tree."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        yield
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
    else:
        yield


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Folders of this test's own for the archive, temporary files and the current folder."""
    found = {name: tmp_path / name for name in ("handed-in", "temporary", "current")}
    for folder in found.values():
        folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(found["temporary"]))
    monkeypatch.chdir(found["current"])
    return found


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_story_is_found_out(
    story: Story,
    lab: Lab,
    places: dict[str, Path],
    neighbour: Callable[[], Grade],
    undisturbed: Grade,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if lab.bench.sandbox.name != "bubblewrap":
        pytest.skip("student code is run in bubblewrap only")
    if story.hangs:
        monkeypatch.setattr(caller, "IMPORT_LIMITS", SHORT)
        monkeypatch.setattr(caller, "CALL_LIMITS", SHORT)
        monkeypatch.setattr(bubblewrap, "LAST_WORDS", 2.0)
    archive = places["handed-in"] / story.archive
    archive.write_bytes(story.packed())
    before = processes()

    graded = grade_archive(Archive(archive, Student("Ada Ng")), lab, lambda step: None)

    findings = {mark.criterion.check: mark.finding for mark in graded.grade.marks}
    for check, expected in story.findings.items():
        require(findings[check], expected)
    assert {flag.kind for flag in graded.grade.flags} >= set(story.flags)
    require_shown(graded)
    if story.kind == "attack":
        assert left_behind(places, archive) == []
        assert settled(before) <= before
        assert neighbour() == undisturbed


def test_after_every_story_the_code_of_an_honest_submission_earns_everything(lab: Lab, places: dict[str, Path]) -> None:
    if lab.bench.sandbox.name != "bubblewrap":
        pytest.skip("student code is run in bubblewrap only")
    archive = places["handed-in"] / "bob.zip"
    archive.write_bytes(zipped({"exp2.py": bases()["right code"]()["exp2.py"]}))
    grade = grade_archive(Archive(archive, Student("Bob")), lab, lambda step: None).grade
    earned = {mark.criterion.check: mark.points for mark in grade.marks}
    assert (earned["test_function"], earned["learning_rate"]) == (10, 5)


@pytest.mark.parametrize("kind", ["mistake", "attack"])
def test_there_are_enough_stories(kind: str) -> None:
    assert sum(story.kind == kind for story in STORIES) >= 25


def test_every_check_is_passed_in_full_by_one_story_and_failed_by_another(lab_rubric: Rubric) -> None:
    told = [(check, expected) for story in STORIES for check, expected in story.findings.items()]
    checks = {line.criterion.check for line in lab_rubric.lines}
    assert {check for check, expected in told if expected.full} == checks
    assert {check for check, expected in told if expected.failed} == checks


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
        assert all(letter.isprintable() or letter in "\n\t" for letter in text)
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


def processes() -> int:
    """How many processes this one has started that still run, and what they have started in turn."""
    return sum(_runs(pid) for pid in set(_tree(os.getpid())))


def settled(wanted: int) -> int:
    """The same, once what was killed has ended, for which it is given a while."""
    deadline = time.monotonic() + END_SECONDS
    while (count := processes()) > wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    return count


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def left_behind(places: dict[str, Path], archive: Path) -> list[Path]:
    """Files that no attack may leave: markers, and whatever lies in folders that only this test uses."""
    markers = [folder / MARKER for folder in (*PUBLIC, Path(os.environ["HOME"])) if (folder / MARKER).exists()]
    own = [path for folder in places.values() for path in folder.rglob("*") if path != archive]
    return markers + own
