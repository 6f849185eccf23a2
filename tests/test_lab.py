"""What the grader knows of the lab is what the lab itself says."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from grader.labs import the_lab
from grader.probes.documents.normalisation import read_preprocessing
from reference.models import CLASSES

REFERENCE = Path(__file__).parents[1] / "reference"


def test_the_number_of_classes_is_that_of_the_labs_networks():
    assert the_lab().classes == CLASSES


def test_the_normalisation_is_the_one_that_the_template_shows():
    with (REFERENCE / the_lab().training_script).open("rb") as file:
        found, _ = read_preprocessing(
            {"names": [the_lab().training_script], "beside": ()}, {the_lab().training_script: file.fileno()}
        )
    assert (tuple(found["mean"]), tuple(found["std"])) == (the_lab().mean, the_lab().std)


def test_every_task_is_a_function_of_its_script():
    for task in the_lab().tasks:
        tree = ast.parse((REFERENCE / task.script).read_text("utf-8"))
        assert task.function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_what_is_given_and_what_students_write_is_there():
    assert [name for name in (*the_lab().scripts, *the_lab().given) if not (REFERENCE / name).is_file()] == []


def test_the_title_is_that_of_the_handout_in_each_of_its_languages():
    handout = REFERENCE / "handout"
    assert (handout / "README.md").read_text("utf-8").startswith(f"# Lab: {the_lab().title} · ")
    assert (handout / "README.zh.md").read_text("utf-8").startswith(f"# 实验：{dict(the_lab().titles)['zh']} · ")


NAMES = (the_lab().dataset, *the_lab().work, the_lab().features, *the_lab().reports, *the_lab().given)


def named_in(texts: Iterable[ast.Constant], whole: bool) -> list[str]:
    """Return which of the lab's names are such a text, or stand in one."""
    return [
        f"line {node.lineno}: {name}"
        for node in texts
        for name in NAMES
        if isinstance(node.value, str) and (node.value == name if whole else name in node.value)
    ]


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Yield the grader's modules, except for the lab itself and what fetches and reads its data set."""
    for path in sorted((REFERENCE.parent / "grader").rglob("*.py")):
        if "labs" not in path.parts and "dataset" not in path.parts:
            yield path.name, ast.parse(path.read_text("utf-8"))


def test_code_takes_the_labs_names_from_one_place():
    """Docstrings and comments may name them, and probes what a retrieval report calls the student's own weights."""
    report = {"words.py", "extractors.py"}
    texts = {
        name: (node for node in ast.walk(tree) if isinstance(node, ast.Constant))
        for name, tree in modules()
        if name not in report
    }
    assert [f"{name}, {found}" for name, some in texts.items() for found in named_in(some, whole=True)] == []


def test_sentences_take_the_labs_names_as_values():
    """What is said about another lab must be true there; only `--help` is about this one."""
    sentences = {
        name: [
            node.args[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"message", "N_"}
            and node.args and isinstance(node.args[0], ast.Constant)
        ]
        for name, tree in modules()
    }  # fmt: skip
    assert [f"{name}, {found}" for name, some in sentences.items() for found in named_in(some, whole=False)] == []
