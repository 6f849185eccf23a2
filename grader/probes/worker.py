"""Runs inside the sandbox: answers a job by calling a probe. Imports nothing with labels, rubric or verdicts.

`once` is the whole of a process that nothing isolates: one job from standard input, its files by path, then the end.
Elsewhere the children of a cell call `answer` (cell.py).
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from grader.probes.files import open_read_only
from grader.probes.refusals import Refuse
from grader.probes.roots import Roots, use_roots

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
    """Lower this process's own limits; isolation and the outer watchdog apply where these do not."""
    try:
        import resource
    except ImportError:  # Windows
        return
    megabytes = int(request["limits"]["megabytes"])
    lower(resource.RLIMIT_CORE, 0)
    lower(resource.RLIMIT_FSIZE, file_bytes)
    lower(resource.RLIMIT_NOFILE, 512)
    if request["inputs"].get("device", "cpu") == "cpu":  # CUDA reserves far more address space than it uses
        lower(resource.RLIMIT_DATA, megabytes << 20)


def lower(which: int, value: int) -> None:
    """Lower one limit of this process for good, never above what it is."""
    import resource

    _, hard = resource.getrlimit(which)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (value, value))


def once() -> None:
    """Answer one job from standard input; its files are given by path."""
    request = json.loads(sys.stdin.buffer.read())
    if sys.platform == "linux":
        from grader.isolation import rights

        rights.die_with(int(request["parent"]))
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else prints must not end up in the answer
    try:
        files = {name: open_read_only(Path(path)) for name, path in request["paths"].items()}
    except OSError as error:
        sys.exit(f"the job could not be handed in: {error}")
    limit_process(request, int(request.get("file_bytes", 0)))  # from here on nothing can be printed either
    with out:
        answer(request, files, out)
    if "file_bytes" in request:
        _end_group()


def _end_group() -> None:
    """End this process and what the code has left: as long as that runs, it may hold the answer open."""
    sys.stdout.flush()
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(0)  # without exit hooks
