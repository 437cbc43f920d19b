"""Payload validation: Discord's OpenAPI schemas, if available, SimCord's rules, and rules that both lack."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
from simcord import components
from simcord.backend.errors import BackendError

from tests.fake_discord.model import Json

OPENAPI_PATH = Path(__file__).parents[3] / "shared/discord/openapi.json"
"""Discord's OpenAPI document, which is not part of the repository."""

BY_TYPE, NULLABLE = "x-by-type", "x-nullable"
"""Keywords added for speed: the schemas by value of the field `type`, and the schema of a nullable value."""

MAX_POLL_ANSWER = 55
MAX_TEXT_BYTES = 10170
BYTES_PER_TEXT = 12
"""Overhead per text. Measured: above `MAX_TEXT_BYTES` in UTF-8 with this overhead, Discord responds 500 (api#8554)."""


def check(schema: str, payload: Any) -> None:
    """Raise BackendError 50035 for the first field that does not match a schema. All match without the document."""
    # jsonschema-rs is a hundred times faster, but takes no subclasses of str, and its errors do not name the field.
    sent = json.loads(json.dumps(payload))
    if OPENAPI_PATH.exists() and not _load_fast_validator(schema).is_valid(sent):
        for error in _load_validator(schema).iter_errors(payload):
            raise invalid_form_body(".".join(map(str, error.absolute_path)), error.message[:300])


@cache
def _load_fast_validator(schema: str) -> Any:
    root = {"$ref": f"#/components/schemas/{schema}", "components": {"schemas": _read_schemas()}}
    return jsonschema_rs.Draft202012Validator(root)


@cache
def _load_validator(schema: str) -> Any:
    keywords = {BY_TYPE: _check_by_type, NULLABLE: _check_unless_null, "$ref": _check_reference}
    return jsonschema.validators.extend(jsonschema.Draft202012Validator, keywords)(_load_schemas()[schema])


@cache
def _read_schemas() -> Json:
    schemas: Json = json.loads(OPENAPI_PATH.read_text())["components"]["schemas"]
    # The document lacks media channels (16), which discord.py allows for every option with a forum.
    schemas["ChannelTypes"]["oneOf"].append({"title": "GUILD_MEDIA", "const": 16})
    return schemas


@cache
def _load_schemas() -> Json:
    rewritten: Json = _rewrite_choices(_read_schemas(), _read_schemas())
    return rewritten


def _check_reference(validator: Any, reference: str, value: Any, _: Json) -> Iterator[Any]:
    """Look up a schema by name, which takes a third of the time of resolving its URI."""
    yield from validator.descend(value, _load_schemas()[reference.rpartition("/")[2]])


def _check_by_type(validator: Any, schemas: Json, value: Any, schema: Json) -> Iterator[Any]:
    """Check a value only against the schema of its type: a chain of conditions is ten times slower."""
    kind = value.get("type") if isinstance(value, dict) else None
    if kind in schemas:
        yield from validator.descend(value, schemas[kind])


def _check_unless_null(validator: Any, schema: Json, value: Any, _: Json) -> Iterator[Any]:
    if value is not None:
        yield from validator.descend(value, schema)


def _rewrite_choices(node: Any, schemas: Json) -> Any:
    """Rewrite each `oneOf` for speed and clear errors.

    Typed objects become a choice by `type`, so that errors name the real field. Choices of values and null
    become cheap checks.
    """
    if isinstance(node, list):
        return [_rewrite_choices(item, schemas) for item in node]
    if not isinstance(node, dict):
        return node
    if isinstance(choices := node.get("oneOf"), list) and choices:
        kinds = [_read_kind(choice, schemas) for choice in choices]
        if None not in kinds:
            by_type = {BY_TYPE: dict(zip(kinds, choices, strict=True))}
            return {"type": "object", "required": ["type"], "properties": {"type": {"enum": kinds}}} | by_type
        if all("const" in choice for choice in choices):
            return {"enum": [choice["const"] for choice in choices]}
        if len(choices) == 2 and choices[0] == {"type": "null"}:
            return {NULLABLE: _rewrite_choices(choices[1], schemas)}
    return {key: _rewrite_choices(value, schemas) for key, value in node.items()}


def _read_kind(choice: Json, schemas: Json) -> Any:
    properties = schemas[choice["$ref"].rpartition("/")[2]].get("properties", {}) if "$ref" in choice else {}
    return properties.get("type", {}).get("enum", [None])[0]


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
