"""report.html: one self-contained page that asks for nothing and runs nothing.

Three things keep student text text: everything printed goes through `_printed` (invisible characters shown), then
through autoescaping; and the policy in the first line of the head forbids whatever might get past both.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from grader.records import Audience, Grade, Message
from reports.fit import lighter
from reports.page import STEPS_AT_ONCE, Page, page
from reports.text import say, segments, tick, visible

PAGE_BYTES = 390_000  # 200 of these are opened in a row, over a home's network


def render(grade: Grade, audience: Audience = "staff") -> str:
    """The page for one submission. What `audience` may not see is not in the file at all."""
    laid_out = page(grade, audience)
    while len((drawn := _drawn(laid_out)).encode()) > PAGE_BYTES and (smaller := lighter(laid_out)):
        laid_out = smaller
    return drawn


def _drawn(page: Page) -> str:
    style = _style()
    template = _environment().get_template("report.html.j2")
    return template.render(page=page, style=style, policy=policy(style), at_once=STEPS_AT_ONCE)


def policy(style: str) -> str:
    """The Content-Security-Policy of a page with this one style element and nothing else."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"


def tell(message: Message) -> Markup:
    """The message as a sentence in HTML, each text value isolated so that its direction stays its own."""
    pieces = (Markup("<bdi>{}</bdi>").format(text) if own else escape(text) for text, own in segments(message))
    return Markup("").join(pieces)


def _printed(value: object) -> object:
    """What a template prints: messages become sentences, and no text keeps a character that cannot be seen."""
    match value:
        case Markup():
            return value
        case Message():
            return tell(value)
        case str():
            return visible(value)
        case _:
            return value


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,  # select_autoescape would miss .html.j2
        undefined=StrictUndefined,
        finalize=_printed,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"say": say, "tick": tick}
    return environment


@cache
def _style() -> Markup:
    return Markup(files("reports").joinpath("templates/report.css").read_text("utf-8"))  # noqa: S704 our own file
