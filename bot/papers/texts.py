"""Texts about a paper: where it was listed, its other digests and its BibTeX entry."""

from __future__ import annotations

from bot.archive import exports, summaries
from bot.client import messages as client_messages
from bot.client.messages import join_dotted
from bot.client.translations import Texts
from storage import models

MAX_CITED_AUTHORS = 60
MAX_OTHER_DIGESTS = 2
"""The maximum number of other digests named at the foot of a card."""


def listed_text(texts: Texts, detail: models.PaperDetail) -> str:
    """Return when a digest last listed a paper or, if none did, when it was published."""
    is_new_only = all(of.format is models.DigestFormat.LOOKUP for of in detail.appearances)
    listed_id = "published-on" if not detail.is_listed else "card-new" if is_new_only else "card-listed"
    return texts(listed_id, date=texts.format_date(detail.last_on))


def foot_lines(texts: Texts, detail: models.PaperDetail, summary: summaries.Summary | None) -> list[str]:
    """Return the small print: a note if the summary is in another language, the summary's digest, and the other digests."""
    shown = (summary.format, summary.date) if summary else None
    others = dict.fromkeys(
        texts(f"format-{of.format.value}", date=texts.format_date(of.date))
        for of in detail.appearances
        if (of.format, of.date) != shown
    )
    lines = (
        "" if detail.is_listed else texts("paper-fetched"),
        client_messages.language_note(texts, summary.language) if summary else "",
        join_dotted(
            client_messages.summary_line(texts, summary) if summary else "", *list(others)[:MAX_OTHER_DIGESTS]
        ),
    )
    return [line for line in lines if line]


def cite(detail: models.PaperDetail) -> str:
    """Return the BibTeX entry of a paper."""
    names = detail.authors[:MAX_CITED_AUTHORS]
    return exports.render_entry(
        detail.arxiv_id,
        detail.title,
        names,
        truncated=detail.authors_truncated or len(names) < len(detail.authors),
        is_order_confirmed=detail.is_author_order_confirmed,
    )
