"""Messages of a daily post: styles, texts from templates, embeds for announcement channels, a plain-text
fallback, and the copy of a message in the other language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, Literal, TypeVar

import discord
import structlog
from discord import ui

from bot.archive import schemes
from bot.client import message_builder, verbs
from bot.client.custom_ids import pack_custom_id
from bot.client.permissions import REQUIRED, Channel
from bot.client.wording import PostWording
from bot.core import isolation, schedule
from bot.features.daily.choice import MAX_PAPERS, DailyPost, PlannedPost
from bot.i18n.texts import Texts
from bot.outbox import contents
from bot.outbox.contents import RenderedPart
from bot.papers import list_state, message_parts, paper_texts, post_names
from bot.papers.cards import byline, format_savers, post_card_view
from bot.papers.post_papers import PostPaper
from bot.rendering import discord_text, locale_formats, templates
from bot.rendering.discord_text import subtext_lines
from bot.sources import kinds
from bot.text.parsed_query import ParsedQuery
from storage import models
from storage.models import PartKind, Style, Subscription

log = structlog.get_logger(__name__)

MIN_PAPER_TEXT = 480
"""Characters for a paper's title, authors and excerpt. With less for each of its papers, a message has too many."""
MAX_TEMPLATE_AUTHORS = 10
MAX_DESCRIPTION_LENGTH = 330
"""The maximum length of an embed's text: nine embeds and the header stay below Discord's 6,000 characters."""

DailyBlock = Literal["headline", "count", "foot", "name"]
OTHER_LOCALE = {models.Locale.KO: models.Locale.EN, models.Locale.EN: models.Locale.KO}


def compact_messages(
    wording: PostWording, post: DailyPost, note: str = ""
) -> list[tuple[ui.LayoutView, tuple[PostPaper, ...]]]:
    """Return the post in as few messages as can hold all of it, each with its papers, divided evenly.

    Each has papers, menus and buttons; the first begins with `note` and the header, the last ends with the schedule.
    Raises MessageFullError if not even a message for each paper can hold it.
    """
    count = len(post.papers)
    for size in dict.fromkeys(-(-count // messages) for messages in range(1, count)):
        with suppress(message_builder.MessageFullError):
            return _divide_papers(wording, post, note, size)
    return _divide_papers(wording, post, note, 1)


def _divide_papers(
    wording: PostWording, post: DailyPost, note: str, size: int
) -> list[tuple[ui.LayoutView, tuple[PostPaper, ...]]]:
    """Return the messages of a post with `size` papers in each but the last."""
    messages = []
    for position, start in enumerate(range(0, len(post.papers), size)):
        group, first = post.papers[start : start + size], start + 1
        marker = contents.part_marker(post.marker, position)
        message = message_builder.MessageBuilder()
        if position == 0:
            message.add_text(header(wording, post, note))
        if start + size >= len(post.papers):
            buttons = _action_buttons(wording.ui_texts, post, None, first)
            _add_papers(wording, message, post, group, first, marker, buttons, foot(wording, post))
        else:
            language = _language_button(wording.ui_texts, post, first)
            _add_papers(wording, message, post, group, first, marker, [language])
        messages.append((message.view, group))
    return messages


def _preview_messages(wording: PostWording, post: DailyPost, note: str) -> list[ui.LayoutView]:
    return [view for view, _ in compact_messages(wording, post, note)]


def copy_view(
    wording: PostWording,
    draft: Subscription,
    papers: tuple[PostPaper, ...],
    first: int,
    message_url: str,
    sent_at: datetime,
) -> ui.LayoutView:
    """Return a copy of a message's papers in a draft's language, with only the menu. Numbers start at `first`."""
    message = message_builder.MessageBuilder()
    date = discord_text.timestamp(sent_at, "D")
    message.add_text(wording.ui_texts("copied-post", url=message_url, date=date))
    post = DailyPost("", draft, PlannedPost(papers[0].last_on, (), (), len(papers)), papers, ParsedQuery())
    _add_papers(wording, message, post, papers, first, None)
    return message.view


def header(wording: PostWording, post: DailyPost, note: str) -> str:
    small_print = subtext_lines(daily_text(wording, post, "count"))
    headline = f"{mention_line(post)}## 📰 {daily_text(wording, post, 'headline')}"
    return "\n".join(line for line in (note, headline, small_print) if line)


def headline_view(wording: PostWording, post: DailyPost, note: str = "") -> ui.LayoutView:
    """Return the message with the headline, sent before the cards or the thread. `note` goes above the headline."""
    message = message_builder.MessageBuilder()
    message.add_text(header(wording, post, note))
    # Omit the language button: it copies the papers in a message's menu, and this message has no menu.
    message.add_buttons(*_action_buttons(wording.ui_texts, post, contents.part_marker(post.marker, 0)))
    message.add_text(foot(wording, post))
    return message.view


def _card_view(
    wording: PostWording, post: DailyPost, paper: PostPaper, position: int, heading: str = ""
) -> ui.LayoutView:
    """Return the message with one paper at this position in the delivery."""
    marker = contents.part_marker(post.marker, position)
    read = pack_custom_id(verbs.OPEN_PAPER, models.alias_of(paper.key), marker=marker)
    plain = "\n".join(filter(None, (heading, message_parts.link_id(paper.key))))
    return _draw(
        paper,
        lambda: post_card_view(
            wording.ui_texts,
            paper,
            marker,
            heading,
            with_votes=post.has_votes,
            with_language=not post.is_in_other_language,
            by_webhook=post.subscription.is_by_webhook,
        ),
        lambda: message_builder.text_view(plain, message_builder.button(wording.ui_texts("read"), read)),
    )


T = TypeVar("T")


def _draw(paper: PostPaper, draw: Callable[[], T], draw_plain: Callable[[], T]) -> T:
    """Return a paper drawn or, if that fails, its link: a paper that cannot be drawn does not end the post. Logs the error."""
    with isolation.isolated(log, "paper of a post not drawn", paper=paper.key):
        return draw()
    return draw_plain()


def _add_papers(
    wording: PostWording,
    message: message_builder.MessageBuilder,
    post: DailyPost,
    group: Sequence[PostPaper],
    first: int,
    marker: str | None,
    buttons: Sequence[ui.Item[Any]] = (),
    small_print: str = "",
) -> None:
    """Add papers, numbered from `first`. The space left by menus and buttons is shared equally among them."""
    texts, numbers = wording.ui_texts, range(first, first + len(group))
    menu = message_parts.open_menu(texts("post-pick"), group, marker, ranks=numbers, several=True)
    message.end_with(([menu], buttons), small_print)
    if message.share(len(group))[0] < MIN_PAPER_TEXT and len(group) > 1:
        raise message_builder.MessageFullError(f"{len(group)} papers would be cut too short")
    headings = late_headings(wording, post)
    for position, paper in enumerate(group):
        if position or first == 1:
            message.add_separator()
        share = message.share(len(group) - position)
        heading = headings.get(paper.key)
        text = _paper_text(wording, post, numbers[position], paper, *share, heading=heading)
        message.add_section(text, paper.thumbnail, paper.title)


def _paper_text(
    wording: PostWording,
    post: DailyPost,
    number: int,
    paper: PostPaper,
    characters: int,
    size: int,
    *,
    heading: str | None = None,
) -> str:
    """Return a paper's lines, cut to a limit of characters and bytes, below the heading for late papers."""
    above = f"{heading}\n\n" if heading else ""
    characters, size = characters - len(above), size - discord_text.utf8_bytes(above)

    def draw() -> str:
        facts = byline(wording.ui_texts, paper, with_votes=post.has_votes)
        title = paper_texts.title_link(
            paper, characters - len(facts) - 16, size - discord_text.utf8_bytes(facts) - 16
        )
        return paper_lines(wording, post, number, paper, title)

    lines = _draw(paper, draw, lambda: f"**{number}** · {message_parts.link_id(paper.key)}")
    return above + discord_text.shorten(lines, characters, max_bytes=size)


def _action_buttons(
    texts: Texts, post: DailyPost, marker: str | None, first: int | None = None
) -> list[ui.Item[Any]]:
    """Return the buttons below a post: all papers of its topic or days, a new alert, and the other language.

    `first` is the number of the message's first paper, or None if it has no papers. One button contains the marker.
    """
    buttons = []
    planned, topic = post.planned, post.subscription.topic
    on_topic = list_state.ListState(list_state.ListKind.TOPIC, topic)
    is_linked = 0 < len(topic) <= on_topic.max_text_length
    # A custom id cannot hold both a topic and the marker, which is needed to find the message.
    if marker or not is_linked:
        span = planned.since_on or planned.digest_on, planned.digest_on
        kind = list_state.ListKind.TOP if planned.since_on else list_state.ListKind.DIGEST
        listed = list_state.ListState(kind, span=span)
        of_days = "post-week" if post.subscription.style is models.Style.WEEKLY else "post-days"
        label = texts(of_days if planned.since_on else "alert-day")
        buttons.append(message_builder.button(label, list_state.pack_state(listed, marker=marker)))
    if is_linked:
        buttons.append(message_builder.button(texts("post-on-topic"), list_state.pack_state(on_topic)))
    buttons.append(message_parts.begin_alert_button(texts, topic, post.topic))
    return buttons if first is None else [*buttons, _language_button(texts, post, first)]


def _language_button(texts: Texts, post: DailyPost, first: int) -> ui.Item[Any]:
    """Return the button that shows the message's papers, numbered from `first`, in the other language."""
    other = OTHER_LOCALE[post.locale]
    custom_id = pack_custom_id(verbs.SHOW_LANGUAGE, other.value, first)
    return message_builder.button(texts(f"language-{other.value}"), custom_id, emoji="🌐")


PostableChannel = discord.TextChannel | discord.ForumChannel
POSTABLE_TYPES = [discord.ChannelType.text, discord.ChannelType.news, discord.ChannelType.forum]


def list_tags(channel: object) -> list[discord.ForumTag]:
    """Return a forum's tags that anyone may set; none for other channels."""
    tags = channel.available_tags if isinstance(channel, discord.ForumChannel) else ()
    return [tag for tag in tags if not tag.moderated]


def _compact_parts(wording: PostWording, post: DailyPost) -> tuple[RenderedPart, ...]:
    return tuple(
        _message_part(wording, post, view, group, position)
        for position, (view, group) in enumerate(compact_messages(wording, post))
    )


def _card_parts(
    wording: PostWording, post: DailyPost, kind: PartKind = PartKind.MESSAGE, first_position: int = 1
) -> tuple[RenderedPart, ...]:
    headings = late_headings(wording, post)
    cards = [
        _message_part(
            wording,
            post,
            _card_view(wording, post, paper, position, headings.get(paper.key, "")),
            (paper,),
            position,
            kind,
        )
        for position, paper in enumerate(post.papers, first_position)
    ]
    return _message_part(wording, post, headline_view(wording, post), (), 0), *cards


def _thread_parts(wording: PostWording, post: DailyPost) -> tuple[RenderedPart, ...]:
    head, *cards = _card_parts(wording, post, PartKind.THREAD_MESSAGE, first_position=2)
    return (
        head,
        RenderedPart(PartKind.THREAD, _thread_fields(wording, post), _plain_thread_fields(post)),
        *cards,
    )


def _forum_parts(wording: PostWording, post: DailyPost) -> tuple[RenderedPart, ...]:
    first, *rest = _compact_parts(wording, post)
    tag_id = post.subscription.tag_id
    tags = {} if tag_id is None else {"applied_tags": [str(tag_id)]}
    return (
        replace(
            first,
            kind=PartKind.FORUM_POST,
            payload={**_thread_fields(wording, post), **tags, "message": first.payload},
            fallback={**_plain_thread_fields(post), **tags, "message": first.fallback},
        ),
        *(replace(part, kind=PartKind.THREAD_MESSAGE) for part in rest),
    )


def _announcement_parts(wording: PostWording, post: DailyPost) -> tuple[RenderedPart, ...]:
    message = RenderedPart(
        PartKind.MESSAGE,
        embeds_payload(wording, post),
        plain_post_payload(wording, post, post.papers, 0),
        paper_count=len(post.papers),
    )
    return message, RenderedPart(PartKind.CROSSPOST)


def _message_part(
    wording: PostWording,
    post: DailyPost,
    view: ui.LayoutView,
    papers: tuple[PostPaper, ...],
    position: int,
    kind: PartKind = PartKind.MESSAGE,
) -> RenderedPart:
    plain = plain_post_payload(wording, post, papers, position)
    role_id = post.mention_role_id if position == 0 else None
    payload = message_builder.layout_payload(view, mention_role_id=role_id)
    return RenderedPart(kind, payload, plain, paper_count=len(papers))


def _thread_fields(wording: PostWording, post: DailyPost) -> dict[str, Any]:
    name = str(daily_text(wording, post, "name"))
    return message_builder.thread_payload(name) if name else _plain_thread_fields(post)


def _plain_thread_fields(post: DailyPost) -> dict[str, Any]:
    """Return the fields of a thread named by its date: Discord may refuse the topic in its name, or any other word."""
    return message_builder.thread_payload(post.planned.digest_on.isoformat())


def _card_preview(wording: PostWording, post: DailyPost, note: str) -> list[ui.LayoutView]:
    """Return the headline and the first card, with a note on how many cards follow if there are more."""
    texts, count = wording.ui_texts, len(post.papers)
    if count > 1:
        follow = texts("preview-first-card", count=count, style=post.subscription.style.value)
        note += f"\n{discord_text.subtext(follow)}"
    return [headline_view(wording, post, note), _card_view(wording, post, post.papers[0], 1)]


@dataclass(frozen=True, slots=True)
class PostStyle:
    """A layout for the daily post.

    `render` returns the messages to send. `preview` returns a private preview with a note above the headline. `fits` returns
    whether a channel supports the style. `permissions` are needed in addition to those that every style needs.
    """

    render: Callable[[PostWording, DailyPost], tuple[RenderedPart, ...]]
    preview: Callable[[PostWording, DailyPost, str], list[ui.LayoutView]] = _preview_messages
    fits: Callable[[object], bool] = lambda channel: isinstance(channel, discord.TextChannel)
    permissions: tuple[str, ...] = ()


STYLES: Mapping[Style, PostStyle] = {
    Style.COMPACT: PostStyle(_compact_parts),
    Style.CARDS: PostStyle(_card_parts, _card_preview),
    Style.THREAD: PostStyle(
        _thread_parts, _card_preview, permissions=("create_public_threads", "send_messages_in_threads")
    ),
    Style.FORUM: PostStyle(
        _forum_parts,
        fits=lambda channel: isinstance(channel, discord.ForumChannel),
        permissions=("send_messages_in_threads",),
    ),
    Style.ANNOUNCEMENT: PostStyle(
        _announcement_parts,
        fits=lambda channel: isinstance(channel, discord.TextChannel) and channel.is_news(),
        permissions=("embed_links",),
    ),
    Style.WEEKLY: PostStyle(_compact_parts),
}


def render(wording: PostWording, post: DailyPost) -> tuple[RenderedPart, ...]:
    subscription = post.subscription
    parts = STYLES[subscription.style].render(wording, post)
    if subscription.is_by_webhook:
        parts = tuple(replace(part, payload=message_builder.without_actions(part.payload)) for part in parts)
    return _silence(parts) if subscription.silent else parts


def _silence(parts: tuple[RenderedPart, ...]) -> tuple[RenderedPart, ...]:
    silenced = message_builder.silenced
    return tuple(
        replace(part, payload=silenced(part.payload), fallback=part.fallback and silenced(part.fallback))
        if part.kind in contents.MARKED_KINDS
        else part
        for part in parts
    )


def default_style(channel: PostableChannel) -> Style:
    return next(
        style for style in (Style.FORUM, Style.ANNOUNCEMENT, Style.COMPACT) if STYLES[style].fits(channel)
    )


def needed_permissions(channel: Channel, style: models.Style, role_id: int | None = None) -> tuple[str, ...]:
    role = None if role_id is None else channel.guild.get_role(role_id)
    mention = ("mention_everyone",) if role is not None and not role.mentionable else ()
    return (*REQUIRED, *STYLES[style].permissions, *mention)


def check_permissions(channel: Channel, style: models.Style) -> dict[str, bool]:
    """Return which permissions posts in this style need and whether the bot has each."""
    granted = channel.permissions_for(channel.guild.me)
    return {name: getattr(granted, name) for name in needed_permissions(channel, style)}


def daily_text(wording: PostWording, post: DailyPost, block: DailyBlock) -> discord_text.SafeMarkdown:
    """Render a block of the `daily` template, or "" to omit it. The block `name`, for a thread, is plain text."""
    subscription, planned = post.subscription, post.planned
    source = kinds.public_label(subscription.source) if subscription.source else ""
    is_by_webhook = subscription.is_by_webhook
    values = {
        "day": planned.digest_on,
        "since": planned.since_on,
        "total": planned.total,
        "shown": post.own_count,
        "first": planned.ranks[0] if planned.ranks else 1,
        "last": planned.ranks[-1] if planned.ranks else post.own_count,
        "skipped": post.skipped_count,
        "kind": _find_kind(post).value,
        "late_count": len(post.papers) - post.own_count,
        "has_votes": post.has_votes,
        "at_time": subscription.at_time,
        "timezone": subscription.timezone,
        "days": subscription.days,
        "every_day": schedule.EVERY_DAY,
        "workdays": locale_formats.WORKDAYS,
        "edit_command": discord_text.SafeMarkdown("" if is_by_webhook else wording.mention("daily edit")),
        "topic": discord_text.shorten(
            post_names.describe_topic(wording.ui_texts, subscription.topic, post.topic),
            paper_texts.MAX_TOPIC_LENGTH,
            markdown=False,
        ),
        "source": discord_text.shorten(source, paper_texts.MAX_TOPIC_LENGTH, markdown=False),
    }
    output = templates.OutputFormat.PLAIN if block == "name" else templates.OutputFormat.MARKDOWN
    return wording.templates.render_block("daily", block, post.locale.value, values, output)


class CountKind(StrEnum):
    """Which papers a post has, for the block `count` of the `daily` template."""

    LIKE = "like"
    """Those that are like the server's list."""
    SOURCE = "source"
    TOPIC = "topic"
    ONLY = "only"
    ALL = "all"
    TOP = "top"
    RANK = "rank"
    """One paper, since those above it were posted before."""
    SPAN = "span"
    """Papers one below the other, since all those above them were posted before."""
    REST = "rest"
    """The best ones that were not posted before."""


def _find_kind(post: DailyPost) -> CountKind:
    ranks, total = post.planned.ranks, post.planned.total
    if post.topic.is_like_list:
        return CountKind.LIKE
    if post.subscription.source:
        return CountKind.SOURCE
    if post.subscription.topic:
        return CountKind.TOPIC
    if post.skipped_count:
        if ranks[-1] - ranks[0] >= post.own_count:
            return CountKind.REST
        return CountKind.RANK if post.own_count == 1 else CountKind.SPAN
    if total == post.own_count:
        return CountKind.ONLY if total == 1 else CountKind.ALL
    return CountKind.TOP


def late_headings(wording: PostWording, post: DailyPost) -> dict[str, discord_text.SafeMarkdown]:
    """Return a heading for each day of late papers, by the key of the day's first paper."""
    headings, position = {}, post.own_count
    for day, shown, count in post.planned.late:
        values = {"late_on": day, "late_shown": shown, "late_total": count}
        heading = wording.templates.render_block("daily", "late", post.locale.value, values)
        headings[post.papers[position].key] = heading
        position += shown
    return headings


def foot(wording: PostWording, post: DailyPost) -> str:
    """Return the small print below a post: a note if no summary is in the post's language, the schedule, and a link."""
    language = wording.ui_texts("summary-in-other-language") if post.is_in_other_language else ""
    web = paper_texts.web_link(wording.ui_texts, wording.web_url, "days", post.planned.digest_on.isoformat())
    label = discord_text.escape_untrusted(
        ", ".join(post.topic.labels), max_length=paper_texts.MAX_TOPIC_LENGTH
    )
    end = wording.ui_texts("post-label-end", label=label) if post.planned.is_end else ""
    return subtext_lines("\n".join((end, language, daily_text(wording, post, "foot"), web)))


def paper_lines(wording: PostWording, post: DailyPost, rank: int, paper: PostPaper, title: str) -> str:
    values = {
        "rank": rank,
        "title": discord_text.SafeMarkdown(title),
        "votes": paper.votes,
        "has_votes": post.has_votes,
        "authors": [
            discord_text.shorten(name, paper_texts.MAX_NAME_LENGTH, markdown=False)
            for name in paper.authors[:MAX_TEMPLATE_AUTHORS]
        ],
        "author_count": len(paper.authors),
        "authors_truncated": paper.authors_truncated,
        "organization": discord_text.SafeMarkdown(paper_texts.format_organization(paper.organization)),
        "links": paper_texts.code_and_project(wording.ui_texts, paper),
        "thought": paper_texts.plain_excerpt(paper.sections[0].body) if paper.sections else "",
        "note": discord_text.SafeMarkdown(
            discord_text.join_dotted(
                paper_texts.withdrawn_note(wording.ui_texts, paper),
                format_savers(wording.ui_texts, paper),
                paper_texts.post_note(
                    wording.ui_texts, paper.summary, with_language=not post.is_in_other_language
                ),
            )
        ),
    }
    return wording.templates.render_block("daily", "paper", wording.ui_texts.locale.value, values)


def embeds_payload(wording: PostWording, post: DailyPost) -> dict[str, Any]:
    """Return a message of embeds without buttons, since Discord does not forward buttons to following servers."""
    headings = late_headings(wording, post)
    language = wording.ui_texts("summary-in-other-language") if post.is_in_other_language else ""
    lines = (daily_text(wording, post, "count"), language)
    head = {
        "title": discord_text.shorten(
            f"📰 {daily_text(wording, post, 'headline')}", discord_text.EMBED_TITLE
        ),
        "description": "\n".join(filter(None, lines)),
        "url": paper_texts.day_url(post.planned.digest_on, post.marker, 0),
        "color": message_builder.AMBER,
    }
    embeds = [
        head,
        *(
            _draw(
                paper,
                partial(_paper_embed, wording.ui_texts, post, number, paper, headings.get(paper.key)),
                partial(_plain_embed, number, paper),
            )
            for number, paper in enumerate(post.papers[: MAX_PAPERS[Style.ANNOUNCEMENT]], 1)
        ),
    ]
    body = {"embeds": embeds, "allowed_mentions": message_builder.allowed_mentions(post.mention_role_id)}
    return body if post.mention_role_id is None else {"content": mention_line(post).strip(), **body}


def plain_post_payload(
    wording: PostWording, post: DailyPost, papers: tuple[PostPaper, ...], position: int
) -> dict[str, Any]:
    """Return the plain form of a message with these papers, at this position in the delivery."""
    return message_parts.papers_payload(
        wording.ui_texts,
        models.DeliveryKind.DAILY,
        post.planned.digest_on,
        post.marker,
        papers,
        position=position,
        mention_role_id=post.mention_role_id if position == 0 else None,
    )


def mention_line(post: DailyPost) -> str:
    """Return the line that mentions the post's role, or ""."""
    return "" if post.mention_role_id is None else f"<@&{post.mention_role_id}>\n"


def _plain_embed(rank: int, paper: PostPaper) -> dict[str, Any]:
    name = schemes.short_name(paper.key)[: discord_text.EMBED_TITLE - 10]
    return {"title": f"{rank} · {name}", "url": schemes.page_url(paper.key), "color": message_builder.AMBER}


def _paper_embed(
    texts: Texts, post: DailyPost, rank: int, paper: PostPaper, heading: str | None
) -> dict[str, Any]:
    title = f"{rank} · {paper_texts.format_title(paper.title, paper.key)}"
    facts = byline(texts, paper, with_votes=post.has_votes)
    excerpt = paper_texts.summary_excerpt(paper.sections)
    note = paper_texts.post_note(texts, paper.summary, with_language=not post.is_in_other_language)
    links = paper_texts.code_and_project(texts, paper)
    lines = [heading or "", facts, excerpt, discord_text.join_dotted(note, links)]
    if sum(len(line) + 1 for line in lines) > MAX_DESCRIPTION_LENGTH:
        # Links can take up most of the space, and the title already links to the paper's page.
        lines[-1] = note
    embed: dict[str, Any] = {
        "title": discord_text.shorten(title, discord_text.EMBED_TITLE, markdown=False),
        "url": discord_text.safe_url(paper.url) or schemes.page_url(paper.key),
        "description": discord_text.shorten("\n".join(filter(None, lines)), MAX_DESCRIPTION_LENGTH),
        "color": message_builder.AMBER,
    }
    picture = discord_text.safe_url(paper.thumbnail) if paper.thumbnail else None
    if picture is not None:
        embed["thumbnail"] = {"url": picture}
    return embed
