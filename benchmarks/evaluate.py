"""Whole-process time of `grade` against a plain script, and whether both predict the same.

    python benchmarks/evaluate.py [--weights final.pth] [--rounds 3]

The plain script is what a teacher would write: torchvision's CIFAR10 and transforms, a DataLoader with batch 100 and
two workers, a float32 loop. Both see the same images and weights, in turns, in one run; what counts is the ratio. It
needs the real CIFAR-10 (`grade data fetch`).
"""

from __future__ import annotations

import argparse
import json
import pickle
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from grader.dataset import ImageSet, default_cache, find_cifar10

MOST = 0.35  # of the plain script's time, on a processor that multiplies bfloat16 natively; others have no bar
WEIGHTS = Path(__file__).parents[1] / "reference" / "final.pth"
PLAIN = """
import sys
import numpy as np
import torch
from torchvision import datasets, transforms
from reference.models import resnet20

folder, weights, out = sys.argv[1:]
datasets.cifar.check_integrity = lambda *ignored: True  # the same images, in batches written by this benchmark
normalise = transforms.Normalize((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))
images = datasets.CIFAR10(folder, train=False, transform=transforms.Compose([transforms.ToTensor(), normalise]))
loader = torch.utils.data.DataLoader(images, batch_size=100, num_workers=2)
net = resnet20()
net.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True)["net"])
net.eval()
confusion = np.zeros((10, 10), dtype=int)
with torch.no_grad():
    for inputs, targets in loader:
        np.add.at(confusion, (targets.numpy(), net(inputs).argmax(1).numpy()), 1)
np.save(out, confusion)
"""


def main() -> None:
    """Run both in turns and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="a ResNet20 with its state dict under 'net'")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    images = find_cifar10(None, default_cache())
    if images is None or not options.weights.exists():
        sys.exit("this needs CIFAR-10 (run 'grade data fetch') and weights (--weights)")
    with tempfile.TemporaryDirectory() as name:
        compare(Path(name), images, options.weights, options.rounds)


def compare(folder: Path, images: ImageSet, weights: Path, rounds: int) -> None:
    """Time both `rounds` times, one after the other, and compare their confusion matrices."""
    write_torchvision_folder(folder, images)
    submission = folder / "ada"  # "submission" would be named after the folder around it
    submission.mkdir()
    shutil.copy(weights, submission / "final.pth")
    grade = [
        shutil.which("grade") or "grade",
        "run",
        str(submission),
        "--out",
        str(folder / "out"),
        "--device",
        "cpu",
        "--again",
    ]
    plain = [sys.executable, "-c", PLAIN, str(folder), str(weights), str(folder / "confusion.npy")]
    times: dict[str, list[float]] = {"plain": [], "grade": []}
    for _ in range(rounds):
        for who, command in (("plain", plain), ("grade", grade)):
            started = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            times[who].append(time.perf_counter() - started)
    report(times, np.load(folder / "confusion.npy"), folder / "out" / submission.name)


def write_torchvision_folder(folder: Path, images: ImageSet) -> None:
    """The test images as torchvision's CIFAR10 reads them."""
    home = folder / "cifar-10-batches-py"
    home.mkdir()
    batch = {"data": images.images("test").reshape(-1, 3072).copy(), "labels": images.labels("test").tolist()}
    (home / "test_batch").write_bytes(pickle.dumps(batch))
    (home / "batches.meta").write_bytes(pickle.dumps({"label_names": list(images.classes)}))


def report(times: dict[str, list[float]], confusion: np.ndarray, results: Path) -> None:
    """Print medians, their ratio, and the comparison of predictions."""
    evidence = dict(json.loads((results / "evidence.json").read_text("utf-8"))["observations"])
    scores, measured = (evidence[kind]["value"] for kind in ("measured_accuracy", "measurement"))
    for who, seconds in times.items():
        print(f"{who:6} median {statistics.median(seconds):6.2f} s of {len(seconds)}: "
              + " ".join(f"{value:.2f}" for value in seconds))  # fmt: skip
    ratio = statistics.median(times["grade"]) / statistics.median(times["plain"])
    native = measured["precision"] != "float32"
    print(f"ratio  {ratio:.2f} " + (f"(at most {MOST})" if native else "(no bar: this processor has no bfloat16)"))
    print(f"grade  {scores['correct']:,} of {scores['count']:,} correct, {measured['precision']}, "
          f"{measured['second_looks']:,} second looks")  # fmt: skip
    print(f"plain  {int(np.trace(confusion)):,} of {int(confusion.sum()):,} correct, float32")
    same = np.array_equal(confusion, np.array(scores["confusion"]))
    print("confusion matrices are equal" if same else "CONFUSION MATRICES DIFFER")
    sys.exit(0 if same and (ratio <= MOST or not native) else 1)


if __name__ == "__main__":
    main()
