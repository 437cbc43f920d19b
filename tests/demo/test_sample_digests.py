"""The demo's samples, server and clock, without a browser."""

import importlib.metadata
import json
import re
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import aiohttp
import pytest
import simcord
from discord import ChannelType, TextChannel
from discord.utils import snowflake_time
from simcord.preview._markdown import markdown_tokens

from bench import pictures
from bot.archive import parse
from bot.archive.languages import detect_language
from bot.demo import sample_digests, server, simcord_additions, simcord_page
from bot.i18n import texts as i18n_texts
from storage import models
from tests.conftest import VERSION
from tests.support.client_harness import last_response, shown_text


def test_every_sample_parses_without_problems() -> None:
    for name, text in sample_digests.sample_texts():
        (digest,) = parse.parse_text(text)
        assert digest.problems == (), name


def test_each_paper_of_the_samples_has_a_text_in_both_languages() -> None:
    languages: dict[str, set[str]] = {sample_digests.ABSTRACT.paper_key: {"en"}}
    for _, text in sample_digests.sample_texts():
        for entry in parse.parse_text(text)[0].entries:
            found = {detect_language([entry]).value} if entry.sections else set()
            languages.setdefault(entry.paper_key, set()).update(found)
    assert {id_ for id_, found in languages.items() if found != {"en", "ko"}} == set()
    assert len(languages) > 130


async def check_words(locale: models.Locale, demo: pictures.Demo) -> None:
    """Check that each picture of the documents has the words that the demo shows now; else take it again: `make pictures`."""
    stored = json.loads(pictures.WORDS.read_text(encoding="utf-8"))
    number = importlib.metadata.version("paperround")
    shown = {
        name: [line.replace(VERSION.split()[0], number) for line in words]
        async for name, words in pictures.read_words(locale, demo)
    }
    assert shown == {name: words for name, words in stored.items() if name.endswith(f"-{locale.value}")}


def test_the_documents_show_each_picture_in_the_order_in_which_it_is_taken() -> None:
    text = (pictures.FOLDER.parent / "wording.md").read_text(encoding="utf-8")
    shown = re.findall(r"images/([a-z-]+)-en\.png", text)
    assert shown == list(pictures.MESSAGES)
    assert {path.stem for path in pictures.FOLDER.glob("*.png")} == {
        f"{name}-{locale.value}" for name in shown for locale in models.Locale
    }


async def test_in_korean_each_further_day_brings_a_post_until_the_samples_are_over_and_news_on_the_fourth(
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
    texts = i18n_texts.for_locale(locale)
    async with server.open_demo(locale, tmp_path) as demo:
        await check_words(locale, demo)
        env, _, channels, viewers = demo
        shown, reader = pictures.open_stage(locale, demo), viewers[0]
        assert isinstance(reader, simcord.MemberActor)
        saved = last_response(await reader.slash(channels[0], "saved"))
        await reader.click(saved, label=texts("news-start"))
        asked = await reader.slash(channels[1], "daily setup", time="8:30")
        await reader.click(asked.followups[-1], label=texts("setup-start"))
        stored = env.backend.messages[channels[0].id]
        seen = len(stored)
        for day in range(1, 5):
            await reader.send(channels[0], "+1 day")
            await shown.step()
            messages = [str(row) for row in stored.values()][seen:]
            seen += len(messages)
            posts = [text for text in messages if heading in text]
            assert len(posts) == (day <= 3), day
            assert any(last in text and "⏩" in text for text in messages) == (day > 3), day
        times = [
            snowflake_time(id_).astimezone(ZoneInfo("Asia/Seoul")).strftime("%H:%M")
            for id_, row in env.backend.messages[channels[1].id].items()
            if heading in str(row)
        ]
        assert times[-3:] == ["08:30"] * 3
        liked = [shown_text(message) for message in channels[2].history()]
        assert len(liked) == 2, "on two of four days a paper is like the server's list"
        assert all(texts("post-shared", count=10, topic="로봇공학") in text for text in liked), liked
        received = [shown_text(message) for message in reader.user.dm_channel.history()]
        [news] = [text for text in received if texts("news-heading", count=len(pictures.SAVED)) in text]
        assert news.count(texts("news-version", text="2")) == len(pictures.SAVED)
        assert news.count("github.com/example/code") == 2 * 2, (
            "one link with its address for each paper without code; another paper had code"
        )


@pytest.mark.all_faults
async def test_in_english_its_page_has_channels_direct_messages_and_a_vote(tmp_path: Path) -> None:
    locale = models.Locale.EN
    async with server.open_demo(locale, tmp_path) as demo:
        await check_words(locale, demo)
        await check_members(demo)
        await check_page(locale, demo)
        await check_vote(demo)


async def check_members(demo: pictures.Demo) -> None:
    """Check that there are a manager, a member, a locked channel and a forum."""
    env, _, (papers, *_, locked, forum), viewers = demo
    assert forum not in simcord_page.list_shown(demo[2])
    manager, member = viewers
    assert isinstance(manager, simcord.MemberActor)
    seen = {
        viewer.id: {leaf["name"] for path, leaf in simcord_page.list_leaves(env, viewer, papers)}
        for viewer in viewers
    }
    assert "edit" in seen[manager.id] - seen[member.id]
    asked = await manager.slash(papers, "daily setup", channel=locked)
    texts = i18n_texts.for_locale(models.Locale.EN)
    assert texts("permission-send-messages") in shown_text(last_response(asked))


async def check_page(locale: models.Locale, demo: pictures.Demo) -> None:
    """Check that the page opens the chosen channel, also after a thread was opened, and each reader's own messages."""
    env, runtime, channels, viewers = demo
    papers, vision, *_ = channels
    preview = env.preview(papers, viewers=viewers, layout="channel", locale="en-US", timezone="UTC")
    zones: list[str] = []

    async def use_zone(zone: str) -> None:
        zones.append(zone)

    simcord_page.dress(preview, channels, locale, "http://127.0.0.1", use_zone)
    headers = {"X-Simcord-Capability": preview.capability}
    async with preview, aiohttp.ClientSession(preview.url.partition("#")[0], headers=headers) as client:
        shown = simcord_additions.Stage(env, preview, channels, locale, server.make_delivery(runtime))

        async def get(path: str) -> str:
            async with client.get(path) as answer:
                return await answer.text()

        async def follow(label: str) -> str:
            link = re.search(f'href="([^"]+)"[^>]*>{label}', await get("/paperround/navigation"))
            assert link is not None, label
            assert await get(link[1]) == ""
            return str(await preview.snapshot())

        opened = env.bot.get_channel(papers.id)
        assert isinstance(opened, TextChannel)
        await opened.create_thread(name="SmolLM2", type=ChannelType.public_thread)
        assert "› SmolLM2" in await get("/paperround/navigation")
        await follow("# vision")
        assert preview.channel.id == vision.id
        await get("/paperround/zone?name=Europe/Berlin")
        assert (preview.timezone, zones) == ("Europe/Berlin", ["Europe/Berlin"])
        # A link that is opened in another tab has no key; the page says what to do.
        link = f"{preview.url.partition('/#')[0]}/paperround/channel/{vision.id}"
        async with aiohttp.ClientSession() as other, other.get(link) as answer:
            assert (answer.status, "Open the whole address" in await answer.text()) == (200, True)
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
        assert (preview.channel.id, preview.viewers[0].id) == (papers.id, member.id)


async def check_vote(demo: pictures.Demo) -> None:
    """Check that moving the clock ends a vote and opens the thread."""
    _, _, channels, (manager, _) = demo
    shown = pictures.open_stage(models.Locale.EN, demo)
    assert isinstance(manager, simcord.MemberActor)
    await manager.send(channels[0], "/club setup channel:papers day:mon time:5pm")
    await shown.step()
    preview = channels[0].history(viewer=manager)[-1]
    assert "/club" not in shown_text(preview), "a preview names no command that works on a club"
    await manager.click(preview, label="Set up the club")
    for line in ("/club now", "+3 days"):
        await manager.send(channels[0], line)
        await shown.step()
    # The papers of our list come first, and of these the one with most votes on Hugging Face at a tie.
    winner = "Do As I Can, Not As I Say: Grounding Language in Robotic Affordances"
    assert winner in [thread.name for thread in channels[0].threads]
