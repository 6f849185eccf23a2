"""Fills the arguments of a student's class by what they mean: by name, then by annotation and default.

What a network needs is mostly visible in its weights, which are at hand: how many blocks each stage has, how wide it
is. So the values that are plausible are tried, and the one that gives exactly these weights is right. Where a value
leaves no trace in the weights (an activation, the number of heads), it is not guessed.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from grader.probes.code.running import told_apart
from grader.probes.documents.text import storable
from grader.probes.refusals import Refuse
from grader.probes.weights.layout import block_counts, widths

MOST_TRIED = 40  # combinations for one class
MOST_LISTED = 5_000  # combinations among which the likeliest are chosen
MOST_VALUES = 12  # for one argument


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


# By meaning, names without underscores. The value of these is certain, whatever the weights are.
CERTAIN: dict[str, frozenset[str]] = {
    "classes": _names(
        "numclasses nclasses classes numclass nclass classnum classesnum numcls ncls noclasses outputclasses outdim"
        " outputdim dimout nout numoutputs noutputs outputs outputsize outsize outfeatures numlabels nlabels"
    ),
    "channels": _names(
        "inchannels inputchannels imagechannels imgchannels channels nc numchannels nchannels inchans inch inputch"
        " imgch colors colours colorchannels channelsin inchannel inputchannel cin"
    ),
    "side": _names(
        "imagesize imgsize imsize resolution imgdim imagedim inputresolution imageheight imagewidth imgheight imgwidth"
    ),
    "shape": _names("inputshape inshape imageshape imgshape"),
    "device": _names("device"),
    "nothing": _names(  # random only while training
        "dropout droprate dropoutrate dropprob dropoutprob dropoutp pdrop dropconnectrate droppathrate"
    ),
    "no": _names("pretrained progress verbose debug download"),
}
# Values of these are tried; the weights decide.
TRIED: dict[str, frozenset[str]] = {
    "inputs": _names("inputdim indim infeatures ninputs inputs inputsize nin inputfeatures size"),
    "block": _names("block blocktype blockclass resblock residualblock basicblock blockcls"),
    "counts": _names(
        "layers numblocks blocks nblocks numlayers nlayers layerlist blocknums blocksnum numblock layernum layersnum"
        " depths repeats stages n numresblocks numresidualblocks blockslist numblockslist nblockslist"
    ),
    "depth": _names("depth"),
    "factor": _names("widenfactor widefactor widthfactor widen k"),
    "width": _names(
        "planes inplanes startchannels basechannels basewidth width hidden filters numfilters nfilters nf kernels dim"
        " embeddim hiddendim hiddensize hiddenunits hiddenchannels midchannels outchannels numhidden nhidden units"
        " growthrate growth features hiddenlayers channelslist widths hiddensizes dims"
    ),
    "config": _names("cfg config vggname name arch variant model modelname netname version type"),
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known when a class is built: classes, images as (channels, height, width), shapes of weights by name."""

    classes: int
    shapes: Mapping[str, tuple[int, ...]]
    image: tuple[int, int, int] = (3, 32, 32)


def meaning(name: str) -> str:
    """Return what an argument of this name means, a key of CERTAIN or TRIED; "" if that is not known."""
    plain = name.replace("_", "").casefold()
    return next((kind for kind, names in (*CERTAIN.items(), *TRIED.items()) if plain in names), "")


def certain(name: str) -> bool:
    """Return whether an argument of this name can be given without a look at the weights."""
    return meaning(name) in CERTAIN


def combinations(build: Callable[..., Any], facts: Facts, doing: str) -> Iterator[dict[str, Any]]:
    """Yield arguments to try, the likeliest first, at most MOST_TRIED. Raises Refuse where one cannot be known.

    First everything that has a default keeps it, except for the number of classes.
    """
    with told_apart(doing):
        parameters = [one for one in inspect.signature(build).parameters.values() if one.kind not in _OPTIONAL]
        names = _surroundings(build)
    needed = [one for one in parameters if one.default is one.empty]
    values = {one.name: _values(one, facts, names) for one in parameters}
    if unknown := [one.name for one in needed if not values[one.name]]:
        raise Refuse("code_arguments", doing=doing, arguments=storable(", ".join(unknown)))
    always = [one for one in parameters if one in needed or meaning(one.name) == "classes"]
    first = list(_products({one.name: values[one.name] for one in always}))
    rest = [one for one in parameters if one not in always and values[one.name] and meaning(one.name) not in _KEPT]
    choices = {one.name: values[one.name] for one in always}
    choices |= {one.name: [one.default, *_others(values[one.name], one.default)] for one in rest}
    if not rest:
        yield from first
        return
    yield from itertools.islice(itertools.chain(first[: MOST_TRIED // 2], _products(choices)), MOST_TRIED)


_OPTIONAL = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_KEPT = ("device", "nothing", "no")  # a default of these is as good as any other value


def _products(values: Mapping[str, list[Any]]) -> Iterator[dict[str, Any]]:
    """Yield every combination, those of the first values before those of the last."""
    ranked = sorted(
        itertools.islice(itertools.product(*(enumerate(tried) for tried in values.values())), MOST_LISTED),
        key=lambda chosen: sum(rank for rank, _ in chosen),
    )
    for chosen in ranked[:MOST_TRIED]:
        yield dict(zip(values, (value for _, value in chosen), strict=True))


def _others(values: Iterable[Any], known: Any) -> list[Any]:
    return [value for value in values if value is not known and not (type(value) is type(known) and value == known)]


def _surroundings(build: Callable[..., Any]) -> Mapping[str, Any]:
    """Return the names of the file that defines it."""
    function = inspect.unwrap(build.__init__ if isinstance(build, type) else build)  # type: ignore[misc]
    found = getattr(function, "__globals__", {})
    return found if isinstance(found, dict) else {}


def _values(parameter: inspect.Parameter, facts: Facts, names: Mapping[str, Any]) -> list[Any]:
    """Return the values to try for an argument; none if its meaning is not known."""
    kind = meaning(parameter.name) or _by_annotation(parameter)
    channels, height, width = facts.image
    side: Any = (height, width) if isinstance(parameter.default, tuple) else height
    known: dict[str, list[Any]] = {
        "classes": [facts.classes], "channels": [channels], "side": [side], "shape": [facts.image],
        "device": ["cpu"], "nothing": [0.0], "no": [False], "inputs": [channels * height * width, channels, height],
    }  # fmt: skip
    tried: dict[str, Callable[[], list[Any]]] = {
        "block": lambda: _blocks(names),
        "counts": lambda: _counts(parameter, facts),
        "depth": lambda: _depths(facts),
        "factor": lambda: [width // 16 for width in widths(facts.shapes) if width % 16 == 0],
        "width": lambda: _widths(parameter, facts),
        "config": lambda: _configurations(names),
    }
    found = known[kind] if kind in known else tried[kind]() if kind in tried else []
    return [value for place, value in enumerate(found) if value not in found[:place]][:MOST_VALUES]


def _by_annotation(parameter: inspect.Parameter) -> str:
    """Tell by the annotation or the default that a value is a class of blocks, or how many there are in each stage."""
    said = parameter.annotation if isinstance(parameter.annotation, str) else str(parameter.annotation)
    said = said.replace("typing.", "").casefold()
    if said.startswith("type[") or (isinstance(parameter.default, type) and issubclass(parameter.default, nn.Module)):
        return "block" if "activation" not in parameter.name and "norm" not in parameter.name else ""
    default = parameter.default
    numbers = isinstance(default, list | tuple) and default and all(type(one) is int for one in default)
    return "counts" if numbers or said.startswith(("list[int", "sequence[int", "tuple[int")) else ""


def _blocks(names: Mapping[str, Any]) -> list[Any]:
    """Return the classes of layers in the file, those called a block first."""
    classes = [one for one in names.values() if isinstance(one, type) and issubclass(one, nn.Module)]
    own = [one for one in dict.fromkeys(classes) if not one.__module__.startswith("torch.")]
    return sorted(own, key=lambda one: not any(word in one.__name__.casefold() for word in ("block", "bottleneck")))


def _counts(parameter: inspect.Parameter, facts: Facts) -> list[Any]:
    """Return how many blocks there are in each stage, as a list, or as one number where all have as many."""
    lists = block_counts(facts.shapes)
    alike = [counts[0] for counts in lists if len(set(counts)) == 1]
    totals = [sum(counts) for counts in lists]
    numbers: list[Any] = list(dict.fromkeys([*alike, *totals]))
    rows: list[Any] = [list(counts) for counts in lists]
    said, default = str(parameter.annotation), parameter.default
    if type(default) is int or said in ("int", "<class 'int'>"):
        return numbers
    if isinstance(default, tuple):
        return [tuple(row) for row in rows]
    return rows if isinstance(default, list) or "[" in said else [*rows, *numbers]


def _depths(facts: Facts) -> list[int]:
    """Return depths that networks with so many blocks in a stage are called by: ResNet-20, WRN-28, ResNet-164."""
    stages = [counts for counts in block_counts(facts.shapes) if len(set(counts)) == 1]
    found = [2 * sum(counts) + 2 for counts in stages] + [2 * sum(counts) + 4 for counts in stages]
    found += [3 * sum(counts) + 2 for counts in stages] + [counts[0] for counts in stages]
    found += [2 * sum(counts) + 2 for counts in block_counts(facts.shapes)]
    return list(dict.fromkeys(found))


def _widths(parameter: inspect.Parameter, facts: Facts) -> list[Any]:
    found = widths(facts.shapes)
    lists: list[Any] = [found[:-1], found] if len(found) > 1 else []
    if isinstance(parameter.default, list | tuple) or "[" in str(parameter.annotation):
        return [type(parameter.default)(one) if isinstance(parameter.default, tuple) else one for one in lists]
    return list(dict.fromkeys(found))


def _configurations(names: Mapping[str, Any]) -> list[Any]:
    """Return the keys of the file's tables of networks ("VGG16" of cfg), then what they hold, then lone lists."""
    own = [value for name, value in names.items() if not name.startswith("_")]
    tables = [
        value for value in own if isinstance(value, dict) and value and all(isinstance(key, str) for key in value)
    ]
    lists = [value for value in own if isinstance(value, list)]
    keys = [key for table in tables for key in table if isinstance(table[key], list | tuple | dict)]
    return [*keys, *(value for table in tables for value in table.values() if isinstance(value, list)), *lists]
