"""A module that cannot be imported: a file that the student left out, or a package that this machine lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.collect.code.packages import Looked, whose_package
from grader.evidence import Refused
from grader.evidence.refusals import refusal
from grader.records import Blocked, Message, Parts, Student, Submission, Unjudged, message

SOURCES = ("exp2.py", "resnets.py", "layers/__init__.py", "layers/conv.py")
THEIRS = ("utils", "my_tricks", "resnet20", "layers.norm", "exp1", "data_loader", "train_utils", "Resnets", "hw3")
PACKAGES = ("sklearn", "sklearn.metrics", "pandas", "cv2", "torchmetrics", "timm", "albumentations", "tqdm")


MISSING = Looked(there=False, top=False, by_hand=False)


def code(name: str, looked: Looked | None = MISSING, place: str | Message = "exp2.py, line 1") -> str:
    submission = Submission(Student("Ada"), "d", "a.zip", Path(), (), Parts(sources=SOURCES))
    values = {"doing": "importing exp2.py", "package": name, "place": place}
    return whose_package(refusal("code_package", values), submission, lambda *_: looked).code


@pytest.mark.parametrize("name", THEIRS)
def test_a_file_of_the_students_own_is_asked_for(name: str) -> None:
    assert code(name) == "code_package"


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_is_never_the_students_to_hand_in(name: str) -> None:
    assert code(name) == "code_package_of_ours"


@pytest.mark.parametrize("name", ["quickgrad", "datasets", "xyz"])
def test_a_name_that_may_be_either_is_left_to_staff(name: str) -> None:
    assert code(name) == "code_package_of_whom"


# --- what the code says of this machine is believed only where another process finds the same ------------------


@pytest.mark.parametrize("name", ["torch", "PIL", "xyz"])
def test_a_package_that_is_there_is_not_missing(name: str) -> None:
    assert code(name, Looked(there=True, top=True, by_hand=False)) == "code_package_there"


def test_an_exception_that_the_code_raises_itself_says_nothing_about_the_machine() -> None:
    assert code("cv2", Looked(there=False, top=False, by_hand=True)) == "code_raised"


def test_a_part_that_another_version_has_is_not_said_to_be_a_missing_package() -> None:
    assert code("torchvision.transforms.old", Looked(there=False, top=True, by_hand=False)) == "code_package_version"


def test_where_nobody_could_look_nobody_is_marked_down() -> None:
    assert code("cv2", None) == "code_package_of_ours"


def test_the_line_that_is_looked_at_is_the_one_that_is_named() -> None:
    asked = []
    submission = Submission(Student("Ada"), "d", "a.zip", Path(), (), Parts(sources=SOURCES))
    place = message("{file}, line {line}", file="exp2.py", line=7)
    values = {"doing": "importing exp2.py", "package": "cv2", "place": place}
    whose_package(refusal("code_package", values), submission, lambda *told: asked.append(told))
    assert asked == [("cv2", "exp2.py", 7)]


RATE = "def learning_rate(epoch):\n    return 0.1 if epoch < 5 else 0.01\n"
BY_HAND = {  # what learning_rate() does, and what is said
    "a package that is there": ('raise ModuleNotFoundError("no", name="PIL")', "although it can be imported"),
    "a part of one": ('raise ModuleNotFoundError("no", name="torch.nn")', "although it can be imported"),
    "one with a stand-in": ('raise type("Gone", (ModuleNotFoundError,), {})(name="tqdm")', "although it can be"),
    "a package that is nowhere": ('raise ModuleNotFoundError("no", name="cupy")', "raised ModuleNotFoundError: cupy"),
    "a message": ("raise ImportError(\"No module named 'torch'\")", "raised ImportError"),
    "an import error": ('raise ImportError("no", name="torch")', "raised ImportError"),
}
HIDDEN = {  # what exp2.py begins with
    "a finder that refuses": """
import sys
class Refuses:
    def find_spec(self, name, path=None, target=None):
        if name == "torchvision":
            raise ModuleNotFoundError(name=name)
sys.meta_path.insert(0, Refuses())
del sys.modules["torchvision"]
import torchvision
""",
    "None among the modules": "import sys\nsys.modules['numpy'] = None\nimport numpy\n",
    "the path emptied, and a module of that name": """
import sys
sys.path[:] = [folder for folder in sys.path if folder.endswith("submission")]
for name in [name for name in sys.modules if name.partition(".")[0] == "PIL"]:
    del sys.modules[name]
import PIL.Image
""",
}


@pytest.mark.parametrize("how", BY_HAND)
def test_blame_by_hand_is_not_believed(judged, how: str) -> None:
    line, said = BY_HAND[how]
    finding = judged("learning_rate", "exp2.py", f"def learning_rate(epoch):\n    {line}\n")
    assert isinstance(finding, Blocked), finding
    assert said in finding.cause.english()


@pytest.mark.parametrize("how", HIDDEN)
def test_a_module_that_the_code_hides_is_the_codes_own_fault(trying, how: str) -> None:
    found = trying({"exp2.py": HIDDEN[how] + RATE, "PIL.py": "Image = None"})["learning_rate"]
    assert isinstance(found, Refused), found
    assert "although it can be imported" in found.message.english()


@pytest.mark.parametrize(
    "start",
    [
        "import cupy",
        "try:\n    import cupy\nexcept ImportError as error:\n    raise error",
        "import torch.hidden",
        "import importlib\nimportlib.import_module('cupy')",
    ],
)
def test_what_is_really_missing_costs_nothing(judged, start: str) -> None:
    assert isinstance(judged("learning_rate", "exp2.py", f"{start}\n{RATE}"), Unjudged)
