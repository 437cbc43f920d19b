"""Alerts raised by fresh and corrected digests, on both engines."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from bot.alerts import matcher, planner
from bot.operations import retention
from storage import archive, models, outbox
from storage.database import Connection
from tests.support import killed_process, source_payloads
from tests.support.alert_harness import AUTHOR, MONDAY, NOW, AlertHarness

both_engines = pytest.mark.engines("sqlite", "postgresql")


@both_engines
async def test_a_reader_gets_one_message_per_digest_with_all_reasons(alert_harness: AlertHarness) -> None:
    await alert_harness.add_alert("강화 학습")
    await alert_harness.add_alert("kim minjun", kind=AUTHOR)
    await alert_harness.add_alert("lovelace, ada", kind=AUTHOR)
    await alert_harness.add_digest(
        MONDAY, ("2601.00001", 5), ("2601.00002", 9), summary="강화학습(RL)을 쓴다."
    )
    assert alert_harness.notified_papers() == [["2601.00002", "2601.00001"]]
    reasons = alert_harness.renderer.alerts[0].matches[0].reasons
    assert [(reason.text, reason.found_in) for reason in reasons] == [
        ("강화 학습", matcher.MatchField.TEXT),
        ("Kim Min-jun", matcher.MatchField.AUTHOR),
        ("Ada Lovelace", matcher.MatchField.AUTHOR),
    ]
    async with alert_harness.database.read() as connection:
        planned = await outbox.list_rows(connection, user_id=7)
    assert [delivery.kind for delivery in planned] == [models.DeliveryKind.ALERT]
    assert planned[0].priority < models.Priority.SCHEDULED


async def test_a_recipient_is_notified_of_a_paper_once(alert_harness: AlertHarness) -> None:
    await alert_harness.add_alert("care")
    listed = source_payloads.listing_text(MONDAY, ["2601.00001"], title="Trained with care")
    await alert_harness.store_text(listed, "huggingface")
    await alert_harness.plan()
    await alert_harness.add_digest(MONDAY, ("2601.00001", 6), ("2601.00002", 1), location="a written one")
    assert alert_harness.notified_papers() == [["2601.00001"], ["2601.00002"]]


@both_engines
async def test_papers_added_by_a_correction_raise_alerts(alert_harness: AlertHarness) -> None:
    await alert_harness.add_alert("care")
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5), location="here")
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5), ("2601.00003", 2), location="here")
    assert alert_harness.notified_papers() == [["2601.00001"], ["2601.00003"]]


async def test_an_old_digest_raises_no_alerts(alert_harness: AlertHarness) -> None:
    await alert_harness.add_alert("care")
    await alert_harness.add_digest(MONDAY - timedelta(days=10), ("2601.00001", 5))
    assert alert_harness.notified_papers() == []


async def test_snoozed_alerts_and_papers_with_too_few_votes_are_left_out(alert_harness: AlertHarness) -> None:
    await alert_harness.add_alert("care", min_votes=10)
    snoozed_id = await alert_harness.add_alert("better", user_id=8)
    await alert_harness.alerts.pause(snoozed_id)
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5), ("2601.00002", None), ("2601.00003", 10))
    assert alert_harness.notified_papers() == [["2601.00003"]]


@both_engines
async def test_a_message_that_expires_unsent_is_planned_again_until_its_papers_are_old(
    alert_harness: AlertHarness,
) -> None:
    """As in an outage of Discord that is longer than the lifetime of a message."""
    await alert_harness.add_alert("care")
    await alert_harness.add_alert("care", user_id=8)
    paused_id = await alert_harness.add_alert("care", user_id=9)
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5), ("2601.00002", 5))
    await alert_harness.alerts.pause(paused_id)
    for days in (2, 4):
        alert_harness.now = NOW + timedelta(days=days)
        await alert_harness.expire(alert_harness.now)
        assert await alert_harness.plan() == 2
    assert alert_harness.notified_papers() == [["2601.00001", "2601.00002"]] * 7
    alert_harness.now += timedelta(days=31)
    await alert_harness.expire(alert_harness.now)
    await retention.Retention(alert_harness.database, lambda: alert_harness.now, days=90).purge()
    assert await alert_harness.plan() == 0


@both_engines
async def test_papers_of_an_uncertain_expired_alert_raise_none_again(alert_harness: AlertHarness) -> None:
    await alert_harness.add_alert("care")
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5))
    async with alert_harness.database.transaction() as connection:
        (due,) = await outbox.list_due(connection, alert_harness.now)
        await outbox.mark_sending(connection, [due.part.id], alert_harness.now)
        await outbox.stop_part(connection, due.part.id, reason="uncertain", now=NOW)
    await alert_harness.expire(NOW + timedelta(hours=25))
    await alert_harness.add_digest(MONDAY, ("2601.00001", 6), location="another source")
    assert len(alert_harness.notified_papers()) == 1


async def test_an_alert_that_fails_to_render_does_not_block_the_digest(alert_harness: AlertHarness) -> None:
    await alert_harness.add_alert("care")
    alert_harness.renderer.is_failing = True
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5))
    async with alert_harness.database.read() as connection:
        assert await archive.list_dates(connection, limit=1) == [MONDAY]
    alert_harness.renderer.is_failing = False
    await alert_harness.plan()
    assert alert_harness.notified_papers() == [["2601.00001"]]


@both_engines
async def test_planning_that_is_killed_before_and_after_each_commit_tells_each_reader_once(
    alert_harness: AlertHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.alerts.planner.GROUP_SIZE", 1)
    for user_id in (1, 2):
        await alert_harness.add_alert("care", user_id=user_id)
    await alert_harness.store_digest(MONDAY, ("2601.00001", 5), ("2601.00002", 4))
    for number, is_stored in ((1, False), (1, True), (2, False), (2, True), (3, False)):
        with killed_process.killed_at(alert_harness.database, number, is_stored=is_stored):
            await alert_harness.planner.drain()
    alert_harness.now += planner.GATHERING_TIME
    for number, is_stored in ((1, True), (2, False), (2, True)):
        with killed_process.killed_at(alert_harness.database, number, is_stored=is_stored):
            await alert_harness.planner.drain()
    await alert_harness.planner.drain()
    assert sorted(map(int, filter(None, await alert_harness.list_recipients()))) == [1, 2]
    assert await alert_harness.count_unmatched() == 0


@both_engines
async def test_two_planners_at_once_neither_double_nor_lose_an_alert(alert_harness: AlertHarness) -> None:
    for user_id in range(1, 16):
        await alert_harness.add_alert("care", user_id=user_id)
        await alert_harness.add_alert("better", user_id=user_id)
    await alert_harness.store_digest(MONDAY, ("2601.00001", 5), location="a")
    await alert_harness.store_digest(MONDAY, ("2601.00001", 5), ("2601.00002", 5), location="b")
    planners = alert_harness.planner, alert_harness.new_planner()
    assert await asyncio.gather(*(planner.drain() for planner in planners)) == [0, 0]
    alert_harness.now += planner.GATHERING_TIME
    assert sum(await asyncio.gather(*(planner.drain() for planner in planners))) == 15
    async with alert_harness.database.read() as connection:
        planned = await outbox.list_rows(connection, limit=100)
    notified = sorted((delivery.user_id, delivery.papers) for delivery in planned)
    assert notified == [(user_id, ("2601.00001", "2601.00002")) for user_id in range(1, 16)]
    assert await alert_harness.count_unmatched() == 0


async def test_an_alert_removed_while_its_message_is_rendered_is_not_sent(
    alert_harness: AlertHarness,
) -> None:
    first = await alert_harness.add_alert("care", user_id=1)
    await alert_harness.add_alert("care", user_id=2)
    await alert_harness.store_digest(MONDAY, ("2601.00001", 5))
    removals = [first]

    async def remove_while_rendering(connection: Connection, ids: Iterable[int]) -> dict[int, models.Reader]:
        if removals:
            await alert_harness.alerts.remove(removals.pop())
        return {}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("storage.accounts.list_readers_by_id", remove_while_rendering)
        await alert_harness.plan()
    assert await alert_harness.list_recipients() == [2]


async def test_a_message_is_built_of_no_more_papers_than_it_can_show(
    alert_harness: AlertHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planner, "MAX_SHOWN", 7)
    await alert_harness.add_alert("care")
    await alert_harness.add_alert("better")
    await alert_harness.add_digest(MONDAY, *((f"2601.{number:05}", number) for number in range(1, 31)))
    [post] = alert_harness.renderer.alerts
    assert [match.paper.votes for match in post.matches] == [*range(30, 23, -1)]
    assert post.more == 23


@both_engines
async def test_what_exceeds_the_messages_of_a_day_comes_after_24_hours(alert_harness: AlertHarness) -> None:
    await alert_harness.add_alert("care", max_a_day=2)
    await alert_harness.add_alert("care", user_id=8)
    for number in range(1, 5):
        await alert_harness.add_digest(MONDAY, (f"2601.0000{number}", 5), location=f"{number}")
    for_seven = [papers for user, papers in await _notified_by_user(alert_harness) if user == 7]
    assert for_seven == [["2601.00001"], ["2601.00002"]]
    assert await alert_harness.plan() == 0
    alert_harness.now = NOW + timedelta(hours=23)
    assert await alert_harness.plan() == 0
    alert_harness.now = NOW + timedelta(hours=24)
    assert await alert_harness.plan() == 1
    for_seven = [papers for user, papers in await _notified_by_user(alert_harness) if user == 7]
    assert sorted(for_seven[-1]) == ["2601.00003", "2601.00004"]
    assert len([user for user, _ in await _notified_by_user(alert_harness) if user == 8]) == 4


async def _notified_by_user(alert_harness: AlertHarness) -> list[tuple[int | None, list[str]]]:
    """Return the reader and the papers of each message, as planned."""
    async with alert_harness.database.read() as connection:
        planned = await outbox.list_rows(connection, kind=models.DeliveryKind.ALERT)
    return [(row.user_id, list(row.papers)) for row in reversed(planned)]


async def test_a_message_is_silent_if_all_of_its_alerts_are(alert_harness: AlertHarness) -> None:
    await alert_harness.add_alert("care", silent=True)
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5))
    await alert_harness.add_alert("lovelace, ada", kind=AUTHOR)
    await alert_harness.add_digest(MONDAY, ("2601.00002", 5), location="2")
    assert [post.silent for post in alert_harness.renderer.alerts] == [True, False]


async def test_a_paper_that_cannot_be_compared_holds_up_no_other_and_is_tried_again(
    alert_harness: AlertHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    describe = planner._describe

    def fail_for_one(own: Any, paper: matcher.PaperText, *rest: Any) -> Any:
        if paper.detail.arxiv_id == "2601.00001":
            raise ValueError("a title that cannot be compared")
        return describe(own, paper, *rest)

    for user_id in (1, 2):
        await alert_harness.add_alert("care", user_id=user_id)
    with monkeypatch.context() as patch:
        patch.setattr(planner, "_describe", fail_for_one)
        await alert_harness.add_digest(MONDAY, ("2601.00001", 5), ("2601.00002", 5))
    assert alert_harness.notified_papers() == [["2601.00002"]] * 2
    assert await alert_harness.plan() == 2
    assert alert_harness.notified_papers()[2:] == [["2601.00001"]] * 2


@both_engines
async def test_names_that_services_add_later_match_and_tell_once(alert_harness: AlertHarness) -> None:
    await alert_harness.add_alert("Grace Hopper", kind=AUTHOR)
    await alert_harness.add_alert("카이스트", kind=models.AlertKind.INSTITUTION)
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5))
    assert alert_harness.notified_papers() == []
    facts = models.PaperFacts(
        "2601.00001", "arxiv", "u", NOW, authors=("Grace Hopper",), organization="KAIST AI"
    )
    for _ in range(2):
        await alert_harness.store_facts(facts)
        await alert_harness.plan()
    assert alert_harness.notified_papers() == [["2601.00001"]]


async def test_an_alert_tells_of_what_comes_after_it(alert_harness: AlertHarness) -> None:
    await alert_harness.store_digest(MONDAY, ("2601.00001", 5))
    alert_harness.now += timedelta(minutes=1)
    await alert_harness.add_alert("care")
    assert await alert_harness.plan() == 0
