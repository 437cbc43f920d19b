"""What a card's smaller buttons show: all authors to pick from, and the BibTeX entry."""

from __future__ import annotations

from discord import ui

from bot.client.components import custom_ids, message_builder
from bot.client.translations import Texts
from bot.client.views import paper_card, paper_list, paper_text
from bot.rendering.discord_text import limits, split
from bot.rendering.export import bibtex
from storage import models

SELECT_AUTHOR = "ap"
MAX_CITED_AUTHORS = 60


def authors_view(texts: Texts, detail: models.PaperDetail, page: int) -> ui.LayoutView:
    """Return a page of up to 25 authors: their names, and a menu to see one's papers. `page` counts from 0."""
    size = limits.SELECT_OPTIONS
    pages = max(1, -(-len(detail.authors) // size))
    page = min(page, pages - 1)
    first = page * size
    shown = detail.authors[first : first + size]
    message = message_builder.MessageBuilder()
    title = paper_text.escape_untrusted(
        paper_text.format_title(detail.title, detail.arxiv_id), max_length=200
    )
    message.add_text(texts("authors-heading", title=title))
    message.add_text(
        paper_text.subtext(
            texts(
                "authors-listed",
                count=len(detail.authors),
                truncated="yes" if detail.authors_truncated else "no",
            )
        )
    )
    message.add_text(
        ", ".join(paper_text.escape_untrusted(name, max_length=paper_text.MAX_NAME_LENGTH) for name in shown)
    )
    options = [message_builder.select_option(name, str(first + number)) for number, name in enumerate(shown)]
    message.add_select(
        message_builder.select_menu(
            texts("choose-author"), custom_ids.pack(SELECT_AUTHOR, detail.arxiv_id), options
        )
    )
    if pages > 1:
        # Page 0 of a custom id asks for a new message, so the pages of this one count from 1.
        turn = paper_list.pager(
            page,
            pages,
            lambda wanted: custom_ids.pack(paper_card.AUTHORS, wanted + 1, detail.arxiv_id),
            "pr:page:a",
        )
        message.add_buttons(*turn)
    return message.view


def cite_view(texts: Texts, detail: models.PaperDetail) -> ui.LayoutView:
    """Return the BibTeX entry in a block that is easily copied."""
    message = message_builder.MessageBuilder()
    message.add_text(
        texts(
            "cite-heading",
            title=paper_text.escape_untrusted(
                paper_text.format_title(detail.title, detail.arxiv_id), max_length=200
            ),
        )
    )
    names = detail.authors[:MAX_CITED_AUTHORS]
    entry = bibtex.render_entry(
        detail.arxiv_id,
        detail.title,
        names,
        truncated=detail.authors_truncated or len(names) < len(detail.authors),
    )
    shown = split.shorten(entry.strip().replace("```", "'''"), 3000, max_bytes=8000, markdown=False)
    message.add_text(f"```bibtex\n{shown}\n```")
    return message.view
