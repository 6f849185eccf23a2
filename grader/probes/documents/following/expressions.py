"""Values of expressions."""

from __future__ import annotations

import ast
from abc import abstractmethod
from collections.abc import Sequence
from functools import partial

from grader.probes.documents.following.arithmetic import negative, operate
from grader.probes.documents.following.conditions import compared
from grader.probes.documents.following.state import State
from grader.probes.documents.following.values import (
    UNBOUND,
    Builtin,
    Chain,
    Either,
    Function,
    Given,
    Instance,
    Library,
    Pixels,
    Place,
    Scope,
    Seq,
    Step,
    Table,
    Unbound,
    Unknown,
    Value,
    either,
)

MOST_ITEMS = 60  # of a list or dict that is looked at


class Expressions(State):
    """Tells what an expression is worth."""

    @abstractmethod
    def call(self, callee: Value, given: Given) -> Value:
        """Return what a call returns."""

    @abstractmethod
    def attribute(self, whole: Value, name: str) -> Value:
        """Return an attribute."""

    @abstractmethod
    def item(self, whole: Value, index: Value) -> Value:
        """Return an item."""

    @abstractmethod
    def each(self, whole: Value) -> Sequence[Value]:
        """Return the items that a loop goes through, or one of them if there are many."""

    def value(self, node: ast.expr, scope: Scope) -> Value:
        """Return what an expression is worth."""
        self.step()
        match node:
            case ast.Constant(value=value):
                plain = value is None or isinstance(value, int | float | str | bytes)
                return value if plain else self.fresh("constant")
            case ast.Name(id=name):
                found = self.look_up(name, scope)
                return Library(name) if isinstance(found, Unbound) else found
            case ast.Attribute(value=whole, attr=name):
                return self.lift(lambda one: self.attribute(one, name), self.value(whole, scope))
            case ast.Tuple() | ast.List() | ast.Set():
                return self._sequence(node, scope)
            case ast.Dict():
                return self._table(node, scope)
            case ast.Call():
                return self._call(node, scope)
            case ast.BinOp(left=left, op=op, right=right):
                one, other = self.value(left, scope), self.value(right, scope)
                return operate(self, type(op), one, other, Place(scope.source, node.lineno))
            case ast.Lambda():
                return Function(node, scope, scope.source)
            case ast.Subscript(value=whole, slice=index):
                one = self.value(whole, scope)
                at = index if isinstance(index, ast.Slice) else self._index(index, scope)
                return self.lift(self.item, one, at)
        return self._decided(node, scope)

    def _decided(self, node: ast.expr, scope: Scope) -> Value:
        match node:
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self._if(self.condition(self.value(test, scope)), body, orelse, scope)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self.lift(lambda one: not one, self.condition(self.value(operand, scope)))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                turned = self.lift(negative, self.value(operand, scope))
                return turned if turned is not None else self.fresh("negative")
            case ast.Compare(left=left, ops=[relation], comparators=[right]):
                one, other = self.value(left, scope), self.value(right, scope)
                return self.lift(partial(compared, type(relation)), one, other)
            case ast.BoolOp(op=op, values=values):
                return self._all_or_any(isinstance(op, ast.And), values, scope)
        return self._put_together(node, scope)

    def _put_together(self, node: ast.expr, scope: Scope) -> Value:
        match node:
            case ast.Slice() | ast.Starred():
                return node
            case ast.NamedExpr(target=target, value=inner):
                found = self.value(inner, scope)
                self.bind(scope.names, target.id, found, scope.depth)
                return found
            case ast.Await(value=inner):
                return self.value(inner, scope)
            case ast.ListComp(elt=element) | ast.GeneratorExp(elt=element) | ast.SetComp(elt=element):
                rounds = self._comprehended(node.generators, scope)
                return Seq([self._kept(self.value(element, inner), inner) for inner in rounds], len(self.path))
            case ast.DictComp(key=key, value=value):
                pairs = [(self.value(key, s), self.value(value, s)) for s in self._comprehended(node.generators, scope)]
                known: dict[Value, Value] = {one: other for one, other in pairs if isinstance(one, str | int)}
                return Table(known, len(self.path)) if len(known) == len(pairs) else self.fresh("keys")
            case ast.JoinedStr(values=values):
                return self._text(values, scope)
            case ast.Yield(value=inner) if inner is not None:
                found = self.value(inner, scope)
                scope.yielded.append(found)
                return self.fresh("sent")
        return self.unknown(f"{type(node).__name__}@{scope.source}:{node.lineno}")

    # --- conditions ---------------------------------------------------------------------------------------------

    def condition(self, value: Value) -> Value:
        """Return True, False, or an Either of them."""

        def decided(one: Value) -> Value:
            truth = self.truth(one)
            if truth is not None:
                return truth
            if isinstance(one, Unknown | Library):
                key = one.key if isinstance(one, Unknown) else one.path
                return self.path[key] if key in self.path else Either(key, True, False)
            if isinstance(one, Seq | Table):
                return bool(one.items)
            return True

        return self.lift(decided, value)

    def _if(self, condition: Value, body: ast.expr, orelse: ast.expr, scope: Scope) -> Value:
        condition = self.see(condition)
        if not isinstance(condition, Either):
            return self.value(body if condition else orelse, scope)
        with self.assuming(condition.key, True):
            yes = self._if(condition.yes, body, orelse, scope)
        with self.assuming(condition.key, False):
            no = self._if(condition.no, body, orelse, scope)
        return either(condition.key, yes, no)

    def _all_or_any(self, every: bool, values: list[ast.expr], scope: Scope) -> Value:
        """Return the value of `and` or `or`: of the first operand that decides, else of the last."""
        first, *rest = values
        found = self.value(first, scope)
        if not rest:
            return found
        condition = self.condition(found)

        def joined(holds: Value) -> Value:
            return found if bool(holds) is not every else self._all_or_any(every, rest, scope)

        return self.lift(joined, condition)

    # --- parts --------------------------------------------------------------------------------------------------

    def items_of(self, nodes: Sequence[ast.expr], scope: Scope) -> list[Value]:
        """Return the values of several expressions, with starred ones unpacked."""
        found: list[Value] = []
        for node in nodes[:MOST_ITEMS]:
            if isinstance(node, ast.Starred):
                whole = self.see(self.value(node.value, scope))
                found += self.each(whole)
            else:
                found.append(self.value(node, scope))
        return found

    def _sequence(self, node: ast.Tuple | ast.List | ast.Set, scope: Scope) -> Value:
        if len(node.elts) > MOST_ITEMS:
            return self.unknown(f"long@{node.lineno}")
        items = [self.see(item) for item in self.items_of(node.elts, scope)]
        if all(isinstance(item, Either | int | float) for item in items):  # numbers that depend on the same condition
            return self.lift(lambda *found: Seq(list(found), len(self.path)), *items)
        return Seq(items, len(self.path))

    def _table(self, node: ast.Dict, scope: Scope) -> Value:
        if len(node.keys) > MOST_ITEMS:
            return self.unknown(f"long@{node.lineno}")
        found: dict[Value, Value] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                inner = self.see(self.value(value, scope))
                found |= inner.items if isinstance(inner, Table) else {}
                continue
            name = self.see(self.value(key, scope))
            self.purposes.append(name if isinstance(name, str) else "")
            item = self.value(value, scope)
            self.purposes.pop()
            if isinstance(name, str | int | bool):
                found[name] = item
        return Table(found, len(self.path))

    def _index(self, node: ast.expr, scope: Scope) -> Value:
        if isinstance(node, ast.Tuple) and any(isinstance(part, ast.Slice) for part in node.elts):
            return node
        return self.value(node, scope)

    def _comprehended(self, generators: list[ast.comprehension], scope: Scope) -> list[Scope]:
        """Return a scope for each round of a comprehension."""
        scopes = [scope]
        for generator in generators:
            scopes = [
                inner
                for outer in scopes
                for inner in self._rounds(generator, outer)
                if self._passes(generator.ifs, inner)
            ][:MOST_ITEMS]
        return scopes

    def _passes(self, tests: Sequence[ast.expr], scope: Scope) -> bool:
        found = [self.see(self.condition(self.value(test, scope))) for test in tests]
        scope.doubtful = any(not isinstance(one, bool) for one in found)
        return not any(one is False for one in found)

    def _kept(self, item: Value, scope: Scope) -> Value:
        """Return an item of which it may be unknown whether a comprehension leaves it out."""
        if not scope.doubtful or not isinstance(item, Step | Chain | Instance | Function | Builtin | int | float):
            return item
        return Either(self.fresh("kept").key, item, UNBOUND)

    def _rounds(self, generator: ast.comprehension, scope: Scope) -> list[Scope]:
        found = []
        for item in self.each(self.see(self.value(generator.iter, scope)))[:MOST_ITEMS]:
            inner = Scope({}, scope, len(self.path), scope.source)
            self.assign(generator.target, item, inner)
            found.append(inner)
        return found

    def _text(self, values: list[ast.expr], scope: Scope) -> Value:
        """Return the text of an f-string, with a "?" for each part that is unknown."""
        parts = []
        for part in values:
            found = self.see(self.value(part.value if isinstance(part, ast.FormattedValue) else part, scope))
            parts.append(str(found) if isinstance(found, str | int | float) else "?")
        return "".join(parts)[:1000]

    @abstractmethod
    def assign(self, target: ast.expr, value: Value, scope: Scope) -> None:
        """Assign a value to a name, an attribute, an item, or several of them."""

    # --- calls --------------------------------------------------------------------------------------------------

    def _call(self, node: ast.Call, scope: Scope) -> Value:
        callee = self._super(node.func, scope) or self.value(node.func, scope)
        items = tuple(self.items_of(node.args, scope))
        words: dict[str, Value] = {}
        for word in node.keywords[:MOST_ITEMS]:
            self.purposes.append(word.arg or "")
            value = self.value(word.value, scope)
            self.purposes.pop()
            if word.arg is not None:
                words[word.arg] = value
            elif isinstance(table := self.see(value), Table):
                words |= {str(key): one for key, one in table.items.items()}
        given = Given(items, words, Place(scope.source, node.lineno), node)
        result = self.lift(lambda one: self.call(one, given), callee)
        self._in_place(node, result, scope)
        return result

    def _in_place(self, node: ast.Call, result: Value, scope: Scope) -> None:
        """Give x its new value where x.sub_(mean).div_(std) changes it."""
        targets = [word.value for word in node.keywords if word.arg == "out"]
        targets += [one for one in node.args[:1] for word in node.keywords if word.arg == "inplace"]
        inner: ast.expr = node
        while isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr.endswith("_"):
            inner = inner.func.value
        for target in [*targets, inner] if inner is not node else targets:
            if isinstance(target, ast.Name | ast.Attribute | ast.Subscript) and not isinstance(result, Unknown):
                self.change(target, result, scope)

    def change(self, target: ast.expr, value: Value, scope: Scope) -> None:
        """Assign to a name what stands for its value is changed to; other names that stand for it are not told."""
        before = self.see(self.value(target, scope))
        if isinstance(before, Pixels) and (before != value or before.lost):
            self.spoil(before)
        self.assign(target, value, scope)

    def _super(self, node: ast.expr, scope: Scope) -> Value:
        """Return the method that super().NAME stands for; None if it is something else."""
        match node:
            case ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr=name):
                return self.inherited(name, scope)
        return None

    @abstractmethod
    def inherited(self, name: str, scope: Scope) -> Value:
        """Return a method of the classes above the one whose method this is."""
