"""Recognise what is not the student's work: system noise, tools' folders, and public image sets themselves."""

from __future__ import annotations

import re
from typing import Literal

Reason = Literal["", "noise", "tools", "dataset"]

# Written by the system without the student's knowledge: left out silently.
NOISE_FOLDERS = {"__macosx", "__pycache__", ".ipynb_checkpoints"}
NOISE_FILES = {
    ".ds_store",
    "thumbs.db",
    "desktop.ini",
    "icon\r",
}  # macOS names a folder's icon "Icon" + carriage return

# The student can see these and may wonder where they went: left out with a note.
TOOL_FOLDERS = {
    ".git", ".idea", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".venv", ".vscode", "node_modules", "site-packages",
    "venv",
}  # fmt: skip
COMPILED = ".pyc"  # could stand in for a source that nobody has read

# Other public sets, as torchvision leaves them beside a script that fetched them: by name alone, and never a student's.
_IDX = r"(?:t10k|train)-(?:images|labels)[.-]idx[13]-ubyte(?:\.gz)?"
_FETCHED = re.compile(
    rf"(?:.*?/)?(?:(?P<mnist>[a-z]*mnist)/(?:raw/(?:{_IDX}|drawn\.txt)|processed/(?:training|test)\.pt)"
    rf"|(?P<idx>{_IDX})"
    r"|(?P<cifar>cifar-100-python)/(?:train|test|meta|file\.txt~)"
    r"|(?P<svhn>(?:train|test|extra)_32x32\.mat))"
)

DATASET_FOLDERS = {"cifar-10-batches-py", "cifar-10-batches-bin", "cifar-10-batches-mat"}
_BATCH = re.compile(r"(data_batch_\d|test_batch|batches\.meta)(\.bin|\.mat|\.txt)?|readme\.html|.*\.bin")
_LOOSE_BATCH = re.compile(r"(data_batch_\d|test_batch)(\.bin|\.mat)?")
_PACKED = re.compile(r"cifar-?_?10.*\.(tar|tar\.gz|tgz|tar\.xz|zip|7z|rar)")
BATCH_BYTES = 30_730_000  # 10,000 images of 1 + 3,072 bytes: each .bin file of the official binary version
LEAST_DATASET_BYTES = 10_000_000  # a third of one batch: smaller files of such names are a student's own


def reason_to_leave_out(path: str, size: int) -> Reason:
    """Return why `path` (relative, forward slashes) of `size` bytes is left out; "" if it is unpacked."""
    *folders, name = path.casefold().split("/")
    parts = {*folders, name}
    if parts & NOISE_FOLDERS or name in NOISE_FILES or name.startswith("._"):
        return "noise"
    if parts & TOOL_FOLDERS or name.endswith(COMPILED) or _FETCHED.fullmatch(path.casefold()):
        return "tools"
    return "dataset" if _is_dataset(folders, name, size) else ""


def tool(path: str) -> str:
    """Return the name in a note for a path of reason "tools": the outermost such folder, "*.pyc", or a public set."""
    if fetched := _FETCHED.fullmatch(path.casefold()):
        return next(path[fetched.start(name) : fetched.end(name)] for name in fetched.groupdict() if fetched[name])
    return next((part for part in path.split("/") if part.casefold() in TOOL_FOLDERS), "*" + COMPILED)


def dataset_name(path: str) -> str:
    """Return the name in a note for a path of reason "dataset": the data set's folder if in one, else the file."""
    parts = path.split("/")
    for depth, part in enumerate(parts, start=1):
        if part.casefold() in DATASET_FOLDERS:
            return "/".join(parts[:depth])
    return path


def _is_dataset(folders: list[str], name: str, size: int) -> bool:
    """Recognise the data set by name and, outside its own folders, by size. Opens nothing."""
    # other files of such a folder are kept: a final.pth saved there by mistake is still the student's
    if DATASET_FOLDERS.intersection(folders) and _BATCH.fullmatch(name):
        return True
    if name.endswith(".bin") and size == BATCH_BYTES:
        return True
    is_named_so = _LOOSE_BATCH.fullmatch(name) or _PACKED.fullmatch(name)
    return is_named_so is not None and size >= LEAST_DATASET_BYTES
