"""The daily post in its compact style, and the headline and cards that other styles are made of. Data to layouts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from discord import ui

from bot.client import custom_ids
from bot.client.translations import Words
from bot.client.views import cards, listing, lists, phrases, sheet
from bot.client.views.voice import Voice, small_lines
from bot.rendering import fitting, limits
from bot.services import posts
from storage import models

PAPERS_A_MESSAGE = 8
"""1 container + 1 header + 8 × (3 + 1) - 1 rule + select 2 + buttons 4 + foot 1 = 40 components."""

OPEN_ONE = "o"
ASK = "ask"
LANGUAGE = "lang"

OTHER = {models.Locale.KO: models.Locale.EN, models.Locale.EN: models.Locale.KO}


def compact_views(voice: Voice, post: posts.DailyPost, *, marked: bool = True) -> list[ui.LayoutView]:
    """Return the post as few messages as it fits in: header, papers, a menu to open one, buttons, schedule.

    `marked` is false for a copy that no delivery stands behind, such as the post in another language.
    """
    parts = groups(post.papers)
    views = []
    first = 0
    for position, group in enumerate(parts):
        marker = posts.part_marker(post.marker, position) if marked else None
        last = position == len(parts) - 1
        message = sheet.Sheet()
        if position == 0:
            message.text(header(voice, post))
        _fill(voice, message, post, group, first, marker, last=last)
        first += len(group)
        views.append(message.view)
    return views


def header(voice: Voice, post: posts.DailyPost) -> str:
    """Return the headline with its small print."""
    texts = voice.daily(post)
    lines = [f"## 📰 {texts.headline}", small_lines(texts.count), small_lines(texts.missed)]
    return "\n".join(line for line in lines if line)


def headline_view(voice: Voice, post: posts.DailyPost, *, marked: bool = True) -> ui.LayoutView:
    """Return the message that stands above cards or a thread."""
    message = sheet.Sheet()
    message.text(header(voice, post))
    message.buttons(*_buttons(voice.words, post, posts.part_marker(post.marker, 0) if marked else None))
    message.text(small_lines(voice.daily(post).foot))
    return message.view


def card_view(
    words: Words, post: posts.DailyPost, paper: posts.PostPaper, position: int | None
) -> ui.LayoutView:
    """Return one paper's message, its summary as far as it fits; a button opens the rest privately.

    `position` is that of its part; None for a copy that no delivery stands behind.
    """
    marker = None if position is None else posts.part_marker(post.marker, position)
    message = sheet.Sheet()
    message.paper(f"### {_title(paper, 1200, 3000)}\n{_facts(paper)}", paper.thumbnail, paper.title)
    rows: list[list[ui.Item[Any]]] = [
        [
            sheet.button(words("read"), custom_ids.pack(OPEN_ONE, paper.arxiv_id, marker=marker)),
            sheet.button(words("save"), custom_ids.pack(cards.SAVE, "1", cards.NOT_A_CARD, paper.arxiv_id)),
            sheet.button(words("similar"), custom_ids.pack(cards.SIMILAR, paper.arxiv_id)),
        ],
        _links(paper.arxiv_id),
    ]
    message.reserve(sum(1 + len(row) for row in rows) + 1)
    message.place_text(_beginning(words, paper.sections, message.budget))
    for row in rows:
        message.place_row(*row)
    return message.view


def _beginning(words: Words, sections: Sequence[models.Section], budget: limits.Budget) -> str:
    """Return as much of a summary as one message holds, saying when there is more."""
    # What is far beyond a page would be made ready only to be dropped.
    near = [models.Section(one.heading, one.body[: 4 * cards.LONGEST_PAGE]) for one in sections[:4]]
    pages = cards.summary_pages(near, budget)
    if not pages:
        return phrases.small(words("no-summary"))
    if len(pages) == 1 and near == list(sections):
        return pages[0]
    more = phrases.small(words("more-inside"))
    size = budget.text_bytes - limits.TEXT_BYTES_EACH - limits.utf8_bytes(more) - 1
    return f"{fitting.shorten(pages[0], cards.LONGEST_PAGE - len(more) - 1, max_bytes=size)}\n{more}"


def groups(papers: Sequence[posts.PostPaper]) -> list[Sequence[posts.PostPaper]]:
    """Share the papers out evenly over as few messages as hold them."""
    count = max(1, -(-len(papers) // PAPERS_A_MESSAGE))
    size = -(-len(papers) // count)
    return [papers[start : start + size] for start in range(0, len(papers), size)] if papers else [()]


def _fill(
    voice: Voice,
    message: sheet.Sheet,
    post: posts.DailyPost,
    group: Sequence[posts.PostPaper],
    first: int,
    marker: str | None,
    *,
    last: bool,
) -> None:
    """Add a group of papers, each with an even share of what the rows and the foot leave free, then those."""
    words = voice.words
    buttons = _buttons(words, post, marker if not group else None) if last else _language(words, post)
    foot = small_lines(voice.daily(post).foot) if last else ""
    menu = _menu(words, group, marker)
    message.reserve((2 if menu else 0) + (1 + len(buttons) if buttons else 0))
    message.reserve(bool(foot), (foot,) if foot else ())
    for position, paper in enumerate(group):
        # A full message has no room for the rule below the headline.
        if position or (first == 0 and len(group) < PAPERS_A_MESSAGE):
            message.rule()
        left = len(group) - position
        room = message.budget.characters // left, message.budget.text_bytes // left - limits.TEXT_BYTES_EACH
        message.paper(_entry(voice, first + position + 1, paper, *room), paper.thumbnail, paper.title)
    if menu is not None:
        message.place_row(menu)
    if buttons:
        message.place_row(*buttons)
    if foot:
        message.place_text(foot)


def _entry(voice: Voice, rank: int, paper: posts.PostPaper, characters: int, size: int) -> str:
    facts = _facts(paper)
    title = _title(paper, characters - len(facts) - 16, size - limits.utf8_bytes(facts) - 16)
    return fitting.shorten(voice.paper(rank, paper, title), characters, max_bytes=size)


def _title(paper: posts.PostPaper, characters: int, size: int) -> str:
    return phrases.title_link(paper.title, paper.arxiv_id, paper.url, characters=characters, size=size)


def _facts(paper: posts.PostPaper) -> str:
    names = phrases.authors(paper.authors, truncated=paper.authors_truncated)
    return phrases.joined(phrases.votes(paper.votes), names)


def _menu(words: Words, group: Sequence[posts.PostPaper], marker: str | None) -> ui.Item[Any] | None:
    options = [
        sheet.option(
            phrases.title(paper.title, paper.arxiv_id),
            paper.arxiv_id,
            description=phrases.joined(paper.arxiv_id, phrases.votes(paper.votes)),
        )
        for paper in group
    ]
    return sheet.menu(words("post-pick"), custom_ids.pack(lists.OPEN, marker=marker), options)


def _buttons(words: Words, post: posts.DailyPost, marker: str | None) -> list[ui.Item[Any]]:
    day = listing.ListState(listing.ListKind.DIGEST, post.digest_on.isoformat())
    label = words("post-see-all", count=post.total) if post.papers else words("newest-digest")
    if not post.papers:
        day = day.with_(text="")
    everything = listing.pack(day, marker=marker)
    ask = sheet.button(words("post-ask"), custom_ids.pack(ASK))
    return [sheet.button(label, everything), ask, *_language(words, post)]


def _language(words: Words, post: posts.DailyPost) -> list[ui.Item[Any]]:
    other = OTHER[post.locale]
    if not post.papers:
        return []
    label = words(f"language-{other.value}")
    return [sheet.button(label, custom_ids.pack(LANGUAGE, other.value), emoji="🌐")]


def _links(arxiv_id: str) -> list[ui.Item[Any]]:
    found = [
        sheet.link_button("arXiv", phrases.arxiv_url(arxiv_id)),
        sheet.link_button("PDF", phrases.pdf_url(arxiv_id)),
        sheet.link_button("Hugging Face", phrases.hugging_face_url(arxiv_id)),
    ]
    return [item for item in found if item is not None]
