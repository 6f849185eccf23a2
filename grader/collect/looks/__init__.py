"""Independent observations, one file each, named after their criterion. New files are found automatically.

Looks do not depend on each other; they run in the order of their names.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from grader.collect.subject import Look


def code_records() -> frozenset[type[Any]]:
    """Return the kinds of records that are observed only if student code can be run."""
    return frozenset(look.record for look in every_look() if look.calls_code)


def every_look() -> tuple[Look[Any], ...]:
    """Return the `LOOK` of each module."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return tuple(importlib.import_module(f"{__name__}.{name}").LOOK for name in names)
