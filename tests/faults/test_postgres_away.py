"""A restarting PostgreSQL server and a frozen sender, while a standby waits: each part arrives once."""

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
import sqlalchemy as sa

from bot.app import health
from bot.core import http_server
from bot.features.operations.liveness import Liveness
from bot.features.operations.metrics import Metrics
from storage import errors, models
from tests.fake_discord import model
from tests.fake_discord.server import FakeDiscord
from tests.support import fault_harness, outbox_builders, patience, postgres_server
from tests.support.fault_harness import FaultHarness
from tests.support.outbox_builders import new_delivery
from tests.support.relay_harness import message_texts

pytestmark = pytest.mark.engines("postgresql")
CHANNELS = 60
PARTS = 3


@pytest.fixture
def server() -> Iterator[postgres_server.PostgresServer]:
    with postgres_server.open_postgres_server() as started:
        yield started


@pytest.fixture
def database_url(server: postgres_server.PostgresServer) -> str:
    return server.url


@pytest.mark.parametrize("how", [signal.SIGQUIT, signal.SIGINT])
@pytest.mark.all_faults
async def test_bot_waits_for_a_restarting_database_server(
    harness: FaultHarness, server: postgres_server.PostgresServer, how: signal.Signals
) -> None:
    channels = harness.fake.add_channels(CHANNELS)
    bots = await harness.start_sender_and_standby()
    async with harness.supervising(*bots):
        for number, seconds in enumerate((3.0, 20.0)):
            await harness.fan_out(channels, PARTS, name=f"{number}-")
            await harness.wait_for_sent(number * CHANNELS * PARTS + 20)
            server.stop(how)
            await asyncio.sleep(seconds)
            server.start()
            await harness.wait_until_all_sent()
    messages = harness.fake.all_messages()
    for channel_id in channels:
        texts = message_texts(messages[channel_id])
        assert len(texts) == len(set(texts)) == PARTS * 2, harness.read_log()[-3000:]
    harness.assert_no_traceback()


@pytest.mark.all_faults
async def test_promoting_a_synchronous_replica_loses_nothing(
    fake: FakeDiscord, server: postgres_server.PostgresServer, tmp_path: Path
) -> None:
    with server.open_replica() as replica:
        hosts = {"host": [server.host, replica.host], "target_session_attrs": "primary"}
        url = sa.make_url(server.url).set(query=hosts).render_as_string(hide_password=False)
        async with fault_harness.open_fault_harness(fake, url, tmp_path) as harness:
            channels = harness.fake.add_channels(CHANNELS)
            bots = await harness.start_sender_and_standby()
            async with harness.supervising(*bots):
                await harness.fan_out(channels, PARTS)
                await harness.wait_for_sent(20)
                server.stop(signal.SIGQUIT)
                replica.promote()
                await harness.wait_for_sent(harness.fake.count_messages() + CHANNELS)
                await harness.wait_until_all_sent()
            await harness.assert_sent_once(channels, PARTS)
            harness.assert_no_traceback()


@pytest.mark.all_faults
async def test_sender_ends_with_a_reason_if_its_database_is_read_only(
    harness: FaultHarness, server: postgres_server.PostgresServer
) -> None:
    channels = harness.fake.add_channels(10)
    # It ends after half of the time that others are given to renew their leases.
    bot = harness.start_bot(TEST_PATIENCE=f"{patience.factor() / 2}")
    await harness.fake.wait_until_connected()
    server.execute("ALTER SYSTEM SET default_transaction_read_only = on")
    server.execute("SELECT pg_reload_conf()")
    server.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    assert await harness.wait_for_end(bot) == 1
    assert "read-only transaction" in harness.read_log()
    server.execute("ALTER SYSTEM RESET default_transaction_read_only")
    server.execute("SELECT pg_reload_conf()")
    await harness.db.close()
    harness.start_bot()
    await harness.fan_out(channels)
    await harness.wait_until_all_sent()
    await harness.assert_sent_once(channels)
    harness.assert_no_traceback()


@pytest.mark.promise
@pytest.mark.all_faults
async def test_frozen_sender_sends_nothing_twice_after_resuming(harness: FaultHarness) -> None:
    channels = harness.fake.add_channels(CHANNELS)
    forums = harness.fake.add_channels(8, first=500, kind=model.FORUM)
    sender, standby = await harness.start_sender_and_standby()
    await harness.fan_out(channels, PARTS)
    # Half of the forum posts arrive before the freeze, the rest while a successor searches for them.
    slow = {"kind": "slow", "method": "POST", "path": "*/threads", "times": 4}
    harness.fake.set_faults({**slow, "seconds": 10, "stored": True}, {**slow, "seconds": 15})
    posts = (models.PartKind.FORUM_POST,)
    planned = (new_delivery(f"f{forum}", forum, harness.now(), kinds=posts, priority=1) for forum in forums)
    await outbox_builders.add(harness.db, *planned)
    await harness.wait_for_sent(20)
    sender.send_signal(signal.SIGSTOP)
    frozen_at = harness.fake.count_messages()
    await harness.wait_for_sent(frozen_at + 60)
    await asyncio.sleep(40.0)
    # As if minutes had passed: Discord has forgotten the nonces of the former sender's messages.
    harness.fake.world.nonces.clear()
    sender.send_signal(signal.SIGCONT)
    await harness.wait_until_all_sent()
    assert (await harness.wait_for_end(sender), standby.poll()) == (1, None)
    assert "become the sender" in harness.read_log()
    await harness.assert_sent_once(channels, PARTS)
    parents = [channel.parent_id for channel in harness.fake.world.channels.values()]
    assert sorted(parent for parent in parents if parent in forums) == sorted(forums)
    harness.assert_no_traceback()
    await harness.assert_no_error_kept()


async def test_an_unreachable_database_always_raises_the_same_error(
    harness: FaultHarness, server: postgres_server.PostgresServer
) -> None:
    async def lose_the_server() -> None:
        async with harness.db.transaction() as connection:
            await connection.execute(sa.text("SELECT 1"))
            server.stop()
            await connection.execute(sa.text("SELECT 1"))

    async with harness.db.read() as connection:
        await connection.execute(sa.text("SELECT 1"))
    with pytest.raises(errors.DatabaseUnavailableError):
        await lose_the_server()
    for _ in range(2):
        with pytest.raises(errors.DatabaseUnavailableError, match="cannot be reached"):
            async with harness.db.read():
                pass
    monitoring = health.MonitoringServer(
        harness.db, Metrics(), harness.now, Liveness(), role=lambda: "sender", is_connected=lambda: True
    )
    serving = http_server.serving("127.0.0.1:0", "PAPERROUND_HTTP", [monitoring.add_routes])
    async with serving as url, aiohttp.ClientSession() as session:
        for path, status in (("metrics", 503), ("health", 200)):
            async with session.get(f"{url}/{path}") as response:
                assert response.status == status
        server.start()
        async with session.get(f"{url}/metrics") as response:
            assert response.status == 200
