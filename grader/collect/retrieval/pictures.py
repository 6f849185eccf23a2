"""Finds the images of a submission, and describes each in the sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from grader.collect.documents import among
from grader.collect.equipment import Equipment, validated
from grader.collect.pixels import picture
from grader.collect.yardstick import as_pictures, at_a_limit, measured_here
from grader.disk.scratch import scratch
from grader.evidence import Failure, LibraryImage, OpenTask, Pipeline, Refused, RetrievalImages
from grader.evidence.fields import LONGEST
from grader.evidence.kinds.retrieval import MOST_IMAGES, MOST_QUERIES
from grader.intake import place
from grader.intake.parts import LIBRARY, QUERIES
from grader.labs import the_lab
from grader.records import N_, PICTURES, Message, Submission, message
from grader.sandbox import ArraySpec, Job, Limits, Reply

PICTURE_LIMITS = Limits(seconds=300.0, megabytes=4_000)
USUAL_PIXELS = 1_000_000_000  # of all pictures together: more than photographs have that fit into a submission
TOO_LARGE, MISSING, TASK_OPEN = "pictures_large", "missing", "task_open"
THUMBNAIL, MOST_THUMBNAILS = 64, 120
PROBLEMS = {
    "no picture": N_("{path} cannot be read as an image: save it again as JPEG or PNG, or remove it."),
    "too many pixels": N_("{path} has more than 50 million pixels: make it smaller."),
    "too many together": N_(
        "{path} was left out, since the images before it have 2,000 million pixels together: make them smaller."
    ),
    "too long": N_("{path} is more than 20 times as long as it is wide: crop it."),
    "long path": N_("{path} has more than 500 characters with its folders: give them shorter names."),
    "too many bytes": N_("{path} is larger than 50 MB: make it smaller."),
}


@dataclass(frozen=True, slots=True)
class Found:
    """Paths of the images, relative to the submission's root."""

    library: tuple[str, ...]
    queries: tuple[str, ...]
    more: int  # beyond those that are checked


def find_pictures(submission: Submission) -> Found:
    """Find the images in the folders library/ and queries/, ignoring case, sorted by path."""
    pictures = [file.path for file in submission.files if file.path.casefold().endswith(PICTURES)]
    library, queries = (_below(pictures, names) for names in (LIBRARY, QUERIES))
    more = max(0, len(library) - MOST_IMAGES) + max(0, len(queries) - MOST_QUERIES)
    return Found(library[:MOST_IMAGES], queries[:MOST_QUERIES], more)


def _below(pictures: Sequence[str], names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        chosen = sorted(path for path in pictures if path.casefold().startswith(f"{name}/"))
        if chosen:
            return tuple(chosen)
    return ()


def look_at_pictures(
    submission: Submission, equipment: Equipment, open_tasks: Iterable[OpenTask], preparations: Sequence[Pipeline] = ()
) -> RetrievalImages | Failure:
    """Describe every image, also under each preparation. Refused if there are neither library images nor queries."""
    found = find_pictures(submission)
    if not found.library and not found.queries:
        return _missing(open_tasks)
    paths = (*found.library, *found.queries)
    count = min(len(paths), MOST_THUMBNAILS)
    with bundle([place(submission, path) for path in paths]) as file:
        arrays = {"thumbnails": ArraySpec("|u1", (count, THUMBNAIL, THUMBNAIL, 3))}
        inputs = {"thumbnails": count, "preparations": [asdict(one) for one in preparations]}
        job = Job("retrieval.pictures.describe_pictures", inputs, {"bundle": file}, arrays, PICTURE_LIMITS)
        reply = equipment.sandbox.run(job)
    if not isinstance(reply, Reply):
        theirs = at_a_limit(reply) and measured_here(equipment).is_theirs(reply, as_pictures(USUAL_PIXELS, 1))
        return _too_large(len(paths)) if theirs else reply
    described = reply.value.get("pictures")
    if not isinstance(described, list) or len(described) != len(paths):
        return validated(RetrievalImages, {})
    pairs = zip(paths, reply.arrays["thumbnails"], strict=False)
    small = {path: asdict(picture(pixels, path[:500], exact=False)) for path, pixels in pairs}
    images = [_image(path, one, small.get(path)) for path, one in zip(paths, described, strict=True)]
    library, queries = images[: len(found.library)], images[len(found.library) :]
    return validated(RetrievalImages, {"library": library, "queries": queries, "more": found.more})


def _too_large(count: int) -> Refused:
    sentence = message(
        "Reading the {count} images of the retrieval takes more time or memory than a submission has: make each of them"
        " smaller, 500 pixels a side are plenty.",
        count=count,
    )
    return Refused(TOO_LARGE, sentence)


def nothing_handed_in(failure: Failure) -> bool:
    """Return whether the images are missing, rather than that they could not be read."""
    return isinstance(failure, Refused) and failure.code in (MISSING, TASK_OPEN)


def _missing(open_tasks: Iterable[OpenTask]) -> Refused:
    if open_ := among(open_tasks, the_lab().retrieval_tasks):
        first = open_[0]
        sentence = message(
            "The retrieval images are missing, and task {number} is not done: {text} ({file}, line {line}). Finish it,"
            " run {retrieval_script}, and hand in the folders library/ and queries/ that it used.",
            number=first.number,
            text=first.text,
            file=first.file,
            line=first.line,
            retrieval_script=the_lab().retrieval_script,
        )
        return Refused(TASK_OPEN, sentence)
    sentence = message(
        "The retrieval images are missing: hand in the folders library/ (one folder per class) and queries/ that"
        " {retrieval_script} used.",
        retrieval_script=the_lab().retrieval_script,
    )
    return Refused(MISSING, sentence)


@contextmanager
def bundle(files: Sequence[Path]) -> Iterator[Path]:
    """Bundle many files into one, as probes/pictures.py reads it: a job passes few descriptors."""
    with scratch("pictures") as folder:
        target = folder / "bundle"
        sizes = json.dumps([file.stat().st_size for file in files]).encode()
        with target.open("wb") as out:
            out.write(len(sizes).to_bytes(4, "big") + sizes)
            for file in files:
                out.write(file.read_bytes())
        yield target


def label_of(path: str) -> str:
    """Return the class of an image: its folder, or the stem of a query that is in no folder."""
    *folders, name = path.split("/")
    return folders[-1] if len(folders) > 1 else name.rpartition(".")[0]


def _image(path: str, described: Any, thumbnail: dict[str, Any] | None) -> dict[str, Any]:
    fields = described if isinstance(described, dict) else {}
    image = {"path": path[:LONGEST], "label": label_of(path)[:LONGEST]}
    problem = PROBLEMS.get(str(fields.get("problem"))) if "problem" in fields else None
    if len(path) > LONGEST:  # cut, it leads to no file
        problem = PROBLEMS["long path"]
    if problem is not None:
        said: Message = message(problem, path=path[:LONGEST])
        return {**image, "problem": {"text": said.text, "values": said.values}}
    known = {key: fields.get(key) for key in ("content", "nearness", "width", "height", "prepared")}
    return {**image, **known, "thumbnail": thumbnail}


def readable(images: Sequence[LibraryImage]) -> list[LibraryImage]:
    """Return the images that can be compared."""
    return [image for image in images if image.problem is None]
