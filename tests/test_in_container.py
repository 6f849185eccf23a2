"""The tool that runs a command as in a container started without options refuses and allows what Docker does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # starts containers

In = Callable[..., subprocess.CompletedProcess[str]]
CALLS = """
import ctypes, errno, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
NUMBERS = {"x86_64": (272, 165, 250, 298, 56, 425, 435, 444), "aarch64": (97, 40, 219, 241, 220, 425, 435, 444)}
unshare, mount, keyctl, perf, clone, io_uring, clone3, landlock = NUMBERS[os.uname().machine]

def refused(number, *arguments):
    libc.syscall(number, *arguments)
    return errno.errorcode[ctypes.get_errno()]

NEWUSER, NEWNS = 0x10000000, 0x20000
print(refused(unshare, NEWUSER), refused(unshare, NEWNS), refused(mount, 0, 0, 0, 0, 0), refused(keyctl, 0, -3, 0))
print(refused(perf, 0, 0, 0, 0, 0), refused(clone, NEWUSER, 0, 0, 0, 0), refused(io_uring, 1, 0), refused(clone3, 0, 0))
print("landlock", libc.syscall(landlock, None, 0, 1) >= 1)
print("filter", libc.prctl(22, 2, None) == -1 and errno.errorcode[ctypes.get_errno()] == "EFAULT")
a, b = socket.socketpair()
print("root", os.geteuid())
"""


@pytest.fixture(scope="module")
def inside(in_container: Path) -> In:
    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, in_container, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture(scope="module")
def python() -> str:
    """One that a container's ordinary user may run, too."""
    return str(Path(sys.executable).resolve())


def base() -> str:
    return f"{sys.base_prefix}:{sys.base_prefix}:ro"


@pytest.mark.parametrize("user", ["0", "47011:47011"], ids=["root", "an ordinary user"])
def test_namespaces_keyrings_and_tracing_of_the_kernel_are_refused_and_landlock_is_not(
    inside: In, python: str, user: str
) -> None:
    done = inside("--user", user, "--bind", base(), python, "-c", CALLS)
    assert done.stdout.splitlines() == [
        "EPERM EPERM EPERM EPERM",
        "EPERM EPERM EPERM ENOSYS",
        "landlock True",
        "filter True",
        f"root {user.partition(':')[0]}",
    ], done.stderr


def test_root_may_become_another_user_and_change_its_root_and_an_ordinary_user_may_not(inside: In, python: str) -> None:
    code = "import os; os.chroot('/usr'); os.setuid(1); print(os.getuid())"
    assert inside("--bind", base(), python, "-c", code).stdout == "1\n"
    assert "PermissionError" in inside("--user", "47011:47011", "--bind", base(), python, "-c", code).stderr


def test_nothing_that_is_written_stays_but_in_a_bound_folder(inside: In, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    inside("--bind", f"{tmp_path / 'kept'}:/kept", "sh", "-c", f"touch /kept/one {tmp_path}/two /usr/cnn-lab-three")
    assert [path.name for path in tmp_path.rglob("*")] == ["kept", "one"]
    assert not Path("/usr/cnn-lab-three").exists()


def test_a_folder_can_be_the_whole_file_system(inside: In, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "passwd").write_text("ada:x:1234:1235::/home/ada:/bin/sh\n", encoding="utf-8")
    binds = [part for place in ("/usr", "/bin", "/lib", "/lib64") for part in ("--bind", f"{place}:{place}:ro")]
    done = inside("--root", tmp_path, "--user", "ada", *binds, "sh", "-c", "id -u; id -g; echo $HOME; ls /")
    assert done.stdout.split()[:3] == ["1234", "1235", "/home/ada"], done.stderr
    assert "root" not in done.stdout.split()


def test_the_exit_status_is_the_commands_and_the_machine_is_not_seen(inside: In) -> None:
    assert inside("sh", "-c", "exit 7").returncode == 7
    assert inside("grep", "-c", ":", "/proc/net/dev").stdout == "1\n"  # loopback
    assert inside("sh", "-c", "echo $$").stdout == "1\n"
    assert inside("touch", "/proc/sys/kernel/domainname").returncode == 1
    assert inside("cat", "/proc/keys").stdout == ""
