"""Runs inside the sandbox: answers jobs by calling probes. Imports nothing with labels, rubric or verdicts.

Two ways in. `serve` (bubblewrap): imports torch once, then forks a child for each job that comes over a socket, with
the job's files as descriptors. `once` (plain): one job from standard input, files by path, then the end. A server in
the mode "code" is one whose children run a student's functions.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import importlib
import json
import os
import pkgutil
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from grader.probes import code as probes_of_code
from grader.probes.files import open_read_only
from grader.probes.refusals import Refuse
from grader.probes.roots import Roots, use_roots

REQUEST_BYTES = 100_000
MOST_FILES = 200
PR_SET_DUMPABLE = 4  # linux/prctl.h
CODE_FILE_BYTES = 32 << 20  # of one file that student code writes
CODE_PROCESSES = 256  # and threads; under root those of every sandbox on the machine count together

WARM = ("retrieval.scores",)  # probes whose import takes longest (torchvision): done once, not in each child

Files = Mapping[str, int]  # name in the job -> open descriptor
Arrays = Mapping[str, bytes]
Probe = Callable[[dict[str, Any], Files], tuple[dict[str, Any], Arrays]]


def find_probe(name: str) -> Probe:
    """Import the probe `package.module.function` below grader.probes; lazily, so a job pays only for what it uses."""
    module, _, function = name.rpartition(".")
    probe: Probe = getattr(importlib.import_module(f"grader.probes.{module}"), function)
    return probe


def answer(request: dict[str, Any], files: Files, out: BinaryIO) -> None:
    """Run one probe, and write one frame whatever happens inside."""
    megabytes = int(request["limits"]["megabytes"])
    arrays: Arrays = {}
    if "roots" in request:
        use_roots(Roots(**request["roots"]))
    try:
        value, arrays = find_probe(request["probe"])(request["inputs"], files)
        outcome = "returned"
    except Refuse as refusal:
        outcome, value = "refused", {"code": refusal.code, "values": refusal.values, "details": refusal.details}
    except Exception as error:
        if is_memory_error(error):
            outcome, value = "out of memory", {"megabytes": megabytes}
        else:
            outcome, value = "crashed", {"tail": traceback.format_exc()[-4000:]}
    try:
        header = json.dumps({"outcome": outcome, "value": value}, allow_nan=False).encode()
    except (ValueError, TypeError):  # NaN from a student's file, say: a fault of the probe
        arrays = {}
        header = json.dumps({"outcome": "crashed", "value": {"tail": traceback.format_exc()[-4000:]}}).encode()
    out.write(len(header).to_bytes(4, "big") + header)
    for data in arrays.values():
        out.write(data)
    out.flush()


def is_memory_error(error: BaseException) -> bool:
    """Return whether an error is MemoryError, or torch's own version of it."""
    text = str(error).lower()
    phrases = ("can't allocate memory", "out of memory", "bad_alloc", "cannot allocate memory")
    return isinstance(error, MemoryError) or any(phrase in text for phrase in phrases)


def limit_process(request: dict[str, Any], file_bytes: int = 0) -> None:
    """Lower this process's own limits; bubblewrap and the outer watchdog apply where these do not."""
    try:
        import resource
    except ImportError:  # Windows
        return
    megabytes = int(request["limits"]["megabytes"])
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, file_bytes)
    _lower(resource.RLIMIT_NOFILE, 512)
    if request["inputs"].get("device", "cpu") == "cpu":  # CUDA reserves far more address space than it uses
        _lower(resource.RLIMIT_DATA, megabytes << 20)


def _lower(which: int, value: int) -> None:
    import resource

    _, hard = resource.getrlimit(which)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (value, value))


def serve(control: socket.socket, code: bool = False) -> None:
    """Answer jobs until the other side closes the socket."""
    import torch

    if code:  # whatever these files import is there before any of theirs could be taken for it
        import numpy  # noqa: F401
        import torchvision  # noqa: F401

        for found in pkgutil.iter_modules(probes_of_code.__path__):
            importlib.import_module(f"{probes_of_code.__name__}.{found.name}")
    else:
        for module in WARM:
            importlib.import_module(f"grader.probes.{module}")
    torch.set_num_threads(1)  # a child forked after a parallel region hangs in its first convolution, for ever
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0)  # a child must not write into the memory of this process
    control.send(json.dumps({"ready": torch.__version__}).encode())
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, REQUEST_BYTES, MOST_FILES)
        if not data:
            return
        child = os.fork()
        if child == 0:
            (_code_child if code else _child)(json.loads(data), descriptors, control)
        for descriptor in descriptors:
            os.close(descriptor)
        _, status = os.waitpid(child, 0)
        if code:
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)  # what it left running: all but this process and the sandbox's first
        control.send(json.dumps({"exit": os.waitstatus_to_exitcode(status)}).encode())


def _child(request: dict[str, Any], descriptors: list[int], control: socket.socket) -> None:
    control.close()
    code = 1
    try:
        limit_process(request)
        _answer_and_close(request, descriptors)
        code = 0
    finally:
        os._exit(code)


def _code_child(request: dict[str, Any], descriptors: list[int], control: socket.socket) -> None:
    """Run a job as `_child` does, with a descriptor for printed output, some space to write, and few processes."""
    import resource

    control.close()
    code = 1
    try:
        _print_into(descriptors[0])
        faulthandler.enable(2)  # where an interpreter crashes is printed
        for descriptor in descriptors[1:]:
            os.set_inheritable(descriptor, False)  # programs that the code starts do not hold the answer
        os.chdir(request["roots"]["work"])
        limit_process(request, CODE_FILE_BYTES)
        _lower(resource.RLIMIT_NPROC, CODE_PROCESSES)
        _answer_and_close(request, descriptors[1:])
        code = 0
    finally:
        os._exit(code)


def _print_into(descriptor: int) -> None:
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(descriptor, number)
        stream = open(number, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)  # by lines: what was printed before a child is ended is not lost
    os.close(descriptor)


def _answer_and_close(request: dict[str, Any], descriptors: list[int]) -> None:
    with os.fdopen(descriptors[0], "wb") as out:
        answer(request, dict(zip(request["files"], descriptors[1:], strict=True)), out)


def once() -> None:
    """Answer one job from standard input; its files are given by path."""
    request = json.loads(sys.stdin.buffer.read())
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else prints must not end up in the answer
    try:
        files = {name: open_read_only(Path(path)) for name, path in request["paths"].items()}
    except OSError as error:
        sys.exit(f"the job could not be handed in: {error}")
    limit_process(request)  # from here on nothing can be printed either
    with out:
        answer(request, files, out)


def main(arguments: list[str]) -> None:
    """`once`, or the number of the descriptor of the control socket and what the server is for."""
    if arguments == ["once"]:
        once()
    else:
        serve(socket.socket(fileno=int(arguments[0])), code=arguments[1:] == ["code"])
