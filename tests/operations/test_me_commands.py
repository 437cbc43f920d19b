"""/me data and /me forget, from what a reader did in the chat to a database without the reader's id."""

from __future__ import annotations

import gzip
import json
from datetime import date

import pytest

from bot.client.translations import Translations
from bot.operations import commands as operations_commands
from bot.outbox import contents
from bot.shelf import news as shelf_news
from storage import models
from storage.database import Database
from tests.support import client_archive, digest_builders, reader_rows
from tests.support.client_harness import (
    ClientHarness,
    both_languages,
    last_response,
    open_harness,
    send_parts,
    shown_text,
)


async def _use_everything(harness: ClientHarness) -> None:
    """Save a paper, follow words, set a post up, and get an alert."""
    texts, services = harness.texts, harness.bot.services
    card = last_response(await harness.reader.slash(harness.channel, "paper", paper="2501.00001"))
    await harness.reader.click(card, label=texts("save"))
    preview = last_response(await harness.reader.slash(harness.channel, "alerts add", keyword="robot"))
    await harness.reader.click(preview, label=texts("alert-create"))
    subscription = await harness.add_subscription()
    await services.guilds.update(harness.guild.id, installed_by=harness.reader.id)
    async with harness.container.database.transaction() as connection:
        await connection.exec_driver_sql(
            f"UPDATE subscriptions SET created_by = {harness.reader.id} WHERE id = {subscription.id}"
        )
    for day in (1, 2):  # the alert for the first is sent, that for the second waits
        fresh = digest_builders.newsletter(date(2026, 1, day), ((f"2601.0000{day}", 9),), text="A robot.")
        await harness.container.create_ingest().add_text(fresh, location=f"{day}.md")
        await harness.container.alert_planner.drain()
        if day == 1:
            await harness.env.advance_time(600)
            await harness.container.alert_planner.drain()


KNOWN = {
    "alerts",
    "alert_matches",
    "deliveries",
    "guilds",
    "readers",
    "saved_papers",
    "subscriptions",
    "notified_papers",
}


async def test_what_a_reader_did_in_the_chat_is_given_as_a_file_and_then_forgotten(
    db: Database, texts: Translations
) -> None:
    async with open_harness(db, models.Locale.KO, texts) as harness:
        for number, text in enumerate(client_archive.DIGESTS):
            await harness.container.create_ingest().add_text(text, location=f"{number}.md")
        await _use_everything(harness)
        reader_id = str(harness.reader.id)
        named = {name.partition(".")[0] for name in await reader_rows.find_columns(db, reader_id)}
        assert named >= KNOWN
        answer = await harness.reader.slash(harness.channel, "me data")
        assert answer.ephemeral
        (file,) = last_response(answer).attachments
        found = json.loads(await file.read())
        assert set(found["tables"]) >= KNOWN | {"parts"}
        assert found["tables"]["saved_papers"][0]["paper_id"] == "2501.00001"
        question = last_response(await harness.reader.slash(harness.channel, "me forget"))
        forgotten = await harness.reader.click(question, label=harness.texts("me-forget-all"))
        assert shown_text(last_response(forgotten)) == harness.texts("me-forgotten")
        assert await reader_rows.find_columns(db, reader_id) == set()
        assert harness.unexpected_errors() == []


async def test_the_question_says_what_would_go_and_can_be_closed(harness: ClientHarness) -> None:
    nothing = last_response(await harness.reader.slash(harness.channel, "me forget"))
    assert shown_text(nothing) == harness.texts("me-nothing")
    await _use_everything(harness)
    question = last_response(await harness.reader.slash(harness.channel, "me forget"))
    text = harness.texts("me-forget-question", saved=1, alerts=1, messages=1, command="`/me data`")
    assert text.splitlines()[1] in shown_text(question)
    kept = await harness.reader.click(question, label=harness.texts("me-keep"))
    assert shown_text(last_response(kept)) == harness.texts("me-kept")
    assert (await harness.bot.services.reader_data.count(harness.reader.id))["alerts"] == 1


async def test_a_large_file_is_compressed(harness: ClientHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations_commands, "MAX_PLAIN_BYTES", 10)
    answer = await harness.reader.slash(harness.channel, "me data")
    (file,) = last_response(answer).attachments
    assert file.filename == "paperround.json.gz"
    found = json.loads(gzip.decompress(await file.read()))
    assert (found["user_id"], found["tables"]) == (str(harness.reader.id), {})


@both_languages
async def test_the_weekly_news_of_saved_papers_link_each_change_and_can_be_switched_off(
    harness: ClientHarness,
) -> None:
    texts = harness.texts
    news = [
        ("2501.00001", "Small [Models](https://evil.example)", models.NewsKind.VERSION, "2"),
        ("2501.00001", "Small [Models](https://evil.example)", models.NewsKind.VENUE, "@everyone *2026*"),
        ("2501.00002", None, models.NewsKind.CODE, "https://github.com/example/small"),
        ("2501.00003", "Speech", models.NewsKind.WITHDRAWN, "withdrawn"),
        ("2501.00004", "Maps", models.NewsKind.MODEL, "https://huggingface.co/example/maps"),
    ]
    parts = harness.container.renderer.render_news(contents.NewsPost("news:7:9:1", texts.locale, tuple(news)))
    message = await send_parts(harness, harness.user.dm_channel.id, *parts)
    shown = shown_text(message)
    assert texts("news-heading", count=4) in shown
    assert f"[{texts('news-version', value='2')}](<https://arxiv.org/abs/2501.00001v2>)" in shown
    assert f"[{texts('news-code')}](<https://github.com/example/small>)" in shown
    assert texts("news-withdrawn") in shown
    assert "evil.example>" not in shown
    assert len(str((parts[0].fallback or {})["content"])) <= 2000
    stopped = await harness.user.click(message, label=texts("news-stop"))
    assert texts("news-off") in shown_text(last_response(stopped))
    assert await harness.bot.services.readers.is_news_off(harness.reader.id)
    answer = last_response(await harness.reader.slash(harness.channel, "me news"))
    started = await harness.reader.click(answer, label=texts("news-start"))
    assert texts("news-on") in shown_text(last_response(started))
    assert not await harness.bot.services.readers.is_news_off(harness.reader.id)


@both_languages
async def test_a_message_of_as_many_papers_as_it_may_have_fits(harness: ClientHarness) -> None:
    news = [
        (f"2501.{paper:05}", "긴 제목의 논문 " * 60, kind, value)
        for paper in range(shelf_news.MAX_PAPERS)
        for kind, value in (
            (models.NewsKind.VERSION, "12"),
            (models.NewsKind.CODE, "https://github.com/" + "x" * 120),
            (models.NewsKind.MODEL, "https://huggingface.co/" + "y" * 120),
            (models.NewsKind.VENUE, "V" * 60),
        )
    ]
    parts = harness.container.renderer.render_news(
        contents.NewsPost("news:7:9:1", harness.texts.locale, tuple(news))
    )
    message = await send_parts(harness, harness.user.dm_channel.id, *parts)
    assert shown_text(message).count("arxiv.org/abs/") >= shelf_news.MAX_PAPERS
