"""Tells whether a sentence speaks of one network or run among several, of an early epoch, or of a changed condition.

Such a figure may be true and yet not be the accuracy of the network that was handed in: none of them is certain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from grader.probes.documents.claim_tokens import Token, tokens
from grader.probes.documents.claim_words import (
    ASSERTS,
    FAMILIES,
    FROM_NOW_ON,
    ONE_OF_SEVERAL,
    ORDINALS,
    SPELT,
    TAKEN_AWAY,
    WITH,
)

LONG_TRAINING = 20  # epochs: who trained for fewer may have gone on
_ENDS = frozenset({"comma", "and", "colon", "pipe", "open", "close"})
_CHINESE = re.compile(
    r"剪枝|换成|改成|改为|改用|换为|替换|换用|关闭|禁用|关掉|噪声|噪音|攻击|量化|减半|一半|对抗|简单|浅|较小|较大|更大|更小|更深|只用|仅用|"
    r"只使用|仅使用|不使用|不用|不带|不含|删除|删去|移除|去掉|去除|模糊|遮挡|子集|"
    r"(?:准确率|正确率|精度)[^,，。;；\d]{0,8}(?:降至|降到|下降到|下降至|跌到|跌至|降为)|"
    r"第\s?[\d一二三四五六七八九十两]+\s?(?:个|组|次|版|折|阶段|周|天|种|批)|"
    r"(?:模型|网络|实验|版本|种子|方案|配置|组)\s?[A-D\d一二三四五甲乙丙](?![\d.]*\s?%|[a-z])"
)
_EPOCH_OF_CHINESE = re.compile(r"第\s?[\d一二三四五六七八九十]+\s?(?:轮|个\s?epoch|代|epoch)")
_SHORT_CHINESE = re.compile(r"(\d{1,3})\s?个?\s?(?:轮|代|epochs?)")
_UPWARD = re.compile(
    r"(?:rise|rose|risen|raise|lift|push|bring|brought|improv|increas|boost|went up|up\s|climb)|升|提高|增",
    re.IGNORECASE,
)
_UP_TO = re.compile(r"升到|升至|提高到|提高至|提升到|提升至|增加到|增长到")
_ROUGHLY = re.compile(
    r"(?:about|around|approximately|roughly|circa|≈|~|约为?|大约|大概|近似)\s?\d[\d.]*\s?%|%\s?左右", re.IGNORECASE
)
_OF_THE_FINAL_ONE = re.compile(
    r"\b(?:final|best|last|submitted|finished)\s(?:\w{1,15}\s){0,2}?(?:network|model|net|cnn|checkpoint|weights|version|resnet\d*)\b"
    r"|final\.pth|(?:最终|最后|最佳|最好|提交)的?(?:模型|网络|权重|版本)",
    re.IGNORECASE,
)
_MARKING = re.compile(r"%\s?[:：]\s?\d{1,3}(?![\d.,]*\s?%|[.,]\d)|%\s?得\s?\d")  # "70 %: 18" of a rubric


def conditional(sentence: str, found: list[Token], printed: bool) -> bool:
    """Return whether something in the sentence leaves open that the network handed in is meant."""
    if (
        _MARKING.search(sentence)
        or _ROUGHLY.search(sentence)
        or _of_several(found)
        or _taken_away(found)
        or _CHINESE.search(sentence)
    ):
        return True
    final = any(token.kind == "final" for token in found)
    if not final and (_early(sentence, found, printed) or _ordinal(found) or _indefinite(found)):
        return True
    if printed:
        return (
            any(token.text.lower().startswith(FAMILIES) for token in found)
            or _setting(found)
            and not any(token.text.lower() in _EPOCHS for token in found)
        )
    if _OF_THE_FINAL_ONE.search(sentence) or _raised(sentence, found):
        return False
    return _setting(found) or _equation(found) or any(_conditions(found))


def clouded_lines(lines: list[str], printed: bool) -> frozenset[int]:
    """Return the lines that stand below one which leaves open what network they speak of.

    Of a program's output that is all that follows "Loading pretrained ResNet18"; of a report what stands under a
    heading such as "Robustness to noise", or under a line such as "With dropout off:".
    """
    if printed:
        first = next((at for at, line in enumerate(lines) if _WORTH.search(line) and _foreshadows(line)), len(lines))
        return frozenset(range(first + 1, len(lines)))
    clouded: set[int] = set()
    section = paragraph = False
    for at, line in enumerate(lines):
        following = lines[at + 1].strip() if at + 1 < len(lines) else ""
        if line.lstrip().startswith("#"):
            section, paragraph = _HEADING.search(line) is not None, False
        elif not line.strip():
            paragraph = paragraph and _opens(lines[at - 1], "")
        elif _opens(line, following):
            paragraph = conditional(line, tokens(line), printed)
        if section or paragraph:
            clouded.add(at)
    return frozenset(clouded)


_WORTH = re.compile("|".join(map(re.escape, sorted(FROM_NOW_ON | ONE_OF_SEVERAL))), re.IGNORECASE)
_HEADING = re.compile(
    r"ablation|robust|noise|attack|adversar|prun|quanti|baseline|attempt|pre-?trained|transfer|without|消融|鲁棒|噪声|攻击|剪枝|量化|基线|尝试|预训练",
    re.IGNORECASE,
)
_BULLET = re.compile(r"\s{0,12}(?:[-*+•|]|\d{1,3}[.)])")


def _opens(line: str, following: str) -> bool:
    """Return whether a line is a title of those below it."""
    text = line.rstrip()
    if not text or len(text) > 80 or _BULLET.match(text) or any(one.kind == "accuracy" for one in tokens(text)):
        return False
    return text.endswith((":", "：")) or (
        text[-1] not in ".。,，;；!?" and (not following or bool(_BULLET.match(following)))
    )


def _foreshadows(line: str) -> bool:
    """Return whether a printed line makes those below it doubtful; "pretrained: False" does not."""
    found = tokens(line)
    texts = [token.text.lower() for token in found]
    for at, text in enumerate(texts):
        negated = any(one in ("false", "none", "no", "not", "0") for one in texts[max(0, at - 1) : at + 3])
        if text in FROM_NOW_ON and not negated:
            return True
    return not any(token.kind == "accuracy" for token in found) and _of_several(found, above=True)


_EPOCHS = frozenset({"epoch", "epochs", "ep", "step", "iter", "iteration", "轮"})
_NETWORKS = frozenset({"network", "model", "net", "cnn", "classifier", "resnet", "architecture"})
_REPEATED = frozenset("run trial fold model network net cnn split candidate variant attempt config repetition".split())


def _of_several(found: list[Token], above: bool = False) -> bool:
    """Return whether one of several is numbered or lettered: run 3, Model A, network two."""
    for at, token in enumerate(found[:-1]):
        word = token.text.lower()
        if word not in ONE_OF_SEVERAL or (above and word not in _REPEATED):
            continue
        after = found[at + 1 : at + 4]
        while after and (after[0].kind in ("dash", "quote", "list") or after[0].text.lower() in ("no", "no.", "nr")):
            after = after[1:]
        if after and after[0].kind == "colon" and word not in _NETWORKS:
            after = after[1:]
        progress = bool(after) and after[0].kind == "count" and word in _REPEATED - _NETWORKS
        if after and (progress or _numbers(after[0], after[1:2])):
            return True
    return False


def _numbers(token: Token, after: list[Token]) -> bool:
    """Return whether it is the number, or the letter, of one among several."""
    whole = token.kind == "number" or (token.kind == "count" and "/" not in token.text)
    letter = len(token.text) == 1 and token.text.isupper() and token.text.isascii() and token.text != "I"
    return (whole and not (after and after[0].kind == "unit")) or letter or token.text.lower() in SPELT


def _taken_away(found: list[Token]) -> bool:
    """Return whether something was left out, spoilt or reduced: "dropout off", "only half of the data"."""
    for at, token in enumerate(found):
        text, before = token.text.lower(), found[at - 1].text.lower() if at else ""
        if text in TAKEN_AWAY and not (text == "off" and before in ("level", "levels", "leveled", "levelled")):
            return True
        if text in ("only", "just", "merely") and not _of_the_figure(found, at):
            return True
        if text in ("of", "on") and _share_of_data(found[at + 1 : at + 6]):
            return True
        if text in _DOWNWARD and any(one.kind == "accuracy" for one in found[:at]):
            return True
    return False


_DOWNWARD = frozenset(
    "drop drops dropped dropping fall falls fell fallen decrease decreases decreased decline declines declined sinks "
    "sank sunk degrades degraded collapses collapsed suffers worsened worsens lower worse".split()
)


def _of_the_figure(found: list[Token], at: int) -> bool:
    """Return whether "only" belongs to the figure: "is only 62 %", "only reaches 62 %"."""
    after = [token for token in found[at + 1 : at + 5] if token.kind not in ("about", "quote")]
    while after and (after[0].kind in ("link", "to", "accuracy", "test", "set") or after[0].kind == "about"):
        after = after[1:]
    return bool(after) and (after[0].percent or (after[0].kind == "figure"))


def _share_of_data(after: list[Token]) -> bool:
    """Return whether it goes on "20 % of the data"."""
    texts = [token.text.lower() for token in after if token.text.lower() not in ("the", "our", "all", "about")]
    return (
        len(texts) > 2 and after[0].percent and not after[0].whole and texts[1] == "of"
        and texts[2] in ("data", "dataset", "training", "images", "train", "samples")
    )  # fmt: skip


def _early(sentence: str, found: list[Token], printed: bool) -> bool:
    """Return whether the training had, or may have had, more epochs than are meant."""
    if not printed and _EPOCH_OF_CHINESE.search(sentence):
        return True
    lengths = [int(one[1]) for one in _SHORT_CHINESE.finditer(sentence)] if not printed else []
    for at, token in enumerate(found):
        if token.text.lower() not in _EPOCHS or token.text == "轮":
            continue
        before, after = found[at - 1] if at else None, found[at + 1] if at + 1 < len(found) else None
        earlier = found[at - 2].text.lower() if at > 1 else ""
        if before is not None and before.kind in ("number", "figure", "count") and not before.percent:
            if before.kind != "number":
                return not printed
            lengths.append(int(float(before.text)) if not printed else LONG_TRAINING)
        elif before is not None and (before.text.lower() in SPELT or before.text.lower() in ("few", "some")):
            return True
        elif after is not None and after.kind in ("number", "count", "list", "colon") or _spelt(after):
            on_the_way = before is not None and before.text.lower() in (
                "after",
                "at",
                "of",
                "from",
                "in",
                "by",
                "until",
            )
            if not printed or on_the_way or earlier in ("after", "at"):
                return True
    return len(set(lengths)) > 1 or (bool(lengths) and max(lengths) < LONG_TRAINING)


def _spelt(token: Token | None) -> bool:
    return token is not None and token.text.lower() in SPELT


def _ordinal(found: list[Token]) -> bool:
    """Return whether something is counted: the second run, our 3rd network."""
    return any(
        token.text.lower() in ORDINALS
        or (token.text.lower() in ("st", "nd", "rd", "th") and at > 0 and found[at - 1].end == token.start)
        for at, token in enumerate(found)
    )


def _indefinite(found: list[Token]) -> bool:
    """Return whether something is said about an accuracy that nobody says was reached: "90 % is out of the question"."""
    texts = [token.text.lower() for token in found]
    at = next((n for n, token in enumerate(found) if token.kind == "figure"), len(found))
    if not texts or texts[0] not in ("a", "an") or not {"is", "was", "would", "seems", "remains"} & set(texts[at:]):
        return False
    stated = any(token.text.lower() in ("is", "was", "has", "have", "had", "we", "i") for token in found[:at])
    return not stated and not set(texts[at:]) & {"reached", "achieved", "obtained", "measured", "attained", "result"}


def _setting(found: list[Token]) -> bool:
    """Return whether the value of a setting stands before the accuracy: "lr=0.1 test acc 0.842"."""
    end = next((at for at, token in enumerate(found) if token.kind == "accuracy"), len(found))
    return any(
        token.kind == "setting"
        and any(one.kind in ("number", "figure", "unknown", "junk") for one in found[at + 1 : at + 5])
        for at, token in enumerate(found[:end])
    )


def _equation(found: list[Token]) -> bool:
    """Return whether a letter or a word has a value that is no accuracy: "for k = 5"."""
    return any(
        token.text in ("=", "＝")
        and found[at - 1].kind not in ("accuracy", "test", "set", "final", "close", "metric", "validation", "train")
        and at + 1 < len(found)
        and found[at + 1].kind in ("number", "figure")
        for at, token in enumerate(found)
        if at
    )


def _raised(sentence: str, found: list[Token]) -> bool:
    """Return whether the figure is where the accuracy rose to: what was added for it has stayed."""
    up = _UPWARD.search(sentence) is not None
    at = next((n for n in range(len(found) - 1, -1, -1) if found[n].kind == "figure"), 0)
    return (up and any(token.text.lower() == "to" for token in found[max(0, at - 3) : at])) or (
        _UP_TO.search(sentence) is not None
    )


def _conditions(found: list[Token]) -> Iterator[bool]:
    """Yield, of each clause, whether it names what the network was given for this figure: "with mixup"."""
    clause: list[Token] = []
    for token in [*found, Token("comma", "", 0, 0)]:
        if token.kind not in _ENDS:
            clause.append(token)
            continue
        near = {one.kind for one in clause} & {"figure", "accuracy"}
        for at, one in enumerate(clause):
            start = not any(other.kind not in ("and", "known", "link", "train") for other in clause[:at])
            if one.text.lower() in WITH and (near or start) and not _harmless(clause[at + 1 :]):
                yield True
        clause = []


def _harmless(after: list[Token]) -> bool:
    """Return whether it is "with an accuracy of", "with all images", or "with" at the end."""
    measured = next((at for at, token in enumerate(after[:5]) if token.kind in _MEASURED), len(after))
    said = any(token.text.lower() in ASSERTS for token in after[:measured])
    named = any(token.text.lower() in ("being", "standard") for token in after)
    return not after or named or (measured < len(after) and not said)


_MEASURED = frozenset({"accuracy", "figure", "test", "all images", "final"})
