"""Compares the papers of a digest with the alerts of a batch of recipients, and builds their deliveries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple, TypeAlias

import structlog

from bot import isolation
from bot.services.alerts import candidates, matcher
from bot.services.daily import selection
from bot.services.posts import contents, summaries
from bot.services.posts.delivery_factory import DeliveryFactory
from bot.time_slices import TimeSlices
from storage import alerts, guilds, models, readers
from storage.database import Connection, Database

log = structlog.get_logger(__name__)

PaperMatch: TypeAlias = tuple[models.PaperDetail, tuple[contents.AlertReason, ...]]
"""A paper, and why it matches a recipient's alerts."""


class Recipient(NamedTuple):
    """The destination of alerts: a reader, or a channel with its server."""

    user_id: int | None
    channel_id: int | None
    guild_id: int | None

    @property
    def name(self) -> str:
        """The name in storage."""
        return candidates.recipient_name(self.user_id, self.channel_id)


Matches: TypeAlias = dict[Recipient, list[PaperMatch]]


class AlertNotifier:
    """Matches candidates and renders the notifications. It reads only; the planner stores."""

    def __init__(
        self,
        database: Database,
        deliveries: DeliveryFactory,
        texts: candidates.PaperTexts,
        default_locale: models.Locale,
    ) -> None:
        self._database = database
        self._deliveries = deliveries
        self._texts = texts
        self._default_locale = default_locale

    async def match(self, batch: Sequence[candidates.Candidates], now: datetime) -> Matches:
        """Return the papers that each recipient has not been notified of, most votes first."""
        alert_ids = [alert_id for _, own in batch for alert_id, _ in own]
        paper_ids = sorted({paper_id for _, own in batch for _, ids in own for paper_id in ids})
        async with self._database.read() as connection:
            active = await alerts.list_active(connection, alert_ids, now)
            notified = await alerts.list_notified_papers(connection, [name for name, _ in batch], paper_ids)
        by_paper = _group_by_paper(batch, active)
        matches: Matches = defaultdict(list)
        slices = TimeSlices()
        for paper_id in paper_ids:
            prepared = await self._texts.get(paper_id) if paper_id in by_paper else None
            if prepared is None:
                continue
            for recipient, own in by_paper[paper_id].items():
                paper = prepared[0]
                meeting = [alert for alert in own if selection.meets_minimum(paper.votes, alert.min_votes)]
                if (recipient.name, paper_id) not in notified and (
                    reasons := matcher.match_all(meeting, *prepared)
                ):
                    matches[recipient].append((prepared[0], reasons))
                await slices.pause()
        for matched in matches.values():
            matched.sort(key=lambda match: (*selection.votes_sort_key(match[0].votes), match[0].id))
        return dict(matches)

    async def build_deliveries(
        self, digest: models.StoredDigest, revision: int, matches: Matches, now: datetime
    ) -> dict[Recipient, models.NewDelivery]:
        """Render the matches; what fails to render is logged and left out."""
        destinations = {}
        async with self._database.read() as connection:
            for recipient in matches:
                destinations[recipient] = await self._resolve_recipient(connection, recipient)
        details = {detail.id: detail for matched in matches.values() for detail, _ in matched}
        await summaries.prepare_extracts(details.values(), {locale for locale, _ in destinations.values()})
        built: dict[Recipient, models.NewDelivery] = {}
        slices = TimeSlices()
        for recipient, matched in matches.items():
            key = f"alert:{recipient.name}:{digest.id}:{revision}"
            locale, dm_channel_id = destinations[recipient]
            # An alert that fails to render must not block the others.
            with isolation.isolated(log, "alert rendering failed", delivery=key):
                built[recipient] = self._deliveries.build_alert(
                    _build_post(key, locale, digest.date, recipient, matched),
                    now=now,
                    user_id=recipient.user_id,
                    guild_id=recipient.guild_id,
                    channel_id=recipient.channel_id or dm_channel_id,
                )
            await slices.pause()
        return built

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


def _group_by_paper(
    batch: Sequence[candidates.Candidates], active: dict[int, models.Alert]
) -> dict[int, dict[Recipient, list[models.Alert]]]:
    """Return the active alerts to compare with each paper, by recipient, oldest first."""
    by_paper: dict[int, dict[Recipient, list[models.Alert]]] = defaultdict(dict)
    for _, own in batch:
        for alert_id, paper_ids in sorted(own):
            if alert := active.get(alert_id):
                for paper_id in paper_ids:
                    by_paper[paper_id].setdefault(_recipient_of(alert), []).append(alert)
    return by_paper


def _recipient_of(alert: models.Alert) -> Recipient:
    if alert.channel_id is None:
        return Recipient(alert.user_id, None, None)
    return Recipient(None, alert.channel_id, alert.guild_id)


def _build_post(
    key: str, locale: models.Locale, digest_on: date, recipient: Recipient, matches: Sequence[PaperMatch]
) -> contents.AlertPost:
    return contents.AlertPost(
        marker=key,
        locale=locale,
        digest_on=digest_on,
        matches=tuple((summaries.build_post_paper(detail, locale), reasons) for detail, reasons in matches),
        in_channel=recipient.channel_id is not None,
    )
