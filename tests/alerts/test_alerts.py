"""The use cases around alerts, on both engines."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.core import errors
from bot.outbox import contents
from storage import alerts, deliveries, models, outbox
from storage import errors as storage_errors
from tests.support import alert_builders, digest_builders
from tests.support.alert_harness import MONDAY, NOW, AlertHarness

pytestmark = pytest.mark.engines("sqlite", "postgresql")


async def test_resuming_alerts_makes_their_paused_deliveries_due(alert_harness: AlertHarness) -> None:
    alert_id = await alert_harness.add_alert("care")
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5))
    async with alert_harness.database.transaction() as connection:
        await alerts.set_state(connection, [alert_id], models.ActivityState.PAUSED, reason="dms-closed")
        assert await outbox.pause(connection, user_id=7, reason="dms-closed") == 1
    assert await alert_harness.alerts.resume([alert_id], user_id=8) == 0
    async with alert_harness.database.read() as connection:
        assert await deliveries.list_due(connection, alert_harness.now) == []
    assert await alert_harness.alerts.resume([alert_id], user_id=7) == 1
    async with alert_harness.database.read() as connection:
        assert len(await deliveries.list_due(connection, alert_harness.now)) == 1


async def test_an_equal_alert_and_a_fifty_first_are_refused(alert_harness: AlertHarness) -> None:
    await alert_harness.add_alert("Diffusion")
    with pytest.raises(storage_errors.DuplicateError):
        await alert_harness.add_alert("diffusion ")
    for number in range(49):
        await alert_harness.add_alert(f"word{number}x")
    with pytest.raises(errors.UsageError, match="50"):
        await alert_harness.add_alert("one more")


async def test_two_presses_at_once_add_one_alert(alert_harness: AlertHarness) -> None:
    presses = (alert_harness.add_alert("diffusion") for _ in range(4))
    outcomes = await asyncio.gather(*presses, return_exceptions=True)
    assert sum(isinstance(outcome, storage_errors.DuplicateError) for outcome in outcomes) == 3
    assert len(await alert_harness.alerts.list_rows(user_id=7)) == 1


async def test_a_changed_alert_matches_what_it_says_now(alert_harness: AlertHarness) -> None:
    alert_id = await alert_harness.add_alert("speech")
    other_id = await alert_harness.add_alert("robot")
    await alert_harness.alerts.snooze([alert_id])
    changed = alert_builders.draft("care", "better", match_all=True, excluded=("speech",))
    with pytest.raises(errors.UsageError, match="no alert"):
        await alert_harness.alerts.change(alert_id, changed, user_id=8)
    with pytest.raises(storage_errors.DuplicateError):
        await alert_harness.alerts.change(alert_id, alert_builders.draft(" ROBOT"), user_id=7)
    await alert_harness.alerts.change(alert_id, changed, user_id=7)
    stored, _ = await alert_harness.alerts.list_rows(user_id=7)
    assert (stored.id, stored.match_all, stored.paused_until_at is not None) == (alert_id, True, True)
    assert (await alert_harness.alerts.preview(changed)).existing == stored
    await alert_harness.alerts.resume([alert_id, other_id])
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5), ("2601.00002", 5), summary="Of care.")
    assert alert_harness.notified_papers() == [["2601.00001", "2601.00002"]]


async def test_the_preview_counts_the_matches_of_thirty_days(alert_harness: AlertHarness) -> None:
    await alert_harness.add_digest(MONDAY - timedelta(days=20), ("2601.00001", 5), ("2601.00002", 5))
    await alert_harness.add_digest(MONDAY - timedelta(days=2), ("2601.00003", 5))
    await alert_harness.add_digest(MONDAY - timedelta(days=40), ("2601.00004", 5))
    draft = alert_builders.draft("with care")
    paper_count, max_per_day, latest, existing = await alert_harness.alerts.preview(draft)
    assert (paper_count, max_per_day, existing) == (3, 2, None)
    assert latest[0].arxiv_id == "2601.00003"


async def test_only_the_owner_can_remove_an_alert(alert_harness: AlertHarness) -> None:
    alert_id = await alert_harness.add_alert("care")
    assert await alert_harness.alerts.remove([alert_id], user_id=8) == 0
    assert await alert_harness.alerts.remove([alert_id], user_id=7) == 1


async def test_an_institution_is_followed_in_either_language(alert_harness: AlertHarness) -> None:
    for user_id, name in ((1, "카이스트"), (2, "A Lab"), (3, "서울대")):
        await alert_harness.add_alert(name, user_id=user_id, kind=models.AlertKind.INSTITUTION)
    await alert_harness.store_digest(MONDAY, ("2601.00001", 5), ("2601.00002", 5))
    await digest_builders.add_facts(
        alert_harness.database,
        models.PaperFacts("2601.00001", "huggingface", "u", NOW, organization="KAIST AI"),
        models.PaperFacts("2601.00002", "arxiv", "u", NOW, affiliations=("x", "A Lab, SNU")),
    )
    await alert_harness.plan()
    assert await alert_harness.list_recipients() == [1, 2, 3]
    ((_, (reason,)),) = alert_harness.renderer.alerts[0].matches
    assert (reason.text, reason.found_in) == ("KAIST AI", contents.MatchField.INSTITUTION)
    assert await alert_harness.alerts.list_institutions("ka") == ["KAIST", "KAIST AI", "Kakao", "KAUST"]
