"""Fitting a function: what the two tasks promise, and what the script leaves behind."""

from __future__ import annotations

import errno
import importlib
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import nn

REFERENCE = Path(__file__).parents[2] / "reference"
NAMES = ("exp1", "lab")  # as students import them: modules of one flat folder


@pytest.fixture(scope="module")
def exp1() -> Iterator[ModuleType]:
    sys.path.insert(0, str(REFERENCE))
    yield importlib.import_module("exp1")
    sys.path.remove(str(REFERENCE))
    for name in NAMES:
        sys.modules.pop(name)


def line() -> nn.Linear:
    """y = 0 for every x."""
    model = nn.Linear(1, 1)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    return model


X = torch.tensor([[-1.0], [0.0], [1.0]])
Y = torch.tensor([[1.0], [2.0], [3.0]])  # x + 2


# Task 1.1


def test_each_epoch_has_its_loss_and_the_first_is_that_of_the_untrained_model(exp1):
    losses = exp1.fit(line(), X, Y, 4, 0.1)
    assert len(losses) == 4
    assert all(type(loss) is float for loss in losses)
    assert losses[0] == pytest.approx((1 + 4 + 9) / 3)
    assert losses == sorted(losses, reverse=True)


def test_the_model_itself_is_trained(exp1):
    model = line()
    exp1.fit(model, X, Y, 500, 0.1)
    assert model.weight.item() == pytest.approx(1, abs=0.02)
    assert model.bias.item() == pytest.approx(2, abs=0.02)


def test_without_a_learning_rate_nothing_moves(exp1):
    model = line()
    assert exp1.fit(model, X, Y, 3, 0.0) == [pytest.approx(14 / 3)] * 3
    assert model.bias.item() == 0


@pytest.mark.parametrize("function", ["target", "own", "unseen"])
@pytest.mark.slow
def test_the_defaults_fit_a_function_between_its_points(exp1, function):
    functions = {**exp1.FUNCTIONS, "unseen": lambda x: x * torch.sin(2 * x) + 0.3 * x**2}
    torch.manual_seed(0)
    model = exp1.build_model()
    x = torch.linspace(exp1.LOW, exp1.HIGH, exp1.NUM_POINTS)[:, None]
    exp1.fit(model, x, functions[function](x), exp1.NUM_TRAIN_EPOCHS, exp1.LEARNING_RATE)
    between = (x[1:] + x[:-1]) / 2
    with torch.no_grad():
        error = (model(between) - functions[function](between)).square().mean().item()
    assert error < 0.01


# The functions


def test_the_target_is_the_function_of_the_lab(exp1):
    x = torch.tensor([[-2.0], [0.0], [1.5]])
    right = [v**2 + 2 * math.sin(v) + math.cos(v - 1) - 5 for v in (-2.0, 0.0, 1.5)]
    assert exp1.target(x).shape == (3, 1)
    assert exp1.target(x).flatten().tolist() == pytest.approx(right)


def test_the_own_function_is_finite_of_the_same_shape_and_not_the_target(exp1):
    x = torch.linspace(exp1.LOW, exp1.HIGH, 50)[:, None]
    y = exp1.own_function(x)
    assert y.shape == x.shape
    assert y.isfinite().all()
    assert not torch.allclose(y, exp1.target(x))


# The script


@pytest.mark.slow
def test_the_script_says_both_errors_and_draws(exp1, tmp_path, capsys):
    exp1.main(["--epochs", "300", "--out", str(tmp_path), "--device", "cpu"])
    said = capsys.readouterr().out
    found = re.search(r"loss of the last epoch ([\d.]+), mean squared error between the training points ([\d.]+)", said)
    assert found
    assert 0 < float(found[1]) < 1
    assert 0 < float(found[2]) < 1
    assert (tmp_path / "exp1.png").read_bytes().startswith(b"\x89PNG")


def test_where_there_is_no_terminal_progress_is_printed_in_lines(exp1, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys.modules["lab"], "SECONDS_APART", 0)
    exp1.main(["--epochs", "3", "--out", str(tmp_path), "--device", "cpu"])
    told = re.findall(r"^target, epoch (\d) of 3, \d+ s$", capsys.readouterr().out, re.MULTILINE)
    assert told == ["1", "2", "3"]


def test_a_seed_decides_the_run(exp1, tmp_path, capsys):
    said = []
    for seed in ("1", "1", "2"):
        exp1.main(["--epochs", "5", "--seed", seed, "--out", str(tmp_path), "--device", "cpu", "--function", "own"])
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] != said[2]


def test_a_loss_that_is_not_finite_ends_in_a_sentence_and_draws_nothing(exp1, tmp_path, monkeypatch):
    def by_sgd(model, x, y, epochs, learning_rate):
        losses = []
        for _ in range(epochs):
            loss = nn.functional.mse_loss(model(x), y)
            model.zero_grad()
            loss.backward()
            torch.optim.SGD(model.parameters(), lr=learning_rate).step()
            losses.append(loss.item())
        return losses

    monkeypatch.setattr(exp1, "fit", by_sgd)
    sentence = r"exp1\.py: the loss is finite for only \d+ epochs: --learning-rate 1\.0 is too high"
    with pytest.raises(SystemExit, match=sentence):
        exp1.main(["--learning-rate", "1", "--epochs", "200", "--out", str(tmp_path), "--device", "cpu"])
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_the_earlier_drawing_intact(exp1, tmp_path, monkeypatch):
    (tmp_path / "exp1.png").write_bytes(b"earlier")

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(SystemExit, match=r"exp1\.png: No space left on device; the earlier file is unchanged"):
        exp1.main(["--epochs", "1", "--out", str(tmp_path), "--device", "cpu"])
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"earlier"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--function", "targt"], "did you mean 'target'?"),
        (["--learning-rate", "fast"], "'fast' is not a number above 0"),
        (["--learning-rate", "0"], "'0' is not a number above 0"),
        (["--learning-rate", "nan"], "'nan' is not a number above 0"),
        (["--epochs", "0"], "'0' is not a positive whole number"),
    ],
)
def test_what_cannot_be_meant_is_answered_with_a_sentence(exp1, capsys, arguments, sentence):
    with pytest.raises(SystemExit):
        exp1.main(arguments)
    assert sentence in capsys.readouterr().err


def test_a_gpu_that_is_not_there_is_answered_with_a_sentence(exp1, capsys, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(SystemExit):
        exp1.main(["--device", "cuda"])
    assert "--device: torch finds no GPU here" in capsys.readouterr().err


@pytest.mark.slow
def test_the_two_tasks_can_be_called_where_only_torch_is_installed(tmp_path):
    for name in ("exp1.py", "lab.py"):
        (tmp_path / name).write_bytes((REFERENCE / name).read_bytes())
    command = "import sys; sys.modules.update(dict.fromkeys(('matplotlib', 'torchvision', 'tqdm', 'PIL')));"
    command += "import exp1, torch; x = exp1.own_function(torch.zeros(2, 1));"
    command += "print(len(exp1.fit(exp1.build_model(), x, x, 3, 0.1)))"
    done = subprocess.run([sys.executable, "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "3"
