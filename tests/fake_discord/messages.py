"""REST endpoints for messages in channels, threads and DMs, and by webhooks.

Webhooks take no nonce and list no messages.
"""

from aiohttp import web

from tests.fake_discord import model, server, validation, wire

MESSAGES = server.API + "/channels/{channel_id}/messages"
MESSAGE = MESSAGES + "/{message_id:[0-9]+}"
WEBHOOK = server.API + "/webhooks/{webhook_id:8[0-9]{17}}/{token}"
"""Other paths below `/webhooks` reply to interactions and contain the application's id."""
routes = web.RouteTableDef()

MISSING_ACCESS = wire.ApiError(403, 50001, "Missing Access")
MISSING_PERMISSIONS = wire.ApiError(403, 50013, "Missing Permissions")


def require_channel(request: web.Request, needed: int = model.VIEW_CHANNEL) -> model.Channel:
    """Return the channel in the request's path.

    Raises ApiError if it is unknown or the bot lacks the permissions `needed`.
    """
    world = request.app[server.FAKE].world
    channel = world.channels.get(int(request.match_info["channel_id"]))
    if channel is None:
        raise wire.ApiError(404, 10003, "Unknown Channel")
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
    """Create a message. A repeated enforced nonce returns the first message."""
    fake = request.app[server.FAKE]
    payload = await server.read_payload(request)
    channel = require_channel(request)
    _check_may_send(fake.world, channel, payload)
    nonce = payload.get("nonce")
    message = fake.world.find_by_nonce(str(nonce)) if payload.get("enforce_nonce") else None
    if message is None:
        fake.schemas.check("MessageCreateRequest", payload)
        validation.check_message(payload)
        channel.archived = False
        message = fake.world.add_message(channel, payload)
    elif message.deleted:
        raise wire.unknown_message()
    return server.json_response(wire.render_message(message, fake.world) | {"nonce": nonce})


def _check_may_send(world: model.World, channel: model.Channel, payload: model.Json) -> None:
    if channel.type == model.FORUM:
        raise wire.ApiError(400, 50008, "Cannot send messages in a non-text channel")
    thread = channel.type in model.THREAD_TYPES
    needed = model.SEND_MESSAGES_IN_THREADS if thread else model.SEND_MESSAGES
    needed |= model.SEND_POLLS if payload.get("poll") else 0
    if world.permissions(channel) & needed != needed:
        raise MISSING_PERMISSIONS
    if "message_reference" in payload and not world.permissions(channel) & model.READ_MESSAGE_HISTORY:
        raise wire.ApiError(400, 160002, "Cannot reply without permission to read message history")


@routes.get(MESSAGES)
async def list_messages(request: web.Request) -> web.StreamResponse:
    """Return messages, newest first; none without the permission to read the history."""
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


@routes.patch(MESSAGE)
async def edit_message(request: web.Request) -> web.StreamResponse:
    """Replace what a message of the bot says."""
    fake = request.app[server.FAKE]
    payload = await server.read_payload(request)
    message = require_message(request, require_channel(request))
    fake.schemas.check("MessageEditRequestPartial", payload)
    message.payload = message.payload | payload
    validation.check_message({key: value for key, value in message.payload.items() if value is not None})
    return server.json_response(wire.render_message(message, fake.world))


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


def _require_webhook(request: web.Request) -> model.Webhook:
    webhook = request.app[server.FAKE].world.webhooks.get(int(request.match_info["webhook_id"]))
    if webhook is None or webhook.deleted:
        raise wire.ApiError(404, 10015, "Unknown Webhook")
    if webhook.token != request.match_info["token"]:
        raise wire.ApiError(401, 50027, "Invalid Webhook Token")
    return webhook


def _check_webhook(request: web.Request, payload: model.Json) -> None:
    fake = request.app[server.FAKE]
    fake.schemas.check("IncomingWebhookRequestPartial", payload)
    if request.query.get("with_components") != "true":
        payload = {**payload, "components": []}
    if any("custom_id" in component for component in validation.walk_components(payload["components"])):
        raise validation.invalid_form_body("components", "This webhook cannot send interactive components")
    validation.check_message(payload)


@routes.get(WEBHOOK)
async def get_webhook(request: web.Request) -> web.StreamResponse:
    webhook = _require_webhook(request)
    return server.json_response({"id": str(webhook.id), "type": 1, "channel_id": str(webhook.channel_id)})


@routes.post(WEBHOOK)
async def execute_webhook(request: web.Request) -> web.StreamResponse:
    """Create a message; a repeated request creates another one. Without `wait`, the response is empty."""
    world = request.app[server.FAKE].world
    webhook, payload = _require_webhook(request), await server.read_payload(request)
    channel = world.channels[webhook.channel_id]
    if thread_id := request.query.get("thread_id"):
        thread = world.channels.get(int(thread_id))
        if thread is None or thread.parent_id != channel.id:
            raise wire.ApiError(404, 10003, "Unknown Channel")
        channel = thread
    _check_webhook(request, {"components": [], **payload})
    message = world.add_message(channel, payload)
    message.author_id = webhook.id
    if request.query.get("wait") != "true":
        return web.Response(status=204)
    return server.json_response(wire.render_message(message, world) | {"webhook_id": str(webhook.id)})
