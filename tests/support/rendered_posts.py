"""Posts with made-up papers, and checks of their messages' limits and markers."""

import functools
import json
import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from bot.alerts.planner import AlertMatch, AlertPost
from bot.app.client import DiscordRenderer
from bot.archive import summaries
from bot.client.messages import CommandMentions
from bot.daily import choice
from bot.outbox import contents
from bot.rendering.templates import Templates
from storage import models
from tests.support import payload_checks

LONGEST_MARKER = "m" * 64
MARKER = re.compile("pr:d:[A-Za-z0-9:_-]{1,64}:[0-9]+/")
WITHOUT_MESSAGE = frozenset({models.PartKind.THREAD, models.PartKind.CROSSPOST})


@functools.cache
def new_renderer() -> DiscordRenderer:
    mentions = CommandMentions()
    mentions.update({"daily": 10**19, "digest": 10**19, "status": 10**19})
    return DiscordRenderer(Templates(None), mentions, None)


def daily(papers: tuple[contents.PostPaper, ...], **options: Any) -> choice.DailyPost:
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
    return choice.DailyPost(marker, subscription, plan, papers, role_id)


def paper(number: int = 1, **options: Any) -> contents.PostPaper:
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
) -> contents.PostPaper:
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
    return contents.PostPaper(arxiv_id=arxiv_id, first_on=on, last_on=on, **known)


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
