"""The endpoints for operators over HTTP on loopback, and liveness and the metrics behind them."""

from __future__ import annotations

import asyncio
import json
import random
import re
import socket
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import aiohttp
import pytest
import sqlalchemy as sa
import structlog
from aiohttp import web
from prometheus_client import parser

from bot.app import health
from bot.app.health import CLAIM_SECONDS, DISCORD_SECONDS, TICK_SECONDS, Liveness, Metrics
from bot.core import clock_monitor, http_server
from bot.operations import service
from bot.outbox.discord_health import Answer, DiscordHealth, HealthState
from storage import errors, key_values, locks, models, outbox
from storage.database import Connection, Database
from tests.support import patience
from tests.support.planner_harness import SEOUL_9AM
from tests.support.relay_harness import new_delivery

MAX_CONNECTIONS = http_server.Limits().connections
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

    def serving(self, address: str, seconds: float = 600.0) -> AbstractAsyncContextManager[str]:
        server = health.MonitoringServer(
            self.db,
            self.metrics,
            lambda: NOW,
            self.liveness,
            role=lambda: self.role,
            is_connected=lambda: self.connected,
        )
        limits = http_server.Limits(seconds=seconds)
        return http_server.serving(address, "PAPERROUND_HTTP", [server.add_routes], limits)

    def show_life(self, *except_for: str) -> None:
        """Record every sign of life now, except for those named."""
        for sign in get_args(health.Sign):
            if sign not in except_for:
                self.liveness.record(sign)

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
            for delivery in await outbox.list_rows(connection):
                parts = await outbox.list_parts(connection, delivery.id)
                await outbox.mark_sent(connection, {part.id: models.Receipt(1, 20) for part in parts}, NOW)


@pytest.fixture
async def harness(db: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ServerHarness]:
    monkeypatch.setattr(health, "DATABASE_SECONDS", patience.scaled(health.DATABASE_SECONDS))
    harness = ServerHarness(db)
    async with harness.serving("127.0.0.1:0") as url:
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
    assert "login" in (await harness.health())[1]["problems"][0]
    harness.liveness.record_readiness(is_ready=True)
    assert (await harness.health())[0] == 200


@pytest.mark.parametrize("role", ["sender", "standby"])
async def test_a_database_that_is_away_or_read_only_for_a_minute_is_a_problem(
    harness: ServerHarness, role: str
) -> None:
    harness.role = role
    harness.liveness.record_readiness(is_ready=True)
    harness.liveness.record_database("the connection was lost")
    harness.seconds += health.DATABASE_AWAY_SECONDS
    harness.show_life()
    harness.liveness.record_database("papers cannot be used. It is read-only.")
    assert (await harness.health())[0] == 200
    harness.seconds += 1
    status, body = await harness.health()
    assert (status, body["outage"]) == (503, False)
    assert "It is read-only." in body["problems"][0]
    harness.liveness.record_database(None)
    assert (await harness.health())[0] == 200


async def test_a_standby_of_another_schema_could_not_take_over(harness: ServerHarness) -> None:
    harness.role = "standby"
    harness.liveness.record_readiness(is_ready=True)
    async with harness.db.transaction() as connection:
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = 'r9999'"))
        await key_values.set_value(connection, key_values.OLDEST_SCHEMA, "r9999")
    status, body = await harness.health()
    assert status == 503
    assert "The database has schema r9999" in body["problems"][0]


async def test_starting_up_has_a_grace_that_ends(harness: ServerHarness) -> None:
    harness.connected = False
    harness.seconds += CLAIM_SECONDS - 1
    status, body = await harness.health()
    assert status == 200
    assert {body[f"{sign}_seconds"] for sign in ("tick", "claim", "discord")} == {None}
    harness.liveness.record_start()
    harness.seconds += CLAIM_SECONDS - 1
    assert (await harness.health())[0] == 200
    harness.seconds += 2
    assert (await harness.health())[0] == 503


async def test_health_answers_while_the_database_does_not(
    sqlite_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = ServerHarness(sqlite_db)
    monkeypatch.setattr(health, "DATABASE_SECONDS", 0.0)
    monkeypatch.setattr(health, "METRICS_SECONDS", 0.0)
    async with harness.serving("127.0.0.1:0") as harness.url, aiohttp.ClientSession() as session:
        await harness.plan("daily:1:2026-01-05")
        with structlog.testing.capture_logs() as logs:
            status, body = await harness.health()
        assert logs == [], "a probe comes every few seconds"
        async with session.get(f"{harness.url}/metrics") as response:
            assert (response.status, await response.text()) == (503, "The database does not answer.")
    assert (status, body["oldest_unsent_at"]) == (200, None)


async def test_health_asks_the_database_once(sqlite_db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    reads, actual = 0, Database.read

    @asynccontextmanager
    async def read(database: Database) -> AsyncIterator[Connection]:
        nonlocal reads
        reads += 1
        async with actual(database) as connection:
            yield connection

    monkeypatch.setattr(Database, "read", read)
    server = health.MonitoringServer(
        sqlite_db,
        Metrics(),
        lambda: NOW,
        Liveness(lambda: 0.0),
        role=lambda: "sender",
        is_connected=lambda: True,
        needs_front=lambda: True,
    )
    monkeypatch.setattr(health, "DATABASE_SECONDS", patience.scaled(health.DATABASE_SECONDS))
    async with (
        http_server.serving(
            "127.0.0.1:0", "PAPERROUND_HTTP", [server.add_routes], http_server.Limits(seconds=600.0)
        ) as url,
        aiohttp.ClientSession() as session,
        session.get(f"{url}/health") as response,
    ):
        assert (response.status, (await response.json())["problems"]) == (503, [service.NO_FRONT])
    assert reads == 1


async def test_the_queue_is_reported_with_its_age_and_by_state_and_an_emptied_state_is_zero(
    harness: ServerHarness,
) -> None:
    await harness.plan("a", "b")
    status, body = await harness.health()
    assert status == 200
    assert body["oldest_unsent_at"] == SEOUL_9AM.isoformat()
    assert body["oldest_unsent_seconds"] == 90.0
    samples = await harness.samples()
    assert samples["paperround_queue_depth,state=planned"] == 4
    assert samples["paperround_queue_depth,state=sent"] == 0
    assert samples["paperround_oldest_unsent_seconds"] == 90
    await harness.send_all()
    samples = await harness.samples()
    assert samples["paperround_queue_depth,state=planned"] == 0
    assert samples["paperround_queue_depth,state=sent"] == 4
    assert samples["paperround_oldest_unsent_seconds"] == 0
    assert (await harness.health())[1]["oldest_unsent_at"] is None


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
    assert b"paperround_digests_total 0.0" in Metrics().render(), "each bot has its own"
    assert samples["paperround_gateway_connected"] == 0


async def test_metrics_show_the_state_of_the_clock_and_of_discord(harness: ServerHarness) -> None:
    offset = timedelta(0)
    monitor = clock_monitor.ClockMonitor(lambda: NOW + offset, lambda: 0.0)
    monitor.compare_with_discord(NOW)
    harness.metrics.watch_clock(monitor)
    offset = timedelta(hours=26)
    monitor()
    samples = await harness.samples()
    assert samples["paperround_clock_held"] == 1
    assert samples["paperround_clock_offset_seconds"] == 26 * 3600
    discord = DiscordHealth(lambda: 0.0, random.Random(1))
    harness.metrics.watch_discord(discord)
    assert (await harness.samples())["paperround_discord_state,state=well"] == 1
    discord.record_answer(Answer(403, is_json=False))
    samples = await harness.samples()
    assert samples["paperround_discord_state,state=well"] == 0
    assert samples["paperround_discord_state,state=troubled"] == 1
    assert samples["paperround_invalid_requests"] == 1


async def test_metrics_show_the_sender_and_its_term(harness: ServerHarness) -> None:
    lock = locks.SenderLock(harness.db)
    harness.metrics.watch_term(lambda: lock.term)
    samples = await harness.samples()
    assert (samples["paperround_leader"], samples["paperround_term"]) == (0, 0)
    await lock.try_acquire()
    samples = await harness.samples()
    assert (samples["paperround_leader"], samples["paperround_term"]) == (1, locks.number_of(lock.term or 0))
    await lock.release()


async def test_a_preview_counts_as_a_look_up_once(harness: ServerHarness) -> None:
    harness.metrics.record_preview(True, 0.0)
    harness.metrics.record_lookup(True, 0.1)
    harness.metrics.record_preview(False, 2.0)
    samples = await harness.samples()
    counts = [samples[f"paperround_lookups_total,decision={decision}"] for decision in ("admitted", "busy")]
    assert counts == [1, 1]


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


@pytest.mark.parametrize("path", ["/", "/health/../settings", "/metrics/all"])
async def test_other_paths_and_methods_are_refused(harness: ServerHarness, path: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{harness.url}{path}") as response:
        assert response.status == 404
    async with aiohttp.ClientSession() as session, session.post(f"{harness.url}/health") as response:
        assert response.status == 405


async def test_idle_connections_do_not_keep_a_probe_out_and_are_one_line_of_the_log(
    harness: ServerHarness,
) -> None:
    host, port = harness.url.removeprefix("http://").split(":")
    with structlog.testing.capture_logs() as lines:
        opened = [await asyncio.open_connection(host, port) for _ in range(3 * MAX_CONNECTIONS)]
        assert (await harness.health())[0] == 200
        # One more for the probe, which closed another of the oldest.
        for reader, _ in opened[: -MAX_CONNECTIONS + 1]:
            with suppress(ConnectionResetError):
                assert await patience.wait_for(reader.read(), 20) == b""
    assert [line["event"] for line in lines if "connections" in line["event"]] == [
        "too many connections; the oldest are closed"
    ]
    assert not any(reader.at_eof() for reader, _ in opened[-MAX_CONNECTIONS + 1 :])
    for _, writer in opened:
        writer.close()


async def test_large_requests_of_strangers_close_the_oldest_of_them_and_a_small_one_is_answered() -> None:
    async def read(request: web.Request) -> web.Response:
        return web.Response(text=f"{len(await request.read())}")

    limits = http_server.Limits(connections=40, request_bytes=60_000, total_bytes=200_000)
    adding = [lambda router: router.add_post("/", read)]
    async with http_server.serving("127.0.0.1:0", "PAPERROUND_HTTP", adding, limits) as url:
        host, port = url.removeprefix("http://").split(":")
        opened = [await asyncio.open_connection(host, port) for _ in range(12)]
        for _, writer in opened:
            # All but the last byte.
            writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n" + b"x" * 49_999)
            with suppress(ConnectionError):
                await writer.drain()
        # Of 12 there is room for 3, with their heads.
        for reader, _ in opened[:9]:
            with suppress(ConnectionError):
                assert await patience.wait_for(reader.read(), 20) == b""
        async with aiohttp.ClientSession() as session, session.post(url, data=b"y" * 1_000) as response:
            assert (response.status, await response.text()) == (200, "1000")
        reader, writer = opened[-1]
        writer.write(b"x")
        assert (await patience.wait_for(reader.read(), 20)).endswith(b"50000")
        for _, writer in opened:
            writer.close()


async def test_large_requests_that_come_at_once_are_not_all_read_before_the_first_is_closed() -> None:
    async def read(request: web.Request) -> web.Response:
        return web.Response(text=f"{len(await request.read())}")

    limits = http_server.Limits(connections=64, request_bytes=300_000, total_bytes=300_000)
    adding = [lambda router: router.add_post("/", read)]
    async with http_server.serving("127.0.0.1:0", "PAPERROUND_HTTP", adding, limits) as url:
        host, port = url.removeprefix("http://").split(":")
        with ExitStack() as stack:
            for _ in range(64):
                # The event loop sees none of them before all are there.
                opened = stack.enter_context(socket.create_connection((host, int(port))))
                opened.setblocking(False)
                opened.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 250000\r\n\r\n" + b"x" * 200_000)
            tracemalloc.start()
            try:
                for _ in range(100):
                    await asyncio.sleep(0.001)
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
    assert 200_000 < peak < 5_000_000


async def test_connections_of_strangers_do_not_close_that_of_a_client_that_proved_who_it_is() -> None:
    known, is_over = asyncio.Event(), asyncio.Event()

    async def answer_slowly(request: web.Request) -> web.Response:
        http_server.keep(request)
        known.set()
        await is_over.wait()
        return web.Response(text="answered")

    adding, limits = [lambda router: router.add_get("/", answer_slowly)], http_server.Limits(connections=4)
    async with http_server.serving("127.0.0.1:0", "PAPERROUND_HTTP", adding, limits) as url:
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await patience.wait_for(known.wait(), 20)
        strangers = [await asyncio.open_connection(host, port) for _ in range(8)]
        with suppress(ConnectionError):
            assert await patience.wait_for(strangers[0][0].read(), 20) == b""
        is_over.set()
        assert (await patience.wait_for(reader.read(), 20)).endswith(b"answered")
        for _, opened in [*strangers, (reader, writer)]:
            opened.close()


@pytest.mark.parametrize("sent", [b"", b"GET /health HTTP/1.1\r\nHost: x\r\nX: "])
async def test_a_connection_without_a_whole_request_is_closed(sent: bytes, sqlite_db: Database) -> None:
    async with ServerHarness(sqlite_db).serving("127.0.0.1:0", 0.05) as url:
        reader, writer = await asyncio.open_connection(*url.removeprefix("http://").split(":"))
        writer.write(sent)
        with suppress(ConnectionResetError):
            assert await patience.wait_for(reader.read(), 20) == b""
        writer.close()


@pytest.mark.parametrize(("times", "chunks"), [(1_000, 10_000), (1, 15_000)], ids=["endless", "90 kB"])
async def test_a_request_with_a_body_is_cut_off_before_it_is_parsed(
    sqlite_db: Database, monkeypatch: pytest.MonkeyPatch, times: int, chunks: int
) -> None:
    parsed = lines = 0
    receive = web.RequestHandler.data_received

    def count(handler: web.RequestHandler, data: bytes) -> None:
        nonlocal parsed, lines
        parsed += len(data)
        lines += data.count(b"\r\n")
        receive(handler, data)

    monkeypatch.setattr(web.RequestHandler, "data_received", count)
    async with ServerHarness(sqlite_db).serving("127.0.0.1:0") as url:
        reader, writer = await asyncio.open_connection(*url.removeprefix("http://").split(":"))
        with suppress(ConnectionError):
            writer.write(b"POST /health HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(times):
                writer.write(b"1\r\na\r\n" * chunks)
                await writer.drain()
            await patience.wait_for(reader.read(), 20)
        writer.close()
    assert parsed <= http_server.Limits().request_bytes
    assert lines <= http_server.Limits().request_bytes / 100


async def test_a_client_cannot_fill_the_log(sqlite_db: Database, caplog: pytest.LogCaptureFixture) -> None:
    async def fail(request: web.Request) -> web.Response:
        raise RuntimeError("x" * 5_000)

    async def ask(url: str, sent: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(*url.removeprefix("http://").split(":"))
        writer.write(sent)
        answer = await patience.wait_for(reader.read(), 20)
        writer.close()
        return answer.split(b"\r\n")[0]

    bad_requests = [
        b"GET /" + b"\xff" * 30_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n",
        b"\x16\x03\x01\r\n\r\n",
    ]
    adding = [lambda router: router.add_get("/fail", fail)]
    with structlog.testing.capture_logs() as lines:
        async with http_server.serving("127.0.0.1:0", "PAPERROUND_HTTP", adding, http_server.Limits()) as url:
            for sent in bad_requests:
                assert b" 400 " in await ask(url, sent)
            assert (lines, caplog.records) == ([], [])
            for _ in range(5):
                assert b" 500 " in await ask(url, b"GET /fail HTTP/1.1\r\nHost: a\r\n\r\n")
    assert [line["event"] for line in lines] == ["a request was not answered"]
    assert "test_monitoring.py" in lines[0]["at"][-1]
    assert len(str(lines[0])) < 1_500
    assert caplog.records == []


async def test_a_port_in_use_is_an_error_that_names_it(sqlite_db: Database) -> None:
    first, second = ServerHarness(sqlite_db), ServerHarness(sqlite_db)
    async with first.serving("127.0.0.1:0") as url:
        address = url.removeprefix("http://")
        with pytest.raises(errors.PaperroundError, match=f"PAPERROUND_HTTP: cannot listen on {address}"):
            async with second.serving(address):
                pass
        first.url = url
        assert (await first.health())[0] == 200


@pytest.mark.parametrize("address", ["127.0.0.1:99999", "no-such-host.invalid:80"])
async def test_an_invalid_address_is_an_error(sqlite_db: Database, address: str) -> None:
    with pytest.raises(errors.PaperroundError, match="cannot listen on"):
        async with ServerHarness(sqlite_db).serving(address):
            pass


@dataclass
class Seconds:
    """A monotonic clock that a test sets."""

    passed: float = 1000.0


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def signs(seconds: Seconds) -> health.Liveness:
    """A bot that has been waiting for Discord since before DISCORD_SECONDS, and otherwise works."""
    signs = health.Liveness(lambda: seconds.passed)
    seconds.passed += health.DISCORD_SECONDS + 1
    signs.record("tick")
    signs.record("claim")
    return signs


def test_silence_of_discord_without_a_failed_request_is_a_fault_of_the_process(
    signs: health.Liveness,
) -> None:
    [problem] = signs.find_problems()
    assert "no request to Discord has succeeded for 120 s" in problem
    assert not signs.is_outage()


@pytest.mark.parametrize(
    "answer", [Answer(200, True), Answer(204, True), Answer(403, True, 50001), Answer(404, True, 10003)]
)
def test_an_answer_of_discord_itself_is_a_sign_of_life(signs: health.Liveness, answer: Answer) -> None:
    signs.record_answer(answer)
    assert signs.find_problems() == []
    assert signs.get_fields()["discord_seconds"] == 0


@pytest.mark.parametrize(
    "answer", [Answer(403, False), Answer(200, False), Answer(502, True), Answer(429, True)]
)
def test_while_requests_to_discord_fail_its_silence_is_an_outage(
    signs: health.Liveness, seconds: Seconds, answer: Answer
) -> None:
    signs.record_answer(answer)
    assert len(signs.find_problems()) == 1
    assert signs.is_outage()
    assert signs.get_fields()["discord_seconds"] is None
    seconds.passed += health.DISCORD_FAILURE_SECONDS + 1
    signs.record("tick")
    signs.record("claim")
    assert len(signs.find_problems()) == 1
    assert not signs.is_outage()


def test_a_limit_of_discord_is_an_outage_for_as_long_as_it_lasts(seconds: Seconds) -> None:
    states = [HealthState.LIMITED]
    signs = health.Liveness(lambda: seconds.passed, get_discord_state=lambda: states[0])
    seconds.passed += 7200
    assert signs.is_outage()  # the login waits for Discord
    signs.record("tick")
    signs.record("claim")
    assert signs.is_outage()
    states[0] = HealthState.WELL
    assert len(signs.find_problems()) == 1
    assert not signs.is_outage()


def test_no_outage_of_discord_excuses_a_planner_or_relay_that_stands_still(
    signs: health.Liveness, seconds: Seconds
) -> None:
    seconds.passed += health.TICK_SECONDS + 1
    signs.record_discord_failure()
    assert len(signs.find_problems()) == 3
    assert not signs.is_outage()


def test_a_start_begins_the_grace_again_and_keeps_the_signs(signs: health.Liveness, seconds: Seconds) -> None:
    seconds.passed += 500
    signs.record_start()
    assert signs.find_problems() == []
    assert signs.get_fields() == {
        "discord": "well",
        "outage": False,
        "tick_seconds": 500,
        "claim_seconds": 500,
        "discord_seconds": None,
    }


async def test_many_requests_at_once_take_few_connections(sqlite_db: Database) -> None:
    server = health.MonitoringServer(
        sqlite_db,
        Metrics(),
        lambda: NOW,
        Liveness(lambda: 0.0),
        role=lambda: "sender",
        is_connected=lambda: True,
    )
    pool: Any = sqlite_db.engine.pool

    async def ask(path: str) -> int:
        async with aiohttp.ClientSession() as session, session.get(url + path) as response:
            await response.read()
            return response.status

    async with http_server.serving(
        "127.0.0.1:0", "PAPERROUND_HTTP", [server.add_routes], http_server.Limits(seconds=600.0)
    ) as url:
        answers = await asyncio.gather(*(ask(path) for path in ("/metrics", "/health") * 10))
    assert answers.count(200) >= 10  # the metrics are always answered, whatever the health
    assert pool.checkedin() <= health.DATABASE_CONNECTIONS + 1
