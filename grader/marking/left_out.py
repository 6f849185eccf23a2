"""Finds what rests on something that was left out of a submission: it is not marked before a person has looked.

What could not be read, or is there twice, may be right: nobody loses points for it, and nobody earns any. What is not
there at all, such as the file behind a link, is the student's to hand in; the finding then says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from grader.evidence import (
    Accuracy,
    ComparedRankings,
    Evaluation,
    Evidence,
    FeatureVectors,
    FunctionFit,
    History,
    Layout,
    LearningRate,
    RetrievalImages,
    RetrievalReport,
)
from grader.evidence.kinds.own_function import OwnFunction
from grader.labs import Lab, the_lab
from grader.marking.rubric import Line
from grader.records import (
    PICTURES,
    REPORTS,
    Blocked,
    Finding,
    Judged,
    LeftOut,
    Message,
    Unjudged,
    exhibits_of,
    in_question,
    message,
)

MISSING = ("missing", "renamed")  # codes of what was not found
UNKNOWN_NETWORK = (
    "network",
    "unknown_network",
    "more_weights",
    "layer",
    "variants",
    "none_fits",
)  # codes of what a class would settle
CODE = (".py", ".ipynb")
DOCUMENTS = (".json", ".csv", ".tsv", ".txt", ".log", ".out", ".md", ".tex", ".pdf", ".docx", ".npz")

# The file that a record is about.
ABOUT: dict[type[object], Callable[[Lab], str]] = {
    Accuracy: lambda lab: lab.checkpoint,
    History: lambda lab: lab.history,
    RetrievalReport: lambda lab: lab.retrieval,
    ComparedRankings: lambda lab: lab.retrieval,
    FunctionFit: lambda lab: lab.script_of("fit"),
    OwnFunction: lambda lab: lab.script_of("own_function"),
    Evaluation: lambda lab: lab.script_of("test"),
    LearningRate: lambda lab: lab.script_of("learning_rate"),
    FeatureVectors: lambda lab: lab.features_script,
}
RUN = (FunctionFit, OwnFunction, Evaluation, LearningRate, FeatureVectors)
RETRIEVAL = (RetrievalReport, RetrievalImages, ComparedRankings)


def reconsidered(finding: Finding, line: Line, evidence: Evidence) -> Finding:
    """Return the finding, or what takes its place where it rests on something that was left out."""
    layout = evidence.seen(Layout)
    if line.check is None or layout is None or not layout.left_out:
        return finding
    return _reconsidered(finding, line.check.reads, layout, the_lab().of(evidence.network))


def _reconsidered(finding: Finding, reads: type[object], layout: Layout, lab: Lab) -> Finding:
    about = _about(reads, lab)
    if about and (one := in_question(about, layout.files, layout.left_out)):
        return Unjudged(finding.check, one.why)
    if isinstance(finding, Blocked) and finding.code in MISSING:
        names = the_lab().image_folders if reads is RetrievalImages else (about,)
        if why := _why(layout.left_out, lambda one: one.state == "absent" and one.name.casefold() in names):
            return Blocked(finding.check, why, finding.exhibits, finding.code)
    if why := _why(layout.left_out, lambda one: one.state != "absent" and _matters(one, reads, finding, layout, about)):
        sentence = message("This may rest on something that was left out: {why}", why=why)
        return Unjudged(finding.check, sentence, exhibits_of(finding))
    return finding


def why_no_report(evidence: Evidence) -> Message | None:
    """Return why the written report was left out; None if it was not."""
    layout = evidence.seen(Layout)
    return _why(layout.left_out if layout else (), lambda one: one.name.casefold().endswith(REPORTS))


def _about(reads: type[object], lab: Lab) -> str:
    return ABOUT[reads](lab).casefold() if reads in ABOUT else ""


def _why(left_out: Iterable[LeftOut], fits: Callable[[LeftOut], bool]) -> Message | None:
    return next((one.why for one in left_out if fits(one)), None)


def _matters(one: LeftOut, reads: type[object], finding: Finding, layout: Layout, about: str) -> bool:
    """Return whether points that were lost may have been lost for want of this."""
    name = one.name.casefold()
    if (isinstance(finding, Judged) and finding.verdict.credit == 1.0) or not isinstance(finding, Judged | Blocked):
        return False
    if one.state == "closed":  # what is missing may be in it
        return isinstance(finding, Blocked) or reads in (*RUN, *RETRIEVAL)
    if reads is Accuracy and isinstance(finding, Blocked):
        return finding.code in UNKNOWN_NETWORK and name.endswith(CODE)
    if reads is Accuracy:  # with another normalisation than the one of the script
        return one == in_question(the_lab().training_script, layout.files, layout.left_out)
    if reads in RUN:
        return name.endswith(CODE) and (name == about or name not in the_lab().scripts)
    if reads in RETRIEVAL:
        return name.endswith(PICTURES) or (reads is not RetrievalImages and name.endswith(DOCUMENTS))
    return False
