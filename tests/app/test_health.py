"""`paperround run` as a process: its health, and the index that it builds."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from storage import migrate
from tests.fake_discord import server
from tests.support import fork_server, origin_server, patience, running_bot, sample_archive

pytestmark = pytest.mark.wire


async def test_running_bot_builds_its_index_and_is_healthy_until_frozen(
    fake: server.FakeDiscord, tmp_path: Path
) -> None:
    database = await migrate.open_database(f"sqlite+aiosqlite:///{tmp_path / 'paperround.db'}")
    await sample_archive.add_digest(database, "2025-01-02", sample_archive.SMALL)
    await database.close()
    environment = {**os.environ, "PAPERROUND_HTTP": f"0.0.0.0:{origin_server.find_free_port()}"}
    async with running_bot.run_process(fake, tmp_path, PAPERROUND_HTTP=environment["PAPERROUND_HTTP"]) as (
        bot,
        log,
    ):
        async with patience.limit():
            while not (body := await _ask(environment)) or body["claim_seconds"] is None:
                assert bot.returncode is None, log.read_text()
            await fake.wait_until_connected()
            while not (body := await _ask(environment)).get("gateway_connected"):
                pass
        assert (body["role"], body["discord"], body["problems"]) == ("sender", "well", [])
        assert body["tick_seconds"] is not None
        assert body["discord_seconds"] is not None
        await patience.wait_until(lambda: bool([*tmp_path.rglob("state.json")]), describe=log.read_text)
        bot.send_signal(signal.SIGSTOP)
        assert await _ask(environment) == {}
        bot.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("metrics", ["private", "public"])
async def test_health_and_metrics_are_at_the_address_of_the_web_archive_only_by_a_setting(
    fake: server.FakeDiscord, tmp_path: Path, metrics: str
) -> None:
    address = f"127.0.0.1:{origin_server.find_free_port()}"
    async with (
        running_bot.run_here(fake, tmp_path, http=address, web=address, metrics=metrics),
        aiohttp.ClientSession() as session,
    ):
        for path in ("/health", "/metrics"):
            async with session.get(f"http://{address}{path}") as answer:
                assert answer.status == (200 if metrics == "public" else 404)
                is_shown = metrics == "public" and path == "/health"
                assert ('"role": "sender"' in await answer.text()) == is_shown
        async with session.get(f"http://{address}/search") as page:
            assert "<h1>Search</h1>" in await page.text()
            assert "Server" not in page.headers


async def _ask(environment: dict[str, str]) -> dict[str, Any]:
    """Return what `paperround healthcheck` printed; {} if it exited with status 1."""
    command = [sys.executable, "-m", "bot", "healthcheck", "--json"]
    check = await asyncio.create_subprocess_exec(
        *command,
        cwd=fork_server.ROOT,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    stdout, stderr = await check.communicate()
    if check.returncode == 1:
        assert b"unhealthy" in stderr
        return {}
    assert check.returncode == 0
    body: dict[str, Any] = json.loads(stdout)
    return body
