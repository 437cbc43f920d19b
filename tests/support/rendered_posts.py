"""Posts with made-up papers, and checks of their messages' limits and markers."""

import functools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from typing import Any

from bot.app.client import DiscordRenderer
from bot.archive import summaries
from bot.client.wording import CommandMentions
from bot.features.alerts.planner import AlertMatch, AlertPost
from bot.features.club.service import ClubPost, Meeting, MeetingStep
from bot.features.club.thread_news import ThreadNews
from bot.features.daily import choice
from bot.features.shelf.news import NewsPost
from bot.features.today.service import TodayPick, TodayPost, TodayReason, TodayReasonKind
from bot.outbox import contents
from bot.papers import post_papers
from bot.rendering.templates import Templates
from bot.search.alert_matcher import AlertReason, MatchField
from bot.text import query_parser
from storage import models
from storage.papers import EventKind, PaperEvent
from tests.support import payload_checks

LONGEST_MARKER = "m" * 64
MARKER = re.compile("pr:d:[A-Za-z0-9:_-]{1,64}:[0-9]+/")
WITHOUT_MESSAGE = frozenset({models.PartKind.THREAD, models.PartKind.CROSSPOST})


@functools.cache
def new_renderer() -> DiscordRenderer:
    mentions = CommandMentions()
    mentions.update({"daily": 10**19, "digest": 10**19, "status": 10**19})
    return DiscordRenderer(Templates(None), mentions, None)


def daily(papers: tuple[post_papers.PostPaper, ...], **options: Any) -> choice.DailyPost:
    """Return a daily post of all fields in `options`: in Korean, daily at 9:00 in Seoul unless they change it."""
    known = {"marker": "daily:1:2025-02-12", "total": max(27, len(papers)), **options}
    planned: dict[str, Any] = {"digest_on": date(2025, 2, 12), "papers": (), "eligible": ()}
    settings: dict[str, Any] = {
        "guild_id": 1,
        "channel_id": 1,
        "locale": models.Locale.KO,
        "at_time": "09:00",
        "timezone": "Asia/Seoul",
    }
    marker, role_id = known.pop("marker"), known.pop("mention_role_id", None)
    for name, value in known.items():
        (planned if name in choice.PlannedPost.__dataclass_fields__ else settings)[name] = value
    plan, subscription = choice.PlannedPost(**planned), models.Subscription(**settings)
    topic = query_parser.parse_query(subscription.topic)
    return choice.DailyPost(marker, subscription, plan, papers, topic, role_id)


def paper(number: int = 1, **options: Any) -> post_papers.PostPaper:
    """Return a paper whose fields contain its number, with a Korean summary of these `sections`."""
    values: dict[str, Any] = {
        "title": f"Paper {number}",
        "url": f"https://huggingface.co/papers/2502.0{number:04}",
        "votes": 100 - number,
        "authors": ("Ada Lovelace", "Grace Hopper", "Emmy Noether", "Alan Turing"),
        "thumbnail": f"https://covers.example/{number}.png",
        "sections": (models.Section("What's New", "첫 문장이에요. 둘째 문장이에요."),),
    }
    return bare_paper(f"2502.0{number:04}", date(2025, 2, 12), **(values | options))


def bare_paper(
    arxiv_id: str, on: date, *, sections: tuple[models.Section, ...] = (), **options: Any
) -> post_papers.PostPaper:
    """Return a paper of which nothing else is known than what `options` have. `sections` are in Korean."""
    summary = summaries.Summary(sections, models.Locale.KO, models.DigestFormat.NEWSLETTER, on, None)
    values: dict[str, Any] = {
        "url": f"https://arxiv.org/abs/{arxiv_id}",
        "votes_read_at": None,
        "authors_truncated": False,
        "video": None,
        "id": int(arxiv_id[-5:]),
        "appearances": (),
        "quoted": None,
        "savers": 0,
    }
    known = values | options | {"summary": summary if sections else None}
    return post_papers.PostPaper(key=arxiv_id, first_on=on, last_on=on, **known)


def saved(paper: post_papers.PostPaper, **options: Any) -> models.SavedPaper:
    """Return a paper as it is on a shelf."""
    row = {one.name: getattr(paper, one.name) for one in fields(models.PaperRow) if hasattr(paper, one.name)}
    now = datetime(2026, 1, 5, 9, tzinfo=UTC)
    return models.SavedPaper(**(row | {"date": paper.last_on, "score": 0.0, "saved_at": now} | options))


def alert(matches: tuple[AlertMatch, ...], **options: Any) -> AlertPost:
    values: dict[str, Any] = {
        "marker": LONGEST_MARKER,
        "locale": models.Locale.EN,
        "digest_on": date(2025, 2, 12),
        "in_channel": False,
        "more": 0,
        "since_at": models.NEVER,
        "until_at": models.NEVER,
    }
    return AlertPost(matches=matches, **(values | options))


def each_kind(
    text: str, locale: models.Locale, ids: Sequence[str] = ("2502.00001", "2502.00002")
) -> dict[str, Any]:
    """Return a post of each kind, but notices, about a paper of which everything has the text, with the longest marker."""
    on, now, marker = date(2026, 1, 5), datetime(2026, 1, 5, 9, tzinfo=UTC), LONGEST_MARKER
    summary = paper(1, sections=(models.Section(text, f"About {text}."),)).summary
    about: dict[str, Any] = {"title": text, "organization": text, "authors": (text,), "summary": summary}
    about["url"] = f"https://example.org/{text}"
    known = [replace(paper(number), key=arxiv_id) for number, arxiv_id in enumerate(ids, 1)]
    found = replace(known[0], **about)
    of_club: dict[str, Any] = {"guild_id": 1, "channel_id": 2, "locale": locale, "marker": marker}
    of_club["papers"] = [found]
    step = of_club | {"meeting": Meeting(on, now, now)}
    reason = AlertReason(models.AlertKind.KEYWORD, text, MatchField.TITLE, text)
    pick = TodayPick(found, 1, (TodayReason(TodayReasonKind.SAVED, text, 1),), ())
    row = saved(found, date=on, saved_at=now, note=text, tags=(text,))
    events = [
        PaperEvent(1, found.id, kind, f"https://example.org/{text}", now)
        for kind in (EventKind.CODE, EventKind.COMMENT, EventKind.JOURNAL)
    ]
    posts: dict[str, Any] = {
        "a club's vote": ClubPost(**step, step=MeetingStep.POLL, hours=24),
        "a club's paper": ClubPost(**step, step=MeetingStep.PAPER),
        "a club's paper in its thread": ClubPost(**step, step=MeetingStep.PAPER, thread_id=7),
        "a discussion": ClubPost(**of_club),
        "a discussion in a forum": ClubPost(**of_club, is_forum=True),
        "an alert": alert((AlertMatch(found, (reason,), (1,)),), locale=locale),
        "papers of the day": TodayPost(marker, locale, on, (pick,), 0, True, False, "09:00", None),
        "news": NewsPost(marker, locale, on, (row,), {found.id: events}, 0),
    }
    for style in models.Style:
        options: dict[str, Any] = {"style": style, "topic": text, "locale": locale, "marker": marker}
        posts[f"a post as {style}"] = daily((found, *known[1:]), ranks=(1, 2), **options)
    for event in events:
        posts[f"{event.kind} in a thread"] = ThreadNews(marker, locale, event)
    return posts


def messages(parts: tuple[contents.RenderedPart, ...]) -> Iterator[dict[str, Any]]:
    for part in parts:
        if part.kind in WITHOUT_MESSAGE:
            continue
        for body in (part.payload, part.fallback):
            assert body is not None
            yield body["message"] if part.kind is models.PartKind.FORUM_POST else body


def check(parts: tuple[contents.RenderedPart, ...]) -> None:
    """Assert that all messages fit Discord's limits and contain only their own marker."""
    for position, part in enumerate(parts):
        if part.kind not in WITHOUT_MESSAGE:
            assert part.fallback is not None
            for body in (part.payload, part.fallback):
                [marker] = set(MARKER.findall(json.dumps(body)))
                assert marker.endswith(f":{position}/")
    for message in messages(parts):
        payload_checks.check_message(message)
        assert len(message.get("content") or "") <= 2_000 - 64
