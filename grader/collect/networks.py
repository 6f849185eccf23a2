"""Measures the network that a lab asks for, or each of several: with one of ours, or else with the submission's class.

A claim in a report or notebook does not say which of several networks it is about: it is held against the best one, and
against none while one of them was not measured, of which it may be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from grader.collect.choosing import Inputs, try_options
from grader.collect.code.network import own_network
from grader.collect.documents import Documents, claims_of, read_claims
from grader.collect.equipment import Equipment
from grader.collect.second_tries import diagnose
from grader.collect.subject import Subject
from grader.collect.textbook import best_variant
from grader.collect.weights import Weights, measure
from grader.evidence import (
    Accuracy,
    Checkpoint,
    Claims,
    Diagnosis,
    Failure,
    Generalisation,
    Measurement,
    OwnNetwork,
    Preprocessing,
    PreprocessingChoice,
    Refused,
)
from grader.labs import the_lab, using_lab
from grader.measures.choice import choose
from grader.measures.doubts import why_no_mark
from grader.records import Submission

MOST_CLAIMS = 100

Outcome = tuple[type[object], object | Failure | None]  # a kind, and its record or why there is none; None: not tried


class Measured(NamedTuple):
    """One network: how its images are prepared, its weights, and the evidence for and against their accuracy.

    `tried` is what came of trying ways to prepare images, or why that failed; None where there was nothing to try.
    """

    name: str  # "" if the lab asks for one network
    inputs: Inputs
    tried: PreprocessingChoice | Failure | None
    weights: Weights
    claims: Claims | Failure
    diagnosis: Diagnosis | Failure | None = None

    @property
    def unsettled(self) -> bool:
        """Return whether the accuracy measured with a network of ours cannot be used as a mark."""
        if not isinstance(self.weights.accuracy, Accuracy) or not isinstance(self.weights.checkpoint, Checkpoint):
            return False
        claims = self.claims if isinstance(self.claims, Claims) else None
        diagnosis = self.diagnosis if isinstance(self.diagnosis, Diagnosis) else None
        return why_no_mark(self.weights.accuracy, self.weights.checkpoint, claims, diagnosis) is not None

    @property
    def share(self) -> float:
        """Return the share of test images that it classifies correctly; below 0 if it was not measured."""
        found = self.weights.accuracy
        return found.correct / found.count if isinstance(found, Accuracy) else -1.0

    def outcomes(self) -> list[Outcome]:
        """Return what was observed of it."""
        used = self.inputs.preprocessing
        if isinstance(self.weights.choice, PreprocessingChoice):
            used = _chosen(self.weights.choice, used)
        weights = self.weights
        return [
            (Preprocessing, used), (Claims, self.claims), (Checkpoint, weights.checkpoint),
            (Accuracy, weights.accuracy), (Measurement, weights.measurement), (OwnNetwork, weights.own),
            (Generalisation, weights.generalisation), (Diagnosis, self.diagnosis),
            (PreprocessingChoice, weights.choice or self.tried),
        ]  # fmt: skip


def measure_networks(submission: Submission, equipment: Equipment, documents: Documents) -> tuple[Measured, ...]:
    """Measure each network as far as that needs no student code. The first one is the lab's main one."""
    names = [one.name for one in the_lab().networks] or [""]
    found = []
    for left, name in zip(range(len(names), 0, -1), names, strict=True):
        with using_lab(the_lab().of(name)):
            found.append(_measured(name, submission.of(name), replace(equipment, sharing=left), documents))
    own = found[_claimed(found)].weights.claims
    read = read_claims(submission, equipment.sandbox, (*own, *claims_of(documents.history)))
    stated = _stated(found, read)
    diagnosed = []
    for one in stated:
        with using_lab(the_lab().of(one.name)):
            diagnosed.append(_diagnosed(one, submission, equipment))
    return tuple(diagnosed)


def with_own_networks(subject: Subject, measured: Sequence[Measured]) -> tuple[Measured, ...]:
    """Use the submission's own class wherever none of our networks settles the accuracy; else a textbook's network."""
    found = []
    for left, one in zip(range(len(measured), 0, -1), measured, strict=True):
        with using_lab(the_lab().of(one.name)):
            own = replace(
                subject,
                submission=subject.submission.of(one.name),
                equipment=replace(subject.equipment, sharing=left),
            )
            found.append(with_own_network(own, one))
    before, now = _claimed(measured), _claimed(found)
    if before == now:
        return tuple(found)
    again = _stated(found, _read(measured[before]))
    with using_lab(the_lab().of(again[now].name)):
        again[now] = _diagnosed(again[now], subject.submission, subject.equipment)
    return tuple(again)


def _measured(name: str, submission: Submission, equipment: Equipment, documents: Documents) -> Measured:
    tried = try_options(submission, equipment, documents)
    choice = tried if isinstance(tried, PreprocessingChoice) else None
    used = _chosen(choice, documents.preprocessing)
    weights = measure(submission, equipment, replace(documents, preprocessing=used))
    return Measured(name, Inputs(used, documents.candidates, choice), tried, weights, Claims(weights.claims))


def _claimed(measured: Sequence[Measured]) -> int:
    """Return the place of the network that claims may be about: the first one that was not measured, else the best."""
    unmeasured = [place for place, one in enumerate(measured) if one.share < 0]
    return next(iter(unmeasured), max(range(len(measured)), key=lambda place: (measured[place].share, -place)))


def _stated(measured: Sequence[Measured], read: Claims | Failure) -> list[Measured]:
    """Return the networks with their claims: those that were read lie with one of them."""
    place = _claimed(measured)
    own = [one._replace(claims=Claims(one.weights.claims)) for one in measured]
    own[place] = own[place]._replace(claims=_with_claims(read, own[place].weights))
    return own


def _read(one: Measured) -> Claims | Failure:
    """Return the claims without those of the weights themselves."""
    if not isinstance(one.claims, Claims):
        return one.claims
    return replace(one.claims, claims=tuple(claim for claim in one.claims.claims if claim not in one.weights.claims))


def _diagnosed(one: Measured, submission: Submission, equipment: Equipment) -> Measured:
    if one.weights.own is not None:  # the diagnosis is for networks of ours
        return one
    return one._replace(diagnosis=diagnose(submission.of(one.name), equipment, one.weights, one.claims, one.inputs))


def _chosen(choice: PreprocessingChoice | None, read: Preprocessing | Failure) -> Preprocessing | Failure:
    """Return the preprocessing that a choice leads to, with what else was found in the code; else what was read."""
    if choice is None or not isinstance(read, Preprocessing):
        return read
    return replace(choose(choice).candidate.preprocessing, also_found=read.also_found)


def with_own_network(subject: Subject, measured: Measured) -> Measured:
    """Use the submission's own class if none of our networks settles the accuracy; else a textbook's network."""
    own = own_network(subject, measured.inputs, measured.weights, measured.unsettled)
    if _refused(measured.weights, "variants") and (own is None or _refused(own, "none_fits")):
        stated = Claims(measured.weights.claims) if measured.name else measured.claims  # the rest may be another's
        own = best_variant(subject, measured.inputs.preprocessing, stated) or own
    if own is None:
        return measured
    # the diagnosis is for the weights without those that are now used
    diagnosis = measured.diagnosis if own.own is None else None
    return measured._replace(weights=own, claims=_with_claims(measured.claims, own), diagnosis=diagnosis)


def _refused(weights: Weights, code: str) -> bool:
    return isinstance(weights.checkpoint, Refused) and weights.checkpoint.code == code


def _with_claims(claims: Claims | Failure, weights: Weights) -> Claims | Failure:
    """Add the claims of the checkpoint; claims already read are not read again."""
    if not isinstance(claims, Claims):
        return claims
    return replace(claims, claims=tuple(dict.fromkeys((*weights.claims, *claims.claims)))[:MOST_CLAIMS])
