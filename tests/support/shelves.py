"""Shelves that look up no titles, unless a test gives them a place to do so."""

from collections.abc import Sequence

from bot.core.clock import Clock
from bot.features.shelf.service import FetchTitled, FindTitled, Matcher, Shelf
from storage.archive import DigestPaper
from storage.database import Database


async def match_nothing(text: str, papers: Sequence[DigestPaper]) -> frozenset[int]:
    return frozenset()


async def find_nothing(titles: Sequence[str]) -> dict[str, str]:
    return {}


async def fetch_nothing(user_id: int, titles: Sequence[str]) -> dict[str, str | None]:
    return {}


def open_shelf(
    database: Database,
    clock: Clock,
    matcher: Matcher = match_nothing,
    *,
    find_titled: FindTitled = find_nothing,
    fetch_titled: FetchTitled | None = fetch_nothing,
) -> Shelf:
    return Shelf(database, clock, matcher, find_titled, fetch_titled)
