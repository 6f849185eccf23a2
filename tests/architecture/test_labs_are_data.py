"""Outside grader/labs, no code knows the files or the classes of a lab: another lab is another folder."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import grader
from grader.dataset import CIFAR10
from grader.labs import Lab, find_lab, shipped

ROOT = Path(grader.__file__).parent
OF_THE_SET = {"airplane", "automobile"} & set(CIFAR10.classes)
# Rankings name the weights that were handed in; the word for them in a report is that of the lab with rankings.
KNOWN = {
    ("probes/rankings/words.py", "final.pth"),
    ("probes/retrieval/extractors.py", "final.pth"),
    ("cli/labs.py", "final.pth"),  # what 'grade lab new' suggests
    ("gradebook/exports/wheel.py", "final.pth"),  # of reference/, which the wheel leaves out
}
# The data set itself, its stand-in for student code, and the words by which a line is about one class alone.
OF_CIFAR10 = {
    "dataset/edition.py",
    "probes/code/stand_ins.py",
    "probes/code/shown.py",
    "probes/documents/claim_words.py",
}


def names_of(lab: Lab) -> set[str]:
    """The files that a lab names, but for those that every lab has."""
    files = {*lab.asked_for, *lab.scripts, *lab.former_scripts, *lab.given, lab.training_script, lab.given_weights}
    return {name for name in files if name not in ("", "report.pdf", "report.md", "report.docx", "readme.md")}


def constants(file: Path) -> Iterator[str]:
    """The strings of a module that are no docstrings."""
    tree = ast.parse(file.read_text("utf-8"))
    said = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value


def found(names: set[str]) -> set[tuple[str, str]]:
    files = [file for file in ROOT.rglob("*.py") if "labs" not in file.relative_to(ROOT).parts[:1]]
    return {
        (file.relative_to(ROOT).as_posix(), name)
        for file in files
        for text in constants(file)
        for name in names
        if name in text.casefold()
    }


@pytest.mark.parametrize("lab", shipped())
def test_no_code_names_a_file_of_a_lab(lab: str) -> None:
    assert found(names_of(find_lab(lab))) <= KNOWN


def test_no_code_names_a_class_of_the_images() -> None:
    assert {place for place, _ in found(OF_THE_SET)} <= OF_CIFAR10


def test_a_name_in_the_code_would_be_found() -> None:
    assert ("cli/labs.py", "final.pth") in found({"final.pth"})
