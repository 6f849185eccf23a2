"""`grade template`: make the student's lab from the solved one, so that the two never diverge.

`# BEGIN SOLUTION 2.1: what to do` to `# END SOLUTION` becomes `raise NotImplementedError("2.1: what to do")`;
`# BEGIN REFERENCE: why` to `# END REFERENCE` is left out, with the blank lines before it. What is below
`reference/handout/` is copied unchanged. A lab with a folder start/ beside its lab.toml hands out that, as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import reference
from grader.intake.leave_out import reason_to_leave_out
from grader.labs import DEFAULT, Lab, find_lab, the_lab
from grader.marking.rubric import Rubric
from grader.records import message
from grader.records.errors import BadLab
from grader.students.graded import with_points
from grader.students.template_language import ENGLISH, in_language, read_catalogue

START = "start"  # beside lab.toml
HANDOUT = "handout"
CACHES = {"__pycache__", ".pytest_cache"}

_BEGIN = re.compile(r"( *)# BEGIN (SOLUTION|REFERENCE)\b(.*)")
_TASK = re.compile(r" (\d+\.\d+): (\S.*)")
_END = re.compile(r" *# END (SOLUTION|REFERENCE)")
_TRACE = re.compile(r"SOLUTION|(BEGIN|END) REFERENCE")


@dataclass(slots=True)
class _Region:
    """An open region: where it began, and what replaces it."""

    kind: str
    line: int
    instead: tuple[str, ...]


def make_template(
    folder: Path | None = None, language: str = ENGLISH, graded: tuple[Rubric, Rubric] | None = None
) -> dict[str, bytes]:
    """Return every file of the template by its path, with forward slashes. Raises BadLab if a region is malformed.

    `folder` holds the solved lab; by default the one that is installed. In a language other than English the words
    come from the lab's catalogue. `graded` is the rubric whose points the instructions state, and the one that they are
    written for.
    """
    if folder is None and ((the_lab().folder / START).is_dir() or not _is_solved(the_lab())):
        return _start(the_lab())
    home = folder or Path(reference.__file__).parent
    tasks = {name: strip(_read(home / name).decode(), name).encode() for name in the_lab().scripts}
    given = {name: _read(home / name) for name in the_lab().given}
    for name, content in given.items():
        _require_no_trace(content.decode(), name)  # a region in a file that is copied unchanged would be handed out
    handout = {
        path.relative_to(home / HANDOUT).as_posix(): _read(path)
        for path in sorted((home / HANDOUT).rglob("*"))
        if path.is_file() and not CACHES.intersection(path.parts)
    }
    files = {**tasks, **given, **(with_points(handout, *graded) if graded else handout)}
    if language == ENGLISH:
        return files
    return in_language(files, language, read_catalogue(_read(home / f"{HANDOUT}.{language}.po")))


def _is_solved(lab: Lab) -> bool:
    """Return whether the lab's tasks are those of the solved lab: another lab's scripts may have the same names."""
    return bool(lab.tasks) and set(lab.tasks) <= set(find_lab(DEFAULT).tasks)


def _start(lab: Lab) -> dict[str, bytes]:
    """Return every file of a lab's folder start/, but for what tools and scripts leave there."""
    folder = lab.folder / START
    files = {
        path.relative_to(folder).as_posix(): _read(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not reason_to_leave_out(path.relative_to(folder).as_posix(), path.stat().st_size)
    }
    if not files:
        sentence = message(
            "The lab '{name}' has neither scripts with open tasks nor a folder {start}/ with files in it:"
            " students start from what you give them.",
            name=lab.name,
            start=START,
        )
        raise BadLab(sentence)
    return files


def write_template(files: Mapping[str, bytes], out: Path, force: bool) -> None:
    """Write the files below `out`. Raises BadLab, before anything is written, if a file there would be lost."""
    changed = [name for name in files if (out / name).is_file() and (out / name).read_bytes() != files[name]]
    if changed and not force:
        sentence = message(
            "{name} already exists in {folder} and differs from the template: it may be somebody's work."
            " Choose a new folder, or overwrite it with --force.",
            name=changed[0],
            folder=str(out),
        )
        raise BadLab(sentence)
    for name, content in files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(content)


def strip(source: str, name: str) -> str:
    """Return the student's version of a solved file. Raises BadLab, with the line, if a region is malformed."""
    stripped = "".join(_stripped(source, name))
    _require_no_trace(stripped, name)
    try:
        compile(stripped, name, "exec")
    except SyntaxError as error:
        code = (error.text or "").strip()
        sentence = message(
            "{name} is not valid Python without its solutions: {why} (line {line}, '{code}'). Fix the region there.",
            name=name,
            why=error.msg,
            line=error.lineno or 0,
            code=code,
        )
        raise BadLab(sentence) from error
    return stripped


def _stripped(source: str, name: str) -> Iterator[str]:
    region: _Region | None = None
    blank: list[str] = []
    numbers: set[str] = set()
    for number, line in enumerate(source.splitlines(keepends=True), start=1):
        if begin := _BEGIN.fullmatch(line.rstrip("\r\n")):
            if region:
                sentence = message(
                    "{name}, line {line}: a region begins inside the one from line {outer}. Write END {kind} first.",
                    name=name,
                    line=number,
                    outer=region.line,
                    kind=region.kind,
                )
                raise BadLab(sentence)
            region = _opened(begin, number, name, numbers)
            blank = [] if region.kind == "REFERENCE" else blank
        elif end := _END.fullmatch(line.rstrip("\r\n")):
            if region is None or region.kind != end[1]:
                sentence = message(
                    "{name}, line {line}: END {kind} matches no open region of that kind. Write BEGIN {kind}"
                    " before it.",
                    name=name,
                    line=number,
                    kind=end[1],
                )
                raise BadLab(sentence)
            yield from (*blank, *region.instead)
            region, blank = None, []
        elif region is None and not line.strip():
            blank.append(line)
        elif region is None:
            yield from (*blank, line)
            blank = []
    if region:
        sentence = message(
            "{name}, line {line}: the region that begins here has no END {kind}.",
            name=name,
            line=region.line,
            kind=region.kind,
        )
        raise BadLab(sentence)
    yield from blank


def _opened(begin: re.Match[str], line: int, name: str, numbers: set[str]) -> _Region:
    indent, kind, rest = begin.groups()
    if kind == "REFERENCE":
        return _Region(kind, line, ())
    number, task = asked.groups() if (asked := _TASK.fullmatch(rest)) else ("", "")
    if not task or number in numbers:
        sentence = message(
            "{name}, line {line}: write '# BEGIN SOLUTION 2.1: what to do', with a number that no other task has.",
            name=name,
            line=line,
        )
        raise BadLab(sentence)
    numbers.add(number)
    literal = f"{number}: {task}".replace("\\", "\\\\").replace('"', '\\"')
    return _Region(kind, line, (f'{indent}raise NotImplementedError("{literal}")\n',))


def _require_no_trace(text: str, name: str) -> None:
    for number, line in enumerate(text.splitlines(), start=1):
        if _TRACE.search(line):
            sentence = message(
                "{name}: '{line}' is left in the template (line {number}) and would be handed to students.",
                name=name,
                line=line.strip()[:80],
                number=number,
            )
            raise BadLab(sentence)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        sentence = message(
            "{path} cannot be read: {why}. The template is made from the solved lab in reference/.",
            path=str(path),
            why=error.strerror or "",
        )
        raise BadLab(sentence) from error
