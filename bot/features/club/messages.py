"""A club's messages and events, and the view of `/club`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import discord
from discord import ui

from bot.archive import schemes
from bot.client import message_builder, verbs
from bot.client.custom_ids import pack_custom_id
from bot.client.message_builder import button, layout_payload, thread_payload
from bot.client.wording import PostWording
from bot.features.club.service import HOUR, ClubPost, MeetingStep, Overview
from bot.features.club.thread_news import ThreadNews
from bot.i18n.texts import Texts
from bot.outbox import contents
from bot.outbox.contents import RenderedPart
from bot.papers import paper_texts, post_papers
from bot.papers.cards import post_card_view
from bot.papers.paper_texts import format_title, title_link
from bot.rendering import discord_text, locale_formats
from bot.rendering.discord_text import channel_url, join_dotted
from storage.models import PartKind

POLL_ANSWER = 55
"""Characters in a poll's answer (Discord docs, resources/poll)."""
_ALIKE = 16
"""Characters left for the common beginning of titles."""
EVENT_NAME = 100


def render(wording: PostWording, post: ClubPost) -> tuple[RenderedPart, ...]:
    """Return the parts of a step: a message with its thread or a forum post, and other requests."""
    if post.counted is not None:
        path = f"/channels/{post.counted.channel_id}/messages/{post.counted.message_id}"
        return (RenderedPart(PartKind.COUNT, {"path": path}),)
    texts, marker, text = wording.ui_texts, contents.part_marker(post.marker, 0), _text(wording, post)
    if post.step not in (None, MeetingStep.PAPER):
        message = message_builder.marked_plain_payload(text, marker)
        plain = None
        if post.step is MeetingStep.POLL:
            untitled = replace(post, papers=list(map(_without_title, post.papers)))
            plain = message_builder.marked_plain_payload(_text(wording, untitled), marker)
            plain["poll"] = _poll(texts, untitled)
            message["poll"] = _poll(texts, post)
        requests = (RenderedPart(PartKind.REQUEST, dict(request)) for request in post.undoing)
        return (RenderedPart(PartKind.MESSAGE, message, plain), *requests)
    (paper,) = post.papers
    plain = message_builder.marked_plain_payload(f"{text}\n{title_link(_without_title(paper))}", marker)
    card = layout_payload(post_card_view(texts, paper, marker, text, with_votes=paper.votes is not None))
    named = (thread_payload(format_title(title, paper.key)) for title in (paper.title, None))
    if post.is_forum:
        bodies = (thread | {"message": body} for thread, body in zip(named, (card, plain), strict=True))
        return (RenderedPart(PartKind.FORUM_POST, *bodies),)
    parts = [RenderedPart(PartKind.MESSAGE, card, plain)]
    if not post.thread_id:
        parts.append(RenderedPart(PartKind.THREAD, *named))
    if post.step is MeetingStep.PAPER:
        untitled = replace(post, papers=[_without_title(paper)])
        parts.append(RenderedPart(PartKind.REQUEST, _event(texts, post), _event(texts, untitled)))
    return tuple(parts)


def render_news(wording: PostWording, post: ThreadNews) -> tuple[RenderedPart, ...]:
    """Return what is new about a thread's paper, with the button by which its opener ends such messages.

    The plain form has no words of others: Discord may refuse the link or the comment.
    """
    texts, marker = wording.ui_texts, contents.part_marker(post.marker, 0)
    (line,) = paper_texts.event_lines(texts, [post.event])
    (plain_line,) = paper_texts.event_lines(texts, [post.event], max_length=0)
    stop = button(texts("thread-news-stop"), pack_custom_id(verbs.SILENCE, marker=marker))
    plain = message_builder.marked_plain_payload(plain_line, marker)
    return message_builder.render_message(message_builder.text_view(line, stop), plain)


def _without_title(paper: post_papers.PostPaper) -> post_papers.PostPaper:
    """Return a paper as a plain form names it, by its key: Discord may have refused its title."""
    return replace(paper, title=None, url=schemes.page_url(paper.key))


def _text(wording: PostWording, post: ClubPost) -> str:
    texts = wording.ui_texts
    times = {
        "at": discord_text.timestamp(post.meeting.at, "F"),
        "when": discord_text.timestamp(post.meeting.at, "R"),
    }
    if post.step is None:
        return texts("club-discussion")
    lines = [texts(f"club-{post.step}", votes=post.votes, now=wording.mention("club now"), **times)]
    if post.step is MeetingStep.PAPER and post.thread_id:
        lines.append(texts("club-thread", url=channel_url(post.guild_id, post.thread_id)))
    if post.step is MeetingStep.POLL:
        lines += _list_papers(post.papers)
        lines.append(discord_text.subtext(texts("club-how-to-propose")))
    if post.meeting.lost_at is not None and post.step in (MeetingStep.POLL, MeetingStep.NONE):
        lost = texts("club-lost", at=discord_text.timestamp(post.meeting.lost_at, "F"))
        lines.append(discord_text.subtext(lost))
    return "\n".join(lines)


def _list_papers(papers: Iterable[Any]) -> Iterator[str]:
    for number, paper in enumerate(papers, start=1):
        link = title_link(paper, max_characters=200)
        yield f"{number}. {join_dotted(link, paper_texts.format_votes(paper.votes))}"


def _poll(texts: Texts, post: ClubPost) -> dict[str, Any]:
    question = texts("club-question", date=texts.format_date(post.meeting.on))
    titles = [format_title(paper.title, paper.key) for paper in post.papers]
    answers = [{"poll_media": {"text": answer}} for answer in poll_answers(titles)]
    return {"question": {"text": question}, "answers": answers, "duration": post.hours}


def poll_answers(titles: Sequence[str]) -> list[str]:
    """Return numbered answers of at most POLL_ANSWER characters. Of titles that begin alike, the middle is left out."""
    answers = []
    for number, title in enumerate(titles, start=1):
        length = POLL_ANSWER - len(f"{number}. ")
        short = discord_text.shorten(title, length, markdown=False)
        alike = [other for other in titles if other != title and other[: length - 1] == title[: length - 1]]
        if alike:
            begins = max(n for other in alike for n in range(len(title) + 1) if other.startswith(title[:n]))
            rest = title[title.rfind(" ", 0, begins) + 1 :]
            rest = discord_text.shorten(rest, length - _ALIKE, markdown=False)
            short = f"{discord_text.shorten(title, length - len(rest), markdown=False)}{rest}"
        answers.append(f"{number}. {short}")
    return answers


def _event(texts: Texts, post: ClubPost) -> dict[str, Any]:
    """Return the request that creates the event. An event that already exists is recognised by its name and place."""
    (paper,) = post.papers
    name = texts("club-event", title=format_title(paper.title, paper.key))
    body = {
        "name": discord_text.shorten(name, EVENT_NAME, markdown=False),
        "description": schemes.page_url(paper.key),
        "scheduled_start_time": post.meeting.at.isoformat(),
        "scheduled_end_time": (post.meeting.at + HOUR).isoformat(),
        "privacy_level": 2,  # for the server
        "entity_type": 3,  # not in a voice channel
        "entity_metadata": {"location": channel_url(post.guild_id, post.thread_id or post.channel_id)},
    }
    path = f"/guilds/{post.guild_id}/scheduled-events"
    return {"method": "POST", "path": path, "body": body, "same": ["name", "entity_metadata"]}


def preview_view(texts: Texts, overview: Overview, *, is_new: bool) -> ui.LayoutView:
    club, label = overview.club, texts("club-create" if is_new else "club-change")
    custom_id = pack_custom_id(verbs.START_CLUB, club.channel_id, club.weekday, club.timezone, club.at_time)
    create = button(label, custom_id, style=discord.ButtonStyle.primary)
    lines = _meeting_texts(texts, overview, "", "")
    return message_builder.message_view([texts("club-preview", button=label), *lines], [create])


def club_view(
    texts: Texts,
    overview: Overview,
    now_command: str,
    status_command: str,
    confirmation: str,
    *,
    can_manage: bool,
    is_visible: bool,
) -> ui.LayoutView:
    """Return a club's next meeting, next step and past papers, below a `confirmation`, which may be "".

    Without links and the channel's name for a reader to whom the channel is not visible.
    """
    club = overview.club
    meeting = _meeting_texts(texts, overview, now_command, status_command, is_visible=is_visible)
    lines = list[str]()
    for row in overview.past:
        url = channel_url(club.guild_id, row.thread_id)
        thread = f"[{texts('club-thread-link')}]({url})" if row.thread_id and is_visible else ""
        readers = texts("club-readers", count=row.readers) if row.readers else ""
        link = title_link(row, max_characters=200)
        lines.append(
            f"{link}\n{discord_text.subtext(join_dotted(texts.format_date(row.meets_on), thread, readers))}"
        )
    stop = (
        button(texts("club-stop"), pack_custom_id(verbs.CONFIRM_STOP_CLUB, club.channel_id))
        if can_manage
        else None
    )
    message = message_builder.MessageBuilder()
    for text in (confirmation, *meeting, texts("club-past") if overview.past else ""):
        message.add_text(text)
    message.add_list(lines, partial(message_builder.tell_left, texts))
    message.add_buttons(stop)
    return message.view


def _meeting_texts(
    texts: Texts, overview: Overview, now_command: str, status_command: str, *, is_visible: bool = True
) -> Iterator[str]:
    """Yield a club's place and time, the state of its next meeting, and the vote or the candidates for one."""
    club, meeting = overview.club, overview.meeting
    zone = locale_formats.render_zone(club.timezone, texts.locale.value)
    times = {
        "meets": discord_text.timestamp(meeting.at, "F"),
        "vote": discord_text.timestamp(meeting.due_at, "F"),
    }
    heading = texts(
        "club-heading",
        channel=f"<#{club.channel_id}>" if is_visible else "none",
        day=locale_formats.render_weekday(club.weekday, texts.locale.value, "wide"),
        time=f"{texts.format_time(club.at_time)} ({zone})",
    )
    poll = meeting.part if meeting.step is MeetingStep.POLL else None
    step: str = meeting.step or "new"
    if poll is not None and meeting.is_unsent:
        step = "opening" if poll.error is None else "waiting"
    state = texts(f"club-state-{step}", now=now_command, status=status_command, **times)
    yield f"{heading}\n{state}"
    if poll is not None and poll.message_id is not None:
        url = channel_url(club.guild_id, poll.channel_id, poll.message_id)
        yield texts("club-poll-link", url=url) if is_visible else ""
    elif overview.candidates:
        yield "\n".join((texts("club-candidates"), *_list_papers(overview.candidates)))
