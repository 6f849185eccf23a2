"""Where the work lies and which file is which."""

import pytest

from grader.intake.parts import sort_parts, work_folder
from grader.labs import find_lab, using_lab


def parts_of(*paths):
    return sort_parts(paths, ())[0]


@pytest.mark.parametrize(
    ("paths", "folder"),
    [
        (["a.py", "d/b.py"], ""),
        (["lab5/a.py", "lab5/library/0/x.jpg"], "lab5"),
        (["x/lab5/a.py", "x/lab5/d/b.py"], "x/lab5"),
        (["lab5/a.py", "lab55/b.py"], ""),
        ([], ""),
    ],
)
def test_a_chain_of_single_top_folders_is_stripped(paths, folder):
    assert work_folder(paths) == folder


def test_extra_top_folders_are_stripped_from_root_and_paths(opened):
    submission = opened({"Ada Ng/lab5/final.pth": b"w", "Ada Ng/lab5/src/exp2.py": b"", "__MACOSX/._x": b""})
    assert submission.root.parts[-2:] == ("Ada Ng", "lab5")
    assert [file.path for file in submission.files] == ["final.pth", "src/exp2.py"]
    assert submission.parts.checkpoints == ("final.pth",)
    assert all((submission.root / file.path).is_file() for file in submission.files)


def test_the_shallowest_final_pth_counts_and_deeper_ones_are_other_weights():
    parts = parts_of("lab/final.pth", "lab/old/final.pth", "checkpoint/ckpt_9_acc_84.pth", "features.h5", "a.npz")
    assert parts.checkpoints == ("lab/final.pth",)
    assert parts.other_weights == ("features.h5", "checkpoint/ckpt_9_acc_84.pth", "lab/old/final.pth")


def test_two_final_pth_at_one_depth_are_both_kept_for_a_human():
    assert parts_of("a/final.pth", "b/final.pth", "a/x/final.pth").checkpoints == ("a/final.pth", "b/final.pth")


def test_a_final_pth_in_another_case_is_read_with_a_note():
    parts, notes = sort_parts(["Final.PTH"], ())
    assert parts.checkpoints == ("Final.PTH",)
    assert [note.english() for note in notes] == ["Final.PTH was read as final.pth: the names differ only in case."]


def test_sources_are_nearest_first_and_exp2_first_among_equals():
    parts = parts_of("src/a.py", "exp1.py", "exp2.py", "src/exp2.py", "retrieve.py", "x/y/z.PY")
    assert parts.sources == ("exp2.py", "exp1.py", "retrieve.py", "src/exp2.py", "src/a.py", "x/y/z.PY")


def test_histories_and_retrievals_are_the_nearest_ones():
    parts = parts_of("old/history.json", "history.json", "b/retrieval.json", "a/Retrieval.json")
    assert parts.history == "history.json"
    assert parts.retrieval == "a/Retrieval.json"


def test_what_is_missing_is_empty():
    assert parts_of("a.jpg") == type(parts_of())()


def test_reports_named_report_come_first():
    parts = parts_of("essay.md", "notes.txt", "docs/report.md", "report.pdf", "lab.docx")
    assert parts.reports == ("report.pdf", "docs/report.md", "essay.md", "lab.docx", "notes.txt")


def test_notebooks_are_found():
    assert parts_of("b/x.ipynb", "lab.ipynb").notebooks == ("lab.ipynb", "b/x.ipynb")


def test_the_templates_own_files_are_nobodys_work():
    own = ("README.md", "README.zh.md", "requirements.txt", "pretrain_model.pth")
    parts = parts_of(*own, "lab/ReadMe.md", "report.md", "old.pth")
    assert (parts.reports, parts.other_weights) == (("report.md",), ("old.pth",))


def test_files_whose_names_promise_a_ranking_are_found_nearest_first():
    printed = ["retrieval_log.txt", "Ranking.CSV", "检索结果.md", "out/top5.tsv", "out/retrieval_alexnet.json"]
    parts = parts_of("retrieval.json", *printed, "retrieve.py", "retrieval_resnet50.png", "frank.txt", "report.md")
    assert parts.retrieval == "retrieval.json"
    assert parts.rankings == (
        "Ranking.CSV",
        "retrieval_log.txt",
        "检索结果.md",
        "out/retrieval_alexnet.json",
        "out/top5.tsv",
    )


def test_a_report_that_is_called_after_the_retrieval_is_a_report_as_well():
    parts = parts_of("retrieval_report.pdf", "README.md")
    assert parts.rankings == parts.reports == ("retrieval_report.pdf",)


@pytest.mark.parametrize(
    ("paths", "weights"),
    [
        (("models/HW2_CNN.pth", "homework2.ipynb"), ("models/HW2_CNN.pth",)),
        (("hw2_cnn.PTH", "other.pth"), ("hw2_cnn.PTH",)),
        (("net.pth", "checkpoint/a.pth", "checkpoint/b.pth"), ("net.pth",)),
        (("net.pt", "notes.txt"), ("net.pt",)),
        (("a.pth", "b.pth"), ("a.pth", "b.pth")),
        (("net.onnx",), ()),
    ],
)
def test_the_first_pattern_that_fits_a_file_says_which_weights_count(
    paths: tuple[str, ...], weights: tuple[str, ...]
) -> None:
    with using_lab(find_lab("homework-2")):
        assert parts_of(*paths).checkpoints == weights
