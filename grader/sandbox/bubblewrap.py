"""The sandbox of Linux: one bubblewrap with a warm server inside, which forks a child for each job.

Inside there is no network, no home, no parent process and no submission: only the system's libraries, Python with
torch, the probes, and the files that a job hands in as open descriptors. `code.py` adds one submission to it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from grader.evidence import Crashed, Failure, OutOfMemory, Unavailable
from grader.probes.files import open_read_only
from grader.records import Message, message
from grader.sandbox.interface import ENVIRONMENT, Job, Reply, shorten
from grader.sandbox.output import Output
from grader.sandbox.watch import Child, await_reply

START_SECONDS = 180.0  # importing torch from a cold network disk has been seen to take a minute
LAST_WORDS = 5.0  # within which the server reports the end of a child that has answered
NOBODY = "65534"
OWN_PACKAGES = ("grader", "reports", "reference", "fixtures")
PACKAGES = ("torch", "torchvision", "numpy", "pypdf", "PIL")
# Large blocks come from huge pages and go back to the heap, not to the system: 10 % of an evaluation's time.
MALLOC = "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=1073741824:glibc.malloc.trim_threshold=4294967296"
BOOT = "import sys; sys.path[:0] = sys.argv[1].split(':'); from grader.probes.worker import main; main(sys.argv[2:])"


class BubblewrapSandbox:
    """Started at once, so that torch is imported inside while the submission is still being unpacked."""

    name = "bubblewrap"
    mode = "checkpoint"  # what its server is for: see worker.py

    def __init__(self, gpu: bool = False) -> None:
        self._gpu = gpu
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._printed = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the sandbox
        self._ready = False

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        self._printed.close()

    def run(self, job: Job, output: Output | None = None) -> Reply | Failure:
        """Answer one job in a fork of the warm server; a server that had to be ended is started anew."""
        if self._process is None or self._process.poll() is not None:
            self._stop()
            self._start()
        problem = None if self._ready else self._await_ready()
        return problem or self._ask(job, output)

    def binds(self) -> Iterator[str]:
        """Options that bring in what this kind of server needs besides Python and the probes."""
        yield from _lab_binds()

    def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        options, passed = arguments_file(self._gpu, self.binds()), theirs.fileno()
        path = ":".join(["/lab", *map(str, package_folders())])
        inside = [
            *_drop_root(),
            str(Path(sys.executable).resolve()),
            "-I",
            "-B",
            "-c",
            BOOT,
            path,
            str(passed),
            self.mode,
        ]
        command = [str(shutil.which("bwrap")), "--args", str(options), *inside]
        self._printed.seek(0)
        self._printed.truncate()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self._printed,
            stderr=subprocess.STDOUT,
            pass_fds=(options, passed),
            env={},
        )
        os.close(options)
        theirs.close()
        self._control, self._ready = ours, False

    def _await_ready(self) -> Failure | None:
        assert self._control is not None
        self._control.settimeout(START_SECONDS)
        try:
            hello = self._control.recv(1000)
        except OSError:
            hello = b""
        if hello:
            self._ready = True
            return None
        tail = self._tail()
        self._stop()
        return Unavailable(message("the sandbox did not start: {reason}. Run 'grade doctor'.", reason=tail[-300:]))

    def _ask(self, job: Job, output: Output | None) -> Reply | Failure:
        assert self._control is not None
        assert self._process is not None
        read_end, write_end = os.pipe()
        descriptors = [write_end]
        try:
            descriptors += [open_read_only(path) for path in job.files.values()]
            printing = [output.write_end] if output else []
            socket.send_fds(self._control, [json.dumps(job.request()).encode()], [*printing, *descriptors])
        except OSError as error:
            os.close(read_end)
            return Crashed(shorten(f"the job could not be handed in: {error}\n{self._tail()}"))
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        if output:
            output.handed_over()
        with os.fdopen(read_end, "rb", buffering=0) as answer:
            child = Child(self._process.pid, lambda size: answer.read(size) or b"", self._stop, self._tail)
            reply = await_reply(job, child, output)
        return self._after_exit(job, reply)

    def _after_exit(self, job: Job, reply: Reply | Failure) -> Reply | Failure:
        """Take the server's word that the child has ended; a server that does not answer is thrown away."""
        if self._control is None:  # ended at a limit
            return reply
        self._control.settimeout(LAST_WORDS)
        try:
            status = int(json.loads(self._control.recv(1000))["exit"])
        except (OSError, ValueError, TypeError, KeyError):
            self._stop()
            return reply
        if isinstance(reply, Crashed) and status == -signal.SIGKILL:
            return OutOfMemory(job.limits.megabytes)  # nobody but the system kills one child so, for want of memory
        if isinstance(reply, Crashed) and status != 0:
            return Crashed(f"{reply.tail} (ended with {status})")
        return reply

    def _tail(self) -> str:
        size = os.fstat(self._printed.fileno()).st_size
        return os.pread(self._printed.fileno(), 4000, max(0, size - 4000)).decode("utf-8", "replace").strip()

    def _stop(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            self._process.kill()  # the process namespace dies with its first process
            self._process.wait()
            self._process = None
        self._ready = False


def package_folders() -> list[Path]:
    """Where the packages lie that probes use; found without importing them."""
    specs = [importlib.util.find_spec(name) for name in PACKAGES]
    return sorted({Path(spec.origin).resolve().parent.parent for spec in specs if spec and spec.origin})


def arguments_file(gpu: bool, binds: Iterable[str] = ()) -> int:
    """A descriptor that holds bubblewrap's options: on its command line they could be read from inside."""
    descriptor, name = tempfile.mkstemp()
    Path(name).unlink()
    os.write(descriptor, b"\0".join(os.fsencode(option) for option in options(gpu, binds)))
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def options(gpu: bool, binds: Iterable[str] = ()) -> Iterator[str]:
    """Options of bubblewrap: what the sandbox can see, and what it cannot do."""
    yield from ("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try")
    yield from ("--die-with-parent", "--new-session", "--hostname", "sandbox", "--clearenv")
    if os.geteuid() == 0:  # root inside a user namespace could not change its user; see _drop_root
        yield from (
            "--cap-drop",
            "ALL",
            "--cap-add",
            "CAP_SETUID",
            "--cap-add",
            "CAP_SETGID",
            "--cap-add",
            "CAP_SETPCAP",
        )
    else:
        yield from ("--unshare-user", "--disable-userns", "--cap-drop", "ALL")
    fixed = {"LANG": "C.UTF-8", "PATH": "/usr/bin:/bin", "HOME": "/tmp", "GLIBC_TUNABLES": MALLOC}
    for name, value in (fixed | ENVIRONMENT).items():
        yield from ("--setenv", name, value)
    yield from _system_binds()
    yield from ("--proc", "/proc", "--dev", "/dev", "--ro-bind-try", "/sys/devices/system", "/sys/devices/system")
    for folder in ("/tmp", "/dev/shm"):  # before the code, which may lie below /tmp
        yield from ("--perms", "1777", "--size", str(64 << 20), "--tmpfs", folder)
    yield from _code_binds()
    yield from binds
    if gpu:
        if "LD_LIBRARY_PATH" in os.environ:  # in containers the driver's libraries are found by it
            yield from ("--setenv", "LD_LIBRARY_PATH", os.environ["LD_LIBRARY_PATH"])
        for device in sorted(Path("/dev").glob("nvidia*")):
            yield from ("--dev-bind-try", str(device), str(device))
        yield from ("--ro-bind-try", "/sys/bus/pci", "/sys/bus/pci", "--ro-bind-try", "/sys/devices", "/sys/devices")
    yield from ("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp")


def _system_binds() -> Iterator[str]:
    yield from ("--ro-bind", "/usr", "/usr", "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache")
    for folder in ("/lib", "/lib64", "/bin", "/sbin"):
        path = Path(folder)
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), folder)
        elif path.exists():
            yield from ("--ro-bind", folder, folder)


def _code_binds() -> Iterator[str]:
    """Python, the packages, and of our own code only what a probe needs."""
    for folder in (Path(sys.base_prefix).resolve(), *package_folders()):
        if not folder.is_relative_to("/usr"):
            for parent in reversed(folder.parents[:-1]):  # by itself bubblewrap makes them for its own user only
                yield from ("--perms", "0755", "--dir", str(parent))
            yield from ("--ro-bind", str(folder), str(folder))
        for own in OWN_PACKAGES:  # installed, they lie beside torch, and hold the rubric and the solution
            if (folder / own).is_dir():
                yield from ("--perms", "0755", "--tmpfs", str(folder / own), "--remount-ro", str(folder / own))
    grader = Path(__file__).resolve().parent.parent
    for made in ("/lab", "/lab/grader"):
        yield from ("--perms", "0755", "--dir", made)
    for name in ("__init__.py", "probes"):
        yield from ("--ro-bind", str(grader / name), f"/lab/grader/{name}")


def _lab_binds() -> Iterator[str]:
    """Of the lab its networks, into which handed-in weights are loaded."""
    reference = importlib.util.find_spec("reference")
    assert reference is not None
    assert reference.origin is not None
    yield from ("--perms", "0755", "--dir", "/lab/reference")
    for name in ("__init__.py", "models.py"):
        yield from ("--ro-bind", str(Path(reference.origin).resolve().parent / name), f"/lab/reference/{name}")


def _drop_root() -> list[str]:
    """Under root really change the user: limits on processes do nothing for user 0, whatever bwrap calls it."""
    if os.geteuid() != 0:
        return []
    user = ["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]
    return ["/usr/bin/setpriv", *user, "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "--"]


def why_not() -> Message | None:
    """Why bubblewrap cannot be used here, and the remedy; None where it can: one is really started to find out."""
    if sys.platform != "linux":
        return message("bubblewrap exists for Linux only")
    if shutil.which("bwrap") is None:
        return message("bubblewrap is not installed: 'apt install bubblewrap' (or dnf, pacman, zypper)")
    if os.geteuid() == 0 and not Path("/usr/bin/setpriv").exists():
        return message("setpriv is not installed, and grading as root needs it: 'apt install util-linux'")
    descriptor = arguments_file(gpu=False)
    try:
        trial = subprocess.run(
            ["bwrap", "--args", str(descriptor), *_drop_root(), "/usr/bin/true"],
            pass_fds=(descriptor,), capture_output=True, timeout=20, check=False, env={"PATH": "/usr/bin:/bin"},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return message("bubblewrap does not run: {reason}", reason=str(error)[:300])
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
