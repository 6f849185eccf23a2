"""exp2.py: calls `learning_rate` for every epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grader.probes.code.importing import function_of, load
from grader.probes.code.running import finite, number, told_apart
from grader.probes.code.training_rates import followed_rates
from grader.probes.refusals import phrase

FEWEST = 6  # epochs that any schedule is meant for; a list that ends later than that is a schedule too


def call_learning_rate(inputs: dict[str, Any], files: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the rate of each epoch of the schedule, and of the first ones again, in reverse order.

    Where the script has no such function, they are the rates that it trains with.
    """
    del files
    module = load(inputs)
    if not callable(getattr(module, "learning_rate", None)):
        followed, unsure = followed_rates(inputs)
        if followed:
            return {"rates": followed, "again": followed[:FEWEST][::-1], "form": "script", "unsure": unsure}, {}
    schedule = function_of(module, inputs["file"], "learning_rate")

    def rate(epoch: int) -> float | None:
        doing = f"learning_rate({epoch})"
        with told_apart(doing):
            value = schedule(epoch)
        return finite(number(value, doing, phrase("number")))

    rates = [rate(epoch) for epoch in range(FEWEST)]
    again = [rate(epoch) for epoch in reversed(range(FEWEST))]
    for epoch in range(FEWEST, int(inputs["epochs"])):
        try:
            value = schedule(epoch)
        except Exception:  # a schedule may be a list that ends where training ends
            break
        rates.append(finite(number(value, f"learning_rate({epoch})", phrase("number"))))
    return {"rates": rates, "again": again}, {}
