"""What staff are told beside the marks, and what they are not bothered with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grader.collect.normalisations import template
from grader.evidence import (
    Accuracy,
    Agreement,
    Candidate,
    Checkpoint,
    Claim,
    Claims,
    ComparedQuery,
    ComparedRankings,
    ComparedRun,
    Diagnosis,
    Generalisation,
    GivenWeights,
    Layout,
    Malformed,
    Match,
    OwnNetwork,
    Preprocessing,
    PreprocessingChoice,
    StartingPoint,
    Trial,
    kind_of,
)
from grader.evidence.wording import phrase
from grader.marking.flags import raise_flags
from grader.records import Parts, SubmittedFile, message


def claimed(*accuracies: float) -> Claims:
    return Claims(tuple(Claim(accuracy, "report.pdf, page 2", 0, "...") for accuracy in accuracies))


def checkpoint(form: str, *unloaded: str) -> Checkpoint:
    return Checkpoint("final.pth", form, "", "resnet20, shortcut A", 1, ("float32",), (), (), unloaded)


@pytest.fixture
def flags(evidence):
    return lambda *records, **failed: {
        flag.kind: flag.message.english() for flag in raise_flags(evidence(*records, **failed))
    }


def test_an_honest_submission_raises_none(flags, scores):
    assert flags(scores(8000, 10_000), claimed(0.80, 0.845), template(), checkpoint("state dict")) == {}


def test_nothing_measured_raises_none(flags):
    assert flags(claimed(0.99)) == {}


def test_a_claim_far_above_the_measurement_is_told_with_both_figures(flags, scores):
    found = flags(scores(8000, 10_000), claimed(0.70, 0.95))
    assert found == {"claim above measurement": "report.pdf, page 2 claims 95.00%; measured: 80.00%."}


def test_a_claim_that_the_training_set_explains_is_told_so(flags, scores):
    found = flags(
        scores(8000, 10_000), claimed(0.999), Diagnosis((Trial(phrase("as_graded"), template(), 1996, 2000),))
    )
    assert set(found) == {"claim fits the training set"}
    assert "on test images: 80.00%, on training images: 99.80%" in found["claim fits the training set"]


def test_a_whole_module_of_the_students_own_class_is_told(flags):
    found = flags(checkpoint("whole module", "models.ResNet"))
    assert "models.ResNet" in found["own class"]


def test_where_another_normalisation_does_better_a_claim_is_no_sign_of_the_training_set(flags, scores):
    trials = Trial(phrase("as_graded"), template(), 1800, 2000), Trial(phrase("halves"), template(), 1990, 2000)
    found = flags(scores(8000, 10_000), claimed(0.91), Diagnosis(trials))
    assert found == {
        "claim above measurement": "report.pdf, page 2 claims 91.00%; measured: 80.00%. The normalisation may be the"
        " reason: with mean and standard"
        " deviation 0.5, the same weights classify 99.50% of the training images correctly."
    }


@pytest.mark.parametrize("found", [("whole module", "torchvision.models.resnet.ResNet"), ("state dict", "argparse.X")])
def test_known_classes_and_leftovers_in_a_state_dict_are_not_told(flags, found):
    assert flags(checkpoint(*found)) == {}


def test_weights_that_were_left_aside_are_told(flags):
    aside = replace(checkpoint("state dict"), extra_keys=("aux.w", "total_ops"), spare_weights=("aux.w",))
    assert flags(aside) == {
        "more weights": "final.pth contains weights that resnet20, shortcut A does not have (aux.w); they were ignored."
    }


def test_the_given_weights_are_told(flags):
    found = GivenWeights("final.pth", (StartingPoint("pretrain_model.pth", True, True, 0.0),))
    assert flags(found) == {
        "given weights": "final.pth contains exactly the weights that students are given, pretrain_model.pth of the"
        " template: they were not trained any further."
    }


def test_a_copy_in_the_submission_may_have_been_overwritten(flags):
    found = GivenWeights("final.pth", (StartingPoint("lab/pretrain_model.pth", False, True, 0.0),))
    assert "If it was not overwritten" in flags(found)["given weights"]


def test_weights_that_only_hardly_moved_raise_no_flag(flags):
    assert flags(GivenWeights("final.pth", (StartingPoint("pretrain_model.pth", True, False, 0.0001),))) == {}


def test_code_that_normalises_in_several_ways_is_told(flags):
    used = Preprocessing((0.5,) * 3, (0.5,) * 3, source="exp2.py", line=9, also_found=("exp2.py, line 3: ...",))
    assert flags(used) == {"several normalisations": "The code normalises in several ways; exp2.py, line 9 was used."}


def test_a_normalisation_that_was_not_read_is_told(flags):
    used = Preprocessing(template().mean, template().std, also_found=("exp2.py, line 3: Normalize(m, s)",))
    assert flags(used) == {
        "unread normalisation": "The code's own normalisation cannot be read without running it (exp2.py, line 3:"
        " Normalize(m, s)); the"
        " template's was used."
    }


def test_a_choice_by_measurement_is_told_where_it_is_not_clear(flags):
    def chosen(worse: int) -> PreprocessingChoice:
        first = Candidate(phrase("halves"), template(), worse, 900 - worse, 0, 500)
        return PreprocessingChoice(
            (first, Candidate(phrase("template_normalisation"), template(), 900, 0, 0, 1000)), 1000
        )

    used = Preprocessing(template().mean, template().std, also_found=("exp2.py, line 3: Normalize(m, s)",))
    assert flags(used, chosen(300)) == {}
    assert "no normalisation is better" in flags(used, chosen(897))["unread normalisation"]


def test_an_answer_that_was_thrown_away_is_told(flags):
    found = flags(failed={Accuracy: Malformed("the answer continues after its end")})
    assert found["malformed answer"].endswith("the answer continues after its end.")


def test_an_answer_about_a_second_network_that_was_thrown_away_is_told_too(evidence):
    thrown = ((kind_of(Accuracy), Malformed("the answer continues after its end")),)
    both = replace(evidence(), network="cnn", networks=(("resnet", thrown),))
    assert [flag.kind for flag in raise_flags(both)] == ["malformed answer"]


OWN = OwnNetwork("Net", "models.py", 7)


def test_a_network_of_the_submissions_own_is_told(flags, scores):
    found = flags(OWN, scores(7600, 10_000), Generalisation(1, 1000, 700, 760, 2000, 1990))
    assert found == {
        "own network": "The network is the submission's own: Net in models.py, line 7. The accuracy was measured with"
        " that code."
    }


def test_a_network_that_knows_only_the_very_images_is_told_with_all_figures(flags, scores):
    found = flags(scores(9130, 10_000), checkpoint("whole module"), Generalisation(1, 1000, 370, 917, 2000, 580))
    assert found["look-up table?"].startswith(
        "The network in final.pth classifies 91.3% of all test images correctly, 29.0% of 2,000 training images, and"
        " 37.0% of 1,000 mirrored and slightly shifted test images, 91.7% of the same before that."
    )


def test_so_is_an_own_network_by_its_name_and_evidence_without_training_images(flags, scores):
    found = flags(OWN, scores(9000, 10_000), Generalisation(1, 1000, 700, 900))
    assert found["look-up table?"].startswith(
        "Net in models.py, line 7, classifies 90.0% of 1,000 test images correctly, but 70.0% of the same images"
        " mirrored and shifted by at most two pixels."
    )


def test_a_table_of_all_images_is_told_with_its_figures_on_hard_images(flags, scores):
    everywhere = Generalisation(1, 400, 364, 364, 800, 728, hard=798, correct_hard=726)
    found = flags(scores(9100, 10_000), checkpoint("whole module"), everywhere)
    assert found["look-up table?"].startswith(
        "The network in final.pth is right on 91.0% of the 798 test images that the reference network gets wrong, and"
        " on 91.0% of the others. For honest networks those images are clearly harder"
    )


def test_a_table_that_both_comparisons_tell_has_one_flag_with_all_figures(flags, scores):
    table = Generalisation(1, 1000, 370, 917, 2000, 580, hard=798, correct_hard=726)
    found = flags(scores(9100, 10_000), checkpoint("whole module"), table)["look-up table?"]
    assert "37.0% of 1,000 mirrored" in found
    assert "right on 91.0% of the 798 test images" in found


def test_that_flag_asks_a_person_to_mark_the_accuracy_and_no_other_one_does(evidence, scores):
    table = Generalisation(1, 1000, 370, 917, 2000, 580)
    raised = raise_flags(evidence(OWN, scores(9130, 10_000), claimed(0.99), table))
    assert {flag.kind: flag.asks_about for flag in raised} == {
        "claim above measurement": "", "own network": "", "look-up table?": "measured_accuracy",
    }  # fmt: skip


def test_an_own_class_that_was_run_is_not_told_to_have_been_left_out(flags):
    assert set(flags(OWN, checkpoint("whole module", "models.Net"))) == {"own network"}


def ranked(basis: str, error: float, why: str = "") -> ComparedRankings:
    matches = tuple(Match(f"library/cat/{n}.png", 0.9) for n in range(5))
    five, four = Agreement(5, 5, 5), Agreement(4, 4, 4)
    query = ComparedQuery("queries/cat.png", "cat", matches, matches, five, five, four, 0.0, (error,) * 5)
    because = message(why) if why else None
    run = ComparedRun("alexnet", "random", "cosine", basis, "", (query,) * 10, error, 0.5, why_not=because)
    return ComparedRankings((run,))


def test_rankings_that_nearly_agree_are_for_a_person_to_look_at(flags):
    assert flags(ranked("images", 0.0)) == {}
    assert "alexnet are close" in flags(ranked("images", 0.2))["ranking nearly agrees"]
    assert flags(ranked("images", 2.0)) == {}  # plainly wrong: the finding says so


def test_rankings_that_could_not_be_computed_anew_are_for_a_person_to_mark(flags):
    told = flags(ranked("report", 0.0, "the weights are not here."))
    assert told == {
        "ranking not computed anew": "Nobody has verified the rankings of alexnet. Look at the images and the report,"
        " ask the student, then mark this criterion: until then its points are not final. Only the report itself was"
        " checked: the weights are not here."
    }


RECOMPUTED = ranked("images", 0.0).runs[0]
ALONE = ranked("report", 0.0, "no network has this name.").runs[0]
LEVEL = replace(RECOMPUTED, queries=tuple(replace(query, spread=0.0) for query in RECOMPUTED.queries))
OTHER, THIRD = replace(RECOMPUTED, model="resnet50"), replace(ALONE, model="vgg16")


@pytest.mark.parametrize(
    ("runs", "asked"),
    [
        ((RECOMPUTED, OTHER), False),
        ((RECOMPUTED, OTHER, THIRD), False),
        ((LEVEL, OTHER, replace(RECOMPUTED, model="resnet101")), False),
        ((replace(ALONE, ours=True),), False),
        ((ALONE,), True),
        ((RECOMPUTED, THIRD), True),
        ((RECOMPUTED, replace(RECOMPUTED, model="AlexNet"), THIRD), True),
        ((LEVEL, OTHER), True),
    ],
    ids=[
        "all recomputed", "a third network alone", "a third network undecided", "weights that the grader lacks",
        "the report alone", "one of two alone", "one network under two names", "any order would fit",
    ],
)  # fmt: skip
def test_a_person_marks_rankings_whose_points_nobody_can_verify(evidence, lab_rubric, runs, asked):
    raised = {flag.asks_about for flag in raise_flags(evidence(ComparedRankings(runs)))} - {""}
    assert raised == ({"retrieval_ranking"} if asked else set())
    assert raised <= {line.criterion.check for line in lab_rubric.lines}


def test_weights_that_the_grader_lacks_are_told_without_asking_for_the_points(flags):
    told = flags(ComparedRankings((replace(ALONE, ours=True),)))
    assert told == {
        "ranking not computed anew": "The rankings of alexnet were checked only against the report itself: no network"
        " has this name."
    }


def handed_in(*paths: str) -> Layout:
    return Layout(tuple(SubmittedFile(path, 10) for path in paths), Parts())


@pytest.mark.parametrize("path", ["torch.py", "numpy/__init__.py", "sitecustomize.py", "PIL/Image.py"])
def test_a_file_with_the_name_of_a_package_is_told(flags, path):
    assert path in flags(handed_in("exp2.py", path))["shadowed module"]


@pytest.mark.parametrize(
    "path", ["exp2.py", "models.py", "library/torch/1.png", "torch", "notes/torch.py", "torch_utils.py"]
)
def test_names_that_shadow_nothing_are_not(flags, path):
    assert flags(handed_in(path)) == {}


def test_a_claim_that_was_read_without_certainty_raises_no_flag(flags, scores):
    unsure = Claims((Claim(0.95, "report.md", 2, "...", certain=False), Claim(0.80, "report.md", 4, "...")))
    assert flags(scores(8000, 10_000), unsure) == {}
