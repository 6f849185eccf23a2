"""Namespaces: a process tree with its own users, processes, network and files, of which only a list is shown.

Everything lies at the path that it has outside: nothing hides anything else, and what was imported before is found.
"""

from __future__ import annotations

import ctypes
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from grader.isolation.calls import LIBC, MOUNT_SETATTR, PIVOT_ROOT, call, checked, number

# linux/sched.h
NEW_NS, NEW_UTS, NEW_IPC, NEW_USER, NEW_PID, NEW_NET = (
    0x20000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000,
)  # fmt: skip
# linux/mount.h
READ_ONLY, NO_SUID, NO_DEV, NO_EXEC, BIND, RECURSIVE, PRIVATE, DETACH = 1, 2, 4, 8, 0x1000, 0x4000, 0x40000, 2
ATTR_READ_ONLY, ATTR_NO_SUID, ATTR_NO_DEV = 1, 2, 4
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
MOST_FILES = 10_000  # in a room


@dataclass(frozen=True, slots=True)
class Tree:
    """What is shown: folders and files to read, folders below them that are empty, devices, and room to write."""

    shown: tuple[str, ...]
    hidden: tuple[str, ...]
    devices: tuple[str, ...]
    rooms: tuple[str, ...]  # empty folders
    room_bytes: int  # of each
    owner: int  # of the rooms: a user and a group


class _Attributes(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "userns"))


def leave(with_own_users: bool) -> None:
    """Leave every namespace of the machine; the next process that this one forks is the first in new ones."""
    user, group = os.getuid(), os.getgid()
    kinds = NEW_NS | NEW_UTS | NEW_IPC | NEW_PID | NEW_NET | (NEW_USER if with_own_users else 0)
    checked(LIBC.unshare(ctypes.c_int(kinds)))
    if with_own_users:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")


def enter(tree: Tree, root: str) -> tuple[str, ...]:
    """Build the tree in an empty folder and make it the root; only the first process of new namespaces can.

    Returns the rooms that there are: none where something is shown already.
    """
    _mount("none", "/", None, RECURSIVE | PRIVATE)
    _mount("root", root, "tmpfs", NO_SUID | NO_DEV, "mode=0755,size=4m")
    for path, make in sorted(_parts(tree, root), key=lambda part: part[0].count("/")):
        make(path)
    _set(root, ATTR_READ_ONLY, deep=False)
    os.chdir(root)
    call(number(PIVOT_ROOT), b".", b".")  # the old root lies on the new one, and is taken away
    checked(LIBC.umount2(b".", DETACH))
    os.chdir("/")
    socket.sethostname("sandbox")
    return _free(tree)


Make = Callable[[str], None]  # of the path outside


def _parts(tree: Tree, root: str) -> Iterator[tuple[str, Make]]:
    """Yield what is mounted or made, in any order: what lies deeper must come later."""
    yield from ((path, partial(_show, root=root)) for path in _outermost(tree))
    yield from ((path, partial(_hide, root=root)) for path in tree.hidden)
    yield from ((path, partial(_pass_device, root=root)) for path in tree.devices if os.path.exists(path))  # noqa: PTH110
    options = f"mode=0700,size={tree.room_bytes},nr_inodes={MOST_FILES},uid={tree.owner},gid={tree.owner}"
    yield from ((path, partial(_room, root=root, options=options)) for path in _free(tree))
    yield "/proc", partial(_processes, root=root)


def _outermost(tree: Tree) -> list[str]:
    return [one for one in dict.fromkeys(tree.shown) if not _is_below(one, tree.shown)]


def _free(tree: Tree) -> tuple[str, ...]:
    taken = _outermost(tree)
    return tuple(room for room in tree.rooms if room not in taken and not _is_below(room, taken))


def _is_below(path: str, folders: Iterable[str]) -> bool:
    return any(path != folder and path.startswith(folder.rstrip("/") + "/") for folder in folders)


def _show(path: str, root: str) -> None:
    inside = root + path
    if os.path.islink(path):  # noqa: PTH114 - /lib, where it is a part of /usr
        Path(inside).parent.mkdir(0o755, parents=True, exist_ok=True)
        Path(inside).symlink_to(Path(path).readlink())
        return
    _bind(path, inside)
    _set(inside, ATTR_READ_ONLY | ATTR_NO_SUID | ATTR_NO_DEV)


def _hide(path: str, root: str) -> None:
    _mount("none", root + path, "tmpfs", NO_SUID | NO_DEV | READ_ONLY, "mode=0755,size=4k")


def _pass_device(path: str, root: str) -> None:
    _bind(path, root + path)


def _room(path: str, root: str, options: str) -> None:
    Path(root + path).mkdir(0o755, parents=True, exist_ok=True)
    _mount("room", root + path, "tmpfs", NO_SUID | NO_DEV, options)


def _processes(path: str, root: str) -> None:
    Path(root + path).mkdir(0o755)
    _mount("proc", root + path, "proc", NO_SUID | NO_DEV | NO_EXEC)


def _bind(path: str, inside: str) -> None:
    target = Path(inside)
    target.parent.mkdir(0o755, parents=True, exist_ok=True)
    if Path(path).is_dir():
        target.mkdir(0o755, exist_ok=True)
    else:
        target.touch()
    _mount(path, inside, None, BIND | RECURSIVE)


def _mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    words = [os.fsencode(source), os.fsencode(target), kind.encode() if kind else None]
    checked(LIBC.mount(*words, ctypes.c_ulong(flags), options.encode() or None))


def _set(path: str, attributes: int, deep: bool = True) -> None:
    flags = AT_RECURSIVE if deep else 0
    call(MOUNT_SETATTR, AT_FDCWD, os.fsencode(path), flags, _Attributes(attributes), ctypes.sizeof(_Attributes))


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:  # noqa: PTH123 - at once, and only once
        file.write(text)
