"""The demo's samples, server and clock, without a browser."""

import re
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
import simcord
from discord import ChannelType, TextChannel
from simcord.preview._markdown import markdown_tokens

from bot.archive import parse
from bot.archive.languages import detect_language
from bot.client import texts as client_texts
from bot.demo import page, sample_digests, server, stage
from storage import models
from tests.support.client_harness import last_response, shown_text


def test_every_sample_parses_without_problems() -> None:
    for name, text in sample_digests.sample_texts():
        (digest,) = parse.parse_text(text)
        assert digest.problems == (), name


def test_each_paper_of_the_samples_has_a_text_in_both_languages() -> None:
    languages: dict[str, set[str]] = {sample_digests.ABSTRACT.arxiv_id: {"en"}}
    for _, text in sample_digests.sample_texts():
        for entry in parse.parse_text(text)[0].entries:
            found = {detect_language([entry]).value} if entry.sections else set()
            languages.setdefault(entry.arxiv_id, set()).update(found)
    assert {id_ for id_, found in languages.items() if found != {"en", "ko"}} == set()
    assert len(languages) > 130


async def test_each_further_day_brings_a_post_until_the_samples_are_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = sample_digests.sample_texts()
    further = [sample for sample in samples if sample.date_on > server.START_AT.date()]
    assert {(sample.date_on - server.START_AT.date()).days for sample in further} == set(range(1, 11))
    # Three days are like ten, and a day has 24 rounds of planning.
    last_on = server.START_AT.date() + timedelta(days=3)
    kept = [sample for sample in samples if sample.date_on <= last_on]
    monkeypatch.setattr(sample_digests, "sample_texts", lambda: kept)
    locale, heading, last = models.Locale.KO, "일의 논문", "2026년 1월 4일"
    async with server.open_demo(locale, tmp_path) as (env, runtime, channels, viewers):
        page_of_viewer: Any = SimpleNamespace(
            _pages={}, refresh=env.settle, _action=env.settle, viewers=viewers
        )
        shown = stage.Stage(env, page_of_viewer, channels, locale, server.make_delivery(runtime))
        stored = env.backend.messages[channels[0].id]
        seen = len(stored)
        for day in range(1, 5):
            assert isinstance(viewers[0], simcord.MemberActor)
            await viewers[0].send(channels[0], "+1 day")
            await shown.step()
            messages = [str(row) for row in stored.values()][seen:]
            seen += len(messages)
            posts = [text for text in messages if heading in text]
            assert len(posts) == (day <= 3), day
            assert any(last in text and "⏩" in text for text in messages) == (day > 3), day


async def test_page_opens_the_chosen_channel_also_after_a_thread_was_opened(tmp_path: Path) -> None:
    async with server.open_demo(models.Locale.EN, tmp_path) as (env, _, channels, viewers):
        papers, vision, *_ = channels
        preview = env.preview(papers, viewers=viewers, layout="channel", locale="en-US", timezone="UTC")
        zones: list[str] = []

        async def use_zone(zone: str) -> None:
            zones.append(zone)

        page.dress(preview, channels, models.Locale.EN, "http://127.0.0.1", use_zone)
        headers = {"X-Simcord-Capability": preview.capability}
        async with preview, aiohttp.ClientSession(preview.url.partition("#")[0], headers=headers) as client:

            async def get(path: str) -> str:
                async with client.get(path) as answer:
                    return await answer.text()

            link = re.search('href="([^"]+)"># vision<', await get("/"))
            assert link is not None
            opened = env.bot.get_channel(papers.id)
            assert isinstance(opened, TextChannel)
            await opened.create_thread(name="SmolLM2", type=ChannelType.public_thread)
            assert "› SmolLM2" in await get("/paperround/navigation")
            await get(link[1])
            assert preview.channel.id == vision.id
            await get("/paperround/zone?name=Europe/Berlin")
            assert (preview.timezone, zones) == ("Europe/Berlin", ["Europe/Berlin"])
            # A link that is opened in another tab has no key; the page says what to do.
            async with (
                aiohttp.ClientSession() as other,
                other.get(f"{preview.url.partition('/#')[0]}{link[1]}") as answer,
            ):
                assert (answer.status, "Open the whole address" in await answer.text()) == (200, True)


async def test_page_shows_each_reader_their_own_direct_messages(tmp_path: Path) -> None:
    locale = models.Locale.EN
    async with server.open_demo(locale, tmp_path) as (env, runtime, channels, viewers):
        preview = env.preview(channels[0], viewers=viewers, layout="channel", locale="en-US", timezone="UTC")

        async def use_zone(zone: str) -> None:
            assert zone

        page.dress(preview, channels, locale, "http://127.0.0.1", use_zone)
        headers = {"X-Simcord-Capability": preview.capability}
        async with preview, aiohttp.ClientSession(preview.url.partition("#")[0], headers=headers) as client:
            shown = stage.Stage(env, preview, channels, locale, server.make_delivery(runtime))

            async def get(path: str) -> str:
                async with client.get(path) as answer:
                    return await answer.text()

            async def follow(label: str) -> str:
                link = re.search(f'href="([^"]+)"[^>]*>{label}', await get("/paperround/navigation"))
                assert link is not None, label
                assert await get(link[1]) == ""
                return str(await preview.snapshot())

            alert = "2 new papers match your alerts"
            reader, member = viewers
            assert isinstance(reader, simcord.MemberActor)
            assert alert in await follow("@ Direct messages")
            assert preview.viewers[0].id == reader.id
            assert "club setup" not in await get("/"), "a step that names a channel"
            await reader.user.send_dm("/frobnicate")
            await shown.step()
            assert "/frobnicate could not be read" in str(await preview.snapshot())
            theirs = await follow("Mina")
            assert (alert in theirs, "/frobnicate" in theirs) == (False, False)
            # A text with a mention is shown by what this page knows.
            for name in ("papers", "vision"):
                (shown_line,) = markdown_tokens("<#1>", context={"channels": {"1": name}})
                assert f"#{name}" in str(shown_line)
            await follow("# papers")
            assert (preview.channel.id, preview.viewers[0].id) == (channels[0].id, member.id)


async def test_demo_has_a_member_a_locked_channel_and_a_forum(tmp_path: Path) -> None:
    async with server.open_demo(models.Locale.EN, tmp_path) as (env, _, channels, viewers):
        papers, *_, locked, forum = channels
        assert forum not in page.list_shown(channels)
        manager, member = viewers
        assert isinstance(manager, simcord.MemberActor)
        seen = {
            viewer.id: {leaf["name"] for path, leaf in page.list_leaves(env, viewer, papers)}
            for viewer in viewers
        }
        assert "edit" in seen[manager.id] - seen[member.id]
        asked = await manager.slash(papers, "daily setup", channel=locked)
        texts = client_texts.for_locale(models.Locale.EN)
        assert texts("permission-send-messages") in shown_text(last_response(asked))


async def test_moving_the_clock_ends_a_vote_and_opens_the_thread(tmp_path: Path) -> None:
    async with server.open_demo(models.Locale.EN, tmp_path) as (env, runtime, channels, viewers):
        page_of_viewer: Any = SimpleNamespace(
            _pages={}, refresh=env.settle, _action=env.settle, viewers=viewers
        )
        shown = stage.Stage(env, page_of_viewer, channels, models.Locale.EN, server.make_delivery(runtime))
        manager, _ = viewers
        assert isinstance(manager, simcord.MemberActor)
        await manager.send(channels[0], "/club setup channel:papers day:wed time:5pm")
        await shown.step()
        preview = channels[0].history(viewer=manager)[-1]
        assert "/club" not in shown_text(preview), "a preview names no command that works on a club"
        await manager.click(preview, label="Set up the club")
        for line in ("/club now", "+5 days"):
            await manager.send(channels[0], line)
            await shown.step()
        assert [thread.name for thread in channels[0].threads] == [
            "SmolLM2: When Smol Goes Big – Data-Centric Training of a Small Language Model"
        ]


async def test_a_saved_paper_gets_code_on_the_fourth_day(tmp_path: Path) -> None:
    locale = models.Locale.KO
    texts = client_texts.for_locale(locale)
    async with server.open_demo(locale, tmp_path) as (env, runtime, channels, viewers):
        page_of_viewer: Any = SimpleNamespace(
            _pages={}, refresh=env.settle, _action=env.settle, viewers=viewers
        )
        shown = stage.Stage(env, page_of_viewer, channels, locale, server.make_delivery(runtime))
        reader, _ = viewers
        assert isinstance(reader, simcord.MemberActor)
        for name in ("2501.12948", "2502.02737"):
            card = last_response(await reader.slash(channels[0], "paper", paper=name))
            await reader.click(card, label=texts("save"))
        saved = last_response(await reader.slash(channels[0], "saved"))
        await reader.click(saved, label=texts("news-start"))
        for line in ("+3 days", "+1 day"):
            await reader.send(channels[0], line)
            await shown.step()
        messages = [shown_text(message) for message in reader.user.dm_channel.history()]
        [news] = [text for text in messages if texts("news-heading", count=2) in text]
        assert news.count(texts("news-version", text="2")) == 2
        assert news.count("github.com/example/code") == 2, (
            "one link with its address: the other paper had code"
        )
