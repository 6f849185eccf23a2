"""Independent observations, one file each, named as the criterion that judges it. A new file is found by itself.

What one look finds depends on no other: their order is that of their names.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from grader.collect.subject import Look


def code_records() -> frozenset[type[Any]]:
    """The kinds of records that are seen only where student code can be run."""
    return frozenset(look.record for look in every_look() if look.calls_code)


def every_look() -> tuple[Look[Any], ...]:
    """The `LOOK` of each module."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return tuple(importlib.import_module(f"{__name__}.{name}").LOOK for name in names)
