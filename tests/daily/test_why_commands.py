"""/why in both languages: in the channel of a subscription, in its thread and in another channel."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import discord
import pytest

from bot.daily import messages as daily_messages
from bot.daily import why
from bot.daily.service import Subscriptions
from storage import models, outbox
from tests.support.client_harness import ClientHarness, last_response, shown_text
from tests.support.planner_harness import read_lists

FIRST = "2501.00001"
LAST = "2501.00005"
FIRST_CLOSE = datetime(2026, 1, 2, 2, 30, tzinfo=UTC)
"""When the list of the archive's newest day closes."""


async def _why(harness: ClientHarness, paper: str, channel: Any = None) -> str:
    result = await harness.reader.slash(channel or harness.channel, "why", paper=paper)
    assert result.ephemeral
    return shown_text(last_response(result))


async def test_a_paper_of_the_next_post_and_texts_that_are_not_a_paper_are_explained(
    harness: ClientHarness,
) -> None:
    texts = harness.texts
    command = harness.bot.mentions("daily setup")
    assert texts("why-no-subscription", command=command) in await _why(harness, FIRST)
    subscription = await harness.add_subscription()
    elsewhere = harness.guild.create_text_channel("elsewhere")
    here = f"<#{harness.channel.id}>"
    assert texts("why-no-subscription-here", channels=here) in await _why(harness, FIRST, elsewhere)
    hidden = harness.guild.create_text_channel(
        "hidden", overwrites={harness.guild.default_role: discord.PermissionOverwrite(view_channel=False)}
    )
    await harness.add_subscription(hidden.id)
    assert texts("why-no-subscription-here", channels=here) in await _why(harness, FIRST, elsewhere)
    await harness.bot.prepare_guild(harness.guild.id)
    channel: Any = harness.bot.get_channel(harness.channel.id)
    await channel.create_thread(name="talk", type=discord.ChannelType.public_thread)
    (thread,) = harness.channel.threads
    calendar = await harness.bot.services.get(Subscriptions).load_calendar()
    due = int(calendar.following(subscription).at.timestamp())
    coming = texts("why-coming", rank=1, total=6, at=f"<t:{due}:R>")
    for place in (harness.channel, thread):
        assert coming in await _why(harness, FIRST, place)
    unlisted = await _why(harness, "arxiv.org/abs/2412.56789v2")
    assert texts("why-not-listed", paper=r"2412\.56789") in unlisted
    assert texts("no-paper", paper="xyzzyplugh") in await _why(harness, "xyzzyplugh")
    result = last_response(await harness.reader.slash(harness.channel, "why", paper=FIRST))
    assert FIRST in shown_text(await harness.click(result, label=texts("read")))
    assert texts("status-heading") in shown_text(await harness.click(result, label=texts("see-status")))
    await harness.bot.services.get(Subscriptions).pause(subscription.id, by=harness.manager.id)
    shown = await _why(harness, FIRST)
    assert texts("why-stopped") in shown
    at = f"<t:{int(harness.env.now().timestamp())}:f>"
    assert texts("paused-by", user=f"<@{harness.manager.id}>", at=at) in shown


async def test_a_stopped_post_has_its_reason_and_a_sent_one_is_linked(harness: ClientHarness) -> None:
    _, part = await harness.plan_post(await harness.add_subscription())
    assert harness.texts("why-waiting") in await _why(harness, FIRST)
    async with harness.container.database.transaction() as connection:
        await outbox.mark_sending(connection, [part.id], harness.env.now())
        reason, now = models.Reason.NO_SEND, harness.env.now()
        await outbox.stop_part(connection, part.id, reason=reason, now=now)
    shown = await _why(harness, FIRST)
    assert harness.texts("reason-no-send") in shown
    async with harness.container.database.transaction() as connection:
        receipts = {part.id: models.Receipt(4242, harness.channel.id)}
        await outbox.mark_sent(connection, receipts, harness.env.now())
    shown = await _why(harness, FIRST)
    at = f"<t:{int(harness.env.now().timestamp())}:f>"
    assert harness.texts("why-posted", at=at) in shown
    assert f"https://discord.com/channels/{harness.guild.id}/{harness.channel.id}/4242" in shown


async def test_a_paper_that_another_post_of_the_channel_sent_has_the_name_of_that_post(
    harness: ClientHarness,
) -> None:
    sender = await harness.add_subscription()
    other = await harness.add_subscription(topic="diffusion", at_time="18:00")
    await harness.plan_post(sender)
    lines = (await _why(harness, FIRST)).splitlines()
    names = {row.id: daily_messages.post_name(harness.texts, row) for row in (sender, other)}
    by_another = f"-# {harness.texts('why-by-another', post=names[sender.id])}"
    assert lines[lines.index(f"**{names[other.id]}**") + 2] == by_another
    assert lines.count(by_another) == 1


async def test_a_paper_of_a_day_read_after_its_close_is_in_the_next_post(harness: ClientHarness) -> None:
    subscription = await harness.add_subscription(at_time="")
    await harness.env.advance_time((FIRST_CLOSE - harness.env.now()).total_seconds() + 60)
    await read_lists(harness.container.database, harness.env.now(), date(2026, 1, 1))
    calendar = await harness.bot.services.get(Subscriptions).load_calendar()
    at = f"<t:{int(calendar.following(subscription).at.timestamp())}:R>"
    assert harness.texts("why-coming", rank=4, total=6, at=at) in await _why(harness, LAST)


async def test_only_the_subscriptions_that_are_shown_are_looked_up(
    harness: ClientHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    for hour in range(daily_messages.MAX_SUBSCRIPTIONS + 3):
        await harness.add_subscription(topic="language", at_time=f"{hour:02}:00")
    decided: list[int] = []
    explain = why.WhyExplainer._explain

    async def count(explainer: Any, connection: Any, paper: Any, row: models.Subscription, *post: Any) -> Any:
        decided.append(row.id)
        return await explain(explainer, connection, paper, row, *post)

    monkeypatch.setattr(why.WhyExplainer, "_explain", count)
    assert harness.texts("and-more", count=3) in await _why(harness, FIRST)
    assert len(decided) == daily_messages.MAX_SUBSCRIPTIONS


async def test_the_head_of_a_paper_that_only_a_source_for_search_has_names_no_digest(
    harness: ClientHarness,
) -> None:
    subscription = await harness.add_subscription()
    paper = await harness.bot.services.search.find_paper(FIRST)
    assert paper is not None
    dated = harness.texts("nearest-digest", date=harness.texts.format_date(paper.last_on))
    for source, is_dated in (("", False), ("arxiv:cs.CL", True)):
        found = why.Explanation(why.Cause.OTHER_SOURCE, replace(subscription, source=source))
        view = daily_messages.why_view(
            harness.texts, paper, why.WhyAnswer((found,), None), guild_id=1, mention=str
        )
        assert (
            any(
                isinstance(item, discord.ui.TextDisplay) and dated in item.content
                for item in view.walk_children()
            )
            is is_dated
        )
