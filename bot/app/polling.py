"""Opens what asks the sources: the fetcher with its limits and allowances, and the pass over all of them."""

from __future__ import annotations

import importlib.metadata
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiolimiter import AsyncLimiter

from bot.app.container import Container
from bot.services.ingest.service import IngestService
from bot.services.polling import checkpoint
from bot.services.polling.operator_notice import OperatorNotifier
from bot.services.polling.poller import Poller
from bot.services.polling.registry import build_source_registry
from bot.settings import Settings
from bot.sources import base, kinds
from bot.sources.http import fetcher, retry, ssrf_guard


@asynccontextmanager
async def open_poller(core: Container, ingest: IngestService) -> AsyncIterator[Poller]:
    """Open the fetcher and what asks the sources with it; those of `paperround.toml` are kept first. Raises UsageError."""
    settings = core.settings
    await build_source_registry(core.database, core.clock, settings).add_configured(settings.sources)
    async with fetcher.open_fetcher(
        now=core.clock,
        random=random.random,
        user_agent=f"Paperround/{importlib.metadata.version('paperround')} (a Discord bot for paper digests)",
        allowed_hosts=allowances(settings),
    ) as fetch:
        endpoints = base.Endpoints(settings.hf_endpoint, settings.arxiv_url)
        throttles = {
            record.kind: AsyncLimiter(1, record.seconds_per_request).acquire
            for record in kinds.RECORDS
            if record.seconds_per_request is not None
        }
        context = base.SourceContext(fetch, endpoints, throttles, settings.timezone)
        notifier = None if settings.operator_channel is None else _operator_notifier(core).plan
        policy = retry.RetryPolicy(random.random)
        yield Poller(
            core.database,
            core.clock,
            ingest,
            context,
            policy,
            notify_failure=notifier or checkpoint.skip_notification,
        )


def allowances(settings: Settings) -> list[ssrf_guard.AllowedHost]:
    """Return the hosts that may be private: those that the operator lists, and the services that they set themselves."""
    named = [ssrf_guard.parse_allowed_host(host) for host in settings.fetch_allow]
    fields = Settings.model_fields
    for name in ("hf_endpoint", "arxiv_url"):
        address = getattr(settings, name)
        if address != fields[name].default:
            named.append(ssrf_guard.allowed_host_of_url(address))
    return named


def _operator_notifier(core: Container) -> OperatorNotifier:
    assert core.settings.operator_channel is not None
    return OperatorNotifier(
        core.deliveries,
        channel_id=core.settings.operator_channel,
        locale=core.locale,
    )
