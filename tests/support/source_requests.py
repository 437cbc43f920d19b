"""Asking a source as a pass does, and remembering what it said to remember."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bot.sources import base
from storage import models
from tests.bot.sources import conftest


async def ask(
    one: base.Source, pages: Mapping[str, models.Page] | None = None, **visit: Any
) -> list[base.Outcome]:
    """Return all outcomes of a visit at the tests' present moment."""
    visited = base.Visit(**{"now": conftest.NOW, "pages": pages or {}, **visit})
    return [outcome async for outcome in one.fetch(visited)]


def remember(
    outcomes: Iterable[base.Outcome], before: Mapping[str, models.Page] | None = None
) -> dict[str, models.Page]:
    """Return the memory after a visit."""
    return {**(before or {}), **{page.place: page for outcome in outcomes for page in outcome.pages}}
