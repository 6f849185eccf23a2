"""Lines of a ranking as scripts print them, and what stands in documents between them."""

import pytest

from grader.probes.rankings.match_lines import read_match
from grader.probes.rankings.scores import score_from, score_in


@pytest.mark.parametrize(
    "line",
    [
        "Top 1 match (0.8731): ./library\\cat\\1.jpg",
        "1. library/cat/1.jpg 0.8731",
        "1) library/cat/1.jpg (0.8731)",
        "#1 library/cat/1.jpg: 0.8731",
        "Rank 1: library/cat/1.jpg score=0.8731",
        "[1] library/cat/1.jpg  sim: 87.31%",
        "第1名: library/cat/1.jpg, 相似度: 0.8731",
        "Top-1: library/cat/1.jpg (score: 0.8731)",
        "    1    0.8731  * library/cat/1.jpg",
        "rank=1, score=0.8731, path=library/cat/1.jpg",
        "1 -> library/cat/1.jpg (cos=0.8731)",
        "| 1 | library/cat/1.jpg | 0.8731 |",
        "Top 1 match (8.731e-01): library/cat/1.jpg",
        "Match 1: library/cat/1.jpg (class cat, similarity 0.8731)",
        "1、library/cat/1.jpg(0.8731)",
        "Top1 相似度:0.8731 图片:library/cat/1.jpg",
        "top1 library/cat/1.jpg similarity is 0.8731",
        "1st: 'library/cat/1.jpg', tensor(0.8731, device='cuda:0')",
        "Top 1 match (tensor([0.8731], grad_fn=<DotBackward0>)): library/cat/1.jpg",
    ],
)
def test_a_line_of_a_ranking_is_read(line):
    match = read_match(line)
    assert (match.rank, match.path, match.score.value) == (1, "library/cat/1.jpg", 0.8731)
    assert match.clear


@pytest.mark.parametrize(
    ("line", "path", "score"),
    [
        ("cat/1.jpg 0.8731", "cat/1.jpg", 0.8731),
        ("('cat/1.jpg', 0.8731)", "cat/1.jpg", 0.8731),
        ("0.8731 cat/1.jpg", "cat/1.jpg", 0.8731),
        ("cat/1.jpg: -0.05", "cat/1.jpg", -0.05),
        ("cat (1).jpg: 0.8731", "cat (1).jpg", 0.8731),
        ("1 (2).jpg 0.8731", "1 (2).jpg", 0.8731),
        ("01.png 0.93", "01.png", 0.93),
        ("Distance: 0.53, cat/1.jpg", "cat/1.jpg", 0.53),
    ],
)
def test_a_line_without_a_rank_is_read(line, path, score):
    match = read_match(line)
    assert (match.rank, match.path, match.score.value) == (None, path, score)


def test_the_sign_of_a_score_is_kept_behind_a_rank_and_in_front_of_a_name():
    assert read_match("1  -0.0512  cat/1.jpg").score.value == -0.0512
    assert read_match("Top 1 match (-0.05): cat/1.jpg").score.value == -0.05


@pytest.mark.parametrize(
    "line",
    [
        "3.1 cat.jpg",
        "cat.jpg 640",
        "Top-1 accuracy 0.9",
        "Top 5 retrieval results",
        "queries/cat.jpg",
        "2.3 运行结果",
        "12",
    ],
)
def test_a_line_that_is_no_match(line):
    assert read_match(line) is None


@pytest.mark.parametrize(
    "line",
    ["Top 1 match (0.99l4): a.png", "Top 1 match (O.9914): a.png", "1. a.png 0.99l4", "Top 1 match (0.99 57): a.png"],
)
def test_a_mangled_number_is_never_mended(line):
    match = read_match(line)
    assert (match.path, match.score, match.clear) == ("a.png", None, False)


@pytest.mark.parametrize("text", ["nan", "NaN", "inf", "-inf", "", "-", "None", "tensor(nan)", "1e999"])
def test_what_is_missing_or_not_finite_is_none(text):
    assert score_in(text).value is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0,8731", 0.8731),
        ("87.31 %", 0.8731),
        ("1.234,5", 1234.5),
        ("1,234.5", 1234.5),
        ("np.float32(0.8731)", 0.8731),
        ("array([0.8731], dtype=float32)", 0.8731),
        ("Decimal('0.8731')", 0.8731),
        ("1", 1.0),
    ],
)
def test_a_score_is_read_as_it_is_written(text, value):
    assert score_in(text).value == value


@pytest.mark.parametrize("text", ["0.99l4", "0..5", "high", "0.5 0.6", "1.2.3"])
def test_what_is_no_number_is_not_read(text):
    assert score_in(text) is None


@pytest.mark.parametrize(
    ("value", "score"), [(1, 1.0), ([0.5], 0.5), ("0.5", 0.5), (float("nan"), None), (10**400, None)]
)
def test_a_value_of_json_is_a_score(value, score):
    assert score_from(value).value == score


@pytest.mark.parametrize("value", [True, {}, [], [1, 2], "0.99l4"])
def test_a_value_of_json_that_is_no_score(value):
    assert score_from(value) is None


# --- whole documents -------------------------------------------------------------------------------------------


def of(report, run=0):
    return [(q.query, [(m.path, m.score) for m in q.matches]) for q in report.runs[run].queries]


def test_an_unreadable_line_is_quoted_with_its_number_and_the_rest_is_read(read_report):
    text = "Matching q/a.png\nTop 1 match (0.9): x/1.png\nTop 2 match (0.8l): x/2.png\nTop 3 match (0.7): x/3.png\n"
    report = read_report(("log.txt", text))
    assert of(report) == [("q/a.png", [("x/1.png", 0.9), ("x/2.png", None), ("x/3.png", 0.7)])]
    assert [(line.line, line.text) for line in report.unread] == [(3, "Top 2 match (0.8l): x/2.png")]
    assert report.unread_count == 1


def test_a_line_that_lost_its_name_is_quoted(read_report):
    text = "Matching q/a.png\nTop 1 match (0.9): x/1.png\nTop 2 match (0.8):\n\nTop 3 match (0.7): x/3.png\n"
    report = read_report(("log.txt", text))
    assert of(report) == [("q/a.png", [("x/1.png", 0.9), ("x/3.png", 0.7)])]
    assert [line.line for line in report.unread] == [3]


def test_a_nan_is_none_and_not_unread(read_report):
    report = read_report(("log.txt", "Matching q/a.png\nTop 1 match (nan): x/1.png\nTop 2 match (0.8): x/2.png\n"))
    assert of(report) == [("q/a.png", [("x/1.png", None), ("x/2.png", 0.8)])]
    assert report.unread_count == 0


def test_a_query_whose_heading_is_lost_does_not_take_the_one_before(read_report):
    text = "Matching q/a.png\nTop 1 match (0.9): 1.png\nTop 2 match (0.8): 2.png\nM@tch\nTop 1 match (0.7): 3.png\n"
    assert of(read_report(("log.txt", text))) == [("q/a.png", [("1.png", 0.9), ("2.png", 0.8)]), ("", [("3.png", 0.7)])]


def test_a_second_ranking_without_a_heading_is_a_second_run(read_report):
    block = "Matching a.png\nTop 1 match ({0}1): 1.png\nMatching b.png\nTop 1 match ({0}2): 2.png\n"
    report = read_report(("log.txt", block.format("0.9") + block.format("0.3")))
    assert [run.model for run in report.runs] == ["", ""]
    assert of(report, 1) == [("a.png", [("1.png", 0.31)]), ("b.png", [("2.png", 0.32)])]


def test_models_under_each_query_are_told_apart(read_report):
    text = ""
    for query, score in (("a", 0.5), ("b", 0.6)):
        text += (
            f"Query: {query}.png\nResNet50\n1. x.png {score}\n2. y.png 0.4\nAlexNet\n1. z.png {score}\n2. x.png 0.3\n"
        )
    report = read_report(("log.txt", text))
    assert [run.model for run in report.runs] == ["resnet50", "alexnet"]
    assert of(report, 1) == [
        ("a.png", [("z.png", 0.5), ("x.png", 0.3)]),
        ("b.png", [("z.png", 0.6), ("x.png", 0.3)]),
    ]


def test_an_excerpt_in_front_of_the_whole_log_is_no_run_of_its_own(read_report):
    first = "ResNet50:\nMatching a.png\nTop 1 match (0.9): 1.png\nTop 2 match (0.8): 2.png\n"
    rest = "Matching b.png\nTop 1 match (0.7): 1.png\nTop 2 match (0.6): 2.png\n"
    for text in (first + "We see that it works.\n" + first + rest, first + rest + first):
        report = read_report(("report.md", text))
        assert [len(run.queries) for run in report.runs] == [2]


def test_a_ranking_without_scores_is_read(read_report):
    text = "ResNet50\nQuery: a.png\n1. cat/1.png\n2. cat/2.png\nQuery: b.png\n1. dog/1.png\n2. dog/2.png\n"
    assert of(read_report(("log.txt", text))) == [
        ("a.png", [("cat/1.png", None), ("cat/2.png", None)]),
        ("b.png", [("dog/1.png", None), ("dog/2.png", None)]),
    ]


def test_numbered_queries_are_no_matches_where_matches_have_scores(read_report):
    text = "1. a.png\n   cat/1.png: 0.9\n   cat/2.png: 0.8\n2. b.png\n   dog/1.png: 0.7\n   dog/2.png: 0.6\n"
    assert [query for query, _ in of(read_report(("log.txt", text)))] == ["a.png", "b.png"]


def test_a_hyphen_at_the_seam_belongs_to_the_name_if_it_is_whole_elsewhere(read_report):
    text = (
        "Matching a.png\nTop 1 match (0.9): lib/big-cat-1.png\nTop 2 match (0.8): lib/big-\ncat-2.png\n"
        "Matching b.png\nTop 1 match (0.7): lib/big-cat-2.png\nTop 2 match (0.6): lib/long-\nname.png\n"
    )
    paths = [path for _, matches in of(read_report(("report.txt", text))) for path, _ in matches]
    assert paths == ["lib/big-cat-1.png", "lib/big-cat-2.png", "lib/big-cat-2.png", "lib/longname.png"]


def test_a_row_is_put_where_its_rank_belongs(read_report):
    text = "query,rank,path,score\na.png,2,2.png,0.8\nb.png,1,3.png,0.7\na.png,1,1.png,0.9\nb.png,2,4.png,0.6\n"
    assert of(read_report(("rank.csv", text))) == [
        ("a.png", [("1.png", 0.9), ("2.png", 0.8)]),
        ("b.png", [("3.png", 0.7), ("4.png", 0.6)]),
    ]


def test_a_decimal_comma_that_splits_its_cell_is_put_together(read_report):
    text = "query,rank,path,score\na.png,1,1.png,0,91\na.png,2,2.png,0,85\n"
    assert of(read_report(("rank.csv", text))) == [("a.png", [("1.png", 0.91), ("2.png", 0.85)])]


def test_a_score_in_a_cell_that_cannot_be_read_is_quoted(read_report):
    report = read_report(("rank.csv", "query,path,score\na.png,1.png,0.9\na.png,2.png,O.85\na.png,3.png,\n"))
    assert of(report) == [("a.png", [("1.png", 0.9), ("2.png", None), ("3.png", None)])]
    assert [line.line for line in report.unread] == [3]


def test_a_folder_that_is_called_after_a_network_is_no_heading(read_report):
    text = "AlexNet:\nMatching C:\\lab\\resnet50\\q\\a.png\nTop 1 match (0.9): 1.png\nTop 2 match (0.8): 2.png\n"
    report = read_report(("log.txt", text))
    assert [(run.model, run.queries[0].query) for run in report.runs] == [("alexnet", "C:/lab/resnet50/q/a.png")]


def test_two_metrics_of_one_network_are_two_runs(read_report):
    block = "Matching a.png\nTop 1 match ({0}): 1.png\nTop 2 match ({0}): 2.png\n"
    text = f"ResNet50, cosine:\n{block.format(0.9)}ResNet50, Euclidean distance:\n{block.format(0.4)}"
    assert [(run.model, run.metric) for run in read_report(("log.txt", text)).runs] == [
        ("resnet50", "cosine"),
        ("resnet50", "euclidean"),
    ]


def test_what_the_report_says_of_the_classifier_is_no_claim_about_the_ranking(read_report):
    text = (
        "ResNet20 reaches a test accuracy of 91.2 % on CIFAR-10 (top-1).\n\nResNet20:\nMatching a.png\n"
        "Top 1 match (0.9): 1.png\nTop 2 match (0.8): 2.png\n"
    )
    (run,) = read_report(("report.md", text)).runs
    assert (run.precision_at_5, run.top1) == (None, None)
