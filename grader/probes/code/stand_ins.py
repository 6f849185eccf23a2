"""Stands in for what a script would fetch (data sets, pretrained weights, networks of a hub, files) and for workers.

There is no network in the sandbox, and nothing that is tested depends on what a script fetches: the grader brings its
own networks and images. Each answer is small, of the right type, and noted, so that the report can say so.
"""

from __future__ import annotations

import inspect
import io
import os
import urllib.error
import urllib.request
from collections import OrderedDict
from collections.abc import Callable, Mapping
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.response import addinfourl

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from grader.probes.documents.text import storable
from grader.probes.refusals import Phrase, phrase

TEST_IMAGES = 90  # of a stand-in, and twice as many for training; checks/evaluation.py knows this number
FROM_FOLDERS = ("DatasetFolder", "FakeData", "ImageFolder", "VisionDataset")  # need nothing from the network
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
HUB_ONLY = ("force_reload", "progress", "skip_validation", "trust_repo", "verbose")  # arguments that no network has
OF_WORKERS = (
    "num_workers", "prefetch_factor", "persistent_workers", "multiprocessing_context", "timeout", "worker_init_fn",
)  # fmt: skip
FOR_WEIGHTS = ("pretrained", "pretrained_backbone", "weights", "weights_backbone")

_before: list[tuple[Any, str, Any]] = []
_asked: dict[tuple[str, str], None] = {}  # as a set in order


class DrawnWeights(OrderedDict[str, Any]):
    """Stands in for fetched weights; an empty one can be loaded into any network, and changes nothing there."""

    def __missing__(self, key: Any) -> DrawnWeights:
        return DrawnWeights()


def install() -> None:
    """Put every stand-in in its place, for the rest of this process."""
    if _before:
        return
    import torchvision
    from torch.utils import model_zoo
    from torchvision.models._api import WeightsEnum

    kinds = [kind for kind in vars(torchvision.datasets).values() if isinstance(kind, type)]
    for kind in kinds:
        fetches = issubclass(kind, torchvision.datasets.VisionDataset) and kind.__name__ not in FROM_FOLDERS
        if fetches and "__init__" in vars(kind):
            _stand_in_for(kind)
    for owner, name, instead in (
        (WeightsEnum, "get_state_dict", _weights_of_torchvision),
        (nn.Module, "load_state_dict", _loading_drawn(nn.Module.load_state_dict)),
        (DataLoader, "__init__", _without_workers(DataLoader.__init__)),
        (torch.hub, "load", _hub(torch.hub.load)),
        (torch.hub, "load_state_dict_from_url", _weights_from),
        (model_zoo, "load_url", _weights_from),
        (torch.hub, "download_url_to_file", _no_download),
        (torchvision.datasets.utils, "download_url", _no_download),
        (torchvision.datasets.utils, "download_and_extract_archive", _no_download),
        (torchvision.datasets.utils, "download_file_from_google_drive", _no_download),
        (urllib.request, "urlretrieve", _no_file),
        (urllib.request, "urlopen", _nothing_there),
        (os, "popen", _terminal(os.popen)),
    ):
        _put(owner, name, instead)


def uninstall() -> None:
    """Undo `install`, in a process that goes on with other work."""
    for owner, name, found in reversed(_before):
        setattr(owner, name, found)
    _before.clear()
    _asked.clear()


def notes(file: str) -> list[Phrase]:
    """Return what was asked for until now, once each, and what was there instead."""
    return [phrase(f"stand_in_{kind}", file=storable(file), what=storable(what)) for kind, what in _asked]


def _without_workers(init: Callable[..., None]) -> Callable[..., None]:
    """Have the data loaded by the process that asks: what processes share does not work in every sandbox."""
    signature = inspect.signature(init)

    def loaded_here(*args: Any, **named: Any) -> None:
        given = signature.bind(*args, **named)
        for name in OF_WORKERS:
            given.arguments.pop(name, None)
        init(*given.args, **given.kwargs)

    return loaded_here


def _put(owner: Any, name: str, instead: Any) -> None:
    _before.append((owner, name, getattr(owner, name)))
    setattr(owner, name, instead)


# --- data sets -------------------------------------------------------------------------------------------------


def _stand_in_for(kind: type) -> None:
    signature = inspect.signature(kind.__init__)  # type: ignore[misc]

    def init(self: Any, *args: Any, **named: Any) -> None:
        given = signature.bind(self, *args, **named)
        given.apply_defaults()
        _asked.setdefault(("data", kind.__name__))
        _fill(self, dict(list(given.arguments.items())[1:]))

    _put(kind, "__init__", init)
    if kind.__name__ not in ("CIFAR10", "MNIST", "SVHN", "STL10", "FashionMNIST", "KMNIST"):
        for name, instead in (("__getitem__", _picture), ("__len__", lambda self: len(self.targets))):
            if name in vars(kind):
                _put(kind, name, instead)


def _fill(found: Any, given: Mapping[str, Any]) -> None:
    """Fill a data set with drawn images, in the form of its kind."""
    from torchvision import datasets

    vars(found).update({name: value for name, value in given.items() if name not in ("transforms", "download")})
    transforms = (given.get("transforms"), given.get("transform"), given.get("target_transform"))
    datasets.VisionDataset.__init__(found, given.get("root") or ".", *transforms)
    train = given.get("train", given.get("split", "train") in ("train", "train+unlabeled", "unlabeled"))
    count = 2 * TEST_IMAGES if train else TEST_IMAGES
    names = CIFAR10 if type(found).__name__ != "CIFAR100" else tuple(f"class {number}" for number in range(100))
    targets = [index % len(names) for index in range(count)]
    grey, first = isinstance(found, datasets.MNIST), isinstance(found, datasets.SVHN | datasets.STL10)
    side = 28 if grey else 96 if isinstance(found, datasets.STL10) else 32
    shape = (count, side, side) if grey else (count, 3, side, side) if first else (count, side, side, 3)
    data = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    found.data, found.targets = (torch.from_numpy(data), torch.tensor(targets)) if grey else (data, targets)
    if first:
        found.labels = np.array(targets)
    if not grey:
        found.classes, found.class_to_idx = list(names), {name: index for index, name in enumerate(names)}


def _picture(found: Any, index: int) -> tuple[Any, Any]:
    """Return an image and its class from a stand-in of any kind."""
    from PIL import Image

    image, target = Image.fromarray(np.asarray(found.data[index])), int(found.targets[index])
    return (image, target) if found.transforms is None else found.transforms(image, target)


# --- networks and weights --------------------------------------------------------------------------------------


def _weights_of_torchvision(weights: Any, *args: Any, **named: Any) -> DrawnWeights:
    _asked.setdefault(("weights", str(weights)))
    return DrawnWeights()


def _weights_from(url: str, *args: Any, **named: Any) -> DrawnWeights:
    """Return drawn weights of the network that an address names: .../resnet50-0676ba61.pth."""
    _asked.setdefault(("weights", str(url)))
    build = _constructor(str(url).rpartition("/")[2].partition("-")[0])
    return DrawnWeights(build(weights=None).state_dict()) if build else DrawnWeights()


def _loading_drawn(load: Callable[..., Any]) -> Callable[..., Any]:
    def load_state_dict(self: nn.Module, state_dict: Any, *args: Any, **named: Any) -> Any:
        if isinstance(state_dict, DrawnWeights) and not state_dict:
            return nn.modules.module._IncompatibleKeys([], [])
        return load(self, state_dict, *args, **named)

    return load_state_dict


def _hub(load: Callable[..., Any]) -> Callable[..., Any]:
    def load_from_hub(repo_or_dir: Any, model: str, *args: Any, source: str = "github", **named: Any) -> Any:
        if source == "local":
            return load(repo_or_dir, model, *args, source=source, **named)
        build = _constructor(model) if str(repo_or_dir).startswith("pytorch/vision") else None
        if build is None:
            raise urllib.error.URLError(f"{repo_or_dir} is not there: there is no network")
        _asked.setdefault(("weights", f"{repo_or_dir}, {model}"))
        return build(
            weights=None, **{name: value for name, value in named.items() if name not in HUB_ONLY + FOR_WEIGHTS}
        )

    return load_from_hub


def _constructor(name: str) -> Callable[..., nn.Module] | None:
    from torchvision import models

    return models.get_model_builder(name) if name in models.list_models() else None


# --- downloads, and a terminal ---------------------------------------------------------------------------------


def _no_download(url: Any, *args: Any, **named: Any) -> None:
    _asked.setdefault(("download", str(url)))


def _no_file(url: Any, filename: Any = None, *args: Any, **named: Any) -> tuple[str, Message]:
    """Write an empty file, as a download of nothing would."""
    _asked.setdefault(("download", str(url)))
    path = Path(str(filename or "downloaded"))
    if not path.exists():
        path.write_bytes(b"")
    return str(path), Message()


def _nothing_there(url: Any, *args: Any, **named: Any) -> addinfourl:
    _asked.setdefault(("download", str(getattr(url, "full_url", url))))
    return addinfourl(io.BytesIO(b""), Message(), str(url), 200)


def _terminal(popen: Callable[..., Any]) -> Callable[..., Any]:
    """Answer for the terminal, whose width a well-known progress bar asks for when it is imported."""

    def opened(command: Any, *args: Any, **named: Any) -> Any:
        return io.StringIO("24 80\n") if str(command).startswith("stty size") else popen(command, *args, **named)

    return opened
