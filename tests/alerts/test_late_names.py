"""Authors and institutions that facts add after a digest was matched with alerts, on both engines."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from storage import models, papers
from tests.support.alert_harness import MONDAY, NOW, AlertHarness

INSTITUTION = models.AlertKind.INSTITUTION
PAPER = "2601.00001"


def _facts(arxiv_id: str, *affiliations: str, authors: tuple[str, ...] = ()) -> models.PaperFacts:
    return models.PaperFacts(arxiv_id, "arxiv", "u", NOW, affiliations=affiliations, authors=authors)


@pytest.mark.engines("sqlite", "postgresql")
async def test_readers_are_told_once_of_a_paper_that_gets_a_name_that_they_follow(
    alert_harness: AlertHarness,
) -> None:
    await alert_harness.add_alert("카이스트", kind=INSTITUTION, user_id=1)
    await alert_harness.add_alert("care", user_id=2)
    await alert_harness.add_digest(MONDAY, (PAPER, 5), ("2601.00002", 5), summary="With care.")
    assert await alert_harness.list_recipients() == [2]
    await alert_harness.add_alert("care", user_id=3)  # made since, it tells of what comes later
    for name in ("School of Computing, KAIST", "KAIST"):
        await alert_harness.store_facts(_facts(PAPER, name))
        await alert_harness.plan()
    assert await alert_harness.list_recipients() == [2, 1]
    assert alert_harness.notified_papers()[1:] == [[PAPER]]


async def test_facts_of_old_papers_and_facts_without_new_names_leave_nothing_to_match(
    alert_harness: AlertHarness,
) -> None:
    await alert_harness.add_alert("KAIST", kind=INSTITUTION)
    old, fresh = [f"2512.{number:05}" for number in range(1, 31)], PAPER
    await alert_harness.add_digest(MONDAY - timedelta(days=4), *((arxiv_id, 5) for arxiv_id in old))
    await alert_harness.add_digest(MONDAY, (fresh, 5))
    await alert_harness.store_facts(*(_facts(arxiv_id, "KAIST") for arxiv_id in (*old, "2601.00009")))
    await alert_harness.store_facts(models.PaperFacts(fresh, "huggingface", "u", NOW, votes=50))
    listed = replace(_facts(old[0], "POSTECH"), listed_on=MONDAY)  # by a service, in no digest of these days
    await alert_harness.store_facts(listed)
    assert await alert_harness.list_pending() == []
    await alert_harness.store_facts(*(_facts(arxiv_id, "KAIST") for arxiv_id in (*old, fresh)))
    async with alert_harness.database.read() as connection:
        ids = await papers.get_ids(connection, [fresh])
    (pending,) = await alert_harness.list_pending()
    assert pending.paper_ids == tuple(ids.values())
    alert_harness.now += timedelta(days=4)
    await alert_harness.store_facts(_facts(fresh, "KAIST", "Yonsei University"))
    assert await alert_harness.list_pending() == [pending]
