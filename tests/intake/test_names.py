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


@pytest.mark.parametrize("name", [b"/etc/cron.d/x", b"\\evil.py", b"C:\\evil.py", b"c:/evil.py", b"\\\\host\\share\\x"])
def test_absolute_drive_and_network_paths_are_refused_and_named(refused, zip_of, part, name):
    assert f"{name.decode()} is an absolute path" in refused(zip_of(part(name, b"x")))


def test_a_name_that_only_windows_takes_for_a_drive_costs_its_file(left, zip_of, part):
    state, sentence = left(zip_of(part(b"a.py"), part(b"q:notes.md", b"x")))["q:notes.md"]
    assert (state, "q:notes.md begins like the name of a drive" in sentence) == ("unread", True)


def test_a_hostile_name_below_a_folder_that_is_left_out_is_refused_all_the_same(refused, zip_of, part):
    assert "points outside" in refused(zip_of(part(b"a.py", b"x"), part(b"venv/../../evil.py", b"x")))


def test_a_nul_in_a_name_is_refused_and_made_visible(refused, zip_of, part):
    assert "final.pth<U+0000>.py has a NUL" in refused(zip_of(part(b"final.pth\0.py", b"x")))


def test_control_characters_in_a_name_cost_its_file_and_are_made_visible(left, zip_of, part):
    ((state, sentence),) = left(zip_of(part(b"a.py"), part(b"\x1b[2J.py", b"x"))).values()
    assert (state, "<U+001B>[2J.py has control characters" in sentence) == ("unread", True)


def test_invisible_characters_of_a_name_are_spelt_out_in_sentences(refused, zip_of, part):
    sentence = refused(zip_of(part("a\u202eyp.".encode(), flags=0x800, attributes=SYMLINK)))
    assert "a<U+202E>yp. is a symbolic link" in sentence


@pytest.mark.parametrize("second", [b"a/x.py", b"a\\x.py", b"./a//x.py"])
def test_of_two_files_of_one_name_both_are_kept_and_a_person_asked(opened, zip_of, part, second):
    submission = opened(zip_of(part(b"a/x.py", b"1"), part(second, b"2"), part(b"b.py")))
    assert names(submission) == ["a/x.py", "a/x.py (2)", "b.py"]
    assert (submission.root / "a" / "x.py").read_bytes() == b"1"
    assert submission.parts.sources == ("b.py", "a/x.py")
    assert [(one.path, one.state) for one in submission.left_out] == [("a/x.py", "unclear")]
    assert "a/x.py is in the submission twice, with different contents; the second was kept as a/x.py (2)." in " ".join(
        note.english() for note in submission.notes
    )


def test_a_file_that_is_there_twice_with_the_same_bytes_costs_nothing(opened, zip_of, part):
    submission = opened(zip_of(part(b"a.py", b"1"), part(b"a.py", b"1")))
    assert (names(submission), submission.notes, submission.left_out) == (["a.py"], (), ())


def test_a_third_file_of_one_name_gets_a_number_of_its_own(opened, zip_of, part):
    content = zip_of(part(b"a.py", b"1"), part(b"a.py (2)", b"2"), part(b"a.py", b"3"), part(b"a.py", b"4"))
    assert names(opened(content)) == ["a.py", "a.py (2)", "a.py (3)", "a.py (4)"]


def test_the_second_of_two_files_of_one_name_is_asked_about_even_if_the_first_is_damaged(left, zip_of, part):
    found = left(zip_of(part(b"exp1.py"), part(b"exp2.py", b"1", crc=1), part(b"exp2.py", b"2")))
    assert "exp2.py is in the submission twice" in found["exp2.py"][1]


def test_names_that_differ_only_in_composition_are_the_same_name(left, zip_of, part):
    composed, apart = (name.encode() for name in ("caf\u00e9.py", "cafe\u0301.py"))
    found = left(zip_of(part(composed, b"1", flags=0x800), part(apart, b"2", flags=0x800)))
    assert found["caf\u00e9.py"][0] == "unclear"


def test_files_that_the_lab_asks_for_and_that_differ_in_case_and_content_are_for_a_person(left, zip_of, part):
    found = left(zip_of(part(b"Final.pth", b"1"), part(b"final.pth", b"2")))
    assert found["Final.pth"][0] == "unclear"
    assert "final.pth and Final.pth differ in case and in content" in found["Final.pth"][1]


def test_a_checkpoint_that_is_there_twice_in_different_letters_is_one(opened, zip_of, part):
    submission = opened(zip_of(part(b"Final.pth", b"1"), part(b"final.pth", b"1")))
    assert (names(submission), submission.parts.checkpoints) == (["final.pth"], ("final.pth",))
    assert (submission.notes, submission.left_out) == ((), ())


def test_names_that_differ_only_in_case_are_kept_with_a_note(opened, zip_of, part):
    submission = opened(zip_of(part(b"a.py", b"1"), part(b"A.py", b"2")))
    assert names(submission) == ["A.py", "a.py"]
    assert [note.english() for note in submission.notes] == [
        "a.py and A.py differ only in case: Windows and macOS can hold only one of them."
    ]


def test_where_the_disk_ignores_case_the_second_file_is_kept_beside_the_first(opened, zip_of, part, monkeypatch):
    really_open, seen = os.open, set()

    def open_ignoring_case(path, flags, *rest, **options):
        name = os.fspath(path).casefold()
        if flags & os.O_CREAT and name in seen:
            raise FileExistsError(errno.EEXIST, "File exists")
        seen.add(name)
        return really_open(path, flags, *rest, **options)

    monkeypatch.setattr(os, "open", open_ignoring_case)
    submission = opened(zip_of(part(b"a.py", b"1"), part(b"A.py", b"2")))
    assert names(submission) == ["A.py (2)", "a.py"]
    assert [(one.path, one.state) for one in submission.left_out] == [("a.py", "unclear")]


def test_a_folder_listed_twice_is_harmless(opened, zip_of, part):
    assert names(opened(zip_of(part(b"a/"), part(b"a\\"), part(b"a/x.py", b"1"), part(b"b.py")))) == ["a/x.py", "b.py"]


@pytest.mark.parametrize("second", [b"a/b.py", b"a/b/c.py"])
def test_a_file_that_is_also_a_folder_is_kept_beside_it(opened, zip_of, part, second):
    submission = opened(zip_of(part(b"a", b"1"), part(second), part(b"b.py")))
    assert names(submission) == sorted(["a (2)", second.decode(), "b.py"])
    assert [(one.path, one.state) for one in submission.left_out] == [("a", "unclear")]
    assert "a is both a file and a folder; the file was kept as a (2)" in submission.left_out[0].why.english()


@pytest.mark.parametrize("parts", [((b"a", b""), (b"a/b.py", b"1")), ((b"a", b"1"), (b"a/", b""))])
def test_a_folder_listed_as_a_file_or_beside_one_is_harmless(opened, zip_of, part, parts):
    submission = opened(zip_of(*(part(name, data) for name, data in parts)))
    assert (len(submission.files), submission.left_out) == (1, ())


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
