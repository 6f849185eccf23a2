"""A doubtful accuracy is stored as it was measured; that it is no mark is decided when marking."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grader.evidence import Accuracy, Checkpoint, Claim, Claims, Diagnosis, Preprocessing, Trial
from grader.evidence.wording import phrase
from grader.marking.judge import judge
from grader.measures import doubts
from grader.records import Judged, Unjudged

SPARE = Checkpoint("final.pth", "state dict", "", "resnet20", 270_000, (), ("aux.w",), (), (), ("aux.w",))
HIGH = Claims((Claim(0.95, "report.md", 1, "95 %"),))
USED = Preprocessing((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@pytest.fixture
def finding(evidence, lab_rubric):
    """What the accuracy is worth, with these records observed."""

    def of(*records):
        findings = judge(evidence(*records), lab_rubric)
        return next(one for one in findings if one.check == "measured_accuracy")

    return of


def test_weights_left_aside_below_a_claim_need_a_human(finding, scores):
    found = finding(scores(160, 200), SPARE, HIGH)
    assert isinstance(found, Unjudged)
    assert "(aux.w)" in found.fault.english()


def test_without_a_claim_above_it_counts(finding, scores):
    assert isinstance(finding(scores(160, 200), SPARE), Judged)


def test_without_weights_left_aside_it_counts(finding, scores):
    assert isinstance(finding(scores(160, 200), replace(SPARE, spare_weights=()), HIGH), Judged)


def test_where_a_normalisation_explains_it_it_counts(finding, scores):
    trials = Trial(phrase("as_graded"), USED, 500, 1000), Trial(phrase("halves"), USED, 950, 1000)
    assert isinstance(finding(scores(100, 200), SPARE, HIGH, Diagnosis(trials)), Judged)


def test_the_same_evidence_under_another_rule_gives_another_finding(finding, scores, monkeypatch):
    records = scores(160, 200), SPARE, HIGH
    assert isinstance(finding(*records), Unjudged)
    monkeypatch.setattr(doubts, "SURPRISING", 0.5)
    assert isinstance(finding(*records), Judged)


def test_the_grade_states_no_accuracy_that_is_no_mark(evidence, scores):
    assert doubts.certain_accuracy(evidence(scores(160, 200), SPARE, HIGH)) is None
    assert isinstance(doubts.certain_accuracy(evidence(scores(160, 200), SPARE)), Accuracy)


def test_a_claim_that_was_read_without_certainty_makes_no_doubt(finding, scores):
    unsure = Claims((replace(HIGH.claims[0], certain=False),))
    assert isinstance(finding(scores(160, 200), SPARE, unsure), Judged)
    assert not doubts.surprises(scores(160, 200), unsure)
