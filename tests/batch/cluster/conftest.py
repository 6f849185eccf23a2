"""A cluster of real processes on 127.0.0.1: a scheduler, its certificate, and workers that can be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

import grader

COMMAND = [sys.executable, "-c", "from grader.cli.app import main; main()"]
SIMULATED = Path(__file__).with_name("simulated")
# Where this process has it from: machines must run the same code, and what tests import may have led to the checkout.
GRADER = Path(grader.__file__).parents[1]


@dataclass
class Machines:
    """A scheduler and its workers, which measure only real weights."""

    home: Path
    keys: Path
    address: str = ""
    running: list[subprocess.Popen[str]] = field(default_factory=list)
    workers: list[subprocess.Popen[str]] = field(default_factory=list)
    scheduler: subprocess.Popen[str] | None = None

    @property
    def environment(self) -> dict[str, str]:
        paths = [str(SIMULATED), str(GRADER), *sys.path]
        cache, tmp = self.home / "cache", self.home / "tmp"
        tmp.mkdir(parents=True, exist_ok=True)
        return {
            **os.environ, "PYTHONPATH": os.pathsep.join(paths), "XDG_CACHE_HOME": str(cache), "TMPDIR": str(tmp),
            "CNN_LAB_GRADER_TLS": str(self.keys), "OMP_NUM_THREADS": "1",
        }  # fmt: skip

    def start(self, *arguments: str, cwd: Path | None = None, **more: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*COMMAND, *arguments], env={**self.environment, **more}, cwd=cwd or self.home, text=True,
            start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.running.append(process)
        return process

    def schedule(self) -> subprocess.Popen[str]:
        self.scheduler = self.start("scheduler", "--host", "127.0.0.1", "--port", "0")
        said = self.said(self.scheduler, "The scheduler listens")
        self.address = said.partition(" at ")[2].partition(". ")[0]
        return self.scheduler

    def work(self, slots: int = 1) -> subprocess.Popen[str]:
        self.workers.append(self.joined(self.beginning(slots)))
        return self.workers[-1]

    def beginning(self, slots: int = 1, **more: str) -> subprocess.Popen[str]:
        """A worker that has yet to join."""
        return self.start("worker", self.address, "--slots", str(slots), **more)

    def end(self) -> None:
        """End all of them, the scheduler last: workers say goodbye to it."""
        for process in reversed(self.running):
            process.send_signal(signal.SIGTERM)
            try:
                process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()

    @staticmethod
    def joined(process: subprocess.Popen[str]) -> subprocess.Popen[str]:
        Machines.said(process, "has joined")
        return process

    @staticmethod
    def said(process: subprocess.Popen[str], words: str, stream: str = "stdout") -> str:
        """The first line with these words."""
        for line in getattr(process, stream):
            if words in line:
                return line
        raise AssertionError(process.stderr.read())

    @staticmethod
    def worker_of(process: subprocess.Popen[str]) -> psutil.Process:
        """The process in which Dask grades, below the one that watches over it."""
        return max(psutil.Process(process.pid).children(), key=lambda one: one.memory_info().rss)

    @staticmethod
    def hand_in(folder: Path, **numbers: int) -> Path:
        folder.mkdir(exist_ok=True)
        for name, number in numbers.items():
            with zipfile.ZipFile(folder / f"{name}.zip", "w") as zipped:
                zipped.writestr("final.pth", str(number))
        return folder


@pytest.fixture(scope="session")
def machines_of() -> type[Machines]:
    return Machines
