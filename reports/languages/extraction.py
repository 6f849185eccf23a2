"""Extracts sentences from Python for Babel: literals given to functions such as `message`, and titles of checks.

babel.cfg names these functions. A title is the first line of a check's docstring, as `grader.marking.check` takes it.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Collection, Iterator, Mapping
from operator import itemgetter
from typing import IO

Found = tuple[int, str | None, str, list[str]]  # line, function, sentence, comments: what Babel asks for


def sentences(
    file: IO[bytes], keywords: Mapping[str, object], comment_tags: Collection[str], options: Mapping[str, object]
) -> Iterator[Found]:
    """Yield the first argument of each keyword call if it is a literal, and titles and names of checks, by line.

    Babel's own method for Python skips calls inside brackets inside another call.
    """
    del comment_tags, options
    yield from sorted(_found(ast.parse(file.read()), keywords), key=itemgetter(0))


def _found(tree: ast.Module, keywords: Mapping[str, object]) -> Iterator[Found]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=str(text)), *_]) if name in keywords:
                yield node.lineno, name, text, []
            case ast.FunctionDef(decorator_list=[ast.Call(func=ast.Name(id="check"))]):
                title = inspect.cleandoc(ast.get_docstring(node) or "").partition("\n")[0].rstrip(".")
                yield node.lineno, None, title, []
                yield node.lineno, None, node.name.replace("_", " "), []
