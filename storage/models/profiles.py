"""What is known of a reader's interests, for the five papers of the day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum


class FeedbackKind(StrEnum):
    """What a reader did with a paper besides saving it. The last one counts."""

    OPENED = "opened"
    MORE = "more"
    LESS = "less"


@dataclass(frozen=True, slots=True)
class Profile:
    """A reader's settings for the papers of the day, and what the weights of the profile were learnt from.

    `topics` are keys of topics that the reader picked, `concepts` the number of saved papers by concept. `at_time` (HH:MM in
    `timezone`) is when the papers are sent by DM, None for never; `next_due_at` is None too while it is suspended, for
    `reason`.
    """

    user_id: int
    topics: tuple[str, ...] = ()
    learnt_from: str | None = None
    concepts: Mapping[str, int] = field(default_factory=dict)
    at_time: str | None = None
    timezone: str | None = None
    next_due_at: datetime | None = None
    due_on: date | None = None
    last_digest_on: date | None = None
    reason: str | None = None
