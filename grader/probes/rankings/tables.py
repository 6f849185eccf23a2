"""Reads tables: identifies columns by their headings or by the content of the cells, then reads the rows."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import NamedTuple

from grader.probes.rankings import models
from grader.probes.rankings.by_number import read_numbered
from grader.probes.rankings.draft import Found, Heading
from grader.probes.rankings.figures import Claim
from grader.probes.rankings.match_lines import SCORE_WORD, MatchLine, read_match
from grader.probes.rankings.paths import cleaned, ends
from grader.probes.rankings.purposes import EXAMPLE, QUANTITY, purpose_of
from grader.probes.rankings.scores import MEASURED, Score, score_in
from grader.probes.rankings.words import metric_in, query_heading

_KINDS = (  # the first that fits
    ("precision", r"p(?:rec(?:ision)?)?\s?@\s?5|precision|查准率|准确率@5|top-?5\s?(?:precision|精度|准确率)"),
    ("top1", r"top[\s_-]?1[\s_]?(?:acc|准确率|正确率|精度|命中)|p(?:recision)?@1(?!\d)"),
    ("label", r"(?:query|查询)[\s_]?(?:class|label|类别|标签)"),
    ("no", r"class|label|category|correct|hit\?|sha256|类别|标签|是否|正确"),
    ("metric", r"metric|度量|measure"),
    ("path", r"(?:most|least|best)\s(?:dis)?similar|similar\s(?:image|picture|photo)"),
    ("score", SCORE_WORD),
    ("quantity", QUANTITY),
    ("query", r"query|target|查询|待检索|输入|目标|检索图|probe"),
    ("model", r"model|network|backbone|(?<![a-z])net(?![a-z])|模型|网络"),
    ("rank", r"^(?:rank(?:ing)?|#|no\.?|k|top[\s-]?k?|position|place|idx|index|排名|名次|排序|序号|位次)$"),
    (
        "path",
        r"path|image|img|picture|photo|file|match|result|retrieved|neighbou?r|name|top|^(?:(?:rank|no\.?|第|#)\W?\d|\d{1,2}(?:st|nd|rd|th)?$)|图|文件|结果|匹配|路径",
    ),
)
_PATTERNS = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _KINDS)
_RULE = re.compile(r"[\s:=+\-─━═┼╪]*")
_RANK = re.compile(r"\W{0,3}(?:top|rank|第)?[\s\-]?(\d{1,4})\W{0,3}(?:名|st|nd|rd|th)?", re.IGNORECASE)
MOST_COLUMNS, LONGEST_TITLE = 60, 40
_DECIMAL = re.compile(r"\d[.,]\d")


class Column(NamedTuple):
    kind: str
    model: str = ""  # whose matches stand in it
    percent: bool = False
    metric: str = ""


Columns = tuple[Column, ...]


def may_be_titles(line: str) -> bool:
    """Return whether the line can be the headings of a table: no sentence, and it has no image and no score."""
    return (
        not line.rstrip().endswith((":", ".", "。", "!", "?", ";"))
        and len(line) <= MOST_COLUMNS * LONGEST_TITLE // 2
        and not ends(line)
        and not _DECIMAL.search(line)
    )


def columns_of(cells: list[str]) -> Columns | None:
    """Return the columns if the cells of the line are headings; else None."""
    if not 2 <= len(cells) <= MOST_COLUMNS or any(len(cell) > LONGEST_TITLE for cell in cells):
        return None
    columns = tuple(_without_asides(list(map(_column, cells)), cells))
    kinds = [column.kind for column in columns]
    plain = any(column.kind == "path" and not column.model for column in columns)
    ranking = plain and ("score" in kinds or "rank" in kinds)
    of_models = ("query" in kinds or "rank" in kinds) and any(c.kind == "path" and c.model for c in columns)
    wide = of_models or ("query" in kinds and kinds.count("path") >= 3)
    figures = "model" in kinds and ("precision" in kinds or "top1" in kinds)
    return columns if ranking or wide or figures else None


def _without_asides(columns: list[Column], titles: list[str]) -> list[Column]:
    """Take out columns whose titles speak of a baseline or of the least similar, and the scores that belong to them."""
    for place, title in enumerate(titles):
        if purpose_of(title) not in ("", EXAMPLE):
            following = columns[place + 1 : place + 2]
            if columns[place].kind == "path" and [column.kind for column in following] == ["score"]:
                columns[place + 1] = Column("no")
            columns[place] = Column("quantity")
    return columns


def _column(cell: str) -> Column:
    title, named = cell.strip(" *`'\""), models.known(cell)
    percent, metric = "%" in title, metric_in(title, distance=True)
    if named:
        rest = models.KNOWN.sub("", title)
        kind = next((kind for kind, pattern in _PATTERNS[:8] if pattern.search(rest)), "path")
        return Column(kind, named[0], percent, metric)
    return Column(next((kind for kind, pattern in _PATTERNS if pattern.search(title)), ""), "", percent, metric)


def is_rule(cells: list[str]) -> bool:
    """Return whether a line is the rule below the headings of a Markdown table."""
    return bool(cells) and all(_RULE.fullmatch(cell) for cell in cells)


@dataclass(slots=True)
class Table:
    """Reads rows into `found`. `columns` None: no headings, so each row is interpreted by its content."""

    found: Found
    form: str
    columns: Columns | None = None
    named: bool = False  # the rows name their query

    def row(self, cells: list[str], line: int) -> bool:
        """Read the cells as a row into `found`; return whether they are one."""
        columns = self.columns if self.columns is not None else _guessed(cells)
        if columns is None:
            return False
        if len(cells) == len(columns) + 1:
            cells = self._mended(cells, columns)
        if not 2 <= len(cells) <= len(columns):
            return False
        self.named = any(column.kind == "query" for column in columns)
        pairs = list(zip(columns, cells, strict=False))
        if self._figures(pairs):
            return True
        names = [(column, cell) for column, cell in pairs if column.kind == "path" and cell.strip(" -")]
        numbers = any(column.kind == "score" and cell and score_in(cell) for column, cell in pairs)
        if not names or not (numbers or any(ends(cell) or read_numbered(cell) for _, cell in names)):
            return False
        self._context(pairs, line)
        counts = not numbers and any(column.kind in ("", "quantity") and _number_in(cell) for column, cell in pairs)
        self._matches(pairs, names, (line, counts))
        return True

    @staticmethod
    def _mended(cells: list[str], columns: Columns) -> list[str]:
        """Fix a row with one cell too many: an unquoted decimal comma, or the index that pandas adds."""
        place = next((place for place, column in enumerate(columns) if column.kind == "score"), None)
        if place is not None and re.fullmatch(r"-?\d", cells[place]) and re.fullmatch(r"\d+", cells[place + 1]):
            return [*cells[:place], f"{cells[place]},{cells[place + 1]}", *cells[place + 2 :]]
        return cells[1:] if cells[0].isdigit() or not cells[0] else cells

    def _figures(self, pairs: list[tuple[Column, str]]) -> bool:
        """Read a row of a table of models and their figures."""
        if any(column.kind in ("path", "score") for column, _ in pairs):
            return False
        model = next((cell for column, cell in pairs if column.kind == "model"), "")
        for column, cell in pairs:
            if column.kind in ("precision", "top1") and model:
                share = score_in(cell, column.percent)
                value = share.value if share else None
                value = value / 100.0 if value is not None and value > 1.0 else value
                if value is not None and 0.0 <= value <= 1.0:
                    field = "top1" if column.kind == "top1" else "precision_at_5"
                    stated = self.found.of_models.setdefault(models.normal(model), {})
                    stated.setdefault(field, Claim(field, value, model, True).share)
        return bool(model) and bool(models.known(model))

    def _context(self, pairs: list[tuple[Column, str]], line: int) -> None:
        """Return model, metric and query of the row; an empty cell repeats the one above."""
        said = {column.kind: cell for column, cell in pairs if cell and column.kind in ("model", "metric")}
        if said:
            heading = self.found.heading
            model = models.normal(said["model"]) if "model" in said else heading.model
            metric = metric_in(said["metric"], distance=True) if "metric" in said else heading.metric
            if (model, metric) != (heading.model, heading.metric):
                self.found.start_model(Heading(model, line, metric))
        query = next((cell for column, cell in pairs if column.kind == "query"), "")
        label = next((cell for column, cell in pairs if column.kind == "label"), "")
        if query:
            heading_of_query = query_heading(query) if ends(query) else None
            name, said_label = heading_of_query or (cleaned(query), "")
            self.found.query = (name, label or said_label, line)

    def _matches(self, pairs: list[tuple[Column, str]], names: list[tuple[Column, str]], at: tuple[int, bool]) -> None:
        """Add the matches of a row; `at`: its line, and whether the numbers beside them only count something."""
        line, counts = at
        scores = [(column, cell) for column, cell in pairs if column.kind == "score"]
        beside = scores if len(scores) == len(names) else [(None, "")] * len(names)
        places = [_RANK.fullmatch(cell) for column, cell in pairs if column.kind == "rank"]
        rank = int(places[0][1]) if places and places[0] else None
        heading = self.found.heading
        for (column, cell), (of_score, score_cell) in zip(names, beside, strict=True):
            match = _in_cell(cell)
            if of_score is not None and match.score is None:
                score = score_in(score_cell, of_score.percent)
                match = replace(match, score=score, clear=score is not None)
            if not match.clear:
                self.found.cannot_read(line, " | ".join(cell for _, cell in pairs))
            said = of_score.metric if of_score is not None and of_score.metric else column.metric
            if column.model and self.found.heading.model != column.model:
                kept = self.found.query
                self.found.start_model(replace(heading, model=column.model, line=line))
                self.found.query = kept
            self._put(line, replace(match, rank=rank, said=said or match.said, counts=counts and match.score is None))

    def _put(self, line: int, match: MatchLine) -> None:
        name, label, _ = self.found.query
        if self.named and name:
            self.found.place(line, match, (name, label), self.form)
        else:
            self.found.add(line, match, self.form)


def _number_in(cell: str) -> bool:
    """Return whether the cell is a number, or one with a unit."""
    score = score_in(cell)
    return (score is not None and score.value is not None) or MEASURED.fullmatch(cell.strip()) is not None


def _in_cell(cell: str) -> MatchLine:
    """Read a name with or without its score: cat/1.jpg (0.8731)."""
    match = read_match(cell)
    if match is not None and match.score is not None:
        return replace(match, rank=None)
    if by_number := read_numbered(cell):
        return replace(by_number, rank=None)
    names = ends(cell)
    return MatchLine(cleaned(cell[: names[0]] if names else cell))


def _guessed(cells: list[str]) -> Columns | None:
    """Interpret a row without headings: of two images, the first is the query."""
    if len(cells) > MOST_COLUMNS:
        return None
    kinds: list[Column] = []
    images = sum(bool(ends(cell)) for cell in cells)
    seen = 0
    for cell in cells:
        if ends(cell):
            seen += 1
            kinds.append(Column("query" if images > 1 and seen == 1 else "path"))
        elif models.known(cell):
            kinds.append(Column("model"))
        elif re.fullmatch(r"\d{1,4}", cell):
            kinds.append(Column("rank"))
        elif isinstance(score_in(cell), Score) and cell:
            kinds.append(Column("score"))
        else:
            kinds.append(Column(""))
    whole = {column.kind for column in kinds}
    return tuple(kinds) if "path" in whole and ("score" in whole or "rank" in whole) else None
