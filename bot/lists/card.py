"""The card of a paper: title, votes, authors, summary in pages, and buttons for its actions. And one review chapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from discord import ui

from bot.archive import arxiv_ids, exports, extracts, summaries
from bot.client import custom_ids, message_builder, paper_text
from bot.client.translations import Texts
from bot.lists import follow
from bot.lists import messages as lists_messages
from bot.outbox import contents
from bot.rendering import discord_text, markdown
from bot.sources.paper_lookup import LookupOutcome
from storage import models

CARD = "card"
CHAPTER = "chap"
CHAPTERS = "chaps"
SAVE = "save"
SIMILAR = "sim"
AUTHORS = "auth"
CITE = "cite"
SHARE = "cs"
TELL = "tell"
NO_PAGE = "-"
"""The page in the custom id of a save button outside a card."""

PAGER_COMPONENTS = 4
"""A row with three buttons; reserved before the number of pages is known."""

MAX_OTHER_DIGESTS = 3
"""Digests named at the foot besides the one whose summary is shown."""

MAX_PAGE_LENGTH = 2600
"""Code points of a summary per page: about three screens of a phone."""


def read_and_save_buttons(texts: Texts, arxiv_id: str) -> list[ui.Item[Any]]:
    """Return the buttons that open the card of a paper and save the paper, for a message that has several."""
    return [
        message_builder.button(texts("read"), custom_ids.pack(OPEN_PAPER, arxiv_id)),
        message_builder.button(texts("save"), custom_ids.pack(SAVE, "1", NO_PAGE, arxiv_id)),
    ]


def card_view(
    texts: Texts,
    detail: models.PaperDetail,
    page: int = 0,
    *,
    saved: bool = False,
    may_share: bool = False,
    sharer: str | None = None,
    topics: Sequence[str] = (),
) -> ui.LayoutView:
    """Return a page of a paper's card, counted from 0; `sharer` is the name of the member who shares it publicly.

    `topics` can be followed from it, and so can its authors and its institution.
    """
    summary = extracts.best_summary(detail, texts.locale)
    review = best_review(detail, texts.locale)
    sections = _main_sections(summary)
    message = message_builder.MessageBuilder()
    message.add_section(_header(texts, detail), detail.thumbnail, detail.title)
    rows: list[list[ui.Item[Any]]] = [
        message_builder.optional_row(_chapter_menu(texts, detail, review, sections)),
        [] if detail.is_listed else [tell_button(texts, detail.arxiv_id)],
        _action_buttons(texts, detail, page, saved=saved, may_share=may_share, is_shared=sharer is not None),
        link_buttons(detail, detail.project_url or detail.video),
        message_builder.optional_row(follow.follow_menu(texts, detail, topics)),
    ]
    foot = _foot(texts, detail, summary, sharer)
    components = PAGER_COMPONENTS + sum(1 + len(row) for row in rows if row)
    message.reserve(components + bool(foot), (foot,) if foot else ())
    pages = summary_pages(texts, sections, message.budget) or [paper_text.subtext(texts("no-summary"))]
    page = min(page, len(pages) - 1)
    message.add_text(pages[page])
    pager = lists_messages.pager(
        page, len(pages), lambda number: custom_ids.pack(CARD, detail.arxiv_id, number), "pr:page:c"
    )
    for row in (pager, *rows):
        message.add_reserved_row(*row)
    if foot:
        message.add_reserved_text(foot)
    return message.view


def chapter_view(texts: Texts, detail: models.PaperDetail, chapter: int, page: int) -> ui.LayoutView:
    """Return a page of a review chapter; the pager goes through the whole review.

    Raises LookupError for a chapter that does not exist.
    """
    review = best_review(detail, texts.locale)
    chapters = summaries.shown_sections(review.entry) if review else ()
    if review is None or not 0 <= chapter < len(chapters):
        raise LookupError(f"{detail.arxiv_id} has no chapter {chapter}")
    message = message_builder.MessageBuilder()
    message.add_text(paper_text.subtext(paper_text.title_link(detail.title, detail.arxiv_id, detail.url)))
    menu = _chapter_menu(texts, detail, review, ())
    message.reserve(PAGER_COMPONENTS + 3)
    pages = [summary_pages(texts, [section], message.budget) or [""] for section in chapters]
    positions = [(number, index) for number, shown in enumerate(pages) for index in range(len(shown))]
    page = min(page, len(pages[chapter]) - 1)
    message.add_text(pages[chapter][page] or paper_text.subtext(texts("no-summary")))
    pager = lists_messages.pager(
        positions.index((chapter, page)),
        len(positions),
        lambda number: custom_ids.pack(CHAPTER, detail.arxiv_id, *positions[number]),
        "pr:page:h",
    )
    back = message_builder.button(texts("back-to-paper"), custom_ids.pack(CARD, detail.arxiv_id, 0))
    message.add_reserved_row(*pager, back)
    message.add_reserved_row(*message_builder.optional_row(menu))
    return message.view


def best_review(detail: models.PaperDetail, locale: models.Locale) -> models.Appearance | None:
    """Return the review, in the reader's language if possible; None for a paper without one."""
    return extracts.best_appearance(detail, locale, models.DigestFormat.REVIEW)


def summary_pages(texts: Texts, sections: Sequence[models.Section], budget: discord_text.Budget) -> list[str]:
    """Return the sections as Discord Markdown, in pages that each fit into the rest of a message."""
    text = "\n\n".join(_section_text(texts, section) for section in sections)
    characters = min(budget.characters, MAX_PAGE_LENGTH)
    return discord_text.split_pages(text, characters, budget.text_bytes - discord_text.TEXT_BYTES_OVERHEAD)


def _section_text(texts: Texts, section: models.Section) -> str:
    """Return a section as Discord Markdown, with its heading in bold."""
    body = markdown.render_markdown(section.body)
    if not section.heading:
        return body
    return f"**{markdown.render_heading(paper_text.format_heading(texts, section.heading))}**\n{body}"


def link_buttons(
    paper: models.PaperDetail | contents.PostPaper, project_url: str | None
) -> list[ui.Item[Any]]:
    """Return link buttons: arXiv, PDF, Hugging Face, the code with its stars, and the project page."""
    arxiv_id = paper.arxiv_id
    label = "GitHub" if "github.com" in (paper.code_url or "") else "Code"
    code_label = " ".join(part for part in (label, paper_text.format_stars(paper.code_stars)) if part)
    buttons = [
        message_builder.link_button("arXiv", arxiv_ids.abstract_url(arxiv_id)),
        message_builder.link_button("PDF", arxiv_ids.pdf_url(arxiv_id)),
        message_builder.link_button("Hugging Face", arxiv_ids.huggingface_url(arxiv_id)),
        message_builder.link_button(code_label, paper.code_url),
        message_builder.link_button("Web", project_url),
    ]
    return [button for button in buttons if button is not None]


def _header(texts: Texts, detail: models.PaperDetail) -> str:
    title = paper_text.title_link(detail.title, detail.arxiv_id, detail.url)
    on = detail.last_on.isoformat()
    facts = paper_text.join_dotted(
        paper_text.format_votes(detail.votes),
        detail.arxiv_id,
        texts("card-listed" if detail.is_listed else "published-on", date=on),
        paper_text.format_authors(detail.authors, truncated=detail.authors_truncated),
        paper_text.format_organization(detail.organization),
    )
    return f"### {title}\n{facts}"


def _main_sections(summary: extracts.Summary | None) -> Sequence[models.Section]:
    """Return a summary, of a review the first chapter only: the menu opens the others."""
    if summary is None:
        return ()
    return summary.sections[:1] if summary.format is models.DigestFormat.REVIEW else summary.sections


def _chapter_menu(
    texts: Texts,
    detail: models.PaperDetail,
    review: models.Appearance | None,
    shown: Sequence[models.Section],
) -> ui.Item[Any] | None:
    if review is None:
        return None
    options = [
        message_builder.select_option(_chapter_label(texts, section, number), str(number))
        for number, section in enumerate(summaries.shown_sections(review.entry))
        if section not in shown
    ]
    is_foreign = summaries.find_language(review) != texts.locale.value
    label = "choose-chapter-other-language" if is_foreign else "choose-chapter"
    return message_builder.select_menu(texts(label), custom_ids.pack(CHAPTERS, detail.arxiv_id), options)


def _chapter_label(texts: Texts, section: models.Section, number: int) -> str:
    heading = markdown.render_plain(section.heading or "").strip("#* \n")
    return heading or texts("chapter", number=number + 1)


def _action_buttons(
    texts: Texts, detail: models.PaperDetail, page: int, *, saved: bool, may_share: bool, is_shared: bool
) -> list[ui.Item[Any]]:
    """Return the buttons of a card. On a shared card, "Save" is for every reader and adds only."""
    arxiv_id = detail.arxiv_id
    label = "unsave" if saved else "save"
    save_id = custom_ids.pack(SAVE, "0" if saved else "1", NO_PAGE if is_shared else page, arxiv_id)
    row = [message_builder.button(texts(label), save_id)]
    if detail.is_listed or detail.abstract:
        row.append(message_builder.button(texts("similar"), custom_ids.pack(SIMILAR, arxiv_id)))
    if detail.authors:
        row.append(message_builder.button(texts("authors"), custom_ids.pack(AUTHORS, 0, arxiv_id)))
    row.append(message_builder.button(texts("cite"), custom_ids.pack(CITE, arxiv_id)))
    if may_share:
        row.append(message_builder.button(texts("share"), custom_ids.pack(SHARE, arxiv_id)))
    return row


def tell_button(texts: Texts, arxiv_id: str) -> ui.Item[Any]:
    """Return the button for a direct message once a digest has a paper."""
    return message_builder.button(texts("tell-me"), custom_ids.pack(TELL, arxiv_id), emoji="🔔")


def _foot(
    texts: Texts, detail: models.PaperDetail, summary: extracts.Summary | None, sharer: str | None
) -> str:
    """Return the small print: the language if it is not the reader's; the summary's origin; the other digests."""
    origin = paper_text.summary_line(texts, summary) if summary else ""
    shown = (summary.format, summary.date) if summary else None
    others = [
        _digest_name(texts, appearance)
        for appearance in detail.appearances
        if (appearance.format, appearance.date) != shown
    ]
    shared_by = texts("shared-by", name=sharer) if sharer is not None else None
    names = list(dict.fromkeys(others))[:MAX_OTHER_DIGESTS]
    fetched_note = "" if detail.is_listed else texts("paper-fetched")
    lines = (
        fetched_note,
        paper_text.language_note(texts, summary),
        origin,
        paper_text.join_dotted(*names, shared_by),
    )
    return "\n".join(paper_text.subtext(line) for line in lines if line)


def _digest_name(texts: Texts, appearance: models.Appearance) -> str:
    name = texts(f"format-{appearance.format.value}", date=appearance.date.isoformat())
    if summaries.shown_sections(appearance.entry):
        return name
    return f"{name} ({texts('summary-missing')})"


# The authors and the BibTeX entry of a paper, opened from its card; and the papers that a message names.

SELECT_AUTHOR = "ap"
MAX_CITED_AUTHORS = 60


def authors_view(texts: Texts, detail: models.PaperDetail, page: int) -> ui.LayoutView:
    """Return a page of up to 25 authors with a menu to list the papers of one. `page` counts from 0."""
    size = discord_text.SELECT_OPTIONS
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
        return custom_ids.pack(AUTHORS, number + 1, detail.arxiv_id)

    message.add_buttons(*lists_messages.pager(page, pages, page_id, "pr:page:a"))
    return message.view


def cite_view(texts: Texts, detail: models.PaperDetail) -> ui.LayoutView:
    """Return the BibTeX entry in a code block."""
    message = message_builder.MessageBuilder()
    message.add_text(texts("cite-heading", title=_title(detail)))
    names = detail.authors[:MAX_CITED_AUTHORS]
    truncated = detail.authors_truncated or len(names) < len(detail.authors)
    is_confirmed = detail.is_author_order_confirmed
    entry = exports.render_entry(
        detail.arxiv_id, detail.title, names, truncated=truncated, is_order_confirmed=is_confirmed
    )
    code = discord_text.shorten(entry.strip().replace("```", "'''"), 3000, max_bytes=8000, markdown=False)
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
    message.add_select(lists_messages.open_menu(texts("open-paper"), found))
    return message.view


def missing_view(texts: Texts, arxiv_id: str, outcome: LookupOutcome, *, is_possible: bool) -> ui.LayoutView:
    """Return why there is no card of a paper that no digest has, with links to where it may be.

    A possible one may come with a digest: the reader can ask to be told.
    """
    message = message_builder.MessageBuilder()
    message.add_text(texts(f"lookup-{outcome.value}", paper=paper_text.escape_untrusted(arxiv_id)))
    message.add_buttons(
        tell_button(texts, arxiv_id) if is_possible else None,
        message_builder.link_button(texts("open-arxiv"), arxiv_ids.abstract_url(arxiv_id)),
        message_builder.link_button(texts("open-huggingface"), arxiv_ids.huggingface_url(arxiv_id)),
    )
    return message.view


def _title(detail: models.PaperDetail) -> str:
    title = paper_text.format_title(detail.title, detail.arxiv_id)
    return paper_text.escape_untrusted(title, max_length=200)


OPEN_PAPER = "o"
