"""Hostile student code: whatever it does costs its own function, and never another's mark or anything outside.

Every payload is harmless and limits itself: what it writes is a marker, what it starts ends by itself.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from grader.evidence import Seen
from grader.records import Blocked, Finding, Judged
from grader.rubric import DEFAULT

Findings = Callable[[dict[str, str]], dict[str, Finding]]
RATE = "def learning_rate(epoch):\n    return 0.1 if epoch < 5 else 0.01\n"


def credit(finding: Finding) -> float:
    assert isinstance(finding, Judged), finding
    return finding.verdict.credit


def blocked(finding: Finding) -> str:
    assert isinstance(finding, Blocked), finding
    return finding.cause.english()


def others_are_right(found: dict[str, Finding], *but: str) -> None:
    assert {name: credit(finding) for name, finding in found.items() if name not in but} == {
        name: 1.0 for name in found if name not in but
    }


@pytest.fixture
def reached(trying) -> Callable[[str], list[str]]:
    """What code that runs when exp2.py is imported reaches: the lines that it prints."""

    def of(code: str) -> list[str]:
        found = trying({"exp2.py": f"{code}\n{RATE}"})["learning_rates"]
        assert isinstance(found, Seen), found
        return list(found.value.printed)

    return of


# --- what can be reached ---------------------------------------------------------------------------------------


def test_there_is_no_network(reached) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        code = f"""
import socket
try:
    socket.create_connection(("127.0.0.1", {server.getsockname()[1]}), timeout=2)
    print("connected")
except OSError:
    print("refused")
"""
        assert set(reached(code)) == {"refused"}


def test_home_rubric_labels_and_other_files_are_not_there(reached, tmp_path: Path) -> None:
    (tmp_path / "neighbour").write_text("final.pth")
    paths = [str(Path.home()), "/root", str(DEFAULT), str(tmp_path / "neighbour"), "/etc/shadow", str(Path(__file__))]
    code = f"""
import os
for path in {paths!r}:
    try:
        names = os.listdir(path) if os.path.isdir(path) else [path] * os.path.exists(path)
    except OSError:
        continue
    if any(os.path.isfile(os.path.join(path, name)) for name in names):
        print("seen", path)
print("looked")
"""
    assert set(reached(code)) == {"looked"}


def test_the_processes_of_the_host_are_not_there(reached) -> None:
    code = f"""
import os
pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
print("few" if len(pids) <= 4 else "many", {os.getpid()} in pids and "grade" in open("/proc/{os.getpid()}/cmdline").read())
for name in ("mem", "environ", "maps"):
    try:
        open(f"/proc/{{os.getppid()}}/{{name}}", "rb").read(1)
        print("opened", name)
    except OSError:
        pass
"""  # noqa: E501
    assert set(reached(code)) == {"few False"}


def test_the_solved_lab_and_the_graders_checks_cannot_be_imported(reached) -> None:
    code = """
import importlib
for name in ("reference.exp2", "reference.models", "grader.rubric", "grader.checks", "grader.collect", "fixtures.demo"):
    try:
        importlib.import_module(name)
        print("imported", name)
    except ImportError:
        pass
print("tried")
"""
    assert set(reached(code)) == {"tried"}


def test_what_the_template_gives_is_there_where_it_was_left_out(reached) -> None:
    assert set(reached("import models, lab, training, fast\nprint(models.resnet20.__name__)")) == {"resnet20"}


def test_a_students_own_file_comes_before_the_given_one(trying) -> None:
    files = {"exp2.py": f"import models\nprint(models.WHOSE)\n{RATE}", "models.py": "WHOSE = 'mine'"}
    assert set(trying(files)["learning_rates"].value.printed) == {"mine"}


def test_the_submission_and_the_given_files_cannot_be_written(reached, tmp_path: Path) -> None:
    code = """
import os
for folder in ("/submission", "/given", "/", "/lab", "/lab/grader", "/usr", "/dev", os.path.dirname(os.__file__)):
    try:
        open(os.path.join(folder, "marker"), "x").close()
        print("written", folder)
    except OSError:
        pass
open("own.txt", "w").write("in /work this is allowed")
print(os.getcwd())
"""
    assert set(reached(code)) == {"/work"}
    assert not list(tmp_path.rglob("marker"))
    assert not list(tmp_path.rglob("own.txt"))


def test_the_child_has_no_rights_and_is_not_root(reached) -> None:
    code = """
import os
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
print(status["CapEff"].strip(), status["NoNewPrivs"].strip(), 0 in os.getresuid() + os.getresgid())
"""
    assert set(reached(code)) == {"0000000000000000 1 False"}


# --- what it can do to its own answer, and not to any other's ---------------------------------------------------


FORGED = """
import json, os

def write(value, arrays=b""):
    frame = json.dumps({"outcome": "returned", "value": value}).encode()
    for name in os.listdir("/proc/self/fd"):
        try:
            if int(name) > 2 and os.readlink(f"/proc/self/fd/{name}").startswith("pipe:"):
                os.write(int(name), len(frame).to_bytes(4, "big") + frame + arrays)
        except OSError:
            pass
"""


def test_a_forged_answer_of_another_form_is_its_own_loss(findings, with_code) -> None:
    forged = FORGED + "def test(model, loader, device):\n    write({'points': 100})\n    os._exit(0)\n" + RATE
    found = findings(with_code("exp2.py", forged))
    assert "test" in blocked(found["test_function"])
    others_are_right(found, "test_function")


def test_a_second_answer_is_its_own_loss(findings, with_code) -> None:
    forged = FORGED + "def test(model, loader, device):\n    write({'loss': 1.0})\n    return 0.0, 100.0\n" + RATE
    found = findings(with_code("exp2.py", forged))
    assert "disturbed the answer" in blocked(found["test_function"])
    others_are_right(found, "test_function")


def test_an_answer_forged_to_the_byte_is_judged_by_figures_that_it_cannot_know(findings, with_code) -> None:
    forged = (
        FORGED
        + """
def test(model, loader, device):
    import numpy
    value = {"loss": 0.0, "accuracy": 100.0, "images": 50, "trained": False, "gradients": False,
             "left_gradients": False, "mode_kept": True}
    state = [v for n, v in model.state_dict().items()]
    write(value, b"".join(v.numpy().astype("<f4").tobytes() for v in state))
    os._exit(0)
"""
        + RATE
    )
    found = findings(with_code("exp2.py", forged))
    assert isinstance(found["test_function"], Judged)
    assert "returned the loss 0.0000" in found["test_function"].verdict.message.english()
    assert credit(found["test_function"]) < 0.5
    others_are_right(found, "test_function")


def test_patched_modules_last_for_one_call_and_change_no_figure_but_its_own(findings, with_code, right) -> None:
    patched = """
import builtins, json, numpy, time, torch
json.dumps = lambda *a, **k: '{"outcome": "returned", "value": {"points": 100}}'
torch.equal = torch.allclose = numpy.array_equal = lambda *a, **k: True
builtins.abs = lambda value: 0.0
time.monotonic = time.time = lambda: 0.0
"""
    found = findings(with_code("exp1.py", patched + right["exp1.py"]))
    assert isinstance(found["function_fit"], Blocked)
    others_are_right(found, "function_fit")


def test_patched_torch_gives_nobody_a_better_mark(findings, with_code) -> None:
    code = """
import torch, torch.nn.functional as F
torch.is_grad_enabled = lambda: False
F.cross_entropy = lambda *a, **k: torch.tensor(0.0)
def test(model, loader, device):
    for images, labels in loader:
        model(images)
    return 0.0, 100.0
"""
    found = findings(with_code("exp2.py", code + RATE))
    assert credit(found["test_function"]) < 0.4
    others_are_right(found, "test_function")


def test_what_is_left_in_the_small_folders_and_in_memory_reaches_no_other_submission(trying, tmp_path: Path) -> None:
    writes = f"open('/tmp/left', 'w').write('x')\nopen('/dev/shm/left', 'w').write('x')\n{RATE}"
    looks = f"import os\nprint([p for p in ('/tmp/left', '/dev/shm/left', '/work/left') if os.path.exists(p)])\n{RATE}"
    assert isinstance(trying({"exp2.py": writes})["learning_rates"], Seen)
    (tmp_path / "unpacked").rename(tmp_path / "before")
    assert set(trying({"exp2.py": looks})["learning_rates"].value.printed) == {"[]"}


# --- what takes too much ----------------------------------------------------------------------------------------


ENDLESS: dict[str, tuple[str, str]] = {
    "a loop": ("while True: pass", "did not end within 4 seconds"),
    "sleep": ("import time; time.sleep(60)", "did not end within 4 seconds"),
    "memory": ("held = [bytearray(100 << 20) for _ in range(40)]", "MB of memory"),
    "printing": ("for _ in range(20_000): print('x' * 1000)", "printed more than 8,000,000 bytes"),
    "writing past print": ("import os\n    while True: os.write(2, b'x' * 100_000)", "printed more than"),
    "a child that stays": ("import os, time\n    if os.fork() == 0: time.sleep(60)\n    time.sleep(60)", "did not end"),
    "exit": ("import os; os._exit(0)", "before there was an answer"),
    "sys.exit": ("import sys; sys.exit(0)", "leave sys.exit() and exit() out"),
    "a signal": ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "before there was an answer"),
    "the server": (
        "import os, signal; os.kill(os.getppid(), signal.SIGKILL); import time; time.sleep(1)",
        "before there",
    ),
    "everybody": ("import os, time; os.kill(-1, 9); time.sleep(1); os._exit(0)", "before there was an answer"),
    "input": ("input('your name? ')", "EOFError"),
    "an exception": ("raise KeyError('lost')", "raised KeyError: 'lost' (exp2.py, line 2)"),
    "deep": ("def f(): f()\n    f()", "RecursionError"),
}


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("kind", ENDLESS)
def test_a_function_that_takes_too_much_costs_itself_alone(findings, with_code, kind: str) -> None:
    body, said = ENDLESS[kind]
    code = f"def test(model, loader, device):\n    {body}\n{RATE}"
    found = findings(with_code("exp2.py", code, only=("exp2.py",)))
    assert said in blocked(found["test_function"])
    assert credit(found["learning_rate"]) == 1.0


@pytest.mark.usefixtures("quick")
def test_a_fork_bomb_is_ended_and_the_next_call_is_answered(findings, with_code) -> None:
    bomb = """
import os, time
def test(model, loader, device):
    started = 0
    end = time.monotonic() + 20
    while time.monotonic() < end and started < 2000:
        try:
            if os.fork() == 0:
                time.sleep(20)
                os._exit(0)
            started += 1
        except OSError:
            break
    print("started fewer than 300" if started < 300 else "started many")
    raise RuntimeError("enough")
"""
    found = findings(with_code("exp2.py", bomb + RATE, only=("exp2.py",)))
    assert isinstance(found["test_function"], Blocked)
    lines = [line for exhibit in found["test_function"].exhibits for line in exhibit.lines]
    assert "started many" not in lines
    assert credit(found["learning_rate"]) == 1.0


@pytest.mark.usefixtures("quick_import")
@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("while True: pass", "seems to train when it is imported"),
        ("import sys; sys.exit('done')", "leave sys.exit() and exit() out"),
        ("import os; os._exit(0)", "before there was an answer"),
        ("x = (", "is no Python that can be run"),
        ("import pandas_of_mine", "needs pandas_of_mine"),
        ("1 / 0", "ZeroDivisionError"),
        ("pass", "has no function"),
    ],
)
def test_a_file_that_cannot_be_imported_costs_its_own_functions_alone(
    findings, with_code, code: str, said: str
) -> None:
    found = findings(with_code("exp2.py", code, only=("exp1.py", "exp2.py")))
    assert said in blocked(found["test_function"])
    assert said in blocked(found["learning_rate"])
    assert credit(found["function_fit"]) == 1.0


def test_what_is_printed_is_no_answer_and_stands_in_the_report(findings, with_code, right) -> None:
    noisy = right["exp2.py"].replace("model.eval()", "model.eval(); print('measuring', flush=True)", 1)
    found = findings(with_code("exp2.py", noisy, only=("exp2.py",)))
    assert credit(found["test_function"]) == 1.0
    shown = [line for exhibit in found["test_function"].verdict.exhibits for line in getattr(exhibit, "lines", ())]
    assert shown == ["measuring"] * 3
