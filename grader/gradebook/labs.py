"""The lab that a folder of grades is about: a copy of its files is kept there, so that later commands know it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from grader.disk.whole import write_whole
from grader.gradebook.journal import OURS
from grader.labs import DEFAULT, here, read_lab, the_lab, use_lab
from grader.labs.reading import FILE, RUBRIC
from grader.records import message
from grader.records.errors import BadLab

KEPT = "lab"


def keep_lab(out: Path) -> None:
    """Note in a folder which lab its grades are about. Raises BadLab if it holds grades of another one."""
    lab, kept = the_lab(), _kept(out)
    if kept is not None and kept.name != lab.name:
        raise BadLab(
            message(
                "{folder} holds grades of the lab '{kept}', not of '{name}'. Give --lab {kept}, or another --out.",
                folder=str(out),
                kept=kept.name,
                name=lab.name,
            )
        )
    folder = out / OURS / KEPT / lab.name
    folder.mkdir(parents=True, exist_ok=True)
    for name in (FILE, RUBRIC):
        if (lab.folder / name).is_file():
            write_whole(folder / name, (lab.folder / name).read_text("utf-8"))


def use_lab_of(out: Path) -> None:
    """Use the lab that the grades in a folder are about, from now on, unless a command line has named it.

    Its own checks are not used: a folder of grades is data, and running what lies in it is not what people expect.
    """
    kept = _kept(out)
    if kept is None:
        return
    if the_lab().name == kept.name and the_lab().name != DEFAULT:  # named with --lab
        return
    found = replace(read_lab(kept, kept=True), checks=())
    use_lab(here(found))


def _kept(out: Path) -> Path | None:
    return next((path for path in sorted((out / OURS / KEPT).glob("*")) if path.is_dir()), None)
