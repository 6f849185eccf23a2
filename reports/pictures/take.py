"""Takes the README's screenshots: the report of the demo submission with some mistakes, the page of an invented class.

`tox -e screenshots` runs this in the installation of `py`. It needs Chromium; CHROMIUM may name it.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from fixtures import whole_demo
from grader.batch.roster import Entries
from grader.batch.setup import Options
from grader.checks import load_rubric
from grader.cli.running import grade_class
from grader.dataset import default_cache, demo
from grader.gradebook.files import GRADE_FILE
from grader.intake import Archive
from grader.labs import the_lab
from grader.measures.intervals import wilson_interval
from grader.records import Student

HERE = Path(__file__).parent
WIDTH = 1000  # of the README's column, about
HEIGHTS = {"report": 1500, "class": 1800}  # what a reader scrolls past
COLOURS = 64  # of a picture: text and charts need few, and a third of the bytes
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
MISTAKES = (  # of the report's student: file, text, what stands in its place
    ("exp1.py", "torch.optim.Adam(", "torch.optim.SGD("),
    ("exp2.py", "    model.eval()\n", ""),
    ("extract_features.py", "F.normalize(features, dim=1)", "features / features.norm(dim=1, keepdim=True)"),
)
FIRST = ("Ada", "Bilal", "Chen", "Dana", "Elif", "Farid", "Grace", "Hana", "Ivo", "Joana", "Kofi", "Lin")
LAST = ("Adeyemi", "Berg", "Costa", "Diaz", "Eriksen", "Fischer", "Gupta", "Haddad")
STUDENTS = 48
SEED = 5  # the made-up class is the same each time
IMAGES = 10_000
# What may be wrong in it: how often, the credit, and what is said.
WEAK = {
    "submission_layout": (0.2, 11 / 12, "Required files missing: 1 (report.pdf or report.md)."),
    "training_history": (0.15, 0.5, "Record at least 3 epochs, to show how the accuracy developed."),
    "function_fit": (
        0.2,
        0.66,
        "The error between the training points is large: try Adam, for example.",
    ),
    "evaluation": (0.35, 0.85, "The network ran in training mode: call model.eval() before the loop."),
    "feature_vectors": (0.1, 0.7, "The columns have length 1: compute the length of each row, along dim=1."),
    "retrieval_scores": (0.1, 0.8, "Every query has the same five matches: does the code use its own features?"),
}
ABSENT = {  # what may not be there: how often, the code, and what is said
    "retrieval_ranking": (0.06, "missing", "{missing} is missing. {script} writes it: hand it in as well."),
    "own_function": (0.06, "code_task", "own_function cannot be tested, because task 1.2 is not done."),
}
LOST = "{dataset} is not on this machine. Run '{command}', then grade again."
DAMAGED = "{archive} is damaged or truncated. Zip the folder again and compare the size after the upload."


def main() -> None:
    """Grade the demo with and without mistakes, make up the class, render its page, take all pictures."""
    browser = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f"no Chromium on this machine: install it, or name it in CHROMIUM ({', '.join(BROWSERS)} were tried)")
    with tempfile.TemporaryDirectory(prefix="pictures-") as folder:
        right, hasty = graded(Path(folder))
        students = Path(folder, "class")
        make_up(json.loads((right / GRADE_FILE).read_text("utf-8")), students)
        _report(students)
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=browser)
            for scheme in SCHEMES:
                _take(chromium, hasty / "report.html", "report", scheme)
                _take(chromium, students / "index.html", "class", scheme)
            chromium.close()


def graded(folder: Path) -> tuple[Path, Path]:
    """Grade the demo submission as it is, and with mistakes; return the folders of the results."""
    (folder / "handed-in").mkdir()
    hasty = whole_demo(folder / "handed-in" / "diazgrace_LATE_40962_77120_lab5")
    for name, text, instead in MISTAKES:
        code = (hasty / name).read_text("utf-8")
        if text not in code:
            sys.exit(f"{name} of the demo has no {text!r} any more")
        (hasty / name).write_text(code.replace(text, instead), "utf-8")
    (hasty / "report.md").unlink()
    archives = (
        Archive(whole_demo(folder / "handed-in" / "right"), Student("Demo Student")),
        Archive(hasty, Student("Grace Diaz", "40962", "canvas", late=True)),
    )
    options = Options(None, folder / "grades", "cpu", "auto", "staff", None, 1200.0, 4000)
    if status := grade_class(Entries(archives), options, load_rubric(), demo(default_cache()), False):
        sys.exit(f"grading the demo ended with {status}")
    (right,), (hasty,) = ((folder / "grades").glob(f"{name}*") for name in ("Demo", "Grace"))
    return right, hasty


def make_up(grade: dict[str, Any], folder: Path) -> None:
    """Make up the grades of a class: variations of one grade with some mistakes."""
    chance = random.Random(SEED)  # noqa: S311 nothing secret
    names = [f"{first} {last}" for last in LAST for first in FIRST]
    for number, name in enumerate(chance.sample(names, STUDENTS)):
        own = json.loads(json.dumps(grade)) | {"exhibits": "", "digest": f"{chance.getrandbits(256):064x}"}
        own["student"] |= {"name": name, "identifier": str(40_000 + 37 * number), "late": chance.random() < 0.08}
        own["made_by"]["dataset"] = the_lab().dataset
        own["accuracy"] = round(min(0.95, chance.gauss(0.86, 0.05)), 4)
        for mark in own["marks"]:
            _weaken(mark, own["accuracy"], chance)
        if number in (7, 30):
            own["marks"][1]["finding"] = _open(
                "measured_accuracy", LOST, ("dataset", the_lab().dataset), ("command", "grade data fetch")
            )
            own["accuracy"] = None
        if number == 12:
            _refuse(own)
        place = folder / name.replace(" ", "_")
        place.mkdir(parents=True)
        place.joinpath(GRADE_FILE).write_text(json.dumps(own), "utf-8")


def _weaken(mark: dict[str, Any], share: float, chance: random.Random) -> None:
    check, finding = mark["criterion"]["check"], mark["finding"]
    if check == "measured_accuracy":
        low, high = wilson_interval(round(share * IMAGES), IMAGES)
        figures = {"correct": round(share * IMAGES), "count": IMAGES, "share": share, "low": low, "high": high}
        finding["verdict"]["message"]["values"] = list(map(list, figures.items()))
        finding["verdict"]["credit"] = min(1.0, max(0.0, 0.9 + (share - 0.8454) * (1.5 if share > 0.8454 else 2.1)))
    often, credit, said = WEAK.get(check, (0.0, 1.0, ""))
    if chance.random() < often:
        finding["verdict"] |= {"credit": credit, "message": {"text": said}, "faulty": True}
    often, code, said = ABSENT.get(check, (0.0, "", ""))
    if chance.random() < often:
        values = [["missing", the_lab().retrieval], ["script", the_lab().retrieval_script]] if "{" in said else []
        mark["finding"] = _blocked(check, said, values) | {"code": code}


def _refuse(own: dict[str, Any]) -> None:
    """Make it an archive that could not be opened."""
    own |= {"unusable": True, "accuracy": None}
    for mark in own["marks"]:
        mark["finding"] = _blocked(mark["criterion"]["check"], DAMAGED, [["archive", "lab5.zip"]])


def _blocked(check: str, said: str, values: Sequence[Sequence[str]]) -> dict[str, Any]:
    return {"check": check, "cause": {"text": said, "values": values}, "state": "blocked"}


def _open(check: str, said: str, *values: Sequence[str]) -> dict[str, Any]:
    return {"check": check, "fault": {"text": said, "values": values}, "state": "unjudged"}


def _report(folder: Path) -> None:
    code = "from grader.cli.app import main; main()"
    done = subprocess.run([sys.executable, "-c", code, "report", str(folder)], check=False)
    if done.returncode:
        sys.exit(f"grade report ended with {done.returncode}")


def _take(chromium: Browser, page: Path, name: str, scheme: Literal["light", "dark"]) -> None:
    shown = chromium.new_page(viewport={"width": WIDTH, "height": HEIGHTS[name]}, color_scheme=scheme)
    shown.goto(page.as_uri())
    picture = Image.open(BytesIO(shown.screenshot())).convert("RGB").quantize(COLOURS)
    picture.save(HERE / f"{name}{'' if scheme == 'light' else '-dark'}.png", optimize=True)
    shown.close()


if __name__ == "__main__":
    main()
