"""The dates that have a digest, for `/digest`, its autocomplete and the web archive."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from storage import archive, papers
from storage.database import Database

MAX_DATES = 400
"""More than a year, so that a date typed without a year can be found."""
MAX_SHOWN_DATES = 25
MAX_LATER_DATES = 8


class DigestDates:
    """Queries for the dates that have a digest."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_dates(
        self, since_on: date | None = None, until_on: date | None = None, *, limit: int = MAX_DATES
    ) -> list[date]:
        """Return the dates that have a digest within an inclusive range, newest first."""
        async with self._database.read() as connection:
            return await archive.list_dates(connection, limit=limit, since_on=since_on, until_on=until_on)

    async def list_dates_around(self, on: date) -> list[date]:
        """Return up to 25 dates around a date that have a digest, newest first. At most eight of them are later."""
        async with self._database.read() as connection:
            next_on = min(on, date.max - timedelta(days=1)) + timedelta(days=1)
            later = await archive.list_dates(
                connection, limit=MAX_LATER_DATES, since_on=next_on, oldest_first=True
            )
            limit = MAX_SHOWN_DATES - len(later)
            return [*reversed(later), *await archive.list_dates(connection, limit=limit, until_on=on)]

    async def count_papers(self, days: Sequence[date]) -> dict[date, int]:
        """Return the number of papers on each date."""
        async with self._database.read() as connection:
            return await papers.count_by_date(connection, days)
