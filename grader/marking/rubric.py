"""Parses `rubric.toml`, and reports all of its mistakes at once."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from grader.evidence import OF_NETWORKS
from grader.labs import is_language, the_lab
from grader.marking.check import BadLimit, Check
from grader.marking.lateness import LatePolicy
from grader.records import Audience, Criterion, Message, message, stacked
from grader.records.errors import BadLab

HEAD = ("points", "audience", "title")
RENAMED = {"test_accuracy": "measured_accuracy", "test_function": "evaluation"}  # keys of version 0.1: then and now
LATE = "late"  # the only table that is not a criterion
BY_HAND = ("manual", *HEAD)
LONGEST_TITLE = 200  # characters
_NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")  # names of criteria marked by hand: typed on command lines, shown in tables

T = TypeVar("T")


STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class _Head:
    """Fields that every line of a rubric may have; the other fields of a line are the check's own limits."""

    points: float
    audience: Audience = "student"
    title: str | dict[str, str] = ""  # by language; "" for that of the check

    def __post_init__(self) -> None:
        if self.points < 0:
            raise BadLimit(message("points must be at least 0"))
        if any(not one.strip() or len(one) > LONGEST_TITLE or not one.isprintable() for one in self.titles.values()):
            raise BadLimit(_wrong_title())
        if wrong := next((one for one in self.titles if one and not is_language(one)), None):
            raise BadLimit(
                message("title: '{name}' is not a language; write en, zh or another two letters", name=wrong)
            )

    @property
    def titles(self) -> dict[str, str]:
        """Return the titles by language; one for all languages has none."""
        return self.title if isinstance(self.title, dict) else {"": self.title} if self.title else {}

    def named(self, criterion: Criterion) -> Criterion:
        """Return the criterion under its own title, if it has one."""
        titles = {language: title.strip() for language, title in self.titles.items()}
        if not titles:
            return criterion
        several = tuple(titles.items()) if isinstance(self.title, dict) else ()
        return replace(criterion, title=next(iter(titles.values())), titles=several)


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class _ByHand(_Head):
    """A line that a person marks."""

    manual: bool = False

    def __post_init__(self) -> None:
        _Head.__post_init__(self)
        if not self.manual:
            raise BadLimit(message("manual must be true"))
        if not self.title:
            raise BadLimit(_wrong_title())


def _wrong_title() -> Message:
    return message("title must be one line of at most {count} characters; the student reads it", count=LONGEST_TITLE)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the rubric: the criterion, its check and parsed limits. Without a check, a person marks it."""

    criterion: Criterion
    check: Check | None
    limits: Any


@dataclass(frozen=True, slots=True)
class Rubric:
    """The criteria by which submissions are marked. `digest` is the SHA-256 of the file."""

    lines: tuple[Line, ...]
    digest: str
    late: LatePolicy | None = None

    @property
    def points(self) -> float:
        """The sum of the points of all lines."""
        return round(sum(line.criterion.points for line in self.lines), 2)

    def allows(self, criterion: str, name: str) -> bool:
        """Return a yes-or-no limit of a criterion; True if the rubric does not have the criterion."""
        limits = [line.limits for line in self.lines if line.criterion.kind == criterion]
        return all(getattr(one, name, True) is not False for one in limits)


def read_rubric(path: Path, checks: Mapping[str, Check]) -> Rubric:
    """Read a rubric and validate it against the known checks. Raises BadLab, which lists every bad line."""
    try:
        raw = path.read_bytes()
        table = tomllib.loads(raw.decode("utf-8-sig"))  # with the byte-order mark that Windows editors write
    except OSError as error:
        raise BadLab(message("{file} cannot be read: {why}.", file=str(path), why=str(error.strerror))) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadLab(message("{file} is not TOML: {why}.", file=str(path), why=str(error))) from error
    problems: list[Message] = []
    late = _late(table.pop(LATE), problems) if LATE in table else None
    lines = [line for name, fields in table.items() for line in _lines(name, fields, checks, problems)]
    if problems or not lines:
        raise BadLab(_all_of(problems or [message("it contains no criteria")], path))
    return Rubric(tuple(lines), hashlib.sha256(raw).hexdigest(), late)


def _all_of(problems: list[Message], path: Path) -> Message:
    """Join the mistakes: one sentence, or a line each. Each is a separate value, because long values are cut."""
    if len(problems) == 1:
        return message("{file}: {problem}.", file=str(path), problem=problems[0])
    return stacked(message("{file}:", file=str(path)), problems, "- ")


def _lines(name: str, fields: Any, checks: Mapping[str, Check], problems: list[Message]) -> Iterator[Line]:
    """Yield the lines of a table: one, or one for each network that it names, where the lab has several."""
    networks = [one.name for one in the_lab().networks]
    check = checks.get(name)
    if not networks or check is None or check.reads not in OF_NETWORKS:
        if line := _line(name, fields, checks, problems):
            yield line
        return
    for network, own in (fields.items() if isinstance(fields, dict) else ()) or [("", None)]:
        if network not in networks or not isinstance(own, dict):
            sentence = message(
                "'{name}' is about one network: write [{name}.{network}]; the networks of the lab are {names}",
                name=name,
                network=networks[0],
                names=", ".join(networks),
            )
            problems.append(sentence)
            return
        if line := _line(name, own, checks, problems, network):
            yield line


def _line(
    name: str, fields: Any, checks: Mapping[str, Check], problems: list[Message], network: str = ""
) -> Line | None:
    check = checks.get(name)
    named = f"{name}.{network}" if network else name
    if isinstance(fields, dict) and "manual" in fields:
        return _by_hand(name, fields, check is not None, problems)
    if check is None and name in RENAMED:
        problems.append(message("'{name}' is called '{now}' now: rename it", name=name, now=RENAMED[name]))
        return None
    if check is None:
        near = difflib.get_close_matches(name, (*checks, LATE), n=1)
        if near:
            problems.append(message("'{name}' is not a check; did you mean '{near}'?", name=name, near=near[0]))
        else:
            there = ", ".join(checks)
            problems.append(message("'{name}' is not a check; the checks are {names}", name=name, names=there))
        return None
    if not isinstance(fields, dict):
        problems.append(message("'{name}' must be a table with points and limits", name=name))
        return None
    head = _read(_Head, {key: value for key, value in fields.items() if key in HEAD}, named, problems, HEAD)
    rest = {key: value for key, value in fields.items() if key not in HEAD}
    known = (*HEAD, *(item.name for item in dataclasses.fields(check.limits)))
    limits = _read(with_config(STRICT)(check.limits), rest, named, problems, known)
    if head is None or limits is None:
        return None
    criterion = Criterion(named, check.title, head.points, head.audience, network)
    return Line(head.named(criterion), check, limits)


def _by_hand(name: str, fields: dict[str, Any], is_check: bool, problems: list[Message]) -> Line | None:
    if is_check:
        problems.append(message("'{name}' is the name of a check; remove manual, or choose another name", name=name))
        return None
    if not _NAME.fullmatch(name):
        problems.append(
            message("'{name}': a name must consist of at most 60 letters without accents, digits, _ and -", name=name)
        )
        return None
    found = _read(_ByHand, fields, name, problems, BY_HAND)
    if found is None:
        return None
    return Line(found.named(Criterion(name, "", found.points, found.audience)), None, None)


def _late(fields: Any, problems: list[Message]) -> LatePolicy | None:
    if not isinstance(fields, dict):
        problems.append(
            message("'{name}' must be a table with deadline and points_per_day or percent_per_day", name=LATE)
        )
        return None
    known = [item.name for item in dataclasses.fields(LatePolicy)]
    return _read(with_config(STRICT)(LatePolicy), fields, LATE, problems, known)


def _read(
    record: type[T], fields: dict[str, Any], name: str, problems: list[Message], known: Iterable[str]
) -> T | None:
    try:
        return TypeAdapter(record).validate_json(
            json.dumps(fields, default=str)
        )  # via JSON, where a list may become a tuple in strict mode
    except ValidationError as error:
        told = (message("'{name}': {said}", name=name, said=_told(item, known)) for item in error.errors())
        problems += dict.fromkeys(told)  # a title that is neither a text nor a table is wrong in two ways
        return None


def _told(item: Any, known: Iterable[str]) -> Message:
    """Describe one mistake in a line: which limit, and what is wrong with it."""
    place = ".".join(str(part) for part in item["loc"])
    if item["loc"][:1] == ("title",):
        return _wrong_title()
    match item["type"]:
        case "unexpected_keyword_argument":
            near = difflib.get_close_matches(place, known, n=1)
            if near:
                return message("{place}: there is no such limit; did you mean '{near}'?", place=place, near=near[0])
            return message(
                "{place}: there is no such limit; the limits are {names}", place=place, names=", ".join(known)
            )
        case "missing" | "missing_argument":
            return message("{place} is missing", place=place)
    error = item.get("ctx", {}).get("error")
    said = error.said if isinstance(error, BadLimit) else item["msg"]  # pydantic's own messages are English
    return message("{place}: {said}", place=place, said=said) if place else message("{said}", said=said)
