"""Does the history belong to the weights? Agreement, completeness, and whose fault it is when nothing was measured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grader.checks.training_history import HistoryLimits
from grader.evidence import (
    Accuracy,
    Claim,
    Claims,
    Crashed,
    Epoch,
    History,
    Malformed,
    OutOfMemory,
    Refused,
    TimedOut,
    Unavailable,
)
from grader.records import Curve, message


def history(*accuracies: float | None, first: int = 0, **fields) -> History:
    epochs = (Epoch(number, 0.1, 1.0, 50.0, 1.0, accuracy) for number, accuracy in enumerate(accuracies, first))
    return History("history.json", tuple(epochs), **fields)


def judged(verdict, scores, *accuracies, measured=8000, **fields):
    return verdict("training_history", history(*accuracies, **fields), scores(measured, 10_000))


# --- agreement -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recorded", "credit", "said"),
    [
        (80.0, 1.0, "80.00% agrees with the measured 80.00% within 0.00 points"),
        (80.5, 1.0, "agrees with the measured 80.00% within 0.50 points"),
        (79.5, 1.0, "agrees"),
        (80.51, 1.0, "which averaging over batches can explain"),
        (81.0, 1.0, "which averaging over batches can explain"),
        (79.0, 1.0, "which averaging over batches can explain"),
        (81.01, 0.5, "the history belongs to other weights"),
        (78.9, 0.5, "the history belongs to other weights"),
    ],
)
def test_half_a_point_agrees_one_point_is_a_note_and_more_is_a_finding(verdict, scores, recorded, credit, said):
    found = judged(verdict, scores, 40.0, 60.0, recorded)
    assert found.credit == credit
    assert said in found.message.english()


@pytest.mark.parametrize("measured", [5001, 6794, 8001, 8207, 8454, 9100, 9125])
def test_the_limits_hold_to_the_image_for_every_accuracy(verdict, scores, measured):
    for images, said in ((50, "agrees"), (51, "averaging"), (100, "averaging"), (101, "other weights")):
        found = judged(verdict, scores, (measured + images) / 100, measured=measured)
        assert said in found.message.english()


def test_weights_of_the_best_epoch_agree_as_well_as_those_of_the_last(verdict, scores):
    assert judged(verdict, scores, 60.0, 80.1, 75.0).credit == 1.0
    assert judged(verdict, scores, 60.0, 85.0, 80.1).credit == 1.0


def test_weights_of_any_other_epoch_do_not_agree(verdict, scores):
    assert judged(verdict, scores, 80.0, 90.0, 85.0).credit == 0.5


def test_limits_are_the_rubrics(verdict, scores):
    wide = HistoryLimits(5.0, 10.0, fewest=1)
    assert verdict("training_history", history(70.5), scores(8000, 10_000), limits=wide).credit == 1.0


@pytest.mark.parametrize("limits", [(1.0, 0.5), (-1.0, 1.0)])
def test_limits_out_of_order_are_refused(limits):
    with pytest.raises(ValueError, match="note and fault"):
        HistoryLimits(*limits)


# --- completeness ----------------------------------------------------------------------------------------------


def test_a_complete_history_has_nothing_to_mend(verdict, scores):
    found = judged(verdict, scores, *([50.0] * 9), 80.0)
    assert (found.credit, found.hints) == (1.0, ())
    assert found.message.english().startswith("10 epochs are recorded")


@pytest.mark.parametrize(("count", "credit"), [(1, 0.5 + 0.5 / 3), (2, 0.5 + 1.0 / 3), (3, 1.0), (4, 1.0)])
def test_a_short_history_earns_its_share_of_the_points_for_the_record(verdict, scores, english, count, credit):
    found = judged(verdict, scores, *[50.0, 60.0, 70.0][: count - 1], 80.0)
    assert found.credit == pytest.approx(credit)
    assert ("Record at least 3 epochs" in english(found.hints)) == (credit < 1.0)


def test_one_epoch_written_many_times_is_one(verdict, scores, english):
    found = judged(verdict, scores, *[80.0] * 60)
    assert found.credit == pytest.approx(0.5 + 0.5 / 3)
    assert "all 60 epochs have the same figures" in english(found.hints)


def test_a_network_that_learnt_nothing_may_have_the_same_figures_in_every_epoch(verdict, scores):
    assert judged(verdict, scores, *[10.0] * 5, measured=1000).credit == 1.0


def test_other_figures_of_an_epoch_tell_it_from_the_next(verdict, scores):
    of_plateau = history(*[80.0] * 3)
    epochs = tuple(replace(one, train_loss=1.0 / (1 + one.epoch)) for one in of_plateau.epochs)
    assert verdict("training_history", replace(of_plateau, epochs=epochs), scores(8000, 10_000)).credit == 1.0


def test_a_history_of_no_epochs_is_no_limit():
    with pytest.raises(ValueError, match="at least 1"):
        HistoryLimits(0.5, 1.0, fewest=0)


@pytest.mark.parametrize("huge", [1e308, -1e308, 1e38, 3e4])
def test_a_figure_that_is_no_percentage_is_neither_compared_nor_drawn(verdict, scores, huge):
    found = judged(verdict, scores, 50.0, huge, 80.0)
    assert found.credit == 0.5
    assert "agrees with the measured 80.00%" in found.message.english()
    assert all(0.0 <= y <= 100.0 for line in found.exhibits[0].series for _, y in line.points)
    assert judged(verdict, scores, huge, huge, huge).credit == 0.0


@pytest.mark.parametrize("first", [0, 1])
def test_counting_from_zero_or_one_is_both_right(verdict, scores, first):
    assert judged(verdict, scores, 50.0, 60.0, 80.0, first=first).credit == 1.0


def test_a_history_that_begins_late_is_incomplete_unless_it_was_resumed(verdict, scores, english):
    late = judged(verdict, scores, 70.0, 80.0, first=5)
    assert late.credit == 0.5
    assert "5 are missing" in english(late.hints)
    assert judged(verdict, scores, 70.0, 75.0, 80.0, first=5, resumed_from="pretrain_model.pth").credit == 1.0


def test_repeated_epochs_are_counted(verdict, scores, english):
    twice = history(50.0, 60.0, 80.0)
    twice = replace(twice, epochs=(*twice.epochs[:2], *twice.epochs))
    found = verdict("training_history", twice, scores(8000, 10_000))
    assert found.credit == 0.5
    assert "2 are repeated" in english(found.hints)


def test_missing_epochs_are_counted(verdict, scores, english):
    whole = history(50.0, 60.0, 70.0, 75.0, 80.0)
    gap = replace(whole, epochs=(whole.epochs[0], *whole.epochs[3:]))
    found = verdict("training_history", gap, scores(8000, 10_000))
    assert found.credit == 0.5
    assert "2 are missing" in english(found.hints)


def test_values_that_are_no_numbers_are_told(verdict, scores, english):
    found = judged(verdict, scores, 50.0, 80.0, not_numbers=3)
    assert found.credit == 0.5
    assert "3 values are NaN, infinite or not numbers" in english(found.hints)


@pytest.mark.parametrize("wrong", [-1.0, 101.0, 8000.0])
def test_an_accuracy_that_is_no_percentage_is_told(verdict, scores, english, wrong):
    found = judged(verdict, scores, wrong, 80.0)
    assert found.credit == 0.5
    assert f"{wrong:g} is not one" in english(found.hints)


def test_an_epoch_without_test_accuracy_is_told(verdict, scores, english):
    found = judged(verdict, scores, None, 80.0)
    assert found.credit == 0.5
    assert "epochs without it: 1" in english(found.hints)


def test_a_history_without_any_test_accuracy_is_worth_nothing(verdict, scores):
    found = judged(verdict, scores, None, None)
    assert found.credit == 0.0
    assert found.message.english() == "history.json records 2 epochs, but no test accuracy."


# --- nothing measured ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "outcome",
    [Unavailable(message("no data")), Crashed("x"), TimedOut(600.0), OutOfMemory(4000), Malformed("x")],
    ids=lambda outcome: outcome.outcome,
)
def test_where_nothing_was_measured_by_our_fault_the_student_loses_nothing(verdict, outcome):
    found = verdict("training_history", history(50.0, 60.0, 80.0), failed={Accuracy: outcome})
    assert found.credit == 1.0
    assert "not compared" in found.message.english()


def test_where_the_weights_were_refused_there_is_nothing_to_agree_with(verdict):
    found = verdict("training_history", history(50.0, 60.0, 80.0), failed={Accuracy: Refused("code", message("NaN"))})
    assert found.credit == 0.5
    assert "no usable weights" in found.message.english()


# --- the curve -------------------------------------------------------------------------------------------------


def test_the_curve_shows_both_accuracies_and_the_measured_point_at_the_last_epoch(verdict, scores):
    curve = judged(verdict, scores, 50.0, None, 80.0).exhibits[0]
    assert isinstance(curve, Curve)
    assert [line.points for line in curve.series] == [
        ((0.0, 50.0), (1.0, 50.0), (2.0, 50.0)),
        ((0.0, 50.0), (2.0, 80.0)),
    ]
    assert [(point.x, point.y) for point in curve.points] == [(2.0, 80.0)]


def test_claims_of_other_files_stand_on_the_curve(verdict, scores):
    places = ("history.json", "report.md", "final.pth")
    claims = Claims(tuple(Claim(0.9, source, 0, "90 %") for source in places))
    found = verdict("training_history", history(50.0, 80.0), scores(800, 1000), claims).exhibits[0]
    assert [point.name.english() for point in found.points] == [
        "Measured by the grader",
        "Claimed in report.md",
        "Claimed in final.pth",
    ]
    assert {point.y for point in found.points[1:]} == {90.0}


def test_without_a_measurement_the_curve_has_no_point(verdict):
    found = verdict("training_history", history(50.0), failed={Accuracy: Unavailable(message("no data"))})
    assert found.exhibits[0].points == ()


def test_what_a_part_of_the_images_leaves_to_chance_is_nobodys_fault(verdict, scores):
    part = replace(scores(1600, 2000), whole=10_000)  # 80 %, give or take 1.75 points
    assert verdict("training_history", history(50.0, 60.0, 82.7), part).credit == 1.0
    assert verdict("training_history", history(50.0, 60.0, 82.8), part).credit == 0.5
    assert verdict("training_history", history(50.0, 60.0, 82.7), scores(8000, 10_000)).credit == 0.5
