"""Every code that a probe names has its words, and a child cannot make any up."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import grader.probes
from grader.evidence.kinds.weights import Measurement
from grader.evidence.outcomes import EVIDENCE, Evidence, Seen
from grader.evidence.refusals import REFUSALS, given_fields, heard_refusal, refusal
from grader.evidence.wording import PHRASES, Phrase, english, fields_of, heard, phrase, said
from grader.probes.refusals import Refuse
from grader.probes.refusals import phrase as worded_by_a_probe
from grader.records import Student

PROBES = Path(grader.probes.__file__).parent


def calls(function: str) -> Iterator[tuple[str, str, set[str] | None]]:
    """(where, code, names of the values) of each call in the probes; no names where they are not written out."""
    for path in sorted(PROBES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") != function or not node.args:
                continue
            if isinstance(code := node.args[0], ast.Constant):
                names = {keyword.arg for keyword in node.keywords}
                yield f"{path.name}:{node.lineno}", code.value, None if None in names else names  # type: ignore[misc]


def test_every_refusal_of_a_probe_has_a_sentence_with_its_values():
    wrong = [
        (place, code)
        for place, code, names in calls("Refuse")
        if code not in REFUSALS or (names is not None and names != fields_of(REFUSALS[code]) - set(given_fields()))
    ]
    assert wrong == []


def test_every_phrase_of_a_probe_has_words_with_its_values():
    wrong = [
        (place, code)
        for place, code, names in calls("phrase")
        if code not in PHRASES or (names is not None and names != fields_of(PHRASES[code]))
    ]
    assert wrong == []


def test_what_a_probe_words_is_read_as_its_sentence():
    problem = worded_by_a_probe("index_damaged", kind="ValueError")
    refused = Refuse("pickle", file="final.pth", problem=problem)
    found = heard_refusal(refused.code, refused.values)
    assert found.code == "pickle"
    assert "cannot be read as weights: its index is damaged (ValueError)" in found.message.english()


@pytest.mark.parametrize(
    "item",
    [
        {"code": "of_my_own", "values": []},
        {"code": "kind", "values": []},
        {"code": "kind", "values": [["kind", "a"], ["more", "b"]]},
        {"code": "kind", "values": {"kind": "a"}},
        {"text": "a sentence of my own"},
        {"code": "and", "values": [["first", "a"], ["second", {"code": "x", "values": []}]]},
    ],
)
def test_what_a_child_makes_up_is_not_worded(item):
    with pytest.raises((ValueError, TypeError)):
        heard(item)


@pytest.mark.parametrize("count", ["many", "{count}", True])
def test_a_value_that_its_place_cannot_show_is_refused_and_no_page_fails_at_it(count):
    """`{count:,}` takes a number: a page must not find out when it is drawn."""
    with pytest.raises(ValueError):
        heard({"code": "records_many", "values": [["count", count]]})
    with pytest.raises(ValueError):
        heard_refusal("code_endless", {"doing": "x", "seconds": str(count), "place": "y"})
    with pytest.raises(ValueError):
        Phrase("records_many", (("count", str(count)),))


def test_phrases_within_phrases_end():
    item = worded_by_a_probe("kind", kind="a")
    for _ in range(5):
        item = worded_by_a_probe("and", first="a", second=item)
    with pytest.raises(ValueError, match="not a phrase"):
        heard(item)


def test_a_text_of_a_child_stays_a_text_and_is_cut():
    assert heard("<b>{x}</b>") == "<b>{x}</b>"
    assert len(str(heard("x" * 5_000))) < 400


def test_a_stored_phrase_is_read_back_and_said_when_it_is_needed():
    measured = Measurement("2", "cpu", "", phrase("bfloat16_first"), 1, 32, 0, 0.1, "", "")
    evidence = Evidence(Student("Ada"), "d", "a.zip", (("measurement", Seen(measured)),))
    stored = EVIDENCE.validate_json(EVIDENCE.dump_json(evidence))
    assert stored == evidence
    assert english(stored.seen(Measurement).precision).startswith("bfloat16")


def test_a_phrase_without_its_values_cannot_be_made():
    with pytest.raises(ValueError, match="no phrase"):
        Phrase("kind")
    with pytest.raises(KeyError):
        refusal("of_my_own", {})
    assert said("as it is") == "as it is"
