"""What one place of the source says about a name: the nodes of a function, what they bind, what it is given."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


class Untraceable(Exception):
    """A sentence whose words cannot be found in the source."""


@dataclass(frozen=True, slots=True)
class Module:
    """One file: its dotted name, its path below the root, and where its imported names come from."""

    name: str
    path: str
    tree: ast.Module
    imports: dict[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Scope:
    """Where an expression stands: its module, and the functions around it, the innermost last."""

    module: Module
    functions: tuple[Function, ...] = ()


@dataclass(frozen=True, slots=True)
class Binding:
    """A name is the value, or what iterating over it gives, or a part of either: in `a, (b, c) = ...` b is (1, 0)."""

    value: ast.expr
    iterated: bool
    steps: tuple[int, ...] = ()
    sure: bool = True  # False where it may also not happen


def called(call: ast.Call) -> str:
    """The last name of what is called: of `terminal.show(...)` "show"."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def parameters(scope: Scope) -> set[str]:
    """The parameters of all functions around a place."""
    return {name for function in scope.functions for name in parameters_of(function)}


@cache
def own_nodes(owner: ast.AST) -> tuple[ast.AST, ...]:
    """The nodes of a function or module, without those of the functions in it. Methods belong to their module."""
    own: list[ast.AST] = []
    for child in ast.iter_child_nodes(owner):
        own.append(child)
        if not isinstance(child, Function):
            own += own_nodes(child)
    return tuple(own)


def all_bindings(name: str, owner: ast.AST) -> list[Binding]:
    return [binding for node in own_nodes(owner) for binding in binding_of(name, node)]


def binding_of(name: str, node: ast.AST) -> Iterator[Binding]:
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from (Binding(value, False, steps) for steps in _steps(name, target))
        case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.NamedExpr(target=target, value=value):
            yield from (Binding(value, False, steps) for steps in _steps(name, target))
        case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
            yield from (Binding(value, True, steps) for steps in _steps(name, target))


def bound_around(name: str, parent: ast.AST, child: ast.AST) -> Iterator[Binding]:
    """What a loop, a comprehension or a condition binds for what is inside it."""
    match parent:
        case ast.GeneratorExp(generators=some) | ast.ListComp(generators=some) | ast.SetComp(generators=some):
            for one in some:
                yield from binding_of(name, one)
        case ast.For():
            yield from (binding_of(name, parent) if child in parent.body else ())
        case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
            for node in ast.walk(test):
                yield from (binding_of(name, node) if isinstance(node, ast.NamedExpr) else ())


def _steps(name: str, target: ast.expr) -> Iterator[tuple[int, ...]]:
    match target:
        case ast.Name(id=bound) if bound == name:
            yield ()
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            for place, element in enumerate(elements):
                yield from ((place, *steps) for steps in _steps(name, element))


def parameters_of(function: Function) -> list[str]:
    given = function.args
    return [argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs)]


def keyword_only(function: Function) -> set[str]:
    return {argument.arg for argument in function.args.kwonlyargs}


def default_of(name: str, function: Function) -> ast.expr | None:
    given = function.args
    positional = [argument.arg for argument in (*given.posonlyargs, *given.args)]
    known = dict(zip(reversed(positional), reversed(given.defaults), strict=False))
    alone = {argument.arg: value for argument, value in zip(given.kwonlyargs, given.kw_defaults, strict=True) if value}
    return {**known, **alone}.get(name)


def pairs(literal: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    if not isinstance(literal, ast.Dict):
        raise Untraceable(f"`{shown(literal)}` is no table whose items are there to be read")
    yield from ((key, value) for key, value in zip(literal.keys, literal.values, strict=True) if key is not None)


def constant(node: ast.expr) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def shown(node: ast.AST) -> str:
    return ast.unparse(node)[:80]
