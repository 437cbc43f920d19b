"""Starts processes of the bot as forks of one that has loaded all modules, which takes a second of CPU each time otherwise."""

from __future__ import annotations

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

PRELOADED = (
    "bot.app.runtime",
    "bot.app.client",
    "bot.search.service",
    "apscheduler.executors.base",
    "aiosqlite",
    "asyncpg",
)

_context = multiprocessing.get_context("forkserver")


class ForkedProcess:
    """A process like `subprocess.Popen(["python", "-m", MODULE, …])`, whose output is appended to a file if one is given."""

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        log: Path | None = None,
    ) -> None:
        if log is not None:
            log.touch()
        _context.set_forkserver_preload([*PRELOADED])
        self._process = _context.Process(
            target=_run, args=(module, [*arguments], str(cwd), {**env}, log and str(log))
        )
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit status, negative after a signal. Raises TimeoutExpired as `Popen` does."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(str(self._process), timeout or 0.0)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _run(module: str, arguments: list[str], cwd: str, environment: dict[str, str], log: str | None) -> None:
    with open(log or os.devnull, "ab") as output:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(output.fileno(), stream.fileno())
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
