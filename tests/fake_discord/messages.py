"""REST endpoints for messages in channels, threads and DMs."""

from __future__ import annotations

from aiohttp import web

from tests.fake_discord import model, server, validation, wire

MESSAGES = server.API + "/channels/{channel_id}/messages"
MESSAGE = MESSAGES + "/{message_id:[0-9]+}"
routes = web.RouteTableDef()

MISSING_ACCESS = wire.ApiError(403, 50001, "Missing Access")
MISSING_PERMISSIONS = wire.ApiError(403, 50013, "Missing Permissions")


def require_channel(request: web.Request, needed: int = model.VIEW_CHANNEL) -> model.Channel:
    """Return the channel in a request's path. Raises ApiError if it is unknown or the bot lacks `needed` permissions."""
    world = request.app[server.FAKE].world
    channel = world.channels.get(int(request.match_info["channel_id"]))
    if channel is None:
        raise wire.unknown_channel()
    permissions = world.permissions(channel)
    if not permissions & model.VIEW_CHANNEL:
        raise MISSING_ACCESS
    if permissions & needed != needed:
        raise MISSING_PERMISSIONS
    return channel


def require_message(request: web.Request, channel: model.Channel) -> model.Message:
    message = channel.find(int(request.match_info["message_id"]))
    if message is None:
        raise wire.unknown_message()
    return message


@routes.post(MESSAGES)
async def create_message(request: web.Request) -> web.StreamResponse:
    """Create a message; a repeated enforced nonce returns the first message."""
    fake = request.app[server.FAKE]
    payload = await server.read_payload(request)
    channel = require_channel(request)
    _check_may_send(fake.world, channel)
    nonce = payload.get("nonce")
    if nonce is not None and payload.get("enforce_nonce"):
        earlier = fake.world.find_by_nonce(str(nonce))
        if earlier is not None:
            return _repeat_response(fake.world, *earlier, nonce)
    fake.schemas.check("MessageCreateRequest", payload)
    validation.check_message(payload)
    channel.archived = False
    message = fake.world.add_message(channel, payload)
    return server.json_response(wire.render_message(message, fake.world) | {"nonce": nonce})


def _repeat_response(
    world: model.World, channel: model.Channel, message_id: int, nonce: object
) -> web.Response:
    message = channel.find(message_id)
    if message is None:
        raise wire.unknown_message()
    return server.json_response(wire.render_message(message, world) | {"nonce": nonce})


def _check_may_send(world: model.World, channel: model.Channel) -> None:
    if channel.type == model.FORUM:
        raise wire.ApiError(400, 50008, "Cannot send messages in a non-text channel")
    thread = channel.type in model.THREAD_TYPES
    if thread and channel.locked:
        raise wire.ApiError(403, 160005, "Thread is locked")
    needed = model.SEND_MESSAGES_IN_THREADS if thread else model.SEND_MESSAGES
    if not world.permissions(channel) & needed:
        raise MISSING_PERMISSIONS


@routes.get(MESSAGES)
async def list_messages(request: web.Request) -> web.StreamResponse:
    """Return messages, newest first, but none without the permission to read the history."""
    fake = request.app[server.FAKE]
    channel = require_channel(request)
    if not fake.world.permissions(channel) & model.READ_MESSAGE_HISTORY:
        return server.json_response([])
    limit = int(request.query.get("limit", "50"))
    if not 1 <= limit <= 100:
        raise validation.invalid_form_body("limit", "Must be between 1 and 100.")
    before = int(request.query.get("before") or 0)
    page = [m for m in channel.messages if not m.deleted and (not before or m.id < before)][-limit:]
    return server.json_response([wire.render_message(message, fake.world) for message in reversed(page)])


@routes.get(MESSAGE)
async def get_message(request: web.Request) -> web.StreamResponse:
    channel = require_channel(request, model.VIEW_CHANNEL | model.READ_MESSAGE_HISTORY)
    world = request.app[server.FAKE].world
    return server.json_response(wire.render_message(require_message(request, channel), world))


@routes.post(server.API + "/channels/{channel_id}/polls/{message_id}/expire")
async def expire_poll(request: web.Request) -> web.StreamResponse:
    message = require_message(request, require_channel(request))
    message.poll_ended = True
    return server.json_response(wire.render_message(message, request.app[server.FAKE].world))


@routes.post(MESSAGE + "/crosspost")
async def crosspost(request: web.Request) -> web.StreamResponse:
    channel = require_channel(request, model.SEND_MESSAGES)
    message = require_message(request, channel)
    if channel.type != model.ANNOUNCEMENT:
        raise wire.ApiError(403, 50024, "Cannot execute action on this channel type")
    if message.published:
        raise wire.ApiError(400, 40033, "This message has already been crossposted")
    message.published = True
    return server.json_response(wire.render_message(message, request.app[server.FAKE].world))
