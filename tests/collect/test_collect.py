"""A submission to evidence: which file is looked at, what comes back, and what is never trusted."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import reference
from fixtures import DEMO_SUBMISSION
from grader.collect import Equipment, collect
from grader.collect.choosing import options, try_each
from grader.collect.normalisations import alternatives, template
from grader.dataset import ImageSet
from grader.evidence import (
    EVIDENCE,
    Accuracy,
    Checkpoint,
    Claims,
    Crashed,
    Diagnosis,
    Evidence,
    Failure,
    GivenWeights,
    History,
    Layout,
    Malformed,
    Measurement,
    Preprocessing,
    PreprocessingChoice,
    Refused,
    Seen,
    StartingPoint,
    TimedOut,
    Unavailable,
)
from grader.evidence.wording import phrase, said
from grader.intake import Archive, open_submission
from grader.measures.doubts import doubt
from grader.records import Message, Student, message
from grader.sandbox import Job, Reply
from reference.models import resnet20

NORMALIZE = "t = T.Normalize({mean}, {std})"


@pytest.fixture(scope="session")
def weights() -> bytes:
    return (DEMO_SUBMISSION / "final.pth").read_bytes()


@pytest.fixture
def look(few_images: ImageSet, files_sandbox: Any, tmp_path: Path) -> Callable[..., Evidence]:
    """Collect the evidence of a folder with these files; student code is not run."""

    def at(
        files: dict[str, bytes | str],
        images: ImageSet | Message = few_images,
        sandbox: Any = None,
        choose: bool = True,
    ) -> Evidence:
        folder = tmp_path / "handed-in"
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        folder.mkdir(exist_ok=True)
        submission = open_submission(Archive(folder, Student("Ada Ng")), tmp_path / "unpacked")
        equipment = Equipment(images, sandbox or files_sandbox, "cpu", 2, choose_preprocessing=choose)
        return collect(submission, equipment, lambda step: None)

    return at


def saved(state: Any) -> bytes:
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()


def predictions(weights: bytes, images: ImageSet, split: str, used: Preprocessing | None = None) -> np.ndarray:
    """What a plain float32 loop of torch answers."""
    used = used or template()
    net = resnet20().eval()
    state = torch.load(io.BytesIO(weights), map_location="cpu", weights_only=True)["net"]
    net.load_state_dict({key: value.float() if value.is_floating_point() else value for key, value in state.items()})
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (used.mean, used.std))
    answers = []
    with torch.no_grad():
        for batch in torch.from_numpy(np.array(images.images(split))).split(64):
            x = torch.stack([(image.float() / used.scale - mean) / std for image in batch])
            answers.append(net(x).argmax(dim=1))
    return torch.cat(answers).numpy()


# --- the weights -----------------------------------------------------------------------------------------------


def test_the_scores_are_those_of_a_plain_float32_loop_to_the_image(look, weights, few_images):
    found = look({"final.pth": weights})
    truth, answers = few_images.labels("test"), predictions(weights, few_images, "test")
    scores = found.seen(Accuracy)
    confusion = np.zeros((10, 10), dtype=int)
    np.add.at(confusion, (truth, answers), 1)
    assert [list(row) for row in scores.confusion] == confusion.tolist()
    assert (scores.correct, scores.count) == (int((truth == answers).sum()), 200)
    assert scores.correct > 160
    assert scores.dataset == "few"
    measured = found.seen(Measurement)
    assert (measured.device, measured.dataset_digest, measured.side) == ("cpu", few_images.digest, 32)
    assert len(measured.logits_digest) == 64
    assert found.seen(Checkpoint).network == "resnet20, shortcut A"
    assert found.seen(Checkpoint).path == "final.pth"


def test_each_of_the_surest_mistakes_comes_with_its_own_image(look, weights, few_images):
    found = look({"final.pth": weights})
    mistakes = found.seen(Accuracy).surest_mistakes
    assert mistakes
    for mistake in mistakes:
        picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(mistake.picture.data))))
        assert (picture == few_images.images("test")[mistake.image].transpose(1, 2, 0)).all()
        assert mistake.truth == few_images.classes[few_images.labels("test")[mistake.image]] != mistake.answer
    assert EVIDENCE.validate_json(EVIDENCE.dump_json(found)) == found


def test_the_normalisation_of_the_code_is_the_one_measured_with(look, weights, few_images):
    halves = replace(template(), mean=(0.5,) * 3, std=(0.5,) * 3)
    found = look({"final.pth": weights, "exp2.py": NORMALIZE.format(mean=halves.mean, std=halves.std)})
    assert found.seen(Preprocessing).source == "exp2.py"
    right = predictions(weights, few_images, "test", halves) == few_images.labels("test")
    assert found.seen(Accuracy).correct == int(right.sum())


def test_without_weights_the_student_is_told_and_all_else_is_seen(look):
    found = look({"exp2.py": "x = 1", "history.json": '[{"test_accuracy": 50.0}]'})
    for kind in (Accuracy, Checkpoint, Measurement):
        outcome = found.observation(kind)
        assert isinstance(outcome, Refused)
        assert "final.pth is missing. exp2.py writes it" in outcome.message.english()
    assert found.seen(History) and found.seen(Layout) and found.seen(Preprocessing) == template()


def test_weights_of_another_name_are_named(look, weights):
    outcome = look({"model_best.pth": weights, "exp2.py": "x"}).observation(Accuracy)
    assert isinstance(outcome, Refused)
    assert "final.pth is missing; model_best.pth is there. Rename" in outcome.message.english()


def test_two_final_weights_need_a_human_and_neither_is_guessed(look, weights):
    outcome = look({"a/final.pth": weights, "b/final.pth": weights, "a/exp1.py": "x"}).observation(Accuracy)
    assert isinstance(outcome, Unavailable)
    sentence = outcome.message.english()
    assert sentence.startswith("there are 2 files named final.pth (")
    assert "a/final.pth, b/final.pth" in sentence


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty (0 bytes)"),
        (b"<!DOCTYPE html><html>Please log in</html>", "is a web page"),
        (b"PK\x03\x04 cut off", "is cut off"),
        (saved({"net": {"x": torch.tensor([1.0])}}), "fit none of the networks"),
        (saved(resnet20("A").state_dict() | {"linear.weight": torch.zeros(100, 64), "linear.bias": torch.zeros(100)}),
         "has 100 outputs, and this lab has 10 classes"),
        (saved(resnet20("A").state_dict() | {"linear.bias": torch.full((10,), torch.nan)}),
         "10 values that are NaN or infinite: training diverged"),
    ],
)  # fmt: skip
def test_weights_that_cannot_be_used_are_refused_with_what_to_do(look, content, said):
    found = look({"final.pth": content, "history.json": '[{"test_accuracy": 50.0}]'})
    outcome = found.observation(Accuracy)
    assert isinstance(outcome, Refused), outcome
    assert said in outcome.message.english()
    assert "final.pth" in outcome.message.english()
    assert found.seen(History) is not None


def test_without_images_the_weights_are_still_read(look, weights):
    found = look({"final.pth": weights}, images=message("CIFAR-10 is not here: run `grade data fetch`"))
    assert found.seen(Checkpoint).network == "resnet20, shortcut A"
    assert isinstance(found.observation(Accuracy), Unavailable)
    assert found.observation(Accuracy).message.text.endswith("run `grade data fetch`")


# --- claims and history ----------------------------------------------------------------------------------------


def test_every_claim_is_told_with_its_source(look, weights):
    history = json.dumps([{"test_accuracy": accuracy} for accuracy in (60.0, 93.0, 92.0)])
    report = "The test accuracy is 94.00%."
    notebook = json.dumps({"cells": [{"outputs": [{"text": "test acc: 95.00%"}]}]})
    state = torch.load(io.BytesIO(weights), weights_only=True)
    found = look(
        {"final.pth": saved({**state, "acc": 91.5}), "history.json": history, "report.md": report, "a.ipynb": notebook}
    )
    claims = [(claim.source, round(claim.accuracy, 4)) for claim in found.seen(Claims).claims]
    assert claims == [
        ("final.pth", 0.915),
        ("history.json", 0.93),
        ("history.json", 0.92),
        ("a.ipynb, cell 1", 0.95),
        ("report.md", 0.94),
    ]


def test_a_checkpoints_own_accuracy_may_be_a_fraction(look, weights):
    state = torch.load(io.BytesIO(weights), weights_only=True)
    (claim,) = look({"final.pth": saved({**state, "acc": 0.915})}).seen(Claims).claims
    assert claim.accuracy == 0.915


def test_history_values_that_are_no_percentages_are_no_claims(look):
    found = look({"history.json": '[{"test_accuracy": 8454.0}, {"test_accuracy": -3.0}]', "exp1.py": "x"})
    assert found.seen(Claims).claims == ()


def test_a_missing_history_is_the_students_to_hand_in(look):
    outcome = look({"exp1.py": "x"}).observation(History)
    assert isinstance(outcome, Refused)
    assert outcome.message.english().startswith("history.json is missing. exp2.py writes it")


def test_a_history_that_is_no_json_is_refused_with_its_line(look):
    outcome = look({"history.json": '{"epochs": [\n{"epoch": 0,}\n]}', "exp1.py": "x"}).observation(History)
    assert isinstance(outcome, Refused)
    assert "history.json is not JSON (line 2)" in outcome.message.english()


# --- diagnosis -------------------------------------------------------------------------------------------------


def test_weights_that_do_as_well_as_claimed_are_not_tried_again(look, weights):
    assert look({"final.pth": weights}).seen(Diagnosis) is None


def test_a_claim_far_above_is_tried_on_training_images(look, weights, few_images):
    diagnosis = look({"final.pth": weights, "report.md": "The test accuracy is 99.90%."}).seen(Diagnosis)
    graded = diagnosis.trials[0]
    right = predictions(weights, few_images, "train") == few_images.labels("train")
    assert (graded.name, graded.count, graded.correct) == (phrase("as_graded"), 150, int(right.sum()))
    assert {trial.name.code for trial in diagnosis.trials[1:]} == set(alternatives()) - {"template_normalisation"}


WRONG = (2.0, 2.0, 2.0), (0.1, 0.1, 0.1)


def test_weights_measured_with_a_wrong_normalisation_lead_to_the_right_one(look, weights):
    code = NORMALIZE.format(mean=WRONG[0], std=WRONG[1])
    found = look({"final.pth": weights, "exp2.py": code})
    scores, diagnosis = found.seen(Accuracy), found.seen(Diagnosis)
    assert scores.correct / scores.count < 0.5
    best = max(diagnosis.trials, key=lambda trial: trial.correct)
    assert best.name.code in ("template_normalisation", "old_deviation")
    assert best.correct / best.count > 0.8


# --- a preprocessing that the code leaves open ------------------------------------------------------------------

HALVES = replace(template(), mean=(0.5,) * 3, std=(0.5,) * 3)
UNDECIDED = """import sys
from torchvision import datasets, transforms

wide = sys.argv[1] == "wide"
scale = transforms.Normalize({0}, {1}) if wide else transforms.Normalize({2}, {3})
test_set = datasets.CIFAR10("data", False, transforms.Compose([transforms.ToTensor(), scale]))
"""


def test_what_the_code_leaves_open_is_chosen_on_training_images(look, weights, few_images):
    found = look({"final.pth": weights, "exp2.py": UNDECIDED.format(*WRONG, template().mean, template().std)})
    choice, used = found.seen(PreprocessingChoice), found.seen(Preprocessing)
    assert (used.mean, used.std, used.source, used.line) == (template().mean, template().std, "exp2.py", 5)
    right = predictions(weights, few_images, "train") == few_images.labels("train")
    kept = next(one for one in choice.candidates if one.preprocessing.mean == template().mean)
    assert (choice.count, kept.correct, kept.only_this) == (150, int(right.sum()), 0)
    assert found.seen(Accuracy).correct == int(
        (predictions(weights, few_images, "test") == few_images.labels("test")).sum()
    )
    assert EVIDENCE.validate_json(EVIDENCE.dump_json(found)) == found


def test_a_normalisation_that_cannot_be_read_is_measured_with_the_usual_ones(look, weights, few_images):
    code = "from mine import normalise\nt = CIFAR10('.', train=False, transform=Compose([ToTensor(), normalise()]))"
    found = look({"final.pth": weights, "exp2.py": code})
    names = [one.name.code for one in found.seen(PreprocessingChoice).candidates]
    assert names == list(alternatives())
    assert found.seen(Preprocessing).mean == template().mean
    assert found.seen(Accuracy).correct > 160


def test_what_the_code_says_for_certain_is_not_measured_against_others(look, weights):
    code = NORMALIZE.format(mean=HALVES.mean, std=HALVES.std)
    assert look({"final.pth": weights, "exp2.py": code}).seen(PreprocessingChoice) is None


def test_what_names_alone_say_is_measured_against_the_others(look, weights):
    lines = "train_tf = T.Normalize({}, {})\ntest_tf = T.Normalize({}, {})".format(
        template().mean, template().std, *WRONG
    )
    found = look({"final.pth": weights, "exp2.py": lines})
    first, *_ = found.seen(PreprocessingChoice).candidates
    assert (first.preprocessing.mean, first.preprocessing.line) == (WRONG[0], 2)
    assert (found.seen(Preprocessing).mean, found.seen(Preprocessing).line) == (template().mean, 1)


def test_test_images_take_no_part_in_the_choice(look, few_images):
    fake = Fake(answered(GOOD))
    found = look({"final.pth": b"x"}, sandbox=fake)
    first, second = (job for job in fake.jobs if job.probe == CHECKPOINT)
    assert [first.files["images"], second.files["images"]] == [
        few_images.images_file("train"),
        few_images.images_file("test"),
    ]
    assert found.seen(PreprocessingChoice).count == 150


def test_where_the_machine_fails_while_normalisations_are_tried_that_is_said(look):
    full = Unavailable(message("this machine ran out of memory"))
    found = look({"final.pth": b"x"}, sandbox=Fake({**SILENT, CHECKPOINT: full}))
    assert found.observation(PreprocessingChoice) == full


def test_no_normalisation_is_chosen_among_some_where_the_machine_fails_at_one():
    full = Unavailable(message("this machine ran out of memory"))
    tried = options(())[:2]
    answers = iter((Reply({}, {"logits": np.eye(10, dtype=np.float32)}), full))
    assert try_each(tried, lambda used: next(answers), np.arange(10, dtype=np.uint8)) == full


def test_a_choice_that_is_forbidden_is_not_tried(look, weights):
    found = look({"final.pth": weights, "exp2.py": UNDECIDED.format(*WRONG, *WRONG[:1], (0.2,) * 3)}, choose=False)
    assert found.seen(PreprocessingChoice) is None
    assert (found.seen(Preprocessing).mean, found.seen(Preprocessing).source) == (template().mean, "")
    assert len(found.seen(Preprocessing).also_found) == 2


def test_a_diagnosis_repeats_no_trial_of_the_choice(look, weights):
    found = look({"final.pth": weights, "exp2.py": "x = 1", "report.md": "The test accuracy is 99.90%."})
    choice, diagnosis = found.seen(PreprocessingChoice), found.seen(Diagnosis)
    assert diagnosis.trials[0].name == phrase("as_graded")
    assert sorted(one.correct for one in diagnosis.trials) == sorted(one.correct for one in choice.candidates)


# --- weights beside those of a known network -------------------------------------------------------------------


def beside(weights: bytes, **more: torch.Tensor) -> bytes:
    state = torch.load(io.BytesIO(weights), weights_only=True)["net"]
    return saved({**state, **{key.replace("__", "."): value for key, value in more.items()}})


def test_a_head_that_only_training_used_costs_nothing(look, weights):
    found = look({"final.pth": beside(weights, aux__w=torch.ones(3))})
    assert found.seen(Checkpoint).spare_weights == ("aux.w",)
    assert found.seen(Accuracy).correct > 160
    assert doubt(found) is None


def test_where_the_accuracy_is_below_the_claim_the_weights_left_aside_need_a_human(look, weights):
    content = beside(weights, attention__weight=torch.ones(64, 64))
    found = look({"final.pth": content, "report.md": "The test accuracy is 99.90%."})
    assert found.seen(Accuracy) is not None
    sentence = doubt(found).english()
    assert "resnet20, shortcut A does not have (attention.weight). Measured without them" in sentence


def test_where_the_normalisation_explains_the_accuracy_the_weights_left_aside_do_not(look, weights):
    code = NORMALIZE.format(mean=WRONG[0], std=WRONG[1])
    found = look({"final.pth": beside(weights, aux__w=torch.ones(3)), "exp2.py": code})
    assert found.seen(Accuracy).correct < 100
    assert doubt(found) is None


# --- what a child says is never trusted ------------------------------------------------------------------------


@dataclass
class Fake:
    """A sandbox that answers as told, with logits of the agreed shape, and keeps what it was asked."""

    answers: dict[str, dict[str, Any] | Failure]
    logit: float = 0.0
    name: str = "fake"
    isolated: bool = True
    jobs: list[Job] = field(default_factory=list)

    def run(self, job: Job) -> Reply | Failure:
        self.jobs.append(job)
        answer = self.answers.get(job.probe, Crashed("nobody answered"))
        arrays = {name: np.full(spec.shape, self.logit, spec.dtype) for name, spec in job.arrays.items()}
        return Reply(answer, arrays) if isinstance(answer, dict) else answer

    def for_code(self, submission: Path) -> None:
        return None


PREPROCESSING, HISTORY = "documents.normalisation.read_preprocessing", "documents.history.read_history"
CLAIMS, CHECKPOINT = "documents.claims.read_claims", "weights.checkpoint.run_checkpoint"
TASKS, REPORT = "documents.tasks.read_tasks", "documents.report_text.read_report"
SILENT = {
    PREPROCESSING: {"found": False},
    CLAIMS: {"claims": [], "unread": []},
    HISTORY: {"source": "h", "epochs": []},
}
FIELDS = {
    "path": "", "form": "state dict", "wrapper": "", "network": "resnet20", "parameters": 1, "dtypes": [],
    "extra_keys": [], "renamed": [], "unloaded": [],
}  # fmt: skip
RAN = {
    "torch": "2", "device": "cpu", "device_name": "", "precision": "float32", "batch_size": 1, "side": 32,
    "second_looks": 0, "seconds": 0.1,
}  # fmt: skip


def answered(value: dict[str, Any]) -> dict[str, dict[str, Any] | Failure]:
    return {**SILENT, CHECKPOINT: value}


GOOD = {"checkpoint": FIELDS, "claim": None, "measurements": [RAN]}


def test_no_job_carries_labels_or_the_rubric(look, weights, few_images):
    fake = Fake(answered(GOOD))
    look({"final.pth": weights, "exp2.py": "x", "history.json": "[]", "report.md": "x"}, sandbox=fake)
    assert {TASKS, PREPROCESSING, HISTORY, CLAIMS, CHECKPOINT, REPORT} <= {job.probe for job in fake.jobs}
    for job in fake.jobs:
        told = json.dumps(job.request())
        assert "labels" not in told and "correct" not in told
        assert all("labels" not in path.name and path.suffix != ".toml" for path in job.files.values())


def test_what_a_child_calls_its_file_is_replaced_by_what_it_is(look):
    found = look({"final.pth": b"x"}, sandbox=Fake(answered({**GOOD, "checkpoint": {**FIELDS, "path": "../../etc"}})))
    assert found.seen(Checkpoint).path == "final.pth"


def test_digests_are_computed_outside_whatever_the_child_says(look, few_images):
    lying = {**RAN, "logits_digest": "0" * 64, "dataset_digest": "forged"}
    found = look({"final.pth": b"x"}, sandbox=Fake(answered({**GOOD, "measurements": [lying]})))
    assert found.seen(Measurement).dataset_digest == few_images.digest
    assert found.seen(Measurement).logits_digest != "0" * 64


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"checkpoint": "all right", "measurements": "yes"},
        {"checkpoint": {**FIELDS, "score": 100}, "measurements": [RAN]},
        {"checkpoint": {**FIELDS, "network": "x" * 1000}, "measurements": [[]]},
        {"checkpoint": {**FIELDS, "parameters": -1}, "measurements": []},
    ],
)
def test_a_malformed_description_is_thrown_away_and_the_scores_stand(look, value):
    found = look({"final.pth": b"x"}, sandbox=Fake(answered(value)))
    assert isinstance(found.observation(Checkpoint), Malformed)
    assert found.seen(Accuracy).count == 200


@pytest.mark.parametrize("claim", [["acc", "99"], ["acc", 101], ["acc", -1], ["acc", True], "99", ["acc", 5, 6], {}, 7])
def test_a_malformed_claim_is_none(look, claim):
    found = look({"final.pth": b"x"}, sandbox=Fake(answered({**GOOD, "claim": claim})))
    assert found.seen(Claims).claims == ()


def test_logits_without_a_finite_number_score_nothing(look):
    certain = {PREPROCESSING: {"mean": template().mean, "std": template().std}}
    fake = Fake({**answered(GOOD), **certain}, logit=np.nan)
    scores = look({"final.pth": b"x"}, sandbox=fake).seen(Accuracy)
    assert (scores.correct, scores.not_finite, scores.count) == (0, 200, 200)
    assert [job.probe for job in fake.jobs].count(CHECKPOINT) == 1  # other normalisations mend nothing


@pytest.mark.parametrize("probe", [PREPROCESSING, HISTORY, CLAIMS, CHECKPOINT])
def test_one_probe_that_fails_leaves_the_others(look, probe):
    kind = {PREPROCESSING: Preprocessing, HISTORY: History, CLAIMS: Claims, CHECKPOINT: Checkpoint}
    fake = Fake({**answered(GOOD), probe: TimedOut(60.0)})
    found = look({"final.pth": b"x", "history.json": "[]"}, sandbox=fake)
    assert found.observation(kind.pop(probe)) == TimedOut(60.0)
    left = [record for record in kind.values() if record is not Checkpoint or probe != PREPROCESSING]
    assert all(found.seen(record) is not None for record in left)


def test_documents_that_cannot_be_read_hide_no_claim_of_the_history(look):
    history = {"source": "history.json", "epochs": [{"epoch": 0, "test_accuracy": 99.0}]}
    fake = Fake({**answered(GOOD), HISTORY: history, CLAIMS: TimedOut(60.0)})
    claims = look({"final.pth": b"x", "history.json": "[]"}, sandbox=fake).seen(Claims)
    assert [claim.accuracy for claim in claims.claims] == [0.99]
    assert [said(one).english() for one in claims.unread] == ["any document (timed out)"]


def test_more_documents_than_anybody_hands_in_are_not_all_opened(look):
    fake = Fake(answered(GOOD))
    look({f"{number}.py": "x" for number in range(100)}, sandbox=fake)
    (job,) = (job for job in fake.jobs if job.probe == PREPROCESSING)
    assert len(job.files) == 40


# --- other networks --------------------------------------------------------------------------------------------


def test_a_plain_sequential_of_the_students_own_is_measured(look, few_images):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 10)).eval()
    found = look({"final.pth": saved(net)})
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (template().mean, template().std))
    with torch.no_grad():
        x = (torch.from_numpy(np.array(few_images.images("test"))).float() / 255 - mean) / std
        right = net(x).argmax(dim=1).numpy() == few_images.labels("test")
    assert found.seen(Accuracy).correct == int(right.sum())
    assert found.seen(Checkpoint).network == "nn.Sequential of 5 layers"


# --- the weights to start from ---------------------------------------------------------------------------------

GIVEN = Path(reference.__file__).parent / "handout" / "pretrain_model.pth"


def test_the_given_weights_are_compared_with_the_labs_file_and_with_every_copy(look):
    found = look({"final.pth": GIVEN.read_bytes(), "sub/PRETRAIN_MODEL.pth": GIVEN.read_bytes()}).seen(GivenWeights)
    assert found == GivenWeights(
        "final.pth",
        (StartingPoint("pretrain_model.pth", True, True, 0.0),
         StartingPoint("sub/PRETRAIN_MODEL.pth", False, True, 0.0)),
    )  # fmt: skip


def test_weights_that_were_trained_further_have_a_distance(look, weights):
    (start,) = look({"final.pth": weights}).seen(GivenWeights).compared
    assert (start.of_the_lab, start.same) == (True, False)
    assert start.distance > 1


def test_without_weights_there_is_nothing_to_compare(look):
    assert look({"exp2.py": "x = 1"}).seen(GivenWeights) == GivenWeights("", ())


# --- the template, unfinished ----------------------------------------------------------------------------------

OPEN = 'def test(model):\n    raise NotImplementedError("2.1: mean loss")\n'


def test_the_template_as_it_was_given_is_refused_by_its_tasks(look):
    given = {"exp1.py": 'raise NotImplementedError("1.1: steps")', "exp2.py": OPEN, "README.md": "over 70 %"}
    found = look({**given, "pretrain_model.pth": b"w"})
    outcome = found.observation(Layout)
    assert isinstance(outcome, Refused)
    assert outcome.message.english() == (
        "No script of the template is finished; not done: 1.1, 2.1. Start with task 1.1: steps (exp1.py, line 1)."
    )
    claims = found.seen(Claims)
    assert claims is not None
    assert claims.claims == (), "what our own README says is no claim of the student's"


def test_results_that_exp2_cannot_have_written_yet_are_missing_because_of_its_task(look):
    found = look({"exp1.py": "x", "exp2.py": OPEN})
    for record, file in ((Accuracy, "final.pth"), (History, "history.json")):
        outcome = found.observation(record)
        assert isinstance(outcome, Refused)
        said = f"{file} is missing, and task 2.1 is not done: mean loss (exp2.py, line 2). Finish it, then run exp2.py"
        assert outcome.message.english().startswith(said)
    assert isinstance(found.observation(Layout), Seen), "exp1.py is done"


def test_weights_are_measured_whatever_is_open(look, weights):
    assert look({"exp2.py": OPEN, "final.pth": weights}).seen(Accuracy) is not None


def test_a_part_of_the_images_is_measured_where_that_is_asked_for(few_images, shared_sandbox, weights, tmp_path):
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "final.pth").write_bytes(weights)
    submission = open_submission(Archive(tmp_path / "lab", Student("Ada")), tmp_path / "into")
    found = collect(submission, Equipment(few_images, shared_sandbox, part=50), lambda step: None)
    scores = found.seen(Accuracy)
    assert (scores.count, scores.whole) == (50, 200)
