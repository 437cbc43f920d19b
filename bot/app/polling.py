"""Builds the poller of sources."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from bot.app import fetching
from bot.app.container import Container
from bot.services.ingest.quarantine import Quarantine
from bot.services.ingest.service import IngestService
from bot.services.outbox.owner_notice import OperatorNotifier
from bot.services.polling import checkpoint, registry
from bot.services.polling.poller import Poller
from bot.sources import base
from bot.sources.http import retry

log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_poller(container: Container, ingest: IngestService) -> AsyncIterator[Poller]:
    """Open the fetcher and the poller, after adding the sources of `paperround.toml`. Raises UsageError."""
    settings = container.settings
    source_registry = registry.build_source_registry(container.database, container.clock, settings)
    await source_registry.add_configured(settings.sources)
    async with fetching.open_fetcher(settings, container.clock) as fetch:
        endpoints = registry.service_endpoints(settings)
        throttles, rule = container.source_throttles, container.day_close
        context = base.SourceContext(fetch, endpoints, throttles, settings.timezone, rule)
        notifier = operator_notifier(container)
        policy = retry.RetryPolicy(random.random)
        yield Poller(
            container.database,
            container.clock,
            ingest,
            context,
            policy,
            notify_failure=notifier.plan if notifier else checkpoint.skip_notification,
            quarantine=Quarantine(container.database, "sources"),
        )


async def log_missing_source(container: Container) -> None:
    """Name the command that adds Hugging Face's list if there is neither a source nor an inbox."""
    settings = container.settings
    source_registry = registry.build_source_registry(container.database, container.clock, settings)
    if settings.inbox is None and not await source_registry.list_rows():
        log.warning(registry.NO_SOURCE)


def operator_notifier(container: Container) -> OperatorNotifier | None:
    """Return the planner of notices to the operator; None if no channel is set for them."""
    channel_id = container.settings.operator_channel
    if channel_id is None:
        return None
    return OperatorNotifier(container.deliveries, channel_id=channel_id, locale=container.locale)
