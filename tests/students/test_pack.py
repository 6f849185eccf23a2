"""`grade pack`: what the lab asks for is packed; everything else is left out and listed."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from grader.intake import Limits
from grader.records.errors import BadLab, BadSubmission
from grader.students.pack import Packed, pack
from reports.text import words


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    folder = tmp_path / "lab5"
    files = {
        "exp1.py": b"1",
        "exp2.py": b"2",
        "models.py": b"m",
        "final.pth": b"weights",
        "history.json": b"[]",
        "features.npz": b"f",
        "report.md": "看 ![curve](history.png) and figures/loss.png".encode(),
        "history.png": b"p",
        "exp1.png": b"p",
        "figures/loss.png": b"p",
        "library/cat/1.jpg": b"j",
        "queries/cat.jpg": b"j",
        "library/cat/._1.jpg": b"noise",
        "data/cifar-10-batches-py/data_batch_1": b"d" * 100,
        "checkpoint/ckpt_0_acc_41.00.pth": b"c" * 1000,
        "pretrain_model.pth": b"w",
        "tests/test_1.py": b"t",
        "__pycache__/exp1.pyc": b"c",
        ".venv/lib/torch.py": b"v",
        "notes.txt": b"n",
        "submission.zip": b"an earlier one",
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def names(packed: Packed) -> list[str]:
    with zipfile.ZipFile(packed.path) as archive:
        return archive.namelist()


def test_what_the_lab_asks_for_is_in_it_and_nothing_else(lab):
    assert sorted(names(pack(lab))) == [
        "exp1.py",
        "exp2.py",
        "features.npz",
        "figures/loss.png",
        "final.pth",
        "history.json",
        "history.png",
        "library/cat/1.jpg",
        "models.py",
        "queries/cat.jpg",
        "report.md",
    ]


def test_what_is_left_out_is_listed_with_its_size_and_reason(lab):
    told = {item.why.english(): (item.names, item.bytes) for item in pack(lab).left_out}
    assert told == {
        "checkpoints: only final.pth counts": (("checkpoint/",), 1000),
        "CIFAR-10 need not be handed in": (("data/",), 100),
        "not part of the work": ((".venv/", "__pycache__/", "library/"), 7),
        "not asked for": (("exp1.png", "notes.txt", "tests/"), 3),
        "other weights: only final.pth counts": (("pretrain_model.pth",), 1),
    }


def test_packing_again_packs_the_same(lab):
    first = pack(lab).path.read_bytes()
    assert pack(lab).path.read_bytes() == first


def test_what_is_missing_is_reported(lab, lab_rubric):
    (lab / "final.pth").unlink()
    lines = list(pack(lab).told(lab_rubric))
    (missing,) = [line for line in lines if line.state == "bad"]
    assert "Add final.pth." in [words(step) for step in missing.steps]


@pytest.mark.parametrize("place", ["nowhere", "exp1.py"])
def test_a_path_that_is_not_a_folder_is_reported(lab, place):
    with pytest.raises(BadLab, match=r"is not a folder\. Give the folder that holds your exp2\.py"):
        pack(lab / place)


def test_a_folder_with_nothing_to_hand_in_is_said(tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"j")
    with pytest.raises(BadLab, match="nothing to hand in"):
        pack(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]


def test_an_earlier_zip_is_kept_if_the_new_one_would_be_refused(lab):
    with pytest.raises(BadSubmission, match=r"at most 0\.0 MB per file are allowed"):
        pack(lab, limits=Limits(file_bytes=5))
    assert (lab / "submission.zip").read_bytes() == b"an earlier one"
    assert [path.name for path in lab.glob(".*zip*")] == []


def test_a_linked_folder_that_leads_out_is_neither_missing_nor_not_asked_for(lab, tmp_path):
    (lab / "library").rename(tmp_path / "pictures")
    (lab / "library").symlink_to(tmp_path / "pictures")
    with pytest.raises(BadSubmission, match=r"library is a symbolic link that leads out of .*Put a copy"):
        pack(lab)
    assert (lab / "submission.zip").read_bytes() == b"an earlier one"


def test_links_that_stay_in_the_folder_are_followed(lab):
    (lab / "library").rename(lab / "pictures")
    (lab / "library").symlink_to("pictures")
    (lab / "final.pth").unlink()
    (lab / "final.pth").symlink_to("checkpoint/ckpt_0_acc_41.00.pth")
    packed = pack(lab)
    assert {"library/cat/1.jpg", "final.pth"} <= set(names(packed))
    with zipfile.ZipFile(packed.path) as archive:
        assert archive.read("final.pth") == b"c" * 1000
        assert archive.read("library/cat/1.jpg") == b"j"


@pytest.mark.parametrize("target", [".", "nowhere", "library", "queries/../.."])
def test_a_link_that_leads_nowhere_or_to_itself_is_named(lab, target):
    (lab / "library").rename(lab / "pictures")
    (lab / "library").symlink_to(target)
    with pytest.raises(BadSubmission, match="library is a symbolic link"):
        pack(lab)


def test_a_link_that_nobody_asks_for_is_left_out(lab, tmp_path):
    (lab / "datasets").symlink_to(tmp_path)
    (left,) = [item for item in pack(lab).left_out if "datasets" in item.names]
    assert left.why.english() == "not asked for"


def test_the_links_of_a_virtual_environment_are_left_as_they_are(lab):
    (lab / ".venv" / "lib64").symlink_to("lib")
    assert not any(name.startswith(".venv") for name in names(pack(lab)))


def test_a_link_that_leads_out_is_not_followed(lab, tmp_path):
    (tmp_path / "secret.py").write_text("secret", encoding="utf-8")
    (lab / "exp3.py").symlink_to(tmp_path / "secret.py")
    with pytest.raises(BadSubmission, match=r"exp3\.py is a symbolic link"):
        pack(lab)


def test_a_place_that_cannot_be_written_is_named(lab, tmp_path):
    with pytest.raises(BadLab, match=r"away.* cannot be written: .*--out"):
        pack(lab, tmp_path / "away" / "submission.zip")
