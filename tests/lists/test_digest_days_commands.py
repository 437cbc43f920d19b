"""/digest: days as they are typed, the list while typing, the menu of days, and the rows of a day."""

from __future__ import annotations

from datetime import date

from storage import models
from tests.support import sample_archive
from tests.support.client_harness import (
    ClientHarness,
    both_languages,
    component_ids,
    last_response,
    shown_text,
)


async def _offered(harness: ClientHarness, typed: str) -> list[tuple[str, str]]:
    choices = await harness.reader.autocomplete(harness.channel, "digest", "date", typed)
    return [(choice["name"], choice["value"]) for choice in choices]


@both_languages
async def test_the_list_while_typing_names_days_in_both_languages_with_their_papers(
    harness: ClientHarness,
) -> None:
    labels = {
        models.Locale.EN: ("Today · 6 papers", "Yesterday · 1 paper", "Dec 30 · 1 paper"),
        models.Locale.KO: ("오늘 · 6편", "어제 · 1편", "12월 30일 · 1편"),
    }[harness.texts.locale]
    days = list(zip(labels, ("2026-01-01", "2025-12-31", "2025-12-30"), strict=True))
    assert await _offered(harness, "") == days
    for typed in ("de", "12-3", "12/3", "12월 3"):
        assert await _offered(harness, typed) == days[1:], typed
    for typed in ("dec 30", "30 d", "12월 30일", "그저", "last tuesday", "ㄱ"):
        assert await _offered(harness, typed) == days[2:], typed
    for typed in ("y", "어제", "ㅇㅓㅈㅔ", "YESTERDAY"):
        assert await _offered(harness, typed) == days[1:2], typed
    assert await _offered(harness, "dec") == days[1:]
    assert await _offered(harness, "2025-12-29") == days[2:]
    assert await _offered(harness, "no date") == []


async def test_a_day_is_accepted_as_people_type_it(harness: ClientHarness) -> None:
    for typed in ["dec 30", "30 Dec", "12/30", "last tuesday", "그저께", "12월 30일", "30일"]:
        result = await harness.reader.slash(harness.channel, "digest", date=typed)
        assert "Papers of December 30, 2025 · 1" in shown_text(last_response(result))


@both_languages
async def test_a_period_shows_its_newest_day_and_the_menu_opens_the_others(harness: ClientHarness) -> None:
    result = await harness.reader.slash(harness.channel, "digest", date="12월")
    shown = shown_text(last_response(result))
    month = {models.Locale.EN: "December 2025", models.Locale.KO: "2025년 12월"}[harness.texts.locale]
    assert harness.texts("list-digest-of-period", count=2, period=month) in shown
    assert harness.texts.format_date(date(2025, 12, 31)) in shown
    menu = next(name for name in component_ids(last_response(result)) if name.startswith("pr:ld:"))
    other = await harness.reader.select(last_response(result), ["2025-12-30"], custom_id=menu)
    assert "Weather in a Small Language Model" in shown_text(last_response(other))
    assert harness.texts("choose-day") in shown_text(last_response(other))


async def test_today_is_that_of_the_readers_zone(harness: ClientHarness) -> None:
    await harness.bot.services.readers.update(harness.user.id, timezone="America/Los_Angeles")
    result = await harness.reader.slash(harness.channel, "digest", date="yesterday")
    assert "December 30, 2025" in shown_text(last_response(result))
    assert ("Yesterday · 1 paper", "2025-12-30") in await _offered(harness, "y")


async def test_a_day_tells_who_wrote_its_papers_and_no_date_but_another_days(harness: ClientHarness) -> None:
    again = sample_archive.NewsletterPaper("2412.00007", "Weather in a Small Language Model", "Again.")
    alone = sample_archive.NewsletterPaper("2412.00008", "Rain", "Once.", authors=("Grace Hopper",))
    await sample_archive.add_digest(harness.container.database, "2025-12-28", again, alone)
    shown = shown_text(last_response(await harness.reader.slash(harness.channel, "digest", date="12/28")))
    assert "▲ 10 · Grace Hopper\n" in shown
    also = harness.texts("also-listed", date="2025-12-30")
    assert f"· {also} · Emmy Noether, Ada Lovelace\n" in shown
    assert "2025-12-28 ·" not in shown
    found = await harness.reader.slash(harness.channel, "topic", query="로봇")
    assert "▲ 12 · 2026-01-01 · Grace Hopper\n" in shown_text(last_response(found))


async def test_a_day_without_a_digest_offers_the_nearest_days(harness: ClientHarness) -> None:
    asked = {"2031-01-01": ["2026-01-01"], "9999-12-31": ["2026-01-01"], "2020-02-29": ["2025-12-30"]}
    for typed, days in asked.items():
        response = last_response(await harness.reader.slash(harness.channel, "digest", date=typed))
        labels = [
            harness.texts("nearest-digest", date=harness.texts.format_date(date.fromisoformat(day)))
            for day in days
        ]
        shown = shown_text(response)
        assert harness.texts.format_date(date.fromisoformat(typed)) in shown
        assert all(label in shown for label in labels)
        opened = await harness.reader.click(response, label=labels[0])
        assert harness.texts.format_date(date.fromisoformat(days[0])) in shown_text(last_response(opened))
    await sample_archive.add_digest(
        harness.container.database, "2025-12-20", sample_archive.NewsletterPaper("2412.00009", "Fog", "Fog.")
    )
    between = shown_text(last_response(await harness.reader.slash(harness.channel, "digest", date="12/24")))
    first, second = (
        harness.texts("nearest-digest", date=harness.texts.format_date(date(2025, 12, day)))
        for day in (20, 30)
    )
    assert between.index(first) < between.index(second)


async def test_an_empty_list_names_what_was_asked_and_offers_only_what_is_not_empty(
    harness: ClientHarness,
) -> None:
    unknown = await harness.reader.slash(harness.channel, "top", topic="qwertyuiop")
    shown = shown_text(last_response(unknown))
    period = harness.texts("period-week")
    assert harness.texts("no-list-top-topic", topic="qwertyuiop", period=period) in shown
    assert harness.texts("all-time") not in shown
    assert harness.texts("try-instead") in shown
    await harness.env.advance_time(40 * 86_400)
    empty_week = last_response(await harness.reader.slash(harness.channel, "top", topic="로봇"))
    assert harness.texts("no-list-top-topic", topic="로봇", period=period) in shown_text(empty_week)
    label = f"{harness.texts('all-time')} · {harness.texts('choice-papers', count=1)}"
    assert "Maps for Robots" in shown_text(last_response(await harness.reader.click(empty_week, label=label)))
    question = last_response(await harness.reader.slash(harness.channel, "topic", query="2024년 로봇 논문"))
    assert harness.texts("list-read", terms="2024 · 로봇") in shown_text(question)
    assert "Maps for Robots" in shown_text(last_response(await harness.reader.click(question, label=label)))
