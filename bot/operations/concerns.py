"""What the operator should know although the bot works: sources that bring nothing for days, and backups that fail or are old."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from bot.core.clock import latest_date
from storage import daily, errors, key_values, models, papers, sources
from storage.database import Connection

SILENT = timedelta(days=1)
"""How long a source may fail."""
NO_PAPERS = timedelta(days=5)
"""How long no day may have papers: longer than a weekend with holidays."""
BACKUP_AGE = timedelta(days=8)
"""The age of a backup that a weekly habit or a nightly timer does not reach."""


async def list_all(connection: Connection, now: datetime) -> list[str]:
    """Return a sentence for each, at `now` (UTC). It stays the same while its cause lasts."""
    rows = await sources.list_rows(connection)
    extent = await papers.get_extent(connection, until_on=latest_date(now))
    posts = await daily.list_rows(connection, state=models.ActivityState.ACTIVE)
    backup = await key_values.get(connection, key_values.BACKED_UP) or ""
    found = [*_list_silent(rows, now), *_list_backup(backup, now)]
    if rows and posts and extent.last_on is not None and now.date() - extent.last_on >= NO_PAPERS:
        found.append(f"No source has had a paper since {extent.last_on}: look at `paperround sources list`.")
    return found


def _list_silent(rows: list[models.StoredSource], now: datetime) -> Iterator[str]:
    for row in rows:
        since = row.last_success_at or row.added_at
        if row.failures and now - since >= SILENT:
            reason = f": {row.reason}" if row.reason else ""
            yield f"{errors.redact(row.url)} could not be read since {since:%Y-%m-%d}{reason}"


def read_backup(stored: str) -> tuple[datetime | None, str]:
    """Return when the last backup was tried (UTC; None if never), and why it failed, or "", from what is stored about it."""
    at, _, reason = stored.partition(" ")
    return (datetime.fromisoformat(at) if at else None), reason


def _list_backup(stored: str, now: datetime) -> Iterator[str]:
    at, reason = read_backup(stored)
    if at is not None and reason:
        yield f"The backup of {at:%Y-%m-%d} failed: {reason}"
    elif at is not None and now - at >= BACKUP_AGE:
        yield f"The last backup is of {at:%Y-%m-%d}."
