"""What must be the same on all machines of a cluster: otherwise a grade would depend on where it was made."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from functools import cache

from grader import __version__
from grader.batch.keys import PACKAGES, code, installed
from grader.records import Message, joined, message

MOST_NAMED = 5  # differences that are told


@cache
def identity() -> dict[str, str]:
    """Return the versions of this machine, as they are told to others."""
    return {
        "grader": f"cnn-lab-grader {__version__}",
        "code": f"code {code()[:12]}",
        "python": f"Python {platform.python_version()}",
        "processor": platform.machine(),
        **{name: installed(name) for name in (*PACKAGES, "dask", "distributed")},
    }


def difference(theirs: Mapping[str, str], ours: Mapping[str, str]) -> Message | None:
    """Return what they have instead of what we have; None if all is the same."""
    missing = "?"
    found = [
        message("{theirs} instead of {ours}", theirs=theirs.get(name, missing), ours=ours.get(name, missing))
        for name in (*ours, *(name for name in theirs if name not in ours))
        if theirs.get(name) != ours.get(name)
    ]  # fmt: skip
    if not found:
        return None
    told = joined("{first}, {second}", found[:MOST_NAMED])
    assert isinstance(told, Message)
    return told
