"""Files are there whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from grader.disk.whole import replacing, write_all, write_output, write_whole
from grader.records.errors import BadLab


def test_an_earlier_file_stays_until_the_new_one_is_complete(tmp_path):
    path = tmp_path / "grade.json"
    path.write_text("old", encoding="utf-8")
    with replacing(path) as (file,):
        file.write_text("new", encoding="utf-8")
        assert path.read_text("utf-8") == "old"
    assert path.read_text("utf-8") == "new"


def test_of_files_that_belong_together_none_is_replaced_where_one_fails(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("old", encoding="utf-8")
    with pytest.raises(RuntimeError), replacing(one, other) as (first, _):
        first.write_text("new", encoding="utf-8")
        raise RuntimeError
    assert (one.read_text("utf-8"), other.exists()) == ("old", False)
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_what_is_written_may_be_opened_by_its_kind_before_it_has_its_name(tmp_path):
    with replacing(tmp_path / "submission.zip") as (file,):
        assert file.suffix == ".zip"
        assert file.parent == tmp_path


def test_texts_of_any_letters_are_written_with_plain_line_ends(tmp_path):
    write_all({tmp_path / "a": "张三\n", tmp_path / "b": "half a pair: \ud800\n"})
    assert (tmp_path / "a").read_bytes() == "张三\n".encode()
    assert b"\\ud800" in (tmp_path / "b").read_bytes()


def test_an_input_is_never_written_over(tmp_path):
    (tmp_path / "export.csv").write_text("theirs", encoding="utf-8")
    (tmp_path / "link.csv").symlink_to(tmp_path / "export.csv")
    with pytest.raises(BadLab, match="--out"):
        write_output(tmp_path / "link.csv", b"ours", [tmp_path / "export.csv"])
    assert (tmp_path / "export.csv").read_text("utf-8") == "theirs"


# --- what a killed process left ----------------------------------------------------------------------------------

HALF = """
import sys
from pathlib import Path
from grader.disk.whole import replacing
with replacing(Path(sys.argv[1])) as (file,):
    file.write_text("hal")
    print(file.name, flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(os.name == "nt", reason="nothing is locked on Windows")
def test_what_a_killed_process_left_is_removed_when_the_file_is_written_again(tmp_path):
    path = tmp_path / "grade.json"
    others = [
        ".grade.json-notes.json",
        ".grade.json-0123456.json",
        "grade.json-01234567.json",
        ".other.json-abc_123d.json",
    ]
    for name in others:
        (tmp_path / name).write_text("a person's", "utf-8")
    run = subprocess.Popen([sys.executable, "-c", HALF, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    left = tmp_path / run.stdout.readline().strip()
    write_whole(path, "while the other lives")
    assert left.read_text("utf-8") == "hal"
    run.kill()
    run.communicate()
    assert left.exists()
    write_whole(path, "whole")
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted([*others, "grade.json"])
    assert path.read_text("utf-8") == "whole"
