"""The structure of a zip: what is refused, and what is still accepted."""

import struct
import zipfile

import pytest

SYMLINK, DEVICE, PIPE = (kind << 28 for kind in (0xA, 0x2, 0x1))


def names(submission):
    return [file.path for file in submission.files]


def test_a_symbolic_link_costs_that_file_and_is_not_made(left, zip_of, part, tmp_path):
    found = left(zip_of(part(b"a.py", b"x"), part(b"lab/final.pth", b"/etc/passwd", attributes=SYMLINK)))
    assert found["lab/final.pth"][0] == "absent"
    assert "lab/final.pth is a symbolic link" in found["lab/final.pth"][1]
    assert [path.name for path in (tmp_path / "into").rglob("*")] == ["a.py"]


def test_a_file_below_a_link_is_refused_as_an_attack(refused, zip_of, part):
    content = zip_of(part(b"a.py", b"x"), part(b"out", b"/tmp", attributes=SYMLINK), part(b"out/d/evil.py", b"x"))
    assert "out/d/evil.py lies below out, which is a link" in refused(content)


def test_a_link_in_a_virtual_environment_is_left_out_with_it(opened, zip_of, part):
    submission = opened(zip_of(part(b"a.py"), part(b"venv/bin/python", b"/usr/bin/python", attributes=SYMLINK)))
    assert names(submission) == ["a.py"]


@pytest.mark.parametrize("kind", [DEVICE, PIPE])
def test_devices_and_pipes_cost_themselves(left, zip_of, part, kind):
    state, sentence = left(zip_of(part(b"a.py", b"x"), part(b"dev", attributes=kind)))["dev"]
    assert (state, "dev is a device or pipe" in sentence) == ("absent", True)


@pytest.mark.parametrize("flags", [0x1, 0x41, 0x2000])
def test_an_encrypted_entry_costs_itself(left, zip_of, part, flags):
    found = left(zip_of(part(b"a.py", b"x"), part(b"exp2.py", b"x" * 20, flags=flags)))
    assert found["exp2.py"] == ("unread", "exp2.py is encrypted. Zip the folder again, without a password.")


def test_a_zip_of_encrypted_entries_alone_is_refused(refused, zip_of, part):
    content = zip_of(*(part(name, b"x" * 20, flags=0x1) for name in (b"exp2.py", b"final.pth")))
    assert refused(content) == "exp2.py is encrypted. Zip the folder again, without a password."


@pytest.mark.parametrize(("method", "name"), [(9, "Deflate64"), (12, "bzip2"), (14, "LZMA"), (77, "method 77")])
def test_an_entry_in_another_compression_than_deflate_costs_itself(left, zip_of, part, method, name):
    state, sentence = left(zip_of(part(b"a.py", b"x"), part(b"exp2.py", b"x", method=method)))["exp2.py"]
    assert (state, f"exp2.py is compressed with {name}" in sentence) == ("unread", True)


def test_a_bzip2_bomb_is_not_unpacked(refused, tmp_path):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("zeros.bin", bytes(1_000_000))
    assert "compressed with bzip2" in refused(path)


def test_overlapping_entries_are_refused_as_a_bomb(refused, zip_of, part):
    first = part(b"a", b"PK\x03\x04" + b"x" * 60)
    assert "a overlaps" in refused(zip_of(first, part(b"b", b"y", offset=31)))


def test_entries_that_overlap_inside_an_extra_field_are_refused_as_a_bomb(refused, zip_of, part):
    kernel = struct.pack("<4s5H3L2H", b"PK\x03\x04", *part(b"b", b"1234").header(), 1, 0) + b"b"
    quoting = part(b"a", local_extra=b"\xff\xff" + struct.pack("<H", len(kernel)) + kernel, data=b"1234")
    assert "a overlaps" in refused(zip_of(quoting, part(b"b", b"1234", offset=35)))


def test_two_entries_at_one_place_are_refused(refused, zip_of, part):
    assert "overlaps" in refused(zip_of(part(b"a", b"1"), part(b"b", b"2", offset=0)))


def test_an_entry_that_reaches_into_the_listing_is_refused(refused, zip_of, part):
    content = zip_of(part(b"a.py", b"1" * 10))
    at = content.index(b"PK\x01\x02")
    longer = content[: at + 20] + struct.pack("<L", 99) + content[at + 24 :]
    assert "a.py overlaps" in refused(longer)


def test_an_entry_that_is_listed_but_not_there_costs_itself(left, zip_of, part):
    state, sentence = left(zip_of(part(b"a.py"), part(b"b.py", offset=5)))["b.py"]
    assert (state, "b.py is listed in the zip but is not in it" in sentence) == ("unread", True)


def test_a_zip_in_which_nothing_is_where_it_is_listed_is_refused(refused, zip_of, part):
    assert "a.py is listed in the zip but is not in it" in refused(zip_of(part(b"a.py", offset=5)))


def test_a_damaged_entry_costs_itself_and_leaves_nothing(left, zip_of, part, tmp_path):
    found = left(zip_of(part(b"d/a.py", b"1"), part(b"d/exp2.py", b"x" * 9, crc=1)))
    assert (found["exp2.py"][0], "d/exp2.py is damaged inside the zip" in found["exp2.py"][1]) == ("unread", True)
    assert [path.name for path in (tmp_path / "into" / "d").iterdir()] == ["a.py"]


def test_a_zip_of_damaged_entries_alone_is_refused(refused, zip_of, part):
    assert "exp2.py is damaged inside the zip" in refused(zip_of(part(b"exp2.py", b"x", crc=1)))


def test_a_damaged_file_still_says_where_the_work_lies(opened, zip_of, part):
    content = zip_of(part(b"lab5/final.pth", b"x", crc=1), part(b"lab5/library/0/a.jpg", b"jpg"))
    submission = opened(content)
    assert names(submission) == ["library/0/a.jpg"]
    assert [one.path for one in submission.left_out] == ["final.pth"]


def test_a_stream_that_ends_before_its_declared_length_is_damage(refused, zip_of, part):
    assert "damaged inside the zip" in refused(zip_of(part(b"a.py", b"x" * 10, method=8, size=11)))


def test_a_name_that_differs_between_listing_and_entry_is_damage(refused, zip_of, part):
    assert "a.py is damaged inside the zip" in refused(zip_of(part(b"a.py", b"x", local_name=b"b.py")))


def test_a_utf8_name_that_is_not_utf8_is_refused_with_a_sentence(refused, zip_of, part):
    assert "declares that its file names are UTF-8" in refused(zip_of(part(b"\xff\xfe.py", flags=0x800)))


def test_a_feature_from_the_future_is_refused_with_a_sentence(refused, zip_of, part):
    assert "zip feature that few programs support" in refused(zip_of(part(b"a.py", version=99)))


def test_a_corrupt_extra_field_is_damage(refused, zip_of, part):
    assert "is damaged or truncated" in refused(zip_of(part(b"a.py", extra=b"\x01\x00\xff\xff")))


def test_a_listing_that_claims_gigabytes_is_not_read(refused, zip_of, part):
    content = zip_of(part(b"a.py", b"x" * 100))
    end = content.rindex(b"PK\x05\x06")
    hostile = bytes(9_000_000) + content[:end] + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 8_500_000, 0, 0)
    assert "lists far more files" in refused(b"PK\x03\x04" + hostile)


def test_a_truncated_zip_is_refused_with_a_sentence(refused, zip_of, part):
    assert "lab5.zip is damaged or truncated" in refused(zip_of(part(b"exp2.py", b"x" * 1000))[:-30])


def test_bytes_before_a_zip_that_begins_with_another_zip_are_noted(opened, zip_of, part):
    first = zip_of(part(b"old.py", b"1"))
    submission = opened(first + zip_of(part(b"new.py", b"2")))
    assert names(submission) == ["new.py"]
    assert f"{len(first)} bytes before its first entry" in submission.notes[0].english()


def test_a_zip_hidden_behind_another_format_is_refused(refused, zip_of, part):
    assert "its format is EXE (Windows)" in refused(zip_of(part(b"a.py"), before=b"MZ\x90\x00" + bytes(100)))
    assert "its format is PDF" in refused(zip_of(part(b"a.py"), before=b"%PDF-1.7\n"))


def test_a_zip_that_was_meant_to_be_split_and_was_not_is_read(opened, zip_of, part):
    assert names(opened(zip_of(part(b"a.py"), before=b"PK00"))) == ["a.py"]
