"""Both pages in a real browser: they ask for nothing, fit every screen, and can be used by everybody."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any
from unicodedata import normalize

import pytest
from pypdf import PdfReader

PAGES = (
    "retrieved", "blocked", "mixed", "of students", "hostile", "class", "class of students", "Chinese", "Chinese mixed",
    "Chinese class", "Chinese class of students",
)  # fmt: skip
WIDTHS = (360, 768, 1440)
SERIOUS = {"serious", "critical"}
FAULTS = {"resultTypes": ["violations"]}  # what is right need not be listed, which takes most of the time
COLOURS = FAULTS | {"runOnly": ["color-contrast"]}  # the rest is the same in the dark
OVERRUNNING = """() => [...document.querySelectorAll('body *')].filter((e) => !e.closest('.scroll, pre, .store, svg')
  && e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.tagName + '.' + e.className)"""


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_nothing_on_the_console_and_asks_for_nothing_but_itself(
    opened: Callable[..., Any], name: str
) -> None:
    with opened(name) as one:
        one.page.wait_for_load_state("load")
        assert one.said == []
        assert [url for url in one.asked if not url.startswith("data:")] == [one.page.url]


@pytest.mark.parametrize("name", PAGES)
def test_nothing_runs_over_the_edge_of_the_screen(opened: Callable[..., Any], name: str) -> None:
    with opened(name) as one:
        for width in WIDTHS:
            one.page.set_viewport_size({"width": width, "height": 900})
            assert one.page.evaluate("document.documentElement.scrollWidth") <= width
            assert (width, one.page.evaluate(OVERRUNNING)) == (width, [])


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_serious_fault(opened: Callable[..., Any], name: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed: .[dev] has it")
    with opened(name) as one:
        one.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        dark = [] if name.startswith("Chinese") else [("dark", COLOURS)]  # the colours are the same in each language
        for scheme, rules in (("light", FAULTS), *dark):
            one.page.emulate_media(color_scheme=scheme)
            found = axe.Axe().run(one.page, options=rules).response["violations"]
            faults = {fault["id"]: [node["html"][:200] for node in fault["nodes"][:3]] for fault in found
                      if fault["impact"] in SERIOUS}  # fmt: skip
            assert (scheme, faults) == (scheme, {})


def test_axe_would_find_a_fault(opened: Callable[..., Any]) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed: .[dev] has it")
    with opened("blocked") as one:
        one.page.evaluate("document.querySelector('h1').innerHTML = '<button></button>'")
        found = axe.Axe().run(one.page, options=FAULTS).response["violations"]
        assert "button-name" in [fault["id"] for fault in found if fault["impact"] in SERIOUS]


@pytest.mark.parametrize("name", ["hostile", "class"])
def test_markup_in_names_stays_text(opened: Callable[..., Any], name: str) -> None:
    with opened(name) as one:
        assert "<script>alert(1)</script><img src=x onerror=alert(2)>" in one.page.inner_text("body")
        assert one.page.evaluate("document.querySelectorAll('img, body script').length") == (
            1 if name == "class" else 0
        )
        assert one.said == []


def test_pictures_are_drawn_from_the_one_copy_in_the_page(opened: Callable[..., Any]) -> None:
    with opened("retrieved") as one:
        missing = one.page.evaluate(
            "() => [...document.querySelectorAll('use')].filter((use) => use.getBoundingClientRect().width < 20"
            " || !document.querySelector(use.getAttribute('href'))).length"
        )
        assert one.page.locator("use").count() > one.page.locator("image").count() > 0
        assert missing == 0


@pytest.mark.parametrize("name", ["retrieved", "mixed", "of students", "Chinese", "Chinese mixed"])
def test_on_paper_a_students_page_is_short_and_tells_every_criterion(opened: Callable[..., Any], name: str) -> None:
    with opened(name) as one:
        titles = one.page.locator("summary h3").all_inner_texts()
        pdf = PdfReader(io.BytesIO(one.page.pdf(format="A4")))
        shown = normalize("NFKC", "".join(page.extract_text() for page in pdf.pages))  # a font joins f and i
        text = "".join(shown.split())
        assert len(pdf.pages) < 5
        assert [title for title in titles if "".join(normalize("NFKC", title).split()) not in text] == []


def test_on_paper_what_is_folded_stays_folded(opened: Callable[..., Any]) -> None:
    with opened("retrieved") as one:

        def printed() -> str:
            pages = PdfReader(io.BytesIO(one.page.pdf())).pages
            return normalize("NFKC", "".join(page.extract_text() for page in pages))

        assert "Confusion matrix" not in printed()
        one.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert "Confusion matrix" in printed()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_became_of_the_points_is_told_by_a_colour_of_its_own(opened: Callable[..., Any], scheme: str) -> None:
    with opened("mixed", scheme=scheme) as one:
        colours = {
            kind: one.page.evaluate(
                f"getComputedStyle(document.querySelector('.criterion.{kind} > summary .icon')).color"
            )
            for kind in ("earned", "partial", "lost", "waiting")
        }
        assert len(set(colours.values())) == 4, colours


def test_the_first_screen_holds_the_total_and_what_to_do(opened: Callable[..., Any]) -> None:
    with opened("of students", width=768) as one:
        steps = one.page.locator(".steps li")
        assert 1 <= steps.count() <= 3
        assert steps.first.bounding_box()["y"] < 900
        assert one.page.locator(".total").bounding_box()["y"] < 200


@pytest.mark.parametrize("name", ["retrieved", "mixed"])
def test_links_under_the_total_lead_staff_to_flags_and_to_what_is_to_be_marked(
    opened: Callable[..., Any], name: str
) -> None:
    with opened(name) as one:
        links = one.page.locator(".for-staff a")
        total = one.page.locator(".total").bounding_box()
        assert 0 < links.first.bounding_box()["y"] - total["y"] < 150
        for link in links.all():
            link.click()
            target = one.page.locator(link.get_attribute("href"))
            assert target.is_visible()
            assert 0 <= target.bounding_box()["y"] < 900
            one.page.evaluate("scrollTo(0, 0)")


def test_a_link_to_a_folded_criterion_opens_it(opened: Callable[..., Any]) -> None:
    with opened("mixed") as one:
        assert one.page.locator("#check-training_history").is_hidden()
        one.page.evaluate("location.hash = 'check-training_history'")
        assert one.page.locator("#check-training_history").is_visible()
