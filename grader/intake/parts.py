"""Decide which file is which from names alone; open nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from os.path import commonpath

from grader.disk.names import visible
from grader.labs import the_lab
from grader.records import PICTURES, REPORTS, Message, Parts, fits, message

WEIGHTS = (".pth", ".pt", ".ckpt", ".pkl", ".bin", ".safetensors", ".h5")
PAGES = (".html", ".htm")  # what a student writes on the platform arrives as a page
RANKINGS = (".json", ".csv", ".tsv", ".txt", ".log", ".out", ".md", ".tex", ".pdf")
PROGRAMS = (".py", ".ipynb", *WEIGHTS, ".json")  # can earn points by themselves
LIBRARY, QUERIES = ("library", "gallery", "database", "dataset"), ("queries", "query")
# what students call a printed ranking: "results_rank.csv" and "检索结果.md", but not "frank.txt"
RANKING = re.compile(r"retriev|(?<![a-z])rank|检索|相似|(?<![a-z])top[ _-]?5|similar|matches", re.IGNORECASE)


def is_program(name: str) -> bool:
    """Return whether a file can earn points by itself, as a written report beside an archive does not."""
    return name.casefold().endswith(PROGRAMS)


def work_folder(paths: Iterable[str]) -> str:
    """Return the folder that holds all files, "" for the top: one extra folder is fine, and so is a chain of them."""
    parents = {path.rpartition("/")[0] for path in paths}
    return "" if not parents or "" in parents else commonpath(parents).replace("\\", "/")


def is_of_images(path: str) -> bool:
    """Return whether this is a picture of the library or of the queries, by its place."""
    top, slash, _ = path.casefold().partition("/")
    return bool(slash) and top in (*LIBRARY, *QUERIES) and path.casefold().endswith(PICTURES)


def sort_parts(paths: Iterable[str], dataset: tuple[str, ...]) -> tuple[Parts, tuple[Message, ...]]:
    """Return the parts among `paths` (relative to the root, forward slashes), and notes on inexact names."""
    nearest = sorted(paths, key=lambda path: (path.count("/"), path))
    own = [path for path in nearest if _name(path) not in the_lab().handout]
    by_network = _weights_by_network(own)
    checkpoints = next(iter(by_network.values()))
    taken = {path for found in by_network.values() for path in found}
    histories, retrievals = _nearest_named(nearest, the_lab().history), _nearest_named(nearest, the_lab().retrieval)
    parts = Parts(
        checkpoints=checkpoints,
        by_network=tuple(by_network.items()) if the_lab().networks else (),
        other_weights=tuple(path for path in _ending(own, *WEIGHTS) if path not in taken),
        sources=_first(
            _ending(nearest, ".py"), lambda path: (path.count("/"), _name(path) != the_lab().training_script)
        ),
        notebooks=_ending(nearest, ".ipynb"),
        history=histories[0] if histories else "",
        retrieval=retrievals[0] if retrievals else "",
        rankings=tuple(
            path for path in _ending(own, *RANKINGS) if RANKING.search(_name(path)) and path not in retrievals
        ),
        reports=_first(_ending(own, *REPORTS, *PAGES), _report_rank),
        dataset=dataset,
    )
    asked = {network: the_lab().of(network).checkpoint for network in by_network}
    return parts, tuple(
        message("{file} was read as {meant}: the names differ only in case.", file=visible(path), meant=asked[network])
        for network, found in by_network.items()
        for path in found
        if _name(path) == asked[network].casefold() and not path.endswith(asked[network])
    )


def _nearest_fitting(nearest: list[str], patterns: Iterable[str]) -> tuple[str, ...]:
    """Return all files that fit the first pattern that any file fits, at the shallowest depth that has one."""
    for pattern in patterns:
        fitting = [path for path in nearest if fits(_name(path), pattern)]
        if fitting:
            return tuple(path for path in fitting if path.count("/") == fitting[0].count("/"))
    return ()


def _weights_by_network(nearest: list[str]) -> dict[str, tuple[str, ...]]:
    """Return the files that may hold the weights of each network of the lab, by its name; "" if there is but one.

    Earlier patterns go first: a file that fits one of another network's is no later one's, even where that network has
    a better one. A file that is certainly one network's is no other's. Where several files are left for a network, or
    two networks have the same one, a person says which counts.
    """
    if not the_lab().networks:
        return {"": _nearest_fitting(nearest, the_lab().weights)}
    found: dict[str, tuple[str, ...]] = {one.name: () for one in the_lab().networks}
    for rank in range(max(len(one.weights) for one in the_lab().networks)):
        open_ = {one.name: one.weights[rank : rank + 1] for one in the_lab().networks if not found[one.name]}
        while True:
            taken = {path for paths in found.values() for path in paths}
            left = [path for path in nearest if path not in taken and the_lab().rank(_name(path)) >= rank]
            fitting = {name: _nearest_fitting(left, patterns) for name, patterns in open_.items()}
            wanted = Counter(path for paths in fitting.values() if len(paths) == 1 for path in paths)
            certain = {name: paths for name, paths in fitting.items() if len(paths) == 1 and wanted[paths[0]] == 1}
            found |= certain
            open_ = {name: patterns for name, patterns in open_.items() if name not in certain}
            if not certain:
                break
        found |= {name: paths for name, paths in fitting.items() if name in open_ and paths}
    return found


def _nearest_named(nearest: list[str], name: str) -> tuple[str, ...]:
    """Return all files of this name, in any case, at the shallowest depth that has one."""
    named = [path for path in nearest if _name(path) == name]
    return tuple(path for path in named if path.count("/") == named[0].count("/"))


def _ending(nearest: list[str], *suffixes: str) -> tuple[str, ...]:
    return tuple(path for path in nearest if path.casefold().endswith(suffixes))


def _first(paths: tuple[str, ...], rank: Callable[[str], tuple[int, ...]]) -> tuple[str, ...]:
    """Sort stably: files that rank the same keep their order, nearest first."""
    return tuple(sorted(paths, key=rank))


def _report_rank(path: str) -> tuple[int, ...]:
    name = _name(path)
    rank = the_lab().reports.index(name) if name in the_lab().reports else len(the_lab().reports)
    return (rank + name.endswith(PAGES),)


def _name(path: str) -> str:
    return path.rpartition("/")[2].casefold()
