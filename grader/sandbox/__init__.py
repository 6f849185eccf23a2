"""Job -> Observation: where everything that a student handed in is opened."""

from grader.probes.roots import Roots
from grader.sandbox.interface import ArraySpec, Called, CodeSandbox, Job, Limits, Reply, Sandbox
from grader.sandbox.select import open_sandbox, why_no_code

__all__ = [
    "ArraySpec",
    "Called",
    "CodeSandbox",
    "Job",
    "Limits",
    "Reply",
    "Roots",
    "Sandbox",
    "open_sandbox",
    "why_no_code",
]
