"""From accuracy to credit, and what stands beside it: hints that never change the mark, and claims."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grader.checks.measured_accuracy import AccuracyRamp, measured_accuracy
from grader.collect.normalisations import template
from grader.evidence import (
    Candidate,
    Checkpoint,
    Claim,
    Claims,
    Diagnosis,
    Epoch,
    Generalisation,
    GivenWeights,
    History,
    Measurement,
    Mistake,
    Preprocessing,
    PreprocessingChoice,
    StartingPoint,
    Trial,
    Unavailable,
)
from grader.evidence.wording import phrase
from grader.marking.check import Case, Doubt, Ramp
from grader.marking.judge import judge
from grader.records import Bars, Curve, Gallery, Judged, Matrix, Message, Picture, Table, Unjudged, message

HALVES = Preprocessing((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def diagnosis(graded: int, other: int, count: int = 2000) -> Diagnosis:
    trials = ((phrase("as_graded"), template(), graded), (phrase("halves"), HALVES, other), ("another", HALVES, 10))
    return Diagnosis(tuple(Trial(name, how, correct, count) for name, how, correct in trials))


def claimed(*accuracies: float) -> Claims:
    return Claims(tuple(Claim(accuracy, "report.md", 3, f"I got {accuracy:.1%}") for accuracy in accuracies))


def titled(verdict, title: str):
    return next(exhibit for exhibit in verdict.exhibits if exhibit.title.english() == title)


def beside(verdict, row: int = 0) -> str:
    table = titled(verdict, "Claimed and measured accuracy")
    assert isinstance(table, Table)
    assert isinstance(table.rows[row][3], Message)
    return table.rows[row][3].english()


@pytest.mark.parametrize(
    ("correct", "credit"),
    [(0, 0), (1000, 0), (5000, 0), (7000, 0.6), (8454, 0.9), (9100, 1), (10_000, 1), (6000, 0.3), (7727, 0.75)],
)
def test_credit_follows_the_labs_curve_exactly(verdict, scores, correct, credit):
    assert verdict("measured_accuracy", scores(correct, 10_000)).credit == pytest.approx(credit, abs=1e-12)


@pytest.mark.parametrize(("correct", "credit"), [(5000, 0.0), (7000, 0.6), (8454, 0.9), (9100, 1.0)])
def test_on_a_knot_the_credit_is_the_knots_own(verdict, scores, correct, credit):
    assert verdict("measured_accuracy", scores(correct, 10_000)).credit == credit


def test_one_image_more_is_never_worth_less(verdict, scores):
    got = [verdict("measured_accuracy", scores(correct, 1000)).credit for correct in range(0, 1001, 5)]
    assert got == sorted(got)


def test_the_sentence_says_exactly_how_many_of_how_many(verdict, scores):
    sentence = verdict("measured_accuracy", scores(8454, 10_000)).message.english()
    assert sentence.startswith(
        "8,454 of 10,000 test images are classified correctly: 84.54% (95% interval 83.8% to 85.2%)"
    )


def test_exhibits_show_classes_confusion_and_the_rubrics_curve(verdict, scores):
    exhibits = verdict("measured_accuracy", scores(150, 200)).exhibits
    bars = next(exhibit for exhibit in exhibits if isinstance(exhibit, Bars))
    matrix = next(exhibit for exhibit in exhibits if isinstance(exhibit, Matrix))
    curve = next(exhibit for exhibit in exhibits if isinstance(exhibit, Curve))
    assert sum(bar.part for bar in bars.bars) == 150
    assert sum(bar.whole for bar in bars.bars) == 200
    assert sum(map(sum, matrix.counts)) == 200
    assert (curve.points[0].x, curve.points[0].y) == (75.0, 21.09)  # of 30 points: 0.6 + 0.3 * 0.05 / 0.1454 of them


def test_the_interval_lies_on_the_rubrics_curve_with_every_knot_inside_it(verdict, scores):
    curve = titled(verdict("measured_accuracy", scores(140, 200)), "From accuracy to points")
    rubric, interval = (line.points for line in curve.series)
    assert rubric[1:-1] == ((50.0, 0.0), (70.0, 18.0), (pytest.approx(84.54), 27.0), (91.0, 30.0))
    assert interval[0][0] == pytest.approx(63.3, abs=0.1)
    assert interval[-1][0] == pytest.approx(75.9, abs=0.1)
    assert (70.0, 18.0) in interval
    slope = (18.0 - interval[0][1]) / (70.0 - interval[0][0])
    assert slope == pytest.approx(18.0 / 20.0, abs=0.01)


def test_the_reliability_diagram_leaves_out_what_nobody_was_so_sure_of(verdict, scores):
    curve = titled(verdict("measured_accuracy", scores(150, 200)), "Is the network right as often as it is confident?")
    assert [line.points for line in curve.series] == [((95.0, 75.0),), ((0.0, 0.0), (100.0, 100.0))]


def test_the_surest_mistakes_are_shown_with_what_they_are_and_what_they_were_taken_for(verdict, scores):
    picture = Picture("test image 7", "image/png", "")
    mistakes = (Mistake(7, "cat", "dog", 0.99, picture), Mistake(8, "dog", "cat", 0.9))
    gallery = titled(
        verdict("measured_accuracy", replace(scores(150, 200), surest_mistakes=mistakes)), "Most confident mistakes"
    )
    assert isinstance(gallery, Gallery)
    assert [item.picture for item in gallery.pictures] == [picture]
    captions = [caption.english() for caption in gallery.pictures[0].captions]
    assert captions == ["true class: cat", "predicted: dog", "confidence 99.0%"]


def test_the_commonest_mistake_and_the_next_knot_are_named(verdict, scores, english):
    hints = english(verdict("measured_accuracy", scores(160, 200)).hints)
    assert "classified as" in hints
    assert "The next step in the rubric is 84.54%: 4.5 percentage points more." in hints


def test_at_full_credit_there_is_nothing_to_do(verdict, scores):
    assert verdict("measured_accuracy", scores(190, 200)).hints == ()


def test_images_without_finite_logits_are_told(verdict, scores, english):
    judged = verdict("measured_accuracy", scores(100, 200, not_finite=3))
    sentence = judged.message.english()
    assert sentence.startswith("100 of 200 test images are classified correctly: 50.00%")
    assert sentence.endswith("For 3 of them, the network returns NaN or infinite values, which do not predict a class.")
    assert "lower the learning rate, or hand in the weights of an earlier epoch" in english(judged.hints)


def test_nothing_at_all_measured_finite_is_still_a_verdict(verdict, scores):
    assert verdict("measured_accuracy", scores(0, 50, not_finite=50)).credit == 0.0


def test_weights_that_were_left_aside_are_told_to_the_student(verdict, scores, english):
    aside = Checkpoint("final.pth", "state dict", "", "resnet20", 1, (), ("aux.w",), (), (), ("aux.w",))
    hints = english(verdict("measured_accuracy", scores(160, 200), aside).hints)
    assert (
        "final.pth contains weights that resnet20 does not have (aux.w); the accuracy was measured without them"
        in hints
    )


# --- the likely preprocessing ----------------------------------------------------------------------------------


def test_a_preprocessing_that_is_plainly_better_is_named_and_changes_no_credit(verdict, scores, english):
    without = verdict("measured_accuracy", scores(4000, 10_000))
    with_hint = verdict("measured_accuracy", scores(4000, 10_000), diagnosis(800, 1700))
    hints = english(with_hint.hints)
    assert "With mean and standard deviation 0.5, the same weights classify 85.0% of 2,000 training images" in hints
    assert "but only 40.0% as graded" in hints
    assert "next step" not in hints
    assert with_hint.credit == without.credit


@pytest.mark.parametrize("other", [700, 800, 850, 900])
def test_a_preprocessing_that_is_little_better_is_not_named(verdict, scores, english, other):
    hints = english(verdict("measured_accuracy", scores(4000, 10_000), diagnosis(800, other)).hints)
    assert "was probably trained" not in hints


def test_a_diagnosis_without_alternatives_names_none(verdict, scores, english):
    alone = Diagnosis(diagnosis(800, 800).trials[:1])
    assert "probably" not in english(verdict("measured_accuracy", scores(4000, 10_000), alone).hints)


# --- claims ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        (0.805, "agrees within 0.50 points"),
        (0.79, "agrees within 1.00 points"),
        (0.95, "15.00 points above the measured accuracy"),
        (0.70, "10.00 points below the measured accuracy"),
    ],
)
def test_each_claim_stands_beside_what_was_measured(verdict, scores, claim, said):
    assert beside(verdict("measured_accuracy", scores(8000, 10_000), claimed(claim))) == said


def test_a_claim_that_the_training_images_explain_is_named_so(verdict, scores):
    judged = verdict("measured_accuracy", scores(8000, 10_000), claimed(0.999), diagnosis(1996, 100))
    assert "closer to the accuracy on training images, 99.80%" in beside(judged)


@pytest.mark.parametrize("training", [1600, 1700, 1790])
def test_a_claim_that_the_training_images_do_not_plainly_explain_is_not(verdict, scores, training):
    judged = verdict("measured_accuracy", scores(8000, 10_000), claimed(0.999), diagnosis(training, 100))
    assert beside(judged) == "19.90 points above the measured accuracy"


def test_a_claim_below_the_measurement_never_fits_the_training_images(verdict, scores):
    judged = verdict("measured_accuracy", scores(8000, 10_000), claimed(0.60), diagnosis(1200, 100))
    assert beside(judged) == "20.00 points below the measured accuracy"


def test_where_another_normalisation_does_better_a_claim_is_not_held_against_the_training_images(verdict, scores):
    judged = verdict("measured_accuracy", scores(8000, 10_000), claimed(0.91), diagnosis(1800, 1990))
    assert beside(judged) == (
        "11.00 points above the measured accuracy; the normalisation may be the reason: see mean and standard"
        " deviation 0.5"
        " below"
    )


def test_the_measured_accuracy_is_the_last_row_of_the_claims(verdict, scores):
    table = titled(
        verdict("measured_accuracy", scores(8000, 10_000), claimed(0.9, 0.8)), "Claimed and measured accuracy"
    )
    assert [row[0] for row in table.rows] == ["90.00%", "80.00%", "80.00%"]


def test_claims_change_no_credit(verdict, scores):
    assert (
        verdict("measured_accuracy", scores(8000, 10_000), claimed(0.99)).credit
        == verdict("measured_accuracy", scores(8000, 10_000)).credit
    )


@pytest.mark.parametrize(
    ("quote", "training", "named"),
    [
        ("Epoch 20/20, val_loss: 1.0898, val_accuracy: 99.8%", 1990, True),
        ("验证集准确率: 99.8%", 1990, True),
        ("Epoch 20/20, val_accuracy: 99.8%", 1700, False),
        ("Epoch 20/20, train_accuracy: 99.8%", 1990, False),
        ("interval accuracy: 99.8%", 1990, False),
    ],
)
def test_a_training_accuracy_that_is_printed_as_validation_accuracy_is_named(verdict, scores, quote, training, named):
    claims = Claims((Claim(0.998, "lab9.ipynb, cell 10", 0, quote, certain=False),))
    seen = Generalisation(1, 1000, 790, 800, training=2000, correct_training=training)
    judged = verdict("measured_accuracy", scores(8000, 10_000), claims, seen)
    told = [hint.english() for hint in judged.hints if "as a validation accuracy" in hint.english()]
    assert told == (
        [
            "lab9.ipynb, cell 10 prints 99.8% as a validation accuracy. The network classifies 99.5% of 2,000 training"
            " images correctly, and 80.0% of the test images: the printed figure was probably counted on training"
            " images."
        ]
        if named
        else []
    )
    assert judged.credit == verdict("measured_accuracy", scores(8000, 10_000)).credit


# --- how it was measured ---------------------------------------------------------------------------------------


def measured_rows(verdict):
    table = next(e for e in verdict.exhibits if isinstance(e, Table) and "How" in e.title.text)
    return [(row[0].english(), row[1].english() if isinstance(row[1], Message) else row[1]) for row in table.rows]


def test_how_it_was_measured_tells_network_normalisation_and_what_was_not_read(verdict, scores):
    checkpoint = Checkpoint(
        "final.pth", "wrapped state dict", "net", "resnet20, shortcut A", 269_722, ("float16",), ("acc",),
        ("module. left out",), ("models.ResNet",),
    )  # fmt: skip
    used = replace(HALVES, source="exp2.py", line=12, also_found=("exp2.py, line 9: mean (0.0, 0.0, 0.0)",))
    measurement = Measurement("2.14", "cpu", "AVX2", "float32", 250, 224, 0, 1.0, "l" * 64, "d" * 64)
    claims = Claims((), ("report.pdf (PdfReadError)",))
    rows = measured_rows(verdict("measured_accuracy", scores(10, 20), checkpoint, used, measurement, claims))
    assert ("Network", "resnet20, shortcut A") in rows
    assert ("Saved as", 'wrapped state dict under the key "net", float16') in rows
    assert ("Ignored", "acc") in rows
    assert ("Classes whose code was not loaded", "models.ResNet") in rows
    assert ("Read from", "exp2.py, line 12") in rows
    assert ("Also found", "exp2.py, line 9: mean (0.0, 0.0, 0.0)") in rows
    assert ("Could not be read", "report.pdf (PdfReadError)") in rows
    assert ("Image size", "224 pixels") in rows


@pytest.mark.parametrize(
    ("used", "said"),
    [
        (template(), "the lab's constants, because the submission's code specifies none"),
        (
            replace(template(), also_found=("exp2.py, line 5: Normalize(m, s)",)),
            "the lab's constants, because the submission's own cannot be read without running its code",
        ),
    ],
)
def test_where_the_normalisation_comes_from_is_said_truthfully(verdict, scores, used, said):
    assert ("Read from", said) in measured_rows(verdict("measured_accuracy", scores(10, 20), used))


# --- where the weights come from -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "told"),
    [
        (StartingPoint("pretrain_model.pth", True, True, 0.0), "These are the weights you were given: final.pth is"),
        (StartingPoint("lab/pretrain_model.pth", False, True, 0.0), "same weights as lab/pretrain_model.pth: if you"),
        (StartingPoint("pretrain_model.pth", True, False, 0.0012), "by 0.12% of their norm: training hardly moved"),
    ],
)
def test_the_first_hint_says_that_the_weights_are_those_to_start_from(verdict, scores, start, told):
    without = verdict("measured_accuracy", scores(6500, 10_000))
    found = verdict("measured_accuracy", scores(6500, 10_000), GivenWeights("final.pth", (start,)))
    assert told in found.hints[0].english()
    assert found.hints[1:] == without.hints
    assert found.credit == without.credit, "a hint never changes the mark"


def test_weights_that_were_trained_further_get_no_such_hint(verdict, scores):
    moved = GivenWeights("final.pth", (StartingPoint("pretrain_model.pth", True, False, 0.4),))
    found, without = (verdict("measured_accuracy", scores(6500, 10_000), *more) for more in ((moved,), ()))
    assert found.hints == without.hints


# --- chosen by measurement -------------------------------------------------------------------------------------

FOUND = replace(HALVES, source="exp2.py", line=7)


def choice(code: int, lab: int, agreeing: int = 200) -> PreprocessingChoice:
    """What two candidates do on 1,000 images: the one of the code, and the lab's, which is better."""
    first = Candidate(phrase("place", file="exp2.py", line=7), FOUND, code, lab - code, 0, agreeing)
    return PreprocessingChoice((first, Candidate(phrase("template_normalisation"), template(), lab, 0, 0, 1000)), 1000)


def test_a_choice_is_told_with_its_figures(verdict, scores):
    judged = verdict("measured_accuracy", scores(900, 1000), template(), choice(300, 900))
    (told,) = (hint.english() for hint in judged.hints if "measurement" in hint.english())
    assert told == (
        "The code does not say with certainty how test images are normalised. Chosen by measurement among 2"
        " normalisations: the template's mean and standard deviation. With it, the weights classify 90.0% of 1,000"
        " training images correctly."
    )
    table = titled(judged, "The normalisation was chosen by measurement on 1,000 training images")
    assert [(row[1], row[2]) for row in table.rows] == [("300", "30.00%"), ("900", "90.00%")]
    assert [row[3].english() for row in table.rows] == ["600 against 0", "0 against 0"]
    assert [row[4] and row[4].english() for row in table.rows] == [None, "used"]
    assert ("Read from", "chosen by measurement among 2 normalisations") in measured_rows(judged)


def test_a_choice_that_is_not_clear_is_told_with_what_to_do(verdict, scores):
    judged = verdict("measured_accuracy", scores(900, 1000), template(), choice(896, 900))
    (told,) = (hint.english() for hint in judged.hints if "measurement" in hint.english())
    assert "no normalisation is better than all others beyond chance. Pass the transform" in told


def test_a_choice_changes_no_mark(verdict, scores):
    with_choice = verdict("measured_accuracy", scores(800, 1000), template(), choice(300, 900))
    assert with_choice.credit == verdict("measured_accuracy", scores(800, 1000), template()).credit


def test_a_rubric_that_forbids_the_choice_asks_for_grading_again(evidence, scores):
    limits = AccuracyRamp(((0.5, 0.0), (0.9, 1.0)), choose_preprocessing=False)
    found = evidence(scores(900, 1000), template(), choice(300, 900))
    doubt = measured_accuracy.judge(Case(scores(900, 1000), limits, found))
    assert isinstance(doubt, Doubt)
    assert "which this rubric forbids. Grade this submission again" in doubt.fault.english()
    certain = measured_accuracy.judge(Case(scores(900, 1000), limits, evidence(scores(900, 1000), FOUND)))
    assert not isinstance(certain, Doubt)


# --- the ramp --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "knots", [(), ((0.5, 0.0), (0.5, 1.0)), ((0.7, 0.0), (0.5, 1.0)), ((0.5, 1.2),), ((0.5, -0.1),)]
)
def test_a_curve_that_is_none_is_refused(knots):
    with pytest.raises(ValueError, match="knots"):
        Ramp(knots)


@pytest.mark.parametrize("figure", [70, 1.01, -0.1])
def test_knots_that_are_no_shares_are_refused_and_not_silently_worth_nothing(figure):
    with pytest.raises(ValueError, match="must be between 0 and 1"):
        AccuracyRamp(((figure, 0.5),))


def test_a_single_knot_gives_its_credit_everywhere():
    ramp = Ramp(((0.5, 0.3),))
    assert [ramp.credit(figure) for figure in (0.0, 0.5, 1.0)] == [0.3, 0.3, 0.3]


# --- which hint comes first ------------------------------------------------------------------------------------


def trained(*accuracies: float) -> History:
    return History("history.json", tuple(Epoch(n, test_accuracy=value) for n, value in enumerate(accuracies, start=1)))


def one_answer(scores, of_ten: int):
    """Return scores in which `of_ten` images of ten are taken for the class h, whatever they show."""
    built = scores(100, 1000)
    row = tuple(10 * of_ten if n == 7 else 100 - 10 * of_ten if n == 0 else 0 for n in range(10))
    return replace(built, confusion=(row,) * 10)


def test_after_few_epochs_the_first_hint_is_to_train_longer_with_the_points_it_gives(verdict, scores):
    first, second = verdict("measured_accuracy", scores(659, 1000), trained(48.0, 60.2, 65.9)).hints
    assert first.english() == "Train longer: 65.9% after 3 epochs; 70% gives 18 points."
    assert "most common mistake" in second.english()


def test_where_the_accuracy_still_rose_at_the_end_the_first_hint_says_so(verdict, scores):
    rising = trained(*(40.0 + 2.0 * n for n in range(20)))
    first = verdict("measured_accuracy", scores(780, 1000), rising).hints[0].english()
    assert first == (
        "Train longer: the test accuracy still rose, by 8.0 points over the last 4 of 20 epochs; 84.54% gives 27"
        " points."
    )


def test_where_training_had_ended_the_first_hint_is_the_next_step(verdict, scores):
    flat = trained(*(40.0 + 2.0 * n for n in range(19)), *(78.0 for _ in range(20)))
    assert verdict("measured_accuracy", scores(780, 1000), flat).hints[0].english().startswith("The next step")


def test_a_history_of_other_weights_gives_no_advice(verdict, scores, english):
    assert "Train longer" not in english(verdict("measured_accuracy", scores(500, 1000), trained(48.0, 65.9)).hints)


def test_a_normalisation_that_was_measured_to_be_better_comes_before_longer_training(verdict, scores, english):
    hints = verdict("measured_accuracy", scores(400, 1000), trained(30.0, 40.0), diagnosis(800, 1700)).hints
    assert hints[0].english().startswith("With mean and standard deviation 0.5")
    assert "Train longer" not in english(hints)


def test_an_overflow_comes_before_longer_training(verdict, scores, english):
    hints = verdict("measured_accuracy", scores(500, 1000, not_finite=30), trained(30.0, 50.0)).hints
    assert "outputs overflow" in hints[0].english()
    assert "Train longer" not in english(hints)


def test_one_answer_for_every_image_is_reported_as_that(verdict, scores, english):
    hints = verdict("measured_accuracy", one_answer(scores, 10), trained(10.0, 10.0)).hints
    assert hints[0].english().startswith("Every image is classified as 'h': training did not work. Check that the loss")
    assert "most common mistake" not in english(hints)
    assert "Train longer" not in english(hints)


@pytest.mark.parametrize(("of_ten", "said"), [(9, False), (10, True)])
def test_only_nearly_one_answer_is_reported_as_one(verdict, scores, english, of_ten, said):
    assert ("training did not work" in english(verdict("measured_accuracy", one_answer(scores, of_ten)).hints)) is said


def test_nearly_one_answer_is_reported_with_its_share(verdict, scores):
    built = one_answer(scores, 10)
    rows = (tuple(60 if n == 7 else 40 if n == 0 else 0 for n in range(10)), *built.confusion[1:])
    first = verdict("measured_accuracy", replace(built, confusion=rows)).hints[0].english()
    assert first.startswith("96.0% of the images are classified as 'h': training did not work.")


def test_one_answer_that_another_normalisation_explains_is_no_failed_training(verdict, scores, english):
    hints = verdict("measured_accuracy", one_answer(scores, 10), diagnosis(200, 1700)).hints
    assert hints[0].english().startswith("With mean")
    assert "training did not work" not in english(hints)


def test_a_claim_without_certainty_is_shown_and_not_compared(verdict, scores):
    unsure = Claims((Claim(0.99, "report.md", 3, "the best accuracy is 99 %", certain=False),))
    assert beside(verdict("measured_accuracy", scores(8000, 10_000), unsure)) == "read without certainty: not compared"


@pytest.mark.parametrize(("correct", "state"), [(10, Judged), (70, Unjudged), (99, Unjudged), (100, Judged)])
def test_a_few_images_count_only_where_they_decide_the_points(evidence, lab_rubric, scores, correct, state):
    few = replace(scores(correct, 100), whole=10_000, cut_short=True)
    finding = next(one for one in judge(evidence(few), lab_rubric) if one.check == "measured_accuracy")
    assert isinstance(finding, state)


def of_few(*correct: int) -> PreprocessingChoice:
    """Preprocessings tried on 50 images; the first is the best."""
    return PreprocessingChoice(
        tuple(Candidate(f"way {at}", template(), count, 0, 0, 25) for at, count in enumerate(correct)), 50
    )


@pytest.mark.parametrize(
    ("tried", "correct", "state"),
    [(of_few(8, 7), 1_000, Judged), (of_few(30, 29), 5_500, Unjudged), (of_few(30, 29), 9_500, Judged)],
    ids=["no way earns anything", "another may earn more", "full points"],
)
def test_a_normalisation_that_there_was_no_time_to_tell_costs_nothing(
    evidence, lab_rubric, scores, tried, correct, state
):
    found = evidence(scores(correct, 10_000), tried)
    finding = next(one for one in judge(found, lab_rubric) if one.check == "measured_accuracy")
    assert isinstance(finding, state)


@pytest.mark.parametrize(("correct", "state"), [(8_000, Unjudged), (9_500, Judged)], ids=["points lost", "full points"])
def test_a_machine_that_failed_while_normalisations_were_tried_costs_no_points(
    evidence, lab_rubric, scores, correct, state
):
    full = Unavailable(message("this machine ran out of memory"))
    found = evidence(scores(correct, 10_000), failed={PreprocessingChoice: full})
    finding = next(one for one in judge(found, lab_rubric) if one.check == "measured_accuracy")
    assert isinstance(finding, state)
    assert state is Judged or "ran out of memory" in finding.fault.english()
