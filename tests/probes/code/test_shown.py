"""The accuracy that a function of earlier courses shows, wherever it shows it."""

from __future__ import annotations

import ast

import pytest
import torch

from grader.probes.code.shown import Shown, in_names, in_printed, in_returned

IMAGES = 50
PRINTED = {
    "Accuracy of the network on the 10000 test images: 56 %": Shown(56.0, None, 1.0),
    "Loss: 0.312 | Acc: 55.000% (28/50)": Shown(56.0),
    "Test acc: 56.250000": Shown(56.25, None, 1e-6),
    "epoch 3, validation accuracy is 0.5600": Shown(0.56, None, 1e-4),
    "[12] acc 56.1": Shown(56.1, None, 0.1),
    "第 3 轮，准确率：56.1%": Shown(56.1, None, 0.1),
    "Acc: 20.0%\nAcc: 56.2%\n": Shown(56.2, None, 0.1),
    "Accuracy: 56 %\nAccuracy of plane : 60 %\nAccuracy of   cat : 61 %": Shown(56.0, None, 1.0),
    "loss 0.25, 3 of 10 batches": Shown(),
    "": Shown(),
}


@pytest.mark.parametrize("text", PRINTED)
def test_the_last_accuracy_that_is_printed_counts(text: str) -> None:
    found = in_printed(text, IMAGES)
    assert (found.accuracy, found.loss) == (PRINTED[text].accuracy, PRINTED[text].loss)
    assert found.within == pytest.approx(PRINTED[text].within)


def test_much_without_an_accuracy_is_read_to_its_end() -> None:
    assert in_printed("acc " * 250_000 + "1" * 9_000, IMAGES) == Shown()
    assert in_printed("1/" * 500_000, IMAGES) == Shown()
    assert in_printed("accuracy of everything " * 40_000, IMAGES) == Shown()


def function(code: str) -> ast.FunctionDef:
    (found,) = ast.parse(code).body
    assert isinstance(found, ast.FunctionDef)
    return found


RETURNED = {
    "return acc": (torch.tensor(56.0), Shown(56.0)),
    "return test_loss": (0.5, Shown(None, 0.5)),
    "return a, b": ((0.5, 56.0), Shown(56.0, 0.5)),
    "return 100 * correct / total, loss": ((56.0, 0.5), Shown(56.0, 0.5)),
    "return result": ({"loss": 0.5, "top1_acc": 56.0}, Shown(56.0, 0.5)),
    "return": (None, Shown()),
    "return words": ("56 %", Shown()),
    "return nan": (float("nan"), Shown()),
}


@pytest.mark.parametrize("statement", RETURNED)
def test_what_is_returned_is_told_apart_by_its_names(statement: str) -> None:
    value, wanted = RETURNED[statement]
    assert in_returned(value, function(f"def test(epoch):\n    {statement}")) == wanted


def test_a_global_counts_only_if_it_was_set_or_grew() -> None:
    before = {"acc": 1.0, "best_acc": 0.0, "accs": [3.0], "count": 7}
    assert in_names(before, {**before, "acc": 56.0}, {"acc"}) == Shown(56.0)
    assert in_names(before, {**before, "best_acc": 57.0, "acc": 56.0}, {"acc", "best_acc"}) == Shown(56.0)
    assert in_names(before, {**before, "accs": [3.0, 58.0]}, set()) == Shown(58.0)
    assert in_names(before, before, {"count"}) == Shown()
