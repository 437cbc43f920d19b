"""Fetches a source and collects its page states as the poller does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bot.sources import base
from storage import models
from tests.support import source_fixtures


async def fetch_results(
    source: base.Source, page_states: Mapping[str, models.PageState] | None = None, **options: Any
) -> list[base.FetchResult]:
    """Return all results of a fetch at the fixed time of the tests."""
    request = base.FetchRequest(**{"now": source_fixtures.NOW, "page_states": page_states or {}, **options})
    return [result async for result in source.fetch(request)]


async def fetch_statuses(
    source: base.Source, page_states: Mapping[str, models.PageState] | None = None, **options: Any
) -> list[models.FetchStatus]:
    """Return the statuses of all results of a fetch."""
    return [result.status for result in await fetch_results(source, page_states, **options)]


def merge_page_states(
    results: Iterable[base.FetchResult], previous: Mapping[str, models.PageState] | None = None
) -> dict[str, models.PageState]:
    return {**(previous or {}), **{page.location: page for result in results for page in result.page_states}}
