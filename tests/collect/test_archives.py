"""Archives that are not zips are opened by way of the sandbox, under the rules of zips."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import py7zr
import pytest

from fixtures.stories.rars import Member, rar4_bytes, rar5_bytes
from fixtures.stories.tars import tar_bytes
from grader.collect.archives import repacker
from grader.evidence import Crashed, Failure, TimedOut
from grader.evidence.refusals import heard_refusal
from grader.intake import Archive, Limits, file_digest, open_submission
from grader.probes.archives import rars
from grader.probes.refusals import Refuse
from grader.probes.worker import find_probe
from grader.records import Student, Submission
from grader.records.errors import BadLab, BadSubmission, GraderError
from grader.sandbox import Job, Reply
from grader.sandbox import Limits as JobLimits

FILES = {"lab/exp2.py": b"print(1)\n", "lab/final.pth": bytes(range(256)) * 40, "lab/实验.md": "报告".encode()}


class InProcess:
    """Runs a job here, as a sandbox would in another process: which one makes no difference to these tests."""

    name = "here"
    isolated = False

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def run(self, job: Job) -> Reply | Failure:
        self.jobs.append(job)
        files = {name: os.open(path, os.O_RDONLY) for name, path in job.files.items()}
        try:
            value, arrays = find_probe(job.probe)(dict(job.inputs), files)
        except Refuse as error:
            return heard_refusal(error.code, error.values)
        finally:
            for descriptor in files.values():
                os.close(descriptor)
        return Reply(json.loads(json.dumps(value)), {"rest": np.frombuffer(b"".join(arrays.values()), np.uint8)})


class Answering:
    """A sandbox in which something has gone wrong."""

    def __init__(self, *answers: Reply | Failure) -> None:
        self._answers = list(answers)

    def run(self, job: Job) -> Reply | Failure:
        return self._answers.pop(0)


def sevenzip(files: dict[str, bytes], *names: str, **options: object) -> bytes:
    """A 7z; `names` are written in place of those of the files, for py7zr does not write all that we must refuse."""
    buffer = io.BytesIO()
    with py7zr.SevenZipFile(buffer, "w", **options) as archive:  # type: ignore[arg-type]
        for name, data in files.items():
            archive.writestr(data, name)
        for number, name in enumerate(names):
            archive.header.files_info.files[number]["filename"] = name
    return buffer.getvalue()


def rar(files: dict[str, bytes], **options: object) -> bytes:
    return rar5_bytes(*(Member(name, data) for name, data in files.items()))


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Submission]]:
    """Open an archive; whatever happens, nothing is written beside the folder that it is unpacked to."""
    into = tmp_path / "into"

    def open_it(
        data: bytes, name: str = "lab5.tar.gz", limits: Limits | None = None, sandbox: object = None
    ) -> Submission:
        path = tmp_path / name
        path.write_bytes(data)
        repack = repacker(sandbox or InProcess(), JobLimits())  # type: ignore[arg-type]
        try:
            return open_submission(Archive(path, Student("Ada Ng")), into, limits or Limits(), repack)
        except GraderError:
            assert list(into.iterdir()) == []
            raise
        finally:
            path.unlink()

    yield open_it
    assert {item.name for item in tmp_path.iterdir()} <= {"into"}


@pytest.fixture
def refused(opened: Callable[..., Submission]) -> Callable[..., str]:
    """The sentence that the student gets for an archive that must be refused."""

    def open_it(data: bytes, name: str = "lab5.tar.gz", limits: Limits | None = None) -> str:
        with pytest.raises(BadSubmission) as caught:
            opened(data, name, limits)
        sentence = caught.value.message.english()
        assert sentence.isprintable()
        return sentence

    return open_it


def content(submission: Submission) -> dict[str, bytes]:
    return {file.path: (submission.root / file.path).read_bytes() for file in submission.files}


def notes(submission: Submission) -> list[str]:
    return [note.english() for note in submission.notes]


@pytest.fixture
def with_libarchive() -> None:
    if not rars.can_unpack():
        pytest.skip("libarchive is not here: apt install libarchive13")


ALL = [(tar_bytes, "lab5.tar.gz", "tar.gz"), (sevenzip, "lab5.7z", "7z"), (rar, "lab5.rar", "RAR")]


@pytest.mark.parametrize(("pack", "name", "form"), ALL)
@pytest.mark.usefixtures("with_libarchive")
def test_an_archive_is_opened_like_a_zip_of_the_same_files(opened, pack, name, form, tmp_path):
    data = pack(FILES)
    submission = opened(data, name)
    assert content(submission) == {path.removeprefix("lab/"): data for path, data in FILES.items()}
    assert submission.archive == name
    assert notes(submission) == [f"{name} was read as {form}."]
    (tmp_path / "into" / "digest").write_bytes(data)
    assert submission.digest == file_digest(tmp_path / "into" / "digest")


@pytest.mark.parametrize(("pack", "name", "form"), ALL)
@pytest.mark.usefixtures("shared_sandbox", "with_libarchive")
def test_the_real_sandbox_reads_every_format(opened, shared_sandbox, pack, name, form):
    assert len(opened(pack(FILES), name, sandbox=shared_sandbox).files) == len(FILES)


def test_a_7z_called_zip_is_read_as_what_it_is(opened):
    assert notes(opened(sevenzip(FILES), "lab5.zip")) == ["lab5.zip was read as 7z."]


def test_a_name_in_gbk_is_decoded_as_in_a_zip(opened):
    submission = opened(tar_bytes({"实验五/报告.md": b"x"}, format=tarfile.GNU_FORMAT, encoding="gbk"))
    assert list(content(submission)) == ["报告.md"]
    assert "Names without a declared encoding, read as GB18030: 1." in notes(submission)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../../out.py", "points outside the submission ('..')"),
        ("/tmp/out.py", "is an absolute path"),
        ("C:\\out.py", "is an absolute path"),
        ("lab\\..\\..\\out.py", "points outside the submission ('..')"),
    ],
)
@pytest.mark.parametrize("pack", [tar_bytes, rar])
def test_a_hostile_name_is_refused_as_in_a_zip(refused, name, said, pack):
    assert said in refused(pack({"lab/exp2.py": b"x", name: b"x"}))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("n" * 300, "is too long"),
        ("lab/a\nb.py", "has control characters in its name"),
        ("d/" * 30 + "a.py", "levels deep"),
    ],
)
@pytest.mark.parametrize("pack", [tar_bytes, rar])
def test_a_bad_name_costs_its_entry_as_in_a_zip(opened, name, said, pack):
    submission = opened(pack({"lab/exp2.py": b"x", name: b"x"}))
    assert [file.name for file in submission.files] == ["exp2.py"]
    assert said in " ".join(notes(submission))


@pytest.mark.parametrize(
    ("name", "said"),
    [("../out.py", "points outside"), ("/tmp/out.py", "absolute path"), ("C:/out.py", "absolute path")],
)
def test_a_hostile_name_in_a_7z_is_refused_as_in_a_zip(refused, name, said):
    assert said in refused(sevenzip({"a": b"x"}, name), "lab5.7z")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (tarfile.SYMTYPE, "is a symbolic link. Put the file itself in its place."),
        (tarfile.LNKTYPE, "is a symbolic link. Put the file itself in its place."),
        (tarfile.CHRTYPE, "is a device or pipe, not a file. Leave it out."),
        (tarfile.BLKTYPE, "is a device or pipe, not a file. Leave it out."),
        (tarfile.FIFOTYPE, "is a device or pipe, not a file. Leave it out."),
    ],
)
def test_links_and_devices_cost_their_entry_as_in_a_zip(opened, kind, said):
    submission = opened(tar_bytes(FILES, special("lab/x", kind, "/etc/passwd")))
    assert len(submission.files) == len(FILES)
    (left_out,) = submission.left_out
    assert (left_out.path, left_out.why.english(), left_out.state) == ("x", f"lab/x {said}", "absent")


def test_links_in_a_rar_are_refused_as_in_a_zip(refused):
    link = rar5_bytes(Member("lab/x", mode=0o120777, redirect=(1, "/etc/passwd")))
    assert refused(link, "lab5.rar") == "lab/x is a symbolic link. Put the file itself in its place."


def test_what_is_below_a_link_is_not_written_through_it(refused):
    link = special("lab", tarfile.SYMTYPE, "/tmp")
    assert "lies below lab, which is a link" in refused(
        tar_bytes({"exp2.py": b"x"}, link, special("lab/cnn-lab-story-marker", b"0"))
    )
    assert not Path("/tmp/cnn-lab-story-marker").exists()


def test_a_hard_link_to_a_file_of_the_archive_is_that_file_again(opened):
    submission = opened(tar_bytes(FILES, special("lab/again.py", tarfile.LNKTYPE, "lab/exp2.py")))
    assert content(submission)["again.py"] == FILES["lab/exp2.py"]


def test_hard_links_count_with_their_content(refused):
    links = [special(f"lab/{number}.bin", tarfile.LNKTYPE, "lab/big.bin") for number in range(30)]
    assert "Unpacks to 310.0 MB" in refused(tar_bytes({"lab/big.bin": bytes(10_000_000)}, *links))


@pytest.mark.parametrize("pack", [tar_bytes, rar])
@pytest.mark.usefixtures("with_libarchive")
def test_of_a_name_that_comes_twice_a_person_says_which_counts(opened, pack):
    data = tar_bytes({"lab/exp2.py": b"1"}, special("lab/exp2.py", b"0"))
    if pack is rar:
        data = rar5_bytes(Member("lab/exp2.py", b"1"), Member("lab/exp2.py", b"2"))
    submission = opened(data)
    assert [file.path for file in submission.files] == ["exp2.py", "exp2.py (2)"]
    assert [(one.path, one.state) for one in submission.left_out] == [("exp2.py", "unclear")]


def test_a_file_that_is_also_a_folder_is_kept_beside_it(opened):
    submission = opened(tar_bytes({"lab": b"1", "lab/exp2.py": b"2"}))
    assert sorted(file.path for file in submission.files) == ["lab (2)", "lab/exp2.py"]


def test_encrypted_files_are_refused_as_in_a_zip(refused):
    said = "lab/exp2.py is encrypted. Zip the folder again, without a password."
    assert refused(sevenzip(FILES, password="secret"), "lab5.7z") == said
    assert refused(rar4_bytes(Member("lab/exp2.py", bytes(16), encrypted=True)), "lab5.rar") == said
    assert refused(rar5_bytes(Member("lab/exp2.py", bytes(16), encrypted=True)), "lab5.rar") == said


def test_a_file_over_the_limit_is_refused_before_its_content_is_asked_for(opened):
    sandbox = InProcess()
    with pytest.raises(BadSubmission, match=r"is 101\.0 MB; at most 100\.0 MB per file"):
        opened(tar_bytes({"lab/zeros.bin": bytes(101_000_000)}), sandbox=sandbox)
    assert [job.probe for job in sandbox.jobs] == ["archives.reading.list_entries"]


def test_too_many_files_are_refused_as_in_a_zip(refused):
    files = {f"lab/{number}.txt": b"x" for number in range(2_001)}
    assert refused(tar_bytes(files)).startswith("Files and folders: 2,001; at most 2,000 are allowed.")


def test_a_bomb_of_many_small_files_is_bounded_by_the_whole(refused):
    files = {f"lab/{number}.bin": bytes(1_000) for number in range(20)}
    assert "Unpacks to" in refused(tar_bytes(files), limits=Limits(total_bytes=10_000))


def test_more_entries_than_anybody_hands_in_are_refused(refused):
    one = tarfile.TarInfo("a").tobuf(tarfile.USTAR_FORMAT)
    assert "lists far more files than the lab asks for" in refused(gzip.compress(one * 100_001 + bytes(1024), 1))


def test_a_virtual_environment_and_the_data_set_are_left_out_and_not_counted(opened):
    links = [special(f"lab/venv/bin/{number}", tarfile.SYMTYPE, "/usr/bin/python3") for number in range(3_000)]
    batch = {"lab/data/cifar-10-batches-py/data_batch_1": bytes(31_000_000)}
    sandbox = InProcess()
    submission = opened(tar_bytes({**batch, **FILES}, *links), limits=Limits(total_bytes=1_000_000), sandbox=sandbox)
    assert len(submission.files) == len(FILES)
    assert "Left out venv (entries: 3,000): it is not part of the work." in notes(submission)
    assert any(note.startswith("Left out lab/data/cifar-10-batches-py (31.0 MB)") for note in notes(submission))
    assert sandbox.jobs[1].inputs["wanted"] == (1, 2, 3)


def test_an_archive_in_an_archive_is_opened_with_what_lies_beside_it(opened):
    submission = opened(tar_bytes({"inner.7z": sevenzip(FILES), "note.md": b"x"}))
    assert len(submission.files) == len(FILES) + 1
    assert "Opened the archives inside: inner.7z." in notes(submission)


def test_an_archive_three_deep_is_named(refused):
    inner = sevenzip({"third.7z": sevenzip(FILES)})
    assert "contains only other archives (third.7z)" in refused(tar_bytes({"inner.7z": inner}))


def test_an_archive_of_nothing_says_so(refused):
    assert "lab5.tar.gz contains no files." in refused(tar_bytes({}))
    assert "lab5.7z contains no files." in refused(sevenzip({}), "lab5.7z")
    assert "lab5.rar contains no files." in refused(rar5_bytes(), "lab5.rar")


def test_a_truncated_one_needs_a_person_like_a_damaged_zip(refused):
    assert "lab5.tar.gz is damaged or incomplete" in refused(tar_bytes(FILES)[:-20])
    assert "lab5.7z is damaged or incomplete" in refused(sevenzip(FILES)[:-20], "lab5.7z")
    assert "lab5.rar is damaged or incomplete" in refused(rar(FILES)[:-20], "lab5.rar")


def test_a_damaged_file_in_a_sound_archive_costs_that_file(opened):
    data = bytearray(sevenzip(FILES, filters=[{"id": py7zr.FILTER_COPY}]))
    data[data.index(FILES["lab/final.pth"][:99])] ^= 1
    submission = opened(bytes(data), "lab5.7z")
    (left_out,) = [one for one in submission.left_out if one.path == "final.pth"]
    assert left_out.state == "unread"
    assert "exp2.py" in [file.path for file in submission.files]
    assert left_out.why.english().startswith("lab/final.pth is damaged inside")


def test_a_compressed_file_that_is_no_archive_is_named_for_what_it_is(refused):
    said = refused(gzip.compress(b"print(1)\n"), "exp2.py.gz")
    assert said.startswith("exp2.py.gz is a single compressed file, not a tar.gz archive of a folder.")


def test_without_libarchive_a_rar_is_for_staff_and_no_fault_of_the_student(opened, monkeypatch):
    monkeypatch.setattr(rars, "can_unpack", lambda: False)
    with pytest.raises(BadLab, match="libarchive, which unpacks it, is not on this machine"):
        opened(rar(FILES), "lab5.rar")


@pytest.mark.parametrize(
    "answer",
    [
        Crashed("boom"),
        TimedOut(3.0),
        Reply({"bytes": 9}, {"rest": np.frombuffer(b"[]", np.uint8)}),
        Reply({"bytes": 2}, {"rest": np.frombuffer(b"{}", np.uint8)}),
        *(
            Reply({"bytes": len(line)}, {"rest": np.frombuffer(line, np.uint8)})
            for line in (
                b'[{"name":"\\u5b9e","size":1,"kind":"file","encrypted":false,"same_as":null}]',
                b'[{"name":"a","size":-1,"kind":"file","encrypted":false,"same_as":null}]',
                b'[{"name":"a","size":1,"kind":"file","encrypted":false,"same_as":0}]',
                b'[{"name":"a","size":1,"kind":"socket","encrypted":false,"same_as":null}]',
            )
        ),
    ],
)
def test_an_answer_that_cannot_be_used_is_our_fault_and_needs_a_person(opened, answer):
    with pytest.raises(BadLab, match=r"lab5.tar.gz could not be opened: .* unpack it by hand"):
        opened(tar_bytes(FILES), sandbox=Answering(answer))


@pytest.mark.parametrize("sizes", [None, [[0, 5]], [[0, -1]], [[0]], {"0": 4}, [[0, 4], [0, 4]]])
def test_content_that_does_not_add_up_is_our_fault(opened, sizes):
    line = b'[{"name":"exp2.py","size":4,"kind":"file","encrypted":false,"same_as":null}]'
    listing = Reply({"bytes": len(line)}, {"rest": np.frombuffer(line, np.uint8)})
    with pytest.raises(BadLab, match="could not be opened"):
        opened(
            tar_bytes(FILES),
            sandbox=Answering(listing, Reply({"sizes": sizes}, {"rest": np.frombuffer(b"1234", np.uint8)})),
        )


def test_no_answer_makes_anything_be_written_outside(opened):
    """A compromised reader can give other names and contents, which are distrusted like those of any zip."""
    line = b'[{"name":"../../cnn-lab-story-marker","size":4,"kind":"file","encrypted":false,"same_as":null}]'
    listing = Reply({"bytes": len(line)}, {"rest": np.frombuffer(line, np.uint8)})
    with pytest.raises(BadSubmission, match="points outside the submission"):
        opened(tar_bytes(FILES), sandbox=Answering(listing))


def test_nothing_of_an_archive_is_read_outside_the_sandbox(opened, monkeypatch):
    def never(*arguments: object, **keywords: object) -> None:
        raise AssertionError

    data = tar_bytes(FILES)
    for place, name in ((tarfile, "open"), (gzip, "GzipFile"), (py7zr, "SevenZipFile")):
        monkeypatch.setattr(place, name, never)
    line = b'[{"name":"exp2.py","size":4,"kind":"file","encrypted":false,"same_as":null}]'
    listing = Reply({"bytes": len(line)}, {"rest": np.frombuffer(line, np.uint8)})
    found = Reply({"sizes": [[0, 4]]}, {"rest": np.frombuffer(b"1234", np.uint8)})
    assert content(opened(data, sandbox=Answering(listing, found))) == {"exp2.py": b"1234"}
