"""Tells what a script defines from the work that it does, by what its statements call; nothing is run here."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from grader.probes.code.script import Piece, Script, is_main_guard

TRAINS = "backward"
# What these calls do, a definition does not: they train, plot, show, save, wait, end the program or read a keyboard.
WORKS = frozenset(
    {TRAINS, "step", "show", "savefig", "save", "input", "sleep", "system", "exit", "quit", "_exit", "abort"}
)
EVALUATES = frozenset({"no_grad", "inference_mode", "set_grad_enabled"})  # a function that says so runs a network
DEFINES = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class Workers:
    """The functions and methods of a script that work: by themselves, or by what they call in turn."""

    train: frozenset[str]
    work: frozenset[str]  # those too that only evaluate, save or show

    def first_training(self, script: Script) -> tuple[Piece, int] | None:
        """Return where the script would start to train, or to read the keyboard, when it is imported."""
        for piece in script.pieces:
            for statement in piece.tree.body:
                if _runs(statement) and _called(statement) & (self.train | {"input"}):
                    return piece, statement.lineno
        return None

    def trains(self, statement: ast.stmt) -> bool:
        """Whether a statement trains when it is run, also below the main guard."""
        return not isinstance(statement, DEFINES) and bool(_called(statement) & self.train)

    def reduced(self, statements: Iterable[ast.stmt]) -> tuple[list[ast.stmt], list[ast.stmt]]:
        """Return what is kept of statements at the top level, and what is left out, in order."""
        kept: list[ast.stmt] = []
        left: list[ast.stmt] = []
        for statement in statements:
            if isinstance(statement, DEFINES):
                kept.append(statement)
            elif is_main_guard(statement) or isinstance(statement, ast.While | ast.Raise | ast.Assert):
                left.append(statement)
            elif isinstance(statement, ast.If | ast.Try | ast.With) and not self._works_itself(statement):
                left += self._reduce_inside(statement)
                kept.append(statement)
            else:
                (left if _called(statement) & self.work else kept).append(statement)
        return kept, left

    def _works_itself(self, statement: ast.If | ast.Try | ast.With) -> bool:
        heads: list[ast.expr] = []
        if isinstance(statement, ast.If):
            heads = [statement.test]
        elif isinstance(statement, ast.With):
            heads = [item.context_expr for item in statement.items]
        return any(_called(head) & self.work for head in heads)

    def _reduce_inside(self, statement: ast.If | ast.Try | ast.With) -> list[ast.stmt]:
        """Reduce the blocks of a statement in place, and return what was left out."""
        handlers = statement.handlers if isinstance(statement, ast.Try) else []
        left: list[ast.stmt] = []
        for owner in (statement, *handlers):
            for block in ("body", "orelse", "finalbody"):
                if found := getattr(owner, block, None):
                    kept, out = self.reduced(found)
                    setattr(owner, block, kept or [ast.copy_location(ast.Pass(), found[0])])
                    left += out
        return left


def workers(script: Script) -> Workers:
    """Find the functions and methods that work."""
    functions = {
        node.name: _called(node)
        for statement in script.statements
        if isinstance(statement, (*FUNCTIONS, ast.ClassDef))
        for node in _functions(statement)
    }
    return Workers(_closed(functions, frozenset({TRAINS})), _closed(functions, WORKS | EVALUATES))


def bound(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement would give to its module."""
    if isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
        yield statement.name
        return
    for node in _outside_functions(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.Global):
            yield from node.names


def _functions(definition: ast.stmt) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield a function, or the methods of a class; that a network's forward() has no_grad in it is no work."""
    if isinstance(definition, FUNCTIONS):
        yield definition
    elif isinstance(definition, ast.ClassDef):
        yield from (one for one in definition.body if isinstance(one, FUNCTIONS) and not one.name.startswith("__"))


def _closed(functions: dict[str, frozenset[str]], does: frozenset[str]) -> frozenset[str]:
    """Add to `does` each function that calls any of it, and those that call these."""
    found = does
    while more := {name for name, called in functions.items() if called & found} - found:
        found = found | more
    return found


def _called(node: ast.AST) -> frozenset[str]:
    """Return the last names of everything that a statement calls; what it only defines is not called."""
    names = set()
    for inner in (
        _outside_functions(node) if isinstance(node, ast.stmt) and not isinstance(node, FUNCTIONS) else (ast.walk(node))
    ):
        if isinstance(inner, ast.Call):
            if isinstance(inner.func, ast.Attribute):
                names.add(inner.func.attr)
            elif isinstance(inner.func, ast.Name):
                names.add(inner.func.id)
    return frozenset(names)


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    left = [node]
    while left:
        one = left.pop()
        yield one
        inside = ast.iter_child_nodes(one)
        left += [child for child in inside if not isinstance(child, (*FUNCTIONS, ast.Lambda, ast.ClassDef))]


def _runs(statement: ast.stmt) -> bool:
    return not isinstance(statement, DEFINES) and not is_main_guard(statement)
