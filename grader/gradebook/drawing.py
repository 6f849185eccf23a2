"""Draw the pages of many students: each process of this machine a share, since no page depends on another."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from grader.disk.names import visible_path
from grader.disk.whole import write_whole
from grader.gradebook.attempts import PAGE
from grader.gradebook.files import Stored, whole
from grader.machine import processors
from grader.records import Audience, Message, message
from grader.records.errors import BadLab
from reports.html import render
from reports.languages import speak, spoken

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

WORTH_A_PROCESS = 20  # pages: to start another process takes as long as to draw so many


@dataclass(frozen=True, slots=True)
class Share:
    """Grades to draw, in a language, for an audience."""

    stored: Sequence[Stored]
    audience: Audience
    language: str


@dataclass(frozen=True, slots=True)
class DrawnShare:
    """The pages that were written, and why others cannot be drawn."""

    pages: tuple[Path, ...]
    refusals: tuple[Message, ...]


def draw(stored: Sequence[Stored], audience: Audience) -> DrawnShare:
    """Write report.html beside each grade. Raises BadLab if one cannot be written."""
    count = max(1, min(processors(), len(stored) // WORTH_A_PROCESS))
    shares = [Share(stored[first::count], audience, spoken()) for first in range(count)]
    with ExitStack() as ending:
        others = [_begun(share, ending) for share in shares[1:]]
        drawn = [_draw(shares[0]), *(_answer(*pair) for pair in zip(others, shares[1:], strict=True))]
    return DrawnShare(
        tuple(sorted(page for one in drawn for page in one.pages)),
        tuple(said for one in drawn for said in one.refusals),
    )


def write_page(page: Path, text: str) -> None:
    """Write a page whole. Raises BadLab."""
    try:
        write_whole(page, text)
    except OSError as error:
        sentence = message(
            "{file} cannot be written: {why}. The grades themselves are stored. Free some space there, or fix its"
            " permissions, then run 'grade report'.",
            file=visible_path(page),
            why=error.strerror or str(error),
        )
        raise BadLab(sentence) from error


def _draw(share: Share) -> DrawnShare:
    pages, refusals = list[Path](), list[Message]()
    for one in share.stored:
        try:
            grade = whole(one.grade, one.path)
        except BadLab as error:
            refusals.append(error.message)
            continue
        page = one.path.with_name(PAGE)
        write_page(page, render(grade, share.audience))
        pages.append(page)
    return DrawnShare(tuple(pages), tuple(refusals))


# --- another process -----------------------------------------------------------------------------------------------


def _begun(share: Share, ending: ExitStack) -> Connection:
    """Start a process that draws a share, and return where it answers; `ending` ends the process."""
    import multiprocessing  # late: few folders hold so many grades

    answer, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(target=_draw_there, args=(sender, share), daemon=True)
    process.start()
    sender.close()  # so that nothing comes, instead of nothing yet, where the process has ended
    ending.callback(process.join)
    ending.callback(process.terminate)
    ending.callback(answer.close)
    return answer


def _draw_there(sender: Connection, share: Share) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process: the first one ends the others
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # leaves no temporary file
    speak(share.language)
    try:
        sender.send(_draw(share))
    except BadLab as error:
        sender.send(error.message)


def _answer(answer: Connection, share: Share) -> DrawnShare:
    """Wait until the share is drawn; draw it here if the process was ended from outside."""
    try:
        said = answer.recv()
    except (EOFError, OSError):
        return _draw(share)
    if isinstance(said, Message):
        raise BadLab(said)
    assert isinstance(said, DrawnShare)
    return said
