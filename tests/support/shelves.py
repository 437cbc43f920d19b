"""Shelves that look up no titles, unless a test gives them a place to do so."""

from typing import Any

from bot.core.clock import Clock
from bot.features.shelf.service import FetchTitled, FindTitled, Matcher, Shelf
from storage.database import Database


async def match_nothing(*_: object) -> frozenset[int]:
    return frozenset()


async def find_nothing(*_: object) -> dict[str, Any]:
    return {}


def open_shelf(
    database: Database,
    clock: Clock,
    matcher: Matcher = match_nothing,
    *,
    find_titled: FindTitled = find_nothing,
    fetch_titled: FetchTitled | None = find_nothing,
) -> Shelf:
    return Shelf(database, clock, matcher, find_titled, fetch_titled)
