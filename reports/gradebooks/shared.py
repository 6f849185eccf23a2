"""Shared by several formats: figures, cells that no spreadsheet evaluates, and what counts as passed."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from grader.records import Grade, Mark
from reports.marks import told
from reports.text import clip, points, say, words

Outcome = Literal["passed", "failed", "not marked"]

PASSING_CREDIT = 0.5  # platforms know passed and failed only: half of the points and more is passed
TEXT_LIMIT = 2000  # characters of one criterion's words
# A spreadsheet calculates a cell that begins with one of these; its full-width twins as well, in East Asian editions.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")  # fmt: skip


def guarded(text: str) -> str:
    """Make a cell that stays text: an apostrophe is put before what would begin a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def number(value: float) -> str:
    """Format a figure for machines: at most two decimals, a point, no thousands separators, an ASCII minus sign."""
    shown = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if shown == "-0" else shown


def figure(value: float) -> int | float:
    """Return the figure for JSON: an int if it is whole."""
    rounded = round(float(value), 2)
    return int(rounded) if rounded.is_integer() else rounded


def whole(value: float) -> int:
    """Round to the nearest integer, halves upwards: never against the student."""
    return int(Decimal(repr(value)).quantize(Decimal(1), ROUND_HALF_UP))


def outcome(mark: Mark) -> Outcome:
    """Return the outcome of a criterion as that of a test; "not marked" is a fault of ours or waits for a person."""
    credit = mark.credit
    return "not marked" if credit is None else "passed" if credit >= PASSING_CREDIT else "failed"


def reason(mark: Mark) -> str:
    """Return the reason, what was measured if a person decided otherwise, and what to do next, a sentence a line."""
    finding = told(mark)
    beside = [finding.beside] if finding.beside else []
    hints = [hint for hint in finding.hints if hint != finding.reason]
    return clipped("\n".join(words(sentence) for sentence in (finding.reason, *beside, *hints)))


def clipped(text: str) -> str:
    """Return lines of visible text, cut if a hostile value made them too long."""
    return "\n".join(clip(line, TEXT_LIMIT) for line in text[: 2 * TEXT_LIMIT].split("\n"))


def standing(grade: Grade) -> list[str]:
    """Return the total, the adjustments with reasons, and whether the mark is final, one sentence each."""
    lines = [say("{total} of {points} points.", total=points(grade.total), points=points(grade.points))]
    for one in grade.counted:
        lines.append(say("{points} points: {reason}.", points=points(one.points, signed=True), reason=one.reason))
    if grade.needs_human and not grade.unjudged and not any(one.open for one in grade.counted) and not grade.unusable:
        lines.append(say("Not final: a person has yet to confirm the points."))
    elif grade.needs_human:
        lines.append(say("Not final: a person marks what is not marked yet; it never counts as zero."))
    return lines
