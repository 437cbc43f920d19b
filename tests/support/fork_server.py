"""Start bot processes by forking one that has loaded all modules, which saves a second of CPU each."""

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from storage import locks
from tests.support import patience

PRELOADED = (
    *("bot.app.process", "bot.app.client", "bot.search.service", "tests.support.preloaded"),
    *("apscheduler.executors.base", "aiosqlite", "psycopg"),
)

ROOT = Path(__file__).parents[2]
_APPEND = os.O_WRONLY | os.O_APPEND
_context = multiprocessing.get_context("forkserver")


class ForkedProcess:
    """A process like `subprocess.Popen(["python", "-m", MODULE, …])` that appends its output to files.

    `log` is the file for stdout, and for stderr unless `errors` is given. `stdin` is empty by default.
    """

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        log: Path | None = None,
        errors: Path | None = None,
        stdin: Path | None = None,
    ) -> None:
        out, err = log or Path(os.devnull), errors or log or Path(os.devnull)
        for file in (out, err):
            file.touch()
        _context.set_forkserver_preload([*PRELOADED])
        streams = (str(stdin or os.devnull), str(out), str(err))
        self._process = _context.Process(target=_run, args=(module, [*arguments], str(cwd), {**env}, streams))
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit status, negative after a signal. Raises TimeoutExpired, like `Popen`."""
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


def _run(
    module: str, arguments: list[str], cwd: str, environment: dict[str, str], streams: tuple[str, str, str]
) -> None:
    for number, (name, flags) in enumerate(zip(streams, (os.O_RDONLY, _APPEND, _APPEND), strict=True)):
        os.dup2(os.open(name, flags), number)
    sys.stdin = os.fdopen(0, closefd=False)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [module, *arguments]
    # Short, since tests wait for the lease of each killed sender; longer where a busy machine may delay its renewal.
    for time in ("LEASE", "RENEW_SECONDS", "MAX_SILENCE_SECONDS"):
        vars(locks)[time] *= 0.5 * patience.factor()
    runpy.run_module(module, run_name="__main__", alter_sys=True)
