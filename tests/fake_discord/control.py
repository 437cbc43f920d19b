"""The control API, on its own port: tests populate and inspect the world, inject faults and move the clock."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from aiohttp import web

from tests.fake_discord import faults, interactions, model, server, wire
from tests.fake_discord.model import Json
from tests.support import patience

Action = Callable[[server.Fake, Json], Awaitable[Any]]
ACTIONS: list[Action] = []


def action(function: Action) -> Action:
    """Add a route POST /control/<name> with the params as its JSON body."""
    ACTIONS.append(function)
    return function


@action
async def reset(fake: server.Fake, params: Json) -> Any:
    """Reset to the initial state, with the fault injector at `seed`."""
    await fake.gateway.drop()
    fresh = server.make_fake(seed=params.get("seed", 0))
    fake.world, fake.limits, fake.faults = fresh.world, fresh.limits, fresh.faults
    fake.gateway.reset(fake.world)
    fake.interactions, fake.callbacks, fake.log = fresh.interactions, fresh.callbacks, fresh.log
    fake.responses, fake.endpoints = fresh.responses, fresh.endpoints
    return {}


@action
async def populate(fake: server.Fake, params: Json) -> Any:
    """Add or replace `guilds`, `channels` and `webhooks`, given as fields of their records in `model`."""
    for fields in params.get("guilds", []):
        guild = fake.world.add_guild(model.Guild(**fields))
        fake.gateway.dispatch("GUILD_CREATE", wire.render_guild(guild, fake.world, full=True))
    for fields in params.get("channels", []):
        channel = fake.world.add_channel(model.Channel(**fields))
        if channel.type == model.DM:
            fake.world.dm_channel_ids[channel.recipient_id or 0] = channel.id
    for fields in params.get("webhooks", []):
        webhook = model.Webhook(**fields)
        fake.world.webhooks[webhook.id] = webhook
    return {}


@action
async def change_channel(fake: server.Fake, params: Json) -> Any:
    """Change `fields` of the channel `id`, e.g. `denied`, `closed`, `locked`, `deleted`, and dispatch the event."""
    channel = fake.world.channels[params["id"]]
    for name, value in params["fields"].items():
        setattr(channel, name, value)
    if "archived" in params["fields"]:
        channel.archive_changed_at = fake.world.now()
    kind = "THREAD" if channel.type in model.THREAD_TYPES else "CHANNEL"
    event = f"{kind}_DELETE" if channel.deleted else f"{kind}_UPDATE"
    if channel.guild_id is not None:
        fake.gateway.dispatch(event, wire.render_channel(channel, fake.world))
    return {}


@action
async def delete_message(fake: server.Fake, params: Json) -> Any:
    """Delete the message `message_id` of `channel_id`, as a moderator would."""
    message = fake.world.channels[params["channel_id"]].find(params["message_id"])
    if message is not None:
        message.deleted = True
    return {"found": message is not None}


@action
async def vote(fake: server.Fake, params: Json) -> Any:
    """Set the `votes` of a poll, a list of numbers by answer, in the message `message_id` of `channel_id`."""
    message = fake.world.channels[params["channel_id"]].find(params["message_id"])
    assert message is not None
    message.votes = dict(enumerate(params["votes"], start=1))
    return {}


@action
async def list_events(fake: server.Fake, params: Json) -> Any:
    """Return the scheduled events of all guilds."""
    return fake.world.events


@action
async def move_clock(fake: server.Fake, params: Json) -> Any:
    """Move the clock, and with it the `Date` of answers, forward by `seconds`, which expires nonces."""
    fake.world.clock_offset += max(0.0, params["seconds"])
    return {"now": fake.world.now()}


@action
async def expire_nonces(fake: server.Fake, params: Json) -> Any:
    fake.world.nonces.clear()
    return {}


@action
async def set_limits(fake: server.Fake, params: Json) -> Any:
    """Set the global limit `per_second`, `session_starts`, and `routes`: {"POST /channels/{channel_id}/messages": [5, 5.0]}."""
    fake.gateway.session_starts = params.get("session_starts", fake.gateway.session_starts)
    if "per_second" in params:
        fake.limits.set_global_limit(params["per_second"])
    for route, (limit, period) in params.get("routes", {}).items():
        fake.limits.set_route_limit(route, limit, period)
    return {}


@action
async def set_faults(fake: server.Fake, params: Json) -> Any:
    """Replace the fault rules by `rules`, and restart the random sequence if `seed` is given."""
    if "seed" in params:
        fake.faults.reseed(params["seed"])
    fake.faults.rules = [faults.FaultRule(**fields) for fields in params.get("rules", [])]
    return {}


@action
async def set_outage(fake: server.Fake, params: Json) -> Any:
    """Respond 503 to all requests for `seconds` (0 ends it); with `resets`, reset the connections instead.

    With `gateway`, the Gateway is closed for that time.
    """
    fake.faults.outage_resets = params.get("resets", False)
    fake.faults.outage_until = time.monotonic() + params["seconds"]
    if params.get("gateway"):
        await fake.gateway.drop(closed_for=params["seconds"])
    return {}


@action
async def drop_gateway(fake: server.Fake, params: Json) -> Any:
    await fake.gateway.drop(**params)
    return {}


@action
async def replay_events(fake: server.Fake, params: Json) -> Any:
    """Send the events of a `kind` once more."""
    await fake.gateway.replay(params["kind"])
    return {}


@action
async def set_endpoints(fake: server.Fake, params: Json) -> Any:
    """Send interactions by signed requests to `urls` in turn, as a proxy does before fronts; without any, by the Gateway."""
    fake.endpoints = params["urls"]
    return {}


@action
async def interact(fake: server.Fake, params: Json) -> Any:
    """Send an interaction and wait up to `wait` seconds for its callback, or for its response if `answer`.

    Returns the record.
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
    """Return the messages by channel id, oldest first and deleted ones included; only those of `channel_id` if given."""
    channel_id = params.get("channel_id")
    return {
        str(channel.id): [dataclasses.asdict(message) for message in channel.messages]
        for channel in fake.world.channels.values()
        if channel.messages and channel_id in (None, channel.id)
    }


@action
async def list_channels(fake: server.Fake, params: Json) -> Any:
    """Return all channels and threads, without their messages."""
    names = [field.name for field in dataclasses.fields(model.Channel) if field.name != "messages"]
    return [{name: getattr(channel, name) for name in names} for channel in fake.world.channels.values()]


@action
async def get_log(fake: server.Fake, params: Json) -> Any:
    """Return the REST requests so far, oldest first: at, method, path, status (0: no response)."""
    return list(fake.log)


@action
async def get_counts(fake: server.Fake, params: Json) -> Any:
    """Return counters: 429 responses, connected sessions, IDENTIFYs, messages, commands."""
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
    return server.json_response(await function(request.app[server.FAKE], params))
