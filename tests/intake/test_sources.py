"""Several files that are one submission, and archives inside."""

from pathlib import Path

import pytest

from fixtures.stories.zips import Part, zip_bytes
from grader.intake import Archive, expand, open_submission
from grader.intake.archive import Piece
from grader.records import Student, in_question
from grader.records.errors import BadSubmission

WORK = {"exp2.py": b"1", "final.pth": b"w"}


def zipped(files):
    return zip_bytes(*(Part(name.encode(), data, flags=0x800) for name, data in files.items()))


@pytest.fixture
def handed_in(tmp_path):
    """Write files, and open them as one submission of one student; the paths of its files."""

    def open_them(files, names=None):
        pieces = []
        for name, data in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            pieces.append(Piece(path, (names or {}).get(name, name)))
        return open_submission(Archive(pieces[0].path, Student("Ada"), tuple(pieces)), tmp_path / "into")

    return open_them


def paths(submission):
    return [file.path for file in submission.files]


def said(submission):
    return " ".join(note.english() for note in submission.notes)


def test_loose_files_are_one_submission_under_the_students_names(handed_in):
    files = {"ada_1_2_exp2.py": b"1", "ada_1_3_final.pth": b"w"}
    submission = handed_in(files, {"ada_1_2_exp2.py": "exp2.py", "ada_1_3_final.pth": "final.pth"})
    assert paths(submission) == ["exp2.py", "final.pth"]
    assert submission.archive == "ada_1_2_exp2.py, ada_1_3_final.pth"


def test_the_digest_of_several_files_follows_from_all_of_them(handed_in, tmp_path):
    first = handed_in({"exp2.py": b"1", "final.pth": b"w"}).digest
    for file in (tmp_path / "into").iterdir():
        file.unlink()
    assert first != handed_in({"exp2.py": b"2", "final.pth": b"w"}).digest


def test_a_zip_and_the_report_beside_it_are_one_submission(handed_in):
    submission = handed_in(
        {"lab5.zip": zipped({f"lab5/{name}": data for name, data in WORK.items()}), "report.pdf": b"r"}
    )
    assert paths(submission) == ["exp2.py", "final.pth", "report.pdf"]
    assert submission.parts.reports == ("report.pdf",)
    assert "Opened the archives inside: lab5.zip." in said(submission)


def test_a_report_beside_a_zip_with_a_report_of_that_name_is_kept_as_well(handed_in):
    submission = handed_in({"lab5.zip": zipped({**WORK, "report.pdf": b"1"}), "report.pdf": b"2"})
    assert submission.parts.reports == ("report.pdf", "beside/report.pdf")


def test_the_zip_in_a_zip_is_opened_with_what_lies_beside_it(opened):
    submission = opened({"hand-in/lab5.zip": zipped(WORK), "hand-in/report.md": b"r"})
    assert paths(submission) == ["exp2.py", "final.pth", "hand-in/report.md"]


def test_archives_that_are_parts_of_one_submission_are_put_together(handed_in):
    submission = handed_in({"code.zip": zipped({"code/exp2.py": b"1"}), "weights.zip": zipped({"final.pth": b"w"})})
    assert paths(submission) == ["exp2.py", "final.pth"]


def test_a_part_that_cannot_be_opened_does_not_cost_the_others(handed_in):
    submission = handed_in({"code.zip": zipped({"exp2.py": b"1"}), "weights.zip": b"PK\x03\x04 cut off"})
    assert paths(submission) == ["exp2.py"]
    assert "weights.zip was not opened. weights.zip is damaged or truncated." in said(submission)


def test_archives_of_two_students_in_one_zip_are_not_mixed(refused):
    one, other = zipped({"exp1.py": b"1"}), zipped({"exp2.py": b"2", "final.pth": b"w"})
    assert "contains only other archives (ada.zip)" in refused({"ada.zip": one, "bob.zip": other})


def test_two_archives_with_the_same_file_in_one_zip_are_refused(refused):
    sentence = refused({"lab5.zip": zipped(WORK), "lab5-final.zip": zipped(WORK)})
    assert "lab5.zip and lab5-final.zip were handed in together, and exp2.py is in both" in sentence


def test_a_library_packed_by_itself_is_put_in_its_place(opened):
    inside = {"0/a.jpg": b"j", "1/b.jpg": b"j", "labels.txt": b"t"}
    submission = opened({**{f"lab5/{name}": data for name, data in WORK.items()}, "lab5/library.zip": zipped(inside)})
    assert paths(submission) == ["exp2.py", "final.pth", "library/0/a.jpg", "library/1/b.jpg"]


def test_an_old_copy_beside_the_work_stays_closed(opened):
    assert paths(opened({**WORK, "old.zip": zipped({"exp2.py": b"0"})})) == ["exp2.py", "final.pth", "old.zip"]


def test_work_in_an_archive_beside_other_work_is_part_of_it(opened):
    submission = opened(
        {"exp2.py": b"1", "weights.zip": zipped({"weights/final.pth": b"w", "weights/models.py": b"m"})}
    )
    assert paths(submission) == ["exp2.py", "final.pth", "models.py"]


def test_a_report_in_an_archive_beside_the_work_is_read(opened):
    assert opened({**WORK, "report.zip": zipped({"report.pdf": b"r"})}).parts.reports == ("report.pdf",)


def test_an_archive_beside_the_work_that_cannot_be_opened_may_hold_what_is_missing(opened):
    submission = opened({"exp2.py": b"1", "weights.zip": b"PK\x03\x04 cut off"})
    assert [(one.path, one.state) for one in submission.left_out] == [("weights.zip", "closed")]
    assert in_question("final.pth", submission.files, submission.left_out) is not None
    assert in_question("exp2.py", submission.files, submission.left_out) is None


def test_the_limits_hold_for_what_is_inside(opened):
    bomb = zipped({f"{n}.py": b"" for n in range(2_001)})
    with pytest.raises(BadSubmission, match="at most 2,000 are allowed"):
        opened({"lab5.zip": bomb})


def test_a_name_that_leads_out_of_an_inner_archive_is_refused(refused):
    assert "points outside the submission" in refused({"lab5.zip": zipped({"../exp2.py": b"1", "a/b.py": b"2"})})


def test_an_archive_three_deep_is_refused(refused):
    assert "contains only other archives" in refused({"a.zip": zipped({"b.zip": zipped({"c.zip": zipped(WORK)})})})


@pytest.fixture
def class_of(tmp_path):
    """Write the files of a class's download."""

    def write(files):
        for name, data in files.items():
            path = tmp_path / "class" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return tmp_path / "class"

    return write


def found(folder: Path):
    return [(one.student.name, [piece.name for piece in one.pieces] or one.name) for one in expand(folder)]


def test_two_complete_zips_of_one_student_are_two_attempts_and_the_report_goes_with_the_last(class_of):
    folder = "Ada_12345_assignsubmission_file"
    path = class_of({f"{folder}/a.zip": zipped(WORK), f"{folder}/b.zip": zipped(WORK), f"{folder}/report.pdf": b""})
    assert found(path) == [("Ada", "a.zip"), ("Ada", ["b.zip", "report.pdf"])]


def test_zips_that_share_no_work_are_one_attempt(class_of):
    folder = "Ada_12345_assignsubmission_file"
    parts = {"code.zip": {"exp2.py": b"1", "models.py": b"m"}, "rest.zip": {"final.pth": b"w", "models.py": b"m"}}
    path = class_of({f"{folder}/{name}": zipped(files) for name, files in parts.items()})
    assert found(path) == [("Ada", ["code.zip", "rest.zip"])]


def test_what_was_written_on_the_platform_belongs_to_the_submission(class_of):
    work, text = "Ada_12345_assignsubmission_file", "Ada_12345_assignsubmission_onlinetext"
    path = class_of({f"{work}/lab5.zip": zipped(WORK), f"{text}/onlinetext.html": b"<p>84.6 %</p>"})
    assert found(path) == [("Ada", ["lab5.zip", "onlinetext.html"])]


def test_a_folder_of_two_students_zips_is_a_part_of_the_class(class_of):
    path = class_of({"section 1/ada.zip": zipped(WORK), "section 1/bob.zip": zipped(WORK), "eve.zip": zipped(WORK)})
    assert found(path) == [("ada", "ada.zip"), ("bob", "bob.zip"), ("eve", "eve.zip")]


def test_zips_named_after_the_folders_student_are_the_students(class_of):
    path = class_of(
        {"ada/ada_code.zip": zipped({"exp2.py": b""}), "ada/ada_pth.zip": zipped({"final.pth": b""}), "eve.zip": b""}
    )
    assert found(path) == [("ada", ["ada_code.zip", "ada_pth.zip"]), ("eve", "eve.zip")]


def test_an_archive_with_a_file_that_lies_beside_it_may_hold_what_is_missing(opened):
    submission = opened({"exp2.py": b"new", "lab5.zip": zipped({"exp2.py": b"old", "final.pth": b"w"})})
    assert paths(submission) == ["exp2.py"]
    assert "lab5.zip was not opened, because exp2.py is in it and beside it." in said(submission)
    assert in_question("final.pth", submission.files, submission.left_out) is not None
