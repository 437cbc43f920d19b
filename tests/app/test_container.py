"""A poller built from settings: allowed hosts, invalid sources and the operator's notice."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.app import container
from bot.app.workers import Workers
from bot.core.settings import Settings
from storage import errors, models, outbox
from tests.support import origin_server

START = datetime(2025, 5, 6, 12, tzinfo=UTC)


def settings(folder: Path, **values: Any) -> Settings:
    return Settings.model_validate(
        {"database_url": f"sqlite+aiosqlite:///{folder / 'paperround.db'}", **values}
    )


def test_allowed_hosts_may_have_private_addresses(tmp_path: Path) -> None:
    configured = settings(
        tmp_path, fetch_allow="files.lan, 10.0.0.5:8080", hf_endpoint="http://127.0.0.1:9000"
    )
    assert container.allowed_hosts(configured) == [
        ("files.lan", None),
        ("10.0.0.5", 8080),
        ("127.0.0.1", 9000),
    ]
    assert container.allowed_hosts(settings(tmp_path)) == []


@pytest.mark.parametrize("invalid", [{"fetch_allow": "http://host/"}, {"sources": [{"url": "ftp://x/"}]}])
async def test_invalid_sources_raise_a_usage_error(tmp_path: Path, invalid: dict[str, Any]) -> None:
    async with container.open_container(settings(tmp_path, **invalid)) as opened:
        with pytest.raises(errors.UsageError):
            async with Workers(opened).open_poller():
                pass


async def test_failing_source_sends_the_operator_one_notice(tmp_path: Path) -> None:
    now = START
    async with origin_server.run_origin() as origin:
        origin.pages["/feed"] = web.Response(status=403)
        configured = settings(
            tmp_path,
            operator_channel=4242,
            fetch_allow=f"127.0.0.1:{origin.port}",
            sources=[{"url": f"{origin.url}/feed"}],
        )
        async with container.open_container(configured, clock=lambda: now) as opened:
            async with Workers(opened).open_poller() as poller:
                for _ in range(6):
                    await poller.fetch_due()
                    now += timedelta(days=2)
            async with opened.database.read() as connection:
                notices = await outbox.list_rows(connection, kind=models.DeliveryKind.NOTICE)
                parts = await outbox.list_parts(connection, notices[0].id)
    assert [(notice.channel_id, notice.guild_id, notice.user_id) for notice in notices] == [
        (4242, None, None)
    ]
    assert "it refuses access (403)" in str(parts[0].payload)
    assert "/feed" in str(parts[0].payload)
