"""The page: complete, self-contained, and deaf to whatever a student writes."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import fields, replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from jinja2 import StrictUndefined

from grader.labs import the_lab
from grader.records import (
    Audience,
    Blocked,
    Criterion,
    Grade,
    Judged,
    MadeBy,
    Manual,
    Mark,
    Member,
    Ranking,
    Student,
    Verdict,
    message,
)
from reports import html
from reports.html import render
from reports.languages import speaking
from reports.page import MADE_BY, page

GOLD = Path(__file__).parent / "gold" / "report.html"
# Elements that the templates use. None of them runs, loads, frames or sends anything.
DOCUMENT = {
    "html",
    "head",
    "meta",
    "title",
    "link",
    "style",
    "body",
    "header",
    "nav",
    "main",
    "section",
    "article",
    "footer",
}
WRITING = {
    "h1",
    "h2",
    "h3",
    "ul",
    "ol",
    "li",
    "p",
    "span",
    "a",
    "strong",
    "b",
    "i",
    "bdi",
    "pre",
    "code",
    "dl",
    "dt",
    "dd",
}
SHOWING = {
    "wbr",
    "figure",
    "figcaption",
    "details",
    "summary",
    "div",
    "table",
    "thead",
    "tbody",
    "tfoot",
    "tr",
    "th",
    "td",
}
DRAWING = {"svg", "rect", "circle", "path", "g", "text", "title", "desc", "defs", "image", "use"}
VOID = {"meta", "link", "wbr"}
LINK = r"#[\w-]*|data:,|data:image/(png|jpeg);base64,[A-Za-z0-9+/]+=*"


class Parsed(HTMLParser):
    """Start tags in order with their attributes, visible text, and whether the elements nest rightly."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.style = ""
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "style":
            self.style += data
        else:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def flat(text: str) -> str:
    return " ".join(text.split())


def test_the_policy_stands_first_in_the_head_and_allows_one_style(any_grade: Grade) -> None:
    parsed = Parsed(render(any_grade))
    names = [name for name, _ in parsed.tags]
    first = parsed.tags[names.index("head") + 1]
    allowed = "default-src 'none'; style-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'"
    digest = base64.b64encode(hashlib.sha256(parsed.style.encode()).digest()).decode()
    assert first == (
        "meta",
        {
            "http-equiv": "Content-Security-Policy",
            "content": allowed.format(digest),
        },
    )
    assert names.count("style") == 1


def test_nothing_on_the_page_runs_or_loads_or_is_styled_inline(any_grade: Grade) -> None:
    parsed = Parsed(render(any_grade))
    assert {name for name, _ in parsed.tags} <= DOCUMENT | WRITING | SHOWING | DRAWING
    for _, attributes in parsed.tags:
        assert not {
            name for name in attributes if name.startswith("on") or name in {"style", "src", "srcset", "action"}
        }
        assert re.fullmatch(LINK, attributes.get("href") or "#")
        assert attributes.get("http-equiv") in {None, "Content-Security-Policy"}
    assert "url(" not in parsed.style
    assert "@import" not in parsed.style


def test_every_attribute_is_quoted(any_grade: Grade) -> None:
    body = render(any_grade).split("</style>")[1]
    for tag in re.findall(r"<[a-z][^>]*>", body):
        assert not re.search(r"=[^\"]", re.sub(r"\"[^\"]*\"", '""', tag)), tag


def test_markup_of_a_student_stays_text(hostile: Grade, well_done: Grade) -> None:
    parsed = Parsed(render(hostile))
    assert "<script>alert(1)</script><img src=x onerror=alert(2)>" in parsed.text
    assert not {"script", "img"} & {name for name, _ in parsed.tags}
    assert "alert" not in str([attributes for _, attributes in parsed.tags])


def test_no_character_on_the_page_steers(hostile: Grade) -> None:
    page = render(hostile)
    page.encode("utf-8")  # a lone surrogate would fail here
    assert all(c.isprintable() or c in "\n " for c in page)
    assert "\\u202etxt.exe\\x1b[31m\\x07\\ud800" in page


def test_braces_of_a_student_are_not_obeyed(hostile: Grade) -> None:
    assert "{name} [red]" in render(hostile)


def test_a_student_name_is_isolated_and_short(hostile: Grade) -> None:
    heading = re.search(r"<h1><bdi>(.*?)</bdi></h1>", render(hostile))
    assert heading
    assert "(389 characters)" in heading.group(1)


def test_a_page_is_small(any_grade: Grade) -> None:
    assert len(render(any_grade).encode()) < 400_000


def test_what_would_make_a_page_too_large_is_named_in_its_place(well_done: Grade, hostile: Grade) -> None:
    said = "Left out: it would make this page too large."
    assert said not in render(well_done)
    heavy = replace(hostile, marks=hostile.marks * 3)
    page = render(heavy)
    assert len(page.encode()) < 400_000
    assert said in page
    assert page.count('class="reason"') == 7


def test_every_form_of_exhibit_is_drawn(well_done: Grade) -> None:
    parsed = Parsed(render(well_done))
    text = flat(parsed.text)
    assert "airplane 86.80% 868 of 1,000" in text
    assert "overall 84.91% 8,491 of 10,000" in text
    assert "cat classified as dog: 134" in text
    assert "claimed in report.pdf : 99.90% at 19" in text.replace("report.pdf:", "report.pdf :")
    assert "report.pdf, page 3 99.90% 84.91% closer to the accuracy on training images" in text
    assert "exp2.py final.pth history.json" in text
    plots = [a for a in parsed.all("svg") if a.get("role") == "img"]
    assert [a["class"] for a in plots] == ["plot wide", "plot narrow"]


def test_a_criterion_is_folded_where_every_point_was_earned(well_done: Grade) -> None:
    """Nobody has to act on it; what lost points stands open, with the first of what it shows."""
    mark = well_done.marks[1]
    assert isinstance(mark.finding, Judged)
    full = replace(mark, finding=replace(mark.finding, verdict=replace(mark.finding.verdict, credit=1.0)))
    before, after = (render(replace(well_done, marks=(one,))) for one in (mark, full))
    assert '<details class="criterion partial" open>' in before
    assert '<details class="criterion earned">' in after
    assert before.count('<figure class="exhibit') == 1


def test_earned_partial_lost_and_waiting_differ_by_word_and_by_shape(well_done: Grade, unjudged: Grade) -> None:
    partial, full, waiting = well_done.marks[1], well_done.marks[2], unjudged.marks[1]
    assert isinstance(partial.finding, Judged)
    none = replace(partial, finding=replace(partial.finding, verdict=replace(partial.finding.verdict, credit=0.0)))
    seen = []
    for mark in (partial, full, waiting, none):
        page = render(replace(well_done, marks=(mark,))).split("</style>")[1].split('<summary class="scored">')[1]
        seen.append(
            (re.search(r'<span class="state">(.*?)</span>', page)[1], re.search(r"<svg class=.icon.*?</svg>", page)[0])
        )
    assert [words for words, _ in seen] == ["partly earned", "earned", "not marked yet", "not earned"]
    assert len({re.sub('class="icon .*?"', "", shape) for _, shape in seen}) == 4


def test_a_matrix_has_headers_and_marks_its_diagonal(well_done: Grade) -> None:
    parsed = Parsed(render(well_done))
    shades = [a["class"] for a in parsed.all("td") if re.fullmatch(r"[mr]\d", a.get("class") or "")]
    assert len(shades) == 100
    assert [n for n, shade in enumerate(shades) if str(shade).startswith("r")] == list(range(0, 100, 11))


def test_each_criterion_has_title_points_reason_and_state(well_done: Grade) -> None:
    text = flat(Parsed(render(well_done)).text)
    assert "The trained network classifies CIFAR-10 test images correctly. partly earned 27.1 of 30" in text
    assert "8,491 of 10,000 test images are right: 84.91% (95% interval 84.19% to 85.60%)." in text


def test_the_head_says_total_lateness_and_adjustments(well_done: Grade) -> None:
    text = flat(Parsed(render(well_done)).text)
    assert "34.72 of 47.25 points including adjustments: −5" in text
    assert text.index("flag: claim") < text.index("What to do")
    assert "two days late (Dr Li, 2026-03-03)" in text


def test_next_steps_come_before_the_criteria(well_done: Grade) -> None:
    text = flat(Parsed(render(well_done)).text)
    order = [
        "What to do",
        "Train for more epochs",
        "Criteria",
        "Adjustments",
        "Flags for staff",
        "set aside",
        "How to reproduce",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_the_edition_for_students_holds_nothing_for_staff(well_done: Grade) -> None:
    staff, student = render(well_done, "staff"), render(well_done, "student")
    for secret in (
        "hidden_inputs",
        "Secret criterion",
        "hidden inputs agree",
        "7.25",
        "99.9%;",
        "Inputs tried",
        "sin(7 x)",
        "secret.py",
        "Flags",
        "flag-1",
        "47.25",
    ):
        assert secret in staff
        assert secret not in student
    assert "31.1" not in staff
    assert "of 40 points" in student


def test_what_was_not_marked_never_looks_like_a_zero(unjudged: Grade) -> None:
    page = render(replace(unjudged, marks=unjudged.marks[1:2]))
    text = flat(Parsed(page).text)
    assert not re.search(r"\b0 of 30\b", text)
    assert "not marked yet – of 30" in text
    assert "Not marked yet: 30 points." in text
    assert "That is never a zero." in text
    assert "needs a human" in text
    assert 'class="fill" width="0' not in page.split('aria-labelledby="criteria"')[1]


def test_a_refused_archive_says_so_once_in_the_next_steps(blocked: Grade) -> None:
    text = flat(Parsed(render(blocked, "student")).text)
    assert "could not be opened" in text
    assert "up to 40 points" in text
    assert "That is not a zero: a person decides." in text
    assert text.count("is an HTML page") == 1
    assert not re.search(r"\b0 of\b", text)


def test_a_refused_archive_that_staff_gave_a_zero_shows_every_criterion(blocked: Grade) -> None:
    decided = replace(blocked, zero=True)
    for audience in ("student", "staff"):
        text = flat(Parsed(render(decided, audience)).text)
        assert text.count("not earned") == 3
        assert text.count("is an HTML page") == 1  # the criteria point to it
        assert text.count("The same as under") == 2
        assert "The archive itself was refused; what a person decided about it is below." in text
        for undecided in ("Hand in another one.", "Nothing could be graded.", "up to"):
            assert undecided not in text


def test_only_students_are_told_to_hand_in_another_archive(blocked: Grade) -> None:
    assert "Hand in another one." in render(blocked, "student")
    assert "Hand in another one." not in render(blocked)


def test_headings_are_in_order_and_ids_are_unique(any_grade: Grade) -> None:
    parsed = Parsed(render(any_grade))
    levels = [int(name[1]) for name, _ in parsed.tags if re.fullmatch(r"h[1-6]", name)]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = Counter(a["id"] for _, a in parsed.tags if "id" in a)
    assert max(ids.values()) == 1
    wanted = {part for _, a in parsed.tags for part in (a.get("aria-labelledby") or "").split()}
    wanted |= {str(a["href"])[1:] for tag in ("a", "use") for a in parsed.all(tag)}
    assert wanted <= set(ids)


def test_everything_that_scrolls_can_be_reached_by_keyboard(well_done: Grade) -> None:
    scrolling = [a for name, a in Parsed(render(well_done)).tags if a.get("class") == "scroll" or name == "pre"]
    assert scrolling
    assert all(a.get("tabindex") == "0" and a.get("role") == "group" and a.get("aria-labelledby") for a in scrolling)


def test_all_of_made_by_is_on_the_page(well_done: Grade) -> None:
    assert list(MADE_BY) == [field.name for field in fields(MadeBy) if field.name != "lab_titles"]
    text = Parsed(render(well_done)).text
    for field in fields(MadeBy):
        if field.name in MADE_BY and field.name != "graded_at":
            assert str(getattr(well_done.made_by, field.name)) in text
    assert text.count("2026-03-02 14:05 UTC") == 2


@pytest.mark.parametrize("audience", ["staff", "student"])
def test_the_head_says_lab_rubric_images_and_day(well_done: Grade, audience: Audience) -> None:
    head = flat(render(well_done, audience)).partition("What to do")[0]
    offered = "4 criteria, 47.25 points" if audience == "staff" else "3 criteria, 40 points"
    for said in (the_lab().title, "CIFAR-10, 10,000 test images", f"rubric: {offered}", "graded 2026-03-02 14:05 UTC"):
        assert said in head
    with speaking("zh"):
        assert the_lab().title not in render(well_done, audience)


def test_a_grade_from_before_labs_were_named_has_a_page(well_done: Grade) -> None:
    old = replace(well_done, made_by=replace(well_done.made_by, lab=""))
    assert 'class="lab"' not in render(old)


def test_a_name_missing_in_a_template_is_an_error() -> None:
    environment = html._environment()
    assert environment.undefined is StrictUndefined
    assert environment.autoescape is True


def test_the_page_is_the_gold_file_and_the_same_each_time(retrieved: Grade) -> None:
    page = render(retrieved)
    assert page == render(retrieved)
    if os.environ.get("UPDATE_GOLD"):
        GOLD.parent.mkdir(exist_ok=True)
        GOLD.write_text(page, "utf-8", newline="\n")
    assert page == GOLD.read_text("utf-8"), "look at the difference; if it is meant, run again with UPDATE_GOLD=1"


def test_every_member_of_a_group_is_named_on_the_page(well_done: Grade) -> None:
    members = tuple(Member(f"Student {n} {'x' * 60}", f"s{n}", f"{n}@x.example") for n in range(6))
    joined = Student(", ".join(one.name for one in members), platform="gradescope", members=members)
    page = render(replace(well_done, student=joined), "student")
    assert all(f"{one.name} · {one.identifier} · {one.email}" in page for one in members)


def test_markup_of_a_groups_member_stays_text(hostile: Grade) -> None:
    text = hostile.student.name
    members = (Member(text, text, text),) * 2
    parsed = Parsed(render(replace(hostile, student=replace(hostile.student, members=members))))
    assert not {"script", "img"} & {name for name, _ in parsed.tags}
    assert "alert" not in str([attributes for _, attributes in parsed.tags])


# --- what to do ------------------------------------------------------------------------------------------------


def lost(name: str, points: float, finding: Blocked | Judged) -> Mark:
    return Mark(Criterion(name, name, points), finding)


def missing(file: str, name: str) -> Blocked:
    return Blocked(name, message("{file} is missing. Hand it in as well.", file=file), (), "missing")


@pytest.fixture
def much_missing(well_done: Grade) -> Grade:
    """Five criteria that lost points for four reasons, and the list of files, which repeats two of them."""
    hints = tuple(message("Add {name}.", name=name) for name in ("exp1.py", "exp2.py", "report.pdf"))
    marks = (
        lost("files", 4, Judged("files", Verdict(0.25, message("Three files are missing."), hints))),
        lost("fit", 8, missing("exp1.py", "fit")),
        lost("own", 2, missing("exp1.py", "own")),
        lost("test", 10, missing("exp2.py", "test")),
        lost("scores", 5, Judged("scores", Verdict(0.5, message("They are not in order."), ()))),
    )
    return replace(well_done, marks=marks, flags=(), adjustments=())


def test_at_most_three_things_are_to_do_and_a_bare_finding_is_none(much_missing: Grade) -> None:
    steps = page(much_missing, "student").steps
    assert [(step.sentences[0].english(), step.stake) for step in steps] == [
        ("exp1.py is missing. Hand it in as well.", "up to 10 points"),
        ("exp2.py is missing. Hand it in as well.", "up to 10 points"),
        ("Add report.pdf.", "up to 3 points"),
    ]
    assert [title for _, title in steps[0].criteria] == ["fit", "own"]
    assert "Another 2.5 of the points were lost; the criteria below say why." in flat(
        Parsed(render(much_missing, "student")).text
    )


def test_each_reason_is_told_once(much_missing: Grade) -> None:
    text = flat(Parsed(render(much_missing, "student")).text)
    for sentence in ("exp1.py is missing.", "exp2.py is missing.", "Add report.pdf.", "They are not in order."):
        assert text.count(sentence) == 1, sentence
    assert "Add exp1.py" not in text


def test_a_hint_that_gains_nothing_is_not_among_what_to_do(well_done: Grade) -> None:
    mark = well_done.marks[1]
    assert isinstance(mark.finding, Judged)
    full = replace(mark, finding=replace(mark.finding, verdict=replace(mark.finding.verdict, credit=1.0)))
    laid_out = page(replace(well_done, marks=(full,)), "student")
    assert laid_out.steps == ()
    assert laid_out.beyond == "Nothing is left to do: every criterion has full points."
    assert len(laid_out.lines[0].hints) == 2


def test_the_costliest_fault_leads_what_to_do(well_done: Grade) -> None:
    costly, cheap = message("fit() learns nothing."), message("Return the mean.")
    verdict = Verdict(0.25, costly, (cheap,), faulty=True)
    grade = replace(well_done, marks=(lost("fit", 8, Judged("fit", verdict)),), adjustments=())
    laid_out = page(grade, "student")
    assert [step.sentences for step in laid_out.steps] == [(costly, cheap)]
    assert (laid_out.lines[0].reason, laid_out.lines[0].told_at, laid_out.beyond) == (None, 1, "")
    stored = replace(verdict, faulty=False)
    assert page(replace(grade, marks=(lost("fit", 8, Judged("fit", stored)),)), "student").steps[0].sentences == (
        cheap,
    )


def test_where_only_bare_findings_cost_points_the_criteria_tell_why(well_done: Grade) -> None:
    bare = Judged("scores", Verdict(0.5, message("5 of 6 queries are right.")))
    laid_out = page(replace(well_done, marks=(lost("scores", 5, bare),)), "student")
    assert (laid_out.steps, laid_out.beyond) == ((), "The criteria below say why points were lost.")
    assert laid_out.lines[0].reason == message("5 of 6 queries are right.")


def test_students_are_told_that_points_are_not_final_without_the_flag(well_done: Grade) -> None:
    asking = replace(well_done.flags[0], asks_about=well_done.marks[1].criterion.check)
    text = flat(Parsed(render(replace(well_done, flags=(asking,)), "student")).text)
    assert "not final yet" in text
    assert "Not final: a person has yet to confirm the points." in text
    assert "The report claims" not in text
    assert "ot final" not in flat(Parsed(render(well_done, "student")).text)
    hidden = replace(asking, asks_about=well_done.marks[3].criterion.check)  # a criterion for staff
    assert "ot final" not in flat(Parsed(render(replace(well_done, flags=(hidden,)), "student")).text)


def test_adjustments_that_cancel_out_are_not_announced_at_the_top(well_done: Grade) -> None:
    taken = well_done.adjustments[0]
    both = replace(well_done, adjustments=(taken, replace(taken, points=5)))
    assert page(both, "student").adjusted == ""


# --- a criterion that a person marks ---------------------------------------------------------------------------


@pytest.fixture
def by_hand(well_done: Grade) -> Grade:
    ask = message("A person marks this, from {files}: the text is below.", files="report.pdf")
    trend = Mark(Criterion("report", "Report", 10), Manual("report", ask))
    return replace(well_done, marks=(*well_done.marks[1:3], trend), adjustments=(), flags=())


def test_the_total_counts_what_was_marked_so_far(by_hand: Grade) -> None:
    for audience in ("staff", "student"):
        text = flat(Parsed(render(by_hand, audience)).text)
        assert "32.1 of 35 points marked so far (45 in all)" in text
        assert "Still to be marked by a person (10 points)." in text
        assert "Not marked yet:" not in text
        assert "could not" not in text


def test_the_bar_is_of_what_was_marked_and_one_point_is_no_points(by_hand: Grade) -> None:
    assert page(by_hand, "student").width == "91.71"  # 32.1 of 35
    single = replace(by_hand.marks[-1], criterion=replace(by_hand.marks[-1].criterion, points=1))
    text = flat(Parsed(render(replace(by_hand, marks=(single,)))).text)
    assert "none marked so far" in text
    assert "to be marked: Report (1 point)" in text
    assert "Still to be marked by a person (1 point)." in text


def test_staff_find_what_is_still_to_be_marked_under_the_total(by_hand: Grade) -> None:
    staff, student = render(by_hand), render(by_hand, "student")
    assert '<a href="#check-report">to be marked: Report (10 points)</a>' in staff.split('id="next"')[0]
    assert "the text is below" in staff
    assert "to be marked: " not in student
    assert "the text is below" not in student


# --- the edition for students ----------------------------------------------------------------------------------


def test_a_fault_of_ours_is_told_to_students_without_what_staff_must_do(unjudged: Grade) -> None:
    text = flat(Parsed(render(unjudged, "student")).text)
    assert "A person will mark this: the grader could not, and that is not your fault." in text
    for ours in ("grade data fetch", "traceback", "this machine"):
        assert ours in render(unjudged, "staff")
        assert ours not in text


def test_no_word_for_staff_and_none_of_the_graders_own_is_in_the_edition_for_students(
    any_grade: Grade, by_hand: Grade, internal: Callable[[str], list[str]]
) -> None:
    for grade in (any_grade, by_hand):
        assert internal(render(grade, "student")) == []
        with speaking("zh"):
            assert internal(render(grade, "student")) == []


def test_such_words_would_be_noticed(unjudged: Grade, well_done: Grade, internal: Callable[[str], list[str]]) -> None:
    assert {"staff", "flag", "sandbox", "needs a human", "this machine"} <= set(
        internal(render(well_done)) + internal(render(unjudged))
    )


def test_the_pictures_of_every_network_are_shown(retrieved: Grade) -> None:
    """A grade holds the pictures once, with the first ranking."""
    mark = retrieved.marks[-1]
    assert isinstance(mark.finding, Judged)
    first, second = mark.finding.verdict.exhibits
    assert isinstance(second, Ranking)
    stored = replace(mark.finding.verdict, exhibits=(first, replace(second, pictures=())))
    lean = replace(retrieved, marks=(replace(mark, finding=replace(mark.finding, verdict=stored)),))
    both = replace(retrieved, marks=(mark,))
    count = render(both).count("<use ")
    assert render(lean).count("<use ") == count > 40
    assert render(lean).count("no picture") == render(both).count("no picture")
