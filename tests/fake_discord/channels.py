"""REST endpoints for channels, threads, forum posts, guilds and their scheduled events."""

from collections.abc import Callable
from datetime import datetime

from simcord.backend.errors import BackendError

from tests.fake_discord import model, validation, wire
from tests.fake_discord.model import Json
from tests.fake_discord.server import Call, route

CHANNEL = "/channels/{channel_id}"
GUILD = "/guilds/{guild_id}"


@route("GET", CHANNEL)
def get_channel(call: Call) -> Json:
    return wire.render_channel(call.channel(), call.world)


@route("POST", CHANNEL + "/messages/{message_id:[0-9]+}/threads", 201)
def create_thread_from_message(call: Call) -> Json:
    """Create a thread on a message. It gets the message's id, so a message has at most one thread."""
    parent, message = call.channel(), call.message()
    if message.id in call.world.channels:
        raise BackendError(400, 160004, "A thread has already been created for this message")
    kind = model.ANNOUNCEMENT_THREAD if parent.type == model.ANNOUNCEMENT else model.THREAD
    return _add_thread(call, parent, kind, message.id)


@route("POST", CHANNEL + "/threads", 201)
def create_thread(call: Call) -> Json:
    """Create a thread, or in a forum a post with its first message. Neither takes a nonce."""
    parent, thread_id = call.channel(model.SEND_MESSAGES), call.world.next_snowflake()
    if parent.type != model.FORUM:
        return _add_thread(call, parent, model.THREAD, thread_id)
    if parent.require_tag and not call.payload.get("applied_tags"):
        raise BackendError(400, 40067, "A tag is required to create a forum post in this channel")
    validation.check("CreateForumThreadRequest", call.payload)
    first = call.payload.get("message") or {}
    components = validation.check_message(first)
    body = _add_thread(call, parent, model.THREAD, thread_id)
    thread = call.world.channels[thread_id]
    message = call.world.add_message(thread, first, id=thread_id, components=components)
    return body | {"message": wire.render_message(message, call.world)}


def _add_thread(call: Call, parent: model.Channel, kind: int, thread_id: int) -> Json:
    name = call.payload.get("name") or ""
    if not 1 <= len(name) <= 100:
        raise validation.invalid_form_body("name", "Must be between 1 and 100 in length.")
    fields = {"guild_id": parent.guild_id, "name": name, "parent_id": parent.id}
    thread = call.world.add_channel(id=thread_id, type=kind, **fields)
    body = wire.render_channel(thread, call.world)
    call.fake.gateway.dispatch("THREAD_CREATE", body | {"newly_created": True})
    return body


@route("GET", GUILD + "/threads/active")
def list_active_threads(call: Call) -> Json:
    guild = call.guild()
    threads = _list_threads(call, lambda thread: thread.guild_id == guild.id and not thread.archived)
    return _render_threads(call, threads, has_more=False)


@route("GET", CHANNEL + "/threads/archived/public")
def list_archived_threads(call: Call) -> Json:
    """Return a page of threads archived before the time `before`, most recently archived first."""
    parent = call.channel(model.READ_MESSAGE_HISTORY)
    limit = int(call.query.get("limit", "50"))
    if not 2 <= limit <= 100:
        raise validation.invalid_form_body("limit", "Must be between 2 and 100.")
    threads = _list_threads(call, lambda thread: thread.parent_id == parent.id and thread.archived)
    if "before" in call.query:
        before = datetime.fromisoformat(call.query["before"]).timestamp()
        threads = [thread for thread in threads if thread.archived_at < before]
    threads.sort(key=lambda thread: thread.archived_at, reverse=True)
    return _render_threads(call, threads[:limit], has_more=len(threads) > limit)


def _list_threads(call: Call, is_wanted: Callable[[model.Channel], bool]) -> list[model.Channel]:
    """Return the visible threads that `is_wanted` accepts, newest first."""
    return [
        channel
        for channel in sorted(call.world.channels.values(), key=lambda channel: -channel.id)
        if channel.is_thread and is_wanted(channel) and call.world.permissions(channel)
    ]


def _render_threads(call: Call, threads: list[model.Channel], *, has_more: bool) -> Json:
    rendered = [wire.render_channel(thread, call.world) for thread in threads]
    return {"threads": rendered, "members": [], "has_more": has_more}


@route("GET", GUILD)
def get_guild(call: Call) -> Json:
    return wire.render_guild(call.guild(), call.world)


@route("GET", GUILD + "/channels")
def list_channels(call: Call) -> list[Json]:
    channels: list[Json] = wire.render_guild(call.guild(), call.world, full=True)["channels"]
    return channels


@route("GET", GUILD + "/members/{user_id}")
def get_member(call: Call) -> Json:
    """Return a guild member. Every user is a member."""
    return wire.render_member(call.guild(), int(call.path["user_id"]))


@route("GET", GUILD + "/scheduled-events")
def list_events(call: Call) -> list[Json]:
    guild_id = str(call.guild().id)
    return [event for event in call.world.events if event["guild_id"] == guild_id]


@route("POST", GUILD + "/scheduled-events")
def create_event(call: Call) -> Json:
    """Create an external event, which must start in the future and have an end. It takes no nonce."""
    guild, payload = call.guild(), call.payload
    validation.check("ExternalScheduledEventCreateRequest", payload)
    if not payload.get("scheduled_end_time"):
        raise validation.invalid_form_body("scheduled_end_time", "This field is required.")
    if datetime.fromisoformat(payload["scheduled_start_time"]).timestamp() <= call.world.now():
        raise validation.invalid_form_body("scheduled_start_time", "Cannot schedule event in the past.")
    ids = {"id": call.world.next_snowflake(), "guild_id": guild.id, "creator_id": model.BOT_ID}
    event = {**payload, **{name: str(id_) for name, id_ in ids.items()}, "channel_id": None, "status": 1}
    call.world.events.append(event)
    return event


@route("DELETE", GUILD + "/scheduled-events/{event_id}")
def delete_event(call: Call) -> None:
    call.guild()
    call.world.events = [event for event in call.world.events if event["id"] != call.path["event_id"]]
