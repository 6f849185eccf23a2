"""Job -> Observation: where everything that a student handed in is opened."""

from grader.sandbox.code import CodeSandbox, open_code_sandbox
from grader.sandbox.interface import ArraySpec, Job, Limits, Reply, Sandbox
from grader.sandbox.select import open_sandbox

__all__ = [
    "ArraySpec",
    "CodeSandbox",
    "Job",
    "Limits",
    "Reply",
    "Sandbox",
    "open_code_sandbox",
    "open_sandbox",
]
