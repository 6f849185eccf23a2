"""Whatever an editor saved becomes text."""

from __future__ import annotations

import os

import pytest

from grader.probes.documents.text import MOST_BYTES, decode, read_bytes, storable

CHINESE = "测试准确率：84.54%"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16", "utf-16-le", "utf-16-be"])
def test_chinese_text_is_read_in_every_encoding_of_an_editor(encoding):
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    assert decode(mark + CHINESE.encode(encoding)) == CHINESE


@pytest.mark.parametrize("text", ["Genauigkeit für ResNet20: 84,54 % – größer", "La précision était élevée", "Größe"])
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
def test_western_text_is_read_in_every_encoding_of_an_editor(text, encoding):
    assert decode(text.encode(encoding)) == text


def test_one_broken_byte_costs_one_character():
    text = CHINESE * 3
    assert decode(text.encode() + b"\xff") == text + "\ufffd"
    assert decode(text.encode("gb18030") + b"\xff") == text + "\ufffd"


@pytest.mark.parametrize("data", [b"", b"\xff", b"\xff\xfe\x00", b"\x80\x81\xff\xff", bytes(range(256))])
def test_no_bytes_at_all_stop_it(data):
    assert isinstance(decode(data), str)


def test_a_file_is_read_from_its_start_however_often(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"hello")
    descriptor = os.open(path, os.O_RDONLY)
    try:
        assert [read_bytes({"a": descriptor}, "a") for _ in range(2)] == [b"hello", b"hello"]
    finally:
        os.close(descriptor)


def test_a_huge_file_is_read_to_its_cap_only(tmp_path):
    path = tmp_path / "a.txt"
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 1000)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        assert len(read_bytes({"a": descriptor}, "a")) == MOST_BYTES
    finally:
        os.close(descriptor)


def test_half_a_character_becomes_a_question_mark_and_all_else_stays():
    assert storable("a\ud800b猫😀") == "a?b猫😀"
