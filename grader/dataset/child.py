"""Start the process that reads a set with torchvision, wait for it, and say why it failed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from grader.dataset.bounded import DEADLINE_SECONDS, SILENCE_SECONDS, Patience
from grader.dataset.edition import Unusable
from grader.dataset.public_sets import PublicSet
from grader.records import message

ANSWER = "answer.json"
BEGUN = "begun"  # a file that is written when torch has been imported, and what is asked begins
MODULE = "grader.dataset.with_torchvision"
READING_SECONDS = 600.0  # some seconds are usual
FETCHING = Patience("torchvision", SILENCE_SECONDS, DEADLINE_SECONDS, f"out/{BEGUN}")
READING = Patience("torchvision", READING_SECONDS, READING_SECONDS)
REASON_LENGTH = 500


class Request(TypedDict):
    """What is wanted: torchvision's class, the folders to read and to write, and what the images must be."""

    kind: str
    root: str
    out: str
    md5s: dict[str, str]  # by path below `root`
    download: bool  # what is missing; an archive that is there is unpacked
    classes: int
    shape: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Reader:
    """How torchvision reads a set: `download` fetches what is missing and unpacks archives; `told` hears of bytes."""

    wanted: PublicSet
    download: bool = False
    patience: Patience = READING
    told: Callable[[int], None] = lambda size: None

    def read(self, root: Path, out: Path) -> list[str]:
        """Write the images of the files in `root` into `out` beside it, and name the classes.

        Raises Unusable, with the reason.
        """
        log = root.parent / "log"
        # -P: nothing in the current folder, which may be a student's, is imported
        command = [sys.executable, "-P", "-m", MODULE, json.dumps(self._request(root, out))]
        with log.open("wb") as output, subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        ) as process:  # fmt: skip
            try:
                self.patience.wait(process, root.parent, self.told)
            finally:
                process.kill()  # Ctrl-C or the deadline; harmless if it has ended
        answer = _answer(out / ANSWER)
        if process.returncode == 0 and isinstance(answer.get("classes"), list):
            return list(map(str, answer["classes"]))
        reason = answer.get("why") or _last_line(log) or f"status {process.returncode}"
        raise Unusable(message("it failed: {reason}", reason=_in_one_line(str(reason))))

    def _request(self, root: Path, out: Path) -> Request:
        wanted = self.wanted
        return {
            "kind": wanted.kind, "root": str(root), "out": str(out), "download": self.download,
            "md5s": {path: md5 for files in wanted.forms for path, md5 in files.items()},
            "classes": wanted.classes, "shape": wanted.shape,
        }  # fmt: skip


def _answer(path: Path) -> dict[str, Any]:
    try:
        answer = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _last_line(log: Path) -> str:
    return (log.read_text("utf-8", errors="replace").strip().splitlines() or [""])[-1]


def _in_one_line(text: str) -> str:
    shown = "".join(c for c in " ".join(text.split()) if c.isprintable())
    return shown if len(shown) <= REASON_LENGTH else f"{shown[:REASON_LENGTH]}..."
