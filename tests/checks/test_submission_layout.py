"""What counts as handed in: names in any case, folders, alternatives, and what should have stayed at home."""

from __future__ import annotations

import pytest

from grader.checks.submission_layout import LayoutLimits
from grader.evidence import Layout, OpenTask, Tasks
from grader.records import Message, Parts, SubmittedFile, Table

WHOLE = (
    "exp1.py", "exp2.py", "extract_features.py", "retrieve.py", "final.pth", "history.json", "retrieval.json",
    "library/0/a.jpg", "queries/0.png", "report.pdf",
)  # fmt: skip


def layout(*paths: str, size: int = 10, dataset: tuple[str, ...] = ()) -> Layout:
    notebooks = tuple(path for path in paths if path.endswith(".ipynb"))
    return Layout(tuple(SubmittedFile(path, size) for path in paths), Parts(dataset=dataset, notebooks=notebooks))


def found_at(verdict, wanted):
    table = verdict.exhibits[0]
    assert isinstance(table, Table)
    rows = {name.english() if isinstance(name, Message) else name: place for name, place in table.rows}
    return rows[wanted]


def test_a_whole_submission_gets_full_credit(verdict):
    judged = verdict("submission_layout", layout(*WHOLE))
    assert judged.credit == 1.0
    assert judged.message.english() == "All required files are there."
    assert judged.hints == ()


def test_an_empty_submission_keeps_only_the_credit_for_what_it_left_out(verdict, english):
    judged = verdict("submission_layout", layout())
    assert judged.credit == pytest.approx(2 / 12)
    assert judged.message.english().startswith("Required files missing: 10 (exp1.py, exp2.py")
    assert "report.pdf or report.md" in judged.message.english()
    assert "Add the folder library/ with its images." in english(judged.hints)


def test_each_missing_file_costs_the_same(verdict):
    got = {verdict("submission_layout", layout(*(p for p in WHOLE if p != left_out))).credit for left_out in WHOLE}
    assert got == {11 / 12}


def test_case_and_an_extra_top_folder_do_not_matter(verdict):
    judged = verdict("submission_layout", layout(*(f"Lab5/{path.upper()}" for path in WHOLE)))
    assert judged.credit == 1.0
    assert found_at(judged, "final.pth") == "Lab5/FINAL.PTH"
    assert found_at(judged, "library/") == "Lab5/LIBRARY"


def test_either_of_two_alternatives_is_enough(verdict):
    judged = verdict("submission_layout", layout(*(p.replace("report.pdf", "doc/report.md") for p in WHOLE)))
    assert judged.credit == 1.0
    assert found_at(judged, "report.pdf or report.md") == "doc/report.md"


def test_a_notebook_of_the_same_name_is_the_script(verdict):
    judged = verdict("submission_layout", layout(*(path.replace("exp2.py", "nb/Exp2.ipynb") for path in WHOLE)))
    assert judged.credit == 1.0
    assert found_at(judged, "exp2.py") == "nb/Exp2.ipynb"


def test_a_script_that_may_be_in_a_notebook_costs_nothing_and_earns_nothing(verdict, english):
    judged = verdict("submission_layout", layout("lab5.ipynb", *WHOLE[4:]))
    assert judged.credit == 1.0
    assert judged.message.english().endswith("exp1.py, exp2.py, extract_features.py, retrieve.py may be in a notebook.")
    assert found_at(judged, "exp1.py").english() == "perhaps in lab5.ipynb"
    judged = verdict("submission_layout", layout("lab5.ipynb", "final.pth"))
    assert judged.credit == pytest.approx(3 / 8), "of six files one is there, and two conditions are met"
    assert not any(".py" in hint for hint in english(judged.hints))


def test_the_place_nearest_to_the_root_is_the_one_shown(verdict):
    judged = verdict(
        "submission_layout", layout("old/final.pth", "final.pth", "a/b/library/x.png", "c/library/1/y.png")
    )
    assert found_at(judged, "final.pth") == "final.pth"
    assert found_at(judged, "library/") == "c/library"
    assert isinstance(found_at(judged, "queries/"), Message)


def test_a_file_named_like_a_folder_is_no_folder(verdict):
    paths = [path for path in WHOLE if not path.startswith("library/")]
    assert verdict("submission_layout", layout(*paths, "library", "my_library/a.jpg")).credit == pytest.approx(11 / 12)


def test_an_empty_file_is_as_good_as_missing(verdict):
    judged = verdict("submission_layout", layout(*WHOLE, size=0))
    assert "Required files missing: 8" in judged.message.english()


def test_the_data_set_inside_costs_its_share_and_is_named(verdict, english):
    judged = verdict("submission_layout", layout(*WHOLE, dataset=("data/cifar-10-batches-py",)))
    assert judged.credit == pytest.approx(11 / 12)
    assert "data set" in judged.message.english()
    assert "data/cifar-10-batches-py" in english(judged.hints)


def test_the_size_cap_is_inclusive(verdict, english):
    size = 100_000_000 // len(WHOLE)
    assert verdict("submission_layout", layout(*WHOLE, size=size)).credit == 1.0
    judged = verdict("submission_layout", layout(*WHOLE, size=size + 1))
    assert judged.credit == pytest.approx(11 / 12)
    assert "at most 100 MB" in english(judged.hints)


def test_what_is_asked_for_is_the_rubrics_choice(verdict):
    assert verdict("submission_layout", layout("lab.ipynb"), limits=LayoutLimits(("lab.ipynb",), 1)).credit == 1.0


@pytest.mark.parametrize("limits", [(("exp1.py",), 0), (("exp1.py",), -5), (("exp1.py", ""), 5), (("|",), 5)])
def test_limits_that_nobody_can_meet_are_refused(limits):
    with pytest.raises(ValueError, match=r"megabytes|required"):
        LayoutLimits(*limits)


def test_a_script_with_an_open_task_counts_as_not_there(verdict, english):
    tasks = Tasks((OpenTask("2.1", "mean loss", "exp2.py", 35), OpenTask("2.2", "the rate", "exp2.py", 50)))
    judged = verdict("submission_layout", layout(*WHOLE), tasks)
    assert judged.credit == 11 / 12
    assert judged.message.english() == "All required files are there. Not finished yet: exp2.py."
    assert english(judged.hints).splitlines() == [
        "Finish exp2.py: task 2.1, mean loss (line 35).",
        "Finish exp2.py: task 2.2, the rate (line 50).",
    ]
    assert found_at(judged, "exp2.py").english() == "exp2.py, task 2.1, 2.2 not done"


def test_what_is_missing_and_what_is_unfinished_are_told_apart(verdict):
    tasks = Tasks((OpenTask("1.1", "steps", "exp1.py", 3),))
    judged = verdict("submission_layout", layout(*(path for path in WHOLE if path != "final.pth")), tasks)
    assert judged.credit == 10 / 12
    assert judged.message.english() == ("Required files missing: 1 (final.pth); not finished: 1 (exp1.py).")


def test_an_open_task_elsewhere_is_no_concern_of_the_layout(verdict):
    tasks = Tasks((OpenTask("1.1", "steps", "old/exp1.py", 3),))
    assert verdict("submission_layout", layout(*WHOLE, "old/exp1.py"), tasks).credit == 1.0
