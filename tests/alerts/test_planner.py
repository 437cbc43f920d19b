"""Alerts from the digest to the message: what is sent, when, to whom, and only once."""

import asyncio
import operator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
import sqlalchemy as sa

from bot.alerts import planner
from bot.operations import retention
from bot.search import matcher
from storage import accounts, alerts, models, outbox
from storage.models import AlertKind, AlertTiming, Locale
from tests.support import alert_builders, killed_process, patience
from tests.support.world import AWAY, CHANNEL, GUILD, READER, UNVERIFIABLE, World, arxiv_id, moment

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
        ("reinforcement learning", matcher.MatchField.TEXT),
        ("Kim Min-jun", matcher.MatchField.AUTHOR),
    ]


async def test_a_corrected_paper_is_not_reported_again(world: World) -> None:
    await world.alert("care")
    await world.list("Mon", 'A "Trained with care"')
    await world.wait(minutes=3)
    for text in ("A▲6 B▲1", "A▲6 B▲1 C▲3"):
        await world.written("Mon", text, location="here")
        await world.wait(minutes=3)
    assert world.sent == ["@7 A", "@7 B", "@7 C"]


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
    works: Any = operator.attrgetter(step)(matcher)

    def fail_for_moss(*given: Any) -> Any:
        if "moss" in repr(given):
            raise RuntimeError("a bug")
        return works(*given)

    monkeypatch.setattr(f"bot.search.matcher.{step}", fail_for_moss)
    await world.alert("moss")
    await world.alert("care", by=8)
    await world.written("Mon", "A▲9", summary="moss and care")
    await world.wait(minutes=3)
    assert world.sent == ["@8 A"]


# Due times.


@pytest.mark.parametrize(
    ("alert", "now", "expected"),
    [
        # 2026-03-29: 02:00 becomes 03:00 in Berlin, so 02:30 is at 03:00, 01:00 UTC.
        ({"at_time": "02:30"}, "2026-03-29T01:00", "2026-03-29T01:00"),
        ({"at_time": "02:30"}, "2026-03-29T00:59", "2026-03-28T01:30"),
        # 2026-10-25: 03:00 becomes 02:00 again; the first 02:30 counts, 00:30 UTC.
        ({"at_time": "02:30"}, "2026-10-26T01:29", "2026-10-25T00:30"),
        ({"timing": AlertTiming.WEEKLY, "weekday": 7}, "2026-11-01T08:00", "2026-11-01T08:00"),
        ({"timing": AlertTiming.WEEKLY, "weekday": 7}, "2026-11-01T07:59", "2026-10-25T08:00"),
        ({"timing": AlertTiming.WEEKLY, "weekday": 5}, "2026-11-01T07:59", "2026-10-30T08:00"),
        ({"timing": AlertTiming.WEEKLY, "weekday": 5}, "2026-11-02T07:59", "2026-10-30T08:00"),
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


async def test_a_paper_is_reported_when_it_reaches_the_vote_minimum(world: World) -> None:
    await world.alert("care", min_votes=50)
    await world.written("Mon", "A▲12 B▲50 C")
    await world.wait(minutes=3)
    for votes in (53, 90):
        await read_votes(world, "A", votes)
        await world.wait(minutes=3)
    assert world.sent == ["@7 B", "@7 A"]


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


@pytest.mark.engines("postgresql")
async def test_a_message_that_is_being_sent_stays_when_its_alert_is_removed(world: World) -> None:
    """Without a record of it, the paper would come again with another alert."""
    alert_id = await world.alert("care")
    world.discord.answer = AWAY
    await world.written("Mon", "A▲5")
    await world.wait(minutes=3)
    [message] = await world.planned()

    async def is_waiting() -> bool:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        async with world.database.read() as connection:
            return bool(await connection.scalar(sa.text(query)))

    async with world.database.transaction() as sending:
        [part] = await outbox.list_parts(sending, message.id)
        await outbox.mark_sending(sending, [part.id], world.now)
        removing = asyncio.create_task(world.alerts.remove(alert_id))
        await patience.wait_until(is_waiting)
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


@pytest.mark.parametrize(("days", "is_told"), [(4, True), (31, False)])
async def test_an_expired_message_is_planned_again_for_30_days(
    world: World, days: int, is_told: bool
) -> None:
    """Discord is down for longer than a message is kept."""
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


async def test_an_alert_that_fails_to_render_is_retried(world: World) -> None:
    await world.alert("care")
    world.renderer.failing = {"alert"}
    await world.written("Mon", "A▲5")
    await world.wait(minutes=3)
    assert (await world.search.get_digest())[1] == moment("Mon 12:00").date()
    world.renderer.failing = set()
    await world.wait(minutes=3)
    assert world.sent == ["@7 A"]


async def test_a_paper_that_fails_is_retried_without_delaying_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    quote = planner._quote

    def fail_for_one(paper: models.PaperDetail, *rest: Any) -> Any:
        if paper.arxiv_id == arxiv_id("A"):
            raise ValueError("a text that cannot be quoted")
        return quote(paper, *rest)

    await world.alert("care")
    with monkeypatch.context() as patch:
        patch.setattr(planner, "_quote", fail_for_one)
        await world.written("Mon", "A▲5 B▲5")
        await world.wait(minutes=3)
    await world.wait(minutes=3)
    assert world.sent == ["@7 B", "@7 A"]


@both_engines
async def test_killing_the_planner_neither_loses_nor_repeats_alerts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.alerts.planner.GROUP_SIZE", 1)
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
