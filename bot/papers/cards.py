"""Views of a paper: its card, the chapters of its review, its authors and BibTeX entry, and replies about unknown papers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

import discord
from discord import ui

from bot.archive import fields, schemes, summaries
from bot.client import custom_ids, message_builder, verbs
from bot.client.custom_ids import pack_custom_id
from bot.client.message_builder import MessageBuilder, button, link_button, select_menu, select_option
from bot.core.admission import work_in_thread
from bot.i18n.texts import Texts
from bot.papers import message_parts, paper_texts
from bot.papers.list_views import Rows
from bot.papers.message_parts import NO_PAGE, link_buttons
from bot.papers.paper_texts import (
    MAX_NAME_LENGTH,
    cite,
    foot_lines,
    format_authors,
    format_organization,
    format_title,
    format_votes,
    listed_text,
    summary_pages,
    title_link,
)
from bot.papers.post_papers import PostPaper
from bot.rendering import discord_text, markdown, templates
from bot.rendering.discord_text import escape_untrusted, join_dotted, subtext
from bot.sources.arxiv import LookupOutcome
from storage import models

MAX_SHOWN_NOTE = 1_200
MAX_TOPICS = 8

MAX_MEDIA = 4


async def card_view(
    texts: Texts,
    detail: models.PaperDetail,
    page: int = 0,
    *,
    saved: models.SavedPaper | None = None,
    may_share: bool = False,
    extra: Sequence[ui.Item[Any]] = (),
    sharer: str | None = None,
    topics: Sequence[str] = (),
    web_url: str | None = None,
) -> ui.LayoutView:
    """Return a page of a paper's card, counting from 0. `sharer` is the member who shares the card publicly.

    `saved` has the reader's note and tags if the paper is saved. `topics`, the authors and the institution
    can be followed. `extra` has the buttons of other features. `web_url` is the address of the web archive.
    """
    summary = summaries.best_summary(detail, texts.locale)
    review = summaries.best_appearance(detail.appearances, texts.locale, models.DigestFormat.REVIEW)
    sections = summary.sections if summary else ()
    if summary and summary.format is models.DigestFormat.REVIEW:
        sections = sections[:1]  # the menu opens the other chapters
    message, alias = MessageBuilder(), models.alias_of(detail.key)
    if sharer is not None:
        message.add_text(subtext(texts("shared-by", name=sharer)))
    message.add_section(_header(texts, detail), detail.thumbnail, detail.title)
    if saved is not None:
        message.add_text(_saved_text(texts, saved))
    message.add_media(_list_media(detail), detail.title or detail.key)
    is_shared = sharer is not None
    actions = [
        *_action_buttons(
            texts, detail, page, is_saved=saved is not None, may_share=may_share, is_shared=is_shared
        ),
        *extra,
    ]
    more = list(_options(texts, detail, topics))
    rows: Rows = (
        [_chapter_menu(texts, detail, review, sections)],
        actions[: discord_text.ROW_BUTTONS],
        actions[discord_text.ROW_BUTTONS :],
        link_buttons(detail, detail.project_url or detail.video),
        [select_menu(texts("card-more"), pack_custom_id(verbs.SELECT_DETAIL, alias), more)],
    )
    web = paper_texts.web_link(texts, web_url if detail.is_listed else None, "papers", detail.key)
    foot = [*foot_lines(texts, detail, summary), *([web] if web else [])]
    message.end_with(rows, "\n".join(map(subtext, foot)))
    # Use a thread, since splitting a long summary into pages takes tenths of a second.
    pages = await work_in_thread(summary_pages, texts, sections, message.budget)
    pages = pages or [subtext(texts("no-summary"))]
    page = min(page, len(pages) - 1)
    message.add_text(pages[page])
    pager = message_builder.pager(
        texts, page, len(pages), lambda number: pack_custom_id(verbs.SHOW_CARD, alias, number)
    )
    message.add_buttons(*pager)
    return message.view


def _saved_text(texts: Texts, saved: models.SavedPaper) -> str:
    on = texts("saved-on", date=discord_text.timestamp(saved.saved_at, "D"))
    lines = [subtext(join_dotted(on, format_tags(saved.tags)))]
    lines += [f"> {escape_untrusted(line, max_length=MAX_SHOWN_NOTE)}" for line in saved.note.splitlines()]
    return discord_text.shorten("\n".join(lines), MAX_SHOWN_NOTE, max_bytes=3 * MAX_SHOWN_NOTE)


async def chapter_view(texts: Texts, detail: models.PaperDetail, chapter: int, page: int) -> ui.LayoutView:
    """Return a page of a chapter with a pager for the whole review.

    Raises LookupError if there is no such chapter.
    """
    review = summaries.best_appearance(detail.appearances, texts.locale, models.DigestFormat.REVIEW)
    chapters = summaries.shown_sections(review.entry) if review else ()
    if review is None or not 0 <= chapter < len(chapters):
        raise LookupError(f"{detail.key} has no chapter {chapter}")
    message, alias = MessageBuilder(), models.alias_of(detail.key)
    message.add_text(subtext(title_link(detail)))
    menu = _chapter_menu(texts, detail, review, ())
    pages = [
        await work_in_thread(summary_pages, texts, [section], message.budget) or [""] for section in chapters
    ]
    positions = [(number, index) for number, shown in enumerate(pages) for index in range(len(shown))]
    page = min(page, len(pages[chapter]) - 1)
    message.add_text(pages[chapter][page] or subtext(texts("no-summary")))
    pager = message_builder.pager(
        texts,
        positions.index((chapter, page)),
        len(positions),
        lambda number: pack_custom_id(verbs.SHOW_CHAPTER, alias, *positions[number]),
    )
    back = button(texts("back-to-paper"), pack_custom_id(verbs.SHOW_CARD, alias, 0))
    message.add_buttons(*pager, back)
    message.add_buttons(menu)
    return message.view


def _header(texts: Texts, detail: models.PaperDetail) -> str:
    title = title_link(detail)
    facts = join_dotted(
        format_votes(detail.votes),
        escape_untrusted(schemes.short_name(detail.key)),
        *map(escape_untrusted, detail.labels),
        "" if detail.is_listed else listed_text(texts, detail),  # the foot shows the digests' dates
        format_authors(texts, detail.authors, truncated=detail.authors_truncated),
        format_organization(detail.organization),
    )
    return "\n".join(filter(None, (f"### {title}", facts)))


def _list_media(detail: models.PaperDetail) -> list[str]:
    """Return the addresses of up to MAX_MEDIA pictures and videos, except the thumbnail."""
    shown = [address for address in (*detail.media, detail.video or "") if address != detail.thumbnail]
    usable = (
        discord_text.safe_url(address)
        for address in shown
        if fields.is_picture(address) or fields.is_video(address)
    )
    return list(dict.fromkeys(filter(None, usable)))[:MAX_MEDIA]


def _chapter_menu(
    texts: Texts,
    detail: models.PaperDetail,
    review: models.Appearance | None,
    shown: Sequence[models.Section],
) -> ui.Item[Any] | None:
    if review is None:
        return None
    options, alias = [], models.alias_of(detail.key)
    for number, section in enumerate(summaries.shown_sections(review.entry)):
        if section not in shown:
            heading = markdown.render_plain(section.heading or "").strip("#* \n")
            options.append(select_option(heading or texts("chapter", number=number + 1), str(number)))
    is_foreign = summaries.find_language(review) != texts.locale.value
    label = "choose-chapter-other-language" if is_foreign else "choose-chapter"
    return select_menu(texts(label), pack_custom_id(verbs.SELECT_CHAPTER, alias), options)


def _action_buttons(
    texts: Texts, detail: models.PaperDetail, page: int, *, is_saved: bool, may_share: bool, is_shared: bool
) -> list[ui.Item[Any]]:
    """Return the buttons of a card. On a shared card, "Save" always saves the paper for its user."""
    alias = models.alias_of(detail.key)
    save_id = pack_custom_id(
        verbs.SAVE_PAPER, "0" if is_saved else "1", NO_PAGE if is_shared else page, alias
    )
    row = [button(texts("unsave" if is_saved else "save"), save_id)]
    if is_saved:
        row.append(button(texts("saved-edit"), pack_custom_id(verbs.EDIT_SAVED, page, alias)))
    return [*row, button(texts("share"), pack_custom_id(verbs.SHARE_CARD, alias))] if may_share else row


def authors_view(texts: Texts, detail: models.PaperDetail, page: int) -> ui.LayoutView:
    """Return a page of up to 25 authors, counting pages from 0, with a menu that lists an author's papers."""
    numbered, alias = [*enumerate(detail.authors)], models.alias_of(detail.key)
    shown, pager = message_builder.paginate(
        texts,
        numbered,
        page,
        discord_text.SELECT_OPTIONS,
        lambda number: pack_custom_id(verbs.SHOW_AUTHORS, number, alias),
    )
    truncated = "yes" if detail.authors_truncated else "no"
    options = [select_option(name, str(index)) for index, name in shown]
    return message_builder.message_view(
        [
            texts("authors-heading", title=_title(detail)),
            subtext(texts("authors-listed", count=len(numbered), truncated=truncated)),
            ", ".join(escape_untrusted(name, max_length=MAX_NAME_LENGTH) for _, name in shown),
        ],
        [select_menu(texts("choose-author"), pack_custom_id(verbs.SELECT_AUTHOR, alias), options)],
        pager,
    )


def cite_view(texts: Texts, detail: models.PaperDetail) -> ui.LayoutView:
    code = discord_text.shorten(
        cite(detail).strip().replace("```", "'''"), 3000, max_bytes=8000, markdown=False
    )
    heading = texts("cite-heading", title=_title(detail))
    return message_builder.message_view([heading, f"```bibtex\n{code}\n```"])


def found_view(
    texts: Texts, papers: Mapping[str, models.PaperDetail | None], *, in_server: bool, may_share: bool
) -> ui.LayoutView:
    """Return several papers (None if unknown) with menus to open, save, list and, who `may_share` here, discuss them."""
    message = MessageBuilder()
    message.add_text(texts("papers-in-message", count=len(papers)))
    size, _ = message.share(len(papers) + 1)
    length = min(size - 100, 400)
    for paper_key, detail in papers.items():
        unknown = discord_text.masked_link(schemes.short_name(paper_key), schemes.page_url(paper_key))
        link = title_link(detail, length, 800) if detail else unknown
        votes = format_votes(detail.votes) if detail else ""
        note = "" if detail and detail.is_listed else texts("in-no-digest")
        message.add_text(join_dotted(link, votes, note))
    details = [detail for detail in papers.values() if detail]
    message.add_buttons(message_parts.open_menu(texts("open-paper"), details))
    message.add_buttons(message_parts.save_menu(texts, details))
    message.add_buttons(
        message_parts.save_menu(texts, details, verb=verbs.LIST_SELECTED) if in_server else None
    )
    discuss = message_parts.open_menu(texts("discuss-selected"), details, verb=verbs.DISCUSS)
    message.add_buttons(discuss if may_share else None)
    return message.view


def missing_view(
    texts: Texts, typed: str, paper_key: str, outcome: LookupOutcome, saved: models.SavedPaper | None = None
) -> ui.LayoutView:
    """Explain why a paper outside the archive, named as typed, has no card, with links to its pages.

    `saved` has the reader's own title, note and tags if the paper is saved.
    """
    name = (
        schemes.short_name(paper_key)
        if schemes.read_key(typed)
        else f"“{discord_text.to_single_line(typed)}”"
    )
    saved_with = texts.name_command("saved")
    lines = (
        [f"### {title_link(saved.with_own_title())}", _saved_text(texts, saved)] if saved is not None else []
    )
    lines.append(texts(f"lookup-{outcome.value}", paper=escape_untrusted(name), saved=saved_with))
    pages = [(label, url) for label, url in schemes.list_pages(paper_key) if label != "PDF"]
    return message_builder.text_view(
        "\n".join(lines), *(link_button(texts("open-page", place=label), url) for label, url in pages)
    )


def _title(detail: models.PaperDetail) -> str:
    title = format_title(detail.title, detail.key)
    return escape_untrusted(title, max_length=200)


class CardDetail(StrEnum):
    """Values of a card's menu that open another view. All other values begin with the first letter of an `AlertKind`."""

    SIMILAR = "similar"
    CITE = "cite"
    AUTHORS = "authors"
    INSTITUTION = "from"


_KINDS = {kind.value[0]: kind for kind in models.AlertKind}


def _options(
    texts: Texts, detail: models.PaperDetail, topics: Sequence[str]
) -> Iterator[discord.SelectOption]:
    yield select_option(texts("similar"), CardDetail.SIMILAR)
    yield select_option(texts("cite"), CardDetail.CITE)
    if len(detail.authors) > templates.MAX_AUTHORS:
        yield select_option(texts("authors"), CardDetail.AUTHORS)
    if detail.organization:
        yield select_option(texts("papers-from", name=detail.organization), CardDetail.INSTITUTION)
    for topic in topics[:MAX_TOPICS]:
        yield _option(texts, models.AlertKind.KEYWORD, topic, topic)
    if detail.organization:
        yield _option(texts, models.AlertKind.INSTITUTION, detail.organization, "")
    for number, name in enumerate(detail.authors):
        yield _option(texts, models.AlertKind.AUTHOR, name, str(number))


def _option(texts: Texts, kind: models.AlertKind, label: str, value: str) -> discord.SelectOption:
    return select_option(label, kind.value[0] + value, description=texts(f"follow-kind-{kind.value}"))


def selected_term(detail: models.PaperDetail, value: str) -> models.AlertTerm:
    """Return the alert term for a selected value. Raises InvalidCustomIdError if the paper does not have it."""
    with custom_ids.map_parse_errors():
        kind = _KINDS[value[:1]]
        if kind is models.AlertKind.KEYWORD:
            return models.AlertTerm(kind, value[1:])
        institutions = [detail.organization] if detail.organization else []
        names = detail.authors if kind is models.AlertKind.AUTHOR else institutions
        return models.AlertTerm(kind, names[custom_ids.parse_number(value[1:] or "0")])


def format_tags(tags: Sequence[str]) -> str:
    """Return tags, escaped, as `#rl #to-read`."""
    return " ".join(f"#{escape_untrusted(tag)}" for tag in tags)


SHOWN_SECTIONS = 4
RENDERED_LENGTH = 4000
RENDERED_LINES = 50
"""How many sections of a summary, and how many characters and lines of each, are rendered for a card, which shows less.

A post can have 25 cards, and each block of text takes 0.1 ms to render.
"""


def post_card_view(
    texts: Texts,
    paper: PostPaper,
    marker: str,
    heading: str,
    *,
    with_votes: bool,
    with_language: bool = True,
    by_webhook: bool = False,
) -> ui.LayoutView:
    """Return a paper of a post with as much of its summary as fits; a button shows the rest privately.

    `marker` identifies the message, and `heading` is shown above the paper. `with_language` says if the summary is in
    another language. A message sent `by_webhook` has no buttons, so its links show the rest.
    """
    message, alias = MessageBuilder(), models.alias_of(paper.key)
    message.add_text(heading)
    title = f"### {title_link(paper, 1200, 3000)}"
    message.add_section(
        f"{title}\n{byline(texts, paper, with_votes=with_votes)}".strip(), paper.thumbnail, paper.title
    )
    rows: list[list[ui.Item[Any]]] = [
        [
            button(texts("read"), pack_custom_id(verbs.OPEN_PAPER, alias, marker=marker)),
            message_parts.save_button(texts, paper.key),
            message_parts.list_button(texts, paper.key),
            button(texts("similar"), pack_custom_id(verbs.SIMILAR_PAPERS, alias)),
        ],
        message_parts.link_buttons(paper, paper.project_url),
    ]
    notes: tuple[str, ...] = ()
    if paper.summary is not None:
        language = paper_texts.language_note(texts, paper.summary.language)
        notes = (language if with_language else "", paper_texts.summary_line(texts, paper.summary))
    foot = "\n".join(discord_text.subtext(line) for line in notes if line)
    message.end_with(rows, foot)
    more = texts("more-at-links" if by_webhook else "more-inside")
    message.add_text(_truncated_summary(texts, paper.sections, message.budget, more))
    return message.view


def _truncated_summary(
    texts: Texts, sections: Sequence[models.Section], budget: discord_text.Budget, more: str
) -> str:
    start = tuple(
        models.Section(each.heading, "\n".join(each.body[:RENDERED_LENGTH].split("\n")[:RENDERED_LINES]))
        for each in sections[:SHOWN_SECTIONS]
    )
    pages = paper_texts.summary_pages(texts, start, budget)
    if not pages:
        return discord_text.subtext(texts("no-summary"))
    if len(pages) == 1 and start == tuple(sections):
        return pages[0]
    more = discord_text.subtext(more)
    length = min(paper_texts.MAX_SUMMARY_LENGTH, budget.characters) - len(more) - 1
    size = budget.text_bytes - discord_text.TEXT_BYTES_OVERHEAD - discord_text.utf8_bytes(more) - 1
    return f"{discord_text.shorten(pages[0], length, max_bytes=size)}\n{more}"


def byline(texts: Texts, paper: PostPaper, *, with_votes: bool) -> str:
    """Return a paper's votes, authors, organization, and how many of the server's members saved it."""
    votes = format_votes(paper.votes) if with_votes else ""
    names = format_authors(texts, paper.authors, truncated=paper.authors_truncated)
    withdrawn, organization = (
        paper_texts.withdrawn_note(texts, paper),
        format_organization(paper.organization),
    )
    return join_dotted(withdrawn, votes, names, organization, format_savers(texts, paper))


def format_savers(texts: Texts, paper: PostPaper) -> str:
    """Return how many of the server's members saved a paper, if enough, and what it has in common with the server's list."""
    savers = texts("post-savers", count=paper.savers) if paper.savers else ""
    return join_dotted(savers, paper_texts.name_shared(texts, paper.shared))
