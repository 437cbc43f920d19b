"""A finished view as the JSON body that Discord is sent and that the outbox keeps."""

from __future__ import annotations

from typing import Any

from discord import ui

COMPONENTS_V2 = 1 << 15
SUPPRESS_EMBEDS = 1 << 2
NO_MENTIONS: dict[str, list[str]] = {"parse": []}


def layout_payload(view: ui.LayoutView) -> dict[str, Any]:
    """Return the message body of a layout; nothing in it can mention anyone."""
    return {
        "components": view.to_components(),  # type: ignore[no-untyped-call]
        "flags": COMPONENTS_V2,
        "allowed_mentions": NO_MENTIONS,
    }


def plain_payload(content: str) -> dict[str, Any]:
    """Return the message body of a plain text, without previews of its links."""
    return {"content": content, "flags": SUPPRESS_EMBEDS, "allowed_mentions": NO_MENTIONS}
