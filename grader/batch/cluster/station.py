"""A process of a worker that holds what a run needs, and forks the one that forks: it starts without threads.

`python -m grader.batch.cluster.station DESCRIPTOR` reads the set-up of the run from its input, and says when it is
ready.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import socket
import subprocess
import sys

from pydantic import TypeAdapter

from grader.batch.crew import Spawned, fork_spawner
from grader.batch.run import patience, trade_of
from grader.batch.setup import SetupSpec, open_setup
from grader.records import Message, message
from grader.records.errors import BadLab, GraderError

_MESSAGE: TypeAdapter[Message] = TypeAdapter(Message)
READY = "ready"


class Station(Spawned):
    """Grades submissions of one run on this machine. Raises BadLab where the run cannot be set up here."""

    def __init__(self, spec: SetupSpec) -> None:
        control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-P", "-m", "grader.batch.cluster.station", str(theirs.fileno())]
        with theirs:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=(theirs.fileno(),)
            )
        assert process.stdin is not None and process.stdout is not None
        try:
            with process.stdin, process.stdout:
                process.stdin.write(pickle.dumps(spec))
                process.stdin.close()
                said = json.loads(process.stdout.readline() or b"{}")
        except (OSError, ValueError):
            said = {}
        super().__init__(control, process.pid, patience(spec.options))
        if READY not in said:
            self.end()
            raise BadLab(_failed(said))


def _failed(said: dict[str, object]) -> Message:
    if "failed" in said:
        return _MESSAGE.validate_python(said["failed"])
    return message("grading cannot be set up there; what its worker has printed says why")


def main() -> None:
    """Set up the run, and wait until the worker ends it, or itself."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # its worker decides when to end
    control = socket.socket(fileno=int(sys.argv[1]))
    spec: SetupSpec = pickle.loads(sys.stdin.buffer.read())  # noqa: S301 - from the worker, our parent
    try:
        with open_setup(spec) as setup:
            _say({READY: True})
            os.waitpid(fork_spawner(control, trade_of(setup, spec.options)), 0)
    except GraderError as error:
        _say({"failed": json.loads(_MESSAGE.dump_json(error.message))})


def _say(what: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
