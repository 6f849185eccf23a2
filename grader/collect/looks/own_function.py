"""exp1.py: evaluates the student's own function and the lab's at the points of the exercise."""

from __future__ import annotations

import numpy as np

from grader.collect.code.caller import Call, observed
from grader.collect.looks.function_fit import target
from grader.collect.subject import Look, Subject
from grader.evidence import Failure
from grader.evidence.kinds.own_function import OwnFunction
from grader.labs import the_lab
from grader.sandbox import Reply

LOW, HIGH, POINTS = -5.0, 5.0, 101  # as in the exercise
ALONE = 61  # of the points, the last ones: called again without the others


def look(subject: Subject) -> OwnFunction | Failure:
    """Call the function twice: on all points, and on the last ones alone."""
    caller, x = subject.caller, np.linspace(LOW, HIGH, POINTS)
    data = {"x": x.astype(np.float32)[:, None]}
    call = Call("own_function", "code.own_function.call_own_function", {"alone": ALONE}, data)
    reply = caller.call(the_lab().script_of("own_function"), call)
    if not isinstance(reply, Reply):
        return caller.refused(reply)
    called = {name: reply.value.get(name) for name in ("values", "alone")}
    return observed(OwnFunction, {"low": LOW, "high": HIGH, **called, "lab": target(x).tolist()}, caller)


LOOK = Look(OwnFunction, look, calls_code=True)
