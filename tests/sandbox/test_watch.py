"""How much memory a process and its children take, on systems that count shared pages once and on others."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from grader.evidence import OutOfMemory, Unavailable
from grader.sandbox import Reply, memory, watch
from grader.sandbox.watch import MACHINE_FULL, tree, tree_megabytes

SHARES = """
import mmap, os, sys
held = mmap.mmap(-1, 100 << 20)
held[:] = bytes(100 << 20)
told, tell = os.pipe()
for _ in range(2):
    if os.fork() == 0:
        sum(held[::4096])
        os.write(tell, b"1")
        sys.stdin.read()
        os._exit(0)
read = b""
while len(read) < 2:
    read += os.read(told, 1)
print("ready", flush=True)
sys.stdin.read()
"""
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is shared")


@pytest.fixture
def sharing() -> Iterator[int]:
    """A process that shares 100 MB with its two children."""
    with subprocess.Popen(
        [sys.executable, "-c", SHARES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process.pid
        process.communicate()


@needs_linux
def test_pages_that_processes_share_count_once(sharing: int) -> None:
    assert len(tree(sharing)) == 3
    assert 100 <= tree_megabytes(sharing) < 200


@needs_linux
def test_what_cannot_be_too_much_even_counted_twice_is_not_looked_at_more_closely(
    sharing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(member: object) -> int:
        raise AssertionError(member)

    monkeypatch.setattr(watch, "_proportional", refuse)
    assert 300 <= tree_megabytes(sharing, most=1000) < 1000


@needs_linux
def test_where_a_system_does_not_tell_what_is_shared_resident_sizes_count(
    sharing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch.psutil, "LINUX", False)
    assert 300 <= tree_megabytes(sharing) < 500


def test_a_process_that_has_ended_takes_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert tree(process.pid) == []
    assert tree_megabytes(process.pid) == 0


@pytest.mark.parametrize("linux", [True, False])
def test_the_plain_sandbox_ends_what_takes_more_than_its_memory(
    linux: bool, attack_plain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shared mappings escape the process's own limit, as everything does on systems that have none."""
    monkeypatch.setattr(watch.psutil, "LINUX", linux and watch.psutil.LINUX)
    code = """
import mmap, time
held = mmap.mmap(-1, 400 << 20)
for start in range(0, 400 << 20, 1 << 20):
    held[start : start + (1 << 20)] = b"x" * (1 << 20)
time.sleep(60)
"""
    assert attack_plain(code, megabytes=300) == OutOfMemory(300)


HOLDS = """
import mmap, time
held = mmap.mmap(-1, inputs["held"] << 20)
for start in range(0, inputs["held"] << 20, 1 << 20):
    held[start : start + (1 << 20)] = b"x" * (1 << 20)
time.sleep(60)
"""


@needs_linux
@pytest.mark.parametrize(("held", "has"), [(100, 10), (750, 745)])
def test_a_job_ends_before_the_machine_has_no_memory_and_is_not_blamed_within_its_limit(
    held: int, has: int, attack_plain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {child.pid for child in watch.psutil.Process().children()}

    def left() -> int:
        started = [child for child in watch.psutil.Process().children() if child.pid not in before]
        return 1 if any(tree_megabytes(child.pid) > has for child in started) else 1_000

    monkeypatch.setattr(watch, "available_megabytes", left)
    assert attack_plain(HOLDS, megabytes=800, held=held) == Unavailable(MACHINE_FULL)


def test_where_a_system_swaps_as_long_as_its_disk_has_room_nothing_is_ended_early(
    attack_plain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = iter([1_000])
    monkeypatch.setattr(watch.psutil, "LINUX", False)
    monkeypatch.setattr(watch, "available_megabytes", lambda: next(left, 1))
    assert isinstance(attack_plain("import time; time.sleep(0.3)"), Reply)


def test_a_machine_that_has_little_to_begin_with_can_still_grade(
    attack_plain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "available_megabytes", lambda: 50)
    assert isinstance(attack_plain("import time; time.sleep(0.3)"), Reply)


def test_a_containers_limit_counts_and_what_can_be_reclaimed_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "GROUP", tmp_path)
    machine = memory.available_megabytes()
    stat = f"anon {600 << 20}\ninactive_file {20 << 20}\nactive_file {10 << 20}\nslab_reclaimable {5 << 20}\n"
    for name, text in (("max", "max"), ("current", str(700 << 20)), ("stat", stat)):
        (tmp_path / f"memory.{name}").write_text(text, encoding="ascii")
    assert memory.available_megabytes() > 100 < machine

    (tmp_path / "memory.max").write_text(f"{750 << 20}\n", encoding="ascii")
    assert memory.available_megabytes() == memory.free_megabytes() == 85


@pytest.mark.parametrize(("most", "has"), [("max", 85 + 300), (100 << 20, 85 + 60), (0, 85)])
def test_what_can_be_swapped_out_is_available_and_not_free(
    most: object, has: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "GROUP", tmp_path)
    monkeypatch.setattr(memory.psutil, "swap_memory", lambda: SimpleNamespace(free=300 << 20))
    monkeypatch.setattr(memory.psutil, "virtual_memory", lambda: SimpleNamespace(available=200 << 20))
    assert (memory.available_megabytes(), memory.free_megabytes()) == (500, 200)

    for name, text in (("max", 750 << 20), ("current", 700 << 20), ("stat", f"active_file {35 << 20}"),
                       ("swap.max", most), ("swap.current", 40 << 20)):  # fmt: skip
        (tmp_path / f"memory.{name}").write_text(str(text), encoding="ascii")
    assert (memory.available_megabytes(), memory.free_megabytes()) == (has, 85)
