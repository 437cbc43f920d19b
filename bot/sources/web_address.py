"""Validation and public labels of web addresses, dated ones included."""

from __future__ import annotations

from urllib.parse import urlsplit

from yarl import URL

from bot import errors
from bot.sources import url_template
from storage import models


def check(address: str) -> None:
    """Raise UsageError unless this is an http or https address, with or without date fields."""
    url_template.check(address)
    try:
        target = URL(url_template.expand(address, url_template.SAMPLE_DATE))
    except ValueError:
        raise errors.UsageError(f"{address} is no web address") from None
    if target.scheme not in ("http", "https") or not target.raw_host:
        raise errors.UsageError(f"{address} is no web address: it must begin with http:// or https://")


def check_undated(address: str, kind: models.SourceKind) -> None:
    """Raise UsageError unless this is an http or https address without date fields."""
    url_template.check(address)
    if url_template.is_dated(address):
        raise errors.UsageError(f"{address} holds a date, so it is of kind url, not {kind.value}")
    check(address)


def public_label(address: str) -> str:
    """Return host and path without user name and query. Raises ValueError for an address that cannot be split."""
    parts = urlsplit(address)
    return parts.netloc.rpartition("@")[2] + parts.path.rstrip("/")
