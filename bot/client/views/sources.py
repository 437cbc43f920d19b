"""`/sources`: the sources with their health, without what is only for the operator."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from discord import ui

from bot.client.components import custom_ids, message_builder
from bot.client.translations import Texts
from bot.client.views import notices, schedule_text
from bot.client.views.papers import empty_list, paper_list, paper_text
from bot.rendering.discord_text import escape, split
from bot.services.polling import health
from bot.sources import kinds
from storage import errors, models

SHOW = "src"
PAGE_SIZE = 8
MAX_LABEL_LENGTH = 120


def sources_view(
    texts: Texts,
    rows: Sequence[models.StoredSource],
    page: int = 0,
    *,
    inbox: str | None,
    extent: models.ArchiveExtent,
    now: datetime,
) -> ui.LayoutView:
    """Return a page of the sources, counted from 0; the last page for a larger number.

    `inbox` is the name of the inbox folder, `now` is in UTC.
    """
    page_count = max(1, -(-len(rows) // PAGE_SIZE))
    page = min(max(page, 0), page_count - 1)
    is_failing = any(health.is_persistently_failing(row) for row in rows)
    accent = message_builder.RED if is_failing else message_builder.AMBER
    message = message_builder.MessageBuilder(accent)
    message.add_text(f"### {texts('sources-heading', count=len(rows))}")
    if not rows:
        message.add_text(texts("sources-none"))
    for row in rows[page * PAGE_SIZE :][:PAGE_SIZE]:
        message.add_text(_source_text(texts, row, now))
    if inbox is not None:
        message.add_text(texts("sources-inbox", folder=escape.code_span(inbox)))
    elif not rows:
        message.add_text(texts("sources-files"))
    message.add_text(paper_text.subtext(empty_list.extent_line(texts, extent)))
    message.add_buttons(
        *paper_list.pager(page, page_count, lambda number: custom_ids.pack(SHOW, number), f"pr:page:{page}")
    )
    message.add_buttons(notices.status_button(texts))
    return message.view


def public_label(row: models.StoredSource) -> str:
    """Return the public label of a source on one line: no credentials, no query, no path above a folder."""
    label = escape.to_single_line(kinds.public_label(row.kind, row.url))
    return split.shorten(label, MAX_LABEL_LENGTH, markdown=False)


def kind_label(texts: Texts, kind: models.SourceKind) -> str:
    """Return the name of a kind for readers: its text if there is one, else its proper name."""
    return texts.find(f"source-{kind.value}") or kind.value


def _source_text(texts: Texts, row: models.StoredSource, now: datetime) -> str:
    head = paper_text.join_dotted(escape.code_span(public_label(row)), kind_label(texts, row.kind))
    times = paper_text.join_dotted(_last_fetch(texts, row), _next_fetch(texts, row, now))
    failure = _failure_text(texts, row)
    return "\n".join(line for line in (head, failure, paper_text.subtext(times)) if line)


def _last_fetch(texts: Texts, row: models.StoredSource) -> str:
    if row.last_success_at is None:
        return texts("source-never")
    return texts("source-last", last=schedule_text.format_timestamp(row.last_success_at, "R"))


def _next_fetch(texts: Texts, row: models.StoredSource, now: datetime) -> str:
    if row.next_attempt_at is None:
        return texts("source-no-next")
    if row.next_attempt_at <= now:
        return texts("source-due")
    return texts("source-next", next=schedule_text.format_timestamp(row.next_attempt_at, "R"))


def _failure_text(texts: Texts, row: models.StoredSource) -> str:
    """Return the failures, "" for none. The reason of a refusal is hidden: it may name private addresses."""
    if row.status is models.FetchStatus.NOT_YET:
        return texts("source-not-yet")
    if not row.failures:
        return ""
    if row.status is models.FetchStatus.REFUSED:
        reason = texts("source-refused")
    else:
        public = errors.redact((row.reason or "").replace(row.url, public_label(row)))
        reason = paper_text.escape_untrusted(public, max_length=300) if public else texts("reason-unknown")
    return texts("source-failures", count=row.failures, reason=reason)
