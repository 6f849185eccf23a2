"""Every other network as an extractor: torchvision's classifiers and the lab's own. Not given to students.

One rule covers them all: the features are the input of the head, which is the last direct child with parameters. The
logits follow from them, and nothing later is as general.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from exp2 import MEAN, STD
from extract_features import (
    FEATURES,
    WEIGHTS,
    Extractor,
    Preprocess,
    check,
    from_torchvision,
)
from lab import LabError
from models import NETWORKS
from torch import Tensor, nn
from torchvision import models

SIDE = 32  # pixels of a CIFAR-10 image


def head(model: nn.Module) -> tuple[str, nn.Module]:
    """The name and the module that turns features into logits: `fc`, `classifier`, `head`, `heads` or `linear`."""
    return [(name, child) for name, child in model.named_children() if any(True for _ in child.parameters())][-1]


def head_input(model: nn.Module, x: Tensor) -> Tensor:
    """The input of the head for images x, (N, 3, H, W): (N, D), or maps (N, D, h, w) (SqueezeNet, MaxViT)."""
    seen: list[Tensor] = []
    hook = head(model)[1].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model(x)  # a hook, because several families pool by a function, which has no name in a graph
    hook.remove()
    return seen[-1]


def features(model: nn.Module, x: Tensor) -> Tensor:
    """One vector per image, (N, D): the input of the head, maps averaged over their positions."""
    given = head_input(model, x)
    return given.mean(dim=(2, 3)) if given.ndim == 4 else given


def load_other(name: str, weights: str, seed: int) -> Extractor:
    """The extractor with any name and weights; `name` may be a file of the lab's weights. Raises LabError."""
    if name.endswith(".pth"):
        name, weights = network_of(Path(name)), name
    check("--model", [*FEATURES, *models.list_models(module=models), *NETWORKS], name)
    if not weights.endswith(".pth"):
        check("--weights", WEIGHTS, weights)
    start = weights if weights == "imagenet" else "random"  # weights from a file replace random ones
    model, label, preprocess = lab_network(name, start, seed) if name in NETWORKS else classifier(name, start, seed)
    if weights not in WEIGHTS:
        model.load_state_dict(fitting(read_weights(Path(weights)), name, model, weights))
        label = Path(weights).name
    layer = "avgpool" if name in FEATURES else f"input of {head(model)[0]}"
    drawn = seed if weights == "random" else None
    return Extractor(name, label, drawn, layer, preprocess, model.eval(), FEATURES.get(name, features))


def lab_network(name: str, weights: str, seed: int) -> tuple[nn.Module, str, Preprocess]:
    """A network of the lab with random weights, their name, and its preprocessing. Raises LabError."""
    if weights == "imagenet":
        raise LabError(f"--weights: {name} was never trained on ImageNet: use final.pth, or random")
    torch.manual_seed(seed)
    return NETWORKS[name](), weights, Preprocess(SIDE, SIDE, mean=MEAN, std=STD)


def classifier(name: str, weights: str, seed: int) -> tuple[nn.Module, str, Preprocess]:
    """A classifier of torchvision, the name of its weights, and their preprocessing. Raises LabError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # GoogLeNet and Inception announce another initialisation
        return *from_torchvision(name, weights, seed), preprocess_of(name)


def preprocess_of(name: str) -> Preprocess:
    """The preprocessing of torchvision's own weights with that name."""
    of = next(iter(models.get_model_weights(name))).transforms()
    (resize,), (crop,) = of.resize_size, of.crop_size
    return Preprocess(resize, crop, of.interpolation.value, of.antialias, tuple(of.mean), tuple(of.std))


def read_weights(path: Path) -> dict[str, Tensor]:
    """A state dict from a file, bare or under `net`. Raises LabError."""
    try:
        contents = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise LabError(f"there is no file {path}") from None
    except Exception as error:  # torch.load raises a dozen types for files that are not checkpoints
        raise LabError(f"{path} is not a file of weights ({type(error).__name__})") from error
    state = contents.get("net", contents) if isinstance(contents, dict) else {}
    if not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise LabError(f"{path} holds no weights, neither bare nor under 'net'")
    return dict(state)


def network_of(path: Path) -> str:
    """The network of the lab whose weights the file holds. Raises LabError."""
    weights = read_weights(path)
    for name, build in NETWORKS.items():
        if shapes(weights) == shapes(build().state_dict()):
            return str(name)
    raise LabError(
        f"{path} does not hold weights of a network of the lab: give its network as --model, the file as --weights"
    )


def fitting(weights: dict[str, Tensor], name: str, model: nn.Module, path: str) -> dict[str, Tensor]:
    """The weights, if they are of this model. Raises LabError."""
    wanted, given = shapes(model.state_dict()), shapes(weights)
    if wanted != given:
        key = next(key for key in [*wanted, *given] if wanted.get(key) != given.get(key))
        raise LabError(f"{path} holds the weights of a network other than {name} (see '{key}'); try another --model")
    return weights


def shapes(weights: dict[str, Tensor]) -> dict[str, torch.Size]:
    """The shape of every weight."""
    return {key: value.shape for key, value in weights.items()}
