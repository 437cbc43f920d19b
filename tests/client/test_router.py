"""Routing of components, custom ids, answers in place, errors, and the admission of look-ups."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import pytest
import structlog.testing
from discord import ui
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from simcord import actors

from bot.client import context, custom_ids
from bot.client.message_builder import layout_payload
from bot.client.router import UserError, map_service_errors
from bot.lists import messages as lists_messages
from bot.outbox import contents
from bot.outbox.contents import RenderedPart
from bot.search import service as search_service
from storage import errors, models
from tests.support.client_harness import (
    ClientHarness,
    component_ids,
    last_response,
    post_daily,
    send_parts,
    shown_text,
)


@given(rest=st.text(max_size=90))
def test_any_custom_id_is_parsed_or_invalid(rest: str) -> None:
    action = custom_ids.unpack(f"pr:l:{rest}")
    for parse in (lists_messages.unpack_state, lambda action: action.number):
        try:
            parse(action)
        except custom_ids.InvalidCustomIdError:
            continue


def test_a_delivery_marker_comes_first_and_does_not_change_the_action() -> None:
    marker = contents.part_marker("daily:12:2026-01-01", 3)
    packed = custom_ids.pack("l", "d", "a:b", marker=marker)
    assert packed == "pr:d:daily:12:2026-01-01:3/l:d:a:b"
    assert custom_ids.unpack(packed) == custom_ids.Action("l", "d:a:b")


def test_a_custom_id_that_is_too_long_or_not_readable_is_refused() -> None:
    with pytest.raises(ValueError, match="longer"):
        custom_ids.pack("l", "x" * 100)
    with pytest.raises(ValueError, match="colon"):
        custom_ids.pack("l", "a:b", "c")


async def test_a_custom_id_of_another_version_or_bot_is_outdated(harness: ClientHarness) -> None:
    for custom_id in (
        "pr:gone:1",
        "pr:d:daily:1:2025-01-01:0/gone",
        "another-bot",
        "pr:l:t",
        "pr:l:x:0:a:0::q",
        "pr:l:t:0:a:0:k:0123456789abcdef",
        "pr:card:1",
        "pr:ds:1:2",
        "pr:lang:xx",
        "pr:auth:x:2501.00001",
        "pr:src:" + "9" * 30,
        "pr:pa:-1",
        "pr:am:1e9",
        "pr:dh",
        "pr:chaps:2501.00001",
        "pr:aw:x",
    ):
        with structlog.testing.capture_logs() as logs:
            answer = last_response(await _press_forged(harness, custom_id, values=[]))
        assert answer.ephemeral
        assert shown_text(answer) in (harness.texts("outdated-control"), harness.texts("no-alert")), custom_id
        assert logs == []


_NUMBERS = ("0", "1", "-1", "99", "9" * 19, "9" * 40, "٣", "1e9", "0900", "127", "2501.00001", "2026-13-41")
_WORDS = ("", *"xakt", "kt", "m", "en", "UTC", "ct", "keyword", "\0", "a\ud800", "\x1b[2J", "%s", "🤖")
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
        part = RenderedPart(models.PartKind.MESSAGE, layout_payload(view))
        sent = await send_parts(harness, harness.channel.id, part)
        message = harness.env.backend.get_message(harness.channel.id, sent.id)
        harness.forged_message = message  # type: ignore[attr-defined]
    (row,) = message.components
    row["components"][0]["custom_id"] = custom_id
    return await actors._component_interaction(
        harness.manager, message, {"custom_id": custom_id, "component_type": 2, **data}
    )


async def test_every_verb_of_a_message_has_a_handler(harness: ClientHarness) -> None:
    messages = [
        await harness.ask("topic", query="소형 언어 모델"),
        await harness.ask("paper", paper="2501.00001"),
        await harness.ask("daily setup", by=harness.manager),
        await harness.ask("alerts add", keyword="로봇"),
    ]
    verbs = {
        custom_ids.unpack(custom_id).verb for message in messages for custom_id in component_ids(message)
    }
    assert verbs - {"page"} <= harness.bot.component_router._routes.keys()


async def test_pages_are_turned_in_place(harness: ClientHarness) -> None:
    first = await harness.ask("author", name="ada lovelace")
    assert "Ada Lovelace · 4 papers" in shown_text(first)
    digest = await harness.ask("digest")
    turned = await harness.click(digest, label="▶")
    assert turned.id == digest.id
    assert "**6 · " in shown_text(turned)
    assert "2/2" in shown_text(turned)
    assert "**1 · " in shown_text(await harness.click(turned, label="◀"))


async def test_the_daily_posts_menu_opens_the_card_privately(harness: ClientHarness) -> None:
    message = await post_daily(harness)
    menu = next(name for name in component_ids(message) if name.endswith("/open"))
    opened = await harness.select(message, ["2501.00002"], custom_id=menu)
    assert opened.ephemeral
    assert "Rewards That Teach Reasoning" in shown_text(opened)


async def test_an_error_of_a_command_is_answered_with_a_logged_reference(
    harness: ClientHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.expected_errors.append(errors.DatabaseBusyError)

    async def fail(*_: Any, **__: Any) -> None:
        raise errors.DatabaseBusyError("the database is away")

    monkeypatch.setattr(type(harness.bot.services.search), "search", fail)
    with structlog.testing.capture_logs() as logs:
        result = await harness.ask("topic", query="로봇")
    (entry,) = [log for log in logs if log["event"] == "interaction failed"]
    assert shown_text(result) == harness.texts("broken", reference=entry["reference"])
    assert result.ephemeral


async def test_an_error_of_a_component_is_answered_in_a_new_message(
    harness: ClientHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = await harness.ask("digest")

    async def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr(type(harness.bot.services.search), "get_digest", fail)
    with structlog.testing.capture_logs() as logs:
        result = await harness.click(listed, label="▶")
    (entry,) = [log for log in logs if log["event"] == "interaction failed"]
    assert entry["reference"] in shown_text(result)
    assert result.id != listed.id


def test_an_exception_in_the_table_becomes_a_user_error() -> None:
    with (
        pytest.raises(UserError, match="no-paper") as raised,
        map_service_errors({LookupError: "no-paper"}, most=3),
    ):
        raise KeyError
    assert raised.value.arguments == {"most": 3}


def test_other_exceptions_pass_through() -> None:
    with pytest.raises(ValueError, match="x"), map_service_errors({LookupError: "no-paper"}):
        raise ValueError("x")


async def _occupy(harness: ClientHarness, stack: AsyncExitStack) -> None:
    """Let as many look-ups run as may, and let no further one wait."""
    for _ in range(search_service.MAX_AT_ONCE):
        await stack.enter_async_context(harness.bot.services.lookups.admitted())
    harness.bot.services.lookups.patience = 0.0


async def test_a_reader_is_told_privately_that_the_bot_is_busy(harness: ClientHarness) -> None:
    post = await harness.ask("digest")
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
            # An alert that could not be previewed can be opened again with what was typed.
            assert shown_text(result).split("\n")[0] == harness.texts("busy")
            assert result.ephemeral
        assert shown_text(await harness.click(post, label="▶")) == harness.texts("busy")
    assert "2501.00001" in shown_text(await harness.ask("topic", query="소형 언어 모델"))


async def test_autocomplete_offers_nothing_while_the_bot_is_busy(harness: ClientHarness) -> None:
    async with AsyncExitStack() as stack:
        await _occupy(harness, stack)
        assert not await harness.reader.autocomplete(harness.channel, "author", "name", "lovel")
    assert await harness.reader.autocomplete(harness.channel, "author", "name", "lovel")


async def test_nothing_is_shared_publicly_while_the_bot_is_busy(harness: ClientHarness) -> None:
    listed = await harness.ask("digest")
    async with AsyncExitStack() as stack:
        await _occupy(harness, stack)
        shared = await harness.click(listed, label=harness.texts("share"))
        assert shown_text(shared) == harness.texts("busy")
        assert shared.ephemeral


async def test_a_reader_who_asks_too_often_is_told_to_wait(harness: ClientHarness) -> None:
    listed = await harness.ask("digest")
    for _ in range(context.MAX_LOOKUPS - 1):
        await harness.reader.slash(harness.channel, "paper", paper="2501.00001")
    seconds = int(context.LOOKUP_PERIOD_SECONDS)
    sentence = harness.texts("cooldown", seconds=seconds)
    refused = await harness.ask("topic", query="로봇")
    assert (shown_text(refused), refused.ephemeral) == (sentence, True)
    assert shown_text(await harness.click(listed, label="▶")) == sentence
    assert shown_text(await harness.ask("paper", paper="2501.00001", by=harness.manager)) != sentence
    await harness.env.advance_time(seconds + 1)
    assert "2501.00001" in shown_text(await harness.ask("topic", query="소형 언어 모델"))


async def test_cooldowns_of_readers_who_are_gone_are_forgotten(harness: ClientHarness) -> None:
    await harness.reader.slash(harness.channel, "digest")
    await harness.env.advance_time(context.LOOKUP_PERIOD_SECONDS + 1)
    await harness.manager.slash(harness.channel, "digest")
    assert len(harness.bot.cooldowns._cache) == 1
