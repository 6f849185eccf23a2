"""The class page: everybody is on it, what to act on comes first, and a student's edition names nobody."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from grader.labs import the_lab
from grader.records import Blocked, Criterion, Given, Grade, Judged, Manual, Mark, Message, message
from reports.charts.histogram import binned, histogram
from reports.html import render_class
from reports.languages import speaking
from reports.overview import overview

GOLD = Path(__file__).parent / "gold" / "class.html"


def flat(page: str) -> str:
    body = re.sub(r"<(style|script)>.*?</\1>", " ", page, flags=re.S)
    return " ".join(re.sub(r"<[^>]*>", " ", body).split())


def named(grade: Grade, name: str, **changes: object) -> Grade:
    return replace(grade, student=replace(grade.student, name=name), **changes)


@pytest.fixture
def class_of_four(well_done: Grade, blocked: Grade, unjudged: Grade) -> list[tuple[Grade, str]]:
    better = named(well_done, "Zoë", accuracy=0.91, digest="beef" * 16, flags=(), adjustments=())
    return [(well_done, "./a/report.html"), (blocked, "./b/report.html"), (unjudged, "./c/report.html"),
            (better, "./d/report.html")]  # fmt: skip


def test_every_submission_has_its_row_with_a_link_and_each_criterion(class_of_four) -> None:
    page = overview(class_of_four, "staff", pseudonyms=False)
    assert [row.href for row in page.rows] == [
        "./a/report.html",
        "./b/report.html",
        "./c/report.html",
        "./d/report.html",
    ]
    assert [title for _, title in page.columns] == [mark.criterion.title for mark in class_of_four[0][0].marks]
    assert [heading for heading, _ in page.columns][2:] == [
        "The training history agrees…",
        "Secret criterion for staff.",
    ]
    first, refused, waiting, _ = page.rows
    assert first.total.text == "34.72"
    assert [figure.text for figure in first.figures] == ["84.91%", "4", "27.1", "5", "3.62"]
    assert refused.total.text == "–"
    assert [figure.text for figure in refused.figures] == ["–", "–", "–", "–", ""]  # not opened is no zero
    assert waiting.figures[2].text == "–"
    assert waiting.figures[2].sort == ""  # not marked is no zero, and stands last however it is sorted
    assert first.flags == ("claim",)
    assert [one.tokens[:2] for one in page.rows[:3]] == [("late", "flagged"), ("unusable", "human"), ("human", "late")]


def test_what_failed_is_told_with_its_reason(class_of_four) -> None:
    troubles = overview(class_of_four, "staff", pseudonyms=False).troubles
    assert [(one.name, [text for _, text in one.badges]) for one in troubles] == [
        ("Ben Okafor", ["unusable"]),
        ("Ada Ng 吴雅达", ["needs a human"]),
    ]
    assert [len(one.reasons) for one in troubles] == [1, 1]  # one cause for all criteria is told once
    text = flat(render_class(class_of_four))
    assert "lab5.zip is an HTML page, not a zip" in text
    assert text.index("What failed") < text.index("How the class did") < text.index("Every submission")


def because(grade: Grade, reason: Message, place: int = 0) -> Grade:
    """The grade with another reason for one of its marks."""
    mark = grade.marks[place]
    assert isinstance(mark.finding, Judged)
    verdict = replace(mark.finding.verdict, message=reason, hints=())
    marks = list(grade.marks)
    marks[place] = replace(mark, finding=replace(mark.finding, verdict=verdict))
    return replace(grade, marks=tuple(marks))


def refused(grade: Grade, code: str, file: str, place: int = 0) -> Grade:
    """The grade with one of its criteria blocked."""
    marks, check = list(grade.marks), grade.marks[place].criterion.check
    cause = message("{file} is missing. {script} writes it: hand it in as well.", file=file, script="exp2.py")
    marks[place] = replace(marks[place], finding=Blocked(check, cause, (), code))
    return replace(grade, marks=tuple(marks))


def test_most_missed_criteria_come_first(well_done: Grade) -> None:
    missed = overview([(well_done, "#")] * 3, "staff", pseudonyms=False).missed
    assert [one.title for one in missed] == [well_done.marks[place].criterion.title for place in (0, 1, 3)]
    assert (missed[2].lost, missed[2].earned) == ("3 of 3", "49.93%")  # all got full history; 3.62 of 7.25


def test_lost_points_are_counted_by_kind_of_fault_each_submission_once(well_done: Grade, blocked: Grade) -> None:
    grades = [
        blocked,
        refused(well_done, "code_task", "exp2.py"),
        refused(refused(well_done, "code_task", "exp2.py"), "task_open", "final.pth", 1),
        refused(well_done, "code_endless", "exp1.py"),
        refused(well_done, "missing", "final.pth", 1),
    ]
    kinds = {one.label: one for one in overview([(g, "#") for g in grades], "staff", pseudonyms=False).faults}
    assert {label: kinds[label].count for label in kinds if label != "other reasons"} == {
        "archive that could not be opened": "1",
        "task left unwritten": "2",
        "code that never ended": "1",
        "final.pth not handed in": "1",
        "Half of the hidden inputs agree.": "4",
        "accuracy below the threshold for full points": "2",
    }
    assert kinds["task left unwritten"].lost == "40"
    assert kinds["archive that could not be opened"].lost == "–"  # nobody has decided anything


def test_each_kind_leads_to_the_rows_that_have_it(well_done: Grade, blocked: Grade) -> None:
    grades = [blocked, refused(well_done, "code_task", "exp2.py"), well_done]
    page = overview([(g, "#") for g in grades], "staff", pseudonyms=False)
    for one in page.faults:
        assert sum(one.token in row.tokens for row in page.rows) == int(one.count)
    (written,) = (one.token for one in page.faults if one.label == "task left unwritten")
    assert [written in row.tokens for row in page.rows] == [False, True, False]


def test_a_fault_of_ours_is_nobodys_lost_point(unjudged: Grade) -> None:
    page = overview([(unjudged, "#")] * 2, "staff", pseudonyms=False)
    assert unjudged.marks[1].criterion.title not in [one.title for one in page.missed]
    assert unjudged.marks[1].criterion.title not in [title for one in page.faults for title in one.criteria]


def test_what_a_person_marks_for_everybody_is_no_trouble_of_one(well_done: Grade) -> None:
    trend = Mark(Criterion("report", "Report", 10), Manual("report", message("A person marks this.")))
    page = overview([(replace(well_done, marks=(*well_done.marks, trend)), "#")] * 2, "staff", pseudonyms=False)
    assert page.troubles == ()
    assert all("human" in row.tokens for row in page.rows)


def test_the_head_says_lab_rubric_images_and_day_and_who_was_measured_with_what(well_done: Grade) -> None:
    alike = overview([(well_done, "#")] * 3, "staff", pseudonyms=False).measured
    assert alike.labs == (the_lab().title,)
    assert alike.said[:3] == (
        "images: CIFAR-10, 10,000 test images", "rubric: 4 criteria, 47.25 points (5d0c9a1f)", "graded 2026-03-02"
    )  # fmt: skip
    assert "torch 2.14.1" in alike.said[3]
    assert alike.ways == ()
    other = replace(well_done, made_by=replace(well_done.made_by, device_name="H200"))
    page = overview([(well_done, "#"), (well_done, "#"), (other, "#")], "staff", pseudonyms=False)
    assert [("H200" in what, count) for _, what, count in page.measured.ways] == [(False, "2"), (True, "1")]
    assert [page.measured.ways[1][0] in row.tokens for row in page.rows] == [False, False, True]


def test_how_exactly_was_computed_is_said_in_the_language_of_the_page(well_done: Grade) -> None:
    rough = replace(
        well_done, made_by=replace(well_done.made_by, precision="bfloat16, then float32 where it could matter")
    )
    with speaking("zh"):
        said = overview([(rough, "#")], "staff", pseudonyms=False).measured.said[-1]
    assert "bfloat16" in said
    assert "matter" not in said


def test_an_archive_that_was_never_opened_was_not_measured_in_another_way(well_done: Grade, blocked: Grade) -> None:
    page = overview([(well_done, "#"), (blocked, "#")], "staff", pseudonyms=False)
    assert page.measured.ways == ()
    assert "torch 2.14.1" in page.measured.said[-1]


def test_who_handed_in_no_network_was_not_measured_in_another_way(well_done: Grade) -> None:
    without = replace(well_done.made_by, torch="", device="", device_name="", precision="", batch_size=0)
    one = replace(well_done, made_by=without)
    page = overview([(well_done, "#"), (one, "#")], "staff", pseudonyms=False)
    assert (page.measured.ways, "torch 2.14.1" in page.measured.said[-1]) == ((), True)
    elsewhere = replace(one, made_by=replace(without, grader="0.0.9"))
    page = overview([(well_done, "#"), (one, "#"), (elsewhere, "#")], "staff", pseudonyms=False)
    assert [(what.split(" · ")[0], count) for _, what, count in page.measured.ways] == [
        ("grader 0.1.0", "1"), ("grader 0.0.9", "1")
    ]  # fmt: skip


def test_leaders_share_a_rank_and_go_by_pseudonyms_where_asked(class_of_four) -> None:
    grades = [*class_of_four, (named(class_of_four[3][0], "Yi"), "#")]
    leaders = overview(grades, "staff", pseudonyms=False).leaders
    assert [(one.rank, one.name, one.accuracy) for one in leaders] == [
        (1, "Zoë", "91.00%"), (1, "Yi", "91.00%"), (3, "Ada Ng 吴雅达", "84.91%"),
    ]  # fmt: skip
    assert [one.name for one in overview(grades, "staff", pseudonyms=True).leaders] == ["beefbe", "beefbe", "c0ffee"]


def test_the_median_is_of_the_points_that_were_marked(class_of_four) -> None:
    report = Mark(Criterion("report", "Report", 20), Manual("report", message("A person marks this.")))
    grades = [(replace(grade, marks=(*grade.marks, report)), href) for grade, href in class_of_four]
    page = flat(render_class(grades, "student"))
    assert "Median total so far 33.6 of 40 Mean total so far 33.6" in page


def test_the_edition_for_students_holds_nobodys_name_and_nothing_of_one_student(class_of_four) -> None:
    page = render_class(class_of_four, "student")
    for secret in ("Ada", "Ng", "Zoë", "Okafor", "12345", "lab5", "report.html", "claim", "hidden inputs", "Secret"):
        assert secret in render_class(class_of_four, "staff"), secret
        assert secret not in page, secret
    assert "<script" not in page
    assert "Median total 33.6 of 40 Mean total 33.6 In these figures 2 of 4" in flat(page)
    assert "c0ffee" in page


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (("exp2.py", "exp2.py", "exp2.py"), {"exp2.py is wrong.": "3"}),
        (("exp2.py", "exp2.py", "ada.py"), {"exp2.py is wrong.": "2", "other reasons": "1"}),
        (("ada.py",), {"other reasons": "1"}),
    ],
)
def test_a_reason_is_told_to_the_class_only_where_several_got_the_very_same(well_done: Grade, files, said) -> None:
    grades = [because(well_done, message("{file} is wrong.", file=file)) for file in files]
    kinds = overview([(grade, "#") for grade in grades], "student", pseudonyms=False).faults
    layout = well_done.marks[0].criterion.title
    assert {one.label: one.count for one in kinds if layout in one.criteria} == said


def test_a_reason_that_holds_nothing_of_anybody_is_told_of_one_as_well(well_done: Grade) -> None:
    kinds = overview([(because(well_done, message("It is late.")), "#")], "student", pseudonyms=False).faults
    assert "It is late." in [one.label for one in kinds]


def test_no_word_for_staff_is_on_the_page_for_students(class_of_four, internal: Callable[[str], list[str]]) -> None:
    for language in ("en", "zh"):
        with speaking(language):
            assert internal(render_class(class_of_four, "student")) == []
            assert internal(render_class(class_of_four, "staff")) != []


def test_headings_of_cards_stand_in_the_style_once_and_cannot_end_it(class_of_four) -> None:
    grade, _ = class_of_four[0]
    evil = replace(grade.marks[0], criterion=replace(grade.marks[0].criterion, title='"}</style><b>'))
    style = render_class([(replace(grade, marks=(evil,)), "#")] * 40).split("<style>")[1].split("</style>")[0]
    assert style.count("td:nth-child(5)::before") == 1
    assert "\\22 \\7d \\3c \\2f style\\3e \\3c b\\3e " in style


def test_a_histogram_of_equal_accuracies_has_bins_with_a_meaning(well_done: Grade) -> None:
    for accuracy in (0.0, 0.918, 1.0):
        (_, view) = overview([(replace(well_done, accuracy=accuracy), "#")] * 3, "staff", pseudonyms=False).histograms
        assert len(view.data.rows) >= 10
        assert [count for _, count in view.data.rows if count != "0"] == ["3"]
        assert all(0 <= float(text.split(" – ")[0]) <= 100 for text, _ in view.data.rows)


def test_the_policy_allows_one_style_and_one_script_by_their_hashes(class_of_four) -> None:
    page = render_class(class_of_four)
    policy = re.search(r"<head>\n<meta http-equiv=\"Content-Security-Policy\" content=\"([^\"]*)\">", page)
    assert policy

    def digest(tag: str) -> str:
        parts = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.S)
        assert len(parts) == page.count(f"<{tag}") == 1
        return base64.b64encode(hashlib.sha256(parts[0].encode()).digest()).decode()

    assert policy[1].replace("&#39;", "'") == (
        f"default-src 'none'; style-src 'sha256-{digest('style')}'; script-src 'sha256-{digest('script')}';"
        " img-src data:; base-uri 'none'; form-action 'none'"
    )


def test_hostile_names_stay_text_and_the_script_holds_none_of_them(hostile: Grade, well_done: Grade) -> None:
    page = render_class([(hostile, "./x/report.html"), (well_done, "./y/report.html")])
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert page.count("<script>") == 1
    assert "alert" not in page.split("<script>")[1]
    assert all(c.isprintable() or c in "\n " for c in page)
    assert page.split("<script>")[1] == render_class([(well_done, "./y/report.html")]).split("<script>")[1]


def test_a_class_of_nothing_but_faults_is_a_page_too(unjudged: Grade, blocked: Grade) -> None:
    only = replace(unjudged, marks=unjudged.marks[1:2])
    text = flat(render_class([(only, "#"), (only, "#")]))
    assert "Need a human 2" in text
    assert "Median" not in text
    assert "Nobody lost a point." in text
    assert "Submissions 0" in flat(render_class([]))


def test_five_hundred_students_are_one_small_page(well_done: Grade) -> None:
    grades = [(named(well_done, f"Student {n}", accuracy=n / 500), f"./{n}/report.html") for n in range(500)]
    page = render_class(grades)
    assert page.count('<th scope="row"><a href') == 500
    assert len(page.encode()) < 1_000_000


def test_a_grade_of_another_rubric_gets_its_own_columns(well_done: Grade) -> None:
    renamed = replace(well_done.marks[0], criterion=replace(well_done.marks[0].criterion, check="another_check"))
    page = overview([(well_done, "#"), (replace(well_done, marks=(renamed,)), "#")], "staff", pseudonyms=False)
    assert page.columns[-1] == page.columns[0]
    assert page.rows[0].figures[-1].text == ""


# --- the histogram ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [([0, 100], 0, 100), ([84.91] * 3, 84.91, 84.91), ([0.0], 0.0, 0.0), ([12.3, 47.2], 0, 47.2), ([99.9], 99, 99.9)],
)  # fmt: skip
def test_every_value_lies_in_one_bin(values: list[float], low: float, high: float) -> None:
    bins = binned(values, low, high)
    assert sum(one.count for one in bins) == len(values)
    assert len(bins) <= 21
    for value in values:
        assert any(one.count and one.low - 1e-9 <= value <= one.high + 1e-9 for one in bins)


def test_a_value_on_an_inner_edge_counts_upwards_and_on_the_last_edge_inwards() -> None:
    assert [one.count for one in binned([5, 100], 0, 100)][:2] == [0, 1]
    assert [one.count for one in binned([5, 100], 0, 100)][-1] == 1


def test_bars_stand_on_the_axis_and_within_the_frame() -> None:
    chart = histogram(binned([1, 2, 2, 50, 99], 0, 100), 2)
    floor = chart.frame.height - chart.frame.bottom
    assert len(chart.bars) == 3
    assert all(round(y + height, 1) == floor and y >= chart.frame.top for _, y, _, height in chart.bars)
    assert all(x >= chart.frame.left and x + width <= chart.frame.width for x, _, width, _ in chart.bars)
    assert all(float(value).is_integer() for _, value in chart.y_ticks)


def test_the_page_is_the_gold_file(class_of_four) -> None:
    page = render_class([*class_of_four, (named(class_of_four[0][0], "No Number", accuracy=None), "./e/report.html")])
    if os.environ.get("UPDATE_GOLD"):
        GOLD.write_text(page, "utf-8", newline="\n")
    assert page == GOLD.read_text("utf-8"), "look at the difference; if it is meant, run again with UPDATE_GOLD=1"


def test_what_a_person_marked_instead_of_us_counts_in_the_figures(well_done: Grade, unjudged: Grade) -> None:
    def marked(mark: Mark) -> Mark:
        given = Given(
            mark.criterion.points, mark.criterion.points, "looked at", "Dr Li", "2026-03-05", unjudged.hand_in
        )
        return replace(mark, given=given) if mark.points is None else mark

    by_hand = replace(unjudged, marks=tuple(map(marked, unjudged.marks)))
    told = [
        dict(overview([(well_done, "#"), (one, "#")], "staff", pseudonyms=False).facts) for one in (unjudged, by_hand)
    ]
    assert ["In these figures" in facts for facts in told] == [True, False]
