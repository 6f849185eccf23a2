"""Tests what probes can reach: `grade doctor` runs this inside the real sandbox, as does whatever chooses one."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from grader.isolation.calls import LIBC, MACHINE
from grader.isolation.seccomp import NUMBERS

SESSION_KEYRING, IPC_PRIVATE, NEW_USER = -3, 0, 0x10000000


def try_to_reach(inputs: dict[str, Any], files: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Try to reach what lies outside: each name is true where it worked. `root` says who this process is."""
    del files
    tries: dict[str, Callable[[], bool]] = {
        "home": lambda: _can_list(Path(inputs["home"])),
        "rubric": lambda: _can_read(Path(inputs["rubric"])),
        "write": lambda: any(_can_write(folder) for folder in (inputs["home"], "/tmp", "/var/tmp", "/usr")),
        "network": lambda: _can_connect(int(inputs["port"])),
        "parent": lambda: _can_see(int(inputs["pid"])),
        "signal": lambda: _can_signal(int(inputs["pid"])),
        "keys": lambda: _works("keyctl", 0, SESSION_KEYRING, 0) or _works("add_key", b"user", b"a", b"b", 1, -3),
        "memory": lambda: _works("memfd_create", b"", 0) or _works("shmget", IPC_PRIVATE, 1, 0o600),
        "trace": lambda: _works("ptrace", 16, os.getppid(), 0, 0),  # PTRACE_ATTACH
        "namespaces": lambda: _works("unshare", NEW_USER),  # last: this process would go on in them
    }
    found = {name: attempt() for name, attempt in tries.items()}
    return {**found, "root": hasattr(os, "geteuid") and os.geteuid() == 0}, {}


def _can_list(folder: Path) -> bool:
    """Return whether a file is visible there: the folders that lead to Python are recreated inside, and are empty."""
    try:
        return any(entry.is_file() for entry in folder.iterdir())
    except OSError:
        return False


def _can_read(file: Path) -> bool:
    try:
        return bool(file.read_bytes())
    except OSError:
        return False


def _can_write(folder: str) -> bool:
    """Return whether a file can be made there, and remove it."""
    file = Path(folder) / f"cnn-lab-grader-{os.getpid()}"
    try:
        file.touch(exist_ok=False)
    except OSError:
        return False
    with suppress(OSError):
        file.unlink()
    return True


def _can_connect(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return False
    return True


def _can_see(pid: int) -> bool:
    try:
        return not _is_own(pid) and "grade" in Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return False


def _can_signal(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return not _is_own(pid)


def _is_own(pid: int) -> bool:
    """Whether this is a process of the sandbox: where it counts its own, they may have the number of one outside."""
    return pid in (os.getpid(), os.getppid())


def _works(name: str, *arguments: int | bytes) -> bool:
    """Return whether a system call succeeds; what it makes ends with this process."""
    which = NUMBERS[name][0 if MACHINE == "x86_64" else 1]
    return int(LIBC.syscall(which, *arguments)) >= 0
