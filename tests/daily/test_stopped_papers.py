"""Who set a post up is told once when papers have stopped."""

from datetime import datetime

import pytest

from bot.core import day_close
from bot.features.operations.retention import Retention
from bot.features.operations.service import StatusService
from bot.outbox import contents, outcomes
from storage import models, outbox
from tests.support import outbox_builders, rendered_posts
from tests.support.world import CHANNEL, DAYS, World, day, moment


@pytest.mark.engines("sqlite", pytest.param("postgresql", marks=pytest.mark.all_faults))
async def test_a_manager_is_told_once_that_papers_have_stopped(world: World) -> None:
    await world.daily(created_by=8)
    await world.daily(channel=21, created_by=8)
    for number, name in enumerate(DAYS[:5]):
        world.now = moment(f"{name} 20:00")
        await world.list(name, f"A{number + 1}▲9")
        await world.at(f"{DAYS[number + 1]} 09:01")
    posted, post = len(world.sent), await _last_post(world)
    # On Monday to Friday there were lists. The one of Monday is missed at Tuesday's post, Tuesday's at Wednesday's.
    notices = []
    for name in ("Sun", "Mon+1", "Tue+1", "Wed+1", "Thu+1", "Fri+1"):
        await world.at(f"{name} 09:01", f"{name} 21:01")
        notices.append(len(world.sent) - posted)
    assert notices == [0, 0, 0, 1, 1, 1]
    assert world.sent[-1].startswith("@8 notice papers-stopped")
    # The notice is not the channel's last post, and a purge that removes the notice keeps the post.
    assert await _last_post(world) == post != (None, None)
    await Retention(world.database, lambda: moment("Wed+14 09:00"), days=90).purge()
    assert await _last_post(world) == post
    # Papers come, and stop again: that is told again.
    await world.list("Fri+1", "B▲9")
    await world.at("Sat+1 09:01", *(f"{name} {at}" for name in DAYS_AFTER for at in ("09:01", "21:01")))
    assert [text for text in world.sent if "notice" in text] == [world.sent[-1]] * 2


async def test_each_server_without_an_owner_is_told_once_of_the_same_day(world: World) -> None:
    servers = (10, 11)
    await world.guilds.update({id_: {"system_channel_id": id_ + 30} for id_ in servers})
    recipient = [
        contents.NoticeRecipient(name=f"s{id_}", guild_id=id_ // 10, channel_id=20, user_id=None)
        for id_ in (100, 101, 110)
    ]
    async with world.database.transaction() as connection:
        await outcomes.notify_owners(
            connection,
            world.deliveries,
            recipient,
            contents.NoticeKind.PAPERS_STOPPED,
            world.now,
            default_locale=models.Locale.EN,
            on=day("Fri"),
        )
        planned = await outbox.list_rows(connection)
    assert sorted(row.channel_id or 0 for row in planned) == [40, 41]


async def _last_post(world: World) -> tuple[int | None, datetime | None]:
    """Return the channel and the time (UTC) of the first subscription's last post, as `/status` shows them."""
    pace = outbox_builders.make_pace()
    status = StatusService(world.database, lambda: world.now, world.deliveries, pace, day_close.default())
    _, last = (await status.report(user_id=8, guild_id=10, channel_id=CHANNEL)).subscriptions[0]
    return (last.delivery.channel_id, last.delivery.finished_at) if last else (None, None)


DAYS_AFTER = ("Mon+2", "Tue+2", "Wed+2", "Thu+2")


@pytest.mark.parametrize("locale", models.Locale)
def test_the_notice_names_the_last_list_and_what_to_do(locale: models.Locale) -> None:
    kind = contents.NoticeKind.PAPERS_STOPPED
    notice = contents.NoticePost("notice:x:1", locale, kind, channel_id=20, on=day("Fri"))
    parts = rendered_posts.new_renderer().render(notice)
    rendered_posts.check(parts)
    shown = str(parts[0].payload)
    assert "paperround doctor" in shown
    assert ("January 9" if locale is models.Locale.EN else "1월 9일") in shown
