"""Raises flags about the network that was handed in: whose it is, what its file holds, and what it may know already."""

from __future__ import annotations

from collections.abc import Iterator

from grader.evidence import Accuracy, Checkpoint, Evidence, Generalisation, GivenWeights, OwnNetwork, kind_of
from grader.labs import the_lab
from grader.measures.generalisation import errs_unlike_networks, far_better
from grader.records import Flag, Message, Scalar, message


def unloaded_code(evidence: Evidence) -> Iterator[Flag]:
    checkpoint = None if evidence.seen(OwnNetwork) else evidence.seen(Checkpoint)
    strangers = [name for name in checkpoint.unloaded if not name.startswith("torchvision.")] if checkpoint else []
    if checkpoint and checkpoint.form == "whole module" and strangers:
        sentence = message(
            "The weights were taken from a whole module ({classes}) and run in the grader's own {network}.",
            classes=", ".join(strangers)[:200],
            network=checkpoint.network,
        )
        yield Flag("own class", sentence)


def own_network(evidence: Evidence) -> Iterator[Flag]:
    own = evidence.seen(OwnNetwork)
    if not own:
        return
    sentence = message(
        "The network is the submission's own: {name} in {file}, line {line}. The accuracy was measured with that code.",
        name=own.name,
        file=own.file,
        line=own.line,
    )
    yield Flag("own network", sentence)


def generalisation(evidence: Evidence) -> Iterator[Flag]:
    """Flag a network that may hold the test images. The points stay as measured, until a person decides."""
    found, scores = evidence.seen(Generalisation), evidence.seen(Accuracy)
    if found is None or scores is None:
        return
    figures = [_on_others(evidence, found, scores)] if far_better(found, scores) else []
    figures += [_on_hard_ones(evidence, found, scores)] if errs_unlike_networks(found, scores) else []
    if figures:
        asked = f"{kind_of(Accuracy)}.{evidence.network}" if evidence.network else kind_of(Accuracy)
        yield Flag("look-up table?", _with_advice(*figures), asks_about=asked)


def _on_others(evidence: Evidence, found: Generalisation, scores: Accuracy) -> Message:
    """Say how much better the network is on the test images than on others, and what honest networks do."""
    values: dict[str, Scalar | Message] = {
        "whose": _whose(evidence),
        "before": found.correct_before / found.moved,
        "after": found.correct_moved / found.moved,
        "count": found.moved,
    }
    figures = message(
        "{whose} classifies {before:.1%} of {count:,} test images correctly, but {after:.1%} of the same images"
        " mirrored and shifted by at most two pixels.",
        **values,
    )
    if found.training:
        values |= {"training": found.correct_training / found.training, "trained": found.training}
        figures = message(
            "{whose} classifies {test:.1%} of all test images correctly, {training:.1%} of {trained:,} training"
            " images, and {after:.1%} of {count:,} mirrored and slightly shifted test images, {before:.1%} of the same"
            " before that.",
            **values,
            test=scores.correct / scores.count,
        )
    return message(
        "{figures} Honest networks differ by a few points, or are better on training images; one that holds the test"
        " images is far better on those alone, and so is one that was trained with them, even by mistake.",
        figures=figures,
    )


def _on_hard_ones(evidence: Evidence, found: Generalisation, scores: Accuracy) -> Message:
    """Say how often the network is right where the reference network is not, and what honest networks do."""
    return message(
        "{whose} is right on {hard:.1%} of the {count:,} test images that the reference network gets wrong, and on"
        " {easy:.1%} of the others. For honest networks those images are clearly harder, and about 0.5 % of all test"
        " labels are false, so that none is right on all. A table of the images and their labels finds none harder, and"
        " a network that was trained with them, even by mistake, may be right on all.",
        whose=_whose(evidence),
        hard=found.correct_hard / found.hard,
        count=found.hard,
        easy=(scores.correct - found.correct_hard) / (scores.count - found.hard),
    )


def _whose(evidence: Evidence) -> Message | str:
    own, checkpoint = evidence.seen(OwnNetwork), evidence.seen(Checkpoint)
    if own:
        return message("{name} in {file}, line {line},", name=own.name, file=own.file, line=own.line)
    return message(
        "The network in {file}", file=checkpoint.path if checkpoint else the_lab().of(evidence.network).checkpoint
    )


def _with_advice(*figures: Message) -> Message:
    said = figures[0] if len(figures) == 1 else message("{first} {second}", first=figures[0], second=figures[1])
    return message(
        "{figures} Look at the network and its training, ask the student, then mark this criterion: until then the"
        " measured points are not final.",
        figures=said,
    )


def left_aside(evidence: Evidence) -> Iterator[Flag]:
    checkpoint = evidence.seen(Checkpoint)
    if checkpoint and checkpoint.spare_weights:
        spare = ", ".join(checkpoint.spare_weights)[:200]
        sentence = message(
            "{file} contains weights that {network} does not have ({spare}); they were ignored.",
            file=checkpoint.path,
            network=checkpoint.network,
            spare=spare,
        )
        yield Flag("more weights", sentence)


def given_weights(evidence: Evidence) -> Iterator[Flag]:
    """Flag weights that are exactly a file that students are given; the accuracy counts as measured all the same."""
    found = evidence.seen(GivenWeights)
    same = [start for start in found.compared if start.same] if found else []
    if found is None or not same:
        return
    start = next((start for start in same if start.of_the_lab), same[0])
    values: dict[str, Scalar] = {"file": found.path, "given": start.file}
    if start.of_the_lab:
        sentence = message(
            "{file} contains exactly the weights that students are given, {given} of the template: they were not"
            " trained any further.",
            **values,
        )
    else:
        sentence = message(
            "{file} contains exactly the weights of {given}, a file of the submission with the name of the one that"
            " students are given. If it was not overwritten, they were not trained any further.",
            **values,
        )
    yield Flag("given weights", sentence)
