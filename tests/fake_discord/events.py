"""REST endpoints for a guild's scheduled events."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web

from tests.fake_discord import channels, model, server, validation

EVENTS = channels.GUILD + "/scheduled-events"
routes = web.RouteTableDef()


@routes.get(EVENTS)
async def list_events(request: web.Request) -> web.StreamResponse:
    guild = channels.require_guild(request)
    events = request.app[server.FAKE].world.events
    return server.json_response([event for event in events if event["guild_id"] == str(guild.id)])


@routes.post(EVENTS)
async def create_event(request: web.Request) -> web.StreamResponse:
    """Create an external event, which must have an end and start in the future. It has no nonce."""
    fake = request.app[server.FAKE]
    guild = channels.require_guild(request)
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


@routes.delete(EVENTS + "/{event_id}")
async def delete_event(request: web.Request) -> web.StreamResponse:
    world = request.app[server.FAKE].world
    channels.require_guild(request)
    world.events = [event for event in world.events if event["id"] != request.match_info["event_id"]]
    return web.Response(status=204)
