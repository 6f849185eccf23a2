"""Our training loop against the usual one: time per epoch, and accuracy after the same number of epochs.

    python benchmarks/train.py [--epochs 2] [--recipe best]

Both are `reference/exp2.py` with the same network, recipe, batch size and seed. The plain loop (`--plain`) has
torchvision's transforms on pictures, a DataLoader with two workers, and float32. Both run in turn, each in a process of
its own, and its threads wait for each other as suits it: asleep beside the workers, awake where nothing else runs.
Needs CIFAR-10 (`grade data fetch`) and the packages of the extra `lab`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from grader.dataset import ImageSet, default_cache, find_cifar10, nothing_here
from grader.measures.intervals import wilson_interval

EXP2 = Path(__file__).parents[1] / "reference" / "exp2.py"
SEED = 20261126


def history(images: ImageSet, options: argparse.Namespace, *more: str) -> list[dict[str, Any]]:
    """The epochs of one run."""
    with tempfile.TemporaryDirectory(prefix="train-") as folder:
        command = [
            sys.executable, str(EXP2), "--data", str(images.folder), "--out", folder, "--seed", str(SEED),
            "--recipe", options.recipe, "--epochs", str(options.epochs), *more,
        ]  # fmt: skip
        waiting = {"OMP_WAIT_POLICY": "PASSIVE"} if "--plain" in more else {}
        subprocess.run(command, check=True, stdout=sys.stderr, env={**os.environ, **waiting})
        epochs: list[dict[str, Any]] = json.loads((Path(folder) / "history.json").read_text("utf-8"))["epochs"]
        return epochs


def main() -> None:
    """Run both and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--recipe", default="best")
    options = parser.parse_args()
    images = find_cifar10(None, default_cache())
    if images is None:
        raise SystemExit(f"benchmarks/train.py: {nothing_here(default_cache())}")

    plain, ours = history(images, options, "--plain"), history(images, options)
    seconds = [statistics.median(epoch["seconds"] for epoch in epochs) for epochs in (plain, ours)]
    for name, epochs, median in zip(("plain loop", "our loop"), (plain, ours), seconds, strict=True):
        accuracy = epochs[-1]["test_accuracy"]
        low, high = wilson_interval(round(accuracy * 100), 10_000)
        print(f"{name:10}  {median:6.1f} s per epoch, {accuracy:.2f} % after {len(epochs)} epochs", end=" ")
        print(f"(95 % interval {100 * low:.1f} to {100 * high:.1f})")
    print(f"our loop takes {seconds[1] / seconds[0]:.2f} of the plain loop's time")


if __name__ == "__main__":
    main()
