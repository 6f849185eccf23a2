"""Prints results on the terminal: complete sentences, for a person or a pipe.

Everything printed is a rich Text, never a str: in a str, rich would interpret markup that a student wrote. A pipe
gets one line per fact, however long; only a terminal gets lines wrapped to its width.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from grader.records import Attendance, Checked, Grade, Mark
from reports.marks import badges, next_steps, pending, score, state_words, told, total
from reports.text import clip, known, named, percent, points, say, titled, visible, words

Row = tuple[str, Sequence[Text]]  # a short lead, and the lines that stand beside it
WIDE_ENOUGH = 1000  # columns for a table in a pipe: one row a line
_STATES = {"good": ("ok", "green"), "worse": ("--", "yellow"), "bad": ("NO", "red")}
_STYLES = {"judged": "", "blocked": "yellow", "unjudged": "magenta"}


def show(grade: Grade, report: Path, console: Console) -> None:
    """Print the result of one submission: name, total, criteria with reasons, flags, next steps, path of the page."""
    _print(console, Text(_who(grade), style="bold"))
    _print(console, Text(" · ".join(_standing(grade))))
    _section(console, "", [] if grade.unexamined else map(_criterion, grade.marks))
    _section(console, say("Adjustments"), _adjustments(grade))
    _section(console, say("Next steps"), _steps(grade))
    flags = [say("{kind}: {text}", kind=known(flag.kind, 80), text=flag.message) for flag in grade.flags]
    _section(console, say("Flags for staff"), [("!", [Text(flag)]) for flag in flags])
    _section(console, say("Intake notes"), [("-", [Text(words(note))]) for note in grade.notes])
    console.print()
    _path(console, say("Report:"), report)


def line(grade: Grade, seconds: float, console: Console) -> None:
    """Print the result of one of many submissions on one line: name, points, what is for staff, seconds."""
    parts = [*_standing(grade), *dict.fromkeys(known(flag.kind, 80) for flag in grade.flags)]
    _print(console, Text(" · ".join((_who(grade), *parts, say("{seconds:.1f} s", seconds=seconds)))), whole=True)


def summary(grades: Sequence[tuple[Grade, Path]], console: Console) -> None:
    """Print one row per submission and the path of each page, for several submissions graded at once."""
    home = _home([path for _, path in grades])
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in (say("Student"), say("Points"), say("Accuracy"), say("State"), say("Folder")):
        numbers = heading in {say("Points"), say("Accuracy")}
        table.add_column(Text(heading), justify="right" if numbers else "left", no_wrap=numbers, overflow="fold")
    for grade, path in grades:
        table.add_row(*(Text(_fit(cell, console)) for cell in (*_summed(grade), visible(_folder(path, home)))))
    _rows(console, table)
    console.print()
    _path(console, say("Reports:"), (home or Path()) / say("FOLDER") / "report.html")


def reports(home: Path, console: Console) -> None:
    """Print where the pages of a class are."""
    _path(console, say("Reports:"), home / say("FOLDER") / "report.html")


def drawn(pages: Sequence[Path], class_page: Path | None, console: Console) -> None:
    """Print which pages were rendered; the path of the class page is unbroken, so that it can be opened."""
    if pages:
        _print(console, Text(say("Pages drawn: {count:,}", count=len(pages))))
    if class_page:
        _path(console, say("The class:"), class_page)


def attended(attendance: Attendance, console: Console) -> None:
    """Print how many on the roster have no submission, and how many submissions are not on it."""
    absent, enrolled = len(attendance.absent), attendance.enrolled
    _print(
        console,
        Text(say("On the roster: {enrolled:,}; nothing submitted: {absent:,}", enrolled=enrolled, absent=absent)),
    )
    if attendance.unlisted:
        _print(console, Text(say("Not on the roster: {count:,}", count=len(attendance.unlisted))))


def examined(line: Checked, console: Console) -> None:
    """Print one line of a readiness check, with what to do next below it."""
    mark, colour = _STATES[line.state]
    lines = [Text.assemble((say("{subject}: ", subject=line.subject), "bold"), words(line.said))]
    lines += [Text(f"-> {words(step)}") for step in line.steps]
    for number, text in enumerate(lines):
        lead = Text(f"{mark:3}" if number == 0 else "   ", style=colour)
        if console.is_terminal:
            grid = Table.grid(padding=(0, 1, 0, 0))
            grid.add_column(no_wrap=True)
            grid.add_column(overflow="fold")
            grid.add_row(lead, _fitted(text, console))
            console.print(grid)
        else:
            console.print(Text.assemble(lead, " ", _fitted(text, console)), soft_wrap=True)


def ready_table(lines: Sequence[Checked], console: Console) -> None:
    """Print a readiness check as a table: what is ready, what is missing, and the next step."""
    if not console.is_terminal:
        for line in lines:
            examined(line, console)
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 1, 0))
    table.add_column("", no_wrap=True)
    for heading in (say("What"), say("Found"), say("Next step")):
        table.add_column(Text(heading), overflow="fold")
    for line in lines:
        mark, colour = _STATES[line.state]
        steps = "\n".join(words(step) for step in line.steps)
        cells = (words(line.subject), words(line.said), steps)
        table.add_row(Text(mark, style=colour), *(Text(_fit(cell, console)) for cell in cells))
    console.print(table)


def _fitted(text: Text, console: Console) -> Text:
    """Return the text with its styles if the terminal's encoding supports it; else escaped and plain."""
    fitting = _fit(text.plain, console)
    return text if fitting == text.plain else Text(fitting)


def _summed(grade: Grade) -> tuple[str, ...]:
    accuracy = "–" if grade.accuracy is None else percent(grade.accuracy, 1)
    state = say(", ").join(text for _, text in badges(grade)) or say("graded")
    return named(grade.student.name), f"{total(grade)} / {points(grade.points)}", accuracy, state


def _who(grade: Grade) -> str:
    student = grade.student
    identifier = f" ({clip(student.identifier, 80)})" if student.identifier else ""
    return f"{named(student.name)}{identifier} · {clip(grade.archive, 120)}"


def _standing(grade: Grade) -> Iterator[str]:
    yield say("{total} of {points} points", total=total(grade), points=points(grade.points))
    if grade.unjudged:
        yield say("points not marked yet: {points}", points=points(pending(grade)))
    yield from (text for _, text in badges(grade))


def _criterion(mark: Mark) -> Row:
    finding = told(mark)
    lines = [Text(titled(mark.criterion), style="bold"), Text(words(finding.reason))]
    if finding.beside:
        lines.append(Text(words(finding.beside), style="dim"))
    if finding.state != "judged":
        lines.append(Text(state_words(finding.state, "staff"), style=_STYLES[finding.state]))
    return score(mark), lines


def _adjustments(grade: Grade) -> Iterator[Row]:
    for adjustment in grade.counted:
        reason = say("{reason} ({by}, {on})", reason=adjustment.reason, by=adjustment.by, on=adjustment.on)
        yield points(adjustment.points, signed=True), [Text(reason)]


def _steps(grade: Grade) -> Iterator[Row]:
    for number, step in enumerate(next_steps(grade), start=1):
        stake = say("points at stake: {points}", points=points(step.points))
        hints = [words(hint) for hint in step.hints]
        which = [titled(mark.criterion) for mark in step.marks if mark.criterion.network]  # two may say the same
        yield f"{number}.", [*map(Text, hints), Text(" · ".join((stake, *which)), style="dim")]


def _section(console: Console, heading: str, rows: Iterable[Row]) -> None:
    """Print rows under a heading with aligned leads; nothing if there are none."""
    if not (rows := tuple(rows)):
        return
    console.print()
    if heading:
        _print(console, Text(heading, style="bold"))
    width = max(len(lead) for lead, _ in rows)
    for lead, lines in rows:
        for number, line in enumerate(lines):
            _beside(console, lead.rjust(width) if number == 0 else " " * width, line)


def _beside(console: Console, lead: str, line: Text) -> None:
    if not console.is_terminal:
        return _print(console, Text.assemble(f"  {lead}  ", line))
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text(_fit(lead, console)), Text(_fit(line.plain, console), style=line.style))
    console.print(Padding(grid, (0, 0, 0, 2), expand=False))
    return None


def _rows(console: Console, table: Table) -> None:
    if console.is_terminal:
        return console.print(table)
    wide = console.options.update(width=WIDE_ENOUGH)  # print() itself would not go beyond the console's width
    for line in console.render_lines(table, wide, pad=False):
        _print(console, Text("".join(segment.text for segment in line).rstrip()))
    return None


def _path(console: Console, lead: str, path: Path) -> None:
    """Return an unbroken path, so that it can be clicked and copied."""
    _print(console, Text(f"{lead} {visible(str(path))}"), whole=True)


def _print(console: Console, text: Text, whole: bool = False) -> None:
    shown = Text(_fit(text.plain, console), style=text.style)
    console.print(shown, soft_wrap=whole or not console.is_terminal)


def _fit(text: str, console: Console) -> str:
    """Escape what the terminal's encoding lacks: a Chinese name must not crash the run on cp1252."""
    return text.encode(console.encoding, "backslashreplace").decode(console.encoding)


def _home(paths: Sequence[Path]) -> Path | None:
    """Return the folder that contains all of these, if naming it once is better than in each row."""
    try:
        home = Path(os.path.commonpath([path.parent.parent for path in paths]))
    except ValueError:  # none at all, or on several drives
        return None
    return home if home.name else None


def _folder(path: Path, home: Path | None) -> str:
    return str(path.parent.relative_to(home) if home else path.parent)
