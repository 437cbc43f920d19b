"""Post contents as plain data: the planners build them, and `bot/app/client.py` turns them into messages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, TypeAlias

from bot.archive import summaries
from bot.archive.summaries import Summary
from bot.search import results as search_results
from storage import models


@dataclass(frozen=True, slots=True)
class PostPaper:
    """A paper in a post.

    `sections` are the whole summary as Markdown, in the digest's order; the renderer shortens them for the style.
    `summary` says whose they are. `quoted` is the sentence of a text that the reason for the paper stands on. `authors` may be
    complete. `digest_id` is the digest that it came from, 0 for none.
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
    summary: Summary | None = None
    organization: str | None = None
    code_url: str | None = None
    code_stars: int | None = None
    project_url: str | None = None
    digest_id: int = 0
    quoted: search_results.Snippet | None = None


def is_in_other_language(papers: Iterable[PostPaper], locale: models.Locale) -> bool:
    """Return whether the summaries of papers are all in another language than a post."""
    languages = (paper.summary.language for paper in papers if paper.summary is not None)
    return summaries.are_all_foreign(languages, locale)


ServerPick: TypeAlias = tuple[PostPaper, int, int]
"""A paper, and how many members of the server saved and shared it; of its paper, only the facts of a list are known."""

PostSchedule = tuple[str, str, tuple[int, ...], models.When]
"""A subscription's schedule, for the footer: `HH:MM`, an IANA zone, ISO weekdays (1-7), and when on such a day."""


@dataclass(frozen=True, slots=True)
class DailyPost:
    """The day's top papers for one channel.

    `marker` names the delivery inside its messages (at most 64 characters of `A-Za-z0-9:_-`), by which they are found in
    the channel's history. `total` is the number of papers chosen from. `digest_on` is the digest's date, for WEEKLY the
    last day; `since_on` is the first day of a weekly post. `missed_on` are days whose posts were due during downtime.
    The last papers are those of `late`, day by day. `closes_at` (UTC) is when the list of a listing's day closes, and
    `is_complete` that it has closed and was read since; None if neither is known. `final_total` is the number of papers at
    the close, of a post that was made before it and edited after it: `total` stays what it was chosen from.
    `ranks` are those of its own papers by votes, () if they are the first ones: others were posted in the channel before.
    `forum_tags` are the tag ids that a forum requires. `topic` is the query that the papers match, as typed, "" for none,
    and `source` the name of the source that they come from, "" for all.
    `server_picks` are the papers that most members of the server saved or shared, at most five.
    `mention_role_id` is a role to mention at the head of the first message. One `by_webhook` has no buttons, menus and
    commands, which only a bot answers; a `silent` one raises no notification. Without `papers` the post says "no papers today".
    """

    marker: str
    locale: models.Locale
    style: models.Style
    digest_on: date
    total: int
    papers: tuple[PostPaper, ...]
    schedule: PostSchedule | None = None
    since_on: date | None = None
    missed_on: tuple[date, ...] = ()
    forum_tags: tuple[int, ...] = ()
    topic: str = ""
    source: str = ""
    mention_role_id: int | None = None
    late: tuple[models.LateDay, ...] = ()
    closes_at: datetime | None = None
    is_complete: bool = False
    final_total: int | None = None
    ranks: tuple[int, ...] = ()
    server_picks: tuple[ServerPick, ...] = ()
    by_webhook: bool = False
    silent: bool = False

    @property
    def own_count(self) -> int:
        """The number of papers of the post's own day."""
        return len(self.papers) - sum(shown for _, shown, _ in self.late)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of the papers: their ranks; late papers follow."""
        own = self.ranks or tuple(range(1, self.own_count + 1))
        last = own[-1] if own else 0
        return own + tuple(range(last + 1, last + 1 + len(self.papers) - len(own)))

    @property
    def has_votes(self) -> bool:
        """Whether the votes of a paper are known; otherwise the post leaves them out."""
        return any(paper.votes is not None for paper in self.papers)

    @property
    def is_in_other_language(self) -> bool:
        """Whether its summaries are all in another language than the post; its foot says so once."""
        return is_in_other_language(self.papers, self.locale)


class MatchField(StrEnum):
    """Part of a paper that matches an alert."""

    TITLE = "title"
    TEXT = "text"
    AUTHOR = "author"
    INSTITUTION = "institution"
    PAPER = "paper"
    """The paper itself was asked for."""


@dataclass(frozen=True, slots=True)
class AlertReason:
    """Why a paper matches. `text` is the term, a form of it or a name as the paper has it."""

    alert_id: int
    kind: models.AlertKind
    text: str
    found_in: MatchField
    crossed: tuple[int, int | None] | None = None
    """The votes that the alert asks for, if the paper reached them later, and its votes when it was matched."""
    typed: str = ""
    """A word as the alert's owner typed it."""

    @property
    def topic(self) -> str:
        """What the owner follows: words as typed, a name as the paper has it."""
        return self.typed or self.text


AlertMatch: TypeAlias = tuple[PostPaper, tuple[AlertReason, ...]]
"""A paper with its reasons: the recipient's alerts that it matches."""


@dataclass(frozen=True, slots=True)
class AlertPost:
    """The papers for one recipient, best first. `in_channel` omits what is for a single reader.

    `digest_on` is the newest day with one of them. `more` is the number of further matches, beyond the alerts' limits. The
    renderer shows as many `matches` as fit, and the number of the others.
    """

    marker: str
    locale: models.Locale
    digest_on: date
    matches: tuple[AlertMatch, ...]
    in_channel: bool = False
    more: int = 0
    silent: bool = False


class TodayReasonKind(StrEnum):
    """Why a paper is among a reader's papers of the day."""

    SAVED = "saved"
    """Some papers that the reader saved are about a concept too."""
    FOLLOWED = "followed"
    """An alert of the reader matches."""
    PICKED = "picked"
    """The reader picked the topic."""


TodayReason: TypeAlias = tuple[TodayReasonKind, str, int]
"""A reason: the concept, name or topic, and the number of saved papers about it (0 for the other kinds)."""

MIN_SAVED = 3
"""Saved papers from which a reader's papers are chosen by the profile; before, by picked topics and followed words, or votes."""

TodayPick: TypeAlias = tuple[PostPaper, int, tuple[TodayReason, ...]]
"""A paper, its rank of the day by votes, and its reasons."""


@dataclass(frozen=True, slots=True)
class TodayPost:
    """A reader's papers of a day. `is_personal` says that they are not chosen by votes alone.

    `at_time` is the local time (HH:MM) at which they are sent by DM, None for never; `topics` are offered to be picked.
    `suspended` is the reason for which Discord does not take them any more.
    """

    marker: str
    locale: models.Locale
    digest_on: date
    picks: tuple[TodayPick, ...]
    saved_count: int
    is_personal: bool
    at_time: str | None = None
    topics: tuple[str, ...] = ()
    suspended: str | None = None


@dataclass(frozen=True, slots=True)
class NewsPost:
    """What became of a reader's saved papers."""

    marker: str
    locale: models.Locale
    news: tuple[models.PaperNews, ...]


class NoticeKind(StrEnum):
    """The events that a notice reports, once each."""

    PAUSED = "paused"
    """A subscription or an alert was paused, for `reason`."""
    RESUMED = "resumed"
    """Its destination is available again, and it was resumed."""
    CLOSED = "closed"
    """It ended permanently: its destination is gone."""
    SOURCE_FAILING = "source-failing"
    """A source keeps failing; `subject` is its URL."""
    WELCOME = "welcome"
    """The bot joined a server, and says how to begin."""


@dataclass(frozen=True, slots=True)
class NoticePost:
    """A notice to the owner of a subscription or an alert, or to the operator.

    `reason` is a value of `Reason` or a source's error message. `channel_id` is the subject, not the destination.
    """

    marker: str
    locale: models.Locale
    kind: NoticeKind
    reason: str | None = None
    channel_id: int | None = None
    subscription_id: int | None = None
    alert_id: int | None = None
    subject: str | None = None


def part_marker(marker: str, position: int) -> str:
    """Return the marker of a part: the start of a custom id in its full form, a link's fragment in its plain form."""
    return f"{_MARKER_START}{marker}:{position}/"


def remove_foreign_markers(text: str, marker: str | None) -> str:
    """Return `text` without anything that could be taken for a marker, except `marker`. The length stays.

    Texts and addresses of digests may contain what looks like the marker of another delivery.
    """
    own = re.escape(marker.removeprefix(_MARKER_START)) if marker else "(?!)"
    return re.sub(f"{_MARKER_START}(?!{own})", "pr:d;", text)


_MARKER_START = "pr:d:"
MARKED_KINDS = frozenset(
    {models.PartKind.MESSAGE, models.PartKind.THREAD_MESSAGE, models.PartKind.FORUM_POST}
)
"""Kinds of part that create a message with a marker."""


@dataclass(frozen=True, slots=True)
class RenderedPart:
    """One rendered part of a post.

    `payload` is the JSON body of Discord's request for this kind: MESSAGE, THREAD_MESSAGE and EDIT a message, FORUM_POST
    `{"name", "applied_tags", "message"}`, THREAD `{"name", …}`, CROSSPOST empty. `fallback` is the plain form for a
    payload that Discord refuses, or None. MARKED_KINDS contain their marker; an EDIT contains that of its message.
    """

    kind: models.PartKind
    payload: dict[str, Any] = field(default_factory=dict)
    fallback: dict[str, Any] | None = None
