"""Compares a run of the report with features that were handed in, where recomputed ones agree with a sample of them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from grader.collect.retrieval.comparison import Turn
from grader.collect.retrieval.networks import Network
from grader.collect.retrieval.pictures import bundle
from grader.intake import place
from grader.labs import the_lab
from grader.measures.ranking_distance import Scores
from grader.records import Submission
from grader.sandbox import ArraySpec, Job, Reply, Sandbox

SAMPLE = 8  # pictures; with a quarter of the rows made up, one of them is found in nine cases of ten
AGREES = 0.3  # of the distance between two pictures: `python benchmarks/retrieval_alike.py` measures it


@dataclass(frozen=True, slots=True)
class HandedIn:
    """The features of a submission, and what they are looked at with."""

    submission: Submission
    sandbox: Sandbox
    file: str
    key: str  # the array of this network

    @property
    def path(self) -> Path:
        """Return the file on the disk."""
        return place(self.submission, self.file)

    def scores(self, library: Sequence[str], queries: Sequence[str], turn: Turn) -> Scores | None:
        """Return the scores (Q, L) that follow from the features; None if they lack an image."""
        inputs = {"key": self.key, "library": library, "queries": queries}
        arrays = {"scores": ArraySpec("<f4", (len(queries), len(library)))}
        files = {"features": self.path}
        job = Job("retrieval.scores.scores_of_features", inputs, files, arrays, turn.left(sample=True))
        reply = self.sandbox.run(job)
        if not isinstance(reply, Reply) or not np.isfinite(reply.arrays["scores"]).all():
            return None
        return reply.arrays["scores"].astype(np.float64)

    def agrees(self, network: Network, paths: Sequence[str], turn: Turn) -> bool:
        """Return whether the network gives these features for a few images that nobody can foresee."""
        chosen = random.SystemRandom().sample(paths, min(SAMPLE, len(paths)))
        told = {"key": self.key, "paths": chosen, "pipeline": asdict(network.pipeline), "threads": 1}
        arrays = {"off": ArraySpec("<f4", (len(chosen),))}
        with bundle([place(self.submission, path) for path in chosen]) as file:
            files = {"bundle": file, "features": self.path, **network.files}
            inputs = {**network.inputs, **told}
            job = Job("retrieval.scores.compare_features", inputs, files, arrays, turn.left(sample=True))
            reply = self.sandbox.run(job)
        return isinstance(reply, Reply) and bool((reply.arrays["off"] <= AGREES).all())


def handed_in(submission: Submission, sandbox: Sandbox, model: str) -> HandedIn | None:
    """Return the features of this network; None if no file has any."""
    file = next((f.path for f in submission.files if f.path.casefold() == the_lab().features), None)
    return HandedIn(submission, sandbox, file, model) if file is not None and model else None
