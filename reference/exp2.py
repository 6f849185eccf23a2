"""Tasks 2.1 and 2.2: train a network on CIFAR-10 and measure it.

    python exp2.py                                   ResNet20, the recommended schedule, 10 epochs
    python exp2.py --resume pretrain_model.pth       the same, with the first 5 epochs already done

After each epoch it writes checkpoint/ckpt_<epoch>_acc_<accuracy>.pth, history.json and history.png, and at the end
final.pth. To continue an interrupted run, give --resume one of its checkpoints.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import fast
import torch
import torch.nn.functional as F
from lab import DEVICES, known, listed, plain_errors, positive, torch_device
from models import NETWORKS
from torch import Tensor, nn
from torch.optim import SGD, Optimizer
from torch.utils.data import DataLoader
from torchvision import transforms
from training import (
    CIFAR10,
    Epoch,
    Recipe,
    after_epoch,
    make_scheduler,
    progress,
    seed_epoch,
    set_rate,
    start,
    write_checkpoint,
    write_history,
)

MEAN = (0.4914, 0.4822, 0.4465)  # of the pixels of the training images, by channel
STD = (0.2470, 0.2435, 0.2616)
WEIGHT_DECAY = 5e-4  # the course's optimizer
TEST_BATCH_SIZE = 250  # the activations of a batch stay in the processor's cache
WORKERS = 2  # processes in which a DataLoader prepares images

train_transform = transforms.Compose(
    [
        transforms.RandomCrop(32, padding=4),  # He et al. 2016, section 4.2
        transforms.RandomHorizontalFlip(),
        transforms.ToTensor(),  # pixels from 0 to 1
        transforms.Normalize(MEAN, STD),
    ]
)
test_transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize(MEAN, STD)])

Loader = Iterable[tuple[Tensor, Tensor]]  # images, float32 (B, 3, 32, 32), normalised; labels, int64 (B,)


def load_data(folder: Path, recipe: Recipe) -> tuple[DataLoader[Any], DataLoader[Any]]:
    """CIFAR-10's 50,000 training images, shuffled, and its 10,000 test images, in batches."""
    train_set = CIFAR10(folder, train=True, transform=recipe.transform)
    test_set = CIFAR10(folder, train=False, transform=test_transform)
    train_loader = DataLoader(train_set, batch_size=recipe.batch_size, shuffle=True, num_workers=WORKERS)
    test_loader = DataLoader(test_set, batch_size=TEST_BATCH_SIZE, num_workers=WORKERS)
    return train_loader, test_loader


def test(model: nn.Module, loader: Loader, device: torch.device) -> tuple[float, float]:
    """Mean loss and accuracy in percent over every image of the loader; the model is not changed."""
    # BEGIN SOLUTION 2.1: mean loss and accuracy in percent over the loader
    modes = [(module, module.training) for module in model.modules()]  # some modules may be in eval mode on purpose
    model.eval()  # so that BatchNorm uses its running statistics, and one test image does not affect another
    loss, correct, count = 0.0, 0, 0
    with torch.no_grad():
        for images, labels in loader:
            targets = labels.to(device)  # (B,)
            logits = model(images.to(device))  # (B, 10)
            loss += F.cross_entropy(logits, targets, reduction="sum").item()  # a sum: the last batch may be shorter
            correct += int((logits.argmax(dim=1) == targets).sum())
            count += len(targets)
    for module, training in modes:
        module.training = training
    return loss / count, 100 * correct / count
    # END SOLUTION


def learning_rate(epoch: int) -> float:
    """The learning rate of an epoch; epochs are counted from 0."""
    # BEGIN SOLUTION 2.2: the rate of an epoch: 0.1 for 5 epochs, then 0.01 for 5, or a better schedule
    return 0.1 if epoch < 5 else 0.01  # the course's recommendation
    # END SOLUTION


def train(model: nn.Module, loader: Loader, optimizer: Optimizer, device: torch.device) -> tuple[float, float]:
    """Train one epoch. Returns mean loss and accuracy in percent, measured while the weights were changing."""
    model.train()
    loss_sum, correct, count = 0.0, 0, 0
    for images, labels in loader:
        targets = labels.to(device)  # (B,)
        logits = model(images.to(device))  # (B, 10)
        loss = F.cross_entropy(logits, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss_sum += loss.item() * len(targets)
        correct += int((logits.argmax(dim=1) == targets).sum())
        count += len(targets)
    return loss_sum / count, 100 * correct / count


def sgd(model: nn.Module) -> Optimizer:
    """Stochastic gradient descent; learning_rate() sets the rate at the start of each epoch."""
    return SGD(model.parameters(), lr=learning_rate(0), momentum=0.0, weight_decay=WEIGHT_DECAY)


RECIPES = {
    "recommended": Recipe(  # the course's slides
        model="resnet20", epochs=10, batch_size=128, transform=train_transform, optimizer=sgd
    ),
}

# BEGIN REFERENCE: the other recipes of reference/RESULTS.md
MOMENTUM = 0.9  # He et al. 2016, section 4.2
PEAK_LEARNING_RATE = 0.3  # recipe `best`: over 10 epochs better than 0.5 and 1.0 at batch 256
WARM_UP = 0.2  # recipe `best`: fraction of the steps in which the rate rises; it then falls to zero
PEAK_TURN = 0.03  # recipe `quick`: over the first epochs better than 0.05
SHORT_WARM_UP = 0.02  # recipe `quick`: kernels that turn equally in all directions need hardly any
LARGEST_GRADIENT = 0.1  # recipe `one-cycle`: the report on lab 9

reflecting_transform = transforms.Compose(
    [
        transforms.RandomCrop(32, padding=4, padding_mode="reflect"),
        fast.AlternatingFlip(),
        transforms.ToTensor(),
        transforms.Normalize(MEAN, STD),
    ]
)


def sgd_with_momentum(model: nn.Module) -> Optimizer:
    """SGD at a constant 0.1, until a scheduler lowers it."""
    return SGD(model.parameters(), lr=0.1, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)


def sgd_without_decay(model: nn.Module) -> Optimizer:
    """SGD at 0.03, with neither momentum nor weight decay."""
    return SGD(model.parameters(), lr=0.03)


def sgd_best(model: nn.Module) -> Optimizer:
    """SGD with Nesterov momentum; weight decay on the weights only.

    Decay on BatchNorm's scales and on biases does harm (He et al. 2019, "Bag of Tricks", section 3.1).
    """
    weights = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in model.parameters() if parameter.ndim <= 1]
    groups = [{"params": weights, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}]
    return SGD(groups, lr=PEAK_LEARNING_RATE, momentum=MOMENTUM, nesterov=True)


def adam_with_clipping(model: nn.Module) -> Optimizer:
    """Adam on gradients cut to LARGEST_GRADIENT."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=1e-4)
    parameters = list(model.parameters())
    optimizer.register_step_pre_hook(lambda *_: nn.utils.clip_grad_value_(parameters, LARGEST_GRADIENT))
    return optimizer


def muon(model: nn.Module) -> Optimizer:
    """Muon on the convolutions; see muon.py."""
    from muon import Muon

    optimizer: Optimizer = Muon(model, PEAK_TURN, rate=0.1, momentum=MOMENTUM, decay=WEIGHT_DECAY)
    return optimizer


def triangle(step: int, steps: int, warm_up: float) -> float:
    """Fraction of the peak rate at a step: a linear rise, then a linear fall to zero."""
    rise = warm_up * steps
    return min(1.0, (step + 1) / rise, max(0.0, (steps - step) / (steps - rise)))


def up_and_down(optimizer: Optimizer, steps: int, warm_up: float = WARM_UP) -> torch.optim.lr_scheduler.LRScheduler:
    """The triangle as a scheduler."""
    return torch.optim.lr_scheduler.LambdaLR(optimizer, partial(triangle, steps=steps, warm_up=warm_up))


def one_cycle(optimizer: Optimizer, steps: int) -> torch.optim.lr_scheduler.LRScheduler:
    """A rise to 0.01 in three tenths of the steps, then a cosine down to zero."""
    return torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.01, total_steps=steps)


def plateau(optimizer: Optimizer, steps: int) -> torch.optim.lr_scheduler.LRScheduler:
    """A tenth of the rate after two epochs without a better test accuracy, down to 1e-3, for any number of steps."""
    return torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, "max", factor=0.1, patience=1, min_lr=1e-3)


def constant(optimizer: Optimizer, steps: int) -> torch.optim.lr_scheduler.LRScheduler:
    """The rate of the optimizer, in all steps."""
    return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0, total_iters=steps)


RECIPES |= {
    "plateau": Recipe(  # the report on experiment 4: 84.54 %
        model="resnet20",
        epochs=20,
        batch_size=128,
        transform=train_transform,
        optimizer=sgd_with_momentum,
        scheduler=plateau,
    ),
    "small-alexnet": Recipe(  # the report on homework 2: 67.94 %
        model="small_alexnet",
        epochs=20,
        batch_size=100,
        transform=test_transform,  # no augmentation
        optimizer=sgd_without_decay,
        scheduler=constant,
    ),
    "one-cycle": Recipe(  # the report on lab 9, which printed training accuracies as validation accuracies
        model="mlp",
        epochs=20,
        batch_size=64,
        transform=test_transform,  # no augmentation
        optimizer=adam_with_clipping,
        scheduler=one_cycle,
    ),
    "quick": Recipe(  # our own, for ten epochs
        model="resnet20",
        epochs=10,
        batch_size=128,
        transform=reflecting_transform,
        optimizer=muon,
        scheduler=partial(up_and_down, warm_up=SHORT_WARM_UP),
    ),
    "best": Recipe(  # our own
        model="resnet20",
        epochs=60,
        batch_size=128,
        transform=reflecting_transform,
        optimizer=sgd_best,
        scheduler=up_and_down,
    ),
}
# END REFERENCE


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the command line says; write weights, history and curves to the output folder."""
    options = parse(arguments)
    device, checkpoints = options.device, options.out / "checkpoint"
    with plain_errors("exp2.py"):
        run = start(options, RECIPES)  # a new run, or the one that --resume continues
        recipe = RECIPES[run.recipe]
        train_loader, test_loader = load_data(options.data, recipe)
        batches = len(train_loader)  # in an epoch

        torch.manual_seed(run.seed)
        model = NETWORKS[run.model]().to(device)
        optimizer = recipe.optimizer(model)
        scheduler = make_scheduler(recipe, optimizer, run.epochs * batches)
        run.restore(model, optimizer, scheduler, batches)

        network = model
        if not options.plain:  # the same images and the same network, only faster
            train_loader = fast.loader(train_loader, device, run.seed, run.next_epoch)
            test_loader = fast.loader(test_loader, device)
            network = fast.Accelerated(model, device)
        print(f"{run.model}, recipe {run.recipe}, seed {run.seed}, on {device}")
        print(f"after each epoch, what --resume needs is saved in {checkpoints}", flush=True)

        with run.resumable():
            for epoch in range(run.next_epoch, run.epochs):
                began = time.perf_counter()
                seed_epoch(run.seed, epoch)
                if scheduler is None:
                    set_rate(optimizer, learning_rate(epoch))
                rate = float(optimizer.param_groups[0]["lr"])
                counted = progress(train_loader, epoch, batches)
                train_loss, train_accuracy = train(network, counted, optimizer, device)
                last = epoch + 1 == run.epochs  # final.pth is measured in float32, as it will be graded
                test_loss, test_accuracy = test(model if last else network, test_loader, device)
                figures = Epoch(
                    epoch=epoch,
                    learning_rate=rate,
                    train_loss=train_loss,
                    train_accuracy=train_accuracy,
                    test_loss=test_loss,
                    test_accuracy=test_accuracy,
                    seconds=round(time.perf_counter() - began, 1),
                )
                run.add(figures)
                after_epoch(scheduler, test_accuracy)
                run.save(checkpoints, run.checkpoint(model, optimizer, scheduler))
                write_history(options.out, run)
        write_checkpoint(options.out / "final.pth", run.weights(model))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line; a path is a Path, and the device is chosen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", type=partial(known, RECIPES), help=f"{listed(RECIPES)}; the first is the default")
    parser.add_argument("--model", type=partial(known, NETWORKS), help=f"{listed(NETWORKS)}; default: the recipe's")
    parser.add_argument("--epochs", type=positive, help="default: the recipe's")
    parser.add_argument("--resume", type=Path, metavar="PATH", help="a checkpoint, or pretrain_model.pth")
    parser.add_argument("--data", type=Path, default=Path("data"), metavar="FOLDER", help="where CIFAR-10 is, or goes")
    parser.add_argument("--out", type=Path, default=Path(), metavar="FOLDER", help="where the results go")
    parser.add_argument("--device", type=torch_device, default="auto", metavar="NAME", help=listed(DEVICES))
    parser.add_argument("--seed", type=int, help="default: a random one; history.json records it")
    parser.add_argument("--plain", action="store_true", help="without fast.py: a DataLoader and float32, slower")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
