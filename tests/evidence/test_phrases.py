"""Parts of sentences that come as plain text: those of ours are known again, those of others stay what they are."""

from __future__ import annotations

import ast
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

import grader
from grader.checks import discover
from grader.evidence import Refused
from grader.evidence.phrases import PHRASES, phrase
from grader.marking.rubric import read_rubric
from grader.records import Message, message
from grader.records.errors import BadLab
from grader.sandbox.interface import OUR_WORDS, WORDS_OF_OTHERS, read_reply
from reports.languages import speaking
from reports.languages.bindings import Scope, Untraceable
from reports.languages.source import Source
from reports.text import words


@pytest.mark.parametrize("template", PHRASES)
def test_a_phrase_is_known_again_with_its_values(template: str) -> None:
    values = {name: f"x{n}" for n, (_, name, _, _) in enumerate(Formatter().parse(template)) if name}
    assert phrase(template.format(**values)) == message(template, **values)


@pytest.mark.parametrize(
    "text",
    ["", "an exception of a student", "A number", "a number that I found", "IMPORTING exp2.py"],
)
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert phrase(text) == text


def test_a_very_long_text_is_not_looked_at() -> None:
    assert phrase("importing " + "x" * 1000) == "importing " + "x" * 1000


def answered(code: str, **values: object) -> Refused:
    header = json.dumps({"outcome": "refused", "value": {"code": code, "values": values}}).encode()
    reply = read_reply(io.BytesIO(len(header).to_bytes(4, "big") + header).read, {})
    assert isinstance(reply, Refused)
    return reply


def test_what_a_probe_words_is_said_in_the_language_of_the_run() -> None:
    refused = answered("records", file="final.pth", problem="it has 9 records")
    assert "wrote: it has 9 records." in words(refused.message)
    with speaking("zh"):
        assert "检查点：它有 9 条记录。" in words(refused.message)


def test_what_an_exception_says_is_never_taken_for_ours() -> None:
    values = {"doing": "importing exp2.py", "kind": "ValueError", "problem": "a number", "place": "exp2.py, line 3"}
    refused = answered("code_raised", **values)
    assert dict(refused.message.values)["problem"] == "a number"
    assert dict(refused.message.values)["place"] == message("{file}, line {line}", file="exp2.py", line="3")


A_CALL = re.compile(r"[\w.]+\(.*\)")  # code is the same in every language


# --- no probe words anything that is not known -----------------------------------------------------------------


def worded_by_probes() -> Iterator[tuple[str, str]]:
    """(where, an example) of every text that a probe puts into a refusal, where it can be read from the source."""
    source = Source(Path(grader.__file__).parents[1], ("grader/probes",))
    for call, scope in (*source.calls["Refuse"], *source.calls["returned"], *source.calls["told_apart"]):
        code = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else ""
        named = [one.value for one in call.keywords if one.arg in OUR_WORDS and not (
            one.arg == "problem" and code in WORDS_OF_OTHERS)]  # fmt: skip
        for node in (*named, *(call.args if not code else ())):
            yield from examples(source, node, scope)


def examples(source: Source, node: ast.expr, scope: Scope) -> Iterator[tuple[str, str]]:
    try:
        for literal, where in source.literals(node, scope):
            match literal:
                case ast.Constant(value=str(text)):
                    yield f"{where.module.path}:{literal.lineno}", text
                case ast.JoinedStr(values=pieces):
                    example = "".join(str(p.value) if isinstance(p, ast.Constant) else "7" for p in pieces)
                    yield f"{where.module.path}:{literal.lineno}", example
    except Untraceable:  # a value of the student's, or one that is looked at elsewhere
        return


def test_every_wording_of_a_probe_is_a_phrase() -> None:
    found = [(place, text) for place, text in dict.fromkeys(worded_by_probes()) if " " in text]
    assert len(found) > 30
    assert [one for one in found if not isinstance(phrase(one[1]), Message) and not A_CALL.fullmatch(one[1])] == []


def test_every_fault_of_a_rubric_that_a_limit_can_have_is_a_phrase() -> None:
    source = Source(Path(grader.__file__).parents[1], ("grader",))
    places = re.compile(r"grader\.(marking\.(check|lateness|rubric)|checks\.\w+)")
    calls = [(call, scope) for call, scope in source.calls["ValueError"] if places.fullmatch(scope.module.name)]
    found = [one for call, scope in calls for one in examples(source, call.args[0], scope)]
    assert len(found) > 12
    assert [one for one in found if not isinstance(phrase(one[1]), Message)] == []


def test_a_fault_of_a_rubric_is_said_in_the_language_of_the_run(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text("[training_history]\npoints = -1\nnote = 2.0\nfault = 1.0\n[test_acuracy]\npoints = 1\n")
    with pytest.raises(BadLab) as raised:
        read_rubric(file, discover())
    with speaking("zh"):
        lines = words(raised.value.message).splitlines()
    assert lines[1:] == [
        "- “training_history”：points：至少为 0",
        "- “training_history”：note 和 fault：需要 0 <= note <= fault",
        "- “test_acuracy”不是任何检查的名称；是否指“test_accuracy”？",
    ]
