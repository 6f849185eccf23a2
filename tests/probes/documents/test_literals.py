"""Numbers read from code without running it, and the code that tries to make reading it expensive."""

from __future__ import annotations

import ast

import pytest

from grader.probes.documents.literals import constants, evaluate


def read(expression: str, **names):
    return evaluate(ast.parse(expression, mode="eval").body, names)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("0.5", 0.5),
        ("-0.5", -0.5),
        ("(0.5, 0.25, 1)", (0.5, 0.25, 1)),
        ("[0.5]", (0.5,)),
        ("(0.5,) * 3", (0.5, 0.5, 0.5)),
        ("3 * [0.5]", (0.5, 0.5, 0.5)),
        ("125.3 / 255", 125.3 / 255),
        ("[x / 255.0 for x in [125.3, 123.0, 113.9]]", (125.3 / 255, 123.0 / 255, 113.9 / 255)),
        ("tuple(x / 255 for x in (51, 102))", (0.2, 0.4)),
        ("np.array([51, 102]) / 255", (0.2, 0.4)),
        ("np.array([0.1, 0.2]) * 10.0", (1.0, 2.0)),
        ("torch.tensor([0.5, 0.25])", (0.5, 0.25)),
        ("list((1, 2))", (1, 2)),
        ("stats[0]", (0.5,)),
        ("config.stats[1]", (0.2,)),
        ("{'a': (1, 2), 'b': 3}['a']", (1, 2)),
    ],
)
def test_what_stands_for_numbers_is_read(expression, value):
    assert read(expression, stats=((0.5,), (0.2,))) == pytest.approx(value)


def test_sequences_of_sequences_are_read():
    assert read("[[1, 2], (3,)]") == ((1, 2), (3,))


@pytest.mark.parametrize(
    "expression",
    [
        "unknown", "f(1)", "open('x')", "'text'", "True", "None", "lambda: 1", "1 if x else 2", "[x for x in y]",
        "[x for x in (1, 2) if x]", "[x for x in (1,) for y in (2,)]", "(1, 2)[5]", "{'a': 1}['b']", "{}",
        "(1, 2)[0:1]",
        "1 / 0", "(1, 2) + (3, 4)", "5 / (1, 2)", "2 ** 3", "1 << 3", "-(1, 2)", "[*x]", "{**{}}['a']", "{[]: 1}",
    ],
)  # fmt: skip
def test_what_would_have_to_be_run_is_not(expression):
    assert read(expression) is None


@pytest.mark.parametrize(
    "expression",
    [
        "10**10",
        "10**10**10",
        "(0.5,) * 10**9",
        "(0.5,) * 1000000000",
        "1000000000 * [0.5]",
        "'a' * 1000000000",
        "999999999999 * 999999999999",
        "[[[[[a for a in t] for b in t] for c in t] for d in t] for e in t]",
        "(" + "1," * 100_000 + ")",
        "+".join(["1"] * 1_000),
        "-" * 1_200 + "1",
        "1e308 * 1e308",
    ],
    ids=lambda text: text[:30],
)
def test_bombs_are_left_alone(expression):
    assert read(expression, t=tuple(range(20))) is None


def test_names_that_grow_line_by_line_stop_growing():
    lines = ["a0 = 99999"] + [f"a{i} = a{i - 1} * a{i - 1}" for i in range(1, 60)]
    found = constants(ast.parse("\n".join(lines)))
    assert max(found.values()) < 1e12
    assert len(found) < 5


def test_sequences_that_grow_line_by_line_stop_growing():
    lines = ["t = (1,) * 20"] + ["t = [t for x in t]"] * 3 + ["u = [[x for x in t] for y in t]"]
    assert "u" not in constants(ast.parse("\n".join(lines)))


# --- names -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("MEAN = (0.5, 0.4)", {"MEAN": (0.5, 0.4)}),
        ("MEAN: tuple = (0.5,)", {"MEAN": (0.5,)}),
        ("a = b = 1", {"a": 1, "b": 1}),
        ("mean, std = (0.5,), (0.2,)", {"mean": (0.5,), "std": (0.2,)}),
        ("(mean, std) = ((0.5,), (0.2,))", {"mean": (0.5,), "std": (0.2,)}),
        ("m = 0.5\nMEAN = (m, m, m)", {"m": 0.5, "MEAN": (0.5, 0.5, 0.5)}),
        ("x = 1\nx = 2", {"x": 2}),
        ("if True:\n    y = 3", {"y": 3}),
        ("a.b = 1\nc[0] = 2\nd: int", {}),
        ("x = f()", {}),
    ],
)
def test_names_bound_to_numbers_are_found(code, found):
    assert constants(ast.parse(code)) == found
