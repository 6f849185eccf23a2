"""Run student code without isolation, where somebody has asked for it: in a container that is thrown away afterwards.

Each call is a process of its own, with limits on time, memory, files and output; but it can read all that the grader
can, the rubric and other submissions among it, and write results. The grade says so.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from grader.disk.scratch import scratch
from grader.probes.roots import Roots
from grader.sandbox.code import Ours, copy_ours
from grader.sandbox.interface import Called, Job
from grader.sandbox.output import Output
from grader.sandbox.plain import PlainSandbox, Start, answered
from grader.sandbox.view import package_folders

CODE_FILE_BYTES = 32 << 20  # of one file that student code writes
OPTIONS = ("-u", "-X", "utf8", "-X", "faulthandler")  # what was printed before the end is not lost


class UnisolatedSandbox(PlainSandbox):
    """Starts one process per job, and per call of student code."""

    name = "none"

    def __init__(self) -> None:
        self._kept = ExitStack()
        self._ours: Ours | None = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kept.close()

    def joined(self) -> UnisolatedSandbox:
        """Return another one: what this one holds is not to end with a process that was forked from it."""
        return UnisolatedSandbox()

    def for_code(self, submission: Path) -> UnisolatedCode:
        """Return what calls the functions of one submission."""
        if self._ours is None:
            self._ours = copy_ours(self._kept.enter_context(scratch("ours")))
        return UnisolatedCode(self._ours, submission)


class UnisolatedCode:
    """Calls one submission's functions, each in a process of its own, with a folder that is emptied afterwards."""

    def __init__(self, ours: Ours, submission: Path) -> None:
        self._ours = ours
        self.roots = Roots(str(submission.resolve()), str(ours.given), "", str(ours.code / "grader"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def call(self, job: Job) -> Called:
        """Answer one job; only what it wrote into its own folder is certainly gone afterwards."""
        output = Output()
        path = tuple(map(str, (self._ours.code, *package_folders())))
        try:
            with scratch("code") as folder:
                request = job.request(Roots(self.roots.submission, self.roots.given, str(folder), self.roots.ours))
                start = Start(folder, path, output.write_end, lambda: "", output, OPTIONS)
                answer = answered(job, {**request, "file_bytes": CODE_FILE_BYTES}, start)
            printed = output.text()
        finally:
            output.close()
        return Called(answer, printed)
