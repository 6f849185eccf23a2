"""Renders report.html and index.html: self-contained pages without requests. Only the class page has a script.

Student text stays text: everything printed goes through `_printed` (which shows invisible characters), then
through autoescaping; and the policy in the first line of the head blocks whatever might get past both.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from grader.records import Attendance, Audience, Grade, Message
from reports.fit import lighter
from reports.languages import tag
from reports.overview import ROWS_AT_ONCE, TROUBLES_AT_ONCE, Overview, overview
from reports.page import Page, page
from reports.text import say, segments, tick, visible

_FUNCTION = re.compile(r"(\w+\(\))")
PAGE_BYTES = 390_000  # 200 of these are opened in a row, over a home's network


def render(grade: Grade, audience: Audience = "staff") -> str:
    """Render the page for one submission. What `audience` may not see is not in the file at all.

    Raises ValueError for a grade without its exhibits.
    """
    if grade.exhibits:
        raise ValueError(f"the exhibits of {grade.archive} were not read")
    laid_out = page(grade, audience)
    while len((drawn := _drawn(laid_out)).encode()) > PAGE_BYTES and (smaller := lighter(laid_out)):
        laid_out = smaller
    return drawn


def render_class(
    submissions: Iterable[tuple[Grade, str]],
    audience: Audience = "staff",
    pseudonyms: bool = False,
    attendance: Attendance | None = None,
) -> str:
    """Render the page for a class: grades, each with the link to its page; and who on the roster has none.

    The students' edition has no names.
    """
    laid_out = overview(submissions, audience, pseudonyms, attendance)
    style = Markup("{}{}{}").format(_file("report.css"), _file("class.css"), _labels(laid_out))
    script = _file("class.js")
    allowed = policy(style, script if laid_out.rows else "")
    return (
        _environment()
        .get_template("class.html.j2")
        .render(
            page=laid_out,
            style=style,
            script=script,
            policy=allowed,
            rows_at_once=ROWS_AT_ONCE,
            troubles_at_once=TROUBLES_AT_ONCE,
        )
    )


def _labels(page: Overview) -> Markup:
    """Return the rules that name the figures of a card: once a column, not once a row. Titles are escaped for CSS."""
    headings = (say("Accuracy"), *(heading for heading, _ in page.columns))
    rules = (
        f'#submissions td:nth-child({n})::before {{ content: "{_escaped(heading)}\\a0"; }}\n'
        for n, heading in enumerate(headings, start=4)
    )
    return Markup(f"@media screen and (max-width: 599px) {{\n{''.join(rules)}}}\n" if page.rows else "")  # noqa: S704


def _escaped(text: str) -> str:
    return "".join(one if one.isascii() and one.isalnum() else f"\\{ord(one):x} " for one in text)


def _drawn(page: Page) -> str:
    style = _file("report.css")
    template = _environment().get_template("report.html.j2")
    return template.render(page=page, style=style, policy=policy(style))


def policy(style: str, script: str = "") -> str:
    """Return the Content-Security-Policy of a page with only this style element and this script."""
    scripts = f" script-src 'sha256-{_digest(script)}';" if script else ""
    styles = f"style-src 'sha256-{_digest(style)}'"
    return f"default-src 'none'; {styles};{scripts} img-src data:; base-uri 'none'; form-action 'none'"


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def tell(message: Message) -> Markup:
    """Render the message in HTML, with each text value isolated so that its direction stays its own."""
    pieces = (Markup("<bdi>{}</bdi>").format(text) if own else escape(text) for text, own in segments(message))
    return Markup("").join(pieces)


def titled(title: str) -> Markup:
    """Render the title of a criterion, with names of functions as code."""
    pieces = _FUNCTION.split(visible(title))
    marked = (_code(one) if n % 2 else escape(one) for n, one in enumerate(pieces))
    return Markup("").join(marked)


def _code(name: str) -> Markup:
    """Render the name of a function, which may be broken after an underscore: headings are narrow."""
    return Markup("<code>{}</code>").format(Markup("_<wbr>").join(name.split("_")))


def _printed(value: object) -> object:
    """Finalise what a template prints: messages become sentences, invisible characters become visible."""
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
    environment.globals |= {"say": say, "tick": tick, "language": tag, "titled": titled}
    return environment


@cache
def _file(name: str) -> Markup:
    return Markup(files("reports").joinpath("templates", name).read_text("utf-8"))  # noqa: S704 our own files
