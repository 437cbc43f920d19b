"""Alerts: rules that notify a user or a channel of matching papers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from storage.models.people import Locale
from storage.models.subscriptions import ActivityState


class AlertKind(StrEnum):
    """The kind of a term: what a paper must have for the term to match."""

    KEYWORD = "keyword"
    """Words in the title or in a summary."""
    AUTHOR = "author"
    INSTITUTION = "institution"
    """A university or company, of the authors or behind the paper."""
    PAPER = "paper"
    """The paper with this arXiv id. An alert for one paper alone is removed after its message."""


class AlertTiming(StrEnum):
    """When the papers that match an alert are sent."""

    AT_ONCE = "now"
    DAILY = "daily"
    WEEKLY = "weekly"


class AlertTerm(NamedTuple):
    """Words, or a name, that a paper must have."""

    kind: AlertKind
    text: str


AlertForms: TypeAlias = tuple[tuple[tuple[str, ...], ...], ...]
"""For each term of an alert the forms that match too; each is its text, then the words of its context."""


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert; with `id` 0 a draft. Sent by DM to `user_id` if `channel_id` is None, otherwise to that channel.

    A paper matches with any of the terms, or with `match_all` with all of them, and with none of the words of `excluded`.
    """

    id: int
    user_id: int
    terms: tuple[AlertTerm, ...]
    created_at: datetime
    key: str = ""
    """What it matches, folded: the same for equal alerts. The service computes it."""
    match_all: bool = False
    excluded: tuple[str, ...] = ()
    min_votes: int = 0
    """A later reading of the votes that reaches this number counts too, once."""
    language: Locale | None = None
    """Only papers with a digest in this language."""
    translations: bool = False
    """The forms of the terms in the other language match too, as in a look-up."""
    forms: AlertForms = ()
    """These forms, by the glossary; the service computes them."""
    timing: AlertTiming = AlertTiming.AT_ONCE
    at_time: str = "09:00"
    """Time of day in `timezone`, of a daily or weekly alert."""
    timezone: str = "UTC"
    weekday: int = 1
    """ISO weekday of a weekly alert."""
    max_papers: int = 10
    """Papers in a message at most, the best first."""
    channel_id: int | None = None
    guild_id: int | None = None
    state: ActivityState = ActivityState.ACTIVE
    reason: str | None = None
    paused_until_at: datetime | None = None


class QueuedMatch(NamedTuple):
    """A paper that matches an alert and is not sent yet. `recipient` is `user:<id>` or `channel:<id>`.

    `votes` are those when it was matched. `due_at` (UTC) is when its message is planned; None: once it has the votes.
    """

    recipient: str
    paper_id: int
    alert_id: int
    votes: int | None
    matched_at: datetime
    due_at: datetime | None


FormerNames: TypeAlias = tuple[tuple[str, ...], tuple[str, ...]]
"""The authors and the institutions that a paper had before facts added some."""


@dataclass(frozen=True, slots=True)
class PendingAlerts:
    """A digest's revision whose alerts are still to be planned, and the last recipient for whom they are planned.

    With `former_names`, one for each paper, only what an author or an institution matches that the paper lacked then.
    """

    digest_id: int
    revision: int
    paper_ids: tuple[int, ...]
    recipient: str | None
    added_at: datetime
    former_names: tuple[FormerNames, ...] = ()
