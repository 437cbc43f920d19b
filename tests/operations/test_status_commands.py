"""/status, /help, and notices that lead to them."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

from bot.app.container import Container
from bot.core.settings import Settings
from bot.outbox import contents
from bot.outbox.discord_health import Answer
from storage import deliveries, models, outbox
from tests.support import alert_builders
from tests.support.client_harness import ClientHarness, last_response, send_parts, shown_text


async def test_status_reports_missing_posts_and_alerts(harness: ClientHarness) -> None:
    shown = shown_text(last_response(await harness.reader.slash(harness.channel, "status")))
    assert "2026-01-01" in shown
    assert harness.texts("status-no-post") in shown
    assert harness.texts("status-no-alerts") in shown


async def test_status_shows_the_next_post(harness: ClientHarness) -> None:
    subscription = await harness.add_subscription()
    assert subscription.next_due_at is not None
    shown = shown_text(last_response(await harness.reader.slash(harness.channel, "status")))
    due = int(subscription.next_due_at.timestamp())
    assert harness.texts("next-at", at=f"<t:{due}:f> (<t:{due}:R>)") in shown
    assert f"<#{harness.channel.id}> · {harness.texts('status-no-message')}\n" in shown


async def test_status_links_the_last_post(harness: ClientHarness) -> None:
    _, part = await harness.plan_post(await harness.add_subscription())
    async with harness.container.database.transaction() as connection:
        receipts = {part.id: models.Receipt(4242, harness.channel.id)}
        await outbox.mark_sent(connection, receipts, harness.env.now())
    shown = shown_text(last_response(await harness.reader.slash(harness.channel, "status")))
    address = f"https://discord.com/channels/{harness.guild.id}/{harness.channel.id}/4242"
    link = f"[{harness.texts('status-message')}]({address}) <t:{int(harness.env.now().timestamp())}:R>"
    assert f"<#{harness.channel.id}> · {harness.texts('status-last', last=link)}\n" in shown


async def test_a_delivery_with_an_unknown_outcome_is_repeated_by_a_button(harness: ClientHarness) -> None:
    delivery, part = await harness.plan_post(await harness.add_subscription())
    async with harness.container.database.transaction() as connection:
        await outbox.mark_sending(connection, [part.id], harness.env.now())
        await outbox.stop_part(
            connection,
            part.id,
            models.PartState.UNCERTAIN,
            reason=models.Reason.NO_HISTORY,
            now=harness.env.now(),
        )
    for_reader = last_response(await harness.reader.slash(harness.channel, "status"))
    assert harness.texts("delivery-uncertain") in shown_text(for_reader)
    assert harness.texts("reason-no-history") in shown_text(for_reader)
    assert harness.texts("post-again") not in shown_text(for_reader)
    status = last_response(await harness.manager.slash(harness.channel, "status"))
    response = await harness.manager.click(status, label=harness.texts("post-again"))
    assert shown_text(last_response(response)) == harness.texts("posting-again")
    async with harness.container.database.read() as connection:
        repeated = await deliveries.get(connection, delivery.id)
    assert repeated is not None
    assert repeated.state is models.DeliveryState.PLANNED


async def test_a_paused_subscription_shows_its_reason_and_is_resumed_by_a_button(
    harness: ClientHarness,
) -> None:
    subscription = await harness.add_subscription()
    await harness.bot.services.subscriptions.pause(subscription.id, models.Reason.NO_SEND)
    status = last_response(await harness.manager.slash(harness.channel, "status"))
    assert harness.texts("reason-no-send") in shown_text(status)
    await harness.manager.click(status, label=harness.texts("resume-post"))
    resumed = await harness.bot.services.subscriptions.get(subscription.id)
    assert resumed.state is models.ActivityState.ACTIVE


async def test_a_failing_template_is_shown_to_managers(harness: ClientHarness, tmp_path: Path) -> None:
    locale = harness.texts.locale
    (tmp_path / f"empty.{locale.value}.j2").write_text("{% block headline %}\n{{ dayy }}{% endblock %}")
    container = Container(Settings(locale=locale.value, templates=tmp_path), harness.container.database)
    container.texts = harness.container.texts
    await harness.env.restart_bot(container.create_bot(shard_count=1, locale=locale))
    warning = harness.texts("status-templates", files=f"empty.{locale.value}.j2:2")
    assert warning not in shown_text(last_response(await harness.manager.slash(harness.channel, "status")))
    container.renderer.render_daily(
        contents.DailyPost("m", locale, models.Style.COMPACT, date(2026, 1, 1), 0, ())
    )
    assert warning in shown_text(last_response(await harness.manager.slash(harness.channel, "status")))
    assert warning not in shown_text(last_response(await harness.reader.slash(harness.channel, "status")))


async def test_managers_see_the_health_of_discord_and_its_budget(harness: ClientHarness) -> None:
    health = harness.container.discord_health
    before = health.budget.spent
    well = shown_text(last_response(await harness.manager.slash(harness.channel, "status")))
    assert harness.texts("status-discord-refused", count=before, limit=1000) in well
    for answer, state in (
        (Answer(404, is_json=False), "troubled"),
        (Answer(429, is_json=False, retry_after=60), "limited"),
    ):
        health.record_answer(answer)
        text = harness.texts(f"status-discord-{state}")
        assert text not in well
        assert text in shown_text(last_response(await harness.manager.slash(harness.channel, "status")))
        assert text not in shown_text(last_response(await harness.reader.slash(harness.channel, "status")))
    spent = harness.texts("status-discord-refused", count=before + 1, limit=1000)
    assert spent in shown_text(last_response(await harness.manager.slash(harness.channel, "status")))


async def test_a_step_of_the_clock_is_shown(harness: ClientHarness) -> None:
    locale, offset = harness.texts.locale, timedelta(0)
    container = Container(
        Settings(locale=locale.value), harness.container.database, lambda: harness.env.now() + offset
    )
    container.texts = harness.container.texts
    container.monitor_clock()
    await harness.env.restart_bot(container.create_bot(shard_count=1, locale=locale))

    async def shown() -> str:
        return shown_text(last_response(await harness.reader.slash(harness.channel, "status")))

    duration = harness.texts("duration", hours=2, minutes=5)
    held = harness.texts("status-clock-held", by=duration)
    back = harness.texts(
        "status-clock-moved",
        by=duration,
        direction="back",
        at=f"<t:{int((harness.env.now() - timedelta(minutes=125)).timestamp())}:R>",
    )
    assert held not in await shown()
    offset = timedelta(minutes=125)
    assert held in await shown()
    offset = timedelta(0)
    assert held not in await shown()
    offset = -timedelta(minutes=125)
    assert back in await shown()


async def test_old_unknown_outcomes_are_not_shown(harness: ClientHarness) -> None:
    _, part = await harness.plan_post(await harness.add_subscription())
    async with harness.container.database.transaction() as connection:
        await outbox.mark_sending(connection, [part.id], harness.env.now())
        await outbox.stop_part(
            connection,
            part.id,
            models.PartState.UNCERTAIN,
            reason=models.Reason.NO_HISTORY,
            now=harness.env.now(),
        )
    await harness.env.advance_time(timedelta(days=8).total_seconds())
    shown = shown_text(last_response(await harness.manager.slash(harness.channel, "status")))
    assert harness.texts("delivery-uncertain") not in shown


async def test_status_works_in_direct_messages(harness: ClientHarness) -> None:
    await harness.bot.services.alerts.add(alert_builders.draft("로봇", user_id=harness.reader.id))
    shown = shown_text(last_response(await harness.user.slash("status")))
    assert harness.texts("status-alerts", count=1, last=harness.texts("status-no-message")) in shown


async def test_help_mentions_every_command(harness: ClientHarness) -> None:
    shown = shown_text(last_response(await harness.reader.slash(harness.channel, "help")))
    assert harness.texts("help-look-up") in shown
    for command in harness.bot.tree.walk_commands():
        if not getattr(command, "commands", None):
            assert harness.bot.mentions(command.qualified_name) in shown


async def test_help_begins_with_what_readers_do_and_has_buttons_for_it(harness: ClientHarness) -> None:
    answer = last_response(await harness.manager.slash(harness.channel, "help"))
    headings = ["reading", "keeping", "following", "channel", "general"]
    shown = shown_text(answer)
    positions = [shown.index(f"**{harness.texts(f'help-{name}')}**") for name in headings]
    assert positions == sorted(positions)
    for label in ("post-ask", "post-follow"):
        assert (await harness.manager.click(answer, label=harness.texts(label))).modal is not None
    wizard = await harness.manager.click(answer, label=harness.texts("help-set-up"))
    assert harness.texts("preview-note") in shown_text([wizard.response, *wizard.followups][-2])
    await harness.manager.click(last_response(wizard), label=harness.texts("setup-start"))
    said = last_response(await harness.manager.click(answer, label=harness.texts("help-set-up")))
    assert harness.texts("setup-change") in shown_text(said)
    newest = await harness.manager.click(answer, label=harness.texts("newest-digest"))
    assert "2026" in shown_text(last_response(newest))
    for_reader = last_response(await harness.reader.slash(harness.channel, "help"))
    assert harness.texts("help-set-up") not in shown_text(for_reader).splitlines()


async def test_a_notice_opens_the_status_and_resumes_the_subscription(harness: ClientHarness) -> None:
    subscription = await harness.add_subscription()
    await harness.bot.services.subscriptions.pause(subscription.id, models.Reason.NO_SEND)
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
    status = await harness.manager.user.click(message, label=harness.texts("see-status"))
    assert harness.texts("status-heading") in shown_text(last_response(status))
    await harness.manager.user.click(message, label=harness.texts("resume-post"))
    assert (
        await harness.bot.services.subscriptions.get(subscription.id)
    ).state is models.ActivityState.ACTIVE
