"""Tasks 3.1 and 3.2: describe images by the features of a trained classifier.

    python extract_features.py library queries                              ResNet50 and AlexNet, ImageNet weights
    python extract_features.py library --model alexnet --weights random     if the weights cannot be downloaded

It writes features.npz, readable without pickle: `paths` of the images (N,) and, under the name of each model, the
features, float32 (N, D): rows of length one, which the ranking compares.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from lab import DEVICES, LabError, Progress, known, listed, plain_errors, torch_device, write_whole
from torch import Tensor, nn

if TYPE_CHECKING:  # torchvision takes a second to import, and the functions below do not need it
    from PIL import Image
    from torchvision.models import AlexNet, ResNet

BATCH_SIZE = 16
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff")
WEIGHTS = ("imagenet", "random")


def resnet50_features(model: ResNet, x: Tensor) -> Tensor:
    """The input of ResNet50's classifier: from x, (N, 3, 224, 224), to (N, 2048).

    The model must be in eval mode. In training mode BatchNorm would use the statistics of this batch instead of those
    of the training set; a single image would be scaled by its own values, and all images would look nearly alike.
    """
    x = model.conv1(x)  # (N, 64, 112, 112)
    x = model.bn1(x)
    x = model.relu(x)
    x = model.maxpool(x)  # (N, 64, 56, 56)
    x = model.layer1(x)  # (N, 256, 56, 56)
    x = model.layer2(x)  # (N, 512, 28, 28)
    x = model.layer3(x)  # (N, 1024, 14, 14)
    x = model.layer4(x)  # (N, 2048, 7, 7)
    x = model.avgpool(x)  # (N, 2048, 1, 1)
    return x.flatten(1)  # model.fc would turn these into logits


def alexnet_features(model: AlexNet, x: Tensor) -> Tensor:
    """The input of AlexNet's classifier: from x, (N, 3, 224, 224), to (N, 9216)."""
    # BEGIN SOLUTION 3.1: the input of AlexNet's classifier, one row per image
    x = model.features(x)  # (N, 256, 6, 6)
    x = model.avgpool(x)  # (N, 256, 6, 6) for images of any size
    return x.flatten(1)
    # END SOLUTION


def normalise(features: Tensor) -> Tensor:
    """Rows (N, D) scaled to Euclidean length 1; a row of zeros stays zero."""
    # BEGIN SOLUTION 3.2: each row divided by its Euclidean length; a row of zeros stays zero
    return nn.functional.normalize(features, dim=1)  # divides by a tiny number where the length is 0
    # END SOLUTION


Features = Callable[[Any, Tensor], Tensor]
FEATURES: dict[str, Features] = {"resnet50": resnet50_features, "alexnet": alexnet_features}  # what --model accepts


@dataclass(frozen=True)
class Preprocess:
    """Prepares a picture for a network; the defaults are those of torchvision's ImageNet weights."""

    resize: int = 256  # the shorter side
    crop: int = 224  # a square in the middle
    interpolation: str = "bilinear"
    antialias: bool = True
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)  # of ImageNet's training images, by channel
    std: tuple[float, ...] = (0.229, 0.224, 0.225)

    def __call__(self, picture: Image.Image) -> Tensor:
        """The picture as (3, crop, crop)."""
        from torchvision.transforms import InterpolationMode
        from torchvision.transforms import functional as transform

        mode = InterpolationMode(self.interpolation)
        picture = transform.resize(picture, [self.resize], mode, antialias=self.antialias)
        pixels = transform.to_tensor(transform.center_crop(picture, [self.crop]))  # 0 to 1
        x: Tensor = transform.normalize(pixels, list(self.mean), list(self.std))
        return x


@dataclass(frozen=True)
class Extractor:
    """A network that describes images, and what retrieval.json says about it."""

    name: str
    weights: str  # torchvision's name, such as "IMAGENET1K_V1"; "random"; or the name of a file
    seed: int | None  # of random weights
    layer: str  # its output is the features
    preprocess: Preprocess
    model: nn.Module  # in eval mode
    features: Features

    def title(self) -> str:
        """Name and weights, for the user."""
        return f"{self.name} ({self.weights}{'' if self.seed is None else f', seed {self.seed}'})"


def load(name: str, weights: str = "imagenet", seed: int = 0) -> Extractor:
    """The extractor with this name, on the CPU, with weights "imagenet" or "random". Raises LabError.

    Random weights are the ones that torchvision's model draws directly after `torch.manual_seed(seed)`.
    """
    # BEGIN REFERENCE: every other classifier of torchvision, the networks of the lab, weights from a file
    if name not in FEATURES or weights not in WEIGHTS:
        from families import load_other

        other: Extractor = load_other(name, weights, seed)
        return other
    # END REFERENCE
    check("--model", FEATURES, name)
    check("--weights", WEIGHTS, weights)
    model, label = from_torchvision(name, weights, seed)
    drawn = seed if weights == "random" else None
    return Extractor(name, label, drawn, "avgpool", Preprocess(), model.eval(), FEATURES[name])


def check(option: str, names: Iterable[str], name: str) -> None:
    """Check that the name is one of the names. Raises LabError."""
    try:
        known(names, name)
    except argparse.ArgumentTypeError as error:
        raise LabError(f"{option}: {error}") from None


def from_torchvision(name: str, weights: str, seed: int) -> tuple[nn.Module, str]:
    """A classifier of torchvision and the name of its weights. Raises LabError if the download fails."""
    from torchvision.models import get_model, get_model_weights

    if weights == "random":
        torch.manual_seed(seed)
        return get_model(name, weights=None), weights
    first = next(iter(get_model_weights(name)))  # nearly always IMAGENET1K_V1, the course's pretrained=True
    try:
        return get_model(name, weights=first), first.name
    except Exception as error:  # no network, an incomplete download, a file with other contents
        path = Path(torch.hub.get_dir()) / "checkpoints" / Path(first.url).name
        way = f"save {first.url} as {path}, or use --weights random --seed 0"
        raise LabError(f"cannot download the ImageNet weights of {name} ({error}): {way}") from error


def images_in(folder: Path) -> list[Path]:
    """Every image in the folder and below it, in the same order on every system. Raises LabError."""
    if not folder.is_dir():
        raise LabError(f"there is no folder {folder}")
    found = [path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()]
    shown = [path for path in found if not path.name.startswith(".")]  # macOS leaves ._cat.jpg beside cat.jpg
    if not shown:
        raise LabError(f"no image in {folder}: put {', '.join(SUFFIXES)} files there")
    return sorted(shown, key=lambda path: path.relative_to(folder).as_posix())


def path_of(image: Path, folder: Path) -> str:
    """The path of an image, starting with the name of its folder, with forward slashes: "library/cat/1.jpg"."""
    return f"{folder.absolute().name}/{image.relative_to(folder).as_posix()}"


def read_image(path: Path) -> Image.Image:
    """The picture in RGB; the first one if the file holds several. Raises LabError."""
    from PIL import Image

    try:
        with Image.open(path) as picture:
            return picture.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:  # SyntaxError: a broken PNG
        kind = type(error).__name__
        raise LabError(f"{path} cannot be read as an image ({kind}): remove it, or save it again") from error


def extract(extractor: Extractor, images: Sequence[Path], device: torch.device) -> Tensor:
    """The features of the images, float32 (N, D), rows of length one, on the CPU. Raises LabError."""
    model = extractor.model.to(device)
    rows = []
    with torch.no_grad(), Progress(extractor.name, len(images), "image") as progress:
        for start in range(0, len(images), BATCH_SIZE):
            pictures = [extractor.preprocess(read_image(path)) for path in images[start : start + BATCH_SIZE]]
            x = torch.stack(pictures).to(device)  # (B, 3, crop, crop)
            rows.append(extractor.features(model, x).cpu())
            progress.step(len(pictures))
    features = torch.cat(rows)
    if not features.isfinite().all():
        raise LabError(f"{extractor.title()} gives features that are not finite; its weights cannot be used")
    return normalise(features)


def write_features(path: Path, images: Sequence[str], features: Mapping[str, Tensor]) -> None:
    """Write features.npz: `paths` (N,), and features (N, D) under the name of each model."""
    content = io.BytesIO()
    arrays = {name: rows.numpy() for name, rows in features.items()}
    np.savez_compressed(content, allow_pickle=False, paths=np.array(images), **arrays)
    write_whole(path, content.getvalue())


def main(arguments: Sequence[str] | None = None) -> None:
    """Extract as the command line says; write features.npz to the output folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="where the images are")
    options = parse(parser, arguments)
    with plain_errors("extract_features.py"):
        run(options)


def run(options: argparse.Namespace) -> None:
    """Run every model on every image. Raises LabError."""
    found = [(path, path_of(path, folder)) for folder in options.folders for path in images_in(folder)]
    features = {}
    for extractor in load_all(options):
        features[extractor.name] = extract(extractor, [path for path, _ in found], options.device)
        print(f"{extractor.title()}: {len(found)} images, {features[extractor.name].shape[1]} features each")
    write_features(options.out / "features.npz", [name for _, name in found], features)


def load_all(options: argparse.Namespace) -> list[Extractor]:
    """All extractors that the command line asks for, before any of them runs. Raises LabError."""
    extractors = [load(name, options.weights, options.seed) for name in dict.fromkeys(options.model)]
    names = [extractor.name for extractor in extractors]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise LabError(
            f"--model: {twice} is given twice, with different weights: run the script once for each, with its own --out"
        )
    return extractors


def parse(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line with the options that choose models; the device is chosen."""
    parser.add_argument(
        "--model", action="append", metavar="NAME", help=f"{listed(FEATURES)}; repeat it for several models"
    )
    parser.add_argument(
        "--weights", default="imagenet", metavar="WEIGHTS", help=f"{listed(WEIGHTS)}; default: imagenet"
    )
    parser.add_argument("--seed", type=int, default=0, help="for random weights; default: 0")
    parser.add_argument("--out", type=Path, default=Path(), metavar="FOLDER", help="where the results go")
    parser.add_argument("--device", type=torch_device, default="auto", metavar="NAME", help=listed(DEVICES))
    # BEGIN REFERENCE: every other classifier of torchvision, the networks of the lab, weights from a file
    parser.epilog = """The reference also takes, as --model, every classifier of torchvision and every network of the
    lab, and as --weights a file; a file of the lab's weights, such as final.pth, may be given as --model."""
    # END REFERENCE
    options = parser.parse_args(arguments)
    options.model = options.model or list(FEATURES)
    return options


if __name__ == "__main__":
    main()
