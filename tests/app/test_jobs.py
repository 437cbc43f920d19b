"""The operator's heartbeat."""

import pytest
from structlog.testing import capture_logs

from bot.app import container as app_container
from bot.app import jobs
from bot.core import clock
from bot.core.settings import Settings
from tests.support.origin_server import run_origin


@pytest.mark.parametrize("page", ["/up", "/secret-key"])
async def test_requests_the_heartbeat_only_while_the_bot_is_healthy(page: str) -> None:
    async with run_origin() as origin:
        origin.pages["/up"] = "ok"
        settings = Settings(fetch_allow=(f"127.0.0.1:{origin.port}",))
        with capture_logs() as entries:
            async with app_container.create_fetcher(settings, clock.system_clock) as fetch:
                for is_well in (True, False, True):
                    await jobs.send_heartbeat(f"{origin.url}{page}", fetch, [is_well].pop)
        assert origin.paths == [page] * 2
    assert [entry["event"] for entry in entries] == ["heartbeat not accepted"] * (2 * (page != "/up"))
    assert "secret-key" not in repr(entries)
