"""RARs of both kinds: what is listed, what is read, and what a broken one is called."""

import random

import pytest

from fixtures.stories.rars import Member, rar4_bytes, rar5_bytes
from grader.probes.archives import rars

FILES = {
    "lab/exp2.py": b"print(1)\n" * 50,
    "lab/实验.md": b"x" * 700,
    "lab/final.pth": random.Random(0).randbytes(9_000),
}
MEMBERS = tuple(Member(name, data) for name, data in FILES.items())
LINK, FOLDER = 0o120777, 0o040755


@pytest.mark.parametrize("build", [rar4_bytes, rar5_bytes])
@pytest.mark.usefixtures("libarchive")
def test_every_file_is_read_under_its_own_name(read, build):
    assert read(build(*MEMBERS), "RAR").contents == FILES


@pytest.mark.parametrize("build", [rar4_bytes, rar5_bytes])
@pytest.mark.usefixtures("libarchive")
def test_only_the_files_asked_for_are_read(read, build):
    assert read(build(*MEMBERS), "RAR", only=["lab/final.pth"]).contents == {"lab/final.pth": FILES["lab/final.pth"]}


@pytest.mark.parametrize("build", [rar4_bytes, rar5_bytes])
def test_names_that_lead_elsewhere_are_listed_as_they_are(read, build):
    names = ["../../out.py", "/tmp/out.py", "C:\\out.py"]
    listed = read(build(*(Member(name) for name in names)), "RAR", only=[]).names
    assert [name.replace("\\", "/") for name in listed] == [name.replace("\\", "/") for name in names]


def test_links_and_folders_of_rar4_are_listed_as_what_they_are(read):
    found = read(rar4_bytes(Member("lab", mode=FOLDER), Member("lab/link", b"/etc/passwd", mode=LINK)), "RAR", only=[])
    assert found.kinds == {"lab": "folder", "lab/link": "link"}


def test_links_and_folders_of_rar5_are_listed_as_what_they_are(read):
    link = Member("lab/link", mode=LINK, redirect=(1, "/etc/passwd"))
    found = read(rar5_bytes(Member("lab", mode=FOLDER), link), "RAR", only=[])
    assert found.kinds == {"lab": "folder", "lab/link": "link"}


@pytest.mark.parametrize("kind", [4, 5])
def test_a_copy_has_the_content_of_its_file_and_anything_else_is_a_link(read, kind):
    copy = Member("lab/again.py", redirect=(kind, "lab/exp2.py"))
    away = Member("lab/away.py", redirect=(kind, "/etc/passwd"))
    found = read(rar5_bytes(*MEMBERS, copy, away), "RAR", only=[])
    assert found.listing[3] == {
        "name": "lab/again.py", "size": len(FILES["lab/exp2.py"]), "kind": "file", "encrypted": False, "same_as": 0,
    }  # fmt: skip
    assert found.kinds["lab/away.py"] == "link"


@pytest.mark.parametrize(
    "target",
    [Member("x", mode=LINK, redirect=(1, "/etc/passwd")), Member("x", mode=FOLDER), Member("x", encrypted=True)],
)
def test_a_copy_of_what_has_no_content_is_a_link(read, target):
    assert read(rar5_bytes(target, Member("copy", redirect=(5, "x"))), "RAR", only=[]).kinds["copy"] == "link"


@pytest.mark.parametrize("build", [rar4_bytes, rar5_bytes])
def test_an_encrypted_file_is_listed_as_such(read, build):
    found = read(build(Member("lab/exp2.py", bytes(16), encrypted=True)), "RAR")
    assert [entry["encrypted"] for entry in found.listing] == [True]


def test_an_encrypted_listing_is_refused(refusal):
    assert refusal(rar5_bytes(hidden=True), "RAR")[0] == "archive_encrypted"


def test_a_part_of_several_is_named(refusal):
    code, sentence = refusal(rar5_bytes(Member("lab/final.pth", b"x", size=9, split=True)), "RAR")
    assert code == "archive_part"
    assert sentence.startswith("lab5 is one part of an archive in several parts")


@pytest.mark.parametrize("build", [rar4_bytes, rar5_bytes])
@pytest.mark.parametrize("cut", [20, 1_000, 9_000, 9_100])
def test_a_truncated_one_is_called_damaged(refusal, build, cut):
    assert refusal(build(*MEMBERS)[:-cut], "RAR")[0] == "archive_damaged"


@pytest.mark.usefixtures("libarchive")
def test_an_end_left_out_on_purpose_is_no_damage(read):
    assert read(rar4_bytes(*MEMBERS, ended=False), "RAR").contents == FILES


@pytest.mark.parametrize("build", [rar4_bytes, rar5_bytes])
@pytest.mark.usefixtures("libarchive")
def test_content_that_its_checksum_contradicts_goes_to_a_person(refusal, build):
    code, sentence = refusal(build(Member("lab/a.py", b"1", crc=7)), "RAR")
    assert code == "archive_method"
    assert sentence.endswith("Unpack it by hand, and grade the folder.")


@pytest.mark.parametrize("build", [rar4_bytes, rar5_bytes])
def test_without_libarchive_staff_are_told_what_to_install(refusal, build, monkeypatch):
    monkeypatch.setattr(rars, "can_unpack", lambda: False)
    code, sentence = refusal(build(*MEMBERS), "RAR")
    assert code == "archive_library"
    assert "apt install libarchive13" in sentence


@pytest.mark.parametrize("build", [rar4_bytes, rar5_bytes])
def test_an_archive_of_nothing_lists_nothing(read, build):
    assert read(build(), "RAR").listing == ()


@pytest.mark.parametrize("build", [rar4_bytes, rar5_bytes])
def test_a_signature_alone_is_called_damaged(refusal, build):
    assert refusal(build()[:8], "RAR")[0] == "archive_damaged"
