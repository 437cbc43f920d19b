"""The authors and the BibTeX entry of a paper, opened from its card; and the papers that a message names."""

from __future__ import annotations

from collections.abc import Mapping

from discord import ui

from bot.client.components import custom_ids, message_builder
from bot.client.translations import Texts
from bot.client.views.papers import paper_card, paper_list, paper_text
from bot.digests.elements import arxiv_ids
from bot.rendering.discord_text import limits, split
from bot.rendering.export import bibtex
from bot.services.polling.paper_lookup import LookupOutcome
from storage import models

SELECT_AUTHOR = "ap"
MAX_CITED_AUTHORS = 60


def authors_view(texts: Texts, detail: models.PaperDetail, page: int) -> ui.LayoutView:
    """Return a page of up to 25 authors with a menu to list the papers of one. `page` counts from 0."""
    size = limits.SELECT_OPTIONS
    pages = max(1, -(-len(detail.authors) // size))
    page = min(page, pages - 1)
    names = detail.authors[page * size :][:size]
    message = message_builder.MessageBuilder()
    message.add_text(texts("authors-heading", title=_title(detail)))
    truncated = "yes" if detail.authors_truncated else "no"
    count_text = texts("authors-listed", count=len(detail.authors), truncated=truncated)
    message.add_text(paper_text.subtext(count_text))
    message.add_text(
        ", ".join(paper_text.escape_untrusted(name, max_length=paper_text.MAX_NAME_LENGTH) for name in names)
    )
    options = [
        message_builder.select_option(name, str(index)) for index, name in enumerate(names, page * size)
    ]
    custom_id = custom_ids.pack(SELECT_AUTHOR, detail.arxiv_id)
    message.add_select(message_builder.select_menu(texts("choose-author"), custom_id, options))

    def page_id(number: int) -> str:
        # Page 0 in a custom id opens a new message, so the pages of this message count from 1.
        return custom_ids.pack(paper_card.AUTHORS, number + 1, detail.arxiv_id)

    message.add_buttons(*paper_list.pager(page, pages, page_id, "pr:page:a"))
    return message.view


def cite_view(texts: Texts, detail: models.PaperDetail) -> ui.LayoutView:
    """Return the BibTeX entry in a code block."""
    message = message_builder.MessageBuilder()
    message.add_text(texts("cite-heading", title=_title(detail)))
    names = detail.authors[:MAX_CITED_AUTHORS]
    truncated = detail.authors_truncated or len(names) < len(detail.authors)
    is_confirmed = detail.is_author_order_confirmed
    entry = bibtex.render_entry(
        detail.arxiv_id, detail.title, names, truncated=truncated, is_order_confirmed=is_confirmed
    )
    code = split.shorten(entry.strip().replace("```", "'''"), 3000, max_bytes=8000, markdown=False)
    message.add_text(f"```bibtex\n{code}\n```")
    if len(names) > 1 and not is_confirmed:
        message.add_text(paper_text.subtext(texts("author-order-unconfirmed")))
    return message.view


def found_view(texts: Texts, papers: Mapping[str, models.PaperDetail | None]) -> ui.LayoutView:
    """Return the papers that a message names, by arXiv id, with a menu to open one, and links to those without details."""
    message = message_builder.MessageBuilder()
    message.add_text(texts("papers-in-message", count=len(papers)))
    size, _ = message.share(len(papers) + 1)
    length = min(size - 100, 400)
    for arxiv_id, detail in papers.items():
        title, url = (detail.title, detail.url) if detail else (None, arxiv_ids.abstract_url(arxiv_id))
        link = paper_text.title_link(title, arxiv_id, url, max_characters=length, max_bytes=800)
        votes = paper_text.format_votes(detail.votes) if detail else ""
        note = "" if detail and detail.is_listed else texts("in-no-digest")
        message.add_text(paper_text.join_dotted(votes, link, note))
    found = [detail for detail in papers.values() if detail]
    message.add_select(paper_list.open_menu(texts("open-paper"), found))
    return message.view


def missing_view(texts: Texts, arxiv_id: str, outcome: LookupOutcome, *, is_possible: bool) -> ui.LayoutView:
    """Return why there is no card of a paper that no digest has, with links to where it may be.

    A possible one may come with a digest: the reader can ask to be told.
    """
    message = message_builder.MessageBuilder()
    message.add_text(texts(f"lookup-{outcome.value}", paper=paper_text.escape_untrusted(arxiv_id)))
    message.add_buttons(
        paper_card.tell_button(texts, arxiv_id) if is_possible else None,
        message_builder.link_button(texts("open-arxiv"), arxiv_ids.abstract_url(arxiv_id)),
        message_builder.link_button(texts("open-huggingface"), arxiv_ids.huggingface_url(arxiv_id)),
    )
    return message.view


def _title(detail: models.PaperDetail) -> str:
    title = paper_text.format_title(detail.title, detail.arxiv_id)
    return paper_text.escape_untrusted(title, max_length=200)
