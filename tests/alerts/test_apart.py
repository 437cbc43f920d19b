"""An alert or a paper that causes a bug leaves the alerts of the others as they are, and is tried again."""

from __future__ import annotations

from typing import Any

import pytest

from bot.alerts import matcher
from tests.support.alert_harness import MONDAY, AlertHarness


@pytest.mark.parametrize("name", ["match", "list_needles", "list_forms"])
async def test_an_alert_that_causes_a_bug_holds_up_no_other(
    alert_harness: AlertHarness, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    working = getattr(matcher, name)

    def fail(*arguments: Any, **options: Any) -> Any:
        if "zeta" in repr(arguments[:2]):
            raise KeyError("a bug")
        return working(*arguments, **options)

    await alert_harness.add_alert("zeta", user_id=1, translations=True)
    await alert_harness.add_alert("care", user_id=2, translations=True)
    await alert_harness.store_digest(MONDAY, ("2601.00001", 5), summary="With care.", location="a")
    monkeypatch.setattr(matcher, name, fail)
    await alert_harness.plan()
    assert alert_harness.notified_papers() == [["2601.00001"]]
    assert await alert_harness.list_recipients() == [2]
