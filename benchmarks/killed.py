"""Runs of the command over 20 small submissions, killed at random moments: is anything torn or lost, is the next whole?

    python benchmarks/killed.py [MOMENTS] [--seed N] [--minutes N]

Each moment is one run, killed with SIGKILL: every other one after a random time, the others before a random change on
disk, where a file that was being replaced is left half written. The runs are of six kinds: into an empty folder; over
grades of the same hand-ins; the same with `--again`; with another rubric; of a second hand-in of everybody, after a
person has added points to some; and of the first one once more, which counts again then. After each of them

- every grade is whole, with the exhibits that belong to it, and is that of before or that of now;
- whatever the run had reported is stored, and nobody who had a grade has none;
- what people decided is still there;
- and the next run of the same command, over what was left, ends with the same files as one that nobody killed, and
  leaves no temporary file.

Everything is the command but the measuring, which reads a number. Prints counts, and ends with 1 for any fault.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from fixtures.class_of_forty.class_folder import NEVER, ClassFolder, Commands, Done, Kill  # noqa: E402
from fixtures.class_of_forty.tables import RUBRIC  # noqa: E402
from grader.gradebook.evidence import read_evidence  # noqa: E402
from grader.gradebook.files import GRADE_FILE, read_grade, read_stored, whole  # noqa: E402
from grader.records.errors import BadLab  # noqa: E402

STUDENTS = 20
DECIDED = (3, 8, 13)  # students to whom a person adds points
OTHER_RUBRIC = RUBRIC.replace("points = 100", "points = 50")
KILLED = -9
TOLD = " points · "  # in the line of a submission that was graded
Totals = dict[str, float]  # by the student's folder


@dataclass(frozen=True)
class Kind:
    """A run to kill: what it finds, how it is called, and what it comes to if nobody kills it."""

    name: str
    home: Path
    before: Path | None
    options: tuple[str | Path, ...]
    hand_ins: Path

    def run(self, commands: Commands, kill: Kill = NEVER, after: float = 0.0) -> Done:
        """Run the command."""
        out = self.home / "out"
        return commands.grade(
            "run", self.hand_ins, "--out", out, "--names", "{name}_{id}", "--no-fetch", "--sandbox", "plain",
            "--device", "cpu", "--jobs", "2", *self.options, home=out, kill=kill, after=after,
        )  # fmt: skip

    def prepare(self) -> None:
        """Put the folder of grades back to what the run finds."""
        shutil.rmtree(self.home / "out", ignore_errors=True)
        if self.before is not None:
            shutil.copytree(self.before, self.home / "out")


@dataclass(frozen=True)
class Whole:
    """A run that nobody killed: its seconds and changes on disk, what it left, and the totals before and after it."""

    seconds: float
    changes: int
    status: int
    files: dict[str, bytes]
    before: Totals
    after: Totals


def main() -> None:
    """Kill and look; ends with 1 for any fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("moments", nargs="?", type=int, default=200, metavar="MOMENTS")
    parser.add_argument("--seed", type=int, default=16)
    parser.add_argument("--minutes", type=float, default=60.0, help="stop after so many, whatever is left")
    given = parser.parse_args()
    end = time.monotonic() + 60 * given.minutes
    drawn, counts, faults = random.Random(given.seed), Counter[str](), list[str]()
    with tempfile.TemporaryDirectory() as name:
        home, scratch = Path(name) / "class", Path(name) / "tmp"
        scratch.mkdir()
        with Commands(scratch) as commands:
            kinds = [(kind, uninterrupted(kind, commands)) for kind in built(home, commands)]
            for moment in range(given.moments):
                if time.monotonic() > end:
                    break
                kind, done = kinds[moment % len(kinds)]
                found = [f"moment {moment}, {kind.name}: {one}" for one in killed(kind, done, commands, drawn, counts)]
                found += [f"moment {moment}: left in the temporary folder: {one}" for one in scratch.iterdir()]
                print(*found, sep="\n", end="\n" if found else "", flush=True)
                faults += found
    print("\n".join(f"{name}: {count:,}" for name, count in counts.items()))
    print(f"faults: {len(faults)}")
    sys.exit(1 if faults else 0)


def killed(kind: Kind, done: Whole, commands: Commands, drawn: random.Random, counts: Counter[str]) -> Iterator[str]:
    """Kill one run, look at what it left, run the command again, and yield every fault."""
    kind.prepare()
    counts["moments"] += 1
    if counts["moments"] % 2:
        said = kind.run(commands, after=drawn.uniform(0.02, done.seconds))
    else:
        said = kind.run(commands, kill=(drawn.randint(1, done.changes), True))
    counts["  of which the run had ended before"] += said.status != KILLED
    yield from looked_at(kind, done, said, counts)
    again = kind.run(commands)
    if again.status != done.status or "Traceback" in again.err:
        yield f"the next run ends with {again.status}, not {done.status}: {again.err}"
    left = files(kind, commands)
    for name in sorted(left.keys() ^ done.files.keys()):
        yield f"after the next run {name} is {'too many' if name in left else 'missing'}"
    for name in sorted(left.keys() & done.files.keys()):
        if left[name] != done.files[name]:
            yield f"after the next run {name} differs from that of a run that nobody killed"


def looked_at(kind: Kind, done: Whole, said: Done, counts: Counter[str]) -> Iterator[str]:
    """Yield what is torn or lost of what a killed run left."""
    out = kind.home / "out"
    totals = dict[str, float]()
    for path in sorted(out.rglob(GRADE_FILE)):
        try:
            grade = whole(read_grade(path), path)
        except BadLab as error:
            yield f"torn: {error}"
            continue
        counts["grades looked at"] += 1
        page = path.with_name("report.html")
        if not page.is_file() or not page.read_text("utf-8").rstrip().endswith("</html>"):
            yield f"torn or missing: {page}"
        if path.parent.parent == out:
            totals[path.parent.name] = grade.total
            try:
                read_evidence(path.with_name("evidence.json"), grade)
            except BadLab as error:
                if "belongs to a different submission" not in str(error):
                    yield f"torn: {error}"
                counts["evidence a step ahead of its grade, until the next run"] += 1
    reported = {line.partition(TOLD)[0].split()[0] for line in said.out.splitlines() if TOLD in line}
    counts["results reported by killed runs"] += len(reported)
    for name in sorted({*done.before, *done.after}):
        if name in done.before and name not in totals:
            yield f"lost: {name} had a grade, and has none"
        elif name in totals and totals[name] not in (done.before.get(name), done.after.get(name)):
            yield f"torn: {name} has {totals[name]}, neither {done.before.get(name)} nor {done.after.get(name)}"
        if name.partition("-")[0] in reported and totals.get(name) != done.after.get(name):
            yield f"lost: {name} was reported with {done.after.get(name)}, and has {totals.get(name)}"


# --- what is run -------------------------------------------------------------------------------------------------


def built(home: Path, commands: Commands) -> list[Kind]:
    """Hand in twice, grade the first round, add points to some, and return the kinds of run."""
    for round_ in (1, 2):
        (home / f"round {round_}").mkdir(parents=True)
        for number in range(STUDENTS):
            name = f"s{number:02}_{20_000 + number}.zip"
            with zipfile.ZipFile(home / f"round {round_}" / name, "w") as zipped:
                zipped.writestr("final.pth", str(300 + 10 * number + 300 * (round_ - 1)))
    for name, text in (("rubric", RUBRIC), ("other", OTHER_RUBRIC)):
        (home / f"{name}.toml").write_text(text, "utf-8")
    usual, other = (("--rubric", home / f"{name}.toml") for name in ("rubric", "other"))
    first, second = home / "round 1", home / "round 2"
    kinds = [Kind("an empty folder", home, None, usual, first)]
    kinds[0].prepare()
    require(kinds[0].run(commands))
    for number in DECIDED:
        out = home / "out"
        decision = ("--points", "7", "--reason", "an appeal", "--by", "Dr. Fern")
        require(commands.grade("adjust", out, f"{20_000 + number}", *decision, home=out))
    before, later = home / "before", home / "later"
    shutil.copytree(home / "out", before)
    second_hand_in = Kind("a second hand-in", home, before, usual, second)
    require(second_hand_in.run(commands))
    shutil.copytree(home / "out", later)
    return [
        *kinds,
        Kind("the same again", home, before, usual, first),
        Kind("--again", home, before, (*usual, "--again"), first),
        Kind("another rubric", home, before, other, first),
        second_hand_in,
        Kind("the first hand-in once more", home, later, usual, first),
    ]


def require(done: Done) -> None:
    """SystemExit if a command failed."""
    if done.status > 1:
        raise SystemExit(f"{done.out}{done.err}")


def uninterrupted(kind: Kind, commands: Commands) -> Whole:
    """Run the command once without killing it."""
    kind.prepare()
    before = totals_in(kind.before) if kind.before is not None else {}
    started = time.monotonic()
    done = kind.run(commands)
    seconds = time.monotonic() - started
    require(done)
    after = totals_in(kind.home / "out")
    print(f"{kind.name}: {seconds:.1f} s, {done.changes[0]:,} changes on disk, {len(after)} grades", flush=True)
    return Whole(seconds, done.changes[0], done.status, files(kind, commands), before, after)


def totals_in(out: Path) -> Totals:
    """Return the total of everybody in a folder of grades."""
    return {one.path.parent.name: one.grade.total for one in read_stored(out)[0]}


def files(kind: Kind, commands: Commands) -> dict[str, bytes]:
    """Return every file of a grade, hidden ones too, without times of day."""
    return ClassFolder(kind.home, "no platform", commands).files()


if __name__ == "__main__":
    main()
