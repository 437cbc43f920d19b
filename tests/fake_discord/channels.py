"""REST endpoints for channels, threads, forum posts, guilds and their scheduled events."""

from collections.abc import Callable
from datetime import datetime

from aiohttp import web

from tests.fake_discord import messages, model, server, validation, wire
from tests.fake_discord.model import Json

CHANNEL = server.API + "/channels/{channel_id}"
GUILD = server.API + "/guilds/{guild_id}"
routes = web.RouteTableDef()


@routes.get(CHANNEL)
async def get_channel(request: web.Request) -> web.StreamResponse:
    world = request.app[server.FAKE].world
    return server.json_response(wire.render_channel(messages.require_channel(request), world))


@routes.post(CHANNEL + "/messages/{message_id:[0-9]+}/threads")
async def create_thread_from_message(request: web.Request) -> web.StreamResponse:
    """Create a thread on a message. It gets the message's id, so a message has at most one thread."""
    fake = request.app[server.FAKE]
    parent = messages.require_channel(request)
    message = messages.require_message(request, parent)
    payload = await server.read_payload(request)
    _check_name(payload)
    if message.id in fake.world.channels:
        raise wire.ApiError(400, 160004, "A thread has already been created for this message")
    kind = model.ANNOUNCEMENT_THREAD if parent.type == model.ANNOUNCEMENT else model.THREAD
    thread = _add_thread(fake, parent, kind, message.id, payload)
    return server.json_response(wire.render_channel(thread, fake.world), 201)


@routes.post(CHANNEL + "/threads")
async def create_thread(request: web.Request) -> web.StreamResponse:
    """Create a thread, or in a forum a post with its first message. Neither takes a nonce."""
    fake = request.app[server.FAKE]
    parent = messages.require_channel(request, model.SEND_MESSAGES)
    payload = await server.read_payload(request)
    _check_name(payload)
    is_forum = parent.type == model.FORUM
    first_message = payload.get("message") or {}
    if is_forum:
        if parent.require_tag and not payload.get("applied_tags"):
            raise wire.ApiError(400, 40067, "A tag is required to create a forum post in this channel")
        fake.schemas.check("CreateForumThreadRequest", payload)
        validation.check_message(first_message)
    thread = _add_thread(fake, parent, model.THREAD, fake.world.next_snowflake(), payload)
    body = wire.render_channel(thread, fake.world)
    if is_forum:
        message = fake.world.add_message(thread, first_message, message_id=thread.id)
        body["message"] = wire.render_message(message, fake.world)
    return server.json_response(body, 201)


def _check_name(payload: Json) -> None:
    if not 1 <= len(payload.get("name") or "") <= 100:
        raise validation.invalid_form_body("name", "Must be between 1 and 100 in length.")


def _add_thread(
    fake: server.Fake, parent: model.Channel, kind: int, thread_id: int, payload: Json
) -> model.Channel:
    thread = model.Channel(
        id=thread_id, type=kind, guild_id=parent.guild_id, name=payload["name"], parent_id=parent.id
    )
    fake.world.add_channel(thread)
    body = wire.render_channel(thread, fake.world)
    fake.gateway.dispatch("THREAD_CREATE", body | {"newly_created": True})
    return thread


@routes.get(GUILD + "/channels")
async def list_channels(request: web.Request) -> web.StreamResponse:
    rendered = wire.render_guild(require_guild(request), request.app[server.FAKE].world, full=True)
    return server.json_response(rendered["channels"])


@routes.get(GUILD + "/threads/active")
async def list_active_threads(request: web.Request) -> web.StreamResponse:
    guild = require_guild(request)
    world = request.app[server.FAKE].world
    threads = _list_threads(world, lambda thread: thread.guild_id == guild.id and not thread.archived)
    body = [wire.render_channel(thread, world) for thread in threads]
    return server.json_response({"threads": body, "members": [], "has_more": False})


@routes.get(CHANNEL + "/threads/archived/public")
async def list_archived_threads(request: web.Request) -> web.StreamResponse:
    """Return a page of threads archived before the time `before`, most recently archived first."""
    parent = messages.require_channel(request, model.READ_MESSAGE_HISTORY)
    limit = int(request.query.get("limit", "50"))
    if not 2 <= limit <= 100:
        raise validation.invalid_form_body("limit", "Must be between 2 and 100.")
    world = request.app[server.FAKE].world
    threads = _list_threads(world, lambda thread: thread.parent_id == parent.id and thread.archived)
    if "before" in request.query:
        before = datetime.fromisoformat(request.query["before"]).timestamp()
        threads = [thread for thread in threads if wire.archive_time(thread) < before]
    threads.sort(key=wire.archive_time, reverse=True)
    body = [wire.render_channel(thread, world) for thread in threads[:limit]]
    return server.json_response({"threads": body, "members": [], "has_more": len(threads) > limit})


def _list_threads(world: model.World, is_wanted: Callable[[model.Channel], bool]) -> list[model.Channel]:
    """Return the visible threads that `is_wanted` accepts, newest first."""
    return [
        channel
        for channel in sorted(world.channels.values(), key=lambda channel: -channel.id)
        if channel.type in model.THREAD_TYPES and is_wanted(channel) and world.permissions(channel)
    ]


def require_guild(request: web.Request) -> model.Guild:
    """Return the guild in the request's path. Raises ApiError if it is unknown."""
    guild = request.app[server.FAKE].world.guilds.get(int(request.match_info["guild_id"]))
    if guild is None:
        raise wire.ApiError(404, 10004, "Unknown Guild")
    return guild


@routes.get(GUILD)
async def get_guild(request: web.Request) -> web.StreamResponse:
    return server.json_response(wire.render_guild(require_guild(request), request.app[server.FAKE].world))


@routes.get(GUILD + "/members/{user_id}")
async def get_member(request: web.Request) -> web.StreamResponse:
    """Return a guild member. Every user is a member."""
    return server.json_response(
        wire.render_member(require_guild(request), int(request.match_info["user_id"]))
    )


@routes.get(GUILD + "/scheduled-events")
async def list_events(request: web.Request) -> web.StreamResponse:
    guild = require_guild(request)
    events = request.app[server.FAKE].world.events
    return server.json_response([event for event in events if event["guild_id"] == str(guild.id)])


@routes.post(GUILD + "/scheduled-events")
async def create_event(request: web.Request) -> web.StreamResponse:
    """Create an external event, which must start in the future and have an end. It takes no nonce."""
    fake = request.app[server.FAKE]
    guild = require_guild(request)
    payload = await server.read_payload(request)
    fake.schemas.check("ExternalScheduledEventCreateRequest", payload)
    if not payload.get("scheduled_end_time"):
        raise validation.invalid_form_body("scheduled_end_time", "This field is required.")
    if datetime.fromisoformat(payload["scheduled_start_time"]).timestamp() <= fake.world.now():
        raise validation.invalid_form_body("scheduled_start_time", "Cannot schedule event in the past.")
    ids = {"id": fake.world.next_snowflake(), "guild_id": guild.id, "creator_id": model.BOT_ID}
    event = {**payload, **{name: str(id_) for name, id_ in ids.items()}, "channel_id": None, "status": 1}
    fake.world.events.append(event)
    return server.json_response(event)


@routes.delete(GUILD + "/scheduled-events/{event_id}")
async def delete_event(request: web.Request) -> web.StreamResponse:
    world = request.app[server.FAKE].world
    require_guild(request)
    world.events = [event for event in world.events if event["id"] != request.match_info["event_id"]]
    return web.Response(status=204)
