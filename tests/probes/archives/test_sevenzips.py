"""7z archives: what is listed, what is read, and what a broken one is called."""

import io
import random
import stat

import py7zr
import pytest

from grader.probes.archives import sevenzips

FILES = {
    "lab/exp2.py": b"print(1)\n" * 50,
    "lab/实验.md": b"x" * 700,
    "lab/final.pth": random.Random(0).randbytes(9_000),
}


def sevenzip(files, more=lambda archive: None, **options):
    buffer = io.BytesIO()
    with py7zr.SevenZipFile(buffer, "w", **options) as archive:
        for name, data in files.items():
            archive.writestr(data, name)
        more(archive)
    return buffer.getvalue()


def test_every_file_is_read_under_its_own_name(read):
    files = {**FILES, "lab/empty.txt": b""}
    assert read(sevenzip(files), "7z").contents == files


@pytest.mark.parametrize(
    "filters",
    [
        [{"id": py7zr.FILTER_LZMA}],
        [{"id": py7zr.FILTER_DELTA}, {"id": py7zr.FILTER_LZMA2, "preset": 1}],
        [{"id": py7zr.FILTER_BZIP2}],
        [{"id": py7zr.FILTER_DEFLATE}],
        [{"id": py7zr.FILTER_PPMD, "order": 6, "mem": 24}],
        [{"id": py7zr.FILTER_COPY}],
        [{"id": py7zr.FILTER_ZSTD}],
    ],
)
def test_every_usual_compression_is_read(read, filters):
    assert read(sevenzip(FILES, filters=filters), "7z").contents == FILES


def test_only_the_files_asked_for_are_read(read):
    assert read(sevenzip(FILES), "7z", only=["lab/final.pth"]).contents == {"lab/final.pth": FILES["lab/final.pth"]}


def test_names_that_lead_elsewhere_are_listed_and_nothing_is_written(read, tmp_path, monkeypatch):
    def rename(archive):
        for info, name in zip(archive.header.files_info.files, ("../out.py", "/tmp/out.py", "lab/a.py"), strict=True):
            info["filename"] = name

    monkeypatch.chdir(tmp_path)
    found = read(sevenzip({"a": b"1", "b": b"2", "c": b"3"}, rename), "7z", only=["lab/a.py"])
    assert found.names == ["../out.py", "/tmp/out.py", "lab/a.py"]
    assert found.contents == {"lab/a.py": b"3"}
    assert list(tmp_path.iterdir()) == []


def test_links_and_folders_are_listed_as_what_they_are(read, tmp_path):
    (tmp_path / "lab" / "inner").mkdir(parents=True)
    (tmp_path / "lab" / "a.py").write_bytes(b"1")
    (tmp_path / "lab" / "link").symlink_to("a.py")
    found = read(sevenzip({}, lambda archive: archive.writeall(tmp_path / "lab", "lab")), "7z")
    assert found.kinds == {"lab": "folder", "lab/a.py": "file", "lab/inner": "folder", "lab/link": "link"}


def test_a_pipe_is_listed_as_a_device(read):
    def pipe(archive):
        archive.header.files_info.files[-1]["attributes"] = 0x8000 | (stat.S_IFIFO | 0o644) << 16

    assert read(sevenzip({"a": b"1"}, pipe), "7z").kinds == {"a": "device"}


def test_an_encrypted_file_is_listed_as_such(read):
    found = read(sevenzip(FILES, password="secret"), "7z")
    assert [entry["encrypted"] for entry in found.listing] == [True] * 3
    assert found.contents == {}


def test_an_encrypted_listing_is_refused(refusal):
    assert refusal(sevenzip(FILES, password="secret", header_encryption=True), "7z") == (
        "archive_encrypted",
        "lab5 is encrypted. Zip the folder again, without a password.",
    )


@pytest.mark.parametrize("cut", [1, 100, 5_000])
def test_a_truncated_one_is_called_damaged(refusal, cut):
    code, sentence = refusal(sevenzip(FILES)[:-cut], "7z")
    assert code == "archive_damaged"
    assert "it cannot be read as 7z" in sentence


def test_the_first_part_of_several_is_called_incomplete(refusal):
    assert refusal(sevenzip(FILES)[:4_000], "7z")[0] == "archive_damaged"


def test_of_a_damaged_file_nothing_is_given_but_what_stands_before_it(read):
    packed = bytearray(sevenzip(FILES, filters=[{"id": py7zr.FILTER_COPY}]))
    at = packed.index(FILES["lab/final.pth"][:50])
    packed[at + 10] ^= 1
    found = read(bytes(packed), "7z")
    assert found.contents == {name: FILES[name] for name in ("lab/exp2.py", "lab/实验.md")}
    assert len(found.listing) == 3


def test_of_two_files_of_one_name_both_are_listed(read):
    def twin(archive):
        archive.writestr(b"2", "b")
        archive.header.files_info.files[-1]["filename"] = "a"

    assert read(sevenzip({"a": b"1"}, twin), "7z").names == ["a", "a"]


def test_an_archive_of_nothing_lists_nothing(read):
    assert read(sevenzip({}), "7z").listing == ()


def test_a_bomb_ends_as_a_refusal(refusal, monkeypatch):
    monkeypatch.setattr(sevenzips, "READ_BYTES", 1_000_000)
    assert refusal(sevenzip({"venv/zeros": bytes(5_000_000)}), "7z")[0] == "archive_large"
