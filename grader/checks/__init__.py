"""One file per check: file name, function and key in rubric.toml are the same. New files are found automatically."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

from grader.labs import the_lab
from grader.marking.check import Check
from grader.marking.own_checks import own_checks
from grader.marking.rubric import Rubric, read_rubric


def discover() -> dict[str, Check]:
    """Return all checks by name, those of the lab's own last.

    Raises BadLab for a wrong one of the lab's, TypeError if a file of ours does not define the check of its name.
    """
    found: dict[str, Check] = {}
    for module in pkgutil.iter_modules(__path__):
        definition = getattr(importlib.import_module(f"{__name__}.{module.name}"), module.name, None)
        if not isinstance(definition, Check) or definition.name != module.name:
            raise TypeError(f"grader/checks/{module.name}.py must define a check named {module.name}")
        found[module.name] = definition
    return {**found, **own_checks(the_lab(), frozenset(found))}


def load_rubric(path: Path | None = None) -> Rubric:
    """Read this rubric, else the lab's own. Raises BadLab."""
    return read_rubric(path or the_lab().rubric, discover())
