"""Choose the folder that keeps images and weights: the user's own cache, else one in the temporary folder."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from grader.records import Message, message

NAME = "cnn-lab-grader"


def home_folder() -> Path | None:
    """Return the user's home; None for a user without one, as in a container."""
    try:
        return Path.home()
    except RuntimeError:
        return None


def usual_cache() -> Path | None:
    """Return the cache folder of this program for this user, as the system has it; None without a home."""
    from platformdirs import user_cache_path

    try:
        path = user_cache_path(NAME, appauthor=False)
    except RuntimeError:
        return None
    return None if path.parts[0] == "~" else path  # as earlier versions of platformdirs say it


def default_cache() -> Path:
    """Return the folder to keep things in: the usual one, else one in the temporary folder. It need not exist yet."""
    usual = usual_cache()
    if usual is not None and _writable(usual):
        return usual
    return _temporary() or usual or Path(tempfile.gettempdir()) / NAME


def why_not_usual() -> Message | None:
    """Return why the cache is not the usual one, and what to do about it; None if it is."""
    usual = usual_cache()
    if usual is not None and _writable(usual):
        return None
    why = (
        message("This user has no home folder.")
        if usual is None
        else message("{folder} cannot be written.", folder=str(usual))
    )
    if (place := _temporary()) is None:
        return message(
            "{why} The temporary folder cannot be used either. Set XDG_CACHE_HOME to a folder that you can write to.",
            why=why,
        )
    return message(
        "{why} Images and weights are kept in {place}, until the system clears it. To keep them, set XDG_CACHE_HOME to"
        " a folder that you can write to.",
        why=why,
        place=str(place),
    )


def _writable(path: Path) -> bool:
    """Return whether the folder can be written, or made."""
    try:
        there = next((one for one in (path, *path.parents) if one.exists()), path)
        return there.is_dir() and os.access(there, os.W_OK | os.X_OK)
    except OSError:  # a folder above it that is somebody else's
        return False


def _temporary() -> Path | None:
    """Return a folder of this user alone in the temporary folder: anybody could have made one of this name before."""
    user = os.geteuid() if hasattr(os, "geteuid") else None  # on Windows each user has a temporary folder
    try:
        folder = Path(tempfile.gettempdir()) / (NAME if user is None else f"{NAME}-{user}")
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError:
        return None
    private = user is None or (status.st_uid == user and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH))
    return folder if private and stat.S_ISDIR(status.st_mode) and os.access(folder, os.W_OK | os.X_OK) else None
