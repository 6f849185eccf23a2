"""Says what was graded with what: lab, rubric, images, days, and which submissions by which grader and machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grader.records import Grade, MadeBy
from reports.languages import spoken
from reports.text import NAME_LIMIT, clip, figure, known, points, say

DIGEST = 8  # digits by which people compare two digests
DAY = 10  # characters of an ISO date


@dataclass(frozen=True, slots=True)
class Measured:
    """The sentences at the head of a class page, and who was measured with what if that is not the same for all."""

    labs: tuple[str, ...]  # their titles
    said: tuple[str, ...]
    ways: tuple[tuple[str, str, str], ...]  # token, what with, how many; () where all were measured alike
    tokens: tuple[tuple[str, ...], ...]  # of each submission


def measured(grades: Sequence[Grade], staff: bool) -> Measured:
    """Describe what these grades were made with."""
    labs = tuple(dict.fromkeys(lab_title(grade.made_by) for grade in grades if grade.made_by.lab))
    everybody = ((),) * len(grades)
    if not staff:
        return Measured(labs, tuple(_said(grades)), (), everybody)
    ways = _ways(grades)
    counts = Counter(way for way in ways if way is not None).most_common()
    if len(counts) < 2:
        alike = tuple(say("all with {what}", what=what) for what, _ in counts if what)
        return Measured(labs, (*_said(grades), *alike), (), everybody)
    token = {way: f"by{number}" for number, (way, _) in enumerate(counts)}
    listed = tuple((token[way], way or say("not recorded"), figure(count)) for way, count in counts)
    return Measured(labs, tuple(_said(grades)), listed, tuple(() if way is None else (token[way],) for way in ways))


def lab_title(made_by: MadeBy) -> str:
    """Return the title of the lab in the language of the page, else as it is."""
    return clip(dict(made_by.lab_titles).get(spoken(), made_by.lab) if made_by.lab else "", NAME_LIMIT)


def _said(grades: Sequence[Grade]) -> Iterator[str]:
    yield from dict.fromkeys(images(grade) for grade in grades if grade.made_by.dataset)
    for rubric, digest in dict.fromkeys((offered(grade), grade.made_by.rubric[:DIGEST]) for grade in grades):
        yield f"{rubric} ({clip(digest, NAME_LIMIT)})" if digest else rubric
    if days := sorted(day[:DAY] for day in _values(grades, "graded_at")):
        first, last = clip(days[0], NAME_LIMIT), clip(days[-1], NAME_LIMIT)
        yield say("graded {when}", when=first) if first == last else say("graded {a} to {b}", a=first, b=last)


def images(grade: Grade) -> str:
    """Name the images on which a network was measured."""
    return say("images: {name}", name=clip(grade.made_by.dataset, NAME_LIMIT))


def offered(grade: Grade) -> str:
    """Say what the rubric offers to those who read this edition of the grade."""
    return say("rubric: {count} criteria, {points} points", count=len(grade.marks), points=points(grade.points))


def _values(grades: Sequence[Grade], field: str) -> list[str]:
    return list(dict.fromkeys(value for grade in grades if (value := getattr(grade.made_by, field))))


def _ways(grades: Sequence[Grade]) -> list[str | None]:
    """Name the way of each submission; None where nothing was measured, and so nothing in another way."""
    usual = {_without_network(grade.made_by) for grade in grades if grade.made_by.torch}

    def apart(grade: Grade) -> bool:
        if grade.unusable:
            return False
        return bool(grade.made_by.torch) or _without_network(grade.made_by) not in usual

    several = len(_values(grades, "rubric")) > 1  # otherwise it is named once, with its points
    return [_way(grade.made_by, several) if apart(grade) else None for grade in grades]


def _without_network(made_by: MadeBy) -> tuple[str, str, str]:
    """Return what a submission of which no network was measured was graded with as well."""
    return made_by.grader, made_by.sandbox, made_by.rubric


def _way(made_by: MadeBy, rubrics: bool) -> str:
    """Name what may make figures differ between two submissions."""
    grader = say("grader {version}", version=made_by.grader) if made_by.grader else ""
    torch = say("torch {version}", version=made_by.torch) if made_by.torch else ""
    rubric = say("rubric {digest}", digest=made_by.rubric[:DIGEST]) if made_by.rubric and rubrics else ""
    precision = known(made_by.precision, NAME_LIMIT)
    parts = (grader, torch, made_by.device_name or made_by.device, precision, made_by.sandbox, rubric)
    return clip(" · ".join(part for part in parts if part), 3 * NAME_LIMIT)
