"""Collects the rankings found while a document is read, in any format."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from grader.probes.documents.text import storable
from grader.probes.rankings.figures import Claim
from grader.probes.rankings.match_lines import MatchLine
from grader.probes.rankings.words import metric_in

MOST_RUNS, MOST_QUERIES, MOST_MATCHES, MOST_UNREAD = 10, 200, 20, 20  # as grader.evidence.kinds.retrieval has them
NAME, QUOTE = 500, 200  # characters
FARTHEST = 12  # lines from a query to its first match: a rule, the headings of a table, a few empty ones


@dataclass(slots=True)
class FoundMatch:
    path: str
    score: float | None
    line: int
    rank: int | None = None
    counts: bool = False  # the number beside it is no score
    otherwise: str = ""  # the path, if the hyphen at the end of a line belongs to it


@dataclass(slots=True)
class FoundQuery:
    name: str
    line: int
    label: str = ""
    mentioned: bool = False  # its name stands in a sentence: nothing says that it is the query
    matches: list[FoundMatch] = field(default_factory=list)

    def add(self, match: FoundMatch) -> None:
        if len(self.matches) < MOST_MATCHES:
            self.matches.append(match)

    def ended_by(self, rank: int | None) -> bool:
        """Return whether a match of this rank must belong to the next query, whose heading was not understood."""
        last = self.matches[-1].rank if self.matches else None
        return rank is not None and last is not None and rank < last

    def has(self, rank: int | None) -> bool:
        return rank is not None and any(match.rank == rank for match in self.matches)


@dataclass(frozen=True, slots=True)
class Heading:
    """What is known of the rankings that follow."""

    model: str = ""
    line: int = 0
    metric: str = ""
    settings: tuple[tuple[str, Any], ...] = ()  # other fields of evidence.ReportedRun


@dataclass(slots=True)
class FoundRun:
    heading: Heading
    metric: str
    queries: list[FoundQuery] = field(default_factory=list)
    names: dict[str, FoundQuery] = field(default_factory=dict)
    claims: dict[str, float] = field(default_factory=dict)
    more: int = 0
    spare: FoundQuery = field(default_factory=lambda: FoundQuery("", 0))  # beyond those that are kept

    def start(self, query: FoundQuery) -> FoundQuery:
        if len(self.queries) >= MOST_QUERIES:
            self.more += 1
            self.spare = query
            return query
        self.queries.append(query)
        if query.name:
            self.names[query.name] = query
        return query


@dataclass(slots=True)
class Found:
    """Rankings found so far, line by line. A model heading applies until the next one; so does a query heading."""

    runs: list[FoundRun] = field(default_factory=list)
    unread: list[dict[str, Any]] = field(default_factory=list)
    unread_count: int = 0
    percent: bool = False
    forms: Counter[str] = field(default_factory=Counter)
    metrics: set[str] = field(default_factory=set)  # that the document speaks of anywhere
    heading: Heading = Heading()
    query: tuple[str, str, int] = ("", "", 0)  # name, class, line
    mentioned: bool = False  # the query, in a sentence
    waiting: dict[str, float] = field(default_factory=dict)  # claims that stand above their ranking
    of_models: dict[str, dict[str, float]] = field(default_factory=dict)
    queries_since: int = 0  # the model's heading
    open: FoundQuery | None = None
    run: FoundRun | None = None

    def start_model(self, heading: Heading) -> None:
        if heading.model == self.heading.model and self.open is None:
            kept = dict(self.heading.settings) | dict(heading.settings)
            heading = replace(heading, metric=heading.metric or self.heading.metric, settings=tuple(kept.items()))
        if self.open is not None and self.queries_since > 1:
            self.query = ("", "", 0)  # models one after the other: the last query of one is not the first of the next
        self.heading, self.open, self.waiting, self.queries_since = heading, None, {}, 0

    def start_query(self, name: str, label: str, line: int, mentioned: bool = False) -> None:
        if self.open is None or self.open.name != name:
            self.query, self.open = (storable(name)[-NAME:], storable(label)[:NAME], line), None
            self.mentioned = mentioned
            self.queries_since += 1

    def add(self, line: int, match: MatchLine, form: str, otherwise: str = "") -> None:
        """Add a match to the current query, or to the next one."""
        found = self._match(line, match, otherwise)
        if self.open is None or self.open.ended_by(match.rank):
            name, label, at = self.query if self.open is None else ("", "", line)
            self.run = self._run_for(name)
            mentioned = self.mentioned or line - at > FARTHEST
            self.open = self.run.start(FoundQuery(name, at or line, label, mentioned))
        self.open.add(found)
        self.forms[form] += 1
        self._learn(match.said)

    def place(self, line: int, match: MatchLine, query: tuple[str, str], form: str) -> None:
        """Add a match of a table whose rows name their query, in any order."""
        name, label = storable(query[0])[-NAME:], storable(query[1])[:NAME]
        found = self._match(line, match, "")
        for run in reversed(self._runs_of_heading()):
            known = run.spare if name and run.spare.name == name else run.names.get(name)
            if known is not None and not known.has(match.rank):
                self.run, self.open = run, known
                break
        else:
            self.run = self._run_for(name)
            self.open = self.run.start(FoundQuery(name, line, label))
        self.query = (name, label, line)
        self.open.add(found)
        self.forms[form] += 1
        self._learn(match.said)

    def claim(self, claim: Claim) -> None:
        if claim.model and claim.model != self.heading.model:
            self.of_models.setdefault(claim.model, {}).setdefault(claim.field, claim.share)
        elif self.run is not None and self.open is not None:
            self.run.claims.setdefault(claim.field, claim.share)
        else:
            self.waiting.setdefault(claim.field, claim.share)

    def cannot_read(self, line: int, text: str) -> None:
        self.unread_count += 1
        if len(self.unread) < MOST_UNREAD:
            self.unread.append({"line": line, "text": storable(text.strip())[:QUOTE]})

    @property
    def count(self) -> int:
        return sum(self.forms.values())

    def _match(self, line: int, match: MatchLine, otherwise: str) -> FoundMatch:
        score = match.score
        self.percent = self.percent or (score is not None and score.percent)
        value = score.value if score is not None else None
        path, other = storable(match.path)[-NAME:], storable(otherwise)[-NAME:]
        return FoundMatch(path, value, line, match.rank, match.counts, other)

    def _learn(self, said: str) -> None:
        if self.run is not None and not self.run.metric and said:
            self.run.metric = metric_in(said, distance=True)

    def _runs_of_heading(self) -> list[FoundRun]:
        wanted = self.heading
        return [run for run in self.runs if (run.heading.model, run.heading.metric) == (wanted.model, wanted.metric)]

    def _run_for(self, query: str) -> FoundRun:
        """Return the run under this heading that lacks this query: a ranking that appears twice makes two runs."""
        for run in reversed(self._runs_of_heading()):
            if query not in run.names:
                return run
        run = FoundRun(self.heading, self.heading.metric, claims=self.waiting)
        self.waiting = {}
        if len(self.runs) < MOST_RUNS:
            self.runs.append(run)
        return run
