"""Which kind of source an address is, whether it can be one, and the source made from it. Asks no server anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from urllib.parse import unquote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from yarl import URL

from bot import errors
from bot.sources import arxiv, dated, feed_source, fetcher, folder, huggingface, source, url
from storage import models

_TEXTS = (".md", ".markdown", ".txt")
_LONGEST_ADDRESS = 2_000
_MOST_DAYS = 30
_LIST = "/api/daily_papers"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the two services are, from the settings."""

    huggingface: str
    arxiv: str


@dataclass(frozen=True, slots=True)
class Access:
    """What sources are made with: the fetcher, the services' addresses, arXiv's pace, and the zone of who names none."""

    fetch: fetcher.Fetcher
    endpoints: Endpoints
    arxiv_pace: fetcher.Pace
    zone: str


def guess_kind(address: str, endpoints: Endpoints) -> models.SourceKind:
    """Return the kind that an address looks like. What looks like nothing else is taken for a feed."""
    if _folder(address) is not None:
        return models.SourceKind.FOLDER
    plain = address.rstrip("/")
    if plain == endpoints.huggingface.rstrip("/") or _is_huggingface(plain) or _LIST in address:
        return models.SourceKind.HUGGINGFACE
    if "{" in address:
        return models.SourceKind.URL
    if plain == endpoints.arxiv.rstrip("/") or plain.endswith("arxiv.org/api/query"):
        return models.SourceKind.ARXIV
    return models.SourceKind.URL if plain.lower().endswith(_TEXTS) else models.SourceKind.FEED


def check_address(address: str, kind: models.SourceKind) -> None:
    """Raise UsageError where an address cannot be a source of that kind, saying why."""
    if len(address) > _LONGEST_ADDRESS or not address.isprintable():
        raise errors.UsageError(f"{address[:80]!r} is no address")
    if kind is models.SourceKind.FOLDER:
        path = _folder(address)
        if path is None or not path.is_dir():
            raise errors.UsageError(f"{address} is not a folder here")
        return
    template = dated.parse_dated_address(address)
    if template.is_dated and kind not in (models.SourceKind.URL, models.SourceKind.HUGGINGFACE):
        raise errors.UsageError(f"{address} holds a date, so it is of kind url, not {kind.value}")
    try:
        target = URL(template.on(dated.SOME_DAY))
    except ValueError:
        raise errors.UsageError(f"{address} is no web address") from None
    if target.scheme not in ("http", "https") or not target.raw_host:
        raise errors.UsageError(f"{address} is no web address: it must begin with http:// or https://")


def check_options(options: Mapping[str, object]) -> None:
    """Raise UsageError for options of a source that cannot be used as given."""
    _habits(options, "UTC")


def _is_huggingface(address: str) -> bool:
    return address in ("https://huggingface.co", "https://huggingface.co/papers", "https://hf.co")


def _folder(address: str) -> Path | None:
    """Return the folder that an address stands for: a file: URL, or a path."""
    if address.startswith("file://"):
        return Path(unquote(address.removeprefix("file://")))
    return None if "://" in address else Path(address)


def _habits(options: Mapping[str, object], zone: str) -> url.Habits:
    """Read when a publisher's digests come: `timezone`, `from` (HH:MM there), `corrected_days`."""
    name = str(options.get("timezone") or zone)
    try:
        known = ZoneInfo(name)
        begins = time.fromisoformat(str(options.get("from") or "00:00"))
        days = int(str(options.get("corrected_days", 3)))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise errors.UsageError(f"the source's options cannot be used: {error}") from error
    if not 0 <= days <= _MOST_DAYS:
        raise errors.UsageError(f"corrected_days is 0 to {_MOST_DAYS}, not {days}")
    return url.Habits(known, begins.replace(tzinfo=None), days)


def open_source(
    kind: models.SourceKind, address: str, options: Mapping[str, object], access: Access
) -> source.Source:
    """Return the source for an address that was checked when it was added."""
    if kind is models.SourceKind.FOLDER:
        return folder.FolderSource(_folder(address) or Path(address))
    if kind is models.SourceKind.HUGGINGFACE:
        # Hugging Face itself is asked where the settings say that it is; any other address stands for itself.
        own = address.partition(_LIST)[0].rstrip("/").removesuffix("/papers")
        endpoint = access.endpoints.huggingface if _is_huggingface(own) else own
        return huggingface.HuggingFaceSource(endpoint, access.fetch)
    if kind is models.SourceKind.ARXIV:
        own = address.rstrip("/")
        public = own.endswith(("arxiv.org", "arxiv.org/api/query"))
        return arxiv.ArxivSource(access.endpoints.arxiv if public else own, access.fetch, access.arxiv_pace)
    if kind is models.SourceKind.FEED:
        return feed_source.FeedSource(address, access.fetch)
    return url.UrlSource(dated.parse_dated_address(address), access.fetch, _habits(options, access.zone))
