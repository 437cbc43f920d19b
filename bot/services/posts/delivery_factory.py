"""Builds deliveries for the outbox: payloads as JSON, a nonce for each part, the priority and the lifetime."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, assert_never

from bot.services.posts import contents
from storage import models
from storage.models import DeliveryKind, Priority

NONCE_BYTES = 15
"""Fifteen bytes are 24 characters in base 32; Discord takes at most 25 (resources/message, nonce)."""

MARKER_PLACEHOLDER = "daily:0:0000-00-00"
"""Marker of a rendered post that is shared by many deliveries; each delivery puts its own key in its place."""

ALERT_MARKER_PLACEHOLDER = f"alert:channel:{0:020}:{0:014}:{0:010}"
"""The same of an alert, as long as the longest key."""

RENDERED_ALERTS = 256
"""Messages of alerts that are kept: many recipients follow the same terms, and get the same papers."""


def new_nonce() -> str:
    """Return a nonce that is globally unique, also across installations that share one bot token."""
    return base64.b32encode(secrets.token_bytes(NONCE_BYTES)).decode("ascii")


@dataclass(frozen=True, slots=True)
class RenderedPost:
    """A daily post rendered with MARKER_PLACEHOLDER. `parts` have no nonces; `fingerprint` is a hash of the papers shown."""

    post: contents.DailyPost
    parts: tuple[models.NewPart, ...]
    fingerprint: str


class DeliveryFactory:
    """Builds the deliveries of every planner. `renderer` is called when the first post is rendered.

    `nonces` returns a new nonce of at most 25 characters; a delivery expires `lifetime` after it was planned.
    """

    def __init__(
        self,
        renderer: Callable[[], contents.Renderer],
        nonces: Callable[[], str] = new_nonce,
        lifetime: timedelta = timedelta(hours=24),
    ) -> None:
        self._renderer = renderer
        self._nonces = nonces
        self._lifetime = lifetime
        self._render_alert = lru_cache(maxsize=RENDERED_ALERTS)(self._render_alert_once)

    def new_nonce(self) -> str:
        """Return a nonce for a part that is sent again in another form or to another channel."""
        return self._nonces()

    def expires_at(self, now: datetime) -> datetime:
        """Return when a delivery planned at `now` expires (UTC)."""
        return now + self._lifetime

    def render_daily(self, post: contents.DailyPost) -> RenderedPost:
        """Render a post once, for any number of deliveries. `post.marker` must be MARKER_PLACEHOLDER."""
        parts = _serialise_parts(self._renderer().render_daily(post), post.marker)
        # Of the papers alone: a changed schedule or template is no reason to edit what was posted.
        titles = [(paper.title, paper.url) for paper, _, _ in post.our_five]
        shown = repr(post.papers) + (repr(titles) if titles else "")
        return RenderedPost(post, parts, hashlib.sha256(shown.encode()).hexdigest())

    def build_post(
        self,
        rendered: RenderedPost,
        subscription: models.Subscription,
        *,
        kind: DeliveryKind,
        key: str,
        local_on: date,
        now: datetime,
        due_at: datetime | None = None,
    ) -> models.NewDelivery:
        """Return the delivery of a rendered post to a subscription's channel, due now unless `due_at` is given."""
        return models.NewDelivery(
            key=key,
            kind=kind,
            locale=rendered.post.locale,
            planned_at=now,
            due_at=due_at or now,
            expires_at=self.expires_at(now),
            parts=self.build_parts(rendered, key),
            priority=_priority(kind),
            subscription_id=subscription.id,
            guild_id=subscription.guild_id,
            channel_id=subscription.channel_id,
            local_on=local_on,
            digest_on=rendered.post.digest_on,
            papers=tuple(paper.arxiv_id for paper in rendered.post.papers),
            total=rendered.post.total,
            fingerprint=rendered.fingerprint,
            topic=rendered.post.topic,
            late=rendered.post.late,
            closes_at=rendered.post.closes_at,
            our_five=tuple(
                (paper.arxiv_id, saved, shared) for paper, saved, shared in rendered.post.our_five
            ),
        )

    def build_parts(self, rendered: RenderedPost, key: str) -> tuple[models.NewPart, ...]:
        """Return the parts of the delivery `key`, with its marker and new nonces."""
        return self._complete_parts(rendered.parts, key)

    def _complete_parts(self, parts: Iterable[models.NewPart], key: str) -> tuple[models.NewPart, ...]:
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

    def build_alert(
        self,
        post: contents.AlertPost,
        *,
        key: str,
        now: datetime,
        user_id: int | None = None,
        guild_id: int | None = None,
        channel_id: int | None = None,
    ) -> models.NewDelivery:
        """Return the delivery of an alert to a reader or a channel. `post.marker` must be ALERT_MARKER_PLACEHOLDER."""
        return models.NewDelivery(
            key=key,
            kind=DeliveryKind.ALERT,
            locale=post.locale,
            planned_at=now,
            due_at=now,
            expires_at=self.expires_at(now),
            parts=self._complete_parts(self._render_alert(post), key),
            priority=_priority(DeliveryKind.ALERT),
            user_id=user_id,
            guild_id=guild_id,
            channel_id=channel_id,
            digest_on=post.digest_on,
            papers=tuple(paper.arxiv_id for paper, _ in post.matches),
        )

    def build_today(
        self, post: contents.TodayPost, *, now: datetime, user_id: int, channel_id: int | None, local_on: date
    ) -> models.NewDelivery:
        """Return the delivery of a reader's papers of the day; `channel_id` is the DM channel, if it is known."""
        delivery = self._build(DeliveryKind.TODAY, post, self._renderer().render_today(post), now)
        papers = tuple(paper.arxiv_id for paper, _, _ in post.picks)
        return replace(
            delivery,
            user_id=user_id,
            channel_id=channel_id,
            local_on=local_on,
            digest_on=post.digest_on,
            papers=papers,
        )

    def _render_alert_once(self, post: contents.AlertPost) -> tuple[models.NewPart, ...]:
        return _serialise_parts(self._renderer().render_alert(post), post.marker)

    def build_notice(
        self,
        post: contents.NoticePost,
        *,
        now: datetime,
        user_id: int | None = None,
        guild_id: int | None = None,
        channel_id: int | None = None,
    ) -> models.NewDelivery:
        """Return the delivery of a notice to a reader or a channel."""
        delivery = self._build(DeliveryKind.NOTICE, post, self._renderer().render_notice(post), now)
        return replace(
            delivery,
            user_id=user_id,
            guild_id=guild_id,
            channel_id=channel_id,
            subscription_id=post.subscription_id,
        )

    def _build(
        self,
        kind: DeliveryKind,
        post: contents.TodayPost | contents.NoticePost,
        rendered: Iterable[contents.RenderedPart],
        now: datetime,
    ) -> models.NewDelivery:
        return self._build_message(kind, post.marker, post.locale, rendered, now)

    def build_news(
        self,
        key: str,
        locale: models.Locale,
        rendered: Iterable[contents.RenderedPart],
        *,
        now: datetime,
        user_id: int,
        channel_id: int | None,
    ) -> models.NewDelivery:
        """Return the delivery of rendered news of saved papers; `channel_id` is the DM channel, if it is known."""
        delivery = self._build_message(DeliveryKind.NEWS, key, locale, rendered, now)
        return replace(delivery, user_id=user_id, channel_id=channel_id)

    def _build_message(
        self,
        kind: DeliveryKind,
        key: str,
        locale: models.Locale,
        rendered: Iterable[contents.RenderedPart],
        now: datetime,
    ) -> models.NewDelivery:
        return models.NewDelivery(
            key=key,
            kind=kind,
            locale=locale,
            planned_at=now,
            due_at=now,
            expires_at=self.expires_at(now),
            parts=tuple(replace(part, nonce=self._nonces()) for part in _serialise_parts(rendered, key)),
            priority=_priority(kind),
        )

    def build_edit(
        self, original: models.Delivery, parts: tuple[models.NewPart, ...], *, key: str, now: datetime
    ) -> models.NewDelivery:
        """Return the delivery that edits the messages of `original`."""
        return models.NewDelivery(
            key=key,
            kind=DeliveryKind.EDIT,
            locale=original.locale,
            planned_at=now,
            due_at=now,
            expires_at=self.expires_at(now),
            parts=parts,
            priority=_priority(DeliveryKind.EDIT),
            guild_id=original.guild_id,
            channel_id=original.channel_id,
            digest_on=original.digest_on,
            papers=original.papers,
        )

    def build_edit_part(self, original: models.Part, payload: str) -> models.NewPart:
        """Return the part that edits the message of `original` to show `payload`, the JSON of a part of that kind."""
        body: dict[str, Any] = json.loads(payload)
        return models.NewPart(
            kind=models.PartKind.EDIT,
            payload=_dump_json(body.get("message", body)),
            nonce=self._nonces(),
            channel_id=original.channel_id,
            message_id=original.message_id,
        )


def _priority(kind: DeliveryKind) -> Priority:
    match kind:
        case DeliveryKind.ON_DEMAND:
            return Priority.INTERACTIVE
        case DeliveryKind.ALERT | DeliveryKind.NOTICE | DeliveryKind.NEWS:
            return Priority.NOTIFICATION
        case DeliveryKind.DAILY | DeliveryKind.TODAY:
            return Priority.SCHEDULED
        case DeliveryKind.EDIT:
            return Priority.CORRECTION
        case _:
            assert_never(kind)


def _serialise_parts(parts: Iterable[contents.RenderedPart], marker: str) -> tuple[models.NewPart, ...]:
    """Return the parts as JSON without nonces, each with its marker and no other in what it sends."""
    serialised = []
    for position, part in enumerate(parts):
        own = contents.part_marker(marker, position) if part.kind in contents.MARKED_KINDS else None
        bodies = [
            body and contents.remove_foreign_markers(_dump_json(body), own)
            for body in (part.payload, part.fallback)
        ]
        payload, fallback = bodies[0] or "{}", bodies[1] or None
        serialised.append(models.NewPart(part.kind, payload, "", fallback=fallback, marker=own))
    return tuple(serialised)


def _dump_json(payload: dict[str, Any]) -> str:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
