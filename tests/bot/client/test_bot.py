"""What the bot does around its commands: synchronising them, languages, and answering whatever goes wrong."""

from __future__ import annotations

import asyncio
from typing import Any

import discord
import pytest
import structlog
from discord import ui

from bot.client.bot import PaperroundBot
from bot.client.discord_api.command_sync import CommandMentions
from storage import errors, models
from tests.support.client_harness import (
    World,
    component_ids,
    last_response,
    post_daily,
    send_parts,
    shown_text,
)


def _syncs(world: World) -> int:
    return sum(
        request.method == "PUT" and request.path.endswith("/commands") for request in world.env.http_requests
    )


async def test_commands_are_put_up_once_and_again_only_when_they_change(english_world: World) -> None:
    world = english_world
    assert _syncs(world) == 1
    await world.env.restart_bot(world.container.create_bot(shard_count=1))
    assert _syncs(world) == 1
    changed = world.container.create_bot(shard_count=1)

    @changed.tree.command(name="extra", description="Something new")
    async def extra(interaction: discord.Interaction[Any]) -> None: ...

    await world.env.restart_bot(changed)
    assert _syncs(world) == 2


async def test_commands_are_mentioned_by_their_ids_also_after_a_restart(english_world: World) -> None:
    world = english_world
    assert world.bot.mentions("daily edit").startswith("</daily edit:")
    fresh = CommandMentions()
    assert fresh("daily edit") == "`/daily edit`"
    await fresh.load(world.container.database)
    assert fresh("daily edit") == world.bot.mentions("daily edit")


async def test_a_refused_synchronisation_does_not_keep_the_bot_from_starting(english_world: World) -> None:
    world = english_world
    changed = world.container.create_bot(shard_count=1)

    @changed.tree.command(name="extra", description="Something new")
    async def extra(interaction: discord.Interaction[Any]) -> None: ...

    world.env.inject_error(
        "PUT", "/applications/*/commands", status=400, code=30034, message="too many", times=1
    )
    await world.env.restart_bot(changed)
    assert "Paperround" in shown_text(last_response(await world.reader.slash(world.channel, "help")))


async def test_the_bot_asks_for_no_privileged_intent_and_keeps_no_members_or_messages(
    english_world: World,
) -> None:
    bot = english_world.bot
    assert bot.intents == discord.Intents(guilds=True)
    assert bot._connection.member_cache_flags == discord.MemberCacheFlags.none()
    assert bot._connection.max_messages is None
    mentions: Any = bot.allowed_mentions
    assert mentions.to_dict() == {"parse": []}


async def test_commands_are_for_servers_direct_messages_and_installed_apps(english_world: World) -> None:
    tree = english_world.bot.tree
    payloads = {command.name: command.to_dict(tree) for command in tree.get_commands()}
    for name in ("digest", "top", "topic", "author", "paper", "saved", "alerts", "status", "help"):
        assert sorted(payloads[name]["integration_types"]) == [0, 1], name
        assert sorted(payloads[name]["contexts"]) == [0, 1, 2], name
    assert payloads["daily"]["integration_types"] == [0]
    assert payloads["daily"]["contexts"] == [0]
    assert (
        int(payloads["daily"]["default_member_permissions"]) == discord.Permissions(manage_guild=True).value
    )


async def test_the_language_is_the_readers_clients(
    english_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = english_world
    await world.env.restart_bot(world.container.create_bot(shard_count=1))
    emit = world.env.backend.emit

    def in_korean(event: str, payload: dict[str, Any], *args: Any, **options: Any) -> Any:
        return emit(
            event, {**payload, "locale": "ko"} if event == "INTERACTION_CREATE" else payload, *args, **options
        )

    monkeypatch.setattr(world.env.backend, "emit", in_korean)
    shown = shown_text(last_response(await world.reader.slash(world.channel, "help")))
    assert world.container.texts.for_locale(models.Locale.KO)("help-intro") in shown


@pytest.mark.parametrize("custom_id", ["pr:gone:1", "pr:d:daily:1:2025-01-01:0/gone", "another-bot"])
async def test_an_unknown_button_says_so(world: World, custom_id: str) -> None:
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.ActionRow(ui.Button[Any](label="old", custom_id=custom_id)))
    message = await _send_view(world, view)
    result = await world.reader.click(message, label="old")
    assert last_response(result).ephemeral
    assert shown_text(last_response(result)) == world.texts("outdated-control")


@pytest.mark.parametrize(
    "custom_id",
    ["pr:l:t", "pr:l:x:0:a:0::q", "pr:card:1", "pr:ds:1:2", "pr:l:t:0:a:0:k:0123456789abcdef", "pr:aw:x"],
)
async def test_a_button_that_cannot_be_read_is_answered_all_the_same(world: World, custom_id: str) -> None:
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.ActionRow(ui.Button[Any](label="old", custom_id=custom_id)))
    message = await _send_view(world, view)
    result = await world.manager.click(message, label="old")
    assert shown_text(last_response(result)) in (
        world.texts("outdated-control"),
        world.texts("no-alert"),
    )


async def _send_view(world: World, view: ui.LayoutView) -> Any:
    from bot.client.components.payload import layout_payload
    from bot.services.posts.contents import RenderedPart

    return await send_parts(
        world, world.channel.id, RenderedPart(models.PartKind.MESSAGE, layout_payload(view))
    )


async def test_what_breaks_is_answered_with_a_reference_that_is_in_the_log(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.expected_errors.append(errors.DatabaseBusyError)

    async def broken(*_: Any, **__: Any) -> None:
        raise errors.DatabaseBusyError("the database is away")

    monkeypatch.setattr(type(world.bot.services.search), "search", broken)
    with structlog.testing.capture_logs() as logs:
        result = await world.reader.slash(world.channel, "topic", query="로봇")
    (entry,) = [log for log in logs if log["event"] == "interaction_failed"]
    assert shown_text(last_response(result)) == world.texts("broken", reference=entry["reference"])
    assert last_response(result).ephemeral


async def test_a_control_that_breaks_is_answered_too(
    english_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = english_world
    listed = last_response(await world.reader.slash(world.channel, "digest"))

    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr(type(world.bot.services.search), "get_digest", broken)
    with structlog.testing.capture_logs() as logs:
        result = await world.reader.click(listed, label="▶")
    (entry,) = [log for log in logs if log["event"] == "interaction_failed"]
    assert entry["reference"] in shown_text(last_response(result))
    assert last_response(result).id != listed.id, "what the reader was looking at stays"


async def test_an_autocomplete_that_breaks_offers_nothing_and_raises_nothing(
    english_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = english_world

    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr(type(world.bot.services.search), "complete_author", broken)
    assert await world.reader.autocomplete(world.channel, "author", "name", "ada") == []


async def test_every_verb_in_a_message_has_its_handler(world: World) -> None:
    from bot.client.components import custom_ids

    shown = [
        last_response(await world.reader.slash(world.channel, "topic", query="소형 언어 모델")),
        last_response(await world.reader.slash(world.channel, "paper", paper="2501.00001")),
        last_response(await world.manager.slash(world.channel, "daily setup")),
        last_response(await world.reader.slash(world.channel, "alerts add", keyword="로봇")),
    ]
    verbs = {custom_ids.unpack(one).verb for message in shown for one in component_ids(message)}
    assert verbs - {"page"} <= world.bot.component_router._routes.keys()
    assert isinstance(world.bot, PaperroundBot)


async def test_answers_leave_nothing_behind_and_work_for_as_long_as_they_stand(english_world: World) -> None:
    world = english_world
    listed = last_response(await world.reader.slash(world.channel, "digest"))
    card = last_response(await world.reader.slash(world.channel, "paper", paper="2501.00001"))
    form = await world.reader.click(await post_daily(world), label="Find a topic")
    await world.reader.submit_modal(form, {"query": "robots"})
    store = world.bot._connection._view_store
    assert not store._views
    assert not store._modals
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("discord-ui-view-timeout")]
    await world.env.advance_time(3600)
    assert "**6 · " in shown_text(last_response(await world.reader.click(listed, label="▶")))
    assert "Saved" in shown_text(last_response(await world.reader.click(card, label="Save")))
