"""Sets the language of a run: English, or a translation from a catalogue in this folder; from --lang or the locale.

It is a ContextVar, so that two threads or two requests can differ; a thread begins in English. A Grade knows nothing
of it: stored templates are English, and are rendered in the chosen language.
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
    """Use this language from now on within this context; a key of LANGUAGES."""
    if language not in LANGUAGES:
        raise ValueError(f"no language {language!r}")
    _chosen.set(language)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Use this language within a `with` block."""
    before = spoken()
    speak(language)
    try:
        yield
    finally:
        speak(before)


def spoken() -> str:
    """Return the current language."""
    return _chosen.get()


def tag() -> str:
    """Return the current language as an HTML tag."""
    return LANGUAGES[spoken()]


def translate(template: str) -> str:
    """Translate the template into the current language; unchanged if the catalogue lacks it."""
    language = spoken()
    return template if language == ENGLISH else catalogue(language).get(template, template)


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """Return the translations of the catalogue; obsolete entries too, because stored grades use them."""
    from babel.messages.pofile import read_po  # takes a while to import, and English needs none of it

    with files("reports").joinpath("languages", f"{language}.po").open("rb") as file:
        entries = read_po(file)
    return {one.id: one.string for one in (*entries.obsolete.values(), *entries) if one.id and one.string}


def of_locale(environment: Mapping[str, str]) -> str:
    """Return the language of the locale if it is available, else English. On Windows, that of the user interface."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environment.get(name):
            return _known(value)
    if sys.platform == "win32" and ctypes.windll.kernel32.GetUserDefaultUILanguage() & 0x3FF == _CHINESE_OF_WINDOWS:
        return "zh"
    return ENGLISH


def _known(locale: str) -> str:
    language = locale.replace("-", "_").partition(".")[0].partition("_")[0].casefold()
    return language if language in LANGUAGES else ENGLISH
