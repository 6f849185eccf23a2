"""The source as one text: what each name in it can stand for. It follows names, tables, returns and callers.

Nothing is run. What it cannot follow raises Untraceable, because a sentence that is not found would stay English.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

from reports.languages.bindings import (
    Binding,
    Function,
    Module,
    Scope,
    Untraceable,
    all_bindings,
    binding_of,
    bound_around,
    called,
    constant,
    default_of,
    keyword_only,
    own_nodes,
    pairs,
    parameters_of,
    shown,
)

DEEPEST = 24  # steps from a use to its literal

LEAVES = (ast.Return, ast.Raise, ast.Continue, ast.Break)

Place = tuple[ast.expr, Scope]


class Source:
    """All modules of some packages."""

    def __init__(self, root: Path, packages: tuple[str, ...]) -> None:
        self.modules: dict[str, Module] = {}
        self.parents: dict[ast.AST, ast.AST] = {}
        self.calls: dict[str, list[tuple[ast.Call, Scope]]] = {}
        for path in (path for package in packages for path in sorted((root / package).rglob("*.py"))):
            relative = path.relative_to(root)
            name = ".".join(relative.with_suffix("").parts).removesuffix(".__init__")
            module = Module(name, relative.as_posix(), ast.parse(path.read_text("utf-8")), {})
            self.modules[name] = module
            self._read(module.tree, Scope(module))

    def _read(self, node: ast.AST, scope: Scope) -> None:
        if isinstance(node, ast.ImportFrom) and node.module:
            scope.module.imports.update({one.asname or one.name: (node.module, one.name) for one in node.names})
        if isinstance(node, ast.Call):
            self.calls.setdefault(called(node), []).append((node, scope))
        inner = Scope(scope.module, (*scope.functions, node)) if isinstance(node, Function) else scope
        for child in ast.iter_child_nodes(node):
            self.parents[child] = node
            self._read(child, inner)

    def texts(self, node: ast.expr, scope: Scope, depth: int = 0) -> Iterator[str]:
        """Every text that the expression can be. Raises Untraceable."""
        for literal, where in self.literals(node, scope, depth):
            match literal:
                case ast.Constant(value=str(text)):
                    yield text
                case ast.Constant(value=None):
                    pass
                case ast.BinOp(left=left, op=ast.Add(), right=right):
                    sides = [tuple(self.texts(side, where, depth + 1)) for side in (left, right)]
                    yield from ("".join(pieces) for pieces in product(*sides))
                case _:
                    raise Untraceable(f"the words of `{shown(literal)}` are no literal")

    def literals(self, node: ast.expr, scope: Scope, depth: int = 0) -> Iterator[Place]:
        """The expressions that this one can stand for, none of them a mere name of another."""
        if depth > DEEPEST:
            raise Untraceable(f"`{shown(node)}` is defined by itself")
        deeper = depth + 1
        match node:
            case ast.Name():
                yield from self._named(node, scope, deeper)
            case ast.IfExp(body=one, orelse=other):
                yield from self._each((one, other), scope, deeper)
            case ast.BoolOp(values=values):
                yield from self._each(values, scope, deeper)
            case ast.NamedExpr(value=value):
                yield from self.literals(value, scope, deeper)
            case ast.Subscript(value=table, slice=index):
                yield from self._picked(table, index, scope, deeper)
            case ast.Call():
                yield from self._returned(node, scope, deeper)
            case _:
                yield node, scope

    def _each(self, nodes: Iterable[ast.expr], scope: Scope, depth: int) -> Iterator[Place]:
        for node in nodes:
            yield from self.literals(node, scope, depth)

    def _returned(self, call: ast.Call, scope: Scope, depth: int) -> Iterator[Place]:
        """What a call gives: of a table, of `next`, of a function of ours; any other stays a call."""
        match call:
            case ast.Call(func=ast.Attribute(value=table, attr="get"), args=[_, *default]):
                yield from self._picked(table, None, scope, depth)
                yield from self._each(default, scope, depth)
            case ast.Call(func=ast.Name(id="next"), args=[some, *default]):
                yield from self.elements(some, scope, depth)
                yield from self._each(default, scope, depth)
            case ast.Call(func=ast.Name(id=name)) if (found := self._function(name, scope)) is not None:
                function, where = found
                given = [node.value for node in own_nodes(function) if isinstance(node, ast.Return) and node.value]
                yield from self._each(given, where, depth)
            case _:
                yield call, scope

    def elements(self, node: ast.expr, scope: Scope, depth: int = 0) -> Iterator[Place]:
        """What iterating over the expression can give."""
        deeper = depth + 1
        match node:
            case ast.GeneratorExp(elt=element) | ast.ListComp(elt=element) | ast.SetComp(elt=element):
                yield from self.literals(element, scope, deeper)
            case ast.Call(func=ast.Name(id="sorted" | "reversed" | "tuple" | "list"), args=[some, *_]):
                yield from self.elements(some, scope, deeper)
            case ast.Call(func=ast.Attribute(value=table, attr="values")):
                yield from self._picked(table, None, scope, deeper)
            case ast.Call(func=ast.Attribute(value=table, attr="items")):
                for literal, where in self.literals(table, scope, deeper):
                    yield from ((ast.Tuple([*pair], ast.Load()), where) for pair in pairs(literal))
            case ast.Call(func=ast.Name(id="zip" | "enumerate" as how), args=[*columns]):
                firsts = [ast.Call(ast.Name("next"), [column], []) for column in columns]
                count = [ast.Constant(0)] if how == "enumerate" else []
                yield ast.Tuple([*count, *firsts], ast.Load()), scope
            case _:
                for literal, where in self.literals(node, scope, deeper):
                    yield from self._listed(literal, where, deeper, again=literal is not node)

    def _listed(self, literal: ast.expr, scope: Scope, depth: int, again: bool) -> Iterator[Place]:
        match literal:
            case ast.Tuple(elts=inner) | ast.List(elts=inner) | ast.Set(elts=inner):
                for element in inner:
                    yield from self._element(element, scope, depth)
            case ast.Dict():
                yield from ((key, scope) for key, _ in pairs(literal))
            case ast.Call() | ast.GeneratorExp() | ast.ListComp() if again:
                yield from self.elements(literal, scope, depth)
            case _:
                raise Untraceable(f"what is in `{shown(literal)}` is not there to be read")

    def _element(self, node: ast.expr, scope: Scope, depth: int) -> Iterator[Place]:
        if isinstance(node, ast.Starred):
            yield from self.elements(node.value, scope, depth)
        else:
            yield node, scope

    def _picked(self, table: ast.expr, index: ast.expr | None, scope: Scope, depth: int) -> Iterator[Place]:
        """What a subscript can give: the value under that key or place, or any of them."""
        wanted = index.value if isinstance(index, ast.Constant) else None
        for literal, where in self.literals(table, scope, depth):
            match literal:
                case ast.Dict():
                    some = [v for k, v in pairs(literal) if wanted is None or constant(k) in (wanted, None)]
                case ast.Tuple(elts=elements) | ast.List(elts=elements):
                    some = [elements[wanted]] if isinstance(wanted, int) else elements
                case _:
                    raise Untraceable(f"`{shown(literal)}` is no table whose values are there to be read")
            yield from self._each(some, where, depth)

    # --- names -----------------------------------------------------------------------------------------------------

    def _named(self, node: ast.Name, scope: Scope, depth: int) -> Iterator[Place]:
        """What the name is bound to: in the functions around it from the inside, then in its module, then elsewhere."""
        for count in range(len(scope.functions), 0, -1):
            function, around = scope.functions[count - 1], Scope(scope.module, scope.functions[:count])
            inside = count == len(scope.functions)
            found = self._reaching(node, function) if inside else all_bindings(node.id, function)
            for binding in found:
                yield from self._unbound(binding, around, depth)
            given = node.id in parameters_of(function)
            if given and not (found and found[-1].sure):
                yield from self._given(node.id, function, around, depth)
            if found or given:
                return
        yield from self._global(node.id, scope.module, depth)

    def _global(self, name: str, module: Module, depth: int) -> Iterator[Place]:
        found = all_bindings(name, module.tree)
        for binding in found:
            yield from self._unbound(binding, Scope(module), depth)
        home, real = module.imports.get(name, ("", ""))
        if not found and home in self.modules:
            yield from self._global(real, self.modules[home], depth)
        elif not found:
            raise Untraceable(f"nothing says what `{name}` is")

    def _reaching(self, node: ast.Name, function: Function) -> list[Binding]:
        """What may have bound the name when this place is reached, the latest first: `sure` ends the search."""
        found: list[Binding] = []
        child: ast.AST = node
        while child is not function:
            parent = self.parents[child]
            around = bound_around(node.id, parent, child)
            for binding in (*around, *self._bound_before(node.id, parent, child)):
                found.append(binding)
                if binding.sure:
                    return found
            if isinstance(parent, ast.For | ast.While):  # from the last time round
                found += [replace(binding, sure=False) for binding in all_bindings(node.id, parent)]
            child = parent
        return found

    def _bound_before(self, name: str, parent: ast.AST, child: ast.AST) -> Iterator[Binding]:
        """The bindings of the statements that stand before a statement in its block, the latest first."""
        for _, block in ast.iter_fields(parent):
            if isinstance(block, list) and child in block:
                for statement in reversed(block[: block.index(child)]):
                    if not isinstance(statement, ast.AST):
                        continue
                    if isinstance(statement, ast.AugAssign):
                        yield from self._added(name, statement)
                    elif isinstance(statement, ast.Assign | ast.AnnAssign):
                        yield from binding_of(name, statement)
                    else:
                        yield from self._within(name, statement)

    def _within(self, name: str, statement: ast.AST) -> Iterator[Binding]:
        """What a statement with statements in it may have bound, in those of its blocks that go on behind it."""
        ended = [block for block in _blocks(statement) if isinstance(block[-1], LEAVES)]
        skipped = {node for block in ended for one in block for node in ast.walk(one)}
        for node in (statement, *own_nodes(statement)):
            if node not in skipped:
                inner = self._added(name, node) if isinstance(node, ast.AugAssign) else binding_of(name, node)
                yield from (replace(binding, sure=False) for binding in inner)

    def _added(self, name: str, node: ast.AugAssign) -> Iterator[Binding]:
        """`text += "..."` binds the text that was there, and more."""
        if isinstance(node.target, ast.Name) and node.target.id == name:
            before = ast.Name(name, ast.Load())
            self.parents[before] = node
            yield Binding(ast.BinOp(before, ast.Add(), node.value), iterated=False)

    def _unbound(self, binding: Binding, scope: Scope, depth: int) -> Iterator[Place]:
        places = self.elements if binding.iterated else self.literals
        for value, where in places(binding.value, scope, depth):
            yield from self._apart(value, binding.steps, where, depth)

    def _apart(self, value: ast.expr, steps: tuple[int, ...], scope: Scope, depth: int) -> Iterator[Place]:
        for literal, where in self.literals(value, scope, depth):
            if not steps:
                yield literal, where
            elif isinstance(literal, ast.Tuple | ast.List):
                yield from self._apart(literal.elts[steps[0]], steps[1:], where, depth + 1)
            else:
                raise Untraceable(f"`{shown(literal)}` is not there to be taken apart")

    def _given(self, name: str, function: Function, scope: Scope, depth: int) -> Iterator[Place]:
        """What the callers of the function give for the parameter, and its default."""
        if isinstance(function, ast.Lambda):
            raise Untraceable(f"`{name}` is a parameter of a lambda")
        names = [argument for argument in parameters_of(function) if argument not in ("self", "cls")]
        place, found = names.index(name), False
        for call, where in self.calls.get(function.name, ()):
            if isinstance(call.func, ast.Name) and (self._function(function.name, where) or (None,))[0] is not function:
                continue
            given = [keyword.value for keyword in call.keywords if keyword.arg == name]
            positional = call.args[place : place + 1] if name not in keyword_only(function) else []
            for value in given or positional:
                found = True
                yield from self.literals(value, where, depth)
        default = default_of(name, function)
        if default is not None:
            yield from self.literals(default, scope, depth)
        elif not found:
            raise Untraceable(f"nobody is seen to call {function.name}() with `{name}`")

    def _function(self, name: str, scope: Scope) -> tuple[Function, Scope] | None:
        """The function of that name as it is seen from there, and the scope inside it."""
        for count in range(len(scope.functions), -1, -1):
            owner = scope.functions[count - 1] if count else scope.module.tree
            for node in own_nodes(owner):
                if isinstance(node, ast.FunctionDef) and node.name == name:
                    return node, Scope(scope.module, (*scope.functions[:count], node))
        home, real = scope.module.imports.get(name, ("", ""))
        return self._function(real, Scope(self.modules[home])) if home in self.modules else None


def _blocks(statement: ast.AST) -> Iterator[list[ast.stmt]]:
    """The blocks of a condition; those of other statements are taken to go on."""
    if isinstance(statement, ast.If):
        yield from (block for block in (statement.body, statement.orelse) if block)
