"""Every outcome of looking ends where it belongs: with the student, with staff, or before a check."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.evidence import (
    EVIDENCE,
    Accuracy,
    Bin,
    Candidate,
    Checkpoint,
    Claim,
    Claims,
    Crashed,
    Diagnosis,
    Epoch,
    Evidence,
    History,
    Layout,
    Malformed,
    Measurement,
    OutOfMemory,
    Preprocessing,
    PreprocessingChoice,
    PrintedTooMuch,
    Refused,
    Seen,
    TimedOut,
    Trial,
    Unavailable,
)
from grader.marking.check import Check
from grader.marking.judge import judge
from grader.marking.rubric import Rubric
from grader.records import Blocked, Judged, Parts, Student, SubmittedFile, Unjudged, message


@pytest.fixture
def accuracy_only(lab_rubric):
    return Rubric(tuple(line for line in lab_rubric.lines if line.criterion.check == "measured_accuracy"), "r")


@pytest.fixture
def finding(accuracy_only, evidence):
    def of(outcome):
        (found,) = judge(evidence(failed={Accuracy: outcome}), accuracy_only)
        return found

    return of


def test_a_refusal_blocks_with_its_sentence_and_its_details(finding):
    found = finding(Refused("code", message("{file} is empty", file="final.pth"), ("a: missing", "b: missing")))
    assert isinstance(found, Blocked)
    assert found.cause.english() == "final.pth is empty"
    assert found.exhibits[0].lines == ("a: missing", "b: missing")


def test_a_refusal_without_details_shows_none(finding):
    assert finding(Refused("code", message("no"))).exhibits == ()


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (Unavailable(message("CIFAR-10 is not here: run `grade data fetch`")), "run `grade data fetch`"),
        (Crashed("Traceback\nValueError: {x}"), "says nothing about the student"),
        (TimedOut(600.0), "more than 600 seconds; grade again with a longer --time-limit"),
        (OutOfMemory(4000), "more than 4,000 MB of memory; grade again with a larger --memory"),
        (PrintedTooMuch(8_000_000), "printed more than 8,000,000 bytes"),
        (Malformed("the answer is not {JSON}"), "discarded: the answer is not {JSON}"),
    ],
    ids=lambda value: getattr(value, "outcome", ""),
)
def test_a_fault_of_ours_is_unjudged_never_zero(finding, outcome, said):
    found = finding(outcome)
    assert isinstance(found, Unjudged)
    assert said in found.fault.english()


def test_a_crash_shows_its_last_lines_and_no_more(finding):
    listing = finding(Crashed("\n".join(map(str, range(100))))).exhibits[0]
    assert listing.lines == tuple(map(str, range(80, 100)))


def test_what_was_never_collected_is_unjudged(accuracy_only, evidence):
    (found,) = judge(evidence(), accuracy_only)
    assert isinstance(found, Unjudged)
    assert "measured_accuracy was not looked at" in found.fault.english()


def test_a_check_that_fails_is_unjudged_and_the_others_are_judged(lab_rubric, evidence, scores):
    def broken(case):
        raise KeyError("{oops}")

    lines = tuple(
        replace(line, check=replace(line.check, judge=broken)) if line.criterion.check == "measured_accuracy" else line
        for line in lab_rubric.lines
    )
    found = judge(evidence(Layout((), Parts()), scores(1, 2), History("h", (Epoch(0),))), Rubric(lines, "r"))
    states = {item.check: item.state for item in found}
    expected = {"submission_layout": "judged", "measured_accuracy": "unjudged", "training_history": "judged"}
    assert {name: states[name] for name in expected} == expected
    (unjudged,) = (item for item in found if isinstance(item, Unjudged) and item.check == "measured_accuracy")
    assert "(KeyError: '{oops}'); please report it" in unjudged.fault.english()


def test_a_record_under_another_name_cannot_stop_the_judging(accuracy_only, evidence):
    wrong = Evidence(Student("Ada"), "d", "a", (("accuracy", Seen(Layout((), Parts()))),))
    (found,) = judge(wrong, accuracy_only)
    assert isinstance(found, Unjudged)


def test_findings_follow_the_order_of_the_rubric(lab_rubric, evidence):
    backwards = Rubric(lab_rubric.lines[::-1], "r")
    assert [found.check for found in judge(evidence(), backwards)] == [line.check.name for line in backwards.lines]
    assert all(isinstance(line.check, Check) for line in backwards.lines)


# --- properties ------------------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)  # no file holds half a surrogate pair
shares = st.floats(0, 1)
numbers = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False))
messages = st.builds(lambda value: message("it is {value}", value=value), texts | st.integers(-(2**53), 2**53) | shares)
triples = st.tuples(*[st.floats(-10, 10)] * 3)
preprocessings = st.builds(
    Preprocessing, triples, triples, st.integers(0, 512), st.integers(0, 512), st.sampled_from([1.0, 255.0]),
    st.booleans(), texts, st.integers(0, 999), st.lists(texts, max_size=2).map(tuple),
)  # fmt: skip


@st.composite
def scored(draw):
    count = draw(st.integers(1, 40))
    table = [[draw(st.integers(0, 5)) for _ in range(2)] for _ in range(2)]
    right = draw(st.integers(0, count))
    bins = (Bin(count, draw(shares), right),)
    return Accuracy("few", ("cat", "dog"), right, count, tuple(map(tuple, table)), bins, draw(st.integers(0, 3)))


layouts = st.builds(
    Layout,
    st.lists(st.builds(SubmittedFile, texts, st.integers(0, 10**9)), max_size=3).map(tuple),
    st.builds(Parts, dataset=st.lists(texts, max_size=1).map(tuple)),
)
histories = st.builds(
    History,
    texts,
    st.lists(
        st.builds(Epoch, st.integers(-(10**9), 10**9), numbers, numbers, numbers, numbers, numbers), max_size=6
    ).map(tuple),
    st.integers(0, 5),
    st.booleans(),
)
counts = st.integers(0, 50)
candidates = st.builds(Candidate, texts, preprocessings, counts, counts, counts, counts)
trials = st.builds(Trial, texts, preprocessings, st.integers(0, 50), st.integers(50, 60))
claims = st.lists(st.builds(Claim, shares, texts, st.integers(0, 9), texts), max_size=3).map(tuple)
words = st.lists(texts, max_size=2).map(tuple)
records = {
    "layout": layouts,
    "history": histories,
    "accuracy": scored(),
    "claims": st.builds(Claims, claims, words),
    "preprocessing_choice": st.builds(
        PreprocessingChoice, st.lists(candidates, min_size=1, max_size=3).map(tuple), st.integers(50, 60)
    ),
    "diagnosis": st.builds(Diagnosis, st.lists(trials, min_size=1, max_size=3).map(tuple)),
    "preprocessing": preprocessings,
    "checkpoint": st.builds(
        Checkpoint, texts, st.sampled_from(["state dict", "whole module"]), texts, texts, st.integers(0, 99), words,
        words, words, words,
    ),
    "measurement": st.builds(
        Measurement, texts, texts, texts, texts, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9),
        st.floats(0, 99), texts, texts,
    ),
}  # fmt: skip
failures = st.one_of(
    st.builds(Refused, st.text(max_size=8), messages, words),
    st.builds(Crashed, texts),
    st.builds(TimedOut, st.floats(1, 1e4)),
    st.builds(OutOfMemory, st.integers(0, 10**6)),
    st.builds(Malformed, texts),
    st.builds(Unavailable, messages),
)


@st.composite
def evidences(draw):
    seen = [(kind, draw(st.one_of(st.builds(Seen, record), failures))) for kind, record in records.items()]
    kept = tuple(pair for pair in seen if draw(st.booleans()))
    return Evidence(Student(draw(texts)), draw(texts), draw(texts), kept, tuple(draw(st.lists(messages, max_size=2))))


@given(evidences())
def test_evidence_comes_back_from_its_file_as_it_was(found):
    assert EVIDENCE.validate_json(EVIDENCE.dump_json(found)) == found


@given(found=evidences())
def test_judging_stored_evidence_again_gives_the_same_findings(lab_rubric, found):
    first = judge(found, lab_rubric)
    assert judge(EVIDENCE.validate_json(EVIDENCE.dump_json(found)), lab_rubric) == first
    assert [item.check for item in first] == [line.check.name for line in lab_rubric.lines]


@given(found=evidences())
def test_no_evidence_makes_a_check_of_ours_fail(lab_rubric, found):
    for item in judge(found, lab_rubric):
        assert not (isinstance(item, Unjudged) and "please report it" in item.fault.english())
        assert not isinstance(item, Judged) or item.verdict.message.english()
