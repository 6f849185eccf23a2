"""The autograder on Gradescope: its own two scripts, in a container that was started without options."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fixtures.stories import RIGHT_CODE, bases
from fixtures.warm import Warm
from grader.dataset import ImageSet
from grader.gradebook.exports import Request, export
from grader.labs import the_lab

pytestmark = [pytest.mark.slow, pytest.mark.cifar10, pytest.mark.timeout(900)]

IN_CONTAINER = Path(__file__).parents[3] / ".ci" / "in_container.py"
REACHED, FORGED, EARLIER = "REACHED", "FORGED", "EARLIER"
TOLD = (".json", ".html", ".txt")
# What needs a network has stand-ins: system packages count as installed, and pip installs the zip's wheel alone. The
# other packages are those that these tests run with, bound to where pip would have put them.
NO_APT = "#!/bin/sh\nexit 0\n"
PYTHON = f'#!/bin/sh\nexec {Path(sys.executable).resolve()} "$@"\n'
PACKAGES = f"/autograder/venv/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
NOT_BOUND = ("pip", "cnn_lab_grader", "grader", "reports", "reference", "fixtures", "__", "distutils-precedence")
PIP = ("PIP_NO_INDEX=1", "PIP_NO_DEPS=1", "PIP_FORCE_REINSTALL=1", "PIP_DISABLE_PIP_VERSION_CHECK=1")
METADATA = {
    "created_at": "2026-03-05T10:00:00.000000+00:00",
    "previous_submissions": [{"results": {"output": EARLIER}}],
}
HOSTILE = """
import glob, json, os

FORGED = json.dumps({"score": 100, "output": "FORGED"})

def look(path):
    try:
        with open(path, "rb") as file:
            file.read(1)
        print("REACHED", path)
    except OSError:
        pass

def forge():
    for name in ("results/results.json", "source/run_autograder", "source/failed.json", "venv/bin/grade",
                 "submission/exp2.py"):
        path = "/autograder/" + name
        for attempt in (lambda: open(path, "w").write(FORGED), lambda: os.chmod(path, 0o777), lambda: os.unlink(path),
                        lambda: os.rename(path, path + ".old"), lambda: os.symlink("/dev/null", path + ".link")):
            try:
                attempt()
                print("REACHED", path)
            except OSError:
                pass

OURS = ("grader", "reports", "reference", "fixtures", "cnn_lab_grader*")
for place in ("source", "results", "cache", "venv/bin", *(f"venv/lib/*/site-packages/{name}" for name in OURS)):
    for path in glob.glob(f"/autograder/{place}/**", recursive=True):
        look(path)
packages = glob.glob("/autograder/venv/lib/*/site-packages")
for name in ("grader/labs/resnet-and-retrieval/rubric.toml", "grader/cli/app.py", "reference/exp2.py",
             "fixtures/__init__.py"):
    look(f"{packages[0] if packages else '/nowhere'}/{name}")
for name in ("source/rubric.toml", "source/run_autograder", "submission_metadata.json", "results/results.json",
             "cache/cnn-lab-grader/cifar-10/test_labels.npy"):
    assert os.path.isabs(f"/autograder/{name}")
    look(f"/autograder/{name}")
for name in (*map(str, range(1, 400)), "self/../1"):
    for what in ("environ", "mem", "root/autograder/source/rubric.toml", "cwd/rubric.toml"):
        if name != str(os.getpid()):
            look(f"/proc/{name}/{what}")
forge()
if os.fork() == 0:  # waits until the grader has written, and would write after it
    try:
        os.setsid()
    except OSError:
        pass
    import time
    for _ in range(600):
        time.sleep(0.5)
        forge()
    os._exit(0)
print("looked")
"""


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stand-ins")
    for name, script in (("apt-get", NO_APT), ("python3.12", PYTHON)):
        (folder / name).write_text(script, encoding="utf-8")
        (folder / name).chmod(0o755)
    return folder


def bound_packages() -> list[str]:
    folders = {Path(sysconfig.get_paths()[kind]) for kind in ("purelib", "platlib")}
    entries = [entry for folder in folders for entry in folder.iterdir() if not entry.name.startswith(NOT_BOUND)]
    return [f"{entry}:{PACKAGES}/{entry.name}:ro" for entry in entries if entry.suffix != ".pth"]


@dataclass(frozen=True)
class Gradescope:
    """Its folder, after `setup.sh`."""

    folder: Path
    grades: Path
    call: Callable[[str], subprocess.CompletedProcess[str]]

    def results(self, files: dict[str, bytes]) -> dict[str, Any]:
        """What it would show of a submission."""
        for name in ("submission", "results"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
            (self.folder / name).mkdir()
        put(files, self.folder / "submission")
        done = self.call("run_autograder")
        assert done.returncode == 0
        (self.grades / "printed.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
        found: dict[str, Any] = json.loads((self.folder / "results" / "results.json").read_text("utf-8"))
        return found

    def everything(self) -> str:
        """What is told anywhere: results, grades, evidence and what was printed."""
        files = [path for place in (self.grades, self.folder / "results") for path in place.rglob("*")]
        return "\n".join(path.read_text("utf-8", "replace") for path in files if path.suffix in TOLD)


@pytest.fixture(scope="module")
def gradescope(
    in_container: Path, stand_ins: Path, cifar10: ImageSet, tmp_path_factory: pytest.TempPathFactory
) -> Gradescope:
    place = tmp_path_factory.mktemp("autograder")
    place.chmod(0o755)
    export(Request(to="gradescope-autograder", out=place / "zip", rubric=the_lab().rubric))
    with zipfile.ZipFile(place / "zip") as archive:
        archive.extractall(place / "source")
    (place / "zip").unlink()
    (place / "submission_metadata.json").write_text(json.dumps(METADATA), encoding="utf-8")
    images = f"{cifar10.folder}:/autograder/cache/cnn-lab-grader/{cifar10.folder.name}:ro"
    grades = tmp_path_factory.mktemp("grades")  # where run_autograder leaves what it makes results.json of
    grades.chmod(0o1777)
    binds = [f"{sys.base_prefix}:{sys.base_prefix}:ro", f"{stand_ins}:/usr/local/sbin:ro"]
    binds += [f"{place}:/autograder", f"{grades}:/tmp", images, *bound_packages()]
    options = [part for bind in binds for part in ("--bind", bind)]
    options += [part for setting in PIP for part in ("--env", setting)]

    def called(script: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(IN_CONTAINER), *options, "bash", f"/autograder/source/{script}"]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    done = called("setup.sh")
    assert done.returncode == 0, done.stdout + done.stderr
    return Gradescope(place, grades, called)


def put(files: dict[str, bytes], folder: Path) -> None:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory, warm: Warm) -> dict[str, bytes]:
    """The lab, solved, with a retrieval report that needs no download to be checked."""
    folder = tmp_path_factory.mktemp("solved")
    files = bases()["reference"]()
    put(files, folder)
    command = ["retrieve.py", "--weights", "random", "--model", "final.pth", "--model", "alexnet"]
    warm.run(command, folder, {**os.environ, "OMP_NUM_THREADS": "1"}).check_returncode()
    return {**files, "retrieval.json": (folder / "retrieval.json").read_bytes()}


def test_every_criterion_of_a_good_submission_is_judged(gradescope: Gradescope, solved: dict[str, bytes]) -> None:
    found = gradescope.results(solved)
    assert found["score"] == 100, gradescope.everything()
    assert [test for test in found["tests"] if test["score"] != test["max_score"]] == []


def test_hostile_code_reads_and_forges_nothing(gradescope: Gradescope) -> None:
    source = gradescope.folder / "source"
    before = {path: path.read_bytes() for path in source.iterdir()}
    hostile = HOSTILE.encode() + (RIGHT_CODE / "exp2.py").read_bytes()
    found = gradescope.results({"exp2.py": hostile})
    told = gradescope.everything()
    assert "looked" in told  # it did run
    assert [word for word in (REACHED, FORGED, EARLIER) if word in told] == []
    assert {path: path.read_bytes() for path in source.iterdir()} == before
    assert sum(test["score"] for test in found["tests"]) == found["score"] == 16.25  # of its functions and its file
