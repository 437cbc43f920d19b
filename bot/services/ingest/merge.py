"""The one place where what digests and services say becomes a paper. Pure: no storage, no clock.

`PRECEDENCE` says whom to believe, field by field; what each of them said stays stored as it was said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from bot.sources import kinds
from bot.sources.base import MetadataProvider
from storage import models

_N, _R, _H, _A, _F = (
    MetadataProvider.NEWSLETTER,
    MetadataProvider.REVIEW,
    MetadataProvider.HUGGINGFACE,
    MetadataProvider.ARXIV,
    MetadataProvider.FEED,
)

PRECEDENCE: dict[str, tuple[MetadataProvider, ...]] = {
    # A review's title is the heading that a model gave its own summary.
    "title": (_N, _H, _A, _F, _R),
    "url": (_N, _R),
    # Digests shuffle names; only where lists are equally long does the order here decide.
    "authors": (_A, _H, _F, _N, _R),
    "abstract": (_A, _H, _F),
    "thumbnail": (_N, _H, _R, _F),
    "video": (_N, _R),
    "code_url": (_H, _A, _F),
    "project_url": (_H, _A, _F),
    "keywords": (_H, _F),
    "categories": (_A, _F, _H),
}
"""For each field the voices that have a say, the most believed first. Of one voice the newest statement counts."""

_DIGEST_PROVIDERS = {
    models.DigestFormat.NEWSLETTER: MetadataProvider.NEWSLETTER,
    models.DigestFormat.REVIEW: MetadataProvider.REVIEW,
}


@dataclass(frozen=True, slots=True)
class _Statement:
    """An entry or facts, with all that orders statements of one voice: the newest first, then the earliest rank."""

    provider: MetadataProvider
    sort_key: tuple[int, int, str]
    metadata: models.Entry | models.PaperFacts


def merge(
    arxiv_id: str,
    appearances: Iterable[models.Appearance],
    facts: Iterable[models.PaperFacts] = (),
    votes: models.VoteCount | None = None,
) -> models.MergedPaper:
    """Return the paper that these make together, whatever their order. `votes` is the services' freshest reading.

    The freshest reading of votes counts, so a back-fill never lowers a newer one; a digest read them on its date.
    """
    appearances, facts = list(appearances), list(facts)
    statements = sorted(_statements(appearances, facts), key=lambda one: one.sort_key)
    authors, truncated = _best_authors(statements)
    number, read_at = _latest_votes(appearances, votes)
    dates = [one.date for one in appearances] + [one.listed_on for one in facts if one.listed_on is not None]
    return models.MergedPaper(
        arxiv_id=arxiv_id,
        title=_first_value(statements, "title"),
        url=_first_value(statements, "url") or f"https://arxiv.org/abs/{arxiv_id}",
        abstract=_first_value(statements, "abstract"),
        votes=number,
        votes_read_at=read_at,
        authors=authors,
        authors_truncated=truncated,
        thumbnail=_first_value(statements, "thumbnail"),
        video=_first_value(statements, "video"),
        code_url=_first_value(statements, "code_url"),
        project_url=_first_value(statements, "project_url"),
        keywords=_first_value(statements, "keywords") or (),
        categories=_first_value(statements, "categories") or (),
        first_on=min(dates, default=None),
        last_on=max(dates, default=None),
    )


def counted_at(on: date) -> datetime:
    """Return when a digest of this date counted its votes (UTC): its day's beginning, so a service's reading of the day wins."""
    return datetime.combine(on, time(), UTC)


def _statements(
    appearances: Iterable[models.Appearance], facts: Iterable[models.PaperFacts]
) -> Iterator[_Statement]:
    for one in appearances:
        order = (-one.date.toordinal(), one.entry.rank, f"{one.digest_id:020}")
        yield _Statement(_DIGEST_PROVIDERS[one.format], order, one.entry)
    for said in facts:
        voice = kinds.provider_of(said.source)
        yield _Statement(voice, (-int(said.read_at.timestamp()), 0, said.source), said)


def _first_value(statements: Sequence[_Statement], field: str) -> Any:
    """Return what the most believed voice says of a field, or None when none says anything."""
    for voice in PRECEDENCE[field]:
        for statement in statements:
            if statement.provider is voice and (value := getattr(statement.metadata, field, None)):
                return value
    return None


def _best_authors(statements: Sequence[_Statement]) -> tuple[tuple[str, ...], bool]:
    """Return the best list of names and whether it is cut off: a whole list beats a cut one, then the longer wins."""
    best: tuple[str, ...] = ()
    rank: tuple[bool, int, int] | None = None
    for statement in statements:
        names = statement.metadata.authors
        truncated = getattr(statement.metadata, "authors_truncated", False)
        candidate = (truncated, -len(names), PRECEDENCE["authors"].index(statement.provider))
        if names and (rank is None or candidate < rank):
            best, rank = names, candidate
    return best, rank is not None and rank[0]


def _latest_votes(
    appearances: Iterable[models.Appearance], votes: models.VoteCount | None
) -> tuple[int | None, datetime | None]:
    readings = [(counted_at(one.date), one.entry.votes) for one in appearances if one.entry.votes is not None]
    if votes is not None:
        readings.append((votes.read_at, votes.votes))
    if not readings:
        return None, None
    read_at, number = max(readings)
    return number, read_at
