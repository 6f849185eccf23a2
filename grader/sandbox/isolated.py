"""Run jobs in cells of one fork server (Linux): one opens what was handed in, one more runs a submission's code."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from grader.evidence import Failure
from grader.probes.roots import Roots
from grader.sandbox.cells import Cell
from grader.sandbox.code import let_read
from grader.sandbox.interface import Called, Job, Reply
from grader.sandbox.output import Output
from grader.sandbox.server import Backend, ForkServer
from grader.sandbox.view import View, beside


class IsolatedSandbox:
    """Reads what was handed in and runs none of it; `for_code` opens another cell for a submission's code."""

    isolated = True

    def __init__(self, backend: Backend, gpu: bool = False, server: ForkServer | None = None) -> None:
        self.name = backend
        self._lent = server is not None
        self.server = server or ForkServer(backend, gpu)
        self.cell = Cell(self.server, self._view)

    def __enter__(self) -> Self:
        if not self._lent:
            self.server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cell.close()
        self.server.close()

    def run(self, job: Job) -> Reply | Failure:
        """Answer one job in a separate process."""
        return self.cell.ask(job)

    def for_code(self, submission: Path) -> IsolatedCode:
        """Return a separate cell for the code of one submission."""
        return IsolatedCode(self.server, submission)

    @property
    def descriptors(self) -> tuple[int, ...]:
        """Return the socket of the fork server, and the file that it prints into."""
        return self.server.descriptors

    @property
    def gone(self) -> bool:
        """Return whether the fork server ended that this was lent."""
        return self.server.gone

    def joined(self) -> IsolatedSandbox:
        """Return cells of the same fork server for a process that was forked from this one."""
        return IsolatedSandbox(self.server.backend, server=self.server.joined())

    def renew(self) -> None:
        """Start the fork server again if it has ended."""
        self.server.renew()

    def _view(self) -> View:
        return beside(self.server.ours.lab, self.server.ours.code, gpu=self.server.gpu)


class IsolatedCode:
    """A cell with one submission in it."""

    def __init__(self, server: ForkServer, submission: Path) -> None:
        self._server = server
        self._submission = submission.resolve()
        self.cell = Cell(server, self._view, self._roots)

    @property
    def roots(self) -> Roots:
        """Return where student code sees its files."""
        return self._roots(self.cell.work)

    def __enter__(self) -> Self:
        if os.geteuid() == 0 and self._server.backend == "namespaces":  # inside, another user reads them
            let_read(self._submission)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cell.close()

    def call(self, job: Job) -> Called:
        """Answer one job in a separate child; whatever it leaves running ends with it."""
        output = Output()
        try:
            answer = self.cell.ask(job, output)
            printed = output.text()
        finally:
            output.close()
        return Called(answer, printed)

    def _view(self) -> View:
        ours = self._server.ours
        return beside(ours.code, ours.given, self._submission)

    def _roots(self, work: Path) -> Roots:
        ours = self._server.ours
        return Roots(str(self._submission), str(ours.given), str(work), str(ours.code / "grader"))
