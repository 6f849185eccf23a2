"""A rubric is read whole or refused with every bad line named."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from grader.checks import discover
from grader.labs import the_lab
from grader.marking.rubric import Rubric, read_rubric
from grader.records.errors import BadLab
from reports.languages import speaking
from reports.text import titled, words

GOOD = "[measured_accuracy]\npoints = 30\nknots = [[0.5, 0.0], [0.9, 1]]\n"


@pytest.fixture
def rubric(tmp_path):
    def read(text: str | bytes) -> Rubric:
        path = tmp_path / "mine.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_rubric(path, discover())

    return read


@pytest.fixture
def refusal(rubric, tmp_path):
    def read(text: str | bytes) -> str:
        with pytest.raises(BadLab) as caught:
            rubric(text)
        sentence = str(caught.value)
        assert sentence.startswith(str(tmp_path / "mine.toml"))
        return sentence.removeprefix(str(tmp_path / "mine.toml"))

    return read


# --- the shipped one -------------------------------------------------------------------------------------------


def test_the_shipped_rubric_names_every_check_and_no_other(lab_rubric):
    assert {line.criterion.check for line in lab_rubric.lines} == set(discover())


def test_the_shipped_rubric_gives_the_labs_points_unscaled(lab_rubric):
    points = {line.criterion.check: line.criterion.points for line in lab_rubric.lines}
    assert points == {
        "submission_layout": 5, "measured_accuracy": 30, "training_history": 5,
        "function_fit": 8, "own_function": 2, "evaluation": 10, "learning_rate": 5, "feature_vectors": 10,
        "retrieval_library": 5, "retrieval_ranking": 15, "retrieval_scores": 5,
    }  # fmt: skip


def test_the_rubrics_digest_is_that_of_its_file(lab_rubric):
    assert lab_rubric.digest == hashlib.sha256(the_lab().rubric.read_bytes()).hexdigest()


def test_a_check_has_its_file_name_and_its_docstring_as_title():
    for name, check in discover().items():
        assert check.name == name
        assert check.title
        assert not check.title.endswith(".")


def test_what_the_shipped_rubric_shows_in_comments_can_be_used(rubric):
    example = the_lab().rubric.read_text("utf-8").partition("# [report_trend]")
    shown = [line.removeprefix("# ") for line in "".join(example[1:]).splitlines() if " = " in line or "# [" in line]
    found = rubric(GOOD + "\n".join(line for line in shown if not line.startswith(("most", "`"))))
    assert [line.criterion.check for line in found.lines] == ["measured_accuracy", "report_trend"]
    assert (found.late.points_per_day, found.late.cap) == (5.0, 20.0)


# --- one's own -------------------------------------------------------------------------------------------------


def test_ones_own_rubric_may_leave_checks_out_and_nobody_scales_its_points(rubric):
    (line,) = rubric(GOOD).lines
    assert (line.criterion.points, line.criterion.audience) == (30.0, "student")
    assert line.limits.knots == ((0.5, 0.0), (0.9, 1.0))


def test_a_line_may_be_for_staff_and_worth_nothing(rubric):
    (line,) = rubric(GOOD.replace("30", '0\naudience = "staff"')).lines
    assert (line.criterion.points, line.criterion.audience) == (0.0, "staff")


def test_the_mark_that_windows_editors_put_first_is_no_error(rubric):
    assert len(rubric("\ufeff".encode() + GOOD.encode()).lines) == 1


# --- mistakes --------------------------------------------------------------------------------------------------


def test_a_misspelt_check_is_answered_with_the_right_name(refusal):
    assert "'measured_acuracy' is not a check; did you mean 'measured_accuracy'?" in refusal(
        GOOD.replace("_acc", "_ac")
    )


def test_a_check_that_resembles_none_is_answered_with_all_names(refusal):
    sentence = refusal("[zzz]\npoints = 1\n")
    assert f"'zzz' is not a check; the checks are {', '.join(discover())}" in sentence


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD + "knotts = 1\n", "knotts: there is no such limit; did you mean 'knots'?"),
        (GOOD.replace("points", "pionts"), "pionts: there is no such limit; did you mean 'points'?"),
        (GOOD + "bonus = 1\n", "bonus: there is no such limit; the limits are points, audience, title, knots"),
        ("[measured_accuracy]\npoints = 30\n", "knots is missing"),
        (GOOD.replace("points = 30\n", ""), "points is missing"),
        (GOOD.replace("30", '"30"'), "points: Input should be a valid number"),
        (GOOD.replace("30", "true"), "points: Input should be a valid number"),
        (GOOD.replace("30", "nan"), "points: Input should be a finite number"),
        (GOOD.replace("30", "inf"), "points: Input should be a finite number"),
        (GOOD.replace("30", "-1"), "points must be at least 0"),
        (GOOD.replace("30", "2026-03-01"), "points: Input should be a valid number"),
        (GOOD + 'audience = "parents"\n', "audience: Input should be 'student' or 'staff'"),
        (GOOD.replace("0.9,", "nan,"), "knots.1.0: Input should be a finite number"),
        (GOOD.replace("0.9,", '"0.9",'), "knots.1.0: Input should be a valid number"),
        (GOOD.replace("0.9,", "0.4,"), "knots: figures must increase"),
        (GOOD.replace("[[0.5, 0.0], [0.9, 1]]", "[]"), "knots must contain at least one"),
        (GOOD.replace("[[0.5, 0.0], [0.9, 1]]", "0.5"), "knots: Input should be a valid"),
        ("measured_accuracy = 30\n", "'measured_accuracy' must be a table with points and limits"),
        (
            "[submission_layout]\npoints = 5\nrequired = [1]\nmegabytes = 5\n",
            "required.0: Input should be a valid string",
        ),
        ("[training_history]\npoints = 5\nnote = 2.0\nfault = 1.0\n", "note and fault must satisfy 0 <= note <= fault"),
    ],
)
def test_each_mistake_of_a_line_is_told_by_its_name(refusal, text, said):
    sentence = refusal(text)
    assert said in sentence
    assert "pydantic" not in sentence


def test_every_bad_line_is_told_at_once(refusal):
    sentence = refusal(
        "[measured_acuracy]\npoints = 1\n[submission_layout]\npoints = -1\nrequired = 3\nmegabytes = 1\n"
        "[training_history]\npoints = 5\nnote = 1.0\n"
    )
    for said in (
        "did you mean 'measured_accuracy'?",
        "'submission_layout': points must be at least 0",
        "'submission_layout': required:",
        "'training_history': fault is missing",
    ):
        assert said in sentence


def test_several_mistakes_stand_on_lines_of_their_own_and_none_is_cut(tmp_path):
    names = [f"{letter * 90}" for letter in "abc"]
    (tmp_path / "mine.toml").write_text("\n".join(f"[{name}]\npoints = 1" for name in names), encoding="utf-8")
    with pytest.raises(BadLab) as caught:
        read_rubric(tmp_path / "mine.toml", discover())
    first, *lines = words(caught.value.message).splitlines()
    assert first == f"{tmp_path / 'mine.toml'}:"
    there = f"the checks are {', '.join(discover())}"
    assert lines == [f"- '{name}' is not a check; {there}" for name in names]


def test_an_empty_rubric_is_refused(refusal):
    assert refusal("") == refusal("# only a comment\n") == ": it contains no criteria."


@pytest.mark.parametrize("text", ["not toml at all", "[measured_accuracy\n", b"\xff\xfe\x00", GOOD + GOOD])
def test_what_is_no_toml_is_refused(refusal, text):
    assert " is not TOML: " in refusal(text)


def test_a_rubric_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadLab, match=r"none\.toml cannot be read: No such file"):
        read_rubric(tmp_path / "none.toml", discover())


def test_a_folder_is_no_rubric(tmp_path):
    with pytest.raises(BadLab, match="cannot be read: Is a directory"):
        read_rubric(tmp_path, discover())


# --- what a person marks ---------------------------------------------------------------------------------------

BY_HAND = '[report_trend]\nmanual = true\ntitle = "The trend figure"\npoints = 5\n'


def test_a_line_that_a_person_marks_needs_no_check_of_its_name(rubric):
    trend, accuracy = rubric(BY_HAND + GOOD).lines
    assert (trend.criterion.check, trend.criterion.title, trend.criterion.points) == (
        "report_trend",
        "The trend figure",
        5,
    )
    assert trend.check is None
    assert accuracy.check is not None


def test_a_rubric_may_be_marked_by_hand_altogether(rubric):
    assert rubric(BY_HAND).points == 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BY_HAND.replace("true", "false"), "'report_trend': manual must be true"),
        (BY_HAND.replace('title = "The trend figure"\n', ""), "'report_trend': title must be one line of at most 200"),
        (BY_HAND.replace("The trend figure", " "), "title must be one line of at most 200"),
        (BY_HAND.replace("The trend figure", "a\\u202eb"), "title must be one line of at most 200"),
        (BY_HAND.replace("The trend figure", "x" * 201), "title must be one line of at most 200"),
        (BY_HAND.replace('"The trend figure"', "3"), ": 'report_trend': title must be one line of at most 200"),
        (
            BY_HAND.replace('"The trend figure"', "{ en = 3 }"),
            ": 'report_trend': title must be one line of at most 200",
        ),
        (BY_HAND.replace("title", "titel"), "titel: there is no such limit; did you mean 'title'?"),
        (BY_HAND.replace("points = 5", "points = -5"), "points must be at least 0"),
        (BY_HAND.replace("report_trend", "measured_accuracy"), "is the name of a check; remove manual"),
        (BY_HAND.replace("report_trend", '"<b>trend</b>"'), "a name must consist of at most 60 letters"),
        (BY_HAND.replace("manual = true\n", ""), "'report_trend' is not a check"),
    ],
)
def test_each_mistake_of_a_line_that_a_person_marks_is_told(refusal, text, said):
    assert said in refusal(text)


# --- what lateness costs ---------------------------------------------------------------------------------------

LATE = '[late]\ndeadline = "2026-03-01T23:59:00+08:00"\npoints_per_day = 5\n'


def test_the_late_table_is_no_criterion(rubric):
    found = rubric(GOOD + LATE + "grace_hours = 2\ncap = 20\n")
    assert [line.criterion.check for line in found.lines] == ["measured_accuracy"]
    assert (found.late.points_per_day, found.late.grace_hours, found.late.cap) == (5.0, 2.0, 20.0)
    assert rubric(GOOD).late is None


def test_a_deadline_may_be_written_as_tomls_own_date(rubric):
    assert rubric(GOOD + LATE.replace('"', "")).late.points_per_day == 5.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD + LATE.replace("points_per_day", "point_per_day"), "did you mean 'points_per_day'?"),
        (GOOD + LATE.replace("[late]", "[lat]"), "'lat' is not a check; did you mean 'late'?"),
        (GOOD + LATE.replace("+08:00", ""), "deadline must be "),
        (GOOD + LATE.replace("2026-03-01T23:59:00+08:00", "tomorrow"), "such as 2026-03-01T23:59:00+08:00"),
        (GOOD + "[late]\npoints_per_day = 5\n", "'late': deadline is missing"),
        (GOOD + LATE + "percent_per_day = 5\n", "set exactly one of"),
        (GOOD + LATE.replace("points_per_day = 5\n", ""), "set exactly one of"),
        (GOOD + LATE.replace("= 5", "= -5"), "the rate must be between 0 and 10000"),
        (GOOD + LATE + "grace_hours = nan\n", "grace_hours: Input should be a finite number"),
        (GOOD + LATE + "cap = -1\n", "cap must be between 0 and 10000"),
        ("late = 5\n" + GOOD, "'late' must be a table"),
        (LATE, "it contains no criteria"),
    ],
)
def test_each_mistake_of_the_late_table_is_told(refusal, text, said):
    assert said in refusal(text)


def test_a_criterion_may_have_a_title_of_the_instructors_in_several_languages(tmp_path: Path) -> None:
    path = tmp_path / "rubric.toml"
    path.write_text(
        '[submission_layout]\npoints = 1\nrequired = ["a.py"]\nmegabytes = 1\n'
        'title = { en = "What is there", zh = "文件" }\n'
        '[measured_accuracy]\npoints = 1\nknots = [[0.5, 1.0]]\ntitle = " The network "\n'
        '[oral]\nmanual = true\npoints = 1\ntitle = { en = "Questions", zh = "提问" }\n',
        encoding="utf-8",
    )
    first, second, third = (line.criterion for line in read_rubric(path, discover()).lines)
    assert (first.title, dict(first.titles)) == ("What is there", {"en": "What is there", "zh": "文件"})
    assert (second.title, second.titles) == ("The network", ())
    with speaking("zh"):
        assert [titled(one) for one in (first, second, third)] == ["文件", "The network", "提问"]
    with speaking("en"):
        assert [titled(one) for one in (first, second, third)] == ["What is there", "The network", "Questions"]


def test_a_title_in_no_language_is_told(tmp_path: Path) -> None:
    path = tmp_path / "rubric.toml"
    path.write_text('[measured_accuracy]\npoints = 1\nknots = [[0.5, 1.0]]\ntitle = { zh-CN = "x" }\n', "utf-8")
    with pytest.raises(BadLab, match="'zh-CN' is not a language"):
        read_rubric(path, discover())


@pytest.mark.parametrize("title", ['"a\\nb"', '{ en = "" }', f'"{"x" * 201}"'])
def test_a_title_that_is_no_line_is_refused(tmp_path: Path, title: str) -> None:
    path = tmp_path / "rubric.toml"
    path.write_text(f"[measured_accuracy]\npoints = 1\nknots = [[0.5, 1.0]]\ntitle = {title}\n", encoding="utf-8")
    with pytest.raises(BadLab, match="title must be one line"):
        read_rubric(path, discover())
