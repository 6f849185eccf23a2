"""List the files of a submission that have no part in grading, so that a person can see whether work is among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from grader.disk.names import visible
from grader.intake.archive import MEGABYTE
from grader.intake.formats import is_archive_name
from grader.intake.parts import is_of_images
from grader.labs import the_lab
from grader.records import Message, Parts, SubmittedFile, message

MOST_LISTED = 8  # names in one sentence
MOST_OF_A_FOLDER = 2  # files that are named; more are counted under the name of their folder


def unused(files: Sequence[SubmittedFile], parts: Parts) -> tuple[Message, ...]:
    """Return a note on archives that stayed closed, and one on other files without a part in grading."""
    used = set(_used(parts))
    rest = [file for file in files if file.path not in used and not _is_known(file)]
    closed = [file for file in rest if is_archive_name(file.name)]
    others = [file for file in rest if not is_archive_name(file.name)]
    notes = []
    if closed:
        notes.append(
            message(
                "Archives inside the submission that were not opened ({count:,}, {size:.1f} MB): {names}. If work is in"
                " them, it was not graded: unpack them, and zip the files themselves.",
                names=_named(closed),
                count=len(closed),
                size=_megabytes(closed),
            )
        )
    if others:
        notes.append(
            message(
                "Files without a part in grading ({count:,}, {size:.1f} MB): {names}.",
                names=_named(others),
                count=len(others),
                size=_megabytes(others),
            )
        )
    return tuple(notes)


def _used(parts: Parts) -> Iterator[str]:
    for several in (
        *(parts.checkpoints, *(paths for _, paths in parts.by_network), parts.other_weights),
        *(parts.sources, parts.notebooks),
        *(parts.rankings, parts.reports, (parts.history, parts.retrieval)),
    ):
        yield from several


def _is_known(file: SubmittedFile) -> bool:
    return is_of_images(file.path) or file.name.casefold() in (*the_lab().handout, *the_lab().given, the_lab().features)


def _named(files: Sequence[SubmittedFile]) -> str:
    """Return the names; folders of many files first, each as one."""
    inside = Counter(file.path.rpartition("/")[0] for file in files)
    many = [folder for folder, count in inside.items() if folder and count > MOST_OF_A_FOLDER]
    few = [file.path for file in files if file.path.rpartition("/")[0] not in many]
    names = [*(f"{visible(folder)}/ ({inside[folder]:,})" for folder in many), *map(visible, few)]
    return ", ".join([*names[:MOST_LISTED], *(["..."] if len(names) > MOST_LISTED else [])])


def _megabytes(files: Sequence[SubmittedFile]) -> float:
    return sum(file.size for file in files) / MEGABYTE
