"""Makes small pictures for the page: images of the data set, thumbnails of handed-in images."""

from __future__ import annotations

import base64
import io
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from grader.dataset import ImageSet
from grader.evidence import Accuracy
from grader.records import Picture

QUALITY = 70  # of a JPEG


def picture(pixels: NDArray[np.uint8], name: str, exact: bool) -> Picture:
    """Encode an image, uint8 (H, W, 3) RGB or (H, W, 1): as a PNG if exact, else as a JPEG of half the size."""
    from PIL import Image

    file = io.BytesIO()
    grey = pixels.shape[2] == 1
    image = Image.fromarray(np.ascontiguousarray(pixels[:, :, 0] if grey else pixels))
    if exact:
        image.save(file, "PNG", optimize=True)
    else:
        image.save(file, "JPEG", quality=QUALITY, optimize=True)
    return Picture(name, "image/png" if exact else "image/jpeg", base64.b64encode(file.getvalue()).decode())


def with_pictures(scores: Accuracy, images: ImageSet) -> Accuracy:
    """Add the test image to each of the most confident mistakes."""
    pixels = images.images("test")
    shown = tuple(
        replace(mistake, picture=picture(pixels[mistake.image].transpose(1, 2, 0), f"#{mistake.image}", exact=True))
        for mistake in scores.surest_mistakes
    )
    return replace(scores, surest_mistakes=shown)
