"""Read the names that platforms give to submissions: whose each is, what the student called the file, and when it came.

A new platform is a line of `FORMS` here, and a value of `Student.platform`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from grader.intake.formats import ARCHIVE_SUFFIXES
from grader.intake.whose import clean, named
from grader.records import Platform, Student, message
from grader.records.errors import BadLab

LONGEST = 255  # characters of a file's or folder's name


@dataclass(frozen=True, slots=True)
class Upload:
    """What a name says. `file` is the student's own name for it, "" for a folder; `order` tells later from earlier.

    `start` is what all of a student's names begin with where the login in it may be longer than it seems.
    """

    student: Student
    file: str = ""
    order: str = ""
    start: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """The form of a platform's names: a pattern with the groups name, user, late, file, number and moment."""

    platform: Platform
    pattern: re.Pattern[str]

    def read(self, name: str) -> Upload | None:
        """Return what the name says; None if it is not of this form."""
        found = self.pattern.fullmatch(name) if len(name) <= LONGEST else None
        if found is None:
            return None
        part = {key: (text or "").strip() for key, text in found.groupdict().items()}
        user, late = part.get("user", ""), bool(part.get("late"))
        # every anonymous submission begins with "anon": the number keeps their reports apart
        shown = f"anon {user}" if part.get("anon") else part.get("name") or _full(part) or user or part.get("email", "")
        student = Student(clean(shown), clean(user, ""), self.platform, email=part.get("email", ""), late=late)
        order = part.get("number", "").rjust(LONGEST, "0") if part.get("number") else _moment(part.get("moment", ""))
        return Upload(student, part.get("file", ""), order, part.get("start", ""))


def _full(part: Mapping[str, str]) -> str:
    return " ".join(filter(None, (part.get("first"), part.get("last"))))


def _form(platform: Platform, *patterns: str) -> Iterable[Form]:
    return (Form(platform, re.compile(pattern)) for pattern in patterns)


FORMS = (
    # lastfirst_LATE_12345_67890_lab5.zip, anon_LATE_12345_67890_lab5.zip; a text entry is lastfirst_12345_text.html.
    # Canvas drops all but letters and digits from the name. Numbers of 3 digits and more, so that a student's own
    # "lab5_2024_11_final.zip" is not read as user 2024. Anonymous ids may hold letters.
    *_form(
        "canvas",
        r"(?P<anon>anon)(?P<late>_LATE)?_(?P<user>[0-9A-Za-z]+)_(?P<number>\d{3,})_(?P<file>.+)",
        r"(?P<name>[^_]+)(?P<late>_LATE)?_(?P<user>\d{3,})_(?P<number>\d{3,})_(?P<file>.+)",
        r"(?P<name>[^_]+)(?P<late>_LATE)?_(?P<user>\d{3,})_(?P<file>(?:text|link)\.html)",
    ),
    # the folder "Ada Ng_12345_assignsubmission_file", before Moodle 4.1 with a trailing "_"; the same begins a file's
    # name where the download was made without folders; "onlinetext" is what was written in the browser
    *_form("moodle", r"(?P<name>.+?)_(?P<user>\d+)_assignsubmission_(?:file|onlinetext)(?:_(?P<file>.*))?"),
    # "Lab 5_adang_attempt_2026-11-02-22-26-04_lab5.zip", and a text about it without the last part
    *_form(
        "blackboard",
        r"(?P<start>.+_(?P<user>[^_]+))_attempt_(?P<moment>\d{4}(?:-\d\d){5})(?:_(?P<file>.+)|(?P<about>\.txt))",
    ),
    # "13394-80551 - Ada Ng - Nov 2, 2026 1026 PM - lab5.zip", or a folder without the last part; other languages write
    # "2 November, 2026 1026 PM" or "2 novembre 2026 22h26"
    *_form(
        "brightspace",
        r"(?P<user>\d+)-\d+ - (?P<name>.+?) - (?P<moment>[^-]*\d{4}[^-]*?)(?: - (?P<file>.+))?",
    ),
)

# Folders of these forms could be named by anybody: they count only where all folders beside them have the form too.
FORMS_TOGETHER = tuple(_form("ilias", r"(?P<last>[^_]+)_(?P<first>[^_]+)_(?P<user>[^_]+)_\d+"))  # Ng_Ada_adang_6789
_CLONED = "-submissions"  # the folder lab5-submissions holds GitHub Classroom's lab5-adang and others
_UPLOADED = re.compile(r"\d{14}_(.+)")  # ILIAS: 20261102222604_lab5.zip


def upload(name: str, forms: Iterable[Form] = FORMS) -> Upload | None:
    """Return what a file's or folder's name says, if one of the platforms wrote it; else None."""
    return next((found for form in forms if (found := form.read(name)) is not None), None)


def together(folder: str, names: Collection[str]) -> Form | None:
    """Return the form of the folders in `folder`, of which only all of them show that a platform made them."""
    if folder.endswith(_CLONED):
        start = re.escape(folder.removesuffix(_CLONED))
        forms = [*FORMS_TOGETHER, *_form("github", rf"{start}-(?P<user>[A-Za-z0-9][A-Za-z0-9-]*)")]
    else:
        forms = list(FORMS_TOGETHER) if len(names) > 1 else []
    return next((form for form in forms if names and all(form.read(name) for name in names)), None)


def together_with_files(name: str, files: Collection[str]) -> Form | None:
    """Return the form of a folder that is alone, whose files show that a platform made it."""
    form = next((form for form in FORMS_TOGETHER if form.read(name)), None)
    return form if files and all(without_moment(file) != file for file in files) else None


def student_of(name: str, around: str = "", forms: Iterable[Form] = FORMS) -> Student:
    """Return the student that a file's or folder's name stands for: as the platform says, else as the name does.

    A name that identifies nobody is a guess; then the name of the folder `around` it is a better one.
    """
    found = upload(name, forms)
    return found.student if found else named(name, around)


def without_moment(name: str) -> str:
    """Return a file's own name without the time that ILIAS puts before it."""
    found = _UPLOADED.fullmatch(name)
    return found[1] if found else name


def is_about_the_attempt(said: Upload) -> bool:
    """Return whether a file is Blackboard's text about an attempt: it names the student, and holds what was written."""
    return said.student.platform == "blackboard" and not said.file


def who_in_text(path: Path) -> tuple[str, str]:
    """Return the student's name and login from Blackboard's text about an attempt, "" for what is not there."""
    try:
        with path.open("rb") as file:
            head = file.read(4 * LONGEST).decode("utf-8-sig", "replace")
    except OSError:
        return "", ""
    found = re.match(r"[^:\n]{1,40}: *([^\n(]{1,200}) \(([^\n()]{1,100})\)", head)  # Name: Ada Ng (adang)
    return (clean(found[1], ""), clean(found[2], "")) if found else ("", "")


def without_number(said: Upload) -> Upload:
    """Return what a name says if the login or number in it is not one student's: a name, as far as it goes."""
    name = said.start or f"{said.student.name} {said.student.identifier}"
    return replace(said, student=replace(said.student, name=clean(name), identifier=""))


def _moment(text: str) -> str:
    """Make a platform's time sortable; "" if it is none. It has no time zone, so it never tells who was late."""
    for form in ("%Y-%m-%d-%H-%M-%S", "%b %d, %Y %I%M %p", "%B %d, %Y %I%M %p", "%d %B, %Y %I%M %p"):
        try:
            return datetime.strptime(_four_digits(text), form).isoformat()
        except ValueError:
            continue
    return ""


def _four_digits(text: str) -> str:
    return re.sub(r" (\d{3}) (?=[AP]M$)", r" 0\1 ", text)


_SUFFIX = "|".join(map(re.escape, sorted(ARCHIVE_SUFFIXES, key=len, reverse=True)))
_DOT = rf"(?!(?:{_SUFFIX})$)\."  # but not that of .zip at the end
# what a field of --names matches; `rest` may be empty
_FIELDS = {
    "id": rf"(?P<user>[0-9A-Za-z]+(?:{_DOT}[0-9A-Za-z]+)*)",
    "name": r"(?P<name>.+?)",
    "first": r"(?P<first>[^_]+?)",
    "last": r"(?P<last>[^_]+?)",
    "email": rf"(?P<email>[^\s@]+@[^\s@_.]+(?:{_DOT}[^\s@_.]+)*)",
    "file": r"(?P<file>.+)",  # with its suffix, since it takes all it can
    "rest": r".*?",
}
_FIELD = re.compile(r"\{(\w+)\}")


def own_form(pattern: str) -> Form:
    """Return the form that --names describes, such as {id}_{name}_{rest}. Raises BadLab if it is not understood."""
    fields = _FIELD.findall(pattern)
    unknown = [field for field in fields if field not in _FIELDS]
    doubled = [field for field in fields if fields.count(field) > 1]
    if unknown or doubled or not {"id", "name", "last", "email"} & set(fields):
        sentence = message(
            "--names {pattern} is not understood. Use each of these fields at most once, and at least one that says"
            " who it is: {fields}; for example {example}.",
            pattern=pattern,
            fields=", ".join(f"{{{field}}}" for field in _FIELDS),
            example="'{id}_{name}_{rest}'",
        )
        raise BadLab(sentence)
    parts = _FIELD.split(pattern)  # literal, field, literal, ..., literal
    written = "".join(_FIELDS[part] if at % 2 else re.escape(part) for at, part in enumerate(parts))
    written += f"(?:{_SUFFIX})?"  # {id}_{name} fits 123_ada.zip
    return Form("", re.compile(written, re.IGNORECASE))
