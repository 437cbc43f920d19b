"""The sources that somebody added: kept, listed, removed. Asks none of them; that is `fetching`'s."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bot import errors
from bot.clock import Clock
from bot.settings import Settings, SourceSetting
from bot.sources import base, kinds
from storage import errors as storage_errors
from storage import models, sources
from storage.database import Database


class SourceRegistry:
    """What `paperround sources` and `paperround.toml` say, in storage."""

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
        """Keep a source, of the kind that its address looks like if none is given; it is due at once.

        Raises UsageError for an address or options that cannot be used, DuplicateError for one that stands already.
        """
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

    async def add_configured(self, configured: Iterable[SourceSetting]) -> None:
        """Keep the sources of `paperround.toml` that are not kept yet. Raises UsageError for one that cannot be used."""
        async with self._database.read() as connection:
            known = {one.url for one in await sources.list_rows(connection)}
        for one in configured:
            if one.url in known:
                continue
            options = {name: str(value) for name, value in one.options.items()}
            try:
                await self.add(
                    one.url, kind=one.kind, language=one.language, priority=one.priority, options=options
                )
            except storage_errors.DuplicateError:
                continue  # another process was faster

    async def list_rows(self) -> list[models.StoredSource]:
        """Return all sources, the most believed first."""
        async with self._database.read() as connection:
            return await sources.list_rows(connection)

    async def remove(self, url: str) -> None:
        """Forget a source; what it brought stays. Raises UsageError where there is none."""
        async with self._database.transaction() as connection:
            if not await sources.remove(connection, url):
                raise errors.UsageError(
                    f"{url} is not among the sources. `paperround sources list` names them."
                )


def build_source_registry(database: Database, clock: Clock, settings: Settings) -> SourceRegistry:
    """Return the list of sources, with the services where the settings say that they are."""
    return SourceRegistry(database, clock, base.Endpoints(settings.hf_endpoint, settings.arxiv_url))
