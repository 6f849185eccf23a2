"""Student code without isolation: it runs with limits on time, memory and output, and what it starts is ended."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import mkdtemp

import psutil
import pytest

from grader.evidence import Crashed, OutOfMemory, PrintedTooMuch, Refused, TimedOut
from grader.sandbox import Called, Job, Limits, Reply, open_sandbox
from grader.sandbox.output import MOST_BYTES

pytestmark = pytest.mark.slow
Call = Callable[..., Called]
RIGHT = "def learning_rate(epoch):\n    print('epoch', epoch, flush=True)\n    return 0.1\n"


@pytest.fixture
def call(tmp_path: Path) -> Iterator[Call]:
    """Call learning_rate() of a script, with these limits."""
    with open_sandbox("none") as sandbox:

        def run(script: str, seconds: float = 300.0, megabytes: int = 3_000) -> Called:
            folder = Path(mkdtemp(dir=tmp_path))
            (folder / "exp2.py").write_text(script, encoding="utf-8")
            code = sandbox.for_code(folder)
            assert code is not None
            inputs = {"file": "exp2.py", "epochs": 2}
            with code:
                return code.call(
                    Job("code.learning_rate.call_learning_rate", inputs, limits=Limits(seconds, megabytes))
                )

        yield run


def test_an_exception_and_a_crash_are_told_apart(call):
    raised = call("def learning_rate(epoch):\n    raise RuntimeError('no')\n").answer
    crashed = call("import os\nos.abort()\n")
    assert isinstance(raised, Refused)
    assert isinstance(crashed.answer, Crashed)
    assert "ended with -6" in crashed.answer.tail
    assert "exp2.py" in crashed.printed  # where, by faulthandler


PRINTS = f"while True:\n    print('x' * {MOST_BYTES // 100})\n"
FILLS = """
import mmap, time
held = mmap.mmap(-1, 1 << 30)
for at in range(0, 1 << 30, 4096):
    held[at] = 1
time.sleep(60)
"""


def test_it_has_limits(call):
    with ThreadPoolExecutor() as beside:  # each starts a process with torch, and the first then waits
        waits = beside.submit(call, "import time\ntime.sleep(1000)\n", seconds=12.0)
        assert call(PRINTS).answer == PrintedTooMuch(MOST_BYTES)
        assert call(FILLS, megabytes=1_000).answer == OutOfMemory(1_000)
        assert waits.result().answer == TimedOut(12.0)


@pytest.mark.skipif(os.name != "posix", reason="forks")
def test_a_function_is_called_what_it_printed_comes_back_and_what_it_leaves_in_its_group_is_ended(call, tmp_path):
    left = tmp_path / "pid"
    forks = "import os, time\nif (pid := os.fork()) == 0:\n    time.sleep(1000)\n    os._exit(0)\n"
    called = call(f"{forks}open({str(left)!r}, 'w').write(str(pid))\n{RIGHT}")
    assert isinstance(called.answer, Reply), called
    assert called.printed.startswith("epoch 0\nepoch 1\n")
    pid = int(left.read_text("utf-8"))
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
