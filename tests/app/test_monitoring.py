"""`/health` and `/metrics` over HTTP, and the operator's heartbeat."""

import asyncio
import logging
import re
import resource
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import aiohttp
import pytest
from prometheus_client import parser
from structlog.testing import capture_logs

from bot.app import container as app_container
from bot.app import health, jobs, process
from bot.core import clock, http_server, program
from bot.core.settings import Settings
from bot.features.operations import liveness
from bot.features.operations.liveness import CLAIM_SECONDS, DISCORD_SECONDS, NO_LOGIN, TICK_SECONDS, Liveness
from bot.features.operations.metrics import Metrics
from bot.outbox.request_pacing import HttpAnswer
from bot.search.index import SearchIndex
from bot.sources import fetcher, kinds
from storage import errors, models, outbox, sources
from storage.database import Database
from tests.support.digest_builders import newsletter
from tests.support.origin_server import run_origin
from tests.support.outbox_builders import new_delivery
from tests.support.sample_archive import make_ingest
from tests.support.supervised import watching
from tests.support.world import moment

SEOUL_9AM = moment("Mon 09:00")
NOW = SEOUL_9AM + timedelta(seconds=90)


@dataclass
class ServerHarness:
    """A monitoring server whose role, connection state and clock are set by tests."""

    db: Database
    role: str = "sender"
    connected: bool = True
    seconds: float = 1000.0
    metrics: Metrics = field(default_factory=Metrics)
    url: str = ""
    index: SearchIndex | None = None

    def __post_init__(self) -> None:
        self.liveness = Liveness(lambda: self.seconds)
        self.liveness.record_obstacle(None)

    def serving(self, address: str) -> AbstractAsyncContextManager[str]:
        server = health.MonitoringServer(
            self.db,
            self.metrics,
            lambda: NOW,
            self.liveness,
            role=lambda: self.role,
            is_connected=lambda: self.connected,
            index=self.index,
        )
        return http_server.serving(address, "PAPERROUND_HTTP", [server.add_routes])

    def show_life(self, *except_for: str) -> None:
        """Record every sign of life except the given ones."""
        for sign in get_args(liveness.Sign):
            if sign not in except_for:
                self.liveness.record(sign)

    async def health(self) -> tuple[int, dict[str, Any]]:
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/health") as response:
            return response.status, await response.json()

    async def samples(self) -> dict[str, float]:
        """Return the value of each metric, by name and labels."""
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


@pytest.fixture
async def harness(db: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ServerHarness]:
    harness = ServerHarness(db)
    async with harness.serving("127.0.0.1:0") as url:
        harness.url = url
        yield harness


async def test_connected_sender_is_healthy(harness: ServerHarness) -> None:
    harness.connected = False
    for status, code in ((429, 0), (503, 1)):
        harness.liveness.record_answer(HttpAnswer(status, is_json=True, code=code))
    assert (await harness.health())[1]["discord"] == "unknown", "Discord has not done anything yet"
    harness.connected = True
    harness.show_life()
    harness.seconds += 7
    expected = {"up": True, "role": "sender", "gateway_connected": True, "discord": "well", "problems": []}
    ages = {"tick_seconds": 7.0, "claim_seconds": 7.0, "discord_seconds": 0.0}
    said = {"notices": [], "stuck_posts": 0, "version": program.describe_version()}
    status, told = await harness.health()
    assert len(told.pop("database")) == 12, "a hash of its address"
    assert (status, told) == (200, expected | ages | said)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 60_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nA: \0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=["long header", "long line", "NUL", "two lengths", "bad chunk"],
)
async def test_malformed_request_is_one_line_of_the_log(
    harness: ServerHarness, request_bytes: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(harness.url.rpartition(":")[2]))
    writer.write(request_bytes)
    answer = await reader.read()
    writer.close()
    assert answer.split(b" ")[1] in (b"400", b"404", b"405")
    shown = [logging.Formatter().format(record) for record in caplog.records]
    assert len(shown) <= 1
    assert all("\n" not in line for line in shown)
    assert not re.search(rb"Python|aiohttp", answer.partition(b"\r\n\r\n")[0]), (
        "the versions help who looks for faults in them"
    )


async def test_idle_connections_leave_descriptors_to_the_rest(
    harness: ServerHarness, caplog: pytest.LogCaptureFixture
) -> None:
    port = int(harness.url.rpartition(":")[2])
    clients = [await asyncio.open_connection("127.0.0.1", port) for _ in range(260)]
    async with aiohttp.ClientSession() as session, session.get(f"{harness.url}/health") as answer:
        assert answer.status in (200, 503)
    # One of the 200 is that of the request.
    assert [await reader.read() for reader, _ in clients[:61]] == [b""] * 61
    assert not any(reader.at_eof() for reader, _ in clients[61:])
    assert len(caplog.records) == 1
    for _, writer in clients:
        writer.close()


def test_the_soft_limit_of_open_files_is_raised() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1_000, before[1]))
    process.raise_descriptor_limit()
    raised = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert raised == (min(4_096, before[1]), before[1])


@pytest.mark.parametrize(
    ("sign", "limit", "word"),
    [
        ("tick", TICK_SECONDS, "planner"),
        ("claim", CLAIM_SECONDS, "relay"),
        ("discord", DISCORD_SECONDS, "Discord"),
    ],
)
async def test_names_the_overdue_sign_of_life(
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
    harness.liveness.record_obstacle(NO_LOGIN)
    assert "login" in (await harness.health())[1]["problems"][0]
    harness.liveness.record_obstacle(None)
    assert (await harness.health())[0] == 200


async def test_a_lost_gateway_is_a_problem_while_discord_answers(harness: ServerHarness) -> None:
    """REST alone sends posts, but no command is answered; while nothing answers it is Discord that is away."""
    harness.show_life()
    assert (await harness.health())[0] == 200
    harness.connected = False
    harness.seconds += 301
    harness.show_life("gateway", "discord")
    assert (await harness.health())[0] == 200
    harness.show_life("gateway")
    status, body = await harness.health()
    assert (status, body["gateway_connected"]) == (503, False)
    [problem] = body["problems"]
    assert "no command is answered" in problem
    assert (await harness.samples())["paperround_problems"] == 1
    harness.connected = True
    assert (await harness.health())[0] == 200
    assert (await harness.samples())["paperround_problems"] == 0


async def test_stuck_posts_are_counted_and_a_problem_where_no_message_can_tell_of_them(
    harness: ServerHarness,
) -> None:
    """Their owners are told in Discord; of a bot without a token nobody is."""
    harness.show_life()
    harness.liveness.stuck_posts = 2
    told = "2 posts are stuck: `paperround posts` says why."
    status, body = await harness.health()
    assert (status, body["stuck_posts"], body["notices"], body["problems"]) == (200, 2, [told], [])
    assert (await harness.samples())["paperround_stuck_posts"] == 2
    harness.liveness.has_recipient = False
    status, body = await harness.health()
    assert (status, body["notices"], body["problems"]) == (503, [], [told])
    harness.liveness.stuck_posts = 1
    assert (await harness.health())[1]["problems"] == ["1 post is stuck: `paperround posts` says why."]


async def test_an_index_that_cannot_be_written_is_a_problem_until_it_can(harness: ServerHarness) -> None:
    harness.show_life()
    harness.seconds += 100_000  # an archive that takes long is none
    harness.show_life("index")
    assert (await harness.health())[0] == 200
    harness.liveness.record_failure("index", PermissionError("Permission denied"))
    status, body = await harness.health()
    assert status == 503
    assert body["problems"] == [
        "The search index cannot be updated, so searches lack the newest papers. What the bot may not write is in the line"
        " `files` of `paperround doctor`. An internal error (PermissionError)."
    ]
    harness.liveness.record("index")
    assert (await harness.health())[0] == 200


async def test_an_overdue_sign_names_what_failed(harness: ServerHarness) -> None:
    harness.show_life()
    harness.liveness.record_failure(
        "tick", errors.StorageError("The disk is too full to write paperround.db.")
    )
    assert (await harness.health())[0] == 200
    harness.seconds += TICK_SECONDS + 1
    harness.show_life("tick")
    [problem] = (await harness.health())[1]["problems"]
    assert "planner" in problem
    assert "The disk is too full to write paperround.db." in problem
    harness.show_life()
    harness.seconds += TICK_SECONDS + 1
    harness.show_life("tick")
    assert "disk" not in (await harness.health())[1]["problems"][0]


async def test_is_unhealthy_after_the_grace_period(harness: ServerHarness) -> None:
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


async def test_metrics_report_queued_parts_by_state_and_the_oldest_age(harness: ServerHarness) -> None:
    async def queue() -> list[float]:
        samples = await harness.samples()
        names = ("queue_depth,state=waiting", "queue_depth,state=sent", "oldest_unsent_seconds")
        return [samples[f"paperround_{name}"] for name in names]

    async with harness.db.transaction() as connection:
        added = await outbox.add(connection, new_delivery("a", 20, SEOUL_9AM, parts=2))
        assert added is not None
        parts = await outbox.list_parts(connection, added)
    assert await queue() == [2, 0, 90]
    await harness.db.write(outbox.mark_sent, {part.id: models.Receipt(1, 20) for part in parts}, NOW)
    await harness.db.write(outbox.add, new_delivery("b", 20, SEOUL_9AM))
    assert await queue() == [1, 2, 90]
    waiting = await harness.db.fetch(outbox.list_rows, state=models.DeliveryState.WAITING)
    await harness.db.write(outbox.remove_unsent, waiting)
    assert await queue() == [0, 2, 0]


async def test_counts_outcomes_and_lateness(harness: ServerHarness) -> None:
    daily = models.DeliveryKind.DAILY
    harness.metrics.record("sent", daily, None, 3.0)
    harness.metrics.record("sent", daily, None, -1.0)
    harness.metrics.record("retry", daily, models.Reason.DISCORD_TROUBLE, None)
    harness.metrics.record("paused", models.DeliveryKind.ALERT, models.Reason.NO_SEND, None)
    harness.metrics.digests.inc(2)
    harness.metrics.record_lookup(None)
    harness.metrics.record_lookup(0.2)
    samples = await harness.samples()
    expected = {
        "parts_total,kind=daily,outcome=sent": 2,
        "parts_total,kind=daily,outcome=retry": 1,
        "failures_total,reason=discord-trouble": 1,
        "failures_total,reason=no-send": 1,
        "lateness_seconds_bucket,kind=daily,le=0.5": 1,
        "lateness_seconds_sum,kind=daily": 3,
        "digests_total": 2,
        "lookups_total,decision=busy": 1,
        "lookups_total,decision=admitted": 1,
        "lookup_seconds_bucket,le=0.3": 1,
        "lookup_seconds_count": 1,
    }
    assert {name: samples[f"paperround_{name}"] for name in expected} == expected


async def test_metrics_show_each_sources_last_success_and_what_the_index_lacks(
    harness: ServerHarness, tmp_path: Path
) -> None:
    harness.index = SearchIndex(tmp_path)
    async with harness.db.transaction() as connection:
        url, kind = "https://me:secret@a.example/feed", models.SourceKind.FEED
        row = await sources.add(connection, url=url, kind=kind, now=NOW)
        reading = models.ReadingReport(5, 2, (models.Skipped(models.SkipReason.NO_ID, 7),))
        await sources.set_health(connection, replace(row, last_success_at=SEOUL_9AM, reading=reading))
    await make_ingest(harness.db).add_text(newsletter(NOW.date(), [("2601.00001", 5)]), location="a.md")

    async def shown() -> list[float | None]:
        samples = await harness.samples()
        names = ("source_success_timestamp_seconds,source=a.example", "index_behind")
        return [samples.get(f"paperround_{name}") for name in names]

    async with harness.serving("127.0.0.1:0") as harness.url:
        assert await shown() == [SEOUL_9AM.timestamp(), 1]
        items = [
            f"paperround_source_items,outcome={of},source=a.example"
            for of in ("stored", "known", "no-arXiv-ID")
        ]
        assert [(await harness.samples())[name] for name in items] == [2, 3, 7]
        await harness.db.look_up(harness.index.refresh)
        await harness.db.write(sources.remove, row.url)
        assert await shown() == [None, 0]


def test_the_operators_names_of_sources_tell_them_apart() -> None:
    addresses = {
        "https://huggingface.co": "huggingface.co",
        "arxiv:cs.CL": "arXiv cs.CL",
        "/srv/feeds/daily/": "daily",
        "/srv/feeds/week": "/srv/feeds/week",
        "/mnt/week/": "/mnt/week/",
        "http://10.0.0.5/a.md": "http://10.0.0.5/a.md",
        "http://wiki.lan/b.md?key=secret": "http://wiki.lan/b.md",
        "https://me:secret@a.example/one": "https://***@a.example/one",
        "https://a.example/two": "https://a.example/two",
    }
    shown = kinds.operator_labels(addresses)
    assert "secret" not in "".join(shown.values())
    assert len({*shown.values()}) == len(addresses)
    for address, name in addresses.items():
        assert shown[address] == name or "secret" in address, address


async def test_error_names_a_port_in_use(harness: ServerHarness) -> None:
    address = harness.url.removeprefix("http://")
    with pytest.raises(errors.PaperroundError, match=f"PAPERROUND_HTTP: cannot listen on {address}"):
        async with harness.serving(address):
            pass


@pytest.mark.parametrize(
    ("page", "said"), [("/up", ""), ("/secret-key", "not found (404)"), ("", "cannot connect to 127.0.0.1")]
)
async def test_requests_the_heartbeat_only_while_the_bot_is_healthy(page: str, said: str) -> None:
    """One that is refused or away is in the log once, and a notice of `/health`, which `doctor` repeats, until it is well."""
    signs, once = Liveness(), fetcher.Limits(max_attempts=1)
    async with run_origin() as origin:
        origin.pages["/up"] = "ok"
        url = f"{origin.url}{page}" if page else "http://127.0.0.1:1/secret-key"
        settings = Settings(fetch_allow=("127.0.0.1",))
        with capture_logs() as entries:
            async with (
                app_container.create_fetcher(settings, clock.system_clock, once) as fetch,
                watching(signs) as watch,
            ):
                for is_well in (True, False, True):
                    await jobs.send_heartbeat(url, fetch, signs.record_heartbeat, [is_well].pop)
                    await watch.turn()
                    assert [said in notice for notice in signs.notices] == [True] * bool(said)
                await jobs.send_heartbeat(f"{origin.url}/up", fetch, signs.record_heartbeat)
                await watch.turn()
                assert signs.notices == []
        assert origin.paths == [*[page] * (2 * bool(page)), "/up"]
    assert [said in entry["event"] for entry in entries] == [True] * bool(said)
    assert "secret-key" not in repr(entries)
