"""Gradescope's metadata, honest, broken and hostile."""

import json

import pytest

from grader.intake import expand
from grader.intake.gradescope import AUTOGRADER_METADATA, METADATA, autograder_student, moment, students
from grader.records import Member, Student

HONEST = """---
submission_1:
  :submitters:
  - :name: Ada Ng
    :sid: '007'
    :email: ada@x.edu
  :created_at: 2024-11-02 22:26:04.000000000 Z
  :results: !ruby/hash:ActiveSupport::HashWithIndifferentAccess
    score: 3
submission_2:
  :submitters:
  - :name: Bob
    :sid: 0123
    :email: bob@x.edu
  - :name: "Eve\\e[31m"
    :sid:
    :email: eve@x.edu
submission_3:
  :submitters: []
"""


def test_submitters_are_read_and_groups_joined(tmp_path):
    (tmp_path / METADATA).write_text(HONEST, encoding="utf-8")
    assert students(tmp_path) == {
        "submission_1": Student("Ada Ng", "007", "gradescope", "ada@x.edu", submitted="2024-11-02T22:26:04+00:00"),
        "submission_2": Student(
            "Bob, Eve[31m",
            "0123",
            "gradescope",
            "bob@x.edu, eve@x.edu",
            members=(Member("Bob", "0123", "bob@x.edu"), Member("Eve[31m", "", "eve@x.edu")),
        ),
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a\n- b\n",
        "submission_1: 3",
        "submission_1:\n  :submitters: {}\n",
        "submission_1:\n  :submitters:\n  - 3\n  - {':name': ['x']}\n",
        "submission_1: [unclosed",
        "submission_1: *nothing",
        "? [a, b]\n: c\n",
        "? {a: b}\n: c\n",
        "[" * 100_000,
        "- " * 50_000,
        "\x00",
        "!!python/object/apply:os.system ['false']",
    ],
    ids=lambda text: text[:20].encode("unicode_escape").decode(),
)
def test_metadata_that_say_nothing_are_ignored(tmp_path, text):
    (tmp_path / METADATA).write_text(text, encoding="utf-8")
    assert students(tmp_path) == {}


def test_metadata_that_are_missing_or_not_text_are_ignored(tmp_path):
    assert students(tmp_path) == {}
    (tmp_path / METADATA).write_bytes(b"\xff\xfe\xfd")
    assert students(tmp_path) == {}


def test_metadata_that_are_too_large_are_ignored(tmp_path, monkeypatch):
    (tmp_path / METADATA).write_text(HONEST, encoding="utf-8")
    monkeypatch.setattr("grader.intake.gradescope.LARGEST_METADATA", 10)
    assert students(tmp_path) == {}


def test_without_libyaml_the_same_is_read(tmp_path, monkeypatch):
    monkeypatch.delattr("yaml.CBaseLoader", raising=False)
    (tmp_path / METADATA).write_text(HONEST, encoding="utf-8")
    assert len(students(tmp_path)) == 2
    (tmp_path / METADATA).write_text("[" * 100_000, encoding="utf-8")
    assert students(tmp_path) == {}


# --- times -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2024-11-02 22:26:04.204912000 Z", "2024-11-02T22:26:04+00:00"),
        ("2024-11-02 22:26:04 +08:00", "2024-11-02T22:26:04+08:00"),
        ("2018-07-01T14:22:32.365935-07:00", "2018-07-01T14:22:32-07:00"),
        ("2024-11-02 22:26:04 -0700", "2024-11-02T22:26:04-07:00"),
        ("2024-11-02 22:26:04", ""),
        ("2024-13-02 22:26:04 Z", ""),
        ("0001-01-01 00:00:00 +14:00", ""),
        ("٢٠٢٤-11-02 22:26:04 Z", ""),
        ("2024-11-02 22:26:04 Z" + "0" * 1000, ""),
        (None, ""),
        (["2024-11-02 22:26:04 Z"], ""),
    ],
)
def test_a_time_is_read_with_its_zone_or_not_at_all(written, read):
    assert moment(written) == read


# --- what an autograder is given -------------------------------------------------------------------------------

TOLD = {
    "created_at": "2018-07-01T14:22:32.365935-07:00",
    "assignment": {"due_date": "2018-07-01T14:00:00.000000-07:00"},
    "users": [{"name": "Ada Ng", "email": "ada@x.edu", "id": 12}],
}


@pytest.fixture
def autograder(tmp_path):
    """Write the metadata beside the submission, and give the submission."""

    def write(told: object) -> object:
        (tmp_path / "submission").mkdir()
        (tmp_path / "submission" / "final.pth").write_bytes(b"x")
        (tmp_path / AUTOGRADER_METADATA).write_text(
            told if isinstance(told, str) else json.dumps(told), encoding="utf-8"
        )
        return tmp_path / "submission"

    return write


def test_an_autograder_knows_whose_it_is_and_when_it_was_due(autograder):
    (archive,) = expand(autograder(TOLD))
    assert archive.student == Student(
        "Ada Ng", "", "gradescope", "ada@x.edu",
        submitted="2018-07-01T14:22:32-07:00", due="2018-07-01T14:00:00-07:00",
    )  # fmt: skip


def test_an_extension_of_a_student_is_the_deadline(autograder):
    user = {**TOLD["users"][0], "assignment": {"due_date": "2018-07-08T14:00:00.000000-07:00"}}
    assert autograder_student(autograder({**TOLD, "users": [user]})).due == "2018-07-08T14:00:00-07:00"


def test_the_latest_extension_of_a_group_counts_whatever_its_offset(autograder):
    dues = ("2018-07-08T23:00:00.000000-07:00", "2018-07-09T01:00:00.000000+00:00")
    users = [{"name": str(n), "email": "", "assignment": {"due_date": due}} for n, due in enumerate(dues)]
    assert autograder_student(autograder({**TOLD, "users": users})).due == "2018-07-08T23:00:00-07:00"


@pytest.mark.parametrize(
    "told", ["", "[" * 100_000, "3", "null", {}, {"users": 3}, {"users": [3]}, {"users": [{"name": ["x"]}]}]
)
def test_what_tells_nothing_is_ignored(autograder, told):
    assert autograder_student(autograder(told)) is None


def test_no_other_folder_is_taken_for_an_autograders(tmp_path):
    (tmp_path / AUTOGRADER_METADATA).write_text(json.dumps(TOLD), encoding="utf-8")
    (tmp_path / "ada").mkdir()
    assert autograder_student(tmp_path / "ada") is None
