"""The control API, on its own port: populate and inspect the world, inject faults and move the clock."""

import asyncio
import dataclasses
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.fake_discord import faults, gateway, interactions, model, server, wire
from tests.fake_discord.model import Json
from tests.support import clock_file, patience

Action = Callable[[server.Fake, Json], Awaitable[Any]]
ACTIONS: list[Action] = []


def action(function: Action) -> Action:
    """Serve a function at POST /control/<name>, with its parameters as the JSON body."""
    ACTIONS.append(function)
    return function


@action
async def reset(fake: server.Fake, params: Json) -> Any:
    """Reset everything, and seed the fault injector with `seed`."""
    await fake.gateway.drop()
    fresh = server.make_fake(seed=params.get("seed", 0))
    fake.world, fake.limits, fake.faults = fresh.world, fresh.limits, fresh.faults
    fake.gateway.reset(fake.world)
    fake.interactions, fake.callbacks, fake.log = fresh.interactions, fresh.callbacks, fresh.log
    fake.responses, fake.endpoints = fresh.responses, fresh.endpoints


@action
async def populate(fake: server.Fake, params: Json) -> Any:
    """Add or replace `guilds`, `channels` and `webhooks`, given as fields of the records in `model`."""
    for fields in params.get("guilds", []):
        guild = fake.world.add_guild(model.Guild(**fields))
        fake.gateway.dispatch("GUILD_CREATE", wire.render_guild(guild, fake.world, full=True))
    for fields in params.get("channels", []):
        fake.world.add_channel(model.Channel(**fields))
    for fields in params.get("webhooks", []):
        webhook = model.Webhook(**fields)
        fake.world.webhooks[webhook.id] = webhook


@action
async def change_channel(fake: server.Fake, params: Json) -> Any:
    """Change `fields` of the channel `id`, such as `denied` or `locked`, and dispatch the event."""
    channel = fake.world.channels[params["id"]]
    for name, value in params["fields"].items():
        setattr(channel, name, value)
    if "archived" in params["fields"]:
        channel.archive_changed_at = fake.world.now()
    kind = "THREAD" if channel.type in model.THREAD_TYPES else "CHANNEL"
    fake.gateway.dispatch(f"{kind}_UPDATE", wire.render_channel(channel, fake.world))


@action
async def delete_message(fake: server.Fake, params: Json) -> Any:
    """Delete the message `message_id` in `channel_id`, like a moderator."""
    message = fake.world.channels[params["channel_id"]].find(params["message_id"])
    assert message is not None
    message.deleted = True


@action
async def send_message(fake: server.Fake, params: Json) -> Any:
    """Send a member's message with this `content` to a thread `channel_id`, as a reply to `reply_to` if given. Returns it."""
    message = fake.world.add_message(
        fake.world.channels[params["channel_id"]], {"content": params["content"]}
    )
    message.author_id, message.reply_to = model.OWNER_ID, params.get("reply_to")
    event = wire.render_member_message(message, fake.world)
    fake.gateway.dispatch("MESSAGE_CREATE", event, gateway.GUILD_MESSAGES)
    return dataclasses.asdict(message)


@action
async def vote(fake: server.Fake, params: Json) -> Any:
    """Set the number of `votes` for each answer to the poll in `message_id` of `channel_id`."""
    message = fake.world.channels[params["channel_id"]].find(params["message_id"])
    assert message is not None
    message.votes = dict(enumerate(params["votes"], start=1))


@action
async def list_events(fake: server.Fake, params: Json) -> Any:
    """Return all guilds' scheduled events."""
    return fake.world.events


@action
async def move_clock(fake: server.Fake, params: Json) -> Any:
    """Move the clock forward by `seconds`, including the `Date` of responses and the age of nonces.

    In the same moment, the clocks of the bots that read the file `moves` move to the `offset` (seconds) and `error` in it.
    """
    fake.world.clock_offset += max(0.0, params["seconds"])
    if moves := params.get("moves"):
        clock_file.write(Path(moves), params["offset"], params["error"])


@action
async def expire_nonces(fake: server.Fake, params: Json) -> Any:
    fake.world.nonces.clear()


@action
async def set_limits(fake: server.Fake, params: Json) -> Any:
    """Set the global limit `per_second`, `session_starts`, and `routes`.

    An example of `routes`: {"POST /channels/{channel_id}/messages": [5, 5.0]}.
    """
    fake.gateway.session_starts = params.get("session_starts", fake.gateway.session_starts)
    if "per_second" in params:
        fake.limits.set_global_limit(params["per_second"])
    for route, (limit, period) in params.get("routes", {}).items():
        fake.limits.set_route_limit(route, limit, period)


@action
async def set_faults(fake: server.Fake, params: Json) -> Any:
    """Replace the fault rules with `rules`. If `seed` is given, restart the random sequence."""
    if "seed" in params:
        fake.faults.reseed(params["seed"])
    fake.faults.rules = [faults.FaultRule(**fields) for fields in params.get("rules", [])]


@action
async def set_outage(fake: server.Fake, params: Json) -> Any:
    """Respond with 503 to all requests for `seconds` (0 ends the outage); with `resets`, reset connections.

    With `gateway`, also close the Gateway.
    """
    fake.faults.outage_resets = params.get("resets", False)
    fake.faults.outage_until = time.monotonic() + params["seconds"]
    if params.get("gateway"):
        await fake.gateway.drop(closed_for=params["seconds"])


@action
async def drop_gateway(fake: server.Fake, params: Json) -> Any:
    await fake.gateway.drop(**params)


@action
async def replay_events(fake: server.Fake, params: Json) -> Any:
    """Send all events of a `kind` again."""
    await fake.gateway.replay(params["kind"])


@action
async def set_endpoints(fake: server.Fake, params: Json) -> Any:
    """Send interactions as signed requests to `urls` in turn, like a proxy in front of fronts."""
    fake.endpoints = params["urls"]


@action
async def interact(fake: server.Fake, params: Json) -> Any:
    """Send an interaction and wait up to `wait` seconds for its callback, or with `answer` for its reply.

    Returns the record of `create_interaction`.
    """
    wait = params.pop("wait", patience.scaled(interactions.CALLBACK_TIMEOUT_SECONDS))
    futures = fake.responses if params.pop("answer", False) else fake.callbacks
    record = interactions.create_interaction(fake, params)
    future = futures[record["id"]]
    await asyncio.wait([future], timeout=wait)
    return record


@action
async def get_interaction(fake: server.Fake, params: Json) -> Any:
    return fake.interactions[params["token"]]


@action
async def list_messages(fake: server.Fake, params: Json) -> Any:
    """Return the messages of all channels, or of `channel_id`, by channel id; with `after`, those with larger ids.

    The oldest come first, and deleted messages are included.
    """
    channel_id, after = params.get("channel_id"), params.get("after", 0)
    return {
        str(channel.id): [dataclasses.asdict(message) for message in channel.messages if message.id > after]
        for channel in fake.world.channels.values()
        if channel.messages and channel.messages[-1].id > after and channel_id in (None, channel.id)
    }


@action
async def forget(fake: server.Fake, params: Json) -> Any:
    """Forget messages, interactions and requests of more than `seconds` ago, and archive threads without newer ones."""
    before = model.snowflake_at(fake.world.now() - params["seconds"])
    for channel in fake.world.channels.values():
        channel.messages = [message for message in channel.messages if message.id > before]
        is_old = channel.type in model.THREAD_TYPES and channel.id < before and not channel.messages
        if is_old and not channel.archived:
            channel.archived, channel.archive_changed_at = True, fake.world.now()
            fake.gateway.dispatch("THREAD_UPDATE", wire.render_channel(channel, fake.world))
    fake.world.nonces = {key: row for key, row in fake.world.nonces.items() if row[1].id > before}
    fake.interactions = {key: row for key, row in fake.interactions.items() if int(row["id"]) > before}
    for futures in (fake.callbacks, fake.responses):
        for id_ in [id_ for id_ in futures if int(id_) < before]:
            del futures[id_]
    fake.log.clear()


@action
async def list_channels(fake: server.Fake, params: Json) -> Any:
    """Return all channels and threads, without their messages."""
    names = [field.name for field in dataclasses.fields(model.Channel) if field.name != "messages"]
    return [{name: getattr(channel, name) for name in names} for channel in fake.world.channels.values()]


@action
async def get_log(fake: server.Fake, params: Json) -> Any:
    """Return the time, method, path and status (0 if unanswered) of each REST request, oldest first."""
    return list(fake.log)


@action
async def get_counts(fake: server.Fake, params: Json) -> Any:
    """Return the numbers of 429 responses, connected sessions, IDENTIFYs, messages and commands."""
    return {
        "too_many": fake.limits.rejected,
        "connected": fake.gateway.count_connected(),
        "identifies": fake.gateway.identifies,
        "messages": sum(len(channel.messages) for channel in fake.world.channels.values()),
        "commands": len(fake.world.commands),
    }


def add_routes(app: web.Application) -> None:
    for function in ACTIONS:
        app.router.add_post(f"/control/{function.__name__}", partial(_handle, function))


async def _handle(function: Action, request: web.Request) -> web.StreamResponse:
    params = await request.json() if request.can_read_body else {}
    result = await function(request.app[server.FAKE], params)
    return server.json_response({} if result is None else result)
