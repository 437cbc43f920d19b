"""A daily post by a webhook, from the shell to the message, without a token; the address is a secret everywhere."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.core.clock import system_clock
from storage import daily, migrate
from tests.fake_discord import process
from tests.support import digest_builders, fork_server, patience

pytestmark = pytest.mark.wire


async def paperround(fake: process.FakeDiscord, folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Run a command in a folder with its own database. Returns its exit status, stdout and stderr."""
    environment = {
        **os.environ,
        "PAPERROUND_DISCORD_API_URL": fake.api_url,
        "PAPERROUND_DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'paperround.db'}",
        "PYTHONPATH": str(process.ROOT),
    }
    out, err = folder / "command.out", folder / "command.err"
    for file in (out, err):
        file.write_text("")
    command = fork_server.ForkedProcess("bot", arguments, cwd=folder, env=environment, log=out, errors=err)
    status = await patience.wait_for(asyncio.to_thread(command.wait), 60)
    return status, out.read_text(), err.read_text()


async def make_due(path: Path) -> None:
    """Make the only daily post one that was added two minutes ago and has been due for a minute."""
    database = await migrate.open_database(f"sqlite+aiosqlite:///{path}")
    async with database.transaction() as connection:
        [row] = await daily.list_rows(connection)
        due_at = system_clock() - timedelta(minutes=1)
        changed = replace(row, at_time=f"{due_at:%H:%M}", last_on=due_at.date() - timedelta(days=1))
        await daily.update(connection, replace(changed, created_at=due_at - timedelta(minutes=1)))
    await database.close()


async def test_a_webhook_alone_posts_without_a_token_and_its_address_is_shown_nowhere(
    fake: process.FakeDiscord, tmp_path: Path
) -> None:
    [channel_id] = await fake.add_channels(1)
    address = await fake.add_webhook(channel_id)
    # The whole id: those of webhooks made on one day differ in their last digits.
    label = f"…/webhooks/{address.split('/')[-2]}/••••"
    shown: list[str] = []

    async def run(*arguments: str) -> Any:
        status, stdout, stderr = await paperround(fake, tmp_path, *arguments)
        shown.extend((stdout, stderr))
        return status, stdout, stderr

    async def apply(webhook: str, further: str = "") -> Any:
        (tmp_path / "set-up.toml").write_text(f'[[posts]]\nwebhook = "{webhook}"\n{further}')
        return await run("config", "apply", "set-up.toml", "--yes")

    assert (await apply("https://evil.example/x"))[0] == 2
    assert "compact, cards, weekly" in (await apply(address, 'style = "forum"\n'))[2]
    assert (await apply(address, "top = 2\n"))[0] == 0
    assert address.split("/")[-2] in (await run("config", "export"))[1]
    digest = digest_builders.newsletter(system_clock().date(), [("2601.00001", 9)])
    (tmp_path / "digest.md").write_text(digest)
    await run("ingest", "digest.md")
    await make_due(tmp_path / "paperround.db")
    findings = {row["what"]: row for row in json.loads((await run("doctor", "--json"))[1])}
    assert (findings["Discord"]["status"], findings["daily post 1"]["status"]) == ("ok", "ok")
    assert findings["daily post 1"]["value"] == f"webhook {label}"
    settings = {"DISCORD_TOKEN": None, "PAPERROUND_LOG": "json:debug"}
    async with fake.running_bot(tmp_path, **settings) as (_, log):
        [message] = await fake.wait_for_messages(channel_id, log.read_text)
    assert "2601.00001" in json.dumps(message)
    assert "posting only through webhooks" in log.read_text()
    assert "token-of_webhook" not in "".join(shown) + log.read_text()
    # Its time is another one by now, and an entry matches by time too.
    exported = (await run("config", "export"))[1]
    (tmp_path / "set-up.toml").write_text(f"{exported}removed = true\n")
    assert "remove daily post" in (await run("config", "apply", "set-up.toml", "--yes"))[1]
    status, _, stderr = await run("run")
    assert (status, "DISCORD_TOKEN is not set" in stderr) == (2, True)
