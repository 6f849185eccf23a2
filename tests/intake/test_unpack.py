"""Writing to disk: all or nothing, counted while writing, and our faults distinguished from the student's."""

import errno
import hashlib
import os

import pytest

from grader.intake import Archive, Limits, open_submission
from grader.records import Student
from grader.records.errors import BadLab


def names(submission):
    return [file.path for file in submission.files]


def test_an_ordinary_deflated_zip_is_unpacked_unchanged(opened, zip_of, part):
    submission = opened(zip_of(part(b"exp2.py", b"print()\n" * 1000, method=8), part(b"final.pth", b"w")))
    assert names(submission) == ["exp2.py", "final.pth"]
    assert (submission.root / "exp2.py").read_bytes() == b"print()\n" * 1000
    assert [file.size for file in submission.files] == [8000, 1]
    assert submission.size == 8001
    assert submission.notes == ()


def test_the_digest_is_that_of_the_zips_bytes(opened, zip_of, part):
    content = zip_of(part(b"a.py", b"1"))
    submission = opened(content)
    assert submission.digest == hashlib.sha256(content).hexdigest()
    assert submission.archive == "lab5.zip"
    assert submission.student == Student("Ada Ng")


def test_a_zip_that_is_gone_is_a_matter_for_staff(tmp_path):
    with pytest.raises(BadLab, match="cannot be read"):
        open_submission(Archive(tmp_path / "gone.zip", Student("x")), tmp_path / "into")
    assert list((tmp_path / "into").iterdir()) == []


def test_real_bytes_are_counted_while_writing(refused, monkeypatch, zip_of, part):
    monkeypatch.setattr("grader.intake.unpack.select", _trusting_select)
    sentence = refused(zip_of(part(b"a.bin", b"x" * 600), part(b"b.bin", b"x" * 600)), Limits(1000, 700))
    assert "b.bin takes the submission over" in sentence
    assert "c.bin is" in refused(zip_of(part(b"c.bin", b"x" * 800)), Limits(1000, 700))


def test_a_file_that_turns_out_too_large_costs_itself(left, monkeypatch, zip_of, part):
    monkeypatch.setattr("grader.intake.unpack.select", _trusting_select)
    assert "c.bin is" in left(zip_of(part(b"a.py"), part(b"c.bin", b"x" * 800)), Limits(1000, 700))["c.bin"][1]


def test_a_full_disk_is_a_matter_for_staff_and_leaves_nothing_behind(opened, zip_of, part, monkeypatch, tmp_path):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(BadLab, match=r"cannot be written: No space left on device\. Free some space"):
        opened(zip_of(part(b"a.py", b"1")))
    assert list((tmp_path / "into").iterdir()) == []


def test_an_interruption_leaves_nothing_behind(opened, zip_of, part, monkeypatch, tmp_path):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("grader.intake.unpack.sort_parts", interrupt)
    with pytest.raises(KeyboardInterrupt):
        opened(zip_of(part(b"d/a.py", b"1")))
    assert list((tmp_path / "into").iterdir()) == []


def test_a_folder_that_is_not_empty_is_never_unpacked_into(opened, zip_of, part, tmp_path):
    (tmp_path / "into").mkdir()
    (tmp_path / "into" / "mine").write_text("1", encoding="utf-8")
    with pytest.raises(ValueError, match="not empty"):
        opened(zip_of(part(b"a.py", b"1")))
    assert (tmp_path / "into" / "mine").read_text("utf-8") == "1"


def _trusting_select(entries, limits):
    """Let the listing's declared sizes pass, as if they were false."""
    from grader.intake.selection import select

    return select(entries, Limits())
