"""Keep what only a page shows in a file of its own, so that the figures of a class are read in no time.

`grade.json` holds the digest of that file: neither can be taken for a part of another grade. The file is named after
it, so that a command which is killed while it replaces a grade leaves the old exhibits beside the old grade. Exhibits
of flags, of which there are none so far, stay in `grade.json`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from grader.records import Exhibit, Grade, exhibits_of, message, strict, with_exhibits
from grader.records.errors import BadLab

EXHIBITS_FILES = "exhibits-*.json"  # one, unless a command was killed


@strict
@dataclass(frozen=True, slots=True)
class Exhibits:
    """The exhibits of a grade, by criterion."""

    exhibits: dict[str, tuple[Exhibit, ...]]
    schema: Literal["exhibits/1"] = "exhibits/1"


_EXHIBITS: TypeAdapter[Exhibits] = TypeAdapter(Exhibits)


def apart(grade: Grade) -> tuple[Grade, str]:
    """Return the grade without its exhibits, and the text of the file for them; "" if none are in it."""
    shown = {mark.criterion.check: found for mark in grade.marks if (found := exhibits_of(mark.finding))}
    if not shown:
        return grade, ""
    record = _EXHIBITS.dump_python(Exhibits(shown), mode="json")
    head = {"schema": record.pop("schema")}
    text = json.dumps({**head, **record}, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    marks = tuple(replace(mark, finding=with_exhibits(mark.finding, ())) for mark in grade.marks)
    return replace(grade, marks=marks, exhibits=_digest(encoded(text))), text


def together(grade: Grade, data: bytes, file: str) -> Grade:
    """Return the grade with its exhibits. Raises BadLab if `data`, the content of `file`, is not what belongs to it."""
    if _digest(data) != grade.exhibits:
        sentence = message(
            "{file} does not belong to the grade beside it, or was changed. The points are not affected. Run 'grade"
            " regrade', or grade this submission again.",
            file=file,
        )
        raise BadLab(sentence)
    try:
        shown = _EXHIBITS.validate_json(data).exhibits
    except ValidationError as error:
        first = error.errors()[0]
        sentence = message(
            "{file} does not hold exhibits that this version can read: {reason}. Run 'grade regrade', or grade this"
            " submission again.",
            file=file,
            reason=f"{'.'.join(map(str, first['loc']))}: {first['msg']}"[:200],
        )
        raise BadLab(sentence) from error
    marks = tuple(
        replace(mark, finding=with_exhibits(mark.finding, shown.get(mark.criterion.check, ()))) for mark in grade.marks
    )
    return replace(grade, marks=marks, exhibits="")


def exhibits_file(digest: str) -> str:
    """Return the name of the file that holds the exhibits of this digest."""
    return EXHIBITS_FILES.replace("*", digest[:12])


def encoded(text: str) -> bytes:
    """Return the text as it is written to a file; half a character, which a student's text may hold, is escaped."""
    return text.encode("utf-8", "backslashreplace")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
