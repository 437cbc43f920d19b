"""REST endpoints for users, DM channels, the application and its commands."""

from tests.fake_discord import model, validation, wire
from tests.fake_discord.model import Json
from tests.fake_discord.server import Call, route

COMMANDS = "/applications/{application_id}/commands"


@route("GET", "/users/@me")
def get_me(call: Call) -> Json:
    return wire.render_user(model.BOT_ID)


@route("GET", "/oauth2/applications/@me")
@route("GET", "/applications/@me")
def get_application(call: Call) -> Json:
    return {
        "id": str(model.APPLICATION_ID),
        "name": "Paperround",
        "description": "",
        "icon": None,
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": call.fake.key.public_key().public_bytes_raw().hex(),
        "interactions_endpoint_url": call.fake.endpoints[0] if call.fake.endpoints else None,
        "owner": wire.render_user(model.OWNER_ID),
        "team": None,
        "flags": 0,
        "rpc_origins": [],
    }


@route("GET", "/gateway/bot")
def get_gateway(call: Call) -> Json:
    gateway = call.fake.gateway
    starts = {"total": 1000, "remaining": gateway.session_starts, "reset_after": 500, "max_concurrency": 1}
    return {"url": gateway.url, "shards": 1, "session_start_limit": starts}


@route("POST", "/users/@me/channels")
def create_dm(call: Call) -> Json:
    return wire.render_channel(call.world.open_dm(int(call.payload["recipient_id"])), call.world)


@route("GET", COMMANDS)
def list_commands(call: Call) -> list[Json]:
    return call.world.commands


@route("PUT", COMMANDS)
def put_commands(call: Call) -> list[Json]:
    """Replace all commands. A command with the same name keeps its id."""
    former_ids = {(c["type"], c["name"]): c["id"] for c in call.world.commands}
    stored = []
    for command in call.payload:
        validation.check("ApplicationCommandUpdateRequest", command)
        kind = command.get("type", 1)
        defaults = {
            "id": former_ids.get((kind, command["name"])) or str(call.world.next_snowflake()),
            "application_id": str(model.APPLICATION_ID),
            "version": str(call.world.next_snowflake()),
            "default_member_permissions": None,
            "description": "",
        }
        stored.append(defaults | command | {"type": kind})
    call.world.commands = stored
    return stored
