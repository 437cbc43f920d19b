"""REST endpoints for the answers to interactions: callbacks, edits and follow-ups."""

import time

from simcord.backend import errors

from tests.fake_discord import model, validation, wire
from tests.fake_discord.model import Json
from tests.fake_discord.server import CALLBACK_SECONDS, Call, route
from tests.support import patience

REPLIES = "/webhooks/{webhook_id:9[0-9]{17}}/{token}"

CHANNEL_MESSAGE = 4
DEFERRED_CALLBACKS = (5, 6)
EPHEMERAL = 1 << 6


@route("POST", "/interactions/{webhook_id}/{token}/callback")
def create_callback(call: Call) -> Json:
    """Accept the callback once, within three seconds."""
    interaction, kind = _require_interaction(call), call.payload["type"]
    if interaction.callback is not None:
        raise errors.already_acknowledged()
    if time.perf_counter() - interaction.sent_at > patience.scaled(CALLBACK_SECONDS):
        raise errors.unknown_interaction()
    data = call.payload.get("data") or {}
    message_id = call.world.next_snowflake()
    if kind == CHANNEL_MESSAGE:
        validation.check("CreateMessageInteractionCallbackRequest", call.payload)
        _add_reply(interaction, message_id, data)
    interaction.callback = call.payload
    interaction.is_acknowledged.set()
    is_deferred = kind in DEFERRED_CALLBACKS
    if not is_deferred:
        interaction.is_answered.set()
    body = {
        "id": str(interaction.id),
        "type": wire.COMMAND,
        "response_message_id": str(message_id),
        "response_message_loading": is_deferred,
        "response_message_ephemeral": bool(int(data.get("flags") or 0) & EPHEMERAL),
    }
    return {"interaction": body, "resource": {"type": kind}}


def _require_interaction(call: Call) -> model.Interaction:
    interaction = call.world.interactions.get(call.path["token"])
    if interaction is None:
        raise errors.unknown_webhook()
    return interaction


def _add_reply(interaction: model.Interaction, message_id: int, payload: Json) -> model.Message:
    components = validation.check_message(payload)
    reply = model.Message(message_id, interaction.channel_id, payload, components)
    interaction.replies.append(reply)
    return reply


def _answer(call: Call, interaction: model.Interaction, reply: model.Message) -> Json:
    interaction.is_answered.set()
    ids = dict.fromkeys(("webhook_id", "application_id"), str(model.APPLICATION_ID))
    return wire.render_message(reply, call.world) | ids


@route("POST", REPLIES)
def create_followup(call: Call) -> Json:
    """Create a follow-up message. It takes no nonce, so a repeated request creates another one."""
    interaction = _require_interaction(call)
    return _answer(call, interaction, _add_reply(interaction, call.world.next_snowflake(), call.payload))


@route("PATCH", REPLIES + "/messages/{message_id}")
def edit_reply(call: Call) -> Json:
    """Edit the original response (`@original`) or a follow-up."""
    interaction, message_id = _require_interaction(call), call.path["message_id"]
    if message_id == "@original" and not interaction.replies:
        return _answer(call, interaction, _add_reply(interaction, call.world.next_snowflake(), call.payload))
    found = [reply for reply in interaction.replies if message_id in ("@original", str(reply.id))]
    if not found:
        raise errors.unknown_message()
    reply = found[0]
    merged = reply.payload | call.payload
    merged["flags"] = int(reply.payload.get("flags") or 0) | int(call.payload.get("flags") or 0)
    reply.components, reply.payload = validation.check_message(merged), merged
    return _answer(call, interaction, reply)
