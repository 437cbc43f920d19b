"""Compares a digest with the archive: known, new, or a correction of what its location gave before. Writes nothing.

A digest is identified by its text, a listing by its papers without their votes. The same text from two
locations is one digest, new text from a known location is a correction, and the same date from another location is another
digest. A location is compared with its own previous text only, so that an outdated mirror does not revert corrections.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.digests import listing
from bot.digests.elements import language, sanitize
from storage import entries, models
from storage.database import Connection

HASHED_AT_ONCE = 1 << 20
"""Characters encoded at once, so that no second copy of a text of 20 MB is made."""
_MAX_LOCATION_LENGTH = 800
"""Characters of a location that PostgreSQL can index; a longer one ends in a hash."""


def to_sourced_digests(
    digests: Iterable[models.Digest], source: str, location: str
) -> list[models.SourcedDigest]:
    """Return the digests of one location with their hashes and languages."""
    digests = list(digests)
    digest_keys = frozenset((digest.date, digest.format) for digest in digests)
    return [
        models.SourcedDigest(
            digest,
            language.detect_language(digest.entries).value,
            _digest_hash(digest),
            source,
            sanitize.bounded_key(location, _MAX_LOCATION_LENGTH),
            digest_keys,
        )
        for digest in digests
    ]


def is_correction(
    sourced: models.SourcedDigest, previous: models.DigestLocation | None, known: models.StoredDigest | None
) -> bool:
    """Return whether a text corrects the location's `previous` one; `known` is the digest that has, or had, this text."""
    if previous is None:
        return False
    # A former text of the same digest reverts a correction; its present text is a mirror catching up.
    return known is None or (known.id == previous.digest_id and known.hash != sourced.hash)


async def find_previous(
    connection: Connection, sourced: models.SourcedDigest, locations: Sequence[models.DigestLocation]
) -> models.DigestLocation | None:
    """Return the location's previous version of this digest, even with another format or a wrong date."""
    digest = sourced.digest
    for location in locations:
        if (location.date, location.format) == (digest.date, digest.format):
            return location
    gone = [location for location in locations if (location.date, location.format) not in sourced.digest_keys]
    for location in gone:
        if location.date == digest.date:
            return location
    for location in gone:
        # A page that shows a new list every day drops its old dates too, but not with exactly the same papers.
        if digest.entries and digest.entries == await entries.list_by_digest(connection, location.digest_id):
            return location
    return None


def with_former_papers(sourced: models.SourcedDigest, former_text: str) -> models.SourcedDigest:
    """Return a listing with the papers that its place gave before.

    A paper that is gone from a list was posted and read all the same, and a list may be cut short by an error.
    """
    [former] = listing.parse_text(former_text)
    digest = listing.union(sourced.digest, former)
    locale = language.detect_language(digest.entries)
    return replace(sourced, digest=digest, language=locale.value, hash=_digest_hash(digest))


def changed_papers(before: Iterable[models.Entry], after: Iterable[models.Entry]) -> frozenset[str]:
    """Return the arXiv ids of a listing's papers that differ in more than rank and votes."""
    known = {entry.arxiv_id: replace(entry, rank=0, votes=None) for entry in before}
    return frozenset(
        entry.arxiv_id for entry in after if known.get(entry.arxiv_id) != replace(entry, rank=0, votes=None)
    )


def _digest_hash(digest: models.Digest) -> str:
    is_listing = digest.format is models.DigestFormat.LISTING
    return text_hash(listing.identity(digest) if is_listing else digest.text)


def text_hash(text: str) -> str:
    """Return the SHA-256 of a digest's text in hex, without surrounding white space."""
    start, end = 0, len(text)
    while end and text[end - 1].isspace():
        end -= 1
    while start < end and text[start].isspace():
        start += 1
    digest = hashlib.sha256()
    for position in range(start, end, HASHED_AT_ONCE):
        digest.update(text[position : min(position + HASHED_AT_ONCE, end)].encode())
    return digest.hexdigest()
