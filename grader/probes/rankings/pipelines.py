"""Reads the preprocessing declared in retrieval.json, within the bounds of evidence.Pipeline."""

from __future__ import annotations

import math
from typing import Any

TEMPLATE_RESIZE, TEMPLATE_CROP = 256, 224  # of extract_features.py: what is not said is as it was given
LARGEST = 1024
INTERPOLATIONS = ("bilinear", "bicubic", "nearest")


def pipeline_from(value: Any) -> dict[str, Any] | None:
    """Return the fields of evidence.Pipeline; None if nothing usable is declared."""
    if not isinstance(value, dict) or not value:
        return None
    resize, squash = _side(value.get("resize", TEMPLATE_RESIZE))
    crop, _ = _side(value.get("crop", value.get("center_crop", TEMPLATE_CROP)))
    if resize is None or crop is None or not 1 <= resize <= LARGEST or not 0 <= crop <= LARGEST:
        return None
    fields: dict[str, Any] = {"resize": resize, "crop": crop, "squash": squash or value.get("squash") is True}
    way = str(value.get("interpolation", "bilinear")).casefold().rpartition(".")[2]
    if way not in INTERPOLATIONS:
        return None
    fields["interpolation"] = way
    if isinstance(value.get("antialias"), bool):
        fields["antialias"] = value["antialias"]
    for name in ("mean", "std"):
        if name in value:
            numbers = _three(value[name], above=0.0 if name == "std" else -1e4)
            if numbers is None:
                return None
            fields[name] = numbers
    if value.get("blue_first") is True or str(value.get("channels", "")).casefold() == "bgr":
        fields["blue_first"] = True
    return fields


def _side(value: Any) -> tuple[int | None, bool]:
    """Return the pixels, and whether both sides are given: 256, [224, 224]; 0 if there is no such step."""
    if value is None or value is False:
        return 0, False
    if isinstance(value, list) and value and all(side == value[0] for side in value):
        return _side(value[0])[0], len(value) > 1
    whole = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e6 and value == int(value)
    return (int(value), False) if whole else (None, False)


def _three(value: Any, above: float) -> list[float] | None:
    if not isinstance(value, list) or len(value) != 3:
        return None
    if not all(isinstance(number, int | float) and not isinstance(number, bool) for number in value):
        return None
    return [float(number) for number in value] if all(math.isfinite(n) and above < n < 1e4 for n in value) else None
