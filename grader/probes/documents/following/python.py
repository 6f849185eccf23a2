"""What Python's own functions return, and those of its standard library that scripts use for their settings."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from grader.probes.documents.following.values import (
    Builtin,
    Given,
    Instance,
    Library,
    Pixels,
    Seq,
    Step,
    Table,
    Unknown,
    Value,
    numbers,
)

if TYPE_CHECKING:
    from grader.probes.documents.following.calls import Calls


def _sequence(state: Calls, given: Given) -> Value:
    first = state.see(given.get(0, "iterable", Seq([])))
    return Seq(list(first.items if isinstance(first, Seq) else state.each(first)), len(state.path))


def _enumerate(state: Calls, given: Given) -> Value:
    items = state.each(state.see(given.get(0, "iterable")))
    return Seq([Seq([Unknown("number"), item], len(state.path)) for item in items], len(state.path))


def _zip(state: Calls, given: Given) -> Value:
    columns = [state.each(state.see(one)) for one in given.items]
    return Seq([Seq(list(row), len(state.path)) for row in zip(*columns, strict=False)], len(state.path))


def _map(state: Calls, given: Given) -> Value:
    items = state.each(state.see(given.get(1, "iterable")))
    call: Callable[[Value], Value] = lambda item: state.call(state.see(given.items[0]), Given((item,), {}, given.place))  # noqa: E731
    return Seq([call(item) for item in items], len(state.path))


def _next(state: Calls, given: Given) -> Value:
    first = state.see(given.get(0, "iterator"))
    if isinstance(first, Instance) and isinstance(first.of.find("__next__")[1], type(first.of)):
        return state.call(state.attribute(first, "__next__"), Given((), {}, given.place))
    found = state.each(first)
    return found[0] if found else state.fresh("next()")


def _dict(state: Calls, given: Given) -> Value:
    first = state.see(given.get(0, "mapping"))
    items: dict[Value, Value] = dict(first.items) if isinstance(first, Table) else {}
    items.update(given.words.items())
    return Table(items, len(state.path))


def _attribute(state: Calls, given: Given) -> Value:
    whole, name = state.see(given.get(0, "object")), state.see(given.get(1, "name"))
    if isinstance(whole, Library) and not isinstance(name, str):
        return Library(f"{whole.path}.CIFAR10")  # getattr(datasets, args.dataset): the lab's own
    return state.attribute(whole, name) if isinstance(name, str) else state.fresh("getattr")


def _join(state: Calls, given: Given) -> Value:
    parts = [state.see(one) for one in given.items]
    return "/".join(part if isinstance(part, str) else "?" for part in parts)[:1000]


def _length(state: Calls, given: Given) -> Value:
    first = state.see(given.get(0, "obj"))
    return len(first.items) if isinstance(first, Seq | Table) else state.fresh("len()")


def _argument(state: Calls, given: Given) -> Value:
    """Keep the default of an option of the command line; flags have none that says anything."""
    flags = [one for one in given.items if isinstance(one, str)]
    name = max(flags, key=len, default="").lstrip("-").replace("-", "_")
    default = state.see(given.get(-1, "default"))
    given_name = given.get(-1, "dest", name)
    if isinstance(given_name, str) and (isinstance(default, int | float | str | Seq)) and not isinstance(default, bool):
        state.arguments[given_name] = default
    return state.fresh("argument")


def _isinstance(state: Calls, given: Given) -> Value:
    value, kind = state.see(given.get(0, "obj")), given.get(1, "class")
    if isinstance(value, Pixels) and isinstance(kind, Library):
        return state.unknown(f"isinstance {kind.path}")
    if isinstance(value, Step) and isinstance(kind, Library) and kind.name in ("Normalize", "ToTensor", value.name):
        return value.name == kind.name
    return state.unknown(f"isinstance@{given.place}")


def _round(state: Calls, given: Given) -> Value:
    found = numbers(state.see(given.get(0, "number")))
    places = state.see(given.get(1, "ndigits", 0))
    return round(found[0], places) if found and len(found) == 1 and isinstance(places, int) else state.fresh("round()")


def _whole(state: Calls, given: Given) -> Value:
    found = state.see(given.get(0, "x"))
    return int(found) if isinstance(found, int | float) and abs(found) < 1e9 else state.fresh("int()")


def _full(number: float | None, state: Calls, given: Given) -> Value:
    count = numbers(state.see(given.get(0, "size")))
    value = state.see(given.get(1, "fill_value")) if number is None else number
    size = max(count) if count else 0
    return Seq([value] * int(size), len(state.path), array=True) if size in (1, 3) else state.fresh("full()")


def _partial(state: Calls, given: Given) -> Value:
    """Follow functools.partial."""

    def call(rest: Given) -> Value:
        words = {**given.words, **rest.words}
        return state.call(
            state.see(given.items[0]), Given((*given.items[1:], *rest.items), words, rest.place, rest.node)
        )

    return Builtin(call) if given.items else state.fresh("partial")


PYTHON: dict[str, Callable[[Calls, Given], Value]] = {
    "list": _sequence,
    "tuple": _sequence,
    "enumerate": _enumerate,
    "zip": _zip,
    "map": _map,
    "next": _next,
    "partial": _partial,
    "dict": _dict,
    "Namespace": _dict,
    "SimpleNamespace": _dict,
    "EasyDict": _dict,
    "getattr": _attribute,
    "join": _join,
    "Path": _join,
    "len": _length,
    "ArgumentParser": lambda state, given: Library("argparse.parser"),
    "add_argument_group": lambda state, given: Library("argparse.parser"),
    "add_argument": _argument,
    "parse_args": lambda state, given: Unknown("args"),
    "parse_known_args": lambda state, given: Seq([Unknown("args"), Unknown("rest")]),
    "isinstance": _isinstance,
    "round": _round,
    "int": _whole,
    "zeros": partial(_full, 0.0),
    "ones": partial(_full, 1.0),
    "full": partial(_full, None),
}
