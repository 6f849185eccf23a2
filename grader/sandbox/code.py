"""Which files of ours student code sees: only what a call needs, copied, file by file.

Student code can import and read all of it, so none of it may solve a task.
"""

from __future__ import annotations

import importlib.util
import shutil
from dataclasses import dataclass
from pathlib import Path

from grader.labs import the_lab
from grader.sandbox.view import GRADER

# Beside grader/probes/code: what those modules and the fork server import, and nothing else (a test holds it).
NEEDED = (
    "__init__.py",
    "codepages.py",
    *(
        f"isolation/{name}.py"
        for name in ("__init__", "calls", "landlock", "namespaces", "rights", "rooms", "seccomp", "unseen")
    ),
    *(f"probes/{name}.py" for name in ("__init__", "cell", "files", "refusals", "roots", "worker", "zygote")),
    *(f"probes/documents/{name}.py" for name in ("__init__", "syntax", "text")),
    *(
        f"probes/weights/{name}.py"
        for name in (
            *("__init__", "arrays", "container", "formats", "inputs", "layout", "legacy", "opening", "pickles"),
            *("references", "safetensors", "state_dict", "unpickle"),
        )
    ),
)
OF_JOBS = ("__init__.py", "codepages.py", "probes")


@dataclass(frozen=True, slots=True)
class Ours:
    """Copies of our own files: what student code sees, what the lab gives, and what jobs on weights need beside it."""

    code: Path
    given: Path
    lab: Path


def needed() -> tuple[str, ...]:
    """Return the files of `grader` that a student's call needs; never a folder, which would hold compiled files too."""
    of_calls = sorted(path.relative_to(GRADER).as_posix() for path in (GRADER / "probes" / "code").glob("*.py"))
    return (*NEEDED, *of_calls)


def copy_ours(place: Path) -> Ours:
    """Copy our own files into an empty folder."""
    ours = Ours(place / "code", place / "given", place / "lab")
    for name in needed():
        _copy(GRADER / name, ours.code / "grader" / name)
    for name in OF_JOBS:
        _copy(GRADER / name, ours.lab / "grader" / name)
    for module in ("reference", "reference.models"):
        source = _source(module)
        _copy(source, ours.lab / "reference" / source.name)
    ours.given.mkdir()
    lab, usual = the_lab(), _source("reference").parent
    for name in lab.given:
        own = lab.folder / name
        _copy(own if own.is_file() else usual / name, ours.given / name)
    let_read(place)
    return ours


def let_read(folder: Path) -> None:
    """Let every user read a folder; the one around it is closed to them."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _source(module: str) -> Path:
    """Return the file of a module without importing it."""
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).resolve()


def _copy(source: Path, target: Path) -> None:
    """Copy a file or a folder, with its time: compiled files of it stay valid."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy2(source, target)
