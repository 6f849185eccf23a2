"""A lab is read whole or refused with every mistake in its file, each with its line."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from grader.checks import load_rubric
from grader.labs import DEFAULT, Lab, find_lab, here, read_lab, shipped, the_lab, using_lab
from grader.labs.datasets import DATA_SETS, DataSet
from grader.labs.new import write_lab
from grader.records.errors import BadLab

LEAST = """\
title = "A lab"
dataset = "cifar10"
normalisation = { mean = [0.5, 0.5, 0.5], std = [0.5, 0.5, 0.5] }
weights = ["net.pth", "*.pt"]
training_script = "train.py"
"""


def written(folder: Path, text: str) -> Lab:
    (folder / "lab.toml").write_text(text, encoding="utf-8")
    return read_lab(folder)


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(BadLab) as refused:
        written(folder, text)
    return refused.value.message.english()


@pytest.mark.parametrize("name", shipped())
def test_a_lab_that_is_shipped_can_be_used(name: str) -> None:
    with using_lab(find_lab(name)):
        assert the_lab().name == name
        assert dict(the_lab().titles).keys() == {"en", "zh"}
        assert load_rubric().points == 100


def test_the_least_that_a_lab_says(tmp_path: Path) -> None:
    lab = written(tmp_path, LEAST)
    assert (lab.title, lab.titles, lab.checkpoint, lab.dataset) == ("A lab", (), "net.pth", "CIFAR-10")
    assert (lab.classes, lab.image_shape, lab.mean) == (10, (3, 32, 32), (0.5, 0.5, 0.5))
    assert (lab.tasks, lab.retrieval, lab.work) == ((), "", {"net.pth"})


@pytest.mark.parametrize(("key", "known"), DATA_SETS.items())
def test_a_public_set_is_known_by_its_key(tmp_path: Path, key: str, known: DataSet) -> None:
    lab = written(tmp_path, LEAST.replace("cifar10", key))
    assert (lab.public, lab.dataset, lab.classes, lab.image_shape) == (key, known.name, known.classes, known.shape)
    assert lab.calibrated == (key == "cifar10")


def test_a_file_as_windows_editors_write_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "lab.toml").write_bytes(b"\xef\xbb\xbf" + LEAST.replace("\n", "\r\n").encode())
    assert read_lab(tmp_path).title == "A lab"


def test_every_mistake_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    told = refusal(
        tmp_path,
        'titel = "A lab"\ndataset = "cifar11"\n\nweights = "net.pth"\n'
        "normalisation = { mean = [0.5, 0.5], std = [0.5, 0.5, 0.5] }\n",
    )
    assert "line 1: there is no key 'titel'; did you mean 'title'?" in told
    assert (
        "line 2: 'cifar11' is not a data set; those are cifar10, cifar100, mnist, fashion-mnist, kmnist, svhn" in told
    )
    assert ", and an .npz file in the lab's folder." in told
    assert "line 4: weights: " in told
    assert "'title' is missing." in told
    assert "'normalisation.mean.2' is missing." in told


@pytest.mark.parametrize("key", ["classes", "folder", "digest", "public", "titles"])
def test_what_the_grader_computes_cannot_be_written(tmp_path: Path, key: str) -> None:
    assert f"line 6: there is no key '{key}'" in refusal(tmp_path, f'{LEAST}{key} = "x"\n')


@pytest.mark.parametrize(("text", "said"), [("title = ", "is not TOML"), ("\udcff", "is not TOML")])
def test_what_is_not_toml_is_told(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "lab.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(BadLab, match=said):
        read_lab(tmp_path)


def test_a_folder_without_the_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadLab, match=r"lab\.toml cannot be read"):
        find_lab(str(tmp_path))


def test_a_name_that_no_lab_has_is_told_with_the_nearest_one() -> None:
    with pytest.raises(BadLab, match="did you mean 'homework-2'"):
        find_lab("homwork-2")


def test_a_lab_is_the_same_in_every_thread(tmp_path: Path) -> None:
    seen: list[str] = []
    with using_lab(written(tmp_path, LEAST)):
        thread = threading.Thread(target=lambda: seen.append(the_lab().title))
        thread.start()
        thread.join()
    assert seen == ["A lab"]
    assert the_lab().name == DEFAULT


def test_a_new_lab_can_be_used_whatever_its_title(tmp_path: Path) -> None:
    write_lab(tmp_path / "new", 'Images "and" \\ more', "Net.PTH", (25.0, 80.5))
    with using_lab(read_lab(tmp_path / "new")):
        assert the_lab().title == 'Images "and" \\ more'
        assert the_lab().weights == ("Net.PTH", "*.pth", "*.pt")
        assert load_rubric().points == 100


def test_a_new_lab_writes_over_nothing(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(BadLab, match="is not empty"):
        write_lab(tmp_path, "A lab", "net.pth", (20.0, 90.0))
    with pytest.raises(BadLab, match="cannot earn all points"):
        write_lab(tmp_path / "new", "A lab", "net.pth", (90.0, 20.0))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('title = { zh_CN = "x" }', "line 1: title: 'zh_CN' is not a language"),
        ("weights = []", "line 4: weights begin with the name of a file"),
        ('weights = ["*.pth"]', "line 4: weights begin with the name of a file"),
        ('weights = ["models/net.pth"]', "line 4: weights begin with the name of a file"),
        ('dataset = ["cifar10"]', "line 2: '['cifar10']' is not a data set"),
        ("normalisation = { mean = [125.3], std = [63.0] }", "line 3: normalisation is of pixels from 0 to 1"),
        ("normalisation = { mean = [0.5], std = [0.0] }", "line 3: normalisation is of pixels from 0 to 1"),
        ('given = ["helper.py"]', "there is no helper.py in the lab's folder"),
    ],
)
def test_values_that_no_type_forbids_are_told(tmp_path: Path, line: str, said: str) -> None:
    key = line.partition(" ")[0]
    rest = [one for one in LEAST.splitlines() if not one.startswith(key)]
    place = next((number for number, one in enumerate(LEAST.splitlines()) if one.startswith(key)), len(rest))
    assert said in refusal(tmp_path, "\n".join([*rest[:place], line, *rest[place:]]) + "\n")


def test_names_of_files_are_compared_in_lower_case(tmp_path: Path) -> None:
    more = (
        'history = "History.json"\nreports = ["Report.PDF"]\n'
        'tasks = [{ number = "1", script = "Train.py", function = "test" }]\n'
    )
    lab = written(tmp_path, LEAST.replace("train.py", "Train.py").replace("net.pth", "Net.pth") + more)
    assert (lab.history, lab.reports, lab.training_script) == ("history.json", ("report.pdf",), "train.py")
    assert lab.script_of("test") == "train.py"
    assert (lab.checkpoint, lab.work) == ("Net.pth", {"net.pth", "history.json"})


@pytest.mark.parametrize(
    ("criterion", "said"),
    [
        (
            "[training_history]\npoints = 5\nnote = 0.5\nfault = 1.0\nfewest = 3\n",
            "'training_history' needs history in",
        ),
        (
            "[learning_rate]\npoints = 5\nfewest = 6\nfall = 10.0\ncounting = 0.2\n",
            "the function learning_rate in",
        ),
    ],
)
def test_a_criterion_about_what_nobody_can_hand_in_is_told(tmp_path: Path, criterion: str, said: str) -> None:
    (tmp_path / "rubric.toml").write_text(criterion, encoding="utf-8")
    with using_lab(written(tmp_path, LEAST)), pytest.raises(BadLab) as refused:
        load_rubric()
    assert said in refused.value.message.english()


def test_a_lab_from_another_machine_is_the_one_that_is_shipped_here(tmp_path: Path) -> None:
    elsewhere = replace(find_lab("homework-2"), folder=Path("/nowhere/homework-2"))
    assert here(elsewhere).rubric.is_file()
    own = replace(written(tmp_path, LEAST), folder=Path("/nowhere/homework-2"))
    assert here(own) == own


def test_a_given_file_lies_in_the_folder_in_lower_case_and_grades_do_not_need_it(tmp_path: Path) -> None:
    (tmp_path / "Helper.py").write_text("", encoding="utf-8")
    text = LEAST + 'given = ["Helper.py"]\n'
    assert "line 6: there is no helper.py in the lab's folder" in refusal(tmp_path, text)
    assert read_lab(tmp_path, kept=True).given == ("helper.py",)
    (tmp_path / "Helper.py").rename(tmp_path / "helper.py")
    assert read_lab(tmp_path).given == ("helper.py",)


def test_a_new_lab_asks_for_the_file_that_was_named(tmp_path: Path) -> None:
    write_lab(tmp_path / "new", "A lab", "model.safetensors", (25.0, 80.5))
    assert '"model.safetensors|*.pth|*.pt"' in (tmp_path / "new" / "rubric.toml").read_text("utf-8")


@pytest.mark.parametrize("title", ["two\nlines", "\x7f", "\udcff"])
def test_a_title_that_no_file_can_hold_is_told_and_leaves_nothing(tmp_path: Path, title: str) -> None:
    with pytest.raises(BadLab, match="one line of ordinary characters"):
        write_lab(tmp_path / "new", title, "net.pth", (25.0, 80.5))
    assert not (tmp_path / "new").exists()
