"""A web server over a small archive that includes a hostile paper."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiohttp
import pytest
from yarl import URL

from bot.app.container import Container
from bot.client.services import Services
from bot.core import http_server
from bot.core.settings import Settings
from bot.features.web import server
from bot.features.web.service import WebPages
from storage.database import Database
from tests.conftest import OpenFilled
from tests.support import sample_archive

HOSTILE_TITLE = 'A </script><script>alert(1)</script> "><img src=x onerror=alert(2)> \x07\u202eTitle & More'
HOSTILE = """## Daily Papers (2025-01-04)

### [{title}](https://arxiv.org/abs/2501.00004)

![](https://covers.example/4.png)

Vote: 3

Authors: Eve <b>Evil</b>, ../../etc/passwd, Ada Lovelace

- ***What's New***: It uses <script>alert(3)</script> and [a link](javascript:alert(4)) and **bold** words.
- ***Technical Details***: ![](https://tracker.example/pixel.png) A picture in the text.
"""


@dataclass
class WebArchive:
    """A web server whose time is `now`."""

    services: Services
    pages: WebPages
    now: datetime = datetime(2025, 1, 5, 9, tzinfo=UTC)
    url: str = ""
    server: server.WebServer = field(init=False)

    def __post_init__(self) -> None:
        self.server = server.WebServer(self.pages)

    async def get(
        self, path: str, headers: Mapping[str, str] | None = None, method: str = "GET"
    ) -> tuple[int, Mapping[str, str], str]:
        """Return a response's status, headers and text, without following redirects."""
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                method, URL(self.url + path, encoded=True), headers=headers, allow_redirects=False
            ) as response,
        ):
            return response.status, response.headers, await response.text()

    async def text(self, path: str) -> str:
        status, _, text = await self.get(path)
        assert status == 200, text
        return text


async def _add_papers(database: Database) -> None:
    ingest = sample_archive.make_ingest(database)
    await sample_archive.add_digest(database, "2025-01-02", sample_archive.SMALL, sample_archive.REINFORCED)
    await sample_archive.add_digest(database, "2025-01-03", sample_archive.CHEMISTRY)
    await ingest.add_text(HOSTILE.replace("{title}", HOSTILE_TITLE), location="hostile.md")


@pytest.fixture
async def archive(open_filled: OpenFilled) -> AsyncIterator[WebArchive]:
    async with open_archive(await open_filled(_add_papers)) as opened:
        yield opened


@asynccontextmanager
async def open_archive(db: Database) -> AsyncIterator[WebArchive]:
    holder: list[WebArchive] = []
    container = Container(Settings(), db, lambda: holder[0].now)
    services = container.services
    opened = WebArchive(services, container.web_pages)
    holder.append(opened)
    serving = http_server.serving("127.0.0.1:0", "PAPERROUND_WEB", [opened.server.add_routes])
    async with serving as opened.url:
        yield opened
