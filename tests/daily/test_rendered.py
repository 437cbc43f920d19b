"""The cache of rendered posts, and what members of a server saved: its counts, and the posts that name it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bot.app.client import DiscordRenderer
from bot.client import translations
from bot.daily import choice, edits
from bot.daily import planner as daily_planner
from bot.outbox.contents import DeliveryFactory
from bot.rendering.templates import Templates
from storage import accounts, archive, models, outbox, papers, shelf, tables
from storage.database import Database
from tests.storage.test_saved_papers import add_papers
from tests.support import digest_builders
from tests.support.planner_harness import DAY, HOUR, MONDAY, SEOUL_9AM, PlannerHarness

GUILD, OTHER_GUILD = 10, 11
PAPERS = [(f"2601.0000{number}", 90 - number) for number in range(1, 9)]


async def test_identical_posts_of_many_channels_are_rendered_once_and_others_apart(
    planning: PlannerHarness,
) -> None:
    for channel_id in range(100, 140):
        await planning.subscribe(channel_id)
    await planning.store(MONDAY, ("2601.00001", 9))
    assert await planning.tick(SEOUL_9AM) == 40
    assert planning.renderer.render_count == 1
    markers = {post["marker"] for post in await planning.list_payloads()}
    assert len(markers) == 40
    # Their schedule is a part of them.
    await planning.subscribe(140, at_time="08:30")
    assert await planning.tick(SEOUL_9AM) == 1
    assert planning.renderer.render_count == 2


class SavingHarness(PlannerHarness):
    """A planner with the real templates, in a server whose members save papers."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        renderer = DiscordRenderer(translations.Translations(), Templates(), lambda command: f"/{command}")
        self.deliveries = DeliveryFactory(lambda: renderer)
        self.planner = daily_planner.DailyPlanner(database, self.deliveries, self.search.match_papers)

    async def save(
        self, number: int, *user_ids: int, at: datetime = SEOUL_9AM, guild_id: int | None = GUILD
    ) -> None:
        """Let readers save the paper 2601.0000N in a server."""
        async with self.database.transaction() as connection:
            [paper_id] = (await papers.get_ids(connection, [f"2601.0000{number}"])).values()
            for user_id in user_ids:
                await shelf.save(connection, user_id, [paper_id], at, guild_id)

    async def share(self, number: int, user_id: int) -> None:
        """Let a member share the paper 2601.0000N."""
        async with self.database.transaction() as connection:
            [paper_id] = (await papers.get_ids(connection, [f"2601.0000{number}"])).values()
            await shelf.add_shared(connection, GUILD, user_id, paper_id, SEOUL_9AM)

    async def list_deliveries(self, kind: models.DeliveryKind) -> list[tuple[models.Delivery, str]]:
        """Return the deliveries of a kind with the text of their last payload, oldest first."""
        async with self.database.read() as connection:
            rows = sorted(await outbox.list_rows(connection, kind=kind), key=lambda row: row.id)
            parts = [await outbox.list_parts(connection, row.id) for row in rows]
        return [(row, last[-1].payload or "") for row, last in zip(rows, parts, strict=True)]


@pytest.fixture
async def saving(db: Database) -> SavingHarness:
    planning = SavingHarness(db)
    await planning.store(MONDAY, *PAPERS)
    return planning


def list_counts(delivery: models.Delivery) -> list[tuple[str, int, int]]:
    """Return the last digit of each paper that members saved, with the counts."""
    return [(arxiv_id[-1], saved, shared) for arxiv_id, saved, shared in delivery.post.server_picks]


async def test_a_weekly_post_lists_what_most_members_saved_as_it_was_when_planned(
    saving: SavingHarness,
) -> None:
    weekly: dict[str, Any] = {"style": models.Style.WEEKLY, "days": (1,), "locale": models.Locale.EN}
    asked = await saving.subscribe(**weekly, server_picks=True)
    await saving.subscribe(21, **weekly)
    await saving.subscribe(22, style=models.Style.COMPACT, server_picks=True)
    await saving.save(7, 1, 2, 3, 4)
    await saving.save(8, 1, 2, 3, 5)
    await saving.save(5, 1, 2)
    await saving.save(4, 1, 2, 3, guild_id=OTHER_GUILD)
    await saving.save(4, 6, 7, 8, guild_id=None)
    await saving.save(3, 1, 2, 3, at=SEOUL_9AM - timedelta(days=7, seconds=1))
    await saving.share(6, 1)
    async with saving.database.transaction() as connection:
        await accounts.remove_reader_data(connection, 5)
    assert await saving.planner.tick(SEOUL_9AM) == 3
    (first, shown), *others = await saving.list_deliveries(models.DeliveryKind.DAILY)
    assert [(delivery.post.server_picks, "Saved by" in payload) for delivery, payload in others] == [
        ((), False)
    ] * 2
    assert (first.subscription_id, first.post.papers) == (asked, ("2601.00001", "2601.00002"))
    assert list_counts(first) == [("7", 4, 0), ("8", 3, 0), ("6", 0, 1)]
    assert "This server's top papers this week" in shown
    for line in (
        "Saved by 4 · [Paper 2601.00007",
        "Saved by 3 · [Paper 2601.00008",
        "Shared by 1 · [Paper 2601.00006",
    ):
        assert f"\\n- {line}" in shown
    # What is stored is what is sent, also if an answer of Discord was lost and members have changed their minds.
    await saving.save(2, 1, 2, 3, 4)
    async with saving.database.transaction() as connection:
        for user_id in (1, 2, 3):
            await accounts.remove_reader_data(connection, user_id)
    assert (await saving.list_deliveries(models.DeliveryKind.DAILY))[0] == (first, shown)
    await saving.mark_sent()
    # A corrected title of a paper that only the list of the members has.
    changed = digest_builders.newsletter(MONDAY, PAPERS).replace("Paper 2601.00008", "Better")
    await digest_builders.ingest_digest(saving.database, changed, at=SEOUL_9AM)
    async with saving.database.transaction() as connection:
        listed = [paper.paper_id for paper in await archive.list_papers(connection, [1])]
        await edits.add_pending(connection, 1, 2, listed)
    assert await edits.EditPlanner(saving.deliveries).plan(saving.database, SEOUL_9AM + HOUR) == 1
    [(_, edited)] = await saving.list_deliveries(models.DeliveryKind.EDIT)
    assert "Saved by 4" in edited
    assert "Better" in edited


async def test_posts_of_one_server_alone_are_planned_in_small_batches(
    saving: SavingHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daily_planner, "OWN_POSTS_IN_BATCH", 2)
    for channel_id in range(30, 35):
        await saving.subscribe(channel_id, style=models.Style.WEEKLY, server_picks=True)
    assert await saving.planner.tick(SEOUL_9AM) == 5
    assert (
        len({delivery.channel_id for delivery, _ in await saving.list_deliveries(models.DeliveryKind.DAILY)})
        == 5
    )


async def test_the_week_of_the_members_is_that_of_the_zone_across_a_clock_change(
    saving: SavingHarness,
) -> None:
    due_at = datetime(2026, 3, 30, 7, tzinfo=UTC)  # 09:00 in Berlin; a week before, that was 08:00 UTC
    await saving.store(date(2026, 3, 29), ("2603.00001", 5), at=due_at)
    await saving.subscribe(
        style=models.Style.WEEKLY,
        days=(1,),
        timezone="Europe/Berlin",
        server_picks=True,
        created_at=due_at - DAY,
    )
    before = datetime(2026, 3, 23, 8, tzinfo=UTC)
    await saving.save(1, 1, 2, 3, at=before)
    await saving.save(2, 1, 2, 3, at=before - timedelta(seconds=1))
    await saving.planner.tick(due_at)
    [(delivery, _)] = await saving.list_deliveries(models.DeliveryKind.DAILY)
    assert list_counts(delivery) == [("1", 3, 0)]


async def test_a_preview_and_an_on_demand_post_name_at_most_five(saving: SavingHarness) -> None:
    subscription_id = await saving.subscribe(
        style=models.Style.WEEKLY, locale=models.Locale.KO, server_picks=True
    )
    for number in range(1, 8):
        await saving.save(number, *range(1, 3 + number))
    posts = saving.on_demand()
    subscription = await saving.get_subscription(subscription_id)
    counts = [("7", 9, 0), ("6", 8, 0), ("5", 7, 0), ("4", 6, 0), ("3", 5, 0)]
    preview, _ = await posts.preview(subscription)
    assert [(paper.arxiv_id[-1], *pair) for paper, *pair in preview.server_picks] == counts
    preview, _ = await posts.preview(replace(subscription, server_picks=False))
    assert not preview.server_picks
    await posts.plan(subscription_id, 7)
    [(delivery, shown)] = await saving.list_deliveries(models.DeliveryKind.ON_DEMAND)
    assert list_counts(delivery) == counts
    assert "이번 주 이 서버의 인기 논문 5편" in shown
    assert json.loads(shown)["components"]


NOW = datetime(2026, 1, 5, tzinfo=UTC)


async def test_papers_are_ordered_by_members_and_the_saves_of_one_or_two_are_not_shown(
    sqlite_db: Database,
) -> None:
    async with sqlite_db.transaction() as connection:
        titles = ("alone", "two", "three", "shared", "both", None)
        alone, two, three, shared, both, unlisted = await add_papers(connection, titles)
        for user_id, paper_ids in (
            (1, [alone, two, three, both, shared, unlisted]),
            (2, [two, three, both, shared, unlisted]),
            (3, [three, both, unlisted]),
        ):
            await shelf.save(connection, user_id, paper_ids, NOW, 7)
        await shelf.add_shared(connection, 7, 3, shared, NOW)
        await shelf.add_shared(connection, 7, 3, both, NOW)
        await shelf.add_shared(connection, 8, 3, two, NOW)
        # A shelf has thousands of papers, of which a page is shown with thousands of authors each.
        await connection.execute(tables.papers.update().values(authors=("Ada", "Bea")))
        top = await choice.list_top(connection, [7, 8, 9], NOW)
        assert not any(paper.authors for picked in top.values() for paper, *_ in picked)
        first = await choice.list_top(connection, [7], NOW, 2)
        assert first == await choice.read_authors(connection, {7: top[7][:2]})
        assert [paper.authors for paper, *_ in first[7]] == [("Ada", "Bea")] * 2
    assert {guild_id: [(row.title, *pair) for row, *pair in picked] for guild_id, picked in top.items()} == {
        7: [("both", 3, 1), ("three", 3, 0), ("shared", 0, 1)],
        8: [("two", 0, 1)],
    }
