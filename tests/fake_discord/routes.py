"""What Discord's endpoints do that SimCord's do not: nonces, ids, pages, threads of webhooks, and what they refuse.

They keep `docs/services.md`, sections *Repeating and finding* and *Webhooks and interactions*.
"""

import base64
import time
from datetime import datetime
from typing import Any

from simcord.backend import errors, serializers
from simcord.backend.access import channel_accessible
from simcord.backend.errors import BackendError
from simcord.backend.models import Channel, Message, Webhook
from simcord.components import walk_components
from simcord.enums import CallbackType
from simcord.http import _helpers
from simcord.http.routes import channels, interactions, messages, scheduled_events

from tests.fake_discord import model, validation
from tests.fake_discord.model import Json
from tests.fake_discord.server import CALLBACK_SECONDS, Call, route
from tests.support import patience

CHANNEL, GUILD = "/channels/{channel_id}", "/guilds/{guild_id}"
MESSAGES = CHANNEL + "/messages"
WEBHOOK = "/webhooks/{webhook_id}/{token}"


# Accounts.


@route("GET", "/gateway/bot")
def get_gateway(call: Call) -> Json:
    gateway = call.fake.gateway
    starts = {"total": 1000, "remaining": gateway.session_starts, "reset_after": 500, "max_concurrency": 1}
    return {"url": gateway.url, "shards": 1, "session_start_limit": starts}


@route("GET", "/gateway")
def get_gateway_address(call: Call) -> Json:
    """Return the Gateway's address, without a login."""
    return {"url": call.fake.gateway.url}


@route("GET", "/oauth2/applications/@me")
@route("GET", "/applications/@me")
def get_application(call: Call) -> Json:
    return {
        "id": str(model.APPLICATION_ID),
        "name": "Paperround",
        "interactions_endpoint_url": None,
        **call.fake.application,
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "owner": serializers.user_payload(call.world.users[model.OWNER_ID]),
        "team": None,
        "flags": 0,
        "rpc_origins": [],
    }


@route("PATCH", "/applications/@me")
def edit_application(call: Call) -> Json:
    """Change the application. Refuses all that the schema does not name, or that Discord would not take."""
    body, changes = call.body(), dict[str, Any]()
    validation.check("ApplicationFormPartial", body)
    for name, value in body.items():
        if name == "integration_types_config":
            changes[name] = {kind: _read_install(kind, config) for kind, config in value.items()}
        elif name == "description":
            changes[name] = value["default"]
        elif name == "icon":
            header, _, image = value.partition(";base64,")
            if header != "data:image/png" or not base64.b64decode(image, validate=True).startswith(
                b"\x89PNG"
            ):
                raise validation.invalid_form_body(name, "Invalid image data")
            changes[name] = "1" * 32
        else:
            raise validation.invalid_form_body(name, "This field is not allowed here.")
    call.fake.application |= changes
    application: Json = get_application(call)
    return application


def _read_install(kind: str, config: Json) -> Json:
    """Return a way to install the application as Discord answers it: permissions are a text."""
    field = f"integration_types_config.{kind}"
    if kind not in ("0", "1") or set(config) != {"oauth2_install_params"}:
        raise validation.invalid_form_body(field, "Unknown field.")
    params = config["oauth2_install_params"]
    if set(params) != {"scopes", "permissions"} or (params["permissions"] and "bot" not in params["scopes"]):
        raise validation.invalid_form_body(field, "Permissions need the scope bot.")
    return {"oauth2_install_params": params | {"permissions": str(params["permissions"])}}


# Channels, threads and events.


@route("GET", CHANNEL)
def get_channel(call: Call) -> Json:
    body: Json = channels.get_channel(call)
    return body | {"flags": (1 << 4) if call.int_arg("channel_id") in call.world.tag_required else 0}


@route("POST", MESSAGES + "/{message_id}/threads")
def create_thread_from_message(call: Call) -> Json:
    """Create a thread on a message. It gets the message's id, so a message has at most one thread."""
    parent = call.require_channel_permissions(call.int_arg("channel_id"))
    message = call.require_message(parent.id, call.int_arg("message_id"))
    if message.id in call.world.channels:
        raise BackendError(400, 160004, "A thread has already been created for this message")
    kind = model.ANNOUNCEMENT_THREAD if parent.type == model.ANNOUNCEMENT else model.THREAD
    return _add_thread(call, parent, kind, message.id)


@route("POST", CHANNEL + "/threads")
def create_thread(call: Call) -> Json:
    """Create a thread, or in a forum a post whose first message has the thread's id. Neither takes a nonce."""
    parent = call.require_channel_permissions(call.int_arg("channel_id"), "send_messages")
    if parent.type != model.FORUM:
        return _add_thread(call, parent, model.THREAD, call.world.snowflake())
    if parent.id in call.world.tag_required and not call.body().get("applied_tags"):
        raise BackendError(400, 40067, "A tag is required to create a forum post in this channel")
    validation.check("CreateForumThreadRequest", call.json)
    said = call.body().get("message") or {}
    validation.check_limits(said)
    prepared = _helpers.prepare_bot_message(call, parent.id, body=said)
    first = prepared[0]
    body = _add_thread(call, parent, model.THREAD, first.id)
    first.channel_id = first.id
    return body | {
        "message": _helpers.message_response(call, _helpers.commit_bot_message(call, first.id, prepared))
    }


def _add_thread(call: Call, parent: Channel, kind: int, thread_id: int) -> Json:
    name = call.body().get("name") or ""
    if not 1 <= len(name) <= 100:
        raise validation.invalid_form_body("name", "Must be between 1 and 100 in length.")
    assert parent.guild_id is not None
    thread = call.world.add_channel(thread_id, kind, parent.guild_id, name=name, parent_id=parent.id)
    call.world.announce_thread_create(thread)
    return dict(serializers.thread_payload(call.world, thread))


@route("GET", GUILD + "/threads/active")
def list_active_threads(call: Call) -> Json:
    return _list_threads(call, call.world.active_threads(call.int_arg("guild_id")), 1000)


@route("GET", CHANNEL + "/threads/archived/public")
def list_archived_threads(call: Call) -> Json:
    """Return a page of threads archived before the time `before`, most recently archived first."""
    parent = call.require_channel_permissions(call.int_arg("channel_id"), "read_message_history")
    limit = _read_limit(call, 2)
    threads = call.world.archived_threads(parent.id, private=False)
    if "before" in call.params:
        before = datetime.fromisoformat(call.params["before"])
        threads = [thread for thread in threads if _archived_at(thread) < before]
    return _list_threads(call, sorted(threads, key=_archived_at, reverse=True), limit)


def _archived_at(thread: Channel) -> datetime:
    assert thread.thread_metadata is not None
    return datetime.fromisoformat(thread.thread_metadata.archive_timestamp)


def _list_threads(call: Call, threads: list[Channel], limit: int) -> Json:
    seen = [thread for thread in threads if channel_accessible(call.world, thread.id, model.BOT_ID)]
    return serializers.thread_list_payload(call.world, seen[:limit], has_more=len(seen) > limit)


def _read_limit(call: Call, least: int) -> int:
    limit = int(call.params.get("limit", "50"))
    if not least <= limit <= 100:
        raise validation.invalid_form_body("limit", f"Must be between {least} and 100.")
    return limit


@route("POST", GUILD + "/scheduled-events")
def create_event(call: Call) -> Json:
    """Create an external event, which must start in the future. It takes no nonce."""
    validation.check("ExternalScheduledEventCreateRequest", call.json)
    if datetime.fromisoformat(call.body()["scheduled_start_time"]) <= call.world.clock.now():
        raise validation.invalid_form_body("scheduled_start_time", "Cannot schedule event in the past.")
    event: Json = scheduled_events.create_scheduled_event(call)
    return event


# Commands.


@route("PUT", "/applications/{application_id}/commands")
def put_commands(call: Call) -> list[Json]:
    commands: list[Json] = call.json or []
    for command in commands:
        validation.check("ApplicationCommandUpdateRequest", command)
    fields = [{name: value for name, value in command.items() if name != "nsfw"} for command in commands]
    return call.world.register_commands(None, fields)


# Messages.


@route("POST", MESSAGES)
def create_message(call: Call) -> Json:
    """Create a message. A repeated enforced nonce returns the first message."""
    body, channel = call.body(), call.require_channel_permissions(call.int_arg("channel_id"))
    if channel.type == model.FORUM:
        raise BackendError(400, 50008, "Cannot send messages in a non-text channel")
    needed = ["send_messages_in_threads" if channel.is_thread else "send_messages"]
    call.require_channel_permissions(channel.id, *needed, *(["send_polls"] if body.get("poll") else []))
    if "message_reference" in body and not channel_accessible(
        call.world, channel.id, model.BOT_ID, history=True
    ):
        raise BackendError(400, 160002, "Cannot reply without permission to read message history")
    nonce = body.get("nonce")
    sent_at, message = call.world.nonces.get(str(nonce), (call.world.clock.now(), None))
    if (
        message is None
        or not body.get("enforce_nonce")
        or call.world.clock.now() - sent_at > model.NONCE_WINDOW
    ):
        if not any(body.get(key) for key in ("content", "embeds", "components", "attachments", "poll")):
            raise BackendError(400, 50006, "Cannot send an empty message")
        validation.check("MessageCreateRequest", body)
        validation.check_limits(body)
        call.world.nonce = nonce
        message = _helpers.bot_message(call, channel.id)
        call.world.nonce = None
        _renumber_answers(message)
        if channel.thread_metadata is not None:
            channel.thread_metadata.archived = False
        if body.get("enforce_nonce"):
            call.world.nonces[str(nonce)] = call.world.clock.now(), message
    elif message.id not in call.world.messages[channel.id]:
        raise errors.unknown_message()
    return _helpers.message_response(call, message) | {"nonce": nonce}


def _renumber_answers(message: Message) -> None:
    """Discord numbers a poll's answers from 1 today, and recommends against relying on it (resources/poll)."""
    answers = message.poll.answers if message.poll else []
    for number, answer in enumerate(reversed(answers), 1):
        answer.answer_id = 10 * number


@route("GET", MESSAGES)
def list_messages(call: Call) -> list[Json]:
    _read_limit(call, 1)
    found: list[Json] = messages.get_history(call)
    return found


@route("GET", MESSAGES + "/{message_id}")
def get_message(call: Call) -> Json:
    """Return a message. A poll counts the answers that have votes, finally once it has ended."""
    call.world.expire_due_polls()
    body: Json = messages.get_message(call)
    if "poll" in body:
        results = body["poll"]["results"]
        results["answer_counts"] = [count for count in results["answer_counts"] if count["count"]]
    return body


@route("PATCH", MESSAGES + "/{message_id}")
def edit_message(call: Call) -> Json:
    validation.check("MessageEditRequestPartial", call.json)
    validation.check_limits(call.body())
    edited: Json = messages.edit_message(call)
    return edited


# Webhooks, and the answers to interactions, whose paths are those of the application's webhook.


def _require_webhook(call: Call) -> Webhook:
    webhook = call.world.get_webhook(call.int_arg("webhook_id"))
    if webhook.token != call.args["token"]:
        raise BackendError(401, 50027, "Invalid Webhook Token")
    return webhook


@route("GET", WEBHOOK)
def get_webhook(call: Call) -> Json:
    return serializers.webhook_payload(call.world, _require_webhook(call), include_token=False)


@route("POST", WEBHOOK)
def execute_webhook(call: Call) -> Json | None:
    """Create a message; a repeated request creates another one. Without `wait`, the response is empty."""
    if call.int_arg("webhook_id") == model.APPLICATION_ID:
        return _answer(call, interactions.execute_webhook)
    webhook, body = _require_webhook(call), dict(call.body())
    channel_id = int(call.params.get("thread_id", webhook.channel_id))
    if webhook.channel_id not in (channel_id, call.world.get_channel(channel_id).parent_id):
        raise errors.unknown_channel()
    validation.check("IncomingWebhookRequestPartial", body)
    if call.params.get("with_components") != "true":
        body.pop("components", None)
    if any("custom_id" in component for component in walk_components(body.get("components", []))):
        raise validation.invalid_form_body("components", "This webhook cannot send interactive components")
    validation.check_limits(body)
    of_webhook: Json = {
        "author_id": webhook.webhook_user_id,
        "webhook_id": webhook.id,
        "webhook_execute": True,
    }
    message = _helpers.bot_message(call, channel_id, body=body, **of_webhook)
    return _helpers.message_response(call, message) if call.params.get("wait") == "true" else None


@route("POST", "/interactions/{interaction_id}/{token}/callback")
def create_callback(call: Call) -> Json:
    """Accept the callback within three seconds."""
    asked, body = call.fake.asked[call.args["token"]], call.body()
    if time.perf_counter() - asked.sent_at > patience.scaled(CALLBACK_SECONDS):
        raise errors.unknown_interaction()
    if body["type"] == CallbackType.CHANNEL_MESSAGE_WITH_SOURCE:
        validation.check("CreateMessageInteractionCallbackRequest", body)
        validation.check_limits(body["data"])
    response: Json = interactions.interaction_callback(call)
    asked.is_acknowledged.set()
    if not asked.record.deferred:
        asked.is_answered.set()
    return response


@route("PATCH", WEBHOOK + "/messages/@original")
def edit_original(call: Call) -> Json:
    return _answer(call, interactions.edit_original_response)


@route("PATCH", WEBHOOK + "/messages/{message_id}")
def edit_followup(call: Call) -> Json:
    return _answer(call, interactions.edit_followup)


def _answer(call: Call, answer: Any) -> Json:
    asked = call.fake.asked.get(call.args["token"])
    if asked is None:
        raise errors.unknown_webhook()
    validation.check_limits(call.body())
    body: Json = answer(call)
    asked.is_answered.set()
    return body
