"""`rubric.toml` to values, once, with every mistake in it told at once."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from grader.case import Check
from grader.errors import BadLab
from grader.records import Audience, Criterion, Message, message

DEFAULT = Path(__file__).with_name("rubric.toml")
HEAD = ("points", "audience")

T = TypeVar("T")


STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class _Head:
    """What every line of a rubric may say; the rest of a line are the check's own limits."""

    points: float
    audience: Audience = "student"

    def __post_init__(self) -> None:
        if self.points < 0:
            raise ValueError("points: at least 0")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the rubric: the criterion, the check behind it, and its parsed limits."""

    criterion: Criterion
    check: Check
    limits: Any


@dataclass(frozen=True, slots=True)
class Rubric:
    """What a submission is marked by. `digest` is the SHA-256 of the file."""

    lines: tuple[Line, ...]
    digest: str


def read_rubric(path: Path, checks: Mapping[str, Check]) -> Rubric:
    """Read a rubric against the checks that exist. Raises BadLab with every bad line named."""
    try:
        raw = path.read_bytes()
        table = tomllib.loads(raw.decode("utf-8-sig"))  # with the mark that Windows editors put first
    except OSError as error:
        raise BadLab(message("{file} cannot be read: {why}.", file=str(path), why=str(error.strerror))) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadLab(message("{file} is not TOML: {why}.", file=str(path), why=str(error))) from error
    problems: list[str] = [] if table else ["it names no check at all"]
    lines = [line for name, fields in table.items() if (line := _line(name, fields, checks, problems))]
    if problems:
        raise BadLab(_all_of(problems, path))
    return Rubric(tuple(lines), hashlib.sha256(raw).hexdigest())


def _all_of(problems: list[str], path: Path) -> Message:
    """One sentence for one mistake, else a line for each; each a value of its own, because long values are cut."""
    if len(problems) == 1:
        return message("{file}: {problem}.", file=str(path), problem=problems[0])
    named = {f"problem_{number}": problem for number, problem in enumerate(problems, 1)}
    return message("{file}:" + "".join(f"\n- {{{name}}}" for name in named), file=str(path), **named)


def _line(name: str, fields: Any, checks: Mapping[str, Check], problems: list[str]) -> Line | None:
    check = checks.get(name)
    if check is None:
        near = difflib.get_close_matches(name, checks, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(checks)}"
        problems.append(f"'{name}' names no check; {hint}")
        return None
    if not isinstance(fields, dict):
        problems.append(f"'{name}' should be a table with points and limits")
        return None
    head = _read(_Head, {key: value for key, value in fields.items() if key in HEAD}, name, problems)
    rest = {key: value for key, value in fields.items() if key not in HEAD}
    limits = _read(with_config(STRICT)(check.limits), rest, name, problems)
    if head is None or limits is None:
        return None
    return Line(Criterion(name, check.title, head.points, head.audience), check, limits)


def _read(record: type[T], fields: dict[str, Any], name: str, problems: list[str]) -> T | None:
    try:
        return TypeAdapter(record).validate_json(json.dumps(fields, default=str))  # JSON: a list is a tuple, strictly
    except ValidationError as error:
        known = [*HEAD, *(item.name for item in dataclasses.fields(record) if item.name not in HEAD)]  # type: ignore[arg-type]
        problems += [f"'{name}': {_told(item, known)}" for item in error.errors()]
        return None


def _told(item: Any, known: list[str]) -> str:
    """One mistake of a line: which limit, and what is wrong with it."""
    place = ".".join(str(part) for part in item["loc"])
    match item["type"]:
        case "unexpected_keyword_argument":
            near = difflib.get_close_matches(place, known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(known)}"
            return f"{place}: there is no such limit; {hint}"
        case "missing" | "missing_argument":
            return f"{place}: is missing"
    said = item["msg"].removeprefix("Value error, ")
    return f"{place}: {said}" if place else said
