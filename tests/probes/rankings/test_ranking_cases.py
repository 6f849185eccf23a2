"""Every document of fixtures/readers/cases/rankings, read for the rankings that it holds and for no others."""

from __future__ import annotations

import pytest

from fixtures.readers import outcomes
from grader.probes.refusals import Refuse

OUTCOMES = tuple(outcomes("rankings"))
LEAST_RIGHT = 0.9


@pytest.mark.parametrize("outcome", OUTCOMES, ids=[outcome.case for outcome in OUTCOMES])
def test_no_ranking_is_invented_or_misread(outcome):
    assert outcome.result != "wrong", outcome.found


def test_nearly_every_ranking_is_read():
    assert sum(outcome.result == "right" for outcome in OUTCOMES) >= LEAST_RIGHT * len(OUTCOMES)


def refused(read_report, name, text):
    with pytest.raises(Refuse) as refusal:
        read_report((name, text))
    return refusal.value


LISTED = "Matching a.png\n1. b.png 0.91\n2. c.png 0.82\n3. d.png 0.71\n"


def test_what_only_looks_like_a_ranking_is_quoted_with_its_line_and_the_reason(read_report):
    text = "So:\n\nfor q in queries:\n    # 1. cat.png 0.91\n    best = np.argsort(-scores[q])\n    print(best)\n"
    found = refused(read_report, "report.md", text)
    assert found.code == "retrieval_other"
    assert found.values["text"] == "# 1. cat.png 0.91"
    assert found.values["why"]["code"] == "ranking_in_code"
    assert ["number", 4] in found.values["place"]["values"]


def test_a_whole_ranking_in_a_listing_is_for_a_person_to_look_at(read_report):
    text = f'def show():\n    """Prints\n{LISTED}    """\n    print(names[0])\n'
    assert refused(read_report, "report.md", f"```python\n{text}```\n").code == "retrieval_unsure"


def test_a_list_whose_query_is_not_named_is_for_a_person_to_look_at(read_report):
    found = refused(read_report, "log.txt", LISTED.replace("Matching a.png\n", "Found:\n"))
    assert (found.code, found.values["why"]["code"]) == ("retrieval_unsure", "ranking_no_query")


def test_a_figure_above_a_single_list_is_not_taken_for_its_query(read_report):
    found = refused(read_report, "report.md", LISTED.replace("Matching a.png", "![samples](img/samples.png)"))
    assert found.values["why"]["code"] == "ranking_mentioned"


def test_where_one_network_is_certain_the_rest_is_counted_as_doubtful(read_report):
    rest = "AlexNet\n\nFound here:\n1. b.png 0.61\n2. c.png 0.52\n3. d.png 0.41\n"
    report = read_report(("report.md", f"ResNet50\n{LISTED}{LISTED.replace('a.png', 'e.png')}\n{rest}"))
    assert [run.model for run in report.runs] == ["resnet50"]
    assert report.doubtful == 1


def test_numbers_in_place_of_names_are_told(read_report):
    lines = "".join(f"Top {rank}: image {40 - rank}, score 0.{90 - rank}\n" for rank in range(1, 6))
    (run,) = read_report(("log.txt", f"Query: q.png\n{lines}")).runs
    assert run.by_number
    assert [match.path for match in run.queries[0].matches] == ["39", "38", "37", "36", "35"]


def test_the_lines_of_a_program_around_a_printed_log_do_not_hide_it(read_report):
    text = f"```python\nfor name in names:\n    print(search(name))\n```\n\n```\n{LISTED}```\n"
    assert len(read_report(("report.md", text)).runs[0].queries[0].matches) == 3
