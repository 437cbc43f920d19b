"""/sources in both languages: health of the sources, without secrets of their addresses."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from bot.client import message_builder, translations
from bot.operations import messages as operations_messages
from storage import models, sources
from tests.fake_discord import validation
from tests.support.client_harness import SIMCORD_EPOCH, ClientHarness, last_response, shown_text

DATED = "https://user:secret@digests.example/{date:%Y/%m/%d}.md?token=secret"


async def _add(
    harness: ClientHarness, url: str, kind: models.SourceKind = models.SourceKind.FEED
) -> models.StoredSource:
    return await harness.bot.services.sources.add(url, kind=kind)


async def _set_health(harness: ClientHarness, row: models.StoredSource) -> None:
    async with harness.container.database.transaction() as connection:
        await sources.set_health(connection, row)


def _relative_time(at: datetime) -> str:
    return f"<t:{int(at.timestamp())}:R>"


async def _sources_text(harness: ClientHarness) -> str:
    result = await harness.reader.slash(harness.channel, "sources")
    assert result.ephemeral
    return shown_text(last_response(result))


async def test_a_healthy_source_shows_its_last_and_next_fetch(harness: ClientHarness) -> None:
    row = await _add(harness, DATED, models.SourceKind.URL)
    assert f"-# {harness.texts('source-never')} · " in await _sources_text(harness)
    now = harness.env.now()
    last, upcoming = now - timedelta(hours=2), now + timedelta(hours=1)
    status = models.FetchStatus.OK
    await _set_health(harness, replace(row, status=status, last_success_at=last, next_attempt_at=upcoming))
    shown = await _sources_text(harness)
    assert "`digests.example/{date:%Y/%m/%d}.md`" in shown
    assert harness.texts("source-url") in shown
    assert harness.texts("source-last", last=_relative_time(last)) in shown
    assert harness.texts("source-next", next=_relative_time(upcoming)) in shown
    assert harness.texts("archive-extent", count=7, first="2025-12-30", last="2026-01-01") in shown


async def test_secrets_of_an_address_are_hidden(harness: ClientHarness, tmp_path: Path) -> None:
    await _add(harness, DATED, models.SourceKind.URL)
    folder = tmp_path / "daily-papers"
    folder.mkdir()
    row = await _add(harness, str(folder), models.SourceKind.FOLDER)
    reason = f"{folder}: Permission denied"
    await _set_health(harness, replace(row, status=models.FetchStatus.FAILED, failures=1, reason=reason))
    shown = await _sources_text(harness)
    assert "`daily-papers`" in shown
    assert "**The last attempt failed**: daily-papers: Permission denied" in shown
    assert "secret" not in shown
    assert str(tmp_path) not in shown


async def test_failures_are_shown_with_count_and_reason(harness: ClientHarness) -> None:
    row = await _add(harness, "https://feed.example/all.xml")
    failed = replace(row, status=models.FetchStatus.FAILED, failures=4, reason="it refuses access (403)")
    await _set_health(harness, failed)
    shown = await _sources_text(harness)
    assert harness.texts("source-failures", count=4, reason="it refuses access (403)") in shown


async def test_a_private_ip_address_is_hidden(harness: ClientHarness) -> None:
    row = await _add(harness, "https://feed.example/all.xml")
    reason = "feed.example (10.1.2.3) is a private address"
    await _set_health(harness, replace(row, status=models.FetchStatus.REFUSED, failures=1, reason=reason))
    shown = await _sources_text(harness)
    assert harness.texts("source-failures", count=1, reason=harness.texts("source-refused")) in shown
    assert "10.1.2.3" not in shown


async def test_a_missing_digest_is_not_a_failure_and_a_gone_source_has_no_next_fetch(
    harness: ClientHarness,
) -> None:
    waiting = await _add(harness, DATED, models.SourceKind.URL)
    await _set_health(harness, replace(waiting, status=models.FetchStatus.NOT_YET))
    gone = await _add(harness, "https://feed.example/all.xml")
    status = models.FetchStatus.GONE
    await _set_health(
        harness,
        replace(gone, status=status, failures=1, reason="it is gone for good (410)", next_attempt_at=None),
    )
    shown = await _sources_text(harness)
    assert harness.texts("source-not-yet") in shown
    assert harness.texts("source-no-next") in shown


async def test_many_sources_have_pages(harness: ClientHarness) -> None:
    for number in range(10):
        await _add(harness, f"https://feed.example/{number}.xml")
    result = await harness.reader.slash(harness.channel, "sources")
    assert "feed.example/7.xml" in shown_text(last_response(result))
    assert "feed.example/8.xml" not in shown_text(last_response(result))
    turned = await harness.reader.click(last_response(result), label="▶")
    assert last_response(turned).id == last_response(result).id
    assert "feed.example/8.xml" in shown_text(last_response(turned))


async def test_without_sources_the_answer_explains_how_digests_are_added(
    empty_harness: ClientHarness,
) -> None:
    harness = empty_harness
    shown = await _sources_text(harness)
    assert harness.texts("sources-none") in shown
    assert harness.texts("sources-files") in shown
    assert harness.texts("archive-empty") in shown


def test_the_inbox_is_listed(texts: translations.Translations) -> None:
    english = texts.for_locale(models.Locale.EN)
    extent = models.ArchiveExtent(0, 0, None, None)
    view = operations_messages.sources_view(english, (), inbox="in`box", extent=extent, now=SIMCORD_EPOCH)
    shown = [
        part.get("content")
        for part in validation.walk_components(message_builder.layout_payload(view)["components"])
    ]
    assert english("sources-inbox", folder="``in`box``") in shown
    assert english("sources-files") not in shown
