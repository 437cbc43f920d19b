"""What a club shows: its messages in the channel, the events, and the card of `/club`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import discord
from discord import ui

from bot.archive import arxiv_ids
from bot.client import messages as client_messages
from bot.client.message_builder import MessageBuilder, button, layout_payload, pack_custom_id
from bot.client.messages import PostWording, channel_url, format_title, join_dotted, title_link
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
MANAGE = "clubm"
BEGIN, ASK_TO_STOP, STOP = "begin", "ask", "stop"
"""What a manager's buttons do."""
DISCUSS = "dis"
MARK = "clubp"
READ, NOMINATE = "read", "nominate"
"""What buttons of a card do."""
PAGE_SIZE = 10
POLL_ANSWER = 55
"""Characters of an answer (Discord docs, resources/poll)."""
EVENT_NAME, EVENT_TEXT = 100, 900


def render(wording: PostWording, post: ClubPost) -> tuple[RenderedPart, ...]:
    """Return the message of a post with its thread, or the post of a forum, and what else it does. Polls need plain messages."""
    texts, marker = wording.ui_texts, contents.part_marker(post.marker, 0)
    rest = [RenderedPart(PartKind.REQUEST, {"method": method, "path": path}) for method, path in post.undoing]
    if post.step is Step.END:
        return tuple(rest)
    is_post, has_card = post.place.is_forum and not post.thread_id, post.step in (None, Step.PAPER)
    question, text = texts("club-question", date=texts.format_date(post.meeting.on)), _text(wording, post)
    name = format_title(post.papers[0].title, post.papers[0].arxiv_id) if has_card else question
    fields = {
        "name": discord_text.shorten(name, discord_text.THREAD_NAME, markdown=False),
        "auto_archive_duration": daily_post.AUTO_ARCHIVE_MINUTES,
    }
    plain = client_messages.marked_plain_payload(text, marker)
    if post.step is Step.POLL:
        poll = {"poll": _poll(post, question)}
        message = plain if is_post else plain | poll
        if is_post:
            vote = client_messages.marked_plain_payload(
                texts("club-vote"), contents.part_marker(post.marker, 1)
            )
            rest = [RenderedPart(PartKind.THREAD_MESSAGE, vote | poll)]
    elif has_card:
        (paper,) = post.papers
        day = DailyPost(post.marker, post.locale, models.Style.CARDS, paper.date, 1, (paper,))
        message = layout_payload(daily_post.card_view(texts, day, paper, 0, text))
        plain = client_messages.marked_plain_payload(
            f"{text}\n{title_link(paper.title, paper.arxiv_id, paper.url)}", marker
        )
        if not post.place.is_forum and not post.thread_id:
            rest = [RenderedPart(PartKind.THREAD, fields)]
        if post.step is Step.PAPER:
            rest.append(RenderedPart(PartKind.REQUEST, _event(texts, post)))
    else:
        show = button(texts("club-show"), pack_custom_id(SHOW, 0, marker=marker))
        message = layout_payload(client_messages.text_view(text, show))
    if is_post:
        whole = ({**fields, "message": body} for body in (message, plain))
        return RenderedPart(PartKind.FORUM_POST, *whole), *rest
    return RenderedPart(PartKind.MESSAGE, message, plain), *rest


def _text(wording: PostWording, post: ClubPost) -> str:
    texts = wording.ui_texts
    times = {"at": format_timestamp(post.meeting.at, "F"), "when": format_timestamp(post.meeting.at, "R")}
    if post.step is None:
        return texts("club-discussion", reader=f"<@{post.opened_by}>")
    if post.step is Step.NONE:
        return texts(f"club-none-{post.reason}", now=wording.mention("club now"), **times)
    lines = [texts(f"club-{post.step}", votes=post.votes, **times)]
    if post.step is Step.PAPER and post.thread_id:
        lines.append(texts("club-thread", url=channel_url(post.place.guild_id, post.thread_id)))
    if post.step is Step.POLL:
        lines += _list_papers(texts, post.papers, post.nominations)
        lines.append(client_messages.subtext(texts("club-how-to-nominate")))
    return "\n".join(lines)


def _list_papers(texts: Texts, papers: Iterable[Any], nominations: Mapping[str, int]) -> Iterator[str]:
    """Yield the lines of candidates with their votes and nominations."""
    for number, paper in enumerate(papers, start=1):
        count = nominations.get(paper.arxiv_id, 0)
        note = texts("club-nominations", count=count) if count else ""
        link = title_link(paper.title, paper.arxiv_id, paper.url, max_characters=200)
        yield f"{number}. {join_dotted(link, client_messages.format_votes(paper.votes), note)}"


def _poll(post: ClubPost, question: str) -> dict[str, Any]:
    titles = (format_title(paper.title, paper.arxiv_id) for paper in post.papers)
    short = (discord_text.shorten(title, POLL_ANSWER, markdown=False) for title in titles)
    answers = [{"poll_media": {"text": title}} for title in short]
    return {"question": {"text": question}, "answers": answers, "duration": post.hours}


def _event(texts: Texts, post: ClubPost) -> dict[str, Any]:
    """Return the request for the event. Its name and place are how it is found again."""
    (paper,) = post.papers
    title = format_title(paper.title, paper.arxiv_id)
    body = {
        "name": discord_text.shorten(texts("club-event", title=title), EVENT_NAME, markdown=False),
        "description": f"{title[:EVENT_TEXT]}\n{arxiv_ids.huggingface_url(paper.arxiv_id)}",
        "scheduled_start_time": post.meeting.at.isoformat(),
        "scheduled_end_time": (post.meeting.at + HOUR).isoformat(),
        "privacy_level": 2,  # for the server
        "entity_type": 3,  # not in a voice channel
        "entity_metadata": {
            "location": channel_url(post.place.guild_id, post.thread_id or post.place.channel_id)
        },
    }
    path = f"/guilds/{post.place.guild_id}/scheduled-events"
    return {"method": "POST", "path": path, "body": body, "same": ["name", "entity_metadata"]}


def club_view(
    texts: Texts,
    found: Overview,
    page: int,
    now_command: str,
    said: Iterable[str],
    *,
    can_manage: bool,
    is_ending: bool,
) -> ui.LayoutView:
    """Return what was `said`, when a club meets, what comes next, and a page of the papers that it had.

    If it `is_ending`, the buttons are those to end it and to go back.
    """
    club, meeting = found.club, found.meeting
    day = format_weekday(texts, club.weekday)
    change_at = meeting.ends_at if meeting.step is Step.POLL else meeting.begins_at
    times = {"meets": format_timestamp(meeting.at, "F"), "vote": format_timestamp(change_at, "F")}
    heading = texts("club-heading", channel=f"<#{club.channel_id}>", day=day, time=_format_time(texts, club))
    state = texts(f"club-state-{meeting.step or 'new'}", now=now_command, **times)
    message = MessageBuilder()
    message.add_text("\n".join(filter(None, (*said, heading, state))))
    if found.poll is not None:
        url = channel_url(club.guild_id, found.poll.channel_id, found.poll.message_id)
        message.add_text(texts("club-poll-link", url=url))
    elif found.candidates:
        shown = _list_papers(texts, found.candidates, found.nominations)
        message.add_text("\n".join((texts("club-candidates"), *shown)))
    lines = [texts("club-past", count=found.total)] if found.past else []
    for row in found.past:
        url = channel_url(club.guild_id, row.thread_id)
        thread = f"[{texts('club-thread-link')}]({url})" if row.thread_id else ""
        readers = texts("club-readers", count=row.readers) if row.readers else ""
        link = title_link(row.title, row.arxiv_id, row.url, max_characters=200)
        lines.append(
            f"{link}\n{client_messages.subtext(join_dotted(texts.format_date(row.meets_on), thread, readers))}"
        )
    message.add_text("\n".join(lines))
    if is_ending:
        end = button(texts("club-stop"), pack_custom_id(MANAGE, STOP), style=discord.ButtonStyle.danger)
        message.add_buttons(end, button(texts("back"), pack_custom_id(SHOW, 0)))
        return message.view
    pages = -(-found.total // PAGE_SIZE)
    pager = client_messages.pager(page, pages, lambda number: pack_custom_id(SHOW, number))
    stop = button(texts("club-stop"), pack_custom_id(MANAGE, ASK_TO_STOP)) if can_manage else None
    begin = None
    if can_manage and meeting.step in (None, Step.NONE, Step.SKIP):
        begin = button(texts("club-begin"), pack_custom_id(MANAGE, BEGIN))
    message.add_buttons(*pager, begin, stop)
    return message.view


def _format_time(texts: Texts, club: models.Club) -> str:
    zone = templates.render_zone(club.timezone, texts.locale.value)
    return f"{texts.format_time(club.at_time)} ({zone})"
