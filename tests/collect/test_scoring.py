"""Scores from logits, held against a slow loop over images."""

from __future__ import annotations

import hashlib
import math
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.collect.scoring import count_correct, digest, score

CLASSES = ("cat", "dog", "ship")


def by_loop(logits, labels):
    """Correct, confusion, (count, sum of confidence, correct) of each bin, and rows that are not finite."""
    correct = bad = 0
    confusion = [[0] * 3 for _ in range(3)]
    bins = [[0, 0.0, 0] for _ in range(10)]
    for row, truth in zip(logits.tolist(), labels.tolist(), strict=True):
        if not all(map(math.isfinite, row)):
            bad += 1
            continue
        guess = row.index(max(row))
        confusion[truth][guess] += 1
        correct += guess == truth
        confidence = math.exp(row[guess] - max(row)) / math.fsum(math.exp(x - max(row)) for x in row)
        place = bins[min(9, int(confidence * 10))]
        place[0] += 1
        place[1] += confidence
        place[2] += guess == truth
    return correct, confusion, bins, bad


values = st.one_of(st.floats(-20, 20, width=32), st.sampled_from([0.0, math.nan, math.inf, -math.inf, 1e38, -1e38]))
rows = st.lists(st.tuples(values, values, values, st.integers(0, 2)), min_size=1, max_size=30)


@settings(max_examples=60)
@given(rows)
def test_scores_are_those_of_a_slow_loop(rows):
    logits = np.array([row[:3] for row in rows], dtype=np.float32)
    labels = np.array([row[3] for row in rows], dtype=np.uint8)
    correct, confusion, bins, bad = by_loop(logits, labels)
    found = score(logits, labels, "few", CLASSES)
    assert (found.correct, found.count, found.not_finite) == (correct, len(rows), bad)
    assert [list(row) for row in found.confusion] == confusion
    assert [(b.count, b.correct) for b in found.calibration] == [(count, right) for count, _, right in bins]
    for told, (count, total, _) in zip(found.calibration, bins, strict=True):
        assert told.confidence == pytest.approx(total / count if count else 0.0, abs=1e-9)
    assert count_correct(logits, labels) == correct


@settings(max_examples=40)
@given(rows)
def test_the_surest_mistakes_are_those_of_a_slow_loop(rows):
    logits = np.array([row[:3] for row in rows], dtype=np.float32)
    labels = np.array([row[3] for row in rows], dtype=np.uint8)
    wrong = []
    for number, (row, truth) in enumerate(zip(logits.tolist(), labels.tolist(), strict=True)):
        guess = row.index(max(row)) if all(map(math.isfinite, row)) else truth
        if guess != truth:
            sure = math.exp(row[guess] - max(row)) / math.fsum(math.exp(x - max(row)) for x in row)
            wrong.append((-sure, number, CLASSES[truth], CLASSES[guess]))
    found = score(logits, labels, "few", CLASSES).surest_mistakes
    assert len(found) == min(12, len(wrong))
    told = {(mistake.image, mistake.truth, mistake.answer) for mistake in found}
    assert told <= {row[1:] for row in wrong}
    expected = [pytest.approx(-minus) for minus, *_ in sorted(wrong)[:12]]
    assert [mistake.confidence for mistake in found] == expected


def test_an_image_with_nan_is_wrong_even_where_its_best_finite_logit_is_right():
    logits = np.array([[9.0, math.nan, 0.0], [9.0, 0.0, 0.0]], dtype=np.float32)
    labels = np.zeros(2, dtype=np.uint8)
    assert count_correct(logits, labels) == 1
    found = score(logits, labels, "few", CLASSES)
    assert (found.correct, found.count, found.not_finite, sum(map(sum, found.confusion))) == (1, 2, 1, 1)


def test_logits_that_are_all_nan_score_nothing():
    found = score(np.full((4, 3), np.nan, dtype=np.float32), np.zeros(4, dtype=np.uint8), "few", CLASSES)
    assert (found.correct, found.not_finite, sum(b.count for b in found.calibration)) == (0, 4, 0)


def test_equal_logits_count_for_the_first_class_as_torch_and_numpy_do():
    found = score(np.zeros((2, 3), dtype=np.float32), np.array([0, 2], dtype=np.uint8), "few", CLASSES)
    assert found.confusion == ((1, 0, 0), (0, 0, 0), (1, 0, 0))


def test_a_read_only_label_file_and_more_than_256_images_are_counted_rightly():
    labels = np.resize(np.arange(3, dtype=np.uint8), 1000)
    labels.flags.writeable = False
    found = score(np.eye(3, dtype=np.float32)[labels], labels, "few", CLASSES)
    assert found.confusion == ((334, 0, 0), (0, 333, 0), (0, 0, 333))


def test_the_digest_is_that_of_little_endian_rows():
    logits = np.array([[1.5, -2.0], [0.0, 3.25]], dtype=np.float32)
    expected = hashlib.sha256(struct.pack("<4f", 1.5, -2.0, 0.0, 3.25)).hexdigest()
    assert digest(logits) == digest(np.asfortranarray(logits)) == digest(logits.astype(">f4")) == expected


def test_logits_of_a_part_are_scored_against_the_first_labels_and_say_so():
    labels = np.array([0, 1, 2, 0, 1], dtype=np.uint8)
    part = score(np.eye(3, dtype=np.float32), labels, "few", CLASSES)
    assert (part.correct, part.count, part.whole) == (3, 3, 5)
    whole = score(np.eye(3, dtype=np.float32)[labels], labels, "few", CLASSES)
    assert (whole.correct, whole.count, whole.whole) == (5, 5, 0)
