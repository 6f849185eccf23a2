"""Tells whether a sentence speaks of one network or run among several, of an early epoch, or of a changed condition.

Such a figure may be true and yet not be the accuracy of the network that was handed in: none of them is certain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from grader.probes.documents.claim_several import counted, early, of_several
from grader.probes.documents.claim_tokens import Token
from grader.probes.documents.claim_words import (
    ASSERTS,
    DOWNWARD,
    EPOCHS,
    FAMILIES,
    OPENINGS,
    REACHED,
    TAKEN_AWAY,
    TECHNIQUES,
    WITH,
)

_ENDS = frozenset({"comma", "and", "colon", "pipe", "open", "close"})
_CHINESE = re.compile(
    r"剪枝|换成|改成|改为|改用|换为|替换|换用|关闭|禁用|关掉|噪声|噪音|攻击|量化|减半|一半|对抗|简单|浅|较小|较大|更大|更小|更深|只用|仅用|"
    r"只使用|仅使用|不使用|不用|不带|不含|删除|删去|移除|去掉|去除|模糊|遮挡|子集|"
    r"(?:准确率|正确率|精度)[^,，。;；\d]{0,8}(?:降至|降到|下降到|下降至|跌到|跌至|降为)|"
    r"第\s?[\d一二三四五六七八九十两]{1,5}\s?(?:个(?!\s?(?:epoch|轮|代|周期))|组|次|版|折|阶段|周|天|种|批)|"
    r"(?:模型|网络|实验|版本|种子|方案|配置|组)\s?[A-D\d一二三四五甲乙丙](?![\d.]{0,12}\s?%|[a-z])"
)
_UPWARD = re.compile(
    r"(?:rise|rose|risen|raise|lift|push|bring|brought|improv|increas|boost|went up|up\s|climb)|升|提高|增",
    re.IGNORECASE,
)
_UP_TO = re.compile(r"升到|升至|提高到|提高至|提升到|提升至|增加到|增长到")
_ROUGHLY = re.compile(
    r"(?:about|around|approximately|roughly|circa|≈|~|约为?|大约|大概|近似)\s?\d[\d.]{0,12}\s?%|%\s?左右", re.IGNORECASE
)
_OF_THE_FINAL_ONE = re.compile(
    r"\b(?:final|best|last|submitted|finished)\s(?:\w{1,15}\s){0,2}?(?:network|model|net|cnn|checkpoint|weights|version|resnet\d*)\b"
    r"|final\.pth|(?:最终|最后|最佳|最好|提交)的?(?:模型|网络|权重|版本)",
    re.IGNORECASE,
)
_MARKING = re.compile(r"%\s?[:：]\s?\d{1,3}(?![\d.,]*\s?%|[.,]\d)|%\s?得\s?\d")  # "70 %: 18" of a rubric


def conditional(sentence: str, found: list[Token], printed: bool) -> bool:
    """Return whether something in the sentence leaves open that the network handed in is meant."""
    if any(pattern.search(sentence) for pattern in (_MARKING, _ROUGHLY, _CHINESE)):
        return True
    if of_several(found) or _taken_away(found):
        return True
    final = any(token.kind == "final" for token in found)
    if not final and (early(sentence, found, printed) or counted(found) or _indefinite(found)):
        return True
    if printed:
        if any(token.text.lower().startswith(FAMILIES) for token in found):
            return True
        logged = any(token.text.lower() in EPOCHS for token in found)
        return not logged and (_setting(found) or _labelled(found))
    if _OF_THE_FINAL_ONE.search(sentence) or _raised(sentence, found):
        return False
    return _setting(found) or _equation(found) or _technique_reaches(found) or any(_conditions(found))


def _taken_away(found: list[Token]) -> bool:
    """Return whether something was left out, spoilt or reduced: "dropout off", "only half of the data"."""
    measure = next((at for at, token in enumerate(found) if token.kind == "accuracy"), len(found))
    for at, token in enumerate(found):
        text, before = token.text.lower(), found[at - 1].text.lower() if at else ""
        if text in TAKEN_AWAY and not (text == "off" and before in ("level", "levels", "leveled", "levelled")):
            return True
        if text in ("only", "just", "merely") and not _of_the_figure(found, at):
            return True
        if text in ("of", "on") and _share_of_data(found[at + 1 : at + 6]):
            return True
        if text in DOWNWARD and measure < at:
            return True
    return False


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


def _indefinite(found: list[Token]) -> bool:
    """Return whether something is said about an accuracy and nobody says that it was reached: "90 % was too much"."""
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


def _labelled(found: list[Token]) -> bool:
    """Return whether a printed line begins with the value of what nobody knows: "depth 8: test acc 0.779"."""
    end = next((at for at, token in enumerate(found) if token.kind in ("accuracy", "test")), len(found))
    before = [token for token in found[:end] if token.kind not in ("colon", "dash")]
    unknown = [one.kind == "unknown" and one.text.isalpha() for one in before]
    return any(name and other.kind == "number" for name, other in zip(unknown, before[1:], strict=False))


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


def _technique_reaches(found: list[Token]) -> bool:
    """Return whether the figure is what one thing brings, not what the network has: "augmented training gives"."""
    for at, token in enumerate(found):
        if token.text.lower() not in TECHNIQUES:
            continue
        end = next((n for n in range(at, len(found)) if found[n].text.lower() in REACHED), -1)
        begin = next((n + 1 for n in range(at, -1, -1) if found[n].kind == "comma"), 0)
        subject = {one.kind for one in found[begin:end]}
        if at < end <= at + 4 and not subject & {"own", "final", "accuracy", "test", "comma"}:
            return True
    return False


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
            if one.text.lower() in WITH and (near or start) and not harmless(clause[at + 1 :]):
                yield True
        yield bool(clause) and _unheard_of(clause)
        clause = []


def _unheard_of(clause: list[Token]) -> bool:
    """Return whether a clause says no more than under what condition, in words that nobody knows: "in sepia"."""
    kinds = {one.kind for one in clause}
    said = any(token.text.lower() in ASSERTS for token in clause)
    return (
        clause[0].text.lower() in OPENINGS
        and "unknown" in kinds
        and not kinds & {"figure", "accuracy", "own"}
        and not said
    )


def harmless(after: list[Token]) -> bool:
    """Return whether it is "with an accuracy of", "with all images", or "with" at the end."""
    measured = next((at for at, token in enumerate(after[:5]) if token.kind in _MEASURED), len(after))
    said = any(token.text.lower() in ASSERTS for token in after[:measured])
    named = any(token.text.lower() in ("being", "standard") for token in after)
    return not after or named or (measured < len(after) and not said)


_MEASURED = frozenset({"accuracy", "figure", "test", "all images", "final"})
