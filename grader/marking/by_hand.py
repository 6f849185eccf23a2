"""Criteria that a person marks: what that person sees when deciding on points."""

from __future__ import annotations

from collections.abc import Iterator

from grader.evidence import Malformed, Observation, ReportPage, Seen, WrittenReport
from grader.evidence.outcomes import not_looked_at
from grader.evidence.wording import english
from grader.records import Exhibit, Listing, Manual, Message, message


def awaited(criterion: str, outcome: Observation, explained: Message | None) -> Manual:
    """Return the criterion as waiting for a person, with the report's text; `explained` says why there is none."""
    if isinstance(outcome, Seen) and isinstance(outcome.value, WrittenReport):
        return Manual(criterion, _ask(outcome.value), tuple(_exhibits(outcome.value)))
    if explained is None or isinstance(outcome, Malformed) or not_looked_at(outcome):
        return Manual(criterion, message("A person marks this. The report's text was not read: open the file itself."))
    return Manual(criterion, message("A person marks this, without the report's text: {why}", why=explained))


def _ask(report: WrittenReport) -> Message:
    if not report.pages:
        return message("A person marks this. The report contains no readable text: open the file itself.")
    files = ", ".join(dict.fromkeys(page.file for page in report.pages))
    if report.whole:
        return message(
            "A person marks this, from {files}: the text is below, the figures are in the file itself.", files=files
        )
    return message(
        "A person marks this, from {files}: the beginning of the text is below, the rest is in the file itself.",
        files=files,
    )


def _exhibits(report: WrittenReport) -> Iterator[Exhibit]:
    """Show the text to staff only: students have the report."""
    for page in report.pages:
        yield Listing(_title(page), page.lines, audience="staff")
    if report.unread:
        yield Listing(message("Not read"), tuple(english(one) for one in report.unread), audience="staff")


def _title(page: ReportPage) -> Message:
    if page.unit == "page":
        return message("{file}, page {number}", file=page.file, number=page.first)
    return message("{file}, from line {number}", file=page.file, number=page.first)
