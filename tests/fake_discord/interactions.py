"""Interactions: sent to the bot over the Gateway, answered by callback, edits and follow-ups."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from aiohttp import web

from tests.fake_discord import server, validation, wire
from tests.fake_discord import world as w

Json = dict[str, Any]

COMMAND, COMPONENT, AUTOCOMPLETE = 2, 3, 4
DEFERRED_REPLY, DEFERRED_UPDATE = 5, 6
EPHEMERAL = 1 << 6
CALLBACK_TIMEOUT_SECONDS = 3.0


def create_interaction(fake: server.Fake, fields: Json) -> Json:
    """Send INTERACTION_CREATE. `wanted`: type, data, user_id, channel_id, locale, message_id. Gives the record."""
    interaction_id, token = str(fake.world.next_snowflake()), f"aW50ZXJhY3Rpb24{fake.world.next_snowflake()}"
    channel = fake.world.channels[int(fields["channel_id"])]
    event = _build_event(fake, fields, channel) | {"id": interaction_id, "token": token}
    record: Json = {
        "id": interaction_id,
        "token": token,
        "channel_id": channel.id,
        "sent_at": time.perf_counter(),
        "callback": None,
        "replies": [],
        "milliseconds": None,
        "answered_milliseconds": None,
    }
    fake.interactions[token] = record
    loop = asyncio.get_running_loop()
    fake.callbacks[interaction_id], fake.answers[interaction_id] = loop.create_future(), loop.create_future()
    record["shards"] = fake.gateway.dispatch("INTERACTION_CREATE", event, channel.guild_id)
    return record


def _build_event(fake: server.Fake, fields: Json, channel: w.Channel) -> Json:
    user_id = int(fields.get("user_id") or w.OWNER_ID)
    event: Json = {
        "application_id": str(w.APPLICATION_ID),
        "type": fields.get("type", COMMAND),
        "data": fields["data"],
        "channel_id": str(channel.id),
        "channel": wire.render_channel(channel, fake.world),
        "version": 1,
        "locale": fields.get("locale", "en-US"),
        "app_permissions": str(fake.world.permissions(channel)),
        "entitlements": [],
        "authorizing_integration_owners": {"0": str(channel.guild_id or 0)},
        "context": 0 if channel.guild_id else 1,
        "attachment_size_limit": 10 << 20,
    }
    if fields.get("message_id"):
        message = channel.find(int(fields["message_id"]))
        assert message is not None, "no such message to press a button on"
        event["message"] = wire.render_message(message, fake.world)
    if channel.guild_id is None:
        return event | {"user": wire.render_user(user_id)}
    guild = fake.world.guilds[channel.guild_id]
    member = wire.render_member(guild, user_id) | {"permissions": str(w.ALL_PERMISSIONS)}
    return event | {
        "guild_id": str(guild.id),
        "guild": {"id": str(guild.id), "locale": guild.locale, "features": []},
        "guild_locale": guild.locale,
        "member": member,
    }


async def create_callback(request: web.Request) -> web.StreamResponse:
    """POST the first answer; once only, and within three seconds."""
    fake = request.app[server.FAKE]
    record = _get_record(request)
    payload = await server.read_payload(request)
    if record["callback"] is not None:
        raise wire.ApiError(400, 40060, "Interaction has already been acknowledged")
    waited = time.perf_counter() - record["sent_at"]
    if waited > CALLBACK_TIMEOUT_SECONDS:
        raise wire.ApiError(404, 10062, "Unknown interaction")
    data = payload.get("data") or {}
    if payload["type"] == 4:
        fake.schemas.check("CreateMessageInteractionCallbackRequest", payload)
        validation.check_message(data)
    record["callback"], record["milliseconds"] = payload, waited * 1000
    fake.callbacks[record["id"]].set_result(record)
    message_id = fake.world.next_snowflake()
    if payload["type"] not in (DEFERRED_REPLY, DEFERRED_UPDATE):
        _record_first_answer(fake, record)
    if payload["type"] == 4:
        record["replies"].append({"id": str(message_id), **data})
    resource = {"type": payload["type"]}
    body = {
        "id": record["id"],
        "type": COMMAND,
        "response_message_id": str(message_id),
        "response_message_loading": payload["type"] in (DEFERRED_REPLY, DEFERRED_UPDATE),
        "response_message_ephemeral": bool(int(data.get("flags") or 0) & EPHEMERAL),
    }
    return server.json_response({"interaction": body, "resource": resource})


def _record_first_answer(fake: server.Fake, record: Json) -> None:
    """Keep when the first answer with something in it came."""
    future = fake.answers[record["id"]]
    if not future.done():
        record["answered_milliseconds"] = (time.perf_counter() - record["sent_at"]) * 1000
        future.set_result(record)


def _get_record(request: web.Request) -> Json:
    record = request.app[server.FAKE].interactions.get(request.match_info["token"])
    if record is None:
        raise wire.ApiError(404, 10015, "Unknown Webhook")
    return record


def _render_reply(fake: server.Fake, record: Json, reply: Json) -> Json:
    message = w.Message(int(reply["id"]), record["channel_id"], {k: v for k, v in reply.items() if k != "id"})
    return wire.render_message(message, fake.world) | {
        "webhook_id": str(w.APPLICATION_ID),
        "application_id": str(w.APPLICATION_ID),
    }


async def create_followup(request: web.Request) -> web.StreamResponse:
    """POST another message to the same interaction. There is no nonce here: twice sent is there twice."""
    fake = request.app[server.FAKE]
    record = _get_record(request)
    payload = await server.read_payload(request)
    validation.check_message(payload)
    reply = {"id": str(fake.world.next_snowflake()), **payload}
    record["replies"].append(reply)
    _record_first_answer(fake, record)
    return server.json_response(_render_reply(fake, record, reply))


async def edit_reply(request: web.Request) -> web.StreamResponse:
    """PATCH the first answer (`@original`) or a follow-up."""
    fake = request.app[server.FAKE]
    record = _get_record(request)
    payload = await server.read_payload(request)
    wanted = request.match_info["message_id"]
    if wanted == "@original" and not record["replies"]:
        record["replies"].append({"id": str(fake.world.next_snowflake())})
    reply = _find_reply(record, wanted)
    merged = reply | payload
    merged["flags"] = int(reply.get("flags") or 0) | int(payload.get("flags") or 0)
    validation.check_message(merged)
    reply.update(merged)
    _record_first_answer(fake, record)
    return server.json_response(_render_reply(fake, record, reply))


async def get_reply(request: web.Request) -> web.StreamResponse:
    """GET the first answer or a follow-up."""
    record = _get_record(request)
    reply = _find_reply(record, request.match_info["message_id"])
    return server.json_response(_render_reply(request.app[server.FAKE], record, reply))


async def delete_reply(request: web.Request) -> web.StreamResponse:
    """DELETE the first answer or a follow-up."""
    record = _get_record(request)
    record["replies"].remove(_find_reply(record, request.match_info["message_id"]))
    return web.Response(status=204)


def _find_reply(record: Json, wanted: str) -> Json:
    for reply in record["replies"]:
        if wanted in ("@original", reply["id"]):
            found: Json = reply
            return found
    raise wire.unknown_message()


def add_routes(app: web.Application) -> None:
    """Add this module's routes."""
    app.router.add_post(server.API + "/interactions/{webhook_id}/{token}/callback", create_callback)
    base = server.API + "/webhooks/{webhook_id}/{token}"
    app.router.add_post(base, create_followup)
    app.router.add_patch(base + "/messages/{message_id}", edit_reply)
    app.router.add_get(base + "/messages/{message_id}", get_reply)
    app.router.add_delete(base + "/messages/{message_id}", delete_reply)
