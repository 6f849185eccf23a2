"""Build bubblewrap's options: what can be seen inside, and what cannot be done there.

Inside there is no network, no home, no parent process and no submission: only the system's libraries, Python with
torch, the probes, and the files that a job passes as open descriptors. `code.py` adds one submission.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from grader.lab import LAB
from grader.sandbox.interface import ENVIRONMENT

NOBODY = "65534"
OWN_PACKAGES = ("grader", "reports", "reference", "fixtures")
OF_THE_PROJECT = ("tests", "benchmarks")
PACKAGES = ("torch", "torchvision", "numpy", "pypdf", "PIL", "py7zr", "rarfile", "libarchive")
# Large blocks come from huge pages and go back to the heap, not to the system: 10 % of an evaluation's time.
MALLOC = "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=1073741824:glibc.malloc.trim_threshold=4294967296"
ROOT = "/cnn-lab-sandbox"  # everything of ours is below it, inside, so that it hides no package folder
OURS = f"{ROOT}/lab"  # the probes and the lab's networks, as packages
GRADER = Path(__file__).resolve().parent.parent


def package_folders() -> list[Path]:
    """Return the folders of the packages that probes use, found without importing them."""
    specs = [importlib.util.find_spec(name) for name in PACKAGES]
    return sorted({Path(spec.origin).resolve().parent.parent for spec in specs if spec and spec.origin})


def bubblewrap() -> str | None:
    """Return the program that is tried, examined and used; None if there is none.

    The first on PATH, but never from the current folder: that may be a submission.
    """
    folders = [folder for folder in os.get_exec_path() if Path(folder).is_absolute()]
    return shutil.which("bwrap", path=os.pathsep.join(folders))


def arguments_file(gpu: bool, binds: Iterable[str] = ()) -> int:
    """Return a descriptor with bubblewrap's options: on its command line they could be read from inside."""
    descriptor, name = tempfile.mkstemp()
    Path(name).unlink()
    os.write(descriptor, b"\0".join(os.fsencode(option) for option in options(gpu, binds)))
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def options(gpu: bool, binds: Iterable[str] = ()) -> Iterator[str]:
    """Yield bubblewrap's options: what the sandbox can see, and what it cannot do."""
    yield from ("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try")
    yield from ("--die-with-parent", "--new-session", "--hostname", "sandbox", "--clearenv")
    if os.geteuid() == 0:  # root inside a user namespace could not change its user; see drop_root
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
    for folder in ("/tmp", "/dev/shm"):  # before the code, which may be below /tmp
        yield from ("--perms", "1777", "--size", str(64 << 20), "--tmpfs", folder)
    yield from _code_binds()
    yield from binds
    if gpu:
        if "LD_LIBRARY_PATH" in os.environ:  # in containers it leads to the driver's libraries
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
    """Yield binds for Python and the packages. Which part of our own code a probe needs, each sandbox adds."""
    shown = (Path("/usr"), Path(sys.base_prefix).resolve(), *package_folders())
    for folder in shown[1:]:
        if not folder.is_relative_to("/usr"):
            for parent in reversed(folder.parents[:-1]):  # else bubblewrap makes them accessible only to its user
                yield from ("--perms", "0755", "--dir", str(parent))
            yield from ("--ro-bind", str(folder), str(folder))
    for folder in _own_folders():  # they hold the rubric and the solution
        if any(folder.is_relative_to(one) for one in shown):
            yield from ("--perms", "0755", "--tmpfs", str(folder), "--remount-ro", str(folder))
    yield from folders(ROOT, OURS, f"{OURS}/grader")


def _own_folders() -> list[Path]:
    """Return our packages wherever they are: beside torch if installed there, or where the project is worked on."""
    project = GRADER.parent
    found = [folder / own for folder in package_folders() for own in OWN_PACKAGES]
    found += [project / own for own in (*OWN_PACKAGES, *OF_THE_PROJECT)]
    return [folder for folder in dict.fromkeys(found) if folder.is_dir()]


def folders(*made: str) -> Iterator[str]:
    """Yield the options that make folders which everybody may look into."""
    for folder in made:
        yield from ("--perms", "0755", "--dir", folder)


def our_files(names: Iterable[str]) -> Iterator[str]:
    """Yield binds for files or folders of the package `grader`."""
    for name in names:
        yield from ("--ro-bind", str(GRADER / name), f"{OURS}/grader/{name}")


def lab_binds() -> Iterator[str]:
    """Yield binds for every probe, and for the lab's networks, into which submitted weights are loaded."""
    yield from our_files(("__init__.py", "codepages.py", "probes"))
    reference = importlib.util.find_spec("reference")
    assert reference is not None
    assert reference.origin is not None
    yield from folders(f"{OURS}/reference")
    for name in ("__init__.py", LAB.networks_script):
        yield from ("--ro-bind", str(Path(reference.origin).resolve().parent / name), f"{OURS}/reference/{name}")


def drop_root() -> list[str]:
    """Return the command that changes the user if root: process limits do not apply to user 0, whatever bwrap says."""
    if os.geteuid() != 0:
        return []
    user = ["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]
    return ["/usr/bin/setpriv", *user, "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "--"]
