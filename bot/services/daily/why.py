"""Service of `/why`: reads what the planner decided about a paper in each subscription of a channel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bot import day_close
from bot.clock import Clock
from bot.services.daily import candidates, decision, why_decision
from storage import decisions, digests, entries, models, posted, subscriptions
from storage.database import Connection, Database
from storage.outbox import queries

WhyAnswer = tuple[tuple[why_decision.Explanation, ...], tuple[int, ...] | None]
"""The explanations for the subscriptions of a channel, then those for posts of deleted subscriptions.

Then the server's other channels with a subscription, or None if this channel has one.
"""


class WhyExplainer:
    """Explains what became of a paper in a channel. Read-only."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        matcher: candidates.TopicMatcher,
        rule: day_close.DayClose | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._matcher = matcher
        self._day_close = rule or day_close.default()

    async def explain(self, paper: models.PaperDetail, *, guild_id: int, channel_id: int) -> WhyAnswer:
        """Return what became of a paper in a channel. There are no explanations if no digest has the paper."""
        async with self._database.read() as connection:
            in_guild = await subscriptions.list_rows(connection, guild_id=guild_id)
            in_channel = [row for row in in_guild if row.channel_id == channel_id]
            containing = await _list_containing_digests(connection, paper)
            past = await _list_past_deliveries(connection, paper, channel_id)
            explanations = []
            if containing:
                explanations = [
                    why_decision.explain(await self._load_input(connection, paper, row, containing, past))
                    for row in in_channel
                ]
        locales = {row.locale.value for row in in_channel}
        explanations += [
            why_decision.explain_past(delivery, containing, self._clock(), None)
            for locale, delivery in past.items()
            if locale not in locales
        ]
        others = dict.fromkeys(row.channel_id for row in in_guild if row.channel_id != channel_id)
        return tuple(explanations), None if in_channel else tuple(others)

    async def _load_input(
        self,
        connection: Connection,
        paper: models.PaperDetail,
        subscription: models.Subscription,
        containing_digests: tuple[models.StoredDigest, ...],
        past_deliveries: dict[str, why_decision.PastDelivery],
    ) -> why_decision.ExplanationInput:
        digest_ids = [digest.id for digest in containing_digests]
        return why_decision.ExplanationInput(
            paper_id=paper.id,
            votes=paper.votes,
            subscription=subscription,
            containing_digests=containing_digests,
            covered_ids=await _list_covered_ids(connection, subscription, digest_ids),
            past_delivery=past_deliveries.get(subscription.locale.value),
            decisions=await decisions.list_rows(connection, subscription.id),
            upcoming=await self._decide_upcoming(connection, subscription),
            now=self._clock(),
            is_on_topic=await self._is_on_topic(connection, paper, subscription),
            closings=await candidates.load_closings(
                connection, self._day_close, self._clock(), [subscription]
            ),
        )

    async def _is_on_topic(
        self, connection: Connection, paper: models.PaperDetail, subscription: models.Subscription
    ) -> bool:
        """Return whether the paper matches the subscription's topic, with today's texts and votes."""
        if not subscription.topic:
            return True
        digest_ids = [appearance.digest_id for appearance in paper.appearances]
        rows = await entries.list_papers(connection, digest_ids)
        own = [row for row in rows if row.paper_id == paper.id]
        return paper.id in await self._matcher(connection, subscription.topic, own)

    async def _decide_upcoming(
        self, connection: Connection, subscription: models.Subscription
    ) -> decisions.StoredDecision | None:
        """Return the planner's decision at the next due time, by today's digests and votes."""
        if subscription.state is not models.ActivityState.ACTIVE or subscription.next_due_at is None:
            return None
        due_at = max(subscription.next_due_at, self._clock())
        closings = await candidates.load_closings(connection, self._day_close, due_at, [subscription])
        if closings is not None:
            # As if the lists were read in time.
            day = self._day_close.last_closed(due_at + decision.CLOSE_WAIT)
            due_at = max(due_at, self._day_close.closes_at(day))
            closings = day_close.Closings(self._day_close, {day: due_at})
        pool = await candidates.load_pool(connection, [subscription], due_at)
        await candidates.TopicMatches(self._matcher).look_up(connection, pool, [subscription])
        plan = decision.decide(
            subscription,
            decision.Calendar(due_at),
            pool,
            covered_ids=await _list_covered_ids(
                connection, subscription, (digest.id for digest in pool.digests)
            ),
            posted_ids=await candidates.load_posted_ids(connection, subscription, self._clock()),
            closings=closings,
        )
        if plan.choice is None:
            return None
        record = decision.to_record(plan, plan.choice, subscription.next_due_at)
        chosen = tuple((paper.paper_id, paper.votes) for paper in plan.choice.own_papers)
        return replace(record, cutoff_rank=0, cutoff_votes=None, left_out=chosen + record.left_out)


async def _list_covered_ids(
    connection: Connection, subscription: models.Subscription, digest_ids: Iterable[int]
) -> dict[int, int]:
    covered = await posted.list_covered(connection, [subscription.id], list(digest_ids))
    return covered.get(subscription.id, {})


async def _list_containing_digests(
    connection: Connection, paper: models.PaperDetail
) -> tuple[models.StoredDigest, ...]:
    """Return the digests with the paper, newest first."""
    ids = {appearance.digest_id for appearance in paper.appearances}
    if not ids:
        return ()
    dates = [appearance.date for appearance in paper.appearances]
    newest_first = await digests.list_rows(connection, since_on=min(dates), until_on=max(dates))
    return tuple(digest for digest in newest_first if digest.id in ids)


async def _list_past_deliveries(
    connection: Connection, paper: models.PaperDetail, channel_id: int
) -> dict[str, why_decision.PastDelivery]:
    """Return the latest delivery of the paper to the channel, by language."""
    past: dict[str, why_decision.PastDelivery] = {}
    for row in await posted.list_for_paper(connection, paper.id, channel_id=channel_id):
        delivery = None if row.delivery_id is None else await queries.get(connection, row.delivery_id)
        part = None if delivery is None else await _find_part_showing(connection, delivery, paper.arxiv_id)
        past[row.locale] = row, delivery, part
    return past


async def _find_part_showing(
    connection: Connection, delivery: models.Delivery, arxiv_id: str
) -> models.Part | None:
    """Return the part that shows the paper, or the first one if the payloads have been purged."""
    parts = await queries.list_parts(connection, delivery.id)
    showing = [part for part in parts if part.payload and arxiv_id in part.payload]
    return next(iter(showing or parts), None)
