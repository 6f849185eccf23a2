"""Which sentences there are: every template that the program can put before a person, read from its source."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

from jinja2 import Environment, nodes

from reports.languages.bindings import Scope, Untraceable, called, parameters
from reports.languages.source import Source

PACKAGES = ("grader", "reports")
TAKES_WORDS = {  # what takes a template first, and where it comes from
    "message": "grader.records",
    "Flag": "grader.records",
    "say": "reports.text",
}


@dataclass(frozen=True, slots=True)
class Extracted:
    """Every template with the files that use it, and the places where one could not be traced."""

    templates: dict[str, tuple[str, ...]]
    untraceable: tuple[str, ...]


def extract(root: Path) -> Extracted:
    """All templates of the packages and pages below the root, sorted by file and text: a new one moves no other."""
    source = Source(root, PACKAGES)
    files: dict[str, dict[str, None]] = {}
    untraceable: dict[str, None] = {}
    for path, said in (*_in_code(source), *_in_pages(root)):
        if isinstance(said, Untraceable):
            untraceable[f"{path}: {said}"] = None
        elif has_words(said):
            files.setdefault(said, {})[path] = None
    in_order = sorted((tuple(sorted(paths)), text) for text, paths in files.items())
    return Extracted({text: paths for paths, text in in_order}, tuple(sorted(untraceable)))


def has_words(template: str) -> bool:
    """False for what is the same in every language: fields and the space between them."""
    return any(literal.strip() for literal, *_ in Formatter().parse(template))


def _in_code(source: Source) -> Iterator[tuple[str, str | Untraceable]]:
    for name, home in TAKES_WORDS.items():
        for call, scope in source.calls.get(name, ()):
            if call.args and _meant(name, home, scope):
                yield from _traced(source, call, scope)
    for module in source.modules.values():
        yield from ((module.path, title) for title in _titles(module.tree))


def _meant(name: str, home: str, scope: Scope) -> bool:
    """Whether the name is the one of its home here: a parameter `say` is another thing."""
    if scope.module.name == home:
        return getattr(scope.functions[-1] if scope.functions else None, "name", "") not in TAKES_WORDS
    return scope.module.imports.get(name) == (home, name) and name not in parameters(scope)


def _traced(source: Source, call: ast.Call, scope: Scope) -> Iterator[tuple[str, str | Untraceable]]:
    path = scope.module.path
    try:
        yield from ((path, text) for text in dict.fromkeys(source.texts(call.args[0], scope)))
    except Untraceable as error:
        yield f"{path}:{call.lineno}", error


def _titles(tree: ast.Module) -> Iterator[str]:
    """The titles of checks, made from docstrings as grader/case.py makes them, and their names as headings."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and any(
            isinstance(one, ast.Call) and called(one) == "check" for one in node.decorator_list
        ):
            yield inspect.cleandoc(ast.get_docstring(node) or "").partition("\n")[0].rstrip(".")
            yield node.name.replace("_", " ")


def _in_pages(root: Path) -> Iterator[tuple[str, str | Untraceable]]:
    for path in sorted((root / "reports" / "templates").glob("*.j2")):
        page, place = Environment(autoescape=True).parse(path.read_text("utf-8")), path.relative_to(root).as_posix()
        for call in page.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "say":
                match call.args:
                    case [nodes.Const(value=str(text)), *_]:
                        yield place, text
                    case _:
                        yield f"{place}:{call.lineno}", Untraceable("say() in a page wants a literal")
