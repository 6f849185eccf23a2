"""Put a rubric's points into the handout: the table of what is graded in the instructions, in each language."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from grader.labs import the_lab
from grader.marking.check import Ramp
from grader.marking.rubric import Line, Rubric

# the rows of the table, in its order
ROWS = (
    "submission_layout", "function_fit", "own_function", "evaluation", "learning_rate", "measured_accuracy",
    "training_history", "feature_vectors", "retrieval_library", "retrieval_ranking", "retrieval_scores",
)  # fmt: skip
_ROW = re.compile(r"^\| (?P<what>[^|\n]+) \| (?P<points>\d+) \| (?P<full>[^|\n]+) \|\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Words:
    """What a changed table says, in one language."""

    language: str
    full: str  # marks of the accuracy
    step: str  # the points for another accuracy
    between: str  # two steps
    by_hand: str
    changed: str  # limits of another criterion


_WORDS = {
    "README.md": _Words(
        "en",
        "{best} %, measured with `{checkpoint}` on the 10,000 test images ({steps}; linear in between)",
        "{figure} %: {points}",
        "; ",
        "marked by a person",
        "as your instructor says",
    ),
    "README.zh.md": _Words(
        "zh",
        "用 `{checkpoint}` 在 10,000 张测试图片上达到 {best} %（{steps}，中间按直线计算）",
        "{figure} % 得 {points} 分",
        "，",
        "由教师评分",
        "以任课教师的说明为准",
    ),
}


def with_points(files: Mapping[str, bytes], rubric: Rubric, usual: Rubric) -> dict[str, bytes]:
    """Return the handout's files with the rubric's points and limits; `usual` is the rubric that they are written for.

    A criterion that the rubric leaves out has no row; one that a person marks gets a row of its own.
    """
    made = dict(files)
    for name, words in _WORDS.items():
        text = files[name].decode()
        found = list(_ROW.finditer(text))
        texts = {check: (row["what"], row["full"]) for check, row in zip(ROWS, found, strict=True)}
        rows = "".join(_rows(texts, rubric, usual, words))
        made[name] = (text[: found[0].start()] + rows + text[found[-1].end() :]).encode()
    return made


def _rows(texts: Mapping[str, tuple[str, str]], rubric: Rubric, usual: Rubric, words: _Words) -> Iterator[str]:
    shown = [line for line in rubric.lines if line.criterion.audience == "student"]
    measured = {line.criterion.check: line for line in shown if line.check is not None}
    as_written = {line.criterion.check: line for line in usual.lines}
    for check, (what, full) in texts.items():
        if (line := measured.get(check)) is not None:
            said = full if line.limits == as_written[check].limits else _changed(line, words)
            yield f"| {what} | {line.criterion.points:g} | {said} |\n"
    for line in shown:
        if line.check is None:
            title = dict(line.criterion.titles).get(words.language, line.criterion.title)
            yield f"| {title.replace('|', '/')} | {line.criterion.points:g} | {words.by_hand} |\n"


def _changed(line: Line, words: _Words) -> str:
    knots = list(line.limits.knots) if isinstance(line.limits, Ramp) else []
    while len(knots) > 1 and knots[-2][1] == knots[-1][1]:  # full marks are reached where the line becomes flat
        knots.pop()
    if line.criterion.check != "measured_accuracy" or len(knots) < 2 or knots[-1][1] < 1.0:
        return words.changed
    *rest, (best, _) = knots
    steps = [
        words.step.format(figure=_percent(figure), points=f"{line.criterion.points * credit:g}")
        for figure, credit in reversed(rest)
    ]
    return words.full.format(best=_percent(best), steps=words.between.join(steps), checkpoint=the_lab().checkpoint)


def _percent(share: float) -> str:
    return f"{100 * share:.6g}"
