"""Decides whether what was found in a document is a ranking for certain: pictures, queries, about five matches each."""

from __future__ import annotations

from statistics import median

from grader.probes.rankings.draft import FoundQuery, FoundRun
from grader.probes.rankings.paths import ends

MOST_PICTURES_MISSED = 0.2  # of the matches of a network may have names that do not end as images do
MOST = 12  # matches of a query that still are about five
FEWEST = 2  # matches in all: a single one may be any sentence with a file and a number
FEWEST_QUERIES = 2  # that are only mentioned, and not announced as queries
NO_QUERY, NO_PICTURES = "ranking_no_query", "ranking_no_pictures"
TOO_FEW, TOO_MANY, MENTIONED, UNSCORED = "ranking_few", "ranking_many", "ranking_mentioned", "ranking_unscored"
NO_SCORES = "ranking_no_scores"


def doubt_of(run: FoundRun) -> str:
    """Return why this is no ranking for certain, as a code of evidence.wording; "" if it is one."""
    matches = [match for query in run.queries for match in query.matches]
    named = [query for query in run.queries if query.name]
    single = max(len(query.matches) for query in run.queries) == 1 and not all(match.rank == 1 for match in matches)
    if len(matches) < FEWEST or single:
        return TOO_FEW
    if any(map(counted, run.queries)):
        return NO_SCORES
    if not _pictures(run):
        return NO_PICTURES
    if not named or 2 * len(named) < len(run.queries):
        return NO_QUERY
    announced = [query for query in named if not query.mentioned]
    if not announced and median(len(query.matches) for query in run.queries) > MOST:
        return TOO_MANY
    if not announced and len(named) < FEWEST_QUERIES:
        return MENTIONED
    scored = any(match.score is not None for match in matches)
    return UNSCORED if not scored and not announced and not all(map(_ranked, named)) else ""


def doubt_of_fields(run: FoundRun) -> str:
    """Return the same for JSON, whose fields say what they hold: a query, or images, make a list a ranking."""
    names = [match.path for query in run.queries for match in query.matches]
    return "" if any(query.name for query in run.queries) or any(map(ends, names)) else NO_QUERY


def counted(query: FoundQuery) -> bool:
    """Return whether the numbers beside the images are counts, sizes or times."""
    if 2 * sum(match.counts for match in query.matches) > len(query.matches):
        return True
    scores = [match.score for match in query.matches if match.score is not None]
    return any(score > 1.0 for score in scores) and all(score.is_integer() for score in scores)


def _pictures(run: FoundRun) -> bool:
    """Return whether names of images were ranked, or numbers in their place."""
    names = [match.path for query in run.queries for match in query.matches]
    others = [name for name in names if not ends(name)]
    if len(others) <= MOST_PICTURES_MISSED * len(names):
        return True
    return all(name.isdecimal() for name in names) and not all(_counted(query) for query in run.queries)


def _counted(query: FoundQuery) -> bool:
    """Return whether its numbers only count its lines: 1, 2, 3."""
    numbers = [int(match.path) for match in query.matches]
    return numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def _ranked(query: FoundQuery) -> bool:
    ranks = [match.rank for match in query.matches]
    return ranks == list(range(1, len(ranks) + 1))


def may_rank(run: FoundRun) -> bool:
    """Return whether what is not certain may still be a ranking, so that a person must look."""
    matches = [match for query in run.queries for match in query.matches]
    pictures = sum(bool(ends(match.path)) for match in matches)
    ranked = sum(match.rank is not None for match in matches)
    told = any(query.name for query in run.queries) or 2 * ranked > len(matches)
    return told and len(matches) > FEWEST and 2 * pictures > len(matches)
