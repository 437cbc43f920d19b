"""Recomputing the alert terms of stored alerts, on both engines."""

from __future__ import annotations

from bot.alerts import matcher
from storage import alerts, key_values
from tests.support.alert_harness import AUTHOR, MONDAY, AlertHarness


async def test_alerts_stored_by_another_version_match_again(alert_harness: AlertHarness) -> None:
    first = await alert_harness.add_alert("care")
    second = await alert_harness.add_alert("lovelace, ada", kind=AUTHOR, user_id=8)
    async with alert_harness.database.transaction() as connection:
        await alerts.replace_terms(connection, {first: ["former"], second: ["@former"]})
        await key_values.set_value(connection, key_values.ALERT_TERMS_VERSION, "1")
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5))
    assert sorted(alert_harness.notified_papers()) == [["2601.00001"], ["2601.00001"]]
    assert await matcher.rebuild_if_outdated(alert_harness.database) == 0
