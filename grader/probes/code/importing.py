"""Imports a student's file from the sandbox's copy: whole, or reduced to what it defines.

A script that works when it is imported is not run as a whole. Its imports, constants, classes and functions are taken,
statement by statement, and one that fails costs only the names that it would have defined. Everything that the
submission brings is imported in the same way, under its dotted name; nothing of it hides a module of ours.
"""

from __future__ import annotations

import ast
import importlib
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from importlib.machinery import FileFinder, ModuleSpec, SourceFileLoader
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from grader.probes.code import inert, stand_ins
from grader.probes.code.definitions import bound, workers
from grader.probes.code.running import left_out, told_apart, within
from grader.probes.code.script import Piece, Script, read_script
from grader.probes.documents.text import storable
from grader.probes.refusals import Phrase, Refuse, phrase
from grader.probes.roots import in_submission, roots

WHOLE, DEFINITIONS = "whole", "definitions"  # how a file is imported
STATEMENT_SECONDS, ALL_SECONDS = 6.0, 15.0  # for what a definition needs; less than an import may take
TOP = "handed_in"  # the package of files at the root that import their neighbours relatively


@dataclass(slots=True)
class _Way:
    """How the file that is being imported is, and what it imports in turn; and until when."""

    how: str = WHOLE
    until: float = 0.0


_way = _Way()


def try_import(inputs: dict[str, Any], files: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Import a file without calling anything. Returns what the report should say of that."""
    del files
    module = load(inputs)
    file = inputs["file"]
    noted = [*stand_ins.notes(file), *inert.notes(file)]
    if inputs.get("how") == DEFINITIONS:
        noted.insert(0, phrase("only_definitions", file=storable(file)))
    return {"imported": module.__name__, "notes": noted}, {}


def function(inputs: dict[str, Any], name: str) -> Callable[..., Any]:
    """Import `inputs["file"]`, and return the function of that name."""
    return function_of(load(inputs), inputs["file"], name)


def function_of(module: ModuleType, file: str, name: str) -> Callable[..., Any]:
    """Return a function of an imported file. Raises Refuse."""
    found = getattr(module, name, None)
    if callable(found):
        return found  # type: ignore[no-any-return]
    if name in left_out:
        wanted = f"{name}()"
        raise Refuse("code_left_out", doing=wanted, name=name, left=left_out[name], place=left_out[name])
    raise Refuse("code_function", file=file, function=name)


def load(inputs: Mapping[str, Any]) -> ModuleType:
    """Import `inputs["file"]` as a module under its own name. Raises Refuse if that fails."""
    path = Path(roots().submission) / inputs["file"]
    script = read_script(inputs["file"])
    left_out.clear()
    _way.how, _way.until = str(inputs.get("how", WHOLE)), time.monotonic() + ALL_SECONDS
    _prepare(path)
    with told_apart(phrase("importing", file=path.name)):
        return _imported(_dotted(path, script.levels), path)


def _prepare(path: Path) -> None:
    """Let the submission's modules be found, behind everything that is ours, and stand in for what is not there."""
    sys.pycache_prefix = "/nowhere"  # compiled files of the submission are not looked at
    sys.argv = [str(path)]  # as the student ran it: the grader's own arguments are not for argparse
    if _finder not in sys.path_hooks:
        sys.path_hooks.insert(0, _finder)
    submission = Path(roots().submission)
    above = [parent for parent in path.parents if parent.is_relative_to(submission)]
    sys.path += [*map(str, above), roots().given]
    importlib.invalidate_caches()
    stand_ins.install()
    inert.install()


# --- names -----------------------------------------------------------------------------------------------------


def _dotted(path: Path, levels: int) -> list[tuple[str, Path]]:
    """Return the packages around a file, outermost first: dotted names, and their folders.

    A folder is a package if it has an __init__.py, or if the file's relative imports say so.
    """
    folders: list[Path] = []
    folder, root = path.parent, Path(roots().submission)
    while folder != root and ((folder / "__init__.py").is_file() or len(folders) < levels):
        folders.insert(0, folder)
        folder = folder.parent
    names = [folder.name.replace(".", "_") for folder in folders]
    if len(folders) < levels:
        folders, names = [root, *folders], [TOP, *names]
    elif names and _is_another(names[0], folders[0]):
        names[0] = f"{TOP}_{names[0]}"
    return [(".".join(names[: index + 1]), folder) for index, folder in enumerate(folders)]


def _is_another(name: str, folder: Path) -> bool:
    """Whether a module of ours has this name already: a submission's folder json/ must not take its place."""
    found = sys.modules.get(name)
    return found is not None and str(folder) not in list(getattr(found, "__path__", []))


def _imported(packages: list[tuple[str, Path]], path: Path) -> ModuleType:
    for name, folder in packages:
        if name not in sys.modules and folder / "__init__.py" != path:
            _open_package(name, folder)
    inside = f"{packages[-1][0]}." if packages else ""
    name = inside + path.stem if path.name != "__init__.py" or not packages else inside[:-1]
    found = sys.modules.get(name)
    if found is not None and getattr(found, "__file__", None) == str(path) and packages:
        return found
    return _executed(name, path)


def _open_package(name: str, folder: Path) -> None:
    """Import a package for the sake of what is in it: an __init__.py that fails does not hide its neighbours."""
    if (folder / "__init__.py").is_file():
        try:
            _executed(name, folder / "__init__.py")
            return
        except Exception:  # noqa: S110 - said where the file itself is looked at
            pass
    package = ModuleType(name)
    package.__path__ = [str(folder)]
    sys.modules[name] = package


def _executed(name: str, path: Path) -> ModuleType:
    inside = [str(path.parent)] if path.name == "__init__.py" else None
    loader = Theirs(name, str(path))
    spec = spec_from_file_location(name, path, loader=loader, submodule_search_locations=inside)
    assert isinstance(spec, ModuleSpec)
    module = module_from_spec(spec)
    sys.modules[name] = module
    loader.exec_module(module)
    return module


# --- running ---------------------------------------------------------------------------------------------------


class Theirs(SourceFileLoader):
    """Runs a module of the submission, as much of it as `_way` says."""

    @property
    def file(self) -> str:
        """The path in the submission."""
        return Path(self.path).relative_to(roots().submission).as_posix()

    def exec_module(self, module: ModuleType) -> None:
        script = read_script(self.file)
        if _way.how == WHOLE:
            _run_whole(script, module)
        else:
            _run_definitions(script, module)


def own_file(module: ModuleType) -> str:
    """Return the path in the submission of a module that was imported from there; "" of any other."""
    loader = getattr(getattr(module, "__spec__", None), "loader", None)
    return loader.file if isinstance(loader, Theirs) else ""


def _finder(folder: str) -> FileFinder:
    """Find modules of the submission: Python alone, neither compiled files nor libraries. A hook of `sys.path`."""
    if not in_submission(folder):
        raise ImportError(folder)  # as a hook of `sys.path` must for what it does not handle
    return FileFinder(folder, (Theirs, [".py"]))


def _run_whole(script: Script, module: ModuleType) -> None:
    if found := workers(script).first_training(script):
        piece, line = found
        raise Refuse("code_script", file=named(piece), line=line)
    for piece in script.pieces:
        run_statements(piece, piece.tree.body, module)
        _offer(piece, module)


def _run_definitions(script: Script, module: ModuleType) -> None:
    working = workers(script)
    for piece in script.pieces:
        run_definitions(piece, *working.reduced(piece.tree.body), module)
        _offer(piece, module)


def _offer(piece: Piece, module: ModuleType) -> None:
    """Let later cells import what this one would have written to a file, in the place of the lab's own."""
    found = find_spec(piece.writes) if piece.writes else None
    if piece.writes and (found is None or str(found.origin).startswith(f"{roots().given}/")):
        sys.modules[piece.writes] = module


def run_definitions(piece: Piece, kept: list[ast.stmt], left: list[ast.stmt], module: ModuleType) -> None:
    """Run statements one by one, and remember the names that those which are left out would have defined."""
    note_left_out(piece, left)
    for statement in kept:
        _run_alone(piece, statement, module)


def _run_alone(piece: Piece, statement: ast.stmt, module: ModuleType) -> None:
    """Run one statement. What fails costs the names that it defines, unless a module is missing."""
    seconds = min(STATEMENT_SECONDS, _way.until - time.monotonic())
    imports = isinstance(statement, ast.Import | ast.ImportFrom)  # what is imported has its own time
    try:
        with nullcontext() if imports else within(max(0.05, seconds)):
            run_statements(piece, [statement], module)
    except (MemoryError, ModuleNotFoundError, Refuse):
        raise
    except BaseException:  # of their own making too
        note_left_out(piece, [statement])


def note_left_out(piece: Piece, statements: Iterable[ast.stmt]) -> None:
    """Remember the names that are not defined because the grader left these statements out."""
    for statement in statements:
        for name in bound(statement):
            left_out.setdefault(name, place_of(piece, statement.lineno))


def place_of(piece: Piece, line: int) -> Phrase:
    """Return the place of a line: "exp2.py, line 3", or "exp2.ipynb, cell 3, line 3"."""
    return phrase("place", file=named(piece), line=line)


def named(piece: Piece) -> str:
    """Return what a sentence calls a piece."""
    return storable(piece.path.removeprefix(f"{roots().submission}/"))


def run_statements(piece: Piece, statements: list[ast.stmt], module: ModuleType) -> None:
    """Run statements of a piece in a module."""
    code = compile(ast.Module(statements, []), piece.path, "exec", dont_inherit=True)
    exec(code, vars(module))  # noqa: S102 - in the sandbox for code
