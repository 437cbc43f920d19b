"""Recomputing the alert terms of stored alerts, on both engines."""

from __future__ import annotations

from bot.services.alerts import alert_term_rebuild
from storage import key_values
from storage.search import alert_terms
from tests.support.alert_harness import AUTHOR, MONDAY, AlertHarness


async def test_alerts_stored_by_another_version_match_again(alert_harness: AlertHarness) -> None:
    first = await alert_harness.add_alert("care")
    second = await alert_harness.add_alert("lovelace, ada", kind=AUTHOR, user_id=8)
    async with alert_harness.database.transaction() as connection:
        await alert_terms.replace_all(connection, {first: ["former"], second: ["@former"]})
        await key_values.set_value(connection, key_values.ALERT_TERMS_VERSION, "1")
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5))
    assert sorted(alert_harness.notified_papers()) == [["2601.00001"], ["2601.00001"]]
    assert await alert_term_rebuild.rebuild_if_outdated(alert_harness.database) == 0
