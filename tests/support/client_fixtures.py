"""Fixtures for the client harness, which validate all requests to Discord after each test."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from bot.app.container import Container
from bot.app.workers import Workers
from bot.core.settings import Settings
from storage import models
from storage.database import Database
from tests.support import client_archive, origin_server, payload_checks
from tests.support.client_harness import NOWHERE, SIMCORD_EPOCH, ClientHarness, open_harness


async def add_samples(database: Database) -> None:
    """Ingest the sample digests."""
    ingest = Workers(Container(Settings(), database, lambda: SIMCORD_EPOCH)).ingest
    for number, text in enumerate(client_archive.DIGESTS):
        await ingest.add_text(text, location=f"{number}.md")


@pytest.fixture
async def archive_db(open_filled: Callable[..., Awaitable[Database]]) -> Database:
    return await open_filled(add_samples)


@pytest.fixture
def locale() -> models.Locale:
    """The language of all users: English, except in tests marked `both_languages`."""
    return models.Locale.EN


@pytest.fixture
async def harness(archive_db: Database, locale: models.Locale) -> AsyncIterator[ClientHarness]:
    async with _checked_harness(archive_db, locale) as harness:
        yield harness


@pytest.fixture
async def empty_harness(sqlite_db: Database) -> AsyncIterator[ClientHarness]:
    """A client harness in Korean with an empty archive."""
    async with _checked_harness(sqlite_db, models.Locale.KO) as harness:
        yield harness


@pytest.fixture
async def origin() -> AsyncIterator[origin_server.OriginServer]:
    """The server that plays arXiv and Hugging Face in `online_harness`."""
    async with origin_server.run_origin() as opened:
        yield opened


@pytest.fixture
async def online_harness(
    archive_db: Database, locale: models.Locale, origin: origin_server.OriginServer
) -> AsyncIterator[ClientHarness]:
    """A client harness with arXiv and Hugging Face on loopback."""
    async with _checked_harness(archive_db, locale, origin.url) as harness:
        yield harness


@asynccontextmanager
async def _checked_harness(
    database: Database, locale: models.Locale, services_url: str = NOWHERE
) -> AsyncIterator[ClientHarness]:
    async with open_harness(database, locale, services_url) as harness:
        yield harness
        payload_checks.check_requests(harness.env.http_requests)
        assert harness.unexpected_errors() == []
