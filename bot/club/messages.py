"""What a club shows: its messages in the channel, the events, and the card of `/club`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from discord import ui

from bot.archive import arxiv_ids
from bot.client import message_builder
from bot.client import messages as client_messages
from bot.client.message_builder import MessageBuilder, button, pack_custom_id, plain_payload
from bot.client.messages import PostWording, format_title, format_votes, join_dotted, subtext, title_link
from bot.client.translations import Texts
from bot.club.service import HOUR, ClubPost, Meeting, Step, voting_hours
from bot.daily import messages as daily_messages
from bot.daily import post as daily_post
from bot.daily.choice import DailyPost
from bot.daily.messages import format_timestamp
from bot.outbox import contents
from bot.outbox.contents import RenderedPart
from bot.rendering import discord_text
from storage import models
from storage.club import PastMeeting
from storage.models import Club, PartKind

SHOW = "clubs"
STOP = "clubx"
PAGE_SIZE = 10
POLL_QUESTION, POLL_ANSWER = 300, 55
"""Characters of a poll (Discord docs, resources/poll)."""
EVENT_NAME = 100
EXTERNAL, GUILD_ONLY = 3, 2
"""Discord's numbers of an event that is not in a voice channel, and of one for its server."""


def channel_url(guild_id: int, channel_id: int) -> str:
    """Return the address of a channel or thread."""
    return f"https://discord.com/channels/{guild_id}/{channel_id}"


def render(wording: PostWording, post: ClubPost) -> tuple[RenderedPart, ...]:
    """Return the messages of a post, a thread or a post of a forum, and the event of a meeting with a paper."""
    texts = wording.ui_texts
    if post.step is Step.POLL:
        return _poll_parts(texts, post)
    marker = contents.part_marker(post.marker, 0)
    text, paper = _text(wording, post), post.papers[0] if post.papers else None
    name = _title(paper) if paper else texts("club-thread-name", date=_date(texts, post))
    if paper is not None and post.step is not Step.REMINDER:
        day = DailyPost(post.marker, post.locale, models.Style.CARDS, paper.date, 1, (paper,))
        view = daily_post.card_view(texts, day, paper, 0, text)
        text += "\n" + title_link(paper.title, paper.arxiv_id, paper.url)
    else:
        verb = (client_messages.OPEN_PAPER, paper.arxiv_id) if paper else (SHOW, 0)
        label = texts("read" if paper else "club-show")
        view = client_messages.text_view(text, button(label, pack_custom_id(*verb, marker=marker)))
    message, plain = message_builder.layout_payload(view), _plain(text, marker)
    thread = _thread_fields(name)
    if post.is_forum and not post.thread_id:
        parts = [
            RenderedPart(PartKind.FORUM_POST, {**thread, "message": message}, {**thread, "message": plain})
        ]
    else:
        parts = [RenderedPart(PartKind.MESSAGE, message, plain)]
        if paper is not None and not post.thread_id:
            parts.append(RenderedPart(PartKind.THREAD, thread))
    if post.step is Step.PAPER:
        parts.append(RenderedPart(PartKind.EVENT, _event(texts, post)))
    return tuple(parts)


def _text(wording: PostWording, post: ClubPost) -> str:
    texts = wording.ui_texts
    if post.step is None:
        return texts("club-discussion", reader=f"<@{post.opened_by}>")
    times = {"at": format_timestamp(post.meets_at, "F"), "when": format_timestamp(post.meets_at, "R")}
    if post.step is Step.NONE:
        return texts(f"club-none-{post.reason}", now=wording.mention("club now"), **times)
    thread = channel_url(post.guild_id, post.thread_id) if post.thread_id else ""
    text = texts(f"club-{post.step}", votes=post.votes, **times)
    return f"{text}\n{texts('club-thread', url=thread)}" if thread and post.step is Step.PAPER else text


def _plain(text: str, marker: str) -> dict[str, Any]:
    return plain_payload(f"{text}\n-# [Paperround](<https://discord.com/#{marker}>)")


def _date(texts: Texts, post: ClubPost) -> str:
    return texts.format_date(post.meets_on)


def _title(paper: contents.PostPaper) -> str:
    return format_title(paper.title, paper.arxiv_id)


def _thread_fields(name: str) -> dict[str, Any]:
    short = discord_text.shorten(name, discord_text.THREAD_NAME, markdown=False)
    return {"name": short, "auto_archive_duration": daily_post.AUTO_ARCHIVE_MINUTES}


def _poll_parts(texts: Texts, post: ClubPost) -> tuple[RenderedPart, ...]:
    """Return a plain message with the poll: Discord has none in one of components. In a forum it is in a post."""
    lines = [texts("club-poll", at=format_timestamp(post.meets_at, "F"))]
    for number, paper in enumerate(post.papers, start=1):
        count = post.nominations.get(paper.arxiv_id, 0)
        note = texts("club-nominations", count=count) if count else ""
        link = title_link(paper.title, paper.arxiv_id, paper.url, max_characters=240)
        shown = link.replace("](", "](<", 1).removesuffix(")") + ">)"
        lines.append(f"{number}. {join_dotted(shown, format_votes(paper.votes), note)}")
    name = texts("club-thread-name", date=_date(texts, post))
    poll = {
        "question": {"text": discord_text.shorten(name, POLL_QUESTION, markdown=False)},
        "answers": [
            {"poll_media": {"text": discord_text.shorten(_title(paper), POLL_ANSWER, markdown=False)}}
            for paper in post.papers
        ],
        "duration": post.hours,
        "allow_multiselect": False,
    }
    text = "\n".join(lines)
    if not post.is_forum:
        return (
            RenderedPart(
                PartKind.MESSAGE, _plain(text, contents.part_marker(post.marker, 0)) | {"poll": poll}
            ),
        )
    first, second = (contents.part_marker(post.marker, position) for position in (0, 1))
    ask = _plain(texts("club-vote"), second) | {"poll": poll}
    fields = {**_thread_fields(name), "message": _plain(text, first)}
    return RenderedPart(PartKind.FORUM_POST, fields), RenderedPart(PartKind.THREAD_MESSAGE, ask)


def _event(texts: Texts, post: ClubPost) -> dict[str, Any]:
    """Return the event. Its place and time are how the sender finds it again."""
    (paper,) = post.papers
    name = texts("club-event", title=_title(paper))
    return {
        "name": discord_text.shorten(name, EVENT_NAME, markdown=False),
        "description": f"{_title(paper)[:800]}\n{arxiv_ids.huggingface_url(paper.arxiv_id)}",
        "scheduled_start_time": post.meets_at.isoformat(),
        "scheduled_end_time": (post.meets_at + HOUR).isoformat(),
        "privacy_level": GUILD_ONLY,
        "entity_type": EXTERNAL,
        "entity_metadata": {"location": channel_url(post.guild_id, post.thread_id or post.channel_id)},
    }


def club_view(
    texts: Texts,
    club: Club,
    meeting: Meeting,
    past: Sequence[PastMeeting],
    *,
    now: datetime,
    now_command: str,
    page: int = 0,
    total: int = 0,
    headline: str = "",
    can_manage: bool = False,
) -> ui.LayoutView:
    """Return when a club meets, what comes next, and a page of the papers that it had."""
    day = daily_messages.format_weekday(texts, club.weekday)
    zone = client_messages.join_dotted(club.at_time, club.timezone)
    message = MessageBuilder()
    heading = texts("club-heading", channel=f"<#{club.channel_id}>", day=day, time=zone)
    message.add_text("\n".join(filter(None, (headline, heading, _state(texts, meeting, now, now_command)))))
    lines = [texts("club-past", count=total)] if past else []
    for row in past:
        link = title_link(row.title, row.arxiv_id, row.url, max_characters=200)
        thread = (
            f"[{texts('club-thread-link')}]({channel_url(club.guild_id, row.thread_id)})"
            if row.thread_id
            else ""
        )
        readers = texts("club-readers", count=row.readers) if row.readers else ""
        lines.append(f"{link}\n{subtext(join_dotted(texts.format_date(row.meets_on), thread, readers))}")
    message.add_text("\n".join(lines))
    pages = -(-total // PAGE_SIZE)
    pager = client_messages.pager(page, pages, lambda number: pack_custom_id(SHOW, number))
    stop = button(texts("club-stop"), pack_custom_id(STOP)) if can_manage else None
    message.add_buttons(*pager, stop)
    return message.view


def _state(texts: Texts, meeting: Meeting, now: datetime, now_command: str) -> str:
    vote_at = now if voting_hours(now, meeting.at) else meeting.at
    at = meeting.ends_at if meeting.step is Step.POLL else vote_at
    return texts(
        f"club-state-{meeting.step or 'new'}",
        meets=format_timestamp(meeting.at, "F"),
        vote=format_timestamp(at, "R"),
        now=now_command,
    )
