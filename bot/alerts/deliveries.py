"""The delivery kind of alerts: what the expiry of a message undoes, and how alerts are suspended and resumed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from bot.outbox import contents
from bot.outbox.deliveries import STYLE_REASONS, CanResume, KindRecord, Owned
from storage import alerts, models
from storage.database import Connection


async def _undo(connection: Connection, unsent: Sequence[models.Delivery], now: datetime) -> None:
    """Let the papers be notified again. Alerts that Discord suspended are sent theirs once they are resumed."""
    papers = await alerts.remove_notified_of_deliveries(connection, [row.id for row in unsent])
    await alerts.keep_unsent_matches(connection, papers, now)


async def _suspend(
    connection: Connection, delivery: models.Delivery, state: models.ActivityState, reason: models.Reason
) -> list[Owned]:
    if delivery.is_direct:
        own = await alerts.list_rows(connection, user_id=delivery.user_id)
        ids = [alert.id for alert in own if alert.channel_id is None]
        await alerts.set_state(connection, ids, state, reason=reason)
        return []
    if reason in STYLE_REASONS:
        return []
    posted = await alerts.list_rows(connection, channel_id=delivery.channel_id)
    active = [alert for alert in posted if alert.state is models.ActivityState.ACTIVE]
    await alerts.set_state(connection, [alert.id for alert in active], state, reason=reason)
    return _list_owned(active)


async def _resume(connection: Connection, can_resume: CanResume, guild_id: int | None) -> list[Owned]:
    suspended = await alerts.list_suspended(connection)
    resumable = [alert for alert in suspended if can_resume(alert.guild_id, alert.channel_id, alert.reason)]
    ids = [alert.id for alert in resumable]
    await alerts.set_state(connection, ids, models.ActivityState.ACTIVE)
    return _list_owned(resumable)


def _list_owned(changed: Iterable[models.Alert]) -> list[Owned]:
    """Return one of the alerts of each owner in each channel."""
    by_owner = {(alert.user_id, alert.channel_id): alert for alert in changed}
    return [
        Owned(
            name=f"a{alert.id}",
            guild_id=alert.guild_id,
            channel_id=alert.channel_id,
            user_id=alert.user_id,
            alert_id=alert.id,
        )
        for alert in by_owner.values()
    ]


ALERT: KindRecord[contents.AlertPost] = KindRecord(
    kind=models.DeliveryKind.ALERT,
    priority=models.Priority.NOTIFICATION,
    render=lambda renderer, post: renderer.render_alert(post),
    undo=_undo,
    suspend=_suspend,
    resume=_resume,
)
