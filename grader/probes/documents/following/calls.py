"""Calls of the submission's own functions and classes, and of methods of values."""

from __future__ import annotations

import ast
from abc import abstractmethod
from collections.abc import Sequence
from functools import partial

from grader.probes.documents.following import changes, datasets, images
from grader.probes.documents.following.definitions import bound, called_by_python, decorated, has_layers
from grader.probes.documents.following.expressions import Expressions
from grader.probes.documents.following.library import call_library
from grader.probes.documents.following.state import TooMuch, wrapped
from grader.probes.documents.following.transforms import run_chain
from grader.probes.documents.following.values import (
    NOWHERE,
    UNBOUND,
    Builtin,
    Chain,
    Class,
    DataSet,
    Either,
    Function,
    Given,
    Instance,
    Library,
    Method,
    Pixels,
    Scope,
    Seq,
    Step,
    Table,
    Unbound,
    Unknown,
    Value,
)

DEEPEST = 12  # calls within calls
FEW = 12  # rounds of a loop that are followed
MODULES = ("Module", "LightningModule", "Sequential")  # of torch: calling one is running a network


class Calls(Expressions):
    """Follows calls."""

    def __init__(self) -> None:
        super().__init__()
        self.stack: list[ast.AST] = []

    @abstractmethod
    def run(self, body: Sequence[ast.stmt], scope: Scope) -> bool:
        """Follow statements; return whether they end what they stand in."""

    def call(self, callee: Value, given: Given) -> Value:
        match callee:
            case Function():
                return self.invoke(callee, given)
            case Class():
                return self._build(callee, given)
            case Builtin(apply=apply):
                return apply(given)
            case Chain() | Step():
                return run_chain(self, callee, given)
            case Library(path=path):
                return self._call_library(path, given)
            case Instance():
                return self._call_instance(callee, given)
            case Method():
                return self._call_method(callee, given)
            case Unknown():
                return self._call_unknown(callee.key, given)
            case Pixels():  # a network that was traced with them
                return self._call_unknown("images", given)
        return self.unknown(f"{type(callee).__name__}()@{given.place}")

    def _call_method(self, of: Method, given: Given) -> Value:
        if not given.items:
            return images.call_method(self, of, given)

        def one(first: Value) -> Value:
            return images.call_method(self, of, Given((first, *given.items[1:]), given.words, given.place, given.node))

        return self.lift(one, given.items[0])

    def _call_library(self, path: str, given: Given) -> Value:
        """Call a function of a library, once for each way in which its arguments may turn out."""
        count = len(given.items)

        def one(*values: Value) -> Value:
            words = dict(zip(given.words, values[count:], strict=True))
            return call_library(self, path, Given(values[:count], words, given.place, given.node))

        return self.lift(one, *given.items, *given.words.values())

    def _call_unknown(self, key: str, given: Given) -> Value:
        """Something unknown that is given images is a network, as in `net(images)`."""
        if key.endswith("register_forward_pre_hook"):
            raise TooMuch  # it changes what every network is given
        first = self.see((*given.items, *given.words.values(), None)[0])
        if isinstance(first, Pixels) and not self.networks and images.prepares(self, key, given):
            return self.lose(first, given.place)
        if not self.in_item:
            images.note_inputs(self, first)
        return self.unknown(f"{key}()@{given.place.source}:{given.place.line}")

    def _call_instance(self, callee: Instance, given: Given) -> Value:
        if any(base.name in MODULES for base in callee.of.libraries()):
            return self._run_network(callee, given)
        method, owner = callee.of.find("__call__")
        if isinstance(method, Function):
            return self.invoke(bound(method, callee, owner), given)
        return self._unfollowed(f"{callee.of.name}()@{given.place}", given)

    def _run_network(self, callee: Instance, given: Given) -> Value:
        """Run a module. One without layers, such as a Normalize, is only followed; another is given its images.

        A network may normalise them itself: what reaches its first layer is then noted as well.
        """
        method, owner = callee.of.find("forward")
        layers = has_layers(callee.of)
        result = self._call_unknown(callee.of.name, given) if layers else None
        if isinstance(method, Function):
            self.networks += layers
            found = self.invoke(bound(method, callee, owner), given)
            self.networks -= layers
            result = result if layers else found
        return result

    def _unfollowed(self, key: str, given: Given) -> Value:
        """Return what comes of a call that cannot be followed."""
        first = self.see(given.items[0]) if given.items else None
        return self.lose(first, given.place) if isinstance(first, Pixels) else self.unknown(key)

    # --- functions ----------------------------------------------------------------------------------------------

    def invoke(self, function: Function, given: Given, start: bool = False) -> Value:
        """Return what a function of the submission returns. `start`: nobody calls it, so its arguments are unknown."""
        self.called.add(function.node)
        if len(self.stack) >= DEEPEST or function.node in self.stack:
            return self._unfollowed(f"recursion@{given.place}", given)
        depth = len(self.path)
        scope = Scope({}, function.scope, depth, function.source)
        scope.names["__owner__"], scope.names["__self__"] = function.owner, function.of
        self._fill(function, given, scope, start)
        self.stack.append(function.node)
        self.purposes.append(getattr(function.node, "name", ""))
        try:
            if isinstance(function.node, ast.Lambda):
                return self.value(function.node.body, scope)
            self.run(function.node.body, scope)
        finally:
            self.stack.pop()
            self.purposes.pop()
            self.forget(depth)
        if scope.yielded:
            return Seq(scope.yielded, depth)
        result: Value = None
        for path, value in reversed(scope.returned):
            result = wrapped(path, value, result)
        return result

    def _fill(self, function: Function, given: Given, scope: Scope, start: bool) -> None:
        """Give the parameters their values."""
        wanted = function.node.args
        names = [one.arg for one in (*wanted.posonlyargs, *wanted.args)]
        items = list(given.items)
        if function.of is not None and names:
            scope.names[names.pop(0)] = function.of
        defaults: dict[str, ast.expr] = dict(zip(names[::-1], wanted.defaults[::-1], strict=False))
        defaults |= {one.arg: value for one, value in zip(wanted.kwonlyargs, wanted.kw_defaults, strict=True) if value}
        everything = [*names, *(one.arg for one in wanted.kwonlyargs)]
        for position, name in enumerate(everything):
            if name in given.words:
                scope.names[name] = given.words[name]
            elif position < len(names) and position < len(items):
                scope.names[name] = items[position]
            else:
                scope.names[name] = self._default(function, name, defaults.get(name), start)
        if wanted.vararg:
            scope.names[wanted.vararg.arg] = Seq(items[len(names) :], len(self.path))
        if wanted.kwarg:
            rest: dict[Value, Value] = {name: one for name, one in given.words.items() if name not in everything}
            scope.names[wanted.kwarg.arg] = Table(rest, len(self.path))

    def _default(self, function: Function, name: str, default: ast.expr | None, start: bool) -> Value:
        found = UNBOUND if default is None else self.value(default, function.scope)
        decides = isinstance(found, bool | str)  # train=True, split="train": what callers choose between
        if isinstance(found, Unbound) or (start and decides):
            return Unknown(f"{name}#{getattr(function.node, 'name', 'lambda')}{function.node.lineno}")
        return found

    def inherited(self, name: str, scope: Scope) -> Value:
        return datasets.above(self, name, scope)

    # --- classes ------------------------------------------------------------------------------------------------

    def _build(self, of: Class, given: Given, start: bool = False) -> Value:
        """Make an object of a class of the submission."""
        this = Instance(of, {}, len(self.path))
        datasets.adopt(self, this, given)
        method, owner = of.find("__init__")
        if isinstance(method, Function):
            self.invoke(bound(method, this, owner), given, start)
        elif fields := [name for name in of.scope.names if not name.startswith("__")]:
            for name, value in (*zip(fields, given.items, strict=False), *given.words.items()):  # a dataclass
                this.names[name] = value
        return this

    def begin(self, found: Value) -> None:
        """Follow a function or class that nothing in the code calls."""
        nothing = Given((), {}, NOWHERE)
        if isinstance(found, Function) and found.node not in self.called:
            self.invoke(found, nothing, start=True)
        if isinstance(found, Class) and not any(base.name in MODULES for base in found.libraries()):
            methods = [one for one in found.scope.names.values() if isinstance(one, Function)]
            left = [one for one in methods if one.node not in self.called and not called_by_python(one.node)]
            this = self._build(found, nothing, start=True) if left else None
            for one in left:
                if one.node not in self.called:
                    self.invoke(bound(one, this, found), nothing, start=True)

    # --- attributes and items -----------------------------------------------------------------------------------

    def attribute(self, whole: Value, name: str) -> Value:
        match whole:
            case Library(path=path):
                return self.see(self.stored.get(f"{path}.{name}", Library(f"{path}.{name}"[-300:])))
            case Scope():
                found = self.see(whole.names.get(name, UNBOUND))
                return Library(name) if isinstance(found, Unbound) else found
            case Instance():
                return self._member(whole, name)
            case Class():
                found, owner = whole.find(name)
                if isinstance(found, Function):
                    return bound(found, whole, owner)
                return self.unknown(f"{whole.name}.{name}") if isinstance(found, Unbound) else found
            case DataSet():
                return datasets.attribute(self, whole, name)
            case Unknown(key=key) if f"{key}.{name}" in self.stored:
                return self.see(self.stored[f"{key}.{name}"])
            case Unknown(key="args") if name in self.arguments:
                return Either(f"--{name} given", Unknown(f"args.{name}"), self.arguments[name])
            case Unknown():
                return self.unknown(f"{whole.key}.{name}")
        return images.method(self, whole, name)

    def _member(self, this: Instance, name: str) -> Value:
        if name == "__dict__":
            return changes.as_table(this)
        found = self.see(this.names.get(name, UNBOUND))
        if not isinstance(found, Unbound):
            return found
        if this.data is not None and name in this.data.names:
            return datasets.attribute(self, this.data, name)
        found, owner = this.of.find(name)
        if isinstance(found, Function):
            method = bound(found, this, owner)
            computed = decorated(found.node, "property", "cached_property")
            return self.invoke(method, Given((), {}, NOWHERE)) if computed else method
        if not isinstance(found, Unbound):
            return found
        if this.data is not None:
            return datasets.attribute(self, this.data, name)
        if name == "register_buffer":
            return Builtin(partial(self._keep, this))
        return Unknown(f"{this.of.name}.{name}")

    def _keep(self, this: Instance, given: Given) -> Value:
        """Follow register_buffer(name, tensor) of a module."""
        name = self.see(given.get(0, "name"))
        if isinstance(name, str):
            self.bind(this.names, name, given.get(1, "tensor", None), this.depth)
        return None

    def item(self, whole: Value, index: Value) -> Value:
        return images.item(self, whole, index)

    def each(self, whole: Value) -> Sequence[Value]:
        match whole:
            case Seq(items=items):
                return items[:FEW] if len(items) <= FEW or not items else items[:1]
            case Table(items=items):
                return list(items)[:FEW]
            case DataSet():
                return [datasets.item(self, whole)]
            case Pixels():
                return [whole]
            case Instance():
                method, owner = whole.of.find("__iter__")
                if isinstance(method, Function):
                    found = self.see(self.invoke(bound(method, whole, owner), Given((), {}, NOWHERE)))
                    return self.each(found) if not isinstance(found, Instance) else [self.fresh("item")]
                if whole.data is not None:
                    return [datasets.item(self, whole.data)]
            case Unknown(key=key):
                return [self.unknown(f"{key}[]")]
        return [self.fresh("item")]
