"""/sources in both languages: what is fetched and how it is, told so that strangers may read it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from bot.client import translations
from bot.client.components import payload
from bot.client.views import sources as sources_view
from storage import models, sources
from tests.fake_discord import validation
from tests.support.client_harness import SIMCORD_EPOCH, World, last_response, shown_text

DATED = "https://user:secret@digests.example/{date:%Y/%m/%d}.md?token=secret"


async def _add(
    world: World, url: str, kind: models.SourceKind = models.SourceKind.FEED
) -> models.StoredSource:
    return await world.bot.services.sources.add(url, kind=kind)


async def _tell(world: World, row: models.StoredSource) -> None:
    async with world.container.database.transaction() as connection:
        await sources.set_health(connection, row)


def _moment(at: datetime) -> str:
    return f"<t:{int(at.timestamp())}:R>"


async def _shown(world: World) -> str:
    result = await world.reader.slash(world.channel, "sources")
    assert result.ephemeral
    return shown_text(last_response(result))


async def test_a_source_that_is_well_says_when_it_came_and_when_it_is_asked_next(world: World) -> None:
    row = await _add(world, DATED, models.SourceKind.URL)
    assert f"-# {world.texts('source-never')} · " in await _shown(world)
    now = world.env.now()
    last, upcoming = now - timedelta(hours=2), now + timedelta(hours=1)
    status = models.FetchStatus.OK
    await _tell(world, replace(row, status=status, last_success_at=last, next_attempt_at=upcoming))
    shown = await _shown(world)
    assert "`digests.example/{date:%Y/%m/%d}.md`" in shown
    assert world.texts("source-url") in shown
    assert world.texts("source-last", last=_moment(last)) in shown
    assert world.texts("source-next", next=_moment(upcoming)) in shown
    assert world.texts("archive-extent", count=7, first="2025-12-30", last="2026-01-01") in shown


async def test_strangers_see_no_secret_of_an_address(english_world: World, tmp_path: Path) -> None:
    world = english_world
    await _add(world, DATED, models.SourceKind.URL)
    folder = tmp_path / "daily-papers"
    folder.mkdir()
    row = await _add(world, str(folder), models.SourceKind.FOLDER)
    reason = f"{folder}: Permission denied"
    await _tell(world, replace(row, status=models.FetchStatus.FAILED, failures=1, reason=reason))
    shown = await _shown(world)
    assert "`daily-papers`" in shown
    assert "**The last attempt failed**: daily-papers: Permission denied" in shown
    assert "secret" not in shown
    assert str(tmp_path) not in shown


async def test_failures_are_counted_and_explained(world: World) -> None:
    row = await _add(world, "https://feed.example/all.xml")
    failed = replace(row, status=models.FetchStatus.FAILED, failures=4, reason="it refuses access (403)")
    await _tell(world, failed)
    shown = await _shown(world)
    assert world.texts("source-failures", count=4, reason="it refuses access (403)") in shown


async def test_an_address_that_is_not_public_is_not_named(world: World) -> None:
    row = await _add(world, "https://feed.example/all.xml")
    reason = "feed.example (10.1.2.3) is a private address"
    await _tell(world, replace(row, status=models.FetchStatus.REFUSED, failures=1, reason=reason))
    shown = await _shown(world)
    assert world.texts("source-failures", count=1, reason=world.texts("source-refused")) in shown
    assert "10.1.2.3" not in shown


async def test_waiting_is_no_failure_and_what_is_gone_is_not_asked_again(world: World) -> None:
    waiting = await _add(world, DATED, models.SourceKind.URL)
    await _tell(world, replace(waiting, status=models.FetchStatus.NOT_YET))
    gone = await _add(world, "https://feed.example/all.xml")
    status = models.FetchStatus.GONE
    await _tell(
        world,
        replace(gone, status=status, failures=1, reason="it is gone for good (410)", next_attempt_at=None),
    )
    shown = await _shown(world)
    assert world.texts("source-not-yet") in shown
    assert world.texts("source-no-next") in shown


async def test_many_sources_turn_in_pages(english_world: World) -> None:
    world = english_world
    for number in range(10):
        await _add(world, f"https://feed.example/{number}.xml")
    result = await world.reader.slash(world.channel, "sources")
    assert "feed.example/7.xml" in shown_text(last_response(result))
    assert "feed.example/8.xml" not in shown_text(last_response(result))
    turned = await world.reader.click(last_response(result), label="▶")
    assert last_response(turned).id == last_response(result).id
    assert "feed.example/8.xml" in shown_text(last_response(turned))


async def test_an_installation_without_sources_says_how_digests_come(empty_world: World) -> None:
    world = empty_world
    shown = await _shown(world)
    assert world.texts("sources-none") in shown
    assert world.texts("sources-files") in shown
    assert world.texts("archive-empty") in shown


def test_the_inbox_is_a_way_in_too(texts: translations.Translations) -> None:
    words = texts.for_locale(models.Locale.EN)
    extent = models.ArchiveExtent(0, 0, None, None)
    view = sources_view.sources_view(words, (), inbox="in`box", extent=extent, now=SIMCORD_EPOCH)
    shown = [
        one.get("content") for one in validation.walk_components(payload.layout_payload(view)["components"])
    ]
    assert words("sources-inbox", folder="``in`box``") in shown
    assert words("sources-files") not in shown
