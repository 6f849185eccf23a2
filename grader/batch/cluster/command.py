"""The command's side of a cluster: its workers as a place to grade."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from distributed import Client

from grader.batch.cluster import sets
from grader.batch.cluster.reach import Address
from grader.batch.cluster.remote import Common, Remote
from grader.batch.cluster.watching import Watch
from grader.batch.crew import Crew
from grader.batch.one import Setup
from grader.batch.setup import SetupSpec, made_by
from grader.collect import Equipment
from grader.dataset import ImageSet
from grader.records import Message, message
from grader.records.errors import BadLab
from grader.sandbox import open_sandbox

PATIENCE = 20.0  # seconds to connect, also again where the network was away for a moment
MOST = 10_000  # submissions at a time: each is waited for by a thread, which is started when it is needed


class Cluster:
    """The workers of a scheduler, as a place to grade. `say` tells a person what happens beside the submissions."""

    most = MOST

    def __init__(self, there: Address, say: Callable[[Message], None]) -> None:
        self._there, self._say = there, say

    @contextmanager
    def joined(self) -> Iterator[Cluster]:
        """Stay connected. Raises BadLab."""
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # what is to be known, we say
        security = self._there.keys.security()
        try:
            client = Client(str(self._there), security=security, set_as_default=False, timeout=PATIENCE)
        except (OSError, ValueError) as error:
            sentence = message(
                "{address} cannot be reached: {why}. Check the address, the network and the firewall between both"
                " machines.",
                address=str(self._there),
                why=str(error)[:300],
            )
            raise BadLab(sentence) from error
        self._client, self._watch = client, Watch(client, self._there, self._say)
        try:
            self._watch.start()
            yield self
        finally:
            self._watch.end()
            with suppress(OSError, TimeoutError):
                client.close(timeout=5)

    def slots(self) -> int:
        """Return how many its workers grade at a time, now."""
        return min(self._watch.slots, MOST - 100)

    @contextmanager
    def opened(self, spec: SetupSpec) -> Iterator[tuple[Setup, Crew]]:
        """Begin a run. Its submissions are sent when they are graded, its images when a worker lacks them."""
        images = sets.described(spec.images) if isinstance(spec.images, ImageSet) else None
        sent = replace(spec, images=Message("")) if images else spec
        crew = Remote(self._client, self._watch, Common(sent, images))
        with open_sandbox("plain") as nothing:  # nothing is run here
            yield Setup(Equipment(spec.images, nothing), spec.rubric, made_by()), crew
