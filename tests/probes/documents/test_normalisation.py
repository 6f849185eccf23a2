"""Normalisations in the shapes in which students write them, read without running anything."""

from __future__ import annotations

import json
import tempfile
from contextlib import ExitStack

import pytest
from pydantic import TypeAdapter

from grader.evidence import Preprocessing
from grader.evidence.wording import heard
from grader.labs import the_lab
from grader.probes.documents.normalisation import read_preprocessing
from grader.probes.documents.syntax import MOST_CODE

HALF = (0.5, 0.5, 0.5)
CIFAR = (0.4914, 0.4822, 0.4465)
CIFAR_STD = (0.2023, 0.1994, 0.2010)
ONES = (1.0, 1.0, 1.0)
ZEROS = (0.0, 0.0, 0.0)


def shown(place):
    """What a probe says of a place, as the parent words it."""
    return heard(place).english()


def read(*files: tuple[str, str | bytes], side: int = 32) -> dict:
    with ExitStack() as stack:
        descriptors = {}
        for name, content in files:
            file = stack.enter_context(tempfile.TemporaryFile())
            file.write(content if isinstance(content, bytes) else content.encode())
            file.flush()
            descriptors[name] = file.fileno()
        value, arrays = read_preprocessing(
            {
                "names": list(descriptors),
                "beside": the_lab().scripts_beside_training,
                "training": the_lab().training_script,
                "side": side,
            },
            descriptors,
        )
    assert arrays == {}
    if value.get("found") is not False:
        fields = {name: field for name, field in value.items() if name != "candidates"}
        for one in (fields, *value["candidates"]):
            TypeAdapter(Preprocessing).validate_json(json.dumps(one, allow_nan=False))
    return value


def used(*files: tuple[str, str | bytes]):
    value = read(*files)
    return (value["mean"], value["std"]) if "mean" in value else None


def exp2(code: str | bytes):
    return used(("exp2.py", code))


def notebook(*cells: str | list[str], kind: str = "code") -> str:
    return json.dumps({"cells": [{"cell_type": kind, "source": cell} for cell in cells], "nbformat": 4})


# --- one Normalize ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "mean", "std"),
    [
        ("MEAN = (0.4914, 0.4822, 0.4465)\nSTD = (0.2023, 0.1994, 0.2010)", CIFAR, CIFAR_STD),
        ("mean = [0.5, 0.5, 0.5]\nstd = [0.5, 0.5, 0.5]\nx = (x - mean) / std", HALF, HALF),
        ("t = transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))", HALF, HALF),
        ("t = transforms.Normalize([0.5, 0.5, 0.5], [0.5, 0.5, 0.5])", HALF, HALF),
        ("t = transforms.Normalize(mean=[.5, .5, .5], std=[.5, .5, .5])", HALF, HALF),
        ("t = transforms.Normalize(std=(1, 1, 1), mean=(0.5, 0.5, 0.5))", HALF, ONES),
        ("t = T.Normalize((0.5,), (0.5,))", HALF, HALF),
        ("t = Normalize(0.5, 0.5)", HALF, HALF),
        ("t = v2.Normalize((0.5,) * 3, 3 * (0.5,), inplace=True)", HALF, HALF),
        ("t = v2.Compose([v2.ToImage(), v2.Normalize(mean=[0.5] * 3, std=[0.5] * 3)])", HALF, HALF),
        ("t = T.Normalize([x / 255.0 for x in [127.5, 127.5, 127.5]], [127.5 / 255] * 3)", HALF, HALF),
        ("t = T.Normalize(np.array([127.5, 127.5, 127.5]) / 255, torch.tensor([0.5, 0.5, 0.5]))", HALF, HALF),
        ("M = (0.5, 0.5, 0.5)\nS = M\nt = T.Normalize(M, S)", HALF, HALF),
        ("mean, std = (0.5,) * 3, (0.5,) * 3\nt = T.Normalize(mean, std)", HALF, HALF),
        ("stats = ((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))\nt = T.Normalize(*stats)", HALF, (0.25, 0.25, 0.25)),
        ("stats = ((0.5, 0.5, 0.5), (1, 1, 1))\nt = T.Normalize(stats[0], stats[1])", HALF, ONES),
        ("m = {'cifar10': (0.5,)}\nt = T.Normalize(m['cifar10'], {'cifar10': (1,)}['cifar10'])", HALF, ONES),
        ("class C:\n    def f(self):\n        return T.Compose([T.Normalize(HALF, HALF)])\nHALF = [.5] * 3",
         HALF, HALF),
        ("train(DataLoader(CIFAR10('.', transform=Compose([ToTensor(), Normalize((0.5,), (0.5,))]))))", HALF, HALF),
        ("net = nn.Sequential(T.Normalize((0.5,), (0.5,)), resnet20())", HALF, HALF),
    ],
)  # fmt: skip
def test_a_normalisation_is_read_in_the_shape_it_was_written(code, mean, std):
    assert exp2(code) == (pytest.approx(mean), pytest.approx(std))


def test_the_place_is_told():
    value = read(("lab/exp2.py", "import x\n\nt = T.Normalize((0.5,), (0.5,))\n"))
    assert (value["source"], value["line"]) == ("lab/exp2.py", 3)


def test_to_tensor_alone_on_cifar_means_no_normalisation():
    code = "tf = transforms.ToTensor()\ntrain = CIFAR10('.', transform=tf)\n"
    assert exp2(code) == (ZEROS, ONES)
    assert read(("exp2.py", code))["line"] == 1


def test_to_tensor_alone_on_some_other_data_means_nothing():
    assert read(("exp2.py", "tf = transforms.ToTensor()\ntrain = MNIST('.', transform=tf)\n"))["found"] is False


def test_a_submission_that_names_none_leaves_it_open():
    nothing = {"found": False, "candidates": [], "also_found": []}
    assert read(("exp2.py", "print('hello')"), ("models.py", "x = 1")) == nothing
    assert read() == nothing


@pytest.mark.parametrize(
    "code",
    [
        "t = T.Normalize(*load())",
        "t = T.Normalize(data.mean(0), data.std(0))",
        "t = T.Normalize((0.5, 0.5), (0.5, 0.5))",
        "t = T.Normalize((0.5,), (0.0,))",
        "t = T.Normalize((0.5,), (-1.0,))",
        "t = T.Normalize((1e9,), (1.0,))",
        "t = T.Normalize()",
        "t = T.Normalize((0.5,))",
    ],
)
def test_a_normalize_that_cannot_be_read_is_named_and_nothing_is_guessed(code):
    value = read(("exp2.py", f"{code}\nCIFAR10('.', transform=Compose([ToTensor(), t]))"))
    assert value["found"] is False
    assert shown(value["also_found"][0]).startswith("exp2.py, line 1: T.Normalize(")


@pytest.mark.parametrize("code", ["mean = 0.0\nstd = 0.0", "mean = 3\nstd = 1", "MEAN = (0.5,) * 3", "STD = (1, 1, 1)"])
def test_statistics_of_something_else_are_no_normalisation(code):
    assert exp2(code) is None


# --- several ---------------------------------------------------------------------------------------------------

SEVERAL = [
    "transform_train = T.Compose([T.ToTensor(), T.Normalize((0.1,), (1,))])\n"
    "transform_test = T.Compose([T.ToTensor(), T.Normalize((0.5,), (0.5,))])",
    "train_tf, x = T.Compose([T.Normalize((0.1,), (1,))]), 1\nvalid_tf = T.Compose([T.Normalize((0.5,), (0.5,))])",
    "data_transforms = {'train': T.Compose([T.Normalize((0.1,), (1,))]),\n"
    "                   'val': T.Compose([T.Normalize((0.5,), (0.5,))])}",
    "a = CIFAR10('.', train=True, transform=T.Compose([T.Normalize((0.1,), (1,))]))\n"
    "b = CIFAR10('.', train=False, transform=T.Compose([T.Normalize((0.5,), (0.5,))]))",
    "def train_loader():\n    tf = T.Compose([T.Normalize((0.1,), (1,))])\n    return tf\n"
    "def test_loader():\n    tf = T.Compose([T.Normalize((0.5,), (0.5,))])\n    return tf",
    "self.train_transform = T.Compose([T.Normalize((0.1,), (1,))])\n"
    "self.test_transform = T.Compose([T.Normalize((0.5,), (0.5,))])",
    "augment = T.Compose([T.Normalize((0.1,), (1,))])\nplain = T.Compose([T.Normalize((0.5,), (0.5,))])",
]


@pytest.mark.parametrize("code", SEVERAL)
def test_the_transform_for_testing_wins_and_the_other_is_named(code):
    value = read(("exp2.py", code))
    assert (value["mean"], value["std"]) == (HALF, HALF)
    assert len(value["also_found"]) == 1
    assert "mean (0.1, 0.1, 0.1)" in shown(value["also_found"][0])


@pytest.mark.parametrize("code", SEVERAL)
def test_a_name_alone_is_not_certain(code):
    value = read(("exp2.py", code))
    told = [(one["mean"], one["std"]) for one in value["candidates"]]
    assert told == ([] if "CIFAR10" in code else [(HALF, HALF), ((0.1, 0.1, 0.1), ONES)])


def test_the_same_normalisation_twice_is_one():
    code = "train = T.Normalize((0.5,), (0.5,))\ntest = T.Normalize([0.5, 0.5, 0.5], 0.5)"
    assert read(("exp2.py", code))["also_found"] == []


def test_a_normalisation_used_in_training_only_is_the_networks_own():
    assert exp2("train_tf = C([T.Normalize((0.5,), (0.5,))])\ntest_tf = C([T.ToTensor()])") == (HALF, HALF)


# --- resizing --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resize", "side"),
    [
        ("T.Resize(224)", 224),
        ("T.Resize((224, 224))", 224),
        ("T.Resize(size=[96, 96])", 96),
        ("v2.Resize(SIDE)", 64),
        ("T.Resize(f())", 0),
        ("T.Resize(4)", 0),
        ("T.Resize(100000)", 0),
        ("T.RandomCrop(32)", 0),
    ],
)
def test_a_resize_beside_the_normalize_is_followed(resize, side):
    code = f"SIDE = 64\ntest = T.Compose([{resize}, T.ToTensor(), T.Normalize((0.5,), (0.5,))])"
    assert read(("exp2.py", code))["resize"] == side


def test_a_centre_crop_beside_the_normalize_is_followed():
    code = "test = T.Compose([T.Resize(256), T.CenterCrop(224), T.ToTensor(), T.Normalize((0.5,), (0.5,))])"
    value = read(("exp2.py", code))
    assert (value["resize"], value["crop"]) == (256, 224)


# --- several files ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        "from config import MEAN, STD\nt = T.Normalize(MEAN, STD)",
        "from config import MEAN as M, STD as S\nt = T.Normalize(M, S)",
        "from config import *\nt = T.Normalize(MEAN, STD)",
        "import config\nt = T.Normalize(config.MEAN, config.STD)",
        "from config import MEAN, STD\nx = (x - MEAN) / STD",
    ],
)
def test_constants_of_another_file_are_found(code):
    value = read(("exp2.py", code), ("config.py", "MEAN = (0.5, 0.5, 0.5)\nSTD = (0.25, 0.25, 0.25)"))
    assert (value["mean"], value["std"], value["source"]) == (HALF, (0.25, 0.25, 0.25), "exp2.py")


def test_a_files_own_constants_come_before_those_of_others():
    own = "M = (0.5,)\nt = T.Normalize(M, M)"
    assert used(("exp2.py", own), ("other.py", "M = (0.1,)")) == used(("other.py", "M = (0.1,)"), ("exp2.py", own))
    assert exp2(own) == (HALF, HALF)


IMAGENET = "t = transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])"


@pytest.mark.parametrize(
    "name", ["exp1.py", "extract_features.py", "retrieve.py", "lab/extract_features.py", "Extract_Feature.py"]
)
def test_the_normalisation_of_the_other_tasks_is_not_that_of_the_network(name):
    assert read((name, IMAGENET))["found"] is False
    assert used((name, IMAGENET), ("exp2.py", "t = Normalize((0.5,), (0.5,))")) == (HALF, HALF)


def test_the_training_script_counts_if_others_differ():
    first, second = "t = Normalize((0.5,), (0.5,))", IMAGENET
    assert used(("models.py", "x = 1"), ("exp2.py", first), ("old.py", second)) == (HALF, HALF)


# --- notebooks -------------------------------------------------------------------------------------------------


def test_cells_of_a_notebook_share_their_names():
    value = read(("lab.ipynb", notebook("mean = std = (0.5,) * 3", "import torch", "t = T.Normalize(mean, std)")))
    assert (value["mean"], value["std"], value["source"], value["line"]) == (HALF, HALF, "lab.ipynb, cell 3", 1)


def test_to_tensor_and_cifar_may_stand_in_two_cells():
    assert used(("lab.ipynb", notebook("tf = T.ToTensor()", "d = CIFAR10('.', transform=tf)"))) == (ZEROS, ONES)


@pytest.mark.parametrize(
    "cell",
    [
        "%matplotlib inline\nt = T.Normalize((0.5,), (0.5,))",
        "%%time\nt = T.Normalize((0.5,), (0.5,))",
        "!pip install torch\nt = T.Normalize((0.5,), (0.5,))",
        "?T.Normalize\nt = T.Normalize((0.5,), (0.5,))",
        "t = T.Normalize((0.5,), (0.5,))\nt?",
        "if True:\n    %cd data\n    !ls\nt = T.Normalize((0.5,), (0.5,))",
        "files = !ls data\nt = T.Normalize((0.5,), (0.5,))",
        ["%matplotlib inline\n", "\n", "t = T.Normalize((0.5,),\n", "                (0.5,))"],
    ],
)
def test_ipythons_own_lines_do_not_hide_the_code(cell):
    assert used(("the_lab().IPYNB", notebook(cell))) == (HALF, HALF)


def test_magics_do_not_move_the_lines():
    assert read(("lab.ipynb", notebook("\n\n%matplotlib inline\nt = T.Normalize((0.5,), (0.5,))")))["line"] == 4


def test_a_percent_sign_at_the_start_of_a_python_line_stays_python():
    assert used(("lab.ipynb", notebook("x = (10\n% 3)\nt = T.Normalize((0.5,), (0.5,))"))) == (HALF, HALF)


def test_a_broken_cell_does_not_hide_the_others():
    assert used(("lab.ipynb", notebook("def f(:", "t = T.Normalize((0.5,), (0.5,))"))) == (HALF, HALF)


def test_text_cells_are_no_code():
    assert used(("lab.ipynb", notebook("t = T.Normalize((0.5,), (0.5,))", kind="markdown"))) is None


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "5", '{"cells": 5}', '{"cells": [5, {"cell_type": "code"}, {"cell_type": "code", "source": 5}]}',
     "[" * 100_000],
)  # fmt: skip
def test_a_notebook_that_is_none_is_passed_over(content):
    assert used(("lab.ipynb", content), ("exp2.py", "t = Normalize((0.5,), (0.5,))")) == (HALF, HALF)


# --- files that are no code, and code that means harm ----------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030", "utf-16"])
def test_the_encodings_of_windows_are_read(encoding):
    assert exp2("# 归一化\nt = T.Normalize((0.5,), (0.5,))".encode(encoding)) == (HALF, HALF)


GOOD = ("z.py", "t = T.Normalize((0.5,), (0.5,))")


@pytest.mark.parametrize(
    "content",
    [
        b"def f(:\n    t = T.Normalize((0.1,), (0.1,))",
        b"print 'Python 2'",
        b"\x00\x01\x02",
        b"x = '\\d'",
        b"(" * 5_000 + b")" * 5_000,
        b"x = " + b"+".join([b"1"] * 50_000),
        b"x" + b".y" * 2_500 + b" = T.Normalize((0.5,), g())",
        b"x = T.Normalize(" + b"-" * 2_500 + b"1, 1)",
        b"x = " + b"f(" * 90 + b"1" + b")" * 90,
        b"m0 = 99999\n" + b"".join(b"m%d = m%d * m%d\n" % (i, i - 1, i - 1) for i in range(1, 80)),
        b"x = {" + b"1: 1," * 50_000 + b"}",
        b"x = T.Normalize([[[[[a for a in t] for b in t] for c in t] for d in t] for e in t], t)\nt = (1,) * 20",
        b"x = T.Normalize((0.5,) * 10**10, 10**10**10)",
        b"y = 1\n" * 1_000_000,
    ],
    ids=range(14),
)
def test_a_file_that_is_no_plain_code_does_not_hide_the_next(content):
    assert used(("a.py", content), GOOD) == (HALF, HALF)


def test_more_code_than_anybody_writes_is_not_read():
    huge = f"# {'x' * MOST_CODE}\nt = T.Normalize((0.1,), (0.1,))"
    assert used(("a.py", huge), GOOD) == (HALF, HALF)


@pytest.mark.parametrize("name", ["exp2.py\n\x1b[2J.py", "<script>.py", "a" * 3_000 + ".py", "测试.py", "../../x.py"])
def test_a_hostile_file_name_fits_into_the_evidence(name):
    assert used((name, GOOD[1])) == (HALF, HALF)
    code = "a = T.Normalize((0.1,), (1,))\nb = T.Normalize((0.5,), (1,))\nc = T.Normalize(g(), 1)"
    assert read((name, code))["also_found"]


@pytest.mark.parametrize(
    ("side", "change", "resize", "crop"),
    [
        (28, "T.Resize(32)", 32, 0),
        (28, "T.Resize(28)", 0, 0),
        (64, "T.CenterCrop(56)", 0, 56),
        (64, "T.Resize(32)", 32, 0),
        (32, "T.Resize(32)", 0, 0),
    ],
)
def test_sizes_are_read_for_images_of_any_side(side, change, resize, crop):
    code = (
        "from torchvision import datasets, transforms as T\n"
        f"how = T.Compose([{change}, T.ToTensor(), T.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))])\n"
        "test_set = datasets.CIFAR10('data', train=False, transform=how)\n"
    )
    found = read(("exp2.py", code), side=side)
    assert (found["resize"], found["crop"]) == (resize, crop)
