"""Payload validation: Discord's OpenAPI schemas, if available, SimCord's rules, and rules that both lack.

It keeps `docs/services.md`, section *Messages*.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
from simcord import components
from simcord.backend.errors import BackendError

from tests.fake_discord.model import Json

OPENAPI_PATH = Path(__file__).parents[3] / "shared/discord/openapi.json"
"""Discord's OpenAPI document, which is not part of the repository."""

MAX_POLL_ANSWER = 55
MAX_TEXT_BYTES = 10170
BYTES_PER_TEXT = 12
"""Overhead per text. Measured: above `MAX_TEXT_BYTES` in UTF-8 with this overhead, Discord responds 500 (api#8554)."""


def check(schema: str, payload: Any) -> None:
    """Raise BackendError 50035 for the first field that does not match a schema. All match without the document."""
    sent = json.loads(json.dumps(payload))  # jsonschema-rs takes no subclasses of str
    if OPENAPI_PATH.exists() and not _load_validator(schema).is_valid(sent):
        error = _find_cause(next(_load_validator(schema).iter_errors(sent)))
        raise invalid_form_body(".".join(map(str, error.instance_path)), error.message[:300])


@cache
def _load_validator(schema: str) -> Any:
    root = {"$ref": f"#/components/schemas/{schema}", "components": {"schemas": _read_schemas()}}
    return jsonschema_rs.Draft202012Validator(root)


def _find_cause(error: Any) -> Any:
    """Return the error in the branch of a choice that is of the value's type (null comes first), or the choice's own."""
    for branch in reversed(getattr(error.kind, "context", ())):
        if all(cause.instance_path != [*error.instance_path, "type"] for cause in branch):
            return _find_cause(branch[0])
    return error


@cache
def _read_schemas() -> Json:
    schemas: Json = json.loads(OPENAPI_PATH.read_text())["components"]["schemas"]
    # The document lacks media channels (16), which discord.py allows for every option with a forum.
    schemas["ChannelTypes"]["oneOf"].append({"title": "GUILD_MEDIA", "const": 16})
    return schemas


def invalid_form_body(field_path: str, message: str) -> BackendError:
    """Return the error (400, 50035) for an invalid field, given as a dotted path."""
    errors: Json = {"_errors": [{"code": "INVALID", "message": message}]}
    for key in reversed(field_path.split(".")):
        errors = {key or "_": errors}
    return BackendError(400, 50035, "Invalid Form Body", errors=errors)


def check_limits(payload: Json) -> None:
    """Raise BackendError if a message that SimCord accepts is too long for Discord."""
    for number, answer in enumerate((payload.get("poll") or {}).get("answers", ())):
        if len(answer["poll_media"].get("text") or "") > MAX_POLL_ANSWER:
            length = f"Must be {MAX_POLL_ANSWER} or fewer in length."
            raise invalid_form_body(f"poll.answers.{number}", length)
    parts = components.walk_components(payload.get("components") or ())
    texts = [part["content"] for part in parts if part.get("type") == 10]
    if sum(len(text.encode()) + BYTES_PER_TEXT for text in texts) > MAX_TEXT_BYTES:
        raise BackendError(500, 0, "Internal Server Error")


def check_message(payload: Json) -> None:
    """Raise an error if SimCord or Discord would reject a message."""
    given = {key: value for key, value in payload.items() if value is not None}
    components.validate_message_state(
        given.get("components", []),
        flags=int(given.get("flags", 0)),
        content=given.get("content"),
        embeds=given.get("embeds", []),
        poll=given.get("poll"),
        attachments=given.get("attachments"),
        require_nonempty=True,
    )
    check_limits(given)
