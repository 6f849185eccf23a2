"""Every word can be said in another language: the catalogue is whole, and pages hold nothing beside it."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, is_dataclass, replace
from html.parser import HTMLParser
from io import BytesIO, StringIO
from pathlib import Path
from string import Formatter
from threading import Barrier

import click
import pytest
from babel.messages.catalog import Catalog
from babel.messages.catalog import Message as Entry
from babel.messages.pofile import read_po
from jinja2 import Environment, nodes
from rich.console import Console

from grader.cli.app import cli, main
from grader.gradebook.files import to_json
from grader.labs import the_lab
from grader.records import Criterion, Flag, Grade, Message, message
from reports import terminal
from reports.html import render, render_class
from reports.languages import LANGUAGES, catalogue, of_locale, speak, speaking, spoken, translate
from reports.languages.__main__ import extract, problems, read, update
from reports.languages.__main__ import main as update_all
from reports.languages.extraction import sentences
from reports.overview import HEADING
from reports.text import say, squeezed, words

ROOT = Path(__file__).parents[2]  # the checkout: the settings of the extraction are not installed
OTHERS = [language for language in LANGUAGES if language != "en"]
SAME_EVERYWHERE = {"UTC", "SHA", "nan", "inf"}  # and what a grade holds verbatim


HANDED_ON = {  # functions that are themselves given the literal, or take it from a table or constant made by N_
    ("grader/collect/retrieval/pictures.py", "_image"),
    ("grader/evidence/refusals.py", "refusal"),
    ("grader/evidence/wording.py", "heard"),
    ("grader/evidence/wording.py", "said"),
    ("grader/records/messages.py", "joined"),
    ("reports/text.py", "say"),
    ("grader/gradebook/decisions.py", "_left_aside"),
    ("grader/gradebook/decisions.py", "_reminders"),
    ("grader/gradebook/publish.py", "_with_decisions"),
}
TAKES_WORDS = {"message", "N_", "Flag", "joined"}


@pytest.fixture(scope="module")
def said() -> Catalog:
    return extract(ROOT)


def catalogue_of(language: str) -> Catalog:
    with (ROOT / "reports" / "languages" / f"{language}.po").open("rb") as file:
        return read_po(file)


# --- the catalogue ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", OTHERS)
def test_every_sentence_has_a_translation(said: Catalog, language: str) -> None:
    translated = {entry.id for entry in catalogue_of(language) if entry.string}
    assert sorted({entry.id for entry in said} - translated) == [], "run: python -m reports.languages"
    assert len(said) > 800


@pytest.mark.parametrize("language", OTHERS)
def test_what_nobody_says_any_more_is_obsolete(said: Catalog, language: str) -> None:
    kept = {entry.id for entry in catalogue_of(language) if entry.id}
    assert sorted(kept - {entry.id for entry in said}) == [], "run: python -m reports.languages"


@pytest.mark.parametrize("language", OTHERS)
def test_a_catalogue_has_no_problem(language: str) -> None:
    assert list(problems(catalogue_of(language))) == []


def catalogue_with(template: str, translation: str = "") -> Catalog:
    catalogue = Catalog("zh_CN")
    catalogue.add(template, translation)
    return catalogue


@pytest.mark.parametrize(
    ("template", "translation"),
    [
        ("a {x}", "甲"),
        ("a {x:.2f}", "甲 {x}"),
        ("a {x}", "甲 {y}"),
        ("a", "甲 {x}"),
        ("a {x}", "甲 {x} {x}"),
        ("a", ""),
    ],
)
def test_other_fields_and_a_missing_translation_are_problems(template: str, translation: str) -> None:
    assert len(list(problems(catalogue_with(template, translation)))) == 1


def test_fields_may_stand_in_another_order() -> None:
    assert list(problems(catalogue_with("{k:,} of {n:,}", "{n:,} 中的 {k:,}"))) == []


def test_a_sentence_no_longer_said_keeps_its_translation_and_gets_it_back_when_said_again() -> None:
    catalogue = catalogue_with("a", "甲")
    update(catalogue, catalogue_with("b"))
    assert [entry.id for entry in catalogue if entry.id] == ["b"]
    assert [(old.id, old.string) for old in catalogue.obsolete.values()] == [("a", "甲")]
    update(catalogue, catalogue_with("a"))
    assert [(entry.id, entry.string) for entry in catalogue if entry.id] == [("a", "甲")]
    assert not catalogue.obsolete


def test_a_sentence_that_had_no_translation_goes_when_nobody_says_it() -> None:
    catalogue = catalogue_with("a")
    update(catalogue, catalogue_with("b"))
    assert not catalogue.obsolete


def test_a_sentence_both_said_and_obsolete_takes_the_translation_that_is_there() -> None:
    catalogue = catalogue_with("a")
    catalogue.obsolete["a"] = Entry("a", "甲")
    update(catalogue, catalogue_with("a"))
    assert [(entry.id, entry.string) for entry in catalogue if entry.id] == [("a", "甲")]
    assert not catalogue.obsolete


def test_a_language_without_a_catalogue_gets_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("reports.languages.__main__.ROOT", ROOT)
    monkeypatch.setattr("reports.languages.__main__.FOLDER", tmp_path)
    monkeypatch.setattr("reports.languages.__main__.LANGUAGES", {"en": "en", "fr": "fr"})
    assert update_all() == 1
    assert "fr.po lacks: The class at a glance" in capsys.readouterr().out
    assert "The class at a glance" in read(tmp_path / "fr.po")


def test_a_stored_sentence_that_is_obsolete_is_still_translated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "languages"
    folder.mkdir()
    (folder / "zh.po").write_text('msgid "b"\nmsgstr "乙"\n\n#~ msgid "a"\n#~ msgstr "甲"\n', "utf-8")
    monkeypatch.setattr("reports.languages.files", lambda package: tmp_path)
    assert catalogue.__wrapped__("zh") == {"a": "甲", "b": "乙"}


# --- where words come from -------------------------------------------------------------------------------------


def found_in(source: str, *keywords: str) -> list[str]:
    return [text for _, _, text, _ in sentences(BytesIO(source.encode()), dict.fromkeys(keywords), (), {})]


def test_literals_are_found_wherever_the_call_stands() -> None:
    source = 'f(message("a" " b", x=(g(message("c"), (N_("d"),)), other("e"))), message(f"{x}"), message(text))'
    assert found_in(source, "message", "N_") == ["a b", "c", "d"]


def test_titles_and_names_of_checks_are_sentences() -> None:
    source = '@check(reads=A, limits=B)\ndef some_check(case):\n    """A title.\n\n    More.\n    """\n'
    assert found_in(source) == ["A title", "some check"]


def test_titles_of_checks_kinds_of_flags_and_words_of_pages_are_extracted(said: Catalog) -> None:
    wanted = {
        "2.1 test()",
        "weaker sandbox",
        "decision left aside",
        "Rubric, SHA-256",
    }
    assert wanted | {"The class at a glance"} <= {entry.id for entry in said}


def calls(node: ast.AST, function: str = "") -> Iterator[tuple[str, ast.Call]]:
    for child in ast.iter_child_nodes(node):
        inside = child.name if isinstance(child, ast.FunctionDef) else function
        if isinstance(child, ast.Call):
            yield inside, child
        yield from calls(child, inside)


def is_literal(call: ast.Call) -> bool:
    return isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)


def test_what_takes_words_is_given_literals() -> None:
    """What is no literal would never reach the catalogue, and stay English."""
    dynamic = []
    for path in (path for package in ("grader", "reports") for path in sorted((ROOT / package).rglob("*.py"))):
        place, names = path.relative_to(ROOT).as_posix(), TAKES_WORDS | ({"say"} if "reports" in path.parts else set())
        for function, call in calls(ast.parse(path.read_text("utf-8"))):
            name = getattr(call.func, "id", getattr(call.func, "attr", ""))
            if name in names and call.args and not is_literal(call) and (place, function) not in HANDED_ON:
                dynamic.append(f"{place}:{call.lineno}")
    assert dynamic == []


def test_pages_give_literals_to_say() -> None:
    for path in (ROOT / "reports" / "templates").glob("*.j2"):
        for call in Environment(autoescape=True).parse(path.read_text("utf-8")).find_all(nodes.Call):
            if getattr(call.node, "name", "") == "say":
                assert isinstance(call.args[0], nodes.Const), f"{path.name}:{call.lineno}"


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


def test_two_threads_draw_one_grade_in_two_languages_at_the_same_time(well_done: Grade) -> None:
    both_are_speaking = Barrier(2, timeout=30)

    def drawn(language: str) -> list[str]:
        with speaking(language):
            both_are_speaking.wait()
            return [render(well_done) for _ in range(5)]

    with ThreadPoolExecutor(2) as pool:
        english, chinese = pool.map(drawn, ("en", "zh"))
    assert spoken() == "en"
    assert all('lang="en"' in page and "下一步" not in page for page in english)
    assert all('lang="zh-Hans"' in page and "下一步" in page for page in chinese)


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
    file = catalogue_of(language)
    entries = (*file.obsolete.values(), *file)
    assert catalogue(language) == {entry.id: entry.string for entry in entries if entry.id}


def test_criteria_have_short_names_with_the_handouts_numbers_in_every_language(lab_rubric):
    for language in LANGUAGES:
        with speaking(language):
            titles = [translate(line.criterion.title) for line in lab_rubric.lines]
        assert [title for title in titles if squeezed(title, HEADING) != title] == []
        for task in the_lab().tasks:
            (named,) = (title for title in titles if task.number in title)
            assert not named.endswith("()") or named == f"{task.number} {task.function}()"
