"""Plans the papers of the day of readers who get them by DM: one delivery per reader and day's digest, through the outbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

import structlog

from bot import isolation
from bot.services.daily import schedule
from bot.services.posts import contents
from bot.services.posts.delivery_factory import DeliveryFactory
from bot.services.posts.kinds import KindRecord, Owned
from bot.services.recommendation import today
from bot.services.recommendation.profiles import Profiles
from bot.time_slices import TimeSlices
from storage import models, papers, readers
from storage.accounts import profiles
from storage.database import Connection, Database
from storage.outbox import plan

log = structlog.get_logger(__name__)

BATCH_SIZE = 100
"""Readers per transaction."""


async def _suspend(
    connection: Connection, delivery: models.Delivery, state: models.ActivityState, reason: contents.Reason
) -> list[Owned]:
    if delivery.is_direct and delivery.user_id is not None:
        await profiles.suspend(connection, delivery.user_id, reason)
    return []


TODAY: KindRecord[contents.TodayPost] = KindRecord(
    kind=models.DeliveryKind.TODAY,
    priority=models.Priority.SCHEDULED,
    render=lambda renderer, post: renderer.render_today(post),
    suspend=_suspend,
)


class TodayPlanner:
    """Plans what is due. Planning is idempotent: the key of a delivery names the reader and the digest's date.

    A local date may come twice, when a reader moves west, and may have two digests then.
    """

    def __init__(
        self,
        database: Database,
        deliveries: DeliveryFactory,
        reader_profiles: Profiles,
        service: today.TodayService,
        *,
        default_locale: models.Locale = models.Locale.EN,
    ) -> None:
        self._database = database
        self._deliveries = deliveries
        self._profiles = reader_profiles
        self._service = service
        self._default_locale = default_locale

    async def tick(self, now: datetime) -> int:
        """Plan everything that is due at `now` (UTC). Returns the number of deliveries.

        Errors are logged, and the next call retries: they must not stop the daily posts.
        """
        planned = 0
        with isolation.isolated(log, "planning papers of the day failed"):
            while due := await self._list_due(now):
                planned += await self._plan_batch(due, now)
        return planned

    async def _list_due(self, now: datetime) -> list[models.Profile]:
        async with self._database.read() as connection:
            return await profiles.list_due(connection, now, limit=BATCH_SIZE)

    async def _plan_batch(self, due: Sequence[models.Profile], now: datetime) -> int:
        """Plan the deliveries of some readers. Learning and rendering happen before the transaction."""
        async with self._database.read() as connection:
            digest_on = (await papers.get_extent(connection)).last_on
            known = {profile.user_id: await readers.get(connection, profile.user_id) for profile in due}
        current = await self._profiles.update([profile for profile in due if _is_new_day(profile, digest_on)])
        built = await self._build(current, known, now)
        moved = [_move(profile, known[profile.user_id], now, built.get(profile.user_id)) for profile in due]
        async with self._database.transaction() as connection:
            # A reader who stopped it meanwhile gets no message.
            still_due = {
                row.user_id for row in await profiles.list_due(connection, now, limit=10 * BATCH_SIZE)
            }
            ids = await plan.add_all(
                connection, [delivery for user_id, delivery in built.items() if user_id in still_due]
            )
            await profiles.set_schedules(connection, [row for row in moved if row.user_id in still_due])
        if ids:
            log.info("papers of the day planned", count=len(ids))
        return len(ids)

    async def _build(
        self, current: Sequence[models.Profile], known: Mapping[int, models.Reader | None], now: datetime
    ) -> dict[int, models.NewDelivery]:
        """Render the posts by user id; what fails to render is logged and left out."""
        wanted = []
        for profile in current:
            reader = known[profile.user_id]
            locale = (reader and reader.locale) or self._default_locale
            wanted.append((profile, locale, ""))
        built: dict[int, models.NewDelivery] = {}
        slices = TimeSlices()
        for profile, post in zip(current, await self._service.build_posts(wanted), strict=False):
            with isolation.isolated(log, "rendering papers of the day failed", user=profile.user_id):
                built[profile.user_id] = self._build_delivery(profile, post, known[profile.user_id], now)
            await slices.pause()
        return built

    def _build_delivery(
        self, profile: models.Profile, post: contents.TodayPost, reader: models.Reader | None, now: datetime
    ) -> models.NewDelivery:
        return self._deliveries.build_post(
            TODAY,
            replace(post, marker=f"today:{profile.user_id}:{post.digest_on}"),
            now,
            user_id=profile.user_id,
            channel_id=reader.dm_channel_id if reader is not None else None,
            local_on=profile.due_on or now.date(),
            digest_on=post.digest_on,
            post=models.StoredPost(papers=tuple(paper.arxiv_id for paper, _, _ in post.picks)),
        )


def _is_new_day(profile: models.Profile, digest_on: date | None) -> bool:
    """Return whether the newest day is one whose papers the reader was not sent yet: on weekends there is none."""
    return digest_on is not None and (profile.last_digest_on is None or profile.last_digest_on < digest_on)


def _move(
    profile: models.Profile, reader: models.Reader | None, now: datetime, sent: models.NewDelivery | None
) -> models.Profile:
    """Return the profile with its next due time in the reader's zone; without one if this machine does not know it."""
    last_on = sent.digest_on if sent is not None else profile.last_digest_on
    zone = (reader and reader.timezone) or profile.timezone
    if profile.at_time is None or zone is None or not schedule.is_known_zone(zone):
        return replace(profile, next_due_at=None, due_on=None, last_digest_on=last_on)
    due = today.next_due(now, profile.at_time, zone)
    return replace(profile, timezone=zone, next_due_at=due.at, due_on=due.local_on, last_digest_on=last_on)
