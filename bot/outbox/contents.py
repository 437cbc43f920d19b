"""Content of posts as plain data, and the factory that turns rendered posts into deliveries.

A feature's planner builds the content of its posts, and `bot/app/client.py` renders it. A `DeliveryHandler`
describes one of a feature's delivery kinds to the outbox; the container lists all of them.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol, TypeAlias, TypedDict, Unpack

from storage import models
from storage.database import Connection

REPOST_INTERVAL = timedelta(days=30)
"""A paper is not posted again in a channel within this time."""


class NoticeKind(StrEnum):
    """Events reported by a notice. Each is reported once."""

    REFUSED = "refused"
    """Discord refuses a post or an alert, which is retried until it expires."""
    PAUSED = "paused"
    """A subscription or alert was paused after several of its deliveries in a row expired for the same `reason`."""
    RIGHT_LOST = "right-lost"
    """An owner's alerts (`subject`) in a channel were paused, because the owner may not manage messages there."""
    SOURCE_FAILING = "source-failing"
    """A source keeps failing; `subject` is its URL."""
    PAPERS_STOPPED = "papers-stopped"
    """No papers have come for a daily post on two expected days after the date `on`."""
    CONTENT_REFUSED = "left-out"
    """Discord refused the content of a post or message. `papers` were left out; without any, nothing was posted."""
    ERRORS = "errors"
    """Errors were logged. `subject` has a line for each kind of error."""
    WELCOME = "welcome"
    """The bot has joined a server and explains the first steps."""


@dataclass(frozen=True, slots=True)
class NoticePost:
    """A notice to the owner of a subscription or alert, or to the operator.

    `reason` is a value of `Reason`, a source's error message or the place of a bot with errors, `subject` a source's URL or the
    names of alerts. `channel_id` is the affected channel, not the destination. If it `is_elsewhere`, in another channel with
    other readers, its text names neither the affected channel nor the subject.
    """

    marker: str
    locale: models.Locale
    kind: NoticeKind
    reason: str | None = None
    channel_id: int | None = None
    subscription_id: int | None = None
    alert_id: int | None = None
    is_club: bool = False
    is_discussion: bool = False
    is_elsewhere: bool = False
    subject: str | None = None
    on: date | None = None
    papers: tuple[str, ...] = ()


def part_marker(marker: str, position: int) -> str:
    """Return a part's marker. It starts a custom id in the full form, and is the fragment of a link in the plain form."""
    return f"{_MARKER_START}{marker}:{position}/"


def remove_foreign_markers(text: str, marker: str | None) -> str:
    """Invalidate all markers in a text except `marker`, without changing the text's length.

    A digest's text could imitate another delivery's marker.
    """
    own = re.escape(marker.removeprefix(_MARKER_START)) if marker else "(?!)"
    return re.sub(f"{_MARKER_START}(?!{own})", "pr:d;", text)


_MARKER_START = "pr:d:"
MARKED_KINDS = frozenset(
    {models.PartKind.MESSAGE, models.PartKind.THREAD_MESSAGE, models.PartKind.FORUM_POST}
)
"""The kinds of part that create a message with a marker."""


@dataclass(frozen=True, slots=True)
class RenderedPart:
    """One rendered part of a post.

    `payload` is the JSON body of the request: a message for MESSAGE, THREAD_MESSAGE and EDIT, `{"name", "message"}` for
    FORUM_POST, `{"name", …}` for THREAD, `{"method", "path", "body", "same"}` for REQUEST, `{"path"}` for COUNT, and
    empty for CROSSPOST. A REQUEST may safely be repeated; `same` lists the keys of the body that identify the created object.
    `fallback` is the plain form, sent if Discord refuses the payload: links, numbers and our own words. Payloads of
    MARKED_KINDS contain their marker, and show the next `paper_count` papers of the post.
    """

    kind: models.PartKind
    payload: dict[str, Any] = field(default_factory=dict)
    fallback: dict[str, Any] | None = None
    paper_count: int = field(default=1, kw_only=True)


class Post(Protocol):
    """A post that can be rendered. Its messages contain its `marker`."""

    @property
    def marker(self) -> str: ...
    @property
    def locale(self) -> models.Locale: ...


class Renderer(Protocol):
    def render(self, post: Any) -> tuple[RenderedPart, ...]:
        """Return a post's messages in sending order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRecipient:
    """A subscription or alert whose delivery was refused. A notice goes to its owner or, without an owner, to the server.

    `name` is unique. `locale` (None: the default) is used if the owner has not chosen a language.
    """

    name: str
    guild_id: int | None
    channel_id: int | None
    user_id: int | None
    locale: models.Locale | None = None
    subscription_id: int | None = None
    alert_id: int | None = None
    is_club: bool = False
    is_discussion: bool = False


FindRecipients: TypeAlias = Callable[
    [Connection, models.Delivery, str | None], Awaitable[list[NoticeRecipient]]
]


async def _find_none(*_: Any) -> list[NoticeRecipient]:
    return []


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryHandler:
    """A kind of delivery, as far as the outbox needs to know.

    `find_recipients` returns the active subscriptions or alerts that a refused delivery belongs to and, if given a reason,
    pauses them. It runs in the outbox's transaction.
    """

    kind: models.DeliveryKind
    priority: models.Priority
    find_recipients: FindRecipients = _find_none


DeliveryKinds = Sequence[DeliveryHandler]


def pause_reader(change: Callable[..., Awaitable[object]]) -> FindRecipients:
    """Return a `find_recipients` for messages that one reader asked for, who has no subscription. `change` sets the reason."""

    async def find_recipients(
        connection: Connection, delivery: models.Delivery, pause_for: str | None
    ) -> list[NoticeRecipient]:
        if pause_for is not None and delivery.user_id is not None:
            await change(connection, delivery.user_id, reason=pause_for)
        return []

    return find_recipients


NONCE_BYTES = 15
"""Fifteen bytes are 24 characters in base 32. Discord accepts at most 25 (resources/message, nonce)."""


class Fields(TypedDict, total=False):
    """The fields of a delivery that depend on its kind: destination and content."""

    due_at: datetime
    expires_at: datetime
    user_id: int | None
    guild_id: int | None
    channel_id: int | None
    subscription_id: int | None
    local_on: date | None
    digest_on: date | None
    drawn_until: int | None
    papers: tuple[str, ...]
    asked_by: int | None
    priority: int


def new_nonce() -> str:
    """Return a nonce that is unique even among installations that share a bot token."""
    return base64.b32encode(secrets.token_bytes(NONCE_BYTES)).decode("ascii")


LIFETIME = timedelta(hours=24)
"""The time for which a delivery is retried. A daily post is retried until its next date."""


class DeliveryFactory:
    """Builds deliveries for all planners.

    `renderer` returns the renderer of posts, `nonces` a new nonce of at most 25 characters.
    """

    def __init__(self, renderer: Callable[[], Renderer], nonces: Callable[[], str] = new_nonce) -> None:
        self._renderer = renderer
        self.new_nonce = nonces

    def render(self, post: Post) -> tuple[models.NewPart, ...]:
        """Return a post's messages with its marker but without nonces, so that many deliveries can share them."""
        return _serialise_parts(self._renderer().render(post), post.marker)

    def build_post(
        self,
        record: DeliveryHandler,
        post: Post,
        now: datetime,
        /,
        key: str | None = None,
        **fields: Unpack[Fields],
    ) -> models.NewDelivery:
        """Return the delivery of a post. Its key is the post's marker unless `key` is given."""
        parts = self.render(post)
        return self.build(record, key or post.marker, post.locale, parts, now, marker=post.marker, **fields)

    def build(
        self,
        record: DeliveryHandler,
        key: str,
        locale: models.Locale,
        parts: Iterable[models.NewPart],
        now: datetime,
        marker: str | None = None,
        **fields: Unpack[Fields],
    ) -> models.NewDelivery:
        """Return the delivery of rendered messages, due now and for LIFETIME unless `due_at` and `expires_at` are given.

        `marker` identifies the messages and defaults to the key. If planning the delivery again gives the
        same marker, the post can be found in the channel's history after a backup is restored.
        """
        fields.setdefault("due_at", now)
        fields.setdefault("expires_at", now + LIFETIME)
        fields.setdefault("priority", record.priority)
        return models.NewDelivery(
            key=key,
            kind=record.kind,
            locale=locale,
            planned_at=now,
            parts=self.build_parts(parts, marker or key),
            **fields,
        )

    def build_parts(self, parts: Iterable[models.NewPart], name: str) -> tuple[models.NewPart, ...]:
        """Return the messages as parts of a delivery, with the marker filled in and new nonces."""
        new_parts = []
        for position, part in enumerate(parts):
            shared, marker = part.marker, part.marker and part_marker(name, position)
            if shared is None or marker is None:
                new_parts.append(replace(part, nonce=self.new_nonce()))
                continue
            payload = part.payload.replace(shared, marker)
            fallback = part.fallback and part.fallback.replace(shared, marker)
            new_parts.append(
                replace(part, payload=payload, fallback=fallback, nonce=self.new_nonce(), marker=marker)
            )
        return tuple(new_parts)


def _serialise_parts(parts: Iterable[RenderedPart], marker: str) -> tuple[models.NewPart, ...]:
    """Return the parts as JSON without nonces. From each part, the other parts' markers are removed."""
    serialised = []
    for position, part in enumerate(parts):
        is_marked = part.kind in MARKED_KINDS or part.kind is models.PartKind.EDIT
        own_marker = part_marker(marker, position) if is_marked else None
        bodies = [
            body
            and remove_foreign_markers(
                json.dumps(body, ensure_ascii=False, separators=(",", ":")), own_marker
            )
            for body in (part.payload, part.fallback)
        ]
        payload, fallback = bodies[0] or "{}", bodies[1] or None
        count = part.paper_count if own_marker else 0
        serialised.append(models.NewPart(part.kind, payload, "", fallback, own_marker, paper_count=count))
    return tuple(serialised)
