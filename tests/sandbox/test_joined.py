"""One fork server for several processes: each asks on a socket of its own, and one that has ended is started again."""

from __future__ import annotations

import os
import signal
import time

from grader.evidence import Unavailable
from grader.sandbox import Job, Reply, open_sandbox

JOB = Job("hostile.run", {"code": "value['pid'] = 1"})


def test_a_guest_uses_the_server_and_says_when_it_is_gone_and_the_host_starts_it_again(hostile_probe, backend):
    with open_sandbox(backend) as sandbox:
        assert isinstance(sandbox.run(JOB), Reply)
        with sandbox.joined() as one, sandbox.joined() as other:
            assert isinstance(one.run(JOB), Reply)
            assert isinstance(other.run(JOB), Reply)
            assert not one.gone
        with sandbox.joined() as late:
            os.kill(sandbox.server.pid, signal.SIGKILL)
            while not sandbox.server.renew():
                time.sleep(0.01)
            assert isinstance(late.run(JOB), Unavailable)
            assert late.gone
        with sandbox.joined() as again:
            assert isinstance(again.run(JOB), Reply)
        sandbox.renew()  # nothing to do
        assert isinstance(sandbox.run(JOB), Reply)
