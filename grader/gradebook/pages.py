"""Draw pages from stored grades: each student's and the class's. Grades nothing again, and needs no rubric."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from grader.disk.names import visible_path
from grader.disk.whole import write_whole
from grader.gradebook.files import Stored, read_grade, read_stored
from grader.gradebook.lock import held
from grader.gradebook.roster.stored import attended
from grader.records import Attendance, Audience, message
from grader.records.errors import BadLab
from reports.html import render, render_class

PAGE, CLASS_PAGE = "report.html", "index.html"
OURS = b'content="cnn-lab-grader"'
HEAD_BYTES = 4_000  # at the start of a page, where it says that the grader wrote it


@dataclass(frozen=True, slots=True)
class Drawn:
    """The pages written, and what is wrong with the files that are not grades."""

    pages: tuple[Path, ...]
    class_page: Path | None  # None if there is only one grade, and no roster
    refusals: tuple[BadLab, ...]
    attendance: Attendance | None = None  # None without a roster


@dataclass(frozen=True, slots=True)
class _Class:
    """The grades of a folder, and for whom the page of all of them is drawn."""

    folder: Path
    audience: Audience
    pseudonyms: bool
    stored: tuple[Stored, ...]
    refusals: tuple[BadLab, ...]


def draw_pages(folder: Path, audience: Audience, pseudonyms: bool) -> Drawn:
    """Write report.html beside each grade.json below the folder, and index.html for all. Raises BadLab."""
    with held(folder):
        everyone = _Class(folder, audience, pseudonyms, *read_stored(folder))
        pages = []
        for one in everyone.stored:
            page = one.path.with_name(PAGE)
            _write(page, render(one.grade, audience))
            pages.append(page)
        return _draw_class(everyone, pages)


def draw_some(folder: Path, paths: Iterable[Path], audience: Audience, pseudonyms: bool) -> Drawn:
    """Write report.html beside these grade.json files only, and rewrite index.html if it exists. Raises BadLab."""
    pages = []
    with held(folder):
        for path in paths:
            _write(path.with_name(PAGE), render(read_grade(path), audience))
            pages.append(path.with_name(PAGE))
        page = folder / CLASS_PAGE
        if not page.exists() or not _ours(page):
            return Drawn(tuple(pages), None, ())
        return _draw_class(_Class(folder, audience, pseudonyms, *read_stored(folder)), pages)


def draw_class(folder: Path, audience: Audience, pseudonyms: bool) -> Drawn:
    """Write only index.html, for all grades below the folder, including those of earlier runs. Raises BadLab."""
    with held(folder):
        return _draw_class(_Class(folder, audience, pseudonyms, *read_stored(folder)), ())


def _draw_class(everyone: _Class, pages: Sequence[Path]) -> Drawn:
    """Write index.html: of several grades, or of one and a roster. A roster that cannot be read is a refusal."""
    page, refusals, attendance = everyone.folder / CLASS_PAGE, everyone.refusals, None
    try:
        attendance = attended(everyone.folder, everyone.stored, len(refusals))
    except BadLab as error:
        refusals = (*refusals, error)
    if not everyone.stored or (len(everyone.stored) == 1 and attendance is None):
        return Drawn(tuple(pages), None, refusals)
    if page.exists() and not _ours(page):
        sentence = message(
            "{file} is not a page of the grader and was left unchanged. Move it away, or grade into a separate folder.",
            file=visible_path(page),
        )
        raise BadLab(sentence)
    links = [(one.grade, _link(one.path.with_name(PAGE).relative_to(everyone.folder))) for one in everyone.stored]
    _write(page, render_class(links, everyone.audience, everyone.pseudonyms, attendance))
    return Drawn(tuple(pages), page, refusals, attendance)


def _link(path: Path) -> str:
    """Return a relative link that no name can turn into another scheme, host or query."""
    return "./" + "/".join(quote(part, safe="", errors="surrogateescape") for part in path.parts)


def _ours(page: Path) -> bool:
    try:
        with page.open("rb") as file:
            return OURS in file.read(HEAD_BYTES)
    except OSError:
        return False


def _write(page: Path, text: str) -> None:
    try:
        write_whole(page, text)
    except OSError as error:
        sentence = message(
            "{file} cannot be written: {why}. The grades themselves are stored. Free some space there, or fix its"
            " permissions, then run 'grade report'.",
            file=visible_path(page),
            why=error.strerror or str(error),
        )
        raise BadLab(sentence) from error
