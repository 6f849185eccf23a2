"""Writes the files of a new lab: one network, measured on a public data set."""

from __future__ import annotations

import json
from pathlib import Path

from grader.labs.reading import FILE, RUBRIC, read_lab
from grader.records import message
from grader.records.errors import BadLab

DATASET = "cifar10"
# of the pixels of the training images, from 0 to 1, as scripts for these sets usually have them
NORMALISATIONS = {
    "cifar10": ("0.4914, 0.4822, 0.4465", "0.2470, 0.2435, 0.2616"),
    "cifar100": ("0.5071, 0.4865, 0.4409", "0.2673, 0.2564, 0.2762"),
    "mnist": ("0.1307", "0.3081"),
    "fashion-mnist": ("0.2860", "0.3530"),
    "kmnist": ("0.1918", "0.3483"),
    "svhn": ("0.4377, 0.4438, 0.4728", "0.1980, 0.2010, 0.1970"),
}
LAB = """\
# What is graded, as data. 'grade lab check FOLDER' says what is wrong with it; `grade lab show` shows other labs.

title = {title} # or in several languages: {{ en = "...", zh = "..." }}

dataset = "{dataset}" # or a public set of another name, or images of your own in an .npz file: see LABS.md
# how your own script normalises images; what a student's code says goes before it
normalisation = {{ mean = [{mean}], std = [{std}] }}

# the file, as students are told to call it, then patterns: the first that fits a file counts
weights = {weights}
training_script = "train.py" # the script or notebook that writes the weights
"""
POINTS = """\
# Criteria: one table per check, with points and limits. A criterion that a person marks has manual = true and a title.

[submission_layout]
points = 10
required = ["*.py|*.ipynb", {either}]
megabytes = 100

[measured_accuracy]
points = 90
# from accuracy on the test images to the share of the points
knots = [[{none:g}, 0.0], [{full:g}, 1.0]]
# where the code does not say with certainty how images are normalised, the candidates are tried on training images
choose_preprocessing = true
"""


def write_lab(folder: Path, title: str, weights: str, accuracies: tuple[float, float], dataset: str = DATASET) -> None:
    """Write the lab. `accuracies` in percent: what earns nothing, and what earns all points. Raises BadLab."""
    none, full = accuracies
    if none >= full:
        raise BadLab(
            message("An accuracy of {full:g}% cannot earn all points where {none:g}% earns none.", full=full, none=none)
        )
    if not (title + weights).isprintable() or not _encodes(title + weights):
        raise BadLab(message("The title and the name of the file must be one line of ordinary characters."))
    if folder.exists() and any(folder.iterdir()):
        raise BadLab(message("{folder} is not empty. Name a new folder.", folder=str(folder)))
    folder.mkdir(parents=True, exist_ok=True)
    patterns = list(dict.fromkeys((weights, "*.pth", "*.pt")))
    mean, std = NORMALISATIONS[dataset]
    values = {
        "title": json.dumps(title, ensure_ascii=False), "weights": json.dumps(patterns, ensure_ascii=False),
        "dataset": dataset, "mean": mean, "std": std,
    }  # fmt: skip
    (folder / FILE).write_text(LAB.format(**values), "utf-8")
    (folder / RUBRIC).write_text(
        POINTS.format(none=none / 100, full=full / 100, either=json.dumps("|".join(patterns), ensure_ascii=False)),
        "utf-8",
    )
    read_lab(folder)


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
