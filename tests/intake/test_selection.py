"""Limits, what is left out, and submissions with nothing to grade."""

import struct

import pytest

from grader.intake import Limits

BATCHES = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]


def names(submission):
    return [file.path for file in submission.files]


def notes(submission):
    return " ".join(note.english() for note in submission.notes)


def test_more_files_than_allowed_are_refused_and_the_fullest_folder_named(refused):
    content = {f"lab/pictures/{i}.png": b"" for i in range(5)} | {"lab/a.py": b""}
    sentence = refused(content, Limits(entries=5))
    assert "Files and folders: 6; at most 5 are allowed" in sentence
    assert "The largest folder is lab/pictures, with 5" in sentence


def test_exactly_as_many_files_as_allowed_are_fine(opened):
    assert len(opened({f"{i}.py": b"" for i in range(5)}, Limits(entries=5)).files) == 5


def test_a_file_too_deep_costs_itself(left):
    deep = "d/" * 20 + "a.py"
    state, sentence = left({deep: b"", "b.py": b""})[deep]
    assert (state, "21 levels deep; at most 20 are allowed" in sentence) == ("unread", True)


def test_a_file_just_deep_enough_is_fine(opened):
    submission = opened({"d/" * 19 + "a.py": b"", "b.py": b""})
    assert (len(submission.files), submission.left_out) == (2, ())


def test_a_declaration_of_5_gigabytes_is_refused_before_a_byte_is_written(refused, zip_of, part, monkeypatch):
    monkeypatch.setattr("grader.intake.writing._write", None)  # it would be an error to come so far
    zip64 = struct.pack("<HHQ", 1, 8, 5_000_000_000)
    sentence = refused(zip_of(part(b"final.pth", b"x", size=0xFFFFFFFF, extra=zip64)))
    assert "final.pth is 5000.0 MB; at most 100.0 MB per file are allowed" in sentence


def test_one_file_over_the_limit_costs_itself(left, zip_of, part):
    content = zip_of(part(b"exp2.py", b"x"), part(b"talk.mp4", b"x", size=150_000_000))
    assert "talk.mp4 is 150.0 MB; at most 100.0 MB per file are allowed" in left(content)["talk.mp4"][1]


def test_files_that_are_too_much_together_are_refused_and_the_largest_named(refused, monkeypatch):
    monkeypatch.setattr("grader.intake.writing._write", None)
    sentence = refused({"a.bin": b"x" * 600, "b.bin": b"x" * 700}, Limits(total_bytes=1000))
    assert "The largest file is b.bin" in sentence


@pytest.mark.parametrize("name", ["x" * 256, "文" * 86, "/".join(["x" * 250] * 5), "x" * 60_000], ids=len)
def test_a_name_too_long_for_a_disk_costs_its_file_and_gets_a_short_sentence(left, name):
    ((state, sentence),) = left({"a.py": b"", name: b""}).values()
    assert (state, "is too long" in sentence) == ("unread", True)
    assert len(sentence) < 300


def test_a_name_of_255_bytes_is_fine(opened):
    assert names(opened({"x" * 255: b""})) == ["x" * 255]


def test_what_the_system_adds_is_left_out_without_a_word(opened):
    noise = ["__MACOSX/._a.py", "._a.py", ".DS_Store", "d/Thumbs.db", "desktop.ini", "Icon\r", "__pycache__/a.pyc"]
    submission = opened({"a.py": b""} | dict.fromkeys([*noise, ".ipynb_checkpoints/a-checkpoint.ipynb"], b"x"))
    assert names(submission) == ["a.py"]
    assert submission.notes == ()


def test_what_tools_add_is_left_out_and_counted_in_a_note(opened):
    tools = {"lab/venv/lib/x.py": b"x", "lab/venv/bin/y": b"x", "lab/.git/HEAD": b"x", "lab/old.pyc": b"x"}
    submission = opened({"lab/a.py": b""} | tools)
    assert names(submission) == ["a.py"]
    assert "Left out venv (entries: 2)" in notes(submission)
    assert "Left out .git (entries: 1)" in notes(submission)
    assert "Left out *.pyc (entries: 1)" in notes(submission)


def test_what_is_left_out_counts_to_no_limit(opened):
    environment = {f"venv/{'d/' * 30}{i}.py": b"x" * 100 for i in range(20)}
    assert names(opened({"a.py": b""} | environment, Limits(total_bytes=50, entries=3))) == ["a.py"]


@pytest.mark.parametrize("folder", ["cifar-10-batches-py", "data/CIFAR-10-batches-bin"])
def test_the_data_set_is_named_and_neither_unpacked_nor_counted(opened, folder):
    data = {f"lab5/{folder}/{name}": b"x" * 100 for name in [*BATCHES, "batches.meta", "readme.html"]}
    submission = opened({"lab5/final.pth": b"w"} | data, Limits(total_bytes=50))
    assert names(submission) == ["final.pth"]
    assert submission.parts.dataset == (folder,)
    assert f"Left out lab5/{folder} (0.0 MB): CIFAR-10 itself need not be handed in." in notes(submission)
    assert [path.name for path in submission.root.rglob("*")] == ["final.pth"]


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("cifar-10-python.tar.gz", 170_498_071),
        ("cifar10.zip", 150_000_000),
        ("data_batch_1", 31_035_704),
        ("test_batch.bin", 30_730_000),
        ("mine.bin", 30_730_000),
    ],
)
def test_a_loose_data_set_is_known_by_name_and_size(opened, zip_of, part, name, size):
    submission = opened(zip_of(part(b"final.pth", b"w"), part(name.encode(), b"x", size=size)))
    assert submission.parts.dataset == (name,)
    assert names(submission) == ["final.pth"]


@pytest.mark.parametrize("name", ["test_batch", "cifar10.py", "cifar-10-batches-py/final.pth"])
def test_a_small_file_of_such_a_name_is_the_students_own(opened, name):
    submission = opened({"exp2.py": b"", name: b"x"})
    assert name in names(submission)
    assert submission.parts.dataset == ()


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("data/FashionMNIST/raw/t10k-images-idx3-ubyte", "FashionMNIST"),
        ("data/MNIST/raw/train-labels-idx1-ubyte.gz", "MNIST"),
        ("t10k-images-idx3-ubyte", "t10k-images-idx3-ubyte"),
        ("data/MNIST/processed/training.pt", "MNIST"),
        ("data/cifar-100-python/train", "cifar-100-python"),
        ("data/test_32x32.mat", "test_32x32.mat"),
    ],
)
def test_another_public_set_beside_a_script_is_left_out_with_a_note_and_costs_nothing(opened, path, named):
    submission = opened({"lab/train.py": b"", f"lab/{path}": b"x" * 100}, Limits(total_bytes=50))
    assert names(submission) == ["train.py"]
    assert f"Left out {named} (entries: 1)" in notes(submission)
    assert submission.parts.dataset == ()


@pytest.mark.parametrize("path", ["test", "processed/training.pt", "mnist/training.pt", "train_32x32.py"])
def test_what_is_only_like_a_public_set_is_the_students_own(opened, path):
    assert path in names(opened({"train.py": b"", path: b"x"}))


def test_a_zip_without_files_is_refused(refused, zip_of, part):
    assert "lab5.zip contains no files. Hand in the zip of the folder that holds final.pth." in refused(zip_of())
    assert "lab5.zip contains no files. Hand in the zip of the folder that holds final.pth." in refused(
        zip_of(part(b"lab5/"))
    )
    assert "lab5.zip contains no files. Hand in the zip of the folder that holds final.pth." in refused(
        zip_of(part(b"__MACOSX/._a"))
    )


def test_a_zip_of_nothing_but_a_data_set_or_an_environment_is_refused_by_name(refused):
    sentence = refused({"cifar-10-batches-py/test_batch": b"x", "venv/a.py": b"x"})
    assert "lab5.zip contains only venv, cifar-10-batches-py" in sentence


def test_a_zip_of_nothing_but_zips_is_refused(refused):
    sentence = refused({"ada.zip": b"PK", "bob.rar": b"Rar!"})
    assert "contains only other archives (ada.zip)" in sentence
    assert "Zip the files themselves" in sentence


@pytest.mark.parametrize(
    "names",
    [
        ["assignment_1_export/submission_metadata.yml", "assignment_1_export/submission_11/final.pth"],
        ["Ada Ng_12_assignsubmission_file/final.pth", "Bo Li_13_assignsubmission_file/lab5/final.pth"],
        ["lab5/Ada Ng_12_assignsubmission_file_/ada.zip", "lab5/Bo Li_13_assignsubmission_file_/bo.zip"],
        ["ngada_123_4567_lab5.zip", "libo_LATE_124_4568_lab5.zip", "__MACOSX/._x"],
    ],
)
def test_the_download_of_a_class_is_called_so_whatever_its_size(refused, names):
    assert refused(dict.fromkeys(names, b"x"), Limits(total_bytes=1, entries=1)) == (
        "lab5.zip is the download of a whole class. Unpack it, and grade the resulting folder."
    )


@pytest.mark.parametrize(
    "names", [["loss_1000_2000_a.png", "acc_1000_2000_a.png", "exp2.py"], ["submission_1/a.py", "submission_2/a.py"]]
)
def test_names_that_only_look_like_a_platforms_make_no_class(opened, names):
    assert len(opened(dict.fromkeys(names, b"x")).files) == len(names)


def test_a_zip_beside_the_work_that_is_none_costs_nothing_else(opened):
    assert names(opened({"exp2.py": b"", "library.zip": b"PK"})) == ["exp2.py"]
