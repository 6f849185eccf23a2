"""Handles weights of a network unknown to the grader: finds the submission's class for them, and runs it."""

from __future__ import annotations

from functools import reduce
from pathlib import Path
from typing import Any

from grader.collect.choosing import Inputs
from grader.collect.code.caller import MOST_NOTEBOOKS, Call, Caller
from grader.collect.code.network_run import Fit, Run, measured
from grader.collect.code.packages import OF_OURS
from grader.collect.subject import Subject
from grader.collect.weights import Weights, choose_checkpoint, without
from grader.disk.names import from_disk
from grader.evidence import Failure, Preprocessing, Refused, Unavailable
from grader.evidence.refusals import REFUSALS, heard_refusal
from grader.evidence.wording import heard
from grader.intake import place
from grader.labs import the_lab
from grader.records import Message, Scalar, Submission, message
from grader.sandbox import Reply

UNKNOWN_NETWORK = (
    "network",
    "unknown_network",
    "more_weights",
    "layer",
    "variants",
)  # refusals after which the submission's own class is tried
NOT_RUN = "own_network_not_run"
MOST_SCRIPTS = 24
MOST_CELLS = 10_000
MOST_TOLD = 2  # attempts named in the sentence; all of them are listed below it

NEEDS_A_SANDBOX = message(
    "the weights fit none of the networks that the grader knows. They may fit the submission's own class, but that"
    " runs only in a sandbox, and this machine has none that is strong enough: 'grade doctor' says what to install"
)


def own_network(subject: Subject, used: Inputs, weights: Weights, unsettled: bool) -> Weights | None:
    """Return what replaces the observation of the weights; None if that stays valid.

    Tried if no network of ours fits the weights; and, if `unsettled`, also when one fits but there are extra weights.
    """
    caller, path, scripts = subject.caller, choose_checkpoint(subject.submission), _scripts(subject.submission)
    unknown = isinstance(weights.checkpoint, Refused) and weights.checkpoint.code in UNKNOWN_NETWORK
    if (
        not (unknown or unsettled)
        or not isinstance(path, str)
        or not scripts
        or not isinstance(used.preprocessing, Preprocessing)
    ):
        return None
    if not caller.can_run:
        return without(Unavailable(NEEDS_A_SANDBOX, NOT_RUN)) if unknown else None
    caller.printed()  # what the functions printed is reported with them
    file = place(subject.submission, path)
    fits = _look_for(caller, scripts, file)
    run = Run(caller, subject.equipment, path, file, used.preprocessing, used.candidates)
    found = measured(run, fits) if isinstance(fits, tuple) else fits
    if isinstance(found, Weights):
        return found
    return without(found) if found and unknown else None


def _scripts(submission: Submission) -> list[str]:
    """Return the scripts that may define the class, the likeliest first; tests are skipped."""
    first = (the_lab().networks_script, the_lab().training_script)  # then the files nearest to the root

    def rank(path: str) -> tuple[int, int]:
        name = path.casefold().rpartition("/")[2]
        return first.index(name) if name in first else len(first), path.count("/")

    own = [path for path in submission.parts.sources if not path.casefold().rpartition("/")[2].startswith("test_")]
    notebooks = submission.parts.notebooks[:MOST_NOTEBOOKS]
    return [*sorted(own, key=rank)[:MOST_SCRIPTS], *notebooks]


def _look_for(caller: Caller, scripts: list[str], weights: Path) -> tuple[Fit, ...] | Failure | None:
    """Return what fits in the first script with any fit; None if there was nothing to try."""
    tried: list[Message] = []
    ours: Failure | None = None
    name = from_disk(weights.name)
    for script in scripts:
        doing = message("building the networks in {file}", file=script)
        inputs = {"weights": name, "classes": the_lab().classes, "image": the_lab().image_shape}
        call = Call(doing, "code.own_network.find_networks", inputs, files={"checkpoint": weights})
        reply = caller.call_in(script, call)
        if isinstance(reply, Reply):
            if fits := _fits(script, reply.value.get("fits")):
                return fits
            tried += _told(script, reply.value.get("others"))
        elif isinstance(reply, Refused):
            tried.append(reply.message)
        elif (
            isinstance(reply, Unavailable) and reply.code in OF_OURS
        ):  # a package of this script, say: the class may be in another
            ours = ours or reply
        else:
            return reply
    if ours or not tried:
        return ours
    why = reduce(lambda first, second: message("{first} {second}", first=first, second=second), tried[:MOST_TOLD])
    sentence = message(
        "The weights in {weights} fit none of the networks that the grader knows, and none that the submission's own"
        " code builds. {why} Hand in the class of your network in {networks_script} or {training_script}, such that it"
        " can be built without arguments.",
        weights=name,
        why=why,
        training_script=the_lab().training_script,
        networks_script=the_lab().networks_script,
    )
    return Refused("none_fits", sentence, tuple(one.english() for one in tried))


def _fits(script: str, found: Any) -> tuple[Fit, ...]:
    fits = []
    for one in found if isinstance(found, list) else ():
        match one:
            case [str(name), int(line), int(cell)] if name.isidentifier() and line > 0 and 0 <= cell < MOST_CELLS:
                fits.append(Fit(script, name[:200], line, cell))
    return tuple(fits)


def _told(script: str, found: Any) -> list[Message]:
    lines = []
    for one in found if isinstance(found, list) else ():
        match one:
            case [str(name), int(line), int(cell), dict(problem)] if (why := _why(problem)) is not None:
                place = Fit(script, name[:100], line, cell)
                lines.append(
                    message("{name} ({file}, line {line}): {why}", name=place.name, file=place.file, line=line, why=why)
                )
    return lines


def _why(problem: dict[str, Any]) -> Scalar | Message | None:
    """Say why a class is not the network: a refusal or a phrase. None if the child's answer is invalid."""
    code, values = problem.get("code"), problem.get("values")
    try:
        if code in REFUSALS and isinstance(values, dict):
            return heard_refusal(code, values).message
        return heard(problem)
    except (TypeError, ValueError):
        return None
