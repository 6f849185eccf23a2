"""Whole results, kept in the output folder, so that nothing is measured twice.

What is kept is the evidence. It is marked again where it is used, for the student and the hand-in of then.
"""

from __future__ import annotations

import json
import shlex
import zlib
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from grader.batch.keys import key
from grader.disk.whole import replacing
from grader.evidence import EVIDENCE
from grader.gradebook.files import Graded
from grader.gradebook.journal import OURS
from grader.intake import Archive
from grader.marking.mark import mark
from grader.marking.rubric import Rubric
from grader.records import MadeBy, Unjudged

RESULTS = "results"
MOST_BYTES = 100_000_000


class Results:
    """The results that an output folder holds; `again` finds none."""

    def __init__(self, out: Path, shared: str, rubric: Rubric, again: bool = False) -> None:
        self._folder = out / OURS / RESULTS
        self._shared, self._rubric, self._again = shared, rubric, again

    def key(self, archive: Archive) -> str:
        """Return the key of a submission, "" if nothing can be kept of it."""
        return key(archive, self._shared)

    def find(self, archive: Archive, its_key: str, options: tuple[str, ...]) -> Graded | None:
        """Return what was measured of these files before, marked for this student; None if it is to be measured."""
        if self._again or not its_key:
            return None
        try:
            record = self._read(its_key)
            if not record["settled"]:  # what this machine lacked may be there today
                return None
            evidence = EVIDENCE.validate_json(json.dumps(record["evidence"]))
            titles = tuple(map(tuple, record["made_by"].pop("lab_titles", ())))
            made_by = MadeBy(**record["made_by"], lab_titles=titles)
        except (OSError, ValueError, LookupError, TypeError, RecursionError, zlib.error):
            return None
        evidence = replace(evidence, student=archive.student, archive=archive.name)
        made_by = replace(made_by, command=shlex.join(["grade", archive.name, *options]))
        try:
            return Graded(mark(evidence, self._rubric, made_by), evidence)
        except Exception:  # a bug of ours: where it is measured again, that is told with it
            return None

    def digest(self, its_key: str) -> str:
        """Return the digest of a submission of which something was kept; "" if nothing was."""
        try:
            return str(self._read(its_key)["evidence"]["digest"]) if its_key else ""
        except (OSError, ValueError, LookupError, TypeError, RecursionError, zlib.error):
            return ""

    def keep(self, its_key: str, graded: Graded) -> None:
        """Keep a result, unless there is no evidence or it cannot be written."""
        if not its_key or graded.evidence is None:
            return
        record = {
            "settled": settled(graded),
            "made_by": asdict(graded.grade.made_by),
            "evidence": EVIDENCE.dump_python(graded.evidence, mode="json"),
        }
        path = self._path(its_key)
        with suppress(OSError, ValueError):  # it would be measured again, no more
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as (file,):
                file.write_bytes(zlib.compress(json.dumps(record).encode(), 1))

    def _path(self, its_key: str) -> Path:
        return self._folder / its_key[:2] / its_key

    def _read(self, its_key: str) -> dict[str, Any]:
        unpack = zlib.decompressobj()
        text = unpack.decompress(self._path(its_key).read_bytes(), MOST_BYTES)
        record = json.loads(text)
        if not isinstance(record, dict):
            raise TypeError
        return record


def settled(graded: Graded) -> bool:
    """Return whether grading again would find the same: nothing was left open by a fault of ours."""
    return not any(isinstance(mark.finding, Unjudged) for mark in graded.grade.marks)
