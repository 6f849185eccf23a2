"""What the inside of a sandbox sees: Python with its packages, the system's libraries, and what a cell adds.

Everything lies where it lies outside, so nothing of ours can hide a folder of Python. Packages of ours are left out
wherever they are: they hold the rubric and the solution.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

OWN_PACKAGES = ("grader", "reports", "reference", "fixtures")
OF_THE_PROJECT = ("tests", "benchmarks")
PACKAGES = ("torch", "torchvision", "numpy", "pypdf", "PIL", "py7zr", "rarfile", "libarchive")
SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc/ld.so.cache", "/sys/devices/system")
OF_PYTHON = ("bin", "lib", "lib64")
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
OF_A_GPU = ("/sys/bus/pci", "/sys/devices", "/proc/driver/nvidia")
GRADER = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class View:
    """Paths that can be seen, for both ways to show them (grader/probes/cell.py has the meaning of each field)."""

    shown: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()

    def as_lists(self) -> dict[str, list[str]]:
        """Return the fields as JSON has them."""
        return {name: list(paths) for name, paths in asdict(self).items()}


def package_folders() -> list[Path]:
    """Return the folders of the packages that probes use, found without importing them."""
    specs = [importlib.util.find_spec(name) for name in PACKAGES]
    return sorted({Path(spec.origin).resolve().parent.parent for spec in specs if spec and spec.origin})


def of_python() -> View:
    """Return what every sandbox sees."""
    base = Path(sys.base_prefix).resolve()
    shown = [Path(one) for one in SYSTEM] + [base / one for one in OF_PYTHON] + package_folders()
    shown = [one for one in shown if os.path.lexists(one)]
    real = [one for one in shown if not one.is_symlink()]
    hidden = [one for one in own_folders() if any(one.is_relative_to(folder) for folder in real)]
    allowed: list[str] = []
    listed: list[str] = []
    for folder in real:
        _allow(folder, frozenset(hidden), allowed, listed)
    return View(_texts(shown), _texts(hidden), tuple(allowed), tuple(listed), DEVICES)


def beside(*folders: Path, gpu: bool = False) -> View:
    """Return what one sandbox sees beside Python."""
    own = _texts(folders)
    if not gpu:
        return View(shown=own, allowed=own)
    of_the_gpu = tuple(path for path in OF_A_GPU if Path(path).exists())
    devices = _texts(sorted(Path("/dev").glob("nvidia*")))
    mounted = tuple(path for path in of_the_gpu if not path.startswith("/proc"))
    return View(shown=(*own, *mounted), allowed=(*own, *of_the_gpu), devices=devices)


def own_folders() -> list[Path]:
    """Return our packages wherever they are: beside torch if installed there, or where the project is worked on."""
    project = GRADER.parent
    found = [folder / own for folder in package_folders() for own in OWN_PACKAGES]
    found += [project / own for own in (*OWN_PACKAGES, *OF_THE_PROJECT)]
    return [folder for folder in dict.fromkeys(found) if folder.is_dir()]


def _allow(path: Path, hidden: frozenset[Path], allowed: list[str], listed: list[str]) -> None:
    """Allow a folder whole, or by its entries where something below it is hidden: a rule cannot be taken back."""
    if path in hidden:
        return
    if not any(one.is_relative_to(path) for one in hidden):
        allowed.append(str(path))
        return
    listed.append(str(path))  # of which names alone can be read
    for entry in sorted(path.iterdir()):
        if not entry.is_symlink():
            _allow(entry, hidden, allowed, listed)


def _texts(paths: Iterable[Path]) -> tuple[str, ...]:
    return tuple(map(str, paths))
