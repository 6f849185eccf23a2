"""A class of 40 on five platforms, graded twice: nobody is lost, swapped or zeroed, also if runs are killed."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fixtures.class_of_forty.class_folder import EXPORTS, ClassFolder, Commands, Done
from fixtures.class_of_forty.downloads import DOWNLOADS
from fixtures.class_of_forty.hand_ins import AGAIN, DAMAGED, REPAIRED, correct, hand_ins
from fixtures.class_of_forty.people import ABSENT, GROUPS, PEOPLE, SAME_NAME, person
from grader.batch.crew import FORKS
from grader.gradebook.files import read_stored

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not FORKS, reason="the commands are forked")]

KILLED = -9
PENALTY = -5
PENALISED_AGAIN, PENALISED_ONCE = 24, 25  # between the rounds; the first of them hands in again
NO_FINAL = [place for place in DAMAGED if place != REPAIRED]
HANDED_IN = [one.place for one in PEOPLE if one.leader == one.place and one.place not in ABSENT]


@dataclass(frozen=True)
class Twice:
    """A class that was graded twice, what `out` held after each round, and copies of it for another second round."""

    folder: ClassFolder
    rounds: tuple[Done, Done]
    files: tuple[dict[str, bytes], dict[str, bytes]]
    between: Path  # `out` before the second round


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    scratch = tmp_path_factory.mktemp("scratch")
    with Commands(scratch) as running:
        yield running
    assert list(scratch.iterdir()) == []  # nothing that is unpacked stays, whatever was killed


@pytest.fixture(scope="module")
def twice(commands: Commands, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Twice]:
    """Grade the class as a platform hands it out: round 1, two decisions by a person, round 2."""
    known: dict[str, Twice] = {}

    def build(platform: str) -> Twice:
        if platform not in known:
            folder = ClassFolder(tmp_path_factory.mktemp(platform), platform, commands)
            first = folder.grade(1)
            files = folder.files()
            for place in (PENALISED_AGAIN, PENALISED_ONCE):
                assert folder.adjust(place, PENALTY).status == 0
            between = folder.home / "between"
            shutil.copytree(folder.out, between)
            second = folder.grade(2)
            known[platform] = Twice(folder, (first, second), (files, folder.files()), between)
        return known[platform]

    return build


def points(place: int) -> float | None:
    """Return what a student has at the end; None for whoever has no final grade."""
    if place in ABSENT or place in NO_FINAL:
        return None
    leader = person(place).leader
    penalty = PENALTY if place == PENALISED_ONCE else 0
    return correct(leader, 2 if leader in AGAIN else 1) / 10 + penalty


def told(platform: str, to: str, place: int) -> list[float | None]:
    """Return the figures that an export holds for a student: one, a blank, or no line at all."""
    own = points(place)
    if own is None and (to in ("gradescope", "classroom50") or (to == "junit" and place in NO_FINAL)):
        return []  # these list submissions that are final, and whoever handed in nothing
    if platform == "brightspace" and to in ("canvas", "moodle") and place in SAME_NAME:
        return [None]  # Brightspace tells only a number of its own: a person has to look
    return [own if own is None or to != "classroom50" else float(int(own + 0.5))]


@pytest.mark.parametrize("to", EXPORTS)
@pytest.mark.parametrize("platform", DOWNLOADS)
def test_everyone_comes_out_of_every_export_once_with_their_own_points(twice, platform: str, to: str) -> None:
    done, written = twice(platform).folder.export(to)
    figures = {place: [float(text) if text else None for text in texts] for place, texts in written.items()}
    assert {one.place: figures.pop(one.place, []) for one in PEOPLE} == {
        one.place: told(platform, to, one.place) for one in PEOPLE
    }
    assert figures == {}  # of nobody else
    assert done.status == 1  # a person is needed, and told for whom
    assert sorted(re.findall("Not final: (.+): the submission could not be opened", done.out)) == sorted(
        person(place).name for place in NO_FINAL
    )
    if to in ("canvas", "moodle"):
        said = [line for line in done.out.splitlines() if "nothing submitted by" in line]
        assert len(said) == len(ABSENT)
        assert all(person(place).name.split()[-1] in line for place, line in zip(ABSENT, said, strict=True))
    if platform == "brightspace" and to in ("canvas", "moodle"):
        assert done.out.count("each could be Lena Müller") == 2


@pytest.mark.parametrize("platform", DOWNLOADS)
def test_every_hand_in_has_a_folder_of_its_own_and_everyone_in_a_group_is_in_it(twice, platform: str) -> None:
    stored = twice(platform).folder.stored()
    expected = {place: GROUPS.get(person(place).group, (place,)) for place in HANDED_IN}
    assert sorted(map(sorted, stored.values())) == sorted(map(sorted, expected.values()))
    late = [one.grade for one in read_stored(twice(platform).folder.out)[0] if one.grade.student.late]
    said = {one.person.place for one in hand_ins(2) if one.late} if platform == "canvas" else set()  # only Canvas tells
    assert {twice(platform).folder.places(one.student)[0] for one in late} == said


@pytest.mark.parametrize("platform", DOWNLOADS)
def test_the_latest_attempt_counts_and_the_earlier_one_is_kept_beside_it(twice, platform: str) -> None:
    folder = twice(platform).folder
    for name, places in folder.stored().items():
        place = min(places)
        kept = sorted((folder.out / name / "attempts").glob("*/grade.json"))
        earlier = [json.loads(path.read_text("utf-8")) for path in kept]
        penalty = PENALTY if place == PENALISED_AGAIN else 0
        first = 0 if place == REPAIRED else correct(place, 1) / 10 + penalty
        assert [one["total"] for one in earlier] == ([first] if place in AGAIN else []), name
        assert all(one["needs_human"] == (place == REPAIRED) for one in earlier)


@pytest.mark.parametrize("platform", DOWNLOADS)
def test_a_decision_counts_only_for_the_hand_in_that_it_was_about(twice, platform: str) -> None:
    folder = twice(platform).folder
    grades = {folder.places(one.grade.student)[0]: one.grade for one in read_stored(folder.out)[0]}
    assert [one.points for one in grades[PENALISED_ONCE].counted] == [PENALTY]
    again = grades[PENALISED_AGAIN]
    assert (again.counted, [one.points for one in again.adjustments]) == ((), [PENALTY])
    assert [flag.kind for flag in again.flags] == ["marked by hand before"]


@pytest.mark.parametrize("platform", DOWNLOADS)
def test_the_class_page_names_everyone_and_says_who_handed_in_nothing(twice, platform: str) -> None:
    of = twice(platform)
    page = (of.folder.out / "index.html").read_text("utf-8")
    assert all(one.name.replace("'", "&#39;") in page for one in PEOPLE)
    assert "On the roster: 40; nothing submitted: 2" in of.rounds[1].out
    assert [done.status for done in of.rounds] == [2, 2]  # archives that cannot be opened
    assert all("Traceback" not in done.err for done in of.rounds)
    assert of.rounds[0].err == ""  # nothing in the download was left aside


# --- killed ------------------------------------------------------------------------------------------------------

MOMENTS = [(platform, number) for number in (1, 2) for platform in DOWNLOADS]


@pytest.mark.parametrize("moment", range(1, 11))
def test_a_run_that_was_killed_comes_out_the_same_when_it_is_run_again(twice, tmp_path: Path, moment: int) -> None:
    platform, number = MOMENTS[moment - 1]
    of = twice(platform)
    folder = ClassFolder(tmp_path, platform, of.folder.commands)
    if number == 2:
        shutil.copytree(of.between, folder.out)
    in_grades = moment % 3 != 0  # else while a hand-in is unpacked or put away
    count = of.rounds[number - 1].changes[not in_grades]
    killed = folder.grade(number, kill=(count * moment // 11, in_grades))
    assert killed.status == KILLED
    assert folder.files() != of.files[number - 1]
    assert all(-1 not in places for places in folder.stored().values())  # what is there can be read, and is somebody's
    again = folder.grade(number)
    assert again.status == of.rounds[number - 1].status
    assert folder.files() == of.files[number - 1]
