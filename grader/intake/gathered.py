"""Gather what a platform's names say is one student's, and make submissions of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from grader.intake.archive import Archive
from grader.intake.nested import name_of
from grader.intake.pieces import Handed, in_folder, of_folder, submissions
from grader.intake.platforms import (
    Form,
    Upload,
    is_about_the_attempt,
    upload,
    who_in_text,
    without_moment,
    without_number,
)


def by_student(paths: Iterable[Path], forms: Sequence[Form]) -> Iterable[list[tuple[Path, Upload]]]:
    """Gather what is one student's by a platform's names: several files, or a folder of files and one of texts."""
    found: dict[str, list[tuple[Path, Upload]]] = {}
    for path in paths:
        said = upload(name_of(path), forms)
        if said is not None:
            own = "" if said.student.platform or not said.student.identifier else said.student.name
            key = f"{said.student.platform} {said.start or said.student.identifier or said.student.name} {own}"
            found.setdefault(key, []).append((path, said))
    # of ada_ng and bob_ng, Blackboard's names alone show no more than ng; lab5 is no number of ada and bob
    known = Counter((items[0][1].student.platform, items[0][1].student.identifier) for items in found.values())
    for items in found.values():
        student = items[0][1].student
        if student.identifier and known[student.platform, student.identifier] > 1:
            items[:] = [(path, without_number(said)) for path, said in items]
    return found.values()


def of_student(items: Sequence[tuple[Path, Upload]]) -> tuple[Archive, ...]:
    """Return the submissions that these files and folders of one student make."""
    student = replace(items[0][1].student, late=any(said.student.late for _, said in items))
    about = [path for path, said in items if is_about_the_attempt(said)]
    if about:
        name, login = who_in_text(about[-1])
        is_login = login and items[0][1].start.endswith(f"_{login}")
        student = replace(student, name=name or student.name, identifier=login if is_login else student.identifier)
    rest = [(path, said) for path, said in items if path not in about] or items[-1:]  # only what was written there
    rename = without_moment if student.platform == "ilias" else str
    if len(rest) == 1 and rest[0][0].is_dir():
        return of_folder(rest[0][0], student, rename)
    handed: list[Handed] = []
    for path, said in rest:
        inside = in_folder(path, rename) if path.is_dir() else [Handed(path, said.file or name_of(path))]
        handed += [replace(one, order=said.order or one.order) for one in inside]
    return submissions(student, handed)
