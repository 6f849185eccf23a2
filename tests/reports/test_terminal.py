"""The terminal: whole sentences at any width, and no escape code that is not our own."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from grader.records import Grade
from reports.terminal import show, summary

REPORT = Path("/home/staff/lab/grades/ngada/report.html")


def shown(grade: Grade, terminal: bool, width: int = 80) -> str:
    out = io.StringIO()
    show(grade, REPORT, Console(file=out, width=width, force_terminal=terminal, color_system=None))
    return out.getvalue()


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("terminal", [True, False])
def test_sentences_are_whole_at_80_columns(well_done: Grade, terminal: bool) -> None:
    text = flat(shown(well_done, terminal))
    assert "8,491 of 10,000 test images are right: 84.91% (95% interval 84.19% to 85.60%)." in text
    assert "Cats and dogs are confused most: look at the images that final.pth gets wrong." in text
    assert "34.72 of 47.25 points · late · flags for staff: 1" in text
    assert "claim: The report claims 99.9%; 84.91% was measured." in text
    assert "−5 two days late (Dr Li, 2026-03-03)" in text
    assert f"Report: {REPORT}" in text


def test_a_terminal_of_80_columns_is_not_overrun(well_done: Grade) -> None:
    lines = shown(well_done, terminal=True).splitlines()
    assert max(len(line) for line in lines if "/" not in line) <= 80


def test_a_pipe_gets_one_line_a_sentence(well_done: Grade) -> None:
    lines = [line.strip() for line in shown(well_done, terminal=False).splitlines()]
    assert "8,491 of 10,000 test images are right: 84.91% (95% interval 84.19% to 85.60%)." in lines


def test_the_path_is_in_one_piece_on_a_narrow_terminal(well_done: Grade) -> None:
    assert str(REPORT) in shown(well_done, terminal=True, width=30)


@pytest.mark.parametrize("terminal", [True, False])
def test_escape_codes_and_rich_markup_of_a_student_stay_text(hostile: Grade, terminal: bool) -> None:
    text = shown(hostile, terminal)
    assert all(c.isprintable() or c == "\n" for c in text)
    assert "[red]" in flat(text)


def test_what_was_not_marked_is_no_zero(unjudged: Grade) -> None:
    text = shown(unjudged, terminal=False)
    assert "not marked (30)  The trained network" in text
    assert "points not marked yet: 30 · needs a human" in text
    assert "0 of 30" not in text


def test_a_terminal_without_the_letters_gets_escapes_instead_of_a_crash(well_done: Grade) -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    console = Console(file=out, width=80)
    show(well_done, REPORT, console)
    summary([(well_done, REPORT)], console)
    out.flush()
    assert b"Ada Ng \\u5434\\u96c5\\u8fbe" in raw.getvalue()


def rows(grades: list[tuple[Grade, Path]], terminal: bool) -> list[str]:
    out = io.StringIO()
    summary(grades, Console(file=out, width=80, force_terminal=terminal, color_system=None))
    return out.getvalue().splitlines()


def test_several_submissions_are_one_row_each_in_a_pipe(well_done: Grade, unjudged: Grade, blocked: Grade) -> None:
    grades = [
        (well_done, REPORT),
        (unjudged, Path("/home/staff/lab/grades/b/report.html")),
        (blocked, Path("/home/staff/lab/grades/c/report.html")),
    ]
    head, *body, _, last = rows(grades, terminal=False)
    assert head.split() == ["Student", "Points", "Accuracy", "State", "Folder"]
    assert flat(body[0]) == "Ada Ng 吴雅达 34.72 / 47.25 84.91% late, flags for staff: 1 ngada"
    assert flat(body[1]) == "Ada Ng 吴雅达 12.62 / 47.25 – needs a human, late b"
    assert flat(body[2]) == "Ben Okafor – / 40 – unusable c"
    assert last == "Reports: /home/staff/lab/grades/FOLDER/report.html"


def test_a_summary_fits_the_terminal_and_survives_a_hostile_name(well_done: Grade, hostile: Grade) -> None:
    lines = rows([(well_done, REPORT), (hostile, REPORT)], terminal=True)
    assert max(map(len, lines)) <= 80
    assert all(line.isprintable() for line in lines)


def test_a_summary_of_nothing_is_no_crash() -> None:
    assert rows([], terminal=False)[0].startswith("Student")
