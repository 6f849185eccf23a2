"""What every test stands on: caches and data folders of its own, the real CIFAR-10 on request, and the mark `slow`."""

from __future__ import annotations

import os
import pickle
import re
import shutil
import site
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

import fixtures
from grader.checks import load_rubric
from grader.dataset import ImageSet, default_cache, demo, find_cifar10
from grader.evidence import Accuracy, Bin, Evidence, Failure, Seen, kind_of
from grader.labs import DEFAULT, find_lab, using_lab
from grader.marking.rubric import Rubric
from grader.records import Student
from grader.sandbox import CodeSandbox, Job, Reply, Sandbox, Shared, open_sandbox

if TYPE_CHECKING:
    from fixtures.warm import Warm

# Stories are no part of an installation, which tests may be run on: they are found in the checkout.
fixtures.__path__.append(str(Path(__file__).parents[1] / "fixtures"))

# No test measures time: a machine that is busy with something else is not a fault.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# Kept before the environment is emptied below.
REAL_CACHE = default_cache()
REAL_DATA = os.environ.get("CNN_LAB_GRADER_DATA")

# Fixtures that take seconds to set up: a sandbox with torch in it, a browser, a data set, networks. A test using one,
# directly or through another fixture, is slow. A test that is slow for another reason is marked where it stands.
COSTLY = {
    "attack_anywhere", "attack_plain", "isolated", "chromium", "cifar10", "demo_images", "exp2", "extract_features",
    "families", "forge", "retrieve", "shared_sandbox", "shut",
    "warm",
}  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if COSTLY & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True, scope="session")
def nothing_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes the user's own caches, settings or data, nor does a process that it starts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONUSERBASE", site.getuserbase())  # packages may be installed there: found by way of HOME
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        patch.delenv("CNN_LAB_GRADER_DATA", raising=False)
        patch.setenv("LC_ALL", "C.UTF-8")  # the language of messages
        yield


@pytest.fixture(autouse=True)
def default_lab() -> Iterator[None]:
    """A command that a test runs in this process may choose another lab; the next test has the default one."""
    with using_lab(find_lab(DEFAULT)):
        yield


@pytest.fixture(scope="session")
def cifar10() -> ImageSet:
    """The real CIFAR-10, from CNN_LAB_GRADER_DATA or the user's cache; never fetched by a test."""
    found = find_cifar10(Path(REAL_DATA) if REAL_DATA else None, REAL_CACHE)
    if found is None:
        pytest.skip("CIFAR-10 is not here: run `grade data fetch`")
    return found


@pytest.fixture(scope="session")
def demo_images(tmp_path_factory: pytest.TempPathFactory) -> ImageSet:
    """The drawn set of the demo, 2,000 test and 5,000 training images."""
    return demo(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="session")
def part_of_the_demo(demo_images: ImageSet, tmp_path_factory: pytest.TempPathFactory) -> Callable[[int, int], ImageSet]:
    """Return the first test and training images of the drawn set, so many of each."""

    def part(test: int, train: int) -> ImageSet:
        folder = tmp_path_factory.mktemp("few")
        for split, count in (("test", test), ("train", train)):
            np.save(folder / f"{split}_images.npy", demo_images.images(split)[:count])
            np.save(folder / f"{split}_labels.npy", demo_images.labels(split)[:count])
        return ImageSet("few", demo_images.classes, "0" * 64, folder)

    return part


@pytest.fixture(scope="session")
def few_images(part_of_the_demo: Callable[[int, int], ImageSet]) -> ImageSet:
    """200 test and 150 training images of the drawn set: the demo's weights name most of them correctly."""
    return part_of_the_demo(200, 150)


# Words that are for staff, or the grader's own, in both languages: no page for students holds one.
INTERNAL = (
    "staff", "flag", "flags", "sandbox", "landlock", "seccomp", "namespaces", "needs a human", "unusable", "judged",
    "unjudged", "blocked", "regrade", "grade run", "grade data", "grade doctor", "grade weights", "grade again",
    "this machine", "the grader's machine", "the student", "the student's", "by hand", "--memory",
    "--time-limit", "--rubric", "助教", "教师", "沙箱", "需要人工处理", "无法使用",
)  # fmt: skip


@pytest.fixture(scope="session")
def internal() -> Callable[[str], list[str]]:
    """Return which words of INTERNAL a page shows."""

    def found(page: str) -> list[str]:
        text = re.sub(r"<[^>]*>", " ", re.sub(r"<(style|script)>.*?</\1>", " ", page, flags=re.S))
        shown = " ".join(unescape(text).split())
        words = {word: rf"(?<![\w-]){re.escape(word)}(?![\w-])" if word.isascii() else word for word in INTERNAL}
        return [word for word, pattern in words.items() if re.search(pattern, shown, re.IGNORECASE)]

    return found


@pytest.fixture(scope="session")
def lab_rubric() -> Rubric:
    return load_rubric()


@pytest.fixture(scope="session")
def scores() -> Callable[..., Accuracy]:
    """Scores of `correct` images of `count` in ten classes; what is wrong was taken for the next class."""

    def build(correct: int, count: int, not_finite: int = 0) -> Accuracy:
        confusion = np.zeros((10, 10), dtype=int)
        for number in range(count - not_finite):
            truth = number % 10
            confusion[truth, truth if number < correct else (truth + 1) % 10] += 1
        rows = tuple(tuple(map(int, row)) for row in confusion)
        bins = (*(Bin(0, 0.0, 0) for _ in range(9)), Bin(count - not_finite, 0.95, correct))
        return Accuracy("few", tuple("abcdefghij"), correct, count, rows, bins, not_finite)

    return build


@pytest.fixture(scope="session")
def evidence() -> Callable[..., Evidence]:
    """Evidence of the given records; failures by record: `evidence(history, failed={Accuracy: TimedOut(3.0)})`."""

    def build(*records: Any, failed: dict[type[Any], Failure] | None = None) -> Evidence:
        seen = [(record.kind, Seen(record)) for record in records]
        failures = [(kind_of(kind), failure) for kind, failure in (failed or {}).items()]
        return Evidence(Student("Ada Ng"), "d" * 64, "ada.zip", (*seen, *failures))

    return build


@pytest.fixture(scope="session")
def in_container() -> Path:
    """The tool that runs a command as in a container that was started without options; it works here."""
    tool = Path(__file__).parents[1] / ".ci" / "in_container.py"
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("runc") is None:
        pytest.skip("a container needs Linux, root and runc (on Debian and Ubuntu: apt install runc)")
    tried = subprocess.run([sys.executable, tool, "true"], capture_output=True, text=True, timeout=60, check=False)
    if tried.returncode and "runc" in tried.stderr:  # as inside another container
        pytest.skip(f"runc cannot start a container here: {tried.stderr.strip()[-200:]}")
    return tool


TIMED = "machine.time_ordinary_network"
MOST_REMEMBERED = 50_000_000  # bytes of the files of a job


class Remembers:
    """A sandbox like another, but that the same question about the same files is answered once in a run of all tests.

    What runs student code, what failed, and what measures time is done each time.
    """

    def __init__(self, sandbox: Shared, folder: Path) -> None:
        self._sandbox, self._folder = sandbox, folder
        self.name, self.isolated = sandbox.name, sandbox.isolated
        self.renew = sandbox.renew
        folder.mkdir(exist_ok=True)

    @property
    def descriptors(self) -> tuple[int, ...]:
        return self._sandbox.descriptors

    @property
    def gone(self) -> bool:
        return self._sandbox.gone

    def joined(self) -> Remembers:
        return Remembers(self._sandbox.joined(), self._folder)

    def for_code(self, submission: Path) -> CodeSandbox | None:
        return self._sandbox.for_code(submission)

    def run(self, job: Job) -> Reply | Failure:
        files = {name: digest_of(path) for name, path in job.files.items()}
        if job.probe == TIMED or None in files.values():
            return self._sandbox.run(job)
        most = job.limits.megabytes
        asked = (self.name, job.probe, sorted(job.inputs.items()), sorted(files.items()), job.arrays, most)
        place = self._folder / sha256(repr(asked).encode()).hexdigest()
        if place.exists():
            return pickle.loads(place.read_bytes())
        answer = self._sandbox.run(job)
        if isinstance(answer, Reply):
            written = place.with_suffix(f".{os.getpid()}")
            written.write_bytes(pickle.dumps(answer))
            written.replace(place)
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ended: object) -> None: ...


def digest_of(path: Path) -> str | None:
    """Return the digest of a file; None for what is too large or cannot be read."""
    try:
        return sha256(path.read_bytes()).hexdigest() if path.stat().st_size <= MOST_REMEMBERED else None
    except OSError:
        return None


@pytest.fixture(scope="session")
def remembering(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Shared], Remembers]:
    """Wrap a sandbox, for tests that are about submissions."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # common to all workers
    return lambda sandbox: Remembers(sandbox, folder / "remembered")


@pytest.fixture(scope="session")
def shared_sandbox(remembering: Callable[[Shared], Remembers]) -> Iterator[Remembers]:
    """The sandbox that this machine offers, started once: torch is imported in it a single time."""
    with open_sandbox() as sandbox:
        assert isinstance(sandbox, Shared)
        yield remembering(sandbox)


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    """Runs what students run in forks of one Python, which has imported torch."""
    from fixtures.warm import Warm  # late: an installation has no such module, the checkout has

    with Warm(tmp_path_factory.mktemp("warm")) as python:
        yield python


class RunsNoCode:
    """A sandbox like another, but that no student code is run beside it: starting one for that takes seconds."""

    name = "for files only"
    isolated = True

    def __init__(self, sandbox: Sandbox) -> None:
        self.run = sandbox.run

    def for_code(self, submission: Path) -> None:
        return None


@pytest.fixture(scope="session")
def files_sandbox(shared_sandbox: Sandbox) -> RunsNoCode:
    """The shared sandbox, for tests that are not about student code."""
    return RunsNoCode(shared_sandbox)
