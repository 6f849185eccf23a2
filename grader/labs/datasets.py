"""What a lab may measure on: public sets by the names of `lab.toml`, and images of a course's own in an .npz file."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from grader.records import message
from grader.records.errors import BadLab

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SUFFIX = ".npz"
CLASSES = (2, 1_000)  # the fewest and the most
SIDES = (8, 512)  # pixels
WANTED = "test_images", "test_labels"
TRAINING = "train_images", "train_labels"
NAMES = "class_names"


class DataSet(NamedTuple):
    """A set of labelled images: its name for people, how many classes, and (channels, height, width).

    `calibrated` if the thresholds of flags about generalisation were measured on it.
    """

    name: str
    classes: int
    shape: tuple[int, int, int]
    calibrated: bool = False


DATA_SETS = {
    "cifar10": DataSet("CIFAR-10", 10, (3, 32, 32), calibrated=True),
    "cifar100": DataSet("CIFAR-100", 100, (3, 32, 32)),
    "mnist": DataSet("MNIST", 10, (1, 28, 28)),
    "fashion-mnist": DataSet("Fashion-MNIST", 10, (1, 28, 28)),
    "kmnist": DataSet("KMNIST", 10, (1, 28, 28)),
    "svhn": DataSet("SVHN", 10, (3, 32, 32)),
}


class OwnImages(NamedTuple):
    """The arrays of a course's own set: images uint8 (N, C, H, H), labels (N,); training may be empty."""

    classes: tuple[str, ...]
    images: Mapping[str, NDArray[np.uint8]]  # by split
    labels: Mapping[str, NDArray[Any]]


def own_set(path: Path) -> DataSet:
    """Describe an own set. Raises BadLab."""
    found = read_own(path)
    _, channels, side, _ = found.images["test"].shape
    return DataSet(path.stem, len(found.classes), (channels, side, side))


def read_own(path: Path) -> OwnImages:
    """Read images and labels from an .npz: test_images and test_labels; train_images and train_labels if there are any.

    Images are uint8: (N, H, W) for grey ones, (N, H, W, 3) or (N, 3, H, W). Labels are class numbers from 0. Names of
    classes may be in class_names. Raises BadLab, which says what is wrong with which array.
    """
    import numpy as np

    try:
        with zipfile.ZipFile(path):
            pass  # numpy would also read a single array, or a pickle
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except Exception as error:  # a damaged or encrypted zip, a member that is no array: numpy raises a dozen kinds
        raise BadLab(message("{file} cannot be read as .npz: {why}.", file=str(path), why=str(error))) from error
    if missing := [name for name in WANTED if name not in arrays]:
        sentence = message(
            "{file} has no array {name}. Write it with numpy.savez_compressed('{short}', test_images=...,"
            " test_labels=..., train_images=..., train_labels=...).",
            file=str(path),
            name=missing[0],
            short=path.name,
        )
        raise BadLab(sentence)
    images: dict[str, NDArray[np.uint8]] = {}
    labels: dict[str, NDArray[Any]] = {}
    for split, (pixels, numbers) in {"test": WANTED, "train": TRAINING}.items():
        if split == "train" and pixels not in arrays and numbers not in arrays:
            images[split], labels[split] = images["test"][:0], labels["test"][:0]
            continue
        images[split] = _images(path, pixels, arrays.get(pixels))
        labels[split] = _labels(path, numbers, arrays.get(numbers), len(images[split]))
    if images["train"].shape[1:] != images["test"].shape[1:]:
        raise _wrong(path, TRAINING[0], f"shape {arrays[TRAINING[0]].shape}", f"the shape of {WANTED[0]}")
    highest = max(int(some.max(initial=0)) for some in labels.values())
    lowest = min(int(some.min()) for some in labels.values() if len(some))
    if NAMES in arrays and (arrays[NAMES].ndim != 1 or arrays[NAMES].dtype.kind != "U"):
        raise _wrong(path, NAMES, _described(arrays[NAMES]), "a row of texts, one for each class")
    names = tuple(map(str, arrays[NAMES].tolist())) if NAMES in arrays else tuple(map(str, range(highest + 1)))
    if NAMES not in arrays and lowest:
        raise _wrong(path, WANTED[1], f"numbers from {lowest} on", f"class numbers from 0 on; or name them in {NAMES}")
    if not CLASSES[0] <= len(names) <= CLASSES[1] or highest >= len(names):
        raise _wrong(path, NAMES if NAMES in arrays else WANTED[1], f"{len(names)} classes, labels up to {highest}",
                     f"{CLASSES[0]} to {CLASSES[1]:,} classes, numbered from 0")  # fmt: skip
    return OwnImages(names, images, labels)


def _images(path: Path, name: str, found: NDArray[Any] | None) -> NDArray[np.uint8]:
    wanted = "uint8 of shape (N, H, H), (N, H, H, 3) or (N, 3, H, H)"
    if found is None or found.dtype.name != "uint8" or found.ndim not in (3, 4) or not len(found):
        raise _wrong(path, name, _described(found), wanted)
    if found.ndim == 3:
        found = found[:, None]
    elif found.shape[1] not in (1, 3) and found.shape[3] in (1, 3):
        found = found.transpose(0, 3, 1, 2)
    _, channels, height, width = found.shape
    if channels not in (1, 3) or height != width or not SIDES[0] <= height <= SIDES[1]:
        raise _wrong(path, name, _described(found), f"{wanted}, H from {SIDES[0]} to {SIDES[1]}")
    return found


def _labels(path: Path, name: str, found: NDArray[Any] | None, count: int) -> NDArray[Any]:
    if (
        found is None
        or found.dtype.kind not in "iu"
        or found.shape != (count,)
        or not 0 <= int(found.min()) <= int(found.max()) < CLASSES[1]
    ):
        raise _wrong(
            path, name, _described(found), f"{count:,} whole numbers from 0 to {CLASSES[1] - 1}, one for each image"
        )
    return found.astype("uint8" if int(found.max()) < 256 else "uint16")


def _described(found: NDArray[Any] | None) -> str:
    return "missing" if found is None else f"{found.dtype.name} of shape {found.shape}"


def _wrong(path: Path, name: str, found: str, wanted: str) -> BadLab:
    values = {"file": str(path), "name": name, "found": found, "wanted": wanted}
    return BadLab(message("{file}: {name} is {found}; it must be {wanted}.", **values))
