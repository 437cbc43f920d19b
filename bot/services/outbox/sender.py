"""What the relay asks of whoever talks to Discord: an order made from a part, and the Protocol of who carries it out.

Sends and stores nothing itself.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from bot.services.outbox import discord_errors
from bot.services.posts import contents
from storage import models
from storage.models import PartKind


@dataclass(frozen=True, slots=True)
class SendRequest:
    """One request to Discord.

    `payload` is the body as `posts.RenderedPart` describes it for this kind. `channel_id` is where the request goes: the
    channel, thread or DM. `message_id` is the message that a THREAD, CROSSPOST or EDIT is about. `marker` is what the
    message holds so that it can be found again; `nonce` makes a repeated MESSAGE one message. `guild_id` is None for a DM.
    """

    kind: PartKind
    channel_id: int
    payload: dict[str, Any]
    nonce: str
    marker: str | None = None
    guild_id: int | None = None
    message_id: int | None = None


class Sender(Protocol):
    """Makes single attempts. Every failure is a `failures.DeliveryError`; a time limit is the caller's business."""

    async def send(self, request: SendRequest) -> models.Receipt:
        """Ask Discord once for what the order says."""
        ...

    async def find(self, request: SendRequest, since: datetime) -> models.Receipt | None:
        """Look for the order's message among those posted since `since` (UTC). None: it surely is not there."""
        ...

    async def open_dm(self, user_id: int) -> int:
        """Open the direct messages with a user; gives their channel's id."""
        ...


def build_request(
    delivery: models.Delivery, part: models.Part, channel_id: int, preceding: Sequence[models.Part] = ()
) -> SendRequest:
    """Return the request that a part asks for. `channel_id` is the delivery's place, `earlier` the parts before it.

    Raises DeliveryError when the earlier part that it builds on has no message.
    """
    payload: dict[str, Any] = json.loads(part.payload or "{}")
    message_id = part.message_id
    match part.kind:
        case PartKind.THREAD | PartKind.CROSSPOST:
            base = _last_sent(preceding, PartKind.MESSAGE)
            channel_id, message_id = base.channel_id or channel_id, base.message_id
        case PartKind.THREAD_MESSAGE:
            base = _last_sent(preceding, PartKind.THREAD, PartKind.FORUM_POST)
            channel_id = base.channel_id or channel_id
        case PartKind.EDIT:
            channel_id = part.channel_id or channel_id
    return SendRequest(
        kind=part.kind,
        channel_id=channel_id,
        payload=payload,
        nonce=part.nonce,
        marker=contents.extract_marker(payload),
        guild_id=delivery.guild_id if delivery.user_id is None else None,
        message_id=message_id,
    )


def _last_sent(parts: Sequence[models.Part], *kinds: PartKind) -> models.Part:
    for part in reversed(parts):
        if part.kind in kinds and part.message_id is not None:
            return part
    gone = discord_errors.Classification(
        discord_errors.Disposition.TARGET_GONE, contents.Reason.UNKNOWN_CHANNEL
    )
    raise discord_errors.DeliveryError(gone, "the message that this part builds on was deleted")
