"""What is to be shown in a post, as plain data, and the Protocol of who turns it into messages.

The planning services fill these in; `bot/client/renderer.py` is the implementation. No texts and no Discord here.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Protocol

from storage import models


@dataclass(frozen=True, slots=True)
class PostPaper:
    """A paper as a post shows it.

    `sections` are the whole summary to show, best first (the newsletter's highlights, else the review's
    chapters), as Markdown; the renderer shortens them as the style asks. `authors` may be all of them.
    """

    arxiv_id: str
    title: str | None
    url: str
    date: date
    votes: int | None = None
    authors: tuple[str, ...] = ()
    authors_truncated: bool = False
    thumbnail: str | None = None
    sections: tuple[models.Section, ...] = ()


@dataclass(frozen=True, slots=True)
class PostSchedule:
    """When a subscription posts, for the line at the foot: `HH:MM` in the IANA zone, on these ISO weekdays (1-7)."""

    at_time: str
    timezone: str
    days: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DailyPost:
    """The day's top papers for one channel.

    `marker` names the delivery inside its messages (at most 64 characters of `A-Za-z0-9:_-`), so that it can
    be found in the channel's history. `total` counts the papers that were chosen from. `digest_on` is the
    digest's date; for WEEKLY it is the last day. `since_on` is the first day of a weekly post. `missed_on`
    are days whose posts were due during downtime and are named in one line. `forum_tags` are the tag ids
    that a forum demands. `papers` may be empty: then the post says "no papers today".
    """

    marker: str
    locale: models.Locale
    style: models.Style
    digest_on: date
    total: int
    papers: tuple[PostPaper, ...]
    subscription_id: int | None = None
    schedule: PostSchedule | None = None
    since_on: date | None = None
    missed_on: tuple[date, ...] = ()
    forum_tags: tuple[int, ...] = ()


class MatchField(StrEnum):
    """Where in a paper an alert's words were found."""

    TITLE = "title"
    TEXT = "text"
    AUTHOR = "author"


@dataclass(frozen=True, slots=True)
class AlertReason:
    """Why a paper matched. `text` is the rule as its owner wrote it; for an author the name as the paper has it."""

    alert_id: int
    kind: models.AlertKind
    text: str
    found_in: MatchField


@dataclass(frozen=True, slots=True)
class AlertMatch:
    """One paper of an alert and every rule that it fits."""

    paper: PostPaper
    reasons: tuple[AlertReason, ...]


@dataclass(frozen=True, slots=True)
class AlertPost:
    """What one digest holds for one recipient. `in_channel` leaves out the buttons that belong to a reader alone.

    `matches` holds all of them; the renderer shows as many as fit and says how many more there are.
    """

    marker: str
    locale: models.Locale
    digest_on: date
    matches: tuple[AlertMatch, ...]
    in_channel: bool = False


class NoticeKind(StrEnum):
    """What a person has to be told of, once."""

    PAUSED = "paused"
    """A subscription or an alert was paused; `reason` says why."""
    RESUMED = "resumed"
    """It goes on again by itself."""
    CLOSED = "closed"
    """It ended for good: the channel or the server is gone."""
    SOURCE_FAILING = "source-failing"
    """A source has not answered for a while; `subject` is its address."""


@dataclass(frozen=True, slots=True)
class NoticePost:
    """A message to whoever set something up. `reason` is one of `Reason`'s values or a sentence of a source.

    `channel_id` is the channel that the notice is about, not where it goes.
    """

    marker: str
    locale: models.Locale
    kind: NoticeKind
    reason: str | None = None
    channel_id: int | None = None
    subscription_id: int | None = None
    alert_id: int | None = None
    subject: str | None = None


class Reason(StrEnum):
    """Why something is paused, failed, expired or closed: kept in storage as its value, put in words by the interface."""

    UNKNOWN_CHANNEL = "unknown-channel"
    GUILD_LEFT = "guild-left"
    NO_ACCESS = "no-access"
    NO_PERMISSION = "no-permission"
    NO_SEND = "no-send"
    NO_SEND_IN_THREADS = "no-send-in-threads"
    NO_THREADS = "no-threads"
    NO_HISTORY = "no-history"
    DMS_CLOSED = "dms-closed"
    NO_SHARED_SERVER = "no-shared-server"
    THREAD_LOCKED = "thread-locked"
    TAG_NEEDED = "tag-needed"
    WRONG_CHANNEL_KIND = "wrong-channel-kind"
    REFUSED_CONTENT = "refused-content"
    DISCORD_TROUBLE = "discord-trouble"
    RATE_LIMITED = "rate-limited"
    TOO_OLD = "too-old"
    UNCERTAIN = "uncertain"
    BY_HAND = "by-hand"
    NO_DIGEST = "no-digest"


def part_marker(marker: str, position: int) -> str:
    """Return the text that every form of a delivery's part holds: at the start of a custom id, or in a link's fragment."""
    return f"pr:d:{marker}:{position}/"


def extract_marker(payload: dict[str, Any]) -> str | None:
    """Return the marker inside a rendered payload, to be looked for in the messages of a channel's history.

    A message that `json.dumps` to a text with this marker in it is that part, in its full or its plain form.
    """
    found = _MARKER.search(json.dumps(payload))
    return found.group() if found else None


_MARKER = re.compile(r"pr:d:[A-Za-z0-9:_-]{1,64}:[0-9]+/")


@dataclass(frozen=True, slots=True)
class RenderedPart:
    """One message as the outbox keeps it.

    `payload` is the JSON body of Discord's request for this kind: MESSAGE, THREAD_MESSAGE and EDIT a message,
    FORUM_POST `{"name", "applied_tags", "message"}`, THREAD `{"name", …}`, CROSSPOST empty. `fallback` is the same
    in plain text, for when Discord refuses the payload; None where there is nothing plainer. All but THREAD, EDIT
    and CROSSPOST hold a marker (`marker_of`); an EDIT holds that of the message that it replaces.
    """

    kind: models.PartKind
    payload: dict[str, Any] = field(default_factory=dict)
    fallback: dict[str, Any] | None = None


class Renderer(Protocol):
    """Turns posts into messages, in the order in which they are to be sent. Pure: no storage, no network, no clock."""

    def render_daily(self, post: DailyPost) -> tuple[RenderedPart, ...]:
        """Return the messages of a daily (or weekly) post in its style; never empty."""
        ...

    def render_alert(self, post: AlertPost) -> tuple[RenderedPart, ...]:
        """Return the one message that tells a recipient of new papers."""
        ...

    def render_notice(self, post: NoticePost) -> tuple[RenderedPart, ...]:
        """Return the one message that tells a person what happened and what to do."""
        ...
