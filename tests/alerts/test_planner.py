"""Alerts from the digest to the message: what is sent, when, to whom, and only once."""

import asyncio
import operator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest

from bot.features.alerts import planner
from bot.features.operations import retention
from bot.search import alert_matcher
from storage import accounts, alerts, models, outbox
from storage.alerts import OwnerRight
from storage.models import AlertKind, AlertTiming, Locale
from tests.support import alert_builders, killed_process, patience
from tests.support.world import AWAY, CHANNEL, GUILD, READER, UNVERIFIABLE, World, moment

both_engines = pytest.mark.engines("sqlite", "postgresql")


async def read_votes(world: World, name: str, votes: int | None) -> None:
    """Store a paper's votes as reported by a service."""
    await world.facts(name, votes=votes)
    await world.tick()


async def count_unmatched(world: World) -> int:
    return len(await world.database.fetch(alerts.list_unmatched, 1000))


async def purge(world: World) -> None:
    await retention.Retention(world.database, world.clock, days=90).purge()


async def test_matches_within_three_minutes_share_a_message(world: World) -> None:
    await world.alert("강화 학습")
    await world.alert("kim minjun", kind=AlertKind.AUTHOR)
    await world.written("Mon", "A▲5", summary="Trained by reinforcement learning.", location="a")
    await world.wait(minutes=2)
    assert world.sent == []
    await world.written("Mon", "B▲9", location="b")
    await world.wait(minutes=1)
    await world.written("Mon", "C▲7", location="c")
    await world.wait(minutes=3)
    assert world.sent == ["@7 B A", "@7 C"]
    assert [(reason.text, reason.found_in) for reason in world.renderer.alerts[0].matches[1].reasons] == [
        ("reinforcement learning", alert_matcher.MatchField.TEXT),
        ("Kim Min-jun", alert_matcher.MatchField.AUTHOR),
    ]


async def test_a_corrected_paper_is_not_reported_again(world: World) -> None:
    await world.alert("care")
    await world.list("Mon", 'A "Trained with care"')
    await world.wait(minutes=3)
    for text in ("A▲6 B▲1", "A▲6 B▲1 C▲3"):
        await world.written("Mon", text, location="here")
        await world.wait(minutes=3)
    assert world.sent == ["@7 A", "@7 B", "@7 C"]


async def test_a_withdrawn_paper_is_in_no_message(world: World) -> None:
    await world.alert("care")
    await world.written("Mon", "A▲99 B▲5")
    withdrawal = "This paper has been withdrawn by the authors due to an error in Eq. 2"
    await world.facts("A", "arxiv", comment=withdrawal)
    for _ in range(2):
        await world.wait(minutes=3)
    assert world.sent == ["@7 B"]


async def test_messages_are_in_the_recipients_language(world: World) -> None:
    async with world.database.transaction() as connection:
        await accounts.upsert_reader(connection, READER, locale=Locale.KO)
        await accounts.upsert_guilds(connection, {GUILD: {"locale": Locale.KO}})
    await world.alert("care", by=8)
    await world.alert("care")
    await world.alert("care", by=9, channel_id=CHANNEL, guild_id=GUILD)
    await world.written("Mon", "A▲5")
    await world.wait(minutes=3)
    locales = {post.marker.rpartition(":")[0]: post.locale for post in world.renderer.alerts}
    assert locales == {
        f"alert:user:{READER}": Locale.KO,
        f"alert:channel:{CHANNEL}": Locale.KO,
        "alert:user:8": Locale.EN,
    }


async def test_an_alert_ignores_papers_that_arrived_before_its_creation(world: World) -> None:
    world.is_matching = False
    await world.written("Mon", "A▲5")
    world.now += timedelta(minutes=1)
    await world.alert("care")
    await world.written("Fri-2", "B▲5")
    await world.wait(minutes=3)
    assert world.sent == []


async def test_authors_added_to_a_paper_later_match_once(world: World) -> None:
    await world.alert("Grace Hopper", kind=AlertKind.AUTHOR)
    await world.alert("카이스트", by=8, kind=AlertKind.INSTITUTION)
    await world.alert("서울대", by=9, kind=AlertKind.INSTITUTION)
    await world.alert("KAUST", by=10, kind=AlertKind.INSTITUTION)
    await world.written("Mon", "A▲5")
    for _ in range(2):
        await world.facts("A", "arxiv", authors=("Grace Hopper",), affiliations=("x", "A Lab, SNU"))
        await world.facts("A", organization="KAIST AI")
        await world.wait(minutes=3)
    assert sorted(world.sent) == ["@7 A", "@8 A", "@9 A"]
    reasons = {post.matches[0].reasons[0].text for post in world.renderer.alerts}
    assert reasons == {"Grace Hopper", "카이스트", "서울대"}


async def test_a_message_shows_at_most_25_papers(world: World) -> None:
    await world.alert("care")
    await world.alert("better")
    await world.written("Mon", " ".join(f"A{number}▲{number}" for number in range(1, 31)))
    on_planned = mock.Mock()
    for _ in range(3):
        world.now += timedelta(minutes=3)
        await world.alert_planner.tick(on_planned)
    assert on_planned.call_count == 2
    posts = world.renderer.alerts
    shown = [[match.paper.votes for match in post.matches] for post in posts]
    assert shown == [[*range(30, 5, -1)], [*range(5, 0, -1)]]
    assert [post.more for post in posts] == [5, 0]


async def test_a_match_whose_paper_left_its_digest_waits_until_it_returns(world: World) -> None:
    await world.alert("moss")
    await world.written("Mon", "A▲9 B▲8", summary="moss", location="x")
    await world.written("Mon", "B▲8", summary="moss", location="x")
    await world.wait(minutes=5)
    assert await world.database.fetch(alerts.list_schedules) == {}, "nothing is left to plan each minute"
    await world.written("Tue", "A▲9", summary="moss", location="y")
    await world.wait(minutes=5)
    assert world.sent == ["@7 B", "@7 A"]


@both_engines
async def test_removing_an_alert_takes_back_its_part_of_a_channels_waiting_message(world: World) -> None:
    place = {"channel_id": CHANNEL, "guild_id": GUILD}
    removed = await world.alert("moss", by=1, **place)
    await world.alert("lichen", by=2, **place)
    await world.written("Mon", "A▲9", summary="moss", location="a")
    await world.written("Mon", "B▲8", summary="moss lichen", location="b")
    world.discord.answer = AWAY
    await world.wait(minutes=3)
    await world.alerts.remove(removed)
    world.discord.answer = None
    await world.wait(minutes=1)
    assert world.sent == ["B"]
    assert [reason.topic for match in world.renderer.alerts[-1].matches for reason in match.reasons] == [
        "lichen"
    ]


@pytest.mark.parametrize("step", ["_make_query", "PaperMatcher.match"])
async def test_a_bug_in_one_alert_stops_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Both parsing and comparing may raise."""
    works: Any = operator.attrgetter(step)(alert_matcher)

    def fail_for_moss(*given: Any) -> Any:
        if "moss" in repr(given):
            raise RuntimeError("a bug")
        return works(*given)

    monkeypatch.setattr(f"bot.search.alert_matcher.{step}", fail_for_moss)
    await world.alert("moss")
    await world.alert("care", by=8)
    await world.written("Mon", "A▲9", summary="moss and care")
    await world.wait(minutes=3)
    assert world.sent == ["@8 A"]


# Due times.


@pytest.mark.parametrize(
    ("alert", "now", "expected"),
    [
        # At the clock change of 2026-10-25 the first 02:30 counts, 00:30 UTC (as tests/core/test_schedule.py has it).
        ({"at_time": "02:30"}, "2026-10-26T01:29", "2026-10-25T00:30"),
        ({"timing": AlertTiming.WEEKLY, "weekday": 7}, "2026-11-01T08:00", "2026-11-01T08:00"),
        ({"timing": AlertTiming.WEEKLY, "weekday": 7}, "2026-11-01T07:59", "2026-10-25T08:00"),
        ({"timezone": "Mars/Olympus"}, "2026-01-05T08:00", "2026-01-04T09:00"),
        ({"timing": AlertTiming.AT_ONCE}, "2026-01-05T08:00", "2026-01-05T07:57"),
    ],
)
def test_the_last_due_time_is_correct_across_clock_changes(
    alert: dict[str, Any], now: str, expected: str
) -> None:
    fields: dict[str, Any] = {"timing": AlertTiming.DAILY, "timezone": "Europe/Berlin"} | alert
    schedule = alert_builders.draft("care", **fields).schedule
    last = planner.last_slot(schedule, datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert f"{last:%Y-%m-%dT%H:%M}" == expected


async def test_a_daily_alert_collects_papers_until_its_time(world: World) -> None:
    daily: dict[str, Any] = {"timing": AlertTiming.DAILY, "at_time": "12:30", "timezone": "Asia/Seoul"}
    await world.alert("care", **daily)
    changed = await world.alert("care", by=8, **daily)
    world.now = moment("Mon 12:00")
    for name in ("A▲5", "B▲9"):
        await world.written("Mon", name, location=name)
        await world.wait(minutes=3)
    later = alert_builders.draft("care", **daily | {"at_time": "13:30"})
    await world.alerts.change(changed, later, user_id=8)
    for when, sent in (
        ("Mon 12:29", []),
        ("Mon 12:30", ["@7 B A"]),
        ("Mon 13:29", ["@7 B A"]),
        ("Mon 13:30", ["@7 B A", "@8 B A"]),
    ):
        await world.at(when)
        assert world.sent == sent


async def test_a_message_at_once_takes_nothing_of_a_weekly_alert_along(world: World) -> None:
    await world.alert("care", timing=AlertTiming.WEEKLY, weekday=7, at_time="09:00")
    await world.alert("newts")
    await world.written("Mon", "A▲5")
    await world.written("Mon", "B▲9", summary="Newts live in ponds.", location="newts")
    await world.wait(minutes=3)
    assert world.sent == ["@7 B"]
    await world.wait(days=7)
    assert world.sent == ["@7 B", "@7 A"]


async def test_a_paper_is_reported_when_it_reaches_the_vote_minimum(world: World) -> None:
    await world.alert("care", min_votes=50)
    await world.written("Mon", "A▲12 B▲50 C")
    await world.wait(minutes=3)
    for votes in (53, 90):
        await read_votes(world, "A", votes)
        await world.wait(minutes=3)
    assert world.sent == ["@7 B", "@7 A"]


async def test_a_paper_that_always_fails_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[float] = []

    def fail(*_: object) -> Any:
        tries.append((world.now - moment("Mon 04:00")) / timedelta(hours=1))
        raise ValueError("a text that cannot be quoted")

    await world.alert("care")
    monkeypatch.setattr(planner, "_quote", fail)
    await world.written("Mon", "A▲5")
    for _ in range(80):
        await world.wait(minutes=15)
    assert 12 <= max(tries) < 14
    assert len(tries) < 25


async def test_a_match_waiting_for_its_alerts_time_is_not_purged(world: World) -> None:
    await world.alert("care", min_votes=50, timing=AlertTiming.WEEKLY, weekday=1, at_time="09:00")
    await world.written("Mon", "A▲12")
    await world.wait(days=29)
    await read_votes(world, "A", 60)
    await world.wait(days=6)
    assert world.sent == []
    await purge(world)
    await world.wait(days=1)
    assert world.sent == ["@7 A"]


async def test_raising_the_vote_minimum_delays_unsent_matches(world: World) -> None:
    alert = await world.alert("care")
    await world.written("Mon", "A▲12 B▲70")
    await world.alerts.change(alert, alert_builders.draft("care", min_votes=60), user_id=7)
    await world.tick()
    await world.wait(minutes=3)
    await read_votes(world, "A", 60)
    await world.wait(minutes=3)
    assert world.sent == ["@7 B", "@7 A"]


async def test_matches_beyond_the_daily_limit_are_sent_after_24_hours(world: World) -> None:
    await world.alert("care", max_a_day=2)
    await world.alert("care", by=8)
    world.now = moment("Mon 12:00")
    for name in "ABCD":
        await world.written("Mon", f"{name}▲5", location=name)
        await world.wait(minutes=3)
    for when in ("Tue 12:00", "Tue 12:06"):
        assert [message for message in world.sent if "@7" in message] == ["@7 A", "@7 B"]
        await world.at(when)
    assert [message for message in world.sent if "@7" in message][2:] in (["@7 C D"], ["@7 D C"])
    assert [message for message in world.sent if "@8" in message] == ["@8 A", "@8 B", "@8 C", "@8 D"]


async def test_the_daily_limit_holds_back_no_weekly_message_in_two_parts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.features.alerts.planner.MAX_SHOWN", 1)
    await world.alert("care", max_a_day=1, timing=AlertTiming.WEEKLY, weekday=2, at_time="09:00")
    await world.written("Mon", "A▲9 B▲8")
    await world.at("Wed 09:05")
    await world.wait(minutes=2)
    assert world.sent == ["@7 A", "@7 B"]


@pytest.mark.engines("postgresql")
async def test_a_message_that_is_being_sent_stays_when_its_alert_is_removed(world: World) -> None:
    """Without a record of it, the paper would come again with another alert."""
    alert_id = await world.alert("care")
    world.discord.answer = AWAY
    await world.written("Mon", "A▲5")
    await world.wait(minutes=3)
    [message] = await world.planned()

    async with world.database.transaction() as sending:
        [part] = await outbox.list_parts(sending, message.id)
        await outbox.mark_sending(sending, [part.id], world.now, term=0)
        removing = asyncio.create_task(world.alerts.remove(alert_id))
        await patience.wait_until_blocked(world.database, removing)
    await removing
    assert [delivery.id for delivery in await world.planned()] == [message.id]


async def test_a_pause_delays_matches_and_a_removal_drops_them(world: World) -> None:
    paused, removed, changed = [await world.alert("care", by=user_id) for user_id in (1, 2, 3)]
    await world.written("Mon", "A▲12")
    await world.alerts.pause(paused)
    await world.alerts.remove(removed)
    await world.alerts.change(changed, alert_builders.draft("something else"), user_id=3)
    await world.written("Mon", "B▲9", location="b")
    for _ in range(2):  # A, removed from the matches, stays unsent after the alert is changed back
        for _ in range(2):
            await world.wait(minutes=3)
            assert world.sent == []
        await world.alerts.change(changed, alert_builders.draft("care"), user_id=3)
    # Matches from before the pause are sent after it.
    await world.alerts.resume(paused)
    await world.tick()
    assert world.sent == ["@1 A"]


# Failures.


@pytest.mark.parametrize(("days", "is_told"), [(4, True), (12, True), (31, False)])
async def test_an_expired_message_is_planned_again_for_30_days(
    world: World, days: int, is_told: bool
) -> None:
    """Discord is down for longer than a message is kept, and the bot is off meanwhile."""
    world.discord.answer = AWAY
    for user_id in (7, 8):
        await world.alert("care", by=user_id)
    await world.written("Mon", "A▲5 B▲5")
    await world.wait(minutes=3)
    await world.wait(days=2)
    world.now += timedelta(days=days - 2)
    world.discord.answer = None
    await purge(world)
    await world.tick()
    assert sorted(world.sent) == (["@7 A B", "@8 A B"] if is_told else [])


@pytest.mark.parametrize(
    ("channel", "to", "sent"),
    [
        ({}, -READER, ["@7 A B C"]),
        ({"channel_id": CHANNEL, "guild_id": GUILD}, CHANNEL, ["@7 notice refused no-send", "A B C"]),
    ],
)
async def test_papers_of_an_expired_message_join_the_next_one(
    world: World, channel: dict[str, Any], to: int, sent: list[str]
) -> None:
    await world.alert("care", **channel)
    world.discord.closed = {to}
    for on, name in (("Mon", "A"), ("Wed", "B"), ("Fri", "C")):
        await world.written(on, f"{name}▲12")
        tried = world.discord.tried.count(to)
        for _ in range(2):
            await world.wait(minutes=3)
            assert world.discord.tried.count(to) == tried + 1, "refused messages are retried rarely"
        await world.wait(days=2)
    assert not (await world.alerts.list_rows())[0].paused
    world.discord.closed = set()
    await world.wait(days=2)
    assert world.sent == sent


async def test_papers_of_a_message_with_unknown_outcome_are_not_repeated(world: World) -> None:
    await world.alert("care")
    world.discord.answer = UNVERIFIABLE
    await world.written("Mon", "A▲5")
    await world.wait(minutes=3)
    world.discord.answer = None
    await world.wait(hours=25)
    await world.written("Mon", "A▲6", location="another source")
    await world.wait(minutes=3)
    assert world.sent == []


@both_engines
async def test_killing_the_planner_neither_loses_nor_repeats_alerts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.features.alerts.planner.GROUP_SIZE", 1)
    for user_id in (1, 2):
        await world.alert("care", by=user_id)
    world.is_matching = False
    await world.written("Mon", "A▲5 B▲4")
    for number, is_stored in ((1, False), (1, True), (2, False), (2, True), (3, False)):
        with killed_process.killed_at(world.database, number, is_stored=is_stored):
            await world.alert_planner.drain()
    world.now += planner.GATHERING_TIME
    for number, is_stored in ((1, True), (2, False), (2, True)):
        with killed_process.killed_at(world.database, number, is_stored=is_stored):
            await world.alert_planner.drain()
    await world.tick()
    assert sorted(world.sent) == ["@1 A B", "@2 A B"]
    assert await count_unmatched(world) == 0


@both_engines
async def test_concurrent_planners_neither_lose_nor_repeat_alerts(world: World) -> None:
    for user_id in range(1, 16):
        await world.alert("care", by=user_id)
        await world.alert("better", by=user_id)
    world.is_matching = False
    await world.written("Mon", "A▲5", location="a")
    await world.written("Mon", "A▲5 B▲5", location="b")
    first = world.alert_planner
    world.restart()
    for _ in range(2):
        await asyncio.gather(first.drain(), world.alert_planner.drain())
        world.now += planner.GATHERING_TIME
    await world.tick()
    assert sorted(world.sent) == sorted(f"@{user_id} A B" for user_id in range(1, 16))
    assert await count_unmatched(world) == 0


class Rights:
    """What Discord says about owners' rights: `found`, except about the owners in `others`. `asked` has the questions."""

    def __init__(self, world: World) -> None:
        self.found = OwnerRight.GRANTED
        self.others: dict[int, OwnerRight] = {}
        self.asked: list[tuple[int, int | None]] = []
        world.alert_planner.find_right = self.find

    async def find(self, alert: models.Alert) -> OwnerRight:
        self.asked.append((alert.user_id, alert.channel_id))
        return self.others.get(alert.user_id, self.found)


IN_CHANNEL = {"channel_id": CHANNEL, "guild_id": GUILD}


async def lose_right(world: World, right: OwnerRight = OwnerRight.MISSING) -> tuple[Rights, int]:
    """Let a paper match a channel's alert (its id is returned) whose owner has lost the right to the channel."""
    rights = Rights(world)
    alert_id = await world.alert("care", by=1, **IN_CHANNEL)
    rights.found = right
    await world.written("Mon", "A▲9")
    await world.wait(minutes=3)
    return rights, alert_id


async def _is_paused(world: World) -> list[bool]:
    return [row.paused for row in await world.alerts.list_rows()]


@pytest.mark.parametrize("right", [OwnerRight.MISSING, OwnerRight.LEFT])
async def test_a_moments_missing_right_delays_a_channels_alert(world: World, right: OwnerRight) -> None:
    """A time-out of ten minutes takes the right to manage messages away."""
    rights = Rights(world)
    await world.alert("care", by=1, **IN_CHANNEL)
    rights.found = right
    await world.written("Mon", "A▲9")
    for _ in range(9):
        await world.wait(minutes=1)
    rights.found = OwnerRight.GRANTED
    assert world.sent == []
    for _ in range(6):
        await world.wait(minutes=1)
    assert world.sent == ["A"]
    assert await _is_paused(world) == [False]
    rights.found = right
    await world.wait(days=2)
    await world.written("Tue", "B▲9", location="b")
    await world.wait(minutes=3)
    assert await _is_paused(world) == [False], "the right was there between the checks"


async def test_a_right_missing_at_two_checks_a_day_apart_pauses_the_owners_alerts_there(world: World) -> None:
    rights = Rights(world)
    await world.alert("care", by=1, **IN_CHANNEL)
    await world.alert("moss", by=1, **IN_CHANNEL)
    await world.alert("care", by=1)
    await world.alert("care", by=1, channel_id=21, guild_id=GUILD)
    rights.found = OwnerRight.MISSING
    await world.written("Mon", "A▲9", summary="moss")
    await world.wait(minutes=3)
    await world.wait(hours=23)
    rights.found = OwnerRight.UNKNOWN
    await world.wait(hours=2)
    assert await _is_paused(world) == [False] * 4, "Discord did not say"
    rights.found = OwnerRight.MISSING
    for _ in range(12):
        await world.wait(minutes=5)
    assert await _is_paused(world) == [True, True, False, True]
    assert sorted(world.sent) == ["@1 A", "@1 notice right-lost None", "@1 notice right-lost None"]
    for _ in range(9):
        await world.wait(days=1)
    assert len(world.sent) == 3, "each channel's owner is told once"
    rights.found = OwnerRight.GRANTED
    await world.wait(hours=1)
    assert await _is_paused(world) == [False] * 4, "they go on by themselves"
    assert sorted(world.sent[3:]) == ["#21 A", "A"], "with the papers that waited"


async def test_a_right_that_is_back_after_more_than_30_days_resumes_nothing(world: World) -> None:
    rights, alert_id = await lose_right(world)
    await world.wait(days=1)
    await world.wait(days=30, hours=1)
    rights.found = OwnerRight.GRANTED
    rights.asked.clear()
    await world.wait(minutes=1)
    assert (await _is_paused(world), rights.asked) == ([True], [])
    await world.alerts.resume(alert_id)
    await world.wait(minutes=3)
    assert world.sent[-1] == "A"


async def test_what_a_person_paused_stays_paused(world: World) -> None:
    rights, alert_id = await lose_right(world)
    await world.alerts.pause(alert_id)
    await world.wait(days=2)
    rights.found = OwnerRight.GRANTED
    await world.wait(days=1)
    assert await _is_paused(world) == [True]
    assert world.sent == []


@pytest.mark.parametrize("system_channel", [None, 99])
async def test_the_server_is_told_when_an_alerts_owner_has_left(
    world: World, system_channel: int | None
) -> None:
    async with world.database.transaction() as connection:
        row: accounts.GuildSettings = {"locale": Locale.KO, "system_channel_id": system_channel}
        await accounts.upsert_guilds(connection, {GUILD: row})
    await lose_right(world, OwnerRight.LEFT)
    for _ in range(3):
        await world.wait(days=1)
    where = "" if system_channel is None else f"#{system_channel} "
    assert world.sent == [f"{where}notice right-lost None"]


@both_engines
async def test_another_takes_over_the_alerts_of_an_owner_without_the_right(world: World) -> None:
    rights = Rights(world)
    first = await world.alert("care", by=1, **IN_CHANNEL)
    await world.alert("moss", by=1, **IN_CHANNEL)
    await world.alert("lichen", by=2, **IN_CHANNEL)
    kept = await world.alert("fern", by=1, **IN_CHANNEL)
    await world.alerts.pause(kept)
    assert await world.alerts.take_over(first, 3) == 0, "its owner has the right"
    await world.alert("moss", by=3, **IN_CHANNEL)
    rights.others[1] = OwnerRight.LEFT
    await world.written("Mon", "A▲9", summary="lichen")
    await world.wait(minutes=3)
    assert world.sent == ["A"], "by the alert on lichen"
    await world.written("Mon", "B▲9", location="b")
    await world.wait(minutes=3)
    assert await world.alerts.take_over(first, 3) == 1, "an equal alert is there already"
    for _ in range(2):
        await world.wait(minutes=3)
    assert world.sent == ["A", "B"]
    rows = await world.alerts.list_rows()
    assert [(row.user_id, row.paused, row.right_lost_at) for row in rows if row.id == first] == [
        (3, False, None)
    ]
    assert [(row.user_id, row.paused) for row in rows if row.id == kept] == [(1, True)], (
        "its right is not lost"
    )


async def test_what_a_person_changed_after_a_check_stays(world: World) -> None:
    alert_id = await world.alert("care", by=1, **IN_CHANNEL)
    [checked] = await world.alerts.list_rows()
    await world.alerts.pause(alert_id)
    async with world.database.transaction() as connection:
        assert not await alerts.set_right(connection, checked, lost_at=world.now, paused=False)
    [row] = await world.alerts.list_rows()
    assert (row.paused, row.right_lost_at) == (True, None)


async def test_an_answer_from_a_later_time_does_not_count_once_the_clock_went_back(world: World) -> None:
    rights = Rights(world)
    await world.alert("care", by=1, **IN_CHANNEL)
    world.now += timedelta(hours=2)
    await world.written("Mon", "A▲9", location="a")
    await world.wait(minutes=3)
    world.now -= timedelta(hours=1)
    await world.written("Mon", "B▲9", location="b")
    await world.wait(minutes=4)
    assert rights.asked == [(1, CHANNEL)] * 2


@pytest.mark.engines("sqlite", pytest.param("postgresql", marks=pytest.mark.all_faults))
async def test_a_message_that_waits_is_taken_back_once_its_owner_lacks_the_right(world: World) -> None:
    """Discord refuses the channel for half an hour, in which the right is lost: nothing comes until it is back."""
    rights = Rights(world)
    await world.alert("care", by=1, **IN_CHANNEL)
    world.discord.closed.add(CHANNEL)
    await world.written("Mon", "A▲9", location="a")
    for _ in range(5):
        await world.wait(minutes=3)
    rights.found = OwnerRight.MISSING
    await world.written("Mon", "B▲8", location="b")
    for _ in range(5):
        await world.wait(minutes=3)
    world.discord.closed.clear()
    for _ in range(6):
        await world.wait(minutes=20)
    assert [text for text in world.sent if "notice" not in text] == []
    rights.found = OwnerRight.GRANTED
    for _ in range(4):
        await world.wait(minutes=3)
    assert [text for text in world.sent if "notice" not in text] == ["A B"]


async def test_the_right_is_asked_once_for_what_is_due(world: World) -> None:
    """Five alerts of one owner in a channel, at their daily maximum after the first message."""
    rights = Rights(world)
    for word in ("care", "moss", "lichen", "fern", "oak"):
        await world.alert(word, by=1, max_a_day=1, **IN_CHANNEL)
    text = "care moss lichen fern oak"
    await world.written("Mon", "A▲9", summary=text, location="a")
    for _ in range(9):
        await world.wait(minutes=1)
    assert (world.sent, rights.asked) == (["A"], [(1, CHANNEL)])
    rights.asked.clear()
    await world.written("Mon", "B▲9 C▲8", summary=text, location="b")
    for minutes in (1, 2, 1, 6, 1, 29, 20):
        await world.wait(minutes=minutes)
    assert (world.sent, rights.asked) == (["A"], []), "nothing is due"
    await world.wait(days=1)
    assert (world.sent, rights.asked) == (["A", "B C"], [(1, CHANNEL)])


async def test_a_missing_right_is_asked_about_every_ten_minutes_also_once_paused(world: World) -> None:
    rights, _ = await lose_right(world)
    asked = []
    for minutes in (9, 1) * 6:
        await world.wait(minutes=minutes)
        asked.append(len(rights.asked))
    assert asked == [1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7]
    await world.wait(days=1)
    rights.asked.clear()
    asked.clear()
    for minutes in (9, 1) * 3:
        await world.wait(minutes=minutes)
        asked.append(len(rights.asked))
    assert asked == [0, 1, 1, 2, 2, 3]
