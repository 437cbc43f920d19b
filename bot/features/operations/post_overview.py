"""The posts of all servers, for the operator: when each last came and is next due, and whether and why it is stuck."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.archive import complete_days
from bot.core import clock, schedule
from bot.core.day_close import DayClose
from bot.i18n import texts as i18n_texts
from bot.papers import post_names
from storage import daily, models, outbox, papers
from storage.database import Connection

LATE = timedelta(minutes=10)
"""The time after which a post that waits for the limits of Discord's requests is late."""
NO_PAPERS = "No source has had a new paper for it. The newest day with papers: {since}. `paperround sources list` says more."
UNPREPARED = "Its papers are there, but it is not prepared. If the bot runs, its log says what fails, such as a full disk."
AGAIN = "`/status` has a button for that; a webhook's post is sent again if the set-up file pauses and resumes it."
NEVER_TRIED = "It waits to be sent, and no attempt has failed. Is the bot running?"


class Stuck(StrEnum):
    PAUSED = "paused"
    REFUSED = "refused"
    UNCLEAR = "unclear"
    NOT_POSTED = "not posted"
    LATE = "late"
    UNPREPARED = "not prepared"
    """Due, with papers for it, and not planned."""
    WAITING = "waiting"
    """Due, and nothing new to post. That is a fault only if it lasts."""


FindReady = Callable[
    [Connection, Sequence[models.Subscription], schedule.Calendar], Awaitable[Collection[int]]
]
"""Returns the ids of due posts for which there are papers: a post may be unplanned for another reason than a lack of papers."""


async def find_none(*_: object) -> Collection[int]:
    """Return no post as ready (a `FindReady` where nothing is planned)."""
    return ()


@dataclass(frozen=True, slots=True)
class ListedPost:
    """A daily post (its number), or what a channel waits for: a club's step, an alert (None). Times are UTC.

    `server` is None for a webhook, whose id is the `channel`. A post that was paused by hand has a reason, but is not stuck.
    """

    server: int | None
    channel: int
    kind: models.DeliveryKind
    number: int | None
    last_at: datetime | None
    next_at: datetime | None
    stuck: Stuck | None
    reason: str


async def list_all(
    connection: Connection, rule: DayClose, now: datetime, find_ready: FindReady = find_none
) -> list[ListedPost]:
    """Return all daily posts and what else is stuck in channels, by server and channel. Reasons are in English."""
    rows = await daily.list_rows(connection)
    calendar = await complete_days.load_calendar(connection, rule, now)
    last_at = await outbox.list_last_times(connection)
    extent = await papers.get_extent(connection, until_on=clock.latest_date(now))
    newest, others = await outbox.list_newest(connection), await outbox.list_unsent(connection)
    ready = await find_ready(connection, rows, calendar)
    posts, slices = [], clock.TimeSlices()
    for row, error in others:
        if row.subscription_id is None:
            stuck, reason = _examine(row, error, now)
            place = row.guild_id, row.channel_id or 0
            posts.append(ListedPost(*place, row.kind, None, None, row.due_at, stuck, reason))
    for post in rows:
        next_at, stuck, reason = None, None, ""
        if post.state is models.ActivityState.ACTIVE:
            next_at = (calendar.find_due(post) or calendar.following(post)).at
            if post.id in newest:
                stuck, reason = _examine(*newest[post.id], now)
            if stuck is None and next_at < now - LATE and post.id in ready:
                stuck, reason = Stuck.UNPREPARED, UNPREPARED
            elif stuck is None and next_at < now - LATE:
                stuck, reason = Stuck.WAITING, NO_PAPERS.format(since=extent.last_on or "the start")
        else:
            paused_for = post.reason or models.Reason.BY_HAND
            stuck = None if paused_for == models.Reason.BY_HAND else Stuck.PAUSED
            reason = explain(paused_for)
        place = None if post.is_by_webhook else post.guild_id, post.channel_id
        last = last_at.get(post.id)
        posts.append(ListedPost(*place, models.DeliveryKind.DAILY, post.id, last, next_at, stuck, reason))
        await slices.pause()
    found = [post for post in posts if post.number is not None or post.stuck is not None]
    return sorted(found, key=lambda post: (post.server or 0, post.channel, post.number or 0))


def only_stuck(posts: Iterable[ListedPost]) -> list[ListedPost]:
    return [post for post in posts if post.stuck not in (None, Stuck.WAITING)]


def _examine(delivery: models.Delivery, error: str | None, now: datetime) -> tuple[Stuck | None, str]:
    """Return whether a delivery is stuck, and why. `error` is that of its last attempt."""
    if delivery.reason in (models.Reason.REFUSED_CONTENT, models.Reason.BY_HAND):
        return None, ""  # its other papers came, or it was cancelled by hand
    match delivery.state:
        case models.DeliveryState.WAITING if delivery.reason:
            return Stuck.REFUSED, explain(delivery.reason)
        case models.DeliveryState.WAITING if delivery.due_at < now - LATE:
            return Stuck.LATE, explain(error) if error else NEVER_TRIED
        case models.DeliveryState.STOPPED if delivery.is_uncertain:
            return Stuck.UNCLEAR, explain(delivery.reason)
        case models.DeliveryState.STOPPED if delivery.reason:
            return Stuck.NOT_POSTED, explain(delivery.reason)
    return None, ""


def explain(reason: str | None) -> str:
    """Return what `/status` says of a reason, in English and without Discord's emphasis, and what replaces its button."""
    texts = i18n_texts.for_locale(models.Locale.EN)
    text = post_names.reason_text(texts, reason).replace("**", "")
    return f"{text} {AGAIN}" if reason == models.Reason.UNCERTAIN else text
