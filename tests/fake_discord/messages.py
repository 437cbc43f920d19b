"""REST endpoints for messages in channels, threads and DMs, and by webhooks.

Webhooks take no nonce and list no messages.
"""

from simcord import components
from simcord.backend import errors
from simcord.backend.errors import BackendError

from tests.fake_discord import model, validation, wire
from tests.fake_discord.model import Json
from tests.fake_discord.server import Call, route

MESSAGES = "/channels/{channel_id}/messages"
MESSAGE = MESSAGES + "/{message_id:[0-9]+}"
WEBHOOK = "/webhooks/{webhook_id:8[0-9]{17}}/{token}"
"""Other paths below `/webhooks` reply to interactions and contain the id of the application, which begins with 9."""


@route("POST", MESSAGES)
def create_message(call: Call) -> Json:
    """Create a message. A repeated enforced nonce returns the first message."""
    payload, channel = call.payload, call.channel()
    _check_may_send(call, channel)
    nonce = payload.get("nonce")
    message = call.world.find_by_nonce(str(nonce)) if payload.get("enforce_nonce") else None
    if message is None:
        validation.check("MessageCreateRequest", payload)
        numbered = validation.check_message(payload)
        channel.archived = False
        message = call.world.add_message(channel, payload, components=numbered)
    elif message.deleted:
        raise errors.unknown_message()
    return wire.render_message(message, call.world) | {"nonce": nonce}


def _check_may_send(call: Call, channel: model.Channel) -> None:
    if channel.type == model.FORUM:
        raise BackendError(400, 50008, "Cannot send messages in a non-text channel")
    needed = model.SEND_MESSAGES_IN_THREADS if channel.is_thread else model.SEND_MESSAGES
    call.channel(needed | (model.SEND_POLLS if call.payload.get("poll") else 0))
    is_reply = "message_reference" in call.payload
    if is_reply and not call.world.permissions(channel) & model.READ_MESSAGE_HISTORY:
        raise BackendError(400, 160002, "Cannot reply without permission to read message history")


@route("GET", MESSAGES)
def list_messages(call: Call) -> list[Json]:
    """Return messages, newest first; none without the permission to read the history."""
    channel = call.channel()
    if not call.world.permissions(channel) & model.READ_MESSAGE_HISTORY:
        return []
    limit = int(call.query.get("limit", "50"))
    if not 1 <= limit <= 100:
        raise validation.invalid_form_body("limit", "Must be between 1 and 100.")
    before = int(call.query.get("before") or 0)
    page = [m for m in channel.messages if not m.deleted and (not before or m.id < before)][-limit:]
    return [wire.render_message(message, call.world) for message in reversed(page)]


@route("GET", MESSAGE)
def get_message(call: Call) -> Json:
    return wire.render_message(call.message(model.VIEW_CHANNEL | model.READ_MESSAGE_HISTORY), call.world)


@route("PATCH", MESSAGE)
def edit_message(call: Call) -> Json:
    """Replace what a message of the bot says."""
    message = call.message()
    validation.check("MessageEditRequestPartial", call.payload)
    merged = message.payload | call.payload
    message.components, message.payload = validation.check_message(merged), merged
    return wire.render_message(message, call.world)


@route("POST", "/channels/{channel_id}/polls/{message_id}/expire")
def expire_poll(call: Call) -> Json:
    message = call.message()
    message.poll_ended = True
    return wire.render_message(message, call.world)


@route("POST", MESSAGE + "/crosspost")
def crosspost(call: Call) -> Json:
    message = call.message(model.SEND_MESSAGES)
    if call.channel().type != model.ANNOUNCEMENT:
        raise BackendError(403, 50024, "Cannot execute action on this channel type")
    if message.published:
        raise errors.already_crossposted()
    message.published = True
    return wire.render_message(message, call.world)


def _require_webhook(call: Call) -> model.Webhook:
    webhook = call.world.webhooks.get(int(call.path["webhook_id"]))
    if webhook is None or webhook.deleted:
        raise errors.unknown_webhook()
    if webhook.token != call.path["token"]:
        raise BackendError(401, 50027, "Invalid Webhook Token")
    return webhook


@route("GET", WEBHOOK)
def get_webhook(call: Call) -> Json:
    webhook = _require_webhook(call)
    return {"id": str(webhook.id), "type": 1, "channel_id": str(webhook.channel_id)}


@route("POST", WEBHOOK)
def execute_webhook(call: Call) -> Json | None:
    """Create a message; a repeated request creates another one. Without `wait`, the response is empty."""
    webhook, payload = _require_webhook(call), call.payload
    channel = call.world.channels[webhook.channel_id]
    if thread_id := call.query.get("thread_id"):
        thread = call.world.channels.get(int(thread_id))
        if thread is None or thread.parent_id != channel.id:
            raise errors.unknown_channel()
        channel = thread
    validation.check("IncomingWebhookRequestPartial", payload)
    # Without the parameter, Discord ignores the components.
    shown = payload.get("components", []) if call.query.get("with_components") == "true" else []
    if any("custom_id" in component for component in components.walk_components(shown)):
        raise validation.invalid_form_body("components", "This webhook cannot send interactive components")
    numbered = validation.check_message({**payload, "components": shown})
    message = call.world.add_message(channel, payload, author_id=webhook.id, components=numbered)
    if call.query.get("wait") != "true":
        return None
    return wire.render_message(message, call.world) | {"webhook_id": str(webhook.id)}
