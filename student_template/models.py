"""The networks of the lab: students train them, and the grader loads the weights that are handed in into them.

Every network maps images, float32 (N, 3, 32, 32), normalised, to logits (N, 10).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CLASSES = 10
Shortcut = Literal["A", "B"]


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut around them (He et al. 2016, section 3.3).

    Where the shape changes, shortcut "A" takes every second pixel and fills the new channels with zeros, without
    any parameters; "B" is a 1x1 convolution with its own BatchNorm.
    """

    def __init__(self, channels_in: int, channels: int, stride: int, shortcut: Shortcut) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.stride = stride
        self.new_channels = channels - channels_in
        self.shortcut = nn.Sequential()  # an empty Sequential is the identity and adds no key to the state dict
        if shortcut == "B" and (stride != 1 or self.new_channels):
            projection = nn.Conv2d(channels_in, channels, kernel_size=1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if len(self.shortcut) or not self.new_channels:
            return F.relu(out + self.shortcut(x))
        before = self.new_channels // 2
        x = x[:, :, :: self.stride, :: self.stride]
        x = F.pad(x, (0, 0, 0, 0, before, self.new_channels - before))
        return F.relu(out + x)


class ResNet(nn.Module):
    """ResNet for CIFAR-10 (He et al. 2016, section 4.2): 6n + 2 layers, stages of 16, 32 and 64 channels.

    n = 3 gives ResNet20 with 0.27 million parameters; He et al. report 91.25 % test accuracy after about 160 epochs.
    """

    def __init__(self, blocks: int, shortcut: Shortcut = "A", classes: int = CLASSES) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, kernel_size=3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = _stage(16, 16, blocks, 1, shortcut)
        self.layer2 = _stage(16, 32, blocks, 2, shortcut)
        self.layer3 = _stage(32, 64, blocks, 2, shortcut)
        self.linear = nn.Linear(64, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight)  # He et al. 2015, as in He et al. 2016, section 3.4

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))  # (N, 16, 32, 32)
        x = self.layer1(x)
        x = self.layer2(x)  # (N, 32, 16, 16)
        x = self.layer3(x)  # (N, 64, 8, 8)
        x = x.mean(dim=(2, 3))  # global average pooling: (N, 64)
        logits: Tensor = self.linear(x)
        return logits


def _stage(channels_in: int, channels: int, blocks: int, stride: int, shortcut: Shortcut) -> nn.Sequential:
    first = BasicBlock(channels_in, channels, stride, shortcut)
    return nn.Sequential(first, *(BasicBlock(channels, channels, 1, shortcut) for _ in range(blocks - 1)))


def resnet20(shortcut: Shortcut = "A") -> ResNet:
    """ResNet20, the lab's network."""
    return ResNet(3, shortcut)


def resnet32(shortcut: Shortcut = "A") -> ResNet:
    """ResNet32."""
    return ResNet(5, shortcut)


def resnet44(shortcut: Shortcut = "A") -> ResNet:
    """ResNet44."""
    return ResNet(7, shortcut)


def resnet56(shortcut: Shortcut = "A") -> ResNet:
    """ResNet56."""
    return ResNet(9, shortcut)


def resnet110(shortcut: Shortcut = "A") -> ResNet:
    """ResNet110."""
    return ResNet(18, shortcut)


def small_alexnet() -> nn.Sequential:
    """A small AlexNet for 32x32 images; its source reports 67.94 % test accuracy after 20 epochs."""
    net = nn.Sequential(
        nn.Conv2d(3, 16, kernel_size=7, padding=3), nn.ReLU(),
        nn.MaxPool2d(kernel_size=2, stride=2),  # (N, 16, 16, 16)
        nn.Conv2d(16, 64, kernel_size=5, padding=2), nn.ReLU(),
        nn.MaxPool2d(kernel_size=2, stride=2),  # (N, 64, 8, 8)
        nn.Conv2d(64, 256, kernel_size=3, padding=1), nn.ReLU(),
        nn.Conv2d(256, 256, kernel_size=3, padding=1), nn.ReLU(),
        nn.Conv2d(256, 64, kernel_size=3, padding=1), nn.ReLU(),
        nn.MaxPool2d(kernel_size=2, stride=2),  # (N, 64, 4, 4)
        nn.Flatten(),
        nn.Linear(64 * 4 * 4, 256), nn.ReLU(), nn.Dropout(0.3),
        nn.Linear(256, 256), nn.ReLU(), nn.Dropout(0.3),
        nn.Linear(256, CLASSES),
    )  # fmt: skip
    for module in net:
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_uniform_(module.weight)  # He et al. 2015: the activations are ReLU
    return net


class MLP(nn.Module):
    """Three hidden layers on the flattened pixels, channels first."""

    def __init__(self, classes: int = CLASSES) -> None:
        super().__init__()
        self.fc1 = nn.Linear(3 * 32 * 32, 512)
        self.fc2 = nn.Linear(512, 256)
        self.fc3 = nn.Linear(256, 128)
        self.fc4 = nn.Linear(128, classes)
        self.dropout = nn.Dropout(0.25)

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        x = self.dropout(F.relu(self.fc3(x)))
        logits: Tensor = self.fc4(x)
        return logits


class CNN(nn.Module):
    """Three 3x3 convolutions of 64 channels with BatchNorm, one pooling, two linear layers."""

    def __init__(self, classes: int = CLASSES) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 64, kernel_size=3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(64)
        self.conv1 = nn.Conv2d(64, 64, kernel_size=3, padding=1)
        self.bn1 = nn.BatchNorm2d(64)
        self.conv2 = nn.Conv2d(64, 64, kernel_size=3, padding=1)
        self.bn2 = nn.BatchNorm2d(64)
        self.fc1 = nn.Linear(64 * 16 * 16, 64)
        self.fc2 = nn.Linear(64, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn(self.conv(x)))
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        x = F.avg_pool2d(x, 2).flatten(1)  # (N, 64 * 16 * 16)
        logits: Tensor = self.fc2(F.relu(self.fc1(x)))
        return logits


class ResNet9(nn.Module):
    """Nine layers; two of its stages have a residual connection around them."""

    def __init__(self, classes: int = CLASSES) -> None:
        super().__init__()
        self.conv1 = _conv_block(3, 64)
        self.conv2 = _conv_block(64, 128, pool=True)
        self.res1 = nn.Sequential(_conv_block(128, 128), _conv_block(128, 128))
        self.conv3 = _conv_block(128, 256, pool=True)
        self.conv4 = _conv_block(256, 512, pool=True)
        self.res2 = nn.Sequential(_conv_block(512, 512), _conv_block(512, 512))
        self.classifier = nn.Sequential(nn.MaxPool2d(4), nn.Flatten(), nn.Linear(512, 128), nn.Linear(128, classes))

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv2(self.conv1(x))  # (N, 128, 16, 16)
        x = self.res1(x) + x
        x = self.conv4(self.conv3(x))  # (N, 512, 4, 4)
        x = self.res2(x) + x
        logits: Tensor = self.classifier(x)
        return logits


def _conv_block(channels_in: int, channels: int, pool: bool = False) -> nn.Sequential:
    layers = [nn.Conv2d(channels_in, channels, kernel_size=3, padding=1), nn.BatchNorm2d(channels), nn.ReLU()]
    return nn.Sequential(*layers, *([nn.MaxPool2d(2)] if pool else []))


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "resnet20": resnet20,
    "resnet32": resnet32,
    "resnet44": resnet44,
    "resnet56": resnet56,
    "resnet110": resnet110,
    "small_alexnet": small_alexnet,
    "mlp": MLP,
    "cnn": CNN,
    "resnet9": ResNet9,
}  # what --model accepts


def parameter_count(net: nn.Module) -> int:
    """The number of trainable values."""
    return sum(parameter.numel() for parameter in net.parameters())


if __name__ == "__main__":
    for name, build in NETWORKS.items():
        shape = tuple(build().eval()(torch.zeros(1, 3, 32, 32)).shape)
        print(f"{name:14} {parameter_count(build()):>10,} parameters, logits {shape}")
