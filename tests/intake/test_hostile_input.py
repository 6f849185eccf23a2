"""Whatever the bytes: a Submission or BadSubmission, nothing outside the folder, nothing left behind."""

import subprocess
import sys
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from grader.intake import Archive, open_submission
from grader.records import Student
from grader.records.errors import BadSubmission

FEW = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
PIECES = [
    "..",
    ".",
    "",
    "/",
    "\\",
    "C:",
    "a",
    "A",
    "final.pth",
    "venv",
    "__MACOSX",
    "\0",
    "\r",
    "é",
    "文",
    "\u202e",
    "~",
]
NAMES = st.one_of(st.lists(st.sampled_from(PIECES), max_size=6).map("/".join), st.text(max_size=30))


def check(content):
    """Open `content`; every file outside `into` must be as it was, and `into` empty where it is refused."""
    with tempfile.TemporaryDirectory() as folder:
        top, into = Path(folder), Path(folder, "deep", "into")
        (top / "deep").mkdir()
        (top / "lab5.zip").write_bytes(content)
        try:
            submission = open_submission(Archive(top / "lab5.zip", Student("x")), into)
        except BadSubmission as refusal:
            assert refusal.message.english().isprintable()
            assert list(into.iterdir()) == []
        else:
            files = {path for path in into.rglob("*") if not path.is_dir()}
            assert files == {submission.root / file.path for file in submission.files}
            assert not any(path.is_symlink() for path in into.rglob("*"))
            assert all((submission.root / file.path).stat().st_size == file.size for file in submission.files)
        assert {path.name for path in top.iterdir()} == {"deep", "lab5.zip"}
        assert [path.name for path in (top / "deep").iterdir()] == ["into"]


@FEW
@given(names=st.lists(NAMES, max_size=5), flags=st.sampled_from([0, 0x800]), kind=st.sampled_from([0, 0, 0xA, 0x4]))
def test_no_name_is_ever_written_outside(zip_of, part, names, flags, kind):
    check(zip_of(*(part(name.encode(), b"x", flags, attributes=kind << 28) for name in names)))


@FEW
@given(names=st.lists(st.binary(max_size=20), max_size=4))
@example(names=[b"../x", b"\xff\x5c\x2e\x2e"])
@example(names=[b"\x01\xff"])  # a no-break space in cp437
def test_no_bytes_in_names_get_past_the_decoder(zip_of, part, names):
    check(zip_of(*(part(name, b"x") for name in names)))


def an_honest_zip(zip_of, part):
    return zip_of(
        part(b"lab5/exp2.py", b"print(1)\n" * 50, method=8),
        part("lab5/报告.md".encode(), b"text", flags=0x800, extra=b"\x99\x99\x04\x00abcd"),
        part(b"lab5/final.pth", bytes(range(256)), local_extra=b"UT\x05\x00\x01abcd"),
    )


@FEW
@given(cut=st.integers(0, 1200))
def test_a_zip_cut_anywhere_is_refused_or_read(zip_of, part, cut):
    check(an_honest_zip(zip_of, part)[:cut])


@settings(FEW, max_examples=200)
@given(flips=st.lists(st.tuples(st.integers(0, 1200), st.integers(1, 255)), min_size=1, max_size=4))
def test_a_zip_with_flipped_bytes_is_refused_or_read(zip_of, part, flips):
    content = bytearray(an_honest_zip(zip_of, part))
    for at, mask in flips:
        content[at % len(content)] ^= mask
    check(bytes(content))


@FEW
@given(content=st.binary(max_size=200), start=st.sampled_from([b"", b"PK\x03\x04", b"PK\x05\x06"]))
def test_arbitrary_bytes_are_refused(content, start):
    check(start + content)


def test_importing_intake_loads_neither_yaml_nor_torch_nor_numpy():
    code = "import sys, grader.intake; print({'yaml', 'torch', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
