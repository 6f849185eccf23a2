"""A student's scripts, called as the grader calls them, in the real sandbox for code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.collect import Bench
from grader.collect.code import caller as caller_module
from grader.collect.code import open_caller, run_code
from grader.evidence import Evidence, Observation, Seen, Tasks
from grader.intake import Archive, open_submission
from grader.judge import judge
from grader.records import Finding, Student, Submission, message
from grader.rubric import Rubric
from grader.sandbox import Limits, Sandbox, bubblewrap

Try = Callable[..., dict[str, Observation]]
CHECKS = ("function_fit", "test_function", "learning_rate", "feature_vectors")

# As short as they can be and right: what a test breaks is one of these.
RIGHT = {
    "exp1.py": """
import torch
from torch import nn

def fit(model, x, y, epochs, learning_rate):
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    losses = []
    for _ in range(epochs):
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
""",
    "exp2.py": """
import torch
import torch.nn.functional as F

def test(model, loader, device):
    training = model.training
    model.eval()
    loss, correct, count = 0.0, 0, 0
    with torch.no_grad():
        for images, labels in loader:
            logits = model(images)
            loss += F.cross_entropy(logits, labels, reduction="sum").item()
            correct += (logits.argmax(1) == labels).sum().item()
            count += len(labels)
    model.train(training)
    return loss / count, 100 * correct / count

def learning_rate(epoch):
    return 0.1 if epoch < 5 else 0.01
""",
    "extract_features.py": """
import torch

def resnet50_features(model, x):
    x = model.maxpool(model.relu(model.bn1(model.conv1(x))))
    return model.avgpool(model.layer4(model.layer3(model.layer2(model.layer1(x))))).flatten(1)

def alexnet_features(model, x):
    return model.avgpool(model.features(x)).flatten(1)

def normalise(features):
    return torch.nn.functional.normalize(features, dim=1)
""",
}


@pytest.fixture
def submission(tmp_path: Path) -> Callable[[dict[str, str]], Submission]:
    """A submission of these files, unpacked."""

    def build(files: dict[str, str]) -> Submission:
        folder = tmp_path / "handed-in"
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content)
        return open_submission(Archive(folder, Student("Ada Ng")), tmp_path / "unpacked")

    return build


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits at which what never ends is ended soon; nothing that ends comes near them."""
    monkeypatch.setattr(caller_module, "IMPORT_LIMITS", Limits(seconds=4.0, megabytes=1500))
    monkeypatch.setattr(caller_module, "CALL_LIMITS", Limits(seconds=4.0, megabytes=1500))
    monkeypatch.setattr(bubblewrap, "LAST_WORDS", 2.0)


@pytest.fixture
def trying(submission: Callable[..., Submission], shared_sandbox: Sandbox) -> Try:
    """Try scripts: what was observed of each, by the kind of record."""
    if shared_sandbox.name != "bubblewrap":
        problem = bubblewrap.why_not()
        pytest.skip(problem.english() if problem else "no bubblewrap")

    def run(files: dict[str, str]) -> dict[str, Observation]:
        handed_in = submission(files)
        bench = Bench(message("no images"), shared_sandbox)
        with open_caller(handed_in, bench) as caller:
            return run_code(caller, Seen(Tasks(())), bench)

    return run


@pytest.fixture
def findings(trying: Try, lab_rubric: Rubric) -> Callable[[dict[str, str]], dict[str, Finding]]:
    """Try scripts and judge them: the four findings about code."""
    lines = tuple(line for line in lab_rubric.lines if line.criterion.check in CHECKS)

    def of(files: dict[str, str]) -> dict[str, Finding]:
        evidence = Evidence(Student("Ada Ng"), "d" * 64, "ada.zip", tuple(trying(files).items()))
        return {finding.check: finding for finding in judge(evidence, Rubric(lines, "r"))}

    return of


@pytest.fixture(scope="session")
def right() -> dict[str, str]:
    return RIGHT


@pytest.fixture
def with_code(right: dict[str, str]) -> Iterator[Callable[..., dict[str, str]]]:
    """The right scripts, with one of them or one function of it replaced."""

    def replaced(script: str, code: str, only: Any = None) -> dict[str, str]:
        names = only or right
        return {**{name: right[name] for name in names}, script: code}

    yield replaced
