"""The images beside the test images: what is drawn, what is counted, and when all of them are looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fixtures import DEMO_SUBMISSION
from grader.collect import Equipment
from grader.collect.generalisation import COPIES, FIRST, TRAINING, OnTest, counted, draw, seed_of, shuffled
from grader.collect.normalisations import template
from grader.collect.scoring import score
from grader.collect.weights import Weighed, on_test_images
from grader.dataset import ImageSet
from grader.evidence import Generalisation
from grader.intake import Archive, open_submission
from grader.records import Student


@pytest.fixture
def whole(tmp_path) -> ImageSet:
    """As many images as CIFAR-10 has for testing; black, with their numbers as labels modulo ten."""
    for split, count in (("test", 10_000), ("train", 5_000)):
        np.save(tmp_path / f"{split}_images.npy", np.zeros((count, 3, 32, 32), dtype=np.uint8))
        np.save(tmp_path / f"{split}_labels.npy", (np.arange(count) % 10).astype(np.uint8))
    return ImageSet("black", tuple("abcdefghij"), "0" * 64, tmp_path)


def test_shuffled_images_are_all_there_in_another_order_and_find_back(few_images):
    images = few_images.images("test")
    shown = shuffled(images, 5)
    assert not np.array_equal(shown.pixels, images)
    assert np.array_equal(shown.in_order(shown.pixels), images)


def test_a_copy_is_its_image_mirrored_and_shifted_and_no_image_itself(few_images):
    images, part = few_images.images("test"), draw(few_images, 200, 6).first
    copies = part.pixels[: len(part.copied)].astype(int)
    known = {image.tobytes() for image in images} | {image[:, :, ::-1].tobytes() for image in images}
    assert not known & {copy.astype(np.uint8).tobytes() for copy in copies}
    for copy, image in zip(copies, images[part.copied], strict=True):
        inner = copy[:, 2:30, 2:30]
        mirrored = image[:, :, ::-1].astype(int)
        offsets = [np.abs(inner - mirrored[:, y : y + 28, x : x + 28]).max() for y in range(5) for x in range(5)]
        assert min(offsets) <= 1


def test_training_images_are_as_they_are(few_images):
    part = draw(few_images, 200, 6).first
    assert np.array_equal(part.pixels[len(part.copied) :], few_images.images("train")[part.trained])


def test_copies_are_of_images_from_the_whole_set_and_none_is_drawn_twice(whole):
    drawn = draw(whole, 10_000, 1)
    copied = np.sort(np.concatenate([drawn.first.copied, drawn.rest.copied]))
    trained = np.concatenate([drawn.first.trained, drawn.rest.trained])
    assert (len(copied), copied[0], copied[-1], len(set(copied))) == (COPIES, 0, 9_999, COPIES)
    assert (len(trained), len(set(trained))) == (TRAINING, TRAINING)


def test_the_first_part_is_at_most_15_percent_of_the_test_images(whole):
    assert len(draw(whole, 10_000, 1).first.pixels) <= 0.15 * 10_000


def test_the_seed_gives_the_same_images_again_and_another_one_others(few_images):
    first, again, other = (draw(few_images, 200, seed).first.pixels for seed in (7, 7, 8))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


# --- counting --------------------------------------------------------------------------------------------------


def one_hot(labels: Any) -> Any:
    return np.eye(10, dtype=np.float32)[labels]


def found_by(images: ImageSet, right_on_copies: bool, right_on_training: bool) -> tuple[Generalisation, int]:
    """What is counted of a network that is right on every test image; how often the rest was asked for."""
    drawn, asked = draw(images, 10_000, 3), []
    truth = {split: images.labels(split) for split in ("test", "train")}

    def answers(part: Any) -> Any:
        copies, training = truth["test"][part.copied], truth["train"][part.trained]
        parts = (copies + (not right_on_copies)) % 10, (training + (not right_on_training)) % 10
        return one_hot(np.concatenate(parts))

    def more(part: Any) -> Any:
        asked.append(part)
        return answers(part)

    test = one_hot(truth["test"])
    scores = score(test, truth["test"], images.name, images.classes)
    return counted(drawn, answers(drawn.first), OnTest(test, scores, images), more), len(asked)


def test_a_network_beyond_doubt_is_shown_the_first_part_alone(whole):
    found, asked = found_by(whole, True, True)
    assert asked == 0
    assert (found.moved, found.training) == (FIRST * COPIES, FIRST * TRAINING)
    assert found.correct_moved == found.correct_before == found.moved
    assert found.correct_training == found.training


@pytest.mark.parametrize(("copies", "training"), [(False, True), (True, False), (False, False)])
def test_a_doubtful_one_is_shown_all(whole, copies, training):
    found, asked = found_by(whole, copies, training)
    assert (asked, found.moved, found.training, found.correct_before) == (1, COPIES, TRAINING, COPIES)
    assert found.correct_moved == COPIES * copies
    assert found.correct_training == TRAINING * training


def test_where_the_rest_cannot_be_run_the_first_part_counts(whole):
    drawn = draw(whole, 10_000, 3)
    labels = whole.labels("test")
    test = OnTest(one_hot(labels), score(one_hot(labels), labels, "black", whole.classes), whole)
    found = counted(drawn, np.zeros((len(drawn.first.pixels), 10), np.float32), test, lambda part: None)
    assert found.moved == FIRST * COPIES


# --- networks that the grader knows ----------------------------------------------------------------------------


@pytest.fixture
def run(few_images, files_sandbox, tmp_path) -> Callable[[bytes], Any]:
    def of(weights: bytes) -> Any:
        folder = tmp_path / "handed-in"
        folder.mkdir(exist_ok=True)
        (folder / "final.pth").write_bytes(weights)
        unpacked = tmp_path / f"unpacked-{len(list(tmp_path.iterdir()))}"
        submission = open_submission(Archive(folder, Student("Ada Ng")), unpacked)
        return on_test_images(Weighed(submission, "final.pth", Equipment(few_images, files_sandbox), template()))

    return of


def test_an_honest_network_of_ours_is_counted_in_the_same_job(run, files_sandbox, monkeypatch):
    jobs: list[Any] = []
    kept = files_sandbox.run
    monkeypatch.setattr(files_sandbox, "run", lambda job: jobs.append(job) or kept(job), raising=False)
    found = run((DEMO_SUBMISSION / "final.pth").read_bytes())
    assert len(jobs) == 1
    assert [run.get("rough", False) for run in jobs[0].inputs["runs"]] == [False, True]
    general = found.generalisation
    assert (general.moved, general.training) == (80, 60)
    assert found.accuracy.correct > 160
    assert general.correct_before - general.correct_moved < 9
    assert general.correct_training > 48


def test_no_label_goes_into_the_job(run, files_sandbox, monkeypatch, few_images):
    jobs: list[Any] = []
    kept = files_sandbox.run
    monkeypatch.setattr(files_sandbox, "run", lambda job: jobs.append(job) or kept(job), raising=False)
    run((DEMO_SUBMISSION / "final.pth").read_bytes())
    assert set(jobs[0].files) == {"checkpoint", "images", "beside"}
    assert few_images.labels("test").tobytes() not in repr(jobs[0].inputs).encode()


def test_the_same_submission_is_counted_alike_each_time(run):
    weights = (DEMO_SUBMISSION / "final.pth").read_bytes()
    first, again = run(weights).generalisation, run(weights).generalisation
    assert first == again


def test_other_weights_have_another_seed():
    assert len({seed_of(digest) for digest in ("", "a" * 64, "b" * 64)}) == 3
