"""`/today`: the papers of the day, the menu to mark them, and their delivery by direct message."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from unittest import mock

from bot.app.workers import Workers
from bot.archive import listing
from bot.client import custom_ids, verbs
from bot.features.shelf.service import Shelf
from bot.features.today.service import TodayPlanner, TodayService
from storage import accounts, models, papers, today
from tests.support import sample_archive
from tests.support.client_harness import ClientHarness, both_languages, component_ids, shown_text

SMALL_MODELS = ("2501.00001", "2501.00006", "2412.00007")
"""Papers on small language models. The last one is from December 30."""


def _shown_papers(message: Any) -> Sequence[str]:
    actions = map(custom_ids.unpack_custom_id, component_ids(message))
    return [action.payload for action in actions if action.verb == verbs.OPEN_PAPER]


async def _save(harness: ClientHarness, *arxiv_ids: str) -> None:
    shelf = harness.bot.services.get(Shelf)
    found = await harness.bot.services.database.fetch(papers.get_ids, arxiv_ids)
    await shelf.save(harness.reader.id, [found[arxiv_id] for arxiv_id in arxiv_ids])


async def _mark(harness: ClientHarness, message: Any, value: str) -> Any:
    return await harness.select(message, [value], custom_id=f"pr:{verbs.MARK_PAPERS}")


async def _profile(harness: ClientHarness) -> today.Profile:
    profile = await harness.container.database.fetch(today.get, harness.reader.id)
    assert profile is not None
    return profile


@both_languages
async def test_papers_of_the_day_are_ranked_by_saved_papers(harness: ClientHarness) -> None:
    first = await harness.ask("today")
    assert first.ephemeral
    assert harness.texts("today-by-votes", left=3) in shown_text(first)
    assert _shown_papers(first) == [f"2501.0000{number}" for number in (1, 2, 4, 5, 6)]
    saved = ("2501.00001", "2501.00004", "2412.00007")
    await _save(harness, *saved)
    message = await harness.ask("today")
    shown = shown_text(message)
    assert _shown_papers(message)[0] == "2501.00006"
    assert not set(saved) & set(_shown_papers(message))
    is_korean = harness.texts.locale is models.Locale.KO
    name = "소형 언어 모델" if is_korean else "small language model"
    assert harness.texts("today-because-saved", text=name, count=2).casefold() in shown.casefold()
    assert harness.texts("today-rank", rank=5) in shown
    # A paper without votes has no rank.
    assert "Speech without a Score" in shown
    assert harness.texts("today-rank", rank=6) not in shown
    # The quoted sentence contains the topic. Text in another language is labelled.
    assert ("**Small language models** again" in shown) != is_korean
    foreign = shown.split("Rewards That Teach Reasoning")[1].split("**3 · ")[0]
    assert (harness.texts("summary-in-other-language") in foreign) != is_korean


async def test_marks_keep_the_order_of_papers_and_can_be_undone(harness: ClientHarness) -> None:
    await _save(harness, SMALL_MODELS[-1])
    shown = message = await harness.ask("today")
    order = _shown_papers(shown)
    for mark in ("less", "more", "save"):
        message = await _mark(harness, message, f"{mark}:{order[2]}")
        assert message.id == shown.id
        assert _shown_papers(message) == order
        assert f"**{harness.texts(f'today-{mark}-noted')}" in shown_text(message)
    # "More" replaced "less".
    noted = f"{harness.texts('today-save-noted')} · {harness.texts('today-more-noted')}"
    assert f"**{noted}**" in shown_text(message)
    assert order[2] not in _shown_papers(await harness.ask("today"))
    for mark in ("more", "save"):
        message = await _mark(harness, message, f"undo-{mark}:{order[2]}")
        assert f"**{harness.texts(f'today-{mark}-noted')}" not in shown_text(message)
    assert await harness.container.database.fetch(today.list_feedback, harness.reader.id, limit=9) == []
    assert _shown_papers(await harness.ask("today")) == order


async def test_a_mark_does_not_reorder_its_own_day(harness: ClientHarness) -> None:
    await harness.add_alert("reinforcement learning")
    message = await harness.ask("today")
    order = _shown_papers(message)
    await _mark(harness, message, f"more:{order[-1]}")
    assert _shown_papers(await harness.ask("today")) == order


async def _note(harness: ClientHarness) -> str:
    """Return the line of `/today` that says what the papers are chosen by."""
    [line] = shown_text(await harness.ask("today")).split("\n-# ")[1:2]
    return line.splitlines()[0]


@both_languages
async def test_the_heading_names_all_that_papers_are_chosen_by(harness: ClientHarness) -> None:
    is_korean = harness.texts.locale is models.Locale.KO
    await harness.add_alert("reward")
    alerts = "고른 기준: 알림." if is_korean else "Based on your alerts."
    assert (await _note(harness)).startswith(alerts)
    await _save(harness, *SMALL_MODELS[:2])
    assert ("1편 더 저장하면" if is_korean else "Save one more paper, ") in await _note(harness)
    await _save(harness, *SMALL_MODELS[2:])
    saved = "저장한 논문 3편" if is_korean else "3 saved papers"
    expected = f"고른 기준: {saved}, 알림" if is_korean else f"Based on {saved} and your alerts"
    assert await _note(harness) == expected


@both_languages
async def test_a_paper_like_a_single_saved_one_says_which_topic_they_share(harness: ClientHarness) -> None:
    await _save(harness, "2501.00002", "2501.00004", "2412.00007")
    shown = shown_text(await harness.ask("today"))
    is_korean = harness.texts.locale is models.Locale.KO
    name = "소형 언어 모델" if is_korean else "small language model"
    assert harness.texts("today-because-saved", text=name, count=1).casefold() in shown.casefold()


async def _summarise_twice(harness: ClientHarness, *summaries: str) -> None:
    """Add a paper to two days, with a summary on each."""
    for day, text in zip(("2025-12-31", "2026-01-01"), summaries, strict=True):
        paper = sample_archive.NewsletterPaper("2501.00200", "Compact Nets", text)
        await sample_archive.add_digest(harness.container.database, day, paper)


async def test_a_reader_is_not_told_what_a_summary_in_another_language_says_on_a_shared_topic(
    harness: ClientHarness,
) -> None:
    await _summarise_twice(
        harness, "Compact nets run on phones.", "휴대폰에서 도는 small language model을 다룹니다."
    )
    await _save(harness, *SMALL_MODELS)
    shown = shown_text(await harness.ask("today"))
    assert "Compact nets run on phones." in shown
    assert harness.texts("today-because-saved", text="small language model", count=3) in shown
    assert "Korean summary" not in shown


async def test_fewer_than_three_saved_papers_are_no_reason(harness: ClientHarness) -> None:
    await harness.add_alert("reward")
    saved = harness.texts("today-because-saved", text="TOPIC", count=2).partition("TOPIC")[0]
    await _save(harness, "2501.00001", "2412.00007")
    assert saved not in shown_text(await harness.ask("today"))
    await _save(harness, "2501.00004")
    assert saved in shown_text(await harness.ask("today"))


async def test_followed_words_come_first_for_a_new_reader(harness: ClientHarness) -> None:
    papers = (
        ("Rewards in the Wild", "Reinforcement learning with few rewards.", 20),
        ("A Paper without Votes", "A learning rate and a reinforcement.", None),
        ("Rain and Fields", "Weather from satellites.", 70),
    )
    added = [
        sample_archive.NewsletterPaper(f"2501.0010{number}", *paper) for number, paper in enumerate(papers)
    ]
    await sample_archive.add_digest(harness.container.database, "2026-01-01", *added)
    await harness.add_alert("reinforcement learning")
    message = await harness.ask("today")
    shown = shown_text(message)
    reason = harness.texts("today-because-followed", text="reinforcement learning")
    followed = shown.count(harness.texts("today-because", reasons=reason))
    assert shown.count(harness.texts("today-because", reasons="").strip()) == followed
    assert not re.search("most upvoted", shown), "a paper's rank says it"
    assert 0 < followed < len(_shown_papers(message))
    assert "A Paper without Votes" not in shown
    ranks = re.findall(r"#([0-9]+) by votes$", shown, re.MULTILINE)
    assert len(ranks) == len(_shown_papers(message))
    assert list(map(int, ranks))[followed:] == sorted(map(int, ranks[followed:]))


async def test_a_summary_in_the_readers_language_comes_before_the_matching_one(
    harness: ClientHarness,
) -> None:
    await _summarise_twice(
        harness, "Sparse reading makes long texts cheap.", "긴 글을 강화 학습으로 읽습니다."
    )
    await harness.add_alert("강화 학습")
    shown = shown_text(await harness.ask("today"))
    assert "Sparse reading makes long texts cheap." in shown
    assert "긴 글을" not in shown
    assert harness.texts("found-in", language="ko", words="강화 학습") in shown


async def test_a_day_without_a_match_says_that_it_is_in_the_order_of_votes(harness: ClientHarness) -> None:
    await harness.add_alert("superconductor")
    shown = shown_text(await harness.ask("today"))
    assert harness.texts("today-without-match", left=3, basis=harness.texts("today-basis-alerts")) in shown
    assert harness.texts("today-because", reasons="").strip() not in shown


async def test_papers_are_sent_by_dm_until_stopped(harness: ClientHarness) -> None:
    await harness.bot.services.database.write(
        accounts.upsert_reader, harness.reader.id, timezone="Asia/Seoul"
    )
    await _save(harness, *SMALL_MODELS)
    assert "(Seoul)" in shown_text(await harness.ask("today", at="9am"))
    planner = Workers(harness.container).services.get(TodayPlanner)
    due_at = harness.env.now().replace(hour=0, minute=0) + timedelta(days=1)  # 09:00 in Seoul
    assert await planner.tick(due_at - timedelta(minutes=1)) == 0
    assert await planner.tick(due_at) == 1
    assert await planner.tick(due_at) == 0
    assert await planner.tick(due_at + timedelta(days=1)) == 0  # there is no newer day
    await harness.wait(days=1)
    (message,) = harness.received()
    assert harness.texts("today-basis-saved", count=3) in shown_text(message)
    # Marking keeps the message's papers, although there is a newer day.
    await harness.publish("A B")
    (menu,) = (id_ for id_ in component_ids(message) if custom_ids.unpack_custom_id(id_).verb == "tm")
    await harness.user.select(message, ["less:2501.00004"], custom_id=menu)
    edited = await harness.bot.get_partial_messageable(harness.user.dm_channel.id).fetch_message(message.id)
    assert _shown_papers(edited) == _shown_papers(message)
    assert harness.texts("today-less-noted") in shown_text(edited)
    assert any(map(custom_ids.find_marker, component_ids(edited)))
    await harness.user.click(edited, label=harness.texts("today-stop"))
    assert (await _profile(harness)).at_time is None


@both_languages
async def test_a_typed_zone_overrides_the_zones_of_server_and_language(harness: ClientHarness) -> None:
    is_korean = harness.texts.locale is models.Locale.KO
    await harness.user.slash("today", at="9am")
    assert (await _profile(harness)).timezone == ("Asia/Seoul" if is_korean else "UTC")
    await harness.bot.services.get(TodayService).stop_daily(harness.reader.id)
    # The operator's zone is that of Koreans too (docs/settings.md), who only in place of UTC have Seoul's.
    with mock.patch.object(harness.bot, "services", replace(harness.bot.services, timezone="Asia/Tokyo")):
        assert ("(도쿄)" if is_korean else "(Tokyo)") in shown_text(await harness.ask("today", at="9am"))
    await harness.bot.services.get(TodayService).stop_daily(harness.reader.id)
    await harness.add_subscription(timezone="Europe/Berlin")
    assert ("(베를린)" if is_korean else "(Berlin)") in shown_text(await harness.ask("today", at="9am"))
    await harness.ask("today", at="오전 9시 서울")
    await harness.ask("today", at="21:30 뉴욕")
    profile = await _profile(harness)
    assert (profile.at_time, profile.timezone) == ("21:30", "America/New_York")


async def test_closed_dms_are_reported_and_daily_dms_resume_on_request(harness: ClientHarness) -> None:
    await harness.ask("today", at="18:00")
    await harness.container.database.write(today.change, harness.reader.id, reason=models.Reason.DMS_CLOSED)
    why = harness.texts("today-suspended", reason="dms-closed")
    for message in (await harness.ask("status"), await harness.ask("today")):
        assert why in shown_text(message)
        resumed = await harness.press(message, "today-send-again")
        assert why not in shown_text(resumed)
        assert harness.texts("today-stop") in shown_text(resumed)
        profile = await _profile(harness)
        assert (profile.at_time, profile.reason) == ("18:00", None)
    assert why not in shown_text(await harness.ask("status"))


async def test_daily_papers_can_be_requested_before_any_have_arrived(empty_harness: ClientHarness) -> None:
    nothing = empty_harness.texts("today-nothing")
    assert shown_text(await empty_harness.ask("today")) == nothing
    subscribed = shown_text(await empty_harness.ask("today", at="9am UTC"))
    assert nothing in subscribed
    assert "DM으로 보내" in subscribed


async def test_hostile_texts_are_escaped_and_shortened(empty_harness: ClientHarness) -> None:
    hostile = [
        "@everyone <@1> <@&2> [x](http://y.example) ||`** </today:1> <t:1:F> <#1>",
        "\u202e" + "가" * 4000,
        "*" * 1500 + "\n## Heading\n> quote",
        "😀" * 1500,
    ]
    ids = [f"2601.0{number:04}" for number in range(1, 5)]
    listed = [{"arxiv_id": name, "title": text} for name, text in zip(ids, hostile, strict=True)]
    ingest = Workers(empty_harness.container).ingest
    await ingest.put("files", "l", [listing.build(date(2025, 12, 31), listed)])
    await ingest.add_facts(
        models.PaperFacts(
            name, "arxiv", "u", datetime(2026, 1, 1, tzinfo=UTC), title=text, authors=(text,), abstract=text
        )
        for name, text in zip(ids, hostile, strict=True)
    )
    message = await empty_harness.ask("today")
    assert _shown_papers(message) == ids
    shown = shown_text(message)
    assert "\u202e" not in shown
    assert "@everyone" not in shown
    assert re.findall(r"(?<!\\)<(?:@|#|/|t:)", shown) == []
    assert "](http://y.example)" not in shown
    assert "\n## Heading" not in shown
    assert len(shown) <= 4000
