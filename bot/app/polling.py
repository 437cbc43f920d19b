"""Opens what asks the sources: the fetcher with its limits and allowances, and the pass over all of them."""

from __future__ import annotations

import importlib.metadata
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiolimiter import AsyncLimiter

from bot.app.container import Core
from bot.services.ingest.service import Ingest
from bot.services.polling.operator_alert import SourceNotices
from bot.services.polling.poller import Fetching
from bot.services.polling.registry import open_sources
from bot.services.posts import delivery_factory
from bot.settings import Settings
from bot.sources import arxiv, factory, kinds
from bot.sources.http import fetcher, retry, ssrf_guard


@asynccontextmanager
async def open_fetching(core: Core, ingest: Ingest) -> AsyncIterator[Fetching]:
    """Open the fetcher and what asks the sources with it; those of `paperround.toml` are kept first. Raises UsageError."""
    settings = core.settings
    await open_sources(core.database, core.clock, settings).add_configured(settings.sources)
    async with fetcher.open_fetcher(
        now=core.clock,
        random=random.random,
        user_agent=f"Paperround/{importlib.metadata.version('paperround')} (a Discord bot for paper digests)",
        allowances=allowances(settings),
    ) as fetch:
        pace = AsyncLimiter(1, arxiv.SECONDS_A_REQUEST)
        endpoints = kinds.Endpoints(settings.hf_endpoint, settings.arxiv_url)
        access = factory.Access(fetch, endpoints, pace.acquire, settings.timezone)
        notice = {} if settings.operator_channel is None else {"notice": _notices(core).plan}
        yield Fetching(core.database, core.clock, ingest, access, retry.Patience(random.random), **notice)


def allowances(settings: Settings) -> list[ssrf_guard.Allowance]:
    """Return the hosts that may be private: those that the operator lists, and the services that they set themselves."""
    named = [ssrf_guard.parse_allowance(host) for host in settings.fetch_allow]
    fields = Settings.model_fields
    for name in ("hf_endpoint", "arxiv_url"):
        address = getattr(settings, name)
        if address != fields[name].default:
            named.append(ssrf_guard.allow_endpoint(address))
    return named


def _notices(core: Core) -> SourceNotices:
    assert core.settings.operator_channel is not None
    return SourceNotices(
        lambda: core.renderer,
        nonces=delivery_factory.new_nonce,
        channel_id=core.settings.operator_channel,
        locale=core.locale,
        expire_after=core.expire_after,
    )
