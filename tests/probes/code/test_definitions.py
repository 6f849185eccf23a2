"""What a script defines is told from the work that it does, by what its statements call."""

from __future__ import annotations

import ast

import pytest

from grader.probes.code.definitions import bound, workers
from grader.probes.code.script import Piece, Script

FUNCTIONS = """
def train(epoch):
    loss.backward()

def everything():
    for epoch in range(3):
        train(epoch)

def test(epoch):
    with torch.no_grad():
        model(x)

class Trainer:
    def fit(self):
        everything()

class Net(nn.Module):
    def forward(self, x):
        return x

def double(x):
    return 2 * x
"""


def script(code: str) -> Script:
    return Script("exp2.py", (Piece("/exp2.py", 0, ast.parse(code)),))


def kept(code: str) -> str:
    """What is kept of the code below the functions."""
    whole = script(FUNCTIONS + code)
    found, _ = workers(whole).reduced(whole.statements)
    return "\n".join(ast.unparse(statement) for statement in found).partition("return 2 * x")[2].strip()


@pytest.mark.parametrize(
    "work",
    [
        "train(0)", "history = everything()", "Trainer().fit()", "accuracy = test(0)",
        "for epoch in range(9):\n    train(epoch)", "while True:\n    pass", "plt.show()", "name = input('who?')",
        "torch.save(net.state_dict(), 'final.pth')", "with open('log') as f:\n    train(0)", "sys.exit(0)",
        "if __name__ == '__main__':\n    double(1)", "[train(epoch) for epoch in range(3)]", "assert double(1) == 2",
    ],
)  # fmt: skip
def test_work_is_left_out(work: str) -> None:
    assert kept(work) in ("", "with open('log') as f:\n    pass")


@pytest.mark.parametrize(
    "definition",
    [
        "LR = 0.1", "net = Net()", "net.to(device)", "size = double(16)", "parser.add_argument('--lr')",
        "for name in ('a', 'b'):\n    names.append(name)", "optimizer = SGD(net.parameters(), lr=LR)",
    ],
)  # fmt: skip
def test_what_a_definition_may_need_is_kept(definition: str) -> None:
    assert kept(definition) == definition


def test_a_branch_is_reduced_inside() -> None:
    assert (
        kept("if train_it:\n    train(0)\nelse:\n    net = Net()") == "if train_it:\n    pass\nelse:\n    net = Net()"
    )


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("x = 1\n", 0),
        ("train(0)\n", 23),
        ("for i in range(3):\n    loss.backward()\n", 23),
        ("y = input()\n", 23),
        ("if __name__ == '__main__':\n    train(0)\n", 0),
        ("accuracy = test(0)\n", 0),
    ],
)
def test_only_a_script_that_would_train_or_wait_is_not_imported_whole(code: str, line: int) -> None:
    whole = script(FUNCTIONS + code)
    found = workers(whole).first_training(whole)
    assert (found[1] if found else 0) == line


def test_the_names_that_a_statement_gives_are_known() -> None:
    names = {name for statement in script("import a.b as c, d.e\nx, (y, z) = f()\ndef g(): h = 1").statements
             for name in bound(statement)}  # fmt: skip
    assert names == {"c", "d", "x", "y", "z", "g"}
