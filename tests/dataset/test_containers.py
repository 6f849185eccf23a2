"""Archives that are cut, too big, or that try to write elsewhere."""

from __future__ import annotations

import io
import tarfile

import pytest

from grader.dataset import containers
from grader.dataset.containers import read_files
from grader.dataset.edition import Unusable


def packed(path, members):
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def test_only_named_regular_files_are_read_and_nothing_is_written(tmp_path):
    path = packed(tmp_path / "a.tar.gz", [("../../evil", b"no"), ("x/wanted", b"yes"), ("x/other", b"no")])
    assert dict(read_files(path, {"wanted": 3})) == {"wanted": b"yes"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.tar.gz"]


def test_a_link_with_a_wanted_name_is_left_out(tmp_path):
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        link = tarfile.TarInfo("wanted")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    assert dict(read_files(tmp_path / "a.tar.gz", {"wanted": 10_000})) == {}


@pytest.mark.parametrize("keep", [0, 5, 40, 150])
def test_a_truncated_archive_is_a_sentence(keep, tmp_path):
    path = packed(tmp_path / "a.tar.gz", [("wanted", bytes(range(256)) * 40)])
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(Unusable, match="the archive is incomplete or damaged"):
        dict(read_files(path, {"wanted": 1 << 20}))


def test_a_page_under_an_archives_name_is_a_sentence(tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(b"<html>log in first</html>")
    with pytest.raises(Unusable, match=r"the archive is incomplete or damaged \(Not a gzipped file"):
        dict(read_files(tmp_path / "a.tar.gz", {"wanted": 10}))


def test_unpacking_stops_at_a_limit_even_in_unwanted_members(tmp_path, monkeypatch):
    monkeypatch.setattr(containers, "ARCHIVE_BYTES", 50_000)
    path = packed(tmp_path / "a.tar.gz", [("bomb", bytes(1_000_000)), ("wanted", b"")])
    with pytest.raises(Unusable, match="unpacks to more than 50000 bytes"):
        dict(read_files(path, {"wanted": 10}))


@pytest.mark.parametrize("form", ["folder", "archive"])
def test_a_file_over_its_limit_is_refused(form, tmp_path):
    (tmp_path / "wanted").write_bytes(bytes(11))
    place = tmp_path if form == "folder" else packed(tmp_path / "a.tar.gz", [("wanted", bytes(11))])
    with pytest.raises(Unusable, match="wanted is longer than the expected 10 bytes"):
        dict(read_files(place, {"wanted": 10}))
