"""What a process may do besides opening files: its user and its capabilities."""

from __future__ import annotations

import ctypes
import errno
import os
import secrets
import signal
from pathlib import Path

from grader.isolation.calls import (
    CAPGET,
    CAPSET,
    LIBC,
    PR_CAP_AMBIENT,
    PR_CAP_AMBIENT_CLEAR_ALL,
    PR_CAPBSET_DROP,
    PR_SET_CHILD_SUBREAPER,
    PR_SET_DUMPABLE,
    PR_SET_KEEPCAPS,
    PR_SET_NO_NEW_PRIVS,
    PR_SET_PDEATHSIG,
    call,
    number,
    prctl,
)  # fmt: skip

CAPABILITY_VERSION_3 = 0x20080522
SETGID, SETUID, SETPCAP = 6, 7, 8  # linux/capability.h
HIGH, SPAN = 1 << 30, 1 << 28  # users that no system gives to anybody


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):  # the low halves, then the high ones
    _fields_ = tuple((name, ctypes.c_uint32) for name in ("effective", "permitted", "inheritable", "e", "p", "i"))


def die_with(parent: int) -> None:
    """End this process when the thread that forked it ends. Raises OSError if that has ended already."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise OSError("the parent has ended")


def adopt_orphans() -> None:
    """Become the parent of whatever a descendant leaves running."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)


def let_look(others: bool) -> None:
    """Let this user's other processes look into this one, or not."""
    prctl(PR_SET_DUMPABLE, int(others))


def has(*capabilities: int) -> bool:
    """Return whether this process has these capabilities."""
    held = _Sets()
    call(number(CAPGET), _Header(CAPABILITY_VERSION_3, 0), held)
    return all((held.effective | held.e << 32) >> one & 1 for one in capabilities)


def new_user() -> int:
    """Return a user that nobody else is, at random: limits and signals do not tell apart what has the same one."""
    mapped = [tuple(map(int, line.split())) for line in Path("/proc/self/uid_map").read_text("ascii").splitlines()]
    if any(start <= HIGH and start + length >= HIGH + SPAN for start, _, length in mapped):
        return HIGH + secrets.randbelow(SPAN)
    start, _, length = max(mapped, key=lambda one: one[2])  # a container with users of its own
    return start + length // 2 + secrets.randbelow(max(1, length // 2))


def become(user: int, opens_as: int | None = None) -> None:
    """Become another user and group; `drop_capabilities` makes it final.

    `opens_as` opens the files: where nothing can be mounted, Python or a submission may lie in a folder of that user.
    """
    os.setgroups([])
    os.setresgid(user, user, user)
    if opens_as is None:
        os.setresuid(user, user, user)
        return
    prctl(PR_SET_KEEPCAPS, 1)
    os.setresuid(user, user, user)
    call(number(CAPSET), _Header(CAPABILITY_VERSION_3, 0), _Sets(1 << SETUID, 1 << SETUID))
    LIBC.setfsuid(ctypes.c_uint(opens_as))
    if LIBC.setfsuid(ctypes.c_uint(0xFFFFFFFF)) != opens_as:  # it returns the one before, and changes nothing
        raise OSError("files cannot be opened as another user")


def forbid_capabilities() -> None:
    """Let no program give this process a capability, whatever becomes of no_new_privs. Raises OSError."""
    if not has(SETPCAP):
        return
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError as error:
            if error.errno == errno.EINVAL and capability > SETPCAP:  # this kernel knows no more
                return
            raise


def drop_capabilities() -> None:
    """Drop every capability for good. Raises OSError."""
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    call(number(CAPSET), _Header(CAPABILITY_VERSION_3, 0), _Sets())
    prctl(PR_SET_NO_NEW_PRIVS, 1)
