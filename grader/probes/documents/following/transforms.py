"""Transforms of torchvision, albumentations and kornia: what each does to images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from grader.probes.documents.following.sizes import SIZES, images_only, unread
from grader.probes.documents.following.state import Normaliser, State, as_tensor, scaled
from grader.probes.documents.following.values import (
    NOWHERE,
    UNBOUND,
    Builtin,
    Chain,
    Function,
    Given,
    Instance,
    Library,
    Pixels,
    Place,
    Seq,
    Step,
    Table,
    Triple,
    Unbound,
    Unknown,
    Value,
    numbers,
    triple,
)

if TYPE_CHECKING:
    from grader.probes.documents.following.calls import Calls

IMAGENET = Seq([0.485, 0.456, 0.406]), Seq([0.229, 0.224, 0.225])  # what albumentations takes by default
CHAINS = ("Compose", "Sequential", "AugmentationSequential", "ImageSequential")
# left out: they change an image, but not how its pixels become numbers
PASSED_OVER = {
    "Identity", "ToImage", "PILToTensor", "ToPILImage", "ToImagePIL", "ToPureTensor", "ToTensorV2", "ToRGB", "RGB",
    "RandomHorizontalFlip", "HorizontalFlip", "ClampBoundingBoxes", "SanitizeBoundingBoxes",
}  # fmt: skip
# of augmentation: left out as well, unless they are done to every image
CHANCES = {
    "ColorJitter", "AutoAugment", "RandAugment", "TrivialAugmentWide", "AugMix", "RandomRotation", "RandomAffine",
    "RandomErasing", "RandomBrightnessContrast", "RandomCropWithPadding", "Affine", "ShiftScaleRotate",
    "CoarseDropout", "Cutout", "Rotate", "HueSaturationValue", "RandomPerspective",
}  # fmt: skip


CHANGING = {
    "GaussianBlur", "VerticalFlip", "Flip", "OneOf", "SomeOf", "ElasticTransform", "GaussNoise", "Blur", "MotionBlur",
    "CLAHE", "RGBShift", "AutoContrast", *CHANCES,
}  # fmt: skip


def run_chain(state: Calls, chain: Value, given: Given) -> Value:
    """Call a transform: `transform(image)`, or `transform(image=image)` as albumentations has it."""
    if "image" in given.words:
        return Table({"image": apply(state, chain, given.words["image"])}, len(state.path))
    return apply(state, chain, given.get(0, "img", given.get(0, "input")))


def apply(state: Calls, chain: Value, value: Value) -> Value:
    """Return what a transform makes of images."""

    def one(step: Value, found: Value) -> Value:
        match step:
            case None | Unbound():
                return found
            case Chain(steps=Seq(items=items)) | Seq(items=items):
                for each in list(items):
                    found = apply(state, each, found)
                return found
            case Step():
                return _known(state, found, step.apply(found))
            case Function() | Instance() | Unknown() | Library() | Builtin():
                return _known(state, found, state.call(step, Given((found,), {}, NOWHERE)))
        return state.fresh("transform")

    return state.lift(one, chain, value)


def _known(state: Calls, before: Value, after: Value) -> Value:
    """Return what was made of images; of those of which that is unknown, the origin still is known."""
    lost = isinstance(before, Pixels) and isinstance(after, Unknown)
    return state.lose(before, before.place) if lost and isinstance(before, Pixels) else after


def build(state: Calls, library: str, name: str, given: Given) -> Value:
    """Return the transform of this name; UNBOUND if there is none."""
    if name in CHAINS:
        return _chain(state, name, given)
    if name in BUILDERS:
        return BUILDERS[name](state, library, given)
    if name in PASSED_OVER or (name in CHANCES and state.see(given.get(-1, "p")) not in (1, 1.0)):
        return Step(name, partial(images_only, lambda pixels: pixels))
    if name in CHANGING or name.startswith("Random"):
        return Step(name, partial(images_only, lambda pixels: state.lose(pixels, given.place)))
    return UNBOUND


def _chain(state: Calls, name: str, given: Given) -> Value:
    if name != "Compose":
        own = any(isinstance(state.see(one), Step | Chain | Instance) for one in given.items)
        return Chain(Seq(list(given.items), len(state.path))) if own else UNBOUND  # else it is a network
    first = state.see(given.get(0, "transforms"))
    if isinstance(first, Seq):
        chain = Chain(first)
    elif isinstance(first, Unbound | Unknown | Library):
        chain = Chain(Seq([state.fresh("steps")], len(state.path)))
    else:
        chain = Chain(Seq(list(state.each(first)), len(state.path)))
    state.notice(state.noticed.chains, (chain, tuple(state.purposes)))
    return chain


def images(state: State, value: Value, integer: bool, place: Place) -> Value:
    """Return images; what a data set gives is taken to be some, where its code does not say."""
    if isinstance(value, Pixels):
        return value
    if isinstance(value, Unknown) and not value.key.startswith("unread"):
        return Pixels(integer=integer, guess=not integer, origin=state.item_of, place=place)
    return unread(place)


# --- from 0..255 to 0..1 ----------------------------------------------------------------------------------------


def _to_tensor(state: Calls, library: str, given: Given) -> Value:

    def change(value: Value) -> Value:
        pixels = images(state, value, True, given.place)
        return replace(as_tensor(pixels, given.place), layout="first") if isinstance(pixels, Pixels) else pixels

    return Step("ToTensor", change)


def _to_dtype(state: Calls, library: str, given: Given) -> Value:
    """`ToDtype(torch.float32, scale=True)` divides by 255; without scale it does not."""
    dtype, scale = state.see(given.get(0, "dtype")), state.see(given.get(1, "scale", False))
    if isinstance(dtype, Table):
        dtype = next((state.see(value) for value in dtype.items.values()), None)
    if not isinstance(dtype, Library) or not isinstance(scale, bool):
        return Step("ToDtype", lambda value: unread(given.place))
    floating = dtype.name.startswith(("float", "half", "double", "bfloat"))

    def change(value: Value) -> Value:
        pixels = images(state, value, True, given.place)
        if not isinstance(pixels, Pixels) or not floating:
            return pixels
        return as_tensor(pixels, given.place) if scale else replace(pixels, integer=False)

    return Step("ToDtype", change)


def _convert(state: Calls, library: str, given: Given) -> Value:
    dtype = given.get(0, "dtype", Library("torch.float32"))
    return _to_dtype(state, library, Given((dtype, True), {}, given.place))


def _to_float(state: Calls, library: str, given: Given) -> Value:
    """Build albumentations' ToFloat(max_value)."""
    by = triple(state.see(given.get(0, "max_value", 255.0)))

    def change(value: Value) -> Value:
        pixels = images(state, value, True, given.place)
        if by is None or 0.0 in by or not isinstance(pixels, Pixels):
            return unread(given.place)
        return replace(scaled(pixels, (1 / by[0], 1 / by[1], 1 / by[2]), 0.0), place=given.place)

    return Step("ToFloat", change)


# --- normalisation ----------------------------------------------------------------------------------------------


def _normalize(state: Calls, library: str, given: Given) -> Value:
    albumentations = library == "albumentations" or "max_pixel_value" in given.words
    default = IMAGENET if albumentations else (UNBOUND, UNBOUND)
    mean, std = given.get(0, "mean", default[0]), given.get(1, "std", default[1])
    most = given.get(2 if library == "albumentations" else -1, "max_pixel_value", 255.0 if albumentations else 1.0)
    method = state.see(given.get(4, "normalization", "standard")) if albumentations else "standard"

    def built(one: Value, other: Value, largest: Value) -> Value:
        means, stds, by = triple(one), triple(other), numbers(largest)
        if (
            means is None
            or stds is None
            or not _usual(means, stds)
            or by is None
            or len(by) != 1
            or method != "standard"
        ):
            _note(state, None, None, given)
            return Step("Normalize", lambda value: unread(given.place))
        _note(state, means, stds, given)
        return Step(
            "Normalize", partial(normalised, state, Formula(means, stds, by[0], not albumentations, given.place))
        )

    return state.lift(built, mean, std, most)


class Formula(NamedTuple):
    """A normalisation: `most` is the largest pixel that it reckons with, `floats` whether it takes only floats."""

    mean: Triple
    std: Triple
    most: float
    floats: bool
    place: Place


def _usual(mean: Triple, std: Triple) -> bool:
    return all(0.0 < one < 1000 for one in std) and all(abs(one) < 1000 for one in mean)


def normalised(state: State, formula: Formula, value: Value) -> Value:
    """Return (images - mean * most) / (std * most)."""
    mean, std, most, floats, place = formula
    pixels = images(state, value, not floats, place)
    if not isinstance(pixels, Pixels):
        return pixels
    if floats:  # torchvision refuses whole numbers: a step that makes them floats was overlooked
        pixels = as_tensor(pixels, place)
    factor = (1 / (std[0] * most), 1 / (std[1] * most), 1 / (std[2] * most))
    summand = (-mean[0] / std[0], -mean[1] / std[1], -mean[2] / std[2])
    return replace(scaled(pixels, factor, summand), place=place)


def _note(state: State, mean: Triple | None, std: Triple | None, given: Given) -> None:
    found = Normaliser(mean, std, given.place, given.node, tuple(state.purposes))
    state.notice(state.noticed.normalisers, found)


def _lambda(state: Calls, library: str, given: Given) -> Value:
    inner = given.get(0, "lambd", given.get(-1, "image"))
    return Step("Lambda", lambda value: apply(state, inner, images(state, value, True, given.place)))


BUILDERS: dict[str, Callable[[Calls, str, Given], Value]] = {
    "ToTensor": _to_tensor,
    "ToDtype": _to_dtype,
    "ConvertImageDtype": _convert,
    "ConvertDtype": _convert,
    "ConvertImageDType": _convert,
    "ToFloat": _to_float,
    "Normalize": _normalize,
    "Lambda": _lambda,
    **SIZES,
}
