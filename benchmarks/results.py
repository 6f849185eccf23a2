"""The table of reference/RESULTS.md, from the histories under reference/results/ and nothing else.

    python benchmarks/results.py            prints it
    python benchmarks/results.py --write    puts it into RESULTS.md, between its two marks

A row whose run has no history yet says so. To make one: run its command in reference/, and copy history.json and the
log into reference/results/FOLDER/.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REFERENCE = Path(__file__).parents[1] / "reference"
RESULTS = REFERENCE / "RESULTS.md"
BEGIN, END = "<!-- begin: python benchmarks/results.py -->", "<!-- end -->"
HEAD = (
    "Network and recipe",
    "Source",
    "Held to",
    "Test accuracy",
    "Training accuracy",
    "Epochs",
    "Seconds an epoch",
    "Command",
)


def runs() -> tuple[str, list[dict[str, Any]]]:
    """The machine, and every run with its history; `epochs` is empty where there is none."""
    table = tomllib.loads((REFERENCE / "results" / "runs.toml").read_text("utf-8"))
    for run in table["run"]:
        path = REFERENCE / "results" / run["folder"] / "history.json"
        run["epochs"] = json.loads(path.read_text("utf-8"))["epochs"] if path.is_file() else []
    return table["machine"], table["run"]


def lines() -> Iterator[str]:
    """The table in Markdown."""
    machine, found = runs()
    yield f"Measured on {machine}. Accuracies are those of the last epoch, in percent of the 10,000 test images."
    yield ""
    yield "| " + " | ".join(HEAD) + " |"
    yield "|---|---|--:|--:|--:|--:|--:|---|"
    for run in found:
        yield "| " + " | ".join(_cells(run)) + " |"


def _cells(run: dict[str, Any]) -> Iterator[str]:
    yield run["what"]
    yield run["source"]
    yield f"{run['at_least']:g}" if "at_least" in run else ""
    if run["epochs"]:
        last = run["epochs"][-1]
        yield f"**{last['test_accuracy']:.2f}**"
        yield f"{last['train_accuracy']:.2f}"
        yield str(len(run["epochs"]))
        yield f"{statistics.median(epoch['seconds'] for epoch in run['epochs']):.0f}"
    else:
        yield from ("not run yet", "", "", "")
    yield f"`{run['command']}`"


def with_table(text: str) -> str:
    """RESULTS.md with the table between its marks made anew. ValueError where a mark is missing."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"RESULTS.md has no '{BEGIN}' or no '{END}': put both back, the table goes between them")
    return "\n".join((before + BEGIN, *lines(), END + after))


def main() -> None:
    """Print the table, or write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write it into reference/RESULTS.md")
    if parser.parse_args().write:
        RESULTS.write_text(with_table(RESULTS.read_text("utf-8")), "utf-8")
    else:
        print("\n".join(lines()))


if __name__ == "__main__":
    main()
