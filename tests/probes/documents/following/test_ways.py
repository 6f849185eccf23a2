"""Ways in which scripts prepare their test images: what is followed, and what is left open."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from textwrap import dedent
from typing import Any

import pytest

from grader.labs import the_lab
from grader.probes.documents.normalisation import read_preprocessing

HEAD = "import torch\nfrom torch import nn\nfrom torchvision import datasets, transforms as T\n"
HALF, TENTH = (0.5, 0.5, 0.5), (0.1, 0.1, 0.1)
NONE, ONE = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)


def read(code: str, **others: str) -> dict[str, Any]:
    files = {"exp2.py": HEAD + dedent(code), **{f"{name}.py": text for name, text in others.items()}}
    inputs = {"names": list(files), "beside": the_lab().scripts_beside_training, "training": the_lab().training_script}
    with ExitStack() as stack:
        opened = {name: stack.enter_context(tempfile.TemporaryFile()) for name in files}
        for name, text in files.items():
            opened[name].write(text.encode())
            opened[name].flush()
        value, _ = read_preprocessing(inputs, {name: file.fileno() for name, file in opened.items()})
    return value


def used(code: str, **others: str) -> tuple[Any, Any] | None:
    value = read(code, **others)
    return (value["mean"], value["std"]) if "mean" in value else None


LOADER = "loader = torch.utils.data.DataLoader(datasets.CIFAR10('.', train=False, transform=T.ToTensor()))\n"

FOLLOWED = {
    "set later": """
        images = datasets.CIFAR10(".", train=False)
        images.transform = T.Compose([T.ToTensor(), T.Normalize((0.5,), (0.5,))])
    """,
    "steps appended": """
        steps = T.Compose([T.ToTensor()])
        steps.transforms.append(T.Normalize((0.5,), (0.5,)))
        images = datasets.CIFAR10(".", False, steps)
    """,
    "partial": """
        from functools import partial
        make = partial(datasets.CIFAR10, root="x", download=True)
        images = make(train=False, transform=T.Compose([T.ToTensor(), T.Normalize((0.5,), (0.5,))]))
    """,
    "match": """
        def make(split):
            match split:
                case "train":
                    steps = T.ToTensor()
                case "test":
                    steps = T.Compose([T.ToTensor(), T.Normalize((0.5,), (0.5,))])
            return datasets.CIFAR10(".", train=(split == "train"), transform=steps)
    """,
    "raised otherwise": """
        def make(split="train"):
            if split == "train":
                steps = T.ToTensor()
            elif split == "test":
                steps = T.Compose([T.ToTensor(), T.Normalize((0.5,), (0.5,))])
            else:
                raise ValueError(split)
            return datasets.CIFAR10(".", train=(split == "train"), transform=steps)
    """,
    "name used again": """
        steps = T.Compose([T.ToTensor(), T.Normalize((0.1,), (0.1,))])
        images = datasets.CIFAR10(".", train=True, transform=steps)
        steps = T.Compose([T.ToTensor(), T.Normalize((0.5,), (0.5,))])
        images = datasets.CIFAR10(".", train=False, transform=steps)
        steps = None
    """,
    "functions of torchvision": """
        import torchvision.transforms.functional as TF
        def prepare(image):
            return TF.normalize(TF.to_tensor(image), [0.5] * 3, [0.5] * 3)
        images = datasets.CIFAR10(".", train=False, transform=prepare)
    """,
    "functions as steps": """
        import torchvision.transforms.functional as TF
        steps = T.Compose([TF.to_tensor, T.Lambda(lambda x: x.mul(2).sub(1))])
        images = datasets.CIFAR10(".", train=False, transform=steps)
    """,
    "in place, in the loop": LOADER
    + """
middle = torch.tensor(HALVES)[None, :, None, None]
net = nn.Linear(3, 10)
def score():
    for images, labels in loader:
        images, labels = images.cuda(), labels.cuda()
        images.sub_(middle).div_(middle)
        net(images)
HALVES = [0.5] * 3
score()
""".replace("middle = torch.tensor(HALVES)", "middle = torch.tensor([0.5] * 3)"),
    "a batch put together": """
        def together(batch):
            return (torch.stack([image for image, _ in batch]) - 0.5) / 0.5, [label for _, label in batch]
        images = datasets.CIFAR10(".", train=False, transform=T.ToTensor())
        loader = torch.utils.data.DataLoader(images, collate_fn=together)
    """,
    "a module of its own": LOADER
    + """
class Symmetric(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("half", torch.tensor([0.5] * 3).view(1, 3, 1, 1))

    def forward(self, x):
        return (x - self.half) / self.half

net = nn.Sequential(Symmetric(), nn.Linear(3, 10))
for images, labels in loader:
    net(images)
""",
    "pickled batches": """
        import pickle
        import numpy as np
        class Batches(torch.utils.data.Dataset):
            def __init__(self, files):
                parts = [pickle.load(open(file, "rb"), encoding="bytes") for file in files]
                self.pixels = np.vstack([part[b"data"] for part in parts]) / 127.5 - 1
            def __getitem__(self, index):
                return torch.tensor(self.pixels[index].reshape(3, 32, 32)).float()
        learn = Batches(["data_batch_1", "data_batch_2"])
        judge = Batches(["test_batch"])
    """,
    "arrays": """
        import numpy as np
        def ready(x):
            x = x.astype(np.float32) / 255.0
            return np.transpose((x - 0.5) / 0.5, (0, 3, 1, 2))
        learn, judge = datasets.CIFAR10(".", train=True), datasets.CIFAR10(".", train=False)
        images = torch.utils.data.TensorDataset(torch.from_numpy(ready(judge.data)), torch.tensor(judge.targets))
    """,
    "wrapped": """
        class Wrapped(torch.utils.data.Dataset):
            def __init__(self, inner, steps=None):
                self.inner, self.steps = inner, steps
            def __getitem__(self, index):
                image, label = self.inner[index]
                return (self.steps(image) if self.steps else image), label
        steps = T.Compose([T.ToTensor(), T.Normalize((0.5,), (0.5,))])
        judge = Wrapped(datasets.CIFAR10(".", train=False), steps)
    """,
    "a class method": """
        class Settings:
            middle = [0.5] * 3
            @classmethod
            def steps(cls, learning=False):
                more = [T.RandomHorizontalFlip()] if learning else []
                return T.Compose(more + [T.ToTensor(), T.Normalize(cls.middle, cls.middle)])
        images = datasets.CIFAR10(".", False, Settings.steps())
    """,
    "the other is looked at": """
        looked_at = datasets.CIFAR10(".", train=False, transform=T.ToTensor())
        steps = T.Compose([T.ToTensor(), T.Normalize((0.5,), (0.5,))])
        loader = torch.utils.data.DataLoader(datasets.CIFAR10(".", train=False, transform=steps))
        net = nn.Linear(3, 10)
        for images, labels in loader:
            net(images)
    """,
}


@pytest.mark.parametrize("way", FOLLOWED)
def test_a_way_is_followed_to_its_end(way):
    assert used(FOLLOWED[way]) == (HALF, HALF)


OPEN = {
    "an option": """
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("--middle", type=float, default=0.5)
        args = parser.parse_args()
        steps = T.Compose([T.ToTensor(), T.Normalize((args.middle,) * 3, (0.5,) * 3)])
        images = datasets.CIFAR10(".", train=False, transform=steps)
    """,
    "trained with, and not tested": """
        steps = T.Compose([T.ToTensor(), T.Normalize((0.5,), (0.5,))])
        images = datasets.CIFAR10(".", train=True, transform=steps)
    """,
    "normalised by whoever calls": LOADER
    + """
def score(net, batches):
    for images, labels in batches:
        net((images - torch.tensor([0.5, 0.5, 0.5])) / torch.tensor([0.5, 0.5, 0.5]))
""",
    "normalised by the network": LOADER
    + """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale, self.layer = T.Normalize((0.5,), (0.5,)), nn.Linear(3, 10)

    def forward(self, x):
        return self.layer(self.scale(x))

net = Net()
for images, labels in loader:
    net(images)
""",
    "two test sets": """
        for middle in (0.5, 0.1):
            images = datasets.CIFAR10(".", False, T.Compose([T.ToTensor(), T.Normalize((middle,), (0.5,))]))
    """,
    "a step that is not known": """
        from mine import Sharpen
        steps = T.Compose([T.ToTensor(), Sharpen(), T.Normalize((0.5,), (0.5,))])
        images = datasets.CIFAR10(".", train=False, transform=steps)
    """,
}


@pytest.mark.parametrize("way", OPEN)
def test_what_is_not_certain_is_a_candidate(way):
    value = read(OPEN[way])
    assert value["found"] is False
    assert (HALF, HALF) in [(one["mean"], one["std"]) for one in value["candidates"]]
    assert all(one["source"] == "exp2.py" and one["line"] > 3 for one in value["candidates"])


def test_images_of_another_data_set_say_nothing():
    code = 'a = datasets.MNIST(".", train=False, transform=T.Compose([T.ToTensor(), T.Normalize((0.1,), (0.3,))]))\n'
    own = 'b = datasets.CIFAR10(".", train=False, transform=T.Compose([T.ToTensor(), T.Normalize((0.5,), (0.5,))]))'
    assert used(code + own) == (HALF, HALF)


def test_the_inverse_of_a_normalisation_is_none():
    value = read("undo = T.Normalize([-1, -1, -1], [2, 2, 2])\nundo_by_steps = T.Normalize([0, 0, 0], [2, 2, 2])")
    assert value["candidates"] == []


def test_a_transform_of_another_file_is_followed():
    data = (
        "from torchvision import transforms as T\ndef steps(train):\n    return T.Compose([T.ToTensor(), T.Normalize("
    )
    data += "(0.1,) if train else (0.5,), (0.5,))])\n"
    code = "from data import steps\nimages = datasets.CIFAR10('.', False, steps(train=False))"
    assert used(code, data=data) == (HALF, HALF)


def test_files_that_import_each_other_are_followed_once():
    assert used("import data\nt = T.Normalize((0.5,), (0.5,))", data="import exp2\nfrom exp2 import *") == (HALF, HALF)


def test_two_files_that_differ_leave_it_open_unless_one_trains_the_network():
    code = "images = datasets.CIFAR10('.', False, T.Compose([T.ToTensor(), T.Normalize((0.5,), (0.5,))]))"
    other = HEAD + code.replace("0.5", "0.1")
    assert used(code, show=other) == (HALF, HALF)
    candidates = read("", main=HEAD + code, show=other)["candidates"]
    assert [one["mean"] for one in candidates] == [HALF, TENTH]


def test_pixels_that_are_not_scaled_are_told_by_the_scale():
    value = read("images = datasets.CIFAR10('.', False, T.Compose([T.PILToTensor(), T.Lambda(lambda x: x.float())]))")
    assert (value["mean"], value["std"], value["scale"]) == (NONE, ONE, 1.0)


def test_colours_in_the_order_of_cv2_are_told():
    code = """
        import cv2
        class Files(torch.utils.data.Dataset):
            def __init__(self, folder):
                self.paths = sorted(folder)
            def __getitem__(self, index):
                return T.ToTensor()(cv2.imread(self.paths[index]){turn}), 0
        judge = Files("data/test")
    """
    assert read(code.format(turn=""))["blue_first"] is True
    assert read(code.format(turn="[:, :, ::-1]"))["blue_first"] is False
