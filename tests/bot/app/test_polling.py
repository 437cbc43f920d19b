"""What the settings make of fetching: who may be fetched from, and who is told of failures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot import errors
from bot.app import container, polling
from bot.settings import Settings
from bot.sources.http import ssrf_guard
from storage import models
from storage.outbox import queries
from tests.support import origin_server

START = datetime(2025, 5, 6, 12, tzinfo=UTC)


def settings(folder: Path, **more: Any) -> Settings:
    return Settings.model_validate(
        {"database_url": f"sqlite+aiosqlite:///{folder / 'paperround.db'}", **more}
    )


def test_the_listed_hosts_and_the_operators_own_services_may_be_private(tmp_path: Path) -> None:
    given = settings(tmp_path, fetch_allow="files.lan, 10.0.0.5:8080", hf_endpoint="http://127.0.0.1:9000")
    assert polling.allowances(given) == [
        ssrf_guard.AllowedHost("files.lan"),
        ssrf_guard.AllowedHost("10.0.0.5", 8080),
        ssrf_guard.AllowedHost("127.0.0.1", 9000),
    ]
    assert polling.allowances(settings(tmp_path)) == []


@pytest.mark.parametrize(
    "wrong",
    [{"fetch_allow": "http://host/"}, {"hf_endpoint": "nonsense"}, {"sources": [{"url": "ftp://x/"}]}],
)
async def test_settings_that_cannot_be_used_are_named(tmp_path: Path, wrong: dict[str, Any]) -> None:
    async with container.open_container(settings(tmp_path, **wrong)) as opened:
        with pytest.raises(errors.UsageError):
            async with polling.open_poller(opened, opened.create_ingest()):
                pass


async def test_the_operators_channel_gets_one_notice_of_a_source_that_goes_on_failing(tmp_path: Path) -> None:
    now = START
    async with origin_server.run_origin() as origin:
        origin.pages["/feed"] = web.Response(status=403)
        given = settings(
            tmp_path,
            operator_channel=4242,
            fetch_allow=f"127.0.0.1:{origin.port}",
            sources=[{"url": f"{origin.url}/feed"}],
        )
        async with container.open_container(given, clock=lambda: now) as opened:
            async with polling.open_poller(opened, opened.create_ingest()) as service:
                for _ in range(6):
                    await service.fetch_due()
                    now += timedelta(days=2)
            async with opened.database.read() as connection:
                planned = await queries.list_rows(connection, kind=models.DeliveryKind.NOTICE)
                parts = await queries.list_parts(connection, planned[0].id)
    assert [(one.channel_id, one.guild_id, one.user_id) for one in planned] == [(4242, None, None)]
    assert "it refuses access (403)" in str(parts[0].payload)
    assert "/feed" in str(parts[0].payload)
