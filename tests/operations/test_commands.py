"""`/status` with its page of sources, `/help`, `/me`, and the buttons of notices."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import discord
import pytest
from inline_snapshot import snapshot

from bot.app.workers import Workers
from bot.client import message_builder
from bot.outbox import contents
from bot.outbox.request_pacing import HttpAnswer
from bot.rendering import discord_text
from bot.sources import kinds
from storage import accounts, alerts, daily, models, outbox
from storage import sources as stored_sources
from tests.conftest import VERSION
from tests.support import digest_builders, outbox_builders, reader_rows
from tests.support.client_harness import ClientHarness, both_languages, last_response, send_parts, shown_text


@both_languages
async def test_status_says_what_a_silent_post_found_no_papers_on(harness: ClientHarness) -> None:
    said = {
        models.Locale.EN: (
            ": no papers new to this channel. ",
            ": no papers new to this channel on this topic. ",
            " that match its settings. ",
        ),
        models.Locale.KO: (
            "그 뒤로는 이 채널에 새로 올릴 논문이 없어",
            "주제에 맞는 논문이 없어",
            "설정한 조건에 맞는 논문이 없어",
        ),
    }[harness.texts.locale]
    narrowed: Sequence[dict[str, Any]] = ({}, {"topic": "language"}, {"min_votes": 5})
    for number, settings in enumerate(narrowed):
        row = await harness.add_subscription(harness.guild.create_text_channel(f"c{number}").id, **settings)
        _, part = await harness.plan_post(row)
        async with harness.container.database.transaction() as connection:
            await daily.set_last_on(connection, {row.id: date(2026, 1, 4)})
            await outbox.mark_sent(
                connection, {part.id: models.Receipt(42, row.channel_id)}, harness.env.now()
            )
    never = await harness.add_subscription(harness.guild.create_text_channel("never").id, topic="zebra")
    shown = shown_text(await harness.ask("status", by=harness.manager))
    assert [shown.count(text) for text in said] == [1, 1, 1], shown
    async with harness.container.database.transaction() as connection:
        await daily.set_last_on(connection, {never.id: date(2026, 1, 4)})
    shown = shown_text(await harness.ask("status", by=harness.manager))
    assert [shown.count(text) for text in said] == [1, 2, 1], shown


@both_languages
async def test_status_says_that_a_post_with_papers_could_not_be_prepared(harness: ClientHarness) -> None:
    """No plan is no proof that papers are missing: the disk may be full, the database locked, a template broken."""
    for number, topic in enumerate(("", "language", "zebra")):
        channel = harness.guild.create_text_channel(f"c{number}")
        row = await harness.add_subscription(channel.id, topic=topic, at_time="00:00")
        await harness.container.database.write(daily.set_last_on, {row.id: date(2025, 12, 31)})
    korean = harness.texts.locale is models.Locale.KO
    waits, unprepared = (
        ("새 논문을 기다리는", "준비되지") if korean else ("Waiting for new papers", "isn't prepared yet")
    )
    parts = shown_text(await harness.ask("status", by=harness.manager)).split("<#")[1:4]
    assert [(unprepared in part, waits in part) for part in parts] == [(True, False)] * 2 + [(False, True)]


async def test_status_screens_match_their_snapshots(harness: ClientHarness) -> None:
    """Before any set-up; then with a sent post, and a post with an unknown outcome."""
    shown = [harness.screen(await harness.ask("status"))]
    sent = await harness.add_subscription()
    weekly = await harness.add_subscription(
        harness.guild.create_text_channel("vision").id, style=models.Style.WEEKLY, days=(5,), at_time="17:00"
    )
    parts = [(await harness.plan_post(row))[1] for row in (sent, weekly)]
    async with harness.container.database.transaction() as connection:
        await daily.set_last_on(connection, {sent.id: date(2026, 1, 4)})
        receipts = {parts[0].id: models.Receipt(4242, harness.channel.id)}
        await outbox.mark_sent(connection, receipts, harness.env.now())
        await outbox.mark_sending(connection, [parts[1].id], harness.env.now(), term=0)
        await outbox_builders.stop_uncertain(connection, parts[1], harness.env.now())
    harness.container.pace.record_answer(HttpAnswer(429, is_json=False, retry_after=60))
    troubled = await harness.ask("status", by=harness.manager)
    assert troubled.components[0]["accent_color"] == message_builder.RED
    shown.append(harness.screen(troubled))
    assert "\n".join(shown) == snapshot("""\
### Status
Newest papers: January 1, 2026 · last update Jan 01 00:00
No channel that you can see has a daily post.
-# Paperround 1.2.3 (1a2b3c4d5e6f)
[Newest papers] [Sources]

### Status
Newest papers: January 1, 2026 · last update Jan 01 00:00
Discord is limiting requests or isn't answering properly right now. Pending posts go out when it
  recovers.
**Daily · 9:00 AM (UTC) · #papers**
Next: Jan 05 09:00 (Jan 05 09:00), with what is new by then · [post of January 1,
  2026](https://discord.com/channels/1456074443980800019/1456074443980800021/4242): Jan 01 00:00
-# No post since then: no papers new to this channel. Late ones go into the next post.
**Weekly · Fri 5:00 PM (UTC) · #vision**
Next: Jan 02 17:00 (Jan 02 17:00), with what is new by then
⚠ **unclear whether it arrived** Jan 01 00:00
Paperround can't read the channel's history, so it can't tell whether a message arrived. Check the
  channel, and post it again if the message is missing. To avoid this, turn on **Read Message
  History** for Paperround in the channel's settings › Permissions.
-# Paperround 1.2.3 (1a2b3c4d5e6f)
[Post it again · Weekly · Fri 5:00 PM · #vision] [All daily posts]
[Newest papers] [Sources]
""")


def _find_label(harness: ClientHarness, message: Any, text_id: str) -> str:
    """Return the label of the button whose label starts with a text."""
    (label,) = (line for line in shown_text(message).splitlines() if line.startswith(harness.texts(text_id)))
    return label


@both_languages
async def test_status_names_posts_in_words_and_with_their_zone(harness: ClientHarness) -> None:
    """Discord shows the next post's time beside it in the zone of the reader's device."""
    korean = harness.texts.locale is models.Locale.KO
    await harness.add_subscription(topic='agents from:"Meta" -GUI', at_time="08:30", timezone="Asia/Seoul")
    status = shown_text(await harness.ask("status"))
    assert ("agents, Meta 소속, GUI 제외 · " if korean else "agents from Meta without GUI · ") in status
    assert ("오전 8:30 (서울)" if korean else "8:30 AM (Seoul)") in status


async def test_status_lists_only_posts_and_alerts_in_visible_channels(harness: ClientHarness) -> None:
    hidden = harness.guild.create_text_channel(
        "hidden", overwrites={harness.guild.default_role: discord.PermissionOverwrite(view_channel=False)}
    )
    for channel in (hidden, harness.readonly_channel):
        await harness.add_subscription(channel.id)
    place = {"channel_id": hidden.id, "guild_id": harness.guild.id}
    alert = await harness.add_alert("layoffs", user_id=harness.manager.id, **place)
    await harness.container.database.write(alerts.set_right, alert, lost_at=harness.env.now(), paused=True)
    for is_deleted in (False, True):
        if is_deleted:
            harness.env.backend.delete_channel(hidden.id)
            await harness.env.settle()
        shown = shown_text(await harness.ask("status"))
        assert f"<#{harness.readonly_channel.id}>" in shown
        for secret in (f"<#{hidden.id}>", "layoffs"):
            assert secret not in shown
            assert secret in shown_text(await harness.ask("status", by=harness.manager))


async def test_status_offers_to_resend_an_uncertain_post_for_a_week(harness: ClientHarness) -> None:
    delivery, part = await harness.plan_post(await harness.add_subscription())
    async with harness.container.database.transaction() as connection:
        await outbox.mark_sending(connection, [part.id], harness.env.now(), term=0)
        await outbox_builders.stop_uncertain(connection, part, harness.env.now())
    assert harness.texts("post-again") not in shown_text(await harness.ask("status"))
    status = await harness.ask("status", by=harness.manager)
    await harness.env.advance_time(timedelta(days=8).total_seconds())
    later = shown_text(await harness.ask("status", by=harness.manager))
    assert harness.texts("delivery-uncertain") not in later
    response = await harness.click(
        status, label=_find_label(harness, status, "post-again"), by=harness.manager
    )
    assert shown_text(response) == harness.texts("posting-again")
    repeated = await harness.container.database.fetch(outbox.get, delivery.id)
    assert repeated is not None
    assert repeated.state is models.DeliveryState.WAITING


async def test_status_is_red_once_papers_were_missed_on_two_expected_days(harness: ClientHarness) -> None:
    # The archive has lists of Tuesday to Thursday, the last of 1 January.
    registry, texts = harness.bot.services.sources, harness.texts
    for url, failures, reason in (
        ("https://one.example/secret.xml", 4, "https://one.example/secret.xml: it refuses access (403)"),
        ("arxiv:cs.CL", 0, None),
    ):
        row = replace(
            await registry.add(url), status=models.FetchStatus.FAILED, failures=failures, reason=reason
        )
        await harness.container.database.write(stored_sources.set_health, row)
    command = texts("status-stopped-do", command="`paperround doctor`")
    for hours, days in ((6 * 24 + 12, None), (7 * 24 + 12, 6)):
        now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
        await harness.env.advance_time((now - harness.env.now()).total_seconds())
        status = await harness.ask("status")
        shown = shown_text(status)
        is_red = status.components[0]["accent_color"] == message_builder.RED
        assert (is_red, command in shown, "one.example" in shown) == (days is not None,) * 3
    assert texts("status-stopped", days=6, date=texts.format_date(date(2026, 1, 1))) in shown
    assert "it refuses access (403)" in shown
    assert "secret" not in shown
    # Sources without failures are not said to answer: the page of sources says when they were read.
    for row in await registry.list_rows():
        healthy = replace(row, failures=0, reason=None, last_success_at=datetime(2025, 12, 30, tzinfo=UTC))
        await harness.container.database.write(stored_sources.set_health, healthy)
    last = texts("source-last", last="<t:1767052800:R>")
    assert last in shown_text(await harness.ask("status"))


async def _add_paused(harness: ClientHarness) -> models.Subscription:
    subscription = await harness.add_subscription()
    paused, reason = models.ActivityState.PAUSED, models.Reason.NO_SEND
    await harness.container.database.write(daily.set_state, [subscription.id], paused, reason=reason)
    return subscription


async def _is_active(harness: ClientHarness, subscription: models.Subscription) -> bool:
    stored = await harness.subscriptions.get(subscription.id)
    return stored.state is models.ActivityState.ACTIVE


async def test_status_shows_why_a_post_is_paused_and_a_resume_button(harness: ClientHarness) -> None:
    subscription = await _add_paused(harness)
    status = await harness.ask("status", by=harness.manager)
    assert harness.texts("reason-no-send") in shown_text(status)
    await harness.manager.click(status, label=_find_label(harness, status, "resume-post"))
    assert await _is_active(harness, subscription)


async def test_status_in_a_direct_message_shows_the_readers_own_data(harness: ClientHarness) -> None:
    await harness.add_alert("로봇")
    shown = shown_text(last_response(await harness.user.slash("status")))
    assert shown.splitlines()[-5:] == [
        harness.texts("status-alerts", count=1),
        f"-# Paperround {VERSION}",
        harness.texts("alert-manage"),
        harness.texts("newest-digest"),
        harness.texts("status-sources"),
    ]


@both_languages
async def test_help_lists_every_command_that_the_reader_may_use(harness: ClientHarness) -> None:
    answer = await harness.ask("help", by=harness.manager)
    headings = ["reading", "following", "channel"]
    shown = shown_text(answer)
    assert harness.texts("help-look-up") in shown
    assert ("archive" if harness.texts.locale is models.Locale.EN else "보관된 논문 전체") in next(
        line for line in shown.splitlines() if "/ask" in line
    )
    for command in harness.bot.tree.walk_commands():
        if not getattr(command, "commands", None):
            assert harness.bot.mentions(command.qualified_name) in shown
    positions = [shown.index(f"**{harness.texts(f'help-{name}')}**") for name in headings]
    assert positions == sorted(positions)
    for label in ("post-ask", "post-follow", "help-set-up"):
        assert (await harness.manager.click(answer, label=harness.texts(label))).modal is not None
    newest = await harness.click(answer, label=harness.texts("newest-digest"), by=harness.manager)
    assert "2026" in shown_text(newest)
    for_reader = shown_text(await harness.ask("help"))
    assert harness.texts("help-set-up") not in for_reader.splitlines()
    assert harness.texts("help-channel") not in for_reader
    assert [name in for_reader for name in ("club list", "club setup", "why")] == [True, False, True]
    in_direct_messages = shown_text(last_response(await harness.user.slash("help")))
    in_servers = [f"/{one.name} " for one in harness.bot.tree.get_commands() if one.guild_only]
    assert not any(name in in_direct_messages for name in in_servers)


async def test_a_notice_has_buttons_to_show_the_status_and_resume_the_post(harness: ClientHarness) -> None:
    subscription = await _add_paused(harness)
    notice = contents.NoticePost(
        marker="notice:s1:1",
        locale=harness.texts.locale,
        kind=contents.NoticeKind.PAUSED,
        reason=models.Reason.NO_SEND,
        channel_id=harness.channel.id,
        subscription_id=subscription.id,
    )
    dm = await (await harness.bot.fetch_user(harness.manager.id)).create_dm()
    message: Any = await send_parts(harness, dm.id, *harness.container.renderer.render(notice))
    status = await harness.click(message, label=harness.texts("see-status"), by=harness.manager.user)
    assert harness.texts("status-heading") in shown_text(status)
    await harness.manager.user.click(message, label=harness.texts("resume-post"))
    assert await _is_active(harness, subscription)


async def test_me_data_and_me_forget_cover_all_data_about_a_reader(
    harness: ClientHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, reader_id, texts = harness.container.database, str(harness.reader.id), harness.texts
    assert shown_text(await harness.ask("me forget")) == texts("me-nothing")
    await harness.press(await harness.ask("paper", paper="2501.00001"), "save")
    await harness.add_alert("robot")
    await harness.publish("A▲9", summary="A robot.")
    for _ in range(2):  # its message waits
        await Workers(harness.container).alert_planner.drain()
        await harness.env.advance_time(600)
    answer = await harness.ask("me data")
    assert answer.ephemeral
    (file,) = answer.attachments
    found = json.loads(await file.read())
    assert found["user_id"] == reader_id
    assert {*found["tables"]} >= {"alerts", "matches", "deliveries", "parts", "saved_papers"}
    assert found["tables"]["saved_papers"][0]["paper_id"] == "2501.00001"
    monkeypatch.setattr(discord_text, "FILE_BYTES", 10)
    assert shown_text(await harness.ask("me data")) == texts("me-data-too-large")
    question = await harness.ask("me forget")
    text = texts("me-forget-question", saved=1, alerts=1, messages=1, command="`/me data`")
    assert text.splitlines()[1] in shown_text(question)
    assert shown_text(await harness.click(question, label=texts("me-keep"))) == texts("me-kept")
    assert (await harness.bot.services.database.fetch(accounts.count_reader_data, harness.reader.id))[
        "alerts"
    ] == 1
    question = await harness.ask("me forget")
    forgotten = await harness.click(question, label=texts("me-forget-all"))
    assert shown_text(forgotten) == texts("me-forgotten")
    assert await reader_rows.find_columns(database, reader_id) == set()


async def test_the_page_of_sources_shows_their_health_without_secrets(
    harness: ClientHarness, tmp_path: Path
) -> None:
    registry, now, status = harness.bot.services.sources, harness.env.now(), models.FetchStatus
    (tmp_path / "daily-papers").mkdir()
    dated = "https://user:secret@digests.example/{date:%Y/%m/%d}.md?token=secret"
    soon, folder = now + timedelta(hours=1), tmp_path / "daily-papers"
    for url, state, failures, reason in (
        (dated, status.OK, 0, None),
        (str(folder), status.FAILED, 1, f"{folder}: Permission denied"),
        ("https://one.example/all.xml", status.FAILED, 4, "it refuses access (403)"),
        ("https://two.example/all.xml", status.REFUSED, 4, "two.example (10.1.2.3) is private"),
        ("https://three.example/all.xml", status.NOT_YET, 0, None),
    ):
        row = replace(await registry.add(url), status=state, failures=failures, reason=reason)
        read_at = now - timedelta(hours=2) if url == dated else None
        async with harness.container.database.transaction() as connection:
            changed = replace(row, next_attempt_at=soon, last_success_at=read_at)
            await stored_sources.set_health(connection, changed)
    await registry.add("arxiv:cs.CL")
    text = digest_builders.newsletter(date(2025, 12, 31), [("2412.00007", 5)])
    for source in ("https://gone.example/list?token=secret", "https://one.example/all.xml"):
        await Workers(harness.container).ingest.add_text(text, location="a.md", source=source)
    page = await harness.press(await harness.ask("status"), "status-sources")
    shown = harness.screen(page)
    assert not any(hidden in shown for hidden in ("secret", "10.1.2.3", str(tmp_path)))
    assert shown == snapshot("""\
### Sources · 6
`digests.example` · URL with a date
-# last read Dec 31 22:00 · next check Jan 01 01:00
`folder` · folder
**The last attempt failed**: folder: Permission denied
-# nothing read so far · next check Jan 01 01:00
`one.example` · feed
**The last 4 attempts failed**: it refuses access (403)
-# nothing read so far · next check Jan 01 01:00
`two.example` · feed
**The last 4 attempts failed**: its address is private; the operator has to allow it
-# nothing read so far · next check Jan 01 01:00
`three.example` · feed
The newest digest is not available yet.
-# nothing read so far · next check Jan 01 01:00
`arXiv cs.CL` · arXiv: titles, authors, abstracts
-# nothing read so far · next check in a moment
-# If sources disagree, the first one wins; titles, authors and votes come from arXiv and Hugging
  Face.
-# In the archive too, but not read automatically: gone.example.
-# The archive holds 7 papers, from December 30, 2025 to January 1, 2026.
[See status]
""")


async def test_the_page_of_sources_explains_how_to_add_the_first(empty_harness: ClientHarness) -> None:
    harness = empty_harness
    shown = shown_text(await harness.press(await harness.ask("status"), "status-sources"))
    assert harness.texts("sources-none") in shown
    assert harness.texts("sources-files") in shown
    line = harness.texts("status-no-source", command=f"`{kinds.ADD_DEFAULT}`")
    assert "paperround sources add https://huggingface.co" in line
    assert line in shown
    assert line in shown_text(await harness.ask("status"))
    await harness.bot.services.sources.add("https://feed.example/0.xml")
    assert line not in shown_text(await harness.ask("status"))
    assert harness.texts("archive-empty") in shown


BLOCKED: dict[str, Any] = {"status": 400, "code": 200000, "message": "Blocked by automatic moderation"}


async def test_what_discord_refuses_of_a_message_is_named_to_its_owner_and_in_the_status(
    harness: ClientHarness,
) -> None:
    """Of the first message the titles are refused, of the second its plain form as well."""
    texts, channel, manager = harness.texts, harness.channel, harness.manager
    await harness.add_alert("care", user_id=manager.id, channel_id=channel.id, guild_id=harness.guild.id)
    names = []
    for papers, refusals in (("A▲9", 1), ("B▲8", 2)):
        harness.env.inject_error("POST", f"/channels/{channel.id}/messages", times=refusals, **BLOCKED)
        await harness.publish(papers)
        await harness.wait(minutes=4)
        await harness.wait(hours=1)
        names.append(f"2601.0{ord(papers[0]) - 64}000")
    names = [f"[{name}](<https://arxiv.org/abs/{name}>)" for name in names]
    [message] = channel.history()
    assert names[0] in message.content
    assert texts("plain-note") in message.content
    [notice] = manager.user.dm_channel.history()
    status = shown_text(await harness.manage("status"))
    assert texts("delivery-plain", papers=names[0], count=1) in status
    assert texts("reason-plain") in status
    assert names[1] in shown_text(notice)
    assert "Left out of the alert" in shown_text(notice)
    assert texts("delivery-left-out", papers=names[1]) in status
    assert texts("reason-left-out") in status


async def test_a_post_that_lacks_refused_papers_is_no_day_without_new_papers(
    empty_harness: ClientHarness,
) -> None:
    """The first post comes in its plain form, the second not at all. The first stays the last post."""
    harness = empty_harness
    await harness.add_subscription()
    runtime = await harness.start_runtime()
    silent = harness.texts("status-silent", since="yes", narrowed="no")
    for papers, refusals, state in (("A▲9 B▲8", 1, "delivery-plain"), ("C▲7", None, "delivery-left-out")):
        path = f"/channels/{harness.channel.id}/messages"
        harness.env.inject_error("POST", path, times=refusals, **BLOCKED)
        await harness.publish(papers)
        await harness.env.advance_time(86400)
        await runtime.tick()
        await runtime.relay.drain(harness.env.now())
        [message] = harness.channel.history()
        assert "2601.02000" in message.content
        status = shown_text(await harness.manage("status"))
        assert f"/{harness.channel.id}/{message.id}" in status, "the link to the last post"
        assert harness.texts(state, papers="\0", count=1).partition("\0")[0] in status
        assert silent not in status
