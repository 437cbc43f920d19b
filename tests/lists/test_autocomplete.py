"""Autocomplete of topics, authors, papers, dates, times and time zones."""

from __future__ import annotations

from typing import Any

import pytest

from bot.search import glossary
from tests.support import sample_archive
from tests.support.client_harness import ClientHarness, shown_text


async def test_autocomplete_offers_authors(harness: ClientHarness) -> None:
    authors = await harness.reader.autocomplete(harness.channel, "author", "name", "lovel")
    papers = harness.texts("choice-papers", count=4)
    assert [(author["name"], author["value"]) for author in authors] == [
        (f"Ada Lovelace — {papers}", "Ada Lovelace")
    ]


async def test_autocomplete_offers_topics_with_their_other_names(harness: ClientHarness) -> None:
    for typed, name in (
        ("소형", "소형 언어 모델 · small language model (SLM)"),
        ("small l", "small language model (SLM) · 소형 언어 모델"),
    ):
        offered = await harness.reader.autocomplete(harness.channel, "topic", "query", typed)
        assert offered[0]["name"] == name


async def test_autocomplete_offers_collocations_of_titles_that_the_search_finds(
    harness: ClientHarness,
) -> None:
    papers = (
        sample_archive.NewsletterPaper("2501.00011", "Quiet Harbour Lights", "A lamp."),
        sample_archive.NewsletterPaper(
            "2501.00012", "Painting Quiet Harbour Lights @everyone", "Another lamp."
        ),
    )
    await sample_archive.add_digest(harness.container.database, "2026-01-01", *papers)
    await glossary.GlossaryService(harness.container.database, harness.container.clock).rebuild()
    (offered,) = await harness.reader.autocomplete(harness.channel, "topic", "query", "quiet h")
    assert offered["value"] == "Quiet Harbour Lights"
    results = shown_text(await harness.ask("topic", query=offered["value"]))
    assert harness.texts("list-topic-heading", topic="Quiet Harbour Lights", count=2) in results


async def test_autocomplete_offers_papers_by_id(harness: ClientHarness) -> None:
    offered = await harness.reader.autocomplete(harness.channel, "paper", "paper", "2501.0000")
    choices = {choice["value"]: choice["name"] for choice in offered}
    assert choices["2501.00002"] == "2501.00002 ▲ 57 · Rewards That Teach Reasoning"
    assert choices["2501.00003"] == "2501.00003 ▲ – · Speech without a Score"


async def test_a_long_title_is_shortened_after_the_votes(harness: ClientHarness) -> None:
    paper = sample_archive.NewsletterPaper("2501.00011", "Lanterns " * 40, "A lamp.", votes=1234)
    await sample_archive.add_digest(harness.container.database, "2026-01-01", paper)
    (offered,) = await harness.reader.autocomplete(harness.channel, "paper", "paper", "lanterns")
    assert len(offered["name"]) <= 100
    assert offered["name"].startswith("2501.00011 ▲ 1234 · Lanterns Lanterns")
    assert offered["name"].endswith("…")


async def test_autocomplete_offers_time_zones_and_times(harness: ClientHarness) -> None:
    zones = await harness.manager.autocomplete(harness.channel, "daily setup", "timezone", "")
    assert zones[0]["value"] == "Asia/Seoul"
    zones = await harness.manager.autocomplete(harness.channel, "daily setup", "timezone", "kath")
    assert zones[0]["value"] == "Asia/Kathmandu"
    times = await harness.manager.autocomplete(harness.channel, "daily setup", "time", "9")
    assert [time["value"] for time in times] == ["09:00", "09:30"]


async def test_an_error_of_an_autocomplete_gives_an_empty_list(
    harness: ClientHarness, monkeypatch: pytest.MonkeyPatch
) -> None:

    async def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr(type(harness.bot.services.search), "complete_author", fail)
    assert await harness.reader.autocomplete(harness.channel, "author", "name", "ada") == []
