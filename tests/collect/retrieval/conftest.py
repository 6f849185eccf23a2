"""Reports held against the pictures of the fixtures, in the sandbox of this machine."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fixtures import IMAGES
from fixtures.stories import rankings as made
from grader.collect import Equipment
from grader.collect.code.caller import Caller
from grader.collect.retrieval import look_at_retrieval
from grader.collect.subject import Subject
from grader.evidence import ComparedRankings, ComparedRun
from grader.intake import Archive, open_submission
from grader.measures.ranking_verdict import chosen
from grader.records import Student, message
from grader.sandbox import Sandbox

Look = Callable[..., tuple[ComparedRun, ...]]


@pytest.fixture
def look(tmp_path: Path, shared_sandbox: Sandbox) -> Look:
    """The runs of a report beside the pictures, computed anew."""

    def at(runs: list[dict[str, Any]], files: dict[str, bytes] | None = None, pictures: bool = True, **more: Any):
        around = Path(tempfile.mkdtemp(dir=tmp_path))  # of each submission
        folder = around / "in"
        given: dict[str, bytes] = {"final.pth": (made.DEMO_SUBMISSION / "final.pth").read_bytes(), **(files or {})}
        if pictures:
            drawn = (*made.paths("library"), *made.paths("queries"))
            given = {path: (IMAGES / path).read_bytes() for path in drawn} | given
        given["retrieval.json"] = json.dumps({"schema": "retrieval-report/1", "runs": runs}).encode()
        for name, data in given.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        submission = open_submission(Archive(folder, Student("Ada")), around / "unpacked")
        equipment = {"sandbox": shared_sandbox, **more}
        subject = Subject(submission, Equipment(message("no images"), **equipment), Caller(submission, None))
        found = look_at_retrieval(subject).compared
        assert isinstance(found, ComparedRankings), found
        return chosen(found.runs)

    return at
