"""The check of the token, with the real discord.py against a server on loopback."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.client import command_sync
from bot.core.settings import Settings
from storage import errors
from tests.fake_discord import model
from tests.support import origin_server

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

RATE_LIMIT = {"message": "You are being rate limited.", "retry_after": 60.0, "global": True}


@asynccontextmanager
async def answering(handler: Handler) -> AsyncIterator[Settings]:
    """Serve one handler for all routes. Yields settings with its address as Discord's."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    async with origin_server.serving(web.AppRunner(app, access_log=None, shutdown_timeout=0.1)) as port:
        url = f"http://127.0.0.1:{port}/api/v10"
        yield Settings().model_copy(update={"discord_token": SecretStr(model.TOKEN), "discord_api_url": url})


async def test_a_long_rate_limit_ends_the_check_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    async def limit(_: web.Request) -> web.StreamResponse:
        # discord.py compares the content type exactly; `json_response` would add a charset.
        headers = {"Via": "1.1 google", "Retry-After": "60", "Content-Type": "application/json"}
        return web.Response(body=json.dumps(RATE_LIMIT).encode(), status=429, headers=headers)

    monkeypatch.setattr(command_sync, "ANSWER_SECONDS", 0.5)
    async with answering(limit) as settings:
        with pytest.raises(errors.PaperroundError, match="limits requests at the moment"):
            await command_sync.check_token(settings)


async def test_a_wrong_token_and_an_unreachable_discord_are_told_apart() -> None:
    async def refuse(_: web.Request) -> web.StreamResponse:
        return web.json_response({"message": "401: Unauthorized", "code": 0}, status=401)

    async with answering(refuse) as settings:
        with pytest.raises(errors.PaperroundError, match="does not accept DISCORD_TOKEN"):
            await command_sync.check_token(settings)
    with pytest.raises(errors.PaperroundError, match="cannot be reached"):
        await command_sync.check_token(settings)


@pytest.mark.parametrize(
    ("token", "may_be_one"), [(model.TOKEN, True), ("abc", False), ("…", False), ("", False)]
)
def test_the_form_of_a_token_is_told_without_network(token: str, may_be_one: bool) -> None:
    assert command_sync.has_token_form(token) is may_be_one
