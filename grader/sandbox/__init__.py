"""Run jobs on what students handed in: everything from a submission is opened here, and nowhere else."""

from grader.probes.roots import Roots
from grader.sandbox.interface import ArraySpec, Called, CodeSandbox, Job, Limits, Reply, Rest, Sandbox, Shared
from grader.sandbox.select import BACKENDS, open_sandbox, trial, why_no_code, why_not

__all__ = [
    "BACKENDS",
    "ArraySpec",
    "Called",
    "CodeSandbox",
    "Job",
    "Limits",
    "Reply",
    "Rest",
    "Roots",
    "Sandbox",
    "Shared",
    "open_sandbox",
    "trial",
    "why_no_code",
    "why_not",
]
