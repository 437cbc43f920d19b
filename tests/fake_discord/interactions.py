"""Interactions: sent over the Gateway or to fronts, and answered by callbacks, edits and follow-ups."""

import asyncio
import contextlib
import json
import time
from http import HTTPStatus

import aiohttp
from aiohttp import web

from tests.fake_discord import model, server, validation, wire
from tests.fake_discord.model import Json
from tests.support import patience

REPLIES = server.API + "/webhooks/{webhook_id}/{token}"
REPLY = REPLIES + "/messages/{message_id}"
routes = web.RouteTableDef()

COMMAND = 2
CHANNEL_MESSAGE = 4
DEFERRED_CALLBACKS = (5, 6)
EPHEMERAL = 1 << 6
CALLBACK_TIMEOUT_SECONDS = 3.0


def create_interaction(fake: server.Fake, fields: Json) -> Json:
    """Send INTERACTION_CREATE and return the record of its callback and replies.

    `fields` are data and channel_id, and optionally type, user_id and message_id.
    """
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
    }
    fake.interactions[token] = record
    loop = asyncio.get_running_loop()
    fake.callbacks[interaction_id] = loop.create_future()
    fake.responses[interaction_id] = loop.create_future()
    if fake.endpoints:
        task = asyncio.create_task(_send(fake, event))
        fake.sending.add(task)
        task.add_done_callback(fake.sending.discard)
    else:
        fake.gateway.dispatch("INTERACTION_CREATE", event)
    return record


async def _send(fake: server.Fake, event: Json) -> None:
    body, timestamp = json.dumps(event).encode(), str(int(fake.world.now()))
    headers = {
        "X-Signature-Ed25519": fake.key.sign(timestamp.encode() + body).hex(),
        "X-Signature-Timestamp": timestamp,
    }
    if fake.session is None:
        fake.session = aiohttp.ClientSession()
    fake.endpoints.append(fake.endpoints.pop(0))
    for url in [*fake.endpoints]:
        with contextlib.suppress(aiohttp.ClientError):
            async with fake.session.post(url, data=body, headers=headers) as response:
                assert response.status == HTTPStatus.ACCEPTED, await response.text()
                return


def _build_event(fake: server.Fake, fields: Json, channel: model.Channel) -> Json:
    user_id = int(fields.get("user_id") or model.OWNER_ID)
    event: Json = {
        "application_id": str(model.APPLICATION_ID),
        "type": fields.get("type", COMMAND),
        "data": fields["data"],
        "channel_id": str(channel.id),
        "channel": wire.render_channel(channel, fake.world),
        "version": 1,
        "locale": "en-US",
        "app_permissions": str(fake.world.permissions(channel)),
        "entitlements": [],
        "authorizing_integration_owners": {"0": str(channel.guild_id or 0)},
        "context": 0 if channel.guild_id else 1,
        "attachment_size_limit": 10 << 20,
    }
    if fields.get("message_id"):
        event["message"] = _find_message(fake, channel, int(fields["message_id"]))
    if channel.guild_id is None:
        return event | {"user": wire.render_user(user_id)}
    guild = fake.world.guilds[channel.guild_id]
    member = wire.render_member(guild, user_id) | {"permissions": str(model.ALL_PERMISSIONS)}
    return event | {
        "guild_id": str(guild.id),
        "guild": {"id": str(guild.id), "locale": guild.locale, "features": []},
        "guild_locale": guild.locale,
        "member": member,
    }


def _find_message(fake: server.Fake, channel: model.Channel, message_id: int) -> Json:
    """Return a channel's message, or a reply to an earlier interaction."""
    if message := channel.find(message_id):
        return wire.render_message(message, fake.world)
    replies = [(record, reply) for record in fake.interactions.values() for reply in record["replies"]]
    [found] = [_render_reply(fake, *of) for of in replies if of[1]["id"] == str(message_id)]
    return found


@routes.post(server.API + "/interactions/{webhook_id}/{token}/callback")
async def create_callback(request: web.Request) -> web.StreamResponse:
    """Accept the callback once, within three seconds."""
    fake = request.app[server.FAKE]
    record = _get_record(request)
    payload = await server.read_payload(request)
    if record["callback"] is not None:
        raise wire.ApiError(400, 40060, "Interaction has already been acknowledged")
    elapsed = time.perf_counter() - record["sent_at"]
    if elapsed > patience.scaled(CALLBACK_TIMEOUT_SECONDS):
        raise wire.ApiError(404, 10062, "Unknown interaction")
    data = payload.get("data") or {}
    if payload["type"] == CHANNEL_MESSAGE:
        fake.schemas.check("CreateMessageInteractionCallbackRequest", payload)
        validation.check_message(data)
    record["callback"] = payload
    fake.callbacks[record["id"]].set_result(record)
    message_id = fake.world.next_snowflake()
    is_deferred = payload["type"] in DEFERRED_CALLBACKS
    if not is_deferred:
        _record_first_response(fake, record)
    if payload["type"] == CHANNEL_MESSAGE:
        record["replies"].append({"id": str(message_id), **data})
    resource = {"type": payload["type"]}
    body = {
        "id": record["id"],
        "type": COMMAND,
        "response_message_id": str(message_id),
        "response_message_loading": is_deferred,
        "response_message_ephemeral": bool(int(data.get("flags") or 0) & EPHEMERAL),
    }
    return server.json_response({"interaction": body, "resource": resource})


def _record_first_response(fake: server.Fake, record: Json) -> None:
    future = fake.responses[record["id"]]
    if not future.done():
        future.set_result(record)


def _get_record(request: web.Request) -> Json:
    record = request.app[server.FAKE].interactions.get(request.match_info["token"])
    if record is None:
        raise wire.ApiError(404, 10015, "Unknown Webhook")
    return record


def _render_reply(fake: server.Fake, record: Json, reply: Json) -> Json:
    payload = {key: value for key, value in reply.items() if key != "id"}
    message = model.Message(int(reply["id"]), record["channel_id"], payload)
    return wire.render_message(message, fake.world) | {
        "webhook_id": str(model.APPLICATION_ID),
        "application_id": str(model.APPLICATION_ID),
    }


@routes.post(REPLIES)
async def create_followup(request: web.Request) -> web.StreamResponse:
    """Create a follow-up message. It takes no nonce, so a repeated request creates another one."""
    fake = request.app[server.FAKE]
    record = _get_record(request)
    payload = await server.read_payload(request)
    validation.check_message(payload)
    reply = {"id": str(fake.world.next_snowflake()), **payload}
    record["replies"].append(reply)
    _record_first_response(fake, record)
    return server.json_response(_render_reply(fake, record, reply))


@routes.patch(REPLY)
async def edit_reply(request: web.Request) -> web.StreamResponse:
    """Edit the original response (`@original`) or a follow-up."""
    fake = request.app[server.FAKE]
    record = _get_record(request)
    payload = await server.read_payload(request)
    message_id = request.match_info["message_id"]
    if message_id == "@original" and not record["replies"]:
        record["replies"].append({"id": str(fake.world.next_snowflake())})
    reply = _find_reply(record, message_id)
    merged = reply | payload
    merged["flags"] = int(reply.get("flags") or 0) | int(payload.get("flags") or 0)
    validation.check_message(merged)
    reply.update(merged)
    _record_first_response(fake, record)
    return server.json_response(_render_reply(fake, record, reply))


def _find_reply(record: Json, message_id: str) -> Json:
    replies: list[Json] = record["replies"]
    for reply in replies:
        if message_id in ("@original", reply["id"]):
            return reply
    raise wire.unknown_message()
