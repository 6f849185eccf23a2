"""What the grader knows of the lab is what the lab itself says."""

from __future__ import annotations

import ast
from pathlib import Path

from grader.lab import LAB
from grader.probes.documents.normalisation import read_preprocessing
from reference.models import CLASSES

REFERENCE = Path(__file__).parents[1] / "reference"


def test_the_number_of_classes_is_that_of_the_labs_networks():
    assert LAB.classes == CLASSES


def test_the_normalisation_is_the_one_that_the_template_shows():
    with (REFERENCE / LAB.training_script).open("rb") as file:
        found, _ = read_preprocessing(
            {"names": [LAB.training_script], "beside": ()}, {LAB.training_script: file.fileno()}
        )
    assert (tuple(found["mean"]), tuple(found["std"])) == (LAB.mean, LAB.std)


def test_every_task_is_a_function_of_its_script():
    for task in LAB.tasks:
        tree = ast.parse((REFERENCE / task.script).read_text("utf-8"))
        assert task.function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_what_is_given_and_what_students_write_is_there():
    assert [name for name in (*LAB.scripts, *LAB.given) if not (REFERENCE / name).is_file()] == []


def test_the_grader_names_the_labs_scripts_and_data_set_in_one_place():
    """Code elsewhere takes them from the lab; sentences, docstrings and comments may name them."""
    literals = {LAB.dataset, LAB.checkpoint, *LAB.given, LAB.retrieval, LAB.history, *LAB.scripts}
    report = {"words.py", "extractors.py"}  # what a retrieval report calls the student's own weights
    found = [
        f"{path.name}:{node.lineno}: {node.value}"
        for path in sorted((REFERENCE.parent / "grader").rglob("*.py"))
        if path.name not in {"lab.py", *report} and "dataset" not in path.parts
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and node.value in literals
    ]
    assert found == []
