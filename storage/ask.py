"""The papers of posts and threads, for questions there, and the answers that are planned there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import outbox, statements
from storage.club import club_threads
from storage.models import DeliveryKind, NewPart, PartKind, PartState
from storage.tables import deliveries, delivery_papers, papers, parts


async def describe_archive(connection: AsyncConnection) -> tuple[int, date | None]:
    """Return how many papers digests have listed, and the day of the first digest."""
    query = sa.select(sa.func.count(), sa.func.min(papers.c.first_on, type_=papers.c.first_on.type))
    count, since = (await connection.execute(query.where(papers.c.last_on.is_not(None)))).one()
    return count, since


async def find_answered_papers(connection: AsyncConnection, message_id: int) -> Sequence[str] | None:
    """Return the keys of the papers that a message of the bot is an answer about, perhaps none; None if it is no answer."""
    query = sa.select(deliveries.c.papers).join(parts, parts.c.delivery_id == deliveries.c.id)
    query = query.where(parts.c.message_id == message_id, deliveries.c.kind == DeliveryKind.ANSWER)
    found = (await connection.execute(query.limit(1))).first()
    return None if found is None else tuple(found[0] or ())


async def list_place_papers(
    connection: AsyncConnection, channel_id: int, replied_to: int | None
) -> list[str]:
    """Return the keys of the papers of the post that a message replies to, else of the thread that it is in.

    A thread is about the papers of a discussion, of the post that opened it, or of the message on which a person opened
    it, which has the thread's id.
    """
    c, of_post = parts.c, delivery_papers.c
    opened = sa.and_(c.channel_id == channel_id, c.kind.in_((PartKind.THREAD, PartKind.FORUM_POST)))
    posted = sa.select(papers.c.key).join(delivery_papers, of_post.paper_id == papers.c.id)
    posted = posted.join(parts, c.delivery_id == of_post.delivery_id)
    shown = posted.where(of_post.position == c.position)
    discussed = sa.select(papers.c.key).join(club_threads, club_threads.c.paper_id == papers.c.id)
    discussed = discussed.where(club_threads.c.thread_id == channel_id)
    replied = [shown.where(c.message_id == replied_to)] if replied_to else []
    begun = shown.where(c.message_id == channel_id)
    for query in (*replied, discussed, posted.where(opened), begun):
        if paper_keys := list((await connection.execute(query.distinct())).scalars()):
            return paper_keys
    return []


async def put_answer(
    connection: AsyncConnection,
    delivery_id: int,
    shown: NewPart,
    now: datetime,
    *rest: NewPart,
    rest_at: datetime,
    about: Sequence[str],
) -> bool:
    """Put `shown` into the last part of a planned answer, due at `now` (UTC). Returns False if that was attempted.

    `rest` are edits that follow, due at `rest_at` (UTC) unless this is called again before. `about` are the keys of
    an answer's papers if only the answer names them.
    """
    c = parts.c
    await outbox.lock(connection, [delivery_id])
    last = sa.select(sa.func.max(c.position)).where(c.delivery_id == delivery_id).scalar_subquery()
    waiting = c.delivery_id == delivery_id, c.state == PartState.WAITING, c.first_attempt_at.is_(None)
    values = {"payload": shown.payload, "fallback": shown.fallback, "next_attempt_at": now}
    changed = parts.update().where(*waiting, c.position == last).values(**values).returning(c.position)
    position = await connection.scalar(changed)
    if position is None:
        return False
    rows = [
        statements.record_values(part, parts, delivery_id=delivery_id, position=place)
        | {"state": PartState.WAITING, "next_attempt_at": rest_at}
        for place, part in enumerate(rest, start=position + 1)
    ]
    await statements.insert_rows(connection, parts, rows)
    if about:
        own_id = deliveries.c.id == delivery_id
        await connection.execute(deliveries.update().where(own_id).values(papers=tuple(about)))
    return True
