"""Finds the weights of a network that a report names: random, handed in, or a file on this machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from grader.collect.equipment import Equipment
from grader.collect.weights import choose_checkpoint
from grader.dataset import digest_of, find_weights, usual_folders
from grader.evidence import Failure, Pipeline, ReportedRun, Unavailable
from grader.evidence.refusals import handed_in_again
from grader.intake import place
from grader.labs import the_lab
from grader.records import Message, Submission, message
from grader.sandbox import Job, Limits, Reply

DESCRIBE_LIMITS = Limits(seconds=60.0, megabytes=2_000)
TEMPLATE = Pipeline(256, 224)  # of reference/extract_features.py
NO_WEIGHTS = "no_weights"
MOST_SIDE = 512  # pixels; more only where a network's own weights want more
FEWEST_SIDE = 32  # pixels that are left of a picture; of fewer, different pictures look the same
RANDOM = "random"


@dataclass(frozen=True, slots=True)
class Network:
    """A network that can be run: the inputs of the probe, and the weights file."""

    inputs: dict[str, Any]
    weights: str
    pipeline: Pipeline
    files: dict[str, Path] = field(default_factory=dict)
    assumed: tuple[Message, ...] = ()
    usual: int = TEMPLATE.resize  # side of the pictures that its weights were made for
    kept: str = ""  # what its features depend on, beside `inputs` and the picture; "" if they are not kept


def own_pipeline() -> Pipeline:
    """Return what the lab's own networks expect."""
    lab = the_lab()
    _, height, width = lab.image_shape
    return Pipeline(height, width, mean=lab.mean, std=lab.std)


def largest(pipeline: Pipeline) -> int:
    """Return the side of the pictures that a network gets, in pixels."""
    return pipeline.crop or pipeline.resize


def preparations(runs: Iterable[ReportedRun]) -> tuple[Pipeline, ...]:
    """Return how the report's networks get to see the pictures: as declared, if that leaves enough, else as assumed."""
    usual = (own_pipeline() if _spelled(run) == the_lab().checkpoint else TEMPLATE for run in runs)
    stated = [run.pipeline or own for run, own in zip(runs, usual, strict=True)]
    fair = [one for one in stated if largest(one) >= FEWEST_SIDE and max(one.resize, one.crop) <= MOST_SIDE]
    plain = (Pipeline(one.resize, one.crop, one.interpolation, squash=one.squash) for one in fair or [TEMPLATE])
    return tuple(dict.fromkeys(plain))


def find_network(run: ReportedRun, submission: Submission, equipment: Equipment) -> Network | Message | Failure:
    """Find the network with the weights that the report states; a Message says what to do if it is not available."""
    if not run.model and not the_lab().retrieval:
        return message(
            "The report does not say which network it used: write a line such as 'Model: resnet50' above its rankings."
        )
    if not run.model:
        return message(
            "The report does not say which network it used: name it under 'model' in {retrieval}.",
            retrieval=the_lab().rankings_in,
        )
    reply = equipment.sandbox.run(
        Job(
            "retrieval.extractors.describe_extractor",
            {"model": run.model, "weights": _spelled(run)},
            limits=DESCRIBE_LIMITS,
        )
    )
    if not isinstance(reply, Reply):
        return reply
    known = reply.value
    if known.get("known") is not True:
        return _unknown(run, str(known.get("near") or ""))
    weights = str(known.get("weights") or "")
    if not weights:
        return message(
            "{model} has no weights called {weights}; torchvision has {names}. State the ones that you used.",
            model=run.model,
            weights=run.weights,
            names=str(known.get("near"))[:200],
        )
    assumed = [] if run.weights else [message("the weights are not stated; {weights} was assumed", weights=weights)]
    inputs: dict[str, Any] = {"model": run.model, "weights": weights}
    files: dict[str, Path] = {}
    if weights == RANDOM:
        inputs["seed"] = run.seed or 0
        assumed += [] if run.seed is not None else [message("the seed is not stated; 0 was assumed")]
    elif weights == the_lab().checkpoint:
        chosen = choose_checkpoint(submission)
        if isinstance(chosen, Unavailable):
            return chosen
        if not isinstance(chosen, str):
            return message(
                "The features were computed with {checkpoint}, which was not handed in: hand it in as well.",
                checkpoint=the_lab().checkpoint,
            )
        files["weights"] = place(submission, chosen)
    elif "file" in known:
        file = find_weights(Path(str(known["file"])).name, usual_folders(equipment.weights_dir))
        if file is None:
            sentence = message(
                "the weights {weights} of {model} are not on the grader's machine. Staff: run 'grade weights fetch"
                " {model}', or give the folder that holds {file} with --weights-dir, and grade again.",
                model=run.model,
                weights=weights,
                file=str(known["file"])[:100],
            )
            return Unavailable(sentence, NO_WEIGHTS)
        files["weights"] = file
    network = _network(run, known, inputs, files, assumed)
    if not isinstance(network, Network) or "made_with" not in known:  # only networks of torchvision
        return network
    whose = digest_of(files["weights"]) if files else RANDOM
    return replace(network, kept=f"{whose} {str(known['made_with'])[:200]}")


def _network(
    run: ReportedRun, known: dict[str, Any], inputs: dict[str, Any], files: dict[str, Path], assumed: list[Message]
) -> Network | Message:
    weights = str(inputs["weights"])
    own = own_pipeline() if weights == the_lab().checkpoint else TEMPLATE
    if "pipeline" in known:
        try:
            own = TypeAdapter(Pipeline).validate_python(known["pipeline"])
        except ValidationError:
            own = TEMPLATE
    usual = max(own.resize, own.crop, TEMPLATE.resize)
    if run.pipeline is not None:
        if max(run.pipeline.resize, run.pipeline.crop) > max(MOST_SIDE, usual):
            return _too_large(run.pipeline, own)
        if largest(run.pipeline) < FEWEST_SIDE:
            return _too_small(run.pipeline, own)
        return Network(inputs, weights, run.pipeline, files, tuple(assumed), usual)
    assumed = [*assumed, message("the preprocessing is not stated; {how} was assumed", how=described(own))]
    return Network(inputs, weights, own, files, tuple(assumed), usual)


def _too_large(declared: Pipeline, own: Pipeline) -> Message:
    return message(
        "its preprocessing, {declared}, gives images of more than {most} pixels a side, which are not recomputed. Use"
        " at most {most}; usual is {usual}. Run {retrieval_script} again, and {hand_in}.",
        declared=described(declared),
        most=MOST_SIDE,
        usual=described(own),
        retrieval_script=the_lab().retrieval_script,
        hand_in=handed_in_again(),
    )


def _too_small(declared: Pipeline, own: Pipeline) -> Message:
    return message(
        "its preprocessing, {declared}, leaves images of fewer than {fewest} pixels a side, in which different pictures"
        " look the same, so they are not recomputed. Declare under 'preprocess' in {retrieval} how the images were"
        " prepared; usual is {usual}.",
        declared=described(declared),
        fewest=FEWEST_SIDE,
        usual=described(own),
        retrieval=the_lab().rankings_in,
    )


def described(pipeline: Pipeline) -> Message:
    """Describe a pipeline in a few words."""
    sides = {"side": pipeline.resize, "how": pipeline.interpolation}
    if pipeline.crop:
        return message("resize {side}, crop {crop}, {how}", **sides, crop=pipeline.crop)
    return message("resize {side}, {how}", **sides)


def _spelled(run: ReportedRun) -> str:
    name = run.weights.strip()
    if name.casefold() in ("random", "none", "false", "untrained"):
        return RANDOM
    own = the_lab().checkpoint
    return own if name.casefold().endswith(own) else name


def _unknown(run: ReportedRun, near: str) -> Message:
    if near:
        return message(
            "torchvision has no network called {model}; did you mean {near}? Use torchvision's name under 'model'.",
            model=run.model,
            near=near[:100],
        )
    return message("torchvision has no network called {model}: use torchvision's name for it.", model=run.model)
