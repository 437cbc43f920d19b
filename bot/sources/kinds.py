"""The registry of source kinds, and that of the stored sources. aiohttp is not loaded."""

from __future__ import annotations

import asyncio
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from bot.core.clock import Clock
from bot.core.settings import Settings, SourceSetting
from bot.sources import arxiv_categories, base, feed, folder, huggingface
from storage import errors, models, sources
from storage.database import Connection, Database

_MAX_ADDRESS_LENGTH = 2_000

RECORDS: tuple[base.KindRecord, ...] = (
    arxiv_categories.KIND,
    folder.KIND,
    huggingface.KIND,
    feed.URL_KIND,
    feed.KIND,
)
"""The records of the kinds, in the order in which an address is matched. A feed matches every address."""
_BY_KIND = {record.kind: record for record in RECORDS}


def get(kind: models.SourceKind) -> base.KindRecord:
    """Return the record of a kind."""
    return _BY_KIND[kind]


def guess_kind(address: str, endpoints: base.Endpoints) -> models.SourceKind:
    """Return the kind of the first record that matches an address."""
    return next(record.kind for record in RECORDS if record.matches(address, endpoints))


def normalise(address: str) -> str:
    """Return an address as it is stored: Hugging Face's by its one address, a folder by its absolute path."""
    return huggingface.normalise(folder.make_absolute(address))


def check(kind: models.SourceKind, address: str, options: Mapping[str, object]) -> None:
    """Raise UsageError with the reason if an address or its options cannot be used for a source of that kind."""
    if not address.strip():
        raise errors.UsageError("The source's URL is an empty string. Give a URL or a folder.")
    if len(address) > _MAX_ADDRESS_LENGTH or not address.isprintable():
        raise errors.UsageError(
            f"{errors.redact(address)[:80]!r} is not an address. Example: https://huggingface.co"
        )
    get(kind).check(address)
    feed.parse_publishing_schedule(options, "UTC")


def public_label(address: str) -> str:
    """Return the name of a source for readers: no credentials, no query, no path above a folder; "" for no address.

    The source may be removed by now.
    """
    if address.startswith(arxiv_categories.SCHEME):
        return f"arXiv {address.removeprefix(arxiv_categories.SCHEME)}"
    if folder.parse_folder_path(address) is not None:
        return address.rstrip("/\\").replace("\\", "/").rpartition("/")[2] or address
    try:
        parts = urlsplit(address)
    except ValueError:
        return models.SourceKind.URL.value
    return parts.netloc.rpartition("@")[2] + parts.path.rstrip("/")


class Brings(StrEnum):
    """How a source's papers are used."""

    POSTS = "posts"
    """Lists and written digests, which daily posts take."""
    LOOK_UP = "look-up"
    """Papers that look-ups and alerts see, and facts about papers; only posts that name the source take them."""
    NOTHING = "nothing"


YIELD_DAYS = timedelta(days=30)
"""The period whose days are counted for `Yield.papers_a_day`."""


@dataclass(frozen=True, slots=True)
class Yield:
    """A source's yield: how its papers are used, the median papers of a day with papers, and the newest day.

    The days are those known of the last YIELD_DAYS.
    """

    brings: Brings
    papers_a_day: int | None
    latest: tuple[date, int] | None


def of_stored(row: models.StoredSource, counted: Mapping[models.DigestFormat, Mapping[date, int]]) -> Yield:
    """Return the yield of a stored source, from the papers of its digests."""
    posted, looked_up = Counter[date](), Counter(counted.get(models.DigestFormat.LOOKUP, {}))
    for form, numbers in counted.items():
        if form is not models.DigestFormat.LOOKUP:
            posted.update(numbers)
    brings = Brings.NOTHING
    if counted.keys() - {models.DigestFormat.LOOKUP}:
        brings = Brings.POSTS
    elif counted or get(row.kind).is_for_lookup:
        brings = Brings.LOOK_UP
    days = {on: number for on, number in (posted or looked_up).items() if number}
    usual = round(statistics.median(days.values())) if days else None
    return Yield(brings, usual, max(days.items(), default=None))


ADD_DEFAULT = f"paperround sources add {huggingface.ADDRESS}"
"""The command that switches daily posts on, without any other source."""
NO_SOURCE = f"No sources yet. Add one: {ADD_DEFAULT}"
"""The message of `doctor` and the log without any source; `/status` has its own in the reader's language."""


class SourceRegistry:
    """Adds, lists, changes and removes the sources of `paperround sources` and `paperround.toml`, in storage."""

    def __init__(self, database: Database, clock: Clock, endpoints: base.Endpoints) -> None:
        self._database = database
        self._clock = clock
        self._endpoints = endpoints

    async def add(
        self,
        url: str,
        *,
        kind: models.SourceKind | None = None,
        priority: int = 0,
        options: Mapping[str, str] | None = None,
    ) -> models.StoredSource:
        """Store a source, due at once, by its address as `normalise` gives it; without `kind`, it is guessed from the address.

        Raises UsageError for an unusable address or option, DuplicateError for an address that is stored already.
        """
        url = normalise(url)
        kind = kind or guess_kind(url, self._endpoints)
        check(kind, url, options or {})
        arxiv_categories.check_options(url, options or {}, self._clock().date())
        async with self._database.transaction() as connection:
            return await sources.add(
                connection, url=url, kind=kind, now=self._clock(), priority=priority, options=options
            )

    async def add_configured(self, settings: Iterable[SourceSetting], inbox: Path | None = None) -> None:
        """Store the sources of `paperround.toml` and the inbox that are not stored yet. Raises UsageError for an unusable one.

        The inbox is a folder like others, and is made if it is missing.
        """
        if inbox is not None:
            await asyncio.to_thread(inbox.mkdir, parents=True, exist_ok=True)
            settings = [*settings, SourceSetting(url=str(inbox.absolute()), kind=models.SourceKind.FOLDER)]
        known = {row.url for row in await self.list_rows()}
        for setting in settings:
            if known & {setting.url, normalise(setting.url)}:
                continue
            # Another process may be faster.
            with suppress(errors.DuplicateError):
                await self.add(
                    setting.url,
                    kind=setting.kind,
                    priority=setting.priority,
                    options={name: str(value) for name, value in setting.options.items()},
                )

    async def list_rows(self) -> list[models.StoredSource]:
        """Return all sources in the order of trust: highest priority first, the oldest first of equal ones."""
        async with self._database.read() as connection:
            return await sources.list_rows(connection)

    async def list_yields(self) -> list[tuple[models.StoredSource, Yield]]:
        """Return all sources as `list_rows` does, each with what it brought."""
        since_on = self._clock().date() - YIELD_DAYS
        async with self._database.read() as connection:
            counted = await sources.count_papers(connection, since_on)
            return [
                (row, of_stored(row, counted.get(row.url, {}))) for row in await sources.list_rows(connection)
            ]

    async def set_priority(self, url: str, priority: int) -> str:
        """Store the priority of a source, found as `remove` does. Returns its address."""
        async with self._database.transaction() as connection:
            url = await find_address(connection, url)
            await sources.set_priority(connection, url, priority)
        return url

    async def remove(self, url: str) -> str:
        """Delete a source by its address or its label in `sources list`; its digests and facts stay.

        Returns its address. Raises UsageError for an unknown one.
        """
        async with self._database.transaction() as connection:
            url = await find_address(connection, url)
            await sources.remove(connection, url)
        return url


async def find_address(connection: Connection, url: str) -> str:
    """Return a source's address, given the address or its label in `sources list`. Raises UsageError for an unknown one."""
    stored = [row.url for row in await sources.list_rows(connection)]
    shown = [address for address in stored if errors.redact(address) == url]
    if url not in stored:
        url = shown[0] if len(shown) == 1 else normalise(url)
    if url not in stored:
        raise errors.UsageError(f"{url} is not a source. `paperround sources list` shows all sources.")
    return url


def build_source_registry(database: Database, clock: Clock, settings: Settings) -> SourceRegistry:
    """Return the registry with the service endpoints of the settings."""
    return SourceRegistry(database, clock, service_endpoints(settings))


def service_endpoints(settings: Settings) -> base.Endpoints:
    """Return the base addresses of the services that the settings name."""
    return {models.SourceKind.HUGGINGFACE: settings.hf_endpoint, models.SourceKind.ARXIV: settings.arxiv_url}
