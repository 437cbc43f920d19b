"""Builds the poller of sources, with the HTTP fetcher and its allowed hosts."""

from __future__ import annotations

import importlib.metadata
import random
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import structlog

from bot.app.container import Container
from bot.services.ingest.quarantine import Quarantine
from bot.services.ingest.service import IngestService
from bot.services.polling import checkpoint, registry
from bot.services.polling.operator_notice import OperatorNotifier
from bot.services.polling.poller import Poller
from bot.settings import Settings
from bot.sources import base
from bot.sources.http import fetcher, retry, ssrf_guard

log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_poller(container: Container, ingest: IngestService) -> AsyncIterator[Poller]:
    """Open the fetcher and the poller, after adding the sources of `paperround.toml`. Raises UsageError."""
    settings = container.settings
    source_registry = registry.build_source_registry(container.database, container.clock, settings)
    await source_registry.add_configured(settings.sources)
    async with open_fetcher(container) as fetch:
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


def open_fetcher(container: Container) -> AbstractAsyncContextManager[fetcher.Fetcher]:
    """Open a fetcher with the allowed hosts and the proxy of the settings."""
    settings = container.settings
    return fetcher.open_fetcher(
        now=container.clock,
        random=random.random,
        user_agent=f"Paperround/{importlib.metadata.version('paperround')} (a Discord bot for paper digests)",
        allowed_hosts=allowances(settings),
        proxy=settings.fetch_proxy,
    )


async def log_missing_source(container: Container) -> None:
    """Name the command that adds Hugging Face's list if there is neither a source nor an inbox."""
    settings = container.settings
    source_registry = registry.build_source_registry(container.database, container.clock, settings)
    if settings.inbox is None and not await source_registry.list_rows():
        log.warning(registry.NO_SOURCE)


def allowances(settings: Settings) -> list[ssrf_guard.AllowedHost]:
    """Return the hosts exempt from the SSRF guard: the operator's list, and service URLs that are not the default."""
    allowed = [ssrf_guard.parse_allowed_host(host) for host in settings.fetch_allow]
    fields = Settings.model_fields
    for name in ("hf_endpoint", "arxiv_url"):
        url = getattr(settings, name)
        if url != fields[name].default:
            allowed.append(ssrf_guard.allowed_host_of_url(url))
    if settings.arxiv_html_url != fields["arxiv_html_url"].default:
        allowed += map(ssrf_guard.allowed_host_of_url, settings.arxiv_html_url)
    return allowed


def operator_notifier(container: Container) -> OperatorNotifier | None:
    """Return the planner of notices to the operator; None if no channel is set for them."""
    channel_id = container.settings.operator_channel
    if channel_id is None:
        return None
    return OperatorNotifier(container.deliveries, channel_id=channel_id, locale=container.locale)
