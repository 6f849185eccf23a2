"""history.json in every form that students write, and in some that nobody should."""

from __future__ import annotations

import json
import math
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from grader.evidence import History
from grader.evidence.refusals import heard_refusal
from grader.probes.documents.history import MOST_EPOCHS, read_history
from grader.probes.refusals import Refuse
from grader.sandbox.interface import HEADER_BYTES


def read(content) -> dict:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        value, arrays = read_history({"file": "history.json"}, {"history": file.fileno()})
    assert arrays == {}
    TypeAdapter(History).validate_json(json.dumps(value, allow_nan=False))  # what the parent does with it
    return value


def accuracies(content) -> list:
    return [epoch["test_accuracy"] for epoch in read(content)["epochs"]]


TEMPLATE = {
    "schema": "history/1", "model": "resnet20", "recipe": "recommended", "seed": 83114, "resumed_from": None,
    "epochs": [
        {"epoch": 0, "learning_rate": 0.1, "train_loss": 1.6, "train_accuracy": 41.2, "test_loss": 1.4,
         "test_accuracy": 49.9, "seconds": 61.0},
        {"epoch": 1, "learning_rate": 0.01, "train_loss": 1.1, "train_accuracy": 60.0, "test_loss": 1.0,
         "test_accuracy": 64.5, "seconds": 60.0},
    ],
}  # fmt: skip


def test_the_templates_own_form_is_read_whole():
    value = read(TEMPLATE)
    assert value["epochs"][1] == {
        "epoch": 1, "learning_rate": 0.01, "train_loss": 1.1, "train_accuracy": 60.0, "test_loss": 1.0,
        "test_accuracy": 64.5,
    }  # fmt: skip
    assert (value["model"], value["recipe"], value["resumed_from"]) == ("resnet20", "recommended", "")
    assert (value["not_numbers"], value["fractions"], value["source"]) == (0, False, "history.json")


@pytest.mark.parametrize(
    "content",
    [
        TEMPLATE["epochs"],
        {"test_accuracy": [49.9, 64.5], "train_loss": [1.6, 1.1]},
        {"epochs": [0, 1], "test_accuracy": [49.9, 64.5]},
        {"epoch": [0, 1], "val_acc": [49.9, 64.5]},
        [{"test_acc": 49.9}, {"test_acc": 64.5}],
        [{"epoch": 0, "lr": 0.1, "acc": 49.9, "loss": 1}, {"epoch": 1, "lr": 0.1, "acc": 64.5, "loss": 1}],
        [{"val_accuracy": 0.499, "accuracy": 0.7}, {"val_accuracy": 0.645, "accuracy": 0.8}],
        {"test_accuracy": [0.499, 0.645], "train_accuracy": [0.4, 0.5]},
    ],
)
def test_the_forms_of_students_own_scripts_are_read_alike(content):
    assert accuracies(content) == pytest.approx([49.9, 64.5])
    assert [epoch["epoch"] for epoch in read(content)["epochs"]] == [0, 1]


def test_fractions_become_percent_and_are_named_so():
    value = read([{"train_acc": 0.5, "test_acc": 1.0}, {"train_acc": 0.6, "test_acc": 0.25}])
    assert value["fractions"] is True
    assert [(epoch["train_accuracy"], epoch["test_accuracy"]) for epoch in value["epochs"]] == [(50, 100), (60, 25)]


def test_percentages_stay_even_where_one_is_below_one():
    value = read([{"test_acc": 0.9}, {"test_acc": 10.0}])
    assert (value["fractions"], accuracies([{"test_acc": 0.9}, {"test_acc": 10.0}])) == (False, [0.9, 10.0])


def test_columns_of_different_lengths_leave_gaps():
    assert accuracies({"test_accuracy": [50.0], "train_loss": [1.0, 0.9]}) == [50.0, None]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", '"84.5"', "true", "[]", "{}", "1e999", "9" * 400])
def test_what_is_no_finite_number_is_counted_and_left_out(value):
    found = read(f'[{{"epoch": 0, "test_accuracy": {value}, "train_loss": 1}}]'.encode())
    assert found["epochs"][0]["test_accuracy"] is None
    assert found["epochs"][0]["train_loss"] == 1.0
    assert found["not_numbers"] == 1


def test_null_is_missing_and_no_wrong_number():
    found = read([{"epoch": 0, "test_accuracy": None}])
    assert (found["epochs"][0]["test_accuracy"], found["not_numbers"]) == (None, 0)


@pytest.mark.parametrize("number", ["x", None, 1e300, math.inf, [], 10**400])
def test_an_epoch_without_a_usable_number_takes_its_place(number):
    rows = [{"epoch": number, "acc": 50.0}, {"epoch": number, "acc": 60.0}]
    assert [epoch["epoch"] for epoch in read(rows)["epochs"]] == [0, 1]


def test_an_order_that_is_not_rising_is_kept():
    assert [epoch["epoch"] for epoch in read([{"epoch": 3}, {"epoch": 3}, {"epoch": 1}])["epochs"]] == [3, 3, 1]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030"])
def test_the_encodings_of_windows_are_read(encoding):
    content = json.dumps({"model": "残差网络", "epochs": [{"acc": 50.0}]}, ensure_ascii=False)
    assert read(content.encode(encoding))["model"] == "残差网络"


def test_half_a_character_does_not_cost_the_history():
    assert read(b'{"model": "\\ud800x", "epochs": [{"acc": 50.0}]}')["model"] == "?x"


def test_head_fields_of_any_kind_become_text():
    value = read({"model": {"a": 1}, "recipe": 5, "resumed_from": "x" * 10_000, "epochs": [{"acc": 1.5}]})
    assert (value["model"], value["recipe"], len(value["resumed_from"])) == ("{'a': 1}", "5", 200)


@pytest.mark.parametrize("rows", [MOST_EPOCHS, 20_000])
def test_a_history_without_end_fits_into_one_answer(rows):
    figure = 12.345678901234567
    fields = ("learning_rate", "train_loss", "train_accuracy", "test_loss", "test_accuracy")
    value = read([{"epoch": number, **dict.fromkeys(fields, figure)} for number in range(rows)])
    assert len(value["epochs"]) == MOST_EPOCHS
    assert len(json.dumps(value)) < HEADER_BYTES


@pytest.mark.parametrize("data", [b"", b"{", b"epoch 0: 50%", b"\xff\xfe", b"<html>", b"[" * 100_000, b"9" * 5_000])
def test_what_is_no_json_is_refused(data):
    with pytest.raises(Refuse) as caught:
        read(data)
    assert caught.value.code in ("history_json", "history_empty")
    assert "history.json" in heard_refusal(caught.value.code, caught.value.values).message.english()


@pytest.mark.parametrize("content", [[], {}, {"epochs": []}, [1, 2], 5, "x", None, {"a": 1}, [[]]])
def test_a_history_without_epochs_is_refused(content):
    with pytest.raises(Refuse) as caught:
        read(content)
    assert caught.value.code == "history_empty"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["epochs", "epoch", "test_accuracy", "acc", "loss", "model"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(json_values)
def test_no_json_at_all_does_more_than_be_read_or_refused(content):
    try:
        read(content)
    except Refuse as refusal:
        assert heard_refusal(refusal.code, refusal.values)


@pytest.mark.parametrize("huge", [1e308, -1e308, 3.6e38, 10**400])
def test_what_no_training_gives_is_no_number(huge):
    value = read({"epochs": [{"epoch": huge, "test_accuracy": huge, "train_loss": 1e38}]})
    assert value["not_numbers"] == 1
    assert value["epochs"][0]["test_accuracy"] is None
    assert value["epochs"][0]["train_loss"] == 1e38
