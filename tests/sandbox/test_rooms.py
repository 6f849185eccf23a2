"""A folder that hostile code wrote to: how full it is, and how it is emptied."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from grader.isolation import rooms

pytestmark = pytest.mark.skipif(os.name != "posix", reason="student code is isolated on Linux only")


@pytest.fixture
def room(tmp_path: Path) -> Path:
    place = tmp_path / "room"
    place.mkdir()
    return place


def test_an_empty_room_and_a_few_files_are_not_too_much(room: Path) -> None:
    assert not rooms.overfull(str(room), 1 << 20)
    (room / "file").write_bytes(bytes(1 << 19))
    assert not rooms.overfull(str(room), 1 << 20)


def test_bytes_files_and_depth_can_be_too_much(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (room / "below").mkdir()
    (room / "below" / "file").write_bytes(bytes(1 << 21))
    assert rooms.overfull(str(room), 1 << 20)

    (room / "below" / "file").unlink()
    (room / "deep" / "/".join(["a"] * 50)).mkdir(parents=True)
    assert rooms.overfull(str(room), 1 << 20)

    rooms.empty(str(room))
    monkeypatch.setattr(rooms, "MOST_FILES", 10)
    for number in range(11):
        (room / str(number)).touch()
    assert rooms.overfull(str(room), 1 << 20)


def test_a_hole_in_a_file_takes_no_room(room: Path) -> None:
    with (room / "sparse").open("wb") as file:
        file.truncate(1 << 30)
    assert not rooms.overfull(str(room), 1 << 20)


def test_whatever_is_in_it_is_removed_and_nothing_else(room: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("kept", encoding="utf-8")
    (room / "link").symlink_to(tmp_path)
    (room / "folder" / "below").mkdir(parents=True)
    (room / "folder" / "below" / "link").symlink_to(tmp_path / "kept")
    (room / "folder" / "closed").mkdir(0o000)
    os.mkfifo(room / "pipe")
    (room / "folder").chmod(0o000)

    rooms.empty(str(room))

    assert list(room.iterdir()) == []
    assert (tmp_path / "kept").read_text("utf-8") == "kept"


def test_folders_deeper_than_any_path_are_removed(room: Path) -> None:
    here = os.open(room, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("a-name-of-twenty-two-ch", dir_fd=here)
        below = os.open("a-name-of-twenty-two-ch", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)

    assert rooms.overfull(str(room), 1 << 20)
    rooms.empty(str(room))
    assert list(room.iterdir()) == []
