"""Images of the data set as small pictures for the page."""

from __future__ import annotations

import base64
import io
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from grader.dataset import ImageSet
from grader.evidence import TestScores
from grader.records import Picture


def png(pixels: NDArray[np.uint8], name: str) -> Picture:
    """The image, uint8 (3, H, W) RGB, without loss; about 2.5 KB at 32 x 32."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))).save(file, "PNG", optimize=True)
    return Picture(name, "image/png", base64.b64encode(file.getvalue()).decode())


def with_pictures(scores: TestScores, images: ImageSet) -> TestScores:
    """The scores, each of the surest mistakes with its test image."""
    pixels = images.images("test")
    shown = tuple(
        replace(mistake, picture=png(pixels[mistake.image], f"#{mistake.image}")) for mistake in scores.surest_mistakes
    )
    return replace(scores, surest_mistakes=shown)
