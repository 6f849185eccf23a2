"""Names in a zip: those that are refused, and harmless oddities that are accepted."""

import errno
import os

import pytest

SYMLINK, FOLDER = (kind << 28 for kind in (0xA, 0x4))
GBK = "实验五/报告.md".encode("gb18030")


def names(submission):
    return [file.path for file in submission.files]


@pytest.mark.parametrize("name", [b"../evil.py", b"a/../../evil.py", b"a\\..\\..\\evil.py", b"..", b"a/.."])
def test_a_name_that_leads_out_of_the_submission_is_refused_and_named(refused, zip_of, part, name):
    assert f"{name.decode()} points outside the submission" in refused(zip_of(part(name, b"x")))


@pytest.mark.parametrize("name", [b"/etc/cron.d/x", b"\\evil.py", b"C:\\evil.py", b"c:evil.py", b"\\\\host\\share\\x"])
def test_absolute_drive_and_network_paths_are_refused_and_named(refused, zip_of, part, name):
    assert f"{name.decode()} is an absolute path" in refused(zip_of(part(name, b"x")))


def test_a_hostile_name_below_a_folder_that_is_left_out_is_refused_all_the_same(refused, zip_of, part):
    assert "points outside" in refused(zip_of(part(b"a.py", b"x"), part(b"venv/../../evil.py", b"x")))


def test_a_nul_in_a_name_is_refused_and_made_visible(refused, zip_of, part):
    assert "final.pth<U+0000>.py has a NUL" in refused(zip_of(part(b"final.pth\0.py", b"x")))


def test_control_characters_in_a_name_are_refused_and_made_visible(refused, zip_of, part):
    assert "<U+001B>[2J.py has control characters" in refused(zip_of(part(b"\x1b[2J.py", b"x")))


def test_invisible_characters_of_a_name_are_spelt_out_in_sentences(refused, zip_of, part):
    sentence = refused(zip_of(part("a\u202eyp.".encode(), flags=0x800, attributes=SYMLINK)))
    assert "a<U+202E>yp. is a symbolic link" in sentence


@pytest.mark.parametrize("second", [b"a/x.py", b"a\\x.py", b"./a//x.py"])
def test_a_name_that_is_there_twice_is_refused_however_it_is_spelt(refused, zip_of, part, second):
    assert "a/x.py appears twice" in refused(zip_of(part(b"a/x.py", b"1"), part(second, b"2")))


def test_names_that_differ_only_in_composition_are_the_same_name(refused, zip_of, part):
    composed, apart = (name.encode() for name in ("caf\u00e9.py", "cafe\u0301.py"))
    sentence = refused(zip_of(part(composed, b"1", flags=0x800), part(apart, b"2", flags=0x800)))
    assert "caf\u00e9.py appears twice" in sentence


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


def test_gbk_names_from_chinese_windows_are_read(opened, zip_of, part):
    submission = opened(zip_of(part(GBK, b"1"), part("实验五/exp2.py".encode("gb18030"), b"2")))
    assert names(submission) == ["exp2.py", "报告.md"]
    assert submission.root.name == "实验五"
    assert [note.english() for note in submission.notes] == ["Names without a declared encoding, read as GB18030: 2."]


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
    assert "read as folders: 2." in submission.notes[0].english()


def test_names_reserved_on_windows_are_fine(opened, zip_of, part):
    assert names(opened(zip_of(part(b"aux.py", b"1"), part(b"dots...", b"2")))) == ["aux.py", "dots..."]
