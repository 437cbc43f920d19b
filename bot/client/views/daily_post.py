"""The daily post in its compact style, and the headline and cards that other styles are made of. Data to layouts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from discord import ui

from bot.client.components import custom_ids, message_builder
from bot.client.translations import Texts
from bot.client.views import list_state, paper_card, paper_list, paper_text
from bot.client.views.post_text import PostWording, subtext_lines
from bot.digests.elements import arxiv_ids
from bot.rendering.discord_text import limits, split
from bot.services.posts import contents
from storage import models

PAPERS_PER_MESSAGE = 8
"""1 container + 1 header + 8 × (3 + 1) - 1 rule + select 2 + buttons 4 + foot 1 = 40 components."""

OPEN_PAPER = "o"
OPEN_TOPIC_MODAL = "ask"
SHOW_LANGUAGE = "lang"

OTHER_LOCALE = {models.Locale.KO: models.Locale.EN, models.Locale.EN: models.Locale.KO}


def compact_views(
    voice: PostWording, post: contents.DailyPost, *, with_marker: bool = True
) -> list[ui.LayoutView]:
    """Return the post as few messages as it fits in: header, papers, a menu to open one, buttons, schedule.

    `marked` is false for a copy that no delivery stands behind, such as the post in another language.
    """
    parts = split_papers(post.papers)
    views = []
    first = 0
    for position, group in enumerate(parts):
        marker = contents.part_marker(post.marker, position) if with_marker else None
        last = position == len(parts) - 1
        message = message_builder.MessageBuilder()
        if position == 0:
            message.add_text(header(voice, post))
        _add_papers(voice, message, post, group, first, marker, last=last)
        first += len(group)
        views.append(message.view)
    return views


def header(voice: PostWording, post: contents.DailyPost) -> str:
    """Return the headline with its small print."""
    texts = voice.daily_texts(post)
    lines = [f"## 📰 {texts.headline}", subtext_lines(texts.count), subtext_lines(texts.missed)]
    return "\n".join(line for line in lines if line)


def headline_view(voice: PostWording, post: contents.DailyPost, *, with_marker: bool = True) -> ui.LayoutView:
    """Return the message that stands above cards or a thread."""
    message = message_builder.MessageBuilder()
    message.add_text(header(voice, post))
    message.add_buttons(
        *_action_buttons(voice.ui_texts, post, contents.part_marker(post.marker, 0) if with_marker else None)
    )
    message.add_text(subtext_lines(voice.daily_texts(post).foot))
    return message.view


def card_view(
    words: Texts, post: contents.DailyPost, paper: contents.PostPaper, position: int | None
) -> ui.LayoutView:
    """Return one paper's message, its summary as far as it fits; a button opens the rest privately.

    `position` is that of its part; None for a copy that no delivery stands behind.
    """
    marker = None if position is None else contents.part_marker(post.marker, position)
    message = message_builder.MessageBuilder()
    message.add_section(f"### {_title(paper, 1200, 3000)}\n{_byline(paper)}", paper.thumbnail, paper.title)
    rows: list[list[ui.Item[Any]]] = [
        [
            message_builder.button(words("read"), custom_ids.pack(OPEN_PAPER, paper.arxiv_id, marker=marker)),
            message_builder.button(
                words("save"), custom_ids.pack(paper_card.SAVE, "1", paper_card.NO_PAGE, paper.arxiv_id)
            ),
            message_builder.button(words("similar"), custom_ids.pack(paper_card.SIMILAR, paper.arxiv_id)),
        ],
        _link_buttons(paper.arxiv_id),
    ]
    message.reserve(sum(1 + len(row) for row in rows) + 1)
    message.add_reserved_text(_truncated_summary(words, paper.sections, message.budget))
    for row in rows:
        message.add_reserved_row(*row)
    return message.view


def _truncated_summary(words: Texts, sections: Sequence[models.Section], budget: limits.Budget) -> str:
    """Return as much of a summary as one message holds, saying when there is more."""
    # What is far beyond a page would be made ready only to be dropped.
    near = [models.Section(one.heading, one.body[: 4 * paper_card.MAX_PAGE_LENGTH]) for one in sections[:4]]
    pages = paper_card.summary_pages(near, budget)
    if not pages:
        return paper_text.subtext(words("no-summary"))
    if len(pages) == 1 and near == list(sections):
        return pages[0]
    more = paper_text.subtext(words("more-inside"))
    size = budget.text_bytes - limits.TEXT_BYTES_OVERHEAD - limits.utf8_bytes(more) - 1
    return f"{split.shorten(pages[0], paper_card.MAX_PAGE_LENGTH - len(more) - 1, max_bytes=size)}\n{more}"


def split_papers(papers: Sequence[contents.PostPaper]) -> list[Sequence[contents.PostPaper]]:
    """Share the papers out evenly over as few messages as hold them."""
    count = max(1, -(-len(papers) // PAPERS_PER_MESSAGE))
    size = -(-len(papers) // count)
    return [papers[start : start + size] for start in range(0, len(papers), size)] if papers else [()]


def _add_papers(
    voice: PostWording,
    message: message_builder.MessageBuilder,
    post: contents.DailyPost,
    group: Sequence[contents.PostPaper],
    first: int,
    marker: str | None,
    *,
    last: bool,
) -> None:
    """Add a group of papers, each with an even share of what the rows and the foot leave free, then those."""
    words = voice.ui_texts
    buttons = (
        _action_buttons(words, post, marker if not group else None)
        if last
        else _language_buttons(words, post)
    )
    foot = subtext_lines(voice.daily_texts(post).foot) if last else ""
    menu = _paper_menu(words, group, marker)
    message.reserve((2 if menu else 0) + (1 + len(buttons) if buttons else 0))
    message.reserve(bool(foot), (foot,) if foot else ())
    for position, paper in enumerate(group):
        # A full message has no room for the rule below the headline.
        if position or (first == 0 and len(group) < PAPERS_PER_MESSAGE):
            message.add_separator()
        left = len(group) - position
        room = (
            message.budget.characters // left,
            message.budget.text_bytes // left - limits.TEXT_BYTES_OVERHEAD,
        )
        message.add_section(
            _paper_text(voice, first + position + 1, paper, *room), paper.thumbnail, paper.title
        )
    if menu is not None:
        message.add_reserved_row(menu)
    if buttons:
        message.add_reserved_row(*buttons)
    if foot:
        message.add_reserved_text(foot)


def _paper_text(voice: PostWording, rank: int, paper: contents.PostPaper, characters: int, size: int) -> str:
    facts = _byline(paper)
    title = _title(paper, characters - len(facts) - 16, size - limits.utf8_bytes(facts) - 16)
    return split.shorten(voice.paper_lines(rank, paper, title), characters, max_bytes=size)


def _title(paper: contents.PostPaper, characters: int, size: int) -> str:
    return paper_text.title_link(
        paper.title, paper.arxiv_id, paper.url, max_characters=characters, max_bytes=size
    )


def _byline(paper: contents.PostPaper) -> str:
    names = paper_text.format_authors(paper.authors, truncated=paper.authors_truncated)
    return paper_text.join_dotted(paper_text.format_votes(paper.votes), names)


def _paper_menu(words: Texts, group: Sequence[contents.PostPaper], marker: str | None) -> ui.Item[Any] | None:
    options = [
        message_builder.select_option(
            paper_text.format_title(paper.title, paper.arxiv_id),
            paper.arxiv_id,
            description=paper_text.join_dotted(paper.arxiv_id, paper_text.format_votes(paper.votes)),
        )
        for paper in group
    ]
    return message_builder.select_menu(
        words("post-pick"), custom_ids.pack(paper_list.OPEN_SELECTED, marker=marker), options
    )


def _action_buttons(words: Texts, post: contents.DailyPost, marker: str | None) -> list[ui.Item[Any]]:
    day = list_state.ListState(list_state.ListKind.DIGEST, post.digest_on.isoformat())
    label = words("post-see-all", count=post.total) if post.papers else words("newest-digest")
    if not post.papers:
        day = day.replace(text="")
    everything = list_state.pack(day, marker=marker)
    ask = message_builder.button(words("post-ask"), custom_ids.pack(OPEN_TOPIC_MODAL))
    return [message_builder.button(label, everything), ask, *_language_buttons(words, post)]


def _language_buttons(words: Texts, post: contents.DailyPost) -> list[ui.Item[Any]]:
    other = OTHER_LOCALE[post.locale]
    if not post.papers:
        return []
    label = words(f"language-{other.value}")
    return [message_builder.button(label, custom_ids.pack(SHOW_LANGUAGE, other.value), emoji="🌐")]


def _link_buttons(arxiv_id: str) -> list[ui.Item[Any]]:
    found = [
        message_builder.link_button("arXiv", arxiv_ids.abstract_url(arxiv_id)),
        message_builder.link_button("PDF", arxiv_ids.pdf_url(arxiv_id)),
        message_builder.link_button("Hugging Face", arxiv_ids.huggingface_url(arxiv_id)),
    ]
    return [item for item in found if item is not None]
