"""The weekly message about saved papers: a line for each paper with what became of it, each thing with its link."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_never

from discord import ui

from bot.client.components import custom_ids, message_builder, payload
from bot.client.translations import Texts
from bot.client.views.papers import list_state, paper_text
from bot.digests.elements import arxiv_ids
from bot.rendering.discord_text import escape, split
from bot.services.posts import contents
from storage import models

SWITCH = "nw"
"""Verb that switches the news off (0) or on (1)."""
MAX_PLAIN_CHARACTERS = 2000


def news_view(texts: Texts, marker: str, news: Sequence[models.PaperNews]) -> ui.LayoutView:
    """Return the message. `marker` names its delivery."""
    message = message_builder.MessageBuilder()
    saved = list_state.pack(
        list_state.ListState(list_state.ListKind.SAVED), marker=contents.part_marker(marker, 0)
    )
    buttons = [
        message_builder.button(texts("news-saved"), saved),
        message_builder.button(texts("news-stop"), custom_ids.pack(SWITCH, 0)),
    ]
    message.reserve(1 + len(buttons))
    message.add_text(f"📌 {_heading(texts, news)}")
    papers = _by_paper(news)
    characters, size = message.share(1)
    # A line may use what those before it left.
    lines: list[str] = []
    for index, own in enumerate(papers):
        left = len(papers) - index
        lines.append(_paper_line(texts, own, characters // left, size // left))
        characters -= len(lines[-1]) + 1
        size -= len(lines[-1].encode()) + 1
    message.add_text("\n".join(lines))
    message.add_reserved_row(*buttons)
    return message.view


def plain_news_payload(texts: Texts, marker: str, news: Sequence[models.PaperNews]) -> dict[str, Any]:
    """Return the message as plain text, its marker in the fragment of a link."""
    link = f"-# [Paperround](<https://discord.com/#{contents.part_marker(marker, 0)}>)"
    lines = [f"📌 {_heading(texts, news)}"]
    for own in _by_paper(news):
        changes = " · ".join(_change_text(texts, kind, value) for _, _, kind, value in own)
        lines.append(f"- {escape.escape_text(paper_text.format_title(own[0][1], own[0][0]))}: {changes}")
    return payload.plain_payload(
        f"{split.shorten(chr(10).join(lines), MAX_PLAIN_CHARACTERS - len(link) - 1)}\n{link}"
    )


def switch_view(texts: Texts, *, is_off: bool) -> ui.LayoutView:
    """Return whether the reader gets the message, with a button that changes it."""
    message = message_builder.MessageBuilder()
    message.add_text(texts("news-off" if is_off else "news-on"))
    label = texts("news-start" if is_off else "news-stop")
    message.add_buttons(message_builder.button(label, custom_ids.pack(SWITCH, int(is_off))))
    return message.view


def _heading(texts: Texts, news: Sequence[models.PaperNews]) -> str:
    return texts("news-heading", count=len({arxiv_id for arxiv_id, *_ in news}))


def _by_paper(news: Sequence[models.PaperNews]) -> list[list[models.PaperNews]]:
    grouped: dict[str, list[models.PaperNews]] = {}
    for row in news:
        grouped.setdefault(row[0], []).append(row)
    return list(grouped.values())


def _paper_line(texts: Texts, own: Sequence[models.PaperNews], characters: int, size: int) -> str:
    """Return the line of one paper; if it would be too long its changes have no links, and its title is shortened."""
    arxiv_id, title, *_ = own[0]
    changes = " · ".join(_linked_change(texts, row) for row in own)
    if len(changes) > characters // 2:
        changes = " · ".join(_change_text(texts, kind, value) for _, _, kind, value in own)
    room, room_bytes = characters - len(changes) - 10, size - len(changes.encode()) - 10
    address = arxiv_ids.abstract_url(arxiv_id)
    link = paper_text.title_link(title, arxiv_id, address, max_characters=room, max_bytes=room_bytes)
    return f"- **{link}**: {changes}"


def _linked_change(texts: Texts, row: models.PaperNews) -> str:
    arxiv_id, _, kind, value = row
    text = _change_text(texts, kind, value)
    match kind:
        case models.NewsKind.VERSION:
            address = f"{arxiv_ids.abstract_url(arxiv_id)}v{value}"
        case models.NewsKind.CODE | models.NewsKind.MODEL:
            address = value
        case models.NewsKind.WITHDRAWN | models.NewsKind.VENUE:
            return text
        case _:
            assert_never(kind)
    is_usable = len(address) <= paper_text.MAX_URL_LENGTH and escape.safe_url(address)
    return f"[{text}](<{escape.safe_url(address)}>)" if is_usable else text


def _change_text(texts: Texts, kind: models.NewsKind, value: str) -> str:
    return texts(f"news-{kind.value}", value=paper_text.escape_untrusted(value))
