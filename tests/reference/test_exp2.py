"""The training script: what it promises a student, on 96 small images."""

from __future__ import annotations

import errno
import importlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Subset, WeightedRandomSampler
from torchvision import transforms
from torchvision.transforms import functional as pictures

REFERENCE = Path(__file__).parents[2] / "reference"
GIVEN = ("models.py", "training.py", "fast.py", "lab.py")
CPU = torch.device("cpu")
NAMES = ("exp2", "training", "fast", "models", "lab")  # as students import them: modules of one flat folder


@pytest.fixture(scope="module")
def lab() -> Iterator[dict[str, ModuleType]]:
    sys.path.insert(0, str(REFERENCE))
    yield {name: importlib.import_module(name) for name in NAMES}
    sys.path.remove(str(REFERENCE))
    for name in NAMES:
        sys.modules.pop(name)


@pytest.fixture
def exp2(lab: dict[str, ModuleType]) -> ModuleType:
    return lab["exp2"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cifar")
    draw = np.random.default_rng(7)
    for split, count in (("train", 96), ("test", 30)):
        labels = draw.integers(0, 10, count).astype(np.uint8)
        images = draw.integers(0, 60, (count, 3, 32, 32)) + 19 * labels[:, None, None, None]  # a class is a brightness
        np.save(folder / f"{split}_images.npy", images.astype(np.uint8))
        np.save(folder / f"{split}_labels.npy", labels)
    return folder


def train_run(exp2: ModuleType, data: Path, out: Path, *more: str) -> dict[str, Any]:
    exp2.main(["--data", str(data), "--out", str(out), "--device", "cpu", *more])
    return torch.load(out / "final.pth", weights_only=True)


def checkpoint(out: Path, epoch: int) -> str:
    (path,) = (out / "checkpoint").glob(f"ckpt_{epoch}_acc_*.pth")
    return str(path)


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


# An interrupted run


@pytest.mark.parametrize(
    ("recipe", "model"),
    [
        ("best", "resnet20"),
        ("quick", "cnn"),
        ("recommended", "mlp"),
        ("plateau", "mlp"),
        ("one-cycle", "mlp"),
        ("small-alexnet", "mlp"),
    ],
)
def test_a_resumed_run_ends_in_the_same_bits_as_an_uninterrupted_one(exp2, data, tmp_path, recipe, model):
    whole, rest = tmp_path / "whole", tmp_path / "rest"
    one = train_run(exp2, data, whole, "--recipe", recipe, "--model", model, "--epochs", "3", "--seed", "5")
    other = train_run(exp2, data, rest, "--resume", checkpoint(whole, 0))
    assert same(one["net"], other["net"])
    assert one["acc"] == other["acc"]
    assert one["epoch"] == other["epoch"] == 2
    first, second = (json.loads((out / "history.json").read_text("utf-8"))["epochs"] for out in (whole, rest))
    assert [{**epoch, "seconds": 0} for epoch in first] == [{**epoch, "seconds": 0} for epoch in second]


def interrupted(exp2, monkeypatch, epoch, *arguments) -> str:
    """What the script says when Ctrl-C is pressed in this epoch."""
    train, begun = exp2.train, []

    def until(*given):
        begun.append(given)
        if len(begun) > epoch:
            raise KeyboardInterrupt
        return train(*given)

    monkeypatch.setattr(exp2, "train", until)
    with pytest.raises(SystemExit) as ended:
        exp2.main(["--device", "cpu", "--model", "mlp", *map(str, arguments)])
    monkeypatch.undo()
    return str(ended.value)


def test_ctrl_c_names_the_checkpoint_from_which_the_run_continues(exp2, data, tmp_path, monkeypatch):
    where = ("--data", data, "--out", tmp_path, "--epochs", 3)
    said = interrupted(exp2, monkeypatch, 2, *where)
    newest = checkpoint(tmp_path, 1)
    assert f"stopped; to continue, start again with --resume {newest}, and with the same --data and --out" in said
    final = train_run(exp2, data, tmp_path, "--resume", newest)
    assert final["epoch"] == 2


def test_ctrl_c_before_the_first_checkpoint_offers_nothing_that_does_not_exist(exp2, data, tmp_path, monkeypatch):
    said = interrupted(exp2, monkeypatch, 0, "--data", data, "--out", tmp_path)
    assert "nothing is saved yet, so start again" in said
    assert "--resume" not in said
    assert not (tmp_path / "checkpoint").exists()


def test_ctrl_c_in_the_first_epoch_of_a_resumed_run_names_what_it_was_resumed_from(exp2, data, tmp_path, monkeypatch):
    train_run(exp2, data, tmp_path / "a", "--model", "mlp", "--epochs", "1")
    begun = checkpoint(tmp_path / "a", 0)
    where = ("--data", data, "--out", tmp_path / "b", "--epochs", 3, "--resume", begun)
    assert f"--resume {begun}," in interrupted(exp2, monkeypatch, 0, *where)


def test_where_there_is_no_terminal_training_says_how_far_it_is_and_what_is_saved(
    lab, exp2, data, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(lab["lab"], "SECONDS_APART", 0)
    train_run(exp2, data, tmp_path, "--model", "mlp", "--epochs", "1")
    said = capsys.readouterr().out
    assert f"after each epoch, what --resume needs is saved in {tmp_path / 'checkpoint'}" in said
    assert re.search(r"^epoch 0, batch 1 of 1, \d+ s$", said, re.MULTILINE)


def test_two_runs_differ_unless_the_seed_is_given(exp2, data, tmp_path):
    train_run(exp2, data, tmp_path / "a", "--model", "mlp", "--epochs", "1")
    train_run(exp2, data, tmp_path / "b", "--model", "mlp", "--epochs", "1")
    seeds = [json.loads((tmp_path / name / "history.json").read_text("utf-8"))["seed"] for name in "ab"]
    assert seeds[0] != seeds[1]
    again = train_run(exp2, data, tmp_path / "c", "--model", "mlp", "--epochs", "1", "--seed", str(seeds[0]))
    assert same(again["net"], torch.load(tmp_path / "a" / "final.pth", weights_only=True)["net"])


def test_bare_weights_go_on_at_their_epoch_with_the_rate_of_that_epoch(exp2, data, tmp_path, lab):
    start = tmp_path / "pretrain_model.pth"
    torch.save({"net": lab["models"].NETWORKS["mlp"]().state_dict(), "acc": 12.0, "epoch": 4}, start)
    train_run(exp2, data, tmp_path, "--model", "mlp", "--resume", str(start), "--epochs", "6")
    history = json.loads((tmp_path / "history.json").read_text("utf-8"))
    assert history["resumed_from"] == "pretrain_model.pth"
    assert [(epoch["epoch"], epoch["learning_rate"]) for epoch in history["epochs"]] == [(5, 0.01)]


def test_a_run_cut_short_differently_follows_the_schedule_of_its_new_length(exp2, data, tmp_path):
    train_run(exp2, data, tmp_path / "a", "--recipe", "best", "--model", "mlp", "--epochs", "4")
    train_run(exp2, data, tmp_path / "b", "--resume", checkpoint(tmp_path / "a", 0), "--epochs", "2")
    _, last = json.loads((tmp_path / "b" / "history.json").read_text("utf-8"))["epochs"]
    assert last["learning_rate"] == pytest.approx(exp2.PEAK_LEARNING_RATE * exp2.triangle(1, 2, exp2.WARM_UP))


@pytest.mark.parametrize(
    ("contents", "sentence"),
    [
        (None, "there is no file"),
        (b"not a checkpoint", "is not a checkpoint of this lab"),
        ({"weights": {}}, "holds no weights under 'net'"),
        ({"net": {"fc1.weight": torch.zeros(512, 3072)}}, "the weights of a network other than resnet20"),
        ({"net": {}, "epoch": 30}, "already has 31 epochs"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_answered_with_a_sentence(exp2, data, tmp_path, contents, sentence):
    path = tmp_path / "strange.pth"
    if isinstance(contents, bytes):
        path.write_bytes(contents)
    elif contents is not None:
        torch.save(contents, path)
    with pytest.raises(SystemExit, match=sentence) as stop:
        train_run(exp2, data, tmp_path, "--resume", str(path))
    assert "strange.pth" in str(stop.value)


# What a run leaves behind


def test_history_and_checkpoints_follow_the_formats(exp2, data, tmp_path):
    final = train_run(exp2, data, tmp_path, "--recipe", "small-alexnet", "--epochs", "2", "--seed", "83114")
    history = json.loads((tmp_path / "history.json").read_text("utf-8"))
    epochs = history.pop("epochs")
    assert history == {
        "schema": "history/1",
        "model": "small_alexnet",
        "recipe": "small-alexnet",
        "seed": 83114,
        "resumed_from": None,
    }
    fields = ["epoch", "learning_rate", "train_loss", "train_accuracy", "test_loss", "test_accuracy", "seconds"]
    assert [list(epoch) for epoch in epochs] == [fields, fields]
    assert [epoch["epoch"] for epoch in epochs] == [0, 1]
    assert all(0 <= epoch["test_accuracy"] <= 100 for epoch in epochs)
    assert final.keys() == {"net", "acc", "epoch"}
    assert final["acc"] == epochs[-1]["test_accuracy"]
    names = sorted(path.name for path in (tmp_path / "checkpoint").iterdir())
    assert all(re.fullmatch(rf"ckpt_{n}_acc_\d+\.\d\d\.pth", name) for n, name in enumerate(names))
    with Image.open(tmp_path / "history.png") as curves:
        assert curves.format == "PNG"
        assert curves.width >= 400


def test_a_full_disk_leaves_the_earlier_final_weights_intact(exp2, data, tmp_path, monkeypatch):
    (tmp_path / "final.pth").write_bytes(b"earlier")
    opened = Path.open

    class Full:
        def __init__(self, file):
            self.file = file

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def write(self, content):
            self.file.write(content[:100])
            raise OSError(errno.ENOSPC, "No space left on device")

    def open_full(path, mode="r", *rest, **more):
        file = opened(path, mode, *rest, **more)
        return Full(file) if "final.pth" in path.name and "w" in mode else file

    monkeypatch.setattr(Path, "open", open_full)
    with pytest.raises(SystemExit, match=r"final\.pth: No space left on device; the earlier file is unchanged"):
        exp2.main(["--data", str(data), "--out", str(tmp_path), "--model", "mlp", "--epochs", "1", "--device", "cpu"])
    assert (tmp_path / "final.pth").read_bytes() == b"earlier"
    assert not list(tmp_path.glob(".final*"))


def test_a_loss_that_is_not_finite_stops_the_run_before_it_is_written_down(exp2, data, tmp_path, monkeypatch):
    monkeypatch.setattr(exp2, "test", lambda *_: (float("nan"), 10.0))
    with pytest.raises(SystemExit, match="too high"):
        train_run(exp2, data, tmp_path, "--model", "mlp", "--epochs", "1")
    assert not (tmp_path / "history.json").exists()


def test_an_unknown_recipe_is_answered_with_the_nearest_one(exp2, capsys):
    with pytest.raises(SystemExit):
        exp2.main(["--recipe", "recomended"])
    assert "did you mean 'recommended'?" in capsys.readouterr().err


@pytest.mark.parametrize("number", ["0", "-3", "ten"])
def test_a_number_of_epochs_below_one_is_refused(exp2, capsys, number):
    with pytest.raises(SystemExit):
        exp2.main([f"--epochs={number}"])
    assert f"'{number}' is not a positive whole number" in capsys.readouterr().err


# Task 2.1


class Brightness(nn.Module):
    """Logits from the mean of an image; BatchNorm and Dropout make a forgotten eval() visible."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)
        self.dropout = nn.Dropout(0.5)
        self.linear = nn.Linear(3, 10)

    def forward(self, x):
        return self.linear(self.dropout(self.norm(x).mean(dim=(2, 3))))


def batches(*sizes: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    generator = torch.Generator().manual_seed(1)
    draw = [
        (torch.randn(n, 3, 32, 32, generator=generator), torch.randint(10, (n,), generator=generator)) for n in sizes
    ]
    return [(3 * images, labels) for images, labels in draw]


@pytest.mark.parametrize("training", [True, False])
def test_testing_leaves_mode_parameters_and_buffers_as_found(exp2, training):
    model = Brightness().train(training)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    exp2.test(model, batches(8, 8), CPU)
    assert [module.training for module in model.modules()] == [training] * 4
    assert same(before, model.state_dict())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_testing_restores_a_part_that_was_frozen_in_eval_mode(exp2):
    model = Brightness().train()
    model.norm.eval()
    exp2.test(model, batches(4), CPU)
    assert not model.norm.training
    assert model.dropout.training


def test_a_short_last_batch_weighs_as_much_as_its_images(exp2):
    torch.manual_seed(0)
    model, loader = Brightness(), batches(7, 7, 1)
    images, labels = torch.cat([pair[0] for pair in loader]), torch.cat([pair[1] for pair in loader])
    logits = model.eval()(images)
    loss, accuracy = exp2.test(model.train(), loader, CPU)
    assert loss == pytest.approx(F.cross_entropy(logits, labels).item(), rel=1e-5)
    assert accuracy == pytest.approx(100 * (logits.argmax(1) == labels).float().mean().item())


# Task 2.2 and the schedules


def test_the_learning_rate_is_the_recommended_schedule(exp2):
    assert [exp2.learning_rate(epoch) for epoch in range(10)] == [0.1] * 5 + [0.01] * 5


def test_the_rate_of_the_best_recipe_rises_once_and_falls_to_zero(exp2):
    rates = np.array([exp2.triangle(step, 1000, exp2.WARM_UP) for step in range(1001)])
    assert rates.max() == 1.0
    assert (np.diff(rates[: rates.argmax() + 1]) > 0).all()
    assert (np.diff(rates[rates.argmax() + 1 :]) < 0).all()
    assert rates[-1] == 0.0


# The fast path


@pytest.mark.parametrize("padding", ["constant", "reflect"])
def test_a_crop_in_tensors_is_the_crop_and_flip_of_torchvision(lab, padding):
    image = np.random.default_rng(3).integers(0, 256, (1, 32, 32, 3)).astype(np.uint8)
    padded = torch.from_numpy(np.pad(image, ((0, 0), (4, 4), (4, 4), (0, 0)), mode=padding))
    wide = pictures.pad(Image.fromarray(image[0]), 4, padding_mode=padding)
    for top, left, mirrored in ((0, 0, False), (8, 3, False), (4, 4, True), (1, 8, True)):
        where = (torch.tensor([top]), torch.tensor([left]), torch.tensor([mirrored]))
        (ours,) = lab["fast"].crop_and_flip(padded, torch.tensor([0]), where, 32)
        theirs = pictures.crop(wide, top, left, 32, 32)
        theirs = pictures.hflip(theirs) if mirrored else theirs
        assert np.array_equal(ours.numpy(), np.asarray(theirs))


def data_set(folder: Path, lab: dict[str, ModuleType], transform: object, images: np.ndarray) -> object:
    """A training set of these images, (N, 32, 32, 3), labelled by their numbers."""
    for split in ("train", "test"):
        np.save(folder / f"{split}_images.npy", images.transpose(0, 3, 1, 2))
        np.save(folder / f"{split}_labels.npy", np.arange(len(images)))
    return lab["training"].CIFAR10(folder, True, transform)


def fast_loader(lab: dict[str, ModuleType], dataset: object, batch_size: int, **more: int) -> Any:
    loader = lab["fast"].loader(DataLoader(dataset, batch_size, shuffle=True), CPU, **more)
    assert isinstance(loader, lab["fast"].TensorLoader)
    return loader


def test_both_loaders_give_the_same_test_images(lab, exp2, data):
    _, plain = exp2.load_data(data, exp2.RECIPES["recommended"])
    plain = DataLoader(plain.dataset, 8)
    fast = lab["fast"].loader(plain, CPU)
    assert isinstance(fast, lab["fast"].TensorLoader)
    assert len(fast) == len(plain) == 4
    for (ours, our_labels), (theirs, their_labels) in zip(fast, plain, strict=True):
        torch.testing.assert_close(ours, theirs)
        assert torch.equal(our_labels, their_labels)


def test_an_epoch_shows_every_image_once_and_crops_reach_all_81_offsets(lab, exp2, tmp_path):
    count = 2000
    images = np.zeros((count, 32, 32, 3), np.uint8)
    images[:, 16, 16, 0] = 255  # where this pixel lands tells the crop
    torch.manual_seed(0)
    passed = list(fast_loader(lab, data_set(tmp_path, lab, exp2.train_transform, images), 64))
    assert sorted(torch.cat([labels for _, labels in passed]).tolist()) == list(range(count))
    red = torch.cat([images[:, 0] for images, _ in passed])
    places = red.flatten(1).argmax(dim=1)
    rows, columns = places // 32, places % 32
    assert set(rows.tolist()) == set(range(12, 21))
    assert set(columns.tolist()) == set(range(11, 21))  # mirrored about 15.5: 12 to 20, and 11 to 19


def test_alternating_flips_show_each_image_both_ways_in_two_epochs(lab, exp2, tmp_path):
    images = np.zeros((60, 32, 32, 3), np.uint8)
    images[:, :, :16] = 255  # bright on the left, and still so after any crop
    dataset = data_set(tmp_path, lab, exp2.reflecting_transform, images)
    mirrored = []
    for loader in (fast_loader(lab, dataset, 16, seed=2), fast_loader(lab, dataset, 16, seed=2, epoch=1)):
        for _ in range(2):
            passed = list(loader)
            shown, labels = (torch.cat(parts) for parts in zip(*passed, strict=True))
            dark_left = shown[..., :16].mean(dim=(1, 2, 3)) < shown[..., 16:].mean(dim=(1, 2, 3))
            mirrored.append(dark_left[labels.argsort()])
    assert torch.equal(mirrored[0], ~mirrored[1])
    assert torch.equal(mirrored[1], mirrored[2])  # a run that is resumed in epoch 1
    assert torch.equal(mirrored[0], mirrored[3])
    assert 15 < int(mirrored[0].sum()) < 45


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda steps: [transforms.ColorJitter(0.5), *steps], "ColorJitter"),
        (lambda steps: [transforms.RandomCrop(32, padding=4, fill=128), *steps[1:]], "RandomCrop"),
        (lambda steps: [transforms.RandomCrop(28, padding=2), *steps[1:]], "RandomCrop"),
        (lambda steps: [steps[0], transforms.RandomHorizontalFlip(0.1), *steps[2:]], "RandomHorizontalFlip"),
        (lambda steps: [*steps, transforms.RandomErasing()], "RandomErasing"),
        (lambda steps: [steps[1], steps[0], *steps[2:]], "RandomCrop"),  # another order
        (lambda steps: [transforms.PILToTensor()], "PILToTensor"),
    ],
)
def test_a_transform_that_the_fast_path_does_not_know_is_done_by_the_data_loader(
    lab, exp2, data, capsys, change, named
):
    transform = transforms.Compose(change(list(exp2.train_transform.transforms)))
    plain = DataLoader(lab["training"].CIFAR10(data, True, transform), 8, shuffle=True)
    assert lab["fast"].loader(plain, CPU) is plain
    said = capsys.readouterr().out
    assert named in said and "so the DataLoader prepares the images" in said


def test_a_data_set_or_an_order_that_the_fast_path_does_not_know_is_left_to_the_data_loader(lab, exp2, data, capsys):
    class Dimmed(lab["training"].CIFAR10):
        def __getitem__(self, index):
            image, label = super().__getitem__(index)
            return image / 2, label

    dataset = lab["training"].CIFAR10(data, True, exp2.test_transform)
    some = WeightedRandomSampler([1.0] * 96, 40)
    for plain in (
        DataLoader(Dimmed(data, True, exp2.test_transform), 8),
        DataLoader(Subset(dataset, range(9)), 8),
        DataLoader(dataset, 8, sampler=some),
        DataLoader(dataset, 7, drop_last=True),
        DataLoader(dataset, 8, shuffle=True, generator=torch.Generator().manual_seed(1)),
        DataLoader(dataset, 8, collate_fn=lambda items: items),
        list(DataLoader(dataset, 8)),
    ):
        assert lab["fast"].loader(plain, CPU) is plain
        assert "fast.py does not know this " in capsys.readouterr().out


def test_the_accelerated_network_names_the_same_classes(lab):
    torch.manual_seed(0)
    model = lab["models"].resnet20().eval()
    images = torch.randn(16, 3, 32, 32)
    with torch.no_grad():
        slow = model(images)
        fast = lab["fast"].Accelerated(model, CPU).eval()(images)
    assert fast.dtype == torch.float32
    assert (fast - slow).abs().max() < 0.05 * slow.abs().max()


def test_the_plain_loop_trains_as_well(exp2, data, tmp_path):
    final = train_run(exp2, data, tmp_path, "--plain", "--model", "mlp", "--epochs", "1")
    assert final["epoch"] == 0


# As students have it


@pytest.mark.slow
def test_the_two_tasks_can_be_called_where_drawings_and_progress_bars_are_not_installed(tmp_path):
    for name in ("exp2.py", *GIVEN):
        (tmp_path / name).write_bytes((REFERENCE / name).read_bytes())
    command = "import sys; sys.modules.update(dict.fromkeys(('matplotlib', 'tqdm')));"
    command += "import exp2; print(exp2.learning_rate(7))"
    done = subprocess.run([sys.executable, "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0.01"]
