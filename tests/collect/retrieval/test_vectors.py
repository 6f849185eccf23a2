"""Features are computed once for a picture, a network and a way to prepare it; a torn file is not believed."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fixtures import IMAGES
from fixtures.stories import rankings as made
from grader.collect import Equipment
from grader.collect.retrieval.networks import TEMPLATE, Network
from grader.collect.retrieval.vectors import Asked, is_kept, vectors_of
from grader.evidence import Malformed, TimedOut
from grader.measures.ranking_verdict import accepted
from grader.measures.ways import ALLOWED, DECLARED
from grader.records import message
from grader.sandbox import Job, Limits, Reply

MODEL = "shufflenet_v2_x0_5"
PICTURES = len(made.paths("library")) + len(made.paths("queries"))


class Watched:
    """A sandbox that notes how many pictures it computed features of."""

    name, isolated = "watched", True

    def __init__(self, sandbox, answer=None):
        self.sandbox, self.answer = sandbox, answer
        self.for_code = sandbox.for_code
        self.computed: list[int] = []

    def run(self, job: Job):
        if job.probe in ("retrieval.scores.compute_scores", "retrieval.scores.compute_vectors"):
            data = job.files["bundle"].read_bytes()
            self.computed.append(data[4 : 4 + int.from_bytes(data[:4], "big")].count(b",") + 1)
            if self.answer is not None:
                return self.answer
        return self.sandbox.run(job)


@pytest.fixture
def watched(shared_sandbox, monkeypatch):
    monkeypatch.setitem(made.WEIGHTS, MODEL, {"weights": "random", "seed": 3})
    return Watched(shared_sandbox)


def test_the_second_submission_with_the_same_pictures_computes_nothing(look, watched, tmp_path):
    first = look([made.run(MODEL)], sandbox=watched, kept=tmp_path / "kept")
    assert watched.computed == [PICTURES]
    second = look([made.run(MODEL)], sandbox=watched, kept=tmp_path / "kept")
    assert watched.computed == [PICTURES]
    assert first == second
    assert accepted(first[0])


def test_pictures_are_computed_in_jobs_of_a_bounded_size(look, watched, tmp_path, monkeypatch):
    monkeypatch.setattr("grader.collect.retrieval.vectors.MOST_PICTURES", 25)
    (found,) = look([made.run(MODEL)], sandbox=watched, kept=tmp_path / "kept")
    assert (sum(watched.computed), max(watched.computed)) == (PICTURES, 25)
    assert accepted(found)


def test_pictures_of_different_shapes_are_computed_together_each_time():
    network = Network({"model": MODEL}, "random", TEMPLATE, kept="random")
    equipment = Equipment(message("no images"), None, kept=Path("kept"))
    assert is_kept([DECLARED], network, equipment)
    assert is_kept([DECLARED], replace(network, pipeline=replace(TEMPLATE, crop=0, squash=True)), equipment)
    assert not is_kept([DECLARED], replace(network, pipeline=replace(TEMPLATE, crop=0)), equipment)


def test_what_is_kept_gives_what_is_computed_each_time(look, watched, tmp_path):
    way = next(one for one in ALLOWED if one.change.get("interpolation") == "bicubic")
    report = [made.run(MODEL, way)]
    plain = look(report, sandbox=watched)
    kept = [look(report, sandbox=watched, kept=tmp_path / "kept") for _ in range(2)]
    for (found,) in kept:
        assert found.pipeline == plain[0].pipeline
        assert found.network == plain[0].network
        assert found.distance == pytest.approx(plain[0].distance, abs=0.02)
        assert [one.pipeline for one in found.other_ways] == [one.pipeline for one in plain[0].other_ways]


def test_a_changed_picture_is_computed_and_the_others_are_not(look, watched, tmp_path):
    look([made.run(MODEL)], sandbox=watched, kept=tmp_path / "kept")
    changed = made.paths("library")[3]
    pixels = 255 - np.asarray(Image.open(IMAGES / changed).convert("RGB"))
    held = io.BytesIO()
    Image.fromarray(pixels).save(held, "PNG")
    (found,) = look([made.run(MODEL)], {changed: held.getvalue()}, sandbox=watched, kept=tmp_path / "kept")
    assert watched.computed[:2] == [PICTURES, 1]
    assert not accepted(found)


def test_another_seed_is_another_network(look, watched, tmp_path, monkeypatch):
    look([made.run(MODEL)], sandbox=watched, kept=tmp_path / "kept")
    report = {**made.run(MODEL), "seed": 4}
    look([report], sandbox=watched, kept=tmp_path / "kept")
    assert watched.computed[:2] == [PICTURES, PICTURES]


@pytest.mark.parametrize("harm", [lambda data: data[:-7], lambda data: bytes(len(data)), lambda data: b""])
def test_a_torn_file_is_ignored_and_its_picture_computed(look, watched, tmp_path, harm):
    first = look([made.run(MODEL)], sandbox=watched, kept=tmp_path / "kept")
    file = next(path for path in sorted((tmp_path / "kept").rglob("*")) if path.is_file())
    file.write_bytes(harm(file.read_bytes()))
    second = look([made.run(MODEL)], sandbox=watched, kept=tmp_path / "kept")
    assert watched.computed == [PICTURES, 1]
    assert second[0].distance == pytest.approx(first[0].distance, abs=0.02)
    assert accepted(second[0])


def test_features_by_the_submissions_own_weights_are_not_kept(look, watched, tmp_path):
    look([made.run("resnet20")], sandbox=watched, kept=tmp_path / "kept")
    assert watched.computed
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize(
    "widths", [None, [], [[1024]], [[-1, 5]], [["1024", 1024]], [[1 << 40, 0]], [[1024, 1023]], [[True, 1024]]]
)
def test_an_answer_of_another_form_is_discarded_and_not_kept(watched, tmp_path, widths):
    answer = Reply({"network": "n", "widths": widths}, {"vectors": np.zeros(4 * 2048, np.uint8)})
    equipment = Equipment(message("no images"), Watched(watched.sandbox, answer), kept=tmp_path / "kept")
    picture: Path = IMAGES / made.paths("library")[0]
    asked = Asked([picture], Network({"model": MODEL}, "random", TEMPLATE, kept="random"), [(TEMPLATE, False)])
    assert isinstance(vectors_of(asked, equipment, Limits), Malformed)
    assert not (tmp_path / "kept").exists()


def test_a_limit_is_told_as_without_a_cache(look, watched, tmp_path):
    slow = Watched(watched.sandbox, TimedOut(1.0))
    (found,) = look([made.run(MODEL, DECLARED)], sandbox=slow, kept=tmp_path / "kept")
    assert (found.basis, found.ours) == ("report", True)
