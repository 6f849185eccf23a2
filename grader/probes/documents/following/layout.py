"""Methods, functions and items that move pixels about: which of them leave every colour and place where it was."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import replace

from grader.probes.documents.following.side import lab_side
from grader.probes.documents.following.values import Given, Pixels, Seq, Unknown, Value

TO_FIRST = ([2, 0, 1], [0, 3, 1, 2])
TO_LAST = ([1, 2, 0], [0, 2, 3, 1])
ALIKE = ([0, 1, 2], [0, 1, 2, 3])
AXIS_TO_FIRST = ([-1, 1], [3, 1], [2, 0], [-1, 0], [-1, -3], [3, -3], [2, -3])
AXIS_TO_LAST = ([1, -1], [1, 3], [0, -1], [0, 2], [-3, -1], [-3, 3], [-3, 2])


def moved(pixels: Pixels, name: str, given: Given) -> Pixels | None:
    """Return images after flip, permute, reshape or the like; None if that may mix up colours or places."""
    return MOVES[name](pixels, _arguments(given))


def _arguments(given: Given) -> list[Value]:
    found: list[Value] = []
    for one in (*given.items, *given.words.values()):
        found += one.items if isinstance(one, Seq) else [one]
    return found


def _flip(pixels: Pixels, axes: list[Value]) -> Pixels | None:
    """Mirror images from left to right. Where the last axis is that of colours, it is they that change places."""
    if axes not in ([3], [-1]):
        return None
    if pixels.layout == "last":
        return turned(pixels)
    return pixels if pixels.layout == "first" or axes == [3] else None


def _permute(pixels: Pixels, axes: list[Value]) -> Pixels | None:
    if axes in ALIKE:
        return pixels
    return _arranged(pixels, axes in TO_FIRST, axes in TO_LAST)


def _move_axis(pixels: Pixels, axes: list[Value]) -> Pixels | None:
    return _arranged(pixels, axes in AXIS_TO_FIRST, axes in AXIS_TO_LAST)


def _arranged(pixels: Pixels, first: bool, last: bool) -> Pixels | None:
    to = "first" if first else "last" if last else ""
    return replace(pixels, layout=to) if to and pixels.layout != to else None


def _reshape(pixels: Pixels, shape: list[Value]) -> Pixels | None:
    """Flatten images, or give flat ones the shape in which they were."""
    side = lab_side()
    if shape[-3:] == [3, side, side]:
        return replace(pixels, layout="first") if pixels.layout != "last" else None
    if shape[-3:] == [side, side, 3]:
        return pixels if pixels.layout == "last" else None
    flat = len(shape) == 2 and shape[0] != 3 and shape[1] in (-1, 3 * side * side)
    return pixels if flat or shape == [-1] else None


def _convert(pixels: Pixels, mode: list[Value]) -> Pixels | None:
    return pixels if mode == ["RGB"] else None


def _split(pixels: Pixels, arguments: list[Value]) -> Pixels | None:
    return pixels if len(arguments) == 1 else None  # along the first axis: batches


MOVES: dict[str, Callable[[Pixels, list[Value]], Pixels | None]] = {
    "flip": _flip, "permute": _permute, "transpose": _permute, "moveaxis": _move_axis, "movedim": _move_axis,
    "rollaxis": _move_axis, "reshape": _reshape, "view": _reshape, "convert": _convert,
    "split": _split, "chunk": _split,
}  # fmt: skip


# --- items ------------------------------------------------------------------------------------------------------


def picked(pixels: Pixels, index: Value) -> Pixels | None:
    """Return images[index]: some of the images, or all with their colours turned; None if it is something else."""
    match index:
        case ast.Slice(step=step):
            return pixels if step is None and not _one_colour(index.lower) else None
        case int():
            return pixels if index not in (1, 2, -1, -2) else None
        case ast.Tuple(elts=parts):
            return _parts(pixels, parts)
        case Seq(items=items):
            return _listed(pixels, items)
    return pixels


def _one_colour(lower: ast.expr | None) -> bool:
    """Return whether a part may be a picture's green or blue, as images[1:2] is."""
    return isinstance(lower, ast.Constant) and lower.value in (1, 2)


def _listed(pixels: Pixels, items: Sequence[Value]) -> Pixels | None:
    """Follow images[[2, 1, 0]], images[..., [2, 1, 0]] and images[None, ...]."""
    if items == [2, 1, 0]:
        return turned(pixels)
    colours = [one.items for one in items if isinstance(one, Seq)]
    rest = [one for one in items if not isinstance(one, Seq)]
    if not all(one is None or (isinstance(one, Unknown) and one.key.startswith("constant~")) for one in rest):
        return None
    if colours:
        return turned(pixels) if colours == [[2, 1, 0]] else None
    return pixels


def _parts(pixels: Pixels, parts: Sequence[ast.expr]) -> Pixels | None:
    special = [(at, one) for at, one in enumerate(parts) if not _whole(one)]
    if not special:
        return pixels
    at, part = special[0]
    if len(special) > 1:
        return None
    if ast.unparse(part) in ("[2, 1, 0]", "(2, 1, 0)"):
        return turned(pixels)
    if isinstance(part, ast.Slice) and part.step is not None:
        backwards = ast.unparse(part) == "::-1" and at == len(parts) - 1
        known = pixels.layout == "last" or (pixels.layout == "" and len(parts) == 3)
        return turned(pixels) if backwards and known else None
    some = at == 0 and (isinstance(part, ast.Slice) or len(parts) != 3)  # of a batch
    return pixels if some else None


def _whole(part: ast.expr) -> bool:
    """Return whether a part of an index takes everything: `:`, `:3` for the colours, `...`, None."""
    match part:
        case ast.Slice(lower=None, upper=None | ast.Constant(value=3), step=None):
            return True
        case ast.Constant(value=value):
            return value is None or value is ...
    return False


def turned(pixels: Pixels) -> Pixels:
    """Return the images with red and blue exchanged."""
    return replace(pixels, blue_first=not pixels.blue_first)
