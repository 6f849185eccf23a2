"""How much longer a submission takes because its network is also shown moved copies and training images.

    python benchmarks/generalisation_time.py [--weights final.pth] [--rounds 7]

Grades one ResNet20 on all test images with them and without, in turns, in one run; what counts is the ratio. Times are
those of the job that measures, as the grade states them. It needs the real CIFAR-10 (`grade data fetch`).
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
WEIGHTS = ROOT / "reference" / "final.pth"
MOST = 1.15
WITH = "from grader.cli.app import main; main()"
WITHOUT = f"import grader.collect.generalisation as shown; shown.COPIES = shown.TRAINING = 1; {WITH}"


def main() -> None:
    """Run both in turns; ends with 1 where the median ratio is more than it may be."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="a ResNet20 with its state dict under 'net'")
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        submission = Path(name) / "ada"  # "submission" would be named after the folder around it
        submission.mkdir()
        shutil.copy(given.weights, submission / "final.pth")
        pairs = [(timed(WITH, submission), timed(WITHOUT, submission)) for _ in range(given.rounds)]
    ratios = sorted(one / other for one, other in pairs)
    for one, other in pairs:
        print(f"with {one:6.2f} s   without {other:6.2f} s   ratio {one / other:.3f}")
    print(f"median ratio {statistics.median(ratios):.3f} (at most {MOST})")
    sys.exit(0 if statistics.median(ratios) <= MOST else 1)


def timed(program: str, submission: Path) -> float:
    """Seconds of a whole `grade run` of the submission by this program."""
    out = submission.parent / "out"
    shutil.rmtree(out, ignore_errors=True)
    begun = time.perf_counter()
    command = [sys.executable, "-c", program, "run", str(submission), "--out", str(out), "--device", "cpu"]
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - begun
    shown = dict(json.loads((out / submission.name / "evidence.json").read_text("utf-8"))["observations"])
    count = shown["generalisation"]["value"]["training"]
    assert (count > 1) == (program == WITH), count
    return seconds


if __name__ == "__main__":
    main()
