"""The REST API of the fake Discord through discord.py, and the payloads that it refuses."""

from __future__ import annotations

from typing import Any

import aiohttp
import discord
import pytest

from tests.fake_discord import process, validation, wire

pytestmark = pytest.mark.wire


async def test_the_sixth_message_in_five_seconds_is_rate_limited(fake: process.FakeDiscord) -> None:
    [channel_id] = await fake.add_channels(1)
    headers = {"Authorization": f"Bot {process.TOKEN}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for remaining in (4, 3, 2, 1, 0, None):
            url = f"{fake.api_url}/channels/{channel_id}/messages"
            async with session.post(url, json={"content": "x"}) as response:
                if remaining is None:
                    assert response.status == 429
                    assert 0 < float(response.headers["Retry-After"]) <= 5
                    assert (response.headers["Via"], (await response.json())["global"]) == (
                        "1.1 google",
                        False,
                    )
                else:
                    assert response.headers["X-RateLimit-Remaining"] == str(remaining)
                    assert response.headers["Content-Type"] == "application/json"
    assert (await fake.counts())["too_many"] == 1


async def test_answers_to_interactions_are_limited_by_their_token(fake: process.FakeDiscord) -> None:
    async with aiohttp.ClientSession() as session:

        async def is_limited(token: str) -> bool:
            async with session.post(f"{fake.api_url}/webhooks/1/{token}", json={"content": "x"}) as response:
                return response.status == 429

        assert not any([await is_limited(f"of-interaction-{number}") for number in range(7)])
        assert [await is_limited("of-one") for _ in range(6)] == [False] * 5 + [True]


async def test_exceeding_the_global_limit_returns_a_global_429(fake: process.FakeDiscord) -> None:
    await fake.run_action("set_limits", {"per_second": 3})
    headers = {"Authorization": f"Bot {process.TOKEN}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        responses = []
        for _ in range(4):
            async with session.get(f"{fake.api_url}/users/@me") as response:
                responses.append((response.status, response.headers.get("X-RateLimit-Global")))
    assert responses[:3] == [(200, None)] * 3
    assert responses[3] == (429, "true")


async def test_a_wrong_token_is_rejected(
    fake: process.FakeDiscord, client: discord.AutoShardedClient
) -> None:
    async with discord.Client(intents=discord.Intents.none()) as unknown_client:
        with pytest.raises(discord.LoginFailure):
            await unknown_client.login("wrong")


def texts(*contents: str) -> dict[str, Any]:
    return {"flags": 1 << 15, "components": [{"type": 10, "content": content} for content in contents]}


def button(custom_id: str) -> dict[str, Any]:
    return {"type": 1, "components": [{"type": 2, "style": 1, "label": "x", "custom_id": custom_id}]}


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"content": "x" * 2001}, 50035),
        ({"content": ""}, 50006),
        (texts("a") | {"content": "x"}, 50035),
        (texts("a" * 2001, "b" * 2000), 50035),
        (texts(*["a"] * 41), 50035),
        (texts("가" * 3500), 0),
        ({"content": "x", "components": [button("same"), button("same")]}, 50035),
        ({"embeds": [{"description": "d" * 4000}, {"description": "d" * 2001}]}, 50035),
    ],
)
def test_a_payload_that_breaks_a_rule_outside_the_schema_is_refused(
    payload: dict[str, Any], code: int
) -> None:
    with pytest.raises(wire.ApiError) as caught:
        validation.check_message(payload)
    assert caught.value.code == code
    assert caught.value.status == (500 if code == 0 else 400)


@pytest.mark.parametrize("payload", [{"content": "x" * 2000}, texts("가" * 3100), texts(*["a"] * 40)])
def test_payloads_at_the_limits_are_allowed(payload: dict[str, Any]) -> None:
    validation.check_message(payload)


@pytest.mark.skipif(
    not validation.OPENAPI_PATH.exists(), reason="Discord's OpenAPI document is not available"
)
def test_a_payload_that_does_not_match_the_schema_is_refused() -> None:
    schemas = validation.Schemas(validation.OPENAPI_PATH)
    schemas.check("MessageCreateRequest", texts("fine") | {"nonce": "abc", "enforce_nonce": True})
    long_label = button("x")
    long_label["components"][0]["label"] = "l" * 81
    for invalid in (long_label, {"type": 9, "components": [{"type": 10, "content": "no accessory"}]}):
        with pytest.raises(wire.ApiError) as caught:
            schemas.check("MessageCreateRequest", {"flags": 1 << 15, "components": [invalid]})
        assert caught.value.code == 50035
