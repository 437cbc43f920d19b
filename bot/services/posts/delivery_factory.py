"""Builds deliveries for the outbox: payloads as JSON, a nonce for each part, the priority and the lifetime."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Protocol, TypedDict, TypeVar, Unpack

from bot.services.posts import contents
from bot.services.posts.kinds import KindRecord
from storage import models

NONCE_BYTES = 15
"""Fifteen bytes are 24 characters in base 32; Discord takes at most 25 (resources/message, nonce)."""


class Post(Protocol):
    """A post that can be rendered. `marker` names it inside its messages."""

    @property
    def marker(self) -> str: ...
    @property
    def locale(self) -> models.Locale: ...


PostT = TypeVar("PostT", bound=Post)


class Fields(TypedDict, total=False):
    """The fields of a delivery that depend on its kind: destination and content."""

    due_at: datetime
    user_id: int | None
    guild_id: int | None
    channel_id: int | None
    subscription_id: int | None
    local_on: date | None
    digest_on: date | None
    post: models.StoredPost


def new_nonce() -> str:
    """Return a nonce that is globally unique, also across installations that share one bot token."""
    return base64.b32encode(secrets.token_bytes(NONCE_BYTES)).decode("ascii")


class DeliveryFactory:
    """Builds the deliveries of every planner. `renderer` is called when the first post is rendered.

    `nonces` returns a new nonce of at most 25 characters; a delivery expires `lifetime` after it was planned.
    """

    def __init__(
        self,
        renderer: Callable[[], Any],
        nonces: Callable[[], str] = new_nonce,
        lifetime: timedelta = timedelta(hours=24),
    ) -> None:
        self._renderer = renderer
        self._nonces = nonces
        self._lifetime = lifetime

    def new_nonce(self) -> str:
        """Return a nonce for a part that is sent again in another form or to another channel."""
        return self._nonces()

    def expires_at(self, now: datetime) -> datetime:
        """Return when a delivery planned at `now` expires (UTC)."""
        return now + self._lifetime

    def render(self, record: KindRecord[PostT], post: PostT) -> tuple[models.NewPart, ...]:
        """Return the messages of a post with its marker and without nonces, for any number of deliveries."""
        return _serialise_parts(record.render(self._renderer(), post), post.marker)

    def build_post(
        self, record: KindRecord[PostT], post: PostT, now: datetime, /, **fields: Unpack[Fields]
    ) -> models.NewDelivery:
        """Return the delivery of a post, whose marker is the key."""
        return self.build(record, post.marker, post.locale, self.render(record, post), now, **fields)

    def build(
        self,
        record: KindRecord[Any],
        key: str,
        locale: models.Locale,
        parts: Iterable[models.NewPart],
        now: datetime,
        **fields: Unpack[Fields],
    ) -> models.NewDelivery:
        """Return the delivery of rendered messages, due now unless `due_at` is given."""
        fields.setdefault("due_at", now)
        return models.NewDelivery(
            key=key,
            kind=record.kind,
            locale=locale,
            planned_at=now,
            expires_at=self.expires_at(now),
            parts=self.build_parts(parts, key),
            priority=record.priority,
            **fields,
        )

    def build_parts(self, parts: Iterable[models.NewPart], key: str) -> tuple[models.NewPart, ...]:
        """Return rendered messages as the parts of the delivery `key`, with its marker and new nonces."""
        new_parts = []
        for position, part in enumerate(parts):
            shared, marker = part.marker, part.marker and contents.part_marker(key, position)
            if shared is None or marker is None:
                new_parts.append(replace(part, nonce=self._nonces()))
                continue
            payload = part.payload.replace(shared, marker)
            fallback = part.fallback and part.fallback.replace(shared, marker)
            new_parts.append(
                replace(part, payload=payload, fallback=fallback, nonce=self._nonces(), marker=marker)
            )
        return tuple(new_parts)


def _serialise_parts(parts: Iterable[contents.RenderedPart], marker: str) -> tuple[models.NewPart, ...]:
    """Return the parts as JSON without nonces, each with its marker and no other in what it sends."""
    serialised = []
    for position, part in enumerate(parts):
        own = contents.part_marker(marker, position) if part.kind in contents.MARKED_KINDS else None
        bodies = [
            body and contents.remove_foreign_markers(dump_payload(body), own)
            for body in (part.payload, part.fallback)
        ]
        payload, fallback = bodies[0] or "{}", bodies[1] or None
        serialised.append(models.NewPart(part.kind, payload, "", fallback=fallback, marker=own))
    return tuple(serialised)


def dump_payload(payload: dict[str, Any]) -> str:
    """Return the JSON of a payload as it is stored."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
