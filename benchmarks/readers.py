"""How often the readers of submissions are right, unsure or wrong, on the cases in fixtures/readers/.

    python benchmarks/readers.py [KIND ...] [--show]

A reader that is not sure must say so: "wrong" is 0, or the command ends with 1; so does a share of right answers under
0.9. --show also prints every case that was not read or wrong. KIND is claims, preprocessing, rankings or code; code
needs a sandbox for student code (see 'grade doctor').
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # this needs what is in the checkout alone, wherever the grader is installed

from fixtures.readers import KINDS, outcomes  # noqa: E402

LEAST_RIGHT = 0.9


def main() -> None:
    """Try every case, and print one row for each kind."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kinds", nargs="*", metavar="KIND", help="one of " + ", ".join(KINDS))
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args()
    if unknown := set(options.kinds) - set(KINDS):
        parser.error(f"there is no reader of {', '.join(sorted(unknown))}; the kinds are {', '.join(KINDS)}")
    print(f"{'kind':15}{'cases':>7}{'right':>7}{'not read':>10}{'wrong':>7}")
    failed = False
    for kind in options.kinds or KINDS:
        tried = list(outcomes(kind))
        count = Counter(outcome.result for outcome in tried)
        print(f"{kind:15}{len(tried):7}{count['right']:7}{count['not read']:10}{count['wrong']:7}", flush=True)
        failed |= count["wrong"] > 0 or count["right"] < LEAST_RIGHT * len(tried)
        for outcome in tried if options.show else ():
            if outcome.result != "right":
                print(f"  {outcome.result}: {outcome.case}: {outcome.found}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
