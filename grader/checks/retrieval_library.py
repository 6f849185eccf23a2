"""Is the library large enough, and are the queries not part of it?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from grader.evidence import LibraryImage, RetrievalImages
from grader.marking.check import BadLimit, Case, Part, add_up, check, require_weights
from grader.measures.alike import APART, SURE, alike, groups
from grader.records import Bar, Bars, Exhibit, Listing, Message, Verdict, message

FEW = 0.2  # share of the library that may be nearly the same as others of it, at no cost
NEAR = 16  # of 256 bits of two perceptual hashes: different photographs hardly ever differ by so few
MOST_NAMED = 3

Pair = tuple[LibraryImage, LibraryImage]


@dataclass(frozen=True, slots=True)
class LibraryLimits:
    """The fewest images in the library and classes among the queries; the weights of the parts."""

    images: int
    classes: int
    enough: float
    queries: float
    distinct: float
    apart: float

    def __post_init__(self) -> None:
        if self.images < 1 or self.classes < 1:
            raise BadLimit(message("images and classes must be at least 1"))
        require_weights(enough=self.enough, queries=self.queries, distinct=self.distinct, apart=self.apart)


@check(reads=RetrievalImages, limits=LibraryLimits)
def retrieval_library(case: Case[RetrievalImages, LibraryLimits]) -> Verdict:
    """Library and queries.

    The library has enough different images, and none of the queries is among them.
    """
    limits = case.limits
    library, queries = ([i for i in some if i.problem is None] for some in (case.seen.library, case.seen.queries))
    copies = alike(case.seen)
    pairs = _same(library, APART if copies else SURE)
    both = _both(library, queries, copies)
    parts = (
        _enough(len(library) - len(pairs), limits),
        _queries(library, queries, limits),
        _distinct(library, pairs, limits),
        _apart(both, queries, limits),
    )
    praise = message(
        "The library has {images} images in {classes} classes; none of the {queries} queries is among them.",
        images=len(library), classes=len({image.label for image in library}), queries=len(queries),
    )  # fmt: skip
    verdict = add_up(parts, praise, tuple(_exhibits(case.seen, library)))
    hints = (*verdict.hints, *_problems(case.seen), *_hardly_different(library, pairs), *_near(library, queries))
    return replace(verdict, hints=hints)


def _enough(count: int, limits: LibraryLimits) -> Part:
    short = message(
        "The library has {count} different images; at least {wanted} are required.", count=count, wanted=limits.images
    )
    faults = () if count >= limits.images else (short,)
    return Part(message("Images in the library"), limits.enough, min(1.0, count / limits.images), faults)


def _queries(library: Sequence[LibraryImage], queries: Sequence[LibraryImage], limits: LibraryLimits) -> Part:
    """Check that enough classes have a query, and that each query's class is in the library."""
    known = {image.label.casefold() for image in library}
    strangers = [query for query in queries if query.label.casefold() not in known]
    asked = {query.label.casefold() for query in queries} & known
    faults: list[Message] = []
    if len(asked) < limits.classes:
        sentence = message(
            "Library classes covered by the queries: {count}; required: at least {wanted}.",
            count=len(asked),
            wanted=limits.classes,
        )
        faults.append(sentence)
    if strangers:
        sentence = message(
            "The class of {query} is not in the library ('{label}'): name the query after its class, or put it into a"
            " folder with that name.",
            query=strangers[0].path,
            label=strangers[0].label,
        )
        faults.append(sentence)
    credit = min(1.0, len(asked) / limits.classes) * (1.0 - 0.5 * bool(strangers))
    return Part(message("Classes covered by the queries"), limits.queries, credit, tuple(faults))


def _distinct(library: Sequence[LibraryImage], pairs: Sequence[Pair], limits: LibraryLimits) -> Part:
    faults = tuple(_said(a, b) for a, b in pairs[:MOST_NAMED])
    credit = 1.0 - len(pairs) / len(library) if library else 0.0
    return Part(message("Different images"), limits.distinct, credit, faults)


def _both(library: Sequence[LibraryImage], queries: Sequence[LibraryImage], copies: Mapping[str, int]) -> list[Pair]:
    """Return queries with the library's image that they are: to the pixel; in a library of copies, a copy as well."""
    if copies:
        found = groups([*library, *queries])
        pairs = zip(queries, found[len(library) :], strict=True)
        return [(query, library[first]) for query, first in pairs if first < len(library)]
    of_content = {image.content: image for image in library}
    return [(query, of_content[query.content]) for query in queries if query.content in of_content]


def _apart(both: Sequence[Pair], queries: Sequence[LibraryImage], limits: LibraryLimits) -> Part:
    faults = tuple(
        message(
            "The query {query} is also in the library, as {image}, so it only finds itself. Use another query.",
            query=query.path,
            image=image.path,
        )
        for query, image in both[:MOST_NAMED]
    )
    credit = 1.0 - len(both) / len(queries) if queries else 0.0
    return Part(message("Queries that are not in the library"), limits.apart, credit, faults)


def _said(first: LibraryImage, second: LibraryImage) -> Message:
    if first.content == second.content:
        return message(
            "{second} is the same image as {first}: each image should be in the library only once.",
            first=first.path,
            second=second.path,
        )
    return message(
        "{second} is the same picture as {first}, as the networks see it after the declared preparation: use another.",
        first=first.path,
        second=second.path,
    )


def _same(library: Sequence[LibraryImage], within: float) -> list[Pair]:
    """Return each image that the library has already, with the first one.

    Copies that are not equal to the pixel count once they are more than a few: two views of a scene are no fault.
    """
    pairs = _alike(library, within)
    equal: dict[str, LibraryImage] = {}
    exact = [(equal[i.content], i) for i in library if equal.setdefault(i.content, i) is not i]
    return pairs if len(pairs) - len(exact) > FEW * len(library) else exact


def _alike(library: Sequence[LibraryImage], within: float) -> list[Pair]:
    found = groups(library, within)
    return [(library[first], library[place]) for place, first in enumerate(found) if first != place]


def _hardly_different(library: Sequence[LibraryImage], told: Sequence[Pair]) -> Iterator[Message]:
    """Yield a hint if more than a few are near to others but not certainly copies: that costs nothing."""
    known = {second.path for _, second in told}
    near = [(first, second) for first, second in _alike(library, APART) if second.path not in known]
    if len(near) > FEW * len(library):
        yield message(
            "Images that hardly differ from another one: {count}, such as {second} from {first}. Use images that"
            " differ more, so that the rankings show what the networks see.",
            count=len(near),
            first=near[0][0].path,
            second=near[0][1].path,
        )


def _problems(seen: RetrievalImages) -> Iterator[Message]:
    problems = [image.problem for image in (*seen.library, *seen.queries) if image.problem]
    yield from problems[:MOST_NAMED]
    if len(problems) > MOST_NAMED:
        yield message("{count} more images cannot be used.", count=len(problems) - MOST_NAMED)
    if seen.more:
        yield message("{count:,} more images were not checked.", count=seen.more)


def _near(library: Sequence[LibraryImage], queries: Sequence[LibraryImage]) -> Iterator[Message]:
    """Yield hints for near-duplicates. They cost no points: showing the same scene twice may be intended."""
    hashes = [(image, int(image.nearness, 16)) for image in library if image.nearness]
    found = [
        (query, image)
        for query in queries
        if query.nearness
        for image, bits in hashes
        if (int(query.nearness, 16) ^ bits).bit_count() <= NEAR and query.content != image.content
    ]
    for query, image in found[:MOST_NAMED]:
        yield message("The query {query} looks almost the same as {image}: is it the same image?", query=query.path,
                      image=image.path)  # fmt: skip


def _exhibits(seen: RetrievalImages, library: Sequence[LibraryImage]) -> Iterator[Exhibit]:
    labels = sorted({image.label for image in library})
    counts = [sum(image.label == label for image in library) for label in labels]
    if labels:
        largest = max(counts)
        bars = tuple(Bar(label, count, largest) for label, count in zip(labels, counts, strict=True))
        yield Bars(message("Images per class"), bars)
    problems = [image.path for image in (*seen.library, *seen.queries) if image.problem]
    if problems:
        yield Listing(message("Images that cannot be used"), tuple(problems))
