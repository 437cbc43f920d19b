"""Routing of components: unknown and unreadable custom ids, and a handler for every verb."""

from __future__ import annotations

from typing import Any

import pytest
import structlog.testing
from discord import ui
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from simcord import actors

from bot.client import custom_ids
from bot.client.message_builder import layout_payload
from bot.outbox.contents import RenderedPart
from storage import models
from tests.support.client_harness import ClientHarness, component_ids, last_response, send_parts, shown_text


async def _send_view(harness: ClientHarness, view: ui.LayoutView) -> Any:
    return await send_parts(
        harness, harness.channel.id, RenderedPart(models.PartKind.MESSAGE, layout_payload(view))
    )


@pytest.mark.parametrize("custom_id", ["pr:gone:1", "pr:d:daily:1:2025-01-01:0/gone", "another-bot"])
async def test_an_unknown_custom_id_is_reported(harness: ClientHarness, custom_id: str) -> None:
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.ActionRow(ui.Button[Any](label="old", custom_id=custom_id)))
    message = await _send_view(harness, view)
    result = await harness.reader.click(message, label="old")
    assert last_response(result).ephemeral
    assert shown_text(last_response(result)) == harness.texts("outdated-control")


@pytest.mark.parametrize(
    "custom_id",
    ["pr:l:t", "pr:l:x:0:a:0::q", "pr:card:1", "pr:ds:1:2", "pr:l:t:0:a:0:k:0123456789abcdef", "pr:aw:x"],
)
async def test_an_unreadable_custom_id_is_reported(harness: ClientHarness, custom_id: str) -> None:
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.ActionRow(ui.Button[Any](label="old", custom_id=custom_id)))
    message = await _send_view(harness, view)
    result = await harness.manager.click(message, label="old")
    assert shown_text(last_response(result)) in (harness.texts("outdated-control"), harness.texts("no-alert"))


_NUMBERS = ("0", "1", "-1", "99", "9" * 19, "9" * 40, "٣", "1e9", "0900", "127", "2501.00001", "2026-13-41")
_WORDS = (
    "",
    "x",
    "a",
    "k",
    "t",
    "kt",
    "m",
    "en",
    "UTC",
    "ct",
    "keyword",
    "\0",
    "a\ud800",
    "\x1b[2J",
    "%s",
    "🤖",
)
_FIELDS = st.sampled_from((*_NUMBERS, *_WORDS)) | st.text(max_size=12)
_VALUES = st.lists(_FIELDS, max_size=3)


@settings(max_examples=2, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=st.lists(_FIELDS, max_size=9), values=_VALUES)
async def test_no_handler_fails_on_any_custom_id_or_value(
    harness: ClientHarness, fields: list[str], values: list[str]
) -> None:
    forged = {
        "values": values,
        "components": [{"component": {"custom_id": field, "value": field}} for field in fields],
    }
    for verb in sorted(harness.bot.component_router._routes):
        with structlog.testing.capture_logs() as logs:
            await _press_forged(harness, ":".join((f"pr:{verb}", *fields))[:100], **forged)
        assert [line for line in logs if line["log_level"] in ("error", "critical")] == [], verb


async def _press_forged(harness: ClientHarness, custom_id: str, **data: Any) -> Any:
    """Press a button with any custom id and values, below the checks by which Discord allows only what a message holds."""
    message = getattr(harness, "forged_message", None)
    if message is None:
        view = ui.LayoutView(timeout=None)
        view.add_item(ui.ActionRow(ui.Button[Any](label="old", custom_id="pr:forged")))
        sent = await _send_view(harness, view)
        message = harness.env.backend.get_message(harness.channel.id, sent.id)
        harness.forged_message = message  # type: ignore[attr-defined]
    (row,) = message.components
    row["components"][0]["custom_id"] = custom_id
    return await actors._component_interaction(
        harness.manager, message, {"custom_id": custom_id, "component_type": 2, **data}
    )


@pytest.mark.parametrize(
    "custom_id",
    [
        "pr:lang:xx",
        "pr:auth:x:2501.00001",
        "pr:src:" + "9" * 30,
        "pr:pa:-1",
        "pr:am:1e9",
        "pr:dh",
        "pr:chaps:2501.00001",
    ],
)
async def test_an_odd_custom_id_is_outdated(harness: ClientHarness, custom_id: str) -> None:
    with structlog.testing.capture_logs() as logs:
        result = await _press_forged(harness, custom_id, values=[])
    assert shown_text(last_response(result)) == harness.texts("outdated-control")
    assert logs == []


async def test_every_verb_of_a_message_has_a_handler(harness: ClientHarness) -> None:
    messages = [
        last_response(await harness.reader.slash(harness.channel, "topic", query="소형 언어 모델")),
        last_response(await harness.reader.slash(harness.channel, "paper", paper="2501.00001")),
        last_response(await harness.manager.slash(harness.channel, "daily setup")),
        last_response(await harness.reader.slash(harness.channel, "alerts add", keyword="로봇")),
    ]
    verbs = {
        custom_ids.unpack(custom_id).verb for message in messages for custom_id in component_ids(message)
    }
    assert verbs - {"page"} <= harness.bot.component_router._routes.keys()
