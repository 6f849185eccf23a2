"""exp2.py: samples the learning-rate schedule over the epochs."""

from __future__ import annotations

from grader.collect.code.caller import Call, observed
from grader.collect.subject import Look, Subject
from grader.evidence import Failure, LearningRate
from grader.labs import the_lab
from grader.sandbox import Reply

EPOCHS = 200  # the schedule may be meant for any number up to this


def look(subject: Subject) -> LearningRate | Failure:
    """Observe the learning rate of each epoch."""
    call = Call("learning_rate", "code.learning_rate.call_learning_rate", {"epochs": EPOCHS})
    reply = subject.caller.call(the_lab().script_of("learning_rate"), call)
    if isinstance(reply, Reply):
        return observed(LearningRate, reply.value, subject.caller)
    return subject.caller.refused(reply)


LOOK = Look(LearningRate, look, calls_code=True)
