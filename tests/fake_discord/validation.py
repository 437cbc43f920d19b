"""Payload validation: Discord's OpenAPI schemas, if available, and rules missing from them."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.fake_discord import wire
from tests.fake_discord.model import Json

OPENAPI_PATH = Path(__file__).parents[3] / "shared/discord/openapi.json"
"""Discord's OpenAPI document, which is not part of the repository."""

BY_TYPE, NULLABLE = "x-by-type", "x-nullable"
"""Keywords added for speed: the schemas by value of the field `type`, and the schema of a nullable value."""

IS_COMPONENTS_V2 = 1 << 15
MAX_COMPONENTS = 40
MAX_CONTENT = 2000
MAX_TEXT = 4000
MAX_POLL_ANSWER = 55
MAX_TEXT_BYTES = 10170
BYTES_PER_TEXT = 12
"""Overhead per text. Measured: above `MAX_TEXT_BYTES` in UTF-8 with this overhead, Discord responds 500 (api#8554)."""


class Schemas:
    """The schemas in Discord's OpenAPI document. Without a path, `check` accepts any payload."""

    def __init__(self, path: Path | None) -> None:
        self._components = _load_components(path) if path else None
        self._validators: dict[str, Any] = {}

    def check(self, name: str, payload: Json) -> None:
        """Raise ApiError 50035 for the first field that does not match the schema `name`."""
        if self._components is None:
            return
        for error in self._validator(name).iter_errors(payload):
            raise invalid_form_body(".".join(map(str, error.absolute_path)), error.message[:300])

    def _validator(self, name: str) -> Any:
        if name not in self._validators:
            import jsonschema

            assert self._components is not None
            schema = self._components["schemas"][name]
            keywords = {BY_TYPE: _check_by_type, NULLABLE: _check_unless_null, "$ref": self._check_reference}
            validator = jsonschema.validators.extend(jsonschema.Draft202012Validator, keywords)
            self._validators[name] = validator(schema)
        return self._validators[name]

    def _check_reference(self, validator: Any, reference: str, value: Any, _: Json) -> Iterator[Any]:
        """Look up a schema by name, which takes a third of the time of resolving its URI."""
        assert self._components is not None
        yield from validator.descend(value, self._components["schemas"][reference.rpartition("/")[2]])


def _check_by_type(validator: Any, schemas: Json, value: Any, schema: Json) -> Iterator[Any]:
    """Check a value only against the schema of its type: a chain of conditions is ten times slower."""
    kind = value.get("type") if isinstance(value, dict) else None
    if kind in schemas:
        yield from validator.descend(value, schemas[kind])


def _check_unless_null(validator: Any, schema: Json, value: Any, _: Json) -> Iterator[Any]:
    if value is not None:
        yield from validator.descend(value, schema)


def _load_components(path: Path) -> Json:
    components: Json = json.loads(path.read_text())["components"]
    # The document lacks media channels (16), which discord.py allows for every option with a forum.
    components["schemas"]["ChannelTypes"]["oneOf"].append({"title": "GUILD_MEDIA", "const": 16})
    return _rewrite_choices(components)


def _rewrite_choices(components: Json) -> Json:
    """Rewrite each `oneOf` for speed and clear errors.

    Typed objects become a choice by `type`, so that errors name the real field. Choices of values and null
    become cheap checks.
    """
    schemas = components["schemas"]

    def kind(alternative: Json) -> Any:
        if "$ref" not in alternative:
            return None
        properties = schemas[alternative["$ref"].rsplit("/", 1)[1]].get("properties", {})
        return properties.get("type", {}).get("enum", [None])[0]

    def rewrite(node: Any) -> Any:
        if isinstance(node, list):
            return [rewrite(item) for item in node]
        if not isinstance(node, dict):
            return node
        choices = node.get("oneOf")
        if not isinstance(choices, list) or not choices:
            return {key: rewrite(value) for key, value in node.items()}
        if all(kind(c) is not None for c in choices):
            return {
                "type": "object",
                "required": ["type"],
                "properties": {"type": {"enum": [kind(c) for c in choices]}},
                BY_TYPE: {kind(c): dict(c) for c in choices},
            }
        if all("const" in c for c in choices):
            return {"enum": [c["const"] for c in choices]}
        if len(choices) == 2 and choices[0] == {"type": "null"}:
            return {NULLABLE: rewrite(choices[1])}
        return {key: rewrite(value) for key, value in node.items()}

    rewritten: Json = rewrite(components)
    return rewritten


def invalid_form_body(field_path: str, message: str) -> wire.ApiError:
    """Return the error (400, 50035) for an invalid field, given as a dotted path."""
    errors: Json = {"_errors": [{"code": "INVALID", "message": message}]}
    for key in reversed(field_path.split(".")):
        errors = {key or "_": errors}
    return wire.ApiError(400, 50035, "Invalid Form Body", errors)


def check_message(payload: Json) -> None:
    """Raise ApiError if Discord would reject a message that matches the schema."""
    components = list(walk_components(payload.get("components") or []))
    if len(payload.get("content") or "") > MAX_CONTENT:
        raise invalid_form_body("content", f"Must be {MAX_CONTENT} or fewer in length.")
    if int(payload.get("flags") or 0) & IS_COMPONENTS_V2:
        _check_v2(payload, components)
    elif not any(
        payload.get(key) for key in ("content", "embeds", "components", "attachments", "sticker_ids", "poll")
    ):
        raise wire.ApiError(400, 50006, "Cannot send an empty message")
    for number, answer in enumerate((payload.get("poll") or {}).get("answers") or ()):
        if len(answer["poll_media"].get("text") or "") > MAX_POLL_ANSWER:
            raise invalid_form_body(
                f"poll.answers.{number}", f"Must be {MAX_POLL_ANSWER} or fewer in length."
            )
    ids = [component["custom_id"] for component in components if component.get("custom_id")]
    if len(ids) != len(set(ids)):
        raise invalid_form_body("components", "Component custom id cannot be duplicated")
    if sum(map(_embed_length, payload.get("embeds") or [])) > 6000:
        raise invalid_form_body("embeds", "Embed size exceeds maximum size of 6000")


def _check_v2(payload: Json, components: list[Json]) -> None:
    for key in ("content", "embeds", "sticker_ids", "poll"):
        if payload.get(key):
            raise invalid_form_body(key, "Cannot be used together with the components v2 flag")
    if not components:
        raise wire.ApiError(400, 50006, "Cannot send an empty message")
    if len(components) > MAX_COMPONENTS:
        raise invalid_form_body("components", f"Must be {MAX_COMPONENTS} or fewer in total.")
    texts = [component.get("content", "") for component in components if component.get("type") == 10]
    if sum(map(len, texts)) > MAX_TEXT:
        raise invalid_form_body("components", f"The texts must be {MAX_TEXT} or fewer in length together.")
    if sum(len(text.encode()) + BYTES_PER_TEXT for text in texts) > MAX_TEXT_BYTES:
        raise wire.ApiError(500, 0, "Internal Server Error")


def walk_components(components: Iterable[Json]) -> Iterator[Json]:
    """Yield components with their children, accessories and labelled inputs, depth first."""
    for component in components:
        yield component
        yield from walk_components(component.get("components") or ())
        for key in ("accessory", "component"):
            if component.get(key):
                yield from walk_components([component[key]])


def _embed_length(embed: Json) -> int:
    texts = [embed.get("title"), embed.get("description"), (embed.get("footer") or {}).get("text")]
    texts.append((embed.get("author") or {}).get("name"))
    for field in embed.get("fields") or []:
        texts += [field.get("name"), field.get("value")]
    return sum(len(text.strip()) for text in texts if text)
