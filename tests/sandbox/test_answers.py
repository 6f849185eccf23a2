"""What comes out of a sandbox: one frame as agreed; everything else is discarded whole."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.evidence import Crashed, Failure, Malformed, OutOfMemory, Refused
from grader.sandbox import ArraySpec, Job, Reply, Rest
from grader.sandbox.interface import HEADER_BYTES, read_reply
from grader.sandbox.watch import Child, await_reply

LOGITS = {"logits": ArraySpec("<f4", (2, 3))}
DATA = np.arange(6, dtype="<f4").tobytes()


def _frame(header: Any, data: bytes = b"") -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(raw).to_bytes(4, "big") + raw + data


def _read(answer: bytes, arrays: Mapping[str, ArraySpec | Rest] = LOGITS) -> Reply | Failure:
    """Read an answer as a sandbox does: whatever the answer triggers, a value comes back."""
    return await_reply(Job("probe", arrays=arrays), Child(0, io.BytesIO(answer).read, lambda: None, lambda: "tail"))


def _returned(value: Any) -> dict[str, Any]:
    return {"outcome": "returned", "value": value}


def test_an_answer_as_agreed_is_read() -> None:
    reply = _read(_frame(_returned({"a": 1, "name": "一😀"}), DATA))

    assert isinstance(reply, Reply)
    assert reply.value == {"a": 1, "name": "一😀"}
    assert reply.arrays["logits"].tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("data", [b"", b"12", b"1234"])
def test_an_array_of_open_length_is_read_to_the_end(data: bytes) -> None:
    reply = _read(_frame(_returned({}), data), {"rest": Rest(4)})

    assert isinstance(reply, Reply)
    assert reply.arrays["rest"].tobytes() == data


def test_an_array_longer_than_was_agreed_is_thrown_away() -> None:
    assert isinstance(_read(_frame(_returned({}), b"12345"), {"rest": Rest(4)}), Malformed)


MALFORMED: dict[str, bytes] = {
    "no size": (0).to_bytes(4, "big"),
    "a size beyond the limit": (HEADER_BYTES + 1).to_bytes(4, "big") + b"{}",
    "the largest size": b"\xff\xff\xff\xff",
    "no JSON": _frame(b"\x80\x02]."),
    "no UTF-8": _frame(b'{"outcome": "\xff"}'),
    "NaN": _frame(b'{"outcome": "returned", "value": {"a": NaN}}', DATA),
    "infinity": _frame(b'{"outcome": "returned", "value": {"a": -Infinity}}', DATA),
    "infinity in digits": _frame(b'{"outcome": "returned", "value": {"a": 1e999}}', DATA),
    "a number of 5,000 digits": _frame(b'{"outcome": "returned", "value": {"a": ' + b"9" * 5000 + b"}}", DATA),
    "lists without end": _frame(b'{"outcome": "returned", "value": {"a": ' + b"[" * 100_000 + b"}}"),
    "a list": _frame([_returned({})], DATA),
    "no value": _frame({"outcome": "returned"}, DATA),
    "a value that is no object": _frame(_returned([1]), DATA),
    "an outcome of its own": _frame({"outcome": "passed", "value": {"points": 100}}, DATA),
    "an outcome that is a list": _frame({"outcome": ["returned"], "value": {}}, DATA),
    "one byte too many": _frame(_returned({}), DATA + b"\0"),
    "an array twice": _frame(_returned({}), DATA + DATA),
    "a refusal in words of its own": _frame({"outcome": "refused", "value": {"code": "full marks", "values": {}}}),
    "a refusal with other values": _frame({"outcome": "refused", "value": {"code": "empty", "values": {"x": 1}}}),
    "a refusal with attributes": _frame(
        {"outcome": "refused", "value": {"code": "empty", "values": {"file.__class__": "x"}}}
    ),
    "a refusal with a list for values": _frame({"outcome": "refused", "value": {"code": "empty", "values": []}}),
    "a refusal with a text for details": _frame(
        {"outcome": "refused", "value": {"code": "empty", "values": {"file": "x"}, "details": "text"}}
    ),
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_an_answer_of_another_form_is_thrown_away(kind: str) -> None:
    assert isinstance(_read(MALFORMED[kind]), Malformed)


@pytest.mark.parametrize("missing", [1, 12, 24])
def test_an_array_that_is_too_short_is_a_crash(missing: int) -> None:
    assert isinstance(_read(_frame(_returned({}), DATA[:-missing])), Crashed)


@pytest.mark.parametrize("length", [0, 1, 3, 4, 10])
def test_an_answer_that_ends_early_is_a_crash_with_what_was_printed(length: int) -> None:
    answer = _read(_frame(_returned({"a": 1}), DATA)[:length])

    assert isinstance(answer, Crashed)
    assert answer.tail.startswith("tail\n")


def test_a_refusal_is_a_sentence_of_ours_with_values_of_theirs() -> None:
    values = {"file": "{file.__class__} \ud800 \x1b[2J" + "x" * 1000}
    refused = {"outcome": "refused", "value": {"code": "empty", "values": values, "details": ["\udfff", 3, {"a": []}]}}

    answer = _read(_frame(refused))

    assert isinstance(answer, Refused)
    sentence = answer.message.english()
    sentence.encode()
    "".join(answer.details).encode()
    assert "is empty (0 bytes)" in sentence
    assert len(sentence) < 600


def test_deep_nesting_inside_an_agreed_answer_raises_nothing() -> None:
    for depth in (100, 400, 800, 900, 950, 990, 1100):
        nested = b"[" * depth + b"]" * depth
        for header in (b'{"outcome": "crashed", "value": {"tail": %s}}', b'{"outcome": %s, "value": {}}',
                       b'{"outcome": "refused", "value": {"code": "empty", "values": {"file": %s}}}'):  # fmt: skip
            assert not isinstance(_read(_frame(header % nested)), Reply)


@pytest.mark.parametrize(
    ("told", "kept"), [(4000, 4000), (-1, 0), (10**400, 0), (True, 0), ("4000", 0), (None, 0), (4.5, 0)]
)
def test_memory_is_reported_in_sensible_numbers_only(told: object, kept: int) -> None:
    assert _read(_frame({"outcome": "out of memory", "value": {"megabytes": told}})) == OutOfMemory(kept)


@given(st.binary(max_size=200))
def test_any_bytes_at_all_are_a_value(answer: bytes) -> None:
    assert not isinstance(_read(answer), Reply)


@settings(max_examples=40, deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)),
       st.sampled_from(["returned", "refused", "crashed", "out of memory", "x"]))  # fmt: skip
def test_any_header_at_all_is_a_value(value: Any, outcome: str) -> None:
    _read(_frame({"outcome": outcome, "value": value}, DATA))


def test_arrays_are_read_byte_by_byte_as_they_come() -> None:
    source = io.BytesIO(_frame(_returned({}), DATA))

    reply = read_reply(lambda size: source.read(min(size, 1)), LOGITS)

    assert isinstance(reply, Reply)
    assert reply.arrays["logits"].shape == (2, 3)
