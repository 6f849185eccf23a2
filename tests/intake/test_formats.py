"""A file that is not a zip is named for what it is."""

import io
import tarfile

import pytest

from grader.intake.formats import is_archive_name, without_suffix

HEADS = {
    "RAR": b"Rar!\x1a\x07\x01\x00",
    "7z": b"7z\xbc\xaf\x27\x1c\x00\x04",
    "gzip": b"\x1f\x8b\x08\x00",
    "xz": b"\xfd7zXZ\x00",
    "bzip2": b"BZh91AY",
    "Zstandard": b"\x28\xb5\x2f\xfd\x00",
    "PDF": b"%PDF-1.4",
    "HTML": b"\xef\xbb\xbf\n<!DOCTYPE html><html>",
    "EXE": b"MZ\x90\x00",
    "Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\n",
}


@pytest.mark.parametrize("kind", HEADS)
def test_a_file_of_another_format_is_named_and_a_zip_asked_for(refused, kind):
    sentence = refused(HEADS[kind] + b"\0" * 600)
    assert f"lab5.zip is not a zip; its format is {kind}" in sentence
    assert "Pack the files as .zip" in sentence


def test_a_tar_is_named_by_its_mark_at_byte_257(refused):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.py"))
    assert "its format is tar." in refused(buffer.getvalue())


def test_an_empty_file_is_called_empty(refused):
    assert "lab5.zip is empty (0 bytes)" in refused(b"")


def test_what_is_nothing_known_is_called_not_a_zip(refused):
    assert "lab5.zip is not a zip" in refused(b"hello")


def test_an_office_document_is_not_taken_for_a_zip_of_work(refused):
    assert "lab5.zip is an Office document" in refused({"[Content_Types].xml": b"", "word/document.xml": b""})


def test_a_checkpoint_is_not_taken_for_a_zip_of_work(refused):
    assert "lab5.zip is a PyTorch checkpoint" in refused(
        {"final/data.pkl": b"", "final/version": b"3", "final/data/0": b""}
    )


@pytest.mark.parametrize(("name", "stem"), [("ada.zip", "ada"), ("ada.TAR.GZ", "ada"), ("v1.2", "v1.2")])
def test_the_name_of_an_archive_loses_its_whole_suffix(name, stem):
    assert without_suffix(name) == stem
    assert is_archive_name(name) == (name != stem)
