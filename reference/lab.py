"""What the scripts of the lab share: errors in sentences, names with a proposal, files that are whole or not there."""

from __future__ import annotations

import argparse
import difflib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

DEVICES = ("auto", "cpu", "cuda")  # what --device accepts


class LabError(Exception):
    """Something that the person at the keyboard must act on, in a sentence."""


@contextmanager
def plain_errors(script: str, stopped: str = "stopped") -> Iterator[None]:
    """End the script with one sentence, not with a traceback, on a LabError or Ctrl-C inside."""
    try:
        yield
    except LabError as error:
        raise SystemExit(f"{script}: {error}") from error
    except KeyboardInterrupt:
        raise SystemExit(f"\n{script}: {stopped}") from None


def write_whole(path: Path, content: bytes) -> None:
    """Write the whole file or nothing: on a full disk an earlier file of that name stays as it was."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)  # atomic within a folder
    except OSError as error:
        temporary.unlink(missing_ok=True)
        kept = "; the earlier file is as it was" if path.exists() else ""
        raise LabError(f"cannot write {path}: {error.strerror}{kept}") from error


def known(names: Iterable[str], name: str) -> str:
    """The name, if it is one of the names; else a sentence that proposes one."""
    if name in names:
        return name
    close = difflib.get_close_matches(name, list(names), n=1)
    raise argparse.ArgumentTypeError(f"unknown name '{name}'" + (f"; did you mean '{close[0]}'?" if close else ""))


def torch_device(name: str) -> torch.device:
    """The device of a name; "auto" is the GPU where there is one."""
    if known(DEVICES, name) != "cpu" and torch.cuda.is_available():
        return torch.device("cuda")
    if name == "cuda":
        raise argparse.ArgumentTypeError("torch finds no GPU here; leave it out, or take cpu")
    return torch.device("cpu")


def positive(text: str) -> int:
    """A number of epochs."""
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number from 1 on")
    return int(text)


def listed(names: Iterable[str]) -> str:
    """The names, for a line of help."""
    return ", ".join(names)
