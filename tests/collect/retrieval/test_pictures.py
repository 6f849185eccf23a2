"""Pictures that are handed in: what is wrong with one is told, and the rest is looked at all the same."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from grader.collect import Equipment
from grader.collect.retrieval.pictures import bundle, find_pictures, look_at_pictures
from grader.evidence import OutOfMemory, Refused, RetrievalImages, TimedOut
from grader.intake import Archive, open_submission
from grader.probes.retrieval import pictures as probe
from grader.probes.retrieval.pictures import difference_hash
from grader.records import Student, Submission, message
from grader.sandbox import Job, Reply, Sandbox

Open = Callable[[dict[str, bytes]], Submission]
NO_TASKS = ()
NOISE = np.random.default_rng(1).integers(0, 256, (40, 60, 3), dtype=np.uint8)


def encoded(picture: Image.Image, kind: str = "PNG", **more) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **more)
    return out.getvalue()


def noise(seed: int = 1) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (40, 60, 3), dtype=np.uint8))


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    def build(files: dict[str, bytes]) -> Submission:
        for name, data in {"exp1.py": b"pass", **files}.items():  # a single folder would be taken for the root
            (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "in" / name).write_bytes(data)
        return open_submission(Archive(tmp_path / "in", Student("Ada")), tmp_path / "unpacked")

    return build


def seen(submission: Submission, sandbox: Sandbox) -> RetrievalImages:
    found = look_at_pictures(submission, Equipment(message("no images"), sandbox), NO_TASKS)
    assert isinstance(found, RetrievalImages), found
    return found


def test_a_picture_has_its_class_size_digest_and_a_thumbnail_of_our_own(opened, shared_sandbox):
    exif = Image.Exif()
    exif[0x010E] = "a secret place"
    submission = opened({
        "library/cat/1.png": encoded(noise()), "library/cat/again.jpg": encoded(noise(), "JPEG", exif=exif),
        "queries/cat.png": encoded(noise()), "queries/dog/2.png": encoded(noise(2)),
    })  # fmt: skip
    found = seen(submission, shared_sandbox)
    one, other = found.library
    assert (one.label, one.width, one.height) == ("cat", 60, 40)
    assert [query.label for query in found.queries] == ["cat", "dog"]
    assert one.content == found.queries[0].content != other.content
    assert one.thumbnail is not None and other.thumbnail is not None
    assert len(one.thumbnail.data) < 6_000
    assert "secret" not in other.thumbnail.data and other.thumbnail.media == "image/jpeg"


def test_the_same_pixels_in_another_file_have_the_same_digest(opened, shared_sandbox):
    found = seen(
        opened({"library/a/1.png": encoded(noise()), "library/a/2.bmp": encoded(noise(), "BMP")}), shared_sandbox
    )
    assert found.library[0].content == found.library[1].content


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("text.jpg", b"not a picture at all", "cannot be read as an image"),
        ("empty.png", b"", "cannot be read as an image"),
        ("half.png", encoded(noise())[:300], "cannot be read as an image"),
        ("huge.png", encoded(Image.new("1", (10_000, 10_000))), "more than 50 million pixels"),
        ("bomb.png", encoded(Image.new("1", (30_000, 30_000))), "more than 50 million pixels"),
        ("page.gif", b"<html>404</html>", "cannot be read as an image"),
        ("vector.png", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "cannot be read as an image"),
        ("script.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "cannot be read as an image"),
    ],
)  # fmt: skip
def test_what_is_no_usable_picture_is_named_and_the_others_are_described(opened, shared_sandbox, name, data, said):
    found = seen(opened({f"library/a/{name}": data, "library/b/good.png": encoded(noise())}), shared_sandbox)
    bad, good = found.library
    assert bad.problem is not None and said in bad.problem.english() and name in bad.problem.english()
    assert good.problem is None and good.content


@pytest.mark.parametrize(
    "data",
    [
        encoded(noise().convert("CMYK"), "JPEG"),
        encoded(Image.fromarray(NOISE[..., 0].astype(np.uint16) * 256)),
        encoded(noise().convert("L")),
        encoded(noise().convert("P")),
        encoded(noise().convert("RGBA")),
        encoded(noise(), "GIF", save_all=True, append_images=[noise(2)]),
        encoded(noise(), "WEBP"),
        encoded(noise(), "TIFF"),
    ],
    ids=["CMYK", "16 bits", "grey", "palette", "alpha", "animated", "webp", "tiff"],
)
def test_unusual_pictures_are_read(opened, shared_sandbox, data):
    (image,) = seen(opened({"library/a/1.png": data}), shared_sandbox).library
    assert image.problem is None
    assert (image.width, image.height) == (60, 40)


def test_folders_are_found_whatever_their_case_and_nothing_outside_them(opened):
    submission = opened(
        {"Library/a/1.PNG": b"x", "QUERIES/a.jpeg": b"x", "figures/curve.png": b"x", "library2/b.png": b"x"}
    )
    found = find_pictures(submission)
    assert found.library == ("Library/a/1.PNG",)
    assert found.queries == ("QUERIES/a.jpeg",)


def test_no_picture_at_all_says_what_to_hand_in(opened, shared_sandbox):
    found = look_at_pictures(opened({}), Equipment(message("no images"), shared_sandbox), NO_TASKS)
    assert isinstance(found, Refused)
    assert "library/" in found.message.english()


def test_a_picture_saved_anew_or_made_larger_stays_near_and_another_does_not():
    def bits(picture: Image.Image) -> int:
        return int(difference_hash(picture), 16)

    smooth = Image.fromarray(NOISE).resize((8, 8)).resize((64, 64), Image.Resampling.BICUBIC)
    again = Image.open(io.BytesIO(encoded(smooth, "JPEG", quality=80)))
    other = noise(2).resize((8, 8)).resize((64, 64), Image.Resampling.BICUBIC)
    assert (bits(smooth) ^ bits(again)).bit_count() <= 16
    assert (bits(smooth) ^ bits(smooth.resize((200, 200)))).bit_count() <= 16
    assert (bits(smooth) ^ bits(other)).bit_count() > 40


# --- bounds of all together ------------------------------------------------------------------------------------


def bundled(tmp_path: Path, files: list[bytes]) -> int:
    paths = [tmp_path / str(number) for number in range(len(files))]
    for path, data in zip(paths, files, strict=True):
        path.write_bytes(data)
    with bundle(paths) as file:
        return os.open(file, os.O_RDONLY)


def test_pictures_after_more_pixels_than_photographs_have_are_left_out_without_decoding_them(tmp_path, monkeypatch):
    monkeypatch.setattr(probe, "MOST_TOGETHER", 3_000)
    files = {"bundle": bundled(tmp_path, [encoded(noise(seed)) for seed in range(4)])}
    found, _ = probe.describe_pictures({"thumbnails": 0, "preparations": []}, files)
    assert [one.get("problem") for one in found["pictures"]] == [None, None, *["too many together"] * 2]


class Busy:
    """A sandbox that never gets through the pictures; the ordinary network takes `machine` seconds for one."""

    def __init__(self, outcome: object, machine: float) -> None:
        self.outcome, self.machine = outcome, machine

    def run(self, job: Job) -> object:
        return Reply({"seconds": self.machine}, {}) if job.probe.startswith("machine.") else self.outcome


@pytest.mark.parametrize(
    ("outcome", "machine", "blamed"),
    [(TimedOut(300.0), 0.3, True), (TimedOut(300.0), 3.0, False), (TimedOut(30.0), 0.3, False),
     (OutOfMemory(4_000), 0.3, True), (OutOfMemory(3_000), 0.3, False)],
    ids=["pictures too large", "machine too slow", "limit too short", "memory", "little memory"],
)  # fmt: skip
def test_pictures_that_take_too_long_are_blamed_only_where_photographs_would_not(opened, outcome, machine, blamed):
    submission = opened({"library/a/1.png": encoded(noise())})
    found = look_at_pictures(submission, Equipment(message("none"), Busy(outcome, machine)), NO_TASKS)
    assert found == outcome if not blamed else isinstance(found, Refused)


def test_a_picture_whose_path_is_too_long_to_be_kept_is_named_and_the_others_are_described(opened, shared_sandbox):
    folders = "/".join(["f" * 100] * 6)
    files = {f"library/{folders}/a.png": encoded(noise()), "library/b/good.png": encoded(noise())}
    good, bad = seen(opened(files), shared_sandbox).library
    assert "more than 500 characters" in bad.problem.english()
    assert good.problem is None
