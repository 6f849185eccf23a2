"""Nothing that student code can reach answers a task: neither a file, nor a module, nor a function in memory."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.collect.code import caller
from grader.evidence import Seen
from grader.labs import the_lab
from grader.sandbox import Limits, Sandbox
from grader.sandbox.code import needed
from grader.sandbox.view import GRADER

PROJECT = GRADER.parent  # the checkout, or where it is installed
TEMPLATE = Path(__file__).parents[3] / "student_template"
SEARCHER = (Path(__file__).parent / "searcher.py").read_text("utf-8")
RATE = "def learning_rate(epoch):\n    return 0.1 if epoch < 5 else 0.01\n"
SMALLEST = 150  # bytes: a file below that holds no solution, and may be like another one by chance


@pytest.fixture(scope="module")
def shared_sandbox(each_sandbox: Sandbox) -> Sandbox:
    return each_sandbox


@pytest.fixture
def printed(trying, monkeypatch: pytest.MonkeyPatch):
    """What code that runs when exp2.py is imported prints; it has time to search."""
    for limits in ("IMPORT_LIMITS", "CALL_LIMITS"):
        monkeypatch.setattr(caller, limits, Limits(seconds=280.0, megabytes=3_000))
    monkeypatch.setattr(caller, "MOST_LINES", 1_000)

    def of(code: str) -> list[str]:
        found = trying({"exp2.py": f"{code}\n{RATE}"})
        assert isinstance(found["learning_rate"], Seen), found
        return list(found["learning_rate"].value.printed)

    return of


def test_no_function_of_ours_that_can_be_reached_solves_a_task(printed) -> None:
    lines = printed(f"{SEARCHER}\nsearch()")
    assert [line for line in lines if line.startswith("SOLVED")] == []
    assert [line for line in lines if line.startswith("searched")], lines
    assert int(next(line for line in lines if line.startswith("searched")).split()[1]) > 150


PLANTED = """
def a(network, images, name):
    inputs = []
    last = network.get_submodule({"alexnet": "classifier", "resnet50": "fc"}[name])
    hook = last.register_forward_pre_hook(lambda _, given: inputs.append(given[0]))
    with torch.no_grad():
        network(images)
    hook.remove()
    return [inputs[0].flatten(1)]

def b(rows):
    return {"rows": nn.functional.normalize(rows, dim=1)}

def c(loader, net):
    x, y = loader.dataset.tensors
    with torch.no_grad():
        return float(nn.functional.cross_entropy(net(x), y)), 100 * float((net(x).argmax(1) == y).float().mean())

def d(model, x, y, epochs, rate):
    optimizer = torch.optim.Adam(model.parameters(), 0.05)
    for _ in range(200):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()

def e(queries, rows):
    return nn.functional.normalize(queries, dim=1) @ nn.functional.normalize(rows, dim=1).T

def f(scores, k):
    return scores.topk(k).indices

kept_for_search.extend([a, b, c, d, e, f])
"""


def test_the_search_finds_solutions_where_there_are_some_whatever_they_are_called(printed) -> None:
    lines = printed(f"{SEARCHER}\nkept_for_search = []\nsearch(planted={PLANTED!r})")
    found = {line.split()[1] for line in lines if line.startswith("SOLVED")}
    assert found == {"alexnet_features", "resnet50_features", "normalise", "test", "fit", "similarity", "top_k"}


def test_no_file_of_ours_is_there_but_what_a_call_needs(printed) -> None:
    """Search by content, under any name, compiled files among them."""
    hidden = {digest(path): str(path.relative_to(PROJECT)) for path in ours()}
    sizes = sorted({path.stat().st_size for path in ours()})
    code = f"""
import hashlib, os
hidden, sizes = {hidden!r}, set({sizes!r})
seen = 0
for folder, below, names in os.walk("/"):
    if folder in ("/proc", "/sys", "/dev"):
        below.clear()
    for name in names:
        path = os.path.join(folder, name)
        seen += 1
        try:
            if os.path.getsize(path) in sizes and not os.path.islink(path):
                with open(path, "rb") as file:
                    digest = hashlib.sha256(file.read()).hexdigest()
                if digest in hidden:
                    print("REACHED", path, "is", hidden[digest])
        except OSError:
            pass
print("searched", seen)
"""
    lines = printed(code)
    assert [line for line in lines if line.startswith("REACHED")] == []
    assert any(line.startswith("searched") for line in lines), lines


def test_what_is_there_is_exactly_what_calls_import() -> None:
    imported = set(closure(["grader.probes.zygote", *of_calls()]))
    assert imported == set(needed())


def test_what_students_get_is_what_the_template_gives_them() -> None:
    for name in the_lab().given:
        assert (PROJECT / "reference" / name).read_bytes() == (TEMPLATE / name).read_bytes()


def ours() -> Iterator[Path]:
    """Every file of the project that student code may not see."""
    shown = {GRADER / name for name in needed()}
    given = {digest(TEMPLATE / name) for name in the_lab().given}
    for package in ("grader", "reference", "reports", "fixtures", "tests"):
        for path in (PROJECT / package).rglob("*"):
            of_ours = path.suffix in (".py", ".pyc", ".toml", ".npz", ".pth") and path.is_file()
            if of_ours and path not in shown and path.stat().st_size > SMALLEST and digest(path) not in given:
                yield path


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def of_calls() -> list[str]:
    return [f"grader.probes.code.{path.stem}" for path in (GRADER / "probes" / "code").glob("*.py")]


def closure(modules: list[str]) -> Iterator[str]:
    """Every file of `grader` that these modules import, and that those import in turn."""
    todo, done = list(modules), set()
    while todo:
        name = todo.pop()
        path = next((one for one in places(name) if one.is_file()), None)
        if name in done or path is None:
            continue
        done.add(name)
        yield path.relative_to(GRADER).as_posix()
        todo += [name.rsplit(".", count)[0] for count in range(1, name.count(".") + 1)]
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                todo += [one.name for one in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                todo += [node.module, *(f"{node.module}.{one.name}" for one in node.names)]


def places(name: str) -> tuple[Path, Path]:
    if name.partition(".")[0] != "grader":
        return PROJECT / "nowhere", PROJECT / "nowhere"
    inside = PROJECT / name.replace(".", "/")
    return inside.with_name(f"{inside.name}.py"), inside / "__init__.py"
