"""Recognises words that say that a list is not the student's ranking: an example, a baseline, a first attempt."""

from __future__ import annotations

import re

from grader.probes.rankings.models import known
from grader.probes.rankings.paths import ends, start

EXAMPLE, LEAST = "ranking_example", "ranking_least"
BASELINE, FAULTY = "ranking_baseline", "ranking_faulty"
DUPLICATES, UNSAID = "ranking_duplicates", "ranking_unsaid"
SET_APART = (EXAMPLE, LEAST, BASELINE, FAULTY, DUPLICATES, UNSAID)
LONGEST = 400  # characters that are looked at

# Each pattern ends a kind of words; English words stand alone, Chinese ones anywhere.
_EXAMPLE = re.compile(
    r"(?<![a-z])(?:"
    r"(?:output|print(?:ed)?|log|required|following|this|given|report|the)\s(?:format|layout)|format(?=\W{0,3}$)|"
    r"(?<!any )template|placeholders?|dummy|mock|fictitious|made[ -]up|invented|hypothetical|"
    r"(?<!as )expected(?!\s(?:class|label|categor))|"
    r"ideal(?:ly)?|desired|perfect\s(?:ranking|result|list|retrieval)|would|intended|planned|"
    r"(?<!we )could|might|may|demonstrat\w*|syntax|specifications?|"
    r"requirements?|instructions?|usage|synopsis|as\sin(?=\W{0,3}$)|consists?\sof|(?:correct|model)\sanswers?|imagin\w*|suppos\w*|assum\w*|pretend|"
    r"will\s(?:\w+\s)?(?:look|print|be|give)|todo|tbd|not\syet|"
    r"should\s(?:\w+\s)?(?:look|be|print|give|return|read|contain)|"
    r"(?:could|might|may|must)\slook|supposed\sto|ought\sto|something\slike|similar\sto\sthis|wants?\sus|looks?\s(?:like|as\sfollows)|delete|replace\sthis|(?:in\s)?this\sway|(?:assignment|task|exercise)\stext|"
    r"(?:copied|quoted|cited|borrowed|adapted|taken)\s(?:\w+\s)?from|"
    r"(?:examples?|samples?)\s(?:of(?!\s(?:the\s|our\s|some\s)?(?:retriev|result|quer|match))|output|format|log|listing|from|given|ranking|print\w*|report|run|answer|solution)|"
    r"(?:this|an?|the|following|handout'?s|assignment'?s)\s(?:example|sample)(?=\W{0,3}$)|"
    r"(?<!for )examples?(?=\W{0,3}$)|samples?(?=\W{0,3}$)|(?<!for )(?:examples?|samples?)(?=\s?[,;)\]])|"
    r"(?:assignment|hand-?out|task sheet|exercise sheet|lab sheet|read-?me|tutor|teacher|lecturer?)\s(?:\w+\s)?"
    r"(?:shows?|gives?|prints?|contains?|lists?)|"
    r"(?:from|by|in|of|on)\s(?:the\s|an?\s|our\s|my\s|another\s)?(?:instructor|professor|slides?|lectures?|lecturer|tutor|"
    r"course|blog|tutorial|paper|book|"
    r"internet|web|friend|classmate|group|hand-?out|assignment|read-?me|task sheet|lab sheet)"
    r")(?:'?s)?(?![a-z])|"
    r"格式|模板|样例|范例|参考答案|样式|期望|预期|理想|(?:应该|应当|应)(?:是|为|如|像|类似|输出|得到)|类似(?:于(?=\W|$)|如下|下面|这样)|"
    r"(?<!检索结果)(?<!实验结果)(?<!查询)示例(?!图[像片]|查询|检索)|大概|大致|形如|如果|会是|将会|计划|待完成|"
    r"例如\W{0,3}$|假设|(?:作业|实验指导|课件|教程|老师|助教|同学|网上|论文)(?:书|要求|里|中|上|的)?(?:给出|展示|提供|的)",
    re.IGNORECASE,
)
_FOR_EXAMPLE = re.compile(
    r"(?<![a-z])(?:for example|for instance|e\.g\.?)\W{0,3}$|(?:例如|比如|举例)\W{0,3}$", re.IGNORECASE
)
_LEAST = re.compile(
    r"(?<!at )(?<![a-z])(?:least|farthest|furthest|dissimilar|unlike|opposite|nothing\sin\scommon|unrelated|"
    r"negatives?|bottom|tail|end\sof\s(?:the|our)\s(?:\w+\s)?list|"
    r"(?:most|very|completely|totally)\sdifferent|differ\s(?:\w+\s)?most|not\s(?:at\sall\s)?similar|reversed?\sorder|"
    r"last\s(?:five|5)|(?<!to\s)(?<!to\sthe\s)(?:largest|biggest|greatest|highest|maximum)\s(?:\w+\s)?distances?|"
    r"smallest\s(?:\w+\s)?(?:similarit\w+|scor\w+|cosine)|worst\s(?:\w+\s)?match(?:es)?|"
    r"lowest\s(?:\w+\s)?(?:similarit\w+|scor\w+|rank\w*|cosine|five|5))(?![a-z])|"
    r"最不(?:相似|像|接近|相近|匹配)|最远|不相似|(?:差异|差别|区别|相差)最大|相似度最[低小]|距离最大|最大距离|最低的?相似度|倒数|倒序|最后五|排在最后",
    re.IGNORECASE,
)
_BASELINE = re.compile(
    r"(?<![a-z])(?:base-?line|un-?trained|not\s(?:pre-?)?trained|without\s(?:any\s)?(?:pre-?train\w*|imagenet|training)|"
    r"(?:raw|plain|flattened)\spixels?|pixel[\s-](?:values?|wise|space|distances?|similarity|features?|vectors?)|"
    r"(?:on|of|from|with|using|by)\s(?:the\s)?pixels|histograms?|[apdw]?-?hash(?:es|ing)?|sift|hog|orb|ssim|mse|hamming|"
    r"(?:gr[ae]y|rgb|colou?r)\s(?:values?|means?|averages?|moments?|features?)|(?:mean|average)\scolou?rs?|hand-?crafted|"
    r"(?:chance|random)\s(?:ranking|order|guess\w*|features?|results?|retrieval|list|level)|by chance|"
    r"noise|coin[\s-]?flip\w*|luck|dice|(?:jpeg|png|file|raw)\sbytes|file\ssizes?|"
    r"(?:without|no|instead\sof)\s(?:an?\s|any\s|the\s)?(?:network|model|cnn|neural)|sanity\scheck|"
    r"(?:shuffled|permuted|scrambled))(?![a-z])|"
    r"基线|未(?:经)?(?:预)?训练|没有(?:经过)?(?:预)?训练|原始像素|像素(?:值|平均|距离|级|特征|相似|比较)|"
    r"直方图|哈希|汉明|随机(?:排序|猜测|结果|特征)|颜色特征|灰度|平均颜色|不(?:使)?用(?:任何)?网络|手工特征|打乱",
    re.IGNORECASE,
)
_RANDOM_NETWORK = re.compile(
    r"random(?:ly)?[\s-]{0,3}(?:init\w*|weights?|network)|weights\W{0,4}random|\(random|随机(?:初始化|权重)",
    re.IGNORECASE,
)
_SEED = re.compile(r"seed|种子", re.IGNORECASE)  # who states it declares what the lab's own script prints
_FAULTY = re.compile(
    r"(?:^|[.。]\s?|\W{1,6})before\s(?:we|i|it|this|that|the\s(?:fix|correction|change|repair|bug)|"
    r"fix\w*|correct\w*|repair\w*)(?![a-z])|^\W{0,6}before(?=\W{0,6}$)|"
    r"(?<![a-z])(?:(?:first|initial|early|earlier|previous|old|older|original|failed)\s(?:\w+\s)?"
    r"(?:attempts?|try|tries|versions?|results?|runs?|rankings?|code|implementation|outputs?|lists?|logs?|numbers?|values?|scores?)|"
    r"old(?=\W{0,6}$)|attempts?(?=\W)|(?:as|order)\sbgr|version\s[01]|wrong(?:ly)?|bugs?|buggy|incorrect(?:ly)?|mistaken(?:ly)?|mistakes?|faulty|broken|"
    r"erroneous|obsolete|outdated|stale|invalid|nonsense|meaningless|preliminary|draft|unfinished|ignore|kept\sfor|do\snot\s(?:grade|use|count)|discard(?:ed)?|"
    r"not\s(?:\w+\s)?(?:normali[sz]|correct|fix|scal|resiz|crop|eval|load)\w*|yet|still\s(?:with(?:out)?|wrong|has|had)|(?:without|missing|no)\s(?:\w+\s)?(?:normali[sz]\w+|(?:model\.)?eval)|"
    r"forg[eo]t(?:ten|ting)?|no longer)(?![a-z])|"
    r"(?:修正|修改|修复|改正|更正|改进|归一化)之?前|错误|错的|(?:还没有?|尚未|未|没有?)(?:归一|标准|修|改|调用)|有误|有问题|"
    r"(?<!新)旧(?:的|版|结果)|最初|(?:第一|首)(?:次(?:尝试|实验|运行|的)|版)|之前的|忘记|忘了|失败|作废|忽略|无效|草稿|初步",
    re.IGNORECASE,
)
_MENDED = re.compile(
    r"(?<![a-z])(?:after\s(?:\w+\s){0,2}(?:fix|correct|repair|mend|chang|normali)\w*|corrected|final|now)(?![a-z])|"
    r"(?:修正|修改|修复|改正|更正|归一化)(?:之?后|完成)|最终|现在",
    re.IGNORECASE,
)
_MARKED = re.compile(
    r"(?<![a-z])(?:mark\w*|highlight\w*|bold|starred|no\s(?:wrong|bugs?|mistakes?)|correct|right)(?![a-z])|"
    r"\d\s?(?:are\s|is\s)?wrong|正确|标(?:出|注|记|红)",
    re.IGNORECASE,
)
_DUPLICATES = re.compile(
    r"(?<!no )(?<![a-z])(?:near-?)?(?:duplicates?|identical\s(?:files?|images?|pictures?)|md5|checksums?)(?![a-z])|"
    r"重复(?:图|检查|的)|查重|去重|相同(?:的)?图",
    re.IGNORECASE,
)
_TOLD = re.compile(  # what a person says of their own ranking
    r"\d|(?<![a-z])(?:we|our|us|i|my|five|tops?|best|near\w*|closest|neighbou?r\w*|similar\w*|match\w*|rank\w*|retriev\w*|"
    r"results?|outputs?|quer\w+|images?|pictures?|photos?|models?|net\w*|features?|cosine|distances?|scores?|gives?|gave|"
    r"found|finds?|prints?|printed|logs?|runs?|search\w*|tests?|targets?|library|console|terminal|screen)(?![a-z])|"
    r"结果|输出|检索|相似|匹配|图|查询|模型|网络|特征|我们|得到|[前最]|运行|测试",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]{1,40}")
FEWEST_WORDS = 4  # of a sentence that introduces something
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


def says_nothing(text: str) -> bool:
    """Return whether a sentence introduces a list without a word about whose or what it is."""
    said = text[:LONGEST]
    return not ends(said) and not known(said) and not _TOLD.search(said) and len(_WORD.findall(said)) >= FEWEST_WORDS


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
