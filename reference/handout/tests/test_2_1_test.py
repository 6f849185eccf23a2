"""Task 2.1, exp2.py: test() measures a network on every image of a loader and does not change it.

PYTEST_DONT_REWRITE: the messages of failing tests are complete sentences already.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

CPU = torch.device("cpu")


class Batches(list[tuple[Tensor, Tensor]]):
    """A loader: anything that yields images (B, 3, 32, 32) and labels (B,). It has no data set behind it."""

    @property
    def dataset(self) -> Any:
        raise AttributeError(
            "not every loader has `dataset`, and the one of fast.py has none: count the images in the loop, for"
            " example with count += len(labels)"
        )


class Sample(NamedTuple):
    """A small network, a loader for it, and its logits in eval mode."""

    model: nn.Module
    loader: Batches
    logits: Tensor  # for all batches, (N, classes)
    labels: Tensor  # (N,)

    @property
    def loss(self) -> float:
        return F.cross_entropy(self.logits, self.labels).item()

    @property
    def accuracy(self) -> float:
        return percent(self.logits, self.labels)


def percent(logits: Tensor, labels: Tensor) -> float:
    return 100 * (logits.argmax(dim=1) == labels).double().mean().item()


def sample(*sizes: int, classes: int = 10, switched: bool = False) -> Sample:
    """Batches of these sizes. A `switched` network has the two layers that eval() affects: BatchNorm and Dropout."""
    torch.manual_seed(21)
    images = 2 + 3 * torch.randn(sum(sizes), 3, 1, 1) + torch.randn(sum(sizes), 3, 32, 32)
    labels = torch.randint(classes, (len(images),))
    mean_colours, linear = (nn.AdaptiveAvgPool2d(1), nn.Flatten()), nn.Linear(3, classes)
    model = nn.Sequential(*mean_colours, linear)
    if switched:
        model = nn.Sequential(nn.BatchNorm2d(3), *mean_colours, nn.Dropout(0.5), linear)
    with torch.no_grad():
        logits = model.eval()(images)
    labels[::2] = logits.argmax(dim=1)[::2]  # at least half are correct
    loader = Batches(zip(images.split(sizes), labels.split(sizes), strict=True))
    return Sample(model.train(), loader, logits, labels)


def measured(lab: Any, given: Sample) -> tuple[float, float]:
    """Loss and accuracy as test() returns them."""
    seen = lab.exp2.test(given.model, given.loader, CPU)
    assert isinstance(seen, tuple) and len(seen) == 2, f"test() returned {seen!r}; end it with `return loss, accuracy`."
    loss, accuracy = seen
    return float(loss), float(accuracy)


def test_two_plain_numbers_come_out(lab: Any) -> None:
    """They are written to history.json, which cannot hold tensors."""
    given = sample(4)
    values = lab.exp2.test(given.model, given.loader, CPU)
    kinds = " and ".join(type(value).__name__ for value in values)
    assert all(isinstance(value, (float, int)) for value in values), (
        f"test() returned {kinds}; both should be plain numbers: .item()."
    )


def test_the_accuracy_is_in_percent(lab: Any, likely: Any) -> None:
    """The second value is the percentage of images whose largest logit is at the label."""
    given = sample(10, 10, 10)
    down = torch.cat([logits.argmax(dim=0) for logits in given.logits.split(10)])
    usual = {
        "It is a fraction: multiply it by 100.": given.accuracy / 100,
        "It is the number of correct images, not the percentage.": given.accuracy * 30 / 100,
        "It is divided by the number of batches: divide by the number of images.": given.accuracy * 10,
        "It is the loss: return loss and accuracy in this order.": given.loss,
        "The largest logit was searched along the batch (dim=0); the classes lie along dim=1.": 100
        * (down == given.labels).double().mean().item(),
    }
    _, seen = measured(lab, given)
    assert seen == pytest.approx(given.accuracy, rel=1e-4), (
        f"test() returned the accuracy {seen:.4g}; {given.accuracy:.4g} % of the 30 images are classified correctly."
        f"{likely(seen, usual)}"
    )


def test_the_loss_is_the_mean_over_the_images(lab: Any, likely: Any) -> None:
    """The first value is the mean cross entropy over the images."""
    given = sample(8, 8)
    usual = {
        "It is the sum over the batches: divide it by their number.": given.loss * 2,
        "It is the sum over the images: divide it by their number.": given.loss * 16,
        "cross_entropy already returns the mean over a batch: multiply it by the batch size before adding it up.":
            given.loss / 8,
        "It is the loss of the last batch.": F.cross_entropy(given.logits[8:], given.labels[8:]).item(),
        "It is the accuracy: return loss and accuracy in this order.": given.accuracy,
        "cross_entropy expects the logits themselves: leave out softmax.":
            F.cross_entropy(given.logits.softmax(dim=1), given.labels).item(),
    }  # fmt: skip
    seen, _ = measured(lab, given)
    assert seen == pytest.approx(given.loss, rel=1e-4), (
        f"test() returned the loss {seen:.4f}; the mean over these 16 images is {given.loss:.4f}.{likely(seen, usual)}"
    )


def test_a_short_last_batch_counts_by_its_images(lab: Any, likely: Any) -> None:
    """The last batch is usually shorter than the others, and every image counts the same."""
    given = sample(8, 8, 1)
    parts = list(zip(given.logits.split(8), given.labels.split(8), strict=True))
    average = (
        "It is the average over the batches, in which the single image of the last batch counts as much as eight"
        " others: add up over the images and divide once at the end."
    )
    loss, accuracy = measured(lab, given)
    for name, seen, right, by_batch in (
        ("loss", loss, given.loss, [F.cross_entropy(*part).item() for part in parts]),
        ("accuracy", accuracy, given.accuracy, [percent(*part) for part in parts]),
    ):
        why = likely(seen, {average: sum(by_batch) / 3})
        assert seen == pytest.approx(right, rel=1e-4), (
            f"For batches of 8, 8 and 1 images test() returned the {name} {seen:.4f}; it should be {right:.4f}.{why}"
        )


def test_the_network_works_in_eval_mode(lab: Any) -> None:
    """In training mode BatchNorm uses the other images of a batch, and Dropout zeroes values at random."""
    given = sample(9, switched=True)
    modes: list[bool] = []
    given.model.register_forward_hook(lambda *_: modes.extend(part.training for part in given.model.modules()))
    lab.exp2.test(given.model, given.loader, CPU)
    assert modes, "test() never called the network."
    assert not any(modes), (
        "test() ran the network in training mode, where the result for an image depends on chance and on the other"
        " images in its batch. Call model.eval() before the loop."
    )


@pytest.mark.parametrize("training", [True, False], ids=["training", "eval"])
def test_the_network_comes_back_in_the_mode_it_came_in(lab: Any, training: bool) -> None:
    """Between two epochs that is training mode; after training it may be eval mode."""
    given = sample(4, switched=True)
    given.model.train(training)
    lab.exp2.test(given.model, given.loader, CPU)
    assert all(module.training == training for module in given.model.modules()), (
        f"model.training was {training} before test() and {not training} after it. Save model.training before"
        " model.eval(), and restore it with model.train(...) after the loop."
    )


def test_no_gradients_are_prepared(lab: Any) -> None:
    """Nothing is learnt here, so preparing gradients would only cost memory and time."""
    given = sample(4)
    gradients: list[bool] = []
    given.model.register_forward_hook(lambda *_: gradients.append(torch.is_grad_enabled()))
    lab.exp2.test(given.model, given.loader, CPU)
    assert not any(gradients), (
        "The network ran while PyTorch was preparing gradients. Put the loop inside `with torch.no_grad():`."
    )


def test_the_test_images_leave_no_trace(lab: Any) -> None:
    """Neither weights nor BatchNorm's running statistics may learn from them."""
    given = sample(6, 6, switched=True)
    before = {name: value.clone() for name, value in given.model.state_dict().items()}
    lab.exp2.test(given.model, given.loader, CPU)
    changed = [name for name, value in given.model.state_dict().items() if not torch.equal(value, before[name])]
    assert not changed, (
        f"test() changed {', '.join(changed)}. Running statistics change in training mode: call model.eval(). Weights"
        " change when an optimizer steps: an optimizer does not belong in test()."
    )
    assert all(parameter.grad is None for parameter in given.model.parameters()), (
        "test() left gradients in the network: backward() does not belong in test()."
    )


def test_the_number_of_classes_does_not_matter(lab: Any) -> None:
    """test() works for any number of classes, not just ten."""
    given = sample(6, 6, classes=3)
    _, seen = measured(lab, given)
    assert seen == pytest.approx(given.accuracy, rel=1e-4), (
        f"With 3 classes test() returned the accuracy {seen:.4g}; it is {given.accuracy:.4g}. Does your code contain"
        " a 10?"
    )
