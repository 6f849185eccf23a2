"""One file per check: file name, function and key in rubric.toml are the same. New files are found automatically."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

from grader.labs import DEFAULT, Lab, find_lab, the_lab
from grader.marking.check import Check
from grader.marking.own_checks import own_checks
from grader.marking.rubric import Rubric, read_rubric
from grader.records import message, stacked
from grader.records.errors import BadLab

# The function that a check calls.
FUNCTIONS = {
    "function_fit": "fit", "own_function": "own_function", "evaluation": "test", "learning_rate": "learning_rate",
    "feature_vectors": "normalise",
}  # fmt: skip


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
    """Read this rubric, else the lab's own. Raises BadLab, also where a criterion is about what the lab lacks."""
    used = path or the_lab().rubric
    rubric = read_rubric(used, discover())
    lacking = [
        message("'{name}' needs {key} in lab.toml", name=line.criterion.check, key=key)
        for line in rubric.lines
        if (key := _lacks(the_lab(), line.criterion.kind))
    ]
    chosen = {line.limits.choose_preprocessing for line in rubric.lines if line.criterion.kind == "measured_accuracy"}
    if len(chosen) > 1:  # it is decided once for a submission
        lacking.append(message("'measured_accuracy': choose_preprocessing must be the same for all networks"))
    if lacking:
        raise BadLab(stacked(message("{file}:", file=str(used)), lacking, "- "))
    return rubric


def _lacks(lab: Lab, check: str) -> str:
    """Return what a criterion needs and the lab does not say: nobody could hand it in."""
    if check == "training_history":
        return "" if lab.history else "history"
    if check in FUNCTIONS:
        return "" if lab.script_of(FUNCTIONS[check]) else f"a task with the function {FUNCTIONS[check]}"
    if check.startswith("retrieval_"):
        usual = find_lab(DEFAULT).checkpoint
        said = {
            "retrieval or reports": lab.rankings_in,
            "retrieval_script": lab.retrieval_script,
            "image_folders": lab.image_folders,
            f'weights = ["{usual}"]': lab.checkpoint == usual,  # the probe of rankings knows this name alone
        }
        return next((key for key, value in said.items() if not value), "")
    return ""
