"""Gradescope's metadata, honest, broken and hostile."""

import pytest

from grader.intake.gradescope import METADATA, students
from grader.records import Student

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
    (tmp_path / METADATA).write_text(HONEST)
    assert students(tmp_path) == {
        "submission_1": Student("Ada Ng", "007", "gradescope", "ada@x.edu", submitted="2024-11-02T22:26:04+00:00"),
        "submission_2": Student("Bob, Eve[31m", "0123", "gradescope", "bob@x.edu, eve@x.edu"),
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
    (tmp_path / METADATA).write_text(text)
    assert students(tmp_path) == {}


def test_metadata_that_are_missing_or_not_text_are_ignored(tmp_path):
    assert students(tmp_path) == {}
    (tmp_path / METADATA).write_bytes(b"\xff\xfe\xfd")
    assert students(tmp_path) == {}


def test_metadata_that_are_too_large_are_ignored(tmp_path, monkeypatch):
    (tmp_path / METADATA).write_text(HONEST)
    monkeypatch.setattr("grader.intake.gradescope.LARGEST_METADATA", 10)
    assert students(tmp_path) == {}


def test_without_libyaml_the_same_is_read(tmp_path, monkeypatch):
    monkeypatch.delattr("yaml.CBaseLoader", raising=False)
    (tmp_path / METADATA).write_text(HONEST)
    assert len(students(tmp_path)) == 2
    (tmp_path / METADATA).write_text("[" * 100_000)
    assert students(tmp_path) == {}
