"""Finds names of image files in a line of text."""

from __future__ import annotations

import re

LONGEST = 500  # characters that are kept, the last ones: what is in front belongs to the student's machine
ENDING = re.compile(  # of a name that has a beginning: not of "*.jpg", "{}.jpg" and '.jpg'
    r"(?<=[^\s'\"/\\+{}%*=,;:<>])\.(?:jpe?g|png|bmp|gif|webp|tiff?|p[bgnp]m|jfif|hei[cf]|avif)"
    r"(?![^\W_]|\.\w{2,4}(?!\w))",
    re.IGNORECASE,
)
_BEFORE = re.compile(r"[\s'\"`,;|<>{}=\[\]*、。!?]|:(?<!(?<![^\W_])[a-zA-Z]:)")  # C: is a drive
_SIGN = re.compile(r"['\"`,;|<>{}=\[\]*、。!?→]|:(?<!(?<![^\W_])[a-zA-Z]:)")
_FILLER = re.compile(
    r"(?:images?|pictures?|photos?|img|files?|file ?names?|paths?|results?|match(?:es|ed|ing)?|similar|nearest|"
    r"closest|best|neighbou?rs?|quer(?:y|ies)|target|test|input|sample|is|was|are|of|for|to|with|the|an?|as|in|by|"
    r"named?|called|top|rank|and|at|on|from|score|similarity|no\.?|[-–#]+|\d{1,4}[.:)]|\S*[\u3400-\u9fff])",
    re.IGNORECASE,
)
_GLUED = re.compile(  # to a name, as Chinese is written: 查询图片为
    r"(?:待?(?:查询|检索)|目标|输入|测试)图[像片][为是]?(?=[^\W\d])|[为是](?=[^\W_])"
)
MOST_WORDS = 3  # of a name with blanks
_LEADING = re.compile(r"[\s'\"`<{\[*,;=>→|]+")


def ends(text: str) -> list[int]:
    """Return the positions where names of images end in the text."""
    return [match.end() for match in ENDING.finditer(text)] if "." in text else []


def start(text: str, end: int, floor: int = 0) -> int:
    """Return where the name that ends at `end` begins, if it contains no blank; not before `floor`."""
    piece = text[max(floor, end - LONGEST) : end]
    last = floor if end - floor <= LONGEST else end - LONGEST
    for match in _BEFORE.finditer(piece):
        last = end - len(piece) + match.end()
    opened = text.rfind("(", last, end)
    return opened + 1 if opened >= 0 and ")" not in text[opened:end] else last


def spoken(text: str) -> str:
    """Return the name at the end of the text, without words that introduce it: "my cat.jpg" of "match: my cat.jpg"."""
    piece = text[-LONGEST:]
    cut = max((match.end() for match in _SIGN.finditer(piece)), default=0)
    opened = piece.rfind("(")
    if opened >= cut and ")" not in piece[opened:]:
        cut = opened + 1
    words = piece[cut:].split()
    rooted = next((place for place, word in enumerate(words) if "/" in word or "\\" in word), None)
    if rooted is not None:
        return cleaned(" ".join(words[rooted:]))
    told = [place for place, word in enumerate(words[:-1]) if _FILLER.fullmatch(word)]
    words = words[told[-1] + 1 :] if told else words
    return cleaned(_GLUED.sub("", " ".join(words if len(words) <= MOST_WORDS else words[-1:]), count=1))


def cleaned(text: str) -> str:
    """Clean a path from a line of text: `slashed`, without surrounding characters."""
    text = _LEADING.sub("", text, count=1) if text[:1] and _LEADING.match(text) else text
    text = text.rstrip(" \t'\"`]}>*,;|")
    if text.startswith("(") and ")" not in text:
        text = text[1:]
    return slashed(text)


def slashed(text: str) -> str:
    """Return a path with forward slashes, without a leading ./; if it is long, only its end."""
    text = re.sub(r"[\\/]+", "/", text.strip())
    while text.startswith("./"):
        text = text[2:]
    return text[-LONGEST:]
