"""What this machine has for us."""

from __future__ import annotations

import pytest

from grader import machine


@pytest.mark.parametrize(("text", "most"), [("50000 100000", 1), ("200000 100000", 2), ("max 100000", 64)])
def test_a_containers_share_of_the_processors_counts(text, most, tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "PROCESSOR_TIME", tmp_path / "cpu.max")
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda pid: set(range(64)), raising=False)
    assert machine.processors() == 64
    (tmp_path / "cpu.max").write_text(f"{text}\n", encoding="ascii")
    assert machine.processors() == most
