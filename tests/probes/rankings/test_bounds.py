"""Reports that are too much: too long, too deep, too many, or written to keep the reader busy."""

import json
from itertools import product

import pytest

from grader.probes.documents.documents import MOST_LINES
from grader.probes.refusals import Refuse

FEW_BYTES = 60_000  # of each kind of hostile text; what takes more than linear time is met by the test's limit


def query(name, count=5, path="c/{}.png"):
    return {"query": name, "results": [{"path": path.format(i), "score": 0.5} for i in range(count)]}


@pytest.mark.slow
def test_ten_thousand_queries_are_counted_and_two_hundred_kept(read_report):
    data = {"runs": [{"model": "alexnet", "queries": [query(f"{i}.png") for i in range(10_000)]}]}
    (run,) = read_report(("retrieval.json", json.dumps(data))).runs
    assert (len(run.queries), run.more_queries) == (200, 9_800)


def test_of_a_log_two_hundred_queries_are_kept_and_the_rest_counted(read_report):
    text = "".join(f"Matching {i}.png\nTop 1 match (0.9): 1.png\nTop 2 match (0.8): 2.png\n" for i in range(300))
    (run,) = read_report(("log.txt", text)).runs
    assert (len(run.queries), run.more_queries) == (200, 100)


def test_of_a_table_two_hundred_queries_are_kept_and_the_rest_counted(read_report):
    rows = "".join(f"{i}.png,{rank},c/{rank}.png,0.9\n" for i, rank in product(range(300), range(1, 6)))
    (run,) = read_report(("rank.csv", f"query,rank,path,score\n{rows}")).runs
    assert (len(run.queries), run.more_queries) == (200, 100)


def test_matches_and_runs_are_bounded(read_report):
    data = {"runs": [{"model": f"net{i}", "queries": [query("a.png", 50)]} for i in range(30)]}
    report = read_report(("retrieval.json", json.dumps(data)))
    assert [len(run.queries[0].matches) for run in report.runs] == [20] * 10


def test_long_names_keep_their_ends_and_the_answer_stays_small(read_report):
    path = "猫" * 3_000 + "{}.png"
    data = {"runs": [{"model": "m" * 5_000, "queries": [query(path.format(100 + i), 20, path) for i in range(20)]}]}
    (run,) = read_report(("retrieval.json", json.dumps(data, ensure_ascii=False))).runs
    assert run.queries[0].matches[3].path == "猫" * 495 + "3.png"
    assert len(run.queries) + run.more_queries == 20
    assert run.more_queries > 0


def test_lines_that_cannot_be_read_are_counted_and_twenty_quoted(read_report):
    text = "Matching a.png\n" + "".join(f"Top {i} match (0.{i}l): {i}.png\n" for i in range(1, 100))
    report = read_report(("log.txt", text))
    assert (len(report.unread), report.unread_count) == (20, 99)


def test_lines_beyond_the_first_twenty_thousand_are_not_read(read_report):
    text = "Matching a.png\nTop 1 match (0.9): 1.png\nTop 2 match (0.9): 2.png\n" + "\n" * MOST_LINES
    (run,) = read_report(("log.txt", f"{text}Matching b.png\nTop 1 match (0.9): 1.png\n")).runs
    assert [query.query for query in run.queries] == ["a.png"]


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, '{"a":' * 500 + "1" + "}" * 500, "[" * 900 + "]" * 900]
)
def test_a_json_that_is_nested_as_no_person_nests_is_refused(text, read_report):
    with pytest.raises(Refuse) as refusal:
        read_report(("retrieval.json", text))
    assert refusal.value.code == "retrieval_empty"


def test_a_number_of_many_digits_is_no_score_and_no_crash(read_report):
    text = '{"seed": 1%s, "model": "alexnet", "queries": [{"query": "a.png", "results": [["b.png", 1%s]]}]}'
    (run,) = read_report(("retrieval.json", text % ("0" * 9_000, "0" * 9_000))).runs
    assert (run.seed, run.queries[0].matches[0].score) == (None, None)


UNITS = [
    "a", "1", ".", "1.", ".png", "a.png ", "a.png 0.5 ", "Top 1 match (0.9): ", "Matching ", "ResNet-50 ", "|", "| a ",
    '"', "\\a{", "\\a[", "\\multirow[", "\\verb|", "\\\\ & ", "\\begin{", "tensor(", "tensor(1,", "accuracy ", "P@5 ",
    "\x1b[", "\x1b]", "l.0l", "\\/", "a:", "'", "\u0300\u0316", "\ufdfa", " ", "-", ",", ";", "\t", "(", "class ",
    "https://", "#", "``", "第1",
]  # fmt: skip
HOSTILE = {
    "lines of one thing": lambda unit: ((unit * 2_000)[:1_999] + "\n") * (FEW_BYTES // 2_000),
    "one thing a line": lambda unit: (unit + "\n") * (FEW_BYTES // 30),
}


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("shape", HOSTILE)
@pytest.mark.parametrize("units", [UNITS[at : at + 10] for at in range(0, len(UNITS), 10)])
def test_hostile_texts_are_read_or_refused_in_bounded_time(units, shape, read_report):
    for unit, ending in product(units, ["txt", "tex"]):
        try:
            read_report((f"a.{ending}", HOSTILE[shape](unit)))
        except Refuse as refusal:
            assert refusal.code in ("retrieval_empty", "retrieval_other", "retrieval_unsure")
