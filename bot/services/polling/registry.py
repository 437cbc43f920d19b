"""Adds, lists and removes the stored sources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bot import errors
from bot.clock import Clock
from bot.settings import Settings, SourceSetting
from bot.sources import base, folder, kinds
from storage import errors as storage_errors
from storage import models, sources
from storage.database import Database

NO_SOURCE = "no source yet: paperround sources add https://huggingface.co"


class SourceRegistry:
    """The sources of `paperround sources` and `paperround.toml`, in storage."""

    def __init__(self, database: Database, clock: Clock, endpoints: base.Endpoints) -> None:
        self._database = database
        self._clock = clock
        self._endpoints = endpoints

    async def add(
        self,
        url: str,
        *,
        kind: models.SourceKind | None = None,
        language: models.Locale | None = None,
        priority: int = 0,
        options: Mapping[str, str] | None = None,
    ) -> models.StoredSource:
        """Store a source, due at once, a folder by its absolute path; without `kind`, it is guessed from the address.

        Raises UsageError for an unusable address or option, DuplicateError for an address that is stored already.
        """
        url = folder.make_absolute(url)
        kind = kind or kinds.guess_kind(url, self._endpoints)
        kinds.check(kind, url, options or {})
        async with self._database.transaction() as connection:
            return await sources.add(
                connection,
                url=url,
                kind=kind,
                now=self._clock(),
                language=language,
                priority=priority,
                options=options,
            )

    async def add_configured(self, settings: Iterable[SourceSetting]) -> None:
        """Store the sources of `paperround.toml` that are not stored yet. Raises UsageError for an unusable one."""
        known = {row.url for row in await self.list_rows()}
        for setting in settings:
            if known & {setting.url, folder.make_absolute(setting.url)}:
                continue
            options = {name: str(value) for name, value in setting.options.items()}
            try:
                await self.add(
                    setting.url,
                    kind=setting.kind,
                    language=setting.language,
                    priority=setting.priority,
                    options=options,
                )
            except storage_errors.DuplicateError:
                continue  # another process was faster

    async def list_rows(self) -> list[models.StoredSource]:
        """Return all sources, highest priority first."""
        async with self._database.read() as connection:
            return await sources.list_rows(connection)

    async def remove(self, url: str) -> None:
        """Delete a source by its address, or by what `sources list` shows of it; the digests and facts it brought stay.

        Raises UsageError for an unknown address.
        """
        async with self._database.transaction() as connection:
            stored = [row.url for row in await sources.list_rows(connection)]
            shown = [address for address in stored if storage_errors.redact(address) == url]
            if url not in stored and len(shown) == 1:
                url = shown[0]
            elif url not in stored:
                url = folder.make_absolute(url)
            if not await sources.remove(connection, url):
                raise errors.UsageError(
                    f"{url} is not among the sources. `paperround sources list` names them."
                )


def build_source_registry(database: Database, clock: Clock, settings: Settings) -> SourceRegistry:
    """Return the registry with the service endpoints of the settings."""
    return SourceRegistry(database, clock, service_endpoints(settings))


def service_endpoints(settings: Settings) -> base.Endpoints:
    """Return the base addresses of the services that the settings name."""
    return {models.SourceKind.HUGGINGFACE: settings.hf_endpoint, models.SourceKind.ARXIV: settings.arxiv_url}
