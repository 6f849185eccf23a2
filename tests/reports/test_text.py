"""Words: messages become sentences here only, and nothing invisible gets through."""

from __future__ import annotations

import unicodedata

import pytest

from grader.records import message
from reports.text import cell, clip, figure, named, percent, points, say, squeezed, tick, visible, words


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (26.5, "26.5"),
        (30, "30"),
        (0.0, "0"),
        (3.625, "3.62"),
        (100.0, "100"),
        (12.10, "12.1"),
        (-5, "−5"),
        (-0.001, "0"),
    ],
)
def test_points_have_at_most_two_decimals_and_no_trailing_zero(value: float, shown: str) -> None:
    assert points(value) == shown


def test_no_mark_is_a_dash_and_not_a_zero() -> None:
    assert points(None) == "–"


def test_an_adjustment_upwards_carries_its_sign() -> None:
    assert points(2.5, signed=True) == "+2.5"


def test_a_message_becomes_a_sentence_with_its_formats() -> None:
    assert words(message("{k:,} of {n:,}: {share:.2%}", k=8491, n=10000, share=0.8491)) == "8,491 of 10,000: 84.91%"


def test_braces_in_a_value_are_text_and_not_a_field() -> None:
    assert words(message("read {name}", name="{secret} {0}")) == "read {secret} {0}"


def test_doubled_braces_of_a_template_are_single_in_the_sentence() -> None:
    assert words(message("a dict {{}} named {name}", name="net")) == "a dict {} named net"


@pytest.mark.parametrize(
    "character",
    ["\x1b", "\x07", "\x9b", "\r", "\n", "\u202e", "\u2066", "\u200b", "\ud800", "\ue000", "\u2028", "\U000e0041"],
)
def test_a_character_that_steers_is_shown_as_its_escape(character: str) -> None:
    shown = visible(f"a{character}b")
    assert character not in shown
    assert shown == f"a{character.encode('unicode_escape').decode()}b"


def test_names_in_other_scripts_stay_as_they_are() -> None:
    for name in ("吴雅达", "Nguyễn Thị Ánh", "Žofie Müller", "محمد", "สมชาย น้ำฝน", "Ada 🎓"):
        assert visible(name) == name


def test_piled_up_accents_are_cut_down() -> None:
    shown = visible("a" + "\u0301" * 60)
    assert sum(unicodedata.category(c) == "Mn" for c in shown) <= 4


def test_long_text_is_cut_and_says_how_long_it_was() -> None:
    assert clip("x" * 300, 10) == "xxxxxxxxxx… (300 characters)"


def test_nobody_is_without_a_name() -> None:
    assert named("  ") == "(no name)"


def test_chinese_characters_take_two_columns() -> None:
    assert squeezed("训练集上的准确率", 9) == "训练集上…"
    assert squeezed("accuracy", 8) == "accuracy"


def test_a_value_too_long_is_cut_inside_its_sentence() -> None:
    sentence = words(message("{name} is not a zip.", name="n" * 5000))
    assert len(sentence) < 400
    assert sentence.endswith("(5000 characters) is not a zip.")


def test_figures_are_written_as_people_write_them() -> None:
    assert figure(84.9, "%") == "84.90%"
    assert figure(10000) == figure(10000.0) == "10,000"
    assert figure(0.1234567) == "0.123457"
    assert figure(10**400) == "1.00000e+400"
    assert tick(0.25) == "0.25"
    assert tick(1500.0) == "1,500"
    assert percent(1, 0) == "–"


def test_cells_show_nothing_as_a_dash_and_truth_as_a_word() -> None:
    assert [cell(None), cell(True), cell(3), cell("a\x1bb"), cell(message("{n} keys", n=2))] == [
        "–",
        "yes",
        "3",
        "a\\x1bb",
        "2 keys",
    ]


def test_the_reports_own_sentences_take_the_same_way() -> None:
    assert say("{k} of {n}", k=1, n=2) == "1 of 2"
