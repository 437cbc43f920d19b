"""Routing of components, custom ids, errors, and admission of look-ups and transfers."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any
from unittest import mock

import discord
import pytest
import structlog.testing
from discord import ui
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from simcord import actors

from bot.app.client import COGS
from bot.client import custom_ids, interaction_values, router, verbs
from bot.client.custom_ids import pack_custom_id
from bot.client.handler_context import Client
from bot.client.message_builder import layout_payload
from bot.core import admission
from bot.features.operations.readers import Readers
from bot.features.shelf.service import Shelf
from bot.outbox import contents
from bot.outbox.contents import RenderedPart
from bot.papers import list_state
from bot.papers.list_state import ListKind, ListState
from storage import errors, models
from tests.support.client_harness import ClientHarness, last_response, send_parts, shown_text
from tests.support.virtual_time import VirtualTimeLoop


def test_delivery_marker_does_not_change_the_action() -> None:
    marker = contents.part_marker("daily:12:2026-01-01", 3)
    packed = pack_custom_id("l", "d", "a:b", marker=marker)
    assert packed == "pr:d:daily:12:2026-01-01:3/l:d:a:b"
    assert custom_ids.unpack_custom_id(packed) == custom_ids.Action("l", "d:a:b")


async def test_reports_an_unknown_custom_id_as_outdated(harness: ClientHarness) -> None:
    for custom_id in (
        *("pr:gone:1", "pr:d:daily:1:2025-01-01:0/gone", "another-bot", "pr:lang:\0", "pr:lang:xx", "pr:dh"),
        *(
            "pr:chap:2501.00001:9:0",
            "pr:l:t",
            "pr:l:x:0:a:0::q",
            "pr:l:t:0:a:0:k:0123456789abcdef",
            "pr:card:1",
        ),
        *(
            "pr:ds:1:2",
            "pr:auth:x:2501.00001",
            "pr:src:" + "9" * 30,
            "pr:pa:-1",
            "pr:chaps:2501.00001",
            "pr:aw:x",
        ),
    ):
        with structlog.testing.capture_logs() as logs:
            answer = last_response(await _press_forged(harness, custom_id, values=[]))
        assert answer.ephemeral
        gone = harness.texts("no-alert", command=harness.bot.mentions("alerts list"))
        allowed = (harness.texts("outdated-control"), harness.texts("no-chapter"), gone)
        assert shown_text(answer) in allowed, custom_id
        assert logs == []


_NUMBERS = ("0", "1", "-1", "99", "9" * 19, "9" * 40, "٣", "1e9", "0900", "127", "2501.00001", "2026-13-41")
_WORDS = ("", *"xakt", "kt", "m", "en", "UTC", "ct", "keyword", "\0", "a\ud800", "\x1b[2J", "%s", "🤖")
_FIELDS = st.sampled_from((*_NUMBERS, *_WORDS)) | st.text(max_size=12)
_VALUES = st.lists(_FIELDS, max_size=3)


@settings(max_examples=2, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=st.lists(_FIELDS, max_size=9), values=_VALUES)
async def test_handlers_survive_forged_custom_ids_and_values(
    harness: ClientHarness, fields: list[str], values: list[str]
) -> None:
    forged = {
        "values": values,
        "components": [{"component": {"custom_id": field, "value": field}} for field in fields],
    }
    for verb in sorted(route.verb for cog in COGS for route in router.list_routes(cog)):
        with structlog.testing.capture_logs() as logs:
            await _press_forged(harness, ":".join((f"pr:{verb}", *fields))[:100], **forged)
        assert [line for line in logs if line["log_level"] in ("error", "critical")] == [], verb


async def _press_forged(harness: ClientHarness, custom_id: str, **data: Any) -> Any:
    """Press a button with any custom id and values, bypassing SimCord's check that the message contains them."""
    message = getattr(harness, "forged_message", None)
    if message is None:
        view = ui.LayoutView(timeout=None)
        view.add_item(ui.ActionRow(ui.Button[Any](label="old", custom_id="pr:forged")))
        part = RenderedPart(models.PartKind.MESSAGE, layout_payload(view))
        sent = await send_parts(harness, harness.channel.id, part)
        message = harness.env.backend.get_message(harness.channel.id, sent.id)
        harness.forged_message = message  # type: ignore[attr-defined]
    (row,) = message.components
    row["components"][0]["custom_id"] = custom_id
    return await actors._component_interaction(
        harness.manager, message, {"custom_id": custom_id, "component_type": 2, **data}
    )


async def test_reports_an_error_privately_with_a_logged_reference(
    harness: ClientHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.expected_errors.append(errors.DatabaseUnavailableError)
    listed = await harness.ask("top")

    fail = mock.AsyncMock(side_effect=errors.DatabaseUnavailableError("the database is away"))
    monkeypatch.setattr(type(harness.bot.services.search), "search", fail)
    with structlog.testing.capture_logs() as logs:
        results = [await harness.ask("topic", query="로봇"), await harness.turn(listed)]
    references = [log["reference"] for log in logs if log["event"] == "interaction failed"]
    for result, reference in zip(results, references, strict=True):
        assert shown_text(result) == harness.texts("broken", reference=reference)
        assert (result.ephemeral, result.id != listed.id) == (True, True)


async def _occupy(harness: ClientHarness, stack: AsyncExitStack) -> None:
    """Run as many look-ups as allowed, and let no other one wait."""
    for number in range(admission.MAX_AT_ONCE):
        await stack.enter_async_context(harness.bot.services.lookups.admitted(number))
    harness.bot.services.lookups.patience = 0.0


async def test_busy_bot_replies_privately(harness: ClientHarness) -> None:
    post = await harness.ask("top")
    async with AsyncExitStack() as stack:
        await _occupy(harness, stack)
        for name, options in (
            ("topic", {"query": "강화 학습"}),
            ("top", {"topic": "로봇"}),
            ("paper", {"paper": "2501.00001"}),
            ("trends", {}),
            ("alerts add", {"keyword": "로봇"}),
        ):
            result = await harness.ask(name, **options)
            # The reply for an alert without a preview offers to reopen the form.
            assert shown_text(result).split("\n")[0] == harness.texts("busy")
            assert result.ephemeral
        assert shown_text(await harness.turn(post)) == harness.texts("busy")
    assert "2501.00001" in shown_text(await harness.ask("topic", query="소형 언어 모델"))


async def test_saved_papers_cannot_be_shared(harness: ClientHarness) -> None:
    custom_id = list_state.pack_state(ListState(ListKind.SAVED), verbs.SHARE_LIST)
    answer = last_response(await _press_forged(harness, custom_id))
    assert shown_text(answer) == harness.texts("outdated-control")


async def test_rejects_a_concurrent_transfer_before_any_work(
    harness: ClientHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail = mock.AsyncMock(side_effect=AssertionError("work was done for a reader who was refused"))
    listed = await harness.ask("saved")
    card = await harness.ask("paper", paper="2501.00001")
    await harness.click(card, label=harness.texts("save"))
    listed = await harness.ask("saved")
    with monkeypatch.context() as patch:
        for service in (harness.bot.services.get(Shelf), harness.bot.services.get(Readers)):
            patch.setattr(type(service), "export", fail)
        patch.setattr(type(harness.bot.http), "get_from_cdn", fail)
        harness.bot.services.transfers.patience = 0.0
        async with harness.bot.services.transfers.admitted(1):
            for answer in (
                await harness.ask("me data"),
                await harness.fill(listed, "saved-import", file=("a.bib", b"@misc{k,eprint={2501.00001}}")),
                await harness.select(listed, ["ris"], custom_id=f"pr:{verbs.EXPORT_SAVED}"),
            ):
                assert (shown_text(answer), answer.ephemeral) == (harness.texts("busy"), True)
            # Look-ups are admitted separately.
            assert "2501.00001" in shown_text(await harness.ask("topic", query="소형 언어 모델"))
    assert (await harness.ask("me data")).attachments


def test_a_server_whose_channels_discord_has_not_sent_yet_is_waited_for() -> None:
    """At the start they come within seconds."""
    looks = list[int]()
    channel, server = object(), mock.Mock(unavailable=False)
    server.get_channel_or_thread.return_value = channel

    def get_guild(_: int) -> Any:
        looks.append(1)
        return server if len(looks) > 5 else mock.Mock(unavailable=True)

    interaction = mock.Mock(user=mock.Mock(spec=discord.Member), guild_id=1, channel_id=2)
    client = mock.Mock(get_guild=get_guild)
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(Client.complete_guild(client, interaction))
    assert interaction.channel is channel


def test_a_form_without_a_field_is_a_forged_press_and_no_internal_error() -> None:
    values = interaction_values.modal_values(mock.Mock(data={"custom_id": "a button"}))
    assert values.get("note", "") == ""
    with pytest.raises(custom_ids.InvalidCustomIdError):
        values["note"]
