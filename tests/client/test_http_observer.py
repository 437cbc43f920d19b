"""What the observer tells of the answers that a real discord.py client gets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import aiohttp
import discord
import pytest

from bot.client import request_gate
from bot.core.clock import system_clock
from bot.outbox.discord_health import Answer
from tests.fake_discord import process
from tests.fake_discord.fixtures import fake, fake_server

__all__ = ["fake", "fake_server"]

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


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
        (400, b"oops", False),
    ],
)
def test_a_refusal_is_discords_own_by_its_code(status: int, body: bytes, is_discords: bool) -> None:
    assert request_gate.add_error_body(Answer(status, is_json=True), body).is_discords is is_discords


@pytest.fixture
def observer() -> request_gate.HttpObserver:
    return request_gate.HttpObserver()


@pytest.fixture
async def client(
    fake: process.FakeDiscord, observer: request_gate.HttpObserver
) -> AsyncIterator[discord.Client]:
    restore = request_gate.override_endpoints(fake.api_url, fake.gateway_url)
    client = discord.Client(intents=discord.Intents.none(), http_trace=observer.trace)
    yield client
    await client.close()
    restore()


@pytest.mark.wire
async def test_every_answer_is_told(
    client: discord.Client, observer: request_gate.HttpObserver, fake: process.FakeDiscord
) -> None:
    answers: list[Answer] = []
    observer.on_answer(answers.append)
    await client.login(process.TOKEN)
    assert {(answer.status, answer.is_json) for answer in answers} == {(200, True)}
    assert answers[0].answered_at is not None
    assert abs(answers[0].answered_at - system_clock()) < timedelta(minutes=5)
    [channel_id] = await fake.add_channels(1)
    await fake.set_faults({"kind": "status", "status": 429, "method": "GET", "times": 1})
    with pytest.raises(discord.HTTPException):
        await client.fetch_channel(channel_id)
    assert (answers[-1].status, answers[-1].is_json) == (429, False), "it has no retry_after"


@pytest.mark.wire
async def test_a_refused_handshake_of_the_gateway_is_a_failure(
    observer: request_gate.HttpObserver, fake: process.FakeDiscord
) -> None:
    failures: list[BaseException] = []
    observer.on_failure(failures.append)
    async with aiohttp.ClientSession(trace_configs=[observer.trace]) as http:
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await http.ws_connect(fake.api_url + "/users/@me")
    assert len(failures) == 1
