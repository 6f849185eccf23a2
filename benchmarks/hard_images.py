"""Which test images of CIFAR-10 the reference network gets wrong: makes `grader/collect/hard_images.txt`.

    python benchmarks/hard_images.py            writes it: needed whenever reference/final.pth is another one
    python benchmarks/hard_images.py --check    writes nothing, and exits with 1 if it would be another file

In float32, with the template's normalisation. Needs CIFAR-10 (`grade data fetch`); half a minute.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # this needs what is in the checkout alone, wherever the grader is installed

from benchmarks.generalisation import REFERENCE_WEIGHTS, logits_of  # noqa: E402
from grader.collect.hard import FILE  # noqa: E402
from grader.dataset import ImageSet, default_cache, find_cifar10, nothing_here  # noqa: E402
from grader.probes.weights.checkpoint import load_network  # noqa: E402

A_LINE = 20  # numbers


def text_of(images: ImageSet) -> str:
    """Return what the file must hold: the numbers of the images that the reference network gets wrong."""
    with REFERENCE_WEIGHTS.open("rb") as file:
        logits = logits_of(load_network(file.fileno(), file.name), images.images("test"))
    wrong = np.flatnonzero(logits.argmax(axis=1) != images.labels("test"))
    lines = [" ".join(map(str, wrong[start : start + A_LINE])) for start in range(0, len(wrong), A_LINE)]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the file, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if it would change")
    options = parser.parse_args()
    images = find_cifar10(None, default_cache())
    if images is None:
        sys.exit(f"benchmarks/hard_images.py: {nothing_here(default_cache())}")
    text, path = text_of(images), ROOT / "grader" / "collect" / FILE
    if options.check:
        sys.exit(0 if path.is_file() and path.read_text("utf-8") == text else f"{path} is out of date")
    path.write_text(text, "utf-8")
    print(f"{path}: {len(text.split()):,} images")


if __name__ == "__main__":
    main()
