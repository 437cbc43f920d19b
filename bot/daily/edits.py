"""Corrects posts when the digest that they came from is corrected, and once after the list of their day has closed.

The papers and their order stay as planned. The edit after the close shows the final figures; it follows a post whose list was
open, and only once the list was read after its close.

What another digest says changes no post, so a paper's text is always that of the digest from which it was posted. A message
that is there is edited: it has one edit that waits at most, and is edited once in `INTERVAL` at most, then to its last state.
One that is not known to be there keeps its text, and is edited once its delivery has gone on.

The transaction that stores a digest only notes that it was corrected (`add_pending`). `EditPlanner.plan` looks for its posts,
for all corrected digests at once, so that a source that corrects hundreds of digests costs what one correction costs.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import structlog

from bot.core import day_close, isolation
from bot.daily import choice, planner, schedule
from bot.outbox import contents
from bot.outbox.contents import DeliveryFactory, dump_payload
from storage import archive, daily, key_values, models, outbox, papers
from storage import database as storage_database
from storage.database import Connection, Database

log = structlog.get_logger(__name__)

LOOK_BACK = timedelta(days=7)
"""Older posts are not edited."""
INTERVAL = timedelta(hours=1)
"""The shortest time between two edits of a message."""
POST_KINDS = frozenset({models.DeliveryKind.DAILY, models.DeliveryKind.ON_DEMAND})
UNSETTLED = timedelta(days=2)
"""How long a post that ended without some of its messages may be posted again, and then edited."""
BATCH_SIZE = 200
"""Number of posts that are corrected in one transaction, whose messages are in memory at once."""


class ChangedPost(NamedTuple):
    """A post and its new rendering."""

    delivery: models.Delivery
    rendered: planner.RenderedPost


async def add_pending(
    connection: Connection, digest_id: int, revision: int, changed_ids: Collection[int]
) -> None:
    """Note, in the transaction that stores it, that a correction changed papers. `EditPlanner.plan` corrects posts."""
    key = f"{key_values.CORRECTED}{digest_id}"
    _, pending_ids = json.loads(await key_values.get(connection, key) or "[0, []]")
    await key_values.set_value(connection, key, json.dumps([revision, sorted({*changed_ids, *pending_ids})]))


class EditPlanner:
    """Plans the edits that follow from corrected digests and from closed lists."""

    def __init__(self, factory: DeliveryFactory, rule: day_close.DayClose | None = None) -> None:
        self._factory = factory
        self._day_close = rule or day_close.default()

    async def plan(self, database: Database, now: datetime) -> int:
        """Correct the posts of digests corrected since the last call, and those that waited for the outcome of a message.

        Posts of lists that closed since then, and were read after their close, get the final figures.
        Each batch of posts is a transaction of its own. After a crash the next call begins again, and finds done what is done.
        Returns the number of posts.
        """
        async with database.read() as connection:
            pending = await key_values.list_by_prefix(connection, key_values.CORRECTED)
            waiting = json.loads(await key_values.get(connection, key_values.UNSETTLED_POSTS) or "{}")
            states = await outbox.list_states(connection, map(int, waiting), now - UNSETTLED)
            affected = {id_ for id_, state in states.items() if waiting[str(id_)] != state}
            shown_on = await key_values.get(connection, key_values.CLOSE_SHOWN_ON) or ""
            closes: Mapping[datetime, date] = {}
            if pending or affected or shown_on < self._day_close.last_closed(now).isoformat():
                closes = await self._list_closes(connection, now)
            newest = max((day.isoformat() for day in closes.values()), default="")
            if pending or newest > shown_on:
                affected |= await _list_affected(
                    connection, pending, closes if newest > shown_on else {}, now - LOOK_BACK
                )
        count, unsettled = 0, dict[int, models.DeliveryState]()
        rendered: dict[object, planner.RenderedPost | None] = {}
        for ids in storage_database.chunked(sorted(affected), BATCH_SIZE):
            async with database.transaction() as connection:
                await archive.lock_ingest(connection)
                posts = await outbox.list_rows(connection, ids=ids)
                changed = await self._list_changed(connection, posts, closes, rendered)
                count += await self._plan_batch(connection, changed, now, unsettled)
        if count:
            log.info("posts corrected", count=count, digests=len(pending))
        gone = {int(id_) for id_ in waiting} - states.keys()
        if pending or affected or gone or newest > shown_on:
            async with database.transaction() as connection:
                await archive.lock_ingest(connection)
                await self._forget(connection, pending, affected | gone, unsettled)
                if newest > shown_on:
                    await key_values.set_value(connection, key_values.CLOSE_SHOWN_ON, newest)
        return count

    async def _list_closes(self, connection: Connection, now: datetime) -> dict[datetime, date]:
        """Return when the lists closed (UTC) that were read after their close, with their days."""
        reads = await planner.load_reads(connection, now) or {}
        closings = day_close.Closings(self._day_close, reads)
        return {self._day_close.closes_at(day): day for day in reads if closings.is_complete(day)}

    async def _forget(
        self,
        connection: Connection,
        pending: Mapping[str, str],
        done: Collection[int],
        unsettled: Mapping[int, models.DeliveryState],
    ) -> None:
        """Remove the corrections that are done, unless there is a newer one, and store which posts are to be looked at again."""
        newest = await key_values.list_by_prefix(connection, key_values.CORRECTED)
        await key_values.remove_all(
            connection, [key for key, value in pending.items() if newest.get(key) == value]
        )
        waiting = json.loads(await key_values.get(connection, key_values.UNSETTLED_POSTS) or "{}")
        left = {id_: state for id_, state in waiting.items() if int(id_) not in done}
        left |= {str(id_): state for id_, state in unsettled.items()}
        if left:
            await key_values.set_value(connection, key_values.UNSETTLED_POSTS, json.dumps(left))
        elif waiting:
            await key_values.remove(connection, key_values.UNSETTLED_POSTS)

    async def _list_changed(
        self,
        connection: Connection,
        affected: Sequence[models.Delivery],
        closes: Mapping[datetime, date],
        rendered: dict[object, planner.RenderedPost | None],
    ) -> list[ChangedPost]:
        """Render each distinct post again that is not among `rendered`; return those whose papers changed or list closed."""
        ids = {delivery.subscription_id for delivery in affected if delivery.subscription_id is not None}
        by_id = {row.id: row for row in await daily.list_rows(connection, ids=ids)}
        changed = []
        for delivery in affected:
            subscription = by_id.get(delivery.subscription_id or 0)
            if subscription is None:
                continue
            content = delivery.post, delivery.locale, delivery.digest_on
            schedule_key = schedule.schedule_key(subscription)
            key = content, subscription.style, schedule_key, subscription.is_by_webhook, subscription.silent
            if key not in rendered:
                rendered[key] = None
                # What causes a bug in one post must not hold up the corrections of others.
                failing = storage_database.FAILURES
                with isolation.isolated(log, "post not corrected", reraise=failing, delivery=delivery.key):
                    rendered[key] = await self._rerender(connection, delivery, subscription, closes)
            new = rendered[key]
            if new is not None and _figures(new.stored) != _figures(delivery.post):
                changed.append(ChangedPost(delivery, new))
        return changed

    async def _rerender(
        self,
        connection: Connection,
        delivery: models.Delivery,
        subscription: models.Subscription,
        closes: Mapping[datetime, date],
    ) -> planner.RenderedPost | None:
        stored = delivery.post
        if choice.is_rolling(subscription) and stored.since_on is None:
            return None  # it was a post of one day, before the style was changed
        if not all(stored.digests):
            return None  # the message shows what an earlier run chose (`daily.replace_posted`)
        if not stored.is_complete and stored.closes_at in closes:
            final_total = await _count_listed(connection, subscription, delivery)
            stored = replace(stored, is_complete=True, final_total=final_total)
        rows = await papers.list_by_arxiv_ids(connection, delivery.post.papers)
        details = await papers.list_details(connection, [row.id for row in rows])
        if len(details) != len(delivery.post.papers):
            return None
        details = [
            replace(detail, appearances=tuple(of for of in detail.appearances if of.digest_id == digest_id))
            for detail, digest_id in zip(details, delivery.post.digests, strict=True)
        ]
        await contents.prepare_extracts(details, [delivery.locale])
        counts = {arxiv_id: (saved, shared) for arxiv_id, saved, shared in delivery.post.server_picks}
        picked = await papers.list_by_arxiv_ids(connection, list(counts))
        picks = tuple(choice.build_pick(row, *counts[row.arxiv_id]) for row in picked)
        # A template error must not abort the transaction of the correction.
        with isolation.isolated(log, "re-render failed", delivery=delivery.key):
            assert delivery.digest_on is not None
            post = choice.DailyPost(
                marker=planner.MARKER_PLACEHOLDER,
                locale=delivery.locale,
                style=subscription.style,
                digest_on=delivery.digest_on,
                total=delivery.post.total or len(details),
                papers=tuple(contents.build_post_paper(detail, delivery.locale) for detail in details),
                schedule=schedule.schedule_key(subscription),
                server_picks=picks,
                by_webhook=subscription.is_by_webhook,
                silent=subscription.silent,
                **stored.facts(),
            )
            return planner.render(self._factory, post)
        return None

    async def _plan_batch(
        self,
        connection: Connection,
        batch: Sequence[ChangedPost],
        now: datetime,
        unsettled: dict[int, models.DeliveryState],
    ) -> int:
        """Correct the messages of each post, with an edit in place of the one that waits. Returns the number of posts.

        A post that needs other messages now stays as it is. Those with a message that is not known to be there are added to
        `unsettled`, with their states.
        """
        if not batch:
            return 0
        ids = [delivery.id for delivery, _ in batch]
        stored = await outbox.list_parts_by_delivery(connection, ids)
        message_ids = [part.message_id for parts in stored.values() for part in parts if part.message_id]
        known = await outbox.list_edits(connection, message_ids, now - INTERVAL)
        planned: list[models.NewDelivery] = []
        replaced: list[int] = []
        posts: dict[int, models.StoredPost] = {}
        payloads: dict[int, str] = {}
        count = 0
        for delivery, rendered in batch:
            parts = stored[delivery.id]
            new_parts = self._factory.build_parts(rendered.parts, delivery.key)
            if [part.kind for part in parts] != [part.kind for part in new_parts]:
                continue
            changed = _list_changed_messages(parts, new_parts)
            count += bool(changed)
            for part, payload in changed:
                payloads[part.id] = payload
                earlier = known.get(part.message_id or 0, ())
                is_sending = [row.part_id for row in earlier if row.state is models.PartState.SENDING]
                edit = _build_edit(part, payload)
                # If that attempt fails and is repeated, it must not restore the older text.
                payloads |= dict.fromkeys(is_sending, edit.payload)
                replaced += [row.delivery_id for row in earlier if row.sent_at is None]
                planned.append(
                    self._factory.build(
                        planner.EDIT,
                        f"edit:{part.id}:{now.isoformat()}",
                        delivery.locale,
                        [edit],
                        now,
                        due_at=_due_at(earlier, now),
                        guild_id=delivery.guild_id,
                        channel_id=delivery.channel_id,
                        digest_on=delivery.digest_on,
                        post=models.StoredPost(papers=delivery.post.papers),
                    )
                )
            if any(part.state is not models.PartState.SENT for part in parts):
                unsettled[delivery.id] = delivery.state
            else:
                fingerprint, is_complete, final_total = _figures(rendered.stored)
                posts[delivery.id] = replace(
                    delivery.post, fingerprint=fingerprint, is_complete=is_complete, final_total=final_total
                )
        await outbox.withdraw(connection, replaced)
        await outbox.add_all(connection, planned)
        await outbox.set_content(connection, posts, payloads)
        return count


async def _list_affected(
    connection: Connection, pending: Mapping[str, str], closes: Collection[datetime], since: datetime
) -> set[int]:
    """Return the posts that show papers which corrections changed, or whose list was open when they were made and closed since.

    Equal posts of many channels are looked at once.
    """
    changed = {
        int(key.removeprefix(key_values.CORRECTED)): set(json.loads(value)[1])
        for key, value in pending.items()
    }
    posts = await outbox.list_posts(connection, POST_KINDS, since)
    shown = changed.keys() & {digest_id for post in posts.values() for digest_id in post.digests}
    origins = {
        (paper.arxiv_id, paper.digest_id)
        for paper in await archive.list_papers(connection, shown)
        if paper.paper_id in changed[paper.digest_id]
    }
    affected = [
        text
        for text, post in posts.items()
        if not origins.isdisjoint(zip(post.papers, post.digests, strict=False))
        or (post.papers and not post.is_complete and post.closes_at in closes)
    ]
    return await outbox.list_ids_by_post(connection, affected, POST_KINDS, since)


def _figures(post: models.StoredPost) -> tuple[str | None, bool, int | None]:
    """Return what an edit changes of a post."""
    return post.fingerprint, post.is_complete, post.final_total


async def _count_listed(
    connection: Connection, subscription: models.Subscription, delivery: models.Delivery
) -> int:
    """Return the number of papers that the digests of a post's days have now, at least the number that it was chosen from."""
    post, day = delivery.post, delivery.digest_on
    assert day is not None
    own = set(post.digests[: len(post.digests) - sum(shown for _, shown, _ in post.late)])
    digests = await archive.list_rows(
        connection, since_on=day - LOOK_BACK, until_on=day, origin=choice.find_origin(subscription)
    )
    days = {day, *(digest.date for digest in digests if digest.id in own)}
    listed = await archive.list_papers(connection, [digest.id for digest in digests if digest.date in days])
    return max(post.total or 0, len({paper.paper_id for paper in listed}))


def _list_changed_messages(
    parts: Sequence[models.Part], new_parts: Sequence[models.NewPart]
) -> list[tuple[models.Part, str]]:
    """Return the parts whose message is there and has another content now, with its payload."""
    changed = []
    for part, new in zip(parts, new_parts, strict=True):
        if part.kind not in contents.MARKED_KINDS or part.payload is None or part.message_id is None:
            continue
        # If Discord refused the payload, the fallback was posted, and the part has no fallback of its own.
        payload = new.fallback if part.fallback is None and new.fallback is not None else new.payload
        if part.payload != payload:
            changed.append((part, payload))
    return changed


def _build_edit(part: models.Part, payload: str) -> models.NewPart:
    body: dict[str, Any] = json.loads(payload)
    return models.NewPart(
        kind=models.PartKind.EDIT,
        payload=dump_payload(body.get("message", body)),
        nonce="",
        channel_id=part.channel_id,
        message_id=part.message_id,
    )


def _due_at(earlier: Iterable[outbox.PlannedEdit], now: datetime) -> datetime:
    """Return when a message may be edited next; an edit that is being sent counts as sent now."""
    edited = [
        row.sent_at or now
        for row in earlier
        if row.sent_at is not None or row.state is models.PartState.SENDING
    ]
    return max((at + INTERVAL for at in edited), default=now)
