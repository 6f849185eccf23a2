"""`grade scheduler` and `grade worker`: the machines that `grade --cluster ADDRESS` grades on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from grader.cli import console
from grader.cli.options import keys_options, language_option
from grader.labs import DEFAULT, the_lab
from grader.records import Message, message
from grader.records.errors import BadLab

if TYPE_CHECKING:
    from grader.batch.cluster.certificates import Keys
    from grader.batch.cluster.reach import Address
    from grader.batch.run import Place
    from grader.batch.setup import Options


def _with_keys(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(keys_options):
        function = option(function)
    return function


@click.command(epilog="Example: grade scheduler --tls ~/cluster-keys")
@click.option("--host", metavar="ADDRESS", help="Where to listen: an address of this machine; all of them by default,"
              " without a certificate only 127.0.0.1.")  # fmt: skip
@click.option("--port", type=click.IntRange(0, 65535), default=8786, show_default=True)
@_with_keys
@language_option
def scheduler(host: str | None, port: int, tls: Path | None, insecure: bool) -> None:
    """Bring workers and `grade --cluster` together. Makes the certificate in --tls if there is none yet.

    Needs no CIFAR-10 and hardly any memory. Runs until it is ended.
    """
    _require(insecure, tls)
    from grader.batch.cluster.certificates import keys, make
    from grader.batch.cluster.scheduler import serve
    from grader.disk.names import visible_path

    found, out = keys(tls, insecure), console.console()
    if found.folder is not None and make(found.folder):
        sentence = message(
            "Made a certificate in {folder}, for a year. Copy this folder to each machine of the cluster, and to nobody"
            " else: who has it can run code on all of them.",
            folder=visible_path(found.folder),
        )
        console.line(out, sentence)

    def ready(there: Address) -> None:
        sentence = message(
            "The scheduler listens at {address}. On the machines that are to grade: grade worker {address}",
            address=str(there),
        )
        console.line(out, sentence)
        console.line(out, message("Then: grade SUBMISSIONS --cluster {address}", address=str(there)))

    serve(host, port, found, ready)


@click.command(epilog="Example: grade worker tls://host:8786 --slots 4")
@click.argument("address")
@click.option("--slots", type=click.IntRange(min=1), metavar="N",
              help="Submissions to grade at a time; by default what cores and memory allow.")  # fmt: skip
@click.option("--host", metavar="ADDRESS", help="The address of this machine at which the scheduler reaches it.")
@click.option("--lifetime", type=click.FloatRange(min=1), metavar="SECONDS",
              help="Leave after so long, without costing a submission: before a queue's limit of time.")  # fmt: skip
@_with_keys
@language_option
def worker(address: str, slots: int | None, tls: Path | None, insecure: bool, **terms: Any) -> None:
    """Grade on this machine what `grade --cluster ADDRESS` hands out. Ends when the scheduler does."""
    _require(insecure, tls)
    from grader.batch.cluster.worker import Terms, work
    from grader.batch.jobs import this_machine

    there, out, many = _address(address, tls, insecure), console.console(), slots or this_machine().jobs

    def joined(name: str) -> None:
        sentence = message(
            "The worker {name} has joined {address}. Submissions at a time: {slots}",
            name=name,
            address=str(there),
            slots=many,
        )
        console.line(out, sentence)

    work(there, Terms(many, **terms), joined)


def require_place(options: Options) -> None:
    """Check at the start that a cluster can be reached. Raises BadLab or UsageError."""
    if options.cluster is None:
        if options.insecure or (options.tls is not None and not os.environ.get("CNN_LAB_GRADER_TLS")):
            raise click.UsageError("--tls and --insecure belong to --cluster ADDRESS; leave them out here")
        return
    if options.jobs is not None:
        raise click.UsageError("--jobs is for this machine; with --cluster each worker has its own --slots")
    if the_lab().checks or (the_lab().given and the_lab().name != DEFAULT):
        raise BadLab(
            message(
                "The lab '{name}' has files of its own, which workers do not have. Grade it without --cluster.",
                name=the_lab().name,
            )
        )
    _require(options.insecure, options.tls)
    from grader.batch.cluster.reach import reach

    reach(_address(options.cluster, options.tls, options.insecure))


@contextmanager
def place_of(options: Options) -> Iterator[Place | None]:
    """Give the cluster that a run is to use; None for this machine. Raises BadLab."""
    if options.cluster is None:
        yield None
        return
    from grader.batch.cluster.command import Cluster

    there = _address(options.cluster, options.tls, options.insecure)
    with Cluster(there, _said).joined() as cluster:
        yield cluster


def _said(what: Message) -> None:
    console.complain(what)


def _address(given: str, tls: Path | None, insecure: bool) -> Address:
    from grader.batch.cluster.certificates import keys
    from grader.batch.cluster.reach import address

    found: Keys = keys(tls, insecure)
    return address(given, found)


def _require(insecure: bool, tls: Path | None) -> None:
    """Raise BadLab without the packages that a cluster needs, and have Dask speak of errors alone."""
    if insecure and tls is not None and not os.environ.get("CNN_LAB_GRADER_TLS"):
        raise click.UsageError("--insecure means no certificate; leave --tls out, or --insecure")
    if find_spec("distributed") is None:
        sentence = message(
            "A cluster needs the package {package}: run 'pip install \"cnn-lab-grader[cluster]\"'.",
            package="distributed",
        )
        raise BadLab(sentence)
    os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "critical")  # what is to be known, we say
