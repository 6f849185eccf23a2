"""Can the curves of the training history be read?"""

from __future__ import annotations

from dataclasses import dataclass

from grader.evidence.kinds.history_picture import HistoryPicture
from grader.marking.check import BadLimit, Case, check
from grader.records import Verdict, message


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """How wide the picture must be, in pixels."""

    width: int

    def __post_init__(self) -> None:
        if self.width < 1:
            raise BadLimit(message("width: at least 1"))


@check(reads=HistoryPicture, limits=PictureLimits)
def history_picture(case: Case[HistoryPicture, PictureLimits]) -> Verdict:
    """The curves of the training history are a picture that can be read."""
    seen, least = case.seen, case.limits.width
    if not seen.width:
        return Verdict(0.0, message("{file} is not a PNG. Save the curves as PNG.", file=seen.source))
    size = message("{width} x {height}", width=seen.width, height=seen.height)
    if seen.width < least:
        return Verdict(
            0.0,
            message(
                "{file} is {size} pixels. Make it at least {least} wide.", file=seen.source, size=size, least=least
            ),
        )
    return Verdict(1.0, message("{file} is {size} pixels.", file=seen.source, size=size))
