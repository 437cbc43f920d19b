"""The client: intents, caches, the contexts of commands, the language, and components without state."""

from __future__ import annotations

import asyncio
from typing import Any

import discord
import pytest

from storage import models
from tests.support.client_harness import ClientHarness, last_response, post_daily, shown_text


async def test_the_bot_has_no_privileged_intent_and_caches_no_members_or_messages(
    harness: ClientHarness,
) -> None:
    bot = harness.bot
    assert bot.intents == discord.Intents(guilds=True)
    assert bot._connection.member_cache_flags == discord.MemberCacheFlags.none()
    assert bot._connection.max_messages is None
    mentions: Any = bot.allowed_mentions
    assert mentions.to_dict() == {"parse": []}


async def test_commands_have_their_contexts_and_installs(harness: ClientHarness) -> None:
    tree = harness.bot.tree
    payloads = {command.name: command.to_dict(tree) for command in tree.get_commands()}
    for name in (
        "digest",
        "top",
        "topic",
        "author",
        "paper",
        "saved",
        "alerts",
        "status",
        "help",
        "Look up papers",
    ):
        assert sorted(payloads[name]["integration_types"]) == [0, 1], name
        assert sorted(payloads[name]["contexts"]) == [0, 1, 2], name
    assert payloads["daily"]["integration_types"] == [0]
    assert payloads["daily"]["contexts"] == [0]
    assert (
        int(payloads["daily"]["default_member_permissions"]) == discord.Permissions(manage_guild=True).value
    )


async def test_the_language_is_that_of_the_users_client(
    harness: ClientHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.env.restart_bot(harness.container.create_bot(shard_count=1))
    emit = harness.env.backend.emit

    def in_korean(event: str, payload: dict[str, Any], *args: Any, **options: Any) -> Any:
        return emit(
            event, {**payload, "locale": "ko"} if event == "INTERACTION_CREATE" else payload, *args, **options
        )

    monkeypatch.setattr(harness.env.backend, "emit", in_korean)
    shown = shown_text(last_response(await harness.reader.slash(harness.channel, "help")))
    assert harness.container.texts.for_locale(models.Locale.KO)("help-intro") in shown


async def test_components_keep_no_state_and_do_not_expire(harness: ClientHarness) -> None:
    listed = last_response(await harness.reader.slash(harness.channel, "digest"))
    card = last_response(await harness.reader.slash(harness.channel, "paper", paper="2501.00001"))
    modal = await harness.reader.click(await post_daily(harness), label="Find a topic")
    await harness.reader.submit_modal(modal, {"query": "robots"})
    store = harness.bot._connection._view_store
    assert not store._views
    assert not store._modals
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("discord-ui-view-timeout")]
    await harness.env.advance_time(3600)
    assert "**6 · " in shown_text(last_response(await harness.reader.click(listed, label="▶")))
    assert "Saved" in shown_text(last_response(await harness.reader.click(card, label="Save")))
