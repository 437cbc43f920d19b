"""Editing, pausing, resuming and removing subscriptions."""

from dataclasses import replace
from typing import Any

import pytest

from bot.features.daily import options, service
from storage import daily, errors, models
from tests.support.world import AWAY, GUILD, World, moment


async def set_state(
    world: World, row: models.Subscription, state: models.ActivityState, reason: str | None = None
) -> None:
    await world.database.write(daily.set_state, [row.id], state, reason=reason)


async def test_rescheduling_after_todays_post_takes_effect_tomorrow(world: World) -> None:
    row = await world.daily()
    await world.list("Mon", "A▲9")
    await world.at("Mon 09:00")
    world.now = moment("Mon 10:00")
    await world.edit(row, at_time="18:00")
    await world.list("Tue", "B▲9")
    await world.at("Mon 18:00")
    assert world.sent == ["A"]
    await world.at("Tue 18:00")
    assert world.sent == ["A", "B"]


@pytest.mark.parametrize("is_refused", [False, True], ids=["due", "refused"])
@pytest.mark.parametrize(
    ("changes", "at_once", "by_evening"),
    [({"at_time": "08:55"}, ["A"], ["A"]), ({"at_time": "21:00"}, [], ["A"]), ({"days": (2,)}, [], [])],
)
async def test_rescheduling_does_not_lose_an_unsent_post(
    world: World, changes: dict[str, Any], at_once: list[str], by_evening: list[str], is_refused: bool
) -> None:
    row = await world.daily(days=(1,))
    if is_refused:
        await set_state(world, row, models.ActivityState.PAUSED, reason=models.Reason.NO_SEND)
    await world.list("Mon", "A▲9")
    world.now = moment("Mon 09:01")  # the bot was down at nine
    await world.edit(row, **changes)
    if is_refused:
        await world.tick()
        assert world.sent == []
        await set_state(world, row, models.ActivityState.ACTIVE)
    await world.tick()
    assert world.sent == at_once
    await world.at("Mon 22:01")
    assert world.sent == by_evening


async def test_a_post_that_is_reopened_is_due_until_its_day_ends_and_comes_once(world: World) -> None:
    """As single runs do: each opens again what has not come today."""

    async def run(at: str) -> None:
        world.now = moment(at)
        await world.subscriptions.reopen_today()
        await world.tick()

    await world.daily()
    await run("Mon 09:00")
    await run("Mon 21:30")  # given up after twelve hours
    await world.list("Mon", "A▲9")
    await run("Mon 23:30")
    assert world.sent == ["A"]
    await run("Mon 23:50")
    await run("Tue 08:00")
    assert world.sent == ["A"]
    world.now = moment("Tue 10:00")
    await world.daily("09:30 Seoul", channel=8)
    await world.daily("10:30 Seoul", channel=9)
    await world.list("Tue", "B▲9")
    await run("Tue 10:01")
    assert world.sent == ["A", "B", "#8 B"], "the first post, and the one that was added after its hour"
    await run("Wed 08:59")
    assert world.sent == ["A", "B", "#8 B", "#9 B"], (
        "a day that had ended without its run is made up as after an outage"
    )


async def test_pausing_holds_planned_posts(world: World) -> None:
    paused, other = await world.daily(), await world.daily(at="09:05 Seoul")
    await world.list("Mon", "A▲9 B▲8 C▲7")
    world.discord.answer = AWAY
    await world.at("Mon 09:00")
    for row in (paused, other):
        await world.subscriptions.pause(row.id)
    world.discord.answer = None
    await world.subscriptions.resume(other.id)
    await world.guilds.update({GUILD: {}})  # as at each event of the server
    await world.at("Mon 09:06")
    assert world.sent == ["C"], "only the paused post is held"
    await world.subscriptions.resume(paused.id)
    await world.tick()
    assert world.sent == ["C", "A B"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"days": ()}, "at least one weekday"),
        ({"at_time": "25:00"}, "not a time of day"),
        *(({"timezone": zone}, "not an IANA") for zone in ("", "Mars/Olympus", "../../passwd", "Asia", "\0")),
        ({"guild_id": models.NO_GUILD, "style": models.Style.THREAD}, "cannot post in the style thread"),
        ({"guild_id": models.NO_GUILD, "mention_role_id": 5}, "A webhook post cannot mention a role"),
        ({"topic": "x" * 201}, "topic"),
    ],
)
def test_invalid_settings_are_rejected(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(errors.UsageError, match=message):
        options.validated(models.Subscription(**{"guild_id": 1, "channel_id": 1} | settings))


@pytest.mark.parametrize("topic", ["-survey", "author:", "!!!"])
def test_a_topic_that_no_paper_can_match_is_rejected(topic: str) -> None:
    with pytest.raises(errors.UsageError, match="nothing to search for"):
        options.validate_topic(topic)


async def test_a_server_can_have_a_limited_number_of_posts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MAX_POSTS", 1)
    await world.daily()
    with pytest.raises(errors.UsageError, match="1 daily posts"):
        await world.daily(at="10:00 Seoul")


def test_valid_settings_are_normalised() -> None:
    draft = models.Subscription(guild_id=1, channel_id=1, at_time="9:05", days=(5, 1, 5))
    valid = options.validated(draft)
    assert (valid.at_time, valid.days) == ("09:05", (1, 5))
    # An announcement is a single message.
    assert options.validated(replace(draft, style=models.Style.ANNOUNCEMENT, top_n=25)).top_n == 9
