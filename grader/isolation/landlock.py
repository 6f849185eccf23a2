"""Landlock: a list of the files that a process may open, and how. It holds for good, and for all that it starts."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from contextlib import suppress
from enum import IntFlag

from grader.isolation.calls import LANDLOCK_ADD_RULE, LANDLOCK_CREATE_RULESET, LANDLOCK_RESTRICT_SELF, call

CREATE_RULESET_VERSION = 1
RULE_PATH_BENEATH = 1
LOG_NOTHING = 0b101  # of what is refused, in this program and in nested domains: since ABI 7
SCOPES = 0b11  # abstract sockets and signals: since ABI 6
NETWORK = 0b11  # TCP: since ABI 4
STOPS_SIGNALS = 6


class Access(IntFlag):
    """Rights of linux/landlock.h, each with the first ABI that knows it where that is not the first."""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    REMOVE_DIR = 1 << 4
    REMOVE_FILE = 1 << 5
    MAKE_CHAR = 1 << 6
    MAKE_DIR = 1 << 7
    MAKE_REG = 1 << 8
    MAKE_SOCK = 1 << 9
    MAKE_FIFO = 1 << 10
    MAKE_BLOCK = 1 << 11
    MAKE_SYM = 1 << 12
    REFER = 1 << 13  # 2
    TRUNCATE = 1 << 14  # 3
    IOCTL_DEV = 1 << 15  # 5


SINCE = {Access.REFER: 2, Access.TRUNCATE: 3, Access.IOCTL_DEV: 5}
ALL = Access((1 << 16) - 1)
OF_A_FILE = Access.EXECUTE | Access.WRITE_FILE | Access.READ_FILE | Access.TRUNCATE | Access.IOCTL_DEV
LIST = Access.READ_DIR
READ = Access.EXECUTE | Access.READ_FILE | Access.READ_DIR
DEVICE = Access.READ_FILE | Access.WRITE_FILE | Access.IOCTL_DEV
WRITE = (
    Access.READ_FILE | Access.READ_DIR | Access.WRITE_FILE | Access.TRUNCATE | Access.REFER
    | Access.REMOVE_DIR | Access.REMOVE_FILE | Access.MAKE_DIR | Access.MAKE_REG | Access.MAKE_FIFO | Access.MAKE_SYM
)  # fmt: skip

Rule = tuple[str, Access]  # of a file, or of a folder and everything below it


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def abi() -> int:
    """Return the version that this kernel speaks. Raises OSError where there is none, or it is forbidden."""
    return call(LANDLOCK_CREATE_RULESET, None, 0, CREATE_RULESET_VERSION)


def restrict(rules: Iterable[Rule]) -> None:
    """Allow this process what the rules say and nothing else; no_new_privs must be set. Raises OSError.

    A file that is not there needs no rule.
    """
    version = abi()
    handled = ALL & ~sum(right for right, since in SINCE.items() if since > version)
    held = _Ruleset(handled, NETWORK if version >= 4 else 0, SCOPES if version >= STOPS_SIGNALS else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = call(LANDLOCK_CREATE_RULESET, held, size, 0)
    try:
        for path, rights in rules:
            with suppress(FileNotFoundError):
                _allow(ruleset, path, rights & handled)
        call(LANDLOCK_RESTRICT_SELF, ruleset, LOG_NOTHING if version >= 7 else 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not os.path.isdir(path):  # noqa: PTH112 - hundreds of paths, in each child
            rights &= OF_A_FILE
        if rights:
            call(LANDLOCK_ADD_RULE, ruleset, RULE_PATH_BENEATH, _PathBeneath(rights, place), 0)
    finally:
        os.close(place)
