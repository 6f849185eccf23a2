"""Train a small network on Fashion-MNIST, save its weights, and test it: python train.py [--epochs N]."""

import argparse

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

DATA = "data"
WEIGHTS = "fashion.pth"
BATCH = 64
LEARNING_RATE = 0.001
MEAN, STD = (0.2860,), (0.3530,)  # of the pixels of the training images, from 0 to 1


class Net(nn.Module):
    """Two convolutions and two linear layers, for grey images of 28 x 28 pixels in ten classes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.fc1 = nn.Linear(32 * 7 * 7, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits (N, 10) of images (N, 1, 28, 28)."""
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)  # (N, 16, 14, 14)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)  # (N, 32, 7, 7)
        x = F.relu(self.fc1(x.flatten(1)))
        return self.fc2(x)


def loader(train: bool) -> DataLoader:
    """Return the training images or the test images in batches; torchvision fetches them if they are missing."""
    prepare = transforms.Compose([transforms.ToTensor(), transforms.Normalize(MEAN, STD)])
    images = datasets.FashionMNIST(DATA, train=train, transform=prepare, download=True)
    return DataLoader(images, batch_size=BATCH, shuffle=train)


def train_one_epoch(net: nn.Module, batches: DataLoader, optimizer: torch.optim.Optimizer) -> float:
    """Show all training images to the network once, and return the mean loss."""
    net.train()
    total = 0.0
    for x, y in batches:
        loss = F.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(batches)


@torch.no_grad()
def accuracy(net: nn.Module, batches: DataLoader) -> float:
    """Return the share of images that the network names correctly."""
    net.eval()
    correct = sum(int((net(x).argmax(1) == y).sum()) for x, y in batches)
    return correct / len(batches.dataset)


def main() -> None:
    """Train, save, test."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=2)
    epochs = parser.parse_args().epochs
    torch.manual_seed(1)
    net = Net()
    optimizer = torch.optim.Adam(net.parameters(), LEARNING_RATE)
    training, test = loader(train=True), loader(train=False)
    for epoch in range(1, epochs + 1):
        print(f"epoch {epoch} of {epochs}: loss {train_one_epoch(net, training, optimizer):.3f}", flush=True)
    torch.save(net.state_dict(), WEIGHTS)
    print(f"test accuracy: {accuracy(net, test):.2%}")


if __name__ == "__main__":
    main()
