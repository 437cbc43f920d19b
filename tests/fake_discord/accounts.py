"""REST endpoints for users, DM channels, the application and its commands."""

from aiohttp import web

from tests.fake_discord import model, server, wire
from tests.fake_discord.model import Json

COMMANDS = server.API + "/applications/{application_id}/commands"
routes = web.RouteTableDef()


@routes.get(server.API + "/users/@me")
async def get_me(request: web.Request) -> web.StreamResponse:
    return server.json_response(wire.render_user(model.BOT_ID))


@routes.get(server.API + "/oauth2/applications/@me")
@routes.get(server.API + "/applications/@me")
async def get_application(request: web.Request) -> web.StreamResponse:
    fake = request.app[server.FAKE]
    body: Json = {
        "id": str(model.APPLICATION_ID),
        "name": "Paperround",
        "description": "",
        "icon": None,
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": fake.key.public_key().public_bytes_raw().hex(),
        "interactions_endpoint_url": fake.endpoints[0] if fake.endpoints else None,
        "owner": wire.render_user(model.OWNER_ID),
        "team": None,
        "flags": 0,
        "rpc_origins": [],
    }
    return server.json_response(body)


@routes.get(server.API + "/gateway/bot")
async def get_gateway(request: web.Request) -> web.StreamResponse:
    fake = request.app[server.FAKE]
    remaining = fake.gateway.session_starts
    session_start_limit = {"total": 1000, "remaining": remaining, "reset_after": 500, "max_concurrency": 1}
    return server.json_response(
        {"url": fake.gateway.url, "shards": 1, "session_start_limit": session_start_limit}
    )


@routes.post(server.API + "/users/@me/channels")
async def create_dm(request: web.Request) -> web.StreamResponse:
    world = request.app[server.FAKE].world
    payload = await server.read_payload(request)
    return server.json_response(wire.render_channel(world.open_dm(int(payload["recipient_id"])), world))


@routes.get(COMMANDS)
async def list_commands(request: web.Request) -> web.StreamResponse:
    return server.json_response(request.app[server.FAKE].world.commands)


@routes.put(COMMANDS)
async def put_commands(request: web.Request) -> web.StreamResponse:
    """Replace all commands. A command with the same name keeps its id."""
    fake = request.app[server.FAKE]
    former_ids = {(c["type"], c["name"]): c["id"] for c in fake.world.commands}
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
    fake.world.commands = stored
    return server.json_response(stored)
