"""A real browser and the two pages in it; skipped with a sentence where there is none."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from grader.records import (
    Absent,
    Attendance,
    Criterion,
    Enrolled,
    Flag,
    Grade,
    Judged,
    Manual,
    Mark,
    Roster,
    Student,
    Verdict,
    message,
)
from reports.html import render, render_class
from reports.languages import speaking

SAMPLES_AT = Path(__file__).parents[1] / "reports" / "conftest.py"
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
STUDENTS = 40  # of the class beside the sample grades
MANY = 230  # of a large class
CHINESE = ("Chinese", "Chinese mixed", "Chinese class", "Chinese class of students")
PATIENCE = 10_000  # milliseconds


def samples() -> dict[str, Callable[[], Grade]]:
    """The sample grades of the tests of pages."""
    spec = importlib.util.spec_from_file_location("sample_grades", SAMPLES_AT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.SAMPLES


@dataclass
class Opened:
    """A page, and everything that it said or asked for while it was open."""

    page: Any
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is not installed: pip install -e '.[dev]'"
    )
    path = os.environ.get("CHROMIUM") or next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip(f"no Chromium on this machine: none of {', '.join(NAMES)} is on the path, and CHROMIUM names none")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=path)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages as files: of the student who was ranked, of an attacker, and of a class with both of them."""
    folder = tmp_path_factory.mktemp("pages")
    made = {name: make() for name, make in samples().items()}
    made_up = {"mixed": mixed(made["unjudged"])}
    everybody = [*made.values(), *(numbered(made["well_done"], n) for n in range(STUDENTS))]
    everybody[:2] = map(alike, everybody[:2])
    links = [(grade, f"./{n}/report.html") for n, grade in enumerate(everybody)]
    paths = {
        name: folder / f"{name}.html"
        for name in (*made, *made_up, "class", "class of students", "large class", *CHINESE, "of students")
    }
    for name, grade in (made | made_up).items():
        paths[name].write_text(render(grade), "utf-8")
    paths["of students"].write_text(render(made_up["mixed"], "student"), "utf-8")
    with speaking("zh"):
        paths["Chinese"].write_text(render(made["retrieved"]), "utf-8")
        paths["Chinese mixed"].write_text(render(made_up["mixed"], "student"), "utf-8")
        paths["Chinese class of students"].write_text(render_class(links, "student"), "utf-8")
        paths["Chinese class"].write_text(render_class(links, attendance=absentees()), "utf-8")
    paths["class"].write_text(render_class(links, attendance=absentees()), "utf-8")
    paths["class of students"].write_text(render_class(links, "student"), "utf-8")
    large = [(numbered(made["blocked"], n), f"./{n}/report.html") for n in range(MANY)]
    paths["large class"].write_text(render_class(large), "utf-8")
    return paths


def mixed(grade: Grade) -> Grade:
    """A grade with a criterion of each kind: earned, partly earned, lost, not judged, and marked by a person."""
    nothing = Verdict(0.0, message("Nothing of it is right."), (message("Begin again."),))
    lost = Mark(Criterion("lost", "1.1 fit()", 8), Judged("lost", nothing))
    hand = Mark(Criterion("report", "Report", 20), Manual("report", message("A person marks this.")))
    return replace(grade, marks=(*grade.marks, lost, hand))


def alike(grade: Grade) -> Grade:
    """A grade with the flag that its weights are those of somebody with an attacker's name."""
    said = message("{file} holds exactly the same weights.", file="<b>\u202efinal.pth" * 9)
    return replace(grade, flags=(*grade.flags, Flag("same weights", said, shared="d" * 64)))


def absentees() -> Attendance:
    """Two who handed in nothing, one of them with an attacker's name, and somebody who is not on the roster."""
    rows = (
        Enrolled(2, "Ben Okafor", number="2023001", group="A team of a long name, " * 5),
        Enrolled(3, "<b>\u202eEve" * 9),
    )
    roster = Roster("students.csv", rows)
    absent = tuple(Absent(row, roster.student(row), row.group != "") for row in rows)
    return Attendance(44, absent, (Student("W" * 120),), 1)


def numbered(grade: Grade, number: int) -> Grade:
    student = replace(grade.student, name=f"Student {number}", identifier=str(2000 - number))
    return replace(grade, student=student, accuracy=number / STUDENTS, flags=())


@pytest.fixture
def opened(chromium: Any, pages: dict[str, Path]) -> Callable[..., AbstractContextManager[Opened]]:
    """Open one of the pages: `with opened("class", width=360, scheme="dark") as one`."""

    @contextmanager
    def at(name: str, width: int = 1440, scheme: str = "light", script: bool = True) -> Iterator[Opened]:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=script
        )
        context.set_default_timeout(PATIENCE)
        one = Opened(context.new_page())
        one.page.on("console", lambda said: one.said.append(said.text))
        one.page.on("pageerror", lambda error: one.said.append(str(error)))
        one.page.on("dialog", lambda dialog: one.said.append(dialog.message))
        one.page.on("request", lambda request: one.asked.append(request.url))
        one.page.goto(pages[name].as_uri())
        yield one
        context.close()

    return at
