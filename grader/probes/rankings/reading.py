"""Reads the documents that may contain rankings, and takes the first that certainly does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from grader.probes.documents.documents import bounded, lines, part_name, plain
from grader.probes.documents.text import decode, read_bytes
from grader.probes.rankings.doubts import Doubt, Read, read_lines, sifted
from grader.probes.rankings.draft import Found
from grader.probes.rankings.json_fields import load
from grader.probes.rankings.json_form import read_json
from grader.probes.rankings.models import known
from grader.probes.rankings.record import add_models, report_fields
from grader.probes.refusals import Refuse

_SOFT_HYPHEN = re.compile("\u00ad(?!\\s*$)")  # one at the line's end says that a word goes on in the next
_BOLD = re.compile(r"\*\*(?=\S)([^*]{1,200})\*\*")
MINUS = "\u2212"
_ABOUT = re.compile(
    r"(?:retrieval|rank(?:ing)?s?|results?|top[ _-]?5|matches|similarity|检索|结果|相似度?)[ _.-]*", re.IGNORECASE
)


def read_retrieval(inputs: dict[str, Any], files: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Read the documents `inputs["names"]`, the likeliest first. Raises Refuse if none certainly contains a ranking.

    The first that contains one is the report; if it is among `inputs["parts"]`, the other parts add the models that
    it lacks. Returns the fields of evidence.RetrievalReport.
    """
    report: dict[str, Any] = {}
    first: Refuse | None = None
    passed: list[str] = []
    doubts: list[Doubt] = []
    for name in inputs["names"]:
        if report and not {report["source"], name} <= set(inputs["parts"]):
            continue
        try:
            read = _read(name, read_bytes(files, name))
        except Refuse as refusal:
            first = first or refusal
            read = Read()
        except MemoryError:
            raise
        except Exception:  # a broken PDF, a notebook that is none: the next document may do
            read = Read()
        doubts += read.doubts
        if read.certain and report:
            add_models(report, read.found, name)
        elif read.certain:
            report = {
                **report_fields(read.found, name),
                "line_is": part_name(name) or "line",
                "passed_over": passed.copy(),
            }
        passed.append(name[-500:])
    if report:
        return {**report, "doubtful": sum(doubt.may_rank for doubt in doubts)}, {}
    unsure = next((doubt for doubt in doubts if doubt.may_rank), None)
    if unsure is not None:
        raise unsure.refusal()
    if first is None and doubts:
        raise doubts[0].refusal()
    raise first or Refuse("retrieval_empty", files=", ".join(inputs["names"]))


def _read(name: str, data: bytes) -> Read:
    """Return what the document holds. Raises Refuse if a .json file is not JSON."""
    kind = name.rpartition(".")[2].casefold()
    if kind == "docx":
        return Read()
    fault: Refuse | None = None
    if kind == "json" or (kind not in ("pdf", "ipynb") and data[:3].lstrip(b"\xef\xbb\xbf \r\n")[:1] in (b"{", b"[")):
        try:
            return sifted(read_json(load(decode(data))), name)
        except RecursionError:
            fault = Refuse("retrieval_empty", files=name)  # nested as no person nests
        except ValueError as error:
            fault = Refuse("retrieval_json", file=name, line=getattr(error, "lineno", 0))
    read = read_lines([(line.number or line.part, _cleaned(line.text)) for line in bounded(lines(name, data))], name)
    if read.certain:
        _name_by_file(read.found, name)
    elif fault is not None and kind == "json":
        raise fault
    return read


def _name_by_file(found: Found, name: str) -> None:
    """Take the network from the file's name if no line names one: ranking_resnet50.txt."""
    stem = _ABOUT.sub("", name.rpartition("/")[2].rpartition(".")[0])
    models = known(stem)
    certain = len(models) == 1 and models == known(stem.replace("_", " "))
    if certain and not any(run.heading.model for run in found.runs):
        for run in found.runs:
            run.heading = replace(run.heading, model=models[0])


def _cleaned(text: str) -> str:
    return _BOLD.sub(r"\1", _SOFT_HYPHEN.sub("", plain(text)).replace(MINUS, "-"))
