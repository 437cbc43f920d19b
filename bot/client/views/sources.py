"""/sources: the list of sources with their health, without anything that only the operator may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from discord import ui

from bot.client.components import custom_ids, message_builder
from bot.client.translations import Texts
from bot.client.views import empty_list, notices, paper_list, paper_text, subscriptions
from bot.rendering.discord_text import escape, split
from bot.services.polling import health
from bot.sources import kinds
from storage import models

SHOW = "src"
PAGE_SIZE = 8
MAX_LABEL_LENGTH = 120


@dataclass(frozen=True, slots=True)
class SourceList:
    """The sources, the name of the inbox folder and the extent of the archive, at `now` (UTC)."""

    rows: Sequence[models.StoredSource]
    inbox: str | None
    extent: models.ArchiveExtent
    now: datetime

    @property
    def page_count(self) -> int:
        """Number of pages, at least 1."""
        return max(1, -(-len(self.rows) // PAGE_SIZE))


def sources_view(words: Texts, listed: SourceList, page: int = 0) -> ui.LayoutView:
    """Return a page of the list, counted from 0; a number beyond the last page gives the last."""
    page = min(max(page, 0), listed.page_count - 1)
    is_failing = any(health.is_persistently_failing(row) for row in listed.rows)
    message = message_builder.MessageBuilder(
        accent=message_builder.RED if is_failing else message_builder.AMBER
    )
    message.add_text(f"### {words('sources-heading', count=len(listed.rows))}")
    if not listed.rows:
        message.add_text(words("sources-none"))
    for row in listed.rows[page * PAGE_SIZE :][:PAGE_SIZE]:
        message.add_text(_source_text(words, row, listed.now))
    if listed.inbox is not None:
        message.add_text(words("sources-inbox", folder=escape.code_span(listed.inbox)))
    elif not listed.rows:
        message.add_text(words("sources-files"))
    message.add_text(paper_text.subtext(empty_list.extent_line(words, listed.extent)))
    if listed.page_count > 1:
        message.add_buttons(*paper_list.pager(page, listed.page_count, _custom_id, f"pr:page:{page}"))
    message.add_buttons(message_builder.button(words("see-status"), custom_ids.pack(notices.SHOW_STATUS)))
    return message.view


def public_label(row: models.StoredSource) -> str:
    """Return the public label of a source on one line: no credentials, no query, no path above a folder."""
    return _shorten(kinds.public_label(row.kind, row.url))


def kind_text_id(kind: models.SourceKind) -> str:
    """Return the Fluent id of the name of a kind."""
    return f"source-{kind.value}"


def _custom_id(page: int) -> str:
    return custom_ids.pack(SHOW, page)


def _shorten(text: str) -> str:
    return split.shorten(escape.to_single_line(text), MAX_LABEL_LENGTH, markdown=False)


def _source_text(words: Texts, row: models.StoredSource, now: datetime) -> str:
    head = paper_text.join_dotted(escape.code_span(public_label(row)), words(kind_text_id(row.kind)))
    times = paper_text.join_dotted(_last_fetch(words, row), _next_fetch(words, row, now))
    failure = _failure_text(words, row)
    return "\n".join(line for line in (head, failure, paper_text.subtext(times)) if line)


def _last_fetch(words: Texts, row: models.StoredSource) -> str:
    if row.last_success_at is None:
        return words("source-never")
    return words("source-last", last=subscriptions.format_timestamp(row.last_success_at, "R"))


def _next_fetch(words: Texts, row: models.StoredSource, now: datetime) -> str:
    if row.next_attempt_at is None:
        return words("source-no-next")
    if row.next_attempt_at <= now:
        return words("source-due")
    return words("source-next", next=subscriptions.format_timestamp(row.next_attempt_at, "R"))


def _failure_text(words: Texts, row: models.StoredSource) -> str:
    """Return the failures in words, "" if there are none. A refusal hides its reason, which names private addresses."""
    if row.status is models.FetchStatus.NOT_YET:
        return words("source-not-yet")
    if not row.failures:
        return ""
    if row.status is models.FetchStatus.REFUSED:
        reason = words("source-refused")
    else:
        public = (row.reason or "").replace(row.url, public_label(row))
        reason = paper_text.escape_untrusted(public, max_length=300) if public else words("reason-unknown")
    return words("source-failures", count=row.failures, reason=reason)
