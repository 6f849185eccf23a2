"""What the documents say is there is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click import Group

from grader.cli.app import cli

ROOT = Path(__file__).parents[1]
DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "CLUSTER.md", "LABS.md")
PICTURE_BYTES = 100_000  # everybody who clones the project fetches them
TO_BE_WRITTEN = ("history_picture", "NAME", "FORMAT", "CODE")  # in CONTRIBUTING.md: an example, and names to fill in


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_path_that_a_document_names_exists(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    named = re.findall(r"`((?:grader|reports|reference|fixtures|tests|benchmarks)/[\w/.-]*)`|\]\(([\w/.-]+)\)", text)
    paths = [code or link for code, link in named if not any(name in code for name in TO_BE_WRITTEN)]
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_readmes_pictures_are_there_for_light_and_dark_and_small() -> None:
    shown = re.findall(r'(?:src|srcset)="([\w/.-]+)"', (ROOT / "README.md").read_text("utf-8"))
    there = {path.relative_to(ROOT).as_posix() for path in (ROOT / "reports" / "pictures").glob("*.png")}
    assert (set(shown), len(shown)) == (there, 4)
    assert [path for path in shown if (ROOT / path).stat().st_size > PICTURE_BYTES] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_that_a_document_names_exists(name: str) -> None:
    words = re.findall(r"`grade ([a-z]+)(?: ([a-z]+))?", (ROOT / name).read_text("utf-8"))
    assert [(first, second) for first, second in words if not _is_command(first, second)] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_tox_environment_that_a_document_names_exists(name: str) -> None:
    named = re.findall(r"tox -e ([\w,]+)", (ROOT / name).read_text("utf-8"))
    known = set(re.findall(r"^\[testenv:(\w+)\]", (ROOT / "tox.ini").read_text("utf-8"), re.MULTILINE)) | {"py"}
    assert {one for names in named for one in names.split(",")} <= known


def _is_command(first: str, second: str) -> bool:
    command = cli.commands.get(first)
    return command is not None and (not second or not isinstance(command, Group) or second in command.commands)


def test_every_module_of_the_grader_has_a_place_in_the_architecture() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    modules = {path.name for path in (ROOT / "grader").iterdir() if path.is_dir() or path.suffix == ".py"}
    assert [name for name in sorted(modules) if name[0] not in "_." and name not in text] == []
