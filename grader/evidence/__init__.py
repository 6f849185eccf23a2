"""What each probe may report: plain records, validated on the way in, from which checks judge.

A record is what was *observed*, never what it is worth. Every record can be written to JSON and read back, so that a
class can be marked again next week without running anything.
"""

from __future__ import annotations

from grader.evidence.code import (
    Extracted,
    FailedCall,
    FeatureVectors,
    Figure,
    Fit,
    Fits,
    LearningRates,
    Moved,
    TestRun,
    TestRuns,
)
from grader.evidence.files import Claim, Claims, Epoch, History, Layout, OpenTask, Tasks
from grader.evidence.outcomes import (
    EVIDENCE,
    Crashed,
    Evidence,
    Failure,
    Malformed,
    Observation,
    OutOfMemory,
    PrintedTooMuch,
    Record,
    Refused,
    Seen,
    TimedOut,
    Unavailable,
    kind_of,
)
from grader.evidence.weights import Bin, Checkpoint, Diagnosis, Measurement, Preprocessing, TestScores, Trial

__all__ = [
    "EVIDENCE",
    "Bin",
    "Checkpoint",
    "Claim",
    "Claims",
    "Crashed",
    "Diagnosis",
    "Epoch",
    "Evidence",
    "Extracted",
    "FailedCall",
    "Failure",
    "FeatureVectors",
    "Figure",
    "Fit",
    "Fits",
    "History",
    "Layout",
    "LearningRates",
    "Malformed",
    "Measurement",
    "Moved",
    "Observation",
    "OpenTask",
    "OutOfMemory",
    "Preprocessing",
    "PrintedTooMuch",
    "Record",
    "Refused",
    "Seen",
    "Tasks",
    "TestRun",
    "TestRuns",
    "TestScores",
    "TimedOut",
    "Trial",
    "Unavailable",
    "kind_of",
]
