"""REST endpoints of users, DM channels, the application and its commands."""

from __future__ import annotations

from aiohttp import web

from tests.fake_discord import model, server, wire
from tests.fake_discord.model import Json


async def get_me(request: web.Request) -> web.StreamResponse:
    """GET the bot user."""
    return server.json_response(wire.render_user(model.BOT_ID))


async def get_user(request: web.Request) -> web.StreamResponse:
    """GET a user."""
    return server.json_response(wire.render_user(int(request.match_info["user_id"])))


async def list_guilds(request: web.Request) -> web.StreamResponse:
    """GET the guilds of the bot."""
    guilds = request.app[server.FAKE].world.guilds.values()
    fields: Json = {"icon": None, "owner": False, "permissions": "0", "features": []}
    return server.json_response([{"id": str(g.id), "name": g.name, **fields} for g in guilds if g.present])


async def get_application(request: web.Request) -> web.StreamResponse:
    """GET the bot's application."""
    body: Json = {
        "id": str(model.APPLICATION_ID),
        "name": "Paperround",
        "description": "",
        "icon": None,
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "owner": wire.render_user(model.OWNER_ID),
        "team": None,
        "flags": 0,
        "rpc_origins": [],
    }
    return server.json_response(body)


async def get_gateway(request: web.Request) -> web.StreamResponse:
    """GET the URL of the Gateway; recommends one shard."""
    fake = request.app[server.FAKE]
    session_start_limit = {"total": 1000, "remaining": 999, "reset_after": 0, "max_concurrency": 1}
    return server.json_response(
        {"url": fake.gateway.url, "shards": 1, "session_start_limit": session_start_limit}
    )


async def create_dm(request: web.Request) -> web.StreamResponse:
    """POST to open the DM channel with a user; idempotent."""
    world = request.app[server.FAKE].world
    payload = await server.read_payload(request)
    return server.json_response(wire.render_channel(world.open_dm(int(payload["recipient_id"])), world))


def _scope(request: web.Request) -> int | None:
    guild_id = request.match_info.get("guild_id")
    return int(guild_id) if guild_id else None


async def list_commands(request: web.Request) -> web.StreamResponse:
    """GET the registered commands of the application or of a guild."""
    return server.json_response(request.app[server.FAKE].world.commands.get(_scope(request), []))


async def put_commands(request: web.Request) -> web.StreamResponse:
    """PUT all commands, replacing the former ones; a command with the same name keeps its id."""
    fake = request.app[server.FAKE]
    scope = _scope(request)
    former_ids = {(c["type"], c["name"]): c["id"] for c in fake.world.commands.get(scope, [])}
    stored = []
    for command in await request.json():
        fake.schemas.check("ApplicationCommandUpdateRequest", command)
        kind = command.get("type", 1)
        defaults = {
            "id": former_ids.get((kind, command["name"])) or str(fake.world.next_snowflake()),
            "application_id": str(model.APPLICATION_ID),
            "version": str(fake.world.next_snowflake()),
            "default_member_permissions": None,
            "description": "",
        }
        stored.append(defaults | command | {"type": kind})
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
