"""Colours: text can be read on whatever lies under it, in the light and in the dark."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

CSS = files("reports").joinpath("templates/report.css").read_text("utf-8")
LIGHT, DARK = (
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root \{(.*?)\}", CSS, re.S)
)

TEXT = [
    *((ink, sheet) for ink in ("ink", "soft", "accent", "blocked", "unjudged") for sheet in ("paper", "sheet")),
    ("ink", "blocked-sheet"),
    ("ink", "unjudged-sheet"),
    *(("ink", f"m{n}") for n in range(1, 5)),
    ("m5-ink", "m5"),
    ("m6-ink", "m6"),
    *(("r-low-ink", f"r{n}") for n in range(4)),
    *(("r-ink", f"r{n}") for n in range(4, 7)),
]
DRAWN = [(f"{kind}{n}", "paper") for kind, count in (("s", 5), ("p", 4)) for n in range(count)] + [("accent", "track")]


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    shares = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_has_a_contrast_of_4_5_and_what_is_drawn_of_3(scheme: dict[str, str]) -> None:
    weak = {pair: contrast(*(scheme[name] for name in pair)) for pair in TEXT}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 4.5} == {}
    drawn = {pair: contrast(*(scheme[name] for name in pair)) for pair in DRAWN}
    assert {pair: ratio for pair, ratio in drawn.items() if ratio < 3} == {}


def test_both_schemes_name_the_same_colours() -> None:
    assert set(LIGHT) == set(DARK)
    assert set(re.findall(r"var\(--([\w-]+)\)", CSS)) <= set(LIGHT)
