"""The message that tells a reader, or a channel, of new papers that fit an alert, with the reason for each."""

from __future__ import annotations

from typing import Any

from discord import ui

from bot.client.components import custom_ids, message_builder, payload
from bot.client.translations import Words
from bot.client.views import announcement, daily_post, list_state, paper_card, paper_text
from bot.client.views.post_text import Voice, thought_of
from bot.rendering.discord_text import escape, limits, split
from bot.services.posts import contents

SHOWN = 5
"""Papers with buttons of their own: 5 × (text + row + 2 buttons) + 12 = 32 of 40 components."""

NAMED = 20
"""Further papers in the menu that opens one; whatever is beyond is in the day's list."""

PAUSE_WEEK = "aw"
MANAGE = "am"
STOP_ALL = "ax"


def alert_view(voice: Voice, post: contents.AlertPost) -> ui.LayoutView:
    """Return the alert: up to five papers in full, the rest in a menu, and how to hear less."""
    words = voice.words
    message = message_builder.Sheet()
    marker = contents.part_marker(post.marker, 0)
    shown, rest = post.matches[:SHOWN], post.matches[SHOWN:]
    foot = _foot_buttons(words, post, marker)
    menu = _rest_menu(words, rest)
    texts = voice.wording.alert(post.locale.value, post.digest_on, len(post.matches), len(post.matches))
    message.text(f"🔔 {texts.headline}")
    message.reserve(1 + len(foot) + (2 if menu else 0) + 3 * len(shown))
    for position, match in enumerate(shown):
        left = len(shown) - position
        room = message.budget.characters // left, message.budget.text_bytes // left - limits.TEXT_BYTES_EACH
        message.text(_entry(voice, match, *room))
        message.place_row(*_paper_buttons(words, match.paper))
    if menu is not None:
        message.place_row(menu)
    message.place_row(*foot)
    return message.view


def plain_alert(voice: Voice, post: contents.AlertPost) -> dict[str, Any]:
    """Return the alert as plain text."""
    day = f"https://huggingface.co/papers/date/{post.digest_on.isoformat()}#{contents.part_marker(post.marker, 0)}"
    texts = voice.wording.alert(post.locale.value, post.digest_on, len(post.matches), len(post.matches))
    lines = [f"🔔 {texts.headline}", f"[{voice.words('alert-day')}](<{day}>)"]
    papers = tuple(match.paper for match in post.matches)
    return payload.plain_payload(announcement.fill_lines(voice.words, lines, papers))


def _entry(voice: Voice, match: contents.AlertMatch, characters: int, size: int) -> str:
    paper = match.paper
    title = paper_text.title_link(
        paper.title, paper.arxiv_id, paper.url, characters=characters * 2 // 3, size=size * 2 // 3
    )
    lines = voice.alert_paper(match, title)
    thought = escape.escape(thought_of(paper.sections))
    return split.shorten(f"{lines}\n{thought}" if thought else lines, characters, max_bytes=size)


def _paper_buttons(words: Words, paper: contents.PostPaper) -> list[ui.Item[Any]]:
    return [
        message_builder.button(words("read"), custom_ids.pack(daily_post.OPEN_ONE, paper.arxiv_id)),
        message_builder.button(
            words("save"), custom_ids.pack(paper_card.SAVE, "1", paper_card.NOT_A_CARD, paper.arxiv_id)
        ),
    ]


def _rest_menu(words: Words, rest: tuple[contents.AlertMatch, ...]) -> ui.Item[Any] | None:
    options = [
        message_builder.option(
            paper_text.title(match.paper.title, match.paper.arxiv_id),
            match.paper.arxiv_id,
            description=paper_text.joined(match.paper.arxiv_id, paper_text.votes(match.paper.votes)),
        )
        for match in rest[:NAMED]
    ]
    return message_builder.menu(words("alert-more", count=len(rest)), custom_ids.pack("open"), options)


def _foot_buttons(words: Words, post: contents.AlertPost, marker: str) -> list[ui.Item[Any]]:
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
