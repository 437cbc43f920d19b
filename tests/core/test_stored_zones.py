"""A zone that this machine does not know, stored by another one, stops nobody else."""

from typing import Any
from unittest import mock

from bot.features.club.service import Clubs
from storage import club as storage_club
from storage import models
from storage.models import AlertTiming
from tests.support import alert_builders
from tests.support.world import GUILD, World, moment

NEWER_ZONE = "America/Coyhaique2"


async def test_unknown_zone_of_one_post_alert_or_club_stops_no_other(world: World) -> None:
    for channel, zone in ((20, "UTC"), (21, NEWER_ZONE)):
        await world.force(await world.daily("09:00 UTC", channel=channel), timezone=zone)
    timing: dict[str, Any] = {"timing": AlertTiming.DAILY, "at_time": "09:00"}
    for reader, zone in ((7, "UTC"), (8, NEWER_ZONE)):
        alert = alert_builders.draft("moss", user_id=reader, timezone="UTC", **timing)
        alert = await world.alerts.add(alert)
        async with world.database.transaction() as connection:
            await storage_club.put(connection, _club(GUILD + reader, zone))
            await connection.exec_driver_sql(f"UPDATE alerts SET timezone = '{zone}' WHERE id = {alert.id}")
    await world.written("Mon", "A▲9", summary="moss", at="Mon 08:00 UTC")
    await world.at("Mon 09:01 UTC")
    assert sorted(world.sent) == ["#21 A", "@7 A", "@8 A", "A"]
    clubs = Clubs(world.database, world.clock, world.deliveries, mock.AsyncMock(side_effect=AssertionError))
    assert await clubs.tick(world.now) == 2


def _club(guild_id: int, zone: str) -> storage_club.Club:
    return storage_club.Club(
        guild_id=guild_id,
        channel_id=guild_id,
        weekday=4,
        at_time="17:00",
        timezone=zone,
        locale=models.Locale.EN,
        created_by=1,
        starts_at=moment("Mon 04:00"),
    )
