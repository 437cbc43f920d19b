"""The kinds of sources, and the registry of stored sources. Does not load aiohttp."""

from __future__ import annotations

import asyncio
import re
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from bot.archive import digest_writer
from bot.archive.ingest import IngestService
from bot.core.clock import Clock
from bot.core.settings import Settings, SourceSetting
from bot.sources import arxiv_categories, base, feed, folder, huggingface, pages
from storage import archive, errors, models, papers, sources
from storage.database import Connection, Database

_MAX_ADDRESS_BYTES = 2_000
"""What PostgreSQL can index, with other columns."""
MAX_LABEL_LENGTH = 40

RECORDS: tuple[base.KindRecord, ...] = (
    arxiv_categories.KIND,
    folder.KIND,
    huggingface.KIND,
    pages.KIND,
    feed.KIND,
)
"""All kinds, in the order in which they are tried for an address. The feed kind matches every address."""
_BY_KIND = {record.kind: record for record in RECORDS}


def get(kind: models.SourceKind) -> base.KindRecord:
    return _BY_KIND[kind]


def guess_kind(address: str, endpoints: base.Endpoints) -> models.SourceKind:
    return next(record.kind for record in RECORDS if record.matches(address, endpoints))


def normalise(address: str) -> str:
    """Return the form in which an address is stored: one form for Hugging Face, and an absolute path for a folder.

    A feed's address as browsers hand it over, `feed://HOST/…` or `feed:https://HOST/…`, is one of http or https.
    """
    scheme, _, rest = address.strip().partition(":")
    if scheme.lower() == "feed":
        rest = rest.lstrip("/")
        address = rest if rest.startswith(("http://", "https://")) else f"http://{rest}"
    return huggingface.normalise(folder.make_absolute(address))


def check(kind: models.SourceKind, address: str, options: Mapping[str, object]) -> None:
    """Raise UsageError with a reason if the address or options are invalid for this kind."""
    if not address.strip():
        raise errors.UsageError("The source's URL is an empty string. Give a URL or a folder.")
    if not address.isprintable() or len(address.encode()) > _MAX_ADDRESS_BYTES:
        raise errors.UsageError(
            f"{errors.redact(address)[:80]!r} is not an address. Example: https://huggingface.co"
        )
    label = str(options.get("label", ""))
    if label and not (models.label_key(label) and label.isprintable() and len(label) <= MAX_LABEL_LENGTH):
        raise errors.UsageError(
            f"A label has letters or digits, and up to {MAX_LABEL_LENGTH} characters, such as ICLR 2026."
        )
    get(kind).check(address)
    pages.parse_publishing_schedule(options, "UTC")


def public_name(address: str) -> str:
    """Return a source's name for anyone: its host or categories; "" for a folder and a private host.

    Paths and queries may contain secrets. Also accepts the address of a removed source.
    """
    if address.startswith(arxiv_categories.SCHEME):
        return f"arXiv {address.removeprefix(arxiv_categories.SCHEME)}"
    if address in sources.WITHOUT_ROW:
        return address
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        host = ""
    return host if _PUBLIC_NAME.search(host) else ""


def public_label(address: str) -> str:
    """Return a source's public name, or its kind if it has none; "" for an empty address."""
    if not address:
        return ""
    is_folder = folder.parse_folder_path(address) is not None
    return public_name(address) or (models.SourceKind.FOLDER if is_folder else models.SourceKind.URL).value


_PUBLIC_NAME = re.compile(
    r"\.(?!(?:local|internal|lan|home|corp|intranet|private|arpa|[0-9]*)\.?$)[^.:]+\.?$"
)
"""The end of a host's name if it is public: neither an address nor in a domain of a private network (RFC 6762, appendix G)."""
_URL_IN_TEXT = re.compile(r"https?://[^\s<>\"'`]+")


def public_text(text: str) -> str:
    return _URL_IN_TEXT.sub(lambda match: public_label(match[0]), text)


def public_labels(addresses: Iterable[str]) -> dict[str, str]:
    """Return the public names by address, numbered from the second one on if several are equal: `github.com (2)`."""
    labels: dict[str, str] = {}
    used = Counter[str]()
    for address in addresses:
        label = public_label(address)
        used[label] += 1
        labels[address] = label if used[label] == 1 else f"{label} ({used[label]})"
    return labels


def operator_labels(addresses: Iterable[str]) -> dict[str, str]:
    """Return names by address that distinguish sources: the public one, a folder's own, or the address without secrets and query.

    The address is taken for a private host, and where several have the same name.
    """

    def name(address: str) -> str:
        path = "" if folder.parse_folder_path(address) is None else address.replace("\\", "/").rstrip("/")
        return public_name(address) or path.rpartition("/")[2]

    names = {address: name(address) for address in addresses}
    used = Counter(names.values())
    return {
        address: name if name and used[name] == 1 else errors.redact(address.partition("?")[0])
        for address, name in names.items()
    }


class Brings(StrEnum):
    """How a source's papers are used."""

    POSTS = "posts"
    """Lists and written digests, used by daily posts."""
    LOOK_UP = "look-up"
    """Papers for lookups and alerts, and facts. Only daily posts for this source use them."""
    NOTHING = "nothing"


YIELD_DAYS = timedelta(days=30)
"""The period over which a yield is measured."""


@dataclass(frozen=True, slots=True)
class Yield:
    """What a source delivered in YIELD_DAYS: how its papers are used, the median number per day, and the latest day.

    Days without papers are not counted. `undated` is the number of a folder's files without a date, if that is
    at least half of them: each is dated 60 days back, so that no post takes its papers.
    """

    brings: Brings
    papers_a_day: int | None
    latest: tuple[date, int] | None
    undated: int


def of_stored(
    row: models.StoredSource,
    counted: Mapping[models.DigestFormat, Mapping[date, int]],
    files: tuple[int, int] = (0, 0),
) -> Yield:
    """Return a summary of what a stored source delivered, from its paper counts by format and day.

    `files` are the numbers of its locations without a date, and of all. One may have the date of one without by chance.
    """
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
    undated, total = files
    is_undated = row.kind is models.SourceKind.FOLDER and 2 * undated >= total
    return Yield(brings, usual, max(days.items(), default=None), undated if is_undated else 0)


ADD_DEFAULT = f"paperround sources add {huggingface.ADDRESS}"
"""The command that adds the default source, which is enough for daily posts."""
NO_SOURCE = f"No sources yet. Add one: {ADD_DEFAULT}"
"""The message in `doctor` if there are no sources. `/status` has a translated one."""


@dataclass(frozen=True, slots=True)
class SourceRegistry:
    """Adds, lists, changes and removes stored sources, for `paperround sources` and `paperround.toml`."""

    database: Database
    clock: Clock
    endpoints: base.Endpoints

    async def add(
        self,
        url: str,
        *,
        kind: models.SourceKind | None = None,
        priority: int = 0,
        options: Mapping[str, str] | None = None,
    ) -> models.StoredSource:
        """Store a source, to be polled at once. If `kind` is None, it is guessed from the address.

        Raises UsageError if the address or an option is invalid, and DuplicateError if the address is already
        stored.
        """
        url = normalise(url)
        kind = self._find_kind(url, kind, options or {})
        return await self.database.write(
            sources.add, url=url, kind=kind, now=self.clock(), priority=priority, options=options
        )

    def _find_kind(
        self, url: str, kind: models.SourceKind | None, options: Mapping[str, object]
    ) -> models.SourceKind:
        """Return the kind of a normalised address. Raises UsageError if the address or an option is invalid."""
        kind = kind or guess_kind(url, self.endpoints)
        check(kind, url, options)
        arxiv_categories.check_options(url, options, self.clock().date())
        return kind

    async def list_unstored(self, settings: Iterable[SourceSetting]) -> list[SourceSetting]:
        """Return the sources of `paperround.toml` that are not in the database. Raises UsageError if one is invalid."""
        stored = {row.url for row in await self.list_rows()}
        unstored = [row for row in settings if not stored & {row.url, normalise(row.url)}]
        for row in unstored:
            self._find_kind(normalise(row.url), row.kind, row.options)
        return unstored

    async def add_configured(self, settings: Iterable[SourceSetting], inbox: Path | None = None) -> None:
        """Add the sources listed in `paperround.toml` and the inbox folder to the database, unless already there.

        Creates the inbox if it is new. One that was read before and is gone is not made again: read as empty, it would take
        its digests along. Raises UsageError for an invalid source, or an inbox that cannot be created.
        """
        unstored = await self.list_unstored(settings)
        if inbox is not None:
            row = SourceSetting(url=str(inbox.absolute()), kind=models.SourceKind.FOLDER)
            if not {row.url, normalise(row.url)} & {of.url for of in await self.list_rows()}:
                await asyncio.to_thread(_create_inbox, inbox)
                unstored.append(row)
        for setting in unstored:
            # Another process may have stored it first.
            with suppress(errors.DuplicateError):
                await self.add(
                    setting.url,
                    kind=setting.kind,
                    priority=setting.priority,
                    options={name: str(value) for name, value in setting.options.items()},
                )

    async def list_rows(self) -> list[models.StoredSource]:
        """Return all sources, highest priority first, then oldest first."""
        return await self.database.fetch(sources.list_rows)

    async def list_yields(self) -> list[tuple[models.StoredSource, Yield]]:
        """Return all sources with summaries of what they delivered, in the order of `list_rows`."""
        since = self.clock() - YIELD_DAYS
        async with self.database.read() as connection:
            counted = await sources.count_papers(connection, since.date())
            files = await sources.count_undated(connection, since, digest_writer.FILL_AGE)
            return [
                (row, of_stored(row, counted.get(row.url, {}), files.get(row.url, (0, 0))))
                for row in await sources.list_rows(connection)
            ]

    async def change(self, url: str, *, priority: int | None = None, label: str | None = None) -> str:
        """Change a source's priority or label ("": none), and return its address.

        Raises UsageError if the source is unknown or the label invalid.
        """
        async with self.database.transaction() as connection:
            url = await find_address(connection, url)
            [row] = [row for row in await sources.list_rows(connection) if row.url == url]
            check(row.kind, url, {**row.options, "label": label or ""})
            await sources.change(connection, url, priority=priority, label=label)
        return url

    async def remove(self, url: str) -> str:
        """Delete a source, but not its digests and facts, and return its address.

        `url` is the address or the label in `sources list`. Raises UsageError if the source is unknown.
        """
        async with self.database.transaction() as connection:
            url = await find_address(connection, url)
            await sources.remove(connection, url)
        return url

    async def list_digests(self, url: str) -> list[models.StoredDigest]:
        """Return the digests of a source, also of one that was removed. Raises UsageError as `remove_digests` does."""
        async with self.database.read() as connection:
            url = await find_address(connection, url, await archive.list_source_names(connection))
            return await archive.list_rows(connection, origin=archive.Origin(url, with_lookup=True))

    async def remove_digests(self, url: str, ingest: IngestService) -> tuple[str, int, int]:
        """Delete a source with its digests, also one that was removed before. What was posted stays posted.

        Returns the address, the number of digests, and that of papers that no digest lists any more. Raises UsageError
        if neither the source nor a digest of it is stored.
        """
        async with self.database.transaction() as connection:
            url = await find_address(connection, url, await archive.list_source_names(connection))
            await sources.remove(connection, url)
            digests = await archive.list_rows(connection, origin=archive.Origin(url, with_lookup=True))
            listed = await _list_of_categories(connection, url)
        return url, len(digests), await ingest.remove_digests(digests, listed)


async def _list_of_categories(connection: Connection, url: str) -> list[int]:
    """Return the papers that arXiv listed in the categories of a removed source, and of no other one.

    Those of a back-fill are in no digest.
    """
    if not url.startswith(arxiv_categories.SCHEME):
        return []
    stored = [row.url for row in await sources.list_rows(connection) if row.kind is models.SourceKind.ARXIV]
    removed, others = (
        {name for address in addresses for name in arxiv_categories.parse_categories(address)}
        for addresses in ([url], stored)
    )
    covers = arxiv_categories.covers
    listed = await papers.list_listed_by_arxiv(connection)
    return [id_ for id_, names in listed.items() if covers(removed, names) and not covers(others, names)]


async def find_address(connection: Connection, url: str, removed: Iterable[str] | None = None) -> str:
    """Return a source's stored address, given the address or its label. Raises UsageError.

    `removed` are the addresses of sources that were removed.
    """
    stored = {row.url for row in await sources.list_rows(connection)}.union(removed or ())
    shown = [address for address in stored if errors.redact(address) == url]
    if url not in stored and len(shown) > 1:
        raise errors.UsageError(
            f"{url} is what {len(shown)} sources are shown as. Name one by its whole address; then the other is found as shown."
        )
    if url not in stored:
        url = shown[0] if shown else normalise(url)
    if url not in stored:
        also = ", and no digest of it is stored" if removed is not None else ""
        raise errors.UsageError(f"{url} is not a source{also}. `paperround sources list` shows all sources.")
    return url


def _create_inbox(inbox: Path) -> None:
    try:
        inbox.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise errors.UsageError(
            f"PAPERROUND_INBOX: the folder {inbox} is missing and cannot be created: {error.strerror}."
        ) from error


def build_source_registry(database: Database, clock: Clock, settings: Settings) -> SourceRegistry:
    return SourceRegistry(database, clock, service_endpoints(settings))


def service_endpoints(settings: Settings) -> base.Endpoints:
    return {models.SourceKind.HUGGINGFACE: settings.hf_endpoint, models.SourceKind.ARXIV: settings.arxiv_url}
