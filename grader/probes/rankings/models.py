"""Recognises names of networks, and spells them as torchvision and the lab do where the meaning is certain."""

from __future__ import annotations

import re
from itertools import pairwise

_LISTED = """
alexnet convnext_base convnext_large convnext_small convnext_tiny densenet121 densenet161 densenet169
densenet201 efficientnet_b0 efficientnet_b1 efficientnet_b2 efficientnet_b3 efficientnet_b4 efficientnet_b5
efficientnet_b6 efficientnet_b7 efficientnet_v2_l efficientnet_v2_m efficientnet_v2_s efficientnet_lite0
efficientnet_lite1 efficientnet_lite2 efficientnet_lite3 efficientnet_lite4 googlenet inception_v3 maxvit_t
mnasnet0_5 mnasnet0_75 mnasnet1_0 mnasnet1_3 mobilenet_v2 mobilenet_v3_large mobilenet_v3_small
regnet_x_16gf regnet_x_1_6gf regnet_x_32gf regnet_x_3_2gf regnet_x_400mf regnet_x_800mf regnet_x_8gf
regnet_y_128gf regnet_y_16gf regnet_y_1_6gf regnet_y_32gf regnet_y_3_2gf regnet_y_400mf regnet_y_800mf
regnet_y_8gf resnet18 resnet20 resnet32 resnet34 resnet44 resnet50 resnet56 resnet101 resnet110 resnet152
resnext101_32x8d resnext101_64x4d resnext50_32x4d shufflenet_v2_x0_5 shufflenet_v2_x1_0 shufflenet_v2_x1_5
shufflenet_v2_x2_0 squeezenet1_0 squeezenet1_1 swin_b swin_s swin_t swin_v2_b swin_v2_s swin_v2_t vgg11
vgg11_bn vgg13 vgg13_bn vgg16 vgg16_bn vgg19 vgg19_bn vit_b_16 vit_b_32 vit_h_14 vit_l_16 vit_l_32
wide_resnet101_2 wide_resnet50_2
"""
NAMES = tuple(_LISTED.split())
_PARTS = re.compile(r"[a-z]+|\d+")


def _bare(name: str) -> str:
    """Remove separators between the parts of a name, except between digits: 1.6 is not 16."""
    return re.sub(r"(?<=\d)_(?=[a-z])|(?<=[a-z])_", "", "_".join(_PARTS.findall(name)))


_BY_PARTS = {_bare(name): name for name in NAMES}


def _spellings(name: str) -> str:
    """ResNet-50, VGG 16 BN, ViT-B/16, EfficientNet_B0."""
    parts = _PARTS.findall(name)
    between = ["[ _./-]" if a.isdigit() and b.isdigit() else "[ _./-]?" for a, b in pairwise(parts)]
    return "".join(part + apart for part, apart in zip(parts, [*between, ""], strict=True))


# another network may hide behind se_resnet50 and cbam-resnet50
KNOWN = re.compile(
    r"(?<![a-z0-9])(?<![a-z0-9][_\-])(?:"
    + "|".join(sorted(map(_spellings, NAMES), key=len, reverse=True))
    + r")(?![a-z0-9])",
    re.IGNORECASE,
)


def known(text: str) -> list[str]:
    """Return the networks that the text names, each once."""
    found = (_BY_PARTS[_bare(match.group().casefold())] for match in KNOWN.finditer(text))
    return list(dict.fromkeys(found))


def normal(text: str) -> str:
    """Return the network's name as torchvision spells it; unchanged if that is not certain."""
    names = known(text)
    return names[0] if len(names) == 1 else text.strip().strip("'\"`*")[:200]
