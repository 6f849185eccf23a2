"""Reads a text in every way, keeps what certainly is a ranking, and says of the rest why it is not used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, islice
from typing import NamedTuple

from grader.probes.documents.documents import MOST_LINES, part_name
from grader.probes.rankings.by_number import read_numbered
from grader.probes.rankings.certain import counted, doubt_of, doubt_of_fields, may_rank
from grader.probes.rankings.draft import Found, FoundRun
from grader.probes.rankings.json_form import FORM
from grader.probes.rankings.passages import LeftOut, Numbered, passages
from grader.probes.rankings.paths import ends
from grader.probes.rankings.purposes import SET_APART
from grader.probes.rankings.tex import printed
from grader.probes.rankings.text_form import Way, read_text
from grader.probes.refusals import Refuse, phrase

MOST_DOUBTS = 20
QUOTE = 200  # characters


class Doubt(NamedTuple):
    """What was not used: it may be a ranking (`may_rank`), or it only looks like one. `why` is a code of wording."""

    file: str
    line: int
    text: str
    why: str
    may_rank: bool

    def refusal(self) -> Refuse:
        """Return the refusal of a submission that has nothing better."""
        place = phrase(f"place_of_{part_name(self.file) or 'line'}", file=self.file, number=self.line)
        code = "retrieval_unsure" if self.may_rank else "retrieval_other"
        return Refuse(code, place=place, text=self.text, why=phrase(self.why))


@dataclass(slots=True)
class Read:
    """What a document holds: rankings for certain, and what was not used."""

    found: Found = field(default_factory=Found)
    doubts: list[Doubt] = field(default_factory=list)

    @property
    def certain(self) -> bool:
        """Whether there is a ranking."""
        return bool(self.found.runs)


def sifted(found: Found, name: str, lines: Sequence[Numbered] = ()) -> Read:
    """Take out of what was found the runs that are not certain."""
    if FORM not in found.forms:
        found.runs = [part for run in found.runs for part in _parted(run)]
    look = doubt_of_fields if FORM in found.forms else doubt_of
    whys = [(run, look(run)) for run in found.runs]
    found.runs = [run for run, why in whys if not why]
    doubted = [(run, why) for run, why in whys if why]
    return Read(found, [_doubt(run, why, name, lines) for run, why in doubted])


def _parted(run: FoundRun) -> Iterator[FoundRun]:
    """Yield a run, and apart from it the queries whose numbers are no scores."""
    others = [query for query in run.queries if counted(query)]
    if not others or len(others) == len(run.queries):
        yield run
        return
    kept = [query for query in run.queries if not counted(query)]
    yield replace(run, queries=kept, names={query.name: query for query in kept if query.name})
    yield replace(run, queries=others, names={}, claims={})


def read_lines(lines: Sequence[Numbered], name: str) -> Read:
    """Read the rankings of a text: in the first way in which there certainly is one."""
    kind = name.rpartition(".")[2].casefold()
    lines = list(islice(printed(lines), MOST_LINES)) if kind == "tex" else lines
    kept, left_out = passages(lines)
    doubts: list[Doubt] = []
    for way in _ways(kept):
        read = sifted(read_text(kept, kind, way), name, lines)
        doubts += read.doubts
        if read.certain:
            return Read(read.found, [*read.doubts, *_left_out(lines, left_out, name)])
    return Read(Found(), [*_left_out(lines, left_out, name), *doubts][:MOST_DOUBTS])


def _ways(lines: Sequence[Numbered]) -> Iterator[Way]:
    """Yield the ways in which the lines may be a ranking: without any image, only numbers can stand for images."""
    yield "scored"
    if any(ends(text) for _, text in lines):
        yield "unscored"
    if any(read_numbered(text) for _, text in lines):
        yield "numbered"


def _left_out(lines: Sequence[Numbered], left_out: Sequence[LeftOut], name: str) -> Iterator[Doubt]:
    """Yield a doubt for a ranking that stands in what was left out, else for the first line there with an image."""
    if not left_out:
        return
    kind = name.rpartition(".")[2].casefold()
    yield from _set_apart(left_out, name, kind)
    whole = sifted(read_text(lines, kind), name)
    lost = {line.line: line.why for line in left_out if line.why not in SET_APART}
    for run in whole.found.runs:
        first = run.queries[0].matches[0]
        if first.line in lost and not part_name(name):
            yield _doubt(run, lost[first.line], name, lines)
    for line in left_out:
        if ends(line.text):
            yield Doubt(name, line.line, line.text.strip()[:QUOTE], line.why, False)
            return


def _set_apart(left_out: Sequence[LeftOut], name: str, kind: str) -> Iterator[Doubt]:
    """Yield a doubt for each list that the words around it set apart: a person must decide whether it counts."""
    for why, some in groupby((line for line in left_out if line.why in SET_APART), key=lambda line: line.why):
        apart = [(line.line, line.text) for line in some]
        for way in _ways(apart):
            if runs := read_text(apart, kind, way).runs:
                yield from (_doubt(run, why, name, apart) for run in runs)
                break


def _doubt(run: FoundRun, why: str, name: str, lines: Sequence[Numbered]) -> Doubt:
    first = run.queries[0].matches[0]
    last_part = first.path.rpartition("/")[2]
    quoted = (text for number, text in lines if number == first.line and last_part in text)
    return Doubt(name, first.line, next(quoted, first.path).strip()[:QUOTE], why, may_rank(run))
