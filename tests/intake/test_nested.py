"""Classes whose submissions lie deeper than one folder, and submissions that only look like a class."""

import os
from pathlib import Path

import pytest

from fixtures.stories.zips import Part, zip_bytes
from grader.intake import expand, open_submission
from grader.records.errors import BadLab

ADA_THEN, ADA_NOW = 1_790_000_000, 1_790_001_000


@pytest.fixture
def make(tmp_path):
    """Write files below tmp_path/class, each with its own path as its content; an archive holds a whole submission."""

    def make_them(*names, top="class"):
        for name in names:
            path = tmp_path / top / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(whole(name) if name.endswith(".zip") else name.encode())
            os.utime(path, (ADA_THEN, ADA_THEN))
        return tmp_path / top

    return make_them


def whole(owner):
    return zip_bytes(*(Part(name.encode(), owner.encode(), flags=0x800) for name in ("exp1.py", "final.pth")))


def found(path, names=None):
    """(name, number) of each submission."""
    return [(one.student.name, one.student.identifier) for one in expand(path, names)]


def content(path, tmp_path):
    """What the files of each submission hold: where they were written; by student, in order."""
    opened = []
    for number, archive in enumerate(expand(path)):
        submission = open_submission(archive, tmp_path / f"into{number}")
        texts = {(submission.root / file.path).read_text("utf-8") for file in submission.files}
        opened.append((archive.student.name, texts))
    return opened


@pytest.mark.parametrize(
    ("names", "students"),
    [
        (("Team_12/Ng_Ada_adang_678/20261102222604_lab5.zip", "Team_13/Li_Bob_bobli_679/20261102222604_a.zip"),
         [("Ada Ng", "adang"), ("Bob Li", "bobli")]),
        (("Team_12/Ng_Ada_adang_678/1_lab5.zip", "Team_12/Li_Bob_bobli_679/2_lab5.zip"),
         [("Ada Ng", "adang"), ("Bob Li", "bobli")]),
        (("Ng_Ada_adang_678/20261102222604_lab5.zip",), [("Ada Ng", "adang")]),
        (("Section A/Ada Ng/submission.zip", "Section A/Cy Dee/x.zip", "Section B/Bob Li/submission.zip"),
         [("Ada Ng", ""), ("Bob Li", ""), ("Cy Dee", "")]),
        (("2026/Section A/Ada Ng/exp1.py", "2026/Section A/Cy Dee/exp1.py", "2026/Section B/Bob Li/exp1.py"),
         [("Ada Ng", ""), ("Bob Li", ""), ("Cy Dee", "")]),
        (("Tutorium Huber/Ada Ng/a.zip", "Tutorium Huber/Bob Li/a.zip", "Tutorium Huber/Cy Dee/a.zip"),
         [("Ada Ng", ""), ("Bob Li", ""), ("Cy Dee", "")]),
        (("A/ngada_101_9001_a.zip", "A/lee_102_9002_a.zip", "B/li_103_9003_a.zip"),
         [("lee", "102"), ("li", "103"), ("ngada", "101")]),
        (("A/ngada_101_9001_a.zip", "A/lee_102_9002_a.zip", "A/notes.pdf", "B/li_103_9003_a.zip", "B/wu_104_9004_a.py"),
         [("lee", "102"), ("li", "103"), ("ngada", "101"), ("wu", "104")]),
        (("A/Ada Ng_123_assignsubmission_file/a.zip", "B/Bob Li_124_assignsubmission_file/a.zip"),
         [("Ada Ng", "123"), ("Bob Li", "124")]),
        (("download/Ada Ng_123_assignsubmission_file/a.zip", "download/Bob Li_124_assignsubmission_file/a.zip"),
         [("Ada Ng", "123"), ("Bob Li", "124")]),
        (("submissions/ada.zip", "submissions/bob.zip"), [("ada", ""), ("bob", "")]),
        (("submissions/Ada Ng/a.zip", "submissions/Bob Li/final.pth"), [("Ada Ng", ""), ("Bob Li", "")]),
        (("A/lab5-submissions/lab5-adang/exp1.py", "A/lab5-submissions/lab5-bobli/exp1.py"),
         [("adang", "adang"), ("bobli", "bobli")]),
    ],
)  # fmt: skip
def test_students_are_found_in_sections_teams_and_folders_around_a_download(make, names, students):
    assert found(make(*names)) == students


@pytest.mark.parametrize(
    "names",
    [
        ("Ada Ng/abgabe/final/exp1.py", "Ada Ng/abgabe/final/final.pth"),
        ("Ada Ng/code/exp1.py", "Ada Ng/weights/final.pth"),
        ("Ada Ng/exp1/exp1.py", "Ada Ng/exp2/exp2.py", "Ada Ng/exp2/final.pth"),
        ("Ada Ng/code/exp1.py", "Ada Ng/library/cat/a.jpg"),
        ("Ada Ng/exp1.py", "Ada Ng/resnet_100_128_run.py"),
        ("Ada Ng/report.md",),
    ],
)
def test_a_students_folders_are_one_submission_however_deep(make, tmp_path, names):
    (ada, bob) = content(make(*names, "Bob Li/exp1.py"), tmp_path)
    assert ada == ("Ada Ng", set(names))
    assert bob == ("Bob Li", {"Bob Li/exp1.py"})


def test_folders_of_parts_alone_are_one_submission_under_the_name_that_was_given(make, tmp_path):
    names = {"exp1/exp1.py", "exp2/exp2.py", "exp2/final.pth"}
    assert content(make(*names, top="Ada Ng"), tmp_path) == [("Ada Ng", names)]


def test_numbered_folders_with_the_same_files_are_several_students(make):
    assert found(make("1/final.pth", "2/final.pth")) == [("1", ""), ("2", "")]


@pytest.mark.parametrize(
    ("names", "students"),
    [
        (("ngada_101_9001_a.zip", "lee_102_9002_a.zip"), [("lee", "102"), ("ngada", "101")]),
        (("ada.zip", "bob.zip"), [("ada", ""), ("bob", "")]),
    ],
)
def test_an_instructors_solution_beside_a_classs_archives_does_not_make_them_one_submission(make, names, students):
    assert found(make(*names, "exp2.py", "final.pth")) == students


def test_a_students_archives_beside_the_work_are_no_class(make, tmp_path):
    path = make("exp1.py", top="Ada Ng")
    (path / "alexnet.zip").write_bytes(zip_bytes(Part(b"features.npz", b"f")))
    (path / "muon.zip").write_bytes(zip_bytes(Part(b"final.pth", b"w")))
    assert found(path) == [("Ada Ng", "")]


def test_what_the_grader_wrote_is_no_submission_with_a_roster_beside_it_or_not(make):
    written = ("grades/roster.json", "grades/ada/grade.json", "grades/ada/report.html", "grades/ada/evidence.json")
    assert found(make("ada.zip", "bob.zip", *written, "grades/ada/attempts/1/grade.json")) == [("ada", ""), ("bob", "")]


def test_attempts_come_in_the_order_in_which_they_were_written_whatever_they_are_called(make, tmp_path):
    start = "Ada Ng_123_assignsubmission_file"
    path = make(f"{start}/a_final.zip", f"{start}/b_old.zip", f"{start}/lab_v9.zip", f"{start}/lab_v10.zip")
    os.utime(path / start / "a_final.zip", (ADA_NOW, ADA_NOW))
    order = [text for _, texts in content(path, tmp_path) for text in texts]
    assert order == [f"{start}/{name}.zip" for name in ("b_old", "lab_v9", "lab_v10", "a_final")]


def test_folders_deeper_than_any_class_are_not_followed(make):
    deep = "/".join(["a"] * 200)
    with pytest.raises(BadLab, match="Nothing to grade"):
        expand(make(f"{deep}/final.pth"))


def test_logins_with_an_underscore_are_never_taken_for_one_student(make, tmp_path):
    start = "Lab 5_{}_attempt_2026-11-01-22-26-04{}"
    path = make(start.format("ada_ng", "_a.zip"), start.format("bob_ng", "_a.zip"))
    assert found(path) == [("Lab 5_ada_ng", ""), ("Lab 5_bob_ng", "")]
    for name, login in (("Ada Ng", "ada_ng"), ("Bob Ng", "bob_ng")):
        Path(path / start.format(login, ".txt")).write_text(f"Name: {name} ({login})\n", encoding="utf-8")
    assert found(path) == [("Ada Ng", "ada_ng"), ("Bob Ng", "bob_ng")]


@pytest.mark.parametrize("moment", ["3 November, 2026 826 AM", "03 november 2026 0826", "3 novembre 2026 08h26"])
def test_brightspace_is_known_in_other_languages(make, moment):
    assert found(make(f"133-8 - Ada Ng - {moment}/a.zip", f"134-8 - Bob Li - {moment}/a.zip", "index.html")) == [
        ("Ada Ng", "133"), ("Bob Li", "134"),
    ]  # fmt: skip


def test_archives_of_one_name_in_two_attempts_are_both_there(make, tmp_path):
    first, second = (f"133-8 - Ada Ng - Nov {day}, 2026 926 PM/a.zip" for day in (2, 12))
    assert content(make(first, second), tmp_path) == [("Ada Ng", {first}), ("Ada Ng", {second})]


@pytest.mark.parametrize(
    ("names", "count"), [(("code.7z", "weights.zip"), 1), (("a.7z", "b.tar.gz"), 1), (("lab5.7z", "lab5-1.7z"), 2)]
)
def test_archives_that_only_the_sandbox_can_list_are_attempts_only_where_their_names_count(make, names, count):
    start = "Ada Ng_123_assignsubmission_file"
    assert len(found(make(*(f"{start}/{name}" for name in names)))) == count
