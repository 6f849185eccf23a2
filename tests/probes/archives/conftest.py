"""The probe of archives, called in this process, with archives made in the test."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from fixtures.stories.tars import tar_bytes
from grader.evidence.refusals import heard_refusal
from grader.probes.archives.rars import can_unpack
from grader.probes.archives.reading import list_entries, read_entries
from grader.probes.refusals import Refuse


@dataclass(frozen=True)
class Read:
    """What the probe says of one archive."""

    listing: tuple[dict[str, Any], ...]
    contents: dict[str, bytes]  # of the entries that could be read

    @property
    def names(self) -> list[str]:
        return [entry["name"].encode("latin-1").decode() for entry in self.listing]

    @property
    def kinds(self) -> dict[str, str]:
        return dict(zip(self.names, (entry["kind"] for entry in self.listing), strict=True))


@pytest.fixture(scope="session")
def read() -> Callable[..., Read]:
    """List an archive, then read all its files, or those that are named."""

    def read_it(data: bytes, form: str, only: Iterable[str] | None = None) -> Read:
        with tempfile.TemporaryFile() as file:
            file.write(data)
            file.flush()
            asked = {"file": "lab5", "format": form, "most": 1 << 30}
            value, arrays = list_entries(asked, {"archive": file.fileno()})
            assert value == {"bytes": len(arrays["listing"])}
            found = Read(tuple(json.loads(arrays["listing"])), {})
            wanted = [
                number
                for number, (entry, name) in enumerate(zip(found.listing, found.names, strict=True))
                if entry["kind"] == "file" and not entry["encrypted"] and (only is None or name in only)
            ]
            value, arrays = read_entries({**asked, "wanted": wanted}, {"archive": file.fileno()})
        for (number, size), content in zip(value["sizes"], arrays.values(), strict=True):
            assert size == len(content)
            found.contents[found.names[number]] = content
        return found

    return read_it


@pytest.fixture(scope="session")
def refusal(read: Callable[..., Read]) -> Callable[..., tuple[str, str]]:
    """The code and the sentence with which an archive is refused."""

    def refused(data: bytes, form: str) -> tuple[str, str]:
        with pytest.raises(Refuse) as caught:
            read(data, form)
        return caught.value.code, heard_refusal(caught.value.code, caught.value.values).message.english()

    return refused


@pytest.fixture(scope="session")
def tar_of() -> Callable[..., bytes]:
    """A tar of {name: content} and of entries of other kinds."""
    return partial(tar_bytes, mode="w")


@pytest.fixture(scope="session")
def libarchive() -> None:
    if not can_unpack():
        pytest.skip("libarchive is not here: apt install libarchive13")
