"""JUnit XML, for staff and for machines: one testsuite per student, one testcase per check."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from grader.records import Grade, Mark, Student
from reports.gradebooks.shared import number, outcome, reason
from reports.marks import found
from reports.text import clip, named, say, titled, words

_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(grades: Iterable[Grade], absent: Iterable[Student] = ()) -> str:
    """Render the document. A failure is for the student to fix, an error is ours, a skipped check has not run.

    `absent` are those who handed in nothing: one skipped testcase.
    """
    root = Element("testsuites", name="cnn-lab-grader")
    suites = [_suite(root, grade) for grade in grades] + [_nothing(root, student) for student in absent]
    for count in ("tests", "failures", "errors", "skipped"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in suites)))
    indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _suite(root: Element, grade: Grade) -> Element:
    name = _plain(named(grade.student.name))
    suite = SubElement(root, "testsuite", name=name)
    if re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", grade.made_by.graded_at):
        suite.set("timestamp", grade.made_by.graded_at[:19])  # the format's own has no zone; ours is UTC
    accuracy = {} if grade.accuracy is None else {"accuracy": f"{grade.accuracy:.4f}"}
    whose = {**_whose(grade.student), "archive": clip(grade.archive, 300)}
    total = {"total": number(grade.total), "points": number(grade.points)}
    _properties(suite, {**whose, **total, "final": "no" if grade.needs_human else "yes", **accuracy})
    cases = (
        _not_run(suite, name, grade.marks)
        if grade.unusable and not grade.zero
        else [_case(suite, name, mark) for mark in grade.marks]
    )
    suite.set("tests", str(len(cases)))
    for tag, count in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(count, str(sum(case.find(tag) is not None for case in cases)))
    return suite


def _nothing(root: Element, student: Student) -> Element:
    name = _plain(named(student.name))
    suite = SubElement(root, "testsuite", name=name, tests="1", failures="0", errors="0", skipped="1")
    _properties(suite, {**_whose(student), "final": "no"})
    case = SubElement(suite, "testcase", classname=name, name="submission")
    _told(case, "skipped", _plain(say("Nothing submitted")))
    return suite


def _whose(student: Student) -> dict[str, str]:
    number = {"number": clip(student.number, 80)} if student.number else {}
    return {"identifier": clip(student.identifier, 80), **number}


def _not_run(suite: Element, student: str, marks: Sequence[Mark]) -> list[Element]:
    """Render a refused archive as one failure; no check has run, but a person may have marked some criteria."""
    refused = SubElement(suite, "testcase", classname=student, name="archive")
    _told(refused, "failure", _plain(words(found(marks[0].finding).reason)) if marks else "")
    return [refused, *(_case(suite, student, mark) if mark.given else _skipped(suite, student, mark) for mark in marks)]


def _skipped(suite: Element, student: str, mark: Mark) -> Element:
    case = _named(suite, student, mark)
    SubElement(case, "skipped")
    return case


def _case(suite: Element, student: str, mark: Mark) -> Element:
    case = _named(suite, student, mark)
    why = _plain(reason(mark))
    match outcome(mark):
        case "passed":
            SubElement(case, "system-out").text = why
        case "failed":
            _told(case, "failure", why)
        case "not marked":
            _told(case, "error", why)
    return case


def _named(suite: Element, student: str, mark: Mark) -> Element:
    case = SubElement(suite, "testcase", classname=student, name=_plain(clip(mark.criterion.check, 80)))
    awarded = {} if mark.points is None else {"points": number(mark.points)}
    _properties(case, {"title": titled(mark.criterion), **awarded, "of": number(mark.criterion.points)})
    return case


def _told(case: Element, tag: str, why: str) -> None:
    SubElement(case, tag, message=why.split("\n", 1)[0]).text = why


def _properties(parent: Element, values: Mapping[str, str]) -> None:
    properties = SubElement(parent, "properties")
    for name, value in values.items():
        SubElement(properties, "property", name=name, value=_plain(value))


def _plain(text: str) -> str:
    """Remove characters that XML 1.0 cannot represent."""
    return _NO_XML.sub("", text)
