"""A lab: what it hands out, what it asks for, and what a network is measured on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from grader.records.submission import fits

Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Task:
    """A function that students write: its number in the handout, the script that holds it, and its name."""

    number: str
    script: str
    function: str


@dataclass(frozen=True, slots=True)
class GivenFunction:
    """A finished function that is called as well, and the script that holds it."""

    function: str
    script: str


@dataclass(frozen=True, slots=True)
class Network:
    """One of several networks that a lab asks for: its name, and its weights as those of a lab with one."""

    name: str
    weights: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Normalisation:
    """Mean and deviation of the training images' pixels, by channel, 0 to 1, as the lab's own script has them."""

    mean: Triple
    std: Triple


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """A lab as data, read from its `lab.toml`. Names of files are in lower case but for weights; "" and () for none."""

    title: str  # as at the head of its handout
    titles: tuple[tuple[str, str], ...] = ()  # the same by language: ("zh", ...)
    # what students hand in
    weights: tuple[str, ...]  # the file, or patterns such as *.pth: the first that fits a file counts
    networks: tuple[Network, ...] = ()  # if several; `weights` are those of the first, or of the one looked at
    history: str = ""
    retrieval: str = ""
    features: str = ""
    reports: tuple[str, ...] = ("report.pdf", "report.md")
    image_folders: tuple[str, ...] = ()
    # what students get
    scripts: tuple[str, ...] = ()  # with open tasks
    former_scripts: tuple[str, ...] = ()  # names from earlier years; their contents are not about the trained network
    given: tuple[str, ...] = ()  # finished: used unchanged, and may be left out of a submission
    networks_script: str = "models.py"  # the one that defines the lab's networks
    handout: tuple[str, ...] = ()  # what these files say comes from the course and is not a student's claim
    given_weights: str = ""  # of them, the weights to start from
    tasks: tuple[Task, ...] = ()
    given_functions: tuple[GivenFunction, ...] = ()
    training_script: str  # writes checkpoint and history, and holds the normalisation
    training_tasks: tuple[str, ...] = ()  # without them the training script writes nothing
    retrieval_script: str = ""  # writes the retrieval report
    retrieval_tasks: tuple[str, ...] = ()  # without them the retrieval script writes nothing
    checks: tuple[str, ...] = ()  # Python files in its folder, each with a check of its own
    packages: tuple[str, ...] = ()  # imported by the scripts, beside what the grader itself needs
    # what the network is measured on
    dataset: str
    classes: int
    image_shape: tuple[int, int, int]  # channels, height, width
    normalisation: Normalisation
    calibrated: bool = False  # the thresholds of flags about generalisation were measured on these images
    public: str = ""  # the key of a public set, as in `lab.toml`; "" for images of the course's own
    images: Path | None = None  # an .npz of the course's own; None for a public set
    # where it was read
    folder: Path
    digest: str  # SHA-256 of lab.toml

    def of(self, network: str) -> Lab:
        """Return the lab as it is for one of its networks; "" for the lab itself, also if it has no such network."""
        found = next((one.weights for one in self.networks if one.name == network), self.weights)
        return replace(self, weights=found)

    def rank(self, file: str) -> int:
        """Return the place of the first pattern that a file of this name fits, of any network; else their number."""
        each = [one.weights for one in self.networks] or [self.weights]
        fitting = (place for patterns in each for place, pattern in enumerate(patterns) if fits(file, pattern))
        return min(fitting, default=max(map(len, each)))

    @property
    def checkpoint(self) -> str:
        """Return the file that holds the weights, or the pattern that it fits best."""
        return self.weights[0]

    @property
    def checkpoints(self) -> tuple[str, ...]:
        """Return the files of all its networks as students are told to call them, in lower case."""
        return tuple(one.weights[0].casefold() for one in self.networks) or (self.checkpoint.casefold(),)

    @property
    def mean(self) -> Triple:
        """Return the mean of the training images' pixels, by channel."""
        return self.normalisation.mean

    @property
    def std(self) -> Triple:
        """Return their standard deviation."""
        return self.normalisation.std

    @property
    def rubric(self) -> Path:
        """Return the file with its points and limits."""
        return self.folder / "rubric.toml"

    @property
    def name(self) -> str:
        """Return what it is called on the command line: the name of its folder."""
        return self.folder.resolve().name

    @property
    def rankings_in(self) -> str:
        """Return the file in which rankings are handed in: their own, else the written report."""
        return self.retrieval or next(iter(self.reports), "")

    def task_number(self, function: str) -> str:
        """Return the number of the task that asks for this function; "" if no task does."""
        return next((task.number for task in self.tasks if task.function == function), "")

    def script_of(self, function: str) -> str:
        """Return the script that holds a function; "" for a function that the lab does not know."""
        held: tuple[GivenFunction | Task, ...] = (*self.given_functions, *self.tasks)
        return next((one.script for one in held if one.function == function), "")

    @property
    def features_script(self) -> str:
        """Return the script that extracts features."""
        return self.script_of("normalise")

    @property
    def scripts_beside_training(self) -> tuple[str, ...]:
        """Return the scripts whose preprocessing is for networks other than the trained one."""
        return (*(name for name in self.scripts if name != self.training_script), *self.former_scripts)

    @property
    def work(self) -> frozenset[str]:
        """Return the files that mark a folder as one submission rather than a class of them."""
        return frozenset(filter(None, (*self.checkpoints, self.history, self.retrieval, *self.scripts)))

    @property
    def results(self) -> tuple[str, ...]:
        """Return the files that `grade pack` takes besides code and pictures."""
        files = (*self.checkpoints, self.history, self.retrieval, self.features, *self.reports)
        return tuple(filter(None, files))

    @property
    def asked_for(self) -> frozenset[str]:
        """Return every file that it names: what students hand in, write or get."""
        return frozenset({*self.work, *self.results, *self.given})
