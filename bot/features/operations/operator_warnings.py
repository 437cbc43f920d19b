"""Warnings for the operator of a bot that works: sources without papers for days, backups, and Zotero."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from bot.core.clock import latest_date
from bot.sources import arxiv_categories
from storage import alerts, daily, errors, key_values, models, papers, sources, zotero
from storage.database import Connection

SILENT = timedelta(days=1)
"""The time that a source may fail without a warning."""
NO_PAPERS = timedelta(days=5)
"""The time without papers before a warning: longer than a weekend with holidays."""
MAX_REFUSED = 5
"""The maximum number of papers named that Zotero refused."""
BACKUP_AGE = timedelta(days=8)
"""The age of a backup that a weekly habit or a nightly timer does not reach."""

IDLE = (
    "The bot has been in a server for over a day, and no channel has a post or an alert. If there were some, look first for"
    " another bot with this token, in another folder or on another machine: if it has them, stop this one. Only if their database"
    " was lost, stop the bot and run `paperround restore FILE`."
)
WRONG_CLOCK = (
    "The machine's clock differs from Discord's by over a minute. Posts go by Discord's; but certificates, logs and backups go by"
    " the machine's: set it, as by `timedatectl set-ntp true`."
)
_ZOTERO_ADVICE = {
    0: ". Set it, and restart the bot.",
    403: ". Make a key at https://www.zotero.org/settings/keys with write access to the library, set PAPERROUND_ZOTERO_KEY to it,"
    " and restart the bot.",
    404: ". Set PAPERROUND_ZOTERO_LIBRARY to one that is there, groups/NUMBER or users/NUMBER, and restart the bot.",
    zotero.AWAY: ". Nothing is to be done: the bot tries again every two minutes.",
}
"""What to do about a problem of Zotero, by its code."""


async def list_all(
    connection: Connection, now: datetime, *, is_settled: bool = False, is_clock_wrong: bool = False
) -> list[str]:
    """Return a sentence for each, at `now` (UTC). It stays the same while its cause lasts.

    `is_settled`: the bot has been in a server for over a day.
    """
    rows, posts = await sources.list_rows(connection), await daily.list_rows(connection)
    extent = await papers.get_extent(connection, until_on=latest_date(now))
    backup = await key_values.get(connection, key_values.BACKED_UP) or ""
    idle = [IDLE] if is_settled and not posts and not await alerts.exist(connection) else []
    quiet = find_quiet(rows, posts, extent, now)
    return [
        *([WRONG_CLOCK] if is_clock_wrong else []),
        *idle,
        *_list_silent(rows, now),
        *_list_incomplete(rows),
        *_list_backup(backup, now),
        *([quiet] if quiet else []),
        *list_zotero(await zotero.find_trouble(connection, now)),
    ]


def list_zotero(trouble: zotero.Trouble) -> Iterator[str]:
    """Yield a sentence for each thing that does not come into Zotero."""
    if trouble.problem is not None:
        reason = explain_zotero(trouble.problem.reason, trouble.problem.code)
        yield f"The list does not come into Zotero: {reason}"
    for paper_key, reason in trouble.refused[:MAX_REFUSED]:
        yield f"{paper_key} of the list is not in Zotero: {reason}"


def explain_zotero(reason: str, code: int) -> str:
    """Return a problem of Zotero as sentences. `code` is that of a `ZoteroProblem`; what to do about it follows."""
    return reason.removesuffix(".") + _ZOTERO_ADVICE.get(code, "")


def find_quiet(
    rows: Sequence[models.StoredSource],
    posts: Sequence[models.Subscription],
    extent: models.ArchiveExtent,
    now: datetime,
) -> str:
    """Return a sentence if no source has had a paper for days, and readers wait for them; "" otherwise."""
    is_wanted = rows and any(row.state is models.ActivityState.ACTIVE for row in posts)
    if not is_wanted or extent.last_on is None or now.date() - extent.last_on < NO_PAPERS:
        return ""
    return f"No source has had a paper since {extent.last_on}: look at `paperround sources list`."


def _list_silent(rows: Sequence[models.StoredSource], now: datetime) -> Iterator[str]:
    for row in rows:
        since = row.last_success_at or row.added_at
        if row.failures and now - since >= SILENT:
            reason = f": {row.reason}" if row.reason else ""
            yield f"{errors.redact(row.url)} could not be read since {since:%Y-%m-%d}{reason}"


def _list_incomplete(rows: Sequence[models.StoredSource]) -> Iterator[str]:
    for row in rows:
        back_fill = arxiv_categories.read_back_fill(row.progress)
        if back_fill is not None and back_fill.gaps:
            first, address = min(back_fill.gaps), errors.redact(row.url)
            yield f"{address} lacks papers from {first} on, which are read again daily: see `paperround sources list`."


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
