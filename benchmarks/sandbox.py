"""What the sandbox for student code costs per submission, compared with an interpreter without one.

    python benchmarks/sandbox.py [--rounds 7]

Start: until the server inside is ready to be asked, against a Python that has imported torch, torchvision and numpy and
says so. Call: one function that returns at once, import of its file included, against the same in a fork of the
plain interpreter. Both in turns in one run; what counts is the ratio of the medians.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from grader.sandbox import CodeSandbox, Job, Limits, Reply, open_sandbox

MOST = 1.3  # of the plain interpreter's start
CALLS = 5  # in each round
CODE = "def learning_rate(epoch):\n    return 0.1 if epoch < 5 else 0.01\n"
PLAIN = """
import os, sys
import numpy, torch, torchvision
torch.set_num_threads(1)
print("ready", flush=True)
for line in sys.stdin:
    if os.fork() == 0:
        scope = {}
        exec(compile(open(sys.argv[1]).read(), "exp2.py", "exec"), scope)
        scope["learning_rate"](0)
        os._exit(0)
    os.wait()
    print("done", flush=True)
"""
IMPORT = Job("code.running.try_import", {"file": "exp2.py"}, limits=Limits(60.0, 3_000))
ASK = Job("code.learning_rate.call_learning_rate", {"file": "exp2.py", "epochs": 1}, limits=Limits(60.0, 3_000))


def main() -> None:
    """Run both in turns and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name, open_sandbox() as beside:
        script = Path(name) / "submission" / "exp2.py"
        script.parent.mkdir()
        script.write_text(CODE, encoding="utf-8")
        if beside.for_code(script.parent) is None:
            sys.exit("no sandbox of this machine runs student code: 'grade doctor' says why")
        compare(lambda: beside.for_code(script.parent), script, rounds)


def compare(open_one: Callable[[], CodeSandbox | None], script: Path, rounds: int) -> None:
    """Time both, in turns, and print medians and ratios; ends with 1 where the start costs more than it may."""
    starts: dict[str, list[float]] = {"plain": [], "sandbox": []}
    calls: dict[str, list[float]] = {"plain": [], "sandbox": []}
    for _ in range(rounds):
        with plain(script, starts["plain"]) as interpreter:
            calls["plain"] += [ask(interpreter) for _ in range(CALLS)]
        sandbox = open_one()
        assert sandbox is not None
        begun = time.perf_counter()
        with sandbox:
            answer(sandbox, IMPORT)  # the first answer comes when the server is ready, a fork later
            starts["sandbox"].append(time.perf_counter() - begun)
            calls["sandbox"] += [answer(sandbox, ASK) for _ in range(CALLS)]
    report("start", starts, 1.0, "s")
    report("call", calls, 1000.0, "ms")
    ratio = statistics.median(starts["sandbox"]) / statistics.median(starts["plain"])
    print(f"ratio of the starts: {ratio:.2f} (at most {MOST:.2f})")
    sys.exit(0 if ratio <= MOST else 1)


def plain(script: Path, starts: list[float]) -> subprocess.Popen[str]:
    """A Python that has imported what the sandbox imports; notes how long that took."""
    begun = time.perf_counter()
    command = [sys.executable, "-I", "-B", "-c", PLAIN, str(script)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    starts.append(time.perf_counter() - begun)
    return process


def ask(process: subprocess.Popen[str]) -> float:
    """Seconds of one call in a fork of the plain interpreter."""
    assert process.stdin is not None
    assert process.stdout is not None
    begun = time.perf_counter()
    process.stdin.write("call\n")
    process.stdin.flush()
    process.stdout.readline()
    return time.perf_counter() - begun


def answer(sandbox: CodeSandbox, job: Job) -> float:
    """Seconds until a job is answered; ends the program where it is not."""
    begun = time.perf_counter()
    found = sandbox.call(job).answer
    if not isinstance(found, Reply):
        sys.exit(f"the sandbox gave no answer: {found}")
    return time.perf_counter() - begun


def report(name: str, times: dict[str, list[float]], scale: float, unit: str) -> None:
    """One line for each of the two."""
    for who, seconds in times.items():
        middle, least = statistics.median(seconds) * scale, min(seconds) * scale
        print(f"{name:5} {who:7} median {middle:7.2f} {unit}, fastest {least:7.2f} {unit}, of {len(seconds)}")


if __name__ == "__main__":
    main()
