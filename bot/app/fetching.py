"""Opens the HTTP fetcher as the settings configure it, with its allowed hosts."""

from __future__ import annotations

import importlib.metadata
import random
from contextlib import AbstractAsyncContextManager

from bot.clock import Clock
from bot.settings import Settings
from bot.sources.http import fetcher, limits, ssrf_guard

LOOKUP_LIMITS = limits.Limits(
    connect_timeout=4.0,
    read_timeout=6.0,
    total_timeout=8.0,
    max_bytes=3_000_000,
    max_redirects=3,
    max_attempts=1,
)


def open_fetcher(
    settings: Settings, clock: Clock, limits: limits.Limits | None = None
) -> AbstractAsyncContextManager[fetcher.Fetcher]:
    """Open a fetcher with the allowed hosts and the proxy of the settings."""
    return fetcher.open_fetcher(
        now=clock,
        random=random.random,
        user_agent=f"Paperround/{importlib.metadata.version('paperround')} (a Discord bot for paper digests)",
        allowed_hosts=allowances(settings),
        proxy=settings.fetch_proxy,
        limits=limits,
    )


def open_lookup_fetcher(settings: Settings, clock: Clock) -> AbstractAsyncContextManager[fetcher.Fetcher]:
    """Open a fetcher for answers that a reader waits for: it takes small ones only, and does not try again."""
    return open_fetcher(settings, clock, LOOKUP_LIMITS)


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
