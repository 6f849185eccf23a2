"""Pages redrawn from stored grades: links work, other people's files stay, nothing is graded."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from grader.gradebook.exports import Request, export
from grader.gradebook.files import to_json
from grader.gradebook.pages import draw_class, draw_pages
from grader.gradebook.roster.stored import store_roster
from grader.records import Criterion, Enrolled, Grade, Judged, MadeBy, Mark, Roster, Student, Verdict, message
from grader.records.errors import BadLab


def grade(name: str, credit: float = 0.5) -> Grade:
    mark = Mark(Criterion("layout", "Files are there", 10), Judged("layout", Verdict(credit, message("so so"))))
    return Grade(Student(name), "ab" * 32, f"{name}.zip", (mark,), 0.8, MadeBy("0.1.0", "3.11"))


@pytest.fixture
def stored(tmp_path: Path):
    """Write grade.json into folders of these names, and return the folder around them."""

    def write(*names: str) -> Path:
        for name in names:
            (tmp_path / name).mkdir(parents=True)
            (tmp_path / name / "grade.json").write_text(to_json(grade(name)), "utf-8")
        return tmp_path

    return write


def test_each_grade_gets_its_page_and_the_class_one_that_links_to_them(stored) -> None:
    names = ("ada", "吴 雅达", "100%? #1", "javascript:alert(1)")
    folder = stored(*names)
    drawn = draw_pages(folder, "staff", pseudonyms=False)
    assert {page.parent.name for page in drawn.pages} == set(names)
    assert drawn.class_page == folder / "index.html"
    links = re.findall(r'<th scope="row"><a href="([^"]*)"', drawn.class_page.read_text("utf-8"))
    assert all(link.startswith("./") for link in links)
    assert {folder / unquote(link) for link in links} == set(drawn.pages)


RESERVED = ("index.html", "INDEX.HTML", "grades.csv", "junit.xml", "roster.json", ".grades.lock", "CON", "attempts")


@pytest.mark.parametrize("name", RESERVED)
def test_a_student_called_like_a_file_of_ours_breaks_nothing_for_the_others(taught, name: str) -> None:
    """Neither the page of the class, nor what is exported, nor a second run."""
    ada, odd = Student("Ada"), Student(name)
    of_class = taught(ada, odd)
    store_roster(of_class.folder, Roster("roster.csv", (Enrolled(2, "Ada"), Enrolled(3, "Ben"))))
    for to in ("csv", "junit"):
        export(Request(to, of_class.folder))
    drawn = draw_pages(of_class.folder, "staff", pseudonyms=False)
    assert drawn.refusals == ()
    assert drawn.class_page is not None
    assert len(drawn.pages) == 2
    of_class.publish(odd, digest=f"{1:064}")
    assert len(draw_class(of_class.folder, "staff", pseudonyms=False).pages) == 0
    assert len([path for path in of_class.folder.iterdir() if path.is_dir()]) == 2


def test_pages_follow_the_stored_grade_and_nothing_else_is_touched(stored) -> None:
    folder = stored("ada", "bob")
    draw_pages(folder, "staff", pseudonyms=False)
    changed = json.loads((folder / "ada" / "grade.json").read_text("utf-8"))
    changed["adjustments"] = [{"points": -1.0, "reason": "late by an hour", "by": "Dr Li", "on": "2026-03-03"}]
    (folder / "ada" / "grade.json").write_text(json.dumps(changed), "utf-8")
    before = (folder / "ada" / "grade.json").read_bytes()
    draw_pages(folder, "staff", pseudonyms=False)
    assert "late by an hour" in (folder / "ada" / "report.html").read_text("utf-8")
    assert (folder / "ada" / "grade.json").read_bytes() == before
    assert {path.name for path in folder.rglob("*") if path.is_file()} == {"grade.json", "report.html", "index.html"}


def test_one_grade_is_not_a_class(stored) -> None:
    folder = stored("ada")
    assert draw_class(folder, "staff", pseudonyms=False).class_page is None
    assert draw_pages(folder / "ada", "staff", pseudonyms=False).class_page is None
    assert (folder / "ada" / "report.html").is_file()


def test_a_page_of_somebody_else_is_not_written_over(stored) -> None:
    folder = stored("ada", "bob")
    (folder / "index.html").write_text("<p>my course</p>", "utf-8")
    with pytest.raises(BadLab) as refused:
        draw_class(folder, "staff", pseudonyms=False)
    assert "index.html is not a page of the grader" in refused.value.message.english()
    assert (folder / "index.html").read_text("utf-8") == "<p>my course</p>"


def test_our_own_page_is_redrawn(stored) -> None:
    folder = stored("ada", "bob")
    first = draw_class(folder, "student", pseudonyms=False).class_page
    assert first
    assert "bob" not in first.read_text("utf-8")
    draw_class(folder, "staff", pseudonyms=False)
    assert "bob" in first.read_text("utf-8")


def test_a_broken_grade_is_named_and_the_others_are_drawn(stored) -> None:
    folder = stored("ada", "bob", "eve")
    (folder / "eve" / "grade.json").write_text("{", "utf-8")
    drawn = draw_pages(folder, "staff", pseudonyms=False)
    assert len(drawn.pages) == 2
    assert ["eve" in refusal.message.english() for refusal in drawn.refusals] == [True]
    assert not (folder / "eve" / "report.html").exists()
