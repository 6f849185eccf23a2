"""The language of a run: English, or what a catalogue beside this file makes of it; from --lang or the locale.

It is a ContextVar, so that two threads or two requests can differ; a thread begins in English. A Grade knows nothing
of it: stored templates are English, and are drawn in whichever language is asked for.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.resources import files

LANGUAGES = {"en": "en", "zh": "zh-Hans"}  # as --lang names it, and as a page declares it (BCP 47)
ENGLISH = "en"
_CHINESE_OF_WINDOWS = 0x04  # the primary language of an identifier, its lowest ten bits

_chosen = ContextVar("language", default=ENGLISH)


def speak(language: str) -> None:
    """From now on everything is said in this language, within this context; a key of LANGUAGES."""
    if language not in LANGUAGES:
        raise ValueError(f"no language {language!r}")
    _chosen.set(language)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Within it everything is said in this language."""
    before = spoken()
    speak(language)
    try:
        yield
    finally:
        speak(before)


def spoken() -> str:
    """The language chosen."""
    return _chosen.get()


def tag() -> str:
    """The language chosen as HTML names it."""
    return LANGUAGES[spoken()]


def translate(template: str) -> str:
    """The template in the language chosen; one that the catalogue lacks as it is."""
    language = spoken()
    return template if language == ENGLISH else catalogue(language).get(template, template)


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """What the catalogue has a translation for; obsolete entries too, because stored grades say them."""
    from babel.messages.pofile import read_po  # takes a while to import, and English needs none of it

    with files("reports").joinpath("languages", f"{language}.po").open("rb") as file:
        entries = read_po(file)
    return {one.id: one.string for one in (*entries.obsolete.values(), *entries) if one.id and one.string}


def of_locale(environment: Mapping[str, str]) -> str:
    """The language that the locale asks for, where there is it; else English. On Windows that of its own windows."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environment.get(name):
            return _known(value)
    if sys.platform == "win32" and ctypes.windll.kernel32.GetUserDefaultUILanguage() & 0x3FF == _CHINESE_OF_WINDOWS:
        return "zh"
    return ENGLISH


def _known(locale: str) -> str:
    language = locale.replace("-", "_").partition(".")[0].partition("_")[0].casefold()
    return language if language in LANGUAGES else ENGLISH
