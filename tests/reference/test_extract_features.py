"""Features of images: the two tasks, every family of networks, and what the script says to bad input."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torchvision import models as torchvision_models
from torchvision.models import get_model, get_model_weights

REFERENCE = Path(__file__).parents[2] / "reference"
CPU = torch.device("cpu")
NAMES = (
    "extract_features",
    "families",
    "exp2",
    "training",
    "fast",
    "models",
    "lab",
)  # as students import them: one flat folder


@pytest.fixture(scope="module")
def lab() -> Iterator[dict[str, ModuleType]]:
    sys.path.insert(0, str(REFERENCE))
    yield {name: importlib.import_module(name) for name in NAMES}
    sys.path.remove(str(REFERENCE))
    for name in NAMES:
        sys.modules.pop(name)


@pytest.fixture
def extract_features(lab: dict[str, ModuleType]) -> ModuleType:
    return lab["extract_features"]


@pytest.fixture
def families(lab: dict[str, ModuleType]) -> ModuleType:
    return lab["families"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four images in two classes, of different sizes."""
    root = tmp_path_factory.mktemp("images") / "library"
    draw = np.random.default_rng(3)
    for number, (path, size) in enumerate({"b/1.png": 40, "b/10.jpg": 33, "b/2.PNG": 32, "a/1.bmp": 64}.items()):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        pixels = draw.integers(0, 256, (size, size + 9 * number, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(root / path)
    (root / "b" / "._1.png").write_bytes(b"of macOS")
    (root / "notes.txt").write_text("no image", encoding="utf-8")
    return root


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(4))


def script(extract_features: ModuleType, out: Path, *arguments: str) -> dict[str, np.ndarray]:
    extract_features.main([*arguments, "--weights", "random", "--out", str(out), "--device", "cpu"])
    with np.load(out / "features.npz", allow_pickle=False) as arrays:
        return dict(arrays)


# Features: the logits follow from them


@pytest.mark.parametrize(("name", "head", "dim"), [("resnet50", "fc", 2048), ("alexnet", "classifier", 9216)])
def test_the_head_makes_the_models_own_logits_of_the_features(extract_features, name, head, dim):
    extractor = extract_features.load(name, "random", seed=3)
    x = noise(2, 3, 224, 224)
    with torch.no_grad():
        features = extractor.features(extractor.model, x)
        assert features.shape == (2, dim)
        assert torch.equal(getattr(extractor.model, head)(features), extractor.model(x))


@pytest.mark.parametrize(
    ("name", "side", "dim"),
    [
        ("resnet18", 64, 512),
        ("vgg11_bn", 32, 25088),
        ("squeezenet1_1", 64, 512),
        ("mobilenet_v2", 64, 1280),
        ("mobilenet_v3_small", 64, 576),
        ("shufflenet_v2_x0_5", 64, 1024),
        ("mnasnet0_5", 64, 1280),
        ("googlenet", 64, 1024),
        ("densenet121", 64, 1024),
        ("efficientnet_b0", 64, 1280),
        ("regnet_y_400mf", 64, 440),
        ("convnext_tiny", 64, 768),
        ("swin_t", 64, 768),
        ("vit_b_32", 224, 768),
        ("maxvit_t", 224, 512),
        ("resnet20", 32, 64),
        ("small_alexnet", 32, 256),
        ("mlp", 32, 128),
        ("cnn", 32, 64),
        ("resnet9", 32, 512),
    ],
)
def test_the_features_of_every_family_are_what_its_head_is_given(families, name, side, dim):
    extractor = families.load_other(name, "random", 0)
    model, x = extractor.model, noise(2, 3, side, side)
    with torch.no_grad():
        given = families.head_input(model, x)
        features = extractor.features(model, x)
        assert torch.equal(families.head(model)[1](given).flatten(1), model(x))
    assert features.shape == (2, dim)
    assert torch.equal(features, given.mean(dim=(2, 3)) if given.ndim == 4 else given)
    assert not model.training
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_every_classifier_of_torchvision_has_what_its_weights_were_trained_on(families, folder, extract_features):
    picture = extract_features.read_image(folder / "b" / "10.jpg")
    names = torchvision_models.list_models(module=torchvision_models)
    assert len(names) >= 80
    different = {families.preprocess_of(name): name for name in names}
    assert families.preprocess_of("inception_v3").crop == 299
    for preprocess, name in different.items():
        if preprocess.crop <= 300:  # the larger ones take a second each
            theirs = next(iter(get_model_weights(name))).transforms()(picture)
            assert torch.equal(preprocess(picture), theirs), name


def test_the_default_preprocessing_is_that_of_resnet50_and_alexnet(families, extract_features):
    assert families.preprocess_of("resnet50") == extract_features.Preprocess() == families.preprocess_of("alexnet")


def test_random_weights_are_those_that_torchvision_draws_after_the_seed(extract_features):
    extractor = extract_features.load("alexnet", "random", seed=11)
    torch.manual_seed(11)
    theirs = get_model("alexnet", weights=None).state_dict()
    ours = extractor.model.state_dict()
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
    assert (extractor.weights, extractor.seed) == ("random", 11)
    assert not extractor.model.training


# Weights of the lab


def test_a_file_of_the_lab_stands_for_its_network(extract_features, lab, tmp_path):
    torch.manual_seed(5)
    net = lab["models"].NETWORKS["resnet20"]()
    torch.save({"net": net.state_dict(), "acc": 12.0, "epoch": 4}, tmp_path / "final.pth")
    extractor = extract_features.load(str(tmp_path / "final.pth"))
    assert (extractor.name, extractor.weights, extractor.seed) == ("resnet20", "final.pth", None)
    assert (extractor.preprocess.resize, extractor.preprocess.crop) == (32, 32)
    x = noise(2, 3, 32, 32)
    with torch.no_grad():
        logits = net.eval().linear(extractor.features(extractor.model, x))
        assert torch.equal(logits, net(x))


def test_a_file_of_weights_is_laid_into_the_model_that_is_named(extract_features, tmp_path):
    state = {key: value + 1 for key, value in get_model("squeezenet1_1", weights=None).state_dict().items()}
    torch.save(state, tmp_path / "mine.pth")
    extractor = extract_features.load("squeezenet1_1", str(tmp_path / "mine.pth"))
    assert extractor.weights == "mine.pth"
    assert all(torch.equal(value, state[key]) for key, value in extractor.model.state_dict().items())


@pytest.mark.parametrize(
    ("name", "weights", "sentence"),
    [
        ("resnt50", "random", "unknown name 'resnt50'; did you mean 'resnet50'?"),
        ("alexnet", "randm", "unknown name 'randm'; did you mean 'random'?"),
        ("resnet20", "imagenet", "resnet20 was never trained on ImageNet"),
        ("nowhere.pth", "imagenet", "there is no file nowhere.pth"),
        ("alexnet", "nowhere.pth", "there is no file nowhere.pth"),
        ("{}/text.pth", "imagenet", "text.pth is not a file of weights"),
        ("{}/empty.pth", "imagenet", "empty.pth holds no weights"),
        ("{}/other.pth", "imagenet", "other.pth does not hold weights of a network of the lab"),
        ("resnet18", "{}/other.pth", "holds the weights of a network other than resnet18"),
    ],
)
def test_names_and_weights_that_do_not_fit_are_answered_with_a_sentence(
    extract_features, lab, tmp_path, monkeypatch, name, weights, sentence
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.pth").write_text("no weights", encoding="utf-8")
    torch.save({"net": {}}, tmp_path / "empty.pth")
    torch.save({"net": nn.Linear(2, 2).state_dict()}, tmp_path / "other.pth")
    with pytest.raises(lab["lab"].LabError) as error:
        extract_features.load(name.format(tmp_path), weights.format(tmp_path))
    assert sentence in str(error.value)


def test_imagenet_weights_that_cannot_be_had_say_where_to_put_them_and_what_else_to_do(
    extract_features, lab, tmp_path, monkeypatch
):
    def no_network(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr("torch.hub.download_url_to_file", no_network)
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    with pytest.raises(lab["lab"].LabError) as error:
        extract_features.load("alexnet")
    assert "no route to host" in str(error.value)
    assert str(tmp_path / "checkpoints" / "alexnet-owt-7be5be79.pth") in str(error.value)
    assert "--weights random --seed 0" in str(error.value)


# Task 3.2


def test_rows_get_the_length_one_and_keep_their_direction(extract_features):
    rows = torch.tensor([[3.0, 4.0], [-0.06, 0.08], [0.0, 2e5]])
    right = torch.tensor([[0.6, 0.8], [-0.6, 0.8], [0.0, 1.0]])
    torch.testing.assert_close(extract_features.normalise(rows), right)


def test_a_row_of_zeros_stays_zero(extract_features):
    assert extract_features.normalise(torch.zeros(2, 5)).tolist() == [[0.0] * 5] * 2


# Images


def test_images_come_in_the_order_of_their_paths_without_hidden_and_other_files(extract_features, folder):
    found = extract_features.images_in(folder)
    assert [extract_features.path_of(path, folder) for path in found] == [
        "library/a/1.bmp",
        "library/b/1.png",
        "library/b/10.jpg",
        "library/b/2.PNG",
    ]


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1", "CMYK"])
def test_an_image_of_any_mode_becomes_three_channels(extract_features, tmp_path, mode):
    path = tmp_path / ("grey.tif" if mode == "CMYK" else "grey.png")
    Image.new(mode, (50, 40)).save(path)
    x = extract_features.Preprocess()(extract_features.read_image(path))
    assert x.shape == (3, 224, 224)


def test_a_picture_is_described_the_same_alone_and_among_others(extract_features, folder):
    extractor = extract_features.load("resnet18", "random")
    images = extract_features.images_in(folder)
    together = extract_features.extract(extractor, images, CPU)
    alone = torch.cat([extract_features.extract(extractor, [image], CPU) for image in images])
    torch.testing.assert_close(together, alone)
    torch.testing.assert_close(together.norm(dim=1), torch.ones(4))


# The script


def test_the_script_writes_a_row_an_image_and_an_array_a_model(extract_features, folder, tmp_path):
    arrays = script(extract_features, tmp_path, str(folder), "--model", "mlp", "--model", "squeezenet1_1")
    assert arrays.keys() == {"paths", "mlp", "squeezenet1_1"}
    assert arrays["paths"].tolist() == ["library/a/1.bmp", "library/b/1.png", "library/b/10.jpg", "library/b/2.PNG"]
    assert arrays["paths"].dtype.kind == "U"
    assert {name: (arrays[name].shape, arrays[name].dtype.name) for name in ("mlp", "squeezenet1_1")} == {
        "mlp": ((4, 128), "float32"),
        "squeezenet1_1": ((4, 512), "float32"),
    }
    assert np.linalg.norm(arrays["mlp"], axis=1) == pytest.approx(np.ones(4), abs=1e-5)


def test_more_images_than_a_batch_keep_their_order(extract_features, folder, tmp_path, monkeypatch):
    whole = script(extract_features, tmp_path, str(folder), "--model", "cnn")
    monkeypatch.setattr(extract_features, "BATCH_SIZE", 3)
    parts = script(extract_features, tmp_path, str(folder), "--model", "cnn")
    assert parts["cnn"] == pytest.approx(whole["cnn"], abs=1e-5)


@pytest.mark.parametrize(
    ("path", "content", "sentence"),
    [
        ("missing", None, "there is no folder"),
        ("readme.md", b"no image", "no image in"),
        ("cat.png", b"no image", "cat.png cannot be read as an image (UnidentifiedImageError)"),
        ("cat.png", b"", "cat.png cannot be read as an image (UnidentifiedImageError)"),
        ("cut.png", "cut", "cut.png cannot be read as an image"),
    ],
)
def test_what_is_no_image_is_answered_with_a_sentence(extract_features, folder, tmp_path, path, content, sentence):
    images = tmp_path / "images"
    if content is not None:
        images.mkdir()
        whole = (folder / "b" / "1.png").read_bytes()
        (images / path).write_bytes(whole[: len(whole) // 2] if content == "cut" else content)
    with pytest.raises(SystemExit) as stop:
        script(extract_features, tmp_path, str(images), "--model", "mlp")
    assert str(stop.value).startswith("extract_features.py: ")
    assert sentence in str(stop.value)
    assert not (tmp_path / "features.npz").exists()


def test_features_that_are_not_finite_are_refused(extract_features, folder, tmp_path, lab):
    state = {key: value * float("nan") for key, value in lab["models"].NETWORKS["mlp"]().state_dict().items()}
    torch.save(state, tmp_path / "broken.pth")
    with pytest.raises(SystemExit, match=r"mlp \(broken\.pth\) gives features that are not finite"):
        script(extract_features, tmp_path, str(folder), "--model", str(tmp_path / "broken.pth"))


def test_a_model_asked_for_with_two_kinds_of_weights_is_refused(extract_features, folder, tmp_path, lab):
    torch.save(lab["models"].NETWORKS["mlp"]().state_dict(), tmp_path / "final.pth")
    with pytest.raises(SystemExit, match="mlp is given twice"):
        script(extract_features, tmp_path, str(folder), "--model", "mlp", "--model", str(tmp_path / "final.pth"))


# As students have it


@pytest.mark.slow
def test_the_tasks_can_be_called_where_only_torch_is_installed(tmp_path):
    for name in ("extract_features.py", "lab.py"):
        (tmp_path / name).write_bytes((REFERENCE / name).read_bytes())
    command = "import sys; sys.modules.update(dict.fromkeys(('matplotlib', 'torchvision', 'tqdm', 'PIL', 'families')));"
    command += "import extract_features, torch; print(extract_features.normalise(torch.eye(2)).tolist())"
    done = subprocess.run([sys.executable, "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[[1.0, 0.0], [0.0, 1.0]]"


@pytest.mark.slow
def test_students_load_both_networks_without_the_part_that_only_the_reference_has(tmp_path):
    source = (REFERENCE / "extract_features.py").read_text("utf-8")
    while "# BEGIN REFERENCE" in source:
        before, after = source.split("# BEGIN REFERENCE", 1)
        source = before + after.split("# END REFERENCE", 1)[1]
    (tmp_path / "extract_features.py").write_text(source, encoding="utf-8")
    (tmp_path / "lab.py").write_bytes((REFERENCE / "lab.py").read_bytes())
    command = (
        "from extract_features import load; print(load('alexnet', 'random', 2).title()); load('resnet18', 'random')"
    )
    done = subprocess.run([sys.executable, "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "alexnet (random, seed 2)"
    assert "LabError: --model: unknown name 'resnet18'" in done.stderr
