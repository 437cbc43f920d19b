"""A world in each language; after every test everything that was sent is checked."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.app.container import Container
from bot.client import translations
from bot.settings import Settings
from storage import migrate, models
from storage.database import Database
from tests.support import client_archive, payload_checks
from tests.support.client_harness import SIMCORD_EPOCH, World, open_world


@pytest.fixture(scope="session")
def texts() -> translations.Translations:
    """The interface's texts, read once."""
    return translations.load()


@pytest.fixture(scope="session")
def archive_template(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the sample digests, to be copied: much quicker than ingesting them for each test."""
    path = tmp_path_factory.mktemp("archive") / "paperround.db"
    shutil.copy(sqlite_template, path)

    async def fill() -> None:
        database = await migrate.open_database(f"sqlite+aiosqlite:///{path}")
        ingest = Container(Settings(), database, lambda: SIMCORD_EPOCH).create_ingest()
        for number, text in enumerate(client_archive.DIGESTS):
            await ingest.add_text(text, location=f"{number}.md")
        await database.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, fill()).result()
    return path


@pytest.fixture
async def archive_db(archive_template: Path, tmp_path: Path) -> AsyncIterator[Database]:
    """A database with the sample digests."""
    shutil.copy(archive_template, tmp_path / "paperround.db")
    opened = await migrate.open_database(f"sqlite+aiosqlite:///{tmp_path / 'paperround.db'}")
    yield opened
    await opened.close()


@pytest.fixture(params=list(models.Locale), ids=lambda locale: locale.value)
def locale(request: pytest.FixtureRequest) -> models.Locale:
    """The language that every reader speaks."""
    return models.Locale(request.param)


@pytest.fixture
async def world(
    archive_db: Database, locale: models.Locale, texts: translations.Translations
) -> AsyncIterator[World]:
    """A world in each language."""
    async with _checked_world(archive_db, locale, texts) as opened:
        yield opened


@pytest.fixture
async def english_world(archive_db: Database, texts: translations.Translations) -> AsyncIterator[World]:
    """A world whose language does not matter."""
    async with _checked_world(archive_db, models.Locale.EN, texts) as opened:
        yield opened


@pytest.fixture
async def empty_world(sqlite_db: Database, texts: translations.Translations) -> AsyncIterator[World]:
    """A world without any digest."""
    async with _checked_world(sqlite_db, models.Locale.KO, texts) as opened:
        yield opened


@asynccontextmanager
async def _checked_world(
    database: Database, locale: models.Locale, texts: translations.Translations
) -> AsyncIterator[World]:
    async with open_world(database, locale, texts) as opened:
        yield opened
        payload_checks.check_requests(opened.env.http_requests)
        assert opened.unexpected_errors() == []
