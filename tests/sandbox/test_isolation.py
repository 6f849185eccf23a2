"""Hostile code inside the sandbox: what it cannot reach, and what becomes of the jobs that come after it."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest

from grader.evidence import Crashed, Malformed, OutOfMemory, TimedOut, Unavailable
from grader.labs import the_lab
from grader.sandbox import ArraySpec, Job, Limits, Reply, open_sandbox, server
from grader.sandbox.isolated import IsolatedSandbox
from grader.sandbox.server import Backend
from grader.sandbox.watch import tree, tree_megabytes

ALIVE = "value['alive'] = True"
FIND_ANSWER = """
import os
def answer():
    for name in os.listdir("/proc/self/fd"):
        try:
            if int(name) > 2 and os.readlink(f"/proc/self/fd/{name}").startswith("pipe:"):
                return int(name)
        except OSError:  # the folder that is being listed
            pass
"""


@pytest.fixture(autouse=True)
def next_job_works(request: pytest.FixtureRequest) -> Iterator[None]:
    """After everything that a test does to the shared sandbox it answers the next job."""
    attack = request.getfixturevalue("attack") if "attack" in request.fixturenames else None
    yield
    if attack is not None:
        answer = attack(ALIVE)
        assert isinstance(answer, Reply)
        assert answer.value == {"alive": True}


def _value(answer: object) -> dict[str, Any]:
    assert isinstance(answer, Reply), answer
    return answer.value


# --- what can be reached ---------------------------------------------------------------------------------------


def test_there_is_no_network_and_no_way_to_the_hosts_sockets(attack: Any, backend: Backend) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        code = """
import socket
value["opened"] = []
for family in range(1, 46):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
        try:
            socket.socket(family, kind).close()
            value["opened"].append(family)
        except OSError:
            pass
try:
    socket.create_connection(("127.0.0.1", inputs["port"]), timeout=2)
    value["connected"] = True
except OSError:
    value["connected"] = False
"""
        found = _value(attack(code, port=server.getsockname()[1]))
        # where the file system and the network are the sandbox's own, its processes may talk to each other
        assert set(found["opened"]) <= ({socket.AF_UNIX} if backend == "namespaces" else set())
        assert found["connected"] is False


def test_neither_homes_nor_submissions_nor_the_graders_own_files_are_there(attack: Any, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("labels", encoding="utf-8")
    paths = [
        str(tmp_path / "secret"),
        str(the_lab().rubric),
        str(Path(__file__)),
        "/etc/shadow",
        "/var/log",
        "/run",
        "/root/.ssh",
    ]
    code = """
import os
value["seen"] = []
for path in inputs["paths"]:
    try:
        os.listdir(path) if os.path.isdir(path) else open(path, "rb").close()
        value["seen"].append(path)
    except OSError:
        pass
"""
    assert _value(attack(code, paths=paths))["seen"] == []
    assert _value(attack(code, paths=["/usr"]))["seen"] == ["/usr"]


def test_neither_the_rubric_nor_the_lab_solved_can_be_imported(attack: Any) -> None:
    code = """
import importlib
value["found"] = []
names = ("grader.marking.rubric", "grader.collect.scoring", "grader.checks", "reports.html", "reference.exp2")
for name in (*names, "fixtures.demo"):
    try:
        importlib.import_module(name)
        value["found"].append(name)
    except ImportError:
        pass
"""
    assert _value(attack(code))["found"] == []


def test_nothing_outside_the_sandboxs_own_folder_can_be_written(attack: Any, tmp_path: Path) -> None:
    code = """
import os, sys
value["written"] = []
ours = os.path.dirname(os.path.dirname(sys.modules["grader"].__file__))
for folder in ("/", "/usr", ours, f"{ours}/grader", "/dev", "/etc", "/opt", "/var/tmp", os.path.dirname(os.__file__),
               inputs["outside"]):
    try:
        open(os.path.join(folder, "marker"), "x").close()
        value["written"].append(folder)
    except OSError:
        pass
try:
    with open("marker", "wb") as file:
        file.write(b"x")
        file.flush()
    value["written"].append("its own")
except OSError:
    pass
"""
    tmp_path.chmod(0o777)
    # in its own, a file of no bytes is all that fits
    assert _value(attack(code, outside=str(tmp_path)))["written"] == []


def test_student_code_has_locks_between_processes_only_in_memory_of_its_own_and_never_the_machines_tmp(
    shut: IsolatedSandbox, backend: Backend, tmp_path: Path
) -> None:
    tried = """
import multiprocessing, os
try:
    with multiprocessing.get_context("fork").Lock():
        value["lock"] = True
except OSError:
    value["lock"] = False
try:
    value["names"] = sorted(set(os.listdir("/tmp")) - {path.split("/")[2] for path in inputs["own"]})
except OSError:
    value["names"] = []
"""
    with shut.for_code(tmp_path) as code:
        own = [path for path in (*astuple(code.roots), str(tmp_path)) if path.startswith("/tmp/")]
        found = _value(code.call(Job("hostile.run", {"code": tried, "own": own}, limits=Limits(30.0, 3_000))).answer)
    assert found == {"lock": backend == "namespaces", "names": []}


def test_the_doctors_own_attempts_reach_nothing(attack: Any, shut: IsolatedSandbox, tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        inputs = {"home": str(tmp_path), "rubric": str(the_lab().rubric), "port": port, "pid": os.getpid()}
        found = _value(shut.run(Job("reach.try_to_reach", inputs, limits=Limits(30.0, 3_000))))
    assert len(found) > 10
    assert [name for name, reached in found.items() if reached and name != "root"] == []


def test_what_one_job_leaves_behind_the_next_cannot_use(attack: Any) -> None:
    first = "import json, os, grader.probes.worker as w; json.loads = os.getcwd = w.find_probe = None; value['x'] = 1"
    assert _value(attack(first)) == {"x": 1}

    second = "import json, os; value['read'] = json.loads('[1]'); value['folder'] = os.getcwd()"
    found = _value(attack(second))
    assert found["read"] == [1]
    assert Path(found["folder"]).name == "work"


def test_the_child_sees_its_keeper_and_itself_and_no_process_of_the_host(attack: Any) -> None:
    code = """
import os
value["lines"] = []
for pid in (inputs["grader"], os.getppid(), *range(1, 40)):
    try:
        if pid != os.getpid():
            value["lines"].append(open(f"/proc/{pid}/cmdline").read())
    except OSError:
        pass
value["environment"] = sorted(os.environ)
"""
    value = _value(attack(code, grader=os.getpid()))

    assert len(value["lines"]) <= 2  # the keeper, by two numbers, where it is the first process
    assert not any("pytest" in line for line in value["lines"])
    assert not {"HOSTNAME", "USER", "PYTHONPATH", "XDG_CACHE_HOME"} & set(value["environment"])


def test_the_child_has_no_rights_and_can_gain_none(attack: Any) -> None:
    code = """
import os, ctypes
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
value["capabilities"] = [status[name].strip() for name in ("CapInh", "CapPrm", "CapEff")]
value["seccomp"] = status["Seccomp"].strip()
value["no_new_privs"] = status["NoNewPrivs"].strip()
value["root"] = 0 in os.getresuid() + os.getresgid()
value["groups"] = [group for group in os.getgroups() if group == 0]
value["mount"] = ctypes.CDLL(None).mount(b"none", b"/tmp", b"tmpfs", 0, None)
try:
    os.setuid(0)
    value["setuid"] = True
except OSError:
    value["setuid"] = False
"""
    assert _value(attack(code)) == {
        "capabilities": ["0" * 16] * 3, "seccomp": "2", "no_new_privs": "1",
        "root": False, "groups": [], "mount": -1, "setuid": False,
    }  # fmt: skip


# --- the server, attacked from its child -----------------------------------------------------------------------


def test_the_child_holds_its_own_files_and_no_way_to_the_server(attack: Any) -> None:
    code = """
import os
value["open"] = {}
for name in os.listdir("/proc/self/fd"):
    try:
        value["open"][name] = os.readlink(f"/proc/self/fd/{name}")
    except OSError:
        pass
"""
    held = _value(attack(code))["open"]

    assert not any(target.startswith("socket:") for target in held.values()), held
    others = {number: target for number, target in held.items() if int(number) > 2}
    assert sum(target.startswith("pipe:") for target in others.values()) == 1, held  # its answer
    assert not any(target.startswith("/tmp/") for target in others.values()), held  # the server's log


def test_the_servers_memory_and_descriptors_are_out_of_reach(attack: Any) -> None:
    code = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
parent = os.getppid()
value["ptrace"] = libc.ptrace(16, parent, 0, 0)  # PTRACE_ATTACH
value["opened"] = []
for name in ("mem", "maps", "environ", "fd", "root"):
    try:
        (os.listdir if name in ("fd", "root") else lambda path: open(path, "rb").read(1))(f"/proc/{parent}/{name}")
        value["opened"].append(name)
    except OSError:
        pass
pidfd = libc.syscall(434, parent, 0)
value["stolen"] = [n for n in range(16) if libc.syscall(438, pidfd, n, 0) >= 0]
"""
    assert _value(attack(code)) == {"ptrace": -1, "opened": [], "stolen": []}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM])
def test_a_child_cannot_signal_its_keeper_or_the_grader(attack: Any, shut: Any, number: int) -> None:
    code = f"""
import os
value["sent"] = []
for pid in (os.getppid(), *inputs["pids"], -1):
    try:
        os.kill(pid, {int(number)} if pid > 0 else 0)
        value["sent"].append(pid)
    except OSError:
        pass
"""
    attack(ALIVE)
    pids = [os.getpid(), shut.server.pid, shut.cell.pid]
    answer = attack(code, seconds=10.0, pids=pids)
    # the first process of a namespace takes no signal from inside, and says so only to SIGTERM and the like
    assert set(_value(answer)["sent"]) <= {1, -1}
    attack(ALIVE)
    assert [shut.server.pid, shut.cell.pid] == pids[1:]


def test_a_child_that_signals_everything_harms_only_its_own_job(attack: Any) -> None:
    answer = attack("import os; os.kill(-1, 9)", seconds=3.0)  # all but itself: it may still answer

    assert isinstance(answer, Crashed | TimedOut | OutOfMemory) or _value(answer) == {}


def test_an_answer_written_past_the_worker_is_still_only_an_answer(attack: Any) -> None:
    """The child may write anything into its pipe: a frame of another form or length is discarded."""
    code = f"""{FIND_ANSWER}
import json
out = answer()
frame = json.dumps({{"outcome": "returned", "value": {{"points": 100}}}}).encode()
os.write(out, len(frame).to_bytes(4, "big") + frame)
"""
    assert isinstance(attack(code), Malformed)  # the worker's own frame comes after it
    assert isinstance(attack(code + "os._exit(0)", arrays={"logits": ArraySpec("<f4", (5, 10))}), Crashed)


def test_an_answer_that_a_grandchild_keeps_open_ends_with_the_child(attack: Any) -> None:
    code = "import os, time\nif os.fork() == 0:\n    time.sleep(60)\n    os._exit(0)"

    assert _value(attack(code, seconds=20.0)) == {}


def test_a_child_that_closes_its_answer_and_stays_is_ended(attack: Any) -> None:
    code = f"{FIND_ANSWER}\nos.close(answer())\nimport time; time.sleep(60)"

    assert isinstance(attack(code, seconds=20.0), Crashed)


# --- limits and crashes, in each sandbox -----------------------------------------------------------------------


def test_a_probe_that_does_not_end_is_named_so(attack_anywhere: Any) -> None:
    assert attack_anywhere("while True: pass", seconds=1.0) == TimedOut(1.0)


def test_memory_that_is_asked_for_and_not_given_is_named_so(attack_anywhere: Any) -> None:
    assert attack_anywhere("bytearray(8 << 30)", megabytes=1000) == OutOfMemory(1000)


def test_memory_that_is_shared_counts_too(attack: Any) -> None:
    """Shared mappings escape the limit on data; the watchdog outside adds them up."""
    code = """
import mmap, time
held = mmap.mmap(-1, 900 << 20)
for start in range(0, 900 << 20, 1 << 20):
    held[start : start + (1 << 20)] = b"x" * (1 << 20)
time.sleep(20)
"""
    assert attack(code, megabytes=800) == OutOfMemory(800)


def test_memory_spread_over_children_counts_too(attack: Any) -> None:
    code = """
import os, time
for _ in range(4):
    if os.fork() == 0:
        held = b"x" * (250 << 20)
        time.sleep(20)
        os._exit(0)
time.sleep(20)
"""
    assert attack(code, megabytes=900) == OutOfMemory(900)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT])
def test_a_child_that_is_ended_by_a_signal_crashed(attack: Any, number: int) -> None:
    answer = attack(f"import os; os.kill(os.getpid(), {int(number)})")

    assert isinstance(answer, Crashed)
    assert str(-number) in answer.tail


def test_a_child_that_the_system_ends_for_want_of_memory_is_named_so(attack: Any) -> None:
    assert attack("import os; os.kill(os.getpid(), 9)", megabytes=2000) == OutOfMemory(2000)


def test_an_exception_comes_back_with_its_lines(attack_anywhere: Any) -> None:
    answer = attack_anywhere("def deep(): raise LookupError('lost')\ndeep()")

    assert isinstance(answer, Crashed)
    assert "LookupError: lost" in answer.tail


@pytest.mark.parametrize("leaves", ["raise SystemExit(0)", "import os; os._exit(0)", "value['x'] = float('nan')",
                                    "value['x'] = {1, 2}", "value['x'] = 'x' * 2_000_000"])  # fmt: skip
def test_an_answer_that_cannot_be_sent_is_not_an_answer(attack: Any, leaves: str) -> None:
    assert isinstance(attack(leaves), Crashed | Malformed)


def test_noise_on_standard_output_is_not_in_the_answer(attack_anywhere: Any) -> None:
    code = """
import os, sys
for write in (lambda: print("noise" * 100, flush=True), lambda: os.write(1, b"noise"), lambda: os.write(2, b"noise"),
              lambda: os.system("echo noise")):
    try:
        write()
    except OSError:
        pass
value["ok"] = True
arrays["a"] = b"1234"
"""
    answer = attack_anywhere(code, arrays={"a": ArraySpec("|u1", (4,))})

    assert _value(answer) == {"ok": True}
    assert answer.arrays["a"].tobytes() == b"1234"


def test_files_are_handed_in_for_reading_only(attack_anywhere: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content", encoding="utf-8")
    code = """
import os
value["read"] = os.pread(files["file"], 100, 0).decode()
try:
    os.write(files["file"], b"changed")
    value["written"] = True
except OSError:
    value["written"] = False
"""
    answer = attack_anywhere(code, files={"file": tmp_path / "file"})

    assert _value(answer) == {"read": "content", "written": False}
    assert (tmp_path / "file").read_text("utf-8") == "content"


def test_a_link_in_place_of_a_file_is_not_followed(attack_anywhere: Any, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("labels", encoding="utf-8")
    (tmp_path / "final.pth").symlink_to(tmp_path / "secret")
    code = "import os; value['read'] = os.pread(files['file'], 100, 0).decode()"

    assert isinstance(attack_anywhere(code, files={"file": tmp_path / "final.pth"}), Crashed)


def test_a_missing_file_a_folder_and_a_pipe_are_reported_before_anything_runs(
    attack_anywhere: Any, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("missing", "", "pipe"):
        answer = attack_anywhere("value['x'] = 1", files={"file": tmp_path / name})
        assert isinstance(answer, Crashed)
        assert "could not be handed in" in answer.tail


# --- the sandbox itself ----------------------------------------------------------------------------------------


def _runs(pid: int) -> bool:
    """Return whether a process exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_no_process_is_left_after_the_block(backend: Backend) -> None:
    with open_sandbox(backend) as sandbox:
        assert isinstance(sandbox, IsolatedSandbox)
        code = "import time; time.sleep(60)"
        job = Job("hostile.run", {"code": code}, limits=Limits(seconds=60.0, megabytes=3000))
        asking = threading.Thread(target=sandbox.run, args=(job,), daemon=True)
        asking.start()
        while len(started := [process.pid for process in tree(sandbox.server.pid)]) < 3:  # server, keeper, child
            time.sleep(0.02)
        sandbox.cell.close()

    asking.join(20)
    for _ in range(500):
        left = [pid for pid in started if _runs(pid)]
        if not left:
            break
        time.sleep(0.02)
    assert left == []


def test_a_process_that_leaves_its_session_ends_with_the_job(attack: Any, shut: IsolatedSandbox) -> None:
    code = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.closerange(3, 100)
        time.sleep(60)
    os._exit(0)
time.sleep(0.3)
"""
    _value(attack(code))
    kept = [process.pid for process in tree(shut.cell.pid)]
    assert len(kept) <= 2  # the keeper, and what waits for it outside its namespaces


def test_the_watchdog_sees_the_memory_of_a_child(attack: Any, shut: IsolatedSandbox) -> None:
    attack(ALIVE)

    assert tree_megabytes(shut.cell.pid) > 5


def test_a_sandbox_that_does_not_start_is_unavailable_and_never_the_students_fault(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "BOOT", "raise SystemExit('no torch here')")

    with open_sandbox(backend) as sandbox:
        answer = sandbox.run(Job("hostile.run", {"code": ALIVE}))

    assert isinstance(answer, Unavailable)
    assert "no torch here" in answer.message.english()
