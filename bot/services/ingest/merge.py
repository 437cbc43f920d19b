"""Merges the statements of digests and services into one paper. Pure: no storage, no clock.

`PRECEDENCE` ranks the providers of each field. The statements themselves stay stored unchanged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time
from enum import IntEnum
from operator import itemgetter
from typing import Any

from storage import models


class MetadataProvider(IntEnum):
    """The origin of a statement about a paper; `PRECEDENCE` ranks origins by field."""

    NEWSLETTER = 1
    REVIEW = 2
    HUGGINGFACE = 3
    ARXIV = 4
    FEED = 5


_N, _R, _H, _A, _F = (
    MetadataProvider.NEWSLETTER,
    MetadataProvider.REVIEW,
    MetadataProvider.HUGGINGFACE,
    MetadataProvider.ARXIV,
    MetadataProvider.FEED,
)

PRECEDENCE: dict[str, tuple[MetadataProvider, ...]] = {
    # A review's title is a model's heading for its own summary.
    "title": (_N, _H, _A, _F, _R),
    "url": (_N, _R, _H),
    # Digests shuffle names; arXiv's order is the paper's.
    "authors": (_A, _H, _F, _N, _R),
    "abstract": (_A, _H, _F),
    "thumbnail": (_N, _H, _R, _F),
    "video": (_N, _R),
    "code_url": (_H, _A, _F),
    "project_url": (_H, _A, _F),
    "organization": (_H,),
    "affiliations": (_A, _H, _F),
    "code_stars": (_H,),
    "keywords": (_H, _F),
    "categories": (_A, _F, _H),
}
"""The providers of each field, most trusted first. Of one provider the newest statement counts."""

DIGEST_PROVIDERS = {
    models.DigestFormat.NEWSLETTER: MetadataProvider.NEWSLETTER,
    models.DigestFormat.REVIEW: MetadataProvider.REVIEW,
    models.DigestFormat.LISTING: MetadataProvider.HUGGINGFACE,
}

FACT_PROVIDERS = {
    models.SourceKind.HUGGINGFACE.value: MetadataProvider.HUGGINGFACE,
    models.SourceKind.ARXIV.value: MetadataProvider.ARXIV,
}
"""The provider of facts by their stored source; a source that is not here is the address of a feed."""

_Statement = tuple[MetadataProvider, models.Entry | models.PaperFacts]
"""What a digest or a service says about a paper."""


def merge(
    arxiv_id: str,
    appearances: Iterable[models.Appearance],
    facts: Iterable[models.PaperFacts] = (),
    votes: tuple[datetime, int] | None = None,
) -> models.MergedPaper:
    """Merge all statements about a paper, in any order. `votes` is the newest count from services, with its time (UTC).

    The newest count wins, so a back-fill never replaces a newer one; a digest counted on its date.
    """
    appearances, facts = list(appearances), list(facts)
    statements = [statement for _, statement in sorted(_statements(appearances, facts), key=itemgetter(0))]
    authors, truncated = _best_authors(statements)
    vote_count, votes_read_at = _latest_votes(appearances, votes)
    dates = [appearance.date for appearance in appearances]
    dates += [fact.listed_on for fact in facts if fact.listed_on is not None]
    return models.MergedPaper(
        arxiv_id=arxiv_id,
        title=_first_value(statements, "title"),
        url=_first_value(statements, "url") or f"https://arxiv.org/abs/{arxiv_id}",
        abstract=_first_value(statements, "abstract"),
        votes=vote_count,
        votes_read_at=votes_read_at,
        authors=authors,
        authors_truncated=truncated,
        thumbnail=_first_value(statements, "thumbnail"),
        video=_first_value(statements, "video"),
        code_url=_first_value(statements, "code_url"),
        project_url=_first_value(statements, "project_url"),
        organization=_first_value(statements, "organization"),
        affiliations=_first_value(statements, "affiliations") or (),
        code_stars=_first_value(statements, "code_stars"),
        keywords=_first_value(statements, "keywords") or (),
        categories=_first_value(statements, "categories") or (),
        first_on=min(dates, default=None),
        last_on=max(dates, default=None),
    )


def counted_at(on: date) -> datetime:
    """Return the vote time of a digest: 00:00 UTC of its date, so that a service's count of that day wins."""
    return datetime.combine(on, time(), UTC)


def _statements(
    appearances: Iterable[models.Appearance], facts: Iterable[models.PaperFacts]
) -> Iterator[tuple[tuple[int, int, str], _Statement]]:
    """Yield the statements with their sort keys among those of one provider: newest first, then by rank."""
    for appearance in appearances:
        sort_key = (-appearance.date.toordinal(), appearance.entry.rank, f"{appearance.digest_id:020}")
        yield sort_key, (DIGEST_PROVIDERS[appearance.format], appearance.entry)
    for fact in facts:
        sort_key = (-int(fact.read_at.timestamp()), 0, fact.source)
        yield sort_key, (FACT_PROVIDERS.get(fact.source, MetadataProvider.FEED), fact)


def _first_value(statements: Sequence[_Statement], field: str) -> Any:
    """Return the value of a field from the most trusted provider that has one, or None."""
    for provider in PRECEDENCE[field]:
        for stated_by, metadata in statements:
            if stated_by is provider and (value := getattr(metadata, field, None)):
                return value
    return None


def _best_authors(statements: Sequence[_Statement]) -> tuple[tuple[str, ...], bool]:
    """Return the authors of the most trusted provider without repeats, and whether the list is truncated.

    A complete list replaces a truncated one, and so does a longer truncated one.
    """
    best: tuple[str, ...] = ()
    rank: tuple[bool, int] | None = None
    for provider in PRECEDENCE["authors"]:
        for stated_by, metadata in statements:
            if stated_by is not provider or not metadata.authors:
                continue
            names = remove_repeats(metadata.authors)
            truncated = getattr(metadata, "authors_truncated", False)
            candidate = (truncated, -len(names) if truncated else 0)
            if rank is None or candidate < rank:
                best, rank = names, candidate
    return best, rank is not None and rank[0]


def remove_repeats(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names, each once: digests of an early period repeat every author."""
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(" ".join(name.split()).casefold(), name)
    return tuple(first.values())


def _latest_votes(
    appearances: Iterable[models.Appearance], votes: tuple[datetime, int] | None
) -> tuple[int | None, datetime | None]:
    readings = [
        (counted_at(appearance.date), appearance.entry.votes)
        for appearance in appearances
        if appearance.entry.votes is not None
    ]
    if votes is not None:
        readings.append(votes)
    if not readings:
        return None, None
    read_at, vote_count = max(readings)
    return vote_count, read_at
