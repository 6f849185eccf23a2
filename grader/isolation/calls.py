"""Call the kernel by number, where neither Python nor every libc has a function for it."""

from __future__ import annotations

import ctypes
import os
import platform

LIBC = ctypes.CDLL(None, use_errno=True)
MACHINE = platform.machine()
# asm/unistd_64.h, asm-generic/unistd.h; calls since 2019 have one number everywhere
CAPGET = {"x86_64": 125, "aarch64": 90}
CAPSET = {"x86_64": 126, "aarch64": 91}
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
SECCOMP = {"x86_64": 317, "aarch64": 277}
LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446
MOUNT_SETATTR = 442
# linux/prctl.h
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_KEEPCAPS, PR_CAPBSET_DROP = 1, 4, 8, 24
PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 36, 38
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4

Argument = int | bytes | ctypes.Structure | ctypes.Array[ctypes.c_char] | None


def number(of: dict[str, int]) -> int:
    """Return the number of a call on this machine's processor. Raises OSError for one that is not known here."""
    if MACHINE not in of:
        raise OSError(f"the system calls of {MACHINE} are not known here")
    return of[MACHINE]


def call(which: int, *arguments: Argument) -> int:
    """Make one system call; structures are passed by reference. Raises OSError."""
    return checked(LIBC.syscall(ctypes.c_long(which), *map(_passed, arguments)))


def checked(result: int) -> int:
    """Return what a function of libc returned. Raises OSError if it failed."""
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def prctl(option: int, value: int = 0, other: int = 0) -> None:
    """Set a property of this process. Raises OSError."""
    checked(LIBC.prctl(ctypes.c_int(option), *(ctypes.c_ulong(each) for each in (value, other, 0, 0))))


def _passed(argument: Argument) -> object:
    if isinstance(argument, int):
        return ctypes.c_long(argument)
    return ctypes.byref(argument) if isinstance(argument, ctypes.Structure) else argument
