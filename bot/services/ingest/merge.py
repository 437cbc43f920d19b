"""The one place where what digests and services say becomes a paper. Pure: no storage, no clock.

`PRECEDENCE` says whom to believe, field by field; what each of them said stays stored as it was said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import IntEnum
from typing import Any

from storage import models


class Voice(IntEnum):
    """Who says something of a paper."""

    NEWSLETTER = 1
    REVIEW = 2
    HUGGINGFACE = 3
    ARXIV = 4
    FEED = 5


_N, _R, _H, _A, _F = Voice.NEWSLETTER, Voice.REVIEW, Voice.HUGGINGFACE, Voice.ARXIV, Voice.FEED

PRECEDENCE: dict[str, tuple[Voice, ...]] = {
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

_SERVICES = {"huggingface": Voice.HUGGINGFACE, "arxiv": Voice.ARXIV}
_DIGESTS = {models.DigestFormat.NEWSLETTER: Voice.NEWSLETTER, models.DigestFormat.REVIEW: Voice.REVIEW}


@dataclass(frozen=True, slots=True)
class _Statement:
    """An entry or facts, with all that orders statements of one voice: the newest first, then the earliest rank."""

    voice: Voice
    order: tuple[int, int, str]
    said: models.Entry | models.Facts


def merge(
    arxiv_id: str,
    appearances: Iterable[models.Appearance],
    facts: Iterable[models.Facts] = (),
    votes: models.Vote | None = None,
) -> models.MergedPaper:
    """Return the paper that these make together, whatever their order. `votes` is the services' freshest reading.

    The freshest reading of votes counts, so a back-fill never lowers a newer one; a digest read them on its date.
    """
    appearances, facts = list(appearances), list(facts)
    statements = sorted(_statements(appearances, facts), key=lambda one: one.order)
    authors, truncated = _authors(statements)
    number, read_at = _votes(appearances, votes)
    dates = [one.date for one in appearances] + [one.listed_on for one in facts if one.listed_on is not None]
    return models.MergedPaper(
        arxiv_id=arxiv_id,
        title=_first(statements, "title"),
        url=_first(statements, "url") or f"https://arxiv.org/abs/{arxiv_id}",
        abstract=_first(statements, "abstract"),
        votes=number,
        votes_read_at=read_at,
        authors=authors,
        authors_truncated=truncated,
        thumbnail=_first(statements, "thumbnail"),
        video=_first(statements, "video"),
        code_url=_first(statements, "code_url"),
        project_url=_first(statements, "project_url"),
        keywords=_first(statements, "keywords") or (),
        categories=_first(statements, "categories") or (),
        first_on=min(dates, default=None),
        last_on=max(dates, default=None),
    )


def counted_at(on: date) -> datetime:
    """Return when a digest of this date counted its votes (UTC): its day's beginning, so a service's reading of the day wins."""
    return datetime.combine(on, time(), UTC)


def _statements(
    appearances: Iterable[models.Appearance], facts: Iterable[models.Facts]
) -> Iterator[_Statement]:
    for one in appearances:
        order = (-one.date.toordinal(), one.entry.rank, f"{one.digest_id:020}")
        yield _Statement(_DIGESTS[one.format], order, one.entry)
    for said in facts:
        voice = _SERVICES.get(said.source, Voice.FEED)
        yield _Statement(voice, (-int(said.read_at.timestamp()), 0, said.source), said)


def _first(statements: Sequence[_Statement], field: str) -> Any:
    """Return what the most believed voice says of a field, or None when none says anything."""
    for voice in PRECEDENCE[field]:
        for statement in statements:
            if statement.voice is voice and (value := getattr(statement.said, field, None)):
                return value
    return None


def _authors(statements: Sequence[_Statement]) -> tuple[tuple[str, ...], bool]:
    """Return the best list of names and whether it is cut off: a whole list beats a cut one, then the longer wins."""
    best: tuple[str, ...] = ()
    rank: tuple[bool, int, int] | None = None
    for statement in statements:
        names = statement.said.authors
        truncated = getattr(statement.said, "authors_truncated", False)
        candidate = (truncated, -len(names), PRECEDENCE["authors"].index(statement.voice))
        if names and (rank is None or candidate < rank):
            best, rank = names, candidate
    return best, rank is not None and rank[0]


def _votes(
    appearances: Iterable[models.Appearance], votes: models.Vote | None
) -> tuple[int | None, datetime | None]:
    readings = [(counted_at(one.date), one.entry.votes) for one in appearances if one.entry.votes is not None]
    if votes is not None:
        readings.append((votes.read_at, votes.votes))
    if not readings:
        return None, None
    read_at, number = max(readings)
    return number, read_at
