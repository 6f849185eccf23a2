"""The table of a class in a real browser: it sorts, it filters, and it is complete without either."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from pypdf import PdfReader

STUDENTS = 40  # "Student 0" to "Student 39", below
SAMPLES = 5  # the sample grades, above


def names(page: Any) -> list[str]:
    """Of the rows that can be seen, from the top."""
    return page.locator("#submissions tbody tr:visible th").all_inner_texts()


def column(page: Any, heading: str) -> list[str]:
    headings = page.locator("#submissions thead th").all_inner_texts()
    place = headings.index(heading) + 1
    return page.locator(f"#submissions tbody tr:visible > :nth-child({place})").all_inner_texts()


def click(page: Any, heading: str) -> None:
    page.get_by_role("button", name=heading, exact=True).click()


def test_numbers_sort_as_numbers_both_ways_and_what_has_none_stands_last(opened: Callable[..., Any]) -> None:
    with opened("class") as one:
        for direction in ("ascending", "descending"):
            click(one.page, "Accuracy")
            shown = column(one.page, "Accuracy")
            marked = [float(text.rstrip("%")) for text in shown if text != "–"]
            assert marked == sorted(marked, reverse=direction == "descending")
            assert len(marked) > STUDENTS
            assert shown[len(marked) :] == ["–"] * (len(shown) - len(marked)) != []
            assert one.page.locator("th[aria-sort]").get_attribute("aria-sort") == direction


def test_names_sort_as_people_do(opened: Callable[..., Any]) -> None:
    with opened("class") as one:
        click(one.page, "Student")
        numbered = [name for name in names(one.page) if name.startswith("Student ")]
        assert numbered == [f"Student {number}" for number in range(STUDENTS)]  # 10 after 9


def test_the_heading_can_be_used_from_the_keyboard(opened: Callable[..., Any]) -> None:
    with opened("class") as one:
        one.page.get_by_role("button", name="Identifier", exact=True).focus()
        one.page.keyboard.press("Enter")
        assert one.page.locator("th[aria-sort]").inner_text().startswith("Identifier")
        numbers = [int(text) for text in column(one.page, "Identifier") if text.isdigit() and len(text) == 4]
        assert numbers == [2000 - STUDENTS + 1 + n for n in range(STUDENTS)]


def test_the_filter_keeps_what_was_typed_in_whatever_case(opened: Callable[..., Any]) -> None:
    with opened("class") as one:
        one.page.get_by_label("Find").fill("student 1")
        assert names(one.page) == [f"Student {number}" for number in (1, *range(10, 20))]
        assert one.page.get_by_role("status").inner_text() == f"Submissions shown: 11 / {STUDENTS + SAMPLES}"
        one.page.get_by_label("Find").fill("吴雅达")
        assert set(names(one.page)) == {"Ada Ng 吴雅达"}
        one.page.get_by_label("Find").fill("")
        assert len(names(one.page)) == STUDENTS + SAMPLES


def test_there_is_a_filter_for_each_state_with_the_number_of_its_rows(opened: Callable[..., Any]) -> None:
    with opened("class") as one:
        chips = one.page.locator(".chip")
        assert chips.count() == 5
        for chip in chips.all():
            chip.locator("input").check()
            assert len(names(one.page)) == int(chip.locator(".count").inner_text()) > 0
            chip.locator("input").uncheck()
        assert len(names(one.page)) == STUDENTS + SAMPLES


def test_two_states_show_the_rows_of_either(opened: Callable[..., Any]) -> None:
    with opened("class") as one:
        one.page.get_by_label("unusable").check()
        assert names(one.page) == ["Ben Okafor"]
        one.page.get_by_label("with flags").check()
        assert len(names(one.page)) == 4


def test_a_kind_of_fault_leads_to_the_rows_that_have_it(opened: Callable[..., Any]) -> None:
    with opened("class") as one:
        for link in one.page.locator(".faults a").all():
            kind = link.locator("xpath=ancestor::tr").locator("th").inner_text()
            link.click()
            one.page.locator("#only", has_text=kind).wait_for()  # the browser tells of the new address a moment later
            assert len(names(one.page)) == int(link.inner_text())
        one.page.get_by_role("button", name="Show all").click()
        assert len(names(one.page)) == STUDENTS + SAMPLES
        assert one.page.locator("#only").is_hidden()
        assert one.said == []


def test_student_and_total_stay_where_they_are_and_the_state_stands_third(opened: Callable[..., Any]) -> None:
    with opened("class", width=768) as one:
        row = one.page.locator("#submissions tbody tr").first
        before = [row.locator(f":nth-child({n})").first.bounding_box()["x"] for n in (1, 2, 3)]
        one.page.evaluate("document.querySelector('#submissions').parentNode.scrollLeft = 200")
        after = [row.locator(f":nth-child({n})").first.bounding_box()["x"] for n in (1, 2, 3)]
        assert after[:2] == before[:2]
        assert after[2] == before[2] - 200
        assert one.page.locator("#submissions thead th").nth(2).inner_text().startswith("State and flags")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_shadow_shows_that_the_table_goes_on_and_goes_at_its_end(opened: Callable[..., Any], scheme: str) -> None:
    with opened("class", width=768, scheme=scheme) as one:
        frame = one.page.locator("#submissions").locator("xpath=..")

        def edge() -> tuple[int, ...]:
            """Greys of the frame at its right edge and in its middle. A picture of the frame alone would scroll it."""
            frame.evaluate("one => one.scrollIntoView({ behavior: 'instant' })")
            box, picture = frame.bounding_box(), Image.open(io.BytesIO(one.page.screenshot())).convert("L")
            y = int(box["y"]) + 3
            return picture.getpixel((int(box["x"] + box["width"]) - 1, y)), picture.getpixel(
                (int(box["width"]) // 2, y)
            )

        there, paper = edge()
        assert abs(there - paper) > 20
        frame.evaluate("one => one.scrollTo({ left: one.scrollWidth, behavior: 'instant' })")
        there, paper = edge()
        assert abs(there - paper) < 5


@pytest.mark.parametrize("name", ["class", "Chinese class"])
def test_on_a_phone_a_row_is_a_card(opened: Callable[..., Any], name: str) -> None:
    with opened(name, width=390) as one:
        rows = one.page.locator("#submissions tbody tr")
        heights = [row.bounding_box()["height"] for row in rows.all()[-STUDENTS:]]
        assert max(heights) < 150
        card = rows.last
        assert card.locator("th").bounding_box()["y"] == pytest.approx(
            card.locator("td").first.bounding_box()["y"], abs=8
        )
        shown = card.locator("td:visible").all()
        labels = [cell.evaluate("one => getComputedStyle(one, '::before').content") for cell in shown[2:]]
        assert labels
        assert all(label not in ("none", '""') for label in labels)
        assert one.page.evaluate(
            "(f => f.scrollWidth <= f.clientWidth)(document.querySelector('.scroll:has(#submissions)'))"
        )


@pytest.mark.parametrize("name", ["class", "Chinese class"])
def test_on_paper_the_table_has_every_column_across_the_sheet(opened: Callable[..., Any], name: str) -> None:
    with opened(name) as one:
        last = one.page.locator("#submissions tbody tr > :last-child").all_inner_texts()[-STUDENTS:]
        pdf = PdfReader(io.BytesIO(one.page.pdf(prefer_css_page_size=True)))
        box = pdf.pages[0].mediabox
        assert box.width > box.height
        text = "".join(page.extract_text() for page in pdf.pages)
        assert [identifier for identifier in last if identifier not in text] == []
        one.page.emulate_media(media="print")
        one.page.set_viewport_size({"width": 1047, "height": 700})  # A4 across, within its margins
        right = (
            "Math.max(...[...document.querySelectorAll('#submissions *')].map((e) => e.getBoundingClientRect().right))"
        )
        assert one.page.evaluate(right) <= 1047


def test_sorting_keeps_the_filter(opened: Callable[..., Any]) -> None:
    with opened("class") as one:
        one.page.get_by_label("Find").fill("student 1")
        click(one.page, "Total")
        assert len(names(one.page)) == 11


def test_a_row_leads_to_its_page(opened: Callable[..., Any]) -> None:
    with opened("class") as one:
        link = one.page.get_by_role("link", name="Student 7", exact=True)
        assert link.get_attribute("href") == f"./{7 + SAMPLES}/report.html"


def test_without_script_the_table_is_complete_and_no_dead_control_is_shown(opened: Callable[..., Any]) -> None:
    with opened("class", script=False) as one:
        assert len(names(one.page)) == STUDENTS + SAMPLES
        assert one.page.locator("#tools").is_hidden()
        assert one.page.locator("#submissions button").count() == 0
        for link in one.page.locator(".faults a").all():
            assert one.page.locator(link.get_attribute("href")).count() == 1  # it leads to the table


def test_the_students_edition_has_no_table_and_no_script(opened: Callable[..., Any]) -> None:
    with opened("class of students") as one:
        assert one.page.locator("#submissions, body script").count() == 0
        assert one.page.get_by_role("heading", name="Best accuracies").is_visible()


AT_ONCE, LARGE = 200, 230  # rows shown before a person asks for all, and those of the large class


def test_a_large_class_shows_its_first_rows_until_a_person_asks_for_all(opened: Callable[..., Any]) -> None:
    with opened("large class") as one:
        assert len(names(one.page)) == AT_ONCE
        assert one.page.get_by_role("status").inner_text() == f"Submissions shown: {AT_ONCE} / {LARGE}"
        one.page.get_by_role("button", name="Show every row").click()
        assert len(names(one.page)) == LARGE
        assert one.page.get_by_role("status").inner_text() == f"Submissions shown: {LARGE} / {LARGE}"
        assert not one.page.get_by_role("button", name="Show every row").is_visible()


def test_what_is_not_shown_yet_is_sorted_and_found_all_the_same(opened: Callable[..., Any]) -> None:
    with opened("large class") as one:
        for name in (f"Student {number}" for number in (0, LARGE - 1)):  # up, then down
            click(one.page, "Student")
            assert (names(one.page)[0], len(names(one.page))) == (name, AT_ONCE)
        one.page.get_by_label("Find").fill(f"student {LARGE - 1}")
        assert names(one.page) == [f"Student {LARGE - 1}"]
        one.page.get_by_label("Find").fill("student 0")
        assert names(one.page) == ["Student 0"]


def test_without_a_script_and_on_paper_every_row_is_there(opened: Callable[..., Any]) -> None:
    with opened("large class", script=False) as one:
        assert len(names(one.page)) == LARGE
    with opened("large class") as one:
        one.page.emulate_media(media="print")
        assert len(names(one.page)) == LARGE


def test_a_long_list_of_what_failed_is_folded(opened: Callable[..., Any]) -> None:
    with opened("large class") as one:
        shown = one.page.locator(".troubles li:visible")
        assert shown.count() == 30
        one.page.get_by_text(f"Show the others: {LARGE - 30}").click()
        assert shown.count() == LARGE
