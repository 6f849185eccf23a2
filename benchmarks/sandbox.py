"""What isolation costs for each submission, and that 200 sandboxes in a row leave nothing.

    python benchmarks/sandbox.py [--rounds 9] [--in-a-row 200]

For each way to isolate that this machine allows: from "submission unpacked" until the first function of its code has
been called; a whole cell that is opened, has one child shut in, and is closed; how much of that is isolation: the same
against forks of the same server that are not shut in, in turns; and the memory of a cell at rest that it shares with
no other process. Only the forks of a large process depend on how torch was built, so they have no bound of their own.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from grader.sandbox import BACKENDS, CodeSandbox, Job, Limits, Reply, open_sandbox, server, why_not
from grader.sandbox.isolated import IsolatedCode, IsolatedSandbox
from grader.sandbox.watch import tree

FIRST_CALL, ALONE, UNSHARED = 0.15, 0.03, 60.0  # at most: seconds, seconds, megabytes
CODE = "def learning_rate(epoch):\n    return 0.1 if epoch < 5 else 0.01\n"
END_SECONDS = 5.0
BARE = "cell.Keeper._shut_in = lambda keeper: None"
LIMITS = Limits(60.0, 3_000)
ASK = Job("code.learning_rate.call_learning_rate", {"file": "exp2.py", "epochs": 1}, limits=LIMITS)
NOTHING = Job("code.nothing.at_all", limits=LIMITS)  # there is no such probe: the child is shut in, and says so


def main() -> None:
    """Measure each way to isolate; ends with 1 where one costs more than it may, or leaves something."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--in-a-row", type=int, default=200)
    given = parser.parse_args()
    good = [measure(backend, given.rounds, given.in_a_row) for backend in BACKENDS if runs(backend)]
    sys.exit(0 if good and all(good) else 1)


def runs(backend: str) -> bool:
    """Whether this machine allows it; says why not."""
    problem = why_not(backend)  # type: ignore[arg-type]
    if problem:
        print(f"{backend}: {problem.english()}")
    return problem is None


def measure(backend: str, rounds: int, in_a_row: int) -> bool:
    """Print the figures of one way to isolate; whether all are within their bounds."""
    with ExitStack() as kept:
        name = kept.enter_context(tempfile.TemporaryDirectory())
        sandbox = kept.enter_context(open_sandbox(backend))  # type: ignore[arg-type]
        bare = kept.enter_context(not_shut_in())
        tempfile.tempdir = name  # for nothing but this
        assert isinstance(sandbox, IsolatedSandbox)
        folder = Path(name) / "submission"
        folder.mkdir()
        (folder / "exp2.py").write_text(CODE, encoding="utf-8")
        for one in (sandbox, bare):  # the first one waits until the server has imported torch
            timed(one, folder, called)
        first = [timed(sandbox, folder, called)[0] for _ in range(rounds)]
        pairs = [[timed(one, folder, shut_in)[1] for one in (sandbox, bare)] for _ in range(rounds)]
        whole, forks = ([pair[which] for pair in pairs] for which in (0, 1))
        megabytes = unshared(sandbox, folder)
        before = held(sandbox)
        for _ in range(in_a_row):
            timed(sandbox, folder, shut_in)
        after = held(sandbox)
        until = time.monotonic() + END_SECONDS
        while not after <= before and time.monotonic() < until:  # the last one is about to be gone
            time.sleep(0.05)
            after = held(sandbox)
        tempfile.tempdir = None
    alone = statistics.median(whole) - statistics.median(forks)
    print(f"{backend}: unpacked to first call    median {middle(first)} ms, most {max(first) * 1000:.0f} ms (150)")
    print(f"{backend}: opened, shut in, closed   median {middle(whole)} ms, least {min(whole) * 1000:.0f} ms")
    print(f"{backend}: the same, not shut in     median {middle(forks)} ms, least {min(forks) * 1000:.0f} ms")
    print(f"{backend}: isolation alone           {alone * 1000:.0f} ms (30)")
    print(f"{backend}: memory that is not shared {megabytes:.0f} MB (60)")
    print(f"{backend}: left after {in_a_row} in a row   {after - before or 'nothing'}")
    within = statistics.median(first) <= FIRST_CALL and alone <= ALONE and megabytes <= UNSHARED
    return within and after <= before


@contextmanager
def not_shut_in() -> Iterator[IsolatedSandbox]:
    """Open a sandbox that isolates nothing, for code of ours: its cell is a fork, and each call a fork of that."""
    boot = server.BOOT
    server.BOOT = (
        f"{boot.partition('; from')[0]}\nfrom grader.probes import cell\n{BARE}\nfrom{boot.partition('; from')[2]}"
    )
    try:
        with IsolatedSandbox("landlock") as opened:
            yield opened
    finally:
        server.BOOT = boot


def timed(sandbox: IsolatedSandbox, folder: Path, ask: Callable[[CodeSandbox], None]) -> tuple[float, float]:
    """Seconds until a new sandbox has answered one question, and until it is closed."""
    begun = time.perf_counter()
    with sandbox.for_code(folder) as code:
        ask(code)
        answered = time.perf_counter() - begun
    return answered, time.perf_counter() - begun


def called(code: CodeSandbox) -> None:
    """Call the function."""
    found = code.call(ASK).answer
    if not isinstance(found, Reply):
        sys.exit(f"the sandbox gave no answer: {found}")


def shut_in(code: CodeSandbox) -> None:
    """Have a child shut itself in that then finds nothing to do."""
    code.call(NOTHING)


def unshared(sandbox: IsolatedSandbox, folder: Path) -> float:
    """Megabytes that only one cell has, after a call."""
    with sandbox.for_code(folder) as code:
        called(code)
        assert isinstance(code, IsolatedCode)
        found = [process.memory_full_info().uss for process in tree(code.cell.pid)]
    return sum(found) / (1 << 20)


def held(sandbox: IsolatedSandbox) -> set[str]:
    """Processes, descriptors, mounts and temporary folders that there are because of this program."""
    processes = {f"process {one.pid}" for one in tree(os.getpid())}
    ours = (psutil.Process(), psutil.Process(sandbox.server.pid))
    descriptors = {f"descriptor {one.pid} {number}" for one in ours for number in range(one.num_fds())}
    mounts = {f"mount {line.split()[4]}" for line in Path("/proc/self/mountinfo").read_text("utf-8").splitlines()}
    files = {f"file {path}" for path in Path(tempfile.gettempdir()).iterdir()}
    return processes | descriptors | mounts | files


def middle(seconds: list[float]) -> str:
    """The median in milliseconds."""
    return f"{statistics.median(seconds) * 1000:.0f}"


if __name__ == "__main__":
    main()
