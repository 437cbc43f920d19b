"""The transactional outbox: deliveries with their parts, attempts to send them, and the outcomes.

A part is *open* until it is SENT or STOPPED. A delivery is WAITING until no part is open or it is stopped as a whole. An unsent
part blocks only later parts of the same delivery. A claim carries the sender's term (a fencing token): a former sender cannot
start attempts, and can only store receipts of attempts it had already started.

What each change requires of a part, and what the part and its delivery become:

change               requires                               part                        delivery
-------------------  -------------------------------------  --------------------------  ----------------------------------
mark_sending         WAITING, `term` is current             SENDING                     as it was
mark_sent            nothing                                SENT                        ends if no part is open
mark_retry           SENDING in `term`                      `_UNSENT_STATE`             as it was, with a refusal's reason
use_fallback         SENDING in `term`, has a plain form    `_UNSENT_STATE`             as it was
stop_part            SENDING in `term`                      STOPPED                     STOPPED
stop_part, `alone`   SENDING in `term`                      STOPPED, forwarding too     ends if no part is open
release_interrupted  SENDING, `term` is current             `_UNSENT_STATE`             as it was
cancel               delivery WAITING                       STOPPED if it is WAITING    STOPPED
expire               delivery WAITING, overdue              STOPPED                     STOPPED
repeat_uncertain     STOPPED, delivery uncertain            WAITING unless refused or   WAITING
                                                            in a later post
redirect             the only one, refused in a DM          WAITING                     WAITING

`_UNSENT_STATE` is WAITING, or STOPPED if the delivery has ended. A delivery that ends is SENT, or STOPPED if a part is. The part
that forwards a stopped part to followers stops with it. A part is not repeated if its content was refused, or if its papers came
with a later post.

Each change locks the deliveries (`lock`) before their parts: `storage/locks` has the order. What this
means for the papers (taken, settled, arrived, left out, returned) is in docs/delivery.md.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import key_values, locks, models, statements
from storage.models import DeliveryKind, DeliveryState, PartKind, PartState
from storage.snapshot import chunked
from storage.tables import UtcTime, deliveries, delivery_papers, papers, parts, subscriptions


async def add(connection: AsyncConnection, delivery: models.NewDelivery) -> int | None:
    """Insert a delivery with its parts. Returns its id, or None if the key exists."""
    return (await add_all(connection, [delivery])).get(delivery.key)


async def has_nonce(connection: AsyncConnection, nonce: str) -> bool:
    return await connection.scalar(sa.select(parts.c.id).where(parts.c.nonce == nonce)) is not None


async def add_all(
    connection: AsyncConnection, new_deliveries: Sequence[models.NewDelivery]
) -> dict[str, int]:
    """Insert deliveries that have new keys, including their parts. Returns the new ids, keyed by delivery key."""
    if not new_deliveries:
        return {}
    # Other processes may insert the same keys on PostgreSQL.
    statement = statements.dialect_insert(connection.dialect, deliveries).on_conflict_do_nothing(
        index_elements=["key"]
    )
    values = [statements.record_values(delivery, deliveries) for delivery in new_deliveries]
    inserted = await connection.execute(statement.returning(deliveries.c.key, deliveries.c.id), values)
    ids = {row.key: row.id for row in inserted}
    by_key = {delivery.key: delivery for delivery in reversed(new_deliveries)}
    rows = [
        statements.record_values(part, parts, delivery_id=id_, position=position)
        | {"state": PartState.WAITING, "next_attempt_at": by_key[key].due_at}
        for key, id_ in ids.items()
        for position, part in enumerate(by_key[key].parts)
    ]
    if rows:
        await connection.execute(parts.insert(), rows)
    return ids


async def remove_unsent(
    connection: AsyncConnection, waiting: Iterable[models.Delivery]
) -> list[models.Delivery]:
    """Delete those of some waiting deliveries of which no part was sent or may have been, and return them."""
    by_id = {row.id: row for row in waiting}
    # Locks subscriptions before their deliveries, as `expire` does; the relay locks these to claim their parts.
    posting = sa.select(subscriptions.c.id).order_by(subscriptions.c.id).with_for_update()
    subscription_ids = {row.subscription_id for row in by_id.values() if row.subscription_id is not None}
    await statements.execute_in(connection, posting, subscriptions.c.id, sorted(subscription_ids))
    await lock(connection, by_id)
    is_tried = sa.exists().where(
        parts.c.delivery_id == deliveries.c.id,
        sa.or_(parts.c.state != PartState.WAITING, parts.c.first_attempt_at.is_not(None)),
    )
    removal = deliveries.delete().where(~is_tried).returning(deliveries.c.id)
    return [by_id[id_] for (id_,) in await statements.execute_in(connection, removal, deliveries.c.id, by_id)]


async def withdraw(
    connection: AsyncConnection, *, ids: Iterable[int] | None = None, **same: object
) -> list[models.Delivery]:
    """Take back waiting deliveries, selected by `ids` and columns, because a person turned off what they are about.

    Those of which nothing was sent or may have been are deleted and returned. Of the others nothing more is sent.
    """
    query = sa.select(deliveries).where(*statements.equalities(deliveries, same), unfinished_clause())
    waiting = await statements.fetch_records(connection, models.Delivery, query, deliveries.c.id, ids)
    removed = await remove_unsent(connection, waiting)
    last_at = sa.select(sa.func.max(parts.c.last_attempt_at, type_=UtcTime))
    last_at = last_at.where(parts.c.delivery_id == deliveries.c.id)
    ended_at = sa.func.coalesce(last_at.scalar_subquery(), deliveries.c.planned_at)
    begun = {row.id for row in waiting} - {row.id for row in removed}
    await _end(connection, begun, models.Reason.BY_HAND, ended_at)
    return removed


async def find_refusal(connection: AsyncConnection, kind: DeliveryKind, user_id: int) -> models.Reason | None:
    """Return why Discord refuses a reader's newest message of a kind; None if it does not."""
    c = deliveries.c
    query = sa.select(c.reason).where(c.kind == kind, c.user_id == user_id)
    reason = await connection.scalar(query.order_by(c.id.desc()).limit(1))
    return models.Reason(reason) if reason in _CLOSED else None


async def count_closed(connection: AsyncConnection, since: datetime) -> int:
    """Return how many readers' direct messages Discord has refused since a time (UTC), or still does."""
    c = deliveries.c
    is_late = sa.or_(unfinished_clause(), c.finished_at >= since)
    query = sa.select(sa.func.count(c.user_id.distinct())).where(
        c.reason == models.Reason.DMS_CLOSED, is_late
    )
    return int(await connection.scalar(query) or 0)


_CLOSED = (models.Reason.DMS_CLOSED, models.Reason.NO_SHARED_SERVER)
"""Why direct messages do not arrive."""


async def try_direct(connection: AsyncConnection, kind: DeliveryKind, user_id: int, now: datetime) -> None:
    """Make a reader's refused messages due at `now` (UTC). Earlier refusals no longer count: the reader requested it."""
    own = deliveries.c.user_id == user_id, deliveries.c.reason.in_(_CLOSED)
    await lock(connection, sa.select(deliveries.c.id).where(*own))
    await try_now(connection, now, user_id=[user_id])
    refused = deliveries.update().where(deliveries.c.kind == kind, deliveries.c.user_id == user_id)
    refused = refused.where(deliveries.c.reason.in_(_CLOSED))
    reason = sa.case((unfinished_clause(), sa.null()), else_=models.Reason.TOO_OLD)
    await connection.execute(refused.values(reason=reason))


async def set_channel(connection: AsyncConnection, delivery_id: int, channel_id: int | None) -> bool:
    """Store a delivery's DM channel, or None to have it opened again. Returns False if the delivery does not exist."""
    statement = deliveries.update().where(deliveries.c.id == delivery_id)
    return (await connection.execute(statement.values(channel_id=channel_id))).rowcount > 0


async def clear_payloads(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """Clear at most `limit` payloads of deliveries that ended before `before` (UTC). Returns how many were cleared."""
    filled = sa.select(parts.c.id).join(deliveries, deliveries.c.id == parts.c.delivery_id)
    filled = filled.where(parts.c.payload.is_not(None), deliveries.c.finished_at < before).limit(limit)
    ids = list(await connection.scalars(filled))
    await lock(connection, _select_deliveries(parts.c.id.in_(ids)))
    filled = sa.select(parts.c.id).where(parts.c.id.in_(ids))
    statement = parts.update().where(parts.c.id.in_(filled)).values(payload=None, fallback=None)
    return (await connection.execute(statement)).rowcount


async def purge(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """Delete at most `limit` deliveries that ended before `before` (UTC), returning how many were deleted.

    Each subscription keeps its last post for `/status`.
    """
    newer = deliveries.alias("newer")
    has_newer = sa.exists().where(
        newer.c.subscription_id == deliveries.c.subscription_id,
        newer.c.id > deliveries.c.id,
        *_is_post(newer),
    )
    is_unneeded = sa.or_(deliveries.c.subscription_id.is_(None), ~sa.and_(*_is_post(deliveries)), has_newer)
    condition = sa.and_(deliveries.c.finished_at < before, is_unneeded)
    found = sa.select(deliveries.c.id).where(condition).order_by(deliveries.c.id).limit(limit)
    ids = list(await connection.scalars(found))
    await lock(connection, ids)
    condition &= deliveries.c.id.in_(ids)
    return await statements.delete_some(connection, deliveries, condition, limit)


async def get_last_post(connection: AsyncConnection, subscription_id: int) -> models.Delivery | None:
    """Return the last post of a subscription that came, perhaps not whole, also one posted at once; None before the first."""
    query = sa.select(deliveries).where(
        deliveries.c.subscription_id == subscription_id, *_is_post(deliveries)
    )
    query = query.order_by(deliveries.c.planned_at.desc(), deliveries.c.id.desc()).limit(1)
    return await statements.fetch_record(connection, models.Delivery, query)


async def list_last_days(connection: AsyncConnection, subscription_ids: Iterable[int]) -> dict[int, date]:
    """Return the date of each subscription's newest daily post, sent or not, keyed by subscription id."""
    c = deliveries.c
    newest = sa.func.max(c.local_on, type_=c.local_on.type)
    query = sa.select(c.subscription_id, newest).where(c.local_on.is_not(None)).group_by(c.subscription_id)
    found = await statements.execute_in(connection, query, c.subscription_id, subscription_ids)
    return dict(map(tuple, found))


async def list_last_times(connection: AsyncConnection) -> dict[int, datetime]:
    """Return when the last post of each subscription came (UTC), by subscription id."""
    came_at = sa.func.max(sa.func.coalesce(deliveries.c.finished_at, deliveries.c.due_at), type_=UtcTime)
    query = sa.select(deliveries.c.subscription_id, came_at).where(*_is_post(deliveries))
    query = query.where(deliveries.c.subscription_id.is_not(None)).group_by(deliveries.c.subscription_id)
    return dict(map(tuple, await connection.execute(query)))


_DeliveryWithError = tuple[models.Delivery, str | None]


async def list_newest(connection: AsyncConnection) -> dict[int, _DeliveryWithError]:
    """Return the newest post of each subscription, by its id, with the last error of its unsent parts."""
    posts = deliveries.c.kind.in_((DeliveryKind.DAILY, DeliveryKind.ON_DEMAND))
    newest = sa.select(sa.func.max(deliveries.c.id)).where(posts).group_by(deliveries.c.subscription_id)
    found = await _list_with_errors(connection, deliveries.c.id.in_(newest))
    return {row.subscription_id: (row, error) for row, error in found if row.subscription_id is not None}


async def list_unsent(connection: AsyncConnection) -> list[_DeliveryWithError]:
    """Return what is to be sent to servers' channels, with the last error of its unsent parts."""
    return await _list_with_errors(connection, unfinished_clause(), deliveries.c.guild_id.is_not(None))


async def list_recent(
    connection: AsyncConnection, since: datetime, ids: Collection[int]
) -> list[_DeliveryWithError]:
    """Return what has not ended, ended since a time (UTC), or has one of the ids, with the last error of its unsent parts.

    Also the daily posts with an unknown outcome that a person who resumes them can still repeat.
    """
    c = deliveries.c
    is_open = sa.and_(c.reason.in_(models.UNCERTAIN), c.expires_at > since - timedelta(days=1))
    is_open &= sa.and_(c.kind == DeliveryKind.DAILY, c.subscription_id.is_not(None))
    return await _list_with_errors(
        connection, sa.or_(unfinished_clause(), c.finished_at >= since, c.id.in_(ids), is_open)
    )


async def mark_announced_as_attempted(connection: AsyncConnection) -> set[int]:
    """Take what waited when a run announced to send, and did not record that it ended, as attempted then.

    Returns the ids of all unfinished deliveries of which something may have been sent.
    """
    announced = await key_values.get(connection, key_values.ANNOUNCED)
    await key_values.remove(connection, key_values.ANNOUNCED)
    if announced is not None:
        at = datetime.fromisoformat(announced)
        waiting = sa.select(deliveries.c.id).where(unfinished_clause(), deliveries.c.planned_at <= at)
        await lock(connection, waiting)
        untried = parts.c.state == PartState.WAITING, parts.c.first_attempt_at.is_(None)
        marked = parts.update().where(*untried, parts.c.delivery_id.in_(waiting))
        await connection.execute(marked.values(first_attempt_at=at))
    is_unknown = (
        parts.c.state.in_((PartState.WAITING, PartState.SENDING)),
        parts.c.first_attempt_at.is_not(None),
    )
    doubted = sa.select(deliveries.c.id).where(unfinished_clause())
    return set(await connection.scalars(doubted.where(deliveries.c.id.in_(_select_deliveries(*is_unknown)))))


async def _list_with_errors(
    connection: AsyncConnection, *conditions: sa.ColumnElement[bool]
) -> list[_DeliveryWithError]:
    unsent = parts.c.state.in_((PartState.WAITING, PartState.SENDING))
    failed = sa.select(parts.c.delivery_id, sa.func.max(parts.c.error)).where(
        unsent, parts.c.error.is_not(None)
    )
    rows = await statements.fetch_records(
        connection, models.Delivery, sa.select(deliveries).where(*conditions)
    )
    failed = failed.group_by(parts.c.delivery_id)
    errors_by_id = dict(map(tuple, await connection.execute(failed)))
    return [(row, errors_by_id.get(row.id)) for row in rows]


def _is_post(table: sa.FromClause) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions of a post of which a part was sent. Notices on a subscription have its id, too."""
    kinds = (DeliveryKind.DAILY, DeliveryKind.ON_DEMAND)
    sent = sa.exists().where(parts.c.delivery_id == table.c.id, parts.c.state == PartState.SENT)
    return table.c.kind.in_(kinds), sent


async def release_interrupted(
    connection: AsyncConnection,
    now: datetime,
    *,
    term: int,
    forum_posts_at: datetime | None,
    in_flight_ids: Collection[int],
) -> int:
    """Make parts that a crash left SENDING due at once, if `term` is current. Returns how many there were.

    Skips the parts `in_flight_ids`, which are being sent now. `first_attempt_at` is kept, since the outcome
    is unknown. Forum posts of an earlier term become due at `forum_posts_at`: they have no nonce, so the
    search for them waits until the former sender's request must have arrived.
    """
    if not await locks.is_current_term(connection, term):
        return 0
    next_attempt_at: sa.ColumnElement[datetime] = sa.literal(now, UtcTime)
    if forum_posts_at is not None:
        may_be_running = sa.and_(
            parts.c.kind == PartKind.FORUM_POST, sa.func.coalesce(parts.c.term, 0) != term
        )
        next_attempt_at = sa.case(
            (may_be_running, sa.literal(forum_posts_at, UtcTime)), else_=next_attempt_at
        )
    orphans = parts.c.state == PartState.SENDING, parts.c.id.not_in(in_flight_ids)
    await lock(connection, _select_deliveries(*orphans))
    result = await connection.execute(
        parts.update().where(*orphans).values(state=_UNSENT_STATE, next_attempt_at=next_attempt_at)
    )
    return result.rowcount


async def mark_sending(
    connection: AsyncConnection, part_ids: Sequence[int], now: datetime, *, term: int
) -> set[int]:
    """Record attempts started at `now` (UTC), if `term` is current. Returns the parts that were WAITING."""
    if not await locks.is_current_term(connection, term):
        return set()
    await lock(connection, _select_deliveries(parts.c.id.in_(part_ids)))
    statement = (
        parts.update()
        .where(parts.c.state == PartState.WAITING)
        .values(
            state=PartState.SENDING,
            first_attempt_at=sa.func.coalesce(parts.c.first_attempt_at, sa.literal(now, UtcTime)),
            last_attempt_at=now,
            term=term,
        )
        .returning(parts.c.id)
    )
    return {id_ for (id_,) in await statements.execute_in(connection, statement, parts.c.id, part_ids)}


async def mark_sent(
    connection: AsyncConnection, receipts: Mapping[int, models.Receipt], now: datetime
) -> list[int]:
    """Store receipts, keyed by part id, in any state and term. Deliveries end with their last part.

    Returns the ids of the deliveries that ended incomplete.
    """
    rows = [
        {"id": part_id, **statements.record_values(receipt, parts)} for part_id, receipt in receipts.items()
    ]
    sent = {"state": PartState.SENT, "error": None, "error_code": None}
    await lock(connection, _select_deliveries(parts.c.id.in_(receipts)))
    await statements.update_rows(connection, parts, rows, same=sent)
    incomplete: list[int] = []
    for chunk in chunked(receipts):
        incomplete += await _finish_of(connection, chunk, now)
    return incomplete


async def _finish_of(connection: AsyncConnection, part_ids: Sequence[int], now: datetime) -> list[int]:
    """End the deliveries of some parts whose parts have all ended. Returns the incomplete ones."""
    ended = await connection.execute(_finish(), {"part_ids": part_ids, "now": now})
    return [row.id for row in ended if row.reason is not None]


@lru_cache(maxsize=1)
def _finish() -> sa.Update:
    """Return the statement that ends the deliveries of some parts whose parts have all ended.

    They end as SENT, or with the reason of a STOPPED part.
    """
    of = parts.c.delivery_id == deliveries.c.id
    stopped = sa.select(sa.func.max(parts.c.error)).where(of, parts.c.state == PartState.STOPPED)
    is_stopped = sa.exists().where(of, parts.c.state == PartState.STOPPED)
    is_open = sa.exists().where(of, parts.c.state.in_((PartState.WAITING, PartState.SENDING)))
    # A delivery that ended earlier, and whose message turns out to have been sent, keeps its reason if others are missing.
    changed = parts.alias()
    ids = sa.select(changed.c.delivery_id).where(changed.c.id.in_(sa.bindparam("part_ids", expanding=True)))
    ended = deliveries.update().where(deliveries.c.id.in_(ids), ~is_open)
    ended = ended.where(sa.or_(unfinished_clause(), ~is_stopped))
    known = sa.func.coalesce(stopped.scalar_subquery(), models.Reason.TOO_OLD)
    reason = sa.case((is_stopped, known), else_=sa.null())
    state = sa.case((is_stopped, DeliveryState.STOPPED), else_=DeliveryState.SENT)
    ended = ended.values(state=state, reason=reason, finished_at=sa.bindparam("now"))
    return ended.returning(deliveries.c.id, deliveries.c.reason)


async def set_payload(connection: AsyncConnection, part_id: int, payload: str, fallback: str | None) -> None:
    """Replace the payload and the plain form of a part that waits for its next attempt."""
    waiting = parts.c.id == part_id, parts.c.state == PartState.WAITING
    await connection.execute(parts.update().where(*waiting).values(payload=payload, fallback=fallback))


async def mark_retry(
    connection: AsyncConnection,
    part_id: int,
    *,
    next_attempt_at: datetime,
    unknown_since: datetime | None,
    error: str,
    error_code: int | None,
    term: int,
    is_refused: bool,
) -> bool:
    """Schedule another attempt at `next_attempt_at` (UTC).

    Returns False, changing nothing, if the last attempt was not made in `term`. `unknown_since` is the first
    attempt that Discord may have accepted, or None. If `is_refused`, the error becomes the delivery's reason.
    """
    delivery_id = await _end_attempt(
        connection,
        part_id,
        term,
        state=_UNSENT_STATE,
        next_attempt_at=next_attempt_at,
        first_attempt_at=unknown_since,
        error=error,
        error_code=error_code,
    )
    if delivery_id is not None and is_refused:
        refused = deliveries.update().where(deliveries.c.id == delivery_id, unfinished_clause())
        await connection.execute(refused.values(reason=error))
    return delivery_id is not None


async def stop_part(
    connection: AsyncConnection,
    part_id: int,
    *,
    reason: str,
    now: datetime,
    unknown_since: datetime | None,
    error_code: int | None,
    term: int,
    alone: bool,
) -> bool:
    """Give up a part and, unless `alone`, its delivery. `unknown_since` is the first attempt that Discord may have accepted.

    Returns False, changing nothing, if the last attempt was not made in `term`.
    """
    stopped = {"state": PartState.STOPPED, "error": reason, "error_code": error_code}
    delivery_id = await _end_attempt(connection, part_id, term, first_attempt_at=unknown_since, **stopped)
    if delivery_id is None:
        return False
    if alone:
        # A message that does not come is not forwarded to followers.
        message = sa.select(parts.c.position).where(parts.c.id == part_id).scalar_subquery()
        forwarding = parts.c.delivery_id == delivery_id, parts.c.kind == PartKind.CROSSPOST
        after = parts.update().where(*forwarding, parts.c.position == message + 1)
        await connection.execute(after.values(state=PartState.STOPPED))
        await _finish_of(connection, [part_id], now)
    else:
        await _end(connection, [delivery_id], reason, now)
    return True


async def use_fallback(
    connection: AsyncConnection, part_id: int, *, nonce: str, now: datetime, term: int
) -> bool:
    """Plan the plain form of a part that Discord rejected (50035), under a new nonce.

    Returns False if there is no plain form, or if the last attempt was not made in `term`.
    """
    plain = _new_attempt(nonce, now) | {"payload": parts.c.fallback, "fallback": None, "state": _UNSENT_STATE}
    return await _end_attempt(connection, part_id, term, parts.c.fallback.is_not(None), **plain) is not None


async def _end_attempt(
    connection: AsyncConnection, part_id: int, term: int, *conditions: sa.ColumnElement[bool], **values: Any
) -> int | None:
    """Change a part whose last attempt was made in `term` and has no outcome yet. Returns its delivery's id, or None."""
    await lock(connection, _select_deliveries(parts.c.id == part_id))
    attempted = parts.c.id == part_id, parts.c.state == PartState.SENDING, parts.c.term == term
    ended = parts.update().where(*attempted, *conditions).values(**values)
    delivery_id: int | None = await connection.scalar(ended.returning(parts.c.delivery_id))
    return delivery_id


async def list_refused_papers(
    connection: AsyncConnection, delivery_ids: Collection[int]
) -> dict[int, tuple[str, ...]]:
    """Return the keys of the papers that deliveries left out because Discord refuses them, by delivery id."""
    is_left_out = sa.and_(parts.c.state == PartState.STOPPED, parts.c.error == models.Reason.REFUSED_CONTENT)
    return await _list_papers_of(connection, delivery_ids, is_left_out)


async def list_plain(
    connection: AsyncConnection, delivery_ids: Collection[int]
) -> dict[int, tuple[str, ...]]:
    """Return the keys of the papers that came in the plain form of their message, by delivery id, for 30 days."""
    return await _list_papers_of(connection, delivery_ids, _came_plain())


def _came_plain() -> sa.ColumnElement[bool]:
    """Return the condition that a part about papers was sent in its plain form, which each has until it is used."""
    is_used = sa.and_(parts.c.fallback.is_(None), parts.c.payload.is_not(None), parts.c.marker.is_not(None))
    of_papers = sa.exists().where(deliveries.c.id == parts.c.delivery_id, deliveries.c.kind.in_(_OF_PAPERS))
    return sa.and_(parts.c.state == PartState.SENT, is_used, of_papers.correlate_except(deliveries))


_OF_PAPERS = (
    DeliveryKind.DAILY,
    DeliveryKind.ON_DEMAND,
    DeliveryKind.ALERT,
    DeliveryKind.TODAY,
    DeliveryKind.NEWS,
)


async def _list_papers_of(
    connection: AsyncConnection, delivery_ids: Collection[int], is_wanted: sa.ColumnElement[bool]
) -> dict[int, tuple[str, ...]]:
    """Return the keys of the papers in the wanted parts of deliveries, by delivery id.

    A delivery without `delivery_papers` has one part with all its papers.
    """
    c = delivery_papers.c
    query = sa.select(parts.c.delivery_id, papers.c.key, deliveries.c.papers)
    query = query.join(deliveries, deliveries.c.id == parts.c.delivery_id)
    placed = sa.and_(c.delivery_id == parts.c.delivery_id, c.position == parts.c.position)
    query = query.outerjoin(delivery_papers, placed).outerjoin(papers, papers.c.id == c.paper_id)
    has_places = sa.exists().where(c.delivery_id == parts.c.delivery_id).correlate(parts)
    query = query.where(is_wanted, sa.or_(papers.c.key.is_not(None), ~has_places))
    found: dict[int, set[str]] = {}
    for delivery_id, paper_key, all_papers in await statements.execute_in(
        connection, query, parts.c.delivery_id, delivery_ids
    ):
        found.setdefault(delivery_id, set()).update(all_papers if paper_key is None else [paper_key])
    return {delivery_id: tuple(sorted(ids)) for delivery_id, ids in found.items()}


async def lock(connection: AsyncConnection, delivery_ids: Iterable[int] | sa.Select[int]) -> None:
    """Lock deliveries in the order of their ids, so that they and their parts do not change after they were read."""
    if connection.dialect.name != "postgresql":
        return
    locked = sa.select(deliveries.c.id).order_by(deliveries.c.id).with_for_update()
    if isinstance(delivery_ids, sa.Select):
        await connection.execute(locked.where(deliveries.c.id.in_(delivery_ids)))
    else:
        await statements.execute_in(connection, locked, deliveries.c.id, sorted(set(delivery_ids)))


def _select_deliveries(*of_parts: sa.ColumnElement[bool]) -> sa.Select[int]:
    return sa.select(parts.c.delivery_id).where(*of_parts)


async def list_refused(connection: AsyncConnection, **destinations: Collection[int]) -> list[int]:
    """Return the ids of waiting deliveries that Discord rejects, filtered by columns such as `channel_id`."""
    query = sa.select(deliveries.c.id).where(
        deliveries.c.state == DeliveryState.WAITING,
        deliveries.c.reason.is_not(None),
        *(deliveries.c[name].in_(values) for name, values in destinations.items()),
    )
    return list(await connection.scalars(query))


async def try_now(connection: AsyncConnection, /, now: datetime, **destinations: Collection[int]) -> None:
    """Make the deliveries that `list_refused` returns due at `now` (UTC)."""
    ids = await list_refused(connection, **destinations)
    await lock(connection, ids)
    due = parts.update().where(parts.c.state == PartState.WAITING)
    due = due.values(next_attempt_at=now, error=None, error_code=None)
    await statements.execute_in(connection, due, parts.c.delivery_id, ids)


async def repeat_uncertain(
    connection: AsyncConnection,
    delivery_id: int,
    *,
    new_nonce: Callable[[], str],
    now: datetime,
    expires_at: datetime,
) -> bool:
    """Plan an uncertain delivery again, without messages whose papers have come with a later post.

    Returns False if its outcome is known or its payload was cleared.
    """
    await lock(connection, [delivery_id])
    delivery = await get(connection, delivery_id)
    later = delivery_papers.alias("later")
    moved = sa.select(delivery_papers.c.position).where(
        delivery_papers.c.delivery_id == delivery_id,
        later.c.paper_id == delivery_papers.c.paper_id,
        later.c.delivery_id > delivery_id,
        later.c.delivery_id == parts.c.delivery_id,
        later.c.position == parts.c.position,
        taken_clause(),
        deliveries.c.id == later.c.delivery_id,
        deliveries.c.channel_id == (delivery and delivery.channel_id),
        deliveries.c.locale == (delivery and delivery.locale),
    )
    positions = set(await connection.scalars(moved))
    stopped = [
        part
        for part in await list_parts(connection, delivery_id)
        if part.state is PartState.STOPPED
        and part.position not in positions
        and part.error != models.Reason.REFUSED_CONTENT
    ]
    if delivery is None or not delivery.is_uncertain or any(part.payload is None for part in stopped):
        return False
    for part in stopped:
        again = parts.update().where(parts.c.id == part.id).values(_new_attempt(new_nonce(), now))
        await connection.execute(again)
    await connection.execute(
        deliveries.update()
        .where(deliveries.c.id == delivery_id)
        .values(state=DeliveryState.WAITING, reason=None, finished_at=None, expires_at=expires_at)
    )
    return True


async def redirect(
    connection: AsyncConnection, delivery_id: int, channel_id: int, *, nonce: str, now: datetime
) -> None:
    """Plan a single-message delivery again, in its plain form, for a server's channel, as the reader accepts no DMs."""
    await connection.execute(
        deliveries.update()
        .where(deliveries.c.id == delivery_id)
        .values(
            channel_id=channel_id, user_id=None, state=DeliveryState.WAITING, reason=None, finished_at=None
        )
    )
    await connection.execute(
        parts.update()
        .where(parts.c.delivery_id == delivery_id, parts.c.position == 0)
        .values(
            payload=sa.func.coalesce(parts.c.fallback, parts.c.payload),
            fallback=None,
            **_new_attempt(nonce, now),
        )
    )


async def has_notice(
    connection: AsyncConnection, name: str, on: date, *, user_id: int | None, guild_id: int | None
) -> bool:
    """Return whether a notice about a date, whose key begins with `name`, was planned for a reader or, publicly, a server."""
    c = deliveries.c
    to_server = sa.and_(c.user_id.is_(None), c.guild_id == guild_id)
    same = to_server if user_id is None else sa.or_(c.user_id == user_id, to_server)
    query = sa.select(c.id).where(same, c.kind == DeliveryKind.NOTICE)
    query = query.where(c.key.startswith(name), c.key.endswith(f":{on}"))
    return await connection.scalar(query.limit(1)) is not None


async def expire(
    connection: AsyncConnection, now: datetime, *, unknown_until: datetime
) -> list[models.Delivery]:
    """Stop expired deliveries, as either refused or too old, and return them.

    A delivery with a part in flight stays until the outcome is known. A delivery with an unknown outcome
    stays until it has been expired since `unknown_until`.
    """
    of_delivery = parts.c.delivery_id == deliveries.c.id
    is_sending = sa.exists().where(of_delivery, parts.c.state == PartState.SENDING)
    may_have_arrived = sa.exists().where(
        of_delivery, parts.c.state == PartState.WAITING, parts.c.first_attempt_at.is_not(None)
    )
    is_overdue = sa.and_(unfinished_clause(), deliveries.c.expires_at <= now, ~is_sending)
    is_overdue &= sa.or_(~may_have_arrived, deliveries.c.expires_at <= unknown_until)
    # Locks the subscription before its deliveries, in the same order as pausing a subscription.
    posting = subscriptions.c.channel_id.in_(sa.select(deliveries.c.channel_id).where(is_overdue))
    locked = sa.select(subscriptions.c.id).where(posting).order_by(subscriptions.c.id).with_for_update()
    await connection.execute(locked)
    overdue = sa.select(deliveries.c.id).where(is_overdue)
    locked_ids = list(await connection.scalars(overdue))
    await lock(connection, locked_ids)
    # Some may have ended while this waited for their locks. Others that are overdue by now are not locked.
    ids = [id_ for (id_,) in await statements.execute_in(connection, overdue, deliveries.c.id, locked_ids)]
    await _end(connection, ids, sa.func.coalesce(deliveries.c.reason, models.Reason.TOO_OLD), now)
    return await list_rows(connection, ids=ids)


async def set_expiry(
    connection: AsyncConnection, subscription_id: int, expires_at: datetime, now: datetime
) -> None:
    """Set when a subscription's unfinished daily posts expire (UTC), unless they have at `now` (UTC)."""
    own = (
        deliveries.c.subscription_id == subscription_id,
        deliveries.c.kind == DeliveryKind.DAILY,
        unfinished_clause(),
        deliveries.c.expires_at > now,
    )
    await lock(connection, sa.select(deliveries.c.id).where(*own))
    await connection.execute(deliveries.update().where(*own).values(expires_at=expires_at))


async def cancel(
    connection: AsyncConnection,
    delivery_ids: Sequence[int],
    *,
    reason: str | sa.ColumnElement[str],
    now: datetime | sa.ColumnElement[datetime],
) -> None:
    """Stop unfinished deliveries at once, including their waiting parts."""
    await lock(connection, delivery_ids)
    await _end(connection, delivery_ids, reason, now)


async def _end(
    connection: AsyncConnection,
    delivery_ids: Iterable[int],
    reason: str | sa.ColumnElement[str],
    now: datetime | sa.ColumnElement[datetime],
) -> None:
    """Do what `cancel` does with deliveries that are locked."""
    ended = deliveries.update().where(unfinished_clause())
    ended = ended.values(state=DeliveryState.STOPPED, reason=reason, finished_at=now)
    await statements.execute_in(connection, ended, deliveries.c.id, delivery_ids)
    unsent = parts.update().where(parts.c.state == PartState.WAITING).values(state=PartState.STOPPED)
    await statements.execute_in(connection, unsent, parts.c.delivery_id, delivery_ids)


def _new_attempt(nonce: str, now: datetime) -> dict[str, Any]:
    """Return the column values for planning a part again under a new nonce."""
    return {
        "state": PartState.WAITING,
        "nonce": nonce,
        "first_attempt_at": None,
        "next_attempt_at": now,
        "error": None,
        "error_code": None,
    }


@dataclass(frozen=True, slots=True)
class DuePart:
    """A part that may be sent now, with its delivery."""

    delivery: models.Delivery
    part: models.Part


@dataclass(frozen=True, slots=True)
class ClaimedPart(DuePart):
    """A part that `mark_sending` marked in `term`, at `claimed_at` (monotonic seconds)."""

    term: int
    claimed_at: float


async def list_due(
    connection: AsyncConnection,
    now: datetime,
    *,
    limit: int,
    exclude_channel_ids: Collection[int | None],
    with_webhooks: bool,
) -> list[DuePart]:
    """Return the first unsent part of each delivery that may be sent at `now` (UTC), most urgent first.

    Excludes parts of expired deliveries (unless an outcome is unknown), of paused subscriptions, in
    `exclude_channel_ids` (None means unopened direct messages), of webhooks unless `with_webhooks`, and
    SENDING parts.
    """
    excluded = [id_ or 0 for id_ in exclude_channel_ids]
    values = {"now": now, "excluded": excluded, "with_webhooks": with_webhooks, "most": limit}
    due = []
    for row in await connection.execute(_due_query(), values):
        delivery = {column.name: row._mapping[f"d_{column.name}"] for column in deliveries.c}
        due.append(
            DuePart(
                statements.build_record(models.Delivery, delivery),
                statements.build_record(models.Part, row._mapping),
            )
        )
    return due


@lru_cache(maxsize=1)
def _due_query() -> sa.Select[Any]:
    """Return the query of `list_due`. To build it takes four times as long as to execute it, before each part that is sent."""
    now = sa.bindparam("now", type_=UtcTime)
    earlier = parts.alias("earlier")
    has_unsent_predecessor = sa.exists().where(
        earlier.c.delivery_id == parts.c.delivery_id,
        earlier.c.position < parts.c.position,
        earlier.c.state.in_((PartState.WAITING, PartState.SENDING)),
    )
    is_of_paused = sa.exists().where(
        subscriptions.c.id == deliveries.c.subscription_id,
        subscriptions.c.state != models.ActivityState.ACTIVE,
        deliveries.c.kind == DeliveryKind.DAILY,
    )
    has_owner = sa.or_(deliveries.c.guild_id.is_not(None), deliveries.c.user_id.is_not(None))
    columns = [column.label(f"d_{column.name}") for column in deliveries.c]
    return (
        sa.select(*parts.c, *columns)
        .join(deliveries, deliveries.c.id == parts.c.delivery_id)
        .where(
            parts.c.state == PartState.WAITING,
            parts.c.next_attempt_at <= now,
            deliveries.c.state == DeliveryState.WAITING,
            ~is_of_paused,
            sa.or_(deliveries.c.expires_at > now, parts.c.first_attempt_at.is_not(None)),
            sa.func.coalesce(deliveries.c.channel_id, 0).not_in(sa.bindparam("excluded", expanding=True)),
            ~has_unsent_predecessor,
            sa.or_(has_owner, sa.bindparam("with_webhooks", type_=sa.Boolean)),
        )
        .order_by(deliveries.c.priority, parts.c.next_attempt_at, parts.c.id)
        .limit(sa.bindparam("most", type_=sa.Integer))
    )


async def get(connection: AsyncConnection, delivery_id: int) -> models.Delivery | None:
    query = sa.select(deliveries).where(deliveries.c.id == delivery_id)
    return await statements.fetch_record(connection, models.Delivery, query)


async def list_channel_ids(connection: AsyncConnection, guild_id: int) -> set[int]:
    query = sa.select(deliveries.c.channel_id).where(
        deliveries.c.guild_id == guild_id, deliveries.c.user_id.is_(None)
    )
    return set(await connection.scalars(query.distinct()))


def taken_clause() -> sa.ColumnElement[bool]:
    """Return the condition that a part was sent, may have been sent, or will be."""
    return sa.or_(parts.c.state != PartState.STOPPED, parts.c.first_attempt_at.is_not(None))


def arrived_clause(paper_id: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """Return the condition that a delivery's paper is not planned again: its part is taken, or Discord refuses its content.

    A delivery without `delivery_papers` has one part with all its papers.
    """
    own, placed = delivery_papers.alias(), delivery_papers.alias()
    is_settled = sa.or_(taken_clause(), parts.c.error == models.Reason.REFUSED_CONTENT)
    is_split = sa.exists().where(own.c.delivery_id == parts.c.delivery_id).correlate_except(own)
    has_paper = sa.exists().where(
        placed.c.delivery_id == parts.c.delivery_id,
        placed.c.paper_id == paper_id,
        placed.c.position == parts.c.position,
    )
    is_own = sa.or_(~is_split, has_paper.correlate_except(placed))
    return (
        sa.exists().where(parts.c.delivery_id == deliveries.c.id, is_settled, is_own).correlate_except(parts)
    )


def unfinished_clause() -> sa.ColumnElement[bool]:
    """Return the condition that a delivery may still be sent."""
    return deliveries.c.state == DeliveryState.WAITING


_UNSENT_STATE = sa.case(
    (
        sa.exists().where(deliveries.c.id == parts.c.delivery_id, unfinished_clause()).correlate(parts),
        PartState.WAITING,
    ),
    else_=PartState.STOPPED,
)
"""The state of a part whose attempt failed: waiting, unless its delivery ended meanwhile."""


async def list_parts(connection: AsyncConnection, delivery_id: int) -> list[models.Part]:
    """Return a delivery's parts, ordered by position."""
    query = sa.select(parts).where(parts.c.delivery_id == delivery_id).order_by(parts.c.position)
    return await statements.fetch_records(connection, models.Part, query)


async def list_rows(
    connection: AsyncConnection,
    *,
    ids: Sequence[int] | None = None,
    state: DeliveryState | None = None,
    kind: DeliveryKind | None = None,
    subscription_id: int | None = None,
) -> list[models.Delivery]:
    """Return the deliveries that meet all given conditions, last planned first."""
    conditions = {"state": state, "kind": kind, "subscription_id": subscription_id}
    query = sa.select(deliveries).where(*statements.equalities(deliveries, conditions))
    query = query.order_by(deliveries.c.planned_at.desc(), deliveries.c.id.desc())
    return await statements.fetch_records(connection, models.Delivery, query, deliveries.c.id, ids)


async def list_problems(
    connection: AsyncConnection, channel_ids: Sequence[int], user_id: int, since_at: datetime, limit: int
) -> list[models.Delivery]:
    """Return the latest deliveries to channels or a reader that were refused, stopped or sent in plain form.

    Those that were cancelled are not among them.
    """
    came_plain = sa.exists().where(parts.c.delivery_id == deliveries.c.id, _came_plain())
    is_troubled = sa.func.coalesce(deliveries.c.reason != models.Reason.BY_HAND, came_plain)
    query = sa.select(deliveries).where(
        is_troubled,
        deliveries.c.planned_at >= since_at,
        sa.or_(deliveries.c.channel_id.in_(channel_ids), deliveries.c.user_id == user_id),
    )
    query = query.order_by(deliveries.c.planned_at.desc(), deliveries.c.id.desc()).limit(limit)
    return await statements.fetch_records(connection, models.Delivery, query)


async def is_refusal_known(connection: AsyncConnection, delivery: models.Delivery, reason: str) -> bool:
    """Return whether a similar delivery was refused for this reason since the last one that was sent."""
    same = _same_destination(delivery)
    sent = sa.select(sa.func.max(deliveries.c.id)).where(*same, deliveries.c.state == DeliveryState.SENT)
    query = sa.select(deliveries.c.id).where(
        *same,
        deliveries.c.id != delivery.id,
        deliveries.c.reason == reason,
        deliveries.c.id > sa.func.coalesce(sent.scalar_subquery(), 0),
    )
    return await connection.scalar(query.limit(1)) is not None


async def list_last_ends(
    connection: AsyncConnection, delivery: models.Delivery, limit: int
) -> list[str | None]:
    """Return why the last finished deliveries of this kind to the destination were stopped (None if sent)."""
    query = sa.select(deliveries.c.reason).where(*_same_destination(delivery), ~unfinished_clause())
    return list(await connection.scalars(query.order_by(deliveries.c.id.desc()).limit(limit)))


def _same_destination(delivery: models.Delivery) -> list[sa.ColumnElement[bool]]:
    if delivery.is_direct:
        destination = deliveries.c.user_id == delivery.user_id
    elif delivery.subscription_id is not None:
        destination = deliveries.c.subscription_id == delivery.subscription_id
    elif delivery.local_on is not None:  # a step of a club, some of which go to threads
        destination = sa.and_(deliveries.c.guild_id == delivery.guild_id, deliveries.c.local_on.is_not(None))
    else:
        destination = deliveries.c.channel_id == delivery.channel_id
    # A discussion belongs to the reader who asked for it, as a club's step in the same channel does to its manager.
    asked_by = deliveries.c.asked_by.is_not_distinct_from(delivery.asked_by)
    return [deliveries.c.kind == delivery.kind, destination, asked_by]


async def count_by_state(connection: AsyncConnection) -> dict[PartState, int]:
    query = sa.select(parts.c.state, sa.func.count()).group_by(parts.c.state)
    return {PartState(state): count for state, count in await connection.execute(query)}


async def oldest_unsent_at(connection: AsyncConnection) -> datetime | None:
    """Return the earliest `due_at` (UTC) of waiting deliveries, or None if none is. Those that Discord refuses do not count."""
    first = sa.func.min(deliveries.c.due_at, type_=deliveries.c.due_at.type)
    oldest: datetime | None = await connection.scalar(
        sa.select(first).where(unfinished_clause(), deliveries.c.reason.is_(None))
    )
    return oldest
