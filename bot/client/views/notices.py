"""Short messages to a person: a refusal, an apology, a confirmation, and notices of what stopped or goes on again."""

from __future__ import annotations

from typing import Any

from discord import ui

from bot.client.components import custom_ids, message_builder, payload
from bot.client.translations import Words
from bot.client.views import paper_text
from bot.client.views.post_text import Voice
from bot.services.posts import contents

STATUS = "status"
RESUME = "dr"
NEEDS_SOMEBODY = frozenset(
    {contents.NoticeKind.PAUSED, contents.NoticeKind.CLOSED, contents.NoticeKind.SOURCE_FAILING}
)


def problem_view(text: str) -> ui.LayoutView:
    """Return a message that says what could not be done. `text` is Markdown of ours."""
    message = message_builder.Sheet(accent=message_builder.RED)
    message.text(text)
    return message.view


def plain_view(text: str, *buttons: ui.Item[Any] | None) -> ui.LayoutView:
    """Return a message of one text, with up to five buttons below."""
    message = message_builder.Sheet()
    message.text(text)
    message.buttons(*buttons)
    return message.view


def notice_view(voice: Voice, post: contents.NoticePost) -> ui.LayoutView:
    """Return the message that tells somebody what happened to something they set up."""
    accent = message_builder.RED if post.kind in NEEDS_SOMEBODY else message_builder.AMBER
    message = message_builder.Sheet(accent=accent)
    words = voice.words
    message.text(voice.notice(post))
    marker = contents.part_marker(post.marker, 0)
    again = None
    if post.kind is contents.NoticeKind.PAUSED and post.subscription_id is not None:
        again = message_builder.button(words("resume-post"), custom_ids.pack(RESUME, post.subscription_id))
    message.buttons(
        message_builder.button(words("see-status"), custom_ids.pack(STATUS, marker=marker)), again
    )
    return message.view


def plain_notice(voice: Voice, post: contents.NoticePost) -> dict[str, Any]:
    """Return the notice as plain text, its marker in a link's fragment."""
    marker = contents.part_marker(post.marker, 0)
    return payload.plain_payload(f"{voice.notice(post)}\n-# [Paperround](<https://discord.com/#{marker}>)")


def reason_text(words: Words, reason: str | None) -> str:
    """Return why something stands still and what to do, in words; a sentence of a source is shown as it is."""
    if not reason:
        return words("reason-unknown")
    return words.find(f"reason-{reason}") or paper_text.quoted(reason, length=300)
