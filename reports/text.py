"""Converts messages and other people's text to words that are safe to show in any medium.

`segments` is the one place where a template becomes a sentence, in the language of the run. Student text reaches a
reader only through `visible`: a control character would steer a terminal, and a right-to-left override would make a
name read as another one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from string import Formatter

from grader.records import Cell, Criterion, Message, Scalar, message
from reports.languages import spoken, translate

NAME_LIMIT = 80  # characters; a name is a heading
VALUE_LIMIT = 300  # characters of one value inside a sentence, or of one cell
LINE_LIMIT = 240  # characters of one line of output
MARKS_ON_A_LETTER = 4  # Vietnamese and Thai need 2, Tibetan 4; piled higher, marks cover the lines around them

_STEERING = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})  # controls, formats, surrogates, private use, line breaks
_FORMATTER = Formatter()


def words(message: Message) -> str:
    """Return the message as a sentence in plain text, with every value made visible and cut to length."""
    return "".join(text for text, _ in segments(message))


def say(template: str, /, **values: Scalar | Message) -> str:
    """Return a sentence of the report itself: `say("{k} of {n}", k=1, n=2)` is "1 of 2"."""
    return words(message(template, **values))


def segments(message: Message) -> Iterator[tuple[str, bool]]:
    """Yield the pieces of the sentence in order; True marks a text value, which may be a student's: isolate it."""
    values = dict(message.values)
    for literal, name, spec, conversion in _FORMATTER.parse(translate(message.text)):
        yield literal, False
        if name is not None:
            value = values[name]
            if isinstance(value, Message):
                yield from segments(value)
                continue
            shown = format(_FORMATTER.convert_field(value, conversion), spec or "")
            yield clip(shown, VALUE_LIMIT), isinstance(value, str)


def visible(text: str) -> str:
    r"""The text with every character that steers instead of being seen written as its escape, such as \u202e."""
    if text.isascii() and text.isprintable():
        return text
    shown, marks = [], 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        steers = category in _STEERING or marks > MARKS_ON_A_LETTER
        shown.append(character.encode("unicode_escape").decode("ascii") if steers else character)
    return "".join(shown)


def clip(text: str, limit: int) -> str:
    """Make text visible, and cut it after `limit` characters with a note of its length."""
    if len(text) <= limit:
        return visible(text)
    return say("{start}… ({count} characters)", start=text[:limit], count=len(text))


def known(text: str, limit: int = VALUE_LIMIT) -> str:
    """Translate our own words stored as plain text, such as a title; in a stored grade they may be anybody's."""
    return clip(translate(text), limit)


def titled(criterion: Criterion) -> str:
    """Return the title of a criterion, with the network that it is about, where the lab has several."""
    title = dict(criterion.titles).get(spoken(), "") or known(criterion.title)
    return clip(f"{title} ({criterion.network})" if criterion.network else title, VALUE_LIMIT)


def squeezed(text: str, columns: int) -> str:
    """Cut the text to a number of monospace columns; a Chinese character takes two."""
    for end, character in enumerate(text):
        columns -= 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if columns < 1 and end + 1 < len(text):
            return f"{text[:end]}…"
    return text


def named(text: str) -> str:
    """Return a visible, short name; never empty, because a reader must be able to refer to it."""
    return clip(text.strip(), NAME_LIMIT) or say("(no name)")


def points(value: float | None, signed: bool = False) -> str:
    """Format points to hundredths without trailing zeros, with a true minus sign; a dash if there is no mark."""
    if value is None:
        return "–"
    shown = f"{abs(value):.2f}".rstrip("0").rstrip(".")
    if shown == "0":
        return shown
    return f"−{shown}" if value < 0 else f"+{shown}" if signed else shown


def percent(part: float, whole: float) -> str:
    """Format a share in percent to hundredths, which is one image in 10,000; a dash for a share of nothing."""
    return f"{part / whole:.2%}" if whole else "–"


def figure(value: float, unit: str = "") -> str:
    """Format a measured figure: percentages to hundredths, integers whole, everything else to six digits."""
    if unit == "%":
        return f"{value:.2f}%"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) < 10**15 else f"{Decimal(value):.6g}"  # a float would overflow
    return f"{value:,.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:.6g}"


def tick(value: float) -> str:
    """Format a figure on an axis: short, because ticks are round numbers."""
    return f"{value:,.0f}" if abs(value) >= 1 and value.is_integer() and abs(value) < 1e6 else f"{value:.4g}"


def cell(value: Cell) -> str:
    """Format one cell of a table as text; a dash if it is empty."""
    match value:
        case None:
            return "–"
        case Message():
            return words(value)
        case bool():
            return say("yes") if value else say("no")
        case int() | float():
            return figure(value)
        case str():
            return clip(value, VALUE_LIMIT)
