"""Reads a public image set with torchvision's own classes, in a process of its own: the parent never imports torch.

`python -P -m grader.dataset.with_torchvision REQUEST`, a JSON object: see `child.Request`. Writes the four .npy files
and ANSWER; ends with status 1, and the reason in ANSWER, where it cannot.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from grader.dataset.child import ANSWER, BEGUN, Request
from grader.dataset.prepared import write_split

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SILENCE_SECONDS = 20.0  # of a server
DIGITS = tuple("0123456789")


class Answer(TypedDict, total=False):
    """The names of the classes; else `why` there are no images."""

    classes: list[str]
    why: str


def main() -> None:
    """Read the set that the command line asks for."""
    import socket

    request: Request = json.loads(sys.argv[1])
    import torchvision.datasets  # noqa: F401 - before the clock begins to run

    out = Path(request["out"])
    (out / BEGUN).touch()
    socket.setdefaulttimeout(SILENCE_SECONDS)
    try:
        answer: Answer = {"classes": read(request)}
    except Exception as error:  # torchvision raises what its libraries do
        answer = {"why": str(error) or type(error).__name__}
    (out / ANSWER).write_text(json.dumps(answer), "utf-8")
    sys.exit("why" in answer)


def read(request: Request) -> list[str]:
    """Write both splits, and return the names of the classes. Raises what torchvision does."""
    names: list[str] = []
    for split in ("test", "train"):
        images, labels, names = _split(request, split == "train")
        if images.shape[1:] != tuple(request["shape"]) or images.dtype.name != "uint8":
            raise ValueError(f"{split} images are {images.dtype.name} {images.shape}")
        if labels.shape != images.shape[:1] or not 0 <= labels.min() <= labels.max() < request["classes"]:
            raise ValueError(f"{split} labels are {labels.shape}, {labels.min()} to {labels.max()}")
        write_split(Path(request["out"]), split, images, labels.astype("uint8"))
    if len(names) != request["classes"]:
        raise ValueError(f"{len(names)} names of classes")
    return names


def _split(request: Request, train: bool) -> tuple[NDArray[np.uint8], NDArray[Any], list[str]]:
    """Return images (N, C, H, W), labels (N,), and names of classes."""
    import numpy as np

    kind, root, download = _pinned(request), request["root"], request["download"]
    if request["kind"] == "SVHN":
        found = kind(root, "train" if train else "test", download=download)
        return found.data, np.asarray(found.labels), list(DIGITS)
    found = kind(root, train, download=download)
    if request["kind"] == "CIFAR100":
        return found.data.transpose(0, 3, 1, 2), np.asarray(found.targets), list(found.classes)
    names = [name.partition(" - ")[0] for name in found.classes]  # "0 - zero"
    return found.data.numpy()[:, None], found.targets.numpy(), names


def _pinned(request: Request) -> Any:
    """Return torchvision's class with the MD5s that were asked for."""
    import torchvision.datasets

    base, md5s = getattr(torchvision.datasets, request["kind"]), request["md5s"]
    by_name = {path.rpartition("/")[2]: md5 for path, md5 in md5s.items()}
    if request["kind"] == "SVHN":
        pinned = {split: [url, name, by_name.get(name, md5)] for split, (url, name, md5) in base.split_list.items()}
        return type("SVHN", (base,), {"split_list": pinned})
    if request["kind"] == "CIFAR100":
        lists = {of: [[name, by_name.get(name, md5)] for name, md5 in getattr(base, of)] for of in
                 ("train_list", "test_list")}  # fmt: skip
        meta = {**base.meta, "md5": by_name.get(base.meta["filename"], base.meta["md5"])}
        return type("CIFAR100", (base,), {**lists, "meta": meta, "tgz_md5": by_name.get(base.filename, base.tgz_md5)})
    resources = [(name, by_name.get(name, md5)) for name, md5 in base.resources]
    return type(request["kind"], (base,), {"resources": resources})  # the name is that of the folder as well


if __name__ == "__main__":
    main()
