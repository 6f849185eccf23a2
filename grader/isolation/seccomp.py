"""A seccomp filter: system calls that fail from now on, in this process and all that it starts.

A program of the classic Berkeley packet filter, assembled here (man 2 seccomp). The filter refuses what no function of
the lab needs and what reaches past files: other processes, the network, keys, memory that no limit counts.
"""

from __future__ import annotations

import ctypes
import errno
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from grader.isolation.calls import MACHINE, SECCOMP, call, number

SET_MODE_FILTER = 1
ALLOW, FAIL, KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # linux/bpf_common.h
ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # linux/audit.h
FIRST_UNKNOWN = 463  # setxattrat, of 2025: newer calls fail as on a kernel without them, as do those of the x32 ABI
NAMESPACES = 0x7E020000  # CLONE_NEW* but CLONE_NEWTIME, which clone() cannot ask for

# name: (number on x86_64, on aarch64); -1 where there is no such call
NUMBERS: dict[str, tuple[int, int]] = {
    "accept": (43, 202), "accept4": (288, 242), "bind": (49, 200), "connect": (42, 203), "listen": (50, 201),
    "socket": (41, 198), "socketpair": (53, 199),
    "kcmp": (312, 272), "pidfd_getfd": (438, 438), "process_madvise": (440, 440), "process_mrelease": (448, 448),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "ptrace": (101, 117),
    "kill": (62, 129), "pidfd_send_signal": (424, 424), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "tgkill": (234, 131), "tkill": (200, 130),
    "add_key": (248, 217), "keyctl": (250, 219), "request_key": (249, 218),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "io_uring_setup": (425, 425),
    "memfd_create": (319, 279), "memfd_secret": (447, 447),
    "mq_notify": (244, 184), "mq_open": (240, 180), "mq_unlink": (241, 181), "msgctl": (71, 187), "msgget": (68, 186),
    "msgrcv": (70, 188), "msgsnd": (69, 189), "semctl": (66, 191), "semget": (64, 190), "semop": (65, 193),
    "semtimedop": (220, 192), "shmat": (30, 196), "shmctl": (31, 195), "shmdt": (67, 197), "shmget": (29, 194),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "lookup_dcookie": (212, 18),
    "chroot": (161, 51), "clone": (56, 220), "clone3": (435, 435), "fsconfig": (431, 431), "fsmount": (432, 432),
    "fsopen": (430, 430), "fspick": (433, 433), "listmount": (458, 458), "mount": (165, 40),
    "mount_setattr": (442, 442), "move_mount": (429, 429), "open_tree": (428, 428), "pivot_root": (155, 41),
    "setns": (308, 268), "statmount": (457, 457), "umount2": (166, 39), "unshare": (272, 97),
    "chmod": (90, -1), "chown": (92, -1), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "fchown": (93, 55), "fchownat": (260, 54), "fremovexattr": (199, 16), "fsetxattr": (190, 7),
    "futimesat": (261, -1), "lchown": (94, -1), "lremovexattr": (198, 15), "lsetxattr": (189, 6),
    "removexattr": (197, 14), "setxattr": (188, 5), "truncate": (76, 45), "utime": (132, -1), "utimensat": (280, 88),
    "utimes": (235, -1),
    "fanotify_init": (300, 262), "fanotify_mark": (301, 263), "inotify_add_watch": (254, 27),
    "inotify_init": (253, -1), "inotify_init1": (294, 26), "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "acct": (163, 89), "adjtimex": (159, 171), "clock_adjtime": (305, 266), "clock_settime": (227, 112),
    "delete_module": (176, 106), "finit_module": (313, 273), "init_module": (175, 105), "ioperm": (173, -1),
    "iopl": (172, -1), "kexec_file_load": (320, 294), "kexec_load": (246, 104), "modify_ldt": (154, -1),
    "quotactl": (179, 60), "quotactl_fd": (443, 443), "reboot": (169, 142), "settimeofday": (164, 170),
    "swapoff": (168, 225), "swapon": (167, 224), "syslog": (103, 116), "vhangup": (153, 58),
    "fcntl": (72, 25), "ioctl": (16, 29), "ioprio_set": (251, 30), "migrate_pages": (256, 238),
    "move_pages": (279, 239), "personality": (135, 92), "prctl": (157, 167), "prlimit64": (302, 261),
    "sched_setaffinity": (203, 122), "sched_setattr": (314, 274), "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119), "setpgid": (109, 154), "setpriority": (141, 140), "setsid": (112, 157),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refused:
    """A call that fails with `error`; 0 makes it do nothing and say that it did.

    With `unless` it works where the low half of an argument is one of these, with `when` it fails only there, with
    `bits` only where one of these bits is set.
    """

    name: str
    error: int = errno.EPERM
    argument: int = 0
    unless: tuple[int, ...] = ()
    when: tuple[int, ...] = ()
    bits: int = 0


# --- the lists ---------------------------------------------------------------------------------------------------

_EVERYWHERE = (
    "ptrace process_vm_readv process_vm_writev pidfd_getfd pidfd_send_signal kcmp process_madvise process_mrelease"
    " rt_sigqueueinfo rt_tgsigqueueinfo add_key request_key keyctl io_uring_setup io_uring_enter io_uring_register"
    " memfd_create memfd_secret mq_open mq_unlink mq_notify msgget msgsnd msgrcv msgctl semget semop semctl semtimedop"
    " shmget shmat shmctl shmdt bpf perf_event_open userfaultfd lookup_dcookie chroot fsconfig fsmount fsopen fspick"
    " listmount statmount mount mount_setattr move_mount open_tree pivot_root setns umount2 unshare fanotify_init"
    " fanotify_mark inotify_init inotify_init1 inotify_add_watch name_to_handle_at open_by_handle_at acct adjtimex"
    " clock_adjtime clock_settime delete_module finit_module init_module ioperm iopl kexec_file_load kexec_load"
    " modify_ldt quotactl quotactl_fd reboot settimeofday swapoff swapon syslog vhangup ioprio_set migrate_pages"
    " move_pages"
)
# asm-generic/ioctls.h: what isatty, subprocess and select ask; device drivers have the rest
_HARMLESS_IOCTL = (0x5401, 0x540F, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
# F_SETOWN, F_SETSIG, F_SETOWN_EX, F_SETLEASE, F_NOTIFY send signals; F_SETPIPE_SZ takes the system's memory
_FCNTL = (8, 10, 15, 1024, 1026, 1031)
# PDEATHSIG, DUMPABLE, MM, CHILD_SUBREAPER, PTRACER: by these a process would escape its end, or being watched
_PRCTL = (1, 4, 35, 36, 0x59616D61)
AF_UNIX = 1


def _everywhere(gpu: bool) -> Iterator[Refused]:
    yield from map(Refused, _EVERYWHERE.split())
    yield Refused("clone3", errno.ENOSYS)  # its flags cannot be looked at; libc then calls clone
    yield Refused("clone", bits=NAMESPACES)
    yield Refused("prctl", when=_PRCTL)
    yield Refused("fcntl", argument=1, when=_FCNTL)
    yield Refused("personality", unless=(0, 0xFFFFFFFF))
    for of_a_process in ("prlimit64", "sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler"):
        yield Refused(of_a_process, unless=(0,))  # 0 is the caller
    yield Refused("setpriority", argument=1, unless=(0,))
    if not gpu:  # a driver is all ioctls
        yield Refused("ioctl", errno.ENOTTY, argument=1, unless=_HARMLESS_IOCTL)


def in_namespaces(gpu: bool = False) -> Iterator[Refused]:
    """Yield what is refused where the network and all processes are the sandbox's own."""
    yield from _everywhere(gpu)
    yield Refused("socket", errno.EACCES, unless=(AF_UNIX,))  # multiprocessing passes tensors by it


def on_the_host(own: int | None, gpu: bool = False) -> Iterator[Refused]:
    """Yield what is refused among the machine's own files, processes and network.

    Where Landlock does not stop signals, only those to `own`, the process itself, are let through.
    """
    yield from _everywhere(gpu)
    for name in ("accept", "accept4", "bind", "connect", "listen", "socket"):
        yield Refused(name, errno.EACCES)
    # Landlock looks at none of these
    for name in ("chmod", "chown", "fchmod", "fchmodat", "fchmodat2", "fchown", "fchownat", "fremovexattr", "fsetxattr",
                 "futimesat", "lchown", "lremovexattr", "lsetxattr", "removexattr", "setxattr", "truncate", "utime",
                 "utimensat", "utimes"):  # fmt: skip
        yield Refused(name)
    for name in ("setpgid", "setsid"):  # the process group is what ends all at once; a program that asks goes on
        yield Refused(name, 0)
    if own is not None:
        for name in ("kill", "tgkill", "tkill"):
            yield Refused(name, unless=(own,))


# --- the program -------------------------------------------------------------------------------------------------

Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, constant


def program(refused: Iterator[Refused]) -> bytes:
    """Assemble the filter. Raises OSError on a processor whose numbers are not here."""
    column = {"x86_64": 0, "aarch64": 1}.get(MACHINE)
    if column is None:
        raise OSError(f"the system calls of {MACHINE} are not known here")
    made: list[Instruction] = [
        (LOAD, 0, 0, 4), (EQUAL, 1, 0, ARCHITECTURE[MACHINE]), (RETURN, 0, 0, KILL_PROCESS), (LOAD, 0, 0, 0),
        (AT_LEAST, 0, 1, FIRST_UNKNOWN), (RETURN, 0, 0, FAIL | errno.ENOSYS),
    ]  # fmt: skip
    for one in refused:
        which = NUMBERS[one.name][column]
        if which >= 0:
            body = list(_body(one))
            made += [(EQUAL, 0, len(body), which), *body]
    made.append((RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("=HBBI", *each) for each in made)


def _body(one: Refused) -> Iterator[Instruction]:
    fail, allow = (RETURN, 0, 0, FAIL | one.error), (RETURN, 0, 0, ALLOW)
    if not (one.unless or one.when or one.bits):
        yield fail
        return
    yield (LOAD, 0, 0, 16 + 8 * one.argument)  # the low half, on little-endian processors
    if one.bits:
        yield from ((ANY_BIT, 0, 1, one.bits), fail, allow)
        return
    values, hit, miss = (one.unless, allow, fail) if one.unless else (one.when, fail, allow)
    for value in values:
        yield from ((EQUAL, 0, 1, value & 0xFFFFFFFF), hit)
    yield miss


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def install(code: bytes) -> None:
    """Refuse calls by a program from now on; no_new_privs must be set. Raises OSError."""
    call(number(SECCOMP), SET_MODE_FILTER, 0, _Program(len(code) // 8, code))
