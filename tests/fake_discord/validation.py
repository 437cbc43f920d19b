"""Checks what the bot sends: Discord's OpenAPI schema where it is at hand, and the rules that no schema tells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.fake_discord import wire

Json = dict[str, Any]

IS_COMPONENTS_V2 = 1 << 15
MAX_COMPONENTS = 40
MAX_CONTENT = 2000
MAX_TEXT = 4000
MAX_TEXT_BYTES = 10170
BYTES_PER_TEXT = 12
"""Measured: above `MAX_TEXT_BYTES` for the texts' UTF-8 plus this much a text, Discord answers 500 (api#8554)."""


class Schemas:
    """The OpenAPI schemas of Discord, or none: then only the rules below are checked."""

    def __init__(self, path: Path | None) -> None:
        self._components = _load_components(path) if path else None
        self._validators: dict[str, Any] = {}

    def check(self, name: str, payload: Json) -> None:
        """Raise a 50035 that names the first field which doesn't fit schema `name`."""
        if self._components is None:
            return
        for error in self._validator(name).iter_errors(payload):
            raise invalid_form_body(".".join(map(str, error.absolute_path)), error.message[:300])

    def _validator(self, name: str) -> Any:
        if name not in self._validators:
            import jsonschema

            schema = {"$ref": f"#/components/schemas/{name}", "components": self._components}
            self._validators[name] = jsonschema.Draft202012Validator(schema)
        return self._validators[name]


def _load_components(path: Path) -> Json:
    components: Json = json.loads(path.read_text())["components"]
    # Discord knows media channels (16), and discord.py names them for every option that takes a forum; the document
    # does not list them.
    components["schemas"]["ChannelTypes"]["oneOf"].append({"title": "GUILD_MEDIA", "const": 16})
    return _discriminate_by_type(components)


def _discriminate_by_type(components: Json) -> Json:
    """Rewrite each `oneOf` over typed objects as a choice by `type`, so that an error names the real field."""
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
        if isinstance(choices, list) and choices and all(kind(c) is not None for c in choices):
            return {
                "type": "object",
                "required": ["type"],
                "properties": {"type": {"enum": [kind(c) for c in choices]}},
                "allOf": [
                    {"if": {"properties": {"type": {"const": kind(c)}}}, "then": dict(c)} for c in choices
                ],
            }
        return {key: rewrite(value) for key, value in node.items()}

    rewritten: Json = rewrite(components)
    return rewritten


def invalid_form_body(field_path: str, message: str) -> wire.ApiError:
    """400 50035 about one field, given as a dotted path."""
    errors: Json = {"_errors": [{"code": "INVALID", "message": message}]}
    for key in reversed(field_path.split(".")):
        errors = {key or "_": errors}
    return wire.ApiError(400, 50035, "Invalid Form Body", errors)


def check_message(payload: Json) -> None:
    """Raise what Discord would answer to this message although its schema allows it."""
    components = list(walk_components(payload.get("components") or []))
    if len(payload.get("content") or "") > MAX_CONTENT:
        raise invalid_form_body("content", f"Must be {MAX_CONTENT} or fewer in length.")
    if int(payload.get("flags") or 0) & IS_COMPONENTS_V2:
        _check_v2(payload, components)
    elif not any(
        payload.get(key) for key in ("content", "embeds", "components", "attachments", "sticker_ids")
    ):
        raise wire.ApiError(400, 50006, "Cannot send an empty message")
    ids = [c["custom_id"] for c in components if c.get("custom_id")]
    if len(ids) != len(set(ids)):
        raise invalid_form_body("components", "Component custom id cannot be duplicated")
    if sum(_embed_length(e) for e in payload.get("embeds") or []) > 6000:
        raise invalid_form_body("embeds", "Embed size exceeds maximum size of 6000")


def _check_v2(payload: Json, components: list[Json]) -> None:
    for key in ("content", "embeds", "sticker_ids", "poll"):
        if payload.get(key):
            raise invalid_form_body(key, "Cannot be used together with the components v2 flag")
    if not components:
        raise wire.ApiError(400, 50006, "Cannot send an empty message")
    if len(components) > MAX_COMPONENTS:
        raise invalid_form_body("components", f"Must be {MAX_COMPONENTS} or fewer in total.")
    texts = [c.get("content", "") for c in components if c.get("type") == 10]
    if sum(map(len, texts)) > MAX_TEXT:
        raise invalid_form_body("components", f"The texts must be {MAX_TEXT} or fewer in length together.")
    if sum(len(t.encode()) + BYTES_PER_TEXT for t in texts) > MAX_TEXT_BYTES:
        raise wire.ApiError(500, 0, "Internal Server Error")


def walk_components(components: list[Json]) -> Iterator[Json]:
    """Every component, nested ones and accessories too."""
    for component in components:
        yield component
        yield from walk_components(component.get("components") or [])
        if component.get("accessory"):
            yield from walk_components([component["accessory"]])


def _embed_length(embed: Json) -> int:
    texts = [embed.get("title"), embed.get("description"), (embed.get("footer") or {}).get("text")]
    texts.append((embed.get("author") or {}).get("name"))
    for part in embed.get("fields") or []:
        texts += [part.get("name"), part.get("value")]
    return sum(len(text.strip()) for text in texts if text)
