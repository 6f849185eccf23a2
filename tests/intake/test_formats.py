"""What is no zip is named for what it is."""

import io
import tarfile

import pytest

from grader.intake.formats import is_archive_name, without_suffix

HEADS = {
    "a RAR archive": b"Rar!\x1a\x07\x01\x00",
    "a 7z archive": b"7z\xbc\xaf\x27\x1c\x00\x04",
    "a gzip file": b"\x1f\x8b\x08\x00",
    "an xz file": b"\xfd7zXZ\x00",
    "a bzip2 file": b"BZh91AY",
    "a Zstandard file": b"\x28\xb5\x2f\xfd\x00",
    "a PDF document": b"%PDF-1.4",
    "an HTML page": b"\xef\xbb\xbf\n<!DOCTYPE html><html>",
    "a Windows program": b"MZ\x90\x00",
    "a Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\n",
}


@pytest.mark.parametrize("kind", HEADS)
def test_a_file_of_another_format_is_named_and_a_zip_asked_for(refused, kind):
    sentence = refused(HEADS[kind] + b"\0" * 600)
    assert f"lab5.zip is {kind}" in sentence
    assert "Pack the files as .zip" in sentence


def test_a_tar_is_named_by_its_mark_at_byte_257(refused):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.py"))
    assert "lab5.zip is a tar archive" in refused(buffer.getvalue())


def test_an_empty_file_is_called_empty(refused):
    assert "lab5.zip is empty (0 bytes)" in refused(b"")


def test_what_is_nothing_known_is_called_not_a_zip(refused):
    assert "lab5.zip is not a zip" in refused(b"hello")


def test_an_office_document_is_not_taken_for_a_zip_of_work(refused):
    assert "It is an Office document" in refused({"[Content_Types].xml": b"", "word/document.xml": b""})


def test_a_checkpoint_is_not_taken_for_a_zip_of_work(refused):
    assert "It is a PyTorch checkpoint" in refused({"final/data.pkl": b"", "final/version": b"3", "final/data/0": b""})


@pytest.mark.parametrize(("name", "stem"), [("ada.zip", "ada"), ("ada.TAR.GZ", "ada"), ("v1.2", "v1.2")])
def test_the_name_of_an_archive_loses_its_whole_suffix(name, stem):
    assert without_suffix(name) == stem
    assert is_archive_name(name) == (name != stem)
