"""Loads the checks that a course has written itself: Python files in its lab's folder, run outside the sandbox."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from traceback import extract_tb

from grader.labs import Lab
from grader.marking.check import Check
from grader.records import Message, message
from grader.records.errors import BadLab

MODULES = "checks_of_a_lab"  # the first part of their names: a fork finds them under these


def own_checks(lab: Lab, taken: frozenset[str]) -> dict[str, Check]:
    """Return the lab's own checks by name. Raises BadLab if a file cannot be imported, or has no check of its name."""
    found: dict[str, Check] = {}
    for name in lab.checks:
        path = lab.folder / name
        if path.stem in taken:
            raise _bad(path, message("a check of the grader has this name: choose another one"))
        found[path.stem] = _loaded(path)
    return found


def is_own(check: Check) -> bool:
    """Return whether a check is one of a course."""
    return check.judge.__module__.startswith(f"{MODULES}.")


def _loaded(path: Path) -> Check:
    name = f"{MODULES}.{path.stem}"
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise _bad(path, message("is not a Python file"))
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        line = next(
            (one.lineno for one in reversed(extract_tb(error.__traceback__)) if one.filename.endswith(path.name)), 0
        )
        line = line or getattr(error, "lineno", 0) or 0
        why = f"{type(error).__name__}: {error}"
        raise _bad(path, message("cannot be imported, line {line}: {why}", line=line, why=why)) from error
    check = getattr(module, path.stem, None)
    if not isinstance(check, Check) or check.name != path.stem:
        raise _bad(path, message("must define a function {name}, decorated with @check", name=path.stem))
    return check


def _bad(path: Path, said: Message) -> BadLab:
    return BadLab(message("{file}: {said}.", file=str(path), said=said))
