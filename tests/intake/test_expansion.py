"""A path from the command line, and the submissions it stands for."""

import os
import zipfile

import pytest

from grader.intake import expand, not_taken
from grader.records.errors import BadLab


@pytest.fixture
def make(tmp_path):
    """Make files below tmp_path/class (names with "/" at their end are folders) and give that folder."""

    def make_them(*names):
        for name in ("class/", *(f"class/{name}" for name in names)):
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if name.endswith("/"):
                path.mkdir(parents=True, exist_ok=True)
            else:
                path.write_bytes(b"PK\x03\x04")
        return tmp_path / "class"

    return make_them


def found(path):
    """(student, path from the parent of `path`) of each submission."""
    return [(one.student.name, str(one.path.relative_to(path.parent))) for one in expand(path)]


def test_a_zip_is_itself(make):
    assert found(make("ada.zip") / "ada.zip") == [("ada", "ada.zip")]


def test_a_zip_without_its_suffix_is_known_by_its_content(make):
    assert found(make("ada") / "ada") == [("ada", "ada")]


def test_an_archive_of_another_format_is_taken_so_that_its_student_hears_of_it(make):
    assert found(make("ada.tar.gz") / "ada.tar.gz") == [("ada", "ada.tar.gz")]


@pytest.mark.parametrize("name", ["final.pth", "report.docx"])
def test_what_is_a_zip_inside_but_no_submission_is_refused(make, name):
    with pytest.raises(BadLab, match=f"{name} is neither a zip nor a folder"):
        expand(make(name) / name)


def test_a_text_is_neither_zip_nor_folder(tmp_path):
    (tmp_path / "notes").write_text("hello", encoding="utf-8")
    with pytest.raises(BadLab, match="neither a zip nor a folder"):
        expand(tmp_path / "notes")


def test_a_missing_path_is_answered_with_the_nearest_name(make):
    with pytest.raises(BadLab, match=r"ad\.zip does not exist; did you mean .*ada\.zip\?"):
        expand(make("ada.zip", "bob.zip") / "ad.zip")


def test_a_missing_path_in_a_missing_folder_says_what_to_give(tmp_path):
    with pytest.raises(BadLab, match=r"does not exist\. Give the path"):
        expand(tmp_path / "no" / "a.zip")


@pytest.mark.parametrize("name", ["final.pth", "exp2.py", "lab.ipynb", "report.pdf", "Final.pth"])
def test_a_folder_with_work_in_it_is_a_submission(make, name):
    assert found(make(name, "library/0/a.jpg")) == [("class", "class")]


def test_a_submission_that_holds_an_archive_of_its_own_is_still_one_submission(make):
    assert found(make("final.pth", "library.zip")) == [("class", "class")]


def test_a_folder_whose_work_lies_one_folder_down_keeps_the_name_that_was_given(make):
    assert found(make("lab5/exp2.py")) == [("class", "class/lab5")]


def test_a_canvas_download_is_a_class_sorted_by_name(make):
    path = make("zoe_1234_5678_lab5.zip", "ada_LATE_2345_6789_lab5.zip", "students.csv", "README.md", ".DS_Store")
    assert found(path) == [("ada", "class/ada_LATE_2345_6789_lab5.zip"), ("zoe", "class/zoe_1234_5678_lab5.zip")]
    assert [one.student.late for one in expand(path)] == [True, False]


def test_several_uploads_of_a_student_come_in_the_order_of_their_numbers(make):
    folder = make("ada_108_9999_lab5.zip", "ada_108_10001_lab5-1.zip")
    assert [one.name for one in expand(folder)] == ["ada_108_9999_lab5.zip", "ada_108_10001_lab5-1.zip"]


def pieces(path):
    """The pieces of each submission, under the names that students gave them."""
    return {one.student.name: [piece.name for piece in one.pieces] for one in expand(path)}


def test_a_canvas_students_loose_files_are_one_submission(make):
    path = make("ada_1234_5678_lab5.zip", "bob_2345_6789_exp2.py", "bob_2345_6790_final.pth", "bob_2345_6791_text.html")
    assert found(path) == [("ada", "class/ada_1234_5678_lab5.zip"), ("bob", "class/bob_2345_6789_exp2.py")]
    assert pieces(path) == {"ada": [], "bob": ["exp2.py", "final.pth", "text.html"]}


def test_of_each_name_the_newest_loose_file_counts(make):
    path = make("ada_123_9999_exp1.py", "ada_123_10000_exp1.py", "ada_123_10001_exp2.py")
    (ada,) = expand(path)
    assert [one.path.name for one in ada.pieces] == ["ada_123_10000_exp1.py", "ada_123_10001_exp2.py"]


def test_a_loose_file_alone_is_a_submission_too(make):
    assert pieces(make("ada_123_9999_exp1.py", "notes.txt")) == {"ada": ["exp1.py"]}


def test_a_number_that_counts_uploads_is_not_part_of_the_name(make):
    path = make("ada_123_9001_final-2.pth", "ada_123_9002_exp2 (1).py", "ada_123_9003_my-own-3.py")
    assert pieces(path) == {"ada": ["final.pth", "exp2.py", "my-own-3.py"]}


def test_a_file_beside_a_canvas_students_zip_belongs_to_it(make):
    path = make("ada_123_9001_lab5.zip", "ada_123_9002_report.pdf")
    assert pieces(path) == {"ada": ["lab5.zip", "report.pdf"]}


def test_work_beside_a_canvas_students_zip_makes_one_submission_with_it(make):
    path = make("ada_1234_5678_lab5.zip", "ada_1234_5679_exp2.py")
    assert pieces(path) == {"ada": ["lab5.zip", "exp2.py"]}


def test_archives_of_other_formats_in_a_class_are_not_overlooked(make):
    assert found(make("ada.zip", "bob.rar")) == [("ada", "class/ada.zip"), ("bob", "class/bob.rar")]


def test_a_script_of_the_instructors_does_not_make_a_class_a_submission(make):
    assert found(make("ada.zip", "rename.py")) == [("ada", "class/ada.zip")]


def test_a_moodle_download_gives_the_zip_in_each_folder_or_the_folder(make):
    ada, bob = "Ada Ng_12345_assignsubmission_file_", "Bob_23456_assignsubmission_file"
    path = make(f"{ada}/lab5.zip", f"{bob}/exp2.py", f"{bob}/final.pth", "Ada Ng_12345_assignsubmission_onlinetext/")
    assert found(path) == [("Ada Ng", f"class/{ada}/lab5.zip"), ("Bob", f"class/{bob}")]
    assert [one.student.identifier for one in expand(path)] == ["12345", "23456"]


def test_a_moodle_folder_alone_is_one_submission_whatever_is_in_it(make):
    folder = make("Ada Ng_12345_assignsubmission_file/picture.jpg") / "Ada Ng_12345_assignsubmission_file"
    assert [one.student.identifier for one in expand(folder)] == ["12345"]
    assert [one.student.identifier for one in expand(folder.parent)] == ["12345"]


def test_a_report_beside_the_zip_does_not_leave_the_zip_closed(make):
    folder = "Ada Ng_12345_assignsubmission_file"
    path = make(f"{folder}/lab5.zip", f"{folder}/report.pdf")
    assert found(path) == [("Ada Ng", f"class/{folder}/lab5.zip")]
    assert pieces(path) == {"Ada Ng": ["lab5.zip", "report.pdf"]}


def test_two_zips_in_one_students_folder_that_cannot_be_opened_are_two_attempts(make):
    folder = "Ada Ng_12345_assignsubmission_file"
    expected = [("Ada Ng", f"class/{folder}/a.zip"), ("Ada Ng", f"class/{folder}/b.zip")]
    assert found(make(f"{folder}/a.zip", f"{folder}/b.zip")) == expected


def test_a_gradescope_export_takes_names_from_its_metadata(make):
    path = make("assignment_9_export/submission_1/lab5.zip", "assignment_9_export/submission_2/exp2.py")
    metadata = "submission_1:\n  :submitters:\n  - {':name': Zoe, ':sid': '7'}\n  - {':name': Ada, ':sid': '8'}\n"
    (path / "assignment_9_export" / "submission_metadata.yml").write_text(metadata, encoding="utf-8")
    expected = [("submission_2", "submission_2"), ("Zoe, Ada", "submission_1/lab5.zip")]
    assert found(path) == [(name, f"class/assignment_9_export/{where}") for name, where in expected]
    assert found(path / "assignment_9_export") == [(name, f"assignment_9_export/{where}") for name, where in expected]
    assert [one.student.identifier for one in expand(path)] == ["", "7, 8"]


def test_a_gradescope_export_without_metadata_is_graded_under_its_folders_names(make):
    path = make("submission_1/exp2.py", "submission_2/lab5.zip")
    assert found(path) == [("submission_1", "class/submission_1"), ("submission_2", "class/submission_2/lab5.zip")]


def test_a_gradescope_submission_alone_takes_its_name_from_the_export_around_it(make):
    path = make("submission_1/exp2.py", "submission_2/lab5.zip")
    (path / "submission_metadata.yml").write_text(
        "submission_2:\n  :submitters:\n  - {':name': Zoe}\n", encoding="utf-8"
    )
    assert found(path / "submission_2") == [("Zoe", "submission_2/lab5.zip")]


def test_a_folder_with_nothing_but_a_written_report_is_a_submission(make):
    assert found(make("report.md", "pictures/a.png")) == [("class", "class")]


def test_a_folder_of_students_folders_is_a_class(make):
    path = make("README.md", "ada/exp2.py", "bob/lab5/final.pth", "eve/lab5.zip", "slides/picture.jpg")
    assert found(path) == [("ada", "class/ada"), ("bob", "class/bob"), ("eve", "class/eve/lab5.zip")]


def test_a_zip_unpacked_beside_itself_counts_once(make):
    assert found(make("ada.zip", "ada/exp2.py", "bob.zip")) == [("ada", "class/ada.zip"), ("bob", "class/bob.zip")]


def test_results_of_the_grader_are_not_submissions(make):
    path = make("ada.zip", "grades/ada/grade.json", "grades/ada/report.html", "ada-old/grade.json", "ada-old/a.md")
    assert found(path) == [("ada", "class/ada.zip")]
    with pytest.raises(BadLab, match="is output of the grader"):
        expand(path / "grades" / "ada")
    with pytest.raises(BadLab, match="Nothing to grade"):
        expand(path / "grades")


def test_a_submission_with_a_report_html_of_its_own_is_a_submission(make):
    assert found(make("exp2.py", "report.html")) == [("class", "class")]


def test_an_empty_folder_holds_nothing_to_grade(make):
    with pytest.raises(BadLab, match=r"Nothing to grade in .*class: no zip"):
        expand(make())


def test_the_current_folder_is_named(make, monkeypatch):
    monkeypatch.chdir(make("exp2.py"))
    assert [one.student.name for one in expand(type(make())("."))] == ["class"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_a_matter_for_staff(make):
    path = make("exp2.py")
    path.chmod(0)
    try:
        with pytest.raises(BadLab, match="cannot be read"):
            expand(path)
    finally:
        path.chmod(0o700)


def test_what_a_platform_writes_itself_is_not_said_to_be_left_over(make):
    about = "Lab 5_adang_attempt_2026-11-02-22-26-04"
    path = make(f"{about}_lab5.zip", f"{about}.txt", "index.html", "notes.txt")
    assert not_taken(path, expand(path)) == ("notes.txt",)


def test_two_zips_that_hold_zips_are_two_attempts(make, tmp_path):
    folder = make("Ada Ng_12345_assignsubmission_file/", "Li Wu_12346_assignsubmission_file/a.zip")
    for name in ("first.zip", "second.zip"):
        with zipfile.ZipFile(folder / "Ada Ng_12345_assignsubmission_file" / name, "w") as archive:
            archive.writestr("lab5/work.zip", name)
    assert [one.name for one in expand(folder)] == ["first.zip", "second.zip", "a.zip"]


def test_what_was_handed_in_again_later_under_its_name_is_an_earlier_attempt(make):
    first, second = (f"771-80{n} - Ada Ng - Nov {n}, 2026 926 PM" for n in (1, 2))
    path = make(
        f"{first}/lab5.zip", f"{first}/a.pdf", f"{second}/lab5.zip", "772-803 - Bob Li - Nov 1, 2026 926 PM/b.zip"
    )
    assert [
        (one.student.name, [piece.path.parent.name + "/" + piece.name for piece in one.pieces]) for one in expand(path)
    ] == [
        ("Ada Ng", [f"{first}/lab5.zip", f"{first}/a.pdf"]),
        ("Ada Ng", [f"{second}/lab5.zip", f"{first}/a.pdf"]),
        ("Bob Li", []),
    ]
    assert not_taken(path, expand(path)) == ()


def test_parts_that_were_all_handed_in_again_are_two_attempts_and_what_was_missing_is_added(make, tmp_path):
    start = "Lab 5_{}_attempt_2026-11-0{}-22-26-04_{}"
    names = [start.format("ada", day, part) for day in (1, 2) for part in ("code.zip", "weights.zip")]
    names += [start.format("bob", 1, "code.zip"), start.format("bob", 2, "weights.zip")]
    folder = make(*names)
    for name in names:
        with zipfile.ZipFile(folder / name, "w") as archive:
            archive.writestr("exp1.py" if "code" in name else "final.pth", name)
    found = [[piece.path.name for piece in one.pieces] for one in expand(folder)]
    assert found == [names[:2], names[2:4], names[4:]]


def test_the_folder_around_an_archive_that_says_nothing_says_whose_it_is(make):
    assert found(make("Ada Ng/submission.zip", "Ada Ng/report.pdf") / "Ada Ng") == [("Ada Ng", "Ada Ng/submission.zip")]
    assert found(make("b/ada.zip", "b/report.pdf") / "b") == [("ada", "b/ada.zip")]
    assert found(make("Bob/a.zip", "Bob/submission.zip") / "Bob") == [
        ("a", "Bob/a.zip"),
        ("submission", "Bob/submission.zip"),
    ]
