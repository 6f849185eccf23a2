"""A folder is read by the same rules as a zip, and copied."""

import hashlib
import os

import pytest

from grader.intake import Archive, Limits, file_digest, open_submission
from grader.intake.folders import open_folder
from grader.records import Student
from grader.records.errors import BadLab


@pytest.fixture
def folder(tmp_path):
    top = tmp_path / "Ada Ng"
    (top / "lab5" / "library" / "0").mkdir(parents=True)
    (top / "lab5" / "final.pth").write_bytes(b"w")
    (top / "lab5" / "library" / "0" / "a.jpg").write_bytes(b"jpg")
    return top


def names(submission):
    return [file.path for file in submission.files]


def test_a_folder_is_copied_so_that_it_cannot_change_under_the_grader(opened, folder):
    submission = opened(folder)
    (folder / "lab5" / "final.pth").write_bytes(b"other")
    assert (submission.root / "final.pth").read_bytes() == b"w"
    assert names(submission) == ["final.pth", "library/0/a.jpg"]
    assert submission.archive == "Ada Ng"


def test_the_digest_of_a_folder_is_that_of_its_paths_and_contents(opened, folder):
    lines = [(b"w", "lab5/final.pth"), (b"jpg", "lab5/library/0/a.jpg")]
    listing = "".join(f"{hashlib.sha256(data).hexdigest()}  {path}\n" for data, path in sorted(lines, key=str))
    digests = sorted(listing.splitlines(keepends=True), key=lambda line: line.split("  ")[1])
    assert opened(folder).digest == hashlib.sha256("".join(digests).encode()).hexdigest()


def test_the_digest_of_a_folder_ignores_what_is_left_out(opened, folder, tmp_path):
    before = opened(folder).digest
    (folder / ".DS_Store").write_bytes(b"x")
    again = open_submission(Archive(folder, Student("x")), tmp_path / "again")
    assert again.digest == before


def test_a_symbolic_link_in_a_folder_costs_that_file_and_is_not_followed(left, folder, tmp_path):
    (tmp_path / "secret").write_text("s", encoding="utf-8")
    (folder / "lab5" / "exp2.py").symlink_to(tmp_path / "secret")
    state, sentence = left(folder)["exp2.py"]
    assert (state, "lab5/exp2.py is a symbolic link" in sentence) == ("absent", True)
    assert not list((tmp_path / "into").rglob("exp2.py"))


def test_a_linked_folder_is_left_out_and_not_walked(opened, folder):
    (folder / "lab5" / "loop").symlink_to(folder)
    submission = opened(folder)
    assert names(submission) == ["final.pth", "library/0/a.jpg"]
    assert [one.path for one in submission.left_out] == ["loop"]


def test_a_pipe_in_a_folder_is_left_out_and_not_waited_for(left, folder):
    os.mkfifo(folder / "lab5" / "exp2.py")
    assert "lab5/exp2.py is a device or pipe" in left(folder)["exp2.py"][1]


def test_a_file_that_changes_while_it_is_copied_costs_that_file(left, folder, monkeypatch):
    os.mkfifo(folder / "lab5" / "exp2.py")
    monkeypatch.setattr("grader.intake.folders._fault", lambda mode, name: None)  # it was a file during the walk
    state, sentence = left(folder)["exp2.py"]
    assert (state, "changed while it was being read" in sentence) == ("unread", True)


def test_a_file_that_became_a_pipe_after_the_walk_is_not_waited_for(folder):
    source = open_folder(folder)
    (folder / "lab5" / "final.pth").unlink()
    os.mkfifo(folder / "lab5" / "final.pth")
    entry = next(entry for entry in source.entries if entry.name.endswith("final.pth"))
    with pytest.raises(Exception, match="changed while it was being read"):
        list(entry.chunks())


def test_a_file_that_became_a_link_after_the_walk_is_not_followed(folder, tmp_path):
    source = open_folder(folder)
    (tmp_path / "secret").write_text("s", encoding="utf-8")
    (folder / "lab5" / "final.pth").unlink()
    (folder / "lab5" / "final.pth").symlink_to(tmp_path / "secret")
    entry = next(entry for entry in source.entries if entry.name.endswith("final.pth"))
    with pytest.raises(BadLab, match="cannot be read"):
        list(entry.chunks())


def test_the_limits_hold_for_folders(refused, left, folder, tmp_path):
    assert "2 are allowed" in refused(folder, Limits(entries=2))
    assert "at most 0.0 MB are allowed" in refused(folder, Limits(total_bytes=2))
    assert "a.jpg is 0.0 MB" in left(folder, Limits(file_bytes=2))["library/0/a.jpg"][1]


def test_a_file_too_deep_in_a_folder_costs_that_file(left, folder):
    assert "is 4 levels deep; at most 3 are allowed" in left(folder, Limits(depth=3))["library/0/a.jpg"][1]


def test_a_folder_without_end_is_refused(refused, folder, monkeypatch):
    monkeypatch.setattr("grader.intake.folders.LISTING_ENTRIES", 3)
    assert "holds far more files than the lab asks for" in refused(folder)


def test_an_environment_and_the_data_set_in_a_folder_are_left_out(opened, folder):
    (folder / "lab5" / "venv" / "bin").mkdir(parents=True)
    (folder / "lab5" / "venv" / "bin" / "python").symlink_to("/usr/bin/python3")
    (folder / "lab5" / "data" / "cifar-10-batches-py").mkdir(parents=True)
    (folder / "lab5" / "data" / "cifar-10-batches-py" / "test_batch").write_bytes(b"x")
    submission = opened(folder)
    assert names(submission) == ["final.pth", "library/0/a.jpg"]
    assert submission.parts.dataset == ("data/cifar-10-batches-py",)


def test_gbk_names_on_disk_are_read(opened, folder):
    os.close(os.open(os.fsencode(folder) + b"/" + "报告.md".encode("gb18030"), os.O_CREAT | os.O_WRONLY))
    assert names(opened(folder)) == ["lab5/final.pth", "lab5/library/0/a.jpg", "报告.md"]


def test_backslashes_that_another_program_left_in_names_are_folders(opened, tmp_path):
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "lab5\\exp2.py").write_text("", encoding="utf-8")
    (tmp_path / "ada" / "lab5\\final.pth").write_text("", encoding="utf-8")
    assert names(opened(tmp_path / "ada")) == ["exp2.py", "final.pth"]


def test_an_empty_folder_is_refused(refused, tmp_path):
    (tmp_path / "ada").mkdir()
    assert "ada contains no files." in refused(tmp_path / "ada")


def test_the_digest_of_a_refused_zip_can_be_had(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"no zip")
    assert file_digest(tmp_path / "a.zip") == hashlib.sha256(b"no zip").hexdigest()
