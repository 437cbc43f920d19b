"""Which kind of source an address is, and whether it can be one. Opens nothing, and loads nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time, tzinfo
from pathlib import Path
from urllib.parse import unquote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from yarl import URL

from bot import errors
from bot.sources import url_template
from storage import models

_TEXT_SUFFIXES = (".md", ".markdown", ".txt")
_MAX_ADDRESS_LENGTH = 2_000
_MAX_CORRECTED_DAYS = 30
DAILY_PAPERS_PATH = "/api/daily_papers"
"""Where Hugging Face and its mirrors have the list of a day."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the two services are, from the settings."""

    huggingface: str
    arxiv: str


@dataclass(frozen=True, slots=True)
class PublishingSchedule:
    """When a publisher usually puts up a day's digest: not before `from_time` on the wall clock of `zone`.

    The last `corrected_days` days are asked again, for corrections and for digests that came late.
    """

    timezone: tzinfo
    from_time: time = time(0, 0)
    corrected_days: int = 3


def guess_kind(address: str, endpoints: Endpoints) -> models.SourceKind:
    """Return the kind that an address looks like. What looks like nothing else is taken for a feed."""
    if parse_folder_path(address) is not None:
        return models.SourceKind.FOLDER
    plain = address.rstrip("/")
    if plain == endpoints.huggingface.rstrip("/") or is_huggingface(plain) or DAILY_PAPERS_PATH in address:
        return models.SourceKind.HUGGINGFACE
    if "{" in address:
        return models.SourceKind.URL
    if plain == endpoints.arxiv.rstrip("/") or plain.endswith("arxiv.org/api/query"):
        return models.SourceKind.ARXIV
    return models.SourceKind.URL if plain.lower().endswith(_TEXT_SUFFIXES) else models.SourceKind.FEED


def check_address(address: str, kind: models.SourceKind) -> None:
    """Raise UsageError where an address cannot be a source of that kind, saying why."""
    if len(address) > _MAX_ADDRESS_LENGTH or not address.isprintable():
        raise errors.UsageError(f"{address[:80]!r} is no address")
    if kind is models.SourceKind.FOLDER:
        path = parse_folder_path(address)
        if path is None or not path.is_dir():
            raise errors.UsageError(f"{address} is not a folder here")
        return
    template = url_template.parse_url_template(address)
    if template.is_dated and kind not in (models.SourceKind.URL, models.SourceKind.HUGGINGFACE):
        raise errors.UsageError(f"{address} holds a date, so it is of kind url, not {kind.value}")
    try:
        target = URL(template.expand(url_template.SAMPLE_DATE))
    except ValueError:
        raise errors.UsageError(f"{address} is no web address") from None
    if target.scheme not in ("http", "https") or not target.raw_host:
        raise errors.UsageError(f"{address} is no web address: it must begin with http:// or https://")


def parse_publishing_schedule(options: Mapping[str, object], zone: str) -> PublishingSchedule:
    """Read when a publisher's digests come: `timezone` (else `zone`), `from` (HH:MM there), `corrected_days`.

    Raises UsageError for options that cannot be used as given.
    """
    name = str(options.get("timezone") or zone)
    try:
        known = ZoneInfo(name)
        begins = time.fromisoformat(str(options.get("from") or "00:00"))
        days = int(str(options.get("corrected_days", 3)))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise errors.UsageError(f"the source's options cannot be used: {error}") from error
    if not 0 <= days <= _MAX_CORRECTED_DAYS:
        raise errors.UsageError(f"corrected_days is 0 to {_MAX_CORRECTED_DAYS}, not {days}")
    return PublishingSchedule(known, begins.replace(tzinfo=None), days)


def is_huggingface(address: str) -> bool:
    """Whether an address is Hugging Face's own."""
    return address in ("https://huggingface.co", "https://huggingface.co/papers", "https://hf.co")


def parse_folder_path(address: str) -> Path | None:
    """Return the folder that an address stands for: a file: URL, or a path."""
    if address.startswith("file://"):
        return Path(unquote(address.removeprefix("file://")))
    return None if "://" in address else Path(address)
