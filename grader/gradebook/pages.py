"""Draw pages from stored grades: each student's and the class's. Grades nothing again, and needs no rubric."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from grader.disk.names import visible_path
from grader.disk.whole import write_whole
from grader.gradebook.files import Stored, read_grade, read_stored
from grader.gradebook.lock import held
from grader.records import Audience, message
from grader.records.errors import BadLab
from reports.html import render, render_class

PAGE, CLASS_PAGE = "report.html", "index.html"
OURS = b'content="cnn-lab-grader"'
HEAD_BYTES = 4_000  # at the start of a page, where it says that the grader wrote it


@dataclass(frozen=True, slots=True)
class Drawn:
    """The pages written, and what is wrong with the files that are not grades."""

    pages: tuple[Path, ...]
    class_page: Path | None  # None if there is only one grade
    refusals: tuple[BadLab, ...]


def draw_pages(folder: Path, audience: Audience, pseudonyms: bool) -> Drawn:
    """Write report.html beside each grade.json below the folder, and index.html for all. Raises BadLab."""
    with held(folder):
        stored, refusals = read_stored(folder)
        pages = []
        for one in stored:
            page = one.path.with_name(PAGE)
            _write(page, render(one.grade, audience))
            pages.append(page)
        return Drawn(tuple(pages), _draw_class(folder, stored, audience, pseudonyms), refusals)


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
        stored, refusals = read_stored(folder)
        return Drawn(tuple(pages), _draw_class(folder, stored, audience, pseudonyms), refusals)


def draw_class(folder: Path, audience: Audience, pseudonyms: bool) -> Drawn:
    """Write only index.html, for all grades below the folder, including those of earlier runs. Raises BadLab."""
    with held(folder):
        stored, refusals = read_stored(folder)
        return Drawn((), _draw_class(folder, stored, audience, pseudonyms), refusals)


def _draw_class(folder: Path, stored: tuple[Stored, ...], audience: Audience, pseudonyms: bool) -> Path | None:
    page = folder / CLASS_PAGE
    if len(stored) < 2:
        return None
    if page.exists() and not _ours(page):
        sentence = message(
            "{file} is not a page of the grader and was left unchanged. Move it away, or grade into a separate folder.",
            file=visible_path(page),
        )
        raise BadLab(sentence)
    links = [(one.grade, _link(one.path.with_name(PAGE).relative_to(folder))) for one in stored]
    _write(page, render_class(links, audience, pseudonyms))
    return page


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
