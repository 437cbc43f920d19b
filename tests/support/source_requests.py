"""Asking a source as a pass does, and remembering what it said to remember."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bot.sources import base
from storage import models
from tests.bot.sources import conftest


async def fetch_results(
    fetched: base.Source, page_states: Mapping[str, models.PageState] | None = None, **visit: Any
) -> list[base.FetchResult]:
    """Return all outcomes of a visit at the tests' present moment."""
    visited = base.FetchRequest(**{"now": conftest.NOW, "page_states": page_states or {}, **visit})
    return [outcome async for outcome in fetched.fetch(visited)]


def merge_page_states(
    results: Iterable[base.FetchResult], previous: Mapping[str, models.PageState] | None = None
) -> dict[str, models.PageState]:
    """Return the memory after a visit."""
    return {
        **(previous or {}),
        **{page.location: page for outcome in results for page in outcome.page_states},
    }
