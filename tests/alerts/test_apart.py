"""An alert or a paper that causes a bug leaves the alerts of the others as they are, and is tried again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from bot.alerts import matcher, planner
from storage import models
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


async def test_a_comparison_that_causes_a_bug_costs_that_recipient_alone_and_is_repeated(
    alert_harness: AlertHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    working = matcher.match

    def fail(alert: models.Alert, paper: models.PaperDetail, text: Any) -> Any:
        if paper.arxiv_id == "2601.00002" and alert.user_id == 1:
            raise KeyError("a bug")
        return working(alert, paper, text)

    await alert_harness.add_alert("zeta", user_id=1)
    await alert_harness.add_alert("care", user_id=2)
    with monkeypatch.context() as patched:
        patched.setattr(matcher, "match", fail)
        await alert_harness.store_digest(
            MONDAY, ("2601.00001", 5), ("2601.00002", 5), summary="care, zeta.", location="a"
        )
        with pytest.raises(KeyError):
            await alert_harness.planner.drain()
        [pending] = await alert_harness.list_pending()
        assert len(pending.paper_ids) == 1
        alert_harness.now += matcher.GATHERING_TIME
        with pytest.raises(KeyError):
            await alert_harness.planner.drain()
    assert sorted(alert_harness.notified_papers()) == [["2601.00001"], ["2601.00001", "2601.00002"]]
    await alert_harness.plan()
    assert sorted(alert_harness.notified_papers())[-1] == ["2601.00002"]
    assert await alert_harness.list_pending() == []


async def test_a_paper_that_causes_a_bug_is_tried_again_after_a_stop_among_later_ones(
    alert_harness: AlertHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    working, stop = matcher.match, asyncio.Event()

    def fail(alert: models.Alert, paper: models.PaperDetail, text: Any) -> Any:
        if paper.arxiv_id == "2601.00001":
            raise KeyError("a bug")
        stop.set()
        return working(alert, paper, text)

    monkeypatch.setattr(planner, "GROUP_SIZE", 1)
    await alert_harness.add_alert("care")
    await alert_harness.store_digest(
        MONDAY, *((f"2601.0000{number}", 5) for number in (1, 2, 3)), summary="With care.", location="a"
    )
    with monkeypatch.context() as patched:
        patched.setattr(matcher, "match", fail)
        with pytest.raises(KeyError):
            await alert_harness.planner.drain(stop=stop)
    await alert_harness.plan()
    assert alert_harness.notified_papers() == [["2601.00001", "2601.00002", "2601.00003"]]
    assert await alert_harness.list_pending() == []


@pytest.mark.parametrize(
    ("column", "value"), [("terms", "{}"), ("terms", '["zeta"]'), ("timing", "yearly"), ("at_time", "9 Uhr")]
)
async def test_a_row_that_cannot_be_read_holds_up_no_other(
    alert_harness: AlertHarness, column: str, value: str
) -> None:
    bad = await alert_harness.add_alert("zeta", user_id=1, timing=models.AlertTiming.DAILY)
    await alert_harness.add_alert("care", user_id=2)
    async with alert_harness.database.transaction() as connection:
        await connection.execute(
            sa.text(f"UPDATE alerts SET {column} = :value WHERE id = :id"), {"value": value, "id": bad}
        )
    await alert_harness.add_digest(MONDAY, ("2601.00001", 5), summary="With care and zeta.")
    assert await alert_harness.list_recipients() == [2]
