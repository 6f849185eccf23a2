"""What a class of a thousand costs once it is graded: exports, decisions and pages from stored grades.

    python benchmarks/stored_grades.py [grades/STUDENT] [--students 1000] [--keep FOLDER]

Copies one stored grade, with its evidence, under other names; without one it grades the demo. Then it runs the commands
as an instructor does, and prints the processor time of each, of all its processes together, and the time that it took,
which is what two processors of a quiet machine make of it. Ends with 1 where a command for 1,000 students uses more
processor time than it may: 80 seconds for the pages are 40 on two processors.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

ROOT = Path(__file__).parents[1]
GRADE = (sys.executable, "-c", "from grader.cli.app import main; main()")
NEEDS_HUMAN = 1  # of the exit status of `grade`: the first two are no failure
STUDENTS = 1_000
FILES = ("grade.json", "exhibits-*.json", "evidence.json", "report.html")
DECISION = ("--points", "-1", "--reason", "an hour late", "--by", "Li")
EXPORT, REPORT, ADJUST, CLASS_PAGE = 3.0, 80.0, 5.0, 5.0  # at most, in seconds of processor time


def main() -> None:
    """Measure; ends with 1 where something takes longer than it may."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("grade", nargs="?", type=Path, help="the folder of a stored grade; the demo's by default")
    parser.add_argument("--students", type=int, default=STUDENTS)
    parser.add_argument("--keep", type=Path, help="write the class there, and leave it")
    given = parser.parse_args()
    with nullcontext(given.keep) if given.keep else tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        one = given.grade or demo(folder / "demo")
        everyone = folder / "grades"
        copied(one, everyone, given.students)
        good = measured(everyone)
        weighed(everyone)
    sys.exit(0 if good else 1)


def demo(out: Path) -> Path:
    """Grade the demo, and return the folder of its grade."""
    ran("demo", "--out", out)
    (grade,) = out.glob("*/grade.json")
    return grade.parent


def copied(one: Path, out: Path, students: int) -> None:
    """Store the grade so many times, each of another student."""
    grade = json.loads((one / "grade.json").read_text("utf-8"))
    evidence = json.loads((one / "evidence.json").read_text("utf-8"))
    for number in range(students):
        student = {"name": f"Student {number}", "identifier": f"{200_000 + number}"}
        whose = {"student": {**grade["student"], **student}, "digest": f"{number:064x}"}
        folder = out / f"Student_{number}-{200_000 + number}"
        folder.mkdir(parents=True)
        for exhibits in one.glob("exhibits*.json"):
            shutil.copy(exhibits, folder)
        for name, record in (("evidence", evidence), ("grade", grade)):
            text = json.dumps({**record, **whose}, ensure_ascii=False, indent=1)
            (folder / f"{name}.json").write_text(text, encoding="utf-8")


def weighed(everyone: Path) -> None:
    """Print what the grades take on disk."""
    for name in FILES:
        sizes = [path.stat().st_size for path in everyone.glob(f"*/{name}")]
        if sizes:
            print(f"{name:<16} {sum(sizes) / len(sizes) / 1e3:6.1f} kB each, {sum(sizes) / 1e6:6.1f} MB together")


def measured(everyone: Path) -> bool:
    """Run each command and print what it costs; whether all of them are within their bars."""
    names = sorted(path.name for path in everyone.iterdir())
    alone = everyone.with_name("alone")
    shutil.copytree(everyone / names[0], alone / names[0])
    start, _ = ran("export", alone, "--to", "csv")
    print(f"{'export of one':<16} {start:6.2f} s of processor time: what it takes to start")
    good = within("export --to csv", ran("export", everyone, "--to", "csv"), EXPORT)
    good &= within("report", ran("report", everyone), REPORT)
    good &= within("adjust one", ran("adjust", everyone, f"{names[-1]}/", *DECISION), ADJUST)
    code = "import sys; from pathlib import Path; from grader.gradebook.pages import draw_class as draw"
    code += "; draw(Path(sys.argv[1]), 'staff', False)"
    good &= within("class page", timed((sys.executable, "-c", code, str(everyone))), CLASS_PAGE)
    page = (everyone / "index.html").stat().st_size
    print(f"{'index.html':<16} {page / 1e3:6.1f} kB, {page / len(names):.0f} bytes a student")
    return good


def ran(*command: str | Path) -> tuple[float, float]:
    """Run `grade`, and return the seconds of processor time and those that it took."""
    return timed((*GRADE, *map(str, command)))


def timed(command: Sequence[str]) -> tuple[float, float]:
    """Run a command; SystemExit with what it said if it failed."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))}
    before, began = _processor_time(), time.monotonic()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    took = time.monotonic() - began
    if done.returncode > NEEDS_HUMAN:
        raise SystemExit(f"{' '.join(command[-4:])}: {done.stdout}{done.stderr}")
    return _processor_time() - before, took


def _processor_time() -> float:
    """Return what the processes that have ended took, with theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def within(what: str, cost: tuple[float, float], bar: float) -> bool:
    """Print what a command costs, beside its bar; whether it keeps it."""
    used, took = cost
    print(f"{what:<16} {used:6.2f} s of processor time (at most {bar:g}), took {took:.2f} s", flush=True)
    return used <= bar


if __name__ == "__main__":
    main()
