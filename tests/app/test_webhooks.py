"""A daily post through a webhook without a token, from `config apply` to the message."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.core.clock import system_clock
from storage import daily, migrate
from tests.fake_discord import server
from tests.support import digest_builders, running_bot
from tests.support.shell_fixtures import CommandResult, Paperround

pytestmark = pytest.mark.wire


async def make_due(path: Path) -> None:
    """Change the only daily post as if it was added two minutes ago and due a minute ago."""
    database = await migrate.open_database(f"sqlite+aiosqlite:///{path}")
    async with database.transaction() as connection:
        [row] = await daily.list_rows(connection)
        due_at = system_clock() - timedelta(minutes=1)
        changed = replace(row, at_time=f"{due_at:%H:%M}", last_on=due_at.date() - timedelta(days=1))
        await daily.update(connection, replace(changed, created_at=due_at - timedelta(minutes=1)))
    await database.close()


async def test_posts_by_webhook_without_a_token_and_hides_its_url(
    fake: server.FakeDiscord, paperround: Paperround, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAPERROUND_DISCORD_API_URL", fake.api_url)
    [channel_id] = fake.add_channels(1)
    address = fake.add_webhook(channel_id)
    # The whole id, since webhooks created on one day differ only in the last digits.
    webhook_id = address.split("/")[-2]
    shown: list[str] = []

    async def run(*arguments: str) -> CommandResult:
        answer = await asyncio.to_thread(paperround, *arguments)
        shown.extend((answer.stdout, answer.stderr))
        return answer

    async def apply(webhook: str, further: str = "") -> CommandResult:
        Path("set-up.toml").write_text(f'[[posts]]\nwebhook = "{webhook}"\n{further}')
        return await run("config", "apply", "set-up.toml", "--yes")

    assert "compact, cards, weekly" in (await apply(address, 'style = "forum"\n')).stderr
    assert (await apply(address, "top = 2\n")).exit_status == 0
    assert webhook_id in (await run("config", "export")).stdout
    Path("digest.md").write_text(digest_builders.newsletter(system_clock().date(), [("2601.00001", 9)]))
    await run("ingest", "digest.md")
    await make_due(tmp_path / "paperround.db")
    findings = {row["what"]: row for row in (await run("doctor", "--json")).data}
    assert (findings["Discord"]["status"], findings["daily post 1"]["status"]) == ("ok", "ok")
    assert findings["daily post 1"]["value"] == f"webhook …/webhooks/{webhook_id}/••••"
    settings = {"DISCORD_TOKEN": None, "PAPERROUND_LOG": "json:debug"}
    async with running_bot.run_process(fake, tmp_path, **settings) as (_, log):
        [message] = await fake.wait_for_messages(channel_id, log.read_text)
    assert "2601.00001" in json.dumps(message)
    assert "posting only through webhooks" in log.read_text()
    assert "token-of_webhook" not in "".join(shown) + log.read_text()
    # Its time has changed, and entries are also matched by time.
    exported = (await run("config", "export")).stdout
    Path("set-up.toml").write_text(f"{exported}removed = true\n")
    assert "remove daily post" in (await run("config", "apply", "set-up.toml", "--yes")).stdout
