"""The `Sender` port of the relay, and the send request built from an outbox part."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, assert_never

from bot.services.outbox import discord_errors
from bot.services.posts import contents
from storage import models
from storage.models import PartKind


@dataclass(frozen=True, slots=True)
class SendRequest:
    """One request to Discord.

    `payload` is the body as `contents.RenderedPart` describes it for this kind. `channel_id` is the target channel, thread
    or DM; `message_id` is the target message of a THREAD, CROSSPOST or EDIT. `marker` is the text by which the message is
    found in a history; `nonce` makes repeated MESSAGE requests one message. `guild_id` is None for a DM.
    """

    kind: PartKind
    channel_id: int
    payload: dict[str, Any]
    nonce: str
    marker: str | None = None
    guild_id: int | None = None
    message_id: int | None = None


class Sender(Protocol):
    """Makes single attempts. Every failure is a `discord_errors.DeliveryError`; the caller sets the time limit."""

    async def send(self, request: SendRequest) -> models.Receipt:
        """Make the request once."""
        ...

    async def find(self, request: SendRequest, since: datetime) -> models.Receipt | None:
        """Search the messages since `since` (UTC) for the request's marker. None if it is certainly not there."""
        ...

    async def open_dm(self, user_id: int) -> int:
        """Open the DM channel with a user and return its id."""
        ...


def build_request(
    delivery: models.Delivery, part: models.Part, channel_id: int, preceding: Sequence[models.Part] = ()
) -> SendRequest:
    """Return the request of a part. `channel_id` is the delivery's channel, `preceding` are the parts before it.

    Raises DeliveryError if the part that it builds on has no message.
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
        case PartKind.MESSAGE | PartKind.FORUM_POST:
            pass
        case _:
            assert_never(part.kind)
    return SendRequest(
        kind=part.kind,
        channel_id=channel_id,
        payload=payload,
        nonce=part.nonce,
        marker=part.marker,
        guild_id=delivery.guild_id if delivery.user_id is None else None,
        message_id=message_id,
    )


def _last_sent(parts: Sequence[models.Part], *kinds: PartKind) -> models.Part:
    for part in reversed(parts):
        if part.kind in kinds and part.message_id is not None:
            return part
    raise discord_errors.DeliveryError(
        discord_errors.Classification(
            discord_errors.Disposition.TARGET_GONE, contents.Reason.UNKNOWN_CHANNEL
        ),
        "the message that this part builds on was deleted",
    )
