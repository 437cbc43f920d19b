"""Requests for posts, parsing of responses, the pace shared with discord.py, and overridden URLs."""

import random
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import discord
import pytest

from bot.app.container import Container
from bot.client import rest
from bot.core.clock import system_clock
from bot.core.settings import Settings
from bot.outbox.outcomes import Classification, DeliveryError, Disposition
from bot.outbox.request_pacing import MAX_FAILURES, HttpAnswer, Pace
from storage.database import Database
from tests.fake_discord import model, server
from tests.support.relay_harness import logged_in

pytestmark = pytest.mark.wire

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def pace() -> Pace:
    return Pace(time.monotonic, random.Random(1), 1000.0)


@pytest.fixture
async def client(fake: server.FakeDiscord, pace: Pace) -> AsyncIterator[rest.RestClient]:
    restore = rest.override_endpoints(fake.api_url, fake.gateway_url)
    client = rest.RestClient(pace, pace.record_answer, model.TOKEN)
    yield client
    await client.close()
    restore()


async def refusal_of(client: rest.RestClient, method: str, path: str, **options: object) -> Classification:
    with pytest.raises(DeliveryError) as caught:
        await client.request(method, path, **options)  # type: ignore[arg-type]
    return caught.value.classification


async def test_a_pause_or_a_fence_stops_a_request(
    client: rest.RestClient, fake: server.FakeDiscord, pace: Pace
) -> None:
    class HeldUpError(Exception):
        pass

    def refuse() -> None:
        raise HeldUpError

    with pytest.raises(HeldUpError):
        await client.request("GET", "/users/@me", fence=refuse)
    pace.record_answer(HttpAnswer(403, is_json=False))
    held_back = await refusal_of(client, "GET", "/users/@me")
    assert held_back.disposition is Disposition.RETRY
    assert held_back.wait_seconds > 0.0
    assert fake.log() == []


@pytest.mark.parametrize("is_refused", [False, True])
async def test_connections_that_fail_pause_requests(
    client: rest.RestClient, fake: server.FakeDiscord, pace: Pace, is_refused: bool
) -> None:
    fake.set_faults({"kind": "lose"})
    restore = rest.override_endpoints("http://127.0.0.1:9/api/v10" if is_refused else fake.api_url, None)
    for _ in range(MAX_FAILURES):
        assert pace.is_well
        await refusal_of(client, "POST", "/users/@me/channels", payload={})
    restore()
    assert not pace.is_well


async def test_exhausted_rate_limit_blocks_only_its_own_channel(
    client: rest.RestClient, fake: server.FakeDiscord, pace: Pace
) -> None:
    first, second = fake.add_channels(2)
    for _ in range(5):
        await client.request("POST", f"/channels/{first}/messages", payload={"content": "x"})
    limited = await refusal_of(client, "POST", f"/channels/{first}/messages", payload={"content": "x"})
    assert limited.disposition is Disposition.RETRY
    assert 0.0 < limited.wait_seconds <= 5.0
    await client.request("POST", f"/channels/{second}/messages", payload={"content": "x"})
    await client.request("GET", f"/channels/{first}/messages")
    assert fake.limits.rejected == 0
    assert pace.is_well


async def test_a_rate_limit_that_another_process_exhausted_is_waited_for(
    client: rest.RestClient, fake: server.FakeDiscord, pace: Pace
) -> None:
    [channel_id] = fake.add_channels(1)
    fake.limits.set_route_limit("POST /channels/*/messages", 1, 120.0)
    path, payload = f"/channels/{channel_id}/messages", {"content": "x"}
    await client.request("POST", path, payload=payload)
    other = rest.RestClient(pace, pace.record_answer, model.TOKEN)
    for _ in range(2):
        assert 30.0 < (await refusal_of(other, "POST", path, payload=payload)).wait_seconds <= 120.0
    await other.close()
    assert fake.limits.rejected == 1, "the second request waits"


async def test_does_not_retry_a_request(client: rest.RestClient, fake: server.FakeDiscord) -> None:
    fake.set_faults({"kind": "status", "status": 502, "times": 1})
    assert (await refusal_of(client, "GET", "/users/@me")).disposition is Disposition.UNKNOWN
    fake.set_faults({"kind": "page", "status": 404, "times": 1})
    assert (await refusal_of(client, "GET", "/users/@me")).disposition is Disposition.RETRY
    assert len(fake.log()) == 2


async def test_only_discords_own_answer_moves_the_clock(sqlite_db: Database) -> None:
    container = Container(Settings(), sqlite_db, lambda: NOW)
    clock = container.follow_discord()
    date, json_type = (NOW + timedelta(days=400)).strftime("%a, %d %b %Y %H:%M:%S GMT"), "application/json"
    response: Any = SimpleNamespace(status=502, headers={"Content-Type": json_type, "Date": date})
    container.http_observer.report(rest.read_answer(response, b'{"error": "upstream unavailable"}', 0.1))
    assert clock() - NOW < timedelta(minutes=1)
    response.status = 404
    container.http_observer.report(rest.read_answer(response, b'{"message": "x", "code": 10008}', 0.1))
    assert clock() - NOW > timedelta(days=399)


async def test_ended_limits_are_forgotten(client: rest.RestClient, fake: server.FakeDiscord) -> None:
    now = [0.0]
    client = rest.RestClient(Pace(lambda: now[0], random.Random(1), 1000.0), lambda _: None, model.TOKEN)
    for channel_id in fake.add_channels(3):
        for _ in range(5):
            await client.request("POST", f"/channels/{channel_id}/messages", payload={"content": "x"})
        now[0] += 60.0
    await client.close()
    assert len(client._reset_at) == 1


async def test_discord_py_shares_the_pace_and_reports_its_responses(
    fake: server.FakeDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    pace = Pace(lambda: now[0], random.Random(1), 1000.0)

    async def sleep(seconds: float) -> None:
        now[0] += seconds

    answers: list[HttpAnswer] = []
    observer = rest.HttpObserver(pace)
    observer.on_answer(answers.append)
    async with logged_in(fake, fake.gateway_url, http_trace=observer.trace) as client:
        pace.record_answer(HttpAnswer(429, is_json=True, retry_after=30.0, is_global=True))
        with monkeypatch.context() as patched:
            patched.setattr(rest, "asyncio", SimpleNamespace(sleep=sleep))
            await client.application_info()
        assert 30.0 <= now[0] < 32.0
        assert {(answer.status, answer.is_json) for answer in answers} == {(200, True)}
        assert answers[0].answered_at is not None
        assert abs(answers[0].answered_at - system_clock()) < timedelta(minutes=5)
        told = len(answers)
        with pytest.raises(discord.HTTPException):
            await client.http.get_from_cdn(fake.api_url.partition("/api")[0] + "/attachments/library.bib")
        assert len(answers) == told, "pages of other hosts are not reported"


def test_rate_limit_in_the_body_overrides_the_header() -> None:
    answer = HttpAnswer(429, is_json=True, retry_after=2.0)
    limited = rest.add_error_body(answer, b'{"retry_after": 1.25, "global": true}')
    assert (limited.retry_after, limited.is_global) == (1.25, True)
    for broken in (b"<html>", b"[]", b"{}", b'{"retry_after": "soon"}'):
        assert not rest.add_error_body(answer, broken).is_json


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
        (404, b'{"code": 404, "errors": ["no route"]}', False),
        (404, b"[" * 200_000, False),
        (400, b"oops", False),
    ],
)
def test_an_error_is_attributed_to_discord_only_if_it_has_an_error_code(
    status: int, body: bytes, is_discords: bool
) -> None:
    assert rest.add_error_body(HttpAnswer(status, is_json=True), body).is_discords is is_discords


async def test_overridden_gateway_url_replaces_the_apis_url(fake: server.FakeDiscord) -> None:
    elsewhere = "ws://127.0.0.1:9/elsewhere"
    for given, used in ((elsewhere, elsewhere), (None, fake.gateway_url)):
        async with logged_in(fake, given, discord.AutoShardedClient) as client:
            assert (await client.http.get_bot_gateway())[:2] == (1, used)
