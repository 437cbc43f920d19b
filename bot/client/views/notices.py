"""Short messages: errors, confirmations, and notices of paused or resumed posts, alerts and sources."""

from __future__ import annotations

from typing import Any

from discord import ui

from bot.client.components import custom_ids, message_builder, payload
from bot.client.translations import Texts
from bot.client.views.papers import paper_text
from bot.client.views.post_text import PostWording
from bot.services.posts import contents

SHOW_STATUS = "status"
RESUME = "dr"
ACTION_REQUIRED = frozenset(
    {contents.NoticeKind.PAUSED, contents.NoticeKind.CLOSED, contents.NoticeKind.SOURCE_FAILING}
)


def text_view(text: str, *buttons: ui.Item[Any] | None, accent: int = message_builder.AMBER) -> ui.LayoutView:
    """Return a message of one text, which is trusted Markdown, with up to five buttons below."""
    message = message_builder.MessageBuilder(accent)
    message.add_text(text)
    message.add_buttons(*buttons)
    return message.view


def status_button(texts: Texts, marker: str | None = None) -> ui.Item[Any]:
    """Return the button that opens `/status`."""
    return message_builder.button(texts("see-status"), custom_ids.pack(SHOW_STATUS, marker=marker))


def notice_view(wording: PostWording, post: contents.NoticePost) -> ui.LayoutView:
    """Return the notice with a button for `/status`, and one to resume a paused subscription."""
    accent = message_builder.RED if post.kind in ACTION_REQUIRED else message_builder.AMBER
    texts = wording.ui_texts
    resume = None
    if post.kind is contents.NoticeKind.PAUSED and post.subscription_id is not None:
        resume = message_builder.button(texts("resume-post"), custom_ids.pack(RESUME, post.subscription_id))
    status = status_button(texts, contents.part_marker(post.marker, 0))
    return text_view(wording.notice_text(post), status, resume, accent=accent)


def plain_notice_payload(wording: PostWording, post: contents.NoticePost) -> dict[str, Any]:
    """Return the notice as plain text, its marker in the fragment of a link."""
    marker = contents.part_marker(post.marker, 0)
    return payload.plain_payload(
        f"{wording.notice_text(post)}\n-# [Paperround](<https://discord.com/#{marker}>)"
    )


def reason_text(texts: Texts, reason: str | None) -> str:
    """Return the text of a reason with its remedy; a reason without a text, such as a source's error, unchanged."""
    if not reason:
        return texts("reason-unknown")
    return texts.find(f"reason-{reason}") or paper_text.escape_untrusted(reason, max_length=300)
