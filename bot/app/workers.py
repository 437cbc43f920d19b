"""Build what works without a reader's command: ingest, poller, writer, planners and retention."""

from __future__ import annotations

import functools
import os
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import structlog

from bot.app.container import Container, create_fetcher, find_library
from bot.archive.ingest import IngestService
from bot.client.services import Services
from bot.core.settings import Settings
from bot.features.alerts.planner import AlertPlanner
from bot.features.operations.retention import Retention
from bot.features.shelf.zotero import ZoteroOutbox
from bot.features.writer import drafting, publication
from bot.features.writer.service import WriterService
from bot.outbox.outcomes import notify_operator
from bot.sources import base, huggingface, kinds, paper_text
from bot.sources.poller import Poller
from storage import alerts, models, zotero
from storage.database import Connection, Database

log = structlog.get_logger(__name__)


class Workers:
    """The services that store digests and plan posts. They write through `database` alone, which a sender fences."""

    def __init__(self, container: Container, database: Database | None = None) -> None:
        self.container = container
        self.clock = clock = container.clock
        self.database = database = database or container.database
        deliveries, search = container.deliveries, container.search
        self.ingest = IngestService(database, clock, on_fresh=self._queue_for_alerts)
        self.alert_planner = AlertPlanner(
            database, clock, deliveries, search, default_locale=container.locale, find_right=self._find_right
        )
        self.retention = Retention(database, clock, days=container.settings.keep_days)

    async def _queue_for_alerts(self, connection: Connection, paper_ids: Sequence[int]) -> None:
        """Queue papers that an ingest added."""
        if await alerts.exist(connection):
            await alerts.add_unmatched(connection, paper_ids, self.clock())

    async def _find_right(self, alert: models.Alert) -> alerts.OwnerRight:
        """Return whether the owner of a channel's alert keeps the right to it. Unknown in the shell, without a client."""
        from bot.client import permissions

        if (client := self.container.client) is None:
            return alerts.OwnerRight.UNKNOWN
        return await permissions.find_right(client, alert.user_id, alert.guild_id or 0, alert.channel_id or 0)

    async def load_mentions(self) -> None:
        """Load the command ids if there are alerts. Of the posts that an ingest triggers, only alerts mention commands."""
        async with self.database.read() as connection:
            if not await alerts.exist(connection):
                return
        await self.container.mentions.load(self.database)

    @cached_property
    def services(self) -> Services:
        """The services, with the features' planners, which write through `database`."""
        from bot.app.features import FEATURES

        shared = self.container.services
        services = replace(shared, database=self.database, features={**shared.features})
        for feature in FEATURES:
            services.add(feature.planners(services))
        return services

    @asynccontextmanager
    async def open_poller(
        self, spacing: Callable[[models.FetchStatus], float] = lambda _: random.uniform(1, 1.1)
    ) -> AsyncIterator[Poller]:
        """Open the fetcher and poller, after adding the configured sources and inbox. Raises UsageError.

        `spacing` returns after how much of its interval a source is read again after a result.
        """
        settings, container = self.container.settings, self.container
        source_registry = kinds.build_source_registry(self.database, self.clock, settings)
        await source_registry.add_configured(settings.sources, settings.inbox)
        async with create_fetcher(settings, self.clock) as fetch:
            context = base.SourceContext(
                fetch,
                kinds.service_endpoints(settings),
                container.arxiv_throttle,
                settings.timezone,
                container.day_close,
                arxiv_rss_url=settings.arxiv_rss_url,
            )
            notify = None
            if (channel_id := settings.operator_channel) is not None:
                notify = functools.partial(
                    notify_operator, container.deliveries, channel_id, container.locale
                )
            yield Poller(self.database, self.clock, self.ingest, context, spacing, notify_failure=notify)

    @asynccontextmanager
    async def open_zotero(
        self, list_servers: Callable[[], Sequence[int]]
    ) -> AsyncIterator[ZoteroOutbox | None]:
        """Open the outbox of a library of Zotero, if one is configured. `list_servers` returns the bot's."""
        settings = self.container.settings
        async with create_fetcher(settings, self.clock) as fetch:
            library = find_library(settings, fetch)
            if library is None:
                await self.database.write(zotero.set_problem, None)  # of former settings
                yield None
            else:
                yield ZoteroOutbox(self.database, self.clock, library, settings.zotero_server, list_servers)

    @asynccontextmanager
    async def open_writer(self) -> AsyncIterator[WriterService]:
        """Open the writer for one run. It has no model if none is configured."""
        settings, container = self.container.settings, self.container
        async with create_fetcher(settings, self.clock) as fetch:
            source = huggingface.HuggingFaceSource(settings.hf_endpoint, fetch, container.day_close)
            publisher = publication.Publisher(self.database, self.ingest, settings.writer_model)
            parts = self.database, self.clock, source, container.templates, self.ingest, publisher
            if settings.writer_url is None:
                yield WriterService(*parts)
                return
            reader = container.create_text_reader(fetch)
            texts = paper_text.PaperTexts(self.database, self.clock, lambda: nullcontext(reader))
            model, judge = container.create_models()
            glossary, budget = await container.glossary.get_current(), container.token_budget
            draft_writer = drafting.DraftWriter(
                self.database, self.clock, model, judge, texts, glossary, budget
            )
            yield WriterService(*parts, draft_writer)


def inbox_of(settings: Settings) -> Path | None:
    """Return the inbox folder, where a written digest becomes a file that people can edit.

    Returns None if there is no inbox or it is read-only, as in `docker-compose.yml`; the digest is then
    stored without a file.
    """
    is_place = settings.inbox is not None and settings.inbox.is_dir() and os.access(settings.inbox, os.W_OK)
    return settings.inbox if is_place else None
