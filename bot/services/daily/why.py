"""Answers "why didn't this paper come?" for a channel: reads what each of its standing orders drew from and had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.clock import Clock
from bot.services.daily import decision, planner, selection, styles, why_decision
from storage import digest_reads, models, posted, subscriptions
from storage.database import Connection, Database
from storage.outbox import queries


@dataclass(frozen=True, slots=True)
class WhyAnswer:
    """An answer for each standing order of the channel, and for posts of orders that are no more.

    `elsewhere` are the server's other channels that have a daily post.
    """

    paper: models.PaperDetail
    explanations: tuple[why_decision.Explanation, ...]
    has_subscription: bool
    other_channel_ids: tuple[int, ...] = ()


class WhyExplainer:
    """Explains; changes nothing."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def explain(self, paper: models.PaperDetail, *, guild_id: int, channel_id: int) -> WhyAnswer:
        """Return what became of a paper in a channel. A paper that no digest holds has no answers."""
        async with self._database.read() as connection:
            orders = await subscriptions.list_rows(connection, guild_id=guild_id)
            here = [one for one in orders if one.channel_id == channel_id]
            standings = await _list_containing_digests(connection, paper)
            pasts = await _list_past_deliveries(connection, paper, channel_id)
            because = []
            if standings:
                because = [
                    await self._explain_subscription(connection, paper, one, standings, pasts) for one in here
                ]
        languages = {one.locale.value for one in here}
        because += [
            why_decision.explain_past(past, standings, self._clock(), None)
            for locale, past in pasts.items()
            if locale not in languages
        ]
        elsewhere = dict.fromkeys(one.channel_id for one in orders if one.channel_id != channel_id)
        return WhyAnswer(paper, tuple(because), bool(here), tuple(elsewhere))

    async def _explain_subscription(
        self,
        connection: Connection,
        paper: models.PaperDetail,
        subscription: models.Subscription,
        containing_digests: tuple[digest_reads.CandidateDigest, ...],
        past_deliveries: dict[str, why_decision.PastDelivery],
    ) -> why_decision.Explanation:
        covered = await posted.list_covered_by(connection, subscription.id)
        drawn = {one.digest_id for one in covered}
        if styles.is_rolling(subscription):
            last = await _last_weekly_selection(connection, subscription, containing_digests)
        else:
            last = await _last_daily_selection(connection, subscription, containing_digests, covered)
        facts = why_decision.ExplanationInput(
            paper_id=paper.id,
            votes=paper.votes,
            subscription=subscription,
            containing_digests=containing_digests,
            covered_ids=drawn,
            past_delivery=past_deliveries.get(subscription.locale.value),
            last_selection=last,
            upcoming_selection=await self._upcoming_selection(connection, subscription, drawn),
            now=self._clock(),
        )
        return why_decision.explain(facts)

    async def _upcoming_selection(
        self, connection: Connection, subscription: models.Subscription, covered_ids: set[int]
    ) -> why_decision.SelectionRun | None:
        """Return what the next post would choose from if it were put together now."""
        dates = why_decision.eligible_dates(subscription, self._clock())
        if dates is None or subscription.next_due_at is None:
            return None
        found = await digest_reads.list_digests(connection, *dates)
        is_rolling = styles.is_rolling(subscription)
        fresh = [one for one in found if is_rolling or one.id not in covered_ids]
        if not fresh:
            return None
        newest_on = max(one.date_on for one in fresh)
        is_first = subscription.last_digest_on is None and not is_rolling
        ids = [one.id for one in fresh if one.date_on == newest_on or not is_first]
        places = await posted.list_papers(
            connection, [subscription.channel_id], since_at=self._clock() - planner.REPOST_INTERVAL
        )
        ranked = await _rank_candidates(
            connection, ids, places.get((subscription.channel_id, subscription.locale.value), set())
        )
        return why_decision.SelectionRun(
            newest_on, subscription.next_due_at, ranked, first_post_digest_on=newest_on if is_first else None
        )


async def _list_containing_digests(
    connection: Connection, paper: models.PaperDetail
) -> tuple[digest_reads.CandidateDigest, ...]:
    """Return the digests that hold the paper, the newest first."""
    ids = {one.digest_id for one in paper.appearances}
    if not ids:
        return ()
    dates = [one.date for one in paper.appearances]
    found = await digest_reads.list_digests(connection, min(dates), max(dates))
    return tuple(reversed([one for one in found if one.id in ids]))


async def _list_past_deliveries(
    connection: Connection, paper: models.PaperDetail, channel_id: int
) -> dict[str, why_decision.PastDelivery]:
    """Return when the channel had the paper, by language."""
    pasts = {}
    for one in await posted.list_for_paper(connection, paper.id, channel_id=channel_id):
        delivery = None if one.delivery_id is None else await queries.get(connection, one.delivery_id)
        part = None if delivery is None else await _find_part_showing(connection, delivery, paper.arxiv_id)
        pasts[one.locale] = why_decision.PastDelivery(one, delivery, part)
    return pasts


async def _find_part_showing(
    connection: Connection, delivery: models.Delivery, arxiv_id: str
) -> models.Part | None:
    """Return the message that shows the paper; the first one where the payloads are gone."""
    parts = await queries.list_parts(connection, delivery.id)
    showing = [part for part in parts if part.payload and arxiv_id in part.payload]
    return next(iter(showing or parts), None)


async def _last_daily_selection(
    connection: Connection,
    subscription: models.Subscription,
    containing_digests: Sequence[digest_reads.CandidateDigest],
    covered: Sequence[posted.CoveredDigest],
) -> why_decision.SelectionRun | None:
    """Return the last choice that the order made from a digest with the paper."""
    ids = {one.id for one in containing_digests}
    at = max((one.covered_at for one in covered if one.digest_id in ids), default=None)
    if at is None:
        return None
    together = [one for one in covered if one.covered_at == at]
    digest_on = max(one.date_on for one in together)
    is_first = at == min(one.covered_at for one in covered)
    planned = await queries.list_rows(
        connection, subscription_id=subscription.id, kind=models.DeliveryKind.DAILY, digest_on=digest_on
    )
    chosen = next((len(one.papers) for one in planned if one.planned_at == at), 0)
    drawn = [one.digest_id for one in together if one.date_on == digest_on or not is_first]
    places = await posted.list_papers(
        connection, [subscription.channel_id], since_at=at - planner.REPOST_INTERVAL, until_at=at
    )
    ranked = await _rank_candidates(
        connection, drawn, places.get((subscription.channel_id, subscription.locale.value), set())
    )
    return why_decision.SelectionRun(digest_on, at, ranked, chosen, digest_on if is_first else None)


async def _last_weekly_selection(
    connection: Connection,
    subscription: models.Subscription,
    containing_digests: Sequence[digest_reads.CandidateDigest],
) -> why_decision.SelectionRun | None:
    """Return the order's last weekly post whose week holds a digest with the paper."""
    planned = await queries.list_rows(
        connection, subscription_id=subscription.id, kind=models.DeliveryKind.DAILY, limit=60
    )
    for post in planned:
        if post.local_on is None:
            continue
        first = decision.oldest_digest_date(subscription, post.local_on)
        last = decision.newest_digest_date(post.local_on)
        if any(first <= one.date_on <= last for one in containing_digests):
            digests = await digest_reads.list_digests(connection, first, last)
            places = await posted.list_papers(
                connection,
                [subscription.channel_id],
                since_at=post.planned_at - planner.REPOST_INTERVAL,
                until_at=post.planned_at,
            )
            had_here = places.get((subscription.channel_id, subscription.locale.value), set())
            ranked = await _rank_candidates(connection, [one.id for one in digests], had_here)
            return why_decision.SelectionRun(post.local_on, post.planned_at, ranked, len(post.papers))
    return None


async def _rank_candidates(
    connection: Connection, digest_ids: Sequence[int], posted_ids: set[int]
) -> tuple[selection.Candidate, ...]:
    shelf = decision.CandidatePool([], await digest_reads.list_papers(connection, digest_ids))
    return tuple(one for one in shelf.rank_papers(digest_ids) if one.paper_id not in posted_ids)
