"""`grade doctor`: check whether this machine can grade, and say what to install if it cannot."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from grader.dataset import USUAL, fetch_command, find_set, home_folder
from grader.disk.scratch import scratch
from grader.evidence.explain import explain
from grader.labs import the_lab
from grader.records import Checked, joined, message
from grader.records.errors import MissingData
from grader.sandbox import BACKENDS, Job, Limits, Reply, Sandbox, open_sandbox, trial, why_no_code, why_not
from grader.sandbox.server import Backend

QUICK = Limits(seconds=60.0, megabytes=4_000)


def examine(data: Path | None, cache: Path) -> Iterator[Checked]:
    """Check everything that grading needs, and yield each result as soon as it is known."""
    version = platform.python_version()
    yield Checked(message("Python"), "good", message("{version} at {path}", version=version, path=sys.executable))
    with open_sandbox(gpu=True) as sandbox:
        yield _which_sandbox(sandbox)
        yield from map(_blocks, BACKENDS)
        yield from _inside(sandbox)
        yield from _student_code(sandbox)
        yield _archives(sandbox)
    yield _images(data, cache)
    if the_lab().public != USUAL:
        return
    npm = shutil.which("npm")
    text = (
        message("{path}", path=npm)
        if npm
        else message("not installed: the second source of {dataset} needs it", dataset=the_lab().dataset)
    )
    yield Checked(message("npm"), "good" if npm else "worse", text)


def _which_sandbox(sandbox: Sandbox) -> Checked:
    problem = why_no_code()
    if problem is None:
        first, *_ = BACKENDS
        stronger = why_not(first)
        if stronger is None:
            return Checked(message("Sandbox"), "good", message("{sandbox} works", sandbox=sandbox.name))
        text = message(
            "{sandbox} works. From inside, names and sizes of this machine's files can be seen; {stronger} would hide"
            " them, but {problem}",
            sandbox=sandbox.name,
            stronger=first,
            problem=stronger,
        )
        return Checked(message("Sandbox"), "good", text)
    sentence = message(
        "{problem}. Until this is fixed, weights are read in a process with lowered limits and student code is not run",
        problem=problem,
    )
    return Checked(message("Sandbox"), "worse", sentence)


def _archives(sandbox: Sandbox) -> Checked:
    """Check whether RAR archives can be unpacked; the others need nothing beside what is installed with the grader."""
    known = sandbox.run(Job("archives.reading.describe_archives", limits=QUICK))
    if isinstance(known, Reply) and known.value.get("rar") is True:
        return Checked(message("Archives"), "good", message("zip, tar, 7z and RAR can be opened"))
    sentence = message(
        "zip, tar and 7z can be opened, RAR cannot: install {library} (on Debian and Ubuntu: 'apt install"
        " libarchive13')",
        library="libarchive",
    )
    return Checked(message("Archives"), "worse", sentence)


def _inside(sandbox: Sandbox) -> Iterator[Checked]:
    machine = sandbox.run(Job("machine.describe_machine", {"device": "cuda"}, limits=QUICK))
    if not isinstance(machine, Reply):
        yield Checked(message("torch"), "bad", explain(machine))
        return
    yield Checked(message("torch"), "good", message("{version}", version=str(machine.value["torch"])))
    devices = ", ".join(map(str, machine.value["cuda"]))
    text = message("{devices}", devices=devices) if devices else message("none: networks are evaluated on the CPU")
    yield Checked(message("GPU"), "good", text)


def _student_code(sandbox: Sandbox) -> Iterator[Checked]:
    """Run code where a submission's would be run: it sees other files than what only opens what was handed in."""
    with scratch("doctor") as folder:
        (folder / the_lab().training_script).write_text("import torch, torchvision, numpy, PIL\n", encoding="utf-8")
        code = sandbox.for_code(folder)
        if code is None:
            return
        with code:
            tried = code.call(
                Job("code.importing.try_import", {"file": the_lab().training_script}, limits=QUICK)
            ).answer
    if isinstance(tried, Reply):
        yield Checked(message("Student code"), "good", message("runs, with torch and torchvision"))
    else:
        yield Checked(message("Student code"), "bad", explain(tried))


def _blocks(backend: Backend) -> Checked:
    """Try from inside what SECURITY.md promises of one way to isolate, also of one that is not used."""
    subject = message("Isolation by {backend}", backend=backend)
    if (problem := why_not(backend)) is not None:
        return Checked(subject, "good" if why_no_code() is None else "worse", problem)
    with trial(backend) as sandbox, closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        inputs = {"home": str(home_folder() or "~"), "rubric": str(the_lab().rubric), "port": port, "pid": os.getpid()}
        tried = sandbox.run(Job("reach.try_to_reach", inputs, limits=QUICK))
    if not isinstance(tried, Reply):
        return Checked(subject, "bad", explain(tried))
    names = {
        "home": message("your home folder"),
        "rubric": message("the rubric"),
        "write": message("writing outside its own folder"),
        "network": message("the network"),
        "parent": message("the grading process"),
        "signal": message("signals to it"),
        "keys": message("the kernel's keyrings"),
        "memory": message("memory that outlives a process"),
        "trace": message("tracing"),
        "namespaces": message("new namespaces"),
        "root": message("administrator rights"),
    }
    reached = [name for key, name in names.items() if tried.value.get(key) is not False]
    if reached:
        return Checked(subject, "bad", message("does not block {names}", names=joined("{first}, {second}", reached)))
    return Checked(subject, "good", message("blocks {names}", names=joined("{first}, {second}", list(names.values()))))


def _images(data: Path | None, cache: Path) -> Checked:
    subject = message("{dataset}", dataset=the_lab().dataset)
    try:
        found = find_set(the_lab(), data, cache)
    except MissingData as error:
        return Checked(subject, "worse", error.message)
    if found is None:
        return Checked(subject, "worse", message("not on this machine: run '{command}'", command=fetch_command()))
    if found.drawn:
        said = message("{folder}: drawn images, not the published ones", folder=str(found.folder))
        return Checked(subject, "worse", said)
    return Checked(subject, "good", message("{folder}, verified", folder=str(found.folder)))
