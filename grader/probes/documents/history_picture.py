"""history.png: the size that its header states. The picture is not decoded."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from typing import Any

HEADER = struct.Struct(">8sI4sII")  # signature, length and name of the first chunk, width, height
SIGNATURE, FIRST_CHUNK = b"\x89PNG\r\n\x1a\n", b"IHDR"


def read_size(inputs: dict[str, Any], files: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Read the header of `files["picture"]`. Returns the fields of evidence.HistoryPicture."""
    start = os.pread(files["picture"], HEADER.size, 0)
    width = height = 0
    if len(start) == HEADER.size:
        signature, _, chunk, *size = HEADER.unpack(start)
        if signature == SIGNATURE and chunk == FIRST_CHUNK:
            width, height = size
    return {"source": inputs["file"], "width": width, "height": height}, {}
