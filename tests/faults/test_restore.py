"""Restoring a backup after more posts were sent: nothing is posted twice."""

from datetime import timedelta

import pytest

from bot.features.alerts import planner as alerts_planner
from bot.features.alerts.service import Alerts
from bot.features.daily.service import Subscriptions
from storage import alerts, migrate, models, outbox, today
from tests.fake_discord import model
from tests.support import alert_builders
from tests.support.fault_harness import FaultHarness

pytestmark = [pytest.mark.engines("sqlite"), pytest.mark.promise, pytest.mark.all_faults]

STYLES = (
    (models.Style.CARDS, model.TEXT),
    (models.Style.COMPACT, model.TEXT),
    (models.Style.THREAD, model.TEXT),
    (models.Style.FORUM, model.FORUM),
    (models.Style.ANNOUNCEMENT, model.ANNOUNCEMENT),
)
PAST_NONCE_WINDOW = timedelta(minutes=10)
READER, PAPERS = 501, ("2601.00001", "2601.00002")


async def test_restored_backup_posts_nothing_twice(harness: FaultHarness) -> None:
    backup = harness.folder / "backup.db"
    due = harness.now().replace(second=0, microsecond=0) + timedelta(minutes=2)
    await _subscribe(harness, f"{due:%H:%M}")
    assert harness.start_cli("backup", str(backup)).wait() == 0, harness.read_log()
    harness.fake.limits.set_route_limit("POST /users/@me/channels", 1000, 1.0)

    async def run_until_sent() -> None:
        """Store the digest, like a source, and run a bot until all posts are sent."""
        await harness.store_digest(*PAPERS, on=due.date())
        bot = harness.start_bot()

        async def are_sent(count: int) -> bool:
            return [row.state.value for row in await harness.db.fetch(outbox.list_rows)] == ["sent"] * count

        # Not while a response with the time before the change is under way: the bot would take it for Discord's.
        await harness.wait_until(lambda: are_sent(len(STYLES) + 1), 100)
        # A match is stored first and ready a moment later: its three minutes begin then.
        await harness.wait_for_value(lambda: harness.db.fetch(alerts.list_schedules), bool)
        await harness.advance_clock(alerts_planner.GATHERING_TIME)
        await harness.wait_until(lambda: are_sent(len(STYLES) + 2), 100)
        bot.terminate()
        await harness.wait_for_end(bot)

    await harness.advance_clock(due + timedelta(seconds=1) - harness.now())
    await run_until_sent()
    sent = harness.fake.all_messages()
    assert len(sent) == len(STYLES) + 2  # plus a thread and the direct messages
    await harness.db.close()
    for suffix in ("-wal", "-shm"):
        (harness.folder / f"paperround.db{suffix}").unlink(missing_ok=True)
    backup.replace(harness.db.parsed_url.database or "")
    harness.db = await migrate.open_database(harness.database_url, migrate=False)
    await harness.advance_clock(PAST_NONCE_WINDOW)
    await run_until_sent()
    assert harness.fake.all_messages() == sent


async def _subscribe(harness: FaultHarness, at: str) -> None:
    """Set up a daily post in each style, and an alert and the papers of the day for a reader."""
    service = Subscriptions(harness.db, harness.now)
    for number, (style, channel_type) in enumerate(STYLES):
        [channel_id] = harness.fake.add_channels(1, first=number, kind=channel_type)
        await service.add(
            models.Subscription(guild_id=model.GUILD_ID, channel_id=channel_id, at_time=at, style=style)
        )
    await Alerts(harness.db, harness.now).add(alert_builders.draft("care", user_id=READER))
    await harness.db.write(today.add, today.Profile(READER, at_time=at, timezone="UTC"))
