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

from grader.evidence import Seen
from grader.labs import the_lab
from grader.sandbox import Sandbox

RATE = "def learning_rate(epoch):\n    return 0.1 if epoch < 5 else 0.01\n"


@pytest.fixture(scope="module")
def shared_sandbox(each_sandbox: Sandbox) -> Sandbox:
    return each_sandbox


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
        str(the_lab().rubric),
        str(tmp_path / "neighbour"),
        "/etc/shadow",
        str(Path(__file__)),
    ]
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        code = f"""
import os, socket
for path in {paths!r}:
    try:
        names = os.listdir(path) if os.path.isdir(path) else [path]
    except OSError:
        continue
    for name in names:
        try:
            open(os.path.join(path, name)).close()
            print("seen", path)
        except OSError:
            pass
try:
    socket.create_connection(("127.0.0.1", {server.getsockname()[1]}), timeout=2)
    print("connected")
except OSError:
    pass
try:
    if len([name for name in os.listdir("/proc") if name.isdigit()]) > 4:
        print("processes")
except OSError:
    pass
try:
    print("command", open("/proc/{os.getpid()}/cmdline").read() or "none")
except OSError:
    pass
print("looked")
"""
        assert set(reached(code)) == {"looked"}


def test_given_files_are_there_where_they_were_left_out_and_a_students_own_come_first(reached) -> None:
    code = "import fast, lab, models\nprint(fast.__file__, lab.__file__, models.WHOSE)"
    (printed,) = set(reached(code, models="WHOSE = 'mine'"))
    assert [Path(one).parts[-2:] for one in printed.split()] == [("given", "fast.py"), ("given", "lab.py"), ("mine",)]


def test_what_is_left_in_the_small_folders_and_in_memory_reaches_no_other_submission(trying, tmp_path: Path) -> None:
    places = ("/tmp/left", "/dev/shm/left", "left")
    try_each = f"for path in {places}:\n    try:\n        open(path, 'w').write('x')\n    except OSError:\n        pass"
    writes = f"{try_each}\n{RATE}"
    looks = f"import os\nprint([p for p in {places} if os.path.exists(p)])\n{RATE}"
    assert isinstance(trying({"exp2.py": writes})["learning_rate"], Seen)
    (tmp_path / "unpacked").rename(tmp_path / "before")
    assert set(trying({"exp2.py": looks})["learning_rate"].value.printed) == {"[]"}


def test_data_that_workers_should_load_is_loaded_without_them(reached) -> None:
    """Processes share memory by means that one of the sandboxes does not have; no student can know that."""
    code = """
import torch
from torch.utils.data import DataLoader, TensorDataset
rows = TensorDataset(torch.arange(10))
loader = DataLoader(rows, 2, num_workers=2, persistent_workers=True, prefetch_factor=4, timeout=5)
print(sum(len(batch) for (batch,) in loader))
"""
    assert set(reached(code)) == {"10"}
