"""What a zip is refused for, and what honest oddities are read."""

import errno
import hashlib
import os
import struct
import zipfile

import pytest

from grader.errors import BadLab
from grader.intake import Archive, Limits, open_submission
from grader.records import Student

SYMLINK, DEVICE, PIPE, FOLDER = (kind << 28 for kind in (0xA, 0x2, 0x1, 0x4))
GBK = "实验五/报告.md".encode("gb18030")


def names(submission):
    return [file.path for file in submission.files]


def test_an_ordinary_deflated_zip_is_unpacked_as_it_is(opened, zip_of, part):
    submission = opened(zip_of(part(b"exp2.py", b"print()\n" * 1000, method=8), part(b"final.pth", b"w")))
    assert names(submission) == ["exp2.py", "final.pth"]
    assert (submission.root / "exp2.py").read_bytes() == b"print()\n" * 1000
    assert [file.size for file in submission.files] == [8000, 1]
    assert submission.size == 8001
    assert submission.notes == ()


def test_the_digest_is_that_of_the_zips_bytes(opened, zip_of, part):
    content = zip_of(part(b"a.py", b"1"))
    submission = opened(content)
    assert submission.digest == hashlib.sha256(content).hexdigest()
    assert submission.archive == "lab5.zip"
    assert submission.student == Student("Ada Ng")


@pytest.mark.parametrize("name", [b"../evil.py", b"a/../../evil.py", b"a\\..\\..\\evil.py", b"..", b"a/.."])
def test_a_name_that_leads_out_of_the_submission_is_refused_and_named(refused, zip_of, part, name):
    assert f"{name.decode()} leads out of the submission" in refused(zip_of(part(name, b"x")))


@pytest.mark.parametrize("name", [b"/etc/cron.d/x", b"\\evil.py", b"C:\\evil.py", b"c:evil.py", b"\\\\host\\share\\x"])
def test_absolute_drive_and_network_paths_are_refused_and_named(refused, zip_of, part, name):
    assert f"{name.decode()} is an absolute path" in refused(zip_of(part(name, b"x")))


def test_a_hostile_name_below_a_folder_that_is_left_out_is_refused_all_the_same(refused, zip_of, part):
    assert "leads out" in refused(zip_of(part(b"a.py", b"x"), part(b"venv/../../evil.py", b"x")))


def test_a_symbolic_link_is_refused_and_named(refused, zip_of, part):
    sentence = refused(zip_of(part(b"a.py", b"x"), part(b"lab/final.pth", b"/etc/passwd", attributes=SYMLINK)))
    assert "lab/final.pth is a symbolic link" in sentence


def test_a_link_in_a_virtual_environment_is_left_out_with_it(opened, zip_of, part):
    submission = opened(zip_of(part(b"a.py"), part(b"venv/bin/python", b"/usr/bin/python", attributes=SYMLINK)))
    assert names(submission) == ["a.py"]


@pytest.mark.parametrize("kind", [DEVICE, PIPE])
def test_devices_and_pipes_are_refused_and_named(refused, zip_of, part, kind):
    assert "dev is a device or pipe" in refused(zip_of(part(b"dev", attributes=kind)))


def test_a_nul_in_a_name_is_refused_and_made_visible(refused, zip_of, part):
    assert "final.pth<U+0000>.py has a NUL" in refused(zip_of(part(b"final.pth\0.py", b"x")))


def test_control_characters_in_a_name_are_refused_and_made_visible(refused, zip_of, part):
    assert "<U+001B>[2J.py has control characters" in refused(zip_of(part(b"\x1b[2J.py", b"x")))


def test_invisible_characters_of_a_name_are_spelt_out_in_sentences(refused, zip_of, part):
    sentence = refused(zip_of(part("a\u202eyp.".encode(), flags=0x800, attributes=SYMLINK)))
    assert "a<U+202E>yp. is a symbolic link" in sentence


@pytest.mark.parametrize("second", [b"a/x.py", b"a\\x.py", b"./a//x.py"])
def test_a_name_that_is_there_twice_is_refused_however_it_is_spelt(refused, zip_of, part, second):
    assert "a/x.py is there twice" in refused(zip_of(part(b"a/x.py", b"1"), part(second, b"2")))


def test_names_that_differ_only_in_composition_are_the_same_name(refused, zip_of, part):
    composed, apart = (name.encode() for name in ("caf\u00e9.py", "cafe\u0301.py"))
    sentence = refused(zip_of(part(composed, b"1", flags=0x800), part(apart, b"2", flags=0x800)))
    assert "caf\u00e9.py is there twice" in sentence


def test_names_that_differ_only_in_case_are_kept_with_a_note(opened, zip_of, part):
    submission = opened(zip_of(part(b"a.py", b"1"), part(b"A.py", b"2")))
    assert names(submission) == ["A.py", "a.py"]
    assert [note.english() for note in submission.notes] == [
        "a.py and A.py differ only in case: Windows and macOS can hold only one of them."
    ]


def test_where_the_disk_ignores_case_the_second_name_is_refused(refused, zip_of, part, monkeypatch):
    really_open, seen = os.open, set()

    def open_ignoring_case(path, flags, *rest, **options):
        name = os.fspath(path).casefold()
        if flags & os.O_CREAT and name in seen:
            raise FileExistsError(errno.EEXIST, "File exists")
        seen.add(name)
        return really_open(path, flags, *rest, **options)

    monkeypatch.setattr(os, "open", open_ignoring_case)
    assert "A.py has the same name as another file" in refused(zip_of(part(b"a.py", b"1"), part(b"A.py", b"2")))


def test_a_folder_listed_twice_is_harmless(opened, zip_of, part):
    assert names(opened(zip_of(part(b"a/"), part(b"a\\"), part(b"a/x.py", b"1"), part(b"b.py")))) == ["a/x.py", "b.py"]


@pytest.mark.parametrize("second", [b"a/b.py", b"a/", b"a/b/c.py"])
def test_a_file_that_is_also_a_folder_is_refused_and_named(refused, zip_of, part, second):
    assert "a is both a file and a folder" in refused(zip_of(part(b"a", b"1"), part(second)))


def test_a_folder_marked_only_by_its_mode_is_a_folder(opened, zip_of, part):
    assert names(opened(zip_of(part(b"a", attributes=FOLDER), part(b"a/x.py"), part(b"y.py")))) == ["a/x.py", "y.py"]


def test_a_file_without_a_name_is_refused(refused, zip_of, part):
    assert "has no file name" in refused(zip_of(part(b".", b"x")))


@pytest.mark.parametrize("flags", [0x1, 0x41, 0x2000])
def test_an_encrypted_entry_is_refused_and_named(refused, zip_of, part, flags):
    assert "exp2.py is encrypted" in refused(zip_of(part(b"exp2.py", b"x" * 20, flags=flags)))


@pytest.mark.parametrize(("method", "name"), [(9, "Deflate64"), (12, "bzip2"), (14, "LZMA"), (77, "method 77")])
def test_other_compressions_than_deflate_are_refused_and_named(refused, zip_of, part, method, name):
    assert f"exp2.py is compressed by {name}" in refused(zip_of(part(b"exp2.py", b"x", method=method)))


def test_a_bzip2_bomb_is_not_unpacked(refused, tmp_path):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("zeros.bin", bytes(1_000_000))
    assert "compressed by bzip2" in refused(path)


def test_overlapping_entries_are_refused_as_a_bomb(refused, zip_of, part):
    first = part(b"a", b"PK\x03\x04" + b"x" * 60)
    assert "a overlaps" in refused(zip_of(first, part(b"b", b"y", offset=31)))


def test_entries_that_overlap_inside_an_extra_field_are_refused_as_a_bomb(refused, zip_of, part):
    kernel = struct.pack("<4s5H3L2H", b"PK\x03\x04", *part(b"b", b"1234").header(), 1, 0) + b"b"
    quoting = part(b"a", local_extra=b"\xff\xff" + struct.pack("<H", len(kernel)) + kernel, data=b"1234")
    assert "a overlaps" in refused(zip_of(quoting, part(b"b", b"1234", offset=35)))


def test_two_entries_at_one_place_are_refused(refused, zip_of, part):
    assert "overlaps" in refused(zip_of(part(b"a", b"1"), part(b"b", b"2", offset=0)))


def test_an_entry_that_reaches_into_the_listing_is_refused(refused, zip_of, part):
    content = zip_of(part(b"a.py", b"1" * 10))
    at = content.index(b"PK\x01\x02")
    longer = content[: at + 20] + struct.pack("<L", 99) + content[at + 24 :]
    assert "a.py overlaps" in refused(longer)


def test_an_entry_that_is_listed_but_not_there_is_refused_and_named(refused, zip_of, part):
    assert "b.py is listed in the zip but not in it" in refused(zip_of(part(b"a.py"), part(b"b.py", offset=5)))


def test_a_wrong_checksum_is_refused_and_the_entry_named(refused, zip_of, part):
    assert "exp2.py is damaged inside the zip" in refused(zip_of(part(b"a", b"1"), part(b"exp2.py", b"x", crc=1)))


def test_a_stream_that_ends_before_its_declared_length_is_damage(refused, zip_of, part):
    assert "damaged inside the zip" in refused(zip_of(part(b"a.py", b"x" * 10, method=8, size=11)))


def test_a_name_that_differs_between_listing_and_entry_is_damage(refused, zip_of, part):
    assert "a.py is damaged inside the zip" in refused(zip_of(part(b"a.py", b"x", local_name=b"b.py")))


def test_a_utf8_name_that_is_not_utf8_is_refused_with_a_sentence(refused, zip_of, part):
    assert "states that its file names are UTF-8" in refused(zip_of(part(b"\xff\xfe.py", flags=0x800)))


def test_a_feature_from_the_future_is_refused_with_a_sentence(refused, zip_of, part):
    assert "feature of zip that few programs know" in refused(zip_of(part(b"a.py", version=99)))


def test_a_corrupt_extra_field_is_damage(refused, zip_of, part):
    assert "is damaged or was cut off" in refused(zip_of(part(b"a.py", extra=b"\x01\x00\xff\xff")))


def test_a_listing_that_claims_gigabytes_is_not_read(refused, zip_of, part):
    content = zip_of(part(b"a.py", b"x" * 100))
    end = content.rindex(b"PK\x05\x06")
    hostile = bytes(9_000_000) + content[:end] + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 8_500_000, 0, 0)
    assert "lists far more files" in refused(b"PK\x03\x04" + hostile)


def test_a_truncated_zip_is_refused_with_a_sentence(refused, zip_of, part):
    assert "lab5.zip is damaged or was cut off" in refused(zip_of(part(b"exp2.py", b"x" * 1000))[:-30])


def test_a_zip_that_is_gone_is_a_matter_for_staff(tmp_path):
    with pytest.raises(BadLab, match="cannot be read"):
        open_submission(Archive(tmp_path / "gone.zip", Student("x")), tmp_path / "into")
    assert list((tmp_path / "into").iterdir()) == []


def test_gbk_names_from_chinese_windows_are_read(opened, zip_of, part):
    submission = opened(zip_of(part(GBK, b"1"), part("实验五/exp2.py".encode("gb18030"), b"2")))
    assert names(submission) == ["exp2.py", "报告.md"]
    assert submission.root.name == "实验五"
    assert [note.english() for note in submission.notes] == [
        "2 names did not state their encoding and were read as GB18030."
    ]


def test_a_gbk_name_whose_second_byte_is_a_backslash_is_not_cut(opened, zip_of, part):
    name = "乗.py"
    assert b"\\" in name.encode("gb18030")
    assert names(opened(zip_of(part(name.encode("gb18030"), b"1")))) == [name]


def test_utf8_names_without_the_flag_are_read(opened, zip_of, part):
    assert names(opened(zip_of(part("résumé.md".encode(), b"1")))) == ["résumé.md"]


def test_names_of_old_dos_programs_are_read(opened, zip_of, part):
    assert names(opened(zip_of(part(b"r\x82", b"1")))) == ["ré"]


def test_names_in_macos_form_are_composed(opened, zip_of, part):
    assert names(opened(zip_of(part("cafe\u0301.py".encode(), b"1", flags=0x800)))) == ["caf\u00e9.py"]


def test_backslashes_are_folders_and_noted(opened, zip_of, part):
    submission = opened(zip_of(part(b"lab5\\exp2.py", b"1"), part(b"lab5\\library\\0\\a.jpg", b"2")))
    assert names(submission) == ["exp2.py", "library/0/a.jpg"]
    assert "2 names were written with backslashes" in submission.notes[0].english()


def test_names_reserved_on_windows_are_fine(opened, zip_of, part):
    assert names(opened(zip_of(part(b"aux.py", b"1"), part(b"dots...", b"2")))) == ["aux.py", "dots..."]


def test_bytes_before_a_zip_that_begins_with_another_zip_are_noted(opened, zip_of, part):
    first = zip_of(part(b"old.py", b"1"))
    submission = opened(first + zip_of(part(b"new.py", b"2")))
    assert names(submission) == ["new.py"]
    assert f"{len(first)} bytes before its first entry" in submission.notes[0].english()


def test_a_zip_hidden_behind_another_format_is_refused(refused, zip_of, part):
    assert "is a Windows program" in refused(zip_of(part(b"a.py"), before=b"MZ\x90\x00" + bytes(100)))
    assert "is a PDF document" in refused(zip_of(part(b"a.py"), before=b"%PDF-1.7\n"))


def test_a_zip_that_was_meant_to_be_split_and_was_not_is_read(opened, zip_of, part):
    assert names(opened(zip_of(part(b"a.py"), before=b"PK00"))) == ["a.py"]


def test_real_bytes_are_counted_while_writing(refused, monkeypatch, zip_of, part):
    monkeypatch.setattr("grader.intake.unpack.select", _trusting_select)
    sentence = refused(zip_of(part(b"a.bin", b"x" * 600), part(b"b.bin", b"x" * 600)), Limits(1000, 700))
    assert "b.bin takes the submission over" in sentence
    assert "c.bin is" in refused(zip_of(part(b"c.bin", b"x" * 800)), Limits(1000, 700))


def test_a_full_disk_is_a_matter_for_staff_and_leaves_nothing_behind(opened, zip_of, part, monkeypatch, tmp_path):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(BadLab, match=r"cannot be written: No space left on device\. Make room"):
        opened(zip_of(part(b"a.py", b"1")))
    assert list((tmp_path / "into").iterdir()) == []


def test_an_interruption_leaves_nothing_behind(opened, zip_of, part, monkeypatch, tmp_path):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("grader.intake.unpack.sort_parts", interrupt)
    with pytest.raises(KeyboardInterrupt):
        opened(zip_of(part(b"d/a.py", b"1")))
    assert list((tmp_path / "into").iterdir()) == []


def test_a_folder_that_is_not_empty_is_never_unpacked_into(opened, zip_of, part, tmp_path):
    (tmp_path / "into").mkdir()
    (tmp_path / "into" / "mine").write_text("1")
    with pytest.raises(ValueError, match="not empty"):
        opened(zip_of(part(b"a.py", b"1")))
    assert (tmp_path / "into" / "mine").read_text() == "1"


def _trusting_select(entries, limits):
    """The listing's declared sizes let through, as if they had lied."""
    from grader.intake.selection import select

    return select(entries, Limits())
