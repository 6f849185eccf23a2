"""Does `fit` of task 1.1 train a network to approximate a function?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from grader.evidence import Fit, FunctionFit, WeightsMoved
from grader.marking.check import Case, Part, Ramp, add_up, check, printed_listing, require_weights
from grader.records import Curve, Exhibit, Message, Scalar, Series, Table, Verdict, joined, message

EXERCISE, OTHER = "the lab's function", "another function"  # their names in the evidence
LOOK_AT = message(
    "In every epoch, compute the prediction and its loss, then call zero_grad() (otherwise gradients accumulate),"
    " backward() and step(); give model.parameters() to the optimizer."
)
CHOOSE = message("Try another optimizer, for example Adam.")
FALLS = 0.5  # of the first loss; far above what training in the right direction reaches
SAME = 0.05  # relative; a loss is the mean squared error before or after an epoch
GOAL = 0.001  # of the variance: an error that can be reached
NEARLY = 0.95  # of the credit; an optimizer that gets this far is well chosen
LONGER = 3.0  # a factor; ten times the rate makes steps ten times as long


@dataclass(frozen=True, slots=True)
class FitLimits(Ramp):
    """Credit by error between the training points, as a share of the function's variance; weights of the parts."""

    lab: float
    other: float
    losses: float
    learning_rate: float

    def __post_init__(self) -> None:
        Ramp.__post_init__(self)
        require_weights(lab=self.lab, other=self.other, losses=self.losses, learning_rate=self.learning_rate)


@check(reads=FunctionFit, limits=FitLimits)
def function_fit(case: Case[FunctionFit, FitLimits]) -> Verdict:
    """1.1 fit().

    fit() trains networks that follow the lab's function and an unseen one, also between the training points.
    """
    parts = list(_parts(case))
    between = [f"{fit.between:.2g}" for fit in case.seen.fits if fit.between is not None]
    errors = joined("{first} and {second}", between or ["–"])
    exhibits = (_table(case.seen), *_curves(case.seen), *printed_listing(case.seen.printed))
    sentence = message(
        "Between the training points, the networks trained by fit() have a mean squared error of {errors}.",
        errors=errors,
    )
    verdict = add_up(parts, sentence, exhibits)
    if all(part.credit == 0.0 for part in parts[:2]):  # nothing was learnt: the rest counts for nothing
        return replace(verdict, credit=0.0)
    return verdict


def _parts(case: Case[FunctionFit, FitLimits]) -> Iterator[Part]:
    limits, fits = case.limits, {fit.function: fit for fit in case.seen.fits}
    failed = {one.call: one.message for one in case.seen.failed}
    names = {EXERCISE: message("The lab's function"), OTHER: message("Another function, fewer points, more epochs")}
    for name, weight in ((EXERCISE, limits.lab), (OTHER, limits.other)):
        fit = fits.get(name)  # type: ignore[call-overload]
        if fit is None:
            yield Part(names[name], weight, 0.0, (failed[name],) if name in failed else ())
        else:
            credit = limits.credit(fit.between / fit.spread) if fit.between is not None else 0.0
            yield Part(names[name], weight, credit, _weak(fit, credit) if credit < 1.0 else ())
    wrong = next(filter(None, map(_wrong_losses, case.seen.fits)), ())
    yield Part(message("One loss per epoch"), limits.losses, 0.0 if wrong else 1.0, wrong)
    slow, fast = (next((one for one in case.seen.moved if one.learning_rate == rate), None) for rate in (0.001, 0.01))
    unused = _unused_rate(slow, fast)
    yield Part(message("The learning rate"), limits.learning_rate, 0.0 if unused else 1.0, unused)


def _weak(fit: Fit, credit: float) -> tuple[Message, ...]:
    """Say how far off it is, then what to do, which is the same for every function and so told once."""
    values: dict[str, Scalar | Message] = {"epochs": fit.epochs, "rate": fit.learning_rate}
    if fit.between is None:
        sentence = message(
            "After {epochs} epochs at learning rate {rate:g}, the network's outputs are not finite: the steps are too"
            " large.",
            **values,
        )
        return sentence, LOOK_AT
    if credit >= NEARLY:
        return (_nearly(fit.between, fit),)
    values |= {"which": _which(fit), "error": fit.between}
    if fit.between > 0.9 * fit.before:
        sentence = message(
            "On {which}, the mean squared error after {epochs} epochs at learning rate {rate:g} is {error:.3g}, no"
            " better than the {before:.3g} before training: the network learnt nothing.",
            **values,
            before=fit.before,
        )
        return sentence, LOOK_AT
    sentence = message(
        "On {which}, the mean squared error between the training points is {error:.3g} after {epochs} epochs at"
        " learning rate {rate:g}; {goal:.2g} is possible.",
        **values,
        goal=GOAL * fit.spread,
    )
    return sentence, CHOOSE, LOOK_AT


def _nearly(error: float, fit: Fit) -> Message:
    return message(
        "The last step of your optimizer jumped a little: the error is {error:.3g}; {goal:.2g} earns full points.",
        error=error,
        goal=GOAL * fit.spread,
    )


def _wrong_losses(fit: Fit) -> tuple[Message, ...]:
    if fit.count != fit.epochs:
        sentence = message(
            "For {epochs} epochs, fit() returned {count} losses; it should return one per epoch.",
            epochs=fit.epochs,
            count=fit.count,
        )
        return (sentence,)
    first, last = fit.losses[0][1], fit.losses[-1][1]
    if first is None or last is None:
        return (message("fit() returned losses that are not finite numbers."),)
    if _near(first, fit.before * fit.points):
        sentence = message(
            "The first loss is {first:.4g}, the sum over the {points} points; return the mean instead, which is"
            " {mean:.4g}.",
            first=first,
            points=fit.points,
            mean=fit.before,
        )
        return (sentence,)
    if last > FALLS * first and last > 0.01 * fit.spread:
        sentence = message(
            "The losses returned by fit() go from {first:.4g} to {last:.4g}; they should fall.", first=first, last=last
        )
        return sentence, LOOK_AT
    return ()


def _which(fit: Fit) -> Message:
    return message("the lab's function") if fit.function == EXERCISE else message("another function")


def _near(value: float, right: float) -> bool:
    return abs(value - right) <= SAME * right


def _unused_rate(slow: WeightsMoved | None, fast: WeightsMoved | None) -> tuple[Message, ...]:
    if slow is None or fast is None or slow.distance is None or fast.distance is None:
        return (message("After a few epochs at another learning rate, the weights were not finite."),)
    if slow.distance > 0.0 and fast.distance > LONGER * slow.distance:
        return ()
    sentence = message(
        "Five epochs moved the weights by {slow:.3g} at learning rate 0.001, and by {fast:.3g} at 0.01: pass"
        " learning_rate to the optimizer.",
        slow=slow.distance,
        fast=fast.distance,
    )
    return (sentence,)


def _table(seen: FunctionFit) -> Table:
    columns = (
        message("Function"), message("Training points"), message("Epochs"), message("Learning rate"),
        message("Error before training"), message("Error between the points"),
    )  # fmt: skip
    rows = tuple(
        (
            _which(fit), fit.points, fit.epochs,
            f"{fit.learning_rate:g}", f"{fit.before:.4g}",
            message("not finite") if fit.between is None else f"{fit.between:.4g}",
        )
        for fit in seen.fits
    )  # fmt: skip
    title = message("Inputs and results of fit()")
    return Table(title, columns, rows, audience="staff")  # a hidden input


def _curves(seen: FunctionFit) -> tuple[Exhibit, ...]:
    lines = []
    for fit in seen.fits:
        points = tuple((float(epoch), loss) for epoch, loss in fit.losses if loss is not None)
        if len(points) > 1:
            name = message("The lab's function") if fit.function == EXERCISE else message("Another function")
            lines.append(Series(name, points))
    title = message("Losses returned by fit()")
    return (Curve(title, message("Epoch"), message("Loss"), tuple(lines)),) if lines else ()
