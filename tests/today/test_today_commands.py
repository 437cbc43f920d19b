"""/today: the papers of the day before and after three saved papers, the answers to them, and their delivery by DM."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from bot.alerts.service import Alerts
from bot.client import message_builder
from bot.client.message_builder import pack_custom_id
from bot.shelf.service import Shelf
from bot.today import messages as today_messages
from bot.today.service import TodayService
from storage import models, today
from tests.support import alert_builders, sample_archive
from tests.support.client_harness import (
    ClientHarness,
    both_languages,
    component_ids,
    last_response,
    shown_text,
)
from tests.today.test_newest_day import shown_papers

SMALL_MODELS = ("2501.00001", "2501.00006", "2412.00007")
"""Papers on small language models; the last one is of the day before yesterday."""


async def _save(harness: ClientHarness, *arxiv_ids: str) -> None:
    for arxiv_id in arxiv_ids:
        detail = await harness.bot.services.search.find_paper(arxiv_id)
        assert detail is not None
        await harness.bot.services.get(Shelf).save(harness.reader.id, [detail.id])


async def _ask(harness: ClientHarness, **options: str) -> Any:
    result = await harness.reader.slash(harness.channel, "today", **options)
    assert result.ephemeral
    return last_response(result)


async def _mark(harness: ClientHarness, message: Any, value: str) -> Any:
    """Choose a value of the menu that marks papers."""
    return await harness.choose(message, pack_custom_id(today_messages.MARK), value)


async def _profile(harness: ClientHarness) -> models.Profile:
    async with harness.container.database.read() as connection:
        profile = await today.get(connection, harness.reader.id)
    assert profile is not None
    return profile


@both_languages
async def test_votes_decide_until_topics_are_picked_and_papers_saved(harness: ClientHarness) -> None:
    first = await _ask(harness)
    assert harness.texts("today-by-votes") in shown_text(first)
    assert shown_papers(first) == [f"2501.0000{number}" for number in (1, 2, 4, 5, 6)]
    saved = ("2501.00001", "2501.00004", "2412.00007")
    await _save(harness, *saved)
    shown = await _ask(harness)
    assert harness.texts("today-from-saved", count=3) in shown_text(shown)
    assert shown_papers(shown)[0] == "2501.00006"
    assert not set(saved) & set(shown_papers(shown))
    name = "소형 언어 모델" if harness.texts.locale is models.Locale.KO else "small language model"
    assert harness.texts("today-because-saved", text=name, count=2).casefold() in shown_text(shown).casefold()
    assert harness.texts("today-rank", rank=5) in shown_text(shown)
    assert "Speech without a Score" in shown_text(shown)
    assert harness.texts("today-rank", rank=6) not in shown_text(shown)
    # The sentence with the topic of the reason, and the language of a text that is not the reader's.
    is_korean = harness.texts.locale is models.Locale.KO
    assert ("**Small language models** again" in shown_text(shown)) != is_korean
    foreign = shown_text(shown).split("Rewards That Teach Reasoning")[1].split("**3 · ")[0]
    assert (harness.texts("summary-in-other-language") in foreign) != is_korean


async def test_marked_papers_stay_where_they_are_and_each_mark_can_be_undone(harness: ClientHarness) -> None:
    await _save(harness, SMALL_MODELS[-1])
    shown = await _ask(harness)
    order = shown_papers(shown)
    message = shown
    for mark in ("less", "more", "save"):
        message = await _mark(harness, message, f"{mark}:{order[2]}")
        assert message.id == shown.id
        assert shown_papers(message) == order
        assert f"**{harness.texts(f'today-{mark}-noted')}" in shown_text(message)
    # One opinion replaces the other.
    noted = f"{harness.texts('today-save-noted')} · {harness.texts('today-more-noted')}"
    assert f"**{noted}**" in shown_text(message)
    assert order[2] not in shown_papers(await _ask(harness))
    for mark in ("more", "save"):
        message = await _mark(harness, message, f"undo-{mark}:{order[2]}")
        assert f"**{harness.texts(f'today-{mark}-noted')}" not in shown_text(message)
    async with harness.container.database.read() as connection:
        assert await today.list_feedback(connection, harness.reader.id, limit=9) == []
    assert shown_papers(await _ask(harness)) == order


@both_languages
async def test_what_a_new_reader_follows_comes_first_and_the_rest_by_votes(harness: ClientHarness) -> None:
    await sample_archive.add_digest(
        harness.container.database,
        "2026-01-01",
        *(
            sample_archive.NewsletterPaper(f"2501.0010{number}", title, text, votes=votes)
            for number, (title, text, votes) in enumerate(
                (
                    ("Rewards in the Wild", "Reinforcement learning with few rewards.", 20),
                    ("A Paper without Votes", "A learning rate and a reinforcement.", None),
                    ("Rain and Fields", "Weather from satellites.", 70),
                )
            )
        ),
    )
    await harness.bot.services.get(Alerts).add(
        alert_builders.draft("reinforcement learning", user_id=harness.reader.id)
    )
    shown = await _ask(harness)
    papers = shown_papers(shown)
    because = harness.texts(
        "today-because", reasons=harness.texts("today-because-followed", text="reinforcement learning")
    )
    followed = shown_text(shown).count(because)
    assert 0 < followed < len(papers)
    assert "A Paper without Votes" not in shown_text(shown)
    ranks = [
        int(rank)
        for rank in re.findall(r"(?:no\. |추천 )([0-9]+)(?: by votes|위)$", shown_text(shown), re.MULTILINE)
    ]
    assert len(ranks) == len(papers)
    assert ranks[followed:] == sorted(ranks[followed:])


@both_languages
async def test_picked_topics_rank_the_papers_and_are_shown(harness: ClientHarness) -> None:
    topic = "강화 학습" if harness.texts.locale is models.Locale.KO else "reinforcement learning"
    await _ask(harness)
    await harness.bot.services.get(TodayService).pick_topics(harness.reader.id, [topic])
    shown = await _ask(harness)
    assert shown_papers(shown)[0] == "2501.00002"
    assert harness.texts("today-because-picked", text=topic) in shown_text(shown)
    topics = await harness.press(shown, "today-topics")
    assert harness.texts("today-picked", topics=topic) in shown_text(topics)
    cleared = await harness.choose(topics, pack_custom_id(today_messages.PICK))
    assert harness.texts("today-no-topics") in shown_text(cleared)


async def test_the_papers_arrive_by_dm_at_the_readers_hour_until_stopped(harness: ClientHarness) -> None:
    await harness.bot.services.readers.update(harness.reader.id, timezone="Asia/Seoul")
    await _save(harness, *SMALL_MODELS)
    shown = await _ask(harness, at="9am")
    assert "(Seoul)" in shown_text(shown)
    planner = harness.container.create_today_planner(harness.bot.services)
    due_at = harness.env.now().replace(hour=0, minute=0) + timedelta(days=1)  # 09:00 in Seoul
    assert await planner.tick(due_at - timedelta(minutes=1)) == 0
    assert await planner.tick(due_at) == 1
    assert await planner.tick(due_at) == 0
    assert await planner.tick(due_at + timedelta(days=1)) == 0  # the archive has no newer day
    await harness.wait(days=1)
    (message,) = harness.received()
    assert harness.texts("today-from-saved", count=3) in shown_text(message)
    (menu,) = (id_ for id_ in component_ids(message) if message_builder.unpack_custom_id(id_).verb == "tm")
    await harness.user.select(message, ["less:2501.00004"], custom_id=menu)
    edited = await harness.bot.get_partial_messageable(harness.user.dm_channel.id).fetch_message(message.id)
    assert shown_papers(edited) == shown_papers(message)
    assert harness.texts("today-less-noted") in shown_text(edited)
    assert any(message_builder.find_marker(custom_id) for custom_id in component_ids(edited))
    await harness.user.click(edited, label=harness.texts("today-stop"))
    assert (await _profile(harness)).at_time is None


@both_languages
async def test_a_time_without_a_zone_is_the_servers_then_the_languages(harness: ClientHarness) -> None:
    is_korean = harness.texts.locale is models.Locale.KO
    await harness.user.slash("today", at="9am")
    assert (await _profile(harness)).timezone == ("Asia/Seoul" if is_korean else "UTC")
    await harness.bot.services.get(TodayService).stop_daily(harness.reader.id)
    await harness.add_subscription(timezone="Europe/Berlin")
    assert ("(베를린)" if is_korean else "(Berlin)") in shown_text(await _ask(harness, at="9am"))


async def test_a_zone_is_typed_with_the_time_and_both_can_be_changed(harness: ClientHarness) -> None:
    await harness.add_subscription(timezone="Europe/Berlin")
    assert "(Seoul)" in shown_text(await _ask(harness, at="오전 9시 서울"))
    assert (await _profile(harness)).timezone == "Asia/Seoul"
    assert "(New York)" in shown_text(await _ask(harness, at="21:30 뉴욕"))
    profile = await _profile(harness)
    assert (profile.at_time, profile.timezone) == ("21:30", "America/New_York")


async def test_closed_direct_messages_are_named_with_a_button_that_starts_again(
    harness: ClientHarness,
) -> None:
    await _ask(harness, at="18:00")
    async with harness.container.database.transaction() as connection:
        await today.change(connection, harness.reader.id, reason=models.Reason.DMS_CLOSED)
    why = harness.texts("today-suspended", reason="dms-closed")
    status = await harness.ask("status")
    shown = await _ask(harness)
    assert why in shown_text(status)
    assert why in shown_text(shown)
    for message in (status, shown):
        again = await harness.press(message, "today-send-again")
        assert why not in shown_text(again)
        assert harness.texts("today-stop") in shown_text(again)
        profile = await _profile(harness)
        assert (profile.at_time, profile.reason) == ("18:00", None)
    assert why not in shown_text(await harness.ask("status"))
