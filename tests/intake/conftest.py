"""Archives made by hand, opened or refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.stories.zips import Part, zip_bytes
from grader.intake import Archive, Limits, open_submission
from grader.records import Student, Submission
from grader.records.errors import BadSubmission


@pytest.fixture(scope="session")
def part() -> type[Part]:
    return Part


@pytest.fixture(scope="session")
def zip_of() -> Callable[..., bytes]:
    return zip_bytes


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Submission]:
    """Open bytes, a zip of {name: content}, or a folder; if it is refused, nothing may be left behind."""

    def open_it(content: bytes | dict[str, bytes] | Path, limits: Limits | None = None) -> Submission:
        into = tmp_path / "into"
        path = content if isinstance(content, Path) else tmp_path / "lab5.zip"
        if isinstance(content, dict):
            content = zip_bytes(*(Part(name.encode(), data, flags=0x800) for name, data in content.items()))
        if isinstance(content, bytes):
            path.write_bytes(content)
        try:
            return open_submission(Archive(path, Student("Ada Ng")), into, limits or Limits())
        except BadSubmission:
            assert list(into.iterdir()) == []
            raise

    return open_it


@pytest.fixture
def left(opened: Callable[..., Submission]) -> Callable[..., dict[str, tuple[str, str]]]:
    """Open what must be accepted; what is left out, by path: its state, and the sentence, which is also a note."""

    def open_it(content: bytes | dict[str, bytes] | Path, limits: Limits | None = None) -> dict[str, tuple[str, str]]:
        submission = opened(content, limits)
        notes = [note.english() for note in submission.notes]
        assert all(note.isprintable() for note in notes)
        for one in submission.left_out:
            sentence = one.why.english()
            assert (sentence if one.state == "unclear" else f"Left out: {sentence}") in notes
        return {one.path: (one.state, one.why.english()) for one in submission.left_out}

    return open_it


@pytest.fixture
def refused(opened: Callable[..., Submission]) -> Callable[..., str]:
    """Open what must be refused; the sentence that the student gets."""

    def open_it(content: bytes | dict[str, bytes] | Path, limits: Limits | None = None) -> str:
        with pytest.raises(BadSubmission) as caught:
            opened(content, limits)
        sentence = caught.value.message.english()
        assert sentence.isprintable()
        assert sentence.endswith(".")
        return sentence

    return open_it
