"""Embeds pictures in the page: each is checked, embedded once, and referenced wherever it is shown."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from dataclasses import replace

from grader.records import Exhibit, Gallery, Picture, Ranked, RankedQuery, Ranking
from reports.shapes import Framed, GalleryShown, PictureShown, PlaceShown, QueryShown, RankingShown, Shown
from reports.text import NAME_LIMIT, cell, clip, say, words

LONG_RANKING = 4  # queries: more than this is folded away
MOST_QUERIES = 20
MOST_PLACES = 5
MOST_FRAMES = 48
MOST_CAPTIONS = 4
PICTURE_BYTES = 16_384  # in base64; what the grader makes takes about 2,000
PAGE_BYTES = 200_000  # in base64, of all pictures of a page: half of what a page may weigh
_FIRST_BYTES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}


def sound(picture: Picture) -> PictureShown | None:
    """Return the picture if it may be embedded; None if it is not base64 of the stated format, or too large."""
    first = _FIRST_BYTES.get(picture.media)
    if first is None or len(picture.data) > PICTURE_BYTES:
        return None
    try:
        content = base64.b64decode(picture.data.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return None
    if not content.startswith(first):
        return None
    digest = hashlib.sha256(content).hexdigest()[:12]
    return PictureShown(f"image-{digest}", picture.media, base64.b64encode(content).decode())


def embedded(exhibits: Iterable[Shown]) -> dict[str, PictureShown]:
    """Return the pictures of all exhibits by id, each once, as many as fit on a page; the others show their names."""
    room, kept = PAGE_BYTES, dict[str, PictureShown]()
    for exhibit in exhibits:
        for picture in exhibit.pictures if isinstance(exhibit, GalleryShown | RankingShown) else ():
            if picture.id not in kept and len(picture.data) <= room:
                kept[picture.id] = picture
                room -= len(picture.data)
    return kept


def gallery(exhibit: Gallery) -> GalleryShown:
    """Lay out pictures side by side."""
    kept = [(item, sound(item.picture)) for item in exhibit.pictures[:MOST_FRAMES]]
    items = tuple(
        Framed(
            _id(picture),
            clip(item.picture.name, NAME_LIMIT),
            tuple(clip(cell(caption), NAME_LIMIT) for caption in item.captions[:MOST_CAPTIONS]),
        )
        for item, picture in kept
    )
    pictures = tuple(picture for _, picture in kept if picture)
    return GalleryShown(words(exhibit.title), items, pictures, len(exhibit.pictures) - len(items))


def ranking(exhibit: Ranking) -> RankingShown:
    """Lay out, query by query, the submitted ranking next to the one that the grader computed."""
    looked_at = {picture.name: sound(picture) for picture in exhibit.pictures}
    queries = tuple(_query(query, looked_at) for query in exhibit.queries[:MOST_QUERIES])
    accepted = sum(query.accepted for query in exhibit.queries)
    return RankingShown(
        title=words(exhibit.title),
        queries=queries,
        summary=say("Queries accepted: {k:,} of {n:,}", k=accepted, n=len(exhibit.queries)),
        pictures=tuple(picture for picture in looked_at.values() if picture),
        left_out=len(exhibit.queries) - len(queries),
        long=len(queries) > LONG_RANKING,
    )


def pooled(exhibits: tuple[Exhibit, ...]) -> tuple[Exhibit, ...]:
    """Give every ranking the pictures of all: a grade holds them once, with the first of its rankings."""
    pictures = tuple(picture for one in exhibits if isinstance(one, Ranking) for picture in one.pictures)
    return tuple(replace(one, pictures=pictures) if isinstance(one, Ranking) else one for one in exhibits)


def _query(query: RankedQuery, pictures: dict[str, PictureShown | None]) -> QueryShown:
    def place(one: Ranked) -> PlaceShown:
        return PlaceShown(
            picture=_id(pictures.get(one.path)),
            path=clip(one.path, NAME_LIMIT),
            score=say("no score") if one.score is None else f"{one.score:.4f}",
            right=one.right,
            agreed=one.agreed,
        )

    return QueryShown(
        picture=_id(pictures.get(query.query)),
        path=clip(query.query, NAME_LIMIT),
        label=clip(query.label, NAME_LIMIT),
        accepted=query.accepted,
        theirs=tuple(map(place, query.theirs[:MOST_PLACES])),
        ours=tuple(map(place, query.ours[:MOST_PLACES])),
    )


def _id(picture: PictureShown | None) -> str:
    return picture.id if picture else ""
