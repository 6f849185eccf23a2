"""On PYTHONPATH: where a number stands in the weights' place, a worker does not measure.

One whose number is 666 kills its process, 888 its worker; 777 takes for ever, 700 a second.
"""

import os
import sys

if version := os.environ.get("PRETENDED_VERSION"):
    import grader

    grader.__version__ = version

if free := os.environ.get("PRETENDED_FREE"):  # megabytes of every disk
    import shutil
    from types import SimpleNamespace

    shutil.disk_usage = lambda path: SimpleNamespace(free=int(free) * 1_000_000)

if "grader.batch.cluster.station" in sys.orig_argv:
    import signal
    import time
    from pathlib import Path

    import psutil

    import fixtures

    fixtures.__path__.append(str(Path(__file__).parents[4] / "fixtures"))  # the class is no part of an installation
    from fixtures.class_of_forty.quick import read_number
    from grader.batch import one
    from grader.intake import place

    collect = one.collect

    def measured(submission, equipment, say):
        try:
            number = int(place(submission, submission.parts.checkpoints[0]).read_bytes())
        except ValueError:
            return collect(submission, equipment, say)
        if number == 666:
            os.kill(os.getpid(), signal.SIGKILL)
        if number == 888:
            psutil.Process().parents()[2].kill()
        time.sleep({777: 1000, 700: 1, 888: 1000}.get(number, 0.05))
        return read_number(submission, equipment, say)

    one.collect = measured
