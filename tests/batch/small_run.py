"""The command, with the measuring replaced by a number in the weights' place: `python small_run.py run ...`.

MEASURES, in the environment, is the file into which the name of each measured submission is written. One whose number
is 666 kills its process; 777 takes for ever.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from fixtures.class_of_forty.quick import read_number
from grader.batch import one
from grader.cli.app import main
from grader.intake import place


def measured(submission, equipment, say):
    number = int(place(submission, submission.parts.checkpoints[0]).read_bytes())
    with Path(os.environ["MEASURES"]).open("a", encoding="utf-8") as file:
        file.write(f"{submission.archive}\n")
    if number == 666:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(1000 if number == 777 else 0.05)
    return read_number(submission, equipment, say)


if __name__ == "__main__":
    one.collect = measured
    main()
