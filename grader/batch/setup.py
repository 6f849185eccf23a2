"""Set up one run of `grade`: from options to the archives, the images and the equipment that all submissions share."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from grader import __version__
from grader.batch.one import Setup
from grader.checks import discover, load_rubric
from grader.collect import Equipment
from grader.dataset import ImageSet, Progress, default_cache, fetch_command, fetch_set, find_set, megabytes, no_set
from grader.disk.names import from_disk
from grader.evidence import Accuracy, History, Layout
from grader.gradebook.attempts import Choose
from grader.gradebook.publish import Publisher
from grader.intake import Archive, expand
from grader.intake.platforms import own_form
from grader.labs import DEFAULT, Lab, here, the_lab, use_lab
from grader.machine import processors
from grader.marking.rubric import Rubric
from grader.records import AttemptChoice, MadeBy, Message, SandboxChoice, message
from grader.records.errors import BadLab, MissingData
from grader.sandbox import Job, Limits, Reply, Sandbox, open_sandbox

Device = Literal["auto", "cpu", "cuda"]
NVIDIA = Path("/dev/nvidiactl")  # exists if the driver is loaded; asking torch would mean importing it


@dataclass(frozen=True, slots=True)
class Options:
    """The command line, parsed."""

    rubric: Path | None
    out: Path
    device: Device
    sandbox: SandboxChoice
    audience: Literal["staff", "student"]
    weights_dir: Path | None
    time_limit: float
    memory: int
    attempts: AttemptChoice = "last"
    zero: bool = False  # an archive that cannot be opened earns nothing
    roster: Path | None = None
    encoding: str | None = None  # of the roster
    jobs: int | None = None  # submissions at a time; None for what the machine allows
    again: bool = False  # grade what was graded before as well
    cluster: str | None = None  # the address of a scheduler, whose workers grade
    tls: Path | None = None  # the folder of its certificate; None for the user's own
    insecure: bool = False  # without any

    @property
    def measuring(self) -> tuple[object, ...]:
        """Return the options on which a measurement depends."""
        weights = str(self.weights_dir.resolve()) if self.weights_dir else ""
        return self.device, NVIDIA.exists(), self.sandbox, weights, self.time_limit, self.memory

    @property
    def as_written(self) -> tuple[str, ...]:
        """Return the options that can change a mark, as written on a command line, without paths of this machine."""
        lab = ("--lab", from_disk(the_lab().name)) if the_lab().name != DEFAULT else ()
        rubric = ("--rubric", from_disk(self.rubric.name)) if self.rubric else ()
        device = ("--device", self.device) if self.device != "auto" else ()
        weights = ("--weights-dir", from_disk(self.weights_dir.name)) if self.weights_dir else ()
        zero = ("--unusable", "zero") if self.zero else ()
        sandbox = ("--sandbox", "none") if self.sandbox == "none" else ()
        roster = ("--roster", from_disk(self.roster.name)) if self.roster else ()
        return (*lab, *rubric, *device, *sandbox, *weights, *zero, *roster)


def find_archives(paths: Sequence[Path], names: str | None = None) -> tuple[tuple[Archive, ...], tuple[BadLab, ...]]:
    """Return every submission that the paths stand for, each once, and what is wrong with the other paths.

    `names` is the form of the instructor's own names, such as {id}_{name}_{rest}. Raises BadLab if it has no such form.

    Several submissions under one name, without a number or address, do not say whose they are.
    """
    archives: dict[Path, Archive] = {}
    refusals: list[BadLab] = []
    form = own_form(names) if names is not None else None
    for path in paths:
        try:
            for archive in expand(path, form):
                # `../lab/ada.zip` is `ada.zip`; a link counts as itself, not as its target
                archives.setdefault(archive.path.parent.resolve() / archive.path.name, archive)
        except BadLab as error:
            refusals.append(error)
    homes = {(one.student.name, _home(one)) for one in archives.values() if not one.student.known}
    counts = Counter(name for name, _ in homes)
    return tuple(_guessed(one) if counts[one.student.name] > 1 else one for one in archives.values()), tuple(refusals)


def _home(archive: Archive) -> Path:
    """Return the folder that is named after the student, in which several archives are attempts; else the archive."""
    around = archive.path.parent
    return around if from_disk(around.name) == archive.student.name else archive.path


def _guessed(archive: Archive) -> Archive:
    if archive.student.known:
        return archive
    return replace(archive, student=replace(archive.student, guessed=True))


def find_images(
    data: Path | None, cache: Path, progress: Progress | None, say: Callable[[Message], None]
) -> ImageSet | Message:
    """Find the lab's images, or fetch them if `progress` is given; else return why there are none.

    Raises MissingData for a bad `data`, BadLab for bad images of the lab's own.
    """
    lab = the_lab()
    try:
        found = find_set(lab, data, cache)
    except MissingData:
        if data is not None:
            raise
        found = None
    if found is not None:
        if found.drawn:
            say(message("The grades are about drawn images in place of {dataset}.", dataset=lab.dataset))
        return found
    try:
        if progress is None:
            raise no_set(lab, cache)
        sentence = message(
            "{dataset} is not on this machine yet. Fetching it once (about {megabytes} MB) into {folder}.",
            folder=str(cache),
            dataset=lab.dataset,
            megabytes=megabytes(lab),
        )
        say(sentence)
        return fetch_set(lab, cache, progress)
    except MissingData as error:
        say(error.message)  # said once, with each source and its reason; a student's page needs only the consequence
        return message(
            "{dataset} is not on this machine. Run '{command}', then grade again.",
            dataset=lab.dataset,
            command=fetch_command(),
        )


@dataclass(frozen=True, slots=True)
class SetupSpec:
    """A run as data, which can be sent to another process; `images` is a Message if there are none."""

    options: Options
    rubric: Rubric
    images: ImageSet | Message
    jobs: int = 1  # submissions at a time, which share the processors
    host: str = ""  # the machine that grades, where that is another one than the one that asked
    lab: Lab = field(default_factory=the_lab)
    skip: frozenset[type[Any]] | None = None  # records that nothing looks for; None: those that no criterion reads


def wants_gpu(options: Options) -> bool:
    """Return whether a GPU is to be used, if torch finds one."""
    return options.device != "cpu" and NVIDIA.exists()


@contextmanager
def open_setup(spec: SetupSpec) -> Iterator[Setup]:
    """Start the sandbox and choose the device. Raises BadLab if a requested one is not available."""
    options = spec.options
    use_lab(here(spec.lab))  # this may be another process than the one that was told
    gpu = wants_gpu(options)
    with open_sandbox(options.sandbox, gpu) as sandbox:
        device = _device(options.device, gpu, sandbox)
        limits = Limits(options.time_limit, options.memory)
        equipment = Equipment(
            spec.images, sandbox, device, max(1, processors() // spec.jobs), limits, options.weights_dir,
            choose_preprocessing=spec.rubric.allows("measured_accuracy", "choose_preprocessing"),
            kept=default_cache() / "features", skip=unread(spec.rubric) if spec.skip is None else spec.skip,
        )  # fmt: skip
        yield Setup(equipment, spec.rubric, made_by(), options.as_written, options.zero, spec.host)


def unread(rubric: Rubric) -> frozenset[type[Any]]:
    """Return the records that no criterion reads, neither of this rubric nor of the lab's own: nothing looks for them.

    What the files are is always looked at, and so are weights and history: flags rest on them.
    """
    own = (load_rubric(),) if the_lab().rubric.is_file() else ()
    read = {line.check.reads for one in (rubric, *own) for line in one.lines if line.check is not None}
    return frozenset(check.reads for check in discover().values()) - read - {Layout, Accuracy, History}


def made_by() -> MadeBy:
    """Return by what grades of this moment are made."""
    now, lab = datetime.now(UTC).isoformat(timespec="seconds"), the_lab()
    return MadeBy(
        grader=__version__, python=platform.python_version(), graded_at=now, lab=lab.title, lab_titles=lab.titles
    )


def _device(asked: Device, gpu: bool, sandbox: Sandbox) -> str:
    if asked == "cpu" or (asked == "auto" and not gpu):
        return "cpu"
    machine = sandbox.run(Job("machine.describe_machine", {"device": "cuda"}))
    if isinstance(machine, Reply) and machine.value.get("cuda"):
        return "cuda"
    if asked == "cuda":
        raise BadLab(
            message("--device cuda: torch finds no CUDA device in the sandbox; run 'grade doctor' for details")
        )
    return "cpu"


def files_of_weights(networks: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Yield the name, address and file of each network's first weights.

    Raises BadLab for a name that torchvision lacks.
    """
    with open_sandbox("plain") as sandbox:
        for name in networks:
            known = sandbox.run(Job("retrieval.extractors.describe_extractor", {"model": name, "weights": ""}))
            value = known.value if isinstance(known, Reply) else {}
            if "file" not in value:
                near = message("; did you mean {near}?", near=str(value["near"])) if value.get("near") else message(".")
                sentence = message(
                    "torchvision has no network called {name}{near} Use a name from torchvision.models.",
                    name=name,
                    near=near,
                )
                raise BadLab(sentence)
            yield name, str(value["url"]), str(value["file"])


def publisher(options: Options, choose: Choose) -> Publisher:
    """Return what writes the results of this run; `choose` picks the attempt that counts."""
    from reports.html import render

    return Publisher(options.out, lambda grade: render(grade, options.audience), choose)
