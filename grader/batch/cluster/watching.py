"""What a command knows of its cluster: how many can be graded at a time, who was refused, and whether it is there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from distributed import Client

from grader.batch.cluster.identity import difference, identity
from grader.batch.cluster.reach import Address
from grader.records import Message, message
from grader.records.errors import BadLab

EACH = 1.0  # seconds between two looks
PATIENCE = 60.0  # seconds for one answer
LONELY = 5.0  # seconds without a worker, before that is said

Say = Callable[[Message], None]


@dataclass
class Watch:
    """Looks at the scheduler once a second, in a thread, and says what a person should know."""

    client: Client
    there: Address
    say: Say
    slots: int = 0
    gone: bool = False
    _told: set[str] = field(default_factory=set)
    _alone_since: float | None = None
    _over: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Look once, then go on in a thread. Raises BadLab where the scheduler differs from this machine."""
        from grader.batch.cluster.worker import not_ours

        try:
            state = self._state()
        except (OSError, ValueError, TypeError) as error:
            raise BadLab(not_ours(self.there)) from error
        if (found := difference(state["identity"], identity())) is not None:
            sentence = message(
                "{address} has {difference}. Install the same there and here, on the workers too, and start them"
                " again.",
                address=str(self.there),
                difference=found,
            )
            raise BadLab(sentence)
        self._note(state)
        threading.Thread(target=self._look, daemon=True).start()

    def end(self) -> None:
        """Look no more."""
        self._over.set()

    def lost(self) -> BadLab:
        """Note that the scheduler is gone, and return what to say."""
        self.gone = True
        sentence = message(
            "The scheduler at {address} has ended or can no longer be reached. What was graded is in the output folder."
            " Start it and its workers again, then run this command again: it goes on.",
            address=str(self.there),
        )
        return BadLab(sentence)

    def _look(self) -> None:
        while not self._over.wait(EACH):
            try:
                self._note(self._state())
            except Exception:  # whatever it is, nothing more comes from there
                self.gone = not self._over.is_set()
                return

    def _state(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.client.sync(self._ask, callback_timeout=PATIENCE)
        return found

    async def _ask(self) -> Mapping[str, Any]:
        assert self.client.scheduler is not None
        found: Mapping[str, Any] | None = await self.client.scheduler.grade_state()
        if found is None:  # what Dask answers to a word that it does not know
            raise TypeError
        return found

    def _note(self, state: Mapping[str, Any]) -> None:
        self.slots = state["slots"]
        for one in state["refused"]:
            if one["name"] in self._told:
                continue
            self._told.add(one["name"])
            sentence = message(
                "The worker {name} was refused: it has {difference}. Install the same there as here, and start it"
                " again.",
                name=one["name"],
                difference=difference({name: value for name, value in one.items() if name != "name"}, identity())
                or "?",
            )
            self.say(sentence)
        self._lonely(state["workers"])

    def _lonely(self, workers: int) -> None:
        now = time.monotonic()
        if workers:
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = now
        elif now - self._alone_since > LONELY:
            self._alone_since = float("inf")  # said once
            self.say(
                message(
                    "No worker has joined {address}. Waiting for one: run 'grade worker {address}' on the machines that"
                    " are to grade.",
                    address=str(self.there),
                )
            )
