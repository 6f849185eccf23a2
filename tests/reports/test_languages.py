"""Every word can be said in another language: the catalogue is whole, and pages hold nothing beside it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from string import Formatter

import click
import pytest
from rich.console import Console

import reports
import reports.languages
from grader.cli.app import cli, main
from grader.gradebook.files import to_json
from grader.records import Criterion, Flag, Grade, Message, message
from reports import terminal
from reports.html import render, render_class
from reports.languages import LANGUAGES, catalogue, of_locale, speak, speaking, spoken
from reports.languages.extraction import Extracted, extract
from reports.languages.po import Entry, read_po, write_po
from reports.text import say, words

ROOT = Path(reports.__file__).parents[1]
OTHERS = [language for language in LANGUAGES if language != "en"]
SAME_EVERYWHERE = {"UTC", "SHA", "nan", "inf"}  # and what a grade holds verbatim


@pytest.fixture(scope="module")
def extracted() -> Extracted:
    return extract(ROOT)


def entries(language: str) -> list[Entry]:
    return list(read_po((ROOT / "reports" / "languages" / f"{language}.po").read_text("utf-8")))


def gaps(template: str) -> list[tuple[str, str, str]]:
    """Every field with its format and conversion, in an order of their own: languages have theirs."""
    pieces = Formatter().parse(template)
    return sorted((name, spec or "", conversion or "") for _, name, spec, conversion in pieces if name is not None)


# --- the catalogue ---------------------------------------------------------------------------------------------


def test_every_sentence_can_be_traced_to_its_words(extracted: Extracted) -> None:
    assert extracted.untraceable == ()
    assert len(extracted.templates) > 700


@pytest.mark.parametrize("language", OTHERS)
def test_every_sentence_has_a_translation_and_nothing_else_has(extracted: Extracted, language: str) -> None:
    translated = {entry.template for entry in entries(language) if entry.translation.strip()}
    again = "run: python -m reports.languages"
    assert sorted(set(extracted.templates) - translated) == [], again
    assert sorted({entry.template for entry in entries(language)} - set(extracted.templates)) == [], again


@pytest.mark.parametrize("language", OTHERS)
def test_fields_and_their_formats_are_those_of_the_english_sentence(language: str) -> None:
    wrong = [one for one in entries(language) if gaps(one.template) != gaps(one.translation)]
    assert wrong == []


@pytest.mark.parametrize("language", OTHERS)
def test_no_sentence_is_there_twice(language: str) -> None:
    templates = [entry.template for entry in entries(language)]
    assert len(templates) == len(set(templates))


def test_a_catalogue_is_read_as_it_was_written() -> None:
    written = [Entry('a "b" \\n\n\tc {x:.2f}', "“甲”\\\n{x:.2f}", ("a.py", "b.j2")), Entry("d", "")]
    assert list(read_po(write_po(written))) == written


def test_a_line_that_no_catalogue_has_is_refused() -> None:
    with pytest.raises(ValueError, match="neither msgid nor msgstr"):
        list(read_po('msgid "a"\nmsgstr "b" and more'))


# --- where words come from -------------------------------------------------------------------------------------

SOURCES = {
    "a literal": 'message("a")',
    "put together": 'message("a" + " b" + TAIL)',
    "a variable": 'text = "old"\ntext = "a"\nmessage(text)',
    "a choice": 'message("a" if x else "b")',
    "a table": "message(TABLE[x])",
    "one entry of a table": 'message(TABLE["one"])',
    "a table with a default": 'message(TABLE.get(x, "c"))',
    "a loop": "for key, (text, more) in PAIRS:\n    message(text)",
    "the first that fits": 'message(next((text for text, number in USUAL.items() if number), "c"))',
    "what a function gives": "message(chosen(x))",
    "what callers give": "told('a', 1)\ntold(text='b', number=2)",
    "added to": 'text = "a"\nif x:\n    text += " b"\nmessage(text)',
    "a branch that returns": 'if x:\n    text = "a"\n    return message(text)\ntext = "b"\nreturn message(text)',
}
FOUND = {
    "a literal": {"a"},
    "put together": {"a b tail"},
    "a variable": {"a"},
    "a choice": {"a", "b"},
    "a table": {"a", "b"},
    "one entry of a table": {"a"},
    "a table with a default": {"a", "b", "c"},
    "a loop": {"a", "b"},
    "the first that fits": {"a", "b", "c"},
    "what a function gives": {"a", "b"},
    "what callers give": {"a", "b"},
    "added to": {"a", "a b"},
    "a branch that returns": {"a", "b"},
}
AROUND = """
from grader.records import message
TAIL = " tail"
TABLE = {{"one": "a", "two": "b"}}
PAIRS = ((1, ("a", 2)), (3, ("b", 4)))
USUAL = {{"a": 1, "b": 2}}
def chosen(x):
    if x:
        return "a"
    return "b"
{told}
def use(x):
    {body}
"""
TOLD = "def told(text, number):\n    return message(text)\n"


def sentences_of(folder: Path, body: str, around: str = "") -> Extracted:
    (folder / "grader").mkdir()
    source = AROUND.format(body=body.replace("\n", "\n    "), told=around)
    (folder / "grader" / "some.py").write_text(source)
    return extract(folder)


@pytest.mark.parametrize("name", SOURCES)
def test_a_sentence_is_found_wherever_its_words_stand(tmp_path: Path, name: str) -> None:
    found = sentences_of(tmp_path, SOURCES[name], TOLD if "told" in SOURCES[name] else "")
    assert found.untraceable == ()
    assert set(found.templates) == FOUND[name]


@pytest.mark.parametrize("body", ['message(f"a {x}")', "message(x.text)", "message(x)", 'message(" ".join(x))'])
def test_words_that_are_nowhere_in_the_source_are_reported_with_their_place(tmp_path: Path, body: str) -> None:
    found = sentences_of(tmp_path, body)
    assert len(found.untraceable) == 1
    assert found.untraceable[0].startswith("grader/some.py:")


def test_titles_of_checks_and_kinds_of_flags_are_sentences_too(extracted: Extracted) -> None:
    assert "The trained network names test images correctly" in extracted.templates
    assert "weaker sandbox" in extracted.templates


# --- pages and terminal hold nothing else ----------------------------------------------------------------------


class Prose(HTMLParser):
    """What is read on a page or heard of it: text outside of style and script, and attributes that are words."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._skipped = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._skipped += tag in ("style", "script")
        self.texts += [value or "" for name, value in attrs if name in ("aria-label", "title", "alt", "placeholder")]

    def handle_endtag(self, tag: str) -> None:
        self._skipped -= tag in ("style", "script")

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self.texts.append(data)


def latin_words(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z]{2,}", text))


def verbatim(value: object) -> Iterator[str]:
    """Every text that a record holds and that is not ours to translate."""
    match value:
        case str():
            yield value
        case Message(values=values):
            yield from verbatim(tuple(inner for _, inner in values))
        case Criterion(check=check):
            yield check
        case Flag(message=said, exhibits=exhibits):
            yield from verbatim((said, exhibits))
        case tuple():
            for inner in value:
                yield from verbatim(inner)
        case _ if is_dataclass(value):
            for field in fields(value):
                if field.name not in ("form", "state", "audience", "schema", "platform"):
                    yield from verbatim(getattr(value, field.name))


@pytest.fixture
def foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    """A language in which every letter of ours is another: what is left in Latin letters was not translated."""

    def translate(template: str) -> str:
        pieces = []
        for literal, name, spec, _ in Formatter().parse(template):
            pieces.append(re.sub("[A-Za-z]", "字", literal).replace("{", "{{").replace("}", "}}"))
            if name is not None:
                pieces.append(f"{{{name}:{spec}}}")
        return "".join(pieces)

    monkeypatch.setattr("reports.text.translate", translate)


def left_over(text: str, *grades: Grade) -> set[str]:
    own = {word for grade in grades for one in verbatim(grade) for word in latin_words(one)}
    platforms = {grade.student.platform.capitalize() for grade in grades}
    own |= {word[:end] for word in own for end in range(2, len(word))}  # long values are cut
    return latin_words(text) - own - platforms - SAME_EVERYWHERE


@pytest.mark.parametrize("audience", ["staff", "student"])
def test_a_page_holds_no_word_that_cannot_be_translated(any_grade: Grade, foreign: None, audience: str) -> None:
    texts = Prose(render(any_grade, audience)).texts  # type: ignore[arg-type]
    assert left_over(re.sub(r"\\[xuU][0-9a-f]+", "", " ".join(texts)), any_grade) <= {"cnn", "lab", "grader"}


def test_the_class_page_holds_no_word_that_cannot_be_translated(
    well_done: Grade, blocked: Grade, unjudged: Grade, foreign: None
) -> None:
    grades = (well_done, blocked, unjudged)
    page = render_class([(grade, f"./{n}/report.html") for n, grade in enumerate(grades)])
    assert left_over(" ".join(Prose(page).texts), *grades) <= {
        word for grade in grades for mark in grade.marks for word in mark.criterion.check.split("_")
    }


def test_the_terminal_says_no_word_that_cannot_be_translated(well_done: Grade, unjudged: Grade, foreign: None) -> None:
    out = StringIO()
    console = Console(file=out, width=1000)
    for grade in (well_done, unjudged):
        terminal.show(grade, Path("r"), console)
    terminal.summary([(well_done, Path("a/b/r")), (unjudged, Path("a/c/r"))], console)
    assert left_over(out.getvalue(), well_done, unjudged) <= {"report", "html"}


# --- which language --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh-Hans"}, "zh"),
        ({"LANG": "ZH"}, "zh"),
        ({"LANG": "zh_TW"}, "zh"),
        ({"LANG": "en_GB.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "zha_CN"}, "en"),
        ({"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LC_ALL": "", "LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LC_MESSAGES": "zh_CN", "LANG": "en_US.UTF-8"}, "zh"),
        ({"LC_ALL": "zh_CN", "LC_MESSAGES": "en_US"}, "zh"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="without these variables Windows is asked")
def test_the_locale_chooses_the_language(environment: dict[str, str], language: str) -> None:
    assert of_locale(environment) == language


def test_a_message_is_said_in_the_language_chosen_with_its_values() -> None:
    said = message("{k:,} of {n:,}", k=1, n=2000)
    with speaking("zh"):
        assert words(said) == "1 / 2,000"
        assert say("yes") == "是"
    assert words(said) == "1 of 2,000"


def test_what_no_catalogue_has_stays_english() -> None:
    with speaking("zh"):
        assert words(message("a sentence of {name}", name="the future")) == "a sentence of the future"


def test_a_value_that_reads_like_a_sentence_of_ours_is_not_translated() -> None:
    with speaking("zh"):
        assert words(message("{name}", name="yes")) == "yes"


def test_a_language_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="'xx'"):
        speak("xx")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_declares_its_language(well_done: Grade, language: str) -> None:
    with speaking(language):
        pages = (render(well_done), render_class([(well_done, "./a/report.html")]))
    assert all(f'<html lang="{LANGUAGES[language]}">' in page for page in pages)


def test_a_stored_grade_is_the_same_in_every_language(well_done: Grade) -> None:
    with speaking("zh"):
        assert "下一步" in render(well_done)
        stored = to_json(well_done)
    assert stored == to_json(well_done)


# --- the command -----------------------------------------------------------------------------------------------


@pytest.fixture
def grades(tmp_path: Path, well_done: Grade, blocked: Grade) -> Path:
    for grade in (well_done, replace(blocked, unusable=False)):
        place = tmp_path / grade.digest[:4]
        place.mkdir()
        (place / "grade.json").write_text(to_json(grade), "utf-8")
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> object:
    monkeypatch.setattr(sys, "argv", ["grade", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_lang_draws_pages_and_speaks(
    grades: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "report", grades, "--lang", "zh") == 0
    assert "已生成的页面：2" in capsys.readouterr().out
    assert all('lang="zh-Hans"' in page.read_text("utf-8") for page in grades.rglob("*.html"))
    assert spoken() == "en"  # the command's language ends with it


def test_the_locale_is_taken_where_no_language_is_named(
    grades: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert run(monkeypatch, "report", grades) == 0
    assert "已生成的页面：2" in capsys.readouterr().out
    assert run(monkeypatch, "report", grades, "--lang", "en") == 0
    assert "Pages drawn: 2" in capsys.readouterr().out


def test_an_error_is_told_in_the_language_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "report", tmp_path, "--lang", "zh") == 2
    assert "中没有 grade.json。" in capsys.readouterr().err


def test_an_unknown_language_is_refused_with_those_that_there_are(
    grades: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "report", grades, "--lang", "xx") == 2
    assert "'xx' is not one of 'en', 'zh'" in capsys.readouterr().err


def commands(group: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(group, click.Group):
        yield " ".join(path), group
        return
    for name, command in group.commands.items():
        yield from commands(command, (*path, name))


@pytest.mark.parametrize(("name", "command"), [pair for pair in commands(cli) if pair[0] != "completion"])
def test_every_command_that_says_something_takes_a_language(name: str, command: click.Command) -> None:
    assert any("--lang" in parameter.opts for parameter in command.params)


@pytest.mark.parametrize("language", OTHERS)
def test_the_catalogue_in_use_is_the_file(language: str) -> None:
    assert dict(catalogue(language)) == {entry.template: entry.translation for entry in entries(language)}
