"""Submissions with the same weights are told to staff, and nobody else is; what people found out is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.checks import discover
from grader.cohort import Settled, compare, settle
from grader.evidence import Checkpoint, Evidence, GivenWeights, Seen, StartingPoint, kind_of
from grader.gradebook.files import Graded, read_grade, read_stored, whole
from grader.gradebook.publish import Publisher
from grader.gradebook.roster.stored import store_roster
from grader.marking.mark import mark
from grader.marking.rubric import read_rubric
from grader.records import Enrolled, Flag, Grade, MadeBy, Roster, Student
from grader.records.errors import BadLab
from reports.html import render, render_class

LINES = "[measured_accuracy]\npoints = 30\nknots = [[0.5, 0.0], [1.0, 1.0]]\n"
MADE = MadeBy("0.1.0", "3.11", graded_at="2026-03-05T10:00:00+00:00")
Hand = Callable[..., Grade]


def checkpoint(values: str, path: str = "final.pth") -> Checkpoint:
    return Checkpoint(path, "state dict", "", "resnet20", 270_000, ("float32",), (), (), (), values=values)


@pytest.fixture
def hand_in(tmp_path: Path, scores) -> Hand:
    """Store the grade of a submission with weights of these values, in a class."""
    (tmp_path / "rubric.toml").write_text(LINES, "utf-8")
    rubric = read_rubric(tmp_path / "rubric.toml", discover())

    def store(
        name: str, values: str, of: str = "grades", identifier: str = "", given: bool = False, digest: str = ""
    ) -> Grade:
        start = StartingPoint("pretrain_model.pth", of_the_lab=True, same=given, distance=0.0 if given else 1.0)
        seen = (scores(150, 200), checkpoint(values), GivenWeights("final.pth", (start,)))
        observations = tuple((kind_of(type(one)), Seen(one)) for one in seen)
        whose = (Student(name, identifier), digest or name[0].lower() * 64, f"{name}.zip")
        evidence = Evidence(*whose, observations)
        graded = Graded(mark(evidence, rubric, MADE), evidence)
        return Publisher(tmp_path / of, lambda grade: render(grade, "staff"))(graded).grade

    return store


def flags(folder: Path, name: str) -> tuple[Flag, ...]:
    stored, _ = read_stored(folder)
    (one,) = (one.grade for one in stored if one.grade.student.name == name)
    return tuple(flag for flag in one.flags if flag.kind == "same weights")


def test_the_same_weights_are_told_of_each_and_of_nobody_else(hand_in: Hand, tmp_path: Path) -> None:
    folder = tmp_path / "grades"
    for name, values in (("Ada Ng", "v1"), ("Bob Ray", "v1"), ("Cid Lu", "v2"), ("Dee Wu", ""), ("Eva Ho", "")):
        hand_in(name, values)
    done = compare(folder)
    assert [{entry.student.name for entry in one.entries} for one in done.alike] == [{"Ada Ng", "Bob Ray"}]
    assert (done.count, len(done.changed), len(done.of_class)) == (5, 2, 2)
    (flag,) = flags(folder, "Ada Ng")
    said = flag.message.english()
    assert said.startswith("final.pth holds exactly the same weights as the submission of Bob Ray (Bob Ray.zip).")
    assert "The comparison cannot tell who trained first" in said
    assert all(not flags(folder, name) for name in ("Cid Lu", "Dee Wu", "Eva Ho"))


def test_a_flag_changes_no_mark_and_asks_for_nothing(hand_in: Hand, tmp_path: Path) -> None:
    before = hand_in("Ada Ng", "v1")
    hand_in("Bob Ray", "v1")
    compare(tmp_path / "grades")
    after = read_grade(next((tmp_path / "grades").glob("Ada*/grade.json")))
    assert (after.total, after.needs_human, after.open) == (before.total, before.needs_human, before.open)


def test_comparing_again_changes_nothing_and_a_flag_goes_with_its_cause(hand_in: Hand, tmp_path: Path) -> None:
    folder = tmp_path / "grades"
    hand_in("Ada Ng", "v1")
    hand_in("Bob Ray", "v1")
    assert len(compare(folder).changed) == 2
    assert compare(folder).changed == ()
    hand_in("Bob Ray", "v3", digest="e" * 64)
    assert [one.after.student.name for one in compare(folder).changed] == ["Ada Ng"]
    assert not flags(folder, "Ada Ng")


def test_grading_again_brings_the_flag_back(hand_in: Hand, tmp_path: Path) -> None:
    folder = tmp_path / "grades"
    hand_in("Ada Ng", "v1")
    hand_in("Bob Ray", "v1")
    compare(folder)
    hand_in("Ada Ng", "v1")
    compare(folder)
    assert len(flags(folder, "Ada Ng")) == 1


def test_weights_that_students_were_given_are_nobodys_copy(hand_in: Hand, tmp_path: Path) -> None:
    hand_in("Ada Ng", "v1", given=True)
    hand_in("Bob Ray", "v1", given=True)
    assert compare(tmp_path / "grades").alike == ()


def test_a_group_on_the_roster_may_hand_in_the_same(hand_in: Hand, tmp_path: Path) -> None:
    hand_in("Ada Ng", "v1")
    hand_in("Bob Ray", "v1")
    hand_in("Cid Lu", "v1")
    rows = [Enrolled(1, "Ada Ng", group="7"), Enrolled(2, "Bob Ray", group="7"), Enrolled(3, "Cid Lu", group="8")]
    store_roster(tmp_path / "grades", Roster("students.csv", tuple(rows)))
    compare(tmp_path / "grades")
    assert "Cid Lu" in flags(tmp_path / "grades", "Ada Ng")[0].message.english()
    assert "Bob Ray" not in flags(tmp_path / "grades", "Ada Ng")[0].message.english()


def test_an_earlier_class_is_compared_and_left_as_it_is(hand_in: Hand, tmp_path: Path) -> None:
    hand_in("Old Hand", "v1", of="grades-2025")
    hand_in("Ada Ng", "v1")
    hand_in("Bob Ray", "v2")
    before = {path: path.read_bytes() for path in (tmp_path / "grades-2025").rglob("*") if path.is_file()}
    done = compare(tmp_path / "grades", [tmp_path / "grades-2025"])
    assert len(done.alike) == 1
    assert "Old Hand (Old Hand.zip), grades-2025" in flags(tmp_path / "grades", "Ada Ng")[0].message.english()
    assert before == {path: path.read_bytes() for path in (tmp_path / "grades-2025").rglob("*") if path.is_file()}


def test_somebody_who_repeats_the_course_may_hand_in_their_own_weights(hand_in: Hand, tmp_path: Path) -> None:
    hand_in("Ada Ng", "v1", of="grades-2025", identifier="101")
    hand_in("Ada Ng", "v1", identifier="101")
    hand_in("Bob Ray", "v2")
    assert compare(tmp_path / "grades", [tmp_path / "grades-2025"]).alike == ()


def finding(found: str) -> Settled:
    return Settled("", (), found, "they said so", "kim", "2026-11-30")


@pytest.mark.parametrize("found", ["innocent", "agreed"])
def test_what_was_settled_stays_so_until_another_one_joins(hand_in: Hand, tmp_path: Path, found: str) -> None:
    folder = tmp_path / "grades"
    hand_in("Ada Ng", "v1")
    hand_in("Bob Ray", "v1")
    compare(folder)
    settle(folder, "ada", finding(found))
    assert not flags(folder, "Ada Ng")
    hand_in("Ada Ng", "v1")  # graded again
    assert compare(folder).alike[0].settled is not None
    assert not flags(folder, "Ada Ng")
    hand_in("Cid Lu", "v1")
    compare(folder)
    assert [len(flags(folder, name)) for name in ("Ada Ng", "Bob Ray", "Cid Lu")] == [1, 1, 1]


def test_what_was_copied_is_still_told_with_the_finding(hand_in: Hand, tmp_path: Path) -> None:
    hand_in("Ada Ng", "v1")
    hand_in("Bob Ray", "v1")
    settle(tmp_path / "grades", "Bob", finding("copied"))
    (flag,) = flags(tmp_path / "grades", "Ada Ng")
    assert flag.message.english().endswith("kim found on 2026-11-30 that it was copied: they said so")


def test_there_is_nothing_to_settle_where_nothing_is_shared(hand_in: Hand, tmp_path: Path) -> None:
    hand_in("Ada Ng", "v1")
    with pytest.raises(BadLab, match="shares no weights"):
        settle(tmp_path / "grades", "ada", finding("innocent"))


def test_broken_files_are_told_and_the_others_compared(hand_in: Hand, tmp_path: Path) -> None:
    for name in ("Ada Ng", "Bob Ray", "Cid Lu"):
        hand_in(name, "v1")
    next((tmp_path / "grades").glob("Cid*/evidence.json")).write_text("{", encoding="utf-8")
    done = compare(tmp_path / "grades")
    assert len(done.alike[0].entries) == 2
    assert "evidence" in done.refusals[0].message.english()
    settle(tmp_path / "grades", "ada", finding("agreed"))
    (tmp_path / "grades" / ".grade" / "alike.json").write_text('[{"shared": 3}]', encoding="utf-8")
    with pytest.raises(BadLab, match=r"alike\.json cannot be read"):
        compare(tmp_path / "grades")


def test_the_class_page_shows_staff_one_card_and_students_nothing(hand_in: Hand, tmp_path: Path) -> None:
    for name, values in (("Ada Ng", "v1"), ("Bob Ray", "v1"), ("Cid Lu", "v2")):
        hand_in(name, values)
    compare(tmp_path / "grades")
    stored, _ = read_stored(tmp_path / "grades")
    links = [(one.grade, f"./{one.path.parent.name}/report.html") for one in stored]
    staff, student = (render_class(links, audience, False, None) for audience in ("staff", "student"))
    assert "Submissions that are alike" in staff
    assert "2 submissions hold exactly the same weights." in staff
    assert "same weights" not in student
    ada = next(whole(one.grade, one.path) for one in stored if one.grade.student.name == "Ada Ng")
    assert "Bob Ray" in render(ada, "staff")
    assert "Bob Ray" not in render(ada, "student")


def test_what_is_stored_names_nothing_but_digests(hand_in: Hand, tmp_path: Path) -> None:
    hand_in("Ada Ng", "v1")
    hand_in("Bob Ray", "v1")
    settle(tmp_path / "grades", "ada", finding("agreed"))
    (one,) = json.loads((tmp_path / "grades" / ".grade" / "alike.json").read_text("utf-8"))
    assert one["hand_ins"] == ["a" * 64, "b" * 64]
