"""Records that probes report: plain values, validated on the way in, from which checks judge.

A record is what was *observed*, never what it is worth. Every record can be written to JSON and read back, so that a
class can be re-marked later without running anything.
"""

from __future__ import annotations

from grader.evidence.kinds.calls import FailedCall, Figure
from grader.evidence.kinds.evaluation import Evaluation, EvaluationRun
from grader.evidence.kinds.feature_vectors import Extracted, FeatureVectors
from grader.evidence.kinds.files import (
    Claim,
    Claims,
    Epoch,
    History,
    Layout,
    OpenTask,
    ReportPage,
    Tasks,
    WrittenReport,
)
from grader.evidence.kinds.function_fit import Fit, FunctionFit, WeightsMoved
from grader.evidence.kinds.given_weights import GivenWeights, StartingPoint
from grader.evidence.kinds.learning_rate import LearningRate
from grader.evidence.kinds.retrieval import (
    Agreement,
    ComparedQuery,
    ComparedRankings,
    ComparedRun,
    LibraryImage,
    Match,
    OtherWay,
    Pipeline,
    ReportedQuery,
    ReportedRun,
    RetrievalImages,
    RetrievalReport,
    Suspicion,
    UnreadLine,
)
from grader.evidence.kinds.weights import (
    Accuracy,
    Bin,
    Candidate,
    Checkpoint,
    Diagnosis,
    Measurement,
    Mistake,
    OwnNetwork,
    Preprocessing,
    PreprocessingChoice,
    Trial,
)
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
)
from grader.evidence.registry import kind_of, record

__all__ = [
    "EVIDENCE",
    "Accuracy",
    "Agreement",
    "Bin",
    "Candidate",
    "Checkpoint",
    "Claim",
    "Claims",
    "ComparedQuery",
    "ComparedRankings",
    "ComparedRun",
    "Crashed",
    "Diagnosis",
    "Epoch",
    "Evaluation",
    "EvaluationRun",
    "Evidence",
    "Extracted",
    "FailedCall",
    "Failure",
    "FeatureVectors",
    "Figure",
    "Fit",
    "FunctionFit",
    "GivenWeights",
    "History",
    "Layout",
    "LearningRate",
    "LibraryImage",
    "Malformed",
    "Match",
    "Measurement",
    "Mistake",
    "Observation",
    "OpenTask",
    "OtherWay",
    "OutOfMemory",
    "OwnNetwork",
    "Pipeline",
    "Preprocessing",
    "PreprocessingChoice",
    "PrintedTooMuch",
    "Record",
    "Refused",
    "ReportPage",
    "ReportedQuery",
    "ReportedRun",
    "RetrievalImages",
    "RetrievalReport",
    "Seen",
    "StartingPoint",
    "Suspicion",
    "Tasks",
    "TimedOut",
    "Trial",
    "Unavailable",
    "UnreadLine",
    "WeightsMoved",
    "WrittenReport",
    "kind_of",
    "record",
]
