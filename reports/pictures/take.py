"""Takes the README's screenshots: the demo submission's report, and the page of a class made up around it.

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
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

HERE = Path(__file__).parent
WIDTH = 1000  # of the README's column, about
HEIGHTS = {"report": 2330, "class": 1800}  # what a reader scrolls past
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FIRST = ("Ada", "Bilal", "Chen", "Dana", "Elif", "Farid", "Grace", "Hana", "Ivo", "Joana", "Kofi", "Lin")
LAST = ("Adeyemi", "Berg", "Costa", "Diaz", "Eriksen", "Fischer", "Gupta", "Haddad")
STUDENTS = 48
SEED = 5  # the made-up class is the same each time
WEAK = {  # what may be wrong in it: how often, the credit, what is said
    "submission_layout": (0.2, 0.8, "One of the files that were asked for is missing: report.pdf or report.md."),
    "training_history": (0.25, 0.5, "Measure the test accuracy after every epoch; 3 lack it."),
    "evaluation": (0.45, 0.7, "The network ran in training mode. Call model.eval() before the loop."),
    "feature_vectors": (0.15, 0.75, "The columns have that length: take it along dim=1."),
    "retrieval_scores": (
        0.1,
        0.5,
        "Scores rise from the first to the fifth match: they are distances, called similarities.",
    ),
}
LOST = "CIFAR-10 is not on this machine. Run 'grade data fetch', then grade again."


def main() -> None:
    """Grade the demo, make up the class, render its page, take both screenshots."""
    browser = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f"no Chromium on this machine: install it, or name it in CHROMIUM ({', '.join(BROWSERS)} were tried)")
    with tempfile.TemporaryDirectory(prefix="pictures-") as folder:
        demo, students = Path(folder, "demo"), Path(folder, "class")
        _grade("demo", "--out", str(demo))
        report = next(demo.rglob("report.html"))
        make_up(json.loads(report.with_name("grade.json").read_text("utf-8")), students)
        _grade("report", str(students))
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=browser)
            _take(chromium, report, "report")
            _take(chromium, students / "index.html", "class")
            chromium.close()


def make_up(grade: dict[str, Any], folder: Path) -> None:
    """Make up the grades of a class: variations of the demo's grade with some mistakes."""
    chance = random.Random(SEED)  # noqa: S311 nothing secret
    names = [f"{first} {last}" for last in LAST for first in FIRST]
    for number, name in enumerate(chance.sample(names, STUDENTS)):
        own = json.loads(json.dumps(grade))
        own["student"] |= {"name": name, "identifier": str(40_000 + 37 * number), "late": chance.random() < 0.08}
        own["accuracy"] = min(0.95, chance.gauss(0.86, 0.05))
        own["digest"] = f"{chance.getrandbits(256):064x}"
        for mark in own["marks"]:
            _weaken(mark, own, chance)
        if number in (7, 30):
            own["marks"][1]["finding"] = {"check": "measured_accuracy", "fault": {"text": LOST}, "state": "unjudged"}
            own["accuracy"] = None
        place = folder / name.replace(" ", "_")
        place.mkdir(parents=True)
        place.joinpath("grade.json").write_text(json.dumps(own), "utf-8")


def _weaken(mark: dict[str, Any], own: dict[str, Any], chance: random.Random) -> None:
    check, finding = mark["criterion"]["check"], mark["finding"]
    if finding["state"] != "judged":
        return
    if check == "measured_accuracy":
        share = own["accuracy"]
        finding["verdict"]["credit"] = min(1.0, max(0.0, 0.9 + (share - 0.8454) * (1.5 if share > 0.8454 else 2.1)))
        finding["verdict"]["hints"] = [{"text": "The commonest mistake: cat taken for dog, 134 times."}]
    often, credit, said = WEAK.get(check, (0.0, 1.0, ""))
    if chance.random() < often:
        finding["verdict"] |= {"credit": credit, "hints": [{"text": said}]}


def _grade(*words: str) -> None:
    code = "from grader.cli.app import main; main()"
    done = subprocess.run([sys.executable, "-c", code, *words], check=False)
    if done.returncode:
        sys.exit(f"grade {' '.join(words)} ended with {done.returncode}")


def _take(chromium: Browser, page: Path, name: str) -> None:
    shown = chromium.new_page(viewport={"width": WIDTH, "height": HEIGHTS[name]}, color_scheme="light")
    shown.goto(page.as_uri())
    shown.screenshot(path=HERE / f"{name}.png")
    shown.close()


if __name__ == "__main__":
    main()
