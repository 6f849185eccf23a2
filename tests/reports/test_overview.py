"""The class page: everybody is on it, what to act on comes first, and a student's edition names nobody."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from grader.records import Given, Grade, Judged, Mark, message
from reports.charts.histogram import binned, histogram
from reports.html import render_class
from reports.overview import overview
from reports.text import outline

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
    assert [key for key, _ in page.columns] == [
        "submission layout",
        "measured accuracy",
        "training history",
        "hidden inputs",
    ]
    first, refused, waiting, _ = page.rows
    assert [figure.text for figure in first.figures] == ["34.72", "84.91%", "4", "27.1", "5", "3.62"]
    assert [figure.text for figure in refused.figures] == ["–", "–", "–", "–", "–", ""]  # not opened is no zero
    assert waiting.figures[3].text == "–"
    assert waiting.figures[3].sort == ""  # not marked is no zero, and stands last however it is sorted
    assert (first.flags, waiting.needs_human) == ("claim", True)


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


def test_most_missed_criteria_come_first_with_what_most_were_told(well_done: Grade) -> None:
    def without_hints(grade: Grade, reason: str) -> Grade:
        mark = grade.marks[3]
        assert isinstance(mark.finding, Judged)
        verdict = replace(mark.finding.verdict, message=message(reason))
        return replace(grade, marks=(*grade.marks[:3], replace(mark, finding=replace(mark.finding, verdict=verdict))))

    grades = [without_hints(well_done, "often"), without_hints(well_done, "often"), without_hints(well_done, "rarely")]
    missed = overview([(grade, "#") for grade in grades], "staff", pseudonyms=False).missed
    assert [one.key for one in missed] == [
        "submission layout",
        "measured accuracy",
        "hidden inputs",
    ]  # all got full history
    assert (missed[2].cause, missed[2].caused, missed[2].lost) == ("often", "given to 2 of them", "3 of 3")
    assert missed[2].earned == "49.93%"  # 3.62 of 7.25


def test_a_fault_of_ours_is_nobodys_lost_point(unjudged: Grade) -> None:
    missed = overview([(unjudged, "#")] * 2, "staff", pseudonyms=False).missed
    assert "measured accuracy" not in [one.key for one in missed]


def test_leaders_share_a_rank_and_go_by_pseudonyms_where_asked(class_of_four) -> None:
    grades = [*class_of_four, (named(class_of_four[3][0], "Yi"), "#")]
    leaders = overview(grades, "staff", pseudonyms=False).leaders
    assert [(one.rank, one.name, one.accuracy) for one in leaders] == [
        (1, "Zoë", "91.00%"), (1, "Yi", "91.00%"), (3, "Ada Ng 吴雅达", "84.91%"),
    ]  # fmt: skip
    assert [one.name for one in overview(grades, "staff", pseudonyms=True).leaders] == ["beefbe", "beefbe", "c0ffee"]


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
        (("exp2.py", "exp2.py", "exp2.py"), "exp2.py is missing."),
        (("exp2.py", "exp2.py", "ada.py"), "… is missing."),
        (("ada.py",), "… is missing."),
    ],
)
def test_students_read_a_reason_whole_where_everybody_who_got_it_got_the_same(well_done: Grade, files, said) -> None:
    def told(file: str) -> Grade:
        mark = well_done.marks[0]
        assert isinstance(mark.finding, Judged)
        verdict = replace(mark.finding.verdict, message=message("{file} is missing.", file=file), hints=())
        changed = replace(mark, finding=replace(mark.finding, verdict=verdict))
        return replace(well_done, marks=(changed, *well_done.marks[1:]))

    missed = overview([(told(file), "#") for file in files], "student", pseudonyms=False).missed
    assert said in [one.cause for one in missed]


def test_a_cause_without_its_values_tells_of_nobody() -> None:
    assert outline(message("{file} is {share:.1%} of {{all}}", file="ada.zip", share=0.5)) == "… is … of {all}"


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
    assert page.columns[-1][0] == "another check"
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
