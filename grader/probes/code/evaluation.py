"""exp2.py: calls `test` on small unseen networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from grader.probes.code.course import Given, call_course_form, is_course_form
from grader.probes.code.importing import function_of, load
from grader.probes.code.running import finite, little_endian, number, returned, told_apart
from grader.probes.code.shown import Shown
from grader.probes.refusals import Refuse, phrase
from grader.probes.weights.arrays import tensors


class Watched(nn.Sequential):
    """A network that records how it was called."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__(*layers)
        self.images = 0
        self.trained = False
        self.gradients = False
        self.known: torch.Tensor | None = None  # the images that it should be run on
        self.foreign = False  # whether there were others

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.images += len(x)
        if self.known is not None and not self.foreign:
            self.foreign = x.shape[1:] != self.known.shape[1:] or not (self.known == x[:1]).flatten(1).all(1).any()
        self.trained = self.trained or any(part.training for part in self.modules())
        self.gradients = self.gradients or torch.is_grad_enabled()
        for layer in self:
            x = layer(x)
        return x


def network(given: Mapping[str, torch.Tensor]) -> Watched:
    """Build a network: the mean of each cell of a grid, then one linear layer; BatchNorm and Dropout if given."""
    weight = given["weight"]
    linear = nn.Linear(weight.shape[1], weight.shape[0])
    layers: list[nn.Module] = [nn.AvgPool2d(8), nn.Flatten(), linear]  # (N, 3, 32, 32) to (N, 48)
    with torch.no_grad():
        linear.weight.copy_(weight)
        linear.bias.copy_(given["bias"])
        if "running_mean" in given:
            norm = nn.BatchNorm2d(3)
            for name in ("running_mean", "running_var"):
                getattr(norm, name).copy_(given[name])
            norm.weight.copy_(given["scale"])
            norm.bias.copy_(given["shift"])
            layers = [norm, layers[0], layers[1], nn.Dropout(0.5), linear]
    return Watched(*layers)


def call_test(inputs: dict[str, Any], files: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Call `test` on a network and a loader. Also returns its parameters and buffers afterwards, as one array."""
    given = tensors(files, "data")
    model = network(given).train(bool(inputs["training"]))
    state = [value for name, value in model.state_dict().items() if not name.endswith("num_batches_tracked")]
    loader = DataLoader(TensorDataset(given["images"], given["labels"]), batch_size=int(inputs["batch"]))
    module = load(inputs)
    test = function_of(module, inputs["file"], "test")
    torch.manual_seed(0)
    if is_course_form(test, module):
        assert isinstance(test, FunctionType)
        model.known = given["images"]
        shown = call_course_form(test, module, inputs["file"], Given(model, loader))
        if model.foreign or not model.images:  # it found a network or data that the grader did not put there
            raise Refuse("code_no_accuracy", doing="test()")
        form = "course"
    else:
        shown, form = _as_agreed(test, model, loader), "template"
    return {
        "form": form,
        "loss": shown.loss,
        "accuracy": shown.accuracy,
        "within": shown.within,
        "images": model.images,
        "trained": model.trained,
        "gradients": model.gradients,
        "left_gradients": any(parameter.grad is not None for parameter in model.parameters()),
        "mode_kept": all(part.training == bool(inputs["training"]) for part in model.modules()),
    }, {"state": little_endian(torch.cat([value.detach().flatten() for value in state]))}


def _as_agreed(test: Callable[..., Any], model: nn.Module, loader: DataLoader[Any]) -> Shown:
    """Call `test` as the template says. Raises Refuse unless it returns two numbers."""
    doing, wanted = "test(model, loader, device)", phrase("loss_and_accuracy")
    with told_apart(doing):
        found = test(model, loader, torch.device("cpu"))
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise returned(found, doing, wanted)
    loss, accuracy = (finite(number(value, doing, wanted)) for value in found)
    return Shown(accuracy, loss)
