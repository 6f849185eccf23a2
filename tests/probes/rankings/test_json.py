"""retrieval.json: as retrieve.py writes it, as others do, and what neither would."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.probes.rankings.pipelines import pipeline_from
from grader.probes.refusals import Refuse

QUERY = {"query": "queries/a.png", "results": [{"path": "x/1.png", "score": 0.9}, {"path": "x/2.png", "score": 0.8}]}


def of(report, run=0):
    return [(q.query, [(m.path, m.score) for m in q.matches]) for q in report.runs[run].queries]


def test_all_that_a_run_declares_is_kept(read_report):
    run = {
        "model": "ResNet-50", "weights": "IMAGENET1K_V2", "layer": "avgpool", "dim": 2048, "metric": "euclidean",
        "preprocess": {"resize": 232, "crop": 224, "antialias": False, "mean": [0.5] * 3, "std": [0.25] * 3},
        "claimed": {"precision_at_5": 0.46, "top1": 0.7}, "queries": [QUERY | {"class": "a", "sha256": "00"}],
    }  # fmt: skip
    (read,) = read_report(("retrieval.json", json.dumps({"schema": "retrieval-report/1", "runs": [run]}))).runs
    assert (read.model, read.weights, read.layer, read.dim) == ("resnet50", "IMAGENET1K_V2", "avgpool", 2048)
    assert (read.metric, read.precision_at_5, read.top1) == ("euclidean", 0.46, 0.7)
    assert (read.pipeline.resize, read.pipeline.antialias, read.pipeline.std) == (232, False, (0.25, 0.25, 0.25))
    assert read.queries[0].label == "a"


def test_what_is_missing_is_left_open(read_report):
    (run,) = read_report(("retrieval.json", json.dumps({"runs": [{"queries": [QUERY]}]}))).runs
    assert (run.model, run.metric, run.weights, run.seed, run.pipeline, run.top1) == ("", "", "", None, None, None)
    assert of_one(run) == [("x/1.png", 0.9), ("x/2.png", 0.8)]


def of_one(run):
    return [(m.path, m.score) for m in run.queries[0].matches]


PAIRS = [["x/1.png", 0.9], ["x/2.png", 0.8]]
FILES = [{"file": "x/1.png", "sim": "0.9"}, {"file": "x/2.png", "sim": "80 %"}]
CHINESE = [{"路径": "x/1.png", "得分": 0.9}, {"路径": "x/2.png", "得分": 0.8}]
PLACED = {"top1": {"path": "x/1.png", "score": 0.9}, "top2": {"path": "x/2.png", "score": 0.8}}
UNSORTED = [{"rank": 2, "path": "x/2.png", "score": 0.8}, {"rank": 1, "path": ".\\x\\1.png", "score": 0.9}]


@pytest.mark.parametrize(
    "data",
    [
        {"resnet50": {"queries/a.png": PAIRS}},
        {"resnet50": {"queries/a.png": dict(PAIRS)}},
        {"resnet50": {"queries/a.png": {"paths": ["x/1.png", "x/2.png"], "scores": [0.9, 0.8]}}},
        {"resnet50": {"queries/a.png": PLACED}},
        [
            {
                "model": "resnet50",
                "results": [{"image": "queries/a.png", "matches": [[1, *pair] for pair in PAIRS]}],
            }
        ],
        [{"query": "queries/a.png", "resnet50": FILES}],
        {"network": "ResNet-50", "data": [{"查询": "queries/a.png", "结果": CHINESE}]},
        {"runs": [{"model": {"name": "resnet50"}, "queries": [QUERY | {"query": {"path": "./queries\\a.png"}}]}]},
        {"runs": [{"model": "resnet50", "queries": [QUERY | {"results": UNSORTED}]}]},
    ],
)
def test_other_shapes_and_keys_are_read(data, read_report):
    report = read_report(("retrieval.json", json.dumps(data)))
    assert [run.model for run in report.runs] == ["resnet50"]
    assert of(report) == [("queries/a.png", [("x/1.png", 0.9), ("x/2.png", 0.8)])]


def test_the_library_is_no_ranking(read_report):
    items = [{"path": f"x/{number}.png", "class": "x"} for number in range(5)]
    data = {"library": {"root": "library", "items": items}, "runs": [{"model": "alexnet", "queries": [QUERY]}]}
    report = read_report(("retrieval.json", json.dumps(data)))
    assert [len(run.queries) for run in report.runs] == [1]


def test_scores_that_are_no_numbers_are_none_and_quoted(read_report):
    text = (
        '{"queries": [{"query": "a.png", "results": '
        '[{"path": "1.png", "score": NaN}, {"path": "2.png", "score": 1e999},\n'
        '{"path": "3.png", "score": "0.9l"}, {"path": "4.png", "score": true}, {"path": "5.png"}]}]}'
    )
    report = read_report(("retrieval.json", text))
    assert [score for _, score in of(report)[0][1]] == [None] * 5
    assert [(line.line, line.text) for line in report.unread] == [(2, "3.png: 0.9l"), (2, "4.png: True")]


def test_a_column_of_distances_is_euclidean(read_report):
    data = {"alexnet": {"a.png": [{"path": "1.png", "distance": 0.5}, {"path": "2.png", "distance": 0.6}]}}
    assert read_report(("retrieval.json", json.dumps(data))).runs[0].metric == "euclidean"


def test_half_a_character_can_be_stored(read_report):
    report = read_report(("retrieval.json", r'{"\ud800": {"\udfff.png": [["\ud83d.png", 0.5]]}}'))
    assert of(report) == [("?.png", [("?.png", 0.5)])]


@pytest.mark.parametrize(
    ("text", "line"), [("", 1), ("{", 1), ('{"a": 1,\n"b" 2}', 2), ("hello", 1), ('{"a": "\\x"}', 1)]
)
def test_what_is_not_json_is_refused_with_its_line(text, line, read_report):
    with pytest.raises(Refuse) as refusal:
        read_report(("retrieval.json", text))
    assert (refusal.value.code, refusal.value.values) == ("retrieval_json", {"file": "retrieval.json", "line": line})


@pytest.mark.parametrize(
    "text", ["{}", "[]", "null", "3", '{"runs": []}', '{"runs": [{"model": "alexnet", "queries": []}]}']
)
def test_a_json_without_a_ranking_is_refused(text, read_report):
    with pytest.raises(Refuse) as refusal:
        read_report(("retrieval.json", text), ("report.md", "# Report\n"))
    assert (refusal.value.code, refusal.value.values) == ("retrieval_empty", {"files": "retrieval.json, report.md"})


@pytest.mark.parametrize(
    "declared", [{"resize": 256, "crop": 0}, {"resize": [224, 224], "crop": None}, {"mean": [0, 0, 0]}]
)
def test_a_pipeline_may_leave_things_out(declared):
    assert pipeline_from(declared) is not None


@pytest.mark.parametrize(
    "declared",
    [
        None,
        {},
        [],
        {"resize": 0},
        {"resize": 10**9},
        {"resize": "big"},
        {"crop": -1},
        {"resize": float("nan")},
        {"std": [0.0, 1.0, 1.0]},
        {"mean": [1, 2]},
        {"mean": [True, 0, 0]},
        {"mean": [float("inf"), 0, 0]},
        {"interpolation": "magic"},
    ],
)
def test_a_pipeline_that_cannot_be_followed_is_none(declared):
    assert pipeline_from(declared) is None


CHARACTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\\/")
NAMES = st.text(CHARACTERS, min_size=1, max_size=12)
PATHS = st.builds("lib/c{}/{}.png".format, st.integers(0, 9), NAMES)
SCORES = st.floats(-1, 1)
MATCHES = st.lists(st.tuples(PATHS, SCORES), min_size=1, max_size=20)


@pytest.mark.slow
@settings(deadline=None)
@given(st.dictionaries(PATHS, MATCHES, min_size=1, max_size=4))
def test_what_retrieve_writes_comes_back(read_report, queries):
    rows = [{"query": q, "results": [{"rank": i, "path": p, "score": s} for i, (p, s) in enumerate(found, 1)]}
            for q, found in queries.items()]  # fmt: skip
    report = read_report(("retrieval.json", json.dumps({"runs": [{"model": "alexnet", "queries": rows}]}, indent=1)))
    assert dict(of(report)) == queries


WORDS = st.text("abcdefghijklmnopqrstuvwxyz_0123456789", min_size=1, max_size=30)
LOG_PATHS = st.builds(
    "lib{0}{1}{0}{2}.{3}".format, st.sampled_from("/\\"), WORDS, WORDS, st.sampled_from(["png", "JPEG", "jpg"])
)


@settings(deadline=None)
@given(
    st.dictionaries(WORDS, st.lists(st.tuples(LOG_PATHS, SCORES), min_size=2, max_size=7), min_size=1, max_size=4),
    st.sampled_from(["Top {rank} match ({score}): {path}", "{rank}. {path} {score}", "  {rank}  {score}  {path}"]),
)
def test_what_a_script_prints_comes_back(read_report, queries, line):
    text = ""
    for query, found in queries.items():
        text += f"Matching q/{query}.png\n"
        text += "".join(
            line.format(rank=rank, path=p, score=f"{s:.17g}") + "\n" for rank, (p, s) in enumerate(found, 1)
        )
    read = dict(of(read_report(("log.txt", text))))
    assert read == {f"q/{query}.png": [(p.replace("\\", "/"), s) for p, s in found] for query, found in queries.items()}


@settings(deadline=None)
@given(
    st.binary(max_size=2_000),
    st.sampled_from(["retrieval.json", "a.txt", "a.csv", "a.md", "a.tex", "a.pdf", "a.ipynb"]),
)
def test_any_bytes_are_read_or_refused(read_report, content, name):
    try:
        read_report((name, content))
    except Refuse as refusal:
        assert refusal.code in ("retrieval_json", "retrieval_empty")


PIECES = st.lists(
    st.sampled_from(
        ["Top ", "1", "0.9", " ", "(", ")", ": ", "a/b.png", "\n", "\n", "Matching ", "ResNet50", "accuracy", "%", "|",
         ",", "\\\\", "&", "tensor(", "-", "\t", "query", "score", "path", "-\n", "nan", "l", "\\begin{table}", "\r"]
    ),
    max_size=200,
)  # fmt: skip


@settings(deadline=None)
@given(PIECES, st.sampled_from(["a.txt", "a.csv", "a.md", "a.tex"]))
def test_any_mixture_of_words_is_read_or_refused(read_report, pieces, name):
    try:
        read_report((name, "".join(pieces)))
    except Refuse as refusal:
        assert refusal.code in ("retrieval_empty", "retrieval_other")  # nothing, or a line that only looks like one
