"""Plans alerts: one delivery per recipient and digest.

Runs in the transaction that stores a fresh digest, so that no alert is lost or planned twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias

import structlog

from bot import isolation
from bot.services.alerts import alert_index, matcher
from bot.services.daily import selection
from bot.services.posts import contents, summaries
from bot.services.posts.delivery_factory import DeliveryFactory
from bot.text.matching import keyword_match
from storage import alerts, digests, guilds, models, papers, readers
from storage.database import Connection
from storage.outbox import plan

log = structlog.get_logger(__name__)

RECIPIENT_BATCH_SIZE = 16
"""Number of recipients matched against a paper before the event loop gets control."""

PaperMatch: TypeAlias = tuple[models.PaperDetail, tuple[contents.AlertReason, ...]]
"""A paper, and why it matches a recipient's alerts."""


class Recipient(NamedTuple):
    """The destination of alerts: a reader, or a channel with its server."""

    user_id: int | None
    channel_id: int | None
    guild_id: int | None


class AlertNotifier:
    """Matches a fresh digest's papers against all alerts. `alert_days` is the maximum age of a digest that raises alerts."""

    def __init__(
        self,
        deliveries: DeliveryFactory,
        *,
        default_locale: models.Locale = models.Locale.EN,
        alert_days: int = 3,
    ) -> None:
        self._deliveries = deliveries
        self._default_locale = default_locale
        self._alert_days = alert_days

    async def notify(
        self, connection: Connection, digest_id: int, paper_ids: Sequence[int], revision: int, now: datetime
    ) -> int:
        """Plan the alerts for a digest's papers. Returns the number of deliveries."""
        digest = await digests.get(connection, digest_id)
        if digest is None or digest.date < (now - timedelta(days=self._alert_days)).date():
            return 0
        await alert_index.rebuild_if_outdated(connection)
        matches = await self._match(connection, paper_ids, now)
        if not matches:
            return 0
        return await self._plan(connection, digest, matches, revision, now)

    async def _match(
        self, connection: Connection, paper_ids: Sequence[int], now: datetime
    ) -> dict[Recipient, list[PaperMatch]]:
        """Return the papers that each recipient has not been notified of, most votes first."""
        details = await papers.list_details(connection, paper_ids)
        texts = {detail.id: matcher.keyword_text(detail) for detail in details}
        terms: dict[int, set[str]] = {}
        for detail in details:
            terms[detail.id] = matcher.candidate_terms(detail.authors, texts[detail.id])
            await asyncio.sleep(0)  # thirty papers must not block the event loop at once
        by_term = await alerts.list_by_trigger_terms(connection, set().union(*terms.values()), now)
        matches: dict[Recipient, list[PaperMatch]] = {}
        for detail in sorted(
            details, key=lambda detail: (*selection.votes_sort_key(detail.votes), detail.id)
        ):
            candidates = (alert for term in terms[detail.id] & by_term.keys() for alert in by_term[term])
            async for recipient, reasons in _match_recipients(candidates, detail, texts[detail.id]):
                matches.setdefault(recipient, []).append((detail, reasons))
        notified = await alerts.list_notified_papers(
            connection, [_key(recipient) for recipient in matches], list(texts)
        )
        new_matches = {
            recipient: [match for match in matched if (_key(recipient), match[0].id) not in notified]
            for recipient, matched in matches.items()
        }
        return {recipient: matched for recipient, matched in new_matches.items() if matched}

    async def _plan(
        self,
        connection: Connection,
        digest: models.StoredDigest,
        matches: dict[Recipient, list[PaperMatch]],
        revision: int,
        now: datetime,
    ) -> int:
        deliveries: dict[Recipient, models.NewDelivery] = {}
        for recipient, matched in matches.items():
            delivery = await self._build_delivery(connection, digest, recipient, matched, revision, now)
            if delivery is not None:
                deliveries[recipient] = delivery
        ids = await plan.add_all(connection, list(deliveries.values()))
        for recipient, delivery in deliveries.items():
            if delivery.key in ids:
                notified = [(_key(recipient), detail.id) for detail, _ in matches[recipient]]
                await alerts.add_notified_papers(
                    connection, notified, notified_at=now, delivery_id=ids[delivery.key]
                )
                log.info("alert planned", delivery=delivery.key, papers=len(notified))
        return len(ids)

    async def _build_delivery(
        self,
        connection: Connection,
        digest: models.StoredDigest,
        recipient: Recipient,
        matches: list[PaperMatch],
        revision: int,
        now: datetime,
    ) -> models.NewDelivery | None:
        user_id, channel_id, guild_id = recipient
        locale, dm_channel_id = await self._resolve_recipient(connection, recipient)
        key = f"alert:{_key(recipient)}:{digest.id}:{revision}"
        post = contents.AlertPost(
            marker=key,
            locale=locale,
            digest_on=digest.date,
            matches=tuple(
                (summaries.build_post_paper(detail, locale), reasons) for detail, reasons in matches
            ),
            in_channel=channel_id is not None,
        )
        # An alert that fails to render must not block the digest's ingest.
        with isolation.isolated(log, "alert rendering failed", delivery=key):
            return self._deliveries.build_alert(
                post, now=now, user_id=user_id, guild_id=guild_id, channel_id=channel_id or dm_channel_id
            )
        return None

    async def _resolve_recipient(
        self, connection: Connection, recipient: Recipient
    ) -> tuple[models.Locale, int | None]:
        user_id, channel_id, guild_id = recipient
        if channel_id is not None:
            guild = await guilds.get(connection, guild_id) if guild_id else None
            return (guild.locale if guild and guild.locale else self._default_locale), None
        reader = await readers.get(connection, user_id) if user_id else None
        if reader is None:
            return self._default_locale, None
        return reader.locale or self._default_locale, reader.dm_channel_id


async def _match_recipients(
    alerts_to_match: Iterable[models.Alert], paper: models.PaperDetail, text: keyword_match.KeywordText
) -> AsyncIterator[tuple[Recipient, tuple[contents.AlertReason, ...]]]:
    """Yield the recipients with an alert that matches the paper, and the reasons."""
    by_recipient: dict[Recipient, list[models.Alert]] = {}
    for alert in alerts_to_match:
        by_recipient.setdefault(_recipient_of(alert), []).append(alert)
    for index, (recipient, own) in enumerate(by_recipient.items()):
        if index % RECIPIENT_BATCH_SIZE == 0:
            await asyncio.sleep(0)
        reasons = matcher.match_all(sorted(own, key=lambda alert: alert.id), paper, text)
        if reasons:
            yield recipient, reasons


def _recipient_of(alert: models.Alert) -> Recipient:
    if alert.channel_id is None:
        return Recipient(alert.user_id, None, None)
    return Recipient(None, alert.channel_id, alert.guild_id)


def _key(recipient: Recipient) -> str:
    """Return the name of a recipient in storage."""
    user_id, channel_id, _ = recipient
    return f"user:{user_id}" if channel_id is None else f"channel:{channel_id}"
