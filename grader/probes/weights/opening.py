"""Opens a checkpoint of any form that is read, and gives what is in it, with nothing of it run."""

from __future__ import annotations

import os
from typing import Any

from grader.probes.weights.container import read_container, write_archive
from grader.probes.weights.formats import sniff
from grader.probes.weights.legacy import read_legacy
from grader.probes.weights.safetensors import read_safetensors
from grader.probes.weights.unpickle import load_inert


def read_checkpoint(descriptor: int, name: str) -> tuple[Any, tuple[str, ...]]:
    """Load the object in a checkpoint, and list the classes whose code was not loaded. Raises Refuse, MemoryError.

    Args:
        descriptor: the open file; it stays open.
        name: what to call it in a refusal.
    """
    with os.fdopen(os.dup(descriptor), "rb") as file:
        file.seek(0)
        form = sniff(file, name)
        if form == "safetensors":
            return read_safetensors(file, name), ()
        if form == "legacy":
            pickled, records = read_legacy(file.read(), name)
            return load_inert(pickled, write_archive(pickled, records), name)
        pickled, archive = read_container(file, name)
    return load_inert(pickled, archive, name)
