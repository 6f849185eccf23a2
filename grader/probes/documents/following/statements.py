"""Statements, files and what they import from each other."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from grader.probes.documents.following.arithmetic import operate
from grader.probes.documents.following.calls import FEW, Calls
from grader.probes.documents.following.changes import delete_item, grow, store_attribute, store_item
from grader.probes.documents.following.conditions import compared
from grader.probes.documents.following.datasets import assigned
from grader.probes.documents.following.state import TooMuch
from grader.probes.documents.following.values import (
    NOWHERE,
    Class,
    DataSet,
    Either,
    Function,
    Given,
    Instance,
    Library,
    Pixels,
    Place,
    Scope,
    Seq,
    Table,
    Unknown,
    Value,
)


class Follower(Calls):
    """Follows a file's statements in their order, every branch of them, loops once."""

    def __init__(self, module: Callable[[str], Scope | None]) -> None:
        super().__init__()
        self.module = module  # the submission's own file of a name, if there is one

    def run(self, body: Sequence[ast.stmt], scope: Scope) -> bool:
        for node in body:
            self.step()
            if self._statement(node, scope):
                return True
        return False

    def _statement(self, node: ast.stmt, scope: Scope) -> bool:
        """Follow one statement; return whether it ends what it stands in."""
        match node:
            case ast.Expr(value=value):
                self.value(value, scope)
            case ast.Assign(targets=targets, value=value):
                self._assign_all(targets, value, scope)
            case ast.AnnAssign(target=target, value=value) if value is not None:
                self._assign_all([target], value, scope)
            case ast.AugAssign():
                self._augment(node, scope)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self.bind(scope.names, node.name, Function(node, scope, scope.source), scope.depth)
            case ast.ClassDef():
                self._class(node, scope)
            case ast.Import() | ast.ImportFrom():
                self._import(node, scope)
            case ast.Global(names=names):
                scope.everywhere.update(names)
            case ast.Nonlocal(names=names):
                scope.outwards.update(names)
            case ast.Delete(targets=targets):
                for one in targets:
                    self._delete(one, scope)
            case _:
                return self._compound(node, scope)
        return False

    def _compound(self, node: ast.stmt, scope: Scope) -> bool:
        """Follow a statement that decides what is followed next."""
        match node:
            case ast.If(test=test, body=body, orelse=orelse):
                return self._if_else(self.condition(self._test(test, scope)), body, orelse, scope)
            case ast.For() | ast.AsyncFor() | ast.While():
                self._loop(node, scope)
            case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
                for item in items:
                    found = self.value(item.context_expr, scope)
                    if item.optional_vars is not None:
                        self.assign(item.optional_vars, found, scope)
                return self.run(body, scope)
            case ast.Try():
                return self._try(node, scope)
            case ast.Match():
                return self._match(node, scope)
            case ast.Return(value=value):
                found = None if value is None else self.value(value, scope)
                scope.returned.append((tuple(self.path.items())[scope.depth :], found))
                return True
            case ast.Raise() | ast.Continue() | ast.Break():
                return True
        return False

    # --- branches -----------------------------------------------------------------------------------------------

    def _test(self, test: ast.expr, scope: Scope) -> Value:
        match test:
            case ast.Compare(left=ast.Name(id="__name__")):
                return True
        return self.value(test, scope)

    def _if_else(self, test: Value, body: list[ast.stmt], orelse: list[ast.stmt], scope: Scope) -> bool:
        test = self.see(test)
        if not isinstance(test, Either):
            return self.run(body if test else orelse, scope)
        with self.assuming(test.key, True):
            one = self._if_else(test.yes, body, orelse, scope)
        with self.assuming(test.key, False):
            other = self._if_else(test.no, body, orelse, scope)
        if one != other and len(self.path) < 12:
            self.path[test.key] = other  # what follows is reached by the branch that did not end here
        return one and other

    def _loop(self, node: ast.For | ast.AsyncFor | ast.While, scope: Scope) -> None:
        depth = len(self.path)
        if isinstance(node, ast.While):
            self.value(node.test, scope)
            self.rounds += 1
            self.run(node.body, scope)
            self.rounds -= 1
        else:
            whole = self.see(self.value(node.iter, scope))
            counted = isinstance(whole, Seq | Table) and len(whole.items) <= FEW
            self.rounds += not counted
            for item in self.each(whole):
                self.assign(node.target, item, scope)
                self.run(node.body, scope)
                self.forget(depth)
            self.rounds -= not counted
        self.forget(depth)
        self.run(node.orelse, scope)

    def _try(self, node: ast.Try, scope: Scope) -> bool:
        ended = self.run(node.body, scope)
        for handler in node.handlers:
            with self.assuming(f"except@{scope.source}:{handler.lineno}", True):
                self.run(handler.body, scope)
        if not ended:
            ended = self.run(node.orelse, scope)
        return self.run(node.finalbody, scope) or ended

    def _match(self, node: ast.Match, scope: Scope) -> bool:
        subject = self.value(node.subject, scope)
        for case in node.cases:
            test: Value = Either(f"case@{scope.source}:{case.pattern.lineno}", True, False)
            if isinstance(case.pattern, ast.MatchValue):
                wanted = self.value(case.pattern.value, scope)
                test = self.condition(self.lift(lambda a, b: compared(ast.Eq, a, b), subject, wanted))
            elif isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None:
                test = True
            if self._if_else(test, case.body, [], scope):
                return True
            if test is True:
                return False
        return False

    # --- assignments --------------------------------------------------------------------------------------------

    def _assign_all(self, targets: list[ast.expr], node: ast.expr, scope: Scope) -> None:
        pairs = _pairs(targets, node)
        values = []
        for target, part in pairs:
            self.purposes.append(assigned(target))
            values.append(self.value(part, scope))
            self.purposes.pop()
        for (target, _), value in zip(pairs, values, strict=True):
            self.assign(target, value, scope)

    def assign(self, target: ast.expr, value: Value, scope: Scope) -> None:
        match target:
            case ast.Name(id=name):
                place = scope.place_of(name)
                self.bind(place.names, name, value, place.depth)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                if any(isinstance(part, ast.Starred) for part in parts):
                    self._assign_starred(parts, value, scope)
                    return
                for position, inner in enumerate(parts):
                    found = self.lift(lambda whole, at=position: self._part(whole, at, len(parts)), value)
                    self.assign(inner, found, scope)
            case ast.Attribute(value=whole, attr=name):
                for owner in self.leaves(self.value(whole, scope)):
                    if isinstance(owner, Pixels) and name == "data":  # of a tensor: the tensor itself
                        self.change(whole, value, scope)
                    else:
                        store_attribute(self, owner, name, value)
            case ast.Subscript(value=whole, slice=index):
                self._store(whole, index, value, scope)

    def _store(self, whole: ast.expr, index: ast.expr, value: Value, scope: Scope) -> None:
        match whole:
            case ast.Call(func=ast.Name(id="globals" | "locals")):
                raise TooMuch  # any name may have another value from here on
        for table in self.leaves(self.value(whole, scope)):
            if isinstance(table, Pixels):
                self.change(whole, self.lose(table, Place(scope.source, whole.lineno)), scope)
                continue
            key = index if isinstance(index, ast.Slice) else self._index(index, scope)
            for one in self.leaves(key):
                store_item(self, table, one, value)

    def _delete(self, target: ast.expr, scope: Scope) -> None:
        if isinstance(target, ast.Subscript):
            index = target.slice
            key = index if isinstance(index, ast.Slice) else self.see(self._index(index, scope))
            for whole in self.leaves(self.value(target.value, scope)):
                delete_item(self, whole, key)

    def _assign_starred(self, parts: list[ast.expr], value: Value, scope: Scope) -> None:
        """Unpack into `first, *rest`."""
        whole = self.see(value)
        at = next(position for position, part in enumerate(parts) if isinstance(part, ast.Starred))
        after = len(parts) - at - 1
        items = list(whole.items) if isinstance(whole, Seq) else []
        known = len(items) >= at + after
        rest = Seq(items[at : len(items) - after], len(self.path))
        values: list[Value] = [*items[:at], rest, *items[len(items) - after :]] if known else []
        for part, found in zip(parts, values or [self.fresh("part") for _ in parts], strict=True):
            self.assign(part.value if isinstance(part, ast.Starred) else part, found, scope)

    def _part(self, whole: Value, position: int, count: int) -> Value:
        """Return one of the values that are unpacked."""
        if isinstance(whole, Seq):
            alike = len(whole.items) >= count or (whole.items and all(one is whole.items[0] for one in whole.items))
            return whole.items[min(position, len(whole.items) - 1)] if alike else self.fresh("part")
        if isinstance(whole, DataSet | Instance | Table):
            found = self.each(whole)
            return found[min(position, len(found) - 1)] if found else self.fresh("part")
        return self.unknown(f"{whole.key}[{position}]") if isinstance(whole, Unknown) else self.fresh("part")

    def _augment(self, node: ast.AugAssign, scope: Scope) -> None:
        target = node.target
        one, other = self.value(target, scope), self.value(node.value, scope)
        added, more = self.see(one), self.see(other)
        if isinstance(node.op, ast.Add) and isinstance(added, Seq) and not added.array and _holds_objects(added, more):
            grow(self, added, "extend", Given((more,), {}, NOWHERE))  # a transform that has the list sees it as well
            return
        result = operate(self, type(node.op), one, other, Place(scope.source, node.lineno))
        if isinstance(added, Seq) and added.array:  # an array is changed in place, whatever it is called
            store_item(self, added, ast.Slice(), result)
            return
        self.change(target, result, scope)

    # --- definitions --------------------------------------------------------------------------------------------

    def _class(self, node: ast.ClassDef, scope: Scope) -> None:
        inner = Scope({}, scope, len(self.path), scope.source)
        made = Class(node.name, tuple(self.value(base, scope) for base in node.bases), inner)
        self.purposes.append(node.name)
        self.run(node.body, inner)
        self.purposes.pop()
        for name, value in inner.names.items():
            if isinstance(value, Function) and isinstance(value.node, ast.FunctionDef | ast.AsyncFunctionDef):
                # names of a class are not seen from its methods
                inner.names[name] = Function(value.node, scope, value.source, None, made)
        self.bind(scope.names, node.name, made, scope.depth)

    def _import(self, node: ast.Import | ast.ImportFrom, scope: Scope) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                file = self.module(alias.name.rpartition(".")[2])
                name = alias.asname or alias.name.partition(".")[0]
                known: Value = file if file is not None else Library(alias.name if alias.asname else name)
                self.bind(scope.names, name, known, scope.depth)
            return
        module = node.module or ""
        file = self.module(module.rpartition(".")[2])
        for alias in node.names:
            if alias.name == "*":
                for name, value in (file.names if file else {}).items():
                    scope.names.setdefault(name, value)
                continue
            whole = self.module(alias.name) if file is None else None
            found = file.names.get(alias.name) if file is not None else whole
            value = found if found is not None else Library(f"{module}.{alias.name}".strip("."))
            self.bind(scope.names, alias.asname or alias.name, value, scope.depth)


def _pairs(targets: list[ast.expr], node: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    """Pair what is assigned with its values: a, b = 1, 2 is two assignments."""
    target = targets[0]
    match target, node:
        case ast.Tuple(elts=names), ast.Tuple(elts=values) if len(targets) == 1 and len(names) == len(values):
            if not any(isinstance(one, ast.Starred) for one in (*names, *values)):
                return list(zip(names, values, strict=True))
    return [(one, node) for one in targets]


def _holds_objects(*found: Value) -> bool:
    """Return whether lists hold anything but numbers, such as transforms."""
    items = [item for one in found if isinstance(one, Seq) for item in one.items]
    return any(not isinstance(item, int | float | str) for item in items)
