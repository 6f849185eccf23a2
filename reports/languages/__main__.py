"""`python -m reports.languages`: brings each catalogue up to date with the source; exit status 1 if words are missing.

Run in a checkout. New templates get an empty translation, those that nobody says any more go.
"""

from __future__ import annotations

import sys
from pathlib import Path

from reports.languages import ENGLISH, LANGUAGES
from reports.languages.extraction import extract
from reports.languages.po import Entry, read_po, write_po

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Write the catalogues, and print what wants a translation or cannot be traced."""
    found = extract(ROOT)
    missing = [f"cannot be traced: {place}" for place in found.untraceable]
    for language in (code for code in LANGUAGES if code != ENGLISH):
        path = ROOT / "reports" / "languages" / f"{language}.po"
        known = {one.template: one.translation for one in read_po(path.read_text("utf-8"))} if path.exists() else {}
        entries = [Entry(text, known.get(text, ""), where) for text, where in found.templates.items()]
        path.write_text(write_po(entries), "utf-8", newline="\n")
        missing += [f"{path.name} lacks: {entry.template}" for entry in entries if not entry.translation]
    print(*missing, sep="\n", end="\n" if missing else "")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
