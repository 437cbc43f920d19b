"""/status with its sources, /help and /me, and notices that lead to them."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import discord
import pytest

from bot.alerts.service import Alerts
from bot.client import accounts as client_accounts
from bot.client import message_builder, translations
from bot.client.translations import Translations
from bot.daily import messages as daily_messages
from bot.daily.service import Subscriptions
from bot.operations import messages as operations_messages
from bot.outbox import contents
from bot.outbox.pace import Answer
from bot.rendering import discord_text
from bot.sources import kinds
from storage import daily, models, outbox
from storage.database import Database
from tests.fake_discord import validation
from tests.support import alert_builders, client_archive, digest_builders, reader_rows
from tests.support.client_harness import (
    SIMCORD_EPOCH,
    ClientHarness,
    both_languages,
    last_response,
    open_harness,
    send_parts,
    shown_text,
)


async def test_status_reports_missing_posts_and_alerts_and_links_the_next_and_the_last_post(
    harness: ClientHarness,
) -> None:
    shown = shown_text(await harness.ask("status"))
    assert harness.texts.format_date(date(2026, 1, 1)) in shown
    assert harness.texts("status-no-post") in shown
    subscription = await harness.add_subscription()
    shown = shown_text(await harness.ask("status"))
    calendar = await harness.bot.services.get(Subscriptions).load_calendar()
    due = int(calendar.following(subscription).at.timestamp())
    name = f"**{daily_messages.post_name(harness.texts, subscription)}**\n"
    upcoming = harness.texts("next-at", at=f"<t:{due}:f> (<t:{due}:R>)")
    assert f"{name}{upcoming}\n" in shown
    _, part = await harness.plan_post(subscription)
    async with harness.container.database.transaction() as connection:
        receipts = {part.id: models.Receipt(4242, harness.channel.id)}
        await outbox.mark_sent(connection, receipts, harness.env.now())
    shown = shown_text(await harness.ask("status"))
    address = f"https://discord.com/channels/{harness.guild.id}/{harness.channel.id}/4242"
    last = harness.texts(
        "status-last",
        what=f"[{harness.texts('status-post')}]({address})",
        at=f"<t:{int(harness.env.now().timestamp())}:R>",
    )
    upcoming = daily_messages.next_post_text(harness.texts, subscription, calendar)
    assert f"{name}{upcoming} · {last}\n" in shown
    silent_on = date(2026, 1, 4)
    async with harness.container.database.transaction() as connection:
        await daily.set_last_on(connection, {subscription.id: silent_on})
    silent = harness.texts("status-silent", date=harness.texts.format_date(silent_on))
    assert silent in shown_text(await harness.ask("status"))


@both_languages
async def test_a_role_that_was_deleted_is_named(harness: ClientHarness) -> None:
    role = harness.guild.create_role("rl-readers", mentionable=True)
    await harness.add_subscription(mention_role_id=role.id)
    assert harness.texts("status-no-role") not in shown_text(await harness.ask("status"))
    await harness.add_subscription(mention_role_id=role.id + 1, topic="RL")
    assert shown_text(await harness.ask("status")).count(harness.texts("status-no-role")) == 1
    assert f"**{harness.texts('more-settings')}**" in harness.texts("status-no-role"), (
        "the form with the role"
    )


async def _add_uncertain(harness: ClientHarness) -> models.Delivery:
    delivery, part = await harness.plan_post(await harness.add_subscription())
    async with harness.container.database.transaction() as connection:
        await outbox.mark_sending(connection, [part.id], harness.env.now())
        await outbox.stop_part(connection, part.id, reason=models.Reason.NO_HISTORY, now=harness.env.now())
    return delivery


async def test_status_names_only_posts_of_channels_that_the_member_can_see(harness: ClientHarness) -> None:
    hidden = harness.guild.create_text_channel(
        "hidden", overwrites={harness.guild.default_role: discord.PermissionOverwrite(view_channel=False)}
    )
    for channel in (hidden, harness.readonly_channel):
        await harness.add_subscription(channel.id)
    shown = shown_text(await harness.ask("status"))
    assert f"<#{harness.readonly_channel.id}>" in shown
    assert f"<#{hidden.id}>" not in shown
    assert f"<#{hidden.id}>" in shown_text(await harness.ask("status", by=harness.manager))


async def test_a_delivery_with_an_unknown_outcome_is_repeated_by_a_button_and_shown_for_a_week(
    harness: ClientHarness,
) -> None:
    delivery = await _add_uncertain(harness)
    for_reader = await harness.ask("status")
    assert harness.texts("delivery-uncertain") in shown_text(for_reader)
    assert harness.texts("reason-no-history") in shown_text(for_reader)
    assert harness.texts("post-again") not in shown_text(for_reader)
    status = await harness.ask("status", by=harness.manager)
    assert harness.texts("delivery-uncertain") in shown_text(status)
    await harness.env.advance_time(timedelta(days=8).total_seconds())
    later = shown_text(await harness.ask("status", by=harness.manager))
    assert harness.texts("delivery-uncertain") not in later
    (again,) = (
        line for line in shown_text(status).splitlines() if line.startswith(harness.texts("post-again"))
    )
    response = await harness.click(status, label=again, by=harness.manager)
    assert shown_text(response) == harness.texts("posting-again")
    async with harness.container.database.read() as connection:
        repeated = await outbox.get(connection, delivery.id)
    assert repeated is not None
    assert repeated.state is models.DeliveryState.WAITING


async def test_a_paused_subscription_shows_its_reason_and_is_resumed_by_a_button(
    harness: ClientHarness,
) -> None:
    subscription = await harness.add_subscription()
    await harness.bot.services.get(Subscriptions).pause(subscription.id, models.Reason.NO_SEND)
    status = await harness.ask("status", by=harness.manager)
    assert harness.texts("reason-no-send") in shown_text(status)
    label = f"{harness.texts('resume-post')} · {_label(harness, subscription)}"
    await harness.manager.click(status, label=label)
    resumed = await harness.bot.services.get(Subscriptions).get(subscription.id)
    assert resumed.state is models.ActivityState.ACTIVE


@both_languages
async def test_the_status_and_the_list_have_each_post_of_the_server_by_the_same_name(
    harness: ClientHarness,
) -> None:
    other = harness.guild.create_text_channel("vision")
    await harness.add_subscription(topic="diffusion")
    weekly = await harness.add_subscription(
        other.id, style=models.Style.WEEKLY, days=(5,), at_time="17:00", locale=harness.texts.locale
    )
    here, there = f"<#{harness.channel.id}>", f"<#{other.id}>"
    named = {"en": f"**Weekly · Fri 5:00 PM · {there}**", "ko": f"**주간 · 금 오후 5:00 · {there}**"}
    for command in ("status", "daily edit"):
        shown = shown_text(await harness.ask(command, by=harness.manager))
        assert f"**diffusion · {harness.texts.format_time('09:00')} · {here}**" in shown
        assert named[harness.texts.locale.value] in shown
    await harness.bot.services.get(Subscriptions).pause(weekly.id)
    paused = await harness.ask("status", by=harness.manager)
    assert paused.components[0]["accent_color"] == message_builder.AMBER
    await harness.bot.services.get(Subscriptions).resume(weekly.id)
    _, part = await harness.plan_post(weekly)
    async with harness.container.database.transaction() as connection:
        await outbox.mark_sending(connection, [part.id], harness.env.now())
        await outbox.stop_part(connection, part.id, reason=models.Reason.NO_HISTORY, now=harness.env.now())
    troubled = await harness.ask("status", by=harness.manager)
    assert troubled.components[0]["accent_color"] == message_builder.RED
    lines = shown_text(troubled).splitlines()
    at = lines.index(named[harness.texts.locale.value])
    assert harness.texts("delivery-uncertain") in lines[at + 2]
    assert f"{harness.texts('post-again')} · {_label(harness, weekly)}" in lines


def _label(harness: ClientHarness, subscription: models.Subscription) -> str:
    names = {channel.id: channel.name for channel in harness.bot.get_all_channels()}
    return daily_messages.post_name(harness.texts, subscription, names)


async def test_managers_see_that_discord_fails(harness: ClientHarness) -> None:
    pace, troubled = harness.container.pace, harness.texts("status-discord-troubled")
    assert troubled not in shown_text(await harness.ask("status", by=harness.manager))
    pace.record_answer(Answer(429, is_json=False, retry_after=60))
    assert troubled in shown_text(await harness.ask("status", by=harness.manager))
    assert troubled not in shown_text(await harness.ask("status"))


async def test_status_works_in_direct_messages(harness: ClientHarness) -> None:
    await harness.bot.services.get(Alerts).add(alert_builders.draft("로봇", user_id=harness.reader.id))
    shown = shown_text(last_response(await harness.user.slash("status")))
    assert shown.splitlines()[-4:] == [
        harness.texts("status-alerts", count=1),
        harness.texts("alert-manage"),
        harness.texts("newest-digest"),
        harness.texts("status-sources"),
    ]


async def test_help_mentions_every_command_begins_with_what_readers_do_and_has_buttons_for_it(
    harness: ClientHarness,
) -> None:
    answer = await harness.ask("help", by=harness.manager)
    headings = ["reading", "following", "channel"]
    shown = shown_text(answer)
    assert harness.texts("help-look-up") in shown
    for command in harness.bot.tree.walk_commands():
        if not getattr(command, "commands", None):
            assert harness.bot.mentions(command.qualified_name) in shown
    positions = [shown.index(f"**{harness.texts(f'help-{name}')}**") for name in headings]
    assert positions == sorted(positions)
    for label in ("post-ask", "post-follow"):
        assert (await harness.manager.click(answer, label=harness.texts(label))).modal is not None
    wizard = await harness.manager.click(answer, label=harness.texts("help-set-up"))
    assert harness.texts("preview-note") in shown_text([wizard.response, *wizard.followups][-2])
    await harness.manager.click(last_response(wizard), label=harness.texts("setup-start"))
    said = await harness.click(answer, label=harness.texts("help-set-up"), by=harness.manager)
    assert harness.texts("setup-exists", channel=f"<#{harness.channel.id}>", count=1) in shown_text(said)
    newest = await harness.click(answer, label=harness.texts("newest-digest"), by=harness.manager)
    assert "2026" in shown_text(newest)
    for_reader = shown_text(await harness.ask("help"))
    assert harness.texts("help-set-up") not in for_reader.splitlines()
    for manages in ("help-channel", "help-channel.daily-setup"):
        assert harness.texts(manages) not in for_reader
    described = for_reader.split(harness.texts("help-more", commands=""))[0]
    assert sum(line.startswith(("`/", "</")) for line in described.splitlines()) == 11
    in_direct_messages = shown_text(last_response(await harness.user.slash("help")))
    in_servers = [f"/{one.name} " for one in harness.bot.tree.get_commands() if one.guild_only]
    found = [any(name in text for name in in_servers) for text in (for_reader, in_direct_messages)]
    assert found == [True, False]
    assert [name in for_reader for name in ("club list", "club setup", "why")] == [True, False, True]


async def test_a_notice_opens_the_status_and_resumes_the_subscription(harness: ClientHarness) -> None:
    subscription = await harness.add_subscription()
    await harness.bot.services.get(Subscriptions).pause(subscription.id, models.Reason.NO_SEND)
    notice = contents.NoticePost(
        marker="notice:s1:1",
        locale=harness.texts.locale,
        kind=contents.NoticeKind.PAUSED,
        reason=models.Reason.NO_SEND,
        channel_id=harness.channel.id,
        subscription_id=subscription.id,
    )
    user = await harness.bot.fetch_user(harness.manager.id)
    dm = await user.create_dm()
    message: Any = await send_parts(harness, dm.id, *harness.container.renderer.render_notice(notice))
    status = await harness.click(message, label=harness.texts("see-status"), by=harness.manager.user)
    assert harness.texts("status-heading") in shown_text(status)
    await harness.manager.user.click(message, label=harness.texts("resume-post"))
    resumed = await harness.bot.services.get(Subscriptions).get(subscription.id)
    assert resumed.state is models.ActivityState.ACTIVE


async def _use_everything(harness: ClientHarness) -> None:
    """Save a paper, follow words, set a post up, and get an alert."""
    texts = harness.texts
    card = await harness.ask("paper", paper="2501.00001")
    await harness.reader.click(card, label=texts("save"))
    preview = await harness.ask("alerts add", keyword="robot")
    await harness.reader.click(preview, label=texts("alert-create"))
    subscription = await harness.add_subscription()
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


KNOWN = {"alerts", "matches", "deliveries", "readers", "saved_papers", "subscriptions"}


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
        answer = await harness.ask("me data")
        assert answer.ephemeral
        (file,) = answer.attachments
        found = json.loads(await file.read())
        assert set(found["tables"]) >= KNOWN | {"parts"}
        assert found["tables"]["saved_papers"][0]["paper_id"] == "2501.00001"
        question = await harness.ask("me forget")
        forgotten = await harness.click(question, label=harness.texts("me-forget-all"))
        assert shown_text(forgotten) == harness.texts("me-forgotten")
        assert await reader_rows.find_columns(db, reader_id) == set()
        assert harness.unexpected_errors() == []


async def test_the_question_says_what_would_go_and_can_be_closed_and_a_large_file_is_compressed(
    harness: ClientHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = await harness.ask("me forget")
    assert shown_text(nothing) == harness.texts("me-nothing")
    await harness.ask("alerts add", keyword="robot")
    only_a_draft = shown_text(await harness.ask("me forget")).splitlines()[1]
    assert "0" not in only_a_draft
    await _use_everything(harness)
    question = await harness.ask("me forget")
    text = harness.texts("me-forget-question", saved=1, alerts=1, messages=1, command="`/me data`")
    assert text.splitlines()[1] in shown_text(question)
    kept = await harness.click(question, label=harness.texts("me-keep"))
    assert shown_text(kept) == harness.texts("me-kept")
    assert (await harness.bot.services.readers.count(harness.reader.id))["alerts"] == 1
    monkeypatch.setattr(client_accounts, "MAX_PLAIN_BYTES", 10)
    (file,) = (await harness.ask("me data")).attachments
    assert file.filename == "paperround.json.gz"
    found = json.loads(gzip.decompress(await file.read()))
    assert found["user_id"] == str(harness.reader.id)
    assert found["tables"].keys() >= {"alerts", "saved_papers"}
    monkeypatch.setattr(discord_text, "FILE_BYTES", 10)
    assert shown_text(await harness.ask("me data")) == harness.texts("me-data-too-large")


DATED = "https://user:secret@digests.example/{date:%Y/%m/%d}.md?token=secret"


async def _add(harness: ClientHarness, url: str) -> models.StoredSource:
    return await harness.bot.services.sources.add(url, kind=models.SourceKind.FEED)


def _sources_text(texts: translations.Texts, *rows: models.StoredSource, **options: Any) -> str:
    """Return what the sources' page shows of some sources."""
    extent = models.ArchiveExtent(7, date(2025, 12, 30), date(2026, 1, 1))
    state: dict[str, Any] = {"extent": extent, "now": SIMCORD_EPOCH} | options
    view = operations_messages.sources_view(texts, rows, **state)
    components = validation.walk_components(message_builder.layout_payload(view)["components"])
    return "\n".join(part.get("content", "") for part in components)


def _source(url: str, kind: models.SourceKind = models.SourceKind.FEED) -> models.StoredSource:
    return models.StoredSource(1, url, kind, 0, {}, SIMCORD_EPOCH, next_attempt_at=SIMCORD_EPOCH)


def test_a_source_shows_its_last_and_next_fetch_and_its_failures_without_secrets_and_private_addresses(
    texts: Translations, tmp_path: Path
) -> None:
    english, now, status = texts.for_locale(models.Locale.EN), SIMCORD_EPOCH, models.FetchStatus
    last, upcoming = now - timedelta(hours=2), now + timedelta(hours=1)
    dated, feed = _source(DATED, models.SourceKind.URL), _source("https://feed.example/all.xml")
    folder = _source(str(tmp_path / "daily-papers"), models.SourceKind.FOLDER)
    failing = replace(feed, status=status.FAILED, failures=4, reason="it refuses access (403)")
    private = "feed.example (10.1.2.3) is a private address"
    dates = [english.format_date(day) for day in (date(2025, 12, 30), date(2026, 1, 1))]
    extent = english("archive-extent", count=7, first=dates[0], last=dates[1])
    for row, *shown in (
        (dated, f"-# {english('source-never')} · ", "`digests.example/{date:%Y/%m/%d}.md`"),
        (dated, english("source-url"), extent),
        (
            replace(dated, status=status.OK, last_success_at=last, next_attempt_at=upcoming),
            english("source-last", last=f"<t:{int(last.timestamp())}:R>"),
            english("source-next", next=f"<t:{int(upcoming.timestamp())}:R>"),
        ),
        (
            replace(folder, status=status.FAILED, failures=1, reason=f"{folder.url}: Permission denied"),
            "`daily-papers`",
            "**The last attempt failed**: daily-papers: Permission denied",
        ),
        (failing, english("source-failures", count=4, reason="it refuses access (403)")),
        (
            replace(failing, status=status.REFUSED, reason=private),
            english("source-failures", count=4, reason=english("source-refused")),
        ),
        (replace(dated, status=status.NOT_YET), english("source-not-yet")),
    ):
        text = _sources_text(english, row)
        assert [part for part in shown if part not in text] == []
        assert not any(hidden in text for hidden in ("secret", "10.1.2.3", str(tmp_path)))


async def test_without_sources_the_answer_explains_how_digests_are_added(
    empty_harness: ClientHarness,
) -> None:
    harness = empty_harness
    shown = shown_text(await harness.press(await harness.ask("status"), "status-sources"))
    assert harness.texts("sources-none") in shown
    assert harness.texts("sources-files") in shown
    line = harness.texts("status-no-source", command=f"`{kinds.ADD_DEFAULT}`")
    assert "paperround sources add https://huggingface.co" in line
    assert line in shown
    assert line in shown_text(await harness.ask("status"))
    await _add(harness, "https://feed.example/0.xml")
    assert line not in shown_text(await harness.ask("status"))
    assert harness.texts("archive-empty") in shown
