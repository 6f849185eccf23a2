"""Numbers read from code without running it, and the code that tries to make reading it expensive."""

from __future__ import annotations

import ast

import pytest

from grader.probes.documents.following.program import Program
from grader.probes.documents.following.state import MOST_STEPS
from grader.probes.documents.following.values import Seq, Value
from grader.probes.documents.syntax import Piece


def names(code: str) -> dict[str, Value]:
    program = Program([("a.py", [Piece("a.py", code, ast.parse(code))])])
    return program.files[0].scope.names


def plain(value: Value) -> object:
    """Numbers as Python has them; None for what is not known to be numbers."""
    if isinstance(value, Seq):
        items = [plain(item) for item in value.items]
        return None if any(item is None for item in items) else tuple(items)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def read(expression: str, before: str = "") -> object:
    return plain(names(f"{before}\nresult = {expression}").get("result"))


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("0.5", 0.5),
        ("-0.5", -0.5),
        ("(0.5, 0.25, 1)", (0.5, 0.25, 1)),
        ("[0.5]", (0.5,)),
        ("(0.5,) * 3", (0.5, 0.5, 0.5)),
        ("3 * [0.5]", (0.5, 0.5, 0.5)),
        ("[1] + [2, 3]", (1, 2, 3)),
        ("125.3 / 255", 125.3 / 255),
        ("2 ** 3", 8),
        ("[x / 255.0 for x in [125.3, 123.0, 113.9]]", (125.3 / 255, 123.0 / 255, 113.9 / 255)),
        ("tuple(x / 255 for x in (51, 102))", (0.2, 0.4)),
        ("[a / b for a, b in zip((1, 2), (2, 4))]", (0.5, 0.5)),
        ("np.array([51, 102]) / 255", (0.2, 0.4)),
        ("-np.array([51, 102])", (-51, -102)),
        ("np.array([0.1, 0.2]) * 10.0", (1.0, 2.0)),
        ("torch.tensor([0.5, 0.25]).view(1, 2, 1, 1).to(device)", (0.5, 0.25)),
        ("torch.tensor([0.5, 0.25])[None, :, None, None]", (0.5, 0.25)),
        ("list((1, 2))", (1, 2)),
        ("stats[0]", (0.5,)),
        ("{'a': (1, 2), 'b': 3}['a']", (1, 2)),
        ("1 if 2 > 1 else 5", 1),
        ("{'CIFAR-10': 1, 'SVHN': 2}[args.name]", 1),
        ("Settings.mean[0]", 0.3),
        ("Settings().mean[0]", 0.3),
        ("half(3)", 1.5),
    ],
)
def test_what_stands_for_numbers_is_read(expression, value):
    before = "stats = ((0.5,), (0.2,))\nclass Settings:\n    mean = (0.3, 0.2)\ndef half(x):\n    return x / 2"
    assert read(expression, before) == pytest.approx(value)


@pytest.mark.parametrize(
    "expression",
    [
        "unknown", "f(1)", "open('x')", "'text'", "None", "lambda: 1", "1 if x else 2", "[x for x in y]",
        "(1, 2)[5]", "{'a': 1}['b']", "1 / 0", "1 << 3", "{**{}}['a']", "{[]: 1}", "itself(1)", "[itself(1)]",
    ],
)  # fmt: skip
def test_what_would_have_to_be_run_is_not(expression):
    assert read(expression, "def itself(x):\n    return itself(x)") is None


@pytest.mark.parametrize(
    "expression",
    [
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
    assert read(expression, f"t = {tuple(range(12))}") is None


def test_names_that_grow_line_by_line_stop_growing():
    lines = ["a0 = 99999"] + [f"a{i} = a{i - 1} * a{i - 1}" for i in range(1, 60)]
    found = [plain(value) for value in names("\n".join(lines)).values()]
    known = [value for value in found if isinstance(value, int)]
    assert max(known) < 1e12
    assert len(known) < 5


@pytest.mark.parametrize(
    "code",
    [
        "def a(x):\n    return [b(y) for y in (1,) * 12]\ndef b(x):\n    return [a(y) for y in (2,) * 12]\na(1)",
        "\n".join(f"if c{i}:\n    x = {i}\nelse:\n    x = y" for i in range(30)) + "\nz = [x] * 3",
        "for a in (1,) * 12:\n  for b in (1,) * 12:\n    for c in (1,) * 12:\n      for d in (1,) * 12:\n        x = a",
        "x = f\n" + "\n".join(f"x = x.{'n' * 500}" for _ in range(200)),
        "x = 1 if a else 2\n" + "\n".join(f"x = (x if c{i} else 3) + 1" for i in range(60)),
        "import a\nfrom a import *\na.a.a()",
    ],
    ids=["mutual", "branches", "loops", "names", "conditions", "itself"],
)
def test_code_that_would_take_for_ever_is_followed_for_so_many_steps_only(code):
    program = Program([("a.py", [Piece("a.py", code, ast.parse(code))])])
    assert program.files[0].steps <= MOST_STEPS + 1


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("MEAN = (0.5, 0.4)", {"MEAN": (0.5, 0.4)}),
        ("MEAN: tuple = (0.5,)", {"MEAN": (0.5,)}),
        ("a = b = 1", {"a": 1, "b": 1}),
        ("mean, std = (0.5,), (0.2,)", {"mean": (0.5,), "std": (0.2,)}),
        ("(mean, *rest) = ((0.5,), (0.2,))", {"mean": (0.5,), "rest": ((0.2,),)}),
        ("m = 0.5\nMEAN = (m, m, m)", {"m": 0.5, "MEAN": (0.5, 0.5, 0.5)}),
        ("x = 1\nx = 2", {"x": 2}),
        ("if True:\n    y = 3", {"y": 3}),
        ("x = 1\nx += 2", {"x": 3}),
        ("x = f()", {"x": None}),
    ],
)
def test_names_bound_to_numbers_are_found(code, found):
    assert {name: plain(value) for name, value in names(code).items()} == found
