"""Alerts raised by fresh and corrected digests, on both engines."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from bot.alerts import matcher, planner
from storage import archive, models, outbox
from storage.database import Connection
from tests.support import alert_builders, killed_process, patience, source_payloads
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
    _, reasons = alert_harness.renderer.alerts[0].matches[0]
    assert [(reason.text, reason.found_in) for reason in reasons] == [
        ("강화학습", matcher.MatchField.TEXT),
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
async def test_what_was_sent_to_one_reader_and_waits_for_another_does_not_stop_the_planner(
    alert_harness: AlertHarness,
) -> None:
    await alert_harness.add_alert("care")
    await alert_harness.add_alert("care", user_id=8, timing=models.AlertTiming.DAILY)
    await alert_harness.add_alert("zeta", user_id=8)
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5), summary="with care.", location="a")
    await alert_harness.add_digest(MONDAY, ("2601.00002", 5), summary="care with zeta.", location="b")
    assert sorted(alert_harness.notified_papers()) == [["2601.00001"], ["2601.00002"], ["2601.00002"]]


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
    await alert_harness.alerts.snooze([snoozed_id], user_id=8)
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
    await alert_harness.alerts.pause([paused_id], user_id=9)
    for days in (2, 4):
        await alert_harness.expire(NOW + timedelta(days=days))
        assert await alert_harness.plan(timedelta(days=2)) == 2
    assert alert_harness.notified_papers() == [["2601.00001", "2601.00002"]] * 7
    await alert_harness.expire(NOW + timedelta(days=61))
    assert await alert_harness.plan(timedelta(days=60)) == 0


@both_engines
async def test_papers_of_an_uncertain_expired_alert_raise_none_again(alert_harness: AlertHarness) -> None:
    await alert_harness.add_alert("care")
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5))
    async with alert_harness.database.transaction() as connection:
        (due,) = await outbox.list_due(connection, alert_harness.now)
        await outbox.mark_sending(connection, [due.part.id], alert_harness.now)
        await outbox.stop_part(
            connection, due.part.id, models.PartState.UNCERTAIN, reason="uncertain", now=NOW
        )
    await alert_harness.expire(NOW + timedelta(hours=25))
    await alert_harness.add_digest(MONDAY, ("2601.00001", 6), location="another source")
    assert len(alert_harness.notified_papers()) == 1


async def test_a_paper_that_cannot_be_compared_holds_up_no_other_and_is_tried_again(
    alert_harness: AlertHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    match_paper = planner._match_paper

    def fail_for_one(
        by_recipient: Any, active: Any, highest: Any, paper: models.PaperDetail, text: Any
    ) -> Any:
        if paper.arxiv_id == "2601.00001":
            raise ValueError("a title that cannot be compared")
        return match_paper(by_recipient, active, highest, paper, text)

    for user_id in (1, 2):
        await alert_harness.add_alert("care", user_id=user_id)
    with monkeypatch.context() as patch:
        patch.setattr(planner, "_match_paper", fail_for_one)
        await alert_harness.add_digest(MONDAY, ("2601.00001", 5), ("2601.00002", 5))
    assert alert_harness.notified_papers() == [["2601.00002"]] * 2
    assert await alert_harness.plan(planner.RETRY_DELAY) == 2
    assert alert_harness.notified_papers()[2:] == [["2601.00001"]] * 2


async def test_an_alert_that_fails_to_render_does_not_block_the_digest(alert_harness: AlertHarness) -> None:
    await alert_harness.add_alert("care")
    alert_harness.renderer.is_failing = True
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5))
    async with alert_harness.database.read() as connection:
        assert await archive.list_dates(connection, limit=1) == [MONDAY]
    alert_harness.renderer.is_failing = False
    await alert_harness.plan()
    assert alert_harness.notified_papers() == []
    await alert_harness.plan(timedelta(hours=1))
    assert alert_harness.notified_papers() == [["2601.00001"]]


async def test_a_keyword_matches_its_written_variants_and_not_other_words_as_its_preview_says(
    alert_harness: AlertHarness,
) -> None:
    cases = (
        ("language model", "Of large-language models.", True),
        ("fine-tuning", "모델을 Finetuning 한다.", True),
        ("언어 모델", "대규모언어모델을 쓴다.", True),
        ("reinforcement learning", "강화 학습(RL)을 쓴다.", False),
        ("car", "Of care.", False),
        ("gpt-4", "It asks GPT-4o.", False),
    )
    for number, (text, summary, is_match) in enumerate(cases, 1):
        alert_harness.renderer.alerts.clear()
        alert_id = await alert_harness.add_alert(text)
        before = (await alert_harness.alerts.preview(alert_builders.draft(text))).paper_count
        await alert_harness.add_digest(
            MONDAY, (f"2601.{number:05}", 5), summary=summary, location=text + summary
        )
        assert alert_harness.notified_papers() == [[f"2601.{number:05}"]] * is_match, text
        after = (await alert_harness.alerts.preview(alert_builders.draft(text))).paper_count
        assert after - before == is_match
        await alert_harness.alerts.remove([alert_id])


@both_engines
async def test_planning_that_is_killed_before_and_after_each_commit_tells_each_reader_once(
    alert_harness: AlertHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.alerts.planner.GROUP_SIZE", 1)
    for user_id in (1, 2):
        await alert_harness.add_alert("care", user_id=user_id)
    await alert_harness.store_digest(MONDAY, ("2601.00001", 5), ("2601.00002", 4))
    for number, is_stored in ((1, True), (2, False), (2, True), (3, False), (3, True)):
        with killed_process.killed_at(alert_harness.database, number, is_stored=is_stored):
            await alert_harness.planner.drain()
    alert_harness.now += matcher.GATHERING_TIME
    for is_stored in (False, True):
        with killed_process.killed_at(alert_harness.database, 1, is_stored=is_stored):
            await alert_harness.planner.drain()
    await alert_harness.planner.drain()
    assert sorted(map(int, filter(None, await alert_harness.list_recipients()))) == [1, 2]
    assert await alert_harness.list_pending() == []


@both_engines
async def test_two_planners_at_once_neither_double_nor_lose_an_alert(alert_harness: AlertHarness) -> None:
    for user_id in range(1, 16):
        await alert_harness.add_alert("care", user_id=user_id)
        await alert_harness.add_alert("better", user_id=user_id)
    await alert_harness.store_digest(MONDAY, ("2601.00001", 5), location="a")
    await alert_harness.store_digest(MONDAY, ("2601.00001", 5), ("2601.00002", 5), location="b")
    planners = alert_harness.planner, alert_harness.new_planner()
    assert await asyncio.gather(*(planner.drain() for planner in planners)) == [0, 0]
    alert_harness.now += matcher.GATHERING_TIME
    assert sum(await asyncio.gather(*(planner.drain() for planner in planners))) == 15
    async with alert_harness.database.read() as connection:
        planned = await outbox.list_rows(connection, limit=100)
    notified = sorted((delivery.user_id, delivery.post.papers) for delivery in planned)
    assert notified == [(user_id, ("2601.00001", "2601.00002")) for user_id in range(1, 16)]
    assert await alert_harness.list_pending() == []


async def test_an_alert_removed_while_its_message_is_rendered_is_not_sent(
    alert_harness: AlertHarness,
) -> None:
    first = await alert_harness.add_alert("care", user_id=1)
    await alert_harness.add_alert("care", user_id=2)
    await alert_harness.store_digest(MONDAY, ("2601.00001", 5))
    removals = [first]

    async def remove_while_rendering(connection: Connection, ids: Iterable[int]) -> dict[int, models.Reader]:
        if removals:
            await alert_harness.alerts.remove([removals.pop()])
        return {}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("storage.accounts.list_readers_by_id", remove_while_rendering)
        await alert_harness.plan()
    assert await alert_harness.list_recipients() == [2]


async def test_alerts_that_waited_longer_than_a_delivery_lives_are_not_planned(
    alert_harness: AlertHarness,
) -> None:
    await alert_harness.add_alert("care")
    await alert_harness.store_digest(MONDAY, ("2601.00001", 5))
    alert_harness.now += timedelta(hours=25)
    assert await alert_harness.planner.drain() == 0
    assert await alert_harness.list_pending() == []


async def test_the_running_planner_plans_what_others_store(
    alert_harness: AlertHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.alerts.matcher.GATHERING_TIME", timedelta())
    await alert_harness.add_alert("care")
    stop = asyncio.Event()
    running = asyncio.create_task(alert_harness.planner.run(stop, on_planned=stop.set))
    await alert_harness.store_digest(MONDAY, ("2601.00001", 5))
    alert_harness.planner.wake()
    async with patience.limit(60):
        await running
    assert alert_harness.notified_papers() == [["2601.00001"]]


async def test_a_message_is_built_of_no_more_papers_than_it_can_show(
    alert_harness: AlertHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader's fifty alerts may ask for 25 papers each."""
    monkeypatch.setattr(planner, "MAX_SHOWN", 7)
    await alert_harness.add_alert("care", max_papers=20)
    await alert_harness.add_alert("better", max_papers=20)
    await alert_harness.add_digest(MONDAY, *((f"2601.{number:05}", number) for number in range(1, 31)))
    [post] = alert_harness.renderer.alerts
    assert [paper.votes for paper, _ in post.matches] == [*range(30, 23, -1)]
    assert post.more == 23


@both_engines
async def test_what_exceeds_the_messages_of_a_day_comes_with_the_first_of_the_next(
    alert_harness: AlertHarness,
) -> None:
    await alert_harness.add_alert("care", max_a_day=2, at_time="08:00", timezone="Asia/Seoul")
    await alert_harness.add_alert("care", user_id=8)
    for number in range(1, 5):
        await alert_harness.add_digest(MONDAY, (f"2601.0000{number}", 5), location=f"{number}")
    for_seven = [papers for user, papers in await _notified_by_user(alert_harness) if user == 7]
    assert for_seven == [["2601.00001"], ["2601.00002"]]
    assert await alert_harness.plan() == 0
    alert_harness.now = NOW + timedelta(hours=20)  # eight o'clock of the next day in Seoul
    assert await alert_harness.plan() == 1
    for_seven = [papers for user, papers in await _notified_by_user(alert_harness) if user == 7]
    assert sorted(for_seven[-1]) == ["2601.00003", "2601.00004"]
    assert len([user for user, _ in await _notified_by_user(alert_harness) if user == 8]) == 4


async def test_an_early_message_of_the_next_day_has_what_waited(alert_harness: AlertHarness) -> None:
    await alert_harness.add_alert("care", max_a_day=1, at_time="18:00", timezone="UTC")
    for number in (1, 2):
        await alert_harness.add_digest(MONDAY, (f"2601.0000{number}", 5), location=f"{number}")
    alert_harness.now = NOW + timedelta(hours=22)
    await alert_harness.add_digest(MONDAY, ("2601.00003", 5), location="3")
    shown = [papers for _, papers in await _notified_by_user(alert_harness)]
    assert [sorted(papers) for papers in shown] == [["2601.00001"], ["2601.00002", "2601.00003"]]


@pytest.mark.parametrize("timing", [models.AlertTiming.DAILY, models.AlertTiming.WEEKLY])
async def test_a_gathered_alert_with_a_maximum_comes_though_another_one_sends_first_each_day(
    alert_harness: AlertHarness, timing: models.AlertTiming
) -> None:
    """Its hour is nine, and each night at three the other alert's message fills the day."""
    midnight = NOW - timedelta(hours=3)
    alert_harness.now = midnight - timedelta(hours=2)
    await alert_harness.add_alert("care", timing=timing, at_time="09:00", timezone="UTC", max_a_day=1)
    await alert_harness.add_alert("nightly", timezone="UTC")
    await alert_harness.store_digest(MONDAY, ("2601.10000", 5), summary="It takes care.", location="care")
    for day in range(3):
        alert_harness.now = midnight + timedelta(days=day, hours=3)
        on, paper = alert_harness.now.date(), (f"2601.2000{day}", 5)
        await alert_harness.store_digest(on, paper, summary="A nightly paper.", location=f"{day}")
        await alert_harness.plan()
        alert_harness.now = midnight + timedelta(days=day, hours=9, minutes=1)
        await alert_harness.plan()
    expected = [["2601.20000"], ["2601.10000", "2601.20001"], ["2601.20002"]]
    assert [sorted(papers) for papers in alert_harness.notified_papers()] == expected


async def _notified_by_user(alert_harness: AlertHarness) -> list[tuple[int | None, list[str]]]:
    """Return the reader and the papers of each message, as planned."""
    async with alert_harness.database.read() as connection:
        planned = await outbox.list_rows(connection, kind=models.DeliveryKind.ALERT)
    return [(row.user_id, list(row.post.papers)) for row in reversed(planned)]


async def test_a_message_is_silent_if_all_of_its_alerts_are(alert_harness: AlertHarness) -> None:
    await alert_harness.add_alert("care", silent=True)
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5))
    await alert_harness.add_alert("lovelace, ada", kind=AUTHOR)
    await alert_harness.add_digest(MONDAY, ("2601.00002", 5), location="2")
    assert [post.silent for post in alert_harness.renderer.alerts] == [True, False]


async def test_an_alert_that_was_made_by_a_clock_ahead_tells_of_what_comes_now(
    alert_harness: AlertHarness,
) -> None:
    alert_harness.now = NOW + timedelta(days=7)
    await alert_harness.add_alert("care")
    alert_harness.now = NOW
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5), summary="with care.")
    assert alert_harness.notified_papers() == [["2601.00001"]]
