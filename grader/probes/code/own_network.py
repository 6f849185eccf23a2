"""Runs a submission's own network: builds it with its class, loads the handed-in weights, runs it on images.

The class is student code, so its logits are an unverified claim, and are scored outside. The weights are
read from the file before any of it runs, in the same way as for the networks that the grader knows.
"""

from __future__ import annotations

import ast
import inspect
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from grader.probes.code.arguments import Facts, certain, combinations
from grader.probes.code.fitting import Match, Weights, fill, matching, read_weights
from grader.probes.code.importing import load
from grader.probes.code.running import little_endian, returned, told_apart, within
from grader.probes.code.script import read_script
from grader.probes.documents.text import storable
from grader.probes.refusals import Phrase, Refuse, phrase
from grader.probes.weights.arrays import images
from grader.probes.weights.inputs import Run, network_inputs
from grader.probes.weights.state_dict import (
    without_common_prefix,
)

A_BATCH = 0.8  # of the time of a call that one batch may take: then its place can still be told
BUILD_SECONDS = 10.0  # for one network; the largest of torchvision take two
TRY_SECONDS = 20.0  # for all that is tried of one file
TRIED_SEED = 0  # of the images on which networks that fit are compared
NOT_BUILT = 0.5  # its likeness: named before what is less like the weights than that
MOST_FITS = 4
MOST_OTHERS = 40

Value = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Builder:
    """A class in the file, or a function that returns something and needs no arguments."""

    name: str
    line: int
    cell: int  # of a notebook, counted from 1; 0 in a file
    build: Callable[..., Any]

    @property
    def place(self) -> tuple[str, int, int]:
        return self.name, self.line, self.cell


@dataclass(frozen=True, slots=True)
class _Shown:
    """Images for a network, how many at once, and how many values it should return for each."""

    run: Run
    batch: int
    classes: int


def find_networks(inputs: Value, files: Mapping[str, int]) -> tuple[Value, dict[str, bytes]]:
    """Try every class in `inputs["file"]`, and if none fits, every builder function.

    Returns under "fits" the name, line and cell of those that build a network with exactly these weights, under
    "others" the rest with the differences, the likeliest first.
    """
    weights = read_weights(inputs, files)
    found = _builders(inputs)
    until = time.monotonic() + TRY_SECONDS
    fits: list[tuple[str, int, int]] = []
    others: list[tuple[float, tuple[str, int, int, Phrase]]] = []
    for of_classes in (True, False):
        for builder in found:
            if isinstance(builder.build, type) is not of_classes:
                continue
            try:
                match = _tried(builder, inputs, weights, until).match
            except Refuse as refusal:
                match = Match({}, {"code": refusal.code, "values": refusal.values}, NOT_BUILT)
            if match.problem:
                others.append((match.likeness, (*builder.place, match.problem)))
            else:
                fits.append(builder.place)
        if fits:
            break
    others.reverse()  # a network stands below its parts
    others.sort(key=lambda other: -other[0])
    named = [fit for fit in fits if fit[0] == weights.of_class]
    return {"fits": (named or fits)[:MOST_FITS], "others": [other for _, other in others[:MOST_OTHERS]]}, {}


def run_network(inputs: Value, files: Mapping[str, int]) -> tuple[Value, dict[str, bytes]]:
    """Run the network that `inputs["name"]` builds on the first images. Returns logits, float32 (count, classes)."""
    weights = read_weights(inputs, files)
    builder = next((one for one in _builders(inputs) if one.name == inputs["name"]), None)
    if builder is None:
        raise Refuse("code_function", file=inputs["file"], function=inputs["name"])
    classes = int(inputs["classes"])
    net, match = _tried(builder, inputs, weights, time.monotonic() + TRY_SECONDS)
    if match.problem:
        wanted = phrase("same_network")
        raise Refuse("code_returned", doing=f"{builder.name}()", found=match.problem, wanted=wanted)
    fill(net, match.source, weights)
    torch.set_num_threads(int(inputs["threads"]))
    shown = _Shown(_run(inputs["run"], files), int(inputs["batch"]), classes)
    return {}, {"logits": _logits(net, shown, A_BATCH * inputs["seconds"])}


# --- building --------------------------------------------------------------------------------------------------


def _builders(inputs: Value) -> list[_Builder]:
    """List the builders at the top level of `inputs["file"]`, in order; of two with one name, the one that counts."""
    names = vars(load(inputs))
    return list({builder.name: builder for builder in _defined(inputs["file"], names)}.values())


def _defined(file: str, names: Mapping[str, Any]) -> Iterator[_Builder]:
    for piece in read_script(file).pieces:
        for node in piece.tree.body:
            if not isinstance(node, ast.ClassDef | ast.FunctionDef):
                continue
            found = names.get(node.name)
            if isinstance(node, ast.ClassDef) and isinstance(found, type) and issubclass(found, nn.Module):
                yield _Builder(node.name, node.lineno, piece.cell, found)
            if isinstance(node, ast.FunctionDef) and inspect.isfunction(found) and _may_build(node):
                yield _Builder(node.name, node.lineno, piece.cell, found)


def _may_build(function: ast.FunctionDef) -> bool:
    """Return whether a function needs no arguments, returns something, and does not train."""
    given = [*function.args.posonlyargs, *function.args.args]
    needed = given[: len(given) - len(function.args.defaults)]
    named = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    needed += [argument for argument, default in named if default is None]
    if any(not certain(argument.arg) for argument in needed) or function.name == "main":
        return False
    inside = list(ast.walk(function))
    returns = any(isinstance(node, ast.Return) and node.value is not None for node in inside)
    return returns and not any(isinstance(node, ast.Attribute) and node.attr == "backward" for node in inside)


class _Tried(NamedTuple):
    """A network as its class was built, and how well it matches the weights."""

    net: nn.Module
    match: Match


def _tried(builder: _Builder, inputs: Value, weights: Weights, until: float) -> _Tried:
    """Build with the arguments that match the weights best. Raises Refuse where nothing can be built.

    After `until` only the likeliest are tried. Where several match, they must answer alike: otherwise an argument
    leaves no trace in the weights.
    """
    doing = f"{builder.name}()"
    tensors, _ = without_common_prefix(weights.tensors)
    shapes = {key: tuple(value.shape) for key, value in tensors.items()}
    channels, height, width = map(int, inputs["image"])
    facts = Facts(int(inputs["classes"]), shapes, (channels, height, width))
    choices = list(combinations(builder.build, facts, doing))
    best: _Tried | None = None
    refused: Refuse | None = None
    for arguments in choices:
        if (best or refused) and time.monotonic() > until:
            break
        try:
            net = _built(builder, doing, arguments)
            found = _Tried(net, matching(net, weights))
        except Refuse as refusal:
            refused = refused or refusal
            continue
        if best and not best.match.problem and not found.match.problem:
            if not _alike(best, found, weights, facts.image):
                raise Refuse("code_arguments_differ", doing=doing, arguments=storable(", ".join(arguments)))
        elif best is None or found.match.likeness > best.match.likeness:
            best = found
        if not found.match.problem and all(certain(name) for name in arguments):
            break  # nothing was guessed
    if best is None:
        assert refused is not None
        raise refused
    return best


def _built(builder: _Builder, doing: str, arguments: Mapping[str, Any]) -> nn.Module:
    with told_apart(doing), within(BUILD_SECONDS):
        net = builder.build(**arguments)
    if not isinstance(net, nn.Module):
        raise returned(net, doing, phrase("module"))
    return net


def _alike(one: _Tried, other: _Tried, weights: Weights, image: tuple[int, int, int]) -> bool:
    """Whether two networks that take the same weights answer alike; true also where one of them cannot answer."""
    drawn = torch.Generator().manual_seed(TRIED_SEED)
    x = torch.randn(2, *image, generator=drawn)
    answers = []
    for tried in (one, other):
        fill(tried.net, tried.match.source, weights)
        try:
            with told_apart(""), torch.no_grad(), within(BUILD_SECONDS):
                answers.append(tried.net.eval()(x))
        except Refuse:
            return True
    first, second = answers
    alike = isinstance(first, Tensor) and isinstance(second, Tensor) and first.shape == second.shape
    return alike and torch.allclose(first, second, rtol=1e-3, atol=1e-4, equal_nan=True)


# --- running ---------------------------------------------------------------------------------------------------


def _run(run: Value, files: Mapping[str, int]) -> Run:
    how = (int(run["resize"]), int(run["crop"]), float(run["scale"]), bool(run["reverse"]))
    return Run(images(files[run["images"]], int(run["count"])), tuple(run["mean"]), tuple(run["std"]), *how)


def _logits(net: nn.Module, shown: _Shown, seconds: float) -> bytes:
    """Compute in float32 and eval mode: custom layers are rarely written for bfloat16. `seconds` is per batch."""
    doing = f"{storable(type(net).__name__)}.forward(images)"
    parts = []
    for start in range(0, len(shown.run.images), shown.batch):
        x = network_inputs(shown.run, slice(start, start + shown.batch), "cpu").contiguous()  # as a DataLoader gives it
        with told_apart(doing), torch.no_grad(), within(seconds):
            found = net.eval()(x)
        wanted = (len(x), shown.classes)
        if not isinstance(found, Tensor) or tuple(found.shape) != wanted:
            raise returned(found, doing, phrase("kind_of_shape", kind="Tensor", shape=str(wanted)))
        with told_apart(doing):
            parts.append(little_endian(found))
    return b"".join(parts)
