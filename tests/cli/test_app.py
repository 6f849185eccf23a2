"""The command: what it prints, where, and with which exit status it ends."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

import grader.batch.setup
from fixtures import DEMO_SUBMISSION
from grader import __version__
from grader.cli import options
from grader.cli.app import cli
from grader.dataset import ImageSet
from grader.evidence import EVIDENCE
from grader.gradebook.journal import OURS
from grader.labs import the_lab
from grader.records import Checked, message
from grader.records.errors import BadLab, MissingData
from grader.sandbox import why_no_code
from grader.students.precheck import Precheck

CODE_IS_RUN = why_no_code() is None  # elsewhere the points for code are left open
ALL_MARKED = 0 if CODE_IS_RUN else 1  # the exit status where nothing else is left to a person
COMMAND = [sys.executable, "-c", "from grader.cli.app import main; main()"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the demo submission as ada/, without its scripts: running them takes time."""
    shutil.copytree(DEMO_SUBMISSION, tmp_path / "ada", ignore=shutil.ignore_patterns("*.py"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def scripts(here: Path) -> None:
    """Puts the scripts of the demo submission into ada/."""
    for script in DEMO_SUBMISSION.glob("*.py"):
        shutil.copy(script, here / "ada")


@pytest.fixture
def grade(here: Path, in_process: Callable[..., Any]) -> Callable[..., Any]:
    """The command, in the folder of the submissions."""
    return in_process


@pytest.fixture
def no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Called after `grade`: there is no CIFAR-10, and fetching it fails as it does without a network."""

    def fetch(cache: Path, progress: Any) -> ImageSet:
        raise MissingData(message("CIFAR-10 could not be fetched: no network"))

    monkeypatch.setattr(grader.batch.setup, "find_set", lambda lab, data, cache: None)
    monkeypatch.setattr("grader.dataset.of_lab.fetch_cifar10", fetch)


def record(here: Path, name: str = "ada") -> dict[str, Any]:
    return json.loads((here / "grades" / name / "grade.json").read_text("utf-8"))


def results(here: Path) -> list[Path]:
    """What lies in the folder of results, except for what `grade` keeps for itself."""
    return [path for path in (here / "grades").iterdir() if path.name != OURS]


def states(found: dict[str, Any]) -> dict[str, str]:
    """The state of each check except those of a retrieval, which these submissions lack."""
    every = {mark["criterion"]["check"]: mark["finding"]["state"] for mark in found["marks"]}
    retrieval = {check: every.pop(check) for check in list(every) if check.startswith("retrieval_")}
    assert set(retrieval.values()) <= {"blocked"}
    return every


# --- one submission --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("scripts")
def test_a_submission_is_graded_printed_and_written(grade, here):
    done = grade("ada")
    assert (done.status, done.err) == (ALL_MARKED, "")
    assert "of 200 test images are classified correctly" in done.out
    assert done.out.endswith("report.html")
    names = sorted(re.sub(r"-\w{12}\.", "-DIGEST.", path.name) for path in (here / "grades" / "ada").iterdir())
    assert names == ["evidence.json", "exhibits-DIGEST.json", "grade.json", "report.html"]
    found = record(here)
    assert found["needs_human"] is not CODE_IS_RUN
    assert 0.8 < found["accuracy"] < 1.0
    assert f"{found['total']:g} of {found['points']:g} points" in done.out


def test_run_may_be_said_or_left_out(grade, here):
    (here / "ada" / "final.pth").unlink()
    assert grade("run", "ada", "--out", "one").out.replace("one/", "") == grade("ada", "--out", "two").out.replace(
        "two/", ""
    )


@pytest.mark.usefixtures("scripts")
def test_without_weights_everything_else_is_graded(grade, here):
    (here / "ada" / "final.pth").unlink()
    done = grade("ada")
    assert done.status == (0 if CODE_IS_RUN else 1)
    assert "final.pth is missing" in done.out
    found = states(record(here))
    assert found.pop("measured_accuracy") == "blocked"
    assert set(found.values()) == {"judged"} | (set() if CODE_IS_RUN else {"unjudged"})


def test_two_final_weights_need_a_human(grade, here):
    for name in ("a", "b"):
        (here / "ada" / name).mkdir()
        shutil.copy(here / "ada" / "final.pth", here / "ada" / name)
    (here / "ada" / "final.pth").unlink()
    done = grade("ada")
    assert done.status == 1
    assert "ask the student which one counts" in done.out
    assert record(here)["needs_human"] is True


def test_the_students_page_leaves_out_what_is_for_staff(grade, here):
    (here / "ada" / "report.md").write_text("The final test accuracy is 99.90%.", encoding="utf-8")
    grade("ada", "--out", "staff")
    grade("ada", "--out", "student", "--audience", "student")
    pages = [(here / out / "ada" / "report.html").read_text("utf-8") for out in ("staff", "student")]
    assert ["claims 99.90%; measured" in page for page in pages] == [True, False]


def test_several_submissions_get_a_class_page_and_report_redraws_it(grade, here):
    for name in ("bob.zip", "eve.zip"):
        (here / name).write_bytes(b"no zip")
    assert not grade("bob.zip").out.count("index.html")
    done = grade("eve.zip", "bob.zip")
    assert "The class: grades/index.html" in done.out
    first = (here / "grades" / "index.html").read_text("utf-8")
    assert all(name in first for name in ("./bob/report.html", "./eve/report.html"))
    (here / "grades" / "index.html").unlink()
    again = grade("report", "grades")
    assert (again.status, again.out) == (0, "Pages drawn: 2 The class: grades/index.html")
    assert (here / "grades" / "index.html").read_text("utf-8") == first
    (here / "grades" / "bob" / "grade.json").write_text("{}", encoding="utf-8")
    broken = grade("report", "grades", "--audience", "student")
    assert (broken.status, broken.out) == (2, "Pages drawn: 1")
    assert "bob" in broken.err


# --- data ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [("--no-fetch",), ()])
def test_without_data_the_accuracy_is_left_to_staff(grade, here, no_data, options):
    done = grade("ada", *options)
    assert done.status == 1
    assert ("`grade data fetch`" in done.out) or ("no network" in done.out)
    found = record(here)
    others = states(found)
    assert others.pop("measured_accuracy") == "unjudged"
    assert {others[check] for check in ("submission_layout", "training_history")} == {"judged"}
    assert (found["accuracy"], found["needs_human"]) == (None, True)
    if not options:
        assert "Fetching it once (about 170 MB)" in done.out


def test_data_that_is_not_where_it_is_said_to_be_ends_the_run(grade, here, monkeypatch):
    monkeypatch.undo()
    monkeypatch.chdir(here)
    monkeypatch.setattr(sys, "argv", ["grade"])
    ended = subprocess.run(
        [*COMMAND, "ada", "--data", "nowhere"], capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 2
    assert "--data nowhere: this folder does not exist" in ended.stderr
    assert not (here / "grades").exists()


# --- several ---------------------------------------------------------------------------------------------------


def test_a_bad_archive_in_the_middle_stops_no_other(grade, here):
    (here / "ada" / "final.pth").unlink()
    shutil.copytree(here / "ada", here / "eve")
    (here / "bob.zip").write_bytes(b"PK\x03\x04 cut off")
    done = grade("ada", "bob.zip", "eve", "nobody.zip")
    assert done.status == 2
    assert "nobody.zip does not exist" in done.err
    assert [record(here, name)["archive"] for name in ("ada", "bob", "eve")] == ["ada", "bob.zip", "eve"]
    assert "Reports:" in done.out


def test_a_folder_of_submissions_is_a_class(grade, here):
    (here / "ada" / "final.pth").unlink()
    for student in ("bob", "eve"):
        shutil.copytree(here / "ada", here / "class" / student)
    assert grade("class").status == 0
    assert {path.name for path in results(here)} == {"bob", "eve", "index.html"}


def test_a_roster_is_kept_for_later_runs_and_says_who_handed_in_nothing(grade, here):
    for name in ("lab5_20231234.zip", "stranger.zip", "okaforben_222_900_lab5.zip"):
        (here / name).write_bytes(b"no zip")
    (here / "class.csv").write_text("姓名,学号\n吴雅达,20231234\nBen Okafor,20231235\n", "gb18030")
    done = grade("lab5_20231234.zip", "stranger.zip", "--roster", "class.csv")
    assert "class.csv was read as GB18030" in done.out
    assert "Not on the roster: stranger.zip (stranger) matches no line of class.csv" in done.out
    assert done.out.endswith("On the roster: 2; nothing submitted: 1 Not on the roster: 1")
    assert record(here, "吴雅达-20231234")["student"]["number"] == "20231234"
    assert "Ben Okafor" in (here / "grades" / "index.html").read_text("utf-8")

    later = grade("okaforben_222_900_lab5.zip")
    assert later.out.endswith("On the roster: 2; nothing submitted: 0 Not on the roster: 1")
    assert record(here, "Ben_Okafor-222")["student"]["number"] == "20231235"

    (here / "class.csv").write_text("name,number\nEve,1\nStranger,2\nMallory,3\n", "utf-8")
    other = grade("stranger.zip", "--roster", "class.csv")
    assert other.out.endswith("On the roster: 3; nothing submitted: 2 Not on the roster: 2")
    assert {path.name for path in results(here)} == {
        "Ben_Okafor-222", "Stranger-2", "index.html", "roster.json", "吴雅达-20231234",
    }  # fmt: skip


def test_a_roster_that_cannot_be_used_ends_the_run_before_anything_is_graded(grade, here):
    (here / "class.csv").write_text("name,extension\nAda,soon\n", "utf-8")
    done = grade("ada", "--roster", "class.csv")
    assert (done.status, 'class.csv, line 2, column "extension", "soon"' in done.err) == (2, True)
    assert not (here / "grades").exists()
    assert "leave it out here" in grade("ada", "--encoding", "utf-8").err
    (here / "grades").mkdir()
    (here / "grades" / "roster.json").write_text("{}", "utf-8")
    done = grade("ada")
    assert (done.status, "Grade again with --roster, or delete it" in done.err) == (2, True)


def test_two_students_of_one_name_get_two_folders(grade, here):
    (here / "ada" / "final.pth").unlink()
    shutil.copytree(here / "ada", here / "other" / "ada")
    assert grade("ada", "other/ada").status == 0
    assert {path.name for path in results(here)} == {"ada", "ada-2", "index.html"}


def test_the_same_path_twice_is_graded_once(grade, here):
    (here / "ada" / "final.pth").unlink()
    (here / "lab").mkdir()
    grade("ada", "ada/", here / "ada", "lab/../ada", f"../{here.name}/ada")
    assert {path.name for path in results(here)} == {"ada"}


def test_a_hostile_name_stays_inside_the_output_folder(grade, here):
    hostile = here / "..%2f..%2fescape\n\x1b[2J"
    (here / "ada" / "final.pth").unlink()
    (here / "ada").rename(hostile)
    done = grade(hostile)
    assert done.status == 0
    assert "\x1b" not in done.out
    (folder,) = results(here)
    assert (folder / "grade.json").is_file()


# --- names that are not UTF-8 ----------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep names as text")
@pytest.mark.parametrize(("raw", "name"), [("张三".encode("gbk"), "张三"), (b"b\xff\xd5\xc5", "b\xa0╒┼")])
def test_an_archive_whose_own_name_is_in_another_encoding_is_graded_under_a_readable_one(grade, here, raw, name):
    (here / "ada" / "final.pth").unlink()
    (here / "ada").rename(here / os.fsdecode(raw))
    done = grade(os.fsdecode(raw))
    assert (done.status, done.err) == (0, "")
    (folder,) = results(here)
    found = record(here, folder.name)
    assert (found["student"]["name"], found["archive"]) == (name.replace("\xa0", " "), name)
    assert EVIDENCE.validate_json((folder / "evidence.json").read_bytes()).archive == name


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep names as text")
def test_a_refused_archive_and_a_rubric_have_readable_names_too(grade, here):
    archive, rubric = (os.fsdecode(name.encode("gbk")) for name in ("张三.zip", "评分.toml"))
    (here / archive).write_bytes(b"no zip")
    shutil.copy(the_lab().rubric, here / rubric)
    done = grade(archive, "--rubric", rubric)
    assert "张三.zip is not a zip" in done.out
    assert record(here, "张三")["made_by"]["command"] == "grade '张三.zip' --rubric '评分.toml'"


@pytest.mark.skipif(sys.platform != "linux", reason="only there a locale decides what a file may be called")
@pytest.mark.parametrize("sandbox", ["auto", "plain"])
@pytest.mark.usefixtures("scripts")
@pytest.mark.slow
def test_chinese_names_are_graded_where_the_locale_has_no_letters_for_them(here, sandbox):
    with zipfile.ZipFile(here / "张三.zip", "w") as archive:
        for file in ("exp2.py", "history.json", "report.md"):
            archive.write(here / "ada" / file, f"实验五/代码/{file}")
    done = subprocess.run(
        [*COMMAND, "张三.zip", "--no-fetch", "--sandbox", sandbox],
        env={**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    is_run = CODE_IS_RUN and sandbox != "plain"
    assert (done.returncode, done.stderr) == (0 if is_run else 1, "")
    found = record(here, "张三")
    assert found["student"]["name"] == "张三"
    assert states(found) == {
        "submission_layout": "judged", "measured_accuracy": "blocked", "training_history": "judged",
        "function_fit": "blocked", "own_function": "blocked", "evaluation": "judged" if is_run else "unjudged",
        "learning_rate": "judged" if is_run else "unjudged", "feature_vectors": "blocked",
    }  # fmt: skip


def test_student_code_runs_unisolated_only_where_that_was_confirmed(grade, here, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    done = grade("ada", "--sandbox", "none")
    assert done.status == 2
    assert "--sandbox none runs student code without isolation" in done.err
    assert "Add --yes-run-unisolated if this is a container" in done.err
    assert not (here / "grades").exists()

    assert grade("ada", "--sandbox", "none", "--yes-run-unisolated").status in (0, 1)
    assert "--sandbox none" in record(here, "ada")["made_by"]["command"]


@pytest.mark.parametrize(("typed", "runs"), [("y", True), ("n", False), ("", False)])
def test_at_a_terminal_a_person_is_asked_before_student_code_runs_unisolated(typed, runs, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stdin", Terminal(f"{typed}\n"))
    context = click.Context(cli)
    if runs:
        assert options._confirmed(context, None, "none") == "none"
    else:
        with pytest.raises(BadLab):
            options._confirmed(context, None, "none")


# --- what cannot be used ---------------------------------------------------------------------------------------


def test_a_missing_path_is_answered_with_the_one_that_was_meant(grade, here):
    (here / "submission.zip").write_bytes(b"")
    done = grade("submision.zip")
    assert done.status == 2
    assert "submision.zip does not exist; did you mean submission.zip?" in done.err
    assert not (here / "grades").exists()


def test_a_mistyped_command_is_answered_with_the_one_that_was_meant(grade):
    done = grade("dmeo")
    assert done.status == 2
    assert "there is no file and no command 'dmeo'; did you mean 'grade demo'?" in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run",), "Missing argument 'PATHS...'"),
        (("ada", "--devise", "cpu"), "--devise"),
        (("ada", "--device", "tpu"), "'tpu' is not one of"),
        (("ada", "--time-limit", "0"), "is not in the range"),
        (("ada", "--memory", "lots"), "is not a valid integer"),
        (("--flag",), "--flag"),
        (("",), "the path is empty; is a shell variable unset?"),
        (("ada", "--out", ""), "'--out': the path is empty"),
        (("ada", "--data", ""), "the path is empty"),
        (("completion", "csh"), "'csh' is not one of"),
    ],
)
def test_options_that_do_not_exist_are_reported(grade, arguments, said):
    done = grade(*arguments)
    assert done.status == 2
    assert said in done.err


def test_a_bad_rubric_is_reported_before_anything_else_is_done(grade, here, monkeypatch):
    (here / "mine.toml").write_text("[measured_acuracy]\npoints = 1\nknots = [[0.5, 1.0]]\n", encoding="utf-8")

    def touched(*arguments: Any) -> None:
        raise AssertionError("the rubric comes first")

    monkeypatch.setattr(grader.batch.setup, "expand", touched)
    monkeypatch.setattr(grader.batch.setup, "find_set", touched)
    monkeypatch.setattr(grader.batch.setup, "open_sandbox", touched)
    done = grade("ada", "--rubric", "mine.toml")
    assert done.status == 2
    assert "mine.toml: 'measured_acuracy' is not a check; did you mean 'measured_accuracy'?" in done.err
    assert not (here / "grades").exists()


def test_ones_own_rubric_is_used_and_named(grade, here):
    (here / "mine.toml").write_text("[measured_accuracy]\npoints = 7\nknots = [[0.5, 1.0]]\n", encoding="utf-8")
    assert grade("ada", "--rubric", "mine.toml").status == 0
    found = record(here)
    assert (found["total"], found["points"]) == (7.0, 7.0)
    assert found["made_by"]["command"] == "grade ada --rubric mine.toml"


def test_cuda_where_there_is_none_is_refused(grade):
    done = grade("ada", "--device", "cuda")
    assert done.status == 2
    assert "--device cuda: torch finds no CUDA device" in done.err


@pytest.mark.parametrize("out", ["taken/deeper", "/proc/nothing/here"])
def test_results_that_cannot_be_written_are_reported_before_anything_is_measured(grade, here, monkeypatch, out):
    def touched(*arguments: Any) -> None:
        raise AssertionError("whether there is room comes first")

    monkeypatch.setattr(grader.batch.setup, "find_set", touched)
    monkeypatch.setattr(grader.batch.setup, "open_sandbox", touched)
    (here / "taken").write_text("a file", encoding="utf-8")
    done = grade("ada", "--out", out)
    assert done.status == 2
    assert done.err.startswith(f"grade: {out} cannot be written: ")
    assert done.err.endswith("or choose another folder with --out.")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limits")
def test_files_that_may_not_grow_are_reported_with_the_folder_and_next_step(here):
    limited = ["bash", "-c", 'ulimit -f 1; exec "$@"', "bash", *COMMAND, "demo"]
    done = subprocess.run(limited, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("grade: grades cannot be written: File too large.")
    assert not (here / "grades").exists()


def test_a_file_in_place_of_the_output_folder_is_refused_at_once(grade, here):
    (here / "taken").write_text("a file", encoding="utf-8")
    done = grade("ada", "--out", "taken")
    assert done.status == 2
    assert "'taken' is a file" in done.err


# --- interrupted -----------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
@pytest.mark.slow
def test_ctrl_c_ends_a_real_run_with_130_and_leaves_no_process_and_no_half_file(here):
    run = subprocess.Popen([*COMMAND, "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert run.stdout is not None
    run.stdout.readline()  # it has begun
    time.sleep(0.5)
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=300)
    assert (run.returncode, "Traceback" in out + err) == (130, False), err
    assert not list(here.glob("grades/*/.*"))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals for one process")
@pytest.mark.parametrize("request_", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.slow
def test_a_request_to_end_leaves_nothing_behind(here, request_):
    (here / "tmp").mkdir()
    run = subprocess.Popen(
        [*COMMAND, "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "TMPDIR": str(here / "tmp")},
    )  # fmt: skip
    while not list((here / "tmp").glob("grade-*")):
        time.sleep(0.01)
    run.send_signal(request_)
    run.send_signal(request_)
    out, err = run.communicate(timeout=300)
    assert (run.returncode, "Traceback" in out + err) == (128 + request_, False), err
    assert err.endswith("grade: terminated; what was graded so far is in the output folder\n")
    assert list((here / "tmp").iterdir()) == []
    assert not list(here.glob("grades/*/.*"))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals for one process")
@pytest.mark.slow
def test_what_a_killed_run_unpacked_is_removed_by_the_next_one(here):
    (here / "tmp").mkdir()
    here_only = {**os.environ, "TMPDIR": str(here / "tmp")}
    run = subprocess.Popen([*COMMAND, "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=here_only)
    while not list((here / "tmp").glob("grade-*/work/unpacked/final.pth")):
        assert run.poll() is None
        time.sleep(0.01)
    run.kill()
    run.communicate(timeout=60)
    assert list((here / "tmp").glob("grade-*/work/unpacked/final.pth"))
    subprocess.run([*COMMAND, "pack", "ada"], env=here_only, capture_output=True, check=False)
    assert list((here / "tmp").iterdir()) == []


# --- help ------------------------------------------------------------------------------------------------------


def test_no_arguments_at_all_print_the_help(grade):
    done = grade()
    assert done.status == 0
    assert done.out.startswith("Usage: grade")
    for word in ("demo", "data", "doctor", "completion", "grade submission.zip", "Exit status: 0 graded"):
        assert word in done.out


@pytest.mark.parametrize(
    "command", [(), ("run",), ("demo",), ("data",), ("data", "fetch"), ("doctor",), ("completion",)]
)
def test_every_command_explains_itself_with_an_example(grade, command):
    done = grade(*command, "--help")
    assert done.status == 0
    assert "grade " in done.out
    assert grade(*command, "-h").out == done.out


def test_the_version_is_printed(grade):
    assert grade("--version").out == f"cnn-lab-grader, version {__version__}"


LATE = ("torch", "torchvision", "numpy", "pydantic", "rich", "jinja2", "pypdf")


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"], ["completion", "bash"], ["dmeo"]])
def test_help_loads_nothing_that_takes_time(here, arguments):
    code = (
        "import sys\nfrom grader.cli.app import main\n"
        f"try:\n    main()\nfinally:\n    print('loaded', sorted(set(sys.modules) & set({LATE})), flush=True)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout.rstrip().endswith("loaded []"), done.stdout + done.stderr


@pytest.mark.parametrize(("shell", "word"), [("bash", "complete "), ("zsh", "compdef"), ("fish", "complete ")])
def test_completion_scripts_are_printed(grade, shell, word):
    done = grade("completion", shell)
    assert done.status == 0
    assert word in done.out and "_GRADE_COMPLETE" in done.out


def test_the_shell_is_offered_commands_and_files(here):
    environment = {**os.environ, "_GRADE_COMPLETE": "bash_complete", "COMP_WORDS": "grade d", "COMP_CWORD": "1"}
    code = "import sys; sys.argv[0] = 'grade'; from grader.cli.app import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    offered = done.stdout.split()
    assert {"plain,demo", "plain,data", "plain,doctor"} <= set(offered)
    assert any(line.startswith("file,") for line in offered)


# --- output ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_an_output_that_knows_no_chinese_ends_no_run(here):
    (here / "ada" / "final.pth").unlink()
    (here / "ada").rename(here / "魏明")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = subprocess.run(
        [*COMMAND, "魏明", "--no-fetch"], env=environment, capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stderr
    assert "\\u9b4f" in done.stdout
    assert (here / "grades" / "魏明" / "grade.json").is_file()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such encoding")
def test_strict_ascii_ends_no_command(here):
    strict = {**os.environ, "PYTHONIOENCODING": "ascii:strict", "LC_ALL": "C", "PYTHONUTF8": "0"}
    strict["PYTHONCOERCECLOCALE"] = "0"
    arguments = ["template", "lab", "--lang", "zh"]
    done = subprocess.run([*COMMAND, *arguments], env=strict, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\\u" in done.stdout
    (here / "lab" / "exp1.py").write_text("changed", encoding="utf-8")
    done = subprocess.run([*COMMAND, *arguments], env=strict, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"exp1.py" in done.stderr and b"\\u" in done.stderr and b"Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such pipes")
@pytest.mark.slow
@pytest.mark.parametrize("closed", ["stdout", "both", "neither"])
def test_a_reader_that_stops_reading_stops_no_grading(here, closed):
    """As in `grade run a.zip b.zip | head -1`."""
    for name in ("a.zip", "b.zip", "c.zip"):
        (here / name).write_bytes(b"no zip at all")
    reading, writing = os.pipe()
    os.close(reading)
    outputs = {
        "stdout": {"stdout": writing, "stderr": subprocess.PIPE},
        "both": {"stdout": writing, "stderr": writing},
        "neither": {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE},
    }
    run = [*COMMAND, "run", "a.zip", "b.zip", "c.zip", "--no-fetch", "--device", "cpu", "--sandbox", "plain"]
    done = subprocess.run(run, **outputs[closed], check=False, timeout=100)
    os.close(writing)
    assert {path.name for path in results(here)} == {"a", "b", "c", "index.html"}
    assert done.returncode == 2  # as if it had been printed: none of them can be opened
    assert not done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_for_what_is_printed_is_said_and_costs_no_result(here):
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        done = subprocess.run([*COMMAND, "template", "lab"], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 2
    assert done.stderr.decode().startswith("grade: standard output cannot be written: No space left on device.")
    assert (here / "lab" / "exp1.py").is_file()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such descriptors")
def test_an_output_that_was_closed_at_the_start_ends_no_command(here):
    closed = ["bash", "-c", 'exec "$@" >&- 2>&-', "bash", *COMMAND, "template", "lab"]
    assert subprocess.run(closed, check=False).returncode == 0
    assert (here / "lab" / "exp1.py").is_file()


def test_a_reader_that_stops_reading_gets_no_traceback(here):
    run = subprocess.Popen([*COMMAND, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert run.stdout is not None
    run.stdout.close()
    assert b"Traceback" not in run.communicate(timeout=60)[1]


# --- doctor and data -------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_doctor_examines_this_machine(here):
    done = subprocess.run([*COMMAND, "doctor"], capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    for subject in (
        "Python:",
        "Sandbox:",
        "Isolation by namespaces:",
        "Isolation by landlock:",
        "torch:",
        "GPU:",
        "CIFAR-10:",
        "npm:",
    ):
        assert subject in done.stdout
    assert "run 'grade data fetch'" in done.stdout
    assert "NO " not in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_where_the_data_is_not_says_what_to_run(grade):
    done = grade("data", "where")
    assert done.status == 2
    assert "run `grade data fetch`" in done.err


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps caches elsewhere")
def test_without_a_home_a_sentence_says_where_things_are_kept(here):
    """As `docker run --user 54321` has it: no HOME, and no such user."""
    alone = "import pwd\ndef nobody(number): raise KeyError(number)\npwd.getpwuid = nobody\n"
    homeless = {name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_CACHE_HOME")}
    done = subprocess.run(
        [sys.executable, "-c", f"{alone}from grader.cli.app import main; main()", "data", "where"],
        env={**homeless, "TMPDIR": str(here)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith(f"grade: This user has no home folder. Images and weights are kept in {here}/cnn-lab")
    assert "run `grade data fetch`" in done.stderr and "Traceback" not in done.stderr
    assert not (here / "~").exists()


def test_where_the_data_is_is_said(grade, few_images, monkeypatch):
    monkeypatch.setattr("grader.dataset.of_lab.find_cifar10", lambda data, cache, places: few_images)
    done = grade("data", "where")
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith(f"few is in {few_images.folder}, verified")


# --- for students ----------------------------------------------------------------------------------------------


def test_the_template_is_written_once_and_nobodys_work_is_lost(grade, here):
    assert grade("template", "lab5").out == "21 files are in lab5. Students start with its README.md."
    assert (here / "lab5" / "pretrain_model.pth").is_file()
    (here / "lab5" / "exp2.py").write_text("my work", encoding="utf-8")
    done = grade("template", "lab5")
    assert done.status == 2
    assert "exp2.py already exists in lab5" in done.err
    assert (here / "lab5" / "exp2.py").read_text("utf-8") == "my work"


@pytest.mark.usefixtures("scripts")
def test_packing_lists_what_is_included_left_out_and_missing(grade, here):
    (here / "ada" / "checkpoint").mkdir()
    (here / "ada" / "checkpoint" / "ckpt_0_acc_10.00.pth").write_bytes(b"c")
    done = grade("pack", "ada")
    assert done.status == 1, "retrieval.json, library/ and queries/ are missing"
    assert "Included: exp1.py, exp2.py, extract_features.py, final.pth" in done.out
    assert "Left out: checkpoint/ (0.00 MB): checkpoints: only final.pth counts" in done.out
    assert "Add the folder library/ with its images." in done.out
    assert done.out.endswith("MB")
    assert grade("ada/submission.zip").status == ALL_MARKED, "what was packed is graded"


def test_a_pre_check_ends_with_what_to_do(grade, here, monkeypatch):
    line = Checked(message("Task 2.1"), "bad", message("not done yet"), (message("Mean loss: line 3."),))
    found = Precheck((line,), (Checked(message("Files"), "good", message("all there")),))
    monkeypatch.setattr("grader.students.precheck.precheck", lambda *rest: found)
    done = grade("precheck", "ada")
    assert done.status == 1
    assert done.out == (
        "NO Task 2.1: not done yet -> Mean loss: line 3. ok Files: all there"
        " Not ready yet: 1 of the lines above need work."
    )
    monkeypatch.setattr("grader.students.precheck.precheck", lambda *rest: Precheck((), found.criteria))
    done = grade("precheck")
    assert (done.status, done.out) == (
        0,
        "ok Files: all there Ready: run 'grade pack' and hand in submission.zip.",
    )


@pytest.mark.parametrize("verb", ["precheck", "pack"])
def test_a_folder_that_is_not_there_is_a_sentence(grade, verb):
    done = grade(verb, "nowhere")
    assert done.status == 2
    assert done.err == "grade: nowhere is not a folder. Give the folder that holds your exp2.py."


@pytest.mark.parametrize("verb", ["precheck", "pack", "template"])
def test_an_empty_path_of_a_student_is_an_error_as_well(grade, verb):
    assert grade(verb, "").status == 2
