"""Routing of components: unknown and unreadable custom ids, and a handler for every verb."""

from __future__ import annotations

from typing import Any

import pytest
from discord import ui

from bot.client.components import custom_ids
from bot.client.components.payload import layout_payload
from bot.services.posts.contents import RenderedPart
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
