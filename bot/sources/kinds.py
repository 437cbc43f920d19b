"""The registry of source kinds. Code that depends on a kind asks its record; aiohttp is not loaded."""

from __future__ import annotations

from collections.abc import Mapping

from bot import errors
from bot.sources import arxiv, base, feed, folder, huggingface, url
from storage import errors as storage_errors
from storage import models

_MAX_ADDRESS_LENGTH = 2_000

RECORDS: tuple[base.KindRecord, ...] = (folder.KIND, huggingface.KIND, arxiv.KIND, url.KIND, feed.KIND)
"""The record of each kind, in the order in which an address is matched. A feed matches every address."""

_BY_KIND = {record.kind: record for record in RECORDS}


def get(kind: models.SourceKind) -> base.KindRecord:
    """Return the record of a kind."""
    return _BY_KIND[kind]


def guess_kind(address: str, endpoints: base.Endpoints) -> models.SourceKind:
    """Return the kind of the first record that matches an address."""
    return next(record.kind for record in RECORDS if record.matches(address, endpoints))


def check(kind: models.SourceKind, address: str, options: Mapping[str, object]) -> None:
    """Raise UsageError with the reason if an address or its options cannot be used for a source of that kind."""
    if len(address) > _MAX_ADDRESS_LENGTH or not address.isprintable():
        raise errors.UsageError(f"{storage_errors.redact(address)[:80]!r} is no address")
    get(kind).check(address)
    url.parse_publishing_schedule(options, "UTC")


def open_source(
    kind: models.SourceKind, address: str, options: Mapping[str, object], context: base.SourceContext
) -> base.Source:
    """Return the source for an address that was checked when it was added."""
    return get(kind).open(address, options, context)


def public_label(kind: models.SourceKind, address: str) -> str:
    """Return the name of a source for readers: no credentials, no query, no path above a folder."""
    try:
        return get(kind).public_label(address)
    except ValueError:
        return kind.value
