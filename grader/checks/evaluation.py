"""Does `test` of task 2.1 measure a network correctly, and leave it unchanged?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from grader.evidence import Evaluation, EvaluationRun, Figure
from grader.marking.check import Case, Doubt, Part, add_up, check, printed_listing, require_weights
from grader.measures.figures import close, in_percent, is_doubtful, mistakes_of, right_in_print
from grader.records import Cell, Message, Scalar, Table, Verdict, message

COURSE = "course"
EQUAL, SHORT, SWITCHED = "equal batches", "short last batch", "layers that eval() switches"
SETTINGS = {
    EQUAL: message("equal batches"),
    SHORT: message("short last batch"),
    SWITCHED: message("layers that eval() switches"),
}

# What the usual mistakes give, and how to fix them. The names are those in the collected evidence.
LOSS = {
    "sum over images": message("That is the sum over the images: divide it by the number of images."),
    "sum over batches": message(
        "That is the sum of the batch means: multiply each batch's mean by its size, add these up, and divide by the"
        " number of images."
    ),
    "divided twice": message(
        "cross_entropy already returns the mean over a batch: multiply it by the batch size before you add it up."
    ),
    "last batch": message("That is the loss of the last batch only."),
    "first batch": message("That is the loss of the first batch only: is the return statement inside the loop?"),
    "softmax first": message("cross_entropy expects logits: remove the softmax."),
    "swapped": message("That is the accuracy: return the loss first, then the accuracy."),
    "average of averages": message(
        "That is the mean of the batch means, which gives the images in the short last batch more weight: sum over all"
        " images, and divide once at the end."
    ),
}
ACCURACY = {
    "fraction": message("That is a fraction: multiply it by 100."),
    "count": message("That is the number of correct images, not their percentage."),
    "by batches": message("That was divided by the number of batches: divide by the number of images."),
    "last batch": message("That is the accuracy of the last batch only."),
    "first batch": message("That is the accuracy of the first batch only: is the return statement inside the loop?"),
    "swapped": message("That is the loss: return the loss first, then the accuracy."),
    "wrong axis": message("The argmax was taken over the batch (dim=0): take it over the classes (dim=1)."),
    "fixed batch": message("Every batch was counted as full, but the last one is shorter: use len(labels)."),
    "average of averages": LOSS["average of averages"],
}


@dataclass(frozen=True, slots=True)
class EvaluationLimits:
    """The weight of each part."""

    loss: float
    accuracy: float
    last_batch: float
    eval_mode: float
    unchanged: float
    mode_kept: float
    no_gradients: float

    def __post_init__(self) -> None:
        require_weights(
            loss=self.loss, accuracy=self.accuracy, last_batch=self.last_batch, eval_mode=self.eval_mode,
            unchanged=self.unchanged, mode_kept=self.mode_kept, no_gradients=self.no_gradients,
        )  # fmt: skip


@check(reads=Evaluation, limits=EvaluationLimits)
def evaluation(case: Case[Evaluation, EvaluationLimits]) -> Verdict | Doubt:
    """2.1 test().

    test() measures loss and accuracy of unseen networks in eval mode, without gradients, and changes nothing.
    """
    seen = case.seen
    exhibits = (_table(seen), *printed_listing(seen.printed))
    runs: dict[str, EvaluationRun] = {run.setting: run for run in seen.runs}
    praise = message(
        "Loss and accuracy are correct for {count} networks, and test() leaves them unchanged.", count=len(runs)
    )
    if seen.form == COURSE:
        runs = {setting: in_percent(run) for setting, run in runs.items()}
        if (doubtful := next(filter(is_doubtful, runs.values()), None)) is not None:
            return Doubt(_doubt(doubtful), exhibits)
        praise = message(
            "Called in the form of earlier courses, test() shows the correct accuracy of {count} networks, and leaves"
            " them unchanged. The loss is not asked for in that form.",
            count=len(runs),
        )
    never = next((run for run in seen.runs if run.images_seen == 0), None)
    if never is not None:
        sentence = message(
            "test() returned a loss and an accuracy without calling the network: run model(images) on every batch."
        )
        return Verdict(0.0, sentence, (), exhibits, faulty=True)
    failed = {one.call: one.message for one in seen.failed}
    parts = _course_parts if seen.form == COURSE else _parts
    return add_up(list(parts(case.limits, runs, failed)), praise, exhibits)


def _parts(limits: EvaluationLimits, runs: dict[str, EvaluationRun], failed: dict[str, Message]) -> Iterator[Part]:
    equal, short = runs.get(EQUAL), runs.get(SHORT)
    all_runs = list(runs.values())
    yield _part(message("The loss"), limits.loss, _wrong(equal, "loss") if equal else ())
    yield _part(message("The accuracy, in percent"), limits.accuracy, _wrong(equal, "accuracy") if equal else ())
    broken = (failed[SHORT],) if SHORT in failed else ()
    wrong = broken or _wrong_when_short(equal, short)
    yield _part(message("A shorter last batch, and 4 classes instead of 10"), limits.last_batch, wrong)
    broken = (failed[SWITCHED],) if SWITCHED in failed else ()
    mode = broken or _trained(all_runs)
    yield _part(message("Eval mode, with BatchNorm, Dropout and 23 classes"), limits.eval_mode, mode)
    yield _part(message("Parameters and buffers are unchanged"), limits.unchanged, _changed(all_runs))
    yield _part(message("Training mode is restored"), limits.mode_kept, _mode(all_runs))
    yield _part(message("Gradient tracking is off"), limits.no_gradients, _gradients(all_runs))


def _course_parts(
    limits: EvaluationLimits, runs: dict[str, EvaluationRun], failed: dict[str, Message]
) -> Iterator[Part]:
    """Judge what test(epoch) shows: no loss unless it returns one, and no mode, which train(epoch) sets again."""
    equal, short = runs.get(EQUAL), runs.get(SHORT)
    all_runs = list(runs.values())
    wrong = _wrong(equal, "accuracy") if equal else ()
    if equal and equal.loss:
        yield _part(message("The loss"), limits.loss, _wrong(equal, "loss"))
    yield _part(message("The accuracy"), limits.accuracy, wrong)
    broken = (failed[SHORT],) if SHORT in failed else ()
    shorter = _wrong(short, "accuracy") if short and not wrong else ()
    yield _part(message("A shorter last batch"), limits.last_batch, broken or shorter)
    broken = (failed[SWITCHED],) if SWITCHED in failed else ()
    yield _part(message("Eval mode, with BatchNorm and Dropout"), limits.eval_mode, broken or _trained(all_runs))
    yield _part(message("Parameters and buffers are unchanged"), limits.unchanged, _changed(all_runs))
    yield _part(message("Gradient tracking is off"), limits.no_gradients, _gradients(all_runs))


def _part(name: Message, weight: float, faults: tuple[Message, ...]) -> Part:
    return Part(name, weight, 0.0 if faults else 1.0, faults)


def _doubt(run: EvaluationRun) -> Message:
    return message(
        "test() printed {seen:.4f}, which was read as its accuracy on {images} images; the correct value is"
        " {right:.4f}. Whether that number is meant has to be read in its output.",
        seen=run.accuracy.seen or 0.0,
        images=run.images,
        right=run.accuracy.right,
    )


def _wrong(run: EvaluationRun, which: str) -> tuple[Message, ...]:
    figure: Figure = getattr(run, which)
    if close(figure.seen, figure.right) or right_in_print(figure):
        return ()
    known = LOSS if which == "loss" else ACCURACY
    where = next((known[name] for name in mistakes_of(figure) if name in known), None)
    if not where and run.images_seen < run.images:
        where = message(
            "Only some of the images went through the network: loop over the whole loader, and return after the loop."
        )
    if not where and run.trained:
        where = message("The network ran in training mode: call model.eval() before the loop.")
    seen = message("not a finite number") if figure.seen is None else f"{figure.seen:.4f}"
    values: dict[str, Scalar | Message] = {"images": run.images, "batch": run.batch, "right": figure.right}
    values |= {"seen": seen}
    values |= {"where": where or message("Check what the loop adds up, and what the sum is divided by.")}
    sentence = message(
        "On {images} images in batches of {batch}, test() returned the accuracy {seen}; the correct value is"
        " {right:.4f}. {where}",
        **values,
    )
    if which == "loss":
        sentence = message(
            "On {images} images in batches of {batch}, test() returned the loss {seen}; the correct value is"
            " {right:.4f}. {where}",
            **values,
        )
    return (sentence,)


def _wrong_when_short(equal: EvaluationRun | None, short: EvaluationRun | None) -> tuple[Message, ...]:
    """Return the faults that only the short last batch reveals: one that equal batches also show costs points once."""
    if equal is None or short is None:
        return ()
    faults: list[Message] = []
    for which in ("loss", "accuracy"):
        known, found = mistakes_of(getattr(equal, which)), mistakes_of(getattr(short, which))
        if not set(known).intersection(found):
            faults += _wrong(short, which)
    return tuple(faults)


def _trained(runs: list[EvaluationRun]) -> tuple[Message, ...]:
    if not any(run.trained for run in runs):
        return ()
    sentence = message(
        "The network ran in training mode: the output for an image then depends on the other images in its batch, and"
        " on chance. Call model.eval() before the loop."
    )
    return (sentence,)


def _changed(runs: list[EvaluationRun]) -> tuple[Message, ...]:
    faults: list[Message] = []
    # running statistics change when eval mode is forgotten, which has its own part
    names = {name for run in runs for name in run.changed if not (run.trained and name.startswith("running"))}
    if names:
        sentence = message(
            "test() changed {names} of the network. Weights change when an optimizer steps: do not use an optimizer in"
            " test().",
            names=", ".join(sorted(names)),
        )
        faults.append(sentence)
    if any(run.left_gradients for run in runs):
        faults.append(message("test() left gradients in the network: do not call backward() in test()."))
    return tuple(faults)


def _mode(runs: list[EvaluationRun]) -> tuple[Message, ...]:
    faults: list[Message] = []
    if any(run.training and not run.mode_kept for run in runs):
        faults.append(
            message(
                "The network was in training mode before test(), but not after it. Save model.training before"
                " model.eval(), and restore it with model.train(...) after the loop."
            )
        )
    if any(not run.training and not run.mode_kept for run in runs):
        faults.append(
            message(
                "The network was in eval mode before test(), and in training mode after it. Save model.training before"
                " model.eval(), and restore it with model.train(...) after the loop."
            )
        )
    return tuple(faults)


def _gradients(runs: list[EvaluationRun]) -> tuple[Message, ...]:
    if not any(run.gradients for run in runs):
        return ()
    sentence = message("The network ran with gradient tracking on. Put the loop inside `with torch.no_grad():`.")
    return (sentence,)


def _table(seen: Evaluation) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for run in seen.runs:
        setting = SETTINGS.get(run.setting, run.setting)
        name = message(
            "{setting}: {images} images in batches of {batch}, {classes} classes",
            setting=setting,
            images=run.images,
            batch=run.batch,
            classes=run.classes,
        )
        loss = (_told(run.loss.seen), f"{run.loss.right:.4f}") if run.loss else ("", "")
        rows.append((name, *loss, _told(run.accuracy.seen), f"{run.accuracy.right:.4f}"))
    right = message("correct value")
    columns = (message("Network"), message("Loss returned"), right, message("Accuracy returned"), right)
    return Table(message("What test() returned"), columns, tuple(rows))


def _told(value: float | None) -> Cell:
    return message("not finite") if value is None else f"{value:.4f}"
