"""The papers of threads, for questions in them, and the answers that are planned there."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.club import club_threads
from storage.models import NewPart, PartKind, PartState
from storage.tables import delivery_papers, papers, parts


async def list_thread_papers(
    connection: AsyncConnection, thread_id: int, replied_to: int | None
) -> list[str]:
    """Return the arXiv ids of the papers of the post that a message in a thread replies to, else of the thread.

    A thread is about the papers of a discussion, or of the post that opened it.
    """
    own, of_post = parts.c, delivery_papers.c
    is_replied = sa.and_(own.message_id == replied_to, of_post.position == own.position)
    opened = sa.and_(own.channel_id == thread_id, own.kind.in_((PartKind.THREAD, PartKind.FORUM_POST)))
    posted = sa.select(papers.c.arxiv_id).join(delivery_papers, of_post.paper_id == papers.c.id)
    posted = posted.join(parts, own.delivery_id == of_post.delivery_id)
    discussed = sa.select(papers.c.arxiv_id).join(club_threads, club_threads.c.paper_id == papers.c.id)
    discussed = discussed.where(club_threads.c.thread_id == thread_id)
    for query in (*([posted.where(is_replied)] if replied_to else []), discussed, posted.where(opened)):
        if found := list((await connection.execute(query.distinct())).scalars()):
            return found
    return []


async def put_answer(connection: AsyncConnection, delivery_id: int, part: NewPart, now: datetime) -> None:
    """Replace the message of a planned answer that was not attempted yet, and make it due at `now` (UTC)."""
    own = parts.c
    waiting = own.delivery_id == delivery_id, own.state == PartState.WAITING, own.first_attempt_at.is_(None)
    values = {"payload": part.payload, "fallback": part.fallback, "next_attempt_at": now}
    await connection.execute(parts.update().where(*waiting).values(**values))
