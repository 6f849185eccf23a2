"""Names of platforms, read."""

import pytest

from grader.intake.platforms import student_of
from grader.intake.whose import clean, group, identifies
from grader.records import Member, Student


@pytest.mark.parametrize(
    ("name", "student"),
    [
        ("ngada_12345_67890_lab5.zip", Student("ngada", "12345", "canvas")),
        ("ngada_LATE_12345_67890_lab5.zip", Student("ngada", "12345", "canvas", late=True)),
        ("ngada_12345_67890_my_lab_5-1.zip", Student("ngada", "12345", "canvas")),
        ("anon_12345_67890_lab5.zip", Student("anon 12345", "12345", "canvas")),
        ("anon_LATE_a1B2c_67890_lab5.zip", Student("anon a1B2c", "a1B2c", "canvas", late=True)),
        ("anon_LATE_12345_67890_lab5.zip", Student("anon 12345", "12345", "canvas", late=True)),
        ("Ada Ng_12345_assignsubmission_file", Student("Ada Ng", "12345", "moodle")),
        ("Ada Ng_12345_assignsubmission_file_", Student("Ada Ng", "12345", "moodle")),
        ("Ada Ng_12345_assignsubmission_file_lab5.zip", Student("Ada Ng", "12345", "moodle")),
        ("Ada_Ng_12345_assignsubmission_file_", Student("Ada_Ng", "12345", "moodle")),
        ("王小明-实验五.zip", Student("王小明-实验五")),
        ("ada.tar.gz", Student("ada")),
        ("lab5_2024_11_final.zip", Student("lab5_2024_11_final", guessed=True)),
    ],
)
def test_a_name_tells_whose_it_is(name, student):
    assert student_of(name) == student


def test_names_are_composed_trimmed_and_rid_of_what_cannot_be_seen():
    assert clean("  Rene\u0301\u202e\x1b[31m \t Ng\u200b\n") == "René[31m Ng"


@pytest.mark.parametrize("name", ["", "  ", "\u200b", ".", "..", "\x00"])
def test_a_name_is_never_empty_nor_a_folders(name):
    assert clean(name) == "unnamed"


def test_a_name_is_capped_at_200_characters():
    assert clean("x" * 100_000) == "x" * 200
    assert clean("x" * 199 + " y") == "x" * 199


def test_a_groups_names_ids_and_addresses_are_joined():
    members = [Student("Ada", "1", "gradescope", "a@x.edu"), Student("Bob", "", "gradescope", "b@x.edu", late=True)]
    assert group(members) == Student(
        "Ada, Bob", "1", "gradescope", "a@x.edu, b@x.edu", late=True,
        members=(Member("Ada", "1", "a@x.edu"), Member("Bob", "", "b@x.edu")),
    )  # fmt: skip


def test_no_member_of_a_group_is_cut_off():
    members = [Student("N" * 90 + str(n), str(n) * 60, "gradescope", "a" * 70 + f"{n}@x.edu") for n in range(5)]
    joined = group(members)
    assert [(one.name, one.identifier, one.email) for one in joined.each] == [
        (one.name, one.identifier, one.email) for one in members
    ]
    assert all(one.name in joined.name for one in members)


def test_a_group_of_one_is_that_student():
    assert group([Student("Ada", "1", "gradescope")]) == Student("Ada", "1", "gradescope")


@pytest.mark.parametrize(
    "name",
    [
        "submission.zip", "final.zip", "lab5.zip", "Lab 5 (2).zip", "hw3_final_v2.zip", "project-2026.zip", "001.zip",
        "lab5-main.zip", "drive-download-20261129T101010Z-001.zip", "CNNLab5.zip", "mysubmission.zip", "CS231n_PA2.zip",
        "20261129.zip", "deeplearning.zip", "Neuer Ordner.zip", "期末作业.zip", "übung5.zip", "cifar10-classifier.zip",
        "cifar10.zip", "作业.zip", "实验五.zip", "第3次作业.zip", "新建文件夹.zip", "New folder.zip", "Abgabe_3.zip",
    ],
)  # fmt: skip
def test_a_generic_name_identifies_nobody(name):
    assert not identifies(name)
    assert student_of(name).guessed


@pytest.mark.parametrize(
    "name",
    [
        "ada.zip",
        "ada-lab5.zip",
        "lab5_王小明.zip",
        "20231234567.zip",
        "s12345.zip",
        "an_wang_final.zip",
        "Deepak.zip",
        "Tina_Model.zip",
    ],
)
def test_a_name_or_a_students_number_identifies_somebody(name):
    assert identifies(name)
    assert not student_of(name).guessed


def test_the_folder_around_a_generic_name_is_a_better_guess():
    assert student_of("submission.zip", around="ada") == Student("ada", guessed=True)
    assert student_of("submission.zip", around="Downloads") == Student("submission", guessed=True)
    assert student_of("bob.zip", around="ada") == Student("bob")


def test_a_second_download_of_a_file_is_the_same_students():
    assert student_of("ada (1).zip") == student_of("ada.zip")
