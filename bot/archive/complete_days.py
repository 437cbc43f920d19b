"""The dates that have a digest, and which days are complete."""

from __future__ import annotations

import contextlib
from datetime import date, datetime, timedelta
from typing import NamedTuple

from bot.core import clock, day_close, schedule
from storage import archive, key_values, models, sources
from storage.database import Connection

MAX_SHOWN_DATES = 25
MAX_LATER_DATES = 8
_READ_PERIOD = timedelta(days=30)
"""How long ago a list may have been read to count."""


async def list_dates_around(connection: Connection, on: date) -> list[date]:
    """Return up to 25 dates around a date that have a digest, newest first. At most eight of them are later."""
    next_on = min(on, date.max - timedelta(days=1)) + timedelta(days=1)
    later = await archive.list_dates(connection, limit=MAX_LATER_DATES, since_on=next_on, oldest_first=True)
    limit = MAX_SHOWN_DATES - len(later)
    return [*reversed(later), *await archive.list_dates(connection, limit=limit, until_on=on)]


async def load_calendar(connection: Connection, rule: day_close.DayClose, now: datetime) -> schedule.Calendar:
    return schedule.Calendar(now, rule, await load_all_closings(connection, rule, now))


async def load_all_closings(
    connection: Connection, rule: day_close.DayClose, now: datetime
) -> day_close.Closings | None:
    """Return which days are complete, or None if no source has lists. Days whose digest is being written are not."""
    reads = await load_reads(connection, now)
    if reads is None:
        return None
    if rule.writing_period:
        written_on = await key_values.get(connection, key_values.WRITTEN_ON) or ""
        reads = {
            day: read_at
            for day, read_at in reads.items()
            if day.isoformat() <= written_on or now >= rule.written_by(day)
        }
    return day_close.Closings(rule, reads)


_RECENT_DAYS = 10
"""The number of days searched for a complete one. Up to six may be open, including one dated tomorrow."""
_WHOLE_DAYS = {models.DigestFormat.NEWSLETTER, models.DigestFormat.REVIEW, models.DigestFormat.LOOKUP}
"""Formats that cover a whole day at once. Lists grow or cover a single author."""


class RecentDays(NamedTuple):
    """The recent days that have digests, and those of them that are complete, newest first. Future days are excluded."""

    dates: list[date]
    complete: list[date]
    closings: day_close.Closings | None
    """None if no list was read recently."""

    @property
    def newest(self) -> date | None:
        """The newest complete day, or else the newest day; None if there are no digests."""
        return next(iter(self.complete or self.dates), None)


async def list_recent_days(connection: Connection, rule: day_close.DayClose, now: datetime) -> RecentDays:
    """Return the newest days as of `now` (UTC). Days with only LOOKUP digests are used if no others exist.

    A day is complete once its list, or that of a later day, has been read after the day closed, or at the
    latest SILENT_PERIOD after it closed. If no source of lists responds, a day is complete when it closes,
    or earlier if a digest of the whole day is stored.
    """
    closings = await load_all_closings(connection, rule, now)
    if closings is not None and not closings.has_read_since(now - day_close.SILENT_PERIOD):
        closings = None
    newest = None if closings is None else closings.newest_complete(now)
    patience = timedelta() if closings is None else day_close.SILENT_PERIOD
    until_on = clock.latest_date(now)
    for origin in (archive.POSTED, archive.ALL):
        if dates := await archive.list_dates(
            connection, limit=_RECENT_DAYS, until_on=until_on, origin=origin
        ):
            digests = await archive.list_rows(
                connection, since_on=dates[-1], until_on=dates[0], origin=origin
            )
            whole = {digest.date_on for digest in digests if digest.format in _WHOLE_DAYS}
            complete = [
                day
                for day in dates
                if (day in whole if newest is None else day <= newest)
                or rule.closes_at(day) + patience <= now
            ]
            return RecentDays(dates, complete, closings)
    return RecentDays([], [], closings)


async def load_reads(connection: Connection, now: datetime) -> dict[date, datetime] | None:
    """Return when each recent day's list was last read (UTC), or None if no source has lists."""
    since = now - _READ_PERIOD
    pages = await sources.list_recent_reads(connection, models.SourceKind.HUGGINGFACE, since)
    if pages is None:
        return None
    reads: dict[date, datetime] = {}
    for location, read_at in pages:
        with contextlib.suppress(ValueError):
            day = date.fromisoformat(location.rpartition("?date=")[2])
            reads[day] = max(read_at, reads.get(day, read_at))
    return reads
