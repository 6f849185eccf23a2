"""The demo submission: real weights, and figures that say what they say."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from fixtures import DEMO_SUBMISSION
from grader.dataset import demo

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def checkpoint():
    return torch.load(DEMO_SUBMISSION / "final.pth", map_location="cpu", weights_only=True)


def test_every_file_that_is_asked_for_is_there():
    names = {path.name for path in DEMO_SUBMISSION.iterdir() if path.is_file()}
    assert names >= {
        "exp1.py",
        "exp2.py",
        "extract_features.py",
        "retrieve.py",
        "final.pth",
        "history.json",
        "report.md",
    }


def test_checkpoint_history_and_report_state_one_accuracy(checkpoint):
    history = json.loads((DEMO_SUBMISSION / "history.json").read_text("utf-8"))
    last = history["epochs"][-1]
    stated = re.search(r"test\s+accuracy is\s+([\d.]+)%", (DEMO_SUBMISSION / "report.md").read_text("utf-8"))
    assert history["schema"] == "history/1"
    assert [epoch["epoch"] for epoch in history["epochs"]] == list(range(checkpoint["epoch"] + 1))
    assert checkpoint["acc"] == last["test_accuracy"] == float(stated[1])


@pytest.mark.slow
def test_the_accuracy_is_what_an_independent_loop_measures(checkpoint, tmp_path):
    from reference.models import resnet20

    images = demo(tmp_path)
    net = resnet20().eval()
    net.load_state_dict(checkpoint["net"])
    mean, std = np.float32([0.4914, 0.4822, 0.4465]), np.float32([0.2470, 0.2435, 0.2616])
    x = (images.images("test").astype(np.float32) / 255 - mean[:, None, None]) / std[:, None, None]
    with torch.inference_mode():
        answers = np.concatenate([net(torch.from_numpy(part)).argmax(1).numpy() for part in np.split(x, 8)])
    measured = 100 * (answers == images.labels("test")).mean()
    assert measured == pytest.approx(checkpoint["acc"], abs=0.051)  # one image of 2,000, where two logits nearly tie
    assert 85 <= measured <= 93
