"""Message bodies for Discord's API, as the outbox stores them."""

from __future__ import annotations

from typing import Any

from discord import ui

COMPONENTS_V2 = 1 << 15
SUPPRESS_EMBEDS = 1 << 2
NO_MENTIONS: dict[str, list[str]] = {"parse": []}


def allowed_mentions(role_id: int | None) -> dict[str, list[str]]:
    """Return the allowed mentions: that of the role, or none."""
    return NO_MENTIONS if role_id is None else {"parse": [], "roles": [str(role_id)]}


def layout_payload(view: ui.LayoutView, *, mention_role_id: int | None = None) -> dict[str, Any]:
    """Return the message body of a layout. It mentions at most one role."""
    return {
        "components": view.to_components(),  # type: ignore[no-untyped-call]
        "flags": COMPONENTS_V2,
        "allowed_mentions": allowed_mentions(mention_role_id),
    }


def plain_payload(content: str, *, mention_role_id: int | None = None) -> dict[str, Any]:
    """Return the message body of a plain text, without embeds for its links. It mentions at most one role."""
    mentions = allowed_mentions(mention_role_id)
    return {"content": content, "flags": SUPPRESS_EMBEDS, "allowed_mentions": mentions}
