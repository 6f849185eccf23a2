"""Describe the lab: what it hands out and what it asks for.

No other module names its files, tasks, classes or data set: code and sentences take them from here. (What fetches
the data set knows its name as well, and `--help` is about this lab.)
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Task:
    """A function that students write: its number in the handout, the script that holds it, and its name."""

    number: str
    script: str
    function: str


@dataclass(frozen=True, slots=True)
class Lab:
    """A lab as data: what students get, what they hand in, and what their network is measured on."""

    title: str  # as at the head of its handout
    # what students hand in
    checkpoint: str
    history: str
    retrieval: str
    features: str
    reports: tuple[str, ...]
    image_folders: tuple[str, ...]
    # what students get
    scripts: tuple[str, ...]  # with open tasks
    former_scripts: tuple[str, ...]  # names from earlier years; their contents are not about the trained network
    given: tuple[str, ...]  # finished: used unchanged, and may be left out of a submission
    networks_script: str  # the one of the given scripts that defines the lab's networks
    handout: tuple[str, ...]  # lower case; what these files say comes from the course and is not a student's claim
    given_weights: str  # of them, the weights to start from, lower case
    tasks: tuple[Task, ...]
    given_functions: tuple[tuple[str, str], ...]  # name and script of finished functions that are also called
    training_script: str  # writes checkpoint and history, and holds the normalisation
    training_tasks: tuple[str, ...]  # without them the training script writes nothing
    retrieval_script: str  # writes the retrieval report
    retrieval_tasks: tuple[str, ...]  # without them the retrieval script writes nothing
    packages: tuple[str, ...]  # imported by the scripts, beside what the grader itself needs
    # what the network is measured on
    dataset: str
    classes: int
    image_shape: tuple[int, int, int]  # channels, height, width
    mean: tuple[float, float, float]  # of the training images' pixels, by channel, 0 to 1
    std: tuple[float, float, float]

    def task_number(self, function: str) -> str:
        """Return the number of the task that asks for this function; "" if no task does."""
        return next((task.number for task in self.tasks if task.function == function), "")

    def script_of(self, function: str) -> str:
        """Return the script that holds a function. Raises KeyError for a function that the lab does not know."""
        return {**{task.function: task.script for task in self.tasks}, **dict(self.given_functions)}[function]

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
        return frozenset({self.checkpoint, self.history, self.retrieval, *self.scripts})

    @property
    def results(self) -> tuple[str, ...]:
        """Return the files that `grade pack` takes besides code and pictures."""
        return (self.checkpoint, self.history, self.retrieval, self.features, *self.reports)


LAB = Lab(
    "PyTorch, ResNet20 on CIFAR-10, and image retrieval",
    checkpoint="final.pth",
    history="history.json",
    retrieval="retrieval.json",
    features="features.npz",
    reports=("report.pdf", "report.md"),
    image_folders=("library", "queries"),
    scripts=("exp1.py", "exp2.py", "extract_features.py", "retrieve.py"),
    former_scripts=("extract_feature.py",),
    given=("models.py", "training.py", "fast.py", "lab.py"),
    networks_script="models.py",
    handout=("readme.md", "readme.en.md", "readme.zh.md", "requirements.txt", "pretrain_model.pth"),
    given_weights="pretrain_model.pth",
    tasks=(
        Task("1.1", "exp1.py", "fit"),
        Task("1.2", "exp1.py", "own_function"),
        Task("2.1", "exp2.py", "test"),
        Task("2.2", "exp2.py", "learning_rate"),
        Task("3.1", "extract_features.py", "alexnet_features"),
        Task("3.2", "extract_features.py", "normalise"),
        Task("4.1", "retrieve.py", "similarity"),
        Task("4.2", "retrieve.py", "top_k"),
    ),
    given_functions=(("resnet50_features", "extract_features.py"),),
    training_script="exp2.py",
    training_tasks=("2.1", "2.2"),
    retrieval_script="retrieve.py",
    retrieval_tasks=("3.1", "3.2", "4.1", "4.2"),
    packages=("matplotlib", "PIL", "tqdm"),
    dataset="CIFAR-10",
    classes=10,
    image_shape=(3, 32, 32),
    mean=(0.4914, 0.4822, 0.4465),  # as in the template's exp2.py
    std=(0.2470, 0.2435, 0.2616),
)
