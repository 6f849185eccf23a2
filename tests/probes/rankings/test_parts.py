"""A ranking that is handed in as several documents, one a network."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fixtures.reports_of_rankings import printed_log

RUNS = json.loads((Path(__file__).parent / "rankings.json").read_text("utf-8"))
BOTH = ("ranking_resnet50.txt", "ranking_alexnet.txt")
LOG = "query: queries/cat.png\nTop 1 match (0.99): library/cat/1.png\nTop 2 match (0.98): library/cat/2.png\n"


def logs() -> list[tuple[str, str]]:
    return [(f"ranking_{run['model']}.txt", printed_log([run])) for run in RUNS]


def test_a_file_for_each_network_makes_one_report(read_report):
    documents = logs()
    names = tuple(name for name, _ in documents)
    report = read_report(*documents, parts=names)
    whole = read_report(("ranking.txt", printed_log(RUNS)))
    assert [(run.model, len(run.queries)) for run in report.runs] == [(r.model, len(r.queries)) for r in whole.runs]
    assert (report.source, report.more_sources) == (names[0], names[1:])


def test_documents_that_do_not_say_ranking_add_nothing(read_report):
    documents = logs()
    report = read_report(*documents, parts=(documents[0][0],))
    assert [run.model for run in report.runs] == [RUNS[0]["model"]]
    assert report.more_sources == ()


def test_the_same_network_again_is_no_second_one(read_report):
    (name, text), _ = logs()
    report = read_report((name, text), ("ranking again.txt", text), parts=(name, "ranking again.txt"))
    assert len(report.runs) == 1
    assert report.more_sources == ()


def test_models_of_several_files_stay_within_the_bounds_of_a_report(read_report):
    repeated = "".join(f"Model: resnet50\n{LOG.replace('cat/', f'{n}/')}" for n in range(12))
    documents = (("ranking_a.txt", repeated), ("ranking_alexnet.txt", LOG))
    assert len(read_report(*documents, parts=("ranking_a.txt", "ranking_alexnet.txt")).runs) <= 10


def test_where_no_line_names_the_network_its_file_does(read_report):
    report = read_report(*((name, LOG) for name in BOTH), parts=BOTH)
    assert [run.model for run in report.runs] == ["resnet50", "alexnet"]


@pytest.mark.parametrize("name", ["ranking.txt", "se_resnet50.txt", "resnet50_and_alexnet.txt"])
def test_a_file_name_that_names_no_network_for_certain_names_none(name, read_report):
    (run,) = read_report((name, LOG)).runs
    assert run.model == ""


def test_an_empty_second_file_changes_nothing(read_report):
    report = read_report((BOTH[0], LOG), (BOTH[1], "nothing here\n"), parts=BOTH)
    assert [run.model for run in report.runs] == ["resnet50"]
