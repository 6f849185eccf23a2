"""The commands that messages about images name, as they are right for the lab at hand."""

from __future__ import annotations

import shlex

from grader.labs import Lab, shipped, the_lab

USUAL = "cifar10"  # fetched where no lab is named


def fetch_command(lab: Lab | None = None) -> str:
    """Return the command that fetches a lab's images; by default those of the lab that is graded."""
    return f"grade data fetch{with_lab(lab or the_lab())}"


def with_lab(lab: Lab) -> str:
    """Return the option that names a lab; "" where its images are those of every command without it."""
    if lab.public == USUAL:
        return ""
    return f" --lab {lab.name if shipped().get(lab.name) == lab.folder else shlex.quote(str(lab.folder))}"
