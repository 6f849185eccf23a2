"""Select what to unpack from a listing: check names, leave out noise and apply limits, before a byte is written.

What is hostile refuses the submission: a path that leads elsewhere, a file below a link, more than any submission
holds. What is only bad (a link, a password, a name that no file can have) costs its own entry.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from grader.disk.names import visible
from grader.intake.archive import MEGABYTE, Entry, Limits
from grader.intake.leave_out import dataset_name, reason_to_leave_out, tool
from grader.intake.names import LONGEST_NAME, BadName, inner_path, require_writable
from grader.labs import the_lab
from grader.records import LeftOut, Message, message
from grader.records.errors import BadSubmission

MOST_NAMED = 20  # data set folders and files that are listed; a hostile listing can hold thousands


@dataclass(slots=True)
class Selection:
    """The files to unpack, by path, and what was left out. Filled by `select`, then only read."""

    files: dict[str, Entry] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    seconds: dict[str, str] = field(default_factory=dict)  # a file's path, because another is called so: its own one
    left_out: list[LeftOut] = field(default_factory=list)
    tools: Counter[str] = field(default_factory=Counter)
    dataset: dict[str, int] = field(default_factory=dict)  # name -> bytes, declared

    def notes(self) -> tuple[Message, ...]:
        """Return what a person should know about what is not part of the work."""
        notes = [
            message(
                "Left out {folder} (entries: {count:,}): it is not part of the work.", folder=visible(name), count=n
            )
            for name, n in self.tools.most_common()
        ]
        notes += [
            message(
                "Left out {name} ({size:.1f} MB): {dataset} itself need not be handed in.",
                name=visible(name),
                size=size / MEGABYTE,
                dataset=the_lab().dataset,
            )
            for name, size in list(self.dataset.items())[:MOST_NAMED]
        ]
        return tuple(notes)


def select(entries: tuple[Entry, ...], limits: Limits) -> Selection:
    """Choose what to unpack. Raises BadSubmission, naming the entry, if the listing is hostile or holds too much."""
    selection = Selection()
    kept: list[tuple[str, Entry]] = []
    links: set[str] = set()
    for entry in entries:
        path = entry.name.replace("\\", "/")[:LONGEST_NAME]
        try:
            path = inner_path(entry.name)  # also of what is left out: a hostile name is never honest noise
            if not _is_noise(selection, path, entry) and _is_sound(path, entry, limits):
                kept.append((path, entry))
        except BadName as error:
            _leave_out(selection, path, entry, error.message)
        except _Faulty as error:
            links.update((path,) if entry.absent else ())
            _leave_out(selection, path, entry, error.message)
    _require_few(kept, limits)
    _place(selection, _writable(selection, kept, limits), links)
    _require_small(selection.files, limits)
    return selection


def _leave_out(selection: Selection, path: str, entry: Entry, why: Message) -> None:
    if not entry.is_folder:  # a folder holds nothing by itself
        selection.left_out.append(LeftOut(path, why, _state(entry)))


def _state(entry: Entry) -> Literal["absent", "closed", "unread"]:
    return "absent" if entry.absent else "closed" if entry.closed else "unread"


def _writable(selection: Selection, kept: list[tuple[str, Entry]], limits: Limits) -> list[tuple[str, Entry]]:
    """Return what this disk and others can hold by its name; leave out the rest."""
    writable = []
    for path, entry in kept:
        try:
            require_writable(path, limits.depth)
            writable.append((path, entry))
        except BadName as error:
            _leave_out(selection, path, entry, error.message)
    return writable


class _Faulty(BadSubmission):
    """An entry that must not be unpacked."""


def _is_noise(selection: Selection, path: str, entry: Entry) -> bool:
    """Return whether an entry is not the student's work; count what the student may miss."""
    match reason_to_leave_out(path, entry.size):
        case "tools":
            selection.tools[tool(path)] += 1
        case "dataset":
            name = dataset_name(path)
            selection.dataset[name] = selection.dataset.get(name, 0) + entry.size
        case "noise":
            pass
        case "":
            return False
    return True


def _is_sound(path: str, entry: Entry, limits: Limits) -> bool:
    """Return whether there is anything to unpack. Raises BadName or _Faulty if it must not be."""
    # a virtual environment's links were left out before; here a link would be read as the student's work
    if entry.fault is not None:
        raise _Faulty(entry.fault)
    if not path:
        if not entry.is_folder:
            raise BadName(message("{entry} has no file name. Zip the folder again.", entry=visible(entry.name)))
        return False
    if not entry.is_folder and entry.size > limits.file_bytes:
        raise _Faulty(too_large(path, entry.size, limits))
    return True


def _place(selection: Selection, kept: list[tuple[str, Entry]], links: set[str]) -> None:
    """Give each file a path of its own. One whose name is taken, by a file or by a folder, is written beside it."""
    files = [(path, entry) for path, entry in kept if not entry.is_folder]
    selection.folders.update(path for path, entry in kept if entry.is_folder)
    inside = {parent: path for path, _ in files for parent in _parents(path)}
    _require_not_below(links, inside)
    taken = {path for path, _ in files} | inside.keys() | selection.folders
    tried: Counter[str] = Counter()
    for path, entry in files:
        if path in inside and not entry.size:
            continue  # how some programs list a folder
        if path not in selection.files and path not in inside:
            selection.files[path] = entry
        elif second := beside(path, taken, tried):
            selection.files[second] = entry
            selection.seconds[second] = path
        else:
            selection.left_out.append(LeftOut(path, _twice(path), "unclear"))
    selection.folders -= selection.files.keys()


def _require_not_below(links: set[str], inside: Mapping[str, str]) -> None:
    """Refuse a file below a link, `inside` being a file of each folder: no program packs that, and attacks need it."""
    for link in sorted(links & inside.keys()):
        sentence = message(
            "{entry} lies below {link}, which is a link: following it leads out of the submission. Zip the folder"
            " again.",
            entry=visible(inside[link]),
            link=visible(link),
        )
        raise BadSubmission(sentence)


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]


def beside(path: str, taken: set[str], tried: Counter[str]) -> str:
    """Return a free path for a second file of this name, and take it; "" if that would be too long.

    It ends in a number, so that it is no script, picture or report, and is taken for none.
    """
    while True:
        tried[path] += 1
        second = f"{path} ({tried[path] + 1})"
        if second not in taken:
            break
    try:
        require_writable(second, len(_parents(second)) + 1)
    except BadName:
        return ""
    taken.add(second)
    return second


def _twice(path: str) -> Message:
    return message(
        "{entry} is in the submission more than once. Hand in one file of each name.",
        entry=visible(path),
    )


def _require_few(kept: list[tuple[str, Entry]], limits: Limits) -> None:
    paths = [*{path for path, entry in kept if entry.is_folder}, *(path for path, entry in kept if not entry.is_folder)]
    if len(paths) <= limits.entries:
        return
    parents = Counter(path.rpartition("/")[0] or "." for path in paths)
    fullest, count = parents.most_common(1)[0]
    raise BadSubmission(
        message(
            "Files and folders: {count:,}; at most {most:,} are allowed. The largest folder is {folder},"
            " with {inside:,}. Leave out what the lab does not ask for.",
            count=len(paths),
            most=limits.entries,
            folder=visible(fullest),
            inside=count,
        )
    )


def _require_small(files: dict[str, Entry], limits: Limits) -> None:
    """Check declared sizes together, before a byte is written."""
    total = sum(entry.size for entry in files.values())
    if total > limits.total_bytes:
        largest = max(files, key=lambda path: files[path].size)
        raise BadSubmission(
            message(
                "Unpacks to {size:.1f} MB; at most {most:.1f} MB are allowed. The largest file is {entry}"
                " ({largest:.1f} MB).",
                size=total / MEGABYTE,
                most=limits.total_bytes / MEGABYTE,
                entry=visible(largest),
                largest=files[largest].size / MEGABYTE,
            )
        )


def too_large(path: str, size: int, limits: Limits) -> Message:
    """Say that one file of `size` bytes is over the limit."""
    return message(
        "{entry} is {size:.1f} MB; at most {most:.1f} MB per file are allowed. Hand in only what the lab asks for.",
        entry=visible(path),
        size=size / MEGABYTE,
        most=limits.file_bytes / MEGABYTE,
    )
