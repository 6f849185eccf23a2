"""Rebuilds a whole `nn.Sequential` that was saved with torch.save(net), from its layers' plain attributes.

The saved objects never run: each layer is recreated with torch's own class from checked numbers.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from grader.probes.refusals import Refuse, phrase
from grader.probes.weights.blank import blank
from grader.probes.weights.state_dict import CONTAINER, children
from grader.probes.weights.unpickle import Inert

MOST_LAYERS = 1000  # of one nn.Sequential; state_dict.MOST_MODULES bounds them all
LARGEST = 1_000_000  # an attribute: features, kernel size, padding
_CONV = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups", "padding_mode")
_NORM = ("num_features", "eps", "momentum", "affine", "track_running_stats")
_POOL = ("kernel_size", "stride", "padding", "ceil_mode")

LAYERS: dict[str, tuple[str, ...]] = {
    "Conv2d": _CONV,
    "Linear": ("in_features", "out_features"),
    "BatchNorm1d": _NORM,
    "BatchNorm2d": _NORM,
    "GroupNorm": ("num_groups", "num_channels", "eps", "affine"),
    "LayerNorm": ("normalized_shape", "eps", "elementwise_affine"),
    "LocalResponseNorm": ("size", "alpha", "beta", "k"),
    "MaxPool2d": (*_POOL, "dilation"),
    "AvgPool2d": (*_POOL, "count_include_pad", "divisor_override"),
    "AdaptiveAvgPool2d": ("output_size",),
    "AdaptiveMaxPool2d": ("output_size",),
    "ZeroPad2d": ("padding",),
    "Flatten": ("start_dim", "end_dim"),
    "Identity": (),
    "Dropout": ("p",),
    "Dropout1d": ("p",),
    "Dropout2d": ("p",),
    "AlphaDropout": ("p",),
    "ReLU": (),
    "ReLU6": (),
    "LeakyReLU": ("negative_slope",),
    "PReLU": ("num_parameters",),
    "ELU": ("alpha",),
    "CELU": ("alpha",),
    "SELU": (),
    "GELU": ("approximate",),
    "SiLU": (),
    "Mish": (),
    "Hardswish": (),
    "Hardsigmoid": (),
    "Hardtanh": ("min_val", "max_val"),
    "Softplus": ("beta", "threshold"),
    "Softsign": (),
    "Sigmoid": (),
    "Tanh": (),
    "Softmax": ("dim",),
    "LogSoftmax": ("dim",),
}


def rebuild(module: Inert, file: str) -> nn.Sequential | None:
    """Rebuild the network on the meta device; None if the module is not a plain Sequential. Raises Refuse."""
    if module.name != CONTAINER:
        return None
    return blank(lambda: _sequential(module, file, "", 0))


def _sequential(module: Inert, file: str, prefix: str, depth: int) -> nn.Sequential:
    net = nn.Sequential()
    for name, child in children(module):
        path = f"{prefix}{name}"
        if len(net) >= MOST_LAYERS or depth > 20:
            raise Refuse("layer", file=file, name=path[:100], layer=phrase("too_many_layers"))
        inner = child.name == CONTAINER
        layer = _sequential(child, file, f"{path}.", depth + 1) if inner else _layer(child, file, path)
        try:
            net.add_module(name, layer)
        except KeyError as error:  # a name that torch does not allow
            raise Refuse("layer", file=file, name=path[:100], layer=child.name[:100]) from error
    return net


def _layer(saved: Inert, file: str, path: str) -> nn.Module:
    package, _, kind = saved.name.rpartition(".")
    refusal = Refuse("layer", file=file, name=path[:100], layer=saved.name[:100])
    if not package.startswith("torch.nn.modules.") or kind not in LAYERS:
        raise refusal
    try:
        arguments = {name: _plain(saved.state[name]) for name in LAYERS[kind] if name in saved.state}
        if kind in ("Conv2d", "Linear"):
            arguments["bias"] = saved.state["_parameters"].get("bias") is not None
        layer: nn.Module = getattr(nn, kind)(**arguments)
    except MemoryError:
        raise
    except Exception as error:  # each layer complains in its own way: ZeroDivisionError, AssertionError
        raise refusal from error
    return layer


def _plain(value: Any) -> Any:
    """Return a number, a short word, or a short tuple of these. Raises ValueError for anything else."""
    if isinstance(value, tuple | list) and len(value) <= 4:
        return tuple(_plain(item) for item in value)
    if value is None or isinstance(value, bool) or (isinstance(value, str) and len(value) < 20):
        return value
    if isinstance(value, int | float) and abs(value) <= LARGEST:
        return value
    raise ValueError("not a plain attribute")
