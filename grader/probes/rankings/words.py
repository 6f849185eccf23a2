"""Interprets words around a ranking, in English and Chinese: metric, weights, network, query."""

from __future__ import annotations

import re

from grader.probes.rankings import models
from grader.probes.rankings.paths import MOST_WORDS, cleaned, ends, spoken, start

MOST_CHARACTERS = 1_000  # of a line, in which names of metrics are looked for
_COSINE = re.compile(
    r"(?<![a-z])cos(?:ine)?(?![a-z])(?![\s_-]{0,3}(?:anneal|sched|lr|decay|learn|warm|dist))|cosine_?sim|"
    r"余弦(?!退火|学习|衰减|距离)|夹角",
    re.IGNORECASE,
)
_EUCLIDEAN = re.compile(
    r"euclid|欧氏|欧几里[得德]|(?<![a-z])l2[\s_-]{0,3}(?:dist|距离)|(?<![a-z])cdist|pairwise_distance", re.IGNORECASE
)
_DISTANCE = re.compile(r"(?<![a-z])dist(?:ance)?s?(?![a-z])|距离", re.IGNORECASE)
_OTHER_DISTANCE = re.compile(r"cos|余弦|manhattan|曼哈顿|(?<![a-z])l1|hamming|汉明", re.IGNORECASE)
_METRIC_KEY = re.compile(r"metric|similarity measure|度量|相似度|距离", re.IGNORECASE)
_WEIGHTS = re.compile(
    r"(?<![a-z])(?:(IMAGENET1K_V[12])|(random(?:ly)?(?![a-z])|随机)|([\w\-]{0,40}final\.pth))", re.IGNORECASE
)
_RANDOM = re.compile(
    r"random(?:ly)?\s{0,3}(?:init|weight)|\(random|weights\W{0,4}random|随机(?:初始化|权重)", re.IGNORECASE
)
_SEED = re.compile(r"(?:seed|随机种子)\s{0,3}[:=]?\s{0,3}(\d{1,9})(?!\d)", re.IGNORECASE)
_LABEL = re.compile(r"(?:class|label|category|类别|标签)\s{0,3}[:=]?\s{0,3}([^\s,;:()\[\]]{1,60})", re.IGNORECASE)


def metric_in(text: str, distance: bool = False) -> str:
    """Return the one metric that the text names, else "". `distance`: the bare word can only mean Euclidean here."""
    text = text[:MOST_CHARACTERS]
    cosine, euclidean = bool(_COSINE.search(text)), bool(_EUCLIDEAN.search(text))
    if distance and not cosine and _DISTANCE.search(text) and not _OTHER_DISTANCE.search(text):
        euclidean = True
    return "" if cosine == euclidean else "cosine" if cosine else "euclidean"


def names_metric(text: str) -> bool:
    """Return whether the purpose of the line is to name the metric."""
    return len(text) <= 80 and bool(_METRIC_KEY.search(text))


def weights_in(text: str) -> tuple[str, int | None]:
    """Return the weights and seed that the text states; "" and None if it does not."""
    seed = _SEED.search(text)
    match = _WEIGHTS.search(text)
    if match is None or (match[2] and not _RANDOM.search(text)):
        return "", int(seed[1]) if seed else None
    name = match[1].upper() if match[1] else "random" if match[2] else "final.pth"
    return name, int(seed[1]) if seed and name == "random" else None


# --- headings --------------------------------------------------------------------------------------------------

_MARKS = re.compile(
    r"^[\s#>*=_~•·+\[\(【《|:-]{0,40}(?:\\(?:sub){0,2}(?:section|paragraph|caption)\*?\{)?"
    r"(?:\d{1,2}(?:\.\d{1,2}){0,3}[.)、:]?\s{1,4})?[\s*_`\"'【\[]{0,6}"
)
_MODEL_KEY = re.compile(
    r"(?:model|network|backbone|net|architecture|extractor|模型|网络|骨干网络|特征提取器)(?:\s?name|名称?)?\s{0,3}[:=]\s{0,3}(.{1,80})",
    re.IGNORECASE,
)
_LEADS_TO_MODEL = re.compile(
    r"(?:using|use|loading|with|of|for|from|on|by|model|network|net|results?|基于|使用|采用|利用|用|模型|网络|以|为|结果)[\s:=\-`'\"(]{0,6}$",
    re.IGNORECASE,
)
_USES = re.compile(
    r"(?<![a-z])(?:use[sd]?|using|employ\w{0,4}|chose|taken?|with|by|from|of)\s(?:(?:the|an?|our|my|own|pre-?trained|model|network)\s){0,3}"
    r"[`'\"*]{0,3}$|(?:使用|采用|利用|基于|选用|选择|用)了?(?:预训练的?)?(?:模型|网络)?\s?$",
    re.IGNORECASE,
)
_OF_FEATURES = re.compile(
    r"feature|extract|retriev|similar|search|cosine|euclid|embedding|特征|检索|相似|余弦|欧氏|提取", re.IGNORECASE
)
_CLASSIFIES = re.compile(r"(?<![a-z-])train|cifar|classif(?!ier)|epoch|accura|(?<!预)训练|分类|准确率", re.IGNORECASE)
_CODE = re.compile(r"(?:class|def|import|from)\s")
_NAME = re.compile(r"[\w.+\-/ ]{1,60}")
_SENTENCE = re.compile(r"[。!?;；]|[a-z]\. |, (?:and|but|which|so)|,(?:而|但|并|可|因)")
_QUERY = re.compile(
    r"(?<![a-z])(?:query(?:\s?(?:image|picture|photo|file|img))?|matching|match(?:es)?\s(?:for|of)|results?\s(?:for|of)|"
    r"target(?:\s?image)?|input(?:\s?image)?|test image|retriev\w{0,6}\s(?:for|with)|"
    r"(?:nearest|neighbou?rs)\s(?:to|of)|similar to|images?\s(?:for|to)|"
    r"(?:查询|待检索|检索|目标|输入|测试(?=图[像片]|样本))(?:图[像片]|样本|类别)?|图[像片](?!\w))"
    r"(?:[\s_#]{0,3}\d{1,5}(?:\s?/\s?\d{1,5})?(?=\s?[:=(]))?\s{0,3}[:=]?\s{0,3}",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"(?:query|查询)(?:\s?(?:image|图[像片]))?[\s_#]{0,3}(\d{1,5})\s?(?:[:=]|$)", re.IGNORECASE)
_ASKED = r"(?:query|target|test|input|sample|待?查询|待?检索|目标|输入|测试)"
_IMAGE = r"(?:image|picture|img|photo|sample|图[像片]|样本)"
_ONLY_NUMBERED = re.compile(
    rf"[\s#>*\-\[=]{{0,20}}(?:(?:results?|matches|matching|neighbou?rs|top[\s-]?\d)\s(?:for|of|to)?\s?)?(?:the\s)?对?"
    rf"(?:(?:{_ASKED}[\s_]?{_IMAGE}?|{_IMAGE})[\s_#\-]{{0,3}}(?:no\.?|number|第)?\s?(\d{{1,5}})(?:张|幅|个|号)?|"
    rf"{_ASKED}?第\s?(\d{{1,5}})\s?[张幅个](?:{_ASKED}{_IMAGE}?|{_IMAGE})|(\d{{1,5}})(?:st|nd|rd|th)\s{_ASKED}(?:\s{_IMAGE})?)"
    r"\s?[\]:=!。.)*\-]{0,10}(?:的?(?:检索|查询|匹配)?结果)?\s?:?\s*",
    re.IGNORECASE,
)
_WRITTEN = re.compile(r"(?<![a-z])(?:sav(?:ed|ing)|wrote|writ(?:e|ten|ing)|exported|保存|写入|导出)", re.IGNORECASE)
_CAPTION = re.compile(r"(?<![a-z])(?:fig(?:ure)?|plot|curve)(?![a-z])|图\s?\d|如图|曲线", re.IGNORECASE)
_ANNOUNCES = re.compile(
    r"nearest|closest|most similar|neighbou?rs|best matches|top[\s-]?\d|最(?:相似|接近|相近)|[近最]邻|检索结果",
    re.IGNORECASE,
)
_DECIMAL = re.compile(r"\d[.,]\d")
_WORD = re.compile(r"[^\W\d_]{2,40}")
_STARTS_QUERY = re.compile(r"[\s#>*\-\[\]\d/.]{0,20}(?:matching|query|查询|检索|target)", re.IGNORECASE)


def model_heading(line: str) -> str:
    """Return the network that the line announces, else ""."""
    bare = line.strip()
    if not bare or len(bare) > 160 or bare.endswith("(") or _CODE.match(bare):
        return ""
    bare = bare.removesuffix("...").rstrip()
    names = models.known(bare)
    marks = _MARKS.match(bare)
    body = bare[marks.end() :] if marks else bare
    if not names:
        key = _MODEL_KEY.match(body)
        value = re.split(r"[,;|(，。]", key[1])[0].strip(" `*\"'=#") if key and ":" in body[: key.start(1)] else ""
        return value if _NAME.fullmatch(value) and "nn." not in value else ""
    if len(names) > 1 or (_SENTENCE.search(bare) and not _MODEL_KEY.search(bare[:60])):
        return ""
    where = models.KNOWN.search(body)
    before = body[: where.start()] if where else ""
    decorated = bool(marks and marks.group().strip()) or bare.endswith((":", "=", "*", "#", "-"))
    announced = not before.strip() or _LEADS_TO_MODEL.search(before) or _MODEL_KEY.search(body[:60])
    if (decorated and len(bare) <= 100) or (announced and not bare.endswith((".", ")."))):
        return names[0]
    return ""


def model_in_sentence(line: str) -> str:
    """Return the network that a sentence says was used: "We used AlexNet. The feature is ..."; else ""."""
    names = models.known(line[:300])
    where = models.KNOWN.search(line[:300])
    if len(names) != 1 or where is None or not _OF_FEATURES.search(line) or _CLASSIFIES.search(line):
        return ""
    before, after = line[: where.start()], line[where.end() :]
    begins = not before.strip(" #>*-") and after[:1] in (",", ";", ":", "(")
    return names[0] if begins or _USES.search(before) else ""


def query_heading(line: str) -> tuple[str, str] | None:
    """Return the query that the line announces and its class ("" if not stated); None if it announces none."""
    names = ends(line)
    if len(names) > 1 or _WRITTEN.search(line):
        return None
    key = _QUERY.search(line[: start(line, names[0])] if names else line[:200])
    if names:
        label = _LABEL.search(line, names[0])
        return _named(line, names[0], key), label[1] if label else ""
    if numbered := _NUMBERED.search(line[:80]) or _ONLY_NUMBERED.fullmatch(line[:120]):
        return numbered[numbered.lastindex or 0], ""
    if key is None or not _STARTS_QUERY.match(line) or len(line) > 120:
        return None
    said = key.group().rstrip()
    value = re.split(r"[,;(]", line[key.end() :])[0].strip(" \t:*`'\"#=-")
    if len(value.split()) > MOST_WORDS or "?" in value:
        return None  # "Query: which network is better?"
    plain = said.endswith((":", "=")) or (said.casefold() == "matching" and " " not in value)
    return (cleaned(value), "") if plain and 0 < len(value) <= 80 else None


def _named(line: str, end: int, key: re.Match[str] | None) -> str:
    """Return a name, with blanks if it follows a key word or is alone in its line; else its last word."""
    if key is not None:
        name = spoken(line[key.end() : end])
        if name:
            return name
    lead = _MARKS.match(line)
    rest = line[lead.end() : end] if lead else line[:end]
    drive = re.match(r"(?:\./|[a-zA-Z]:[\\/]|/)", rest)
    return cleaned(rest if drive else line[start(line, end) : end])


def starts_query(line: str) -> bool:
    """Return whether the line begins like one that names a query, and may continue on the next."""
    return bool(_STARTS_QUERY.match(line) or _ONLY_NUMBERED.fullmatch(line[:120]))


def only_mentions(line: str) -> bool:
    """Return whether the image in the line is in a sentence or a figure, and neither alone nor said to be a query."""
    names = ends(line)
    around = line[: start(line, names[0])] + " " + line[names[0] :] if names else ""
    if not names or _QUERY.search(line[: start(line, names[0])]) or _ANNOUNCES.search(around):
        return False
    return (
        "![" in around
        or bool(_DECIMAL.search(around))
        or bool(_CAPTION.search(around))
        or len(_WORD.findall(around)) > 1
    )
