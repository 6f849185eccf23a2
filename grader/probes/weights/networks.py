"""Identifies the network of a state dict from the names and shapes of its tensors alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Literal, NamedTuple

from torch import Tensor, nn

from grader.probes.refusals import Phrase, Refuse, phrase
from grader.probes.weights.blank import blank
from grader.probes.weights.sequential import rebuild
from grader.probes.weights.state_dict import COUNTER, Loaded, is_no_layer, with_prefix, without_common_prefix
from grader.probes.weights.textbook import Textbook, textbook_networks
from reference import models

Shapes = Mapping[str, tuple[int, ...]]

RESNETS = ("resnet20", "resnet32", "resnet44", "resnet56", "resnet110")
OTHERS = ("small_alexnet", "mlp", "cnn", "resnet9")
# One word each for parts that implementations of the same network spell differently.
SPELLINGS = {"linear": "fc", "downsample": "shortcut"}
MOST_DIFFERENCES = 60
# A key that only this family of torchvision has, so that a stranger does not cost the building of eighty networks.
TORCHVISION = {
    "alexnet": "features.10.weight", "convnext": "features.0.1.weight", "densenet": "features.conv0.weight",
    "efficientnet": "features.1.0.block.0.0.weight", "googlenet": "inception3a.branch1.conv.weight",
    "inception": "Conv2d_1a_3x3.conv.weight", "maxvit": "stem.0.0.weight", "mnasnet": "layers.0.weight",
    "mobilenet_v2": "features.1.conv.0.0.weight", "mobilenet_v3": "features.1.block.0.0.weight",
    "regnet": "stem.0.weight", "resn": "layer4.0.conv1.weight", "wide_resnet": "layer4.0.conv1.weight",
    "shufflenet": "stage2.0.branch1.0.weight", "squeezenet": "features.3.squeeze.weight",
    "swin": "features.0.0.weight", "vgg": "features.0.weight", "vit": "conv_proj.weight",
}  # fmt: skip


class Wanted(NamedTuple):
    """What a network must answer to: how many classes, for images of so many channels and pixels a side."""

    classes: int
    channels: int
    side: int


OF_THE_LAB = Wanted(models.CLASSES, 3, 32)  # what the networks of reference/ and of textbooks are for


@dataclass(frozen=True, slots=True)
class Recognised:
    """A network without values (on the meta device), and the mapping from the file's tensors to its own."""

    name: str
    net: nn.Module
    source: Mapping[str, str]  # key of the network -> key of the file; counters that the file lacks are left out
    extra: tuple[str, ...]  # keys of the file that fill nothing
    spare: tuple[str, ...] = ()  # those of them that may be layers after all: see `_sort_out`
    least_side: int = 0  # pixels, to which smaller images are enlarged; 0 if none are
    renamed: tuple[Phrase, ...] = ()


def recognise(loaded: Loaded, file: str, variant: str = "", wanted: Wanted = OF_THE_LAB) -> Recognised:
    """Identify the network. Raises Refuse with the nearest one and the differences, key by key.

    Where the weights leave open which variant of a network they belong to, `variant` says it; without, that is refused.
    """
    whole = rebuild(loaded.module, file) if loaded.module else None
    if whole is not None:
        name = "small_alexnet" if str(whole) == str(models.small_alexnet()) else f"nn.Sequential of {len(whole)} layers"
        source = {key: key for key in whole.state_dict() if key in loaded.tensors or not key.endswith(COUNTER)}
        absent = sorted(source.keys() - loaded.tensors.keys())
        if absent:
            raise Refuse("tensor", file=file, name=absent[0], problem=phrase("missing"))
        return Recognised(name, whole, source, tuple(key for key in loaded.tensors if key not in source))
    tensors, prefix = without_common_prefix(loaded.tensors)
    renamed = (phrase("left_out", name=prefix[:200]),) if prefix else ()
    fitting: _Comparison | None = None
    nearest: _Comparison | None = None
    books = {book.name: book for book in textbook_networks(tensors)} if wanted == OF_THE_LAB else {}
    known = chain(_lab_networks(wanted), _torchvision_networks(tensors, wanted), _built(books.values(), variant))
    for name, net, least_side in known:
        found = _compare(name, net, least_side, tensors)
        if found.fits and (fitting is None or len(found.spare) < len(fitting.spare)):
            fitting = found
        if fitting is not None and not fitting.spare:
            break  # the only one: any other would leave something over
        if nearest is None or found.likeness > nearest.likeness:
            nearest = found
    if fitting is not None and fitting.name in books and not variant:
        raise Refuse("variants", file=file, network=fitting.name)
    if fitting is not None:
        return _recognised(fitting, prefix, loaded.tensors, renamed)
    if nearest is None:
        raise Refuse("unknown_network", file=file)
    raise _refusal(nearest, tensors, file, wanted.classes)


def _recognised(
    found: _Comparison, prefix: str, tensors: Mapping[str, Tensor], renamed: tuple[Phrase, ...]
) -> Recognised:
    source = {key: with_prefix(theirs, prefix, tensors) for key, theirs in found.source.items()}
    spelled = tuple(phrase("read_as", one=a, other=b) for a, b in SPELLINGS.items() if _spelled_otherwise(found, a, b))
    extra, spare = (
        tuple(with_prefix(key, prefix, tensors) for key in keys) for keys in (found.unexpected, found.spare)
    )
    return Recognised(found.name, found.net, source, extra, spare, found.least_side, renamed + spelled)


def _lab_networks(wanted: Wanted) -> Iterator[tuple[str, nn.Module, int]]:
    if wanted != OF_THE_LAB:
        return
    for name in RESNETS:
        build: Callable[[Literal["A", "B"]], nn.Module] = getattr(models, name)
        yield f"{name}, shortcut A", blank(partial(build, "A")), 32
        yield f"{name}, shortcut B", blank(partial(build, "B")), 32
    for name in OTHERS:
        yield name, blank(models.NETWORKS[name]), 32


def _torchvision_networks(tensors: Mapping[str, Tensor], wanted: Wanted) -> Iterator[tuple[str, nn.Module, int]]:
    families = tuple(family for family, key in TORCHVISION.items() if key in tensors)
    if not families or wanted.channels != OF_THE_LAB.channels:
        return
    from torchvision import models as zoo

    for name in zoo.list_models(module=zoo):
        if name.startswith(families):
            keywords = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
            build = partial(zoo.get_model, name, weights=None, num_classes=wanted.classes, **keywords)
            net = blank(build)
            side = zoo.get_model_weights(name).DEFAULT.meta.get("min_size", (1, 1))[0]
            needed = max(side, 224) if name.startswith("vit") else side
            yield f"torchvision {name}", net, 0 if wanted.side >= needed else max(32, 224 if needed > 32 else 0)


def variants(loaded: Loaded) -> tuple[str, ...]:
    """Return the variants of the textbook's network that these weights fit; none if there is no such network."""
    tensors, _ = without_common_prefix(loaded.tensors)
    for book in textbook_networks(tensors):
        ((_, net, side),) = _built((book,), "")
        if _compare(book.name, net, side, tensors).fits:
            return tuple(book.variants)
    return ()


def _built(books: Iterable[Textbook], variant: str) -> Iterator[tuple[str, nn.Module, int]]:
    for book in books:
        build = book.variants.get(variant) or next(iter(book.variants.values()))
        yield f"{book.name} ({variant})" if variant else book.name, blank(build), book.least_side


# --- comparing -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Comparison:
    name: str
    net: nn.Module
    least_side: int
    shapes: Shapes  # of the network
    source: Mapping[str, str]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    layers: tuple[str, ...]  # of the unexpected, those that make it another network
    spare: tuple[str, ...]  # of the unexpected, those that may
    other_shape: tuple[str, ...]
    likeness: float

    @property
    def complete(self) -> bool:
        """Whether the network is complete; there may be extra keys."""
        return not self.missing and not self.other_shape

    @property
    def fits(self) -> bool:
        """Whether it can be run, without the spare weights."""
        return self.complete and not self.layers


def _canonical(key: str) -> str:
    return ".".join(SPELLINGS.get(part, part) for part in key.split("."))


def _compare(name: str, net: nn.Module, least_side: int, tensors: Mapping[str, Tensor]) -> _Comparison:
    shapes = {key: tuple(value.shape) for key, value in net.state_dict().items()}
    theirs = {_canonical(key): key for key in tensors}
    source = {key: theirs[_canonical(key)] for key in shapes if _canonical(key) in theirs}
    missing = tuple(key for key in shapes if key not in source and not key.endswith(COUNTER))
    ours = set(source.values())
    unexpected = tuple(key for key in tensors if key not in ours)
    other = tuple(key for key, theirs_key in source.items() if tuple(tensors[theirs_key].shape) != shapes[key])
    layers, spare = _sort_out({key: tensors[key] for key in unexpected}, shapes)
    same = sum(not key.endswith(COUNTER) for key in source) - len(other)
    likeness = same / max(1, len(missing) + len(unexpected) + len(source))
    return _Comparison(
        name, net, least_side, shapes, source, missing, unexpected, layers, spare, other, likeness
    )  # fmt: skip


def _sort_out(extra: Mapping[str, Tensor], shapes: Shapes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split a file's extra keys into layers of another network, and those whose names are inconclusive.

    A key inside a part of the network, or one that continues a numbered row of its parts, surely affects the output:
    `layer1.3` of a ResNet32 beside those of a ResNet20, `layer1.0.se`, `fc2` after `fc1`. A part of another name may be
    a head used only in training, or a layer in between: measuring without it must be reported. Profilers'
    counters and the loss are neither.
    """
    own = {_row(key) for key in shapes}
    unclear = [key for key, value in extra.items() if not is_no_layer(key, value)]
    layers = tuple(key for key in unclear if _row(key) in own)
    return layers, tuple(key for key in unclear if _row(key) not in own)


def _row(key: str) -> str:
    """Return the first part of a key without its number: "layer" of `layer2.0.conv1.weight`, "" in an nn.Sequential."""
    first = key.partition(".")[0].rstrip("0123456789")
    return SPELLINGS.get(first, first)


def _spelled_otherwise(comparison: _Comparison, left: str, right: str) -> bool:
    pairs = comparison.source.items()
    return any({left, right} <= {*ours.split("."), *theirs.split(".")} and ours != theirs for ours, theirs in pairs)


def _refusal(nearest: _Comparison, tensors: Mapping[str, Tensor], file: str, classes: int) -> Refuse:
    outputs = {tensors[nearest.source[key]].shape[:1] for key in nearest.other_shape}
    same_beyond = all(
        tuple(tensors[nearest.source[key]].shape[1:]) == nearest.shapes[key][1:] for key in nearest.other_shape
    )
    only_classes = nearest.other_shape and not nearest.missing and len(outputs) == 1 and same_beyond
    lines = [f"{key}: missing, {nearest.shapes[key]} expected" for key in nearest.missing]
    lines += [f"{key}: {tuple(tensors[key].shape)}, not expected" for key in nearest.unexpected]
    lines += [
        f"{key}: {tuple(tensors[nearest.source[key]].shape)}, {nearest.shapes[key]} expected"
        for key in nearest.other_shape
    ]
    details = tuple(lines[:MOST_DIFFERENCES])
    if only_classes:
        key = nearest.other_shape[0]
        shape = tuple(tensors[nearest.source[key]].shape)
        return Refuse(
            "classes", details, file=file, classes=shape[0], wanted=classes, name=nearest.source[key],
            shape=str(shape),
        )  # fmt: skip
    if nearest.complete:
        names = ", ".join(nearest.layers)
        return Refuse("more_weights", details, file=file, nearest=nearest.name, count=len(nearest.layers), names=names)
    counts = {
        "missing": len(nearest.missing),
        "unexpected": len(nearest.unexpected),
        "shapes": len(nearest.other_shape),
    }
    return Refuse("network", details, file=file, nearest=nearest.name, **counts)
