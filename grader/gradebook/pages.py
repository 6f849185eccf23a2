"""Draw pages from stored grades: each student's and the class's. Grades nothing again, and needs no rubric."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from grader.disk.names import visible_path
from grader.gradebook.attempts import PAGE
from grader.gradebook.drawing import draw, write_page
from grader.gradebook.files import Stored, read_grade, read_stored
from grader.gradebook.lock import held
from grader.gradebook.roster.stored import attended
from grader.records import Attendance, Audience, message
from grader.records.errors import BadLab
from reports.html import render_class

CLASS_PAGE = "index.html"
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
        drawn = draw(everyone.stored, audience)
        of_class = _draw_class(everyone, drawn.pages)
    return replace(of_class, refusals=(*of_class.refusals, *map(BadLab, drawn.refusals)))


def draw_some(folder: Path, paths: Iterable[Path], audience: Audience, pseudonyms: bool) -> Drawn:
    """Write report.html beside these grade.json files only, and rewrite index.html if it exists. Raises BadLab.

    What is wrong with files of others is left to the command that read them.
    """
    with held(folder):
        drawn = draw([Stored(read_grade(path), path) for path in paths], audience)
        page, refusals = folder / CLASS_PAGE, tuple(map(BadLab, drawn.refusals))
        if not page.exists() or not _ours(page):
            return Drawn(drawn.pages, None, refusals)
        of_class = _draw_class(_Class(folder, audience, pseudonyms, *read_stored(folder)), drawn.pages)
    return replace(of_class, refusals=refusals)


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
    write_page(page, render_class(links, everyone.audience, everyone.pseudonyms, attendance))
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
