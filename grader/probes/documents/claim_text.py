"""Turns a report's lines into sentences: without markup, pictures and code, put together over line breaks."""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate

MOST_JOINED = 4_000  # characters of a paragraph that are read as one
_CODE = ("lstlisting", "verbatim", "minted", "Verbatim", "comment", "thebibliography", "tikzpicture")
_REMOVED = (
    ("<!--", "-->"), ("<pre", "</pre>"), ("<style", "</style>"), ("<script", "</script>"),
    *((rf"\begin{{{name}}}", rf"\end{{{name}}}") for name in _CODE),
)  # fmt: skip
_FENCE = re.compile(r"\s{0,12}(?:```|~~~)")
_TAG = re.compile(r"<(?:/?[a-z]|!)[^<>]{0,2000}>", re.IGNORECASE)
_CELL_END = re.compile(r"</t[dh]\s{0,5}>", re.IGNORECASE)
_IMAGE = re.compile(r"!\[[^\[\]\n]{0,500}\](?:\([^()\n]{0,1000}\)|\[[^\[\]\n]{0,200}\])")
_LINK = re.compile(r"\[([^\[\]\n]{0,300})\]\([^()\n]{0,1000}\)")
_ATTRIBUTES = re.compile(r"\{[^{}=\n]{0,300}=[^{}\n]{0,300}\}")
_CODE_SPAN = re.compile(r"`[^`\n=(]{0,200}[=(][^`\n]{0,200}`")
_ADDRESS = re.compile(r"https?://[^\s<>()]{1,500}")
_CITED = re.compile(r"\[\d{1,3}(?:\s?[,\-–]\s?\d{1,3}){0,20}\]|\\cite[a-z]{0,8}(?:\[[^\[\]]{0,100}\])?\{[^{}]{0,300}\}")
_SILENT = (
    "includegraphics|label|ref|eqref|autoref|url|input|include|usepackage|documentclass|vspace|hspace|setlength|pagestyle|"
    "bibliography|bibliographystyle|begin|end|newcommand|renewcommand|definecolor|rule|cline|geometry|hypersetup|lstset"
)
_COMMAND_WITH_ARGUMENTS = re.compile(rf"\\(?:{_SILENT})\*?(?:\[[^\[\]]{{0,500}}\])?(?:\{{[^{{}}]{{0,500}}\}}){{0,3}}")
_SIZED = re.compile(
    r"\\(?:scalebox|resizebox|textcolor|color|parbox|rowcolor|multicolumn|fontsize)(?:\{[^{}]{0,200}\}){1,2}"
)
_FRACTION = re.compile(r"\\d?frac\{(\d{1,9})\}\{(\d{1,9})\}")
_SECTION = re.compile(r"^\s{0,8}\\(?:sub){0,2}section\*?\{", re.MULTILINE)
_COMMAND = re.compile(r"\\([a-zA-Z]{1,40})\*?(?:\[[^\[\]\n]{0,300}\])?")
_SYMBOLS = {
    "approx": "≈", "sim": "≈", "pm": "±", "to": "→", "rightarrow": "→", "ge": "≥", "geq": "≥", "le": "≤", "leq": "≤",
    "times": "×", "percent": "%", "item": "\n- ",
}  # fmt: skip
_ESCAPED = re.compile(r"\\([%&$#_{}])")
_TEX_COMMENT = re.compile(r"(?<!\\)%[^\n]*")
_TEX_ROW_END = re.compile(r"\\\\\s{0,9}(?:\[[^\]\n]{0,20}\])?\s{0,9}(?:\\[hcmtb][a-z]{2,9}\s{0,9})?$")
_TEX_CELL = re.compile(r"(?<!\\)&")
_CODE_LINE = re.compile(
    r"\s{0,40}(?:(?:print|plt|ax|self|def|class|import|return|elif|assert|raise|with)\b[^\n]{0,200}[(:.]|from\s\S{1,60}\simport"
    r"|(?:if|for|while)\b[^\n]{0,200}:\s{0,5}$|[^\n(]{0,200}\w\(\s?f?[\"'])"
)
_QUOTED = re.compile(r"^\s{0,8}>\s?")
_TENSOR = re.compile(r"(?:tensor|np\.float(?:32|64))\(\s?([\d.]{1,20})[^()\n]{0,60}\)")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s")
_ELSEWHERE = re.compile(
    r"related\s+work|requirement|background|references?\b|bibliography|literature|prior\s+work|state.of.the.art|"
    r"要求|相关工作|参考文献|背景",
    re.IGNORECASE,
)
_BULLET = re.compile(r"\s{0,12}(?:[-*+•·]\s|\d{1,3}[.)、]\s?(?!\d)|\(\d{1,3}\)|[一二三四五六七八九十]{1,3}、|#|>|\|)")
_LABELLED = re.compile(r"\s{0,12}[^\s:=|]{1,30}(?:\s[^\s:=|]{1,20}){0,4}\s{0,3}[:=]")
_STOPS = re.compile(r"[。;；!！?？\n]|(?<!\.)\.(?=\s|$)")
_SHORT = re.compile(
    r"(?:\b(?:al|e\.g|i\.e|acc|approx|vs|fig|tab|no|ca|resp|eq|sec|cf|avg|max|min)|\b[A-Z])$", re.IGNORECASE
)
_FIGURE_AT_END = re.compile(r"[\d%)]\s{0,5}$")
_GOES_ON = re.compile(r"\s{0,12}[a-z,.)\-–,、。的了左以而]")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, the index of the line on which each of its parts begins, and of its paragraph's first."""

    text: str
    offsets: tuple[int, ...]
    lines: tuple[int, ...]
    paragraph: int

    def line_of(self, at: int) -> int:
        """Return the index of the line on which the character stands."""
        return self.lines[max(0, bisect_right(self.offsets, at) - 1)]


def without_markup(lines: list[str], tex: bool) -> list[str]:
    """Remove what a reader of the finished report does not see, and code; as many lines come back as went in."""
    text = "\n".join(_outside_fences(lines))
    for opening, closing in _REMOVED:
        text = _between(text, opening, closing, lambda part: "\n" * part.count("\n"))
    text = _between(text, "<tr", "</tr>", lambda part: part.replace("\n", " ") + "\n" * part.count("\n"))
    text = _TAG.sub(_breaks, _CELL_END.sub(" | ", text))
    text = _ADDRESS.sub(" ", _IMAGE.sub(" ", text))
    text = _CODE_SPAN.sub(" ", _LINK.sub(r"\1", text))
    text = _without_latex(_TEX_COMMENT.sub("", text) if tex else text)
    shown = html.unescape(text.replace("`", "").replace("**", "")).split("\n")
    return [_QUOTED.sub("", line) for line in shown][: len(lines)]


def _without_latex(text: str) -> str:
    text = "\n".join(map(_tex_row, text.split("\n")))
    text = _SECTION.sub("# ", _FRACTION.sub(r"\1/\2", _CITED.sub(" cited ", text)))
    text = _SIZED.sub(" ", _COMMAND_WITH_ARGUMENTS.sub(_breaks, text))
    text = _ATTRIBUTES.sub(" ", _ESCAPED.sub(r"\1", text))
    text = _COMMAND.sub(lambda command: _SYMBOLS.get(command[1], " ").replace("\n", ""), text)
    return re.sub(r"[{}$]|\\[,;! ]|~(?=\D)", " ", text)


def _tex_row(line: str) -> str:
    r"""Turn `ResNet20 & 84.5\% \\` into cells."""
    end = _TEX_ROW_END.search(line[-80:])
    return _TEX_CELL.sub(" | ", line[: len(line[:-80]) + end.start()]) + " |" if end else line


def _breaks(match: re.Match[str]) -> str:
    return " " + "\n" * match.group().count("\n")


def _between(text: str, opening: str, closing: str, change: Callable[[str], str]) -> str:
    """Change each part from an opening to the next closing; in one pass, whatever the text holds."""
    lowered, pieces, at = text.lower(), [], 0
    if len(lowered) != len(text):
        lowered = text
    opening, closing = opening.lower(), closing.lower()
    while (start := lowered.find(opening, at)) >= 0:
        end = lowered.find(closing, start)
        if end < 0:
            break
        pieces += [text[at:start], change(text[start : end + len(closing)])]
        at = end + len(closing)
    return "".join([*pieces, text[at:]])


def _outside_fences(lines: list[str]) -> Iterator[str]:
    inside = False
    for line in lines:
        fence = _FENCE.match(line) is not None
        yield "" if fence or inside else line
        inside ^= fence


def sentences(lines: list[str], printed: bool) -> Iterator[Sentence]:
    """Split lines into sentences. Printed lines stand for themselves; those of a report go on in the next."""
    lines = ["" if _CODE_LINE.match(line) else _TENSOR.sub(r"\1", line) for line in lines]
    foreign = False
    paragraph: list[int] = []
    for index, line in enumerate(lines):
        heading = not printed and _HEADING.match(line) is not None
        size = sum(len(lines[at]) for at in paragraph)
        alone = printed and not lines[index - 1].rstrip().endswith(":")
        if paragraph and (alone or heading or size > MOST_JOINED or not _continues(lines[index - 1], line)):
            yield from _split(lines, paragraph)
            paragraph = []
        if heading:
            foreign = _ELSEWHERE.search(line) is not None
        if line.strip() and not foreign:
            paragraph.append(index)
    yield from _split(lines, paragraph)


def _continues(line: str, following: str) -> bool:
    """Return whether a sentence may go on in the next line."""
    ended = line.rstrip()
    if not ended or not following.strip() or _BULLET.match(following) or _HEADING.match(line):
        return False
    if ended.endswith("|") or (_STOPS.search(ended[-1:]) and not _SHORT.search(ended[-8:-1])):
        return False
    if _FIGURE_AT_END.search(ended[-8:]):
        return _GOES_ON.match(following) is not None and not _LABELLED.match(following)
    lower = following.lstrip()[:1].islower()
    return not _LABELLED.match(following) or ended.endswith((":", "：")) or (lower and not _LABELLED.match(line))


def _split(lines: list[str], paragraph: list[int]) -> Iterator[Sentence]:
    if not paragraph:
        return
    pieces = [lines[index].strip() for index in paragraph]
    for at, piece in enumerate(pieces[:-1]):
        hyphenated = piece.endswith("-") and piece[-2:-1].isalpha() and pieces[at + 1][:1].islower()
        wide = not piece[-1:].isascii() and not pieces[at + 1][:1].isascii()
        pieces[at] = piece[:-1] if hyphenated else piece if wide else piece + " "
    offsets = [0, *accumulate(map(len, pieces))][: len(pieces)]
    text, start = "".join(pieces), 0
    for stop in _STOPS.finditer(text):
        if stop.group() == "." and _SHORT.search(text[max(0, stop.start() - 8) : stop.start()]):
            continue
        yield _sentence(text, start, stop.end(), offsets, paragraph)
        start = stop.end()
    yield _sentence(text, start, len(text), offsets, paragraph)


def _sentence(text: str, start: int, end: int, offsets: list[int], paragraph: list[int]) -> Sentence:
    first = max(0, bisect_right(offsets, start) - 1)
    last = max(first + 1, bisect_right(offsets, end))
    begins = tuple(offset - start for offset in offsets[first:last])
    return Sentence(text[start:end], begins, tuple(paragraph[first:last]), paragraph[0])
