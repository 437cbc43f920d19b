"""Message bodies for Discord's API, as the outbox stores them."""

from __future__ import annotations

from typing import Any

from discord import ui

COMPONENTS_V2 = 1 << 15
SUPPRESS_EMBEDS = 1 << 2
NO_MENTIONS: dict[str, list[str]] = {"parse": []}


def layout_payload(view: ui.LayoutView) -> dict[str, Any]:
    """Return the message body of a layout. It mentions no one."""
    return {
        "components": view.to_components(),  # type: ignore[no-untyped-call]
        "flags": COMPONENTS_V2,
        "allowed_mentions": NO_MENTIONS,
    }


def plain_payload(content: str) -> dict[str, Any]:
    """Return the message body of a plain text, without embeds for its links."""
    return {"content": content, "flags": SUPPRESS_EMBEDS, "allowed_mentions": NO_MENTIONS}
