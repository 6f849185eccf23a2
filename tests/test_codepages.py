"""Windows-1252 and GB18030 are told apart by their letters, in texts that are as short as a name."""

from __future__ import annotations

import pytest
from babel import Locale

from grader.codepages import READ, likely_encoding

WESTERN = ("ca", "da", "de", "es", "et", "eu", "fi", "fr", "ga", "gl", "is", "it", "nb", "nl", "pt", "sv")
TABLE = b"student,criterion,points,reason\n"


def names(language: str, encoding: str) -> list[bytes]:
    """Names of countries, languages and currencies that this encoding has, and ASCII has not."""
    known = Locale.parse(language)
    texts = {*known.territories.values(), *known.languages.values(), *known.currencies.values()}
    encoded = (text.encode(encoding, "replace") for text in sorted(texts) if not text.isascii())
    return [one for one in encoded if b"?" not in one]


@pytest.mark.parametrize("language", WESTERN)
def test_one_western_name_in_a_table_is_enough(language: str) -> None:
    found = names(language, "cp1252")
    assert len(found) > 50
    assert [one for one in found if likely_encoding(TABLE + one + b",x,3,\n") != "cp1252"] == []


@pytest.mark.parametrize(("language", "unclear"), [("zh", 0.0), ("zh_Hant", 0.02)])
def test_one_chinese_name_in_a_table_is_enough(language: str, unclear: float) -> None:
    """Half of a traditional character is often an ASCII letter, so a single name of those may look Western."""
    found = [one for one in names(language, "gb18030") if not valid_utf8(one)]
    assert len(found) > 1000
    wrong = [one for one in found if likely_encoding(TABLE + one + b",x,3,\n") != "gb18030"]
    assert len(wrong) <= unclear * len(found), [one.decode("gb18030") for one in wrong]


def valid_utf8(data: bytes) -> bool:
    """A few words of GB18030 are UTF-8 as well, such as 联通: nothing tells them apart."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize("text", ["", "plain", "Größe", "测试", "naïve – “quoted”"])
def test_what_is_utf_8_is_nothing_else(text: str) -> None:
    assert likely_encoding(text.encode()) == "utf-8"


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "gb18030"])
def test_one_broken_byte_changes_nothing(encoding: str) -> None:
    text = {"cp1252": "Größe für größer "}.get(encoding, "测试准确率的结果")
    assert likely_encoding(text.encode(encoding) * 3 + b"\xff") == encoding


def test_a_long_text_is_judged_by_its_start_even_where_that_ends_within_a_character() -> None:
    for padding in (b"", b"a"):
        data = padding + "测试".encode("gb18030") * (READ // 3)
        assert likely_encoding(data) == "gb18030"
        assert likely_encoding(padding + "测试".encode() * (READ // 3)) == "utf-8"
