"""`grade precheck`: check what a student would hand in as the grader will, on part of the test images.

The grader's own stages check what `grade pack` would pack. The code is the student's own, on the
student's own machine: only the public tests run it, without a sandbox.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.collect import NOT_RUN, Equipment, code_records, collect
from grader.dataset import ImageSet, find_set, usual_places
from grader.disk.scratch import scratch
from grader.evidence import Accuracy, Evidence, OpenTask, Tasks
from grader.intake import Archive, open_submission
from grader.labs import the_lab
from grader.machine import processors
from grader.marking.check import Ramp
from grader.marking.judge import judge
from grader.marking.rubric import Line, Rubric
from grader.measures.intervals import sampling_error, wilson_interval
from grader.records import Blocked, Checked, Finding, Judged, Manual, Message, State, Student, Unjudged, message
from grader.records.errors import MissingData
from grader.sandbox import Limits, open_sandbox
from grader.students.pack import asked_for, pack
from grader.students.public_tests import TaskResult, public_tests, run_public_tests
from grader.students.template_language import ENGLISH

PART = 2_000  # test images: a few seconds on a laptop, and an interval of 1.5 points to either side
SECONDS = 240.0  # for everything together


@dataclass(frozen=True, slots=True)
class Precheck:
    """The result: a line for each task and each public criterion."""

    tasks: tuple[Checked, ...]
    criteria: tuple[Checked, ...]

    @property
    def ready(self) -> bool:
        """Return whether nothing is missing, wrong or undetermined."""
        return all(line.state == "good" for line in (*self.tasks, *self.criteria))


def precheck(
    folder: Path, images: ImageSet | Message, rubric: Rubric, say: Callable[[Message], None], language: str = ENGLISH
) -> Precheck:
    """Check a student's folder. Raises BadLab or BadSubmission if there is nothing to check.

    `language` is that of the public tests' hints.
    """
    with scratch("precheck") as place:
        say(message("packing your submission"))
        packed = pack(folder, place / "submission.zip", asked=asked_for(rubric))
        submission = open_submission(Archive(packed.path, Student(folder.absolute().name)), place / "unpacked")
        equipment = Equipment(
            images, open_sandbox("plain"), "cpu", processors(), Limits(SECONDS), part=PART,
            choose_preprocessing=rubric.allows("measured_accuracy", "choose_preprocessing"),
        )  # fmt: skip
        evidence = collect(submission, equipment, say)
    tested: tuple[TaskResult, ...] | str = ()
    if public_tests() is not None:
        say(message("running the public tests on your code"))
        tested = run_public_tests(folder, language)
    findings = judge(evidence, rubric)
    lines = [
        _criterion(line, finding, evidence.of(line.criterion.network), language)
        for line, finding in zip(rubric.lines, findings, strict=True)
        if line.criterion.audience == "student"
        and line.check is not None
        and line.check.reads not in code_records()  # the public tests cover it
    ]
    return Precheck(tuple(_tasks(tested, evidence)), tuple(lines))


def find_images(folder: Path, data: Path | None, cache: Path) -> ImageSet | Message:
    """Find the lab's images: at `--data`, in the cache, or where its script puts them. Raises MissingData."""
    try:
        if found := find_set(the_lab(), data, cache, (folder / "data", *usual_places())):
            return found
    except MissingData:
        if data:
            raise
    return message(
        "not measured: {dataset} is neither in {folder} nor in the cache. Run {training_script} once, or give its"
        " folder with --data.",
        folder=str(folder / "data"),
        training_script=the_lab().training_script,
        dataset=the_lab().dataset,
    )


def _tasks(tested: tuple[TaskResult, ...] | str, evidence: Evidence) -> Iterator[Checked]:
    if isinstance(tested, str):
        step = message("Run 'pytest' in your folder to see which test it is.")
        yield Checked(message("Tasks"), "bad", message("the public tests stopped early: {why}", why=tested), (step,))
        return
    open_ = {task.number: task for task in (evidence.seen(Tasks) or Tasks(())).open}
    for task in tested:
        yield _task(task, open_.get(task.task))


def _task(tested: TaskResult, open_task: OpenTask | None) -> Checked:
    subject = message("Task {number}", number=tested.task) if tested.task else message("Public tests")
    if open_task:
        text = open_task.text[:1].upper() + open_task.text[1:]  # capitalize() writes "alexnet"
        step = message("{text}: line {line} of {file}.", text=text, line=open_task.line, file=open_task.file)
        return Checked(subject, "bad", message("not done yet"), (step,))
    passed = message("{passed} of {count} public tests pass", passed=tested.passed, count=tested.count)
    if not tested.complaint:
        return Checked(subject, "good", passed)
    return Checked(subject, "bad", passed, (message("{complaint}", complaint=tested.complaint),))


def _criterion(line: Line, finding: Finding, evidence: Evidence, language: str) -> Checked:
    title, network = _titled(line, language), line.criterion.network
    subject = message("{title} ({network})", title=title, network=network) if network else title
    match finding:
        case Blocked(cause=cause):
            return Checked(subject, "bad", message("not ready"), (cause,))
        case Unjudged(code=code) if code == NOT_RUN:
            step = message(
                "Define the class in {networks_script} or {training_script} so that it can be built without arguments,"
                " as in {example}.",
                example="MyNet()",
                training_script=the_lab().training_script,
                networks_script=the_lab().networks_script,
            )
            sentence = message(
                "not measured here: the weights belong to your own network, which the grader builds from its class"
            )
            return Checked(subject, "worse", sentence, (step,))
        case Unjudged(fault=fault):
            return Checked(subject, "worse", fault)
        case Manual(ask=ask):
            return Checked(subject, "worse", ask)
        case Judged(verdict=verdict):
            on_a_curve = isinstance(line.limits, Ramp)  # any credit counts as ready, though it could be better
            state: State = "good" if verdict.credit == 1.0 or (on_a_curve and verdict.credit > 0.0) else "bad"
            said = _band(line.limits, line.criterion.points, evidence) if on_a_curve else verdict.message
            return Checked(subject, state, said, () if state == "good" else verdict.hints)


def _titled(line: Line, language: str) -> Message:
    """Return the title: a check's own is in the catalogue, an instructor's is as it was written."""
    criterion = line.criterion
    if line.check is not None and criterion.title == line.check.title:
        return Message(criterion.title)
    return message("{title}", title=dict(criterion.titles).get(language, criterion.title))


def _band(curve: Ramp, points: float, evidence: Evidence) -> Message:
    """Word the accuracy on part of the images as the range expected on all of them, with its points."""
    scores = evidence.seen(Accuracy)
    assert scores is not None
    low, high = wilson_interval(scores.correct, scores.count)
    if not sampling_error(scores):
        low = high = scores.correct / scores.count
    return message(
        "{correct:,} of the first {count:,} test images are classified correctly: the full test set will"
        " give {low:.1%} to {high:.1%} (19 times in 20), or {least:.1f} to {most:.1f} of {points:g} points",
        correct=scores.correct, count=scores.count, low=low, high=high,
        least=points * curve.credit(low), most=points * curve.credit(high), points=points,
    )  # fmt: skip
