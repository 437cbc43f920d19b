"""What the relay asks of whoever talks to Discord, as plain data and one Protocol. Sends and stores nothing itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from storage.models import PartKind


@dataclass(frozen=True, slots=True)
class Order:
    """One request to Discord.

    `payload` is the body as `posts.RenderedPart` describes it for this kind. `channel_id` is where the request goes: the
    channel, thread or DM. `message_id` is the message that a THREAD, CROSSPOST or EDIT is about. `marker` is what the
    message holds so that it can be found again; `nonce` makes a repeated MESSAGE one message.
    """

    kind: PartKind
    channel_id: int
    payload: dict[str, Any]
    nonce: str
    marker: str | None = None
    guild_id: int | None = None
    message_id: int | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message that stands in Discord, and the channel or thread it stands in. The id is None once it was deleted."""

    message_id: int | None
    channel_id: int


class Sender(Protocol):
    """Makes single attempts. Every failure is a `failures.DeliveryError`; a time limit is the caller's business."""

    async def send(self, order: Order) -> Accepted:
        """Ask Discord once for what the order says."""
        ...

    async def find(self, order: Order, since: datetime) -> Accepted | None:
        """Look for the order's message among those posted since `since` (UTC). None: it surely is not there."""
        ...

    async def open_dm(self, user_id: int) -> int:
        """Open the direct messages with a user; gives their channel's id."""
        ...
