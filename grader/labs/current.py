"""The lab that this process grades: one at a time, the same for all its threads and for what it forks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from grader.labs.lab import Lab
from grader.labs.reading import DEFAULT, find_lab

_chosen: list[Lab] = []  # none, or one


def the_lab() -> Lab:
    """Return the lab that was chosen, else the default one."""
    if not _chosen:
        _chosen.append(find_lab(DEFAULT))
    return _chosen[0]


def use_lab(lab: Lab) -> None:
    """Grade this lab from now on."""
    _chosen[:] = [lab]


@contextmanager
def using_lab(lab: Lab) -> Iterator[None]:
    """Grade this lab for a while."""
    before = list(_chosen)
    use_lab(lab)
    try:
        yield
    finally:
        _chosen[:] = before
