"""REST: messages in channels, threads and direct messages: post once a nonce, look up, edit, delete, publish."""

from __future__ import annotations

from aiohttp import web

from tests.fake_discord import server, validation, wire
from tests.fake_discord import world as w

Json = dict[str, object]

MISSING_ACCESS = wire.ApiError(403, 50001, "Missing Access")
MISSING_PERMISSIONS = wire.ApiError(403, 50013, "Missing Permissions")


def require_channel(request: web.Request, needed: int = w.VIEW_CHANNEL) -> w.Channel:
    """The request's channel, if it exists and the bot holds the `needed` permissions there."""
    world = request.app[server.FAKE].world
    channel = world.channels.get(int(request.match_info["channel_id"]))
    if channel is None or channel.deleted:
        raise wire.unknown_channel()
    permissions = world.permissions(channel)
    if not permissions & w.VIEW_CHANNEL:
        raise MISSING_ACCESS
    if permissions & needed != needed:
        raise MISSING_PERMISSIONS
    return channel


def require_message(request: web.Request, channel: w.Channel) -> w.Message:
    """The request's message in this channel."""
    message = channel.find(int(request.match_info["message_id"]))
    if message is None:
        raise wire.unknown_message()
    return message


async def create_message(request: web.Request) -> web.StreamResponse:
    """POST a message; an enforced nonce that was seen gives back the first message."""
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


def _repeat_response(world: w.World, channel: w.Channel, message_id: int, nonce: object) -> web.Response:
    message = channel.find(message_id)
    if message is None:
        raise wire.unknown_message()
    return server.json_response(wire.render_message(message, world) | {"nonce": nonce})


def _check_may_send(world: w.World, channel: w.Channel) -> None:
    if channel.type == w.DM and channel.closed:
        raise wire.ApiError(403, 50007, "Cannot send messages to this user")
    if channel.type in w.THREAD_ONLY_TYPES:
        raise wire.ApiError(400, 50008, "Cannot send messages in a non-text channel")
    thread = channel.type in w.THREAD_TYPES
    if thread and channel.locked:
        raise wire.ApiError(403, 160005, "Thread is locked")
    needed = w.SEND_MESSAGES_IN_THREADS if thread else w.SEND_MESSAGES
    if not world.permissions(channel) & needed:
        raise MISSING_PERMISSIONS


async def list_messages(request: web.Request) -> web.StreamResponse:
    """GET messages, newest first; without the permission to read the history the list is empty, not refused."""
    fake = request.app[server.FAKE]
    channel = require_channel(request)
    if not fake.world.permissions(channel) & w.READ_MESSAGE_HISTORY:
        return server.json_response([])
    limit = int(request.query.get("limit", "50"))
    if not 1 <= limit <= 100:
        raise validation.invalid_form_body("limit", "Must be between 1 and 100.")
    kept = [m for m in channel.messages if not m.deleted]
    chosen = _select_page(kept, request.query, limit)
    return server.json_response([wire.render_message(m, fake.world) for m in reversed(chosen)])


def _select_page(kept: list[w.Message], query: object, limit: int) -> list[w.Message]:
    assert hasattr(query, "get")
    after, before, around = (int(query.get(key) or 0) for key in ("after", "before", "around"))
    if around:
        older = [m for m in kept if m.id <= around][-(limit // 2 + 1) :]
        return older + [m for m in kept if m.id > around][: limit - len(older)]
    if after:
        return [m for m in kept if m.id > after][:limit]
    return [m for m in kept if not before or m.id < before][-limit:]


async def get_message(request: web.Request) -> web.StreamResponse:
    """GET one message."""
    channel = require_channel(request, w.VIEW_CHANNEL | w.READ_MESSAGE_HISTORY)
    world = request.app[server.FAKE].world
    return server.json_response(wire.render_message(require_message(request, channel), world))


async def edit_message(request: web.Request) -> web.StreamResponse:
    """PATCH one of the bot's messages; the V2 flag stays once set."""
    fake = request.app[server.FAKE]
    payload = await server.read_payload(request)
    channel = require_channel(request)
    message = require_message(request, channel)
    if channel.type in w.THREAD_TYPES and channel.archived:
        raise wire.ApiError(400, 50083, "Thread is archived")
    fake.schemas.check("MessageEditRequestPartial", payload)
    merged = message.payload | payload
    merged["flags"] = int(message.payload.get("flags") or 0) | int(payload.get("flags") or 0)
    validation.check_message(merged)
    message.payload, message.edited_at = merged, fake.world.now()
    return server.json_response(wire.render_message(message, fake.world))


async def delete_message(request: web.Request) -> web.StreamResponse:
    """DELETE one of the bot's messages."""
    require_message(request, require_channel(request)).deleted = True
    return web.Response(status=204)


async def crosspost(request: web.Request) -> web.StreamResponse:
    """Publish a message of an announcement channel to its followers."""
    channel = require_channel(request, w.SEND_MESSAGES)
    message = require_message(request, channel)
    if channel.type != w.ANNOUNCEMENT:
        raise wire.ApiError(403, 50024, "Cannot execute action on this channel type")
    if message.published:
        raise wire.ApiError(400, 40033, "This message has already been crossposted")
    message.published = True
    return server.json_response(wire.render_message(message, request.app[server.FAKE].world))


async def trigger_typing(request: web.Request) -> web.StreamResponse:
    """Say that the bot is typing; nobody sees it here."""
    require_channel(request)
    return web.Response(status=204)


def add_routes(app: web.Application) -> None:
    """Add this module's routes."""
    base = server.API + "/channels/{channel_id}/messages"
    app.router.add_post(base, create_message)
    app.router.add_get(base, list_messages)
    one = base + "/{message_id:[0-9]+}"
    app.router.add_get(one, get_message)
    app.router.add_patch(one, edit_message)
    app.router.add_delete(one, delete_message)
    app.router.add_post(one + "/crosspost", crosspost)
    app.router.add_post(server.API + "/channels/{channel_id}/typing", trigger_typing)
