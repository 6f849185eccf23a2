"""What rests on a file that was left out gets no mark before a person has looked; what is not there says why."""

import pytest

from grader.evidence import Accuracy, Evaluation, History, Layout, Refused, RetrievalImages, WrittenReport
from grader.marking.judge import judge
from grader.marking.mark import mark
from grader.marking.rubric import Line, Rubric
from grader.records import Blocked, Criterion, LeftOut, MadeBy, Manual, Parts, SubmittedFile, Unjudged, message

MISSING = Refused("missing", message("it is missing"))


def left_out(path, state="unread"):
    return LeftOut(path, message("{entry} is damaged.", entry=path), state)


@pytest.fixture
def found(lab_rubric, evidence):
    """Judge one criterion on a layout of these files and of what was left out."""

    def judged(check, outcome, *gone, files=(), seen=()):
        layout = Layout(tuple(SubmittedFile(path, 1) for path in files), Parts(), gone)
        lines = tuple(line for line in lab_rubric.lines if line.criterion.check == check)
        observed = evidence(layout, *seen, failed=outcome)
        return judge(observed, Rubric(lines, "r"))[0]

    return judged


def test_a_refusal_about_an_unread_checkpoint_is_for_a_person(found):
    finding = found("measured_accuracy", {Accuracy: MISSING}, left_out("final.pth"))
    assert isinstance(finding, Unjudged)
    assert finding.fault.english() == "final.pth is damaged."


def test_a_link_in_place_of_a_file_is_named_as_the_reason(found):
    finding = found("measured_accuracy", {Accuracy: MISSING}, left_out("final.pth", "absent"))
    assert isinstance(finding, Blocked)
    assert (finding.cause.english(), finding.code) == ("final.pth is damaged.", "missing")


def test_a_link_does_not_explain_another_refusal(found):
    refusal = Refused("empty", message("it is empty"))
    finding = found("measured_accuracy", {Accuracy: refusal}, left_out("old/final.pth", "absent"))
    assert finding.cause.english() == "it is empty"


def test_what_was_left_out_deeper_than_a_file_of_that_name_does_not_matter(found):
    finding = found("training_history", {History: MISSING}, left_out("old/history.json"), files=["history.json"])
    assert finding.cause.english() == "it is missing"


def test_what_was_left_out_nearer_than_a_file_of_that_name_does(found):
    finding = found("training_history", {History: MISSING}, left_out("history.json"), files=["old/history.json"])
    assert isinstance(finding, Unjudged)


def test_a_module_that_a_script_may_need_keeps_its_refusal_from_counting(found):
    refusal = Refused("code_package", message("it needs helper"))
    finding = found("evaluation", {Evaluation: refusal}, left_out("helper.py"), files=["exp2.py"])
    assert isinstance(finding, Unjudged)
    assert finding.fault.english() == "This may rest on something that was left out: helper.py is damaged."


def test_another_script_of_the_lab_does_not(found):
    refusal = Refused("code_raised", message("it raised"))
    finding = found("evaluation", {Evaluation: refusal}, left_out("exp1.py"), files=["exp2.py"])
    assert isinstance(finding, Blocked)


@pytest.mark.parametrize("code", ["network", "none_fits"])
def test_weights_of_an_unknown_network_may_need_a_script(found, code):
    finding = found("measured_accuracy", {Accuracy: Refused(code, message("unknown"))}, left_out("nets.py"))
    assert isinstance(finding, Unjudged)


def test_weights_that_are_a_web_page_need_none(found):
    finding = found("measured_accuracy", {Accuracy: Refused("html", message("a page"))}, left_out("nets.py"))
    assert isinstance(finding, Blocked)


@pytest.mark.parametrize(
    ("gone", "files", "state"),
    [("exp2.py", [], "unjudged"), ("old/exp2.py", ["exp2.py"], "judged"), ("exp1.py", ["exp2.py"], "judged")],
)
def test_an_accuracy_short_of_full_points_may_be_that_of_another_normalisation(found, scores, gone, files, state):
    seen = (scores(8_000, 10_000),)
    assert found("measured_accuracy", {}, left_out(gone), files=files, seen=seen).state == state


def test_a_library_that_is_small_for_want_of_a_picture_is_for_a_person(found):
    finding = found("retrieval_library", {RetrievalImages: MISSING}, left_out("library/cat/1.jpg"))
    assert isinstance(finding, Unjudged)


def test_a_file_without_a_name_concerns_no_criterion(found):
    finding = found("retrieval_library", {RetrievalImages: MISSING}, left_out(""))
    assert finding.cause.english() == "it is missing"


def test_a_linked_library_is_named_as_the_reason(found):
    finding = found("retrieval_library", {RetrievalImages: MISSING}, left_out("library", "absent"))
    assert finding.cause.english() == "library is damaged."


def test_a_person_who_marks_the_report_reads_why_it_is_not_there(evidence):
    observed = evidence(Layout((), Parts(), (left_out("report.pdf"),)), failed={WrittenReport: MISSING})
    by_hand = Rubric((Line(Criterion("discussion", "The discussion", 5.0), None, None),), "r")
    (finding,) = judge(observed, by_hand)
    assert isinstance(finding, Manual)
    assert "report.pdf is damaged." in finding.ask.english()


def test_a_required_file_that_was_left_out_is_not_missing(found):
    finding = found("submission_layout", {}, left_out("lab/report.pdf"))
    assert isinstance(finding, Unjudged)
    assert finding.fault.english() == "lab/report.pdf is damaged."
    assert message("left out") in [found for _, found in finding.exhibits[0].rows]


def test_a_required_file_that_is_a_link_is_missing_and_the_hint_says_why(found):
    verdict = found("submission_layout", {}, left_out("final.pth", "absent")).verdict
    hints = [hint.english() for hint in verdict.hints]
    assert "final.pth is damaged." in hints
    assert "Add final.pth." not in hints


def test_a_grade_with_an_unread_file_needs_a_human_and_keeps_the_other_points(lab_rubric, evidence):
    layout = Layout((SubmittedFile("exp2.py", 1),), Parts(), (left_out("history.json"),))
    grade = mark(evidence(layout, failed={History: MISSING, Accuracy: MISSING}), lab_rubric, MadeBy("1", "3"))
    states = {one.criterion.check: one.finding.state for one in grade.marks}
    assert (states["training_history"], states["measured_accuracy"]) == ("unjudged", "blocked")
    assert grade.needs_human
