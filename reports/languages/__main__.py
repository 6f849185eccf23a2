"""`python -m reports.languages`: updates each catalogue from the source; exit status 1 if translations are missing.

Run it in a checkout. New sentences get an empty translation; unused ones stay at the end as obsolete,
because grades stored by an earlier version use them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

from reports.languages import ENGLISH, LANGUAGES

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "reports" / "languages"


def main() -> int:
    """Update the catalogues, and print their problems."""
    said = extract(ROOT)
    wrong = []
    for language in (code for code in LANGUAGES if code != ENGLISH):
        path = FOLDER / f"{language}.po"
        catalogue = read(path)
        update(catalogue, said)
        with path.open("wb") as file:
            write_po(file, catalogue, width=0, include_lineno=False, sort_by_file=True)
        wrong += [f"{path.name} {problem}" for problem in problems(catalogue)]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    return 1 if wrong else 0


def read(path: Path) -> Catalog:
    """Read the catalogue of a file; an empty one for a language without one."""
    if not path.exists():
        return Catalog(path.stem, project="cnn-lab-grader", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file)


def extract(root: Path) -> Catalog:
    """Extract every sentence of the packages and pages below the root, as configured in babel.cfg."""
    with (root / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    catalogue = Catalog()
    for path, line, text, *_ in extract_from_dir(root, methods, options, keywords={}):
        catalogue.add(text, locations=[(path, line)])
    return catalogue


def update(catalogue: Catalog, said: Catalog) -> None:
    """Update the catalogue to the current sentences, reusing translations of obsolete sentences that are used again."""
    for old in catalogue.obsolete.values():
        live = catalogue.get(old.id)
        if live is None:
            catalogue.add(old.id, old.string)
        elif not live.string:
            live.string = old.string
    catalogue.obsolete.clear()
    catalogue.update(said, no_fuzzy_matching=True, update_creation_date=False)
    for untranslated in [key for key, old in catalogue.obsolete.items() if not old.string]:
        del catalogue.obsolete[untranslated]
    for entry in catalogue:
        entry.flags.discard("python-format")  # "5 % of" is none


def problems(catalogue: Catalog) -> Iterator[str]:
    """Yield sentences without a translation, and those whose translation has other fields."""
    for entry in (*catalogue, *catalogue.obsolete.values()):
        if entry.id and not entry.string:
            yield f"lacks: {entry.id}"
        elif fields(entry.id) != fields(entry.string):
            yield f"has other fields than: {entry.id}"


def fields(template: str) -> list[tuple[str, str, str]]:
    """Return a sentence's fields with formats and conversions, sorted, because languages order them differently."""
    pieces = Formatter().parse(template)
    return sorted((name, spec or "", conversion or "") for _, name, spec, conversion in pieces if name is not None)


if __name__ == "__main__":
    sys.exit(main())
