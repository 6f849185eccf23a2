"""Every attack is found out, and nothing else happens, in each way to isolate.

After each there is no marker anywhere, no process and no file is left, and a neighbour gets the marks that it got
before.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures.stories import MARKER, Story, bases, read_stories, zipped
from grader.batch.one import Setup, grade_archive
from grader.collect import Equipment
from grader.dataset import ImageSet
from grader.intake import Archive
from grader.marking.rubric import Rubric
from grader.records import Grade, MadeBy, Student
from grader.sandbox import BACKENDS, open_sandbox, why_not
from grader.sandbox.watch import tree

ATTACKS = [story for story in read_stories() if story.kind == "attack"]
END_SECONDS = 5.0
NEIGHBOURS_IMAGES = 16, 8  # of the test and of the training set
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


@pytest.fixture(scope="module", params=BACKENDS)
def setup(request: pytest.FixtureRequest, few_images: ImageSet, lab_rubric: Rubric) -> Iterator[Setup]:
    if problem := why_not(request.param):
        pytest.skip(problem.english())
    with open_sandbox(request.param) as sandbox:
        yield Setup(Equipment(few_images, sandbox), lab_rubric, MadeBy("0.1.0", "3.11"))


@pytest.fixture(scope="module")
def neighbour(
    setup: Setup, part_of_the_demo: Callable[[int, int], ImageSet], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Grade]:
    """Grade an honest submission beside the others, on a few images; its code is tried once, at the end."""
    images = part_of_the_demo(*NEIGHBOURS_IMAGES)
    quick = replace(setup, equipment=replace(setup.equipment, images=images, choose_preprocessing=False))
    demo = bases()["demo"]()
    archive = tmp_path_factory.mktemp("neighbour") / "bob.zip"
    archive.write_bytes(zipped({name: demo[name] for name in ("final.pth", "history.json", "report.md")}))
    return lambda: grade_archive(Archive(archive, Student("Bob")), quick, lambda step: None).grade


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


@pytest.mark.parametrize("story", ATTACKS, ids=lambda story: story.name)
def test_an_attack_is_found_out_and_leaves_nothing(
    story: Story,
    told: Callable[[Story], None],
    places: dict[str, Path],
    neighbour: Callable[[], Grade],
    undisturbed: Grade,
) -> None:
    before = processes()
    told(story)
    assert left_behind(places, places["handed-in"] / story.archive) == []
    assert settled(before) <= before
    assert neighbour() == undisturbed


def test_after_every_attack_the_code_of_an_honest_submission_earns_everything(
    setup: Setup, places: dict[str, Path]
) -> None:
    archive = places["handed-in"] / "bob.zip"
    archive.write_bytes(zipped({"exp2.py": bases()["right code"]()["exp2.py"]}))
    grade = grade_archive(Archive(archive, Student("Bob")), setup, lambda step: None).grade
    earned = {mark.criterion.check: mark.points for mark in grade.marks}
    assert (earned["evaluation"], earned["learning_rate"]) == (10, 5)


def test_there_are_enough_attacks() -> None:
    assert len(ATTACKS) >= 25


def processes() -> int:
    """How many processes this one has started that still run, and what they have started in turn."""
    return sum(_runs(process.pid) for process in tree(os.getpid()))


def settled(wanted: int) -> int:
    """The same, once what was killed has ended, for which it is given a while."""
    deadline = time.monotonic() + END_SECONDS
    while (count := processes()) > wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    return count


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def left_behind(places: dict[str, Path], archive: Path) -> list[Path]:
    """Files that no attack may leave: markers, and whatever lies in folders that only this test uses."""
    markers = [folder / MARKER for folder in (*PUBLIC, Path(os.environ["HOME"])) if (folder / MARKER).exists()]
    own = [path for folder in places.values() for path in folder.rglob("*") if path != archive]
    return markers + own
