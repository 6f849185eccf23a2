"""Reads a text line by line: printed logs, mixed with prose and tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from grader.probes.rankings.by_number import read_numbered
from grader.probes.rankings.cells import BLANKS, SPLITS, Split, barred
from grader.probes.rankings.draft import Found, Heading
from grader.probes.rankings.figures import claims_in
from grader.probes.rankings.match_lines import MatchLine, images_in, read_match, read_matches, scores_in
from grader.probes.rankings.paths import ends, start
from grader.probes.rankings.tables import Table, columns_of, is_rule, may_be_titles
from grader.probes.rankings.words import (
    metric_in,
    model_heading,
    model_in_sentence,
    names_metric,
    only_mentions,
    query_heading,
    starts_query,
    weights_in,
)

# with scores; without any, where numbered lines with an image rank; with scores, where numbers stand for images
Way = Literal["scored", "unscored", "numbered"]
LOG, TABLE, CSV, LATEX = "printed log", "table", "CSV", "LaTeX table"
Numbered = tuple[int, str]  # line of the document, its text without colours and full-width signs
MOST_JOINED, FARTHEST = 3, 10  # lines that one broken line may go on in; lines among which they are looked for
MOST_SIGNS = 200  # between the cells of a row
FIVE = 5  # matches of a query
FEWEST_LISTED = 2  # scores in a line that lists them
NEAR = 4  # lines from the last match to what is still said of it
_NOISE = re.compile(
    r"\s*(?:(?:```|~~~).{0,40}|\d{1,4}|[-–—]\s?\d{1,4}\s?[-–—]|page\s?\d{1,4}(?:\s?(?:of|/)\s?\d{1,4})?|"
    r"\d{1,4}\s?/\s?\d{1,4}|第\s?\d{1,4}\s?页.{0,20}|\\(?:begin|end)\{[a-z*]{1,30}\}.{0,40}|\d{1,3}%\s?\|.{0,300})?\s*",
    re.IGNORECASE,
)
_STARTS_RANK = re.compile(r"[\s>*•\-]{0,20}(?:top|rank|no\.|第)[\s\-_#]{0,3}\d", re.IGNORECASE)
_GOES_ON = re.compile(r"\s{0,40}(?:\W{0,3}(?:cos|sim|score|dist|相似|距离|得分)|\W{0,3}\d?[.,]\d)", re.IGNORECASE)
_ROOT = re.compile(r"(?<![^\W_])[a-zA-Z]:[\\/]|(?<!\S)\.{0,2}[\\/]")
_HYPHENS = ("-", "\u00ad", "\u2010")


def read_text(lines: Sequence[Numbered], kind: str, way: Way = "scored") -> Found:
    """Read the rankings of a text; `kind` is how its file's name ends, without the dot."""
    return _Reader(lines, kind, way).read()


@dataclass(slots=True)
class _Reader:
    lines: Sequence[Numbered]
    kind: str
    way: Way = "scored"
    found: Found = field(default_factory=Found)
    table: Table | None = None
    split: Split = barred
    last: int = -NEAR  # place of the last line of a ranking
    place: int = 0
    sentence: str = ""  # the network that one named last

    def read(self) -> Found:
        while self.place < len(self.lines):
            number, text = self.lines[self.place]
            self.place += 1
            if not _NOISE.fullmatch(text):
                self._line(number, text)
        return self.found

    def _line(self, number: int, text: str) -> None:
        if self._in_table(number, text) or self._match(number, text):
            self.last = self.place
            return
        self._figures(text)
        self._headings(number, text)

    # --- tables ---

    def _in_table(self, number: int, text: str) -> bool:
        barred_form = LATEX if self.kind == "tex" else TABLE
        for marks, split in SPLITS if may_be_titles(text) else ():
            if any(mark in text for mark in marks) and (columns := columns_of(split(text))):
                form = barred_form if "|" in marks else TABLE if marks == BLANKS else CSV
                self.table, self.split = Table(self.found, form, columns), split
                return True
        if sum(map(text.count, "|\t;,")) > MOST_SIGNS:
            return False
        if self.table is not None and (row := self.split(text)) and (is_rule(row) or self.table.row(row, number)):
            return True
        if self.kind in ("csv", "tsv"):
            cut = (split(text) for marks, split in SPLITS[:3] if marks[0] in text)
            return any(Table(self.found, CSV).row(cells, number) for cells in cut)
        if text.count("|") >= 2 and ends(text):
            return Table(self.found, barred_form).row(barred(text), number)
        return False

    # --- lines of a ranking ---

    def _match(self, number: int, text: str) -> bool:
        several = ends(text)
        if self.way == "numbered":
            by_number = None if several else read_numbered(text)
            if by_number is not None:
                self._add(number, by_number)
            return by_number is not None
        if len(several) > 1:
            return self._several(number, text)
        match = read_match(text)
        if match is None:
            return bool(starts_query(text) and not several and self._broken_query(number, text))
        if self._complete(match):
            self._add(number, match)
            return True
        if joined := self._joined(text):
            self._add(number, *joined)
            return True
        if match.path and match.score is not None:
            self._add(number, match)
            return True
        if match.path and self.way == "unscored":
            self._add(number, match)
            return True
        if not match.clear:
            if match.path and several:
                self._add(number, match)
            self.found.cannot_read(number, text)
            return True
        return False

    @staticmethod
    def _complete(match: MatchLine) -> bool:
        return match.clear and match.whole and match.score is not None and bool(match.path)

    def _several(self, number: int, text: str) -> bool:
        query, matches = read_matches(text)
        if not matches:
            query, matches = self._with_scores_below(text)
        if query and matches:
            self.found.start_query(query, "", number)
        first = 0 if query else self._above(len(matches))
        for rank, match in enumerate(matches, first):
            self.found.add(number, match if len(matches) == 1 else MatchLine(match.path, rank, match.score), LOG)
        return bool(matches)

    def _above(self, more: int) -> int:
        """Return how many matches the line above has, if this one continues its list of five."""
        above = len(self.found.open.matches) if self.found.open is not None and self.last == self.place - 1 else 0
        return above if above + more <= FIVE else 0

    def _with_scores_below(self, text: str) -> tuple[str, list[MatchLine]]:
        """Return the images of this line with their scores, which the next line lists."""
        below = range(self.place, min(self.place + FARTHEST, len(self.lines)))
        place = next((place for place in below if not _NOISE.fullmatch(self.lines[place][1])), 0)
        following = self.lines[place][1]
        paths, scores = images_in(text), [] if ends(following) else scores_in(following)
        query = paths[0] if len(paths) == len(scores) + 1 else ""
        paths = paths[1:] if query else paths
        if len(scores) < FEWEST_LISTED or len(scores) != len(paths):
            return "", []
        self.place = place + 1
        return query, [MatchLine(path, score=score) for path, score in zip(paths, scores, strict=True)]

    def _add(self, number: int, match: MatchLine, otherwise: str = "") -> None:
        self.found.add(number, match, LOG, otherwise)

    def _next(self) -> Iterator[tuple[int, str]]:
        """Yield the lines that may continue this one, with their positions: no fences, page numbers or new entries."""
        count = 0
        for place in range(self.place, min(self.place + FARTHEST, len(self.lines))):
            text = self.lines[place][1]
            if _NOISE.fullmatch(text):
                continue
            if _STARTS_RANK.match(text) or starts_query(text) or count == MOST_JOINED:
                return
            count += 1
            yield place, text

    def _joined(self, text: str) -> tuple[MatchLine, str] | None:
        """Return the match of a line that continues on the next ones, and its path with a hyphen at the join."""
        parts = [text.rstrip()]
        for place, following in self._next():
            rest = _continued(following)
            if ends(text) and ends(rest):
                return None
            readings = [reading for part in parts for reading in _seams(part, rest)]
            for reading in readings:
                match = read_match(reading)
                if match is not None and self._complete(match) and ends(reading):
                    self.place = place + 1
                    other = read_match(readings[1]) if text.rstrip().endswith(_HYPHENS) else None
                    return match, other.path if other is not None else ""
            parts = readings[:4]
        return None

    def _broken_query(self, number: int, text: str) -> bool:
        for place, following in self._next():
            rest = _continued(following)
            for reading in _seams(text.rstrip(), rest):
                if len(ends(reading)) == 1 and (query := query_heading(reading)) and read_match(rest) is None:
                    self.found.start_query(*query, number)
                    self.place = place + 1
                    return True
            return False
        return False

    # --- what stands around them ---

    def _figures(self, text: str) -> None:
        claims = list(claims_in(text))
        near = self.place - self.last <= NEAR and self.found.count > 0
        titled = any(claim.certain and claim.field == "precision_at_5" for claim in claims)
        model = model_heading(text) if titled else ""
        if model and model != self.found.heading.model:
            return  # of the ranking below: told again once its heading holds
        for claim in claims:
            if titled or near or (claim.model and self.found.count):
                self.found.claim(claim)
                self.last = self.place if near else self.last

    def _headings(self, number: int, text: str) -> None:
        metric = metric_in(text)
        if metric:
            self.found.metrics.add(metric)
        query = None if ends(text) == [] and not starts_query(text) else query_heading(text)
        if model := model_heading(_without_paths(text)):
            weights, seed = weights_in(text)
            settings = {"weights": weights, "seed": seed} if weights else {}
            self.found.start_model(Heading(model, number, metric, tuple(settings.items())))
            self._figures(text)
        elif sentence := model_in_sentence(text):
            self._sentence(Heading(sentence, number, metric))
        elif metric and names_metric(text) and self.found.open is None:
            self.found.start_model(Heading(self.found.heading.model, self.found.heading.line or number, metric))
        elif self.found.open is None and len(text) <= 120:
            self._weights(text)
        if query:
            self.found.start_query(*query, number, only_mentions(text))

    def _sentence(self, said: Heading) -> None:
        """Take the network from a sentence, unless a heading names one. Two sentences that differ leave it open."""
        above = self.found.open is None
        if above and self.found.heading.model not in ("", self.sentence):
            return
        differs = above and self.sentence not in ("", said.model)
        self.sentence = said.model
        self.found.start_model(replace(said, model="") if differs else said)

    def _weights(self, text: str) -> None:
        heading = self.found.heading
        weights, seed = weights_in(text)
        settings = {"weights": weights, "seed": seed} if weights else {"seed": seed} if seed is not None else {}
        if settings and heading.model:
            self.found.start_model(Heading(heading.model, heading.line, heading.metric, tuple(settings.items())))


def _continued(text: str) -> str:
    """Return the second half of a line without what an editor or LaTeX puts before it."""
    return text.strip().lstrip("↪").strip()


def _seams(left: str, right: str) -> list[str]:
    """Yield ways in which two pieces of a line may join, the most likely first."""
    if left.endswith(_HYPHENS):
        return [left[:-1] + right, left[:-1] + "-" + right]
    apart = bool(ends(right)) or bool(_GOES_ON.match(right))  # a sentence that follows is none of it
    return [left + right, f"{left} {right}"] if apart else [left + right]


def _without_paths(text: str) -> str:
    """Remove image names, whose folders may be named after a network."""
    names = ends(text)
    if not names:
        return text
    folder = _ROOT.search(text, 0, names[0])
    return text[: folder.start() if folder else start(text, names[0])] + text[names[0] :]
