"""/sources: what is fetched, one line a source with how it is below. Shows nothing that only the operator may know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from discord import ui

from bot.client.components import custom_ids, message_builder
from bot.client.translations import Words
from bot.client.views import empty_list, notices, paper_list, paper_text, subscriptions
from bot.rendering.discord_text import escape, split
from bot.services.polling import health
from storage import models

VERB = "src"
PAGE_SIZE = 8
LONGEST_ADDRESS = 120


@dataclass(frozen=True, slots=True)
class SourceList:
    """All that is fetched from, the name of the folder that is watched, and what the archive holds, at `now` (UTC)."""

    rows: Sequence[models.StoredSource]
    inbox: str | None
    extent: empty_list.Extent
    now: datetime

    @property
    def pages(self) -> int:
        """How many pages there are, at least 1."""
        return max(1, -(-len(self.rows) // PAGE_SIZE))


def sources_view(words: Words, listed: SourceList, page: int = 0) -> ui.LayoutView:
    """Return a page of the sources, counted from 0; one beyond the last is the last."""
    page = min(max(page, 0), listed.pages - 1)
    ailing = any(health.is_ailing(row) for row in listed.rows)
    message = message_builder.Sheet(accent=message_builder.RED if ailing else message_builder.AMBER)
    message.text(f"### {words('sources-heading', count=len(listed.rows))}")
    if not listed.rows:
        message.text(words("sources-none"))
    for row in listed.rows[page * PAGE_SIZE :][:PAGE_SIZE]:
        message.text(_entry(words, row, listed.now))
    if listed.inbox is not None:
        message.text(words("sources-inbox", folder=escape.code(listed.inbox)))
    elif not listed.rows:
        message.text(words("sources-files"))
    message.text(paper_text.small(empty_list.extent_line(words, listed.extent)))
    if listed.pages > 1:
        message.buttons(*paper_list.pager(page, listed.pages, _custom_id, f"pr:page:{page}"))
    message.buttons(message_builder.button(words("see-status"), custom_ids.pack(notices.STATUS)))
    return message.view


def address(row: models.StoredSource) -> str:
    """Return how a source is called before strangers: a folder by its name, an address without names and queries."""
    if row.kind is models.SourceKind.FOLDER:
        return _shortened(row.url.rstrip("/\\").replace("\\", "/").rpartition("/")[2] or row.url)
    try:
        parts = urlsplit(row.url)
    except ValueError:
        return row.kind.value
    return _shortened(parts.netloc.rpartition("@")[2] + parts.path.rstrip("/"))


def _custom_id(page: int) -> str:
    return custom_ids.pack(VERB, page)


def _shortened(text: str) -> str:
    return split.shorten(escape.plain(text), LONGEST_ADDRESS, markdown=False)


def _entry(words: Words, row: models.StoredSource, now: datetime) -> str:
    head = paper_text.joined(escape.code(address(row)), words(f"source-{row.kind.value}"))
    facts = paper_text.joined(_last(words, row), _next(words, row, now))
    trouble = _trouble(words, row)
    return "\n".join(line for line in (head, trouble, paper_text.small(facts)) if line)


def _last(words: Words, row: models.StoredSource) -> str:
    if row.last_success_at is None:
        return words("source-never")
    return words("source-last", last=subscriptions.moment(row.last_success_at, "R"))


def _next(words: Words, row: models.StoredSource, now: datetime) -> str:
    if row.next_attempt_at is None:
        return words("source-no-next")
    if row.next_attempt_at <= now:
        return words("source-due")
    return words("source-next", next=subscriptions.moment(row.next_attempt_at, "R"))


def _trouble(words: Words, row: models.StoredSource) -> str:
    """Return what is wrong in words; where we declined to go the reason names addresses of the operator's network."""
    if row.status is models.FetchStatus.NOT_YET:
        return words("source-not-yet")
    if not row.failures:
        return ""
    if row.status is models.FetchStatus.REFUSED:
        reason = words("source-refused")
    else:
        told = (row.reason or "").replace(row.url, address(row))
        reason = paper_text.quoted(told, length=300) if told else words("reason-unknown")
    return words("source-failures", count=row.failures, reason=reason)
