"""What the names and shapes of weights tell about a network: how many blocks its stages have, and how wide they are."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

MOST_LISTS = 6
MATRIX = 2  # axes of a weight that has outputs and inputs

Shapes = Mapping[str, tuple[int, ...]]


def block_counts(shapes: Shapes) -> list[tuple[int, ...]]:
    """Return how many numbered parts each stage has, one tuple a family of stages, the outermost families first.

    `layer1.0`, `layer1.1`, `layer2.0` give (2, 1); a single row of parts, `blocks.0` to `blocks.5`, gives (6,).
    """
    numbers: dict[str, set[int]] = {}
    for key in shapes:
        parts = key.split(".")
        for place, part in enumerate(parts[:-1]):
            if part.isdecimal() and place and len(part) < 4:
                numbers.setdefault(".".join(parts[:place]), set()).add(int(part))
    families: dict[str, list[tuple[int, int]]] = {}
    for stage, found in numbers.items():
        family = ".".join(part.rstrip("0123456789") + "#" * part[-1].isdecimal() for part in stage.split("."))
        families.setdefault(family, []).append((len(found), max(found) + 1))
    lists: dict[tuple[int, ...], None] = {}
    for family in sorted(families, key=lambda name: (name.count("."), -len(families[name]))):
        for counted in (0, 1):  # parts without weights leave gaps
            lists.setdefault(tuple(counts[counted] for counts in families[family]))
    return list(lists)[:MOST_LISTS]


def widths(shapes: Shapes) -> list[int]:
    """Return the outputs of each layer in the order of the file, those of the last one left out."""
    outputs = [shape[0] for shape in shapes.values() if len(shape) >= MATRIX]
    return [width for width, following in pairwise(outputs) if width != following][:64]
