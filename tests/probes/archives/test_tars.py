"""Tars, plain and compressed: what is listed, what is read, and what a broken one is called."""

import gzip
import io
import tarfile

import pytest

from grader.probes.archives import entries

FILES = {"lab/exp2.py": b"print(1)\n" * 50, "lab/实验.md": b"x" * 700, "lab/empty": b""}


def special(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize(("mode", "form"), [("w", "tar"), ("w:gz", "tar.gz"), ("w:bz2", "tar.bz2"), ("w:xz", "tar.xz")])
def test_every_compression_gives_the_same_files(read, tar_of, mode, form):
    assert read(tar_of(FILES, mode=mode), form).contents == FILES


def test_zstandard_gives_the_same_files(read, tar_of):
    zstd = pytest.importorskip("backports.zstd")
    assert read(zstd.compress(tar_of(FILES)), "tar.zst").contents == FILES


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_form_of_header_gives_the_same_files(read, tar_of, form):
    files = {f"lab/{'folder/' * 12}{name}": data for name, data in (("a.py", b"1"), ("b.py", b"2"))}
    assert read(tar_of(files, format=form), "tar").contents == files


def test_only_the_files_asked_for_are_read(read, tar_of):
    found = read(tar_of(FILES), "tar", only=["lab/实验.md"])
    assert found.contents == {"lab/实验.md": FILES["lab/实验.md"]}
    assert found.names == list(FILES)


def test_a_name_in_gbk_keeps_its_bytes(read, tar_of):
    packed = tar_of({"实验五/报告.md": b"x"}, format=tarfile.GNU_FORMAT, encoding="gbk")
    with pytest.raises(UnicodeDecodeError):
        assert read(packed, "tar", only=[]).names
    listing = entries_of(packed)
    assert [item.name.decode("gbk") for item in listing] == ["实验五/报告.md"]


def entries_of(packed):
    import tempfile

    from grader.probes.archives.tars import list_tar

    with tempfile.TemporaryFile() as file:
        file.write(packed)
        file.flush()
        return list(list_tar(file.fileno(), "lab5", "tar"))


def test_a_hard_link_has_the_content_of_its_file(read, tar_of):
    found = read(tar_of(FILES, special("lab/again.py", tarfile.LNKTYPE, "lab/exp2.py")), "tar")
    again = found.listing[-1]
    assert (again["kind"], again["size"], again["same_as"]) == ("file", len(FILES["lab/exp2.py"]), 0)


@pytest.mark.parametrize("target", ["lab/later.py", "../../etc/passwd", "/etc/passwd", "lab/link"])
def test_a_hard_link_to_anything_else_is_a_link(read, tar_of, target):
    link = special("lab/link", tarfile.SYMTYPE, "/etc/passwd")
    found = read(tar_of({"a": b"1"}, link, special("lab/hard", tarfile.LNKTYPE, target)), "tar")
    assert found.kinds["lab/hard"] == "link"


@pytest.mark.parametrize(
    ("kind", "called"),
    [
        (tarfile.SYMTYPE, "link"),
        (tarfile.CHRTYPE, "device"),
        (tarfile.BLKTYPE, "device"),
        (tarfile.FIFOTYPE, "device"),
        (tarfile.DIRTYPE, "folder"),
        (b"Q", "device"),
    ],
)
def test_what_is_no_file_is_listed_as_what_it_is(read, tar_of, kind, called):
    assert read(tar_of({}, special("x", kind, "/etc/passwd")), "tar").kinds["x"] == called


def test_the_label_of_a_volume_is_no_entry(read, tar_of):
    assert read(tar_of(FILES, special("backup", b"V")), "tar").names == list(FILES)


def test_a_sparse_file_is_listed_with_its_full_size_and_not_written_out(read):
    head = sparse("lab/huge", 1 << 40)
    found = read(head + bytes(1024), "tar", only=[])
    assert [entry["size"] for entry in found.listing] == [1 << 40]


def sparse(name, size):
    """A sparse file of GNU tar's old form: all of it a hole."""
    info = tarfile.TarInfo(name)
    info.type = tarfile.GNUTYPE_SPARSE
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    block[483:495] = b"\x80" + size.to_bytes(11, "big")
    block[148:156] = b" " * 8
    block[148:156] = f"{sum(block):06o}\0 ".encode()
    return bytes(block)


def test_a_negative_size_is_called_damaged(refusal):
    info = tarfile.TarInfo("a")
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    block[124:136] = b"\xff" * 10 + b"\x00\x00"
    block[148:156] = b" " * 8
    block[148:156] = f"{sum(block):06o}\0 ".encode()
    assert refusal(bytes(block) * 3 + bytes(1024), "tar")[0] == "archive_damaged"


@pytest.mark.parametrize("cut", [100, 600, 1024, 5_000])
@pytest.mark.parametrize(("mode", "form"), [("w", "tar"), ("w:gz", "tar.gz"), ("w:bz2", "tar.bz2"), ("w:xz", "tar.xz")])
def test_a_truncated_one_is_called_damaged_wherever_it_ends(refusal, tar_of, cut, mode, form):
    import random

    packed = tar_of({"lab/final.pth": random.Random(0).randbytes(20_000), **FILES}, mode=mode)
    size = len(packed.rstrip(b"\0")) if form == "tar" else len(packed)
    code, sentence = refusal(packed[: size - cut], form)
    assert code == "archive_damaged"
    assert sentence.startswith(f"lab5 is damaged or incomplete: it cannot be read as {form}.")


def test_a_broken_header_in_the_middle_is_not_taken_for_the_end(refusal, tar_of):
    packed = bytearray(tar_of(FILES))
    packed[packed.index(b"lab/empty")] ^= 1
    assert refusal(bytes(packed), "tar")[0] == "archive_damaged"


def test_a_wrong_checksum_of_the_compressed_stream_is_noticed(refusal, tar_of):
    packed = bytearray(tar_of(FILES, mode="w:gz"))
    packed[-8] ^= 1
    assert refusal(bytes(packed), "tar.gz")[0] == "archive_damaged"


@pytest.mark.parametrize("content", [b"print(1)\n" * 1_000, b"x", b""])
def test_a_compressed_file_that_is_no_tar_is_called_one_file(refusal, content):
    code, sentence = refusal(gzip.compress(content), "tar.gz")
    assert code == "archive_no_tar"
    assert sentence.startswith("lab5 is a single compressed file, not a tar.gz archive of a folder.")


def test_a_part_of_a_tar_in_several_is_named(refusal, tar_of):
    assert refusal(tar_of({}, special("lab/final.pth", b"M")), "tar")[0] == "archive_part"


def test_a_bomb_ends_as_a_refusal_and_not_as_a_timeout(refusal, tar_of, monkeypatch):
    monkeypatch.setattr(entries, "READ_BYTES", 3_000_000)
    code, sentence = refusal(tar_of({"venv/zeros": bytes(10_000_000)}, mode="w:gz"), "tar.gz")
    assert (code, sentence) == ("archive_large", "lab5 unpacks to more than 0 GB. Zip only the lab's own folder.")


def test_more_entries_than_anybody_hands_in_are_refused(refusal):
    one = tarfile.TarInfo("a").tobuf(tarfile.USTAR_FORMAT)
    assert refusal(one * 100_001 + bytes(1024), "tar")[0] == "archive_many"


def test_headers_within_headers_without_end_are_called_damaged(refusal):
    chain = special("././@LongLink", tarfile.GNUTYPE_LONGNAME)
    chain.size = 1
    block = chain.tobuf(tarfile.GNU_FORMAT) + b"a".ljust(512, b"\0")
    assert refusal(block * 5_000 + bytes(1024), "tar")[0] == "archive_damaged"


def test_an_empty_tar_lists_nothing(read, tar_of):
    assert read(tar_of({}), "tar").listing == ()
    assert read(io.BytesIO(tar_of({}, mode="w:gz")).getvalue(), "tar.gz").listing == ()


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_a_damaged_stream_is_not_called_one_compressed_file(refusal, tar_of, mode):
    packed = bytearray(tar_of(FILES, mode=mode))
    packed[40] ^= 0xFF
    assert refusal(bytes(packed), f"tar.{mode[2:]}")[0] == "archive_damaged"


def test_a_damaged_zstandard_stream_is_called_damaged(refusal, tar_of):
    zstd = pytest.importorskip("backports.zstd")
    assert refusal(b"\xff" + zstd.compress(tar_of(FILES))[1:], "tar.zst")[0] == "archive_damaged"
