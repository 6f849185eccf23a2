"""Run jobs in bubblewrap (Linux), which keeps files, network and processes of this machine out of reach."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from grader.evidence import Failure
from grader.records import Message, message
from grader.sandbox.code import BubblewrapCode
from grader.sandbox.interface import Job, Reply
from grader.sandbox.server import Server
from grader.sandbox.view import arguments_file, bubblewrap, drop_root, lab_binds


class BubblewrapSandbox:
    """Reads what was handed in and runs none of it; `for_code` opens another sandbox for a submission's code."""

    name = "bubblewrap"
    isolated = True

    def __init__(self, gpu: bool = False) -> None:
        self.server = Server("checkpoint", lab_binds(), gpu=gpu)

    def __enter__(self) -> Self:
        self.server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.close()

    def run(self, job: Job) -> Reply | Failure:
        """Answer one job in a separate process."""
        return self.server.ask(job)

    def for_code(self, submission: Path) -> BubblewrapCode:
        """Return a separate bubblewrap for the code of one submission."""
        return BubblewrapCode(submission)


def why_not() -> Message | None:
    """Return why bubblewrap cannot be used here, and the remedy; None if it can. Starts one to find out."""
    if sys.platform != "linux":
        return message("bubblewrap is available on Linux only")
    program = bubblewrap()
    if program is None:
        return message("bubblewrap is not installed: 'apt install bubblewrap' (or dnf, pacman, zypper)")
    if os.geteuid() == 0 and not Path("/usr/bin/setpriv").exists():
        return message("setpriv is not installed, but grading as root needs it: 'apt install util-linux'")
    descriptor = arguments_file(gpu=False)
    try:
        trial = subprocess.run(
            [program, "--args", str(descriptor), *drop_root(), "/usr/bin/true"],
            pass_fds=(descriptor,), capture_output=True, timeout=20, check=False, env={},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return message("bubblewrap cannot be run: {reason}", reason=str(error)[:300])
    finally:
        os.close(descriptor)
    return None if trial.returncode == 0 else _explain(trial.stderr.decode("utf-8", "replace").strip()[-300:])


def _explain(reason: str) -> Message:
    if (
        "uid map" in reason
        or "RTM_NEWADDR" in reason
        or "No permissions" in reason
        or "Operation not permitted" in reason
    ):
        return message(
            "this system forbids unprivileged user namespaces ({reason}). On Ubuntu 24.04 an administrator can allow"
            " them for bwrap with an AppArmor profile, or for all programs with"
            " 'sysctl kernel.apparmor_restrict_unprivileged_userns=0'; in Docker start the container with"
            " '--security-opt seccomp=unconfined --security-opt apparmor=unconfined'",
            reason=reason,
        )
    return message("bubblewrap does not start: {reason}", reason=reason)
