"""Build the zip that Gradescope installs: the grader as a wheel, and the two scripts that Gradescope calls."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from grader.disk.names import visible_path
from grader.disk.whole import zipped
from grader.gradebook.exports.wheel import build_wheel
from grader.labs import DEFAULT, Lab, here, shipped, the_lab
from grader.records import message
from grader.records.errors import BadLab
from reports.gradebooks import gradescope
from reports.languages import spoken

PROGRAMS = ("setup.sh", "run_autograder")
SCRIPTS = (*PROGRAMS, "README.md")


def autograder_zip(rubric: Path | None, target: Path) -> bytes:
    """Return the zip's bytes, for the lab of this process, with the instructor's own rubric if given.

    A lab that does not come with the grader lies in the zip, whole, but for the zip of an earlier run, which `target`
    names. Raises BadLab if something cannot be read.
    """
    scripts = files("grader.gradebook.exports").joinpath("scripts")
    content = {name: scripts.joinpath(name).read_bytes().replace(b"\r\n", b"\n") for name in SCRIPTS}
    sentence = message(
        "Nothing could be graded. Hand in {checkpoint} with your scripts, or one zip of them. If you did, tell"
        " your instructor: the autograder's output says what went wrong.",
        checkpoint=the_lab().checkpoint,
    )
    content["failed.json"] = gradescope.failed(sentence).encode()
    content["language"] = spoken().encode()
    wheel, data = build_wheel()
    content[wheel] = data
    content |= _lab(the_lab(), target)
    if rubric is not None:
        content["rubric.toml"] = _rubric(rubric)
    return zipped(content.items(), PROGRAMS)


def _lab(lab: Lab, target: Path) -> dict[str, bytes]:
    """Return what `--lab` gets, in the file `lab`, and the files of a lab of the instructor's own."""
    if lab == here(lab) and lab.folder == shipped().get(lab.name):
        return {} if lab.name == DEFAULT else {"lab": lab.name.encode()}
    from grader.checks import load_rubric

    load_rubric()  # reports a mistake in it here, rather than on Gradescope to a student
    folder = f"labs/{lab.folder.resolve().name}"
    found = (path for path in sorted(lab.folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)
    paths = [path for path in found if path.absolute() != target.absolute()]
    try:
        held = {f"{folder}/{path.relative_to(lab.folder).as_posix()}": path.read_bytes() for path in paths}
    except OSError as error:
        place = visible_path(Path(error.filename or lab.folder))
        sentence = message("{file} cannot be read: {why}.", file=place, why=error.strerror or str(error))
        raise BadLab(sentence) from error
    return {"lab": folder.encode(), **held}


def _rubric(path: Path) -> bytes:
    from grader.checks import discover
    from grader.marking.rubric import read_rubric

    read_rubric(path, discover())  # reports a mistake in it here, rather than on Gradescope to a student
    try:
        return path.read_bytes()
    except OSError as error:
        sentence = message("{file} cannot be read: {why}.", file=visible_path(path), why=error.strerror or str(error))
        raise BadLab(sentence) from error
