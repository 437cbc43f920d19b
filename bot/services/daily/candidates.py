"""Loads the data that posts are chosen and built from: fresh digests, papers already posted, paper details."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from datetime import date, datetime
from typing import TypeAlias

from bot import day_close
from bot.services.daily import decision, late_papers, schedule, styles
from bot.services.daily.schedule import DAY
from bot.services.posts import summaries
from bot.services.shelf import guild_shelf
from storage import digests, entries, key_values, models, papers, posted, sources
from storage.database import Connection
from storage.entries import DigestPaper

TopicMatcher: TypeAlias = Callable[[Connection, str, Sequence[DigestPaper]], Awaitable[frozenset[int]]]
"""Returns the ids of those papers that match all of a topic, as `/topic` finds them."""


MAX_PICKS = 5
"""Papers that members saved or shared which a weekly post lists at most."""


class TopicMatches:
    """The papers that match each topic. The search engine is asked once about each topic and paper."""

    def __init__(self, matcher: TopicMatcher) -> None:
        self._matcher = matcher
        self._checked: dict[str, set[int]] = {}
        self._matching: dict[str, set[int]] = {}

    def covers(self, subscription: models.Subscription) -> bool:
        """Return whether the subscription's topic was looked up, if it has one."""
        return not subscription.topic or subscription.topic in self._checked

    async def look_up(
        self,
        connection: Connection,
        pool: decision.CandidatePool,
        subscriptions: Iterable[models.Subscription],
    ) -> None:
        """Find the papers of the pool that match the topics of the subscriptions, and tell the pool."""
        for topic in dict.fromkeys(row.topic for row in subscriptions if row.topic):
            checked = self._checked.setdefault(topic, set())
            matching = self._matching.setdefault(topic, set())
            unchecked = [paper for paper in pool.papers if paper.paper_id not in checked]
            if unchecked:
                matching.update(await self._matcher(connection, topic, unchecked))
                checked.update(paper.paper_id for paper in unchecked)
            pool.matching[topic] = matching


async def load_pool(
    connection: Connection, subscriptions: Iterable[models.Subscription], now: datetime
) -> decision.CandidatePool:
    """Return every digest that any of the subscriptions can draw from at `now` (UTC), with its papers."""
    first_dates: list[date] = []
    for subscription in subscriptions:
        today = schedule.local_date(now, schedule.parse_zone(subscription.timezone))
        # A post that still waits for its digest may be yesterday's.
        first_dates.append(decision.oldest_digest_date(subscription, today - schedule.DAY))
    first_on = min(first_dates) - late_papers.LATE_DAYS * schedule.DAY
    return await load_digests(connection, first_on, decision.newest_digest_date(now))


async def load_closings(
    connection: Connection,
    rule: day_close.DayClose,
    now: datetime,
    subscriptions: Iterable[models.Subscription],
    digests: Iterable[models.StoredDigest] = (),
) -> day_close.Closings | None:
    """Return which days are complete; None if nothing asks for that, or no source has lists.

    A subscription that waits for it does, and a post of a listing among `digests`. A day whose digest is being written
    is not complete.
    """
    is_asked = any(subscription.when is models.When.COMPLETE for subscription in subscriptions)
    if not is_asked and not any(late_papers.is_listing(digest.format) for digest in digests):
        return None
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


async def load_reads(connection: Connection, now: datetime) -> dict[date, datetime] | None:
    """Return when the list of each recent day was read last (UTC); None if no source has lists."""
    since = now - decision.REPOST_INTERVAL
    pages = await sources.list_recent_reads(connection, models.SourceKind.HUGGINGFACE, since)
    if pages is None:
        return None
    reads: dict[date, datetime] = {}
    for location, read_at in pages:
        with contextlib.suppress(ValueError):
            day = date.fromisoformat(location.rpartition("?date=")[2])
            reads[day] = max(read_at, reads.get(day, read_at))
    return reads


def stated_close(
    post: decision.PlannedPost,
    pool: decision.CandidatePool,
    closings: day_close.Closings | None,
    now: datetime,
) -> datetime | None:
    """Return when the list of a post's day closes (UTC), if it is still open or is complete.

    None for a post of several days or without the day's listing, and for a list that was not read since it closed.
    """
    if closings is None or post.since_on is not None:
        return None
    has_listing = any(
        digest.date == post.digest_on
        and digest.id in post.digest_ids
        and late_papers.is_listing(digest.format)
        for digest in pool.digests
    )
    closes_at = closings.rule.closes_at(post.digest_on)
    is_stated = has_listing and (now < closes_at or closings.is_complete(post.digest_on))
    return closes_at if is_stated else None


async def load_digests(connection: Connection, since_on: date, until_on: date) -> decision.CandidatePool:
    """Return the digests of these dates, both ends included, with their papers."""
    newest_first = await digests.list_rows(connection, since_on=since_on, until_on=until_on)
    listed = await entries.list_papers(connection, [digest.id for digest in newest_first])
    return decision.CandidatePool(newest_first[::-1], listed)


async def load_posted_ids(
    connection: Connection, subscription: models.Subscription, now: datetime
) -> set[int]:
    """Return the papers that the subscription's channel and language were sent within REPOST_INTERVAL before `now`."""
    by_channel = await posted.list_papers(
        connection, [subscription.channel_id], since_at=now - decision.REPOST_INTERVAL
    )
    return by_channel.get(posted.channel_locale(subscription), set())


async def load_server_picks(
    connection: Connection,
    subscribed: Sequence[models.Subscription],
    posts: Sequence[decision.PlannedPost | None],
) -> list[tuple[guild_shelf.ServerPickRow, ...]]:
    """Return for each post the papers that most members of its server saved or shared; () if it does not list them.

    They count since the post was due seven days earlier, in the subscription's zone.
    """
    since = [_our_week(subscription, post) for subscription, post in zip(subscribed, posts, strict=True)]
    guild_ids: dict[datetime | None, set[int]] = {}
    for subscription, moment in zip(subscribed, since, strict=True):
        guild_ids.setdefault(moment, set()).add(subscription.guild_id)
    top = {
        moment: {} if moment is None else await guild_shelf.list_top(connection, ids, moment, MAX_PICKS)
        for moment, ids in guild_ids.items()
    }
    return [
        top[moment].get(subscription.guild_id, ())
        for subscription, moment in zip(subscribed, since, strict=True)
    ]


def _our_week(subscription: models.Subscription, post: decision.PlannedPost | None) -> datetime | None:
    """Return since when saved papers count for a post (UTC), None if the post does not list them."""
    if post is None or not subscription.server_picks or not styles.is_rolling(subscription):
        return None
    zone, at = schedule.parse_zone(subscription.timezone), schedule.parse_time(subscription.at_time)
    return schedule.wall_clock_to_utc(post.local_on - styles.window_days(subscription) * DAY, at, zone)


async def load_details(
    connection: Connection, posts: Iterable[decision.PlannedPost | None], locales: Collection[models.Locale]
) -> dict[int, models.PaperDetail]:
    """Return the details of all papers of some posts for readers of `locales`, by paper id."""
    ids = sorted({paper.paper_id for post in posts if post for paper in post.papers})
    details = await papers.list_details(connection, ids)
    await summaries.prepare_extracts(details, locales)
    return {detail.id: detail for detail in details}


def posted_papers(
    subscription: models.Subscription, post: decision.PlannedPost, now: datetime, delivery_id: int
) -> list[posted.PostedPaper]:
    """Return the records of a post's papers as posted in the subscription's channel."""
    key = posted.channel_locale(subscription)
    return [posted.PostedPaper(*key, paper.paper_id, now, delivery_id) for paper in post.papers]
