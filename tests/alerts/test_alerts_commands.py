"""/alerts but for adding, and the buttons of stored alerts and of their messages."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from storage import models
from tests.support import alert_builders
from tests.support.client_harness import ClientHarness, both_languages, last_response, shown_text


async def _list_alerts(harness: ClientHarness) -> list[models.Alert]:
    return await harness.bot.services.alerts.list_rows(user_id=harness.reader.id)


async def _add_alert(harness: ClientHarness, text: str = "로봇") -> models.Alert:
    return await harness.bot.services.alerts.add(alert_builders.draft(text, user_id=harness.reader.id))


async def test_an_alert_for_a_channel_requires_the_permission_to_manage_messages(
    harness: ClientHarness,
) -> None:
    response = await harness.ask("alerts add", keyword="로봇", channel=harness.channel)
    assert shown_text(response) == harness.texts("needs-manage-messages", channel=f"<#{harness.channel.id}>")
    preview = await harness.ask("alerts add", by=harness.manager, keyword="로봇", channel=harness.channel)
    await harness.manager.click(preview, label=harness.texts("alert-create"))
    (alert,) = await harness.bot.services.alerts.list_rows(user_id=harness.manager.id)
    assert (alert.channel_id, alert.guild_id) == (harness.channel.id, harness.guild.id)


async def test_alerts_are_paused_resumed_and_removed_from_the_list(harness: ClientHarness) -> None:
    alert = await _add_alert(harness)
    listed = await harness.ask("alerts list")
    assert harness.texts("alerts-heading", count=1) in shown_text(listed)
    detail = await harness.choose(listed, "pr:as", str(alert.id))
    assert detail.id == listed.id
    paused = await harness.press(detail, "alert-pause-week-all")
    (stored,) = await _list_alerts(harness)
    assert stored.paused_until_at == harness.env.now() + timedelta(days=7)
    resumed = await harness.press(paused, "resume")
    assert harness.texts("alert-active") in shown_text(resumed)
    assert "로봇" in shown_text(await harness.press(resumed, "remove"))
    assert await _list_alerts(harness) == []


async def test_an_alert_of_another_user_cannot_be_removed(harness: ClientHarness) -> None:
    alert = await _add_alert(harness)
    result = await harness.ask("alerts remove", by=harness.manager, alert=str(alert.id))
    assert shown_text(result) == harness.texts("no-alert")
    assert len(await _list_alerts(harness)) == 1


@both_languages
async def test_commands_remove_and_pause_by_autocomplete(harness: ClientHarness) -> None:
    alert = await _add_alert(harness)
    await _add_alert(harness, "speech")
    offered = await harness.reader.autocomplete(harness.channel, "alerts remove", "alert", "로")
    assert [choice["value"] for choice in offered] == [str(alert.id)]
    assert "로봇" in shown_text(await harness.ask("alerts remove", alert=str(alert.id)))
    await harness.reader.slash(harness.channel, "alerts pause", days=3)
    (remaining,) = await _list_alerts(harness)
    assert remaining.paused_until_at == harness.env.now() + timedelta(days=3)
    await _add_alert(harness)
    paused = shown_text(await harness.ask("alerts pause"))
    assert harness.texts("alerts-paused", count=2, days=7) in paused
    assert {"en": "all 2", "ko": "2개를 모두"}[harness.texts.locale.value] in paused
    await harness.reader.slash(harness.channel, "alerts pause", days=0)
    assert [alert.paused_until_at for alert in await _list_alerts(harness)] == [None, None]


async def test_alerts_of_many_channels_are_resumed_with_one_question_about_the_member(
    harness: ClientHarness,
) -> None:
    for number in range(8):
        channel = harness.guild.create_text_channel(f"papers-{number}")
        draft = alert_builders.draft("로봇", user_id=harness.manager.id, channel_id=channel.id)
        await harness.bot.services.alerts.add(replace(draft, guild_id=harness.guild.id))
    before = len(harness.env.http_requests)
    answer = last_response(await harness.manager.user.slash("alerts pause", days=0))
    assert harness.texts("alerts-resumed", count=8) in shown_text(answer)
    asked = [request for request in map(str, harness.env.http_requests[before:]) if "/members/" in request]
    assert len(asked) == 1


async def test_fifty_alerts_are_listed_in_pages(harness: ClientHarness) -> None:
    for number in range(50):
        await _add_alert(harness, f"{'a long text ' * 7}{number}")
    listed = await harness.ask("alerts list")
    for page in range(1, 4):
        assert f"{page}/4" in shown_text(listed)
        listed = await harness.press(listed, label="▶")
    assert "4/4" in shown_text(listed)


async def test_removing_all_alerts_asks_for_confirmation(harness: ClientHarness) -> None:
    await _add_alert(harness)
    await _add_alert(harness, "speech")
    confirmation = await harness.press(await harness.ask("alerts list"), "alert-stop-all")
    assert len(await _list_alerts(harness)) == 2
    rest = await harness.press(confirmation, "alert-pause-week-all")
    assert harness.texts("alerts-paused", count=2, days=7) in shown_text(rest)
    confirmation = await harness.press(rest, "alert-stop-all")
    removed = await harness.press(confirmation, "alert-remove-all")
    assert shown_text(removed) == harness.texts("alerts-all-removed", count=2)
    assert await _list_alerts(harness) == []
