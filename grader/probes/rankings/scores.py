"""Parses scores as printed: tensor(0.8731), np.float32(0.8731), 0,8731, 87.31 %, nan. None is ever corrected."""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

LETTER = r"[^\W_\u3400-\u9fff]"  # or digit; a Chinese character may stand beside a number: 为0.8731


def number(value: str = "number", percent: str = "percent") -> str:
    """Build a pattern with these two groups. A number must not be followed by a letter: nothing is read from 0.99l4."""
    digits = r"(?:\d{1,15}(?:[.,]\d{1,25})?|[.,]\d{1,25})(?:e[+-]?\d{1,3})?"
    bounded = rf"(?<!{LETTER})(?<!\d[.,])(?P<{value}>[+-]?(?:{digits}|nan|inf(?:inity)?))(?!{LETTER}|[.,]\d)"
    return bounded + rf"(?:\s{{0,2}}(?P<{percent}>%))?"


NUMBER = number()
_WHOLE = re.compile(NUMBER, re.IGNORECASE)
_THOUSANDS = re.compile(r"([+-]?\d{1,3}(?:([.,])\d{3}){1,4})(?!\2)[.,](\d{1,25})")
_WRAPPED = re.compile(
    r"(?:\b(?:np|numpy|torch)\.)?\b(?:tensor|float(?:16|32|64)?|array|Decimal)\s?\(\s?['\"\[]{0,4}"
    r"([^()\[\]'\",=]{1,40})[^()]{0,120}\)"
)
MEASURED = re.compile(  # a number with its unit, or the sides of a picture: no score
    r"(?<![\w.,])\d{1,9}(?:[.,]\d{1,9})?\s?(?:(?:[mµμun]?s|secs?|seconds?|minutes?|mins?|[kmg]i?b|bytes?|px|pixels?|fps|dpi|hz)"
    r"(?![^\W_]|[./\\\-]\w)|毫?秒|像素|字节)|(?<![\w.,])\d{2,5}\s?[x×]\s?\d{2,5}(?![^\W_]|[./\\\-]\w)",
    re.IGNORECASE,
)
MISSING = ("", "-", "--", "—", "n/a", "none", "null", "/")
LARGEST = 1e30  # no network gives more, and its square is a number as well
FRACTION_DIGITS = 12  # 87.31 % is 0.8731, and not 0.8731000000000001


class Score(NamedTuple):
    """A parsed score; None: missing, NaN or too large. `percent`: it was converted from percent to a share."""

    value: float | None
    percent: bool = False


def unwrapped(text: str) -> str:
    """Remove what Python prints around a number: tensor(0.8731, device='cuda:0')."""
    return _WRAPPED.sub(r"\1", text) if "(" in text else text


def score_in(text: str, percent: bool = False) -> Score | None:
    """Parse a text that is just a score; None if it cannot be read. `percent`: the heading says that it is."""
    text = unwrapped(text.strip()).strip("()[]*'\"` ")
    if text.casefold() in MISSING:
        return Score(None)
    if grouped := _THOUSANDS.fullmatch(text):
        text = re.sub(r"[.,]", "", grouped[1]) + "." + grouped[3]
    match = _WHOLE.fullmatch(text)
    return score_of(match, percent) if match else None


def score_of(match: re.Match[str], percent: bool = False) -> Score:
    """Return the score in a match of NUMBER."""
    percent = percent or bool(match["percent"])
    number = float(match["number"].replace(",", "."))
    if not usable(number):
        return Score(None)
    return Score(round(number / 100.0, FRACTION_DIGITS), True) if percent else Score(number)


def usable(number: float) -> bool:
    """Return whether anything can be computed with a number. Raises OverflowError for an integer without end."""
    return math.isfinite(number) and abs(number) <= LARGEST


def score_from(value: Any) -> Score | None:
    """Return the score in a JSON value: a number, a text, a list of one."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if value is None:
        return Score(None)
    if isinstance(value, str):
        return score_in(value[:200])
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return Score(float(value) if usable(value) else None)
    except OverflowError:
        return Score(None)
