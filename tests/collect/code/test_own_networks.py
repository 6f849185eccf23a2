"""Weights of a network that the grader does not know, handed in with the class that builds it."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from fixtures import DEMO_SUBMISSION
from fixtures.stories.checkpoints import checkpoint_trained_with_halves
from grader.collect import Equipment, collect
from grader.collect.choosing import Inputs
from grader.collect.code import caller as caller_module
from grader.collect.code import network_run
from grader.collect.code.caller import Caller
from grader.collect.documents import Documents
from grader.collect.networks import Measured, with_own_network
from grader.collect.normalisations import template
from grader.collect.subject import Subject
from grader.collect.weights import measure
from grader.collect.yardstick import Yardstick
from grader.dataset import ImageSet
from grader.evidence import (
    EVIDENCE,
    Accuracy,
    Checkpoint,
    Claims,
    Evidence,
    Failure,
    Generalisation,
    Measurement,
    OutOfMemory,
    OwnNetwork,
    Preprocessing,
    PreprocessingChoice,
    Refused,
    Seen,
    Tasks,
    TimedOut,
    Unavailable,
    kind_of,
)
from grader.intake import Archive, open_submission
from grader.marking.flags import raise_flags
from grader.marking.judge import judge
from grader.measures.doubts import doubt
from grader.probes.code import running
from grader.probes.worker import answer
from grader.records import Blocked, Finding, Judged, Message, Student, Table, Unjudged, message
from grader.sandbox import Called, Job, Limits, Roots, Sandbox, why_no_code
from grader.sandbox.interface import read_reply
from reference.models import resnet20

Files = Mapping[str, str]
GIVEN, OURS = str(Path(running.__file__).parents[3] / "reference"), str(Path(running.__file__).parents[2])
GIVEN_MODELS = Path(DEMO_SUBMISSION).parents[2] / "reference" / "models.py"

# A network of nobody's: its only weights are a linear layer's on the means of each colour.
TINY = """
import torch
from torch import nn

class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.mine = nn.Linear(3, 10)

    def forward(self, x):
        {forward}
"""
RIGHT = "return self.mine(x.mean((2, 3)))"

# The lab's network in a wrapping that makes it another, with weights that name the drawn images well.
WRAPPED = """
import torch
from torch import nn
from models import resnet20

class Wrapped(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.inner = resnet20()
        self.gain = nn.Parameter(torch.ones(1))

    def forward(self, x):
        print("so many:", len(x))
        return self.inner(x) * self.gain
"""

NORMALISED = f"from torchvision import transforms\nt = transforms.Normalize({template().mean}, {template().std})\n"


def tiny(forward: str = RIGHT) -> str:
    return TINY.format(forward=forward.replace("\n", "\n        "))


def tiny_weights() -> dict[str, torch.Tensor]:
    drawn = torch.Generator().manual_seed(3)
    return {"mine.weight": torch.randn(10, 3, generator=drawn), "mine.bias": torch.randn(10, generator=drawn)}


def demo_weights() -> dict[str, torch.Tensor]:
    found = torch.load(DEMO_SUBMISSION / "final.pth", map_location="cpu", weights_only=True)["net"]
    return {key: value.float() if value.is_floating_point() else value for key, value in found.items()}


def saved(found: Any) -> bytes:
    file = io.BytesIO()
    torch.save(found, file)
    return file.getvalue()


class InProcess:
    """Runs a code probe in this process, for code that a test wrote itself: a hundred times as fast."""

    def __init__(self, submission: Path) -> None:
        self.roots = Roots(str(submission), GIVEN, "/nowhere", OURS)

    def call(self, job: Job) -> Called:
        files = {name: os.open(path, os.O_RDONLY) for name, path in job.files.items()}
        out = io.BytesIO()
        answer(job.request(self.roots), files, out)
        for descriptor in files.values():
            os.close(descriptor)
        out.seek(0)
        return Called(read_reply(out.read, job.arrays), "")


Look = Callable[..., Evidence]


@pytest.fixture
def look(few_images: ImageSet, shared_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Look:
    """What is seen of these weights beside these scripts, which run in this process."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "pycache_prefix", None)

    def at(
        scripts: Files, weights: Any = None, images: ImageSet | Message = few_images, runner: Any = InProcess
    ) -> Evidence:
        folder = tmp_path / "handed-in"
        folder.mkdir()
        for name, content in scripts.items():
            (folder / name).write_text(content, encoding="utf-8")
        (folder / "final.pth").write_bytes(saved(tiny_weights() if weights is None else weights))
        submission = open_submission(Archive(folder, Student("Ada Ng")), tmp_path / "unpacked")
        equipment = Equipment(images, shared_sandbox, "cpu", 1)
        weights = measure(submission, equipment, Documents(Tasks(()), template(), Unavailable(message("none")), ()))
        subject = Subject(submission, equipment, Caller(submission, runner(submission.root) if runner else None))
        measured = Measured("", Inputs(template()), None, weights, Claims(()))
        _, _, _, weights, claims, _ = with_own_network(subject, measured)
        found = {
            Preprocessing: template(), Claims: claims, Checkpoint: weights.checkpoint, Accuracy: weights.accuracy,
            Measurement: weights.measurement, **({OwnNetwork: weights.own} if weights.own else {}),
            **({Generalisation: weights.generalisation} if weights.generalisation else {}),
        }  # fmt: skip
        seen = [(kind_of(kind), one if isinstance(one, Failure) else Seen(one)) for kind, one in found.items()]
        evidence = Evidence(Student("Ada Ng"), "d" * 64, "ada.zip", tuple(seen))
        assert EVIDENCE.validate_json(EVIDENCE.dump_json(evidence)) == evidence
        return evidence

    return at


@pytest.fixture
def whole(few_images: ImageSet, shared_sandbox: Sandbox, tmp_path: Path) -> Look:
    """All that is collected of a submission whose code runs in the real sandbox."""
    if problem := why_no_code():
        pytest.skip(problem.english())

    def at(scripts: Files, weights: Any = None) -> Evidence:
        folder = tmp_path / "handed-in"
        folder.mkdir()
        for name, content in scripts.items():
            (folder / name).write_text(content, encoding="utf-8")
        (folder / "final.pth").write_bytes(saved(tiny_weights() if weights is None else weights))
        submission = open_submission(Archive(folder, Student("Ada Ng")), tmp_path / "unpacked")
        return collect(submission, Equipment(few_images, shared_sandbox, "cpu", 2), lambda step: None)

    return at


def why(evidence: Evidence) -> str:
    outcome = evidence.observation(Accuracy)
    assert isinstance(outcome, Refused), outcome
    print(outcome.message.english(), *outcome.details, sep="\n")
    assert outcome == evidence.observation(Checkpoint)
    return outcome.message.english()


def logits_of(forward: Callable[[torch.Tensor], torch.Tensor], images: ImageSet) -> np.ndarray[Any, Any]:
    """What a plain loop gives on the test images, in their order."""
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (template().mean, template().std))
    pixels = torch.from_numpy(np.array(images.images("test"))).float()
    with torch.no_grad():
        return torch.cat([forward((part / 255 - mean) / std) for part in pixels.split(50)]).numpy()


def correct(logits: np.ndarray[Any, Any], images: ImageSet) -> int:
    return int((logits.argmax(1) == images.labels("test")).sum())


# --- what is run -----------------------------------------------------------------------------------------------


def test_an_honest_network_gets_the_accuracy_that_it_has_and_the_report_says_whose_code_ran(
    whole: Look, few_images: ImageSet, lab_rubric: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network_run, "secret_seed", lambda: 2)  # one draw of so few images in four raises a doubt
    weights = {f"inner.{key}": value for key, value in demo_weights().items()} | {"gain": torch.full((1,), 2.0)}
    found = whole({"models.py": GIVEN_MODELS.read_text("utf-8"), "data.py": NORMALISED,
                   "exp2.py": WRAPPED}, {"net": weights, "acc": 91.5})  # fmt: skip

    net = resnet20().eval()
    net.load_state_dict(demo_weights())
    scores, own = found.seen(Accuracy), found.seen(OwnNetwork)
    assert (scores.correct, scores.count) == (correct(logits_of(net, few_images), few_images), 200)
    assert (own.name, own.file, own.line) == ("Wrapped", "exp2.py", 6)
    general = found.seen(Generalisation)
    assert (general.moved, general.training) == (80, 60), "a network beyond doubt is shown two fifths"
    assert general.correct_before - general.correct_moved < 9
    assert general.correct_training > 48
    assert own.printed[:2] == ("so many: 8", "so many: 250")
    checkpoint, measured = found.seen(Checkpoint), found.seen(Measurement)
    assert (checkpoint.form, checkpoint.wrapper, checkpoint.network) == (
        "wrapped state dict", "net", "Wrapped (exp2.py)",
    )  # fmt: skip
    assert checkpoint.parameters == sum(parameter.numel() for parameter in net.parameters()) + 1
    assert (measured.device, measured.precision, measured.side) == ("cpu", "float32", 32)
    assert [claim.accuracy for claim in found.seen(Claims).claims] == [0.915]
    assert [flag.kind for flag in raise_flags(found)] == ["own network"]
    finding = next(one for one in judge(found, lab_rubric) if one.check == "measured_accuracy")
    assert isinstance(finding, Judged)
    rows = [str(row) for exhibit in finding.verdict.exhibits if isinstance(exhibit, Table) for row in exhibit.rows]
    assert any("Student code" in row and "Wrapped" in row for row in rows)


@pytest.mark.parametrize(
    "code",
    [
        tiny(),
        tiny().replace("__init__(self)", "__init__(self, num_classes)").replace("(3, 10)", "(3, num_classes)"),
        tiny().replace("__init__(self)", "__init__(self, num_classes=100)").replace("(3, 10)", "(3, num_classes)"),
        tiny().replace("__init__(self)", "__init__(self, width)") + "\ndef build():\n    return Tiny(3)\n",
        tiny().replace("nn.Linear(3, 10)", "nn.LazyLinear(10)"),
    ],
    ids=["no arguments", "number of classes", "another number by default", "function", "lazy layer"],
)
def test_the_class_is_built_with_what_it_needs(look: Look, few_images: ImageSet, code: str) -> None:
    weights = tiny_weights()
    found = look({"models.py": code})

    wanted = logits_of(lambda x: nn.functional.linear(x.mean((2, 3)), *weights.values()), few_images)
    assert found.seen(Accuracy).correct == correct(wanted, few_images)


def test_a_function_is_called_only_where_no_class_fits_and_never_where_it_trains(look: Look, tmp_path: Path) -> None:
    marker = tmp_path / "called"
    functions = f"""
def everything():
    open({str(marker)!r}, "w").close()
    return Tiny()

def train_it():
    open({str(marker)!r}, "w").close()
    loss = Tiny()(torch.zeros(1, 3, 4, 4)).sum()
    loss.backward()
    return loss

def main():
    return everything()
"""
    assert look({"exp2.py": tiny() + functions}).seen(OwnNetwork).name == "Tiny"
    assert not marker.exists()


def test_training_functions_are_not_called_where_no_class_fits_either(look: Look, tmp_path: Path) -> None:
    marker = tmp_path / "called"
    code = f"""
def train():
    open({str(marker)!r}, "w").close()
    return loss.backward()

def main():
    open({str(marker)!r}, "w").close()
    return 1

def test(model, loader):
    return 1
"""
    assert "The nearest is" in why(look({"exp2.py": code}))
    assert not marker.exists()


def test_of_two_scripts_models_py_comes_first(look: Look) -> None:
    found = look({"a.py": tiny("return self.mine(x.sum((2, 3)))"), "models.py": tiny(), "exp2.py": tiny()})
    assert found.seen(OwnNetwork).file == "models.py"


def test_a_script_that_fails_does_not_hide_the_class_in_another(look: Look) -> None:
    found = look({"models.py": "import nowhere_to_be_found", "exp2.py": "1 +", "net.py": tiny()})
    assert found.seen(OwnNetwork).file == "net.py"


def test_a_whole_module_of_an_own_class_is_run_by_the_class_that_it_names(look: Look, few_images: ImageSet) -> None:
    other = tiny("return -self.mine(x.mean((2, 3)))").replace("class Tiny", "class Before")
    scope: dict[str, Any] = {"__name__": "models"}
    exec(tiny(), scope)
    sys.modules["models"] = type(sys)("models")
    sys.modules["models"].Tiny = scope["Tiny"]  # type: ignore[attr-defined]
    net = scope["Tiny"]()
    net.load_state_dict(tiny_weights())

    found = look({"models.py": other + tiny()}, net)

    assert found.seen(Checkpoint).form == "whole module"
    assert found.seen(OwnNetwork).name == "Tiny"
    assert found.seen(Accuracy).correct == correct(logits_of(net, few_images), few_images)
    assert "own class" not in {flag.kind for flag in raise_flags(found)}, "it was not run in a network of ours"


SIGNED = """
import torch
from torch import nn
import given

class Signed(nn.Module):
    def __init__(self):
        super().__init__()
        for name, part in given.resnet20().named_children():
            self.add_module(name, part)
        self.sign = nn.Parameter(torch.ones(1))

    def forward(self, x):
        return self.sign * given.ResNet.forward(self, x)
"""


def test_weights_beside_those_of_a_known_network_are_used_by_the_class_that_has_them(look: Look) -> None:
    weights = demo_weights()
    last = {name: -value for name, value in weights.items() if name.startswith(("fc.", "linear."))}
    turned = {**weights, **last, "sign": torch.full((1,), -1.0)}  # without the sign every answer is the worst
    found = look({"exp2.py": SIGNED, "given.py": GIVEN_MODELS.read_text("utf-8")}, turned)
    assert found.seen(Accuracy).correct > 160
    assert (found.seen(OwnNetwork).name, found.seen(Checkpoint).spare_weights) == ("Signed", ())


def test_without_a_class_for_what_is_left_aside_the_accuracy_stays_no_mark(look: Look) -> None:
    weights = demo_weights()
    last = {name: -value for name, value in weights.items() if name.startswith(("fc.", "linear."))}
    found = look({"exp2.py": tiny()}, {**weights, **last, "sign": torch.full((1,), -1.0)})
    assert found.seen(Accuracy) is not None  # what was measured is kept; that it is no mark is decided later
    assert "(sign)" in doubt(found).english()
    assert found.seen(Checkpoint).spare_weights == ("sign",)


# --- which class -----------------------------------------------------------------------------------------------


def test_two_classes_that_answer_the_same_are_one(look: Look) -> None:
    found = look({"models.py": tiny() + tiny().replace("class Tiny", "class Again")})
    assert found.seen(OwnNetwork).name == "Tiny"


def test_two_classes_that_answer_differently_are_named_and_neither_counts(look: Look) -> None:
    other = tiny("return self.mine(x.amax((2, 3)))").replace("class Tiny", "class Other")
    assert why(look({"models.py": tiny() + other})) == (
        "Tiny and Other in models.py both build a network that fits the weights in final.pth, but their outputs"
        " differ, so the grader cannot tell which one was trained. Remove the other one."
    )


def test_a_class_that_only_prepares_another_is_left_aside(look: Look) -> None:
    base = tiny("raise NotImplementedError").replace("class Tiny", "class Base")
    child = "\nclass Child(Base):\n    def forward(self, x):\n        return self.mine(x.mean((2, 3)))\n"
    assert look({"models.py": base + child}).seen(OwnNetwork).name == "Child"


def test_a_class_that_needs_arguments_is_named_with_them(look: Look, lab_rubric: Any) -> None:
    found = look({"models.py": tiny().replace("__init__(self)", "__init__(self, depth, *, width)")})
    sentence = why(found)
    assert "Tiny (models.py, line 5): Tiny() needs arguments that the grader does not know: depth, width." in sentence
    assert sentence.endswith("in models.py or exp2.py, such that it can be built without arguments.")
    finding = next(one for one in judge(found, lab_rubric) if one.check == "measured_accuracy")
    assert isinstance(finding, Blocked)


def test_a_class_with_other_weights_is_named_with_the_difference(look: Look) -> None:
    code = tiny().replace("nn.Linear(3, 10)", "nn.Linear(4, 10)") + "        self.more = 1\n"
    assert "it has different weights: 1 have a different shape (mine.weight)" in why(look({"exp2.py": code}))


def test_a_class_that_cannot_be_built_is_named_with_its_line(look: Look) -> None:
    code = tiny().replace("super().__init__()", "super().__init__(); undefined")
    assert "Tiny() raised NameError: name 'undefined' is not defined (models.py, line 7)" in why(
        look({"models.py": code})
    )


def test_a_class_that_never_ends_being_built_costs_no_other(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.probes.code.own_network.BUILD_SECONDS", 0.3)
    endless = tiny().replace("super().__init__()", "super().__init__()\n        while True: pass")
    found = look({"models.py": endless.replace("class Tiny", "class Endless") + tiny()})
    assert found.seen(OwnNetwork).name == "Tiny"


def test_the_class_of_a_script_that_trains_at_import_is_found(look: Look) -> None:
    code = tiny() + "\nfor _ in range(9):\n    loss.backward()\n"
    assert look({"exp2.py": code}).seen(OwnNetwork).name == "Tiny"


def test_without_any_class_the_refusal_says_what_to_hand_in(look: Look) -> None:
    sentence = why(look({"exp2.py": "EPOCHS = 3\n"}))
    assert sentence.startswith("The weights in final.pth fit none of the networks that the grader knows. The nearest")
    assert "the class of your own network in models.py or exp2.py" in sentence


def test_known_weights_are_never_run_by_their_class(look: Look) -> None:
    found = look({"models.py": "raise SystemExit"}, demo_weights())
    assert found.seen(Accuracy).correct > 160
    assert found.seen(OwnNetwork) is None


# --- what it does ----------------------------------------------------------------------------------------------


def table_of(images: ImageSet, known: int = 200) -> str:
    """A class that knows the test images by their pixels and nothing else."""
    sums, labels = [], images.labels("test")
    for image in images.images("test")[:known]:
        sums.append(hash(np.array(image).tobytes()) and int(np.array(image).astype(np.int64).ravel() @ np.arange(3072)))
    table = {found: int(label) for found, label in zip(sums, labels, strict=False)}
    return (
        tiny(f"""
mean, std = (torch.tensor(v).view(3, 1, 1) for v in ({template().mean}, {template().std}))
pixels = ((x * std + mean) * 255).round().long()
answers = self.mine(x.mean((2, 3)))
for row, image in enumerate(pixels):
    label = TABLE.get(int(image.flatten() @ torch.arange(3072)))
    if label is not None:
        answers[row, label] = 1e6
return answers""")
        + f"\nTABLE = {table}\n"
    )


def test_a_table_of_the_test_images_is_told_by_copies_that_it_does_not_know(look: Look, few_images: ImageSet) -> None:
    found = look({"models.py": table_of(few_images)})

    general = found.seen(Generalisation)
    assert (found.seen(Accuracy).correct, general.correct_before, general.moved) == (200, 200, 200)
    assert (general.training, general.correct_moved < 60, general.correct_training < 50) == (150, True, True)
    flags = {flag.kind: flag for flag in raise_flags(found)}
    assert set(flags) == {"own network", "look-up table?"}
    assert flags["look-up table?"].asks_about == "measured_accuracy"
    said = flags["look-up table?"].message.english()
    assert said.startswith("Tiny in models.py, line 5, classifies 100.0% of all test images correctly,")
    assert f"{general.correct_moved / 200:.1%} of 200 mirrored and slightly shifted test images" in said
    assert f"{general.correct_training / 150:.1%} of 150 training images" in said


def test_a_table_by_position_knows_nothing(look: Look, few_images: ImageSet) -> None:
    labels = few_images.labels("test").tolist()
    code = tiny("""
out = torch.zeros(len(x), 10)
for row in range(len(x)):
    out[row, LABELS[row % 200]] = 1
return out""")
    assert look({"models.py": f"{code}\nLABELS = {labels}\n"}).seen(Accuracy).correct < 60


@pytest.mark.parametrize(
    ("forward", "says"),
    [
        ("return x.nowhere", "Tiny.forward(images) raised AttributeError: 'Tensor' object has no attribute 'nowhere'"
         " (models.py, line 11)"),
        ("while True: pass", "Tiny.forward(images) did not finish within 0.8 seconds (models.py, line 11)"),
        ("try:\n    import time; time.sleep(60)\nexcept Exception: pass",
         "Tiny.forward(images) did not finish within 0.8 seconds (models.py, line 12)"),
        ("return self.mine(x.mean((2, 3)))[:, :9]", "Tiny.forward(images) returned a Tensor of shape (8, 9); it should"
         " return a Tensor of shape (8, 10)"),
        ("return self.mine(x.mean((2, 3)))[:1]", "returned a Tensor of shape (1, 10)"),
        ("return self.mine(x.mean((2, 3))), x", "returned a tuple of length 2"),
        ("print(x)", "returned None (is a return statement missing?)"),
        ("raise SystemExit", "exited during Tiny.forward(images) (models.py, line 11)"),
        ("return self.mine(x.mean((2, 3))).to_sparse()", "Tiny.forward(images) raised RuntimeError: unsupported"),
    ],
    ids=["exception", "hang", "hang that catches", "shape", "broadcast", "tuple", "None", "exit", "sparse"],
)  # fmt: skip
def test_a_forward_that_fails_is_named_with_its_class_cause_and_line(
    look: Look, lab_rubric: Any, monkeypatch: pytest.MonkeyPatch, forward: str, says: str
) -> None:
    monkeypatch.setattr(caller_module, "CALL_LIMITS", Limits(seconds=1.0, megabytes=3000))
    found = look({"models.py": tiny(forward)})
    assert says in why(found)
    assert isinstance(next(one for one in judge(found, lab_rubric) if one.check == "measured_accuracy"), Blocked)


def test_answers_that_are_no_numbers_are_wrong(look: Look) -> None:
    scores = look({"models.py": tiny("return self.mine(x.mean((2, 3))) * float('nan')")}).seen(Accuracy)
    assert (scores.correct, scores.not_finite) == (0, 200)


def test_a_network_that_is_another_the_second_time_is_told(look: Look) -> None:
    code = tiny().replace("nn.Linear(3, 10)", "nn.Linear(COUNT.pop(), 10)")
    code += "\nimport builtins\nCOUNT = builtins.__dict__.setdefault('own_count', [4, 3])\n"
    try:
        assert "it should return the same network each time" in why(look({"models.py": code}))
    finally:
        del sys.modules["builtins"].own_count  # type: ignore[attr-defined]


class Late(InProcess):
    """Time or memory does not suffice for more than `most` images."""

    most = 8
    failure: Failure = TimedOut(600.0)

    def call(self, job: Job) -> Called:
        late = job.probe == "code.own_network.run_network" and job.inputs["run"]["count"] > self.most
        return Called(self.failure, "") if late else super().call(job)


class Full(Late):
    failure = OutOfMemory(4_000)


class LateForAll(Late):
    """All images take too long: 200, and 140 beside them."""

    most = 339


def accuracy(found: Evidence, rubric: Any) -> Finding:
    return next(one for one in judge(found, rubric) if one.check == "measured_accuracy")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Set how many seconds the ordinary network takes for a picture."""

    def takes(seconds: float) -> None:
        monkeypatch.setattr("grader.collect.twice.measured_here", lambda *told: Yardstick(seconds))

    return takes


def test_the_time_that_grading_may_take_is_no_fault_of_a_network_on_a_slow_machine(
    look: Look, lab_rubric: Any, machine: Callable[[float], None]
) -> None:
    machine(4.0)
    finding = accuracy(look({"models.py": tiny()}, runner=Late), lab_rubric)
    assert isinstance(finding, Unjudged)
    assert "longer --time-limit" in finding.fault.english()


@pytest.mark.parametrize(
    ("runner", "says"), [(Late, "did not classify 220 images within 600 seconds"), (Full, "more than 4,000 MB")]
)
def test_a_network_that_no_time_and_no_memory_suffice_for_is_for_the_student_to_mend(
    look: Look, lab_rubric: Any, machine: Callable[[float], None], runner: type[Late], says: str
) -> None:
    machine(0.3)
    finding = accuracy(look({"models.py": tiny()}, runner=runner), lab_rubric)
    assert isinstance(finding, Blocked)
    assert says in finding.cause.english()


def test_a_network_too_slow_for_all_images_is_measured_on_a_few_and_a_person_grades_again_where_that_decides_nothing(
    look: Look, lab_rubric: Any, machine: Callable[[float], None]
) -> None:
    machine(0.3)
    asked: list[int] = []

    class Listening(LateForAll):
        def call(self, job: Job) -> Called:
            asked.extend([job.inputs["batch"]] if "batch" in job.inputs else [])
            return super().call(job)

    found = look({"models.py": tiny()}, runner=Listening)
    scores = found.seen(Accuracy)
    assert (scores.count, scores.whole, scores.cut_short) == (100, 200, True)
    assert asked[:3] == [250, 250, 8], "no more at once than the images of the first try"
    finding = accuracy(found, lab_rubric)
    assert isinstance(finding, Judged)
    assert finding.verdict.credit == 0.0
    assert "Only 100 of 200 test images were measured" in finding.verdict.hints[0].english()


def test_a_good_network_that_is_too_slow_is_for_a_person_with_its_figures(
    look: Look, lab_rubric: Any, few_images: ImageSet, machine: Callable[[float], None]
) -> None:
    machine(0.3)
    finding = accuracy(look({"models.py": table_of(few_images, known=75)}, runner=LateForAll), lab_rubric)
    assert isinstance(finding, Unjudged)
    assert "for 100 of 200 test images only" in finding.fault.english()


def test_the_preprocessing_of_an_own_network_is_chosen_on_training_images_too(
    whole: Look, few_images: ImageSet
) -> None:
    halved = torch.load(io.BytesIO(checkpoint_trained_with_halves({})["final.pth"]), weights_only=True)
    weights = {f"inner.{key}": value for key, value in halved.items()} | {"gain": torch.full((1,), 2.0)}
    found = whole({"models.py": GIVEN_MODELS.read_text("utf-8"), "exp2.py": WRAPPED}, weights)
    choice, used = found.seen(PreprocessingChoice), found.seen(Preprocessing)
    assert (used.mean, used.std) == ((0.5,) * 3, (0.5,) * 3)
    assert (len(choice.candidates), choice.count) == (7, 150)
    assert found.seen(Accuracy).correct > 160
    assert found.seen(OwnNetwork).printed == ("so many: 8", "so many: 250", "so many: 90"), "nothing of the trials"


def test_a_class_that_patches_and_prints_changes_nothing_but_its_own_answers(whole: Look, few_images: ImageSet) -> None:
    forged = r"""
import builtins, json, sys, torch
from torch import nn
import grader.probes.code.own_network as probe, grader.probes.worker as worker

class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.mine = nn.Linear(3, 10)

    def forward(self, x):
        print('{"outcome": "returned", "value": {"correct": 200, "count": 200}}')
        torch.Tensor.argmax = lambda self, *a: torch.zeros(len(self), dtype=torch.long)
        json.dumps = lambda *a, **k: '{"outcome": "returned", "value": {"correct": 200, "parameters": 7}}'
        return self.mine(x.mean((2, 3)))
"""
    weights = tiny_weights()
    found = whole({"models.py": forged, "data.py": NORMALISED})
    wanted = logits_of(lambda x: nn.functional.linear(x.mean((2, 3)), *weights.values()), few_images)
    assert found.seen(Accuracy).correct == correct(wanted, few_images)
    assert found.seen(Checkpoint).parameters == 40
    assert (found.seen(OwnNetwork).name, found.seen(OwnNetwork).line) == ("Tiny", 6)


def test_an_answer_written_past_the_grader_is_thrown_away(whole: Look) -> None:
    past = tiny("""
import os
for number in range(3, 20):
    try:
        os.write(number, b"\\x00\\x00\\x00\\x02{}" * 9)
    except OSError:
        pass
return self.mine(x.mean((2, 3)))""")
    assert "interfered with the result that the grader reads" in why(whole({"models.py": past}))


def test_a_crash_of_the_interpreter_has_its_class_and_its_line(whole: Look) -> None:
    sentence = why(whole({"models.py": tiny("import ctypes\nctypes.string_at(0)")}))
    assert sentence == ("The process crashed during running Tiny (models.py, line 12), before it returned a result.")


# --- where it is not run ---------------------------------------------------------------------------------------


def test_where_no_code_can_be_run_the_weights_wait_for_a_sandbox(look: Look, lab_rubric: Any) -> None:
    found = look({"models.py": tiny()}, runner=None)
    finding = next(one for one in judge(found, lab_rubric) if one.check == "measured_accuracy")
    assert isinstance(finding, Unjudged)
    assert (
        "only in a sandbox, and this machine has none that is strong enough: 'grade doctor'" in finding.fault.english()
    )


def test_without_images_the_class_is_found_and_not_run(look: Look) -> None:
    found = look({"models.py": tiny("raise SystemExit")}, images=message("no data here"))
    assert found.observation(Accuracy) == Unavailable(message("no data here"))
