"""Types of the values in records, with their bounds."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

LONGEST = 500  # characters
Name = Annotated[str, Field(max_length=LONGEST)]  # nothing that a person reads in one glance is longer
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=0)]
Lines = Annotated[tuple[Annotated[str, Field(max_length=400)], ...], Field(max_length=200)]
