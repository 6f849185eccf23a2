"""Follow the links in a student's folder that stay in it: `final.pth` may be a link to the best of many checkpoints.

A link that leads out is not followed. What is packed is handed to other people, and such a link, perhaps a leftover or
somebody else's, can lead to anything that its owner may read: keys, private pictures, another student's work.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from grader.disk.names import visible, visible_path
from grader.intake.archive import Entry
from grader.intake.folders import file_entry, open_folder
from grader.intake.leave_out import reason_to_leave_out
from grader.records import message


def followed(entries: Iterable[Entry], folder: Path) -> Iterator[Entry]:
    """Yield the entries; in place of a link, what it leads to, or the link with the reason why it is not followed."""
    home = folder.resolve()
    for entry in entries:
        is_link = entry.path is not None and entry.path.is_symlink()
        # a virtual environment is full of links, and is left out as it is
        if is_link and not reason_to_leave_out(entry.name, entry.size):
            yield from _behind(entry, home)
        else:
            yield entry


def _behind(link: Entry, home: Path) -> Iterator[Entry]:
    assert link.path is not None
    try:
        target = link.path.resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: links that lead to each other, before Python 3.13
        sentence = message(
            "{entry} is a symbolic link to something that does not exist. Put the file or folder itself in its place.",
            entry=visible(link.name),
        )
        yield replace(link, fault=sentence)
        return
    if not target.is_relative_to(home) or home.joinpath(link.name).is_relative_to(target):
        sentence = message(
            "{entry} is a symbolic link that leads out of {folder}, and only what is in there is packed. Put a copy of"
            " what it leads to in its place.",
            entry=visible(link.name),
            folder=visible_path(home),
        )
        yield replace(link, fault=sentence)
    elif target.is_dir():
        yield from (replace(one, name=f"{link.name}/{one.name}") for one in open_folder(target).entries)
    else:
        yield file_entry(target, link.name)
