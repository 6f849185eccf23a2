"""System calls that reach past files and processes fail inside, and a child that cannot shut itself in runs nothing."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from grader.evidence import Unavailable
from grader.isolation import seccomp
from grader.sandbox import Job, Limits, Reply, open_sandbox, server
from grader.sandbox.isolated import IsolatedSandbox
from grader.sandbox.server import Backend
from grader.sandbox.watch import tree

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="student code is isolated on Linux only")

EVERYWHERE = (
    "add_key keyctl request_key io_uring_setup io_uring_enter memfd_create memfd_secret shmget shmat semget msgget"
    " mq_open ptrace process_vm_readv process_vm_writev pidfd_getfd pidfd_send_signal kcmp bpf perf_event_open"
    " userfaultfd unshare setns clone3 mount umount2 pivot_root move_mount open_tree fsopen chroot open_by_handle_at"
    " name_to_handle_at inotify_init1 fanotify_init quotactl reboot swapon init_module kexec_load settimeofday"
)
OF_FILES = "chmod fchmod fchmodat fchmodat2 chown fchownat utimensat setxattr removexattr truncate"
HEADERS = {
    0: Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    1: Path("/usr/include/asm-generic/unistd.h"),
}
CALL = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
value["errors"] = {}
for name, number in inputs["numbers"].items():
    ctypes.set_errno(0)
    value["errors"][name] = ctypes.get_errno() if libc.syscall(number, -1, 0, 0, 0, 0, 0) < 0 else 0
"""


def _numbers(names: str) -> dict[str, int]:
    column = 0 if os.uname().machine == "x86_64" else 1
    return {name: seccomp.NUMBERS[name][column] for name in names.split() if seccomp.NUMBERS[name][column] >= 0}


def _value(answer: object) -> dict[str, Any]:
    assert isinstance(answer, Reply), answer
    return answer.value


def test_what_reaches_past_files_and_processes_is_refused(attack: Any) -> None:
    errors = _value(attack(CALL, numbers=_numbers(EVERYWHERE)))["errors"]

    assert {name: error for name, error in errors.items() if error not in (1, 38)} == {}  # EPERM, ENOSYS


def test_modes_owners_and_times_of_the_machines_own_files_stay(attack: Any, backend: Backend) -> None:
    errors = _value(attack(CALL, numbers=_numbers(OF_FILES)))["errors"]

    assert backend == "namespaces" or set(errors.values()) == {1}


def test_no_new_namespaces_come_with_a_new_process(attack: Any) -> None:
    code = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
value["made"] = [bit for bit in range(17, 31) if inputs["bits"] >> bit & 1
                 and libc.syscall(inputs["clone"], 1 << bit | 17, 0, 0, 0, 0) >= 0]
"""
    assert _value(attack(code, bits=seccomp.NAMESPACES, **_numbers("clone")))["made"] == []


def test_what_a_process_may_not_do_to_its_end_and_to_its_watchers_is_refused(attack: Any) -> None:
    code = """
import ctypes, fcntl, os
libc = ctypes.CDLL(None, use_errno=True)
value["worked"] = [option for option in (1, 4, 36) if libc.prctl(option, 0, 0, 0, 0) == 0]
for option in (fcntl.F_SETOWN, 10, 1031):
    try:
        fcntl.fcntl(0, option, os.getppid() if option == fcntl.F_SETOWN else 1 << 20)
        value["worked"].append(option)
    except OSError:
        pass
"""
    assert _value(attack(code))["worked"] == []


def test_files_of_others_keep_mode_times_and_content(attack: Any, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("content", encoding="utf-8")
    file.chmod(0o666)
    tmp_path.chmod(0o777)
    before = file.stat()
    code = """
import os
value["worked"] = []
path = inputs["path"]
for name, change in (("chmod", lambda: os.chmod(path, 0o600)), ("utime", lambda: os.utime(path, (1, 1))),
                     ("truncate", lambda: os.truncate(path, 0)), ("open", lambda: open(path, "r+").close()),
                     ("link", lambda: os.link(path, "taken")), ("rename", lambda: os.rename(path, "taken")),
                     ("remove", lambda: os.remove(path)), ("read", lambda: open(path).read()),
                     ("attribute", lambda: os.setxattr(path, "user.mine", b"1"))):
    try:
        change()
        value["worked"].append(name)
    except OSError:
        pass
"""
    assert _value(attack(code, path=str(file)))["worked"] == []
    after = file.stat()
    assert (after.st_mode, after.st_mtime, after.st_size) == (before.st_mode, before.st_mtime, before.st_size)


def test_shared_memory_of_other_sandboxes_cannot_be_found(attack: Any) -> None:
    code = """
import os
value["seen"] = []
try:
    value["seen"] = os.listdir("/dev/shm")
except OSError:
    pass
try:
    open("/dev/shm/left", "x").close()
except OSError:
    pass
"""
    assert _value(attack(code))["seen"] == []
    assert _value(attack(code))["seen"] == []


@pytest.mark.parametrize("column", HEADERS)
def test_the_numbers_are_those_of_the_kernels_own_headers(column: int) -> None:
    if not HEADERS[column].exists():
        pytest.skip(f"{HEADERS[column]} is not installed")
    text = HEADERS[column].read_text("utf-8")
    known = {name: int(number) for name, number in re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", text)}
    ours = {name: numbers[column] for name, numbers in seccomp.NUMBERS.items()}

    assert {name: number for name, number in ours.items() if known.get(name, number) != number} == {}
    assert len(set(ours) & set(known)) > 100


# --- when something fails ----------------------------------------------------------------------------------------


@pytest.fixture
def failing(backend: Backend, hostile_probe: None, monkeypatch: pytest.MonkeyPatch, request: Any) -> Iterator[Any]:
    """A sandbox in which one step of shutting in fails."""
    step = request.param
    broken = f"def fail(*args, **more): raise OSError('not here')\nfrom grader.probes import cell\n{step} = fail\n"
    start = "\nfrom grader.probes.zygote"
    assert start in server.BOOT
    monkeypatch.setattr(server, "BOOT", server.BOOT.replace(start, f"\n{broken}{start}"))
    with open_sandbox(backend) as opened:
        yield opened


STEPS = ("cell.limit_process", "cell.lower", "cell.rights.forbid_capabilities", "cell.rights.drop_capabilities",
         "cell.rights.die_with", "cell.landlock.restrict", "cell.landlock._allow", "cell.seccomp.install")  # fmt: skip


@pytest.mark.parametrize("failing", STEPS, indirect=True)
def test_a_child_that_cannot_shut_itself_in_runs_nothing_and_that_is_our_fault(failing: Any, tmp_path: Path) -> None:
    code = f"open({str(tmp_path / 'marker')!r}, 'x').close()"
    tmp_path.chmod(0o777)

    answer = failing.run(Job("hostile.run", {"code": code}, limits=Limits(seconds=20.0, megabytes=3000)))

    assert isinstance(answer, Unavailable)
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize("who", ["keeper", "server", "both"])
def test_whoever_of_ours_is_killed_the_next_job_is_answered(attack: Any, shut: IsolatedSandbox, who: str) -> None:
    _value(attack("value['alive'] = True"))
    started = [one.pid for one in tree(shut.server.pid)]
    killed = {"keeper": [shut.cell.pid], "server": [shut.server.pid], "both": [shut.cell.pid, shut.server.pid]}[who]
    with_it = [one.pid for one in tree(shut.cell.pid)] if who != "server" else []  # ends with the one outside
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    _wait_for([*killed, *with_it])

    assert _value(attack("value['alive'] = True")) == {"alive": True}
    shut.cell.close()
    _wait_for(started[1:])


def _wait_for(pids: list[int]) -> None:
    """Wait until these processes have ended; the parent may not have asked for it yet."""
    for _ in range(500):
        left = [pid for pid in pids if _runs(pid)]
        if not left:
            return
        time.sleep(0.02)
    raise AssertionError(left)


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
