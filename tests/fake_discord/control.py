"""The control API, on a port of its own: tests populate the world, order faults, move the clock and look inside."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from tests.fake_discord import faults, interactions, server, wire
from tests.fake_discord import world as w

Json = dict[str, Any]
Action = Callable[[server.Fake, Json], Awaitable[Any]]


async def reset(fake: server.Fake, order: Json) -> Any:
    """Forget everything and begin again as a new process would, with the dice at `seed`."""
    await fake.gateway.drop(forget=True)
    fresh = server.make_fake(seed=order.get("seed", 0))
    fake.world, fake.limits, fake.faults = fresh.world, fresh.limits, fresh.faults
    fake.gateway.reset(fake.world)
    fake.interactions, fake.callbacks, fake.log = fresh.interactions, fresh.callbacks, fresh.log
    fake.answers = fresh.answers
    fake.shards = order.get("shards", 1)
    return {}


async def populate(fake: server.Fake, order: Json) -> Any:
    """Add or replace guilds and channels, given as the fields of world.Guild and world.Channel."""
    for fields in order.get("guilds", []):
        guild = fake.world.add_guild(w.Guild(**fields))
        fake.gateway.dispatch("GUILD_CREATE", wire.render_guild(guild, fake.world, full=True), guild.id)
    for fields in order.get("channels", []):
        channel = fake.world.add_channel(w.Channel(**fields))
        if channel.type == w.DM:
            fake.world.dm_channel_ids[channel.recipient_id or 0] = channel.id
    return {}


async def change_channel(fake: server.Fake, order: Json) -> Any:
    """Change a channel's fields, e.g. `denied`, `closed`, `locked`, `deleted`, and tell the Gateway."""
    channel = fake.world.channels[order["id"]]
    for name, value in order["fields"].items():
        setattr(channel, name, value)
    kind = "THREAD" if channel.type in w.THREAD_TYPES else "CHANNEL"
    event = f"{kind}_DELETE" if channel.deleted else f"{kind}_UPDATE"
    if channel.guild_id is not None:
        fake.gateway.dispatch(event, wire.render_channel(channel, fake.world), channel.guild_id)
    return {}


async def change_guild(fake: server.Fake, order: Json) -> Any:
    """Change a server's fields: `permissions`, or `present` to remove the bot from it or invite it again."""
    guild = fake.world.guilds[order["id"]]
    was_present = guild.present
    for name, value in order["fields"].items():
        setattr(guild, name, value)
    if was_present and not guild.present:
        fake.gateway.dispatch("GUILD_DELETE", {"id": str(guild.id)}, guild.id)
    elif guild.present and not was_present:
        fake.gateway.dispatch("GUILD_CREATE", wire.render_guild(guild, fake.world, full=True), guild.id)
    else:
        role = wire.render_roles(guild)[1]
        fake.gateway.dispatch("GUILD_ROLE_UPDATE", {"guild_id": str(guild.id), "role": role}, guild.id)
    return {}


async def delete_message(fake: server.Fake, order: Json) -> Any:
    """Delete a message as a moderator would."""
    message = fake.world.channels[order["channel_id"]].find(order["message_id"])
    if message is not None:
        message.deleted = True
    return {"found": message is not None}


async def move_clock(fake: server.Fake, order: Json) -> Any:
    """Move the fake's clock forward by `seconds`; nonces grow old by it."""
    fake.world.clock_offset += max(0.0, order["seconds"])
    return {"now": fake.world.now()}


async def expire_nonces(fake: server.Fake, order: Json) -> Any:
    """Forget all nonces, or set the `window` (seconds) in which they are remembered."""
    if "window" in order:
        fake.world.nonce_window = order["window"]
    else:
        fake.world.nonces.clear()
    return {}


async def set_limits(fake: server.Fake, order: Json) -> Any:
    """Set `per_second` over all, and `routes`: {"POST /channels/{channel_id}/messages": [5, 5.0]}."""
    if "per_second" in order:
        fake.limits.set_global_limit(order["per_second"])
    for route, (limit, period) in order.get("routes", {}).items():
        fake.limits.set_route_limit(route, limit, period)
    return {}


async def set_faults(fake: server.Fake, order: Json) -> Any:
    """Replace the fault rules by `rules`, and the dice by one with `seed` if given."""
    if "seed" in order:
        fake.faults.reseed(order["seed"])
    fake.faults.rules = [faults.FaultRule(**fields) for fields in order.get("rules", [])]
    return {}


async def set_outage(fake: server.Fake, order: Json) -> Any:
    """Answer 503 to everything for `seconds` (0 ends it), or with `resets` break every connection instead.

    With `gateway` the Gateway is closed meanwhile and forgets its sessions.
    """
    fake.faults.outage_resets = order.get("resets", False)
    fake.faults.outage_until = time.monotonic() + order["seconds"]
    if order.get("gateway"):
        await fake.gateway.drop(forget=True, closed_for=order["seconds"])
    return {}


async def drop_gateway(fake: server.Fake, order: Json) -> Any:
    """Close the Gateway connections: `forget` the sessions, refuse new ones for `closed_for` seconds, `code`."""
    return {"dropped": await fake.gateway.drop(**order)}


async def interact(fake: server.Fake, order: Json) -> Any:
    """Send an interaction and wait up to `wait` seconds for its callback, or for its `answer`; gives the record."""
    wait = order.pop("wait", interactions.CALLBACK_TIMEOUT_SECONDS)
    futures = fake.answers if order.pop("answer", False) else fake.callbacks
    record = interactions.create_interaction(fake, order)
    future = futures[record["id"]]
    await asyncio.wait([future], timeout=wait)
    return record


async def get_interaction(fake: server.Fake, order: Json) -> Any:
    """The record of an interaction by its `token`: its callback, its replies, the milliseconds it took."""
    return fake.interactions[order["token"]]


async def list_messages(fake: server.Fake, order: Json) -> Any:
    """Every message, oldest first, by channel id; of `channel_id` alone if given. Deleted ones are marked."""
    wanted = order.get("channel_id")
    channels = [c for c in fake.world.channels.values() if wanted in (None, c.id)]
    return {
        str(c.id): [dataclasses.asdict(m) | {"nonce": m.nonce} for m in c.messages]
        for c in channels
        if c.messages or wanted
    }


async def list_channels(fake: server.Fake, order: Json) -> Any:
    """Every channel and thread, without its messages."""
    fields = [f.name for f in dataclasses.fields(w.Channel) if f.name != "messages"]
    return [{name: getattr(c, name) for name in fields} for c in fake.world.channels.values()]


async def get_log(fake: server.Fake, order: Json) -> Any:
    """The REST requests so far, oldest first: at, method, path, status (0: no answer); `clear` empties it."""
    entries = list(fake.log)
    if order.get("clear"):
        fake.log.clear()
    return entries


async def get_counts(fake: server.Fake, order: Json) -> Any:
    """Figures: requests, answers with 429, connected shards, IDENTIFYs, RESUMEs, messages, commands."""
    return {
        "requests": len(fake.log),
        "too_many": fake.limits.rejected,
        "connected": fake.gateway.count_connected(),
        "identifies": fake.gateway.identifies,
        "resumes": fake.gateway.resumes,
        "messages": sum(len(c.messages) for c in fake.world.channels.values()),
        "commands": {str(scope): len(c) for scope, c in fake.world.commands.items()},
        "now": fake.world.now(),
    }


ACTIONS: tuple[Action, ...] = (
    reset,
    populate,
    change_channel,
    change_guild,
    delete_message,
    move_clock,
    expire_nonces,
    set_limits,
    set_faults,
    set_outage,
    drop_gateway,
    interact,
    get_interaction,
    list_messages,
    list_channels,
    get_log,
    get_counts,
)


def add_routes(app: web.Application) -> None:
    """Each action is POST /control/<its name>, with its order as the JSON body."""
    for action in ACTIONS:
        app.router.add_post(f"/control/{action.__name__}", _make_handler(action))


def _make_handler(action: Action) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        order = await request.json() if request.can_read_body else {}
        return server.json_response(await action(request.app[server.FAKE], order))

    return handle
