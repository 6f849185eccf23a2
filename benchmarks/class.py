"""A class of real submissions, all checks, against the plain script that measures their accuracy and nothing else.

    python benchmarks/class.py [--submissions 16] [--library own|common|both] [--plain N] [--keep FOLDER]

Each submission holds a ResNet20 whose weights differ a little from all others', the demo's code, and rankings by
ResNet50 and AlexNet of 60 pictures: the student's own, or those that the class was given. No picture was seen before:
what an earlier run has cached does not help. The plain script of `evaluate.py` measures the same weights, half of them
before the class and half after, so that a busy machine is busy for both; what counts is the ratio. Then the same class
is graded again. The bars are for 16 submissions or more: in a smaller class starting weighs more, and none is applied.
It needs the real CIFAR-10 (`grade data fetch`).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.evaluate import PLAIN, WEIGHTS, write_torchvision_folder  # noqa: E402
from fixtures import DEMO_SUBMISSION, IMAGES  # noqa: E402
from grader.dataset import default_cache, find_cifar10  # noqa: E402

MODELS = ("--model", "resnet50", "--model", "alexnet", "--weights", "random", "--seed", "20")
MOST = {"own": 0.5, "common": 0.35}  # of the plain script's time for each submission
AGAIN = 0.02  # the same, for a class that was graded before
ENOUGH = 16  # submissions for these bars
UNUSABLE = 2  # of the exit status of `grade`: a person is needed for less
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
GRADE = (sys.executable, "-c", "from grader.cli.app import main; main()")


@dataclass(frozen=True)
class Class:
    """The folder of the benchmark, the weights handed in, and the figures of the plain script for them."""

    home: Path
    weights: tuple[Path, ...]
    seconds: dict[Path, float]
    correct: dict[Path, int]

    def plain(self, some: Sequence[Path]) -> None:
        """Run the plain script on some of the weights."""
        for path in some:
            out = self.home / "confusion.npy"
            command = (sys.executable, "-c", PLAIN, str(self.home), str(path), str(out))
            self.seconds[path] = timed(command)
            self.correct[path] = int(np.trace(np.load(out)))

    def graded(self, folder: Path) -> float:
        """Return the seconds that `grade` takes for a folder of submissions."""
        return timed((*GRADE, "run", str(folder), "--out", str(results(folder)), "--device", "cpu", "--no-fetch"))


def main() -> None:
    """Measure; ends with 1 where a ratio is above its bar, or an accuracy differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--submissions", type=int, default=ENOUGH, metavar="N")
    parser.add_argument("--library", choices=[*MOST, "both"], default="both", help="whose pictures are ranked")
    parser.add_argument("--plain", type=int, metavar="N", help="run the plain script on so many only; at least 2")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="build the class in this new folder, and leave it")
    given = parser.parse_args()
    images = find_cifar10(None, default_cache())
    if images is None or not WEIGHTS.exists():
        sys.exit("this needs CIFAR-10 (run 'grade data fetch') and reference/final.pth")
    with nullcontext(given.keep) if given.keep else tempfile.TemporaryDirectory() as name:
        home = Path(name)
        (home / "weights").mkdir(parents=True)
        write_torchvision_folder(home, images)
        everyone = Class(home, varied(home / "weights", given.submissions), {}, {})
        some = everyone.weights[: max(2, given.plain or given.submissions)]
        kinds = tuple(MOST) if given.library == "both" else (given.library,)
        good = measured(everyone, some, [handed_in(everyone, kind) for kind in kinds])
    sys.exit(0 if good else 1)


def measured(everyone: Class, some: Sequence[Path], folders: Sequence[Path]) -> bool:
    """Time everything, print the ratios, and return whether all is within its bar and right."""
    everyone.plain(some[::2])
    times = [(folder, everyone.graded(folder), everyone.graded(folder)) for folder in folders]
    everyone.plain(some[1::2])
    count, plain = len(everyone.weights), sum(everyone.seconds.values()) / len(everyone.seconds)
    print(f"plain script: {plain:.2f} s each ({len(everyone.seconds)} runs, "
          f"{min(everyone.seconds.values()):.2f} to {max(everyone.seconds.values()):.2f} s)")  # fmt: skip
    good = True
    for folder, first, again in times:
        good &= within(f"{folder.name} pictures, {count} submissions", first / count / plain, MOST[folder.name], count)
        good &= within("  the same again", again / count / plain, AGAIN, count)
        print(f"  {first / count:.2f} s each, {first:.1f} s together; again {again / count:.3f} and {again:.2f} s")
        good &= is_right(folder, everyone)
    return good


def within(what: str, ratio: float, most: float, count: int) -> bool:
    """Print a ratio beside its bar, and return whether it is within it."""
    bar = f"at most {most}" if count >= ENOUGH else f"the bar of {most} is for {ENOUGH} submissions"
    print(f"{what}: {ratio:.3f} of the plain script's time each ({bar})")
    return ratio <= most or count < ENOUGH


def is_right(folder: Path, everyone: Class) -> bool:
    """Print what the grades say, and return whether everybody has one with the plain script's accuracy."""
    points, same, ranked = list[float](), 0, 0
    for path in sorted(results(folder).glob("*/grade.json")):
        seen = dict(json.loads(path.with_name("evidence.json").read_text("utf-8"))["observations"])
        weights = everyone.home / "weights" / path.parent.name / "final.pth"
        same += everyone.correct.get(weights) == seen["measured_accuracy"]["value"]["correct"]
        ranked += seen["compared_rankings"]["outcome"] == "seen"
        points.append(json.loads(path.read_text("utf-8"))["total"])
    print(f"  {len(points)} grades of {min(points):g} to {max(points):g} points, {ranked} with rankings looked at; "
          f"correct images as the plain script counts them: {same} of {len(everyone.correct)}")  # fmt: skip
    return ranked == len(points) == len(everyone.weights) and same == len(everyone.correct)


# --- what is handed in -------------------------------------------------------------------------------------------


def varied(home: Path, count: int) -> tuple[Path, ...]:
    """Write so many copies of the reference's checkpoint, no two alike, and return them."""
    checkpoint = torch.load(WEIGHTS, map_location="cpu", weights_only=True)
    paths = []
    for number in range(count):
        path = home / f"student{number:02}" / "final.pth"
        path.parent.mkdir()
        net = {name: value + 1e-6 * (number + 1) if name == "linear.bias" else value
               for name, value in checkpoint["net"].items()}  # fmt: skip
        torch.save({**checkpoint, "net": net}, path)
        paths.append(path)
    return tuple(paths)


def handed_in(everyone: Class, kind: str) -> Path:
    """Write the submissions of the class as zips, and return their folder; `kind` says whose the pictures are."""
    folder = everyone.home / kind
    folder.mkdir()
    common = everyone.home / f"{kind}-pictures"
    marked(IMAGES, common)
    report = ranked(common, everyone.home / f"{kind}-ranked")
    for path in everyone.weights:
        work = everyone.home / "work" / path.parent.name
        shutil.copytree(DEMO_SUBMISSION, work, ignore=shutil.ignore_patterns("__pycache__", "final.pth"))
        shutil.copy(path, work)
        renamed = marked(common, work) if kind == "own" else {}
        if not renamed:
            shutil.copytree(common, work, dirs_exist_ok=True)
        text = report
        for before, now in renamed.items():
            text = text.replace(before, now)
        (work / "retrieval.json").write_text(text, "utf-8")
        shutil.make_archive(str(folder / path.parent.name), "zip", work)
        shutil.rmtree(work)
    return folder


def marked(source: Path, target: Path) -> dict[str, str]:
    """Copy pictures so that nobody has seen these files, with the same pixels; return the digests, old and new."""
    digests = {}
    for path in source.rglob("*.png"):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        said = PngInfo()
        said.add_text("Comment", uuid.uuid4().hex)
        with Image.open(path) as picture:
            picture.save(copy, pnginfo=said)
        digests[digest(path)] = digest(copy)
    return digests


def ranked(pictures: Path, out: Path) -> str:
    """Return retrieval.json of these pictures, as the reference's script writes it."""
    places = ("--library", str(pictures / "library"), "--queries", str(pictures / "queries"), "--out", str(out))
    out.mkdir()
    timed((sys.executable, str(ROOT / "reference" / "retrieve.py"), *MODELS, *places))
    return (out / "retrieval.json").read_text("utf-8")


def digest(path: Path) -> str:
    """Return the digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def results(folder: Path) -> Path:
    """Return where the grades of a folder of submissions are."""
    return folder.with_name(f"{folder.name}-grades")


def timed(command: Sequence[str]) -> float:
    """Run a command, and return the seconds that it took; SystemExit with what it said if it failed."""
    started = time.perf_counter()
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    if done.returncode >= UNUSABLE:
        raise SystemExit(f"{' '.join(command[-6:])}: {done.stdout}{done.stderr}")
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
