"""Runs inside the sandbox: answers jobs by calling probes. Imports nothing that holds labels, rubric or verdicts.

Two ways in. `serve` (bubblewrap): imports torch once, then forks a child for each job that comes over a socket, with
the job's files as descriptors. `once` (plain): one job from standard input, files by path, then the end.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import socket
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from grader.probes.files import open_read_only
from grader.probes.refusals import Refuse

REQUEST_BYTES = 100_000
MOST_FILES = 200
PR_SET_DUMPABLE = 4  # linux/prctl.h

Files = Mapping[str, int]  # name in the job -> open descriptor
Arrays = Mapping[str, bytes]
Probe = Callable[[dict[str, Any], Files], tuple[dict[str, Any], Arrays]]


PROBES = {
    "checkpoint": ("checkpoint", "run_checkpoint"),
    "claims": ("claims", "read_claims"),
    "history": ("history", "read_history"),
    "machine": ("machine", "describe_machine"),
    "preprocessing": ("preprocessing", "read_preprocessing"),
    "reach": ("reach", "try_to_reach"),
    "tasks": ("tasks", "read_tasks"),
}


def find_probe(name: str) -> Probe:
    """The probe of that name; imported late, so that a job pays only for what it uses."""
    module, function = PROBES[name]
    probe: Probe = getattr(importlib.import_module(f"grader.probes.{module}"), function)
    return probe


def answer(request: dict[str, Any], files: Files, out: BinaryIO) -> None:
    """Run one probe and write one frame, whatever happens inside."""
    megabytes = int(request["limits"]["megabytes"])
    arrays: Arrays = {}
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
    """MemoryError, and torch's own way to say it."""
    text = str(error).lower()
    phrases = ("can't allocate memory", "out of memory", "bad_alloc", "cannot allocate memory")
    return isinstance(error, MemoryError) or any(phrase in text for phrase in phrases)


def limit_process(request: dict[str, Any]) -> None:
    """Lower this process's own limits; bubblewrap and the watchdog outside hold where these do not."""
    try:
        import resource
    except ImportError:  # Windows
        return
    megabytes = int(request["limits"]["megabytes"])
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_NOFILE, 512)
    if request["inputs"].get("device", "cpu") == "cpu":  # CUDA reserves far more address space than it uses
        _lower(resource.RLIMIT_DATA, megabytes << 20)


def _lower(which: int, value: int) -> None:
    import resource

    _, hard = resource.getrlimit(which)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (value, value))


def serve(control: socket.socket) -> None:
    """Answer jobs until the other end closes the socket."""
    import torch

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
            _child(json.loads(data), descriptors, control)
        for descriptor in descriptors:
            os.close(descriptor)
        _, status = os.waitpid(child, 0)
        control.send(json.dumps({"exit": os.waitstatus_to_exitcode(status)}).encode())


def _child(request: dict[str, Any], descriptors: list[int], control: socket.socket) -> None:
    control.close()
    code = 1
    try:
        limit_process(request)
        with os.fdopen(descriptors[0], "wb") as out:
            answer(request, dict(zip(request["files"], descriptors[1:], strict=True)), out)
        code = 0
    finally:
        os._exit(code)


def once() -> None:
    """Answer the one job on standard input; its files are given by path."""
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
    """`once`, or the number of the descriptor of the control socket."""
    if arguments == ["once"]:
        once()
    else:
        serve(socket.socket(fileno=int(arguments[0])))
