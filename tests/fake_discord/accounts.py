"""REST: the bot itself, its application, its commands, users and direct messages."""

from __future__ import annotations

from aiohttp import web

from tests.fake_discord import server, wire
from tests.fake_discord import world as w


async def get_me(request: web.Request) -> web.StreamResponse:
    """GET the bot's own user."""
    return server.json_response(wire.render_user(w.BOT_ID))


async def get_user(request: web.Request) -> web.StreamResponse:
    """GET any user."""
    return server.json_response(wire.render_user(int(request.match_info["user_id"])))


async def list_guilds(request: web.Request) -> web.StreamResponse:
    """GET the servers that the bot is in."""
    guilds = request.app[server.FAKE].world.guilds.values()
    fields: w.Json = {"icon": None, "owner": False, "permissions": "0", "features": []}
    return server.json_response([{"id": str(g.id), "name": g.name, **fields} for g in guilds if g.present])


async def get_application(request: web.Request) -> web.StreamResponse:
    """GET the bot's application."""
    body: w.Json = {
        "id": str(w.APPLICATION_ID),
        "name": "Paperround",
        "description": "",
        "icon": None,
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "owner": wire.render_user(w.OWNER_ID),
        "team": None,
        "flags": 0,
        "rpc_origins": [],
    }
    return server.json_response(body)


async def get_gateway(request: web.Request) -> web.StreamResponse:
    """GET where the Gateway is and how many shards to open."""
    fake = request.app[server.FAKE]
    start = {"total": 1000, "remaining": 999, "reset_after": 0, "max_concurrency": 1}
    return server.json_response(
        {"url": fake.gateway.url, "shards": fake.shards, "session_start_limit": start}
    )


async def create_dm(request: web.Request) -> web.StreamResponse:
    """POST to open the direct messages with a user; gives the same channel every time."""
    world = request.app[server.FAKE].world
    payload = await server.read_payload(request)
    return server.json_response(wire.render_channel(world.open_dm(int(payload["recipient_id"])), world))


def _scope(request: web.Request) -> int | None:
    guild_id = request.match_info.get("guild_id")
    return int(guild_id) if guild_id else None


async def list_commands(request: web.Request) -> web.StreamResponse:
    """GET the registered commands, of the application or of one server."""
    return server.json_response(request.app[server.FAKE].world.commands.get(_scope(request), []))


async def put_commands(request: web.Request) -> web.StreamResponse:
    """PUT all commands at once; a command that keeps its name keeps its id."""
    fake = request.app[server.FAKE]
    scope = _scope(request)
    old = {(c["type"], c["name"]): c["id"] for c in fake.world.commands.get(scope, [])}
    stored = []
    for command in await request.json():
        fake.schemas.check("ApplicationCommandUpdateRequest", command)
        kind = command.get("type", 1)
        known = {
            "id": old.get((kind, command["name"])) or str(fake.world.next_snowflake()),
            "application_id": str(w.APPLICATION_ID),
            "version": str(fake.world.next_snowflake()),
            "default_member_permissions": None,
            "description": "",
        }
        stored.append(known | command | {"type": kind})
    fake.world.commands[scope] = stored
    return server.json_response(stored)


def add_routes(app: web.Application) -> None:
    """Add this module's routes."""
    app.router.add_get(server.API + "/users/@me", get_me)
    app.router.add_get(server.API + "/users/@me/guilds", list_guilds)
    app.router.add_post(server.API + "/users/@me/channels", create_dm)
    app.router.add_get(server.API + "/users/{user_id:[0-9]+}", get_user)
    app.router.add_get(server.API + "/oauth2/applications/@me", get_application)
    app.router.add_get(server.API + "/applications/@me", get_application)
    app.router.add_get(server.API + "/gateway/bot", get_gateway)
    base = server.API + "/applications/{application_id}"
    for path in (f"{base}/commands", base + "/guilds/{guild_id}/commands"):
        app.router.add_get(path, list_commands)
        app.router.add_put(path, put_commands)
