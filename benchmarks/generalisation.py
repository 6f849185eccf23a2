"""Honest networks against tables of the test images, by the figures that raise the flag "look-up table?".

    python benchmarks/generalisation.py [--networks mlp cnn] [--epochs 2 10] [--images 50000] [--cache DIR]
    python benchmarks/generalisation.py --show      prints what the cache holds, and trains nothing

Trains each network with and without augmentation, and some with the test images among the training images; builds
look-up tables of three shapes. Each is shown the test images, mirrored and shifted copies and training images, drawn
and counted as the grader does. One line each, and at the end: tables found, networks with the test set inside found,
honest ones flagged, and the margins to the thresholds. "Hard" are the test images that the reference gets wrong;
"harder" is the log odds ratio of being right on the others and on them.

Run so far, on two busy cores: all eight tables; as honest networks the reference's final.pth (60 epochs, augmented);
plain and augmented, on all 50,000 images for 2 epochs, ResNet20, the lab's small AlexNet, MLP and CNN, the MLP and the
LeNet of d2l, the tutorial of PyTorch and `sequential`, both small CNNs, the network of patches, and MobileNetV2 of
torchvision; on fewer images and for longer the MLP of d2l (20 epochs on 10,000, 40 on 4,000), the tutorial (20 on
10,000) and `sequential` (10 on 2,000); plain, an MLP of 10.5 million parameters (15 on 4,000). None was flagged: they
lost at most 5.0 points (threshold 12), were at most 1.7 above their training accuracy (threshold 6), and were harder by
1.30 at least where half the images were right (threshold 1.00). MobileNetV2, with 45 and 47 % right, was harder by 1.08
and 1.20: so little is not judged by this figure, and comes close. The tables lost 2.9 to 62.3 and were up to 66.5
above; all eight were found, two of them by the hard images alone, and so was the MLP of d2l trained with the test
images and 1,000 others, plain, for 40 epochs. `sequential` with the test images among 60,000, for 2 epochs, was not
found: it knows them no better than the others yet. Not run: ResNet9, 50,000 images for more than 2 epochs except for
the reference, deeper networks without augmentation, transformers, other networks of torchvision.

Hard images, measured later, share right on all, on hard ones, and harder: MLP of d2l, 3 epochs, 53.7 %, 21.8 %, 1.53;
LeNet, 5, 60.4 %, 27.1 %, 1.54; tutorial, 5, augmented 59.4 %, 25.8 %, 1.56, plain 60.5 %, 25.7 %, 1.62; `sequential`,
10 on 5,000 images, 65.8 %, 27.2 %, 1.79, and 4 on 20,000, augmented, 71.5 %, 27.3 %, 2.09; the given
pretrain_model.pth, 65.9 %, 24.6 %, 1.94. The table of all images is right on 100 % and on 99.9 % (3 points lost, none
above), with a tenth of the labels false on 90.4 % and on 89.8 %, harder 0.07; both are found, by this alone. The MLP
of d2l with the test images and 1,000 others is right on 99.96 % and on 100 %. Not measured there: networks between
72 % and 99 %.

A result is kept in the cache under what was trained and how, so that a run goes on where the last one ended: all
networks for 2 to 60 epochs take days on two cores, the smallest ten minutes. Needs CIFAR-10 (`grade data fetch`).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # this needs what is in the checkout alone, wherever the grader is installed

from benchmarks.generalisation_cases import BUILD, SEED, SMALL, Case, Kind, normalised, tables, trained  # noqa: E402
from grader.collect.generalisation import Part, draw  # noqa: E402
from grader.collect.hard import on_hard  # noqa: E402
from grader.collect.scoring import score  # noqa: E402
from grader.dataset import ImageSet, default_cache, find_cifar10, nothing_here  # noqa: E402
from grader.evidence import Accuracy, Generalisation  # noqa: E402
from grader.measures.generalisation import ABLE, ABOVE, HARDER, LOST, above, harder, knows_test_images, lost  # noqa: E402
from grader.probes.weights.checkpoint import load_network  # noqa: E402

REFERENCE, REFERENCE_WEIGHTS = "reference", ROOT / "reference" / "final.pth"


# --- figures ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    """What a network did: counts as the grader stores them, and the parameters of the network."""

    case: Case
    parameters: int
    correct: int
    count: int
    found: Generalisation

    @property
    def scores(self) -> Accuracy:
        """The accuracy on test images, as far as the thresholds need it."""
        return Accuracy("CIFAR-10", (), self.correct, self.count, (), (), 0)

    @property
    def flagged(self) -> bool:
        """Whether it gets the flag."""
        return knows_test_images(self.found, self.scores)


def measured(case: Case, net: nn.Module, images: ImageSet) -> Result:
    """Count as the grader does, on all copies and training images."""
    test = logits_of(net, images.images("test"))
    drawn = draw(images, len(test), SEED)
    rest, first = drawn.rest, drawn.first
    split = np.split(first.pixels, [len(first.copied)]), np.split(rest.pixels, [len(rest.copied)])
    pixels = np.concatenate([half[side] for side in (0, 1) for half in split])
    copied, chosen = (np.concatenate(pair) for pair in ((first.copied, rest.copied), (first.trained, rest.trained)))
    found = Part(pixels, copied, chosen).counts(SEED, logits_of(net, pixels), test, images)
    found = replace(found, **on_hard(test, images)._asdict())
    scores = score(test, images.labels("test"), images.name, images.classes)
    parameters = sum(value.numel() for value in (*net.parameters(), *net.buffers()))
    return Result(case, parameters, scores.correct, scores.count, found)


@torch.inference_mode()
def logits_of(net: nn.Module, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Logits in float32."""
    parts = [net.eval()(normalised(torch.from_numpy(part.copy()))) for part in np.array_split(pixels, 40)]
    return torch.cat(parts).numpy()


def row(result: Result) -> str:
    """One line of the table."""
    found = result.found
    shares = (result.correct / result.count, found.correct_before / found.moved, found.correct_moved / found.moved)
    shares = (*shares, found.correct_training / found.training, found.correct_hard / max(found.hard, 1))
    figures = "".join(f"{share:9.1%}" for share in shares)
    margins = f"{lost(found):+8.1%}{above(found, result.scores):+8.1%}{harder(found, result.scores):+8.2f}"
    kind = "FLAG" if result.flagged else "-"
    return f"{result.case.kind:16}{result.case.name:50}{result.parameters:>11,}{figures}{margins}  {kind}"


COLUMNS = "".join(f"{name:>9}" for name in ("test", "before", "moved", "training", "hard"))
HEAD = f"{'':16}{'network':50}{'parameters':>11}{COLUMNS}{'lost':>8}{'above':>8}{'harder':>8}"


def report(results: list[Result]) -> bool:
    """Print everything; True if every table is found and no honest network is flagged."""
    kinds: tuple[Kind, ...] = ("honest", "test set inside", "table")
    print(HEAD)
    for result in sorted(results, key=lambda one: (kinds.index(one.case.kind), one.case.name)):
        print(row(result))
    by_kind = {kind: [one for one in results if one.case.kind == kind] for kind in kinds}
    print()
    for kind, found in by_kind.items():
        print(f"{kind}: {sum(one.flagged for one in found)} of {len(found)} flagged")
    if honest := by_kind["honest"]:
        print(f"honest at most: lost {max(lost(one.found) for one in honest):+.1%} (threshold {LOST:.0%}), "
              f"above {max(above(one.found, one.scores) for one in honest):+.1%} (threshold {ABOVE:.0%})")  # fmt: skip
    if able := [one for one in by_kind["honest"] if one.correct >= ABLE * one.count]:
        least = min(harder(one.found, one.scores) for one in able)
        print(f"honest at least, where {ABLE:.0%} are right: harder {least:+.2f} (threshold {HARDER:.2f})")
    return all(one.flagged for one in by_kind["table"]) and not any(one.flagged for one in by_kind["honest"])


# --- running ---------------------------------------------------------------------------------------------------


def cases(options: argparse.Namespace) -> Iterator[Case]:
    """What to train, the quickest first; the reference's weights were trained before, for 60 epochs."""
    yield Case("honest", REFERENCE, 60, True)
    for epochs in options.epochs:
        for network in options.networks:
            for augmented in (False, True):
                yield Case("honest", network, epochs, augmented, options.images)
    for network in options.inside:
        for augmented in (False, True):
            yield Case("test set inside", network, max(options.epochs), augmented, options.images)


def stored(cache: Path) -> list[Result]:
    """What earlier runs found; not from before hard images were counted."""
    results = (_read(json.loads(file.read_text("utf-8"))) for file in sorted(cache.glob("*.json")))
    return [result for result in results if result.found.hard]


def _read(told: dict[str, object]) -> Result:
    case, found = (told.pop(name) for name in ("case", "found"))
    assert isinstance(case, dict) and isinstance(found, dict)
    return Result(Case(**case), found=Generalisation(**found), **told)  # type: ignore[arg-type]


def keep(result: Result, cache: Path) -> None:
    """Store a result under what was trained and how."""
    case = result.case
    name = f"{case.kind} {case.name}".replace(",", "").replace(" ", "-")
    (cache / f"{name}.json").write_text(json.dumps(asdict(result), indent=1) + "\n", "utf-8")


def main() -> None:
    """Train what the cache lacks, build the tables, print everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="*", default=list(SMALL), choices=list(BUILD), metavar="NAME")
    parser.add_argument("--inside", nargs="*", default=["sequential"], choices=list(BUILD), metavar="NAME")
    parser.add_argument("--epochs", nargs="*", type=int, default=[2, 10])
    parser.add_argument("--images", type=int, default=50_000, help="of the training set")
    parser.add_argument("--cache", type=Path, default=default_cache() / "generalisation")
    parser.add_argument("--no-tables", action="store_true")
    parser.add_argument("--show", action="store_true", help="print what the cache holds")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    if not options.show:
        fill(options)
    sys.exit(0 if report(stored(options.cache)) else 1)


def fill(options: argparse.Namespace) -> None:
    """Measure whatever the cache lacks."""
    images = find_cifar10(None, default_cache())
    if images is None:
        sys.exit(f"benchmarks/generalisation.py: {nothing_here(default_cache())}")
    have = {one.case for one in stored(options.cache)}
    for name, table in () if options.no_tables else tables(images):
        if (case := Case("table", name)) not in have:
            keep(measured(case, table, images), options.cache)
    for case in cases(options):
        if case.network == REFERENCE and case not in have:
            with REFERENCE_WEIGHTS.open("rb") as file:
                keep(measured(case, load_network(file.fileno(), file.name), images), options.cache)
        elif case not in have:
            keep(measured(case, trained(case, images), images), options.cache)


if __name__ == "__main__":
    main()
