"""A student's functions, called in a sandbox of their own: exp1.py, exp2.py and extract_features.py.

What was refused is the student's to mend; only where no code can be run here is nothing said about it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from grader.collect.code.caller import Caller
from grader.collect.code.measuring import look_at_learning_rate, look_at_test
from grader.collect.code.network import NEEDS_A_SANDBOX, own_network
from grader.collect.equipment import Bench
from grader.collect.looks.feature_vectors import look_at_features, true_features
from grader.collect.looks.function_fit import look_at_fit
from grader.evidence import Evaluation, FeatureVectors, FunctionFit, LearningRate, Observation, kind_of
from grader.records import Submission

__all__ = ["CODE_RECORDS", "NEEDS_A_SANDBOX", "Caller", "open_caller", "own_network", "run_code"]

CODE_RECORDS = (FunctionFit, Evaluation, LearningRate, FeatureVectors)  # seen only where student code was run


@contextmanager
def open_caller(submission: Submission, bench: Bench) -> Iterator[Caller]:
    """Start the sandbox, so that torch is imported inside while the weights are measured."""
    sandbox = bench.sandbox.for_code(submission.root) if submission.parts.sources else None
    if sandbox is None:
        yield Caller(submission, None)
        return
    with sandbox:
        yield Caller(submission, sandbox)


def run_code(caller: Caller, tasks: Observation, bench: Bench) -> dict[str, Observation]:
    """Every observation of the student's code; what one function does costs no other."""
    caller.note_open(tasks)
    truth = true_features(caller)
    return {
        kind_of(FunctionFit): look_at_fit(caller),
        kind_of(Evaluation): look_at_test(caller),
        kind_of(LearningRate): look_at_learning_rate(caller),
        kind_of(FeatureVectors): look_at_features(caller, truth, bench.sandbox),
    }
