"""Select what to unpack from a listing: check names, leave out noise and apply limits, before a byte is written."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from grader.disk.names import visible
from grader.intake.archive import MEGABYTE, Entry, Limits
from grader.intake.leave_out import dataset_name, reason_to_leave_out, tool
from grader.intake.names import inner_path, require_writable
from grader.lab import LAB
from grader.records import Message, message
from grader.records.errors import BadSubmission

MOST_NAMED = 20  # data set folders and files that are listed; a hostile listing can hold thousands


@dataclass(slots=True)
class Selection:
    """The files to unpack, by path, and what was left out. Filled by `select`, then only read."""

    files: dict[str, Entry] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    tools: Counter[str] = field(default_factory=Counter)
    dataset: dict[str, int] = field(default_factory=dict)  # name -> bytes, declared

    def notes(self) -> tuple[Message, ...]:
        """Return what a person should know about what was left out, and about names that other systems confuse."""
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
                dataset=LAB.dataset,
            )
            for name, size in list(self.dataset.items())[:MOST_NAMED]
        ]
        return (*notes, *self._twins())

    def _twins(self) -> tuple[Message, ...]:
        # Legitimate on Linux, so not refused; if the disk ignores case, O_EXCL refuses the second (see unpack.py).
        seen: dict[str, str] = {}
        twins = [(seen[p.casefold()], p) for p in self.files if seen.setdefault(p.casefold(), p) != p]
        return tuple(
            message(
                "{first} and {second} differ only in case: Windows and macOS can hold only one of them.",
                first=visible(a),
                second=visible(b),
            )
            for a, b in twins[:MOST_NAMED]
        )


def select(entries: tuple[Entry, ...], limits: Limits) -> Selection:
    """Choose what to unpack. Raises BadSubmission, naming the entry, if anything in the listing must be refused."""
    selection = Selection()
    for entry in entries:
        path = inner_path(entry.name)  # also of what is left out: a hostile name is never honest noise
        if path:
            _sort_in(selection, path, entry)
        elif not entry.is_folder:
            raise BadSubmission(message("{entry} has no file name. Zip the folder again.", entry=visible(entry.name)))
    kept = (*selection.folders, *selection.files)
    _require_few(kept, limits)
    for path in kept:
        require_writable(path, limits.depth)
    _require_no_file_as_folder(selection)
    _require_small(selection.files, limits)
    return selection


def _sort_in(selection: Selection, path: str, entry: Entry) -> None:
    match reason_to_leave_out(path, entry.size):
        case "noise":
            return
        case "tools":
            selection.tools[tool(path)] += 1
            return
        case "dataset":
            name = dataset_name(path)
            selection.dataset[name] = selection.dataset.get(name, 0) + entry.size
            return
    # a virtual environment's links were left out above; here a link would be read as the student's work
    if entry.fault is not None:
        raise BadSubmission(entry.fault)
    if entry.is_folder:
        selection.folders.add(path)  # twice is harmless, and old programs do it
    elif path in selection.files:
        raise BadSubmission(message("{entry} appears twice. Zip the folder again.", entry=visible(path)))
    else:
        selection.files[path] = entry


def _require_few(kept: tuple[str, ...], limits: Limits) -> None:
    if len(kept) <= limits.entries:
        return
    parents = Counter(path.rpartition("/")[0] or "." for path in kept)
    fullest, count = parents.most_common(1)[0]
    raise BadSubmission(
        message(
            "Files and folders: {count:,}; at most {most:,} are allowed. The largest folder is {folder},"
            " with {inside:,}. Leave out what the lab does not ask for.",
            count=len(kept),
            most=limits.entries,
            folder=visible(fullest),
            inside=count,
        )
    )


def _require_no_file_as_folder(selection: Selection) -> None:
    for path in (*selection.files, *selection.folders):
        parts = path.split("/")
        parents = {"/".join(parts[:depth]) for depth in range(1, len(parts))}
        if path in selection.folders:
            parents.add(path)
        for parent in parents:
            if parent in selection.files:
                raise BadSubmission(
                    message("{entry} is both a file and a folder. Zip the folder again.", entry=visible(parent))
                )


def _require_small(files: dict[str, Entry], limits: Limits) -> None:
    """Check declared sizes, so that a declared 5 GB is refused before a byte is written."""
    if not files:
        return
    largest = max(files, key=lambda path: files[path].size)
    require_file_size(largest, files[largest].size, limits)
    total = sum(entry.size for entry in files.values())
    if total > limits.total_bytes:
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


def require_file_size(path: str, size: int, limits: Limits) -> None:
    """Raise BadSubmission if one file of `size` bytes is over the limit."""
    if size > limits.file_bytes:
        raise BadSubmission(
            message(
                "{entry} is {size:.1f} MB; at most {most:.1f} MB per file are allowed. Hand in only what the"
                " lab asks for.",
                entry=visible(path),
                size=size / MEGABYTE,
                most=limits.file_bytes / MEGABYTE,
            )
        )
