"""The record of a delivery kind, by which the feature that owns the kind tells the outbox all that it must know of it.

The container lists the records of all kinds; a new kind needs nothing else of the outbox.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from bot.services.posts.contents import Reason, RenderedPart
from storage import models
from storage.database import Connection

ShownT = TypeVar("ShownT")

STYLE_REASONS = frozenset(
    {Reason.TAG_NEEDED, Reason.WRONG_CHANNEL_KIND, Reason.NO_THREADS, Reason.THREAD_LOCKED}
)
"""Reasons that affect one subscription's style, not everything posted to its channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """A subscription or an alert whose state changed, for the notice to its owner; without one to the server.

    `name` distinguishes it from others. `locale` is that of an owner who has chosen none, None for the default language.
    """

    name: str
    guild_id: int | None
    channel_id: int | None
    user_id: int | None
    locale: models.Locale | None = None
    subscription_id: int | None = None
    alert_id: int | None = None
    is_notified: bool = True


CanResume = Callable[[int | None, int | None, str | None], bool]
"""Whether what was paused in a server's channel (guild id, channel id) for a reason may post there again."""


async def _nothing(*_: Any) -> list[Owned]:
    return []


@dataclass(frozen=True, slots=True, kw_only=True)
class KindRecord(Generic[ShownT]):
    """All that the outbox must know of a delivery kind. The callables run in a transaction of the outbox.

    `render` gets the renderer of the `DeliveryFactory` and a post, and returns its messages in sending order. `undo` takes
    back what planning stored about expired deliveries of which nothing was sent, at a time (UTC). `suspend` gives a state to
    that which posts where Discord refused a delivery, `resume` activates what may post again, in one server or in all.
    Both return what they changed in a channel.
    """

    kind: models.DeliveryKind
    priority: models.Priority
    render: Callable[[Any, ShownT], tuple[RenderedPart, ...]]
    undo: Callable[[Connection, Sequence[models.Delivery], datetime], Awaitable[object]] = _nothing
    suspend: Callable[[Connection, models.Delivery, models.ActivityState, Reason], Awaitable[list[Owned]]] = (
        _nothing
    )
    resume: Callable[[Connection, CanResume, int | None], Awaitable[list[Owned]]] = _nothing


DeliveryKinds = Sequence[KindRecord[Any]]
"""The records of all kinds."""
