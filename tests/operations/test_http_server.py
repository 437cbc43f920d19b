"""The endpoints for operators over HTTP on loopback, on both database engines, and the metrics behind them."""

from __future__ import annotations

import json
import random
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client import parser

from bot.operations import health as operations_health
from bot.operations.health import CLAIM_SECONDS, DISCORD_SECONDS, TICK_SECONDS, Liveness, Metrics
from bot.outbox.discord_health import Answer, DiscordHealth
from storage import deliveries, errors, models, outbox
from storage.database import Database
from tests.support import patience
from tests.support.planner_harness import SEOUL_9AM
from tests.support.relay_harness import new_delivery

NOW = SEOUL_9AM + timedelta(seconds=90)
DASHBOARD = Path(__file__).parents[2] / "deploy" / "grafana.json"


@dataclass
class ServerHarness:
    """A monitoring server whose role, connection and monotonic time a test sets."""

    db: Database
    role: str = "sender"
    connected: bool = True
    seconds: float = 1000.0
    metrics: Metrics = field(default_factory=Metrics)
    url: str = ""

    def __post_init__(self) -> None:
        self.liveness = Liveness(lambda: self.seconds)

    def open(self) -> operations_health.MonitoringServer:
        return operations_health.MonitoringServer(
            self.db,
            self.metrics,
            lambda: NOW,
            self.liveness,
            role=lambda: self.role,
            is_connected=lambda: self.connected,
        )

    def show_life(self, *except_for: str) -> None:
        """Record every sign of life now, except for those named."""
        for sign in {"tick", "claim", "discord"} - set(except_for):
            getattr(self.liveness, f"record_{sign}")()

    async def health(self) -> tuple[int, dict[str, Any]]:
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/health") as response:
            return response.status, await response.json()

    async def samples(self) -> dict[str, float]:
        """Return the value of each metric by its name and labels."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/metrics") as response:
            assert response.status == 200
            assert response.headers["Content-Type"].startswith("text/plain")
            text = await response.text()
        return {
            ",".join([sample.name, *(f"{key}={value}" for key, value in sorted(sample.labels.items()))]): (
                sample.value
            )
            for family in parser.text_string_to_metric_families(text)
            for sample in family.samples
        }

    async def plan(self, *keys: str) -> None:
        async with self.db.transaction() as connection:
            await outbox.add_all(connection, [new_delivery(key, 20, SEOUL_9AM, parts=2) for key in keys])

    async def send_all(self) -> None:
        async with self.db.transaction() as connection:
            for delivery in await deliveries.list_rows(connection):
                parts = await deliveries.list_parts(connection, delivery.id)
                await outbox.mark_sent(connection, {part.id: models.Receipt(1, 20) for part in parts}, NOW)


@pytest.fixture
async def harness(db: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ServerHarness]:
    monkeypatch.setattr(
        operations_health, "DATABASE_SECONDS", patience.scaled(operations_health.DATABASE_SECONDS)
    )
    harness = ServerHarness(db)
    async with harness.open().serving("127.0.0.1:0") as url:
        harness.url = url
        yield harness


async def test_a_connected_sender_without_deliveries_is_healthy(harness: ServerHarness) -> None:
    harness.show_life()
    harness.seconds += 7
    assert await harness.health() == (
        200,
        {
            "up": True,
            "role": "sender",
            "gateway_connected": True,
            "oldest_unsent_at": None,
            "oldest_unsent_seconds": None,
            "discord": "well",
            "outage": False,
            "tick_seconds": 7.0,
            "claim_seconds": 7.0,
            "discord_seconds": 0.0,
            "problems": [],
        },
    )


@pytest.mark.parametrize(
    ("sign", "limit", "word"),
    [
        ("tick", TICK_SECONDS, "planner"),
        ("claim", CLAIM_SECONDS, "relay"),
        ("discord", DISCORD_SECONDS, "Gateway"),
    ],
)
async def test_a_sender_without_a_recent_sign_of_life_is_unhealthy_and_says_which(
    harness: ServerHarness, sign: str, limit: float, word: str
) -> None:
    harness.connected = False
    harness.show_life()
    harness.seconds += limit
    harness.show_life(sign)
    assert (await harness.health())[0] == 200
    harness.seconds += 1
    status, body = await harness.health()
    assert status == 503
    [problem] = body["problems"]
    assert word in problem
    assert body[f"{sign}_seconds"] == limit + 1
    harness.role = "standby"
    assert (await harness.health())[0] == 200


async def test_starting_up_has_a_grace_that_ends(harness: ServerHarness) -> None:
    harness.connected = False
    harness.seconds += CLAIM_SECONDS - 1
    status, body = await harness.health()
    assert (status, body["tick_seconds"], body["claim_seconds"], body["discord_seconds"]) == (
        200,
        None,
        None,
        None,
    )
    harness.liveness.record_start()
    harness.seconds += CLAIM_SECONDS - 1
    assert (await harness.health())[0] == 200
    harness.seconds += 2
    assert (await harness.health())[0] == 503


async def test_health_answers_while_the_database_does_not(
    sqlite_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = ServerHarness(sqlite_db)
    monkeypatch.setattr(operations_health, "DATABASE_SECONDS", 0.0)
    async with harness.open().serving("127.0.0.1:0") as harness.url:
        await harness.plan("daily:1:2026-01-05")
        status, body = await harness.health()
    assert (status, body["oldest_unsent_at"]) == (200, None)


async def test_the_oldest_unsent_delivery_is_reported_with_its_age(harness: ServerHarness) -> None:
    await harness.plan("daily:1:2026-01-05")
    status, body = await harness.health()
    assert status == 200
    assert body["oldest_unsent_at"] == SEOUL_9AM.isoformat()
    assert body["oldest_unsent_seconds"] == 90.0
    await harness.send_all()
    assert (await harness.health())[1]["oldest_unsent_at"] is None


async def test_queue_depth_is_by_state_and_an_emptied_state_is_zero(harness: ServerHarness) -> None:
    await harness.plan("a", "b")
    samples = await harness.samples()
    assert samples["paperround_queue_depth,state=planned"] == 4
    assert samples["paperround_queue_depth,state=sent"] == 0
    assert samples["paperround_oldest_unsent_seconds"] == 90
    await harness.send_all()
    samples = await harness.samples()
    assert samples["paperround_queue_depth,state=planned"] == 0
    assert samples["paperround_queue_depth,state=sent"] == 4
    assert samples["paperround_oldest_unsent_seconds"] == 0


async def test_outcomes_are_counted_by_kind_and_reason_with_lateness(harness: ServerHarness) -> None:
    daily = models.DeliveryKind.DAILY
    harness.metrics.record("sent", daily, None, 3.0)
    harness.metrics.record("sent", daily, None, -1.0)
    harness.metrics.record("retry", daily, models.Reason.DISCORD_TROUBLE, None)
    harness.metrics.record("paused", models.DeliveryKind.ALERT, models.Reason.NO_SEND, None)
    harness.metrics.digests.inc(2)
    harness.connected = False
    samples = await harness.samples()
    assert samples["paperround_parts_total,kind=daily,outcome=sent"] == 2
    assert samples["paperround_parts_total,kind=daily,outcome=retry"] == 1
    assert samples["paperround_failures_total,reason=discord-trouble"] == 1
    assert samples["paperround_failures_total,reason=no-send"] == 1
    assert samples["paperround_lateness_seconds_bucket,kind=daily,le=0.5"] == 1
    assert samples["paperround_lateness_seconds_bucket,kind=daily,le=5.0"] == 2
    assert samples["paperround_lateness_seconds_sum,kind=daily"] == 3
    assert samples["paperround_digests_total"] == 2
    assert samples["paperround_gateway_connected"] == 0


async def test_metrics_show_the_state_of_the_clock(harness: ServerHarness) -> None:
    offset = timedelta(0)
    monitor = operations_health.ClockMonitor(lambda: NOW + offset, lambda: 0.0)
    monitor.compare_with_discord(NOW)
    harness.metrics.watch_clock(monitor)
    offset = timedelta(hours=26)
    monitor()
    samples = await harness.samples()
    assert samples["paperround_clock_held"] == 1
    assert samples["paperround_clock_offset_seconds"] == 26 * 3600


async def test_the_health_of_discord_is_a_metric(harness: ServerHarness) -> None:
    health = DiscordHealth(lambda: 0.0, random.Random(1))
    harness.metrics.watch_discord(health)
    assert (await harness.samples())["paperround_discord_state,state=well"] == 1
    health.record_answer(Answer(403, is_json=False))
    samples = await harness.samples()
    assert samples["paperround_discord_state,state=well"] == 0
    assert samples["paperround_discord_state,state=troubled"] == 1
    assert samples["paperround_invalid_requests"] == 1


async def test_every_query_of_the_dashboard_is_answered(harness: ServerHarness) -> None:
    harness.metrics.watch_discord(DiscordHealth(lambda: 0.0, random.Random(1)))
    harness.metrics.record("sent", models.DeliveryKind.DAILY, None, 3.0)
    harness.metrics.record("retry", models.DeliveryKind.DAILY, models.Reason.DISCORD_TROUBLE, None)
    harness.metrics.record_lookup(True, 0.1)
    await harness.plan("a")
    samples = {tuple(name.split(",")) for name in await harness.samples()}
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    queries_of_panels = [target["expr"] for panel in panels for target in panel["targets"]]
    assert len(queries_of_panels) >= len(panels) > 10
    for query in queries_of_panels:
        [(name, selector)] = re.findall(r"(paperround_\w+)\{([^}]*)\}", query)
        # Prometheus itself adds the label of the job.
        wanted = dict(re.findall(r'(?<!\w)(?!job)(\w+)=~?"([^"]*)"', selector))
        assert any(_answers(sample, name, wanted) for sample in samples), query
        for label in re.findall(r"by \(([^)]*)\)", query):
            names = {part.partition("=")[0] for sample in samples if sample[0] == name for part in sample[1:]}
            assert set(label.split(", ")) <= names, query


def _answers(sample: tuple[str, ...], name: str, wanted: dict[str, str]) -> bool:
    labels = dict(part.split("=", 1) for part in sample[1:])
    return sample[0] == name and all(
        re.fullmatch(value, labels.get(label, "")) for label, value in wanted.items()
    )


def test_two_bots_in_one_process_have_separate_metrics() -> None:
    first, second = Metrics(), Metrics()
    first.digests.inc()
    assert b"paperround_digests_total 1.0" in first.render()
    assert b"paperround_digests_total 0.0" in second.render()


@pytest.mark.parametrize("path", ["/", "/health/../settings", "/metrics/all"])
async def test_other_paths_and_methods_are_refused(harness: ServerHarness, path: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{harness.url}{path}") as response:
        assert response.status == 404
    async with aiohttp.ClientSession() as session, session.post(f"{harness.url}/health") as response:
        assert response.status == 405


async def test_a_port_in_use_is_an_error_that_names_it(sqlite_db: Database) -> None:
    first, second = ServerHarness(sqlite_db), ServerHarness(sqlite_db)
    async with first.open().serving("127.0.0.1:0") as url:
        address = url.removeprefix("http://")
        with pytest.raises(errors.PaperroundError, match=f"PAPERROUND_HTTP: {address}"):
            async with second.open().serving(address):
                pass
        first.url = url
        assert (await first.health())[0] == 200


@pytest.mark.parametrize("address", ["127.0.0.1:99999", "no-such-host.invalid:80"])
async def test_an_invalid_address_is_an_error(sqlite_db: Database, address: str) -> None:
    with pytest.raises(errors.PaperroundError, match="cannot be listened on"):
        async with ServerHarness(sqlite_db).open().serving(address):
            pass
