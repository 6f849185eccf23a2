"""Retrieval: the two tasks, the report, and what the script says to bad input. The networks are small ones."""

from __future__ import annotations

import errno
import hashlib
import importlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

REFERENCE = Path(__file__).parents[2] / "reference"
NAMES = (
    "retrieve",
    "extract_features",
    "families",
    "fast",
    "models",
    "lab",
)  # as students import them: one flat folder
COLOURS = {"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200)}


@pytest.fixture(scope="module")
def retrieve() -> Iterator[ModuleType]:
    sys.path.insert(0, str(REFERENCE))
    yield importlib.import_module("retrieve")
    sys.path.remove(str(REFERENCE))
    for name in NAMES:
        sys.modules.pop(name)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Five noisy images of each of three colours, and three queries: one named by its class, two in its folder."""
    draw = np.random.default_rng(9)

    def save(path: Path, colour: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.array(COLOURS[colour]) + draw.integers(-25, 26, (32, 32, 3))
        Image.fromarray(pixels.astype(np.uint8)).save(path)

    for colour in COLOURS:
        for number in range(5):
            save(tmp_path / "library" / colour / f"{number}.png", colour)
    save(tmp_path / "queries" / "red.png", "red")
    save(tmp_path / "queries" / "blue" / "1.png", "blue")
    save(tmp_path / "queries" / "blue" / "2.png", "blue")
    return tmp_path


def script(retrieve: ModuleType, images: Path, *more: str, out: str = "out") -> dict[str, Any]:
    folders = ["--library", str(images / "library"), "--queries", str(images / "queries"), "--out", str(images / out)]
    models = [] if "--model" in more else ["--model", "mlp"]
    retrieve.main([*folders, *models, "--weights", "random", "--device", "cpu", *more])
    return json.loads((images / out / "retrieval.json").read_text("utf-8"))


# Task 4.1


def unit_rows(count: int, seed: int) -> torch.Tensor:
    rows = torch.randn(count, 16, generator=torch.Generator().manual_seed(seed))
    return rows / rows.norm(dim=1, keepdim=True)


def test_both_metrics_compare_every_query_with_every_library_image(retrieve):
    queries, library = unit_rows(3, 1), unit_rows(7, 2)
    cosines = retrieve.similarity(queries, library, "cosine")
    distances = retrieve.similarity(queries, library, "euclidean")
    for q in range(3):
        for place in range(7):
            assert cosines[q, place].item() == pytest.approx(float(queries[q] @ library[place]), abs=1e-6)
            assert distances[q, place].item() == pytest.approx(float((queries[q] - library[place]).norm()), abs=1e-6)
    assert cosines.shape == distances.shape == (3, 7)


def test_distances_of_nearly_the_same_vectors_keep_their_digits(retrieve):
    library = unit_rows(40, 3)  # more than 25 rows: where cdist would take a matrix product
    near = library.clone()
    near[:, 0] += 1e-4
    distances = retrieve.similarity(near, library, "euclidean").diagonal()
    torch.testing.assert_close(distances, torch.full((40,), 1e-4), rtol=1e-2, atol=0)


def test_an_unknown_metric_is_a_value_error(retrieve):
    with pytest.raises(ValueError, match="unknown metric 'cosin': use one of cosine, euclidean"):
        retrieve.similarity(unit_rows(1, 1), unit_rows(1, 1), "cosin")


# Task 4.2


def test_the_best_come_first_in_the_direction_that_is_asked_for(retrieve):
    scores = torch.tensor([[0.1, 0.9, 0.5, 0.7], [0.4, 0.3, 0.2, 0.1]])
    assert retrieve.top_k(scores, 2, True).tolist() == [[1, 3], [0, 1]]
    assert retrieve.top_k(scores, 3, False).tolist() == [[0, 2, 3], [3, 2, 1]]
    assert retrieve.top_k(scores, 2, True).dtype == torch.int64


@pytest.mark.parametrize("largest", [True, False])
def test_equal_scores_keep_the_order_of_the_library(retrieve, largest):
    scores = torch.full((2, 300), 0.5)
    scores[1, 200] = 0.9 if largest else 0.1
    assert retrieve.top_k(scores, 4, largest).tolist() == [[0, 1, 2, 3], [200, 0, 1, 2]]


# The report


def test_the_report_follows_the_format(retrieve, images):
    report = script(retrieve, images, "--model", "mlp", "--model", "cnn", "--seed", "6")
    assert report["schema"] == "retrieval-report/1"
    assert report["library"]["root"] == "library"
    items = report["library"]["items"]
    assert [item["path"] for item in items] == [f"{c}/{n}.png" for c in sorted(COLOURS) for n in range(5)]
    for item in items:
        content = (images / "library" / item["path"]).read_bytes()
        assert item == {**item, "class": item["path"][:-6], "sha256": hashlib.sha256(content).hexdigest()}
    assert [run["model"] for run in report["runs"]] == ["mlp", "cnn"]
    run = report["runs"][0]
    answers = run.pop("queries")
    preprocess = run.pop("preprocess")
    assert preprocess.keys() == {"resize", "crop", "interpolation", "antialias", "mean", "std"}
    claimed = run.pop("claimed")
    assert claimed.keys() == {"precision_at_5", "top1"}
    assert run == {
        "model": "mlp",
        "weights": "random",
        "seed": 6,
        "layer": "input of fc4",
        "dim": 128,
        "metric": "cosine",
    }
    assert [(answer["query"], answer["class"]) for answer in answers] == [
        ("queries/blue/1.png", "blue"),
        ("queries/blue/2.png", "blue"),
        ("queries/red.png", "red"),
    ]
    assert answers[2]["sha256"] == hashlib.sha256((images / "queries" / "red.png").read_bytes()).hexdigest()
    for answer in answers:
        assert [result["rank"] for result in answer["results"]] == [1, 2, 3, 4, 5]
        assert len({result["path"] for result in answer["results"]}) == 5


@pytest.mark.parametrize(("metric", "sign"), [("cosine", -1), ("euclidean", 1)])
def test_ranking_and_scores_follow_from_the_features_that_are_written(retrieve, images, metric, sign):
    report = script(retrieve, images, "--metric", metric)
    with np.load(images / "out" / "features.npz", allow_pickle=False) as arrays:
        row = {path: vector.astype(np.float64) for path, vector in zip(arrays["paths"], arrays["mlp"], strict=True)}
    assert len(row) == 18
    library = [item["path"] for item in report["library"]["items"]]
    for answer in report["runs"][0]["queries"]:
        query = row[answer["query"]]
        others = {path: row[f"library/{path}"] for path in library}
        if metric == "cosine":
            score = {path: float(query @ other) for path, other in others.items()}
        else:
            score = {path: float(np.linalg.norm(query - other)) for path, other in others.items()}
        reported = {result["path"]: result["score"] for result in answer["results"]}
        assert list(reported) == sorted(library, key=lambda path: sign * score[path])[:5]
        assert all(reported[path] == pytest.approx(score[path], abs=2e-6) for path in reported)


def test_top1_counts_the_first_match_and_precision_all_five(retrieve):
    library = {label: retrieve.Item(f"{label}/1.png", label, "", Path()) for label in ("cat", "dog")}
    queries = [retrieve.Item(f"queries/{label}.png", label, "", Path()) for label in ("cat", "dog")]
    lists = ("dog cat cat cat dog", "dog cat cat cat cat")
    matches = tuple(tuple((library[label], 0.5) for label in labels.split()) for labels in lists)
    run = retrieve.Run(None, 128, "cosine", matches)
    assert run.claimed(queries) == {"precision_at_5": 0.4, "top1": 0.5}


def test_claimed_accuracies_are_counted_from_the_classes(retrieve, images):
    run = script(retrieve, images)["runs"][0]
    right = [[result["path"].startswith(a["class"]) for result in a["results"]] for a in run["queries"]]
    assert run["claimed"]["precision_at_5"] == pytest.approx(np.mean(right), abs=1e-6)
    assert run["claimed"]["top1"] == pytest.approx(np.mean([row[0] for row in right]), abs=1e-6)
    assert run["claimed"]["top1"] == 1  # the colours are far apart


def test_a_second_run_writes_the_same_report(retrieve, images):
    first = script(retrieve, images, "--seed", "3", out="one")
    second = script(retrieve, images, "--seed", "3", out="two")
    other = script(retrieve, images, "--seed", "4", out="three")
    assert first == second
    assert first["runs"][0]["queries"] != other["runs"][0]["queries"]
    assert (images / "one" / "retrieval.json").read_bytes() == (images / "two" / "retrieval.json").read_bytes()


def test_weights_of_the_lab_need_no_seed(retrieve, images):
    torch.save({"net": sys.modules["models"].NETWORKS["resnet20"]().state_dict()}, images / "final.pth")
    (run,) = script(retrieve, images, "--model", str(images / "final.pth"))["runs"]
    assert (run["model"], run["weights"], run["dim"]) == ("resnet20", "final.pth", 64)
    assert "seed" not in run


# What people look at


def test_the_ranking_is_printed_with_scores_and_marks(retrieve, images, capsys):
    run = script(retrieve, images)["runs"][0]
    said = capsys.readouterr().out
    first = run["queries"][0]["results"][0]
    assert f"precision@5 {run['claimed']['precision_at_5']:.1%}" in said
    assert re.search(rf"queries/blue/1\.png\n +1 +{first['score']:.4f}  \* {first['path']}\n", said)
    marks = re.findall(r"^ +\d  +[\d.]+  ([* ]) ", said, re.MULTILINE)
    assert len(marks) == 15
    assert marks.count("*") == round(run["claimed"]["precision_at_5"] * 15)


def test_each_model_has_its_sheet(retrieve, images):
    script(retrieve, images, "--model", "mlp", "--model", "cnn")
    with (
        Image.open(images / "out" / "retrieval_mlp.png") as one,
        Image.open(images / "out" / "retrieval_cnn.png") as two,
    ):
        assert one.size == two.size
        assert one.tobytes() != two.tobytes()


def test_a_sheet_of_many_queries_stops_where_nobody_looks_on(retrieve, images, monkeypatch):
    monkeypatch.setattr(retrieve, "SHEET_QUERIES", 2)
    script(retrieve, images, out="short")
    monkeypatch.setattr(retrieve, "SHEET_QUERIES", 3)
    script(retrieve, images, out="long")
    heights = [Image.open(images / out / "retrieval_mlp.png").height for out in ("short", "long")]
    assert heights[0] < heights[1]


def test_a_console_without_the_letters_of_a_file_name_ends_nothing(retrieve, images):
    shutil.move(images / "library" / "red", images / "library" / "红猫")
    command = [
        sys.executable,
        str(REFERENCE / "retrieve.py"),
        "--model",
        "mlp",
        "--weights",
        "random",
        "--device",
        "cpu",
    ]
    environment = {"PYTHONIOENCODING": "ascii", "OMP_NUM_THREADS": "1", "HOME": str(images), "PATH": ""}
    done = subprocess.run(command, cwd=images, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "??/0.png" in done.stdout
    assert "红猫/0.png" in (images / "retrieval.json").read_text("utf-8")


# Bad input


def test_what_does_not_meet_the_requirements_is_printed_and_does_not_stop_the_run(retrieve, images, capsys):
    shutil.copy(images / "library" / "red" / "3.png", images / "queries" / "violet.png")
    script(retrieve, images)
    said = capsys.readouterr().err
    assert "the library holds 15 images, but the lab asks for 50" in said
    assert "queries/violet.png is also in the library, as red/3.png: choose another query" in said
    assert "queries/violet.png: the library has no class 'violet'" in said
    assert "red.png" not in said.replace("queries/violet.png", "")


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        ("few", r"library holds 4 images, too few for 5 matches"),
        ("loose", r"library.loose\.png has no class"),
        ("no queries", r"no image in .*queries: put \.jpg"),
        ("no folder", r"there is no folder .*queries"),
        ("no image", r"blue.1\.png cannot be read as an image"),
        ("metric", r"--metric: unknown name 'cosin'; did you mean 'cosine'\?"),
        ("model", r"--model: unknown name 'mpl'; did you mean 'mlp'\?"),
    ],
)
def test_bad_input_is_answered_with_a_sentence_and_the_earlier_report_stays(retrieve, images, spoil, sentence):
    (images / "out").mkdir()
    (images / "out" / "retrieval.json").write_text("earlier", encoding="utf-8")
    more: list[str] = []
    match spoil:
        case "few":
            for colour in ("red", "green"):
                shutil.rmtree(images / "library" / colour)
            (images / "library" / "blue" / "0.png").unlink()
        case "loose":
            shutil.copy(images / "library" / "red" / "0.png", images / "library" / "loose.png")
        case "no queries":
            shutil.rmtree(images / "queries")
            (images / "queries").mkdir()
        case "no folder":
            shutil.rmtree(images / "queries")
        case "no image":
            (images / "queries" / "blue" / "1.png").write_text("no image", encoding="utf-8")
        case "metric":
            more = ["--metric", "cosin"]
        case "model":
            more = ["--model", "mpl"]
    with pytest.raises(SystemExit, match=sentence) as stop:
        script(retrieve, images, *more)
    assert str(stop.value).startswith("retrieve.py: ")
    assert (images / "out" / "retrieval.json").read_text("utf-8") == "earlier"


@pytest.mark.parametrize("name", ["retrieval.json", "features.npz", "retrieval_mlp.png"])
def test_a_full_disk_leaves_the_earlier_files_intact(retrieve, images, monkeypatch, name):
    script(retrieve, images, "--seed", "1")
    before = (images / "out" / name).read_bytes()
    opened = Path.open

    class Full:
        def __init__(self, file):
            self.file = file

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def write(self, content):
            self.file.write(content[:100])
            raise OSError(errno.ENOSPC, "No space left on device")

    def open_full(path, mode="r", *rest, **more):
        file = opened(path, mode, *rest, **more)
        return Full(file) if name in path.name and "w" in mode else file

    monkeypatch.setattr(Path, "open", open_full)
    with pytest.raises(SystemExit, match=rf"{re.escape(name)}: No space left on device; the earlier file is unchanged"):
        script(retrieve, images, "--seed", "2")
    assert (images / "out" / name).read_bytes() == before
    assert not list((images / "out").glob(".*"))


# As students have it


@pytest.mark.slow
def test_the_tasks_can_be_called_where_only_torch_is_installed(tmp_path):
    for name in ("retrieve.py", "extract_features.py", "lab.py"):
        (tmp_path / name).write_bytes((REFERENCE / name).read_bytes())
    command = "import sys; sys.modules.update(dict.fromkeys(('matplotlib', 'torchvision', 'tqdm', 'PIL', 'families')));"
    command += "from retrieve import similarity, top_k; import torch; rows = torch.eye(6);"
    command += "print(top_k(similarity(rows, rows, 'euclidean'), 1, False).flatten().tolist())"
    done = subprocess.run([sys.executable, "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[0, 1, 2, 3, 4, 5]"
