"""Registration and mentions of slash commands, and validation of the bot's token."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.client import command_sync
from bot.client.wording import CommandMentions
from bot.core.settings import Settings
from storage import errors
from tests.fake_discord import model
from tests.support import origin_server
from tests.support.client_harness import ClientHarness, shown_text


def _count_syncs(harness: ClientHarness) -> int:
    return sum(
        request.method == "PUT" and request.path.endswith("/commands")
        for request in harness.env.http_requests
    )


async def test_commands_work_even_if_discord_rejects_the_registration(harness: ClientHarness) -> None:
    assert harness.bot.mentions("daily edit").startswith("</daily edit:")
    mentions = CommandMentions()
    assert mentions("daily edit") == "`/daily edit`"
    await mentions.load(harness.container.database)
    assert mentions("daily edit") == harness.bot.mentions("daily edit")
    await harness.env.restart_bot(harness.container.create_bot(shard_count=1))
    assert harness.bot.mentions("daily edit") == mentions("daily edit")
    harness.env.inject_error(
        "PUT", "/applications/*/commands", status=400, code=30034, message="too many", times=1
    )
    for count in (3, 4):
        await harness.env.restart_bot(harness.container.create_bot(shard_count=1))
        assert "Paperround" in shown_text(await harness.ask("help"))
        assert _count_syncs(harness) == count


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

RATE_LIMIT = {"message": "You are being rate limited.", "retry_after": 60.0, "global": True}


@asynccontextmanager
async def answering(handler: Handler) -> AsyncIterator[Settings]:
    """Serve all routes with one handler, and yield settings that use its URL as Discord's."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    async with origin_server.serving(web.AppRunner(app, access_log=None, shutdown_timeout=0.1)) as port:
        url = f"http://127.0.0.1:{port}/api/v10"
        yield Settings().model_copy(update={"discord_token": SecretStr(model.TOKEN), "discord_api_url": url})


async def test_token_check_explains_a_long_rate_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    async def limit(_: web.Request) -> web.StreamResponse:
        # discord.py compares the content type exactly, and `json_response` would add a charset.
        headers = {"Via": "1.1 google", "Retry-After": "60", "Content-Type": "application/json"}
        return web.Response(body=json.dumps(RATE_LIMIT).encode(), status=429, headers=headers)

    monkeypatch.setattr(command_sync, "ANSWER_SECONDS", 0.5)
    async with answering(limit) as settings:
        with pytest.raises(errors.PaperroundError, match="is limiting requests"):
            await command_sync.identify(settings)


async def test_token_check_distinguishes_a_wrong_token_from_an_outage() -> None:
    codes = iter([0, "unauthorized"])

    async def refuse(_: web.Request) -> web.StreamResponse:
        body = json.dumps({"message": "401: Unauthorized", "code": next(codes)}).encode()
        return web.Response(body=body, status=401, headers={"Content-Type": "application/json"})

    async with answering(refuse) as settings:
        for expected in ("does not accept DISCORD_TOKEN", "a proxy or firewall in between answered"):
            with pytest.raises(errors.PaperroundError, match=expected):
                await command_sync.identify(settings)
    with pytest.raises(errors.PaperroundError, match="cannot be reached"):
        await command_sync.identify(settings)
