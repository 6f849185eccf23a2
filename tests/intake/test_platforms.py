"""Names that platforms write, and names of an instructor's own."""

import pytest

from grader.intake import expand
from grader.intake.platforms import own_form, together, upload
from grader.records import Student
from grader.records.errors import BadLab


@pytest.mark.parametrize(
    ("name", "student", "file"),
    [
        ("ngada_12345_67890_exp1.py", Student("ngada", "12345", "canvas"), "exp1.py"),
        ("ngada_LATE_12345_text.html", Student("ngada", "12345", "canvas", late=True), "text.html"),
        ("Ada Ng_12345_assignsubmission_onlinetext", Student("Ada Ng", "12345", "moodle"), ""),
        ("Ada Ng_12345_assignsubmission_file_lab5.zip", Student("Ada Ng", "12345", "moodle"), "lab5.zip"),
        ("Lab 5_adang_attempt_2026-11-02-22-26-04_my_lab.zip", Student("adang", "adang", "blackboard"), "my_lab.zip"),
        ("Lab_5_adang_attempt_2026-11-02-22-26-04.txt", Student("adang", "adang", "blackboard"), ""),
        ("133-805 - Ada Ng - Nov 2, 2026 926 PM - Ng - 5.zip", Student("Ada Ng", "133", "brightspace"), "Ng - 5.zip"),
        ("133-805 - Ada Ng - Nov 12, 2026 1026 PM", Student("Ada Ng", "133", "brightspace"), ""),
    ],
)
def test_a_platforms_name_tells_the_student_and_the_file(name, student, file):
    found = upload(name)
    assert (found.student, found.file) == (student, file)


def test_times_in_names_tell_later_from_earlier():
    names = [
        "1-2 - Ada - Nov 2, 2026 926 AM - a",
        "1-3 - Ada - Nov 2, 2026 1226 PM - a",
        "1-4 - Ada - Dec 1, 2026 108 AM - a",
    ]
    orders = [upload(name).order for name in names]
    assert orders == sorted(orders)
    assert "" not in orders


def test_uploads_to_canvas_are_counted_as_numbers():
    assert upload("ada_123_9999_a.py").order < upload("ada_123_10000_a.py").order


def test_folders_of_ilias_are_known_only_where_all_are_of_that_form():
    form = together("Lab 5", ["Ng_Ada_adang_678", "Li_Bob_bobli_679"])
    assert form.read("Ng_Ada_adang_678").student == Student("Ada Ng", "adang", "ilias")
    assert together("Lab 5", ["Ng_Ada_adang_678", "lab5_final_v2_2024", "slides"]) is None


def test_clones_of_github_classroom_are_known_by_the_folder_around_them():
    form = together("lab5-submissions", ["lab5-adang", "lab5-bob-li"])
    assert form.read("lab5-bob-li").student == Student("bob-li", "bob-li", "github")
    assert together("lab5-submissions", ["lab5-adang", "other"]) is None


@pytest.mark.parametrize(
    ("pattern", "name", "student"),
    [
        ("{id}_{name}_{rest}", "20231234_Ada Ng_lab5.zip", Student("Ada Ng", "20231234")),
        ("{name}-{id}", "Ada-Lovelace-20231234", Student("Ada-Lovelace", "20231234")),
        ("{last}_{first}_{id}_{file}", "Ng_Ada_2023_exp1.py", Student("Ada Ng", "2023")),
        ("lab5 ({email}).zip", "Lab5 (ada@x.edu).zip", Student("ada@x.edu", email="ada@x.edu")),
        ("{id}{name}", "20231234王小明", Student("王小明", "20231234")),
        ("{id}_{name}", "20231234_Ada Ng.zip", Student("Ada Ng", "20231234")),
        ("{name}_{id}", "Ada Ng_a.2023.TAR.GZ", Student("Ada Ng", "a.2023")),
        ("{name} {email}", "Ada ada@x.edu.zip", Student("Ada", email="ada@x.edu")),
        ("{email}{rest}", "ada@x.edu_lab5.zip", Student("ada@x.edu", email="ada@x.edu")),
    ],
)
def test_a_pattern_of_ones_own_is_read(pattern, name, student):
    assert own_form(pattern).read(name).student == student


@pytest.mark.parametrize("pattern", ["{nmae}_{id}", "{rest}", "lab5.zip", "{id}_{id}", ""])
def test_a_pattern_that_is_not_understood_is_refused(pattern):
    with pytest.raises(BadLab, match="is not understood"):
        own_form(pattern)


def test_a_pattern_comes_before_the_platforms(tmp_path):
    (tmp_path / "20231234_Ada Ng_12345_lab5.zip").write_bytes(b"PK")
    (tmp_path / "slides.zip").write_bytes(b"PK")
    found = [(one.student.name, one.student.identifier) for one in expand(tmp_path, own_form("{id}_{name}_{rest}"))]
    assert found == [("Ada Ng", "20231234"), ("slides", "")]


def test_what_several_names_share_is_nobodys_number_whatever_the_pattern_says(tmp_path):
    for name in ("lab5_ada.zip", "lab5_bob.zip"):
        (tmp_path / name).write_bytes(b"PK")
    found = [(one.student.name, one.student.identifier) for one in expand(tmp_path, own_form("{id}_{name}"))]
    assert found == [("ada lab5", ""), ("bob lab5", "")]


def test_blackboards_text_gives_the_name_and_is_not_part_of_the_work(tmp_path):
    start = "Lab 5_adang_attempt_2026-11-02-22-26-04"
    (tmp_path / f"{start}.txt").write_text("Name: Ada Ng (adang)\nAssignment: Lab 5\n", encoding="utf-8")
    (tmp_path / f"{start}_exp1.py").write_text("1", encoding="utf-8")
    (tmp_path / f"{start}_final.pth").write_text("1", encoding="utf-8")
    (one,) = expand(tmp_path)
    assert one.student == Student("Ada Ng", "adang", "blackboard")
    assert [piece.name for piece in one.pieces] == ["exp1.py", "final.pth"]


def test_a_second_attempt_on_brightspace_comes_after_the_first(tmp_path):
    for when in ("Nov 2, 2026 926 PM", "Nov 12, 2026 1026 AM"):
        (tmp_path / f"133-{len(when)} - Ada Ng - {when}").mkdir()
        (tmp_path / f"133-{len(when)} - Ada Ng - {when}" / "final.pth").write_text(when, encoding="utf-8")
    (one,) = expand(tmp_path)
    assert [piece.path.read_text(encoding="utf-8") for piece in one.pieces] == ["Nov 12, 2026 1026 AM"]


def test_ilias_puts_the_time_before_a_files_name(tmp_path):
    for name in ("Ng_Ada_adang_678", "Li_Bob_bobli_679"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "20261102222604_exp1.py").write_text("1", encoding="utf-8")
    found = [(one.student.name, [piece.name for piece in one.pieces]) for one in expand(tmp_path)]
    assert found == [("Ada Ng", ["exp1.py"]), ("Bob Li", ["exp1.py"])]
