"""On PYTHONPATH: a worker's measuring is replaced by the number in the weights' place.

One whose number is 666 kills its process, 888 its worker; 777 takes for ever, 700 two seconds.
"""

import sys

if "grader.batch.cluster.station" in sys.orig_argv:
    import os
    import signal
    import time

    import psutil

    from fixtures.class_of_forty.quick import read_number
    from grader.batch import one
    from grader.intake import place

    def measured(submission, equipment, say):
        number = int(place(submission, submission.parts.checkpoints[0]).read_bytes())
        if number == 666:
            os.kill(os.getpid(), signal.SIGKILL)
        if number == 888:
            psutil.Process().parents()[2].kill()
        time.sleep({777: 1000, 700: 2, 888: 1000}.get(number, 0.05))
        return read_number(submission, equipment, say)

    one.collect = measured
