"""A module that cannot be imported: a file that the student left out, or a package that this machine lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.collect.code.packages import whose_package
from grader.evidence.refusals import refusal
from grader.records import Parts, Student, Submission

SOURCES = ("exp2.py", "resnets.py", "layers/__init__.py", "layers/conv.py")
THEIRS = ("utils", "my_tricks", "resnet20", "layers.norm", "exp1", "data_loader", "train_utils", "Resnets", "hw3")
PACKAGES = ("sklearn", "sklearn.metrics", "pandas", "cv2", "torchmetrics", "timm", "albumentations", "tqdm")


def code(name: str) -> str:
    submission = Submission(Student("Ada"), "d", "a.zip", Path(), (), Parts(sources=SOURCES))
    values = {"doing": "importing exp2.py", "package": name, "place": "exp2.py, line 1"}
    return whose_package(refusal("code_package", values), submission).code


@pytest.mark.parametrize("name", THEIRS)
def test_a_file_of_the_students_own_is_asked_for(name: str) -> None:
    assert code(name) == "code_package"


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_is_never_the_students_to_hand_in(name: str) -> None:
    assert code(name) == "code_package_of_ours"


@pytest.mark.parametrize("name", ["quickgrad", "datasets", "xyz"])
def test_a_name_that_may_be_either_is_left_to_staff(name: str) -> None:
    assert code(name) == "code_package_of_whom"
