"""Answers "why didn't this paper come?" for a channel: reads what each of its standing orders drew from and had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from bot.clock import Clock
from bot.services.daily import decision, planner, selection, why_decision
from storage import digest_reads, models, posted, subscriptions
from storage.database import Connection, Database
from storage.outbox import queries


@dataclass(frozen=True, slots=True)
class WhyAnswer:
    """An answer for each standing order of the channel, and for posts of orders that are no more.

    `elsewhere` are the server's other channels that have a daily post.
    """

    paper: models.PaperDetail
    because: tuple[why_decision.Because, ...]
    has_order: bool
    elsewhere: tuple[int, ...] = ()


class Why:
    """Explains; changes nothing."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def explain(self, paper: models.PaperDetail, *, guild_id: int, channel_id: int) -> WhyAnswer:
        """Return what became of a paper in a channel. A paper that no digest holds has no answers."""
        async with self._database.read() as connection:
            orders = await subscriptions.list_rows(connection, guild_id=guild_id)
            here = [one for one in orders if one.channel_id == channel_id]
            standings = await _standings(connection, paper)
            pasts = await _pasts(connection, paper, channel_id)
            because = []
            if standings:
                because = [await self._explain(connection, paper, one, standings, pasts) for one in here]
        languages = {one.locale.value for one in here}
        because += [
            why_decision.of_past(past, standings, self._clock(), None)
            for locale, past in pasts.items()
            if locale not in languages
        ]
        elsewhere = dict.fromkeys(one.channel_id for one in orders if one.channel_id != channel_id)
        return WhyAnswer(paper, tuple(because), bool(here), tuple(elsewhere))

    async def _explain(
        self,
        connection: Connection,
        paper: models.PaperDetail,
        order: models.Subscription,
        standings: tuple[digest_reads.FreshDigest, ...],
        pasts: dict[str, why_decision.Past],
    ) -> why_decision.Because:
        covered = await posted.list_covered_of(connection, order.id)
        drawn = {one.digest_id for one in covered}
        if order.style is models.Style.WEEKLY:
            last = await _last_weekly(connection, order, standings)
        else:
            last = await _last_daily(connection, order, standings, covered)
        facts = why_decision.Facts(
            paper_id=paper.id,
            votes=paper.votes,
            subscription=order,
            standings=standings,
            covered=drawn,
            past=pasts.get(order.locale.value),
            last=last,
            upcoming=await self._upcoming(connection, order, drawn),
            now=self._clock(),
        )
        return why_decision.explain(facts)

    async def _upcoming(
        self, connection: Connection, order: models.Subscription, covered: set[int]
    ) -> why_decision.Draw | None:
        """Return what the next post would choose from if it were put together now."""
        dates = why_decision.span(order, self._clock())
        if dates is None or order.next_due_at is None:
            return None
        found = await digest_reads.list_digests(connection, *dates)
        is_weekly = order.style is models.Style.WEEKLY
        fresh = [one for one in found if is_weekly or one.id not in covered]
        if not fresh:
            return None
        newest_on = max(one.date_on for one in fresh)
        is_first = order.last_digest_on is None and not is_weekly
        ids = [one.id for one in fresh if one.date_on == newest_on or not is_first]
        places = await posted.list_papers(
            connection, [order.channel_id], since_at=self._clock() - planner.HAD_FOR
        )
        ranked = await _ranked(connection, ids, places.get((order.channel_id, order.locale.value), set()))
        return why_decision.Draw(
            newest_on, order.next_due_at, ranked, newest_on=newest_on if is_first else None
        )


async def _standings(
    connection: Connection, paper: models.PaperDetail
) -> tuple[digest_reads.FreshDigest, ...]:
    """Return the digests that hold the paper, the newest first."""
    ids = {one.digest_id for one in paper.appearances}
    if not ids:
        return ()
    dates = [one.date for one in paper.appearances]
    found = await digest_reads.list_digests(connection, min(dates), max(dates))
    return tuple(reversed([one for one in found if one.id in ids]))


async def _pasts(
    connection: Connection, paper: models.PaperDetail, channel_id: int
) -> dict[str, why_decision.Past]:
    """Return when the channel had the paper, by language."""
    pasts = {}
    for one in await posted.list_of_paper(connection, paper.id, channel_id=channel_id):
        delivery = None if one.delivery_id is None else await queries.get(connection, one.delivery_id)
        part = None if delivery is None else await _part_with(connection, delivery, paper.arxiv_id)
        pasts[one.locale] = why_decision.Past(one, delivery, part)
    return pasts


async def _part_with(connection: Connection, delivery: models.Delivery, arxiv_id: str) -> models.Part | None:
    """Return the message that shows the paper; the first one where the payloads are gone."""
    parts = await queries.list_parts(connection, delivery.id)
    showing = [part for part in parts if part.payload and arxiv_id in part.payload]
    return next(iter(showing or parts), None)


async def _last_daily(
    connection: Connection,
    order: models.Subscription,
    standings: Sequence[digest_reads.FreshDigest],
    covered: Sequence[posted.Covered],
) -> why_decision.Draw | None:
    """Return the last choice that the order made from a digest with the paper."""
    ids = {one.id for one in standings}
    at = max((one.covered_at for one in covered if one.digest_id in ids), default=None)
    if at is None:
        return None
    together = [one for one in covered if one.covered_at == at]
    digest_on = max(one.date_on for one in together)
    is_first = at == min(one.covered_at for one in covered)
    planned = await queries.list_rows(
        connection, subscription_id=order.id, kind=models.DeliveryKind.DAILY, digest_on=digest_on
    )
    chosen = next((len(one.papers) for one in planned if one.planned_at == at), 0)
    drawn = [one.digest_id for one in together if one.date_on == digest_on or not is_first]
    places = await posted.list_papers(
        connection, [order.channel_id], since_at=at - planner.HAD_FOR, until_at=at
    )
    ranked = await _ranked(connection, drawn, places.get((order.channel_id, order.locale.value), set()))
    return why_decision.Draw(digest_on, at, ranked, chosen, digest_on if is_first else None)


async def _last_weekly(
    connection: Connection, order: models.Subscription, standings: Sequence[digest_reads.FreshDigest]
) -> why_decision.Draw | None:
    """Return the order's last weekly post whose week holds a digest with the paper."""
    planned = await queries.list_rows(
        connection, subscription_id=order.id, kind=models.DeliveryKind.DAILY, limit=60
    )
    for post in planned:
        if post.local_on is None:
            continue
        first, last = _week_of(post.local_on)
        if any(first <= one.date_on <= last for one in standings):
            digests = await digest_reads.list_digests(connection, first, last)
            places = await posted.list_papers(
                connection,
                [order.channel_id],
                since_at=post.planned_at - planner.HAD_FOR,
                until_at=post.planned_at,
            )
            had_here = places.get((order.channel_id, order.locale.value), set())
            ranked = await _ranked(connection, [one.id for one in digests], had_here)
            return why_decision.Draw(post.local_on, post.planned_at, ranked, len(post.papers))
    return None


def _week_of(local_on: date) -> tuple[date, date]:
    return local_on - decision.WEEK + decision.DAY, local_on + timedelta(days=1)


async def _ranked(
    connection: Connection, digest_ids: Sequence[int], had_here: set[int]
) -> tuple[selection.Candidate, ...]:
    shelf = decision.Shelf([], await digest_reads.list_papers(connection, digest_ids))
    return tuple(one for one in shelf.ranked(digest_ids) if one.paper_id not in had_here)
