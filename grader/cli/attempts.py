"""Decide which of a student's submissions counts, as --attempts says; ask on the terminal if it says so."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from grader.records import AttemptChoice, Grade, message

if TYPE_CHECKING:
    from grader.gradebook.attempts import Choose


def choice(attempts: AttemptChoice) -> Choose:
    """Return the rule of this name. Raises click.UsageError if there is nobody to ask."""
    from grader.gradebook.attempts import best, last

    if attempts == "ask":
        if not sys.stdin.isatty():
            raise click.UsageError("--attempts ask needs a terminal; use --attempts last or --attempts best")
        return _ask
    return best if attempts == "best" else last


def _ask(before: Grade, new: Grade) -> bool:
    from reports.text import words

    question = message(
        "{student} was graded before: {before} has {points_before:g} points, {new} has {points_new:g}. Let {new}"
        " count?",
        student=new.student.name,
        before=before.archive,
        points_before=before.total,
        new=new.archive,
        points_new=new.total,
    )
    try:
        return click.confirm(words(question), default=True)
    except click.Abort:  # as an ordinary error it would be taken for a fault in this one submission
        raise KeyboardInterrupt from None
