"""What the scripts of the lab share: readable errors, suggestions for misspelt names, progress, files written whole."""

from __future__ import annotations

import argparse
import difflib
import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import torch

DEVICES = ("auto", "cpu", "cuda")  # what --device accepts
SECONDS_APART = 30.0  # two lines about progress, where there is no terminal for a bar


class LabError(Exception):
    """An error that the user can fix; its text says how."""


@contextmanager
def plain_errors(script: str) -> Iterator[None]:
    """On a LabError or Ctrl-C, end the script with one sentence instead of a traceback."""
    try:
        yield
    except LabError as error:
        raise SystemExit(f"{script}: {error}") from error
    except KeyboardInterrupt as stopped:
        said = str(stopped) or "stopped by Ctrl-C"
        raise SystemExit(f"\n{script}: {said}") from None


class Progress:
    """A progress bar on a terminal; elsewhere, such as in a file, a line every half minute."""

    def __init__(self, name: str, total: int, unit: str) -> None:
        self.name, self.total, self.unit = name, total, unit
        self.done = 0
        self.began = self.told = time.monotonic()
        self.bar: Any = None

    def __enter__(self) -> Progress:
        if sys.stderr.isatty():
            from tqdm import tqdm  # imported here, because the tasks work without it

            self.bar = tqdm(total=self.total, desc=self.name, unit=self.unit, leave=False)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.bar is not None:
            self.bar.close()

    def step(self, count: int = 1) -> None:
        """Count what has just been done."""
        self.done += count
        if self.bar is not None:
            self.bar.update(count)
        elif (now := time.monotonic()) - self.told >= SECONDS_APART:
            self.told = now
            print(f"{self.name}, {self.unit} {self.done} of {self.total}, {now - self.began:.0f} s", flush=True)


def write_whole(path: Path, content: bytes) -> None:
    """Write the whole file or nothing: if the disk is full, an earlier file of that name stays as it was."""
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
        kept = "; the earlier file is unchanged" if path.exists() else ""
        raise LabError(f"cannot write {path}: {error.strerror}{kept}") from error


def known(names: Iterable[str], name: str) -> str:
    """The name, if it is one of the names; otherwise an error that suggests one."""
    if name in names:
        return name
    close = difflib.get_close_matches(name, list(names), n=1)
    raise argparse.ArgumentTypeError(f"unknown name '{name}'" + (f"; did you mean '{close[0]}'?" if close else ""))


def torch_device(name: str) -> torch.device:
    """The device with this name; "auto" is the GPU if there is one."""
    if known(DEVICES, name) != "cpu" and torch.cuda.is_available():
        return torch.device("cuda")
    if name == "cuda":
        raise argparse.ArgumentTypeError("torch finds no GPU here; leave --device out, or use cpu")
    return torch.device("cpu")


def positive(text: str) -> int:
    """The text as a number of epochs."""
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"'{text}' is not a positive whole number")
    return int(text)


def listed(names: Iterable[str]) -> str:
    """The names in one line, for --help."""
    return ", ".join(names)
