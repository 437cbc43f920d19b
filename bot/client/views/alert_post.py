"""The message that tells a reader, or a channel, of new papers that fit an alert, with the reason for each."""

from __future__ import annotations

from typing import Any

from discord import ui

from bot.client.components import custom_ids, message_builder, payload
from bot.client.translations import Texts
from bot.client.views import announcement, daily_post, list_state, paper_card, paper_text
from bot.client.views.post_text import PostWording, summary_excerpt
from bot.rendering.discord_text import escape, limits, split
from bot.services.posts import contents

MAX_PAPERS = 5
"""Papers with buttons of their own: 5 × (text + row + 2 buttons) + 12 = 32 of 40 components."""

MAX_MENU_PAPERS = 20
"""Further papers in the menu that opens one; whatever is beyond is in the day's list."""

PAUSE_WEEK = "aw"
MANAGE = "am"
STOP_ALL = "ax"


def alert_view(voice: PostWording, post: contents.AlertPost) -> ui.LayoutView:
    """Return the alert: up to five papers in full, the rest in a menu, and how to hear less."""
    words = voice.ui_texts
    message = message_builder.MessageBuilder()
    marker = contents.part_marker(post.marker, 0)
    shown, rest = post.matches[:MAX_PAPERS], post.matches[MAX_PAPERS:]
    foot = _footer_buttons(words, post, marker)
    menu = _more_menu(words, rest)
    message.add_text(f"🔔 {voice.alert_headline(post)}")
    message.reserve(1 + len(foot) + (2 if menu else 0) + 3 * len(shown))
    for position, match in enumerate(shown):
        left = len(shown) - position
        room = (
            message.budget.characters // left,
            message.budget.text_bytes // left - limits.TEXT_BYTES_OVERHEAD,
        )
        message.add_text(_paper_text(voice, match, *room))
        message.add_reserved_row(*_paper_buttons(words, match.paper))
    if menu is not None:
        message.add_reserved_row(menu)
    message.add_reserved_row(*foot)
    return message.view


def plain_alert_payload(voice: PostWording, post: contents.AlertPost) -> dict[str, Any]:
    """Return the alert as plain text."""
    day = f"https://huggingface.co/papers/date/{post.digest_on.isoformat()}#{contents.part_marker(post.marker, 0)}"
    lines = [f"🔔 {voice.alert_headline(post)}", f"[{voice.ui_texts('alert-day')}](<{day}>)"]
    papers = tuple(match.paper for match in post.matches)
    return payload.plain_payload(announcement.fit_paper_lines(voice.ui_texts, lines, papers))


def _paper_text(voice: PostWording, match: contents.AlertMatch, characters: int, size: int) -> str:
    paper = match.paper
    title = paper_text.title_link(
        paper.title, paper.arxiv_id, paper.url, max_characters=characters * 2 // 3, max_bytes=size * 2 // 3
    )
    lines = voice.alert_paper_lines(match, title)
    thought = escape.escape_text(summary_excerpt(paper.sections))
    return split.shorten(f"{lines}\n{thought}" if thought else lines, characters, max_bytes=size)


def _paper_buttons(words: Texts, paper: contents.PostPaper) -> list[ui.Item[Any]]:
    return [
        message_builder.button(words("read"), custom_ids.pack(daily_post.OPEN_PAPER, paper.arxiv_id)),
        message_builder.button(
            words("save"), custom_ids.pack(paper_card.SAVE, "1", paper_card.NO_PAGE, paper.arxiv_id)
        ),
    ]


def _more_menu(words: Texts, rest: tuple[contents.AlertMatch, ...]) -> ui.Item[Any] | None:
    options = [
        message_builder.select_option(
            paper_text.format_title(match.paper.title, match.paper.arxiv_id),
            match.paper.arxiv_id,
            description=paper_text.join_dotted(
                match.paper.arxiv_id, paper_text.format_votes(match.paper.votes)
            ),
        )
        for match in rest[:MAX_MENU_PAPERS]
    ]
    return message_builder.select_menu(words("alert-more", count=len(rest)), custom_ids.pack("open"), options)


def _footer_buttons(words: Texts, post: contents.AlertPost, marker: str) -> list[ui.Item[Any]]:
    """Return the buttons at the foot; the first carries the marker of the delivery."""
    day = list_state.ListState(list_state.ListKind.DIGEST, post.digest_on.isoformat())
    everything = message_builder.button(words("alert-day"), list_state.pack(day, marker=marker))
    if post.in_channel:
        return [everything]
    rules = sorted({reason.alert_id for match in post.matches for reason in match.reasons})
    only = rules[0] if len(rules) == 1 else 0
    pause = words("alert-pause-week") if only else words("alert-pause-week-all")
    return [
        everything,
        message_builder.button(pause, custom_ids.pack(PAUSE_WEEK, only)),
        message_builder.button(words("alert-manage"), custom_ids.pack(MANAGE, 0)),
        message_builder.button(words("alert-stop-all"), custom_ids.pack(STOP_ALL)),
    ]
