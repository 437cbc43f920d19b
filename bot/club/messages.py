"""What a club shows: its messages in the channel, the events, and the card of `/club`."""

from __future__ import annotations

from typing import Any

from discord import ui

from bot.archive import arxiv_ids
from bot.client import messages as client_messages
from bot.client.message_builder import MessageBuilder, button, layout_payload, pack_custom_id, plain_payload
from bot.client.messages import PostWording, format_title, format_votes, join_dotted, subtext, title_link
from bot.client.translations import Texts
from bot.club.service import HOUR, ClubPost, Overview, Step
from bot.daily import post as daily_post
from bot.daily.choice import DailyPost
from bot.daily.messages import format_timestamp, format_weekday
from bot.outbox import contents
from bot.outbox.contents import RenderedPart
from bot.rendering import discord_text, templates
from storage import models
from storage.models import PartKind

SHOW = "clubs"
STOP = "clubx"
BEGIN = "clubnow"
PAGE_SIZE = 10
MAX_NOMINATED = 5
POLL_ANSWER = 55
"""Characters of an answer (Discord docs, resources/poll)."""
EVENT_NAME, EVENT_TEXT = 100, 900


def channel_url(guild_id: int, channel_id: int) -> str:
    """Return the address of a channel or thread."""
    return f"https://discord.com/channels/{guild_id}/{channel_id}"


def render(wording: PostWording, post: ClubPost) -> tuple[RenderedPart, ...]:
    """Return the message of a post with its thread, or the post of a forum, and the event. Polls need plain messages."""
    texts, marker, text = wording.ui_texts, contents.part_marker(post.marker, 0), _text(wording, post)
    is_post, has_card = post.is_forum and not post.thread_id, post.step in (None, Step.PAPER)
    question = texts("club-question", date=texts.format_date(post.meets_on))
    name = format_title(post.papers[0].title, post.papers[0].arxiv_id) if has_card else question
    fields = {
        "name": discord_text.shorten(name, discord_text.THREAD_NAME, markdown=False),
        "auto_archive_duration": daily_post.AUTO_ARCHIVE_MINUTES,
    }
    plain, rest = _plain(text, marker), []
    if post.step is Step.POLL:
        poll = {"poll": _poll(post, question)}
        message = plain if is_post else plain | poll
        if is_post:
            vote = _plain(texts("club-vote"), contents.part_marker(post.marker, 1))
            rest = [RenderedPart(PartKind.THREAD_MESSAGE, vote | poll)]
    elif has_card:
        (paper,) = post.papers
        day = DailyPost(post.marker, post.locale, models.Style.CARDS, paper.date, 1, (paper,))
        message = layout_payload(daily_post.card_view(texts, day, paper, 0, text))
        plain = _plain(f"{text}\n{title_link(paper.title, paper.arxiv_id, paper.url)}", marker)
        if not post.is_forum and not post.thread_id:
            rest = [RenderedPart(PartKind.THREAD, fields)]
        if post.step is Step.PAPER:
            rest.append(RenderedPart(PartKind.EVENT, _event(texts, post)))
    else:
        show = button(texts("club-show"), pack_custom_id(SHOW, 0, marker=marker))
        message = layout_payload(client_messages.text_view(text, show))
    if is_post:
        whole = ({**fields, "message": body} for body in (message, plain))
        return RenderedPart(PartKind.FORUM_POST, *whole), *rest
    return RenderedPart(PartKind.MESSAGE, message, plain), *rest


def _text(wording: PostWording, post: ClubPost) -> str:
    texts = wording.ui_texts
    times = {"at": format_timestamp(post.meets_at, "F"), "when": format_timestamp(post.meets_at, "R")}
    if post.step is None:
        return texts("club-discussion", reader=f"<@{post.opened_by}>")
    if post.step is Step.NONE:
        return texts(f"club-none-{post.reason}", now=wording.mention("club now"), **times)
    lines = [texts(f"club-{post.step}", votes=post.votes, **times)]
    if post.step is Step.PAPER and post.thread_id:
        lines.append(texts("club-thread", url=channel_url(post.guild_id, post.thread_id)))
    for number, paper in enumerate(post.papers if post.step is Step.POLL else (), start=1):
        count = post.nominations.get(paper.arxiv_id, 0)
        note = texts("club-nominations", count=count) if count else ""
        link = title_link(paper.title, paper.arxiv_id, paper.url, max_characters=240)
        lines.append(f"{number}. {join_dotted(link, format_votes(paper.votes), note)}")
    if post.step is Step.POLL:
        lines.append(subtext(texts("club-how-to-nominate")))
    return "\n".join(lines)


def _plain(text: str, marker: str) -> dict[str, Any]:
    return plain_payload(f"{text}\n-# [Paperround](<https://discord.com/#{marker}>)")


def _poll(post: ClubPost, question: str) -> dict[str, Any]:
    titles = [
        discord_text.shorten(format_title(paper.title, paper.arxiv_id), POLL_ANSWER, markdown=False)
        for paper in post.papers
    ]
    answers = [{"poll_media": {"text": title}} for title in titles]
    return {"question": {"text": question}, "answers": answers, "duration": post.hours}


def _event(texts: Texts, post: ClubPost) -> dict[str, Any]:
    """Return the event. Its place and time are how the sender finds it again."""
    (paper,) = post.papers
    name = texts("club-event", title=format_title(paper.title, paper.arxiv_id))
    return {
        "name": discord_text.shorten(name, EVENT_NAME, markdown=False),
        "description": f"{format_title(paper.title, paper.arxiv_id)[:EVENT_TEXT]}\n{arxiv_ids.huggingface_url(paper.arxiv_id)}",
        "scheduled_start_time": post.meets_at.isoformat(),
        "scheduled_end_time": (post.meets_at + HOUR).isoformat(),
        "privacy_level": 2,  # for the server
        "entity_type": 3,  # not in a voice channel
        "entity_metadata": {"location": channel_url(post.guild_id, post.thread_id or post.channel_id)},
    }


def club_view(
    texts: Texts,
    found: Overview,
    page: int,
    now_command: str,
    headline: str = "",
    *,
    can_manage: bool = False,
) -> ui.LayoutView:
    """Return when a club meets, what comes next, and a page of the papers that it had."""
    club, meeting, past, total, *_ = found
    day = format_weekday(texts, club.weekday)
    change_at = meeting.ends_at if meeting.step is Step.POLL else meeting.begins_at
    times = {"meets": format_timestamp(meeting.at, "F"), "vote": format_timestamp(change_at, "F")}
    heading = texts("club-heading", channel=f"<#{club.channel_id}>", day=day, time=_format_time(texts, club))
    state = texts(f"club-state-{meeting.step or 'new'}", now=now_command, **times)
    message = MessageBuilder()
    poll = f"{channel_url(club.guild_id, found.poll[0])}/{found.poll[1]}" if found.poll else ""
    link = texts("club-poll-link", url=poll) if poll else ""
    message.add_text("\n".join(filter(None, (headline, heading, state, link))))
    if found.nominated:
        message.add_text(_nominated_text(texts, found))
    lines = [texts("club-past", count=total)] if past else []
    for row in past:
        url = channel_url(club.guild_id, row.thread_id) if row.thread_id else ""
        thread = f"[{texts('club-thread-link')}]({url})" if url else ""
        readers = texts("club-readers", count=row.readers) if row.readers else ""
        link = title_link(row.title, row.arxiv_id, row.url, max_characters=200)
        lines.append(f"{link}\n{subtext(join_dotted(texts.format_date(row.meets_on), thread, readers))}")
    message.add_text("\n".join(lines))
    pages = -(-total // PAGE_SIZE)
    pager = client_messages.pager(page, pages, lambda number: pack_custom_id(SHOW, number))
    stop = button(texts("club-stop"), pack_custom_id(STOP)) if can_manage else None
    begin = None
    if can_manage and meeting.step in (None, Step.NONE, Step.SKIP):
        begin = button(texts("club-begin"), pack_custom_id(BEGIN))
    message.add_buttons(*pager, begin, stop)
    return message.view


def _format_time(texts: Texts, club: models.Club) -> str:
    zone = templates.render_zone(club.timezone, texts.locale.value)
    return f"{texts.format_time(club.at_time)} ({zone})"


def _nominated_text(texts: Texts, found: Overview) -> str:
    """Return the papers that were nominated most, and the reader's own."""
    shown = [row for place, row in enumerate(found.nominated) if place < MAX_NOMINATED or row.is_own]
    lines = [texts("club-nominated-so-far", count=len(found.nominated))]
    for row in shown:
        note = texts("club-own") if row.is_own else ""
        link = title_link(row.title, row.arxiv_id, row.url, max_characters=200)
        lines.append(f"- {join_dotted(link, texts('club-nominations', count=row.members), note)}")
    return "\n".join(lines)


def change_text(texts: Texts, former: Overview, *, is_same: bool) -> str:
    """Return what the change of a club does."""
    club, meeting = former.club, former.meeting
    if is_same:
        return texts("club-unchanged")
    moves = texts(
        "club-moves",
        channel=f"<#{club.channel_id}>",
        day=format_weekday(texts, club.weekday),
        time=_format_time(texts, club),
    )
    if meeting.is_decided:
        return f"{moves}\n{texts('club-meeting-stays', meets=format_timestamp(meeting.at, 'F'))}"
    return f"{moves}\n{texts('club-poll-ended')}" if meeting.step is Step.POLL else moves
