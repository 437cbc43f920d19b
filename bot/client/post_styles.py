"""The registry of post styles: the messages of each style, its option in `/daily`, and the channels that can take it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import discord
from discord import ui

from bot.client.components import payload
from bot.client.discord_api import forum_tags
from bot.client.views import announcement, daily_post
from bot.client.views.post_text import PostWording
from bot.rendering.discord_text import limits, split
from bot.services.posts.contents import DailyPost, PostPaper, RenderedPart
from storage.models import PartKind, Style

AUTO_ARCHIVE_MINUTES = 4320
"""Minutes without a message after which Discord archives a thread: three days, one of its four durations."""

PostableChannel = discord.TextChannel | discord.ForumChannel


def _compact_parts(wording: PostWording, post: DailyPost) -> tuple[RenderedPart, ...]:
    views = daily_post.compact_views(wording, post)
    groups = daily_post.split_papers(post)
    return tuple(
        _message_part(wording, post, view, tuple(group), position, is_last=position == len(groups) - 1)
        for position, (view, group) in enumerate(zip(views, groups, strict=True))
    )


def _card_parts(
    wording: PostWording, post: DailyPost, kind: PartKind = PartKind.MESSAGE, first_position: int = 1
) -> tuple[RenderedPart, ...]:
    """Return a headline and one message per paper; a single message if there are no papers."""
    if not post.papers:
        return _compact_parts(wording, post)
    headings = wording.late_headings(post)
    cards = [
        _message_part(
            wording,
            post,
            daily_post.card_view(wording.ui_texts, post, paper, position, headings.get(paper.arxiv_id)),
            (paper,),
            position,
            kind,
        )
        for position, paper in enumerate(post.papers, first_position)
    ]
    return _message_part(wording, post, daily_post.headline_view(wording, post), (), 0), *cards


def _thread_parts(wording: PostWording, post: DailyPost) -> tuple[RenderedPart, ...]:
    head, *cards = _card_parts(wording, post, PartKind.THREAD_MESSAGE, first_position=2)
    return head, *([RenderedPart(PartKind.THREAD, _thread_fields(wording, post)), *cards] if cards else ())


def _forum_parts(wording: PostWording, post: DailyPost) -> tuple[RenderedPart, ...]:
    first, *rest = _compact_parts(wording, post)
    fields = _thread_fields(wording, post)
    if post.forum_tags:
        fields["applied_tags"] = [str(tag) for tag in post.forum_tags]
    if post.topic:
        fields[forum_tags.TOPIC_FIELD] = post.topic
    return (
        RenderedPart(
            PartKind.FORUM_POST, {**fields, "message": first.payload}, {**fields, "message": first.fallback}
        ),
        *(RenderedPart(PartKind.THREAD_MESSAGE, part.payload, part.fallback) for part in rest),
    )


def _announcement_parts(wording: PostWording, post: DailyPost) -> tuple[RenderedPart, ...]:
    message = RenderedPart(
        PartKind.MESSAGE,
        announcement.embeds_payload(wording, post, 0),
        announcement.plain_post_payload(wording, post, post.papers, 0),
    )
    return message, RenderedPart(PartKind.CROSSPOST)


def _message_part(
    wording: PostWording,
    post: DailyPost,
    view: ui.LayoutView,
    papers: tuple[PostPaper, ...],
    position: int,
    kind: PartKind = PartKind.MESSAGE,
    *,
    is_last: bool = False,
) -> RenderedPart:
    server_picks = wording.server_picks(post) if is_last else ""
    plain = announcement.plain_post_payload(wording, post, papers, position, server_picks)
    role_id = post.mention_role_id if position == 0 else None
    return RenderedPart(kind, payload.layout_payload(view, mention_role_id=role_id), plain)


def _thread_fields(wording: PostWording, post: DailyPost) -> dict[str, Any]:
    name = split.shorten(str(wording.daily_text(post, "name")), limits.THREAD_NAME, markdown=False)
    return {"name": name or post.digest_on.isoformat(), "auto_archive_duration": AUTO_ARCHIVE_MINUTES}


def _compact_preview(wording: PostWording, post: DailyPost, note: str) -> list[ui.LayoutView]:
    return daily_post.compact_views(wording, post, with_marker=False, note=note)


def _card_preview(wording: PostWording, post: DailyPost, note: str) -> list[ui.LayoutView]:
    """Return the headline and the first card."""
    if not post.papers:
        return _compact_preview(wording, post, note)
    head = daily_post.headline_view(wording, post, with_marker=False, note=note)
    return [head, daily_post.card_view(wording.ui_texts, post, post.papers[0], None)]


def _is_news_channel(channel: PostableChannel) -> bool:
    return isinstance(channel, discord.TextChannel) and channel.is_news()


@dataclass(frozen=True, slots=True)
class PostStyle:
    """A layout of the daily post. `label` is its option in `/daily`.

    `render` returns the messages to send, in order, never none; `preview` the messages of an answer to one reader,
    with a note above the headline. `permissions` are needed in addition to those of every style.
    """

    label: str
    render: Callable[[PostWording, DailyPost], tuple[RenderedPart, ...]]
    preview: Callable[[PostWording, DailyPost, str], list[ui.LayoutView]] = _compact_preview
    fits: Callable[[PostableChannel], bool] = lambda channel: isinstance(channel, discord.TextChannel)
    permissions: tuple[str, ...] = ()


STYLES: Mapping[Style, PostStyle] = {
    Style.COMPACT: PostStyle("Compact: one message", _compact_parts),
    Style.CARDS: PostStyle("Cards: a message a paper", _card_parts, _card_preview),
    Style.THREAD: PostStyle(
        "Thread: the papers in a thread",
        _thread_parts,
        _card_preview,
        permissions=("create_public_threads", "send_messages_in_threads"),
    ),
    Style.FORUM: PostStyle(
        "Forum: a post a day",
        _forum_parts,
        fits=lambda channel: isinstance(channel, discord.ForumChannel),
        permissions=("send_messages_in_threads",),
    ),
    Style.ANNOUNCEMENT: PostStyle(
        "Announcement: published to followers",
        _announcement_parts,
        fits=_is_news_channel,
        permissions=("embed_links",),
    ),
    Style.WEEKLY: PostStyle("Weekly: the week's late risers", _compact_parts),
}


def default_style(channel: PostableChannel) -> Style:
    """Return the style for a kind of channel if none was chosen."""
    return next(
        style for style in (Style.FORUM, Style.ANNOUNCEMENT, Style.COMPACT) if STYLES[style].fits(channel)
    )
