"""What readers are told about marks, whatever the medium."""

from __future__ import annotations

from dataclasses import replace

from grader.records import Criterion, Grade, Judged, Mark, Unjudged, Verdict, message
from reports.marks import edition, found, next_steps, pending, score, total


def test_next_steps_begin_with_the_most_points_at_stake(well_done: Grade) -> None:
    steps = next_steps(well_done)
    assert [step.points for step in steps] == [2.9, 1.0]
    assert [step.marks[0].criterion.check for step in steps] == ["measured_accuracy", "submission_layout"]
    assert len(steps[0].hints) == 2


def test_criteria_blocked_by_one_cause_share_one_step(blocked: Grade) -> None:
    (step,) = next_steps(replace(blocked, unusable=False))
    assert step.points == 40
    assert len(step.marks) == 3


def test_what_could_not_be_opened_is_one_step_and_no_zero_until_somebody_decides(blocked: Grade) -> None:
    (step,) = next_steps(blocked)
    assert (step.points, step.marks, total(blocked)) == (40, (), "–")
    assert total(replace(blocked, zero=True)) == "0"


def test_what_staff_must_mend_is_no_step_for_the_student(unjudged: Grade) -> None:
    assert "measured_accuracy" not in {mark.criterion.check for step in next_steps(unjudged) for mark in step.marks}


def test_a_criterion_without_a_mark_is_scored_in_words(unjudged: Grade) -> None:
    assert score(unjudged.marks[1]) == "not marked (30)"
    assert pending(unjudged) == 30


def test_a_grade_of_nothing_but_faults_of_ours_has_no_total(unjudged: Grade) -> None:
    assert total(replace(unjudged, marks=unjudged.marks[1:2])) == "–"
    assert total(unjudged) == "12.62"


def test_the_edition_for_students_counts_what_it_shows(well_done: Grade) -> None:
    seen = edition(well_done, "student")
    assert (seen.points, seen.flags, len(seen.marks)) == (40, (), 3)
    assert edition(well_done, "staff") is well_done


def test_full_marks_may_still_carry_a_hint_and_cost_nothing(well_done: Grade) -> None:
    hinted = Mark(
        Criterion("a", "A.", 5), Judged("a", Verdict(1.0, message("Right."), (message("Faster: use fp16."),)))
    )
    assert next_steps(replace(well_done, marks=(hinted,)))[0].points == 0


def test_each_form_of_finding_is_told() -> None:
    fault = message("No sandbox.")
    assert found(Unjudged("a", fault)).reason is fault
