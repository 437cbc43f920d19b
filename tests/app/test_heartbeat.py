"""The heartbeat: asked while the bot is well, logged once when it fails, without the address."""

from __future__ import annotations

from pydantic import SecretStr
from structlog.testing import capture_logs

from bot.app import tasks
from bot.app.container import Container
from bot.core.settings import Settings
from storage.database import Database
from tests.support.origin_server import OriginServer, run_origin


async def _beat(
    database: Database, origin: OriginServer, path: str, well: list[bool], *, is_allowed: bool = True
) -> None:
    configured = Settings(
        heartbeat_url=SecretStr(f"{origin.url}/{path}"),
        fetch_allow=(f"127.0.0.1:{origin.port}",) if is_allowed else (),
    )
    async with tasks.open_heartbeat(Container(configured, database), lambda: well.pop(0)) as [
        (beat, interval)
    ]:
        assert interval.total_seconds() == 60
        while well:
            await beat()


async def test_the_address_is_asked_while_the_bot_is_well(sqlite_db: Database) -> None:
    async with run_origin() as origin:
        origin.pages["/up"] = "ok"
        await _beat(sqlite_db, origin, "up", [True, False, True])
        assert origin.paths == ["/up", "/up"]


async def test_a_failure_is_logged_once_and_without_the_address(sqlite_db: Database) -> None:
    async with run_origin() as origin:
        with capture_logs() as entries:
            await _beat(sqlite_db, origin, "secret-key", [True, True])
        assert origin.paths == ["/secret-key"] * 2
    assert [entry["event"] for entry in entries] == ["the heartbeat was not accepted"]
    assert "secret-key" not in repr(entries)


async def test_a_private_address_is_not_asked_unless_it_is_allowed(sqlite_db: Database) -> None:
    async with run_origin() as origin:
        origin.pages["/up"] = "ok"
        await _beat(sqlite_db, origin, "up", [True], is_allowed=False)
        assert origin.paths == []


async def test_nothing_is_asked_without_the_setting(sqlite_db: Database) -> None:
    async with tasks.open_heartbeat(Container(Settings(), sqlite_db), lambda: True) as jobs:
        assert jobs == []
