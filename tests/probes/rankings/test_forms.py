"""One and the same ranking in every form in which it is handed in gives the same record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fixtures.reports_of_rankings import FORMS

RUNS = json.loads((Path(__file__).parent / "rankings.json").read_text("utf-8"))


def tail(path):
    """What is told of a path that a student's machine has put folders in front of."""
    return "/".join(path.split("/")[-2:])


def expected(decimals):
    return [
        (run["model"], [(q, [(p, round(s, decimals)) for p, s in rows]) for q, rows in run["queries"].items()])
        for run in RUNS
    ]


def told(report, decimals):
    return [
        (
            run.model,
            [(tail(q.query), [(tail(m.path), round(m.score, decimals)) for m in q.matches]) for q in run.queries],
        )
        for run in report.runs
    ]


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_form_gives_the_same_runs(form, read_report):
    report = read_report((form.name, form.write(RUNS)))
    assert told(report, form.decimals) == expected(form.decimals)
    assert report.unread_count == 0


@pytest.mark.parametrize(
    ("kind", "forms"),
    [
        ("JSON", ["canonical JSON", "JSON of flat rows, UTF-16"]),
        ("printed log", ["PDF", "the table of retrieve.py", "code fences and page numbers", "LaTeX listing"]),
        ("CSV", ["CSV", "tabs, no headings"]),
        ("table", ["Markdown, a row a query", "a box drawn with bars", "a frame as pandas prints it"]),
        ("LaTeX table", ["LaTeX table"]),
    ],
)
def test_the_form_is_named(kind, forms, read_report):
    assert {read_report((FORMS[form].name, FORMS[form].write(RUNS))).form for form in forms} == {kind}


@pytest.mark.parametrize(
    "form",
    [
        "canonical JSON",
        "printed log of the first source",
        "full-width digits",
        "code fences and page numbers",
        "broken lines",
        "Chinese, GB18030",
        "the table of retrieve.py",
        "Markdown table",
        "a notebook's output",
        "PDF",
    ],
)
def test_claimed_figures_are_read_where_they_are_stated(form, read_report):
    report = read_report((FORMS[form].name, FORMS[form].write(RUNS)))
    assert [(run.precision_at_5, run.top1) for run in report.runs] == [(0.12, 0.1), (0.1, 0.1)]


@pytest.mark.parametrize(
    "form",
    ["canonical JSON", "JSON with other keys and scores as texts", "Chinese, GB18030", "Markdown table", "LaTeX table"],
)
def test_the_metric_is_told_by_its_word(form, read_report):
    assert [run.metric for run in read_report((FORMS[form].name, FORMS[form].write(RUNS))).runs] == ["cosine", "cosine"]


@pytest.mark.parametrize("form", ["printed log of the first source", "CSV", "tabs, no headings"])
def test_a_metric_that_is_not_named_is_left_open(form, read_report):
    assert [run.metric for run in read_report((FORMS[form].name, FORMS[form].write(RUNS))).runs] == ["", ""]


def test_weights_and_seed_are_read_from_the_title_that_retrieve_prints(read_report):
    report = read_report(("retrieval.txt", FORMS["the table of retrieve.py"].write(RUNS)))
    assert [(run.weights, run.seed) for run in report.runs] == [("random", 0), ("random", 0)]


@pytest.mark.parametrize("form", ["percentages", "Markdown, a table a query"])
def test_percentages_are_marked_as_such(form, read_report):
    assert read_report((FORMS[form].name, FORMS[form].write(RUNS))).percent
    assert not read_report(("retrieval.txt", FORMS["tensor(..)"].write(RUNS))).percent


def test_each_match_remembers_its_line(read_report):
    data = FORMS["printed log of the first source"].write(RUNS)
    lines = data.decode().splitlines()
    for run in read_report(("retrieval.txt", data)).runs:
        assert lines[run.line - 1].startswith(("ResNet-50", "AlexNet"))
        for query in run.queries:
            assert query.query.split("/")[-1] in lines[query.line - 1]
            assert all(match.path.replace("/", "\\") in lines[match.line - 1] for match in query.matches)


def test_each_match_of_json_remembers_the_line_of_its_object(read_report):
    data = FORMS["canonical JSON"].write(RUNS)
    lines = data.decode().splitlines()
    for match in read_report(("retrieval.json", data)).runs[1].queries[7].matches:
        assert match.path in "".join(lines[match.line - 1 : match.line + 4])
        assert lines[match.line - 1].strip() == "{"


def test_a_progress_bar_does_not_shift_the_numbers_of_lines(read_report):
    shifted = read_report(("retrieval.txt", FORMS["progress bars"].write(RUNS)))
    plain = read_report(("retrieval.txt", FORMS["printed log of the first source"].write(RUNS)))
    assert shifted.runs == plain.runs


@pytest.mark.parametrize(("form", "unit"), [("PDF", "page"), ("a notebook's output", "cell"), ("CSV", "line")])
def test_what_the_numbers_of_lines_count_is_told(form, unit, read_report):
    report = read_report((FORMS[form].name, FORMS[form].write(RUNS)))
    assert report.line_is == unit
    assert report.runs[1].queries[9].matches[4].line > report.runs[0].queries[0].matches[0].line >= 1


def test_the_first_document_that_holds_a_ranking_wins(read_report):
    log = FORMS["printed log of the first source"].write(RUNS)
    names = [("retrieval.json", b"{oops"), ("rank.pdf", b"%PDF-1.4\n"), ("notes.txt", b"cat.jpg 0.99\n")]
    report = read_report(*names, ("retrieval.txt", log), ("report.md", FORMS["Markdown table"].write(RUNS)))
    assert report.source == "retrieval.txt"
    assert report.passed_over == ("retrieval.json", "rank.pdf", "notes.txt")


def test_a_log_under_the_name_of_the_json_is_read(read_report):
    report = read_report(("retrieval.json", FORMS["printed log of the first source"].write(RUNS)))
    assert told(report, 6) == expected(6)


def test_a_json_under_the_name_of_a_text_is_read(read_report):
    report = read_report(("retrieval.txt", FORMS["canonical JSON"].write(RUNS)))
    assert report.form == "JSON"
    assert told(report, 6) == expected(6)
