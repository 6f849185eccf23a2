"""The parts of a cluster without its processes: addresses, certificates, versions, parcels and images."""

from __future__ import annotations

import os
import socket
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from grader.batch.cluster import parcels, sets
from grader.batch.cluster.certificates import CA, CERTIFICATE, KEY, Keys, keys, make
from grader.batch.cluster.identity import difference, identity
from grader.batch.cluster.parcels import DataSet, Job, TooLarge, digest_of, packed, unpacked
from grader.batch.cluster.reach import Address, address, reach
from grader.batch.setup import Options, SetupSpec
from grader.dataset import ImageSet, Split
from grader.dataset.image_set import images_path, labels_path
from grader.intake import Archive
from grader.intake.archive import Piece
from grader.marking.rubric import Rubric
from grader.records import Student, message
from grader.records.errors import BadLab

WITH, WITHOUT = Keys(Path("/keys")), Keys(None)


# --- addresses ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("tls://node7:8786", "tls://node7:8786"),
        ("node7:99", "tls://node7:99"),
        ("node7", "tls://node7:8786"),
        ("tls://[::1]:8786", "tls://[::1]:8786"),
    ],
)
def test_an_address_may_leave_out_what_is_usual(given, written):
    assert str(address(given, WITH)) == written


@pytest.mark.parametrize("given", ["", "tls://", "node7:x", "node7:99999", "tls://node7/path", "http://node7", "[::1"])
def test_what_is_no_address_is_refused(given):
    with pytest.raises(BadLab, match=r"is no address|does not begin with tls://"):
        address(given, WITH)


def test_a_cluster_without_a_certificate_must_be_asked_for():
    with pytest.raises(BadLab, match="is not encrypted"):
        address("tcp://node7:8786", WITH)
    assert str(address("node7", WITHOUT)) == "tcp://node7:8786"
    with pytest.raises(BadLab, match="does not begin with tcp://"):
        address("tls://node7:8786", WITHOUT)


def test_where_nobody_listens_is_said_at_once():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(BadLab, match=f"127.0.0.1:{port}: nobody listens there. Start 'grade scheduler'"):
        reach(Address("127.0.0.1", port, WITHOUT))


# --- certificates ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys") / "tls"
    assert make(folder)
    return folder


def test_a_certificate_is_made_once_and_for_its_user_alone(made):
    before = {name: (made / name).read_bytes() for name in (CA, CERTIFICATE, KEY)}
    assert not make(made)
    assert {name: (made / name).read_bytes() for name in before} == before
    assert stat.S_IMODE((made / KEY).stat().st_mode) == 0o600
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    Keys(made).security()


def test_a_folder_that_lacks_a_file_is_named(made, tmp_path):
    (tmp_path / CA).write_bytes((made / CA).read_bytes())
    with pytest.raises(BadLab, match=f"{tmp_path} lacks {CERTIFICATE}. Copy this folder"):
        Keys(tmp_path).security()


def test_a_key_of_another_certificate_is_refused(made, tmp_path):
    make(tmp_path)
    (tmp_path / KEY).write_bytes((made / KEY).read_bytes())
    with pytest.raises(BadLab, match=f"The certificate in {tmp_path} cannot be used"):
        Keys(tmp_path).security()


def test_without_a_folder_the_users_own_is_used_and_none_where_that_is_asked_for(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert keys(None, insecure=False).folder == tmp_path / "cnn-lab-grader" / "tls"
    assert keys(None, insecure=True).folder is None


# --- versions ----------------------------------------------------------------------------------------------------


def test_what_differs_is_named_with_both_versions():
    ours = identity()
    assert difference(ours, ours) is None
    told = difference({**ours, "torch": "torch 2.9.0"}, ours)
    assert told is not None
    assert told.english() == f"torch 2.9.0 instead of {ours['torch']}"
    lacking = difference({name: value for name, value in ours.items() if name != "code"}, ours)
    assert lacking is not None
    assert lacking.english() == f"? instead of {ours['code']}"


# --- submissions that travel -------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "ada"
    (folder / "code").mkdir(parents=True)
    (folder / "final.pth").write_bytes(b"weights")
    (folder / "code" / "exp2.py").write_text("print()")
    (folder / "link").symlink_to("/etc/passwd")
    os.mkfifo(folder / "pipe")
    return folder


@pytest.fixture
def spec(lab_rubric: Rubric) -> SetupSpec:
    options = Options(None, Path("out"), "cpu", "plain", "staff", None, 60.0, 4000)
    return SetupSpec(options, lab_rubric, message("none"))


def job(spec: SetupSpec, archive: Archive, **more) -> Job:
    digests = tuple(map(digest_of, parcels.paths_of(archive)))
    return Job("1", "run", spec, None, (), False, archive, digests, **more)


def test_what_lies_at_the_same_path_with_the_same_digest_is_used_there(spec, folder):
    archive = Archive(folder, Student("Ada"))
    with unpacked(job(spec, archive)) as found:
        assert found == archive


def test_what_has_changed_or_is_not_there_is_asked_for(spec, folder):
    sent = job(spec, Archive(folder, Student("Ada")))
    (folder / "code" / "exp2.py").write_text("print(1)")
    with unpacked(sent) as found:
        assert found is None
    (folder / "code" / "exp2.py").unlink()
    (folder / "final.pth").rename(folder.parent / "elsewhere")
    with unpacked(sent) as found:
        assert found is None


def test_what_is_sent_arrives_as_it_was_links_and_all_and_leaves_nothing(spec, folder, tmp_path):
    (tmp_path / "b.zip").write_bytes(b"a zip")
    pieces = (Piece(folder, "ada"), Piece(tmp_path / "b.zip", "b.zip"))
    archive = Archive(folder, Student("Ada"), pieces)
    content = tuple(map(packed, parcels.paths_of(archive)))
    with unpacked(job(spec, archive, content=content)) as found:
        assert found is not None
        assert found.name == archive.name
        assert found.path != archive.path
        assert [digest_of(piece.path) for piece in found.pieces] == [digest_of(piece.path) for piece in pieces]
        assert (found.path / "link").readlink() == Path("/etc/passwd")
    assert not found.path.exists()


def test_one_that_is_too_large_to_be_sent_is_refused_before_it_is_read_whole(folder):
    with pytest.raises(TooLarge):
        packed(folder, most=10)
    assert packed(folder, most=1_000_000)


# --- images ------------------------------------------------------------------------------------------------------


@pytest.fixture
def images(tmp_path: Path) -> ImageSet:
    folder = tmp_path / "client"
    folder.mkdir()
    splits: tuple[Split, ...] = ("test", "train")
    for split in splits:
        np.save(images_path(folder, split), np.arange(3072, dtype=np.uint8).reshape(1, 3, 32, 32))
        np.save(labels_path(folder, split), np.zeros(1, np.uint8))
    return ImageSet("few", ("a",), "0" * 64, folder)


@pytest.fixture
def wanted(images: ImageSet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> DataSet:
    """A set as it is described to a worker that cannot see where the command has it."""
    monkeypatch.setattr(sets, "default_cache", lambda: tmp_path / "worker")
    monkeypatch.setattr(sets, "PART", 1000)
    return replace(sets.described(images), folder=Path("/nowhere"))


def test_a_set_that_was_sent_in_pieces_is_found_whole_and_kept(images, wanted, tmp_path):
    assert sets.found(wanted) is None
    for name, place, data in sets.parts(replace(wanted, folder=images.folder)):
        assert sets.put(wanted.key, name, place, data) == ""
    assert sets.finished(wanted) == ""
    found = sets.found(wanted)
    assert found is not None
    assert np.array_equal(found.images("train"), images.images("train"))
    assert list((tmp_path / "worker" / "sent").iterdir()) == [found.folder]


def test_a_set_at_the_same_path_is_used_there_and_one_with_other_bytes_is_not(images, wanted):
    there = replace(wanted, folder=images.folder)
    found = sets.found(there)
    assert found is not None
    assert found.folder == images.folder
    np.save(labels_path(images.folder, "test"), np.ones(1, np.uint8))
    os.utime(labels_path(images.folder, "test"), ns=(1, 1))  # whatever the clock says
    assert sets.found(there) is None


def test_a_set_that_arrived_otherwise_than_it_was_sent_is_told(images, wanted, tmp_path):
    for name, place, data in sets.parts(replace(wanted, folder=images.folder)):
        sets.put(wanted.key, name, place, data[::-1])
    assert "other files arrived than were sent" in sets.finished(wanted)


def test_a_full_disk_is_told_with_its_folder_and_leaves_nothing(wanted, monkeypatch, tmp_path):
    def full(self: Path, *arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    assert sets.put(wanted.key, "test_images.npy", 0, b"x") == f"{tmp_path}/worker/sent: No space left on device"
    assert list((tmp_path / "worker" / "sent").iterdir()) == []
