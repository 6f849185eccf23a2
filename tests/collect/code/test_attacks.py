"""What a story cannot show of hostile code: paths, ports and processes of this run, and two submissions at once.

The attacks themselves are stories: see fixtures/stories. Every payload is harmless and limits itself.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from grader.checks import DEFAULT_RUBRIC
from grader.evidence import Seen
from grader.sandbox.code import ROOTS

RATE = "def learning_rate(epoch):\n    return 0.1 if epoch < 5 else 0.01\n"


@pytest.fixture
def reached(trying) -> Callable[..., list[str]]:
    """What code that runs when exp2.py is imported reaches: the lines that it prints."""

    def of(code: str, **others: str) -> list[str]:
        found = trying({"exp2.py": f"{code}\n{RATE}"} | {f"{name}.py": text for name, text in others.items()})
        assert isinstance(found["learning_rate"], Seen), found
        return list(found["learning_rate"].value.printed)

    return of


def test_neither_files_nor_servers_nor_processes_of_the_host_are_there(reached, tmp_path: Path) -> None:
    (tmp_path / "neighbour").write_text("final.pth", encoding="utf-8")
    paths = [
        str(Path.home()),
        "/root",
        str(DEFAULT_RUBRIC),
        str(tmp_path / "neighbour"),
        "/etc/shadow",
        str(Path(__file__)),
    ]
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        code = f"""
import os, socket
for path in {paths!r}:
    try:
        names = os.listdir(path) if os.path.isdir(path) else [path] * os.path.exists(path)
    except OSError:
        continue
    if any(os.path.isfile(os.path.join(path, name)) for name in names):
        print("seen", path)
try:
    socket.create_connection(("127.0.0.1", {server.getsockname()[1]}), timeout=2)
    print("connected")
except OSError:
    pass
pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
if len(pids) > 4 or {os.getpid()} in pids and "pytest" in open("/proc/{os.getpid()}/cmdline").read():
    print("processes", pids)
print("looked")
"""
        assert set(reached(code)) == {"looked"}


def test_given_files_are_there_where_they_were_left_out_and_a_students_own_come_first(reached) -> None:
    code = "import fast, lab, models\nprint(fast.__file__, lab.__file__, models.WHOSE)"
    assert set(reached(code, models="WHOSE = 'mine'")) == {f"{ROOTS.given}/fast.py {ROOTS.given}/lab.py mine"}


def test_what_is_left_in_the_small_folders_and_in_memory_reaches_no_other_submission(trying, tmp_path: Path) -> None:
    writes = f"open('/tmp/left', 'w').write('x')\nopen('/dev/shm/left', 'w').write('x')\n{RATE}"
    places = ("/tmp/left", "/dev/shm/left", f"{ROOTS.work}/left")
    looks = f"import os\nprint([p for p in {places} if os.path.exists(p)])\n{RATE}"
    assert isinstance(trying({"exp2.py": writes})["learning_rate"], Seen)
    (tmp_path / "unpacked").rename(tmp_path / "before")
    assert set(trying({"exp2.py": looks})["learning_rate"].value.printed) == {"[]"}
