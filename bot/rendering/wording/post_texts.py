"""The texts of posts, alerts and notices in a language: what each template is given, and what it gives back.

Every value is plain text or a number, unless it is `Safe`; the templates escape. Components, buttons and the
fitting into messages are the client's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from bot.rendering.discord_text.escape import SafeMarkdown
from bot.rendering.wording.filters import EVERY_DAY, WORKDAYS
from bot.rendering.wording.templates import OutputFormat, Templates

EMPTY = SafeMarkdown("")


@dataclass(frozen=True, slots=True)
class DailyPostContext:
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
    edit_command: SafeMarkdown = EMPTY
    digest_command: SafeMarkdown = EMPTY


@dataclass(frozen=True, slots=True)
class DailyPostTexts:
    """What a daily post says around its papers; empty where there is nothing to say. `name` is for a thread."""

    headline: SafeMarkdown
    count: SafeMarkdown
    missed: SafeMarkdown
    foot: SafeMarkdown
    name: str


@dataclass(frozen=True, slots=True)
class PaperContext:
    """A paper in a list. `title` is its link; `thought` is plain text."""

    rank: int
    title: SafeMarkdown
    votes: int | None = None
    authors: Sequence[str] = ()
    authors_truncated: bool = False
    thought: str = ""


@dataclass(frozen=True, slots=True)
class AlertReasonContext:
    """Why a paper is in an alert. `found_in` is `title`, `text` or `author`; `text` the rule or the author's name."""

    found_in: str
    text: str


@dataclass(frozen=True, slots=True)
class AlertPostTexts:
    """What an alert says around its papers; `more` is empty when all of them are shown."""

    headline: SafeMarkdown
    more: SafeMarkdown


@dataclass(frozen=True, slots=True)
class NoticeContext:
    """What a person is told once. `kind` is `paused`, `resumed`, `closed` or `source-failing`.

    `reason` is a reason's value (`no-send`, …) or a sentence; `place` a channel's mention, empty for one's own
    direct messages; `subject` the address of a source. `is_alert` tells an alert from a daily post. `status_command`
    is a mention.
    """

    kind: str
    reason: str = ""
    place: SafeMarkdown = EMPTY
    subject: str = ""
    is_alert: bool = False
    status_command: SafeMarkdown = EMPTY


class PostTemplates:
    """Puts posts, alerts and notices in words, by the templates in force."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates

    def daily(self, locale: str, post: DailyPostContext) -> DailyPostTexts:
        """Return the texts of a daily or weekly post; those of `empty` when it shows no paper."""
        name = "daily" if post.shown else "empty"
        given = {**_template_values(post), "every_day": EVERY_DAY, "workdays": WORKDAYS}
        headline, count, missed, foot = (
            self._templates.render_block(name, block, locale, given)
            for block in ("headline", "count", "missed", "foot")
        )
        thread_name = self._templates.render_block(name, "name", locale, given, OutputFormat.PLAIN)
        return DailyPostTexts(headline, count, missed, foot, str(thread_name))

    def paper(self, locale: str, paper: PaperContext) -> SafeMarkdown:
        """Return a paper's lines in a daily post: title, facts, one thought."""
        return self._templates.render_block("daily", "paper", locale, _template_values(paper))

    def alert(self, locale: str, day: date, total: int, shown: int) -> AlertPostTexts:
        """Return the texts around the papers of an alert, `shown` of `total` that matched in the digest of `day`."""
        given = {"day": day, "total": total, "shown": shown}
        headline, more = (
            self._templates.render_block("alert", block, locale, given) for block in ("headline", "more")
        )
        return AlertPostTexts(headline, more)

    def alert_paper(
        self, locale: str, title: SafeMarkdown, votes: int | None, reasons: Sequence[AlertReasonContext]
    ) -> SafeMarkdown:
        """Return a paper's lines in an alert: title, votes, and why it is there."""
        given = {"title": title, "votes": votes, "reasons": list(reasons)}
        return self._templates.render_block("alert", "paper", locale, given)

    def notice(self, locale: str, notice: NoticeContext) -> SafeMarkdown:
        """Return a notice: what happened, what it means, what to do."""
        return self._templates.render_block("notice", "text", locale, _template_values(notice))


def _template_values(record: Any) -> dict[str, object]:
    return {field.name: getattr(record, field.name) for field in fields(record)}
