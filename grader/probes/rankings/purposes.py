"""Recognises words that say that a list is not the student's ranking: an example, a baseline, a first attempt."""

from __future__ import annotations

import re

from grader.probes.rankings.paths import ends, start

EXAMPLE, LEAST = "ranking_example", "ranking_least"
BASELINE, FAULTY, DUPLICATES = "ranking_baseline", "ranking_faulty", "ranking_duplicates"
SET_APART = (EXAMPLE, LEAST, BASELINE, FAULTY, DUPLICATES)
LONGEST = 400  # characters that are looked at

_EXAMPLE = re.compile(
    r"(?<![a-z])(?:(?:output|print(?:ed)?|log|required|following|this|given|report|the)\s(?:format|layout)|format(?=\W{0,3}$)|"
    r"(?<!any )template|placeholders?|dummy|mock|fictitious|made[ -]up|invented|hypothetical|(?<!as )expected|"
    r"ideal(?:ly)?|desired|perfect\s(?:ranking|result|list|retrieval)|would|should\s(?:\w+\s)?(?:look|be|print|give|return|read|contain)|"
    r"(?:could|might|may|must)\slook|supposed\sto|ought\sto|something\slike|wants?\sus|looks?\slike|copied\sfrom|"
    r"(?:examples?|samples?)\s(?:of|output|format|log|listing|from|given|ranking|print\w*|report|run|answer|solution)|"
    r"(?:this|an?|the|following|handout'?s|assignment'?s)\s(?:example|sample)(?=\W{0,3}$)|(?<!for )examples?(?=\W{0,3}$)|samples?(?=\W{0,3}$)|"
    r"(?:assignment|hand-?out|task sheet|exercise sheet|read-?me|tutor|teacher|lecture)\s(?:\w+\s)?(?:shows?|gives?|prints?|contains?|lists?|asks))(?![a-z])|"
    r"格式|模板|样例|范例|期望|预期|理想|(?:应该|应当|应)(?:是|为|如|像|输出|得到)|(?<!检索结果)(?<!实验结果)(?<!查询)示例(?!图[像片]|查询|检索)|大概|如果|会是|"
    r"例如\W{0,3}$|假设|作业(?:要求|中)?(?:给出|展示)",
    re.IGNORECASE,
)
_FOR_EXAMPLE = re.compile(
    r"(?<![a-z])(?:for example|for instance|e\.g\.?)\W{0,3}$|(?:例如|比如|举例)\W{0,3}$", re.IGNORECASE
)
_LEAST = re.compile(
    r"(?<!at )(?<![a-z])least(?![a-z])|farthest|furthest|dissimilar|unlike|most different|"
    r"worst\s(?:\w+\s)?match|(?<![a-z])bottom(?![a-z])|lowest\s(?:\w+\s)?(?:similarit|scor|rank|cosine)|"
    r"最不(?:相似|像|接近|相近|匹配)|最远|不相似|差异最大|相似度最[低小]|最低的?相似度|倒数",
    re.IGNORECASE,
)
_BASELINE = re.compile(
    r"(?<![a-z])(?:base-?line|un-?trained|not\s(?:pre-?)?trained|without\s(?:any\s)?(?:pre-?train\w*|imagenet|training)|"
    r"(?:raw|plain|flattened)\spixels?|pixel[\s-](?:values?|wise|space|distances?|similarity|features?|vectors?)|"
    r"(?:on|of|from|with|using|by)\s(?:the\s)?pixels|histograms?|[apdw]?-?hash(?:es|ing)?|sift|hog|orb|"
    r"(?:chance|random)\s(?:ranking|order|guess\w*|features?|results?|retrieval|list|level)|by chance|sanity\scheck|"
    r"(?:shuffled|permuted))(?![a-z])|基线|未(?:经)?(?:预)?训练|没有(?:经过)?(?:预)?训练|原始像素|像素(?:值|距离|级|特征|相似|比较)|"
    r"直方图|哈希|随机(?:排序|猜测|结果|特征)|颜色特征",
    re.IGNORECASE,
)
_RANDOM_NETWORK = re.compile(
    r"random(?:ly)?[\s-]{0,3}(?:init\w*|weights?|network)|weights\W{0,4}random|\(random|随机(?:初始化|权重)",
    re.IGNORECASE,
)
_SEED = re.compile(r"seed|种子", re.IGNORECASE)  # who states it declares what the lab's own script prints
_FAULTY = re.compile(
    r"(?:^|[.。]\s?|\W{1,6})before\s(?:we|i|it|this|that|the\s(?:fix|correction|change|repair|bug)|fix\w*|correct\w*|repair\w*)(?![a-z])|"
    r"^\W{0,6}before(?=\W{0,6}$)|"
    r"(?<![a-z])(?:(?:first|initial|early|earlier|previous|old|older|original|failed)\s(?:\w+\s)?"
    r"(?:attempts?|try|tries|versions?|results?|runs?|rankings?|code|implementation|outputs?|lists?)|"
    r"old(?=\W{0,6}$)|wrong(?:ly)?|bugs?|buggy|incorrect(?:ly)?|mistaken(?:ly)?|faulty|broken|erroneous|obsolete|outdated|"
    r"without\s(?:\w+\s)?normali[sz]\w+|forgot(?:ten)?|no longer)(?![a-z])|"
    r"(?:修正|修改|修复|改正|更正|改进|归一化)之?前|错误|错的|还没有?(?:归一|标准|修|改)|有误|有问题|(?<![新])旧(?:的|版|结果)|最初|"
    r"(?:第一|首)次(?:尝试|实验|运行|的)|之前的|忘记|失败",
    re.IGNORECASE,
)
_MENDED = re.compile(
    r"(?<![a-z])(?:after\s(?:\w+\s){0,2}(?:fix|correct|repair|mend|chang|normali)\w*|corrected|final|now)(?![a-z])|"
    r"(?:修正|修改|修复|改正|更正|归一化)(?:之?后|完成)|最终|现在",
    re.IGNORECASE,
)
_MARKED = re.compile(
    r"(?<![a-z])(?:mark\w*|highlight\w*|bold|starred|no\s(?:wrong|bugs?)|correct|right)(?![a-z])|\d\s?(?:are\s|is\s)?wrong|正确|标(?:出|注|记|红)", re.IGNORECASE
)
_DUPLICATES = re.compile(r"(?<!no )duplicates?(?![a-z])|重复(?:图|检查|的)|查重|去重", re.IGNORECASE)
QUANTITY = (
    r"(?<![a-z])(?:bright(?:ness)?|contrast|sharpness|quality|blur|noise|saturation|intensity|sizes?|width|height|area|aspect|pixels?|resolution|"
    r"(?:train(?:ing)?[\s_])?loss|times?|took|seconds?|secs?|duration|runtime|latency|speed|acc(?:uracy)?|entropy|"
    r"variance|std|norm|bytes?|kb|mb|ms|epochs?|costs?|count|weights?|date|year|age|price|lr)(?![a-z])|"
    r"亮度|对比度|大小|尺寸|宽度?|高度?|面积|分辨率|损失|耗时|用时|时间|速度|准确率|精度|字节|数量|熵"
)
_QUANTITY = re.compile(QUANTITY, re.IGNORECASE)


def purpose_of(text: str) -> str:
    """Return why a list that the text introduces is not the ranking, as a code of evidence.wording; "" if it may be."""
    said = without_names(text[:LONGEST]).strip()
    if _LEAST.search(said):
        return LEAST
    if _DUPLICATES.search(said):
        return DUPLICATES
    if _BASELINE.search(said) or (_RANDOM_NETWORK.search(said) and not _SEED.search(said)):
        return BASELINE
    if _FAULTY.search(said) and not _MENDED.search(said) and not _MARKED.search(said):
        return FAULTY
    named = bool(ends(text[:LONGEST]))
    return EXAMPLE if _EXAMPLE.search(said) or (_FOR_EXAMPLE.search(said) and not named) else ""


def quantity_in(text: str) -> bool:
    """Return whether the text names a quantity that is no score: brightness, size, time."""
    return bool(_QUANTITY.search(text[:LONGEST]))


def without_names(text: str) -> str:
    """Remove names of images, whose folders may be called anything."""
    parts, last = [], 0
    for end in ends(text):
        parts.append(text[last : max(last, start(text, end, last))])
        last = end
    return " ".join([*parts, text[last:]])
