"""A student's scripts, called as the grader calls them, in the real sandbox for code."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grader.collect import Equipment
from grader.collect.code import open_caller
from grader.collect.code.caller import Caller
from grader.collect.looks import every_look
from grader.collect.subject import Subject
from grader.evidence import EVIDENCE, Evidence, Failure, Observation, Seen, kind_of
from grader.intake import Archive, open_submission
from grader.marking.judge import judge
from grader.marking.rubric import Rubric
from grader.probes.code import importing, inert, running, stand_ins
from grader.probes.worker import answer
from grader.records import Finding, Student, Submission, message
from grader.sandbox import BACKENDS, Called, Job, Roots, Sandbox, open_sandbox, why_no_code, why_not
from grader.sandbox.interface import read_reply


@pytest.fixture(scope="module", params=BACKENDS)
def each_sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """Each way to isolate, one after the other; a module of tests may take it for the shared sandbox."""
    if problem := why_not(request.param):
        pytest.skip(problem.english())
    with open_sandbox(request.param) as sandbox:
        yield sandbox


Try = Callable[..., dict[str, Observation]]

# As short as they can be and right: what a test breaks is one of these.
RIGHT = {
    path.name: path.read_text("utf-8") for path in (Path(__file__).parents[3] / "fixtures" / "right_code").glob("*.py")
}

GIVEN, OURS = str(Path(running.__file__).parents[3] / "reference"), str(Path(running.__file__).parents[2])

LAB_MODULES = ("exp1", "exp2", "extract_features", "retrieve", "families", "models", "training", "fast", "lab")


@pytest.fixture
def submission(tmp_path: Path) -> Callable[[dict[str, str]], Submission]:
    """A submission of these files, unpacked."""

    def build(files: dict[str, str]) -> Submission:
        folder = tmp_path / "handed-in"
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content, encoding="utf-8")
        return open_submission(Archive(folder, Student("Ada Ng")), tmp_path / "unpacked")

    return build


@pytest.fixture(autouse=True)
def no_module_of_theirs_stays() -> Iterator[None]:
    """Scripts that are imported in this process must not be taken for those of the reference by other tests.

    Nor must what stands in for data sets and downloads stay, or what finds a submission's modules: it fails for others.
    """
    before = {name: sys.modules.pop(name) for name in LAB_MODULES if name in sys.modules}
    arguments, hooks = sys.argv, list(sys.path_hooks)
    yield
    sys.argv, sys.path_hooks[:] = arguments, hooks
    for name in [name for name, module in sys.modules.items() if name in LAB_MODULES or _is_theirs(module)]:
        del sys.modules[name]
    sys.modules.update(before)
    stand_ins.uninstall()
    inert.uninstall()


def _is_theirs(module: object) -> bool:
    return isinstance(getattr(getattr(module, "__spec__", None), "loader", None), importing.Theirs)


@pytest.fixture
def trying(submission: Callable[..., Submission], shared_sandbox: Sandbox) -> Try:
    """Try scripts: what was observed of each, by the kind of record."""
    if problem := why_no_code():
        pytest.skip(problem.english())

    def run(files: dict[str, str]) -> dict[str, Observation]:
        handed_in = submission(files)
        equipment = Equipment(message("no images"), shared_sandbox)
        with open_caller(handed_in, equipment) as caller:
            subject = Subject(handed_in, equipment, caller)
            found = {kind_of(one.record): one.run(subject) for one in every_look() if one.calls_code}
        return {kind: one if isinstance(one, Failure) else Seen(one) for kind, one in found.items()}

    return run


class InProcess:
    """Runs a code probe in this process, for code that a test wrote itself: a hundred times as fast."""

    def __init__(self, submission: Path) -> None:
        self.roots = Roots(str(submission), GIVEN, "/nowhere", OURS)

    def call(self, job: Job) -> Called:
        files = {name: os.open(path, os.O_RDONLY) for name, path in job.files.items()}
        out = io.BytesIO()
        answer(job.request(self.roots), files, out)
        for descriptor in files.values():
            os.close(descriptor)
        out.seek(0)
        return Called(read_reply(out.read, job.arrays), "")


@pytest.fixture
def judged(
    submission: Callable[..., Submission], shared_sandbox: Sandbox, lab_rubric: Rubric, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, str, str], Finding]:
    """One check's finding about one script, without a sandbox: `judged("evaluation", "exp2.py", code)`."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "pycache_prefix", None)

    def of(check: str, script: str, code: str) -> Finding:
        handed_in = submission({script: code})
        caller = Caller(handed_in, InProcess(handed_in.root))  # type: ignore[arg-type]
        line = next(line for line in lab_rubric.lines if line.criterion.check == check)
        (look,) = [one for one in every_look() if one.record is line.check.reads]
        subject = Subject(handed_in, Equipment(message("no images"), shared_sandbox), caller)
        found = look.run(subject)
        found = found if isinstance(found, Failure) else Seen(found)
        evidence = Evidence(Student("Ada"), "d" * 64, "a.zip", ((kind_of(line.check.reads), found),))
        stored = EVIDENCE.validate_json(EVIDENCE.dump_json(evidence))  # a mark can be made again from what is stored
        assert stored == evidence
        (finding,) = judge(stored, Rubric((line,), "r"))
        return finding

    return of


@pytest.fixture(scope="session")
def right() -> dict[str, str]:
    return RIGHT
