"""Posts of papers of which Discord refuses some titles, and what arrived of them."""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from bot.app.features import DELIVERY_KINDS
from bot.archive import ingest, listing
from bot.features.daily.planner import MARKER_PLACEHOLDER
from bot.outbox.contents import DeliveryFactory
from bot.papers.post_papers import build_post_paper
from storage import daily, models, outbox, papers
from storage.database import Database
from storage.models import DeliveryKind, DigestFormat
from tests.support import rendered_posts

FORBIDDEN = "zyxx"
"""The word in a title that the server's AutoMod blocks."""
REFUSES = {"kind": "status", "status": 400, "code": 200000, "text": FORBIDDEN}
"""The fault of a fake Discord that refuses it."""
IDS = tuple(f"2601.{number:05}" for number in range(1, 10))
BAD = IDS[3]
ON = date(2026, 1, 5)


async def store_papers(
    db: Database, now: datetime, *, bad: Iterable[str] = (BAD,), ids: Iterable[str] = IDS
) -> None:
    """Store the papers, whose titles are long; those of `bad` have the forbidden word."""
    items = [
        {
            "arxiv_id": id_,
            "title": f"{FORBIDDEN if id_ in bad else 'Paper'} {id_} {'very ' * 20}long",
            "votes": 9,
            "thumbnail": f"https://covers.example/{id_}.png",
        }
        for id_ in ids
    ]
    digest = listing.build(ON, items, form=DigestFormat.LISTING)
    await ingest.IngestService(db, lambda: now).add_text(digest.text, location="https://huggingface.co/list")


async def plan_post(
    db: Database,
    factory: DeliveryFactory,
    channel_id: int,
    now: datetime,
    *,
    style: models.Style = models.Style.COMPACT,
    kind: DeliveryKind = DeliveryKind.DAILY,
    topic: str = "",
    wanted: tuple[str, ...] = IDS,
    **fields: Any,
) -> None:
    """Plan a post with the papers. An alert is one message. Only a daily post has the papers of its parts stored."""
    async with db.transaction() as connection:
        ids = await papers.get_ids(connection, wanted)
        details = {one.key: one for one in await papers.list_details(connection, list(ids.values()))}
        shown = tuple(build_post_paper(details[id_], models.Locale.EN) for id_ in wanted)
        settings: dict[str, Any] = {"locale": models.Locale.EN, "style": style, "topic": topic}
        post = rendered_posts.daily(
            shown, marker=MARKER_PLACEHOLDER, digest_on=ON, total=len(wanted), **settings
        )
        parts = factory.render(post)[: 1 if kind is DeliveryKind.ALERT else None]
        key = f"{kind.value}:{channel_id}:{ON}"
        values: dict[str, Any] = {"channel_id": channel_id, "papers": wanted, "digest_on": ON} | fields
        record = next(record for record in DELIVERY_KINDS if record.kind is kind)
        delivery = factory.build(record, key, models.Locale.EN, parts, now, **values)
        delivery_id = await outbox.add(connection, delivery)
        assert delivery_id is not None
        if kind is DeliveryKind.DAILY:
            places = [n for n, part in enumerate(delivery.parts) for _ in range(part.paper_count)]
            placed = zip((ids[id_] for id_ in wanted), places, strict=True)
            await daily.add_delivery_papers(connection, {delivery_id: list(placed)})


def count_papers(messages: Iterable[dict[str, Any]]) -> Counter[str]:
    """Return in how many messages each paper is."""
    return Counter(id_ for message in messages for id_ in {*re.findall(r"2601\.\d{5}", str(message))})
