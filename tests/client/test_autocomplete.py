"""Autocomplete of topics, authors, papers, dates, times and time zones."""

from unittest import mock

import pytest

from tests.support import sample_archive
from tests.support.client_harness import ClientHarness


async def test_autocompletes_every_option(harness: ClientHarness) -> None:
    async def offered(command: str, option: str, typed: str, value: str = "value") -> list[str]:
        choices = await harness.manager.autocomplete(harness.channel, command, option, typed)
        return [choice[value] for choice in choices]

    papers = harness.texts("choice-papers", count=4)
    assert await offered("author", "name", "lovel") == ["Ada Lovelace"]
    assert await offered("author", "name", "lovel", "name") == [f"Ada Lovelace — {papers}"]
    for typed, name in (
        ("소형", "소형 언어 모델 · small language model (SLM)"),
        ("small l", "small language model (SLM) · 소형 언어 모델"),
    ):
        assert (await offered("topic", "query", typed, "name"))[0] == name
    for typed, name in (
        ("2501.00002", "2501.00002 ▲\u00a057 · Rewards That Teach Reasoning"),
        ("speech without", "2501.00003 ▲\u00a0– · Speech without a Score"),
    ):
        assert await offered("paper", "paper", typed, "name") == [name]
    for typed, zone in (("", "Asia/Seoul"), ("서", "Asia/Seoul"), ("New y", "America/New_York")):
        assert (await offered("daily setup", "timezone", typed))[0] == zone
    assert await offered("daily setup", "time", "9") == ["09:00", "09:30"]
    assert await offered("daily setup", "time", "9am berlin") == ["09:00 Europe/Berlin"]
    assert await offered("digest", "date", "2025-06-01") == ["2025-12-30"]
    long = sample_archive.NewsletterPaper("2501.00011", "Lanterns " * 40, "A lamp.", votes=1234)
    await sample_archive.add_digest(harness.container.database, "2026-01-01", long)
    (name,) = await offered("paper", "paper", "lanterns", "name")
    assert len(name) <= 100
    assert name.startswith("2501.00011 ▲\u00a01,234 · Lanterns Lanterns")
    assert name.endswith("…")


async def test_does_not_offer_future_days(harness: ClientHarness) -> None:
    """A source may give its lists any date."""
    paper = sample_archive.NewsletterPaper("2601.00009", "A paper", "It is new.")
    before = await harness.reader.autocomplete(harness.channel, "digest", "date", "")
    for year in range(2060, 2090):
        await sample_archive.add_digest(harness.container.database, f"{year}-01-01", paper)
    assert await harness.reader.autocomplete(harness.channel, "digest", "date", "") == before
    [typed] = await harness.reader.autocomplete(harness.channel, "digest", "date", "2089-01-01")
    assert typed["value"] == "2089-01-01"


async def test_returns_no_choices_after_an_error(
    harness: ClientHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail = mock.AsyncMock(side_effect=RuntimeError("on purpose"))
    monkeypatch.setattr(type(harness.bot.services.search), "complete_author", fail)
    assert await harness.reader.autocomplete(harness.channel, "author", "name", "ada") == []
