"""Alert messages: new papers that match a reader's or a channel's alerts, with the reasons."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from discord import ui

from bot.client.components import custom_ids, message_builder, payload
from bot.client.translations import Texts
from bot.client.views import announcement, daily_post
from bot.client.views.papers import list_state, paper_card, paper_list, paper_text
from bot.client.views.post_text import PostWording, summary_excerpt
from bot.rendering.discord_text import escape, split
from bot.services.posts import contents

MAX_PAPERS = 5
"""Papers with buttons of their own: 5 × (text + row + 3 buttons) + 12 = 37 of 40 components."""

MAX_MENU_PAPERS = 20
"""Further papers in the menu that opens one; any more are in the list of the day."""

PAPER_TEXTS = 256
"""Texts of papers that are kept: the messages of a day show the same papers for the same reasons."""

PAUSE_WEEK = "aw"
MANAGE = "am"
STOP_ALL = "ax"
WHY = "ay"
FEWER = "af"
MUTE = "au"


def alert_view(wording: PostWording, post: contents.AlertPost) -> ui.LayoutView:
    """Return the alert: up to MAX_PAPERS papers in full, further ones in a menu, and buttons to get fewer alerts."""
    texts = wording.ui_texts
    message = message_builder.MessageBuilder()
    marker = contents.part_marker(post.marker, 0)
    shown, rest = post.matches[:MAX_PAPERS], post.matches[MAX_PAPERS:]
    buttons = _footer_buttons(texts, post, marker)
    further = [paper for paper, _ in rest[:MAX_MENU_PAPERS]]
    menu = paper_list.open_menu(texts("alert-more", count=len(further)), further)
    more = paper_text.subtext(wording.alert_more(post, len(shown) + len(further)))
    message.add_text(f"🔔 {wording.alert_headline(post)}")
    message.reserve(2 + len(buttons) + (2 if menu else 0) + 4 * len(shown), (more,))
    for position, match in enumerate(shown):
        message.add_text(_paper_text(wording, match, *message.share(len(shown) - position)))
        message.add_reserved_row(*_paper_buttons(texts, match[0]))
    if menu is not None:
        message.add_reserved_row(menu)
    if more:
        message.add_reserved_text(more)
    message.add_reserved_row(*buttons)
    return message.view


def plain_alert_payload(wording: PostWording, post: contents.AlertPost) -> dict[str, Any]:
    """Return the alert as plain text."""
    day = announcement.day_url(post, 0)
    lines = [f"🔔 {wording.alert_headline(post)}", f"[{wording.ui_texts('alert-day')}](<{day}>)"]
    papers = tuple(paper for paper, _ in post.matches)
    return payload.plain_payload(announcement.fit_paper_lines(wording.ui_texts, lines, papers))


@lru_cache(maxsize=PAPER_TEXTS)
def _paper_text(wording: PostWording, match: contents.AlertMatch, characters: int, size: int) -> str:
    paper, _ = match
    title = paper_text.title_link(
        paper.title, paper.arxiv_id, paper.url, max_characters=characters * 2 // 3, max_bytes=size * 2 // 3
    )
    lines = wording.alert_paper_lines(match, title)
    excerpt = escape.escape_text(summary_excerpt(paper.sections))
    note = paper_text.subtext(paper_text.post_note(wording.ui_texts, paper.summary))
    text = "\n".join(line for line in (lines, excerpt, note) if line)
    return split.shorten(text, characters, max_bytes=size)


def _paper_buttons(texts: Texts, paper: contents.PostPaper) -> list[ui.Item[Any]]:
    return [
        message_builder.button(texts("read"), custom_ids.pack(daily_post.OPEN_PAPER, paper.arxiv_id)),
        message_builder.button(
            texts("save"), custom_ids.pack(paper_card.SAVE, "1", paper_card.NO_PAGE, paper.arxiv_id)
        ),
        message_builder.button(texts("alert-why"), custom_ids.pack(WHY, paper.arxiv_id)),
    ]


def _footer_buttons(texts: Texts, post: contents.AlertPost, marker: str) -> list[ui.Item[Any]]:
    """Return the buttons below the papers; the first has the marker of the delivery."""
    day = list_state.ListState(list_state.ListKind.DIGEST, post.digest_on.isoformat())
    day_button = message_builder.button(texts("alert-day"), list_state.pack(day, marker=marker))
    if post.in_channel:
        return [day_button]
    manage = message_builder.button(texts("alert-manage"), custom_ids.pack(MANAGE, 0))
    if len({reason.alert_id for _, reasons in post.matches for reason in reasons}) != 1:
        return [
            day_button,
            message_builder.button(texts("alert-pause-week-all"), custom_ids.pack(PAUSE_WEEK, 0)),
            manage,
            message_builder.button(texts("alert-stop-all"), custom_ids.pack(STOP_ALL)),
        ]
    # A paper names the one alert, so that the message is the same for everyone who follows its terms.
    arxiv_id = post.matches[0][0].arxiv_id
    return [
        day_button,
        message_builder.button(texts("alert-pause-week"), custom_ids.pack(PAUSE_WEEK, arxiv_id)),
        message_builder.button(texts("alert-fewer"), custom_ids.pack(FEWER, arxiv_id)),
        message_builder.button(texts("alert-mute"), custom_ids.pack(MUTE, arxiv_id)),
        manage,
    ]
