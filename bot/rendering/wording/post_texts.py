"""The texts of posts, alerts and notices in a language: what each template is given, and what it gives back.

Every value is plain text or a number, unless it is `Safe`; the templates escape. Components, buttons and the
fitting into messages are the client's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from bot.rendering.discord_text.escape import Safe
from bot.rendering.wording.filters import EVERY_DAY, WORKDAYS
from bot.rendering.wording.templates import Form, Templates

NOTHING = Safe("")


@dataclass(frozen=True, slots=True)
class Daily:
    """A daily post. `shown` of `total` papers of the digest of `day`; for a weekly one from `since` on.

    `at_time` is `HH:MM` in the IANA zone `timezone`, on the ISO weekdays `days`; None for a post without schedule.
    `missed` are days that could not be posted. The commands are their mentions.
    """

    day: date
    total: int
    shown: int
    since: date | None = None
    missed: Sequence[date] = ()
    at_time: str | None = None
    timezone: str = "UTC"
    days: Sequence[int] = EVERY_DAY
    edit_command: Safe = NOTHING
    digest_command: Safe = NOTHING


@dataclass(frozen=True, slots=True)
class DailyTexts:
    """What a daily post says around its papers; empty where there is nothing to say. `name` is for a thread."""

    headline: Safe
    count: Safe
    missed: Safe
    foot: Safe
    name: str


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper in a list. `title` is its link; `thought` is plain text."""

    rank: int
    title: Safe
    votes: int | None = None
    authors: Sequence[str] = ()
    authors_truncated: bool = False
    thought: str = ""


@dataclass(frozen=True, slots=True)
class Why:
    """Why a paper is in an alert. `found_in` is `title`, `text` or `author`; `text` the rule or the author's name."""

    found_in: str
    text: str


@dataclass(frozen=True, slots=True)
class AlertTexts:
    """What an alert says around its papers; `more` is empty when all of them are shown."""

    headline: Safe
    more: Safe


@dataclass(frozen=True, slots=True)
class Notice:
    """What a person is told once. `kind` is `paused`, `resumed`, `closed` or `source-failing`.

    `reason` is a reason's value (`no-send`, …) or a sentence; `place` a channel's mention, empty for one's own
    direct messages; `subject` the address of a source. `is_alert` tells an alert from a daily post. `status_command`
    is a mention.
    """

    kind: str
    reason: str = ""
    place: Safe = NOTHING
    subject: str = ""
    is_alert: bool = False
    status_command: Safe = NOTHING


class Wording:
    """Puts posts, alerts and notices in words, by the templates in force."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates

    def daily(self, locale: str, post: Daily) -> DailyTexts:
        """Return the texts of a daily or weekly post; those of `empty` when it shows no paper."""
        name = "daily" if post.shown else "empty"
        given = {**_values(post), "every_day": EVERY_DAY, "workdays": WORKDAYS}
        headline, count, missed, foot = (
            self._templates.text(name, block, locale, given)
            for block in ("headline", "count", "missed", "foot")
        )
        thread_name = self._templates.text(name, "name", locale, given, Form.PLAIN)
        return DailyTexts(headline, count, missed, foot, str(thread_name))

    def paper(self, locale: str, paper: Paper) -> Safe:
        """Return a paper's lines in a daily post: title, facts, one thought."""
        return self._templates.text("daily", "paper", locale, _values(paper))

    def alert(self, locale: str, day: date, total: int, shown: int) -> AlertTexts:
        """Return the texts around the papers of an alert, `shown` of `total` that matched in the digest of `day`."""
        given = {"day": day, "total": total, "shown": shown}
        headline, more = (
            self._templates.text("alert", block, locale, given) for block in ("headline", "more")
        )
        return AlertTexts(headline, more)

    def alert_paper(self, locale: str, title: Safe, votes: int | None, reasons: Sequence[Why]) -> Safe:
        """Return a paper's lines in an alert: title, votes, and why it is there."""
        given = {"title": title, "votes": votes, "reasons": list(reasons)}
        return self._templates.text("alert", "paper", locale, given)

    def notice(self, locale: str, notice: Notice) -> Safe:
        """Return a notice: what happened, what it means, what to do."""
        return self._templates.text("notice", "text", locale, _values(notice))


def _values(record: Any) -> dict[str, object]:
    return {field.name: getattr(record, field.name) for field in fields(record)}
