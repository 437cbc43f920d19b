"""The gate in front of discord.py's requests, what the observer tells of answers, and overridden addresses."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import aiohttp
import discord
import pytest
from discord import gateway, http

from bot.client import request_gate
from bot.core.clock import system_clock
from bot.outbox import discord_health
from bot.outbox.discord_health import Answer, DiscordHealth, InvalidRequestBudget
from tests.fake_discord import fixtures, process
from tests.fake_discord.fixtures import fake, fake_server
from tests.support import fault_proxy, patience, relay_harness

__all__ = ["fake", "fake_server"]

pytestmark = pytest.mark.wire

PAGE = Answer(403, is_json=False)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def health() -> DiscordHealth:
    return DiscordHealth(time.monotonic, random.Random(1))


@pytest.fixture
def observer() -> request_gate.HttpObserver:
    return request_gate.HttpObserver()


@pytest.fixture
async def client(
    fake: process.FakeDiscord, health: DiscordHealth, observer: request_gate.HttpObserver
) -> AsyncIterator[discord.Client]:
    await fixtures.lift_rate_limits(fake)
    restore = request_gate.override_endpoints(fake.api_url, fake.gateway_url)
    client = discord.Client(intents=discord.Intents.none(), http_trace=observer.trace)
    relay_harness.install_gate(client, observer, health)
    await client.login(process.TOKEN)
    yield client
    await client.close()
    restore()


async def test_nothing_leaves_while_discord_is_not_well(
    client: discord.Client, fake: process.FakeDiscord, health: DiscordHealth
) -> None:
    [channel_id] = await fake.add_channels(1)
    health.record_answer(PAGE)
    before = len(await fake.log())
    with pytest.raises(request_gate.HeldBackError) as caught:
        await client.fetch_channel(channel_id)
    assert (caught.value.was_sent, caught.value.status) == (False, 429)
    assert len(await fake.log()) == before


async def test_a_request_is_tried_once_and_a_rate_limit_is_reported_at_once(
    client: discord.Client, fake: process.FakeDiscord, health: DiscordHealth
) -> None:
    [channel_id] = await fake.add_channels(1)
    await fake.set_faults({"kind": "status", "status": 502, "times": 1})
    with pytest.raises(discord.DiscordServerError):
        await client.fetch_channel(channel_id)
    await fake.run_action("set_limits", {"per_second": 1})
    await client.fetch_channel(channel_id)
    with pytest.raises(request_gate.HeldBackError) as caught:
        await client.fetch_channel(channel_id)
    assert caught.value.was_sent
    assert caught.value.retry_after > 0.0
    assert not health.is_well
    assert len(await fake.log("GET", f"/channels/{channel_id}")) == 3


@pytest.mark.parametrize("number", ["NaN", "Infinity"])
async def test_a_rate_limit_that_is_not_a_number_of_seconds_is_not_waited_for(
    fake: process.FakeDiscord, health: DiscordHealth, observer: request_gate.HttpObserver, number: str
) -> None:
    [channel_id] = await fake.add_channels(1)
    kinds = {"Content-Type": "application/json", "Via": "1.1 google"}
    limited = fault_proxy.Reply(429, f'{{"retry_after": {number}, "global": false}}', kinds)
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Limit": "5", "X-RateLimit-Reset-After": number}
    exhausted = fault_proxy.Reply(200, "{}", {**kinds, **headers, "X-RateLimit-Bucket": "b"})
    async with fault_proxy.open_fault_proxy(fake.api_url) as proxy:
        restore = request_gate.override_endpoints(proxy.api_url, fake.gateway_url)
        client = discord.Client(intents=discord.Intents.none(), http_trace=observer.trace)
        relay_harness.install_gate(client, observer, health)
        await client.login(process.TOKEN)
        try:
            for reply in (limited, exhausted):
                proxy.answer_all(reply)
                async with patience.limit(20):
                    with pytest.raises(discord.HTTPException):
                        await client.http.get_channel(channel_id)
                    proxy.answer_all(fault_proxy.PASS)
                    while True:
                        with suppress(request_gate.HeldBackError):
                            await client.http.get_channel(channel_id)
                            break
                        await asyncio.sleep(0.02)
        finally:
            await client.close()
            restore()


async def test_a_cancelled_caller_leaves_the_request_to_its_end(
    client: discord.Client, fake: process.FakeDiscord, health: DiscordHealth
) -> None:
    [channel_id] = await fake.add_channels(1)
    await fake.set_faults({"kind": "slow", "seconds": 0.3, "times": 1})
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):  # noqa: TID251 - it expires
            await client.fetch_channel(channel_id)
    http_client = client.http
    assert http_client._global_over.is_set()
    await client.fetch_channel(channel_id)
    assert health.is_well


async def test_interactions_are_answered_until_the_budget_is_spent(fake: process.FakeDiscord) -> None:
    budget = InvalidRequestBudget(lambda: 0.0)
    adapter = request_gate.BudgetedAdapter(budget)
    restore = request_gate.override_endpoints(fake.api_url, fake.gateway_url)
    route = discord.http.Route("POST", "/interactions/{interaction_id}/callback", interaction_id=1)
    async with aiohttp.ClientSession() as session:
        with pytest.raises(discord.NotFound):
            await adapter.request(route, session, payload={})
        for _ in range(discord_health.INTERACTIONS_STOP_FROM):
            budget.record(403, is_shared=False)
        before = len(await fake.log())
        with pytest.raises(request_gate.HeldBackError):
            await adapter.request(route, session, payload={})
        assert len(await fake.log()) == before
    restore()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("3600", 3600.0),
        ("0.25", 0.25),
        ("-1", 0.0),
        ("Fri, 20 Nov 2026 12:01:00 GMT", 60.0),
        ("Fri, 20 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
    ],
)
def test_retry_after_is_read_in_both_spellings(value: str | None, seconds: float | None) -> None:
    assert request_gate.parse_retry_after(value, NOW) == seconds


def test_the_body_of_a_rate_limit_goes_before_its_header() -> None:
    answer = Answer(429, is_json=True, retry_after=2.0)
    limited = request_gate.add_error_body(answer, b'{"retry_after": 1.25, "global": true}')
    assert (limited.retry_after, limited.is_global) == (1.25, True)
    for broken in (b"<html>", b"[]", b"{}", b'{"retry_after": "soon"}', b'{"retry_after": NaN}'):
        assert not request_gate.add_error_body(answer, broken).is_json


@pytest.mark.parametrize(
    ("status", "body", "is_discords"),
    [
        (403, b'{"message": "Missing Access", "code": 50001}', True),
        (403, b'{"message": "Forbidden", "code": 0}', False),
        (404, b'{"message": "no Route matched"}', False),
        (401, b'{"message": "401: Unauthorized", "code": 0}', True),
        (401, b'{"message": "Unauthorized", "code": 40001}', True),
        (401, b'{"message": "log in to the proxy", "code": "unauthorized"}', False),
        (401, b'{"message": "log in to the proxy"}', False),
        (403, b'{"code": "forbidden"}', False),
        (403, b'{"code": 403}', False),
        (403, b'{"code": "50001"}', False),
        (404, b'{"code": 404, "errors": ["no route"]}', False),
        (400, b'{"code": 99999999999}', False),
        (404, b"[" * 200_000, False),
        (400, b"oops", False),
    ],
)
def test_a_refusal_is_discords_own_by_its_code(status: int, body: bytes, is_discords: bool) -> None:
    assert request_gate.add_error_body(Answer(status, is_json=True), body).is_discords is is_discords


async def test_every_answer_is_told(
    client: discord.Client, observer: request_gate.HttpObserver, fake: process.FakeDiscord
) -> None:
    answers: list[Answer] = []
    observer.on_answer(answers.append)
    await client.application_info()
    assert {(answer.status, answer.is_json) for answer in answers} == {(200, True)}
    assert answers[0].answered_at is not None
    assert abs(answers[0].answered_at - system_clock()) < timedelta(minutes=5)
    [channel_id] = await fake.add_channels(1)
    await fake.set_faults({"kind": "status", "status": 429, "method": "GET", "times": 1})
    with pytest.raises(discord.HTTPException):
        await client.fetch_channel(channel_id)
    assert (answers[-1].status, answers[-1].is_json) == (429, False), "it has no retry_after"


async def test_a_page_outside_the_api_says_nothing_about_discord(
    client: discord.Client, observer: request_gate.HttpObserver, fake: process.FakeDiscord
) -> None:
    told: list[object] = []
    observer.on_answer(told.append)
    observer.on_failure(told.append)
    for address in (
        fake.api_url.partition("/api")[0] + "/attachments/library.bib",
        "http://127.0.0.1:9/a.bib",
    ):
        with pytest.raises((discord.HTTPException, aiohttp.ClientError)):
            await client.http.get_from_cdn(address)
    assert told == []
    await client.application_info()
    assert len(told) == 1


async def test_a_refused_handshake_of_the_gateway_is_a_failure(
    observer: request_gate.HttpObserver, fake: process.FakeDiscord
) -> None:
    failures: list[BaseException] = []
    observer.on_failure(failures.append)
    async with aiohttp.ClientSession(trace_configs=[observer.trace]) as http:
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await http.ws_connect(fake.api_url + "/users/@me")
    assert len(failures) == 1


def test_new_routes_use_the_overridden_api_url_if_there_is_one() -> None:
    before = (http.Route.BASE, gateway.DiscordWebSocket.DEFAULT_GATEWAY)
    request_gate.override_endpoints(None, None)
    assert before == (http.Route.BASE, gateway.DiscordWebSocket.DEFAULT_GATEWAY)
    restore = request_gate.override_endpoints("http://127.0.0.1:9/api/v10/", None)
    try:
        assert http.Route("GET", "/users/@me").url == "http://127.0.0.1:9/api/v10/users/@me"
    finally:
        restore()
    assert http.Route("GET", "/users/@me").url.startswith("https://discord.com/")


async def test_an_overridden_gateway_replaces_that_of_the_api() -> None:
    async with process.FakeDiscord(validate=False) as fake:
        restore = request_gate.override_endpoints(fake.api_url, "ws://127.0.0.1:9/elsewhere")
        client = discord.AutoShardedClient(intents=discord.Intents.none())
        try:
            await client.login(process.TOKEN)
            shards, url, _ = await client.http.get_bot_gateway()
            assert (shards, url) == (1, "ws://127.0.0.1:9/elsewhere")
            restore()
            request_gate.override_endpoints(fake.api_url, None)
            assert (await client.http.get_bot_gateway())[1] == fake.gateway_url
        finally:
            await client.close()
            restore()
