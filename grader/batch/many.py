"""Grade many archives, one after the other: write each result at once, and let no bad archive stop the others."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator

from grader.batch.one import Setup, grade_archive
from grader.batch.unopened import bug, unmarked
from grader.gradebook.files import Graded
from grader.gradebook.publish import Written
from grader.intake import Archive
from grader.records import Message
from grader.records.errors import BadLab, GraderError


def grade_all(
    archives: Iterable[Archive],
    setup: Setup,
    publish: Callable[[Graded], Written],
    say: Callable[[Archive, Message], None],
) -> Iterator[Written]:
    """Grade and publish one archive after the other. A bug in the grader becomes a Grade that needs a human.

    Raises BadLab if a result cannot be written: the next one could not be either.
    """
    for archive in archives:
        try:
            written = publish(_graded(archive, setup, say))
        except BadLab:
            raise
        except Exception as error:  # a page that cannot be drawn, evidence that no file can hold
            written = publish(_bug(archive, error, setup))
        yield written


def _graded(archive: Archive, setup: Setup, say: Callable[[Archive, Message], None]) -> Graded:
    try:
        return grade_archive(archive, setup, lambda step: say(archive, step))
    except GraderError as error:  # not readable here, or no space to unpack it: the message says what to do
        return Graded(unmarked(archive, error.message, setup.rubric, setup.made_by), None)
    except Exception as error:
        return _bug(archive, error, setup)


def _bug(archive: Archive, error: Exception, setup: Setup) -> Graded:
    traceback.print_exception(error)
    return Graded(bug(archive, error, setup.rubric, setup.made_by), None)
