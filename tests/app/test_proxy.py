"""Discord by a proxy: the Gateway, commands' requests, posts and webhooks. The host's name is known to the proxy alone."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from bot.app.container import Container
from bot.client import command_sync, rest
from bot.core.clock import system_clock
from bot.core.settings import Settings
from bot.features.operations import liveness
from bot.outbox import outcomes
from storage import errors
from tests.fake_discord import model
from tests.fake_discord.server import FakeDiscord
from tests.support import outbox_builders, patience, running_bot
from tests.support.running_bot import PAPER, SingleRuns, post, post_in

pytestmark = pytest.mark.wire
NAME = "discord.test"


@asynccontextmanager
async def run_proxy(targets: list[str], answer: bytes = b"") -> AsyncIterator[str]:
    """Run a proxy on loopback that forwards plain requests to 127.0.0.1, or gives an answer of its own. Yields its address."""

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        target = head.split(b" ")[1].decode()
        targets.append(target)
        if answer:
            writer.write(answer)
            writer.close()
            return
        there = await asyncio.open_connection("127.0.0.1", urlsplit(target).port)
        there[1].write(head)
        await asyncio.gather(pipe(reader, there[1]), pipe(there[0], writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def test_gateway_posts_and_webhooks_go_by_the_proxy_alone(fake: FakeDiscord, tmp_path: Path) -> None:
    single, targets = SingleRuns(fake, tmp_path), list[str]()
    single.write_digest()
    by_bot, by_webhook = fake.add_channels(2)
    single.write_set_up(post_in(by_bot), post(webhook=fake.add_webhook(by_webhook)))
    async with run_proxy(targets) as proxy:
        settings: dict[str, Any] = {
            "PAPERROUND_PROXY": proxy,
            "PAPERROUND_DISCORD_API_URL": fake.api_url.replace("127.0.0.1", NAME),
            "PAPERROUND_DISCORD_GATEWAY_URL": fake.gateway_url.replace("127.0.0.1", NAME),
        }
        address = (tmp_path / "posts.toml").read_text().replace("127.0.0.1", NAME)
        (tmp_path / "posts.toml").write_text(address)
        run = await single.run(**settings)
        assert run.exit_status == 0, run
        for channel_id in (by_bot, by_webhook):
            assert PAPER in json.dumps(fake.messages(channel_id))
        async with running_bot.run_process(fake, tmp_path, **settings):
            await fake.wait_until_connected()
        known = Settings(
            discord_token=SecretStr(model.TOKEN),
            discord_api_url=settings["PAPERROUND_DISCORD_API_URL"],
            proxy=proxy,
        )
        two_hours_ahead = await command_sync.identify(
            known, lambda: fake.world.clock.now() + timedelta(hours=2)
        )
        assert (two_hours_ahead.name != "", round(two_hours_ahead.seconds_ahead / 3600)) == (True, 2)
    assert {urlsplit(target).hostname for target in targets} == {NAME}


@pytest.mark.parametrize("refuses", [True, False])
async def test_a_proxy_that_refuses_or_is_away_is_named_without_its_password_and_nothing_counts_as_sent(
    fake: FakeDiscord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refuses: bool
) -> None:
    """By doctor, in the log and by `/health` (docs/operating.md, *Bad days*)."""
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    async with run_proxy([], refusal) as refusing:
        place, address = (
            (refusing, f"https://{NAME}/api") if refuses else ("http://127.0.0.1:1", fake.api_url)
        )
        proxy, named = place.replace("//", "//ada:s3cretpw@"), f"by the proxy {place} of PAPERROUND_PROXY"
        known = Settings(discord_token=SecretStr(model.TOKEN), discord_api_url=address, proxy=proxy)
        said = f"Discord cannot be reached {named}: {'407' * refuses}"
        with pytest.raises(errors.PaperroundError, match=said) as identified:
            await command_sync.identify(known)
        restore = rest.override_endpoints(address, None)
        client = rest.RestClient(outbox_builders.make_pace(), lambda _: None, model.TOKEN, proxy)
        try:
            with pytest.raises(outcomes.DeliveryError) as sent:
                await client.request("POST", "/channels/1/messages", payload={})
        finally:
            await client.close()
            restore()
        given = {"PAPERROUND_PROXY": proxy, "PAPERROUND_DISCORD_API_URL": address}
        async with running_bot.run_process(fake, tmp_path, **given) as (_, log):
            await patience.wait_until(lambda: f"Discord is unreachable {named}" in log.read_text())
        single = SingleRuns(fake, tmp_path)
        single.write_set_up(post_in(*fake.add_channels(1)))
        run = await single.run("--minutes", "0.1", **given)
    monkeypatch.setattr(liveness, "LOGIN_SECONDS", -1.0)
    [problem] = Container(known, mock.Mock(), system_clock).liveness.find_problems()
    assert problem == f"{liveness.NO_LOGIN} It is asked {named}."
    assert sent.value.classification == outcomes.NOT_ACCEPTED
    if refuses:
        assert str(sent.value) == f"no answer of Discord {named} (407)"
        assert ("407, message=" in log.read_text(), "407" in f"{run}") == (True, True)
    else:
        assert f"no answer of Discord {named} (Connect" in str(sent.value)
        assert f"sending: failed because Discord did not answer {named};" in run.stdout, run
    assert "s3cretpw" not in f"{identified.value} {sent.value} {log.read_text()} {run} {problem}"
