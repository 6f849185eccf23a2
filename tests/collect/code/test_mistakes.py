"""The mistakes that students make: each gets its own name, found by what comes out, and costs what it should."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import pytest

from grader.collect.looks.evaluation import SETTINGS, Setting, _mistaken, draw
from grader.records import Blocked, Finding, Judged, Unjudged

Judge = Callable[[str, str, str], Finding]


def verdict(finding: Finding) -> tuple[float, str]:
    """Credit, and everything that is said."""
    assert isinstance(finding, Judged), finding
    sentences = (finding.verdict.message, *finding.verdict.hints)
    return finding.verdict.credit, "\n".join(sentence.english() for sentence in sentences)


@pytest.mark.parametrize(
    ("check", "script"),
    [
        ("function_fit", "exp1.py"), ("evaluation", "exp2.py"), ("learning_rate", "exp2.py"),
        ("feature_vectors", "extract_features.py"),
    ],
)  # fmt: skip
def test_what_is_right_earns_everything_and_no_hint(judged: Judge, right, check, script):
    finding = judged(check, script, right[script])
    assert isinstance(finding, Judged), finding
    assert finding.verdict.credit == pytest.approx(1.0)
    assert finding.verdict.hints == ()


# --- test() ----------------------------------------------------------------------------------------------------

TEST: dict[str, tuple[dict[str, str], float, str]] = {  # what is replaced by what; the credit left; what is said
    "eval mode forgotten": ({"    model.eval()\n": ""}, 0.85, "Call model.eval() before the loop"),
    "gradients on": ({"torch.no_grad()": "torch.enable_grad()"}, 0.95, "torch.no_grad()"),
    "mode not given back": ({"    model.train(training)\n": ""}, 0.95, "but not after it"),
    "the other mode given back": ({"model.train(training)": "model.train(not training)"}, 0.95, "but not after it"),
    "training mode always given back": ({"model.train(training)": "model.train()"}, 0.95, "in training mode after it"),
    "weights changed": (
        {"    model.train(training)\n": "    model.train(training)\n    next(model.parameters()).data.add_(0.1)\n"},
        0.95,
        "weight of the network. Weights change",
    ),
    "gradients left": (
        {"    with torch.no_grad():": "    model(next(iter(loader))[0]).sum().backward()\n    with torch.no_grad():"},
        0.90,
        "do not call backward() in test()",
    ),
    "a fraction": ({"100 * correct / count": "correct / count"}, 0.75, "multiply it by 100"),
    "a count": ({"100 * correct / count": "correct"}, 0.75, "the number of correct images"),
    "the wrong axis": ({"argmax(1)": "argmax(0)"}, 0.45, "dim=1"),
    "swapped": ({"return loss / count, 100 * correct / count": "return 100 * correct / count, loss / count"}, 0.45,
                "return the loss first, then the accuracy"),
    "a sum of means": ({', reduction="sum"': "", "loss / count,": "loss,"}, 0.7, "That is the sum of the batch means"),
    "a sum over images": ({"loss / count,": "loss,"}, 0.7, "the sum over the images"),
    "divided twice": ({', reduction="sum"': ""}, 0.7, "multiply it by the batch size"),
    "an average of averages": ({', reduction="sum"': "", "loss / count": "loss / len(loader)"}, 0.85,
                               "more weight"),
    "every batch a full one": ({"count += len(labels)": "count += loader.batch_size"}, 0.85, "the last one is shorter"),
    "the last batch only": ({"loss +=": "loss =", "correct +=": "correct =", "count +=": "count ="}, 0.45,
                             "of the last batch only"),
    "softmax first": ({"F.cross_entropy(logits,": "F.cross_entropy(logits.softmax(1),"}, 0.7, "remove the softmax"),
    "returned in the loop": (
        {"            count += len(labels)\n": "            count += len(labels)\n"
         "            return loss / count, 100 * correct / count\n"},
        0.40, "is the return statement inside the loop?",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", TEST)
def test_a_mistake_in_test_has_its_name_and_its_price(judged: Judge, right, mistake):
    changes, left, said = TEST[mistake]
    code = right["exp2.py"]
    for before, after in changes.items():
        assert before in code
        code = code.replace(before, after)
    credit, sentences = verdict(judged("evaluation", "exp2.py", code))
    assert said in sentences
    assert credit == pytest.approx(left)


def test_ten_classes_written_into_test_cost_only_what_has_others(judged: Judge, right):
    code = right["exp2.py"].replace("count += len(labels)", "count += len(labels); assert logits.shape[1] == 10")
    credit, sentences = verdict(judged("evaluation", "exp2.py", code))
    assert credit == pytest.approx(0.7)
    assert "AssertionError" in sentences


def test_figures_without_a_network_earn_nothing(judged: Judge):
    code = "def test(model, loader, device):\n    return 0.5, 90.0\n"
    credit, sentences = verdict(judged("evaluation", "exp2.py", code))
    assert (credit, "without calling the network" in sentences) == (0.0, True)


@pytest.mark.parametrize("returned", ["None", "3.0", "(1.0, 2.0, 3.0)", "('a', 'b')", "{'loss': 1, 'accuracy': 2}"])
def test_a_return_value_of_another_kind_is_told(judged: Judge, returned):
    finding = judged("evaluation", "exp2.py", f"def test(model, loader, device):\n    return {returned}\n")
    assert isinstance(finding, Blocked)
    assert "it should return two numbers: loss, accuracy" in finding.cause.english()


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_the_usual_mistakes_give_figures_that_can_be_told_apart(setting: Setting):
    for figures in _mistaken(setting, draw(setting)):
        for (one, left), (other, right) in combinations(figures.items(), 2):
            assert abs(left - right) > 0.01 * max(abs(left), abs(right)), (one, other)
    assert len(_mistaken(setting, draw(setting))[1]) == (9 if setting.images % setting.batch else 7)


COURSE = """
import torch

def test(epoch):
    global acc
    net.eval()
    hits = count = 0
    with torch.no_grad():
        for images, labels in testloader:
            hits += (net(images).argmax(1) == labels).sum().item()
            count += len(labels)
    acc = 100.0 * hits / count
"""

COURSES: dict[str, tuple[dict[str, str], float, str]] = {
    "as it should be": ({}, 1.0, "in the form of earlier courses"),
    "printed to one digit": (
        {"    acc =": "    print('accuracy: %.1f %%' % (100.0 * hits / count))\n    other ="}, 1.0, "",
    ),
    "a share": ({"100.0 * hits": "hits"}, 1.0, ""),
    "of the whole test set": ({"hits / count": "hits / 10000"}, 1.0, ""),
    "eval mode forgotten": ({"    net.eval()\n": ""}, 5 / 6.5, "Call model.eval() before the loop"),
    "the last batch only": ({"hits +=": "hits =", "count +=": "count ="}, 4 / 6.5, "of the last batch only"),
    "gradients on": ({"torch.no_grad()": "torch.enable_grad()"}, 6 / 6.5, "torch.no_grad()"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", COURSES)
def test_a_function_of_earlier_courses_is_judged_by_what_it_shows(judged: Judge, mistake):
    changes, left, said = COURSES[mistake]
    code = COURSE
    for before, after in changes.items():
        assert before in code
        code = code.replace(before, after)
    credit, sentences = verdict(judged("evaluation", "exp2.py", code))
    assert said in sentences
    assert credit == pytest.approx(left)


DOUBTS = {
    "a printed number that may be another": "print('accuracy after', epoch, 'is 12.5')",
    "nothing that is shown": "pass",
}


@pytest.mark.parametrize("doubt", DOUBTS)
def test_what_a_function_of_earlier_courses_shows_without_certainty_costs_nothing(judged: Judge, doubt):
    assert isinstance(judged("evaluation", "exp2.py", COURSE.replace("global acc", DOUBTS[doubt])), Unjudged)


def test_images_that_the_grader_did_not_give_leave_the_accuracy_open(judged: Judge):
    code = COURSE.replace("net(images)", "net(torch.zeros_like(images))")
    assert isinstance(judged("evaluation", "exp2.py", code), Unjudged)


# --- learning_rate() -------------------------------------------------------------------------------------------

SCHEDULES = {
    "the recommended": ("return 0.1 if epoch < 5 else 0.01", 1.0, "falls"),
    "a warm-up": ("return [0.01, 0.05, 0.1, 0.08, 0.04, 0.02, 0.01, 0.005][epoch]", 1.0, "falls"),
    "cosine over 60": ("import math; return 0.05 * (1 + math.cos(math.pi * min(epoch, 60) / 60))", 1.0, "falls"),
    "a straight line below zero": ("return 0.1 - 0.01 * epoch", 1.0, "falls"),
    "constant": ("return 0.1", 0.0, "should fall"),
    "rising": ("return 0.01 if epoch < 5 else 0.1", 0.0, "swapped"),
    "too little": ("return 0.1 if epoch < 5 else 0.05", 0.0, "it should end at 0.01 or less"),
    "up again": ("return [0.1, 0.1, 0.05, 0.05, 0.1, 0.1][epoch] if epoch < 6 else 0.01", 0.0, "rises again"),
    "negative": ("return -0.1", 0.0, "not negative"),
    "zero": ("return 0.0", 0.0, "not always zero"),
    "not finite": ("return float('nan')", 0.0, "is not finite"),
    "a tensor": ("import torch; return torch.tensor(0.1 if epoch < 5 else 0.01)", 1.0, "falls"),
}  # fmt: skip


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_that_comes_down_earns_all_and_another_nothing(judged: Judge, schedule):
    body, left, said = SCHEDULES[schedule]
    credit, sentences = verdict(judged("learning_rate", "exp2.py", f"def learning_rate(epoch):\n    {body}\n"))
    assert credit == left
    assert said in sentences


def test_a_rate_that_counts_its_calls_loses_a_part(judged: Judge):
    body = "    global calls\n    calls += 1\n    return 0.1 if calls < 7 else 0.01\n"
    code = f"calls = 0\ndef learning_rate(epoch):\n{body}"
    credit, sentences = verdict(judged("learning_rate", "exp2.py", code))
    assert credit == pytest.approx(0.8)
    assert "a variable that keeps its value" in sentences


# --- fit() -----------------------------------------------------------------------------------------------------

FIT: dict[str, tuple[dict[str, str], float, float, str]] = {  # credit from, to
    "plain SGD": ({"optim.Adam": "optim.SGD"}, 0.2, 0.999, "Try another optimizer"),
    "no zero_grad": ({"        optimizer.zero_grad()\n": ""}, 0.0, 0.999, "zero_grad() (otherwise gradients"
    " accumulate)"),
    "no step": ({"        optimizer.step()\n": ""}, 0.0, 0.0, "the network learnt nothing"),
    "another learning rate": ({"lr=learning_rate": "lr=0.01"}, 0.85, 0.85, "pass learning_rate to the optimizer"),
    "a tenth of the epochs": ({"range(epochs)": "range(epochs // 5)"}, 0.0, 0.999, "it should return one per epoch"),
    "only the last loss": ({"return losses": "return losses[-1:]"}, 0.85, 0.85, "it should return one per epoch"),
    "sums": ({"mse_loss(model(x), y)": "mse_loss(model(x), y, reduction='sum')"}, 0.0, 0.999, "the sum over the 100"),
    "a copy": ({"    optimizer =": "    import copy; model = copy.deepcopy(model)\n    optimizer ="}, 0.0, 0.0,
                          "the network learnt nothing"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", FIT)
def test_a_mistake_in_fit_has_its_name_and_its_price(judged: Judge, right, mistake):
    changes, least, most, said = FIT[mistake]
    code = right["exp1.py"]
    for before, after in changes.items():
        assert before in code
        code = code.replace(before, after)
    credit, sentences = verdict(judged("function_fit", "exp1.py", code))
    assert said in sentences
    assert least - 1e-9 <= credit <= most + 1e-9


def test_a_fit_that_returns_nothing_is_told(judged: Judge, right):
    finding = judged("function_fit", "exp1.py", right["exp1.py"].replace("return losses", "pass"))
    assert isinstance(finding, Blocked)
    assert (
        "returned None (is a return statement missing?); it should return a list with one number per epoch"
        in finding.cause.english()
    )


# --- features --------------------------------------------------------------------------------------------------

FEATURES: dict[str, tuple[dict[str, str], float, str]] = {
    "not flattened": ({"model.avgpool(model.features(x)).flatten(1)": "model.avgpool(model.features(x))"}, 0.75,
                      "These are still feature maps"),
    "images run together": ({"model.features(x)).flatten(1)": "model.features(x)).flatten()"}, 0.75, "flattened into"
    " each other"),
    "logits": ({"model.avgpool(model.features(x)).flatten(1)": "model(x)"}, 0.5, "These are logits"),
    "colours": ({"model.features(x))": "model.features(x.flip(1)))"}, 0.5, "red and blue swapped"),
    "normalised already": ({"model.avgpool(model.features(x)).flatten(1)":
                            "normalise(model.avgpool(model.features(x)).flatten(1))"}, 0.5, "already scaled to unit"
                            " length"),
    "training mode": ({"    x = model.maxpool": "    model.train()\n    x = model.maxpool"}, 0.8, "training mode"),
    "no rows": ({"torch.nn.functional.normalize(features, dim=1)": "features"}, 0.7, "Nothing was changed"),
    "columns": ({"dim=1)": "dim=0)"}, 0.7, "dim=1"),
    "no root": ({"torch.nn.functional.normalize(features, dim=1)": "features / features.square().sum(1, keepdim=True)"},
                0.7, "square root"),
    "L1": ({"dim=1)": "dim=1, p=1)"}, 0.7, "(L1 norm)"),
    "zero rows": ({"torch.nn.functional.normalize(features, dim=1)": "features / features.norm(dim=1, keepdim=True)"},
                  0.94, "a row of zeros into NaN"),
    "one task alone": (
        {"    return torch.nn.functional": "    raise NotImplementedError('3.2: x')\n    return torch.nn.functional"},
        0.7, "task 3.2 is not done",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", FEATURES)
def test_a_mistake_in_the_features_has_its_name_and_its_price(judged: Judge, right, mistake):
    changes, left, said = FEATURES[mistake]
    code = right["extract_features.py"]
    for before, after in changes.items():
        assert before in code
        code = code.replace(before, after)
    credit, sentences = verdict(judged("feature_vectors", "extract_features.py", code))
    assert said in sentences
    assert credit == pytest.approx(left)


def test_what_the_template_gives_away_earns_nothing_alone(judged: Judge, right):
    code = right["extract_features.py"].replace(
        "avgpool(model.features(x)).flatten(1)", "avgpool(model.features(x)).sum()"
    )
    code = code.replace("torch.nn.functional.normalize(features, dim=1)", "features")
    assert code.count("flatten(1)") == 1  # resnet50_features is given
    credit, _ = verdict(judged("feature_vectors", "extract_features.py", code))
    assert credit == 0.0


# --- before anything is called ---------------------------------------------------------------------------------

COURSE_SCRIPT = """
import torch
model = torch.nn.Linear(1, 1)
for epoch in range(100000):
    loss = model(torch.ones(1, 1)).sum()
    loss.backward()
"""


def test_a_script_that_trains_is_not_run_and_what_it_lacks_is_named(judged: Judge):
    finding = judged("evaluation", "exp2.py", COURSE_SCRIPT)
    assert isinstance(finding, Blocked)
    assert "exp2.py has no function test" in finding.cause.english()


def test_the_functions_of_a_script_that_trains_are_called_all_the_same(judged: Judge, right):
    assert verdict(judged("evaluation", "exp2.py", right["exp2.py"] + COURSE_SCRIPT))[0] == 1.0


def test_training_below_the_main_guard_is_no_script(judged: Judge, right):
    body = COURSE_SCRIPT.replace("\n", "\n    ")
    code = f"{right['exp2.py']}\nif __name__ == '__main__':\n    {body}\n"
    assert verdict(judged("evaluation", "exp2.py", code))[0] == 1.0


def test_an_exception_names_its_line_and_shows_the_students_own_traceback(judged: Judge):
    code = "def helper(x):\n    return x['lost']\n\ndef test(model, loader, device):\n    return helper({})\n"
    finding = judged("evaluation", "exp2.py", code)
    assert isinstance(finding, Blocked)
    assert "test(model, loader, device) raised KeyError: 'lost'" in finding.cause.english()
    lines = [line for exhibit in finding.exhibits for line in exhibit.lines]
    assert any("in helper" in line for line in lines)
    assert not any("grade-" in line for line in lines)


SCRIPT = """
import torch
net = torch.nn.Linear(2, 2)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
{before}
def train(epoch):
    optimizer.zero_grad()
    net(torch.rand(4, 2)).sum().backward()
    optimizer.step()

for epoch in range(10):
    {each}
    train(epoch)
"""
FALLS = "torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[{first}])"
FOLLOWED = {
    "by hand": ("", "optimizer.param_groups[0]['lr'] = 0.1 if epoch < 5 else 0.01", 1.0, "falls from 0.1 to 0.01"),
    "a scheduler": (f"plan = {FALLS.format(first=5)}", "plan.step()", 1.0, "falls from 0.1 to 0.01"),
    "never": ("", "pass", 0.0, "it should fall"),
}


@pytest.mark.parametrize("how", FOLLOWED)
def test_the_rates_of_a_script_without_the_function_are_followed(judged: Judge, how):
    before, each, credit, said = FOLLOWED[how]
    found = verdict(judged("learning_rate", "exp2.py", SCRIPT.format(before=before, each=each)))
    assert found[0] == credit
    assert said in found[1]


@pytest.mark.parametrize(
    ("before", "each"),
    [
        (f"plan = {FALLS.format(first=400)}", "plan.step()"),
        ("plan = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)", "plan.step(1.0)"),
        ("", "missing[epoch]"),
    ],
)
def test_rates_that_cannot_be_followed_are_left_to_staff(judged: Judge, before, each):
    assert isinstance(judged("learning_rate", "exp2.py", SCRIPT.format(before=before, each=each)), Unjudged)


def test_a_missing_function_and_a_missing_file_are_named(judged: Judge, right):
    finding = judged("evaluation", "exp2.py", "def tset(model, loader, device): pass\n")
    assert isinstance(finding, Blocked)
    assert "exp2.py has no function test" in finding.cause.english()


def test_a_missing_file_is_named(judged: Judge, right):
    finding = judged("function_fit", "exp2.py", right["exp2.py"])
    assert isinstance(finding, Blocked)
    assert finding.cause.english() == "exp1.py is missing. Hand it in as well."
