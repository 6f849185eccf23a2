"""`grade pack`: pack a student's folder into submission.zip, with what the lab asks for and nothing else."""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.disk.names import visible
from grader.disk.scratch import scratch
from grader.disk.whole import replacing
from grader.evidence import Evidence, Layout
from grader.intake import Archive, Limits, open_submission
from grader.intake.archive import LIMITS, MEGABYTE, Entry
from grader.intake.folders import open_folder
from grader.intake.leave_out import reason_to_leave_out
from grader.intake.parts import sort_parts
from grader.labs import the_lab
from grader.marking.check import Case
from grader.marking.rubric import Rubric
from grader.records import Checked, Message, Student, Verdict, fits, message
from grader.records.errors import BadLab, BadSubmission
from grader.students.links import followed

SUBMISSION = "submission.zip"
CODE = (".py", ".ipynb")
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".svg")
WEIGHTS = (".pth", ".pt", ".ckpt", ".safetensors")
MOST_NAMED = 12  # folders and files in one line
LONGEST_REPORT = 1_000_000  # bytes of the report that are searched for pictures


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What was left out for one reason: top-level folders, with a slash, and files; their total size in bytes."""

    why: Message
    names: tuple[str, ...]
    bytes: int


@dataclass(frozen=True, slots=True)
class Packed:
    """The zip, its size in bytes, its contents as the grader reads them, and what was left out."""

    path: Path
    bytes: int
    layout: Layout
    left_out: tuple[LeftOut, ...]

    def told(self, rubric: Rubric) -> Iterator[Checked]:
        """Yield a line for the contents, for what was left out, and for what the rubric asks for but is missing."""
        names = Counter(file.path.partition("/")[0] + "/" * ("/" in file.path) for file in self.layout.files)
        inside = ", ".join(f"{name} ({count})" if name.endswith("/") else name for name, count in names.items())
        yield Checked(message("Included"), "good", message("{inside}", inside=inside))
        for item in self.left_out:
            shown = ", ".join(item.names[:MOST_NAMED]) + ", ..." * (len(item.names) > MOST_NAMED)
            why = item.why
            said = message("{names} ({size:.2f} MB): {why}", names=shown, size=item.bytes / MEGABYTE, why=why)
            yield Checked(message("Left out"), "worse", said)
        for line in rubric.lines:
            if line.check is not None and line.check.reads is Layout:
                evidence = Evidence(Student(""), "", self.path.name, ())
                verdict = line.check.judge(Case(self.layout, line.limits, evidence))
                if isinstance(verdict, Verdict) and verdict.credit < 1.0:
                    yield Checked(message("Missing"), "bad", verdict.message, verdict.hints)


def asked_for(rubric: Rubric) -> frozenset[str]:
    """Return the names that the rubric requires, in lower case; folders with a slash."""
    lines = [line for line in rubric.lines if line.check is not None and line.check.reads is Layout]
    return frozenset(
        name.strip().casefold() for line in lines for wanted in line.limits.required for name in wanted.split("|")
    )


def pack(folder: Path, out: Path | None = None, limits: Limits = LIMITS, asked: frozenset[str] = frozenset()) -> Packed:
    """Write `out`, by default submission.zip in the folder. The zip is written whole and gradable, or not at all.

    `asked` are names of files, and of folders with a slash, that are packed beside what the lab always takes.

    Raises BadLab if the folder cannot be read or the zip cannot be written, BadSubmission if the grader would not
    accept it.
    """
    if not folder.is_dir():
        raise BadLab(
            message(
                "{folder} is not a folder. Give the folder that holds your {training_script}.",
                folder=str(folder),
                training_script=the_lab().training_script,
            )
        )
    target = out or folder / SUBMISSION
    listed = open_folder(folder).entries
    files = [entry for entry in followed(listed, folder) if not entry.is_folder and not _is(entry, target)]
    shown, weights = _shown(files), _weights(files)
    reasons = {entry.name: None if _is_asked(entry, asked) else _reason(entry, shown, weights) for entry in files}
    chosen = sorted((entry for entry in files if reasons[entry.name] is None), key=lambda entry: entry.name)
    if not chosen:
        sentence = message(
            "{folder} contains nothing to hand in: no script, no {checkpoint}. Give the folder that holds them.",
            folder=str(folder),
            checkpoint=the_lab().checkpoint,
        )
        raise BadLab(sentence)
    for entry in chosen:
        if entry.fault is not None:
            raise BadSubmission(entry.fault)
    layout = _write(chosen, target, limits)
    return Packed(target, target.stat().st_size, layout, _grouped(files, reasons))


def _is(entry: Entry, target: Path) -> bool:
    """Return whether the entry is the zip itself, from an earlier run."""
    return entry.path is not None and entry.path.absolute() == target.absolute()


def _is_asked(entry: Entry, asked: frozenset[str]) -> bool:
    """Return whether the rubric asks for the file at this place, and nothing speaks against it."""
    top, slash, _ = entry.name.casefold().partition("/")
    anywhere = any("*" in name and fits(entry.name.rpartition("/")[2], name) for name in asked)
    return (anywhere or any(fits(top + slash, name) for name in asked)) and not reason_to_leave_out(
        entry.name, entry.size
    )


def _shown(files: Iterable[Entry]) -> str:
    """Return the text of the report in Markdown, whose pictures are packed with it."""
    written = [name for name in the_lab().reports if name.endswith(".md")]
    report = next((entry for entry in files if entry.name.casefold() in written), None)
    if report is None or report.fault is not None:
        return ""
    content = b""
    for chunk in report.chunks():
        content += chunk
        if len(content) > LONGEST_REPORT:
            break
    return content.decode("utf-8", "replace")


def _weights(files: Iterable[Entry]) -> frozenset[str]:
    """Return the files of weights that would be graded, where the lab asks for no certain name."""
    if len(the_lab().weights) == 1 and not the_lab().networks:
        return frozenset()
    found, _ = sort_parts((entry.name for entry in files), ())
    return frozenset(path for paths in (found.checkpoints, *dict(found.by_network).values()) for path in paths)


def _reason(entry: Entry, report: str, weights: frozenset[str]) -> Message | None:
    """Return why a file is left out; None if it is packed."""
    name = entry.name.casefold()
    top, _, rest = name.partition("/")
    asked = [one.weights[0] for one in the_lab().networks] or [the_lab().checkpoint]
    match reason_to_leave_out(entry.name, entry.size):
        case "dataset":
            return message("{dataset} need not be handed in", dataset=the_lab().dataset)
        case "noise" | "tools":
            return message("not part of the work")
    if top in the_lab().image_folders and (rest or entry.fault):  # a link in the folder's place is not to be overlooked
        return None
    if name.endswith(PICTURES) and entry.name.rpartition("/")[2] in report:
        return None
    if entry.name in weights:
        return None
    if rest:
        is_checkpoint = name.endswith(WEIGHTS)
        return (
            message("checkpoints: only {checkpoint} counts", checkpoint=", ".join(asked))
            if is_checkpoint
            else message("not asked for")
        )
    if name in the_lab().results or name.endswith(CODE):
        return None
    if name.endswith(WEIGHTS):
        return message("other weights: only {checkpoint} counts", checkpoint=", ".join(asked))
    return message("not asked for")


def _grouped(files: Iterable[Entry], reasons: dict[str, Message | None]) -> tuple[LeftOut, ...]:
    """Group the files left out by reason, the largest group first."""
    names: dict[Message, dict[str, None]] = {}
    size: Counter[Message] = Counter()
    for entry in files:
        if (why := reasons[entry.name]) is not None:
            top, slash, _ = entry.name.partition("/")
            names.setdefault(why, {})[visible(top) + slash] = None
            size[why] += entry.size
    return tuple(LeftOut(why, tuple(sorted(names[why])), bytes_) for why, bytes_ in size.most_common())


def _write(chosen: Iterable[Entry], target: Path, limits: Limits) -> Layout:
    """Write a temporary zip, let the grader open it, and only then rename it to the target."""
    try:
        with replacing(target) as (temporary,):
            with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
                for entry in chosen:
                    assert entry.path is not None
                    info = zipfile.ZipInfo.from_file(entry.path, entry.name, strict_timestamps=False)
                    info.compress_type = zipfile.ZIP_DEFLATED
                    with archive.open(info, "w") as inside:
                        for chunk in entry.chunks():
                            inside.write(chunk)
            with scratch("pack") as folder:
                submission = open_submission(Archive(temporary, Student("")), folder, limits)
            for one in submission.left_out:
                raise BadSubmission(one.why)
    except OSError as error:
        sentence = message(
            "{path} cannot be written: {why}. Free some space, or choose another path with --out.",
            path=str(target),
            why=error.strerror or str(error),
        )
        raise BadLab(sentence) from error
    return Layout(submission.files, submission.parts)
