"""Recognises what a text at a place is: known, new, or a correction of what the place said before. Stores nothing.

The same text anywhere is the same digest; new text at the same place is a correction; the same date elsewhere is
another digest. A place is held to what it said last itself, so mirrors of which one lags never take turns.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from bot.sources import sanitize
from storage import entries, models
from storage.database import Connection

_MAX_LOCATION_LENGTH = 800


@dataclass(frozen=True, slots=True)
class SourcedDigest:
    """A digest, where it stands, and the dates and formats of all digests that stand there now."""

    digest: models.Digest
    hash: str
    source: str
    location: str
    digest_keys: frozenset[tuple[date, models.DigestFormat]]

    @property
    def location_key(self) -> tuple[str, str]:
        """The source and the place."""
        return self.source, self.location


def to_sourced_digests(found: Iterable[models.Digest], source: str, place: str) -> list[SourcedDigest]:
    """Return the digests of one place, each with its hash."""
    found = list(found)
    present = frozenset((digest.date, digest.format) for digest in found)
    return [
        SourcedDigest(
            digest, text_hash(digest.text), source, sanitize.bounded_key(place, _MAX_LOCATION_LENGTH), present
        )
        for digest in found
    ]


def is_correction(
    said: SourcedDigest, before: models.DigestLocation | None, known: models.StoredDigest | None
) -> bool:
    """Whether a place corrects the digest that it named `before`; `known` is the digest that has, or had, this text."""
    if before is None:
        return False
    # An old text of the digest itself is a correction taken back; its present text is a mirror catching up.
    return known is None or (known.id == before.digest_id and known.hash != said.hash)


async def find_previous(
    connection: Connection, said: SourcedDigest, places: Sequence[models.DigestLocation]
) -> models.DigestLocation | None:
    """Return what the place said of this digest until now, be it under another format or a mistaken date."""
    key = (said.digest.date, said.digest.format)
    for place in places:
        if (place.date, place.format) == key:
            return place
    left = [place for place in places if (place.date, place.format) not in said.digest_keys]
    for place in left:
        if place.date == said.digest.date:
            return place
    for place in left:
        # A page that shows each day's list anew loses its old dates too, but not with the very same papers.
        if said.digest.entries and said.digest.entries == await entries.list_by_digest(
            connection, place.digest_id
        ):
            return place
    return None


def text_hash(text: str) -> str:
    """Return the SHA-256, in hex, of a digest's text; white space around it is no part of what it says."""
    return hashlib.sha256(text.strip().encode()).hexdigest()
