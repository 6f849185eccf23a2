"""Follows the files of a submission: first what each does when it is run, then the functions that nothing calls."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from grader.probes.documents.following.state import MOST_STEPS, Noticed, TooMuch
from grader.probes.documents.following.statements import Follower
from grader.probes.documents.following.values import Class, Function, Place, Scope
from grader.probes.documents.syntax import Piece

MOST_IN_ALL = 200_000  # steps, for all files


# code nested so deeply, or so long, that no person wrote it; or a fault of ours. What was found so far stands, but
# nothing that the file says is certain then.
STOPPED = (TooMuch, RecursionError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


@dataclass(slots=True)
class File:
    """A file or notebook of a submission, and what was noticed in it. `whole` is False if it was left half-way."""

    name: str
    pieces: list[Piece]
    scope: Scope
    noticed: Noticed = field(default_factory=Noticed)
    whole: bool = True
    begun: bool = False
    steps: int = 0

    @property
    def stem(self) -> str:
        """Return the name by which other files import it."""
        return self.name.rpartition("/")[2].rpartition(".")[0]

    def place_of(self, name: str) -> Place:
        """Return where a name is first written."""
        for piece in self.pieces:
            for node in ast.walk(piece.tree):
                if isinstance(node, ast.Name) and node.id == name:
                    return Place(piece.source, node.lineno)
        return Place(self.name, 0)


class Program:
    """The files of a submission. Each has a budget of its own: one that is too long hides no other."""

    def __init__(self, documents: list[tuple[str, list[Piece]]]) -> None:
        self.files = [File(name, pieces, Scope({}, None, 0, name)) for name, pieces in documents]
        self.state = Follower(self._module)
        for file in self.files:
            self._run(file)
        for file in self.files:
            for found in list(file.scope.names.values()):
                for one in self.state.leaves(found):
                    if isinstance(one, Function | Class) and one.scope.file is file.scope:
                        self._guarded(file, partial(self.state.begin, one))

    def _module(self, name: str) -> Scope | None:
        """Return the names of a file that another one imports, which is followed first."""
        for file in self.files:
            if file.stem == name:
                if not file.begun:
                    self._run(file)
                return file.scope
        return None

    def _run(self, file: File) -> None:
        if file.begun:
            return
        file.begun = True
        for piece in file.pieces:
            body = piece.tree.body if isinstance(piece.tree, ast.Module) else []
            for statement in body:
                file.scope.source = piece.source
                if not self._guarded(file, partial(self.state.run, [statement], file.scope)):
                    return

    def _guarded(self, file: File, follow: Callable[[], object]) -> bool:
        """Follow a part of a file; return whether its budget allows for more."""
        state = self.state
        if sum(one.steps for one in self.files) > MOST_IN_ALL:
            file.whole = False
            return False
        before = state.noticed, state.steps, state.path, state.purposes, state.stack
        open_before = state.rounds, state.networks
        state.noticed, state.steps, state.path, state.purposes, state.stack = file.noticed, file.steps, {}, [], []
        state.rounds = state.networks = 0
        try:
            follow()
        except STOPPED:
            file.whole = False
        file.steps = state.steps
        state.noticed, state.steps, state.path, state.purposes, state.stack = before
        state.rounds, state.networks = open_before
        return file.steps < MOST_STEPS
