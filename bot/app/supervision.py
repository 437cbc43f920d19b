"""Supervision of a running process: reports to systemd, and ends a process that hangs so that it is restarted."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import shutil
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog

from bot.core.clock import system_clock
from bot.features.operations.liveness import Liveness
from storage import errors, sqlite_file

log = structlog.get_logger(__name__)

EVERY_SECONDS = 10.0
FROZEN_SECONDS = 60.0
"""A process whose watch was late by this was frozen, as by `docker pause`: its grace period restarts."""
HANG_SECONDS = 300.0
"""How long the event loop may stand still. Then the places in the code are printed, and the process ends."""
READY_SECONDS = 60.0
"""After this time a process is reported as ready even if its first login has not succeeded."""

REPLACED = (
    "The installed files were replaced while the bot was running: restart it. Until then parts of both versions may run side by"
    " side."
)
DOUBLED = (
    "Another process answers commands or posts with this token, from another database. Stop the bot whose `paperround posts`"
    " lacks your posts, or give it an application and a token of its own. Restore nothing: no data are lost."
)


FULL_BYTES = 1_000_000
"""A disk with less free space counts as full."""
FULL = "The disk of {} is full. What cannot be recorded is not sent: free some space, and the bot goes on by itself."


class Watchdog:
    """Ends the process from outside the event loop if that stands still for HANG_SECONDS.

    A thread counts its own steps, and the kernel the process's CPU time, for code that lets no other thread run. Neither
    counts while the process is frozen.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._has_answered = True
        self._ended = threading.Event()
        faulthandler.enable()  # the watchdog of systemd ends a process by SIGABRT
        faulthandler.register(signal.SIGPROF, chain=True)  # its default action ends the process
        threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def _run(self) -> None:
        steps = 0
        while not self._ended.wait(EVERY_SECONDS):
            steps = 0 if self._has_answered else steps + 1
            if steps * EVERY_SECONDS > HANG_SECONDS:
                faulthandler.dump_traceback()
                os._exit(1)
            if self._has_answered:
                self._has_answered = False
                with suppress(RuntimeError):  # the loop has ended
                    self._loop.call_soon_threadsafe(self._answer)

    def _answer(self) -> None:
        if not self._ended.is_set():
            self._has_answered = True
            signal.setitimer(signal.ITIMER_PROF, HANG_SECONDS)

    def close(self) -> None:
        """Stop watching."""
        self._ended.set()
        signal.setitimer(signal.ITIMER_PROF, 0)


LOST = (
    "{} is no longer the file that the bot has open: it was moved, removed or replaced, and what is written now is lost with the"
    " process. Stop the bot, and put the file back or a backup in its place: `paperround restore FILE`."
)


def notify(state: str) -> None:
    """Send a state to systemd by sd_notify(3). Does nothing without its socket in the environment."""
    if (address := os.environ.get("NOTIFY_SOCKET", ""))[:1] in ("/", "@") and address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending, suppress(OSError):
            sending.setblocking(False)  # a slow systemd must not block the bot
            sending.connect(address.replace("@", "\0", 1))
            sending.sendall(state.encode())


@dataclass(eq=False)
class Supervision:
    """Watches over a process. `is_replaced` returns whether its installed files were replaced since its start.

    `may_exit`: a process whose event loop hangs is ended from outside the loop. Not for tests, which share their process.
    """

    is_replaced: Callable[[], bool] = lambda: False
    may_exit: bool = False
    file: Path | None = None
    """The file of the database, which is reported if its disk is full, or if it is no longer the one that is open."""

    _opened: os.stat_result | None = None

    async def watch(self, liveness: Liveness, is_sending: Callable[[], bool] = lambda: False) -> None:
        """Notify systemd of readiness (the first login) and liveness, and log each notice once, until cancelled.

        Raises PaperroundError if it `is_sending` and a part of it hangs: every supervisor starts it again then. A standby
        is left alone. The grace period restarts when it takes over, and after the process was frozen.
        """
        logged: set[str] = set()
        loop = asyncio.get_running_loop()
        began_at = turned_at = loop.time()
        is_ready = was_sending = False
        # A dedicated thread: the shared ones may all be blocked, for example by DNS lookups that time out.
        thread = ThreadPoolExecutor(1, "supervision")
        watchdog = Watchdog(loop) if self.may_exit else None
        try:
            while True:
                found = await loop.run_in_executor(thread, self._list_notices, liveness)
                liveness.notices = [" ".join(filter(None, notice)) for notice in found.items()]
                lost = liveness.list_missing("gateway") if is_sending() else []
                notices = [*found, *liveness.troubles, *lost]
                for notice in notices:
                    if notice not in logged:
                        # Errors reach the operator in a direct message.
                        (log.warning if notice is REPLACED else log.error)(notice)
                logged = {*notices}
                is_taking_over = is_sending() and not was_sending
                if is_taking_over or loop.time() - turned_at > EVERY_SECONDS + FROZEN_SECONDS:
                    liveness.record_start()
                was_sending, turned_at = is_sending(), loop.time()
                if was_sending and (hanging := liveness.find_hanging()) is not None:
                    raise errors.PaperroundError(f"{hanging} The process ends, so that it is started again.")
                if not is_ready and (liveness.is_logged_in() or loop.time() - began_at > READY_SECONDS):
                    is_ready = True
                    notify("READY=1")
                notify(f"WATCHDOG=1\nSTATUS={' '.join([*liveness.notices, *liveness.troubles])}")
                await asyncio.sleep(EVERY_SECONDS)
        finally:
            notify("STOPPING=1")
            if watchdog is not None:
                watchdog.close()

    def _list_notices(self, liveness: Liveness) -> dict[str, str]:
        """Return notices for the operator, each with a detail whose changes are not reported again."""
        liveness.troubles = [] if self.file is None else [*self._examine_file(self.file)]
        found = {REPLACED: ""} if self.is_replaced() else {}
        if (seconds := liveness.find_double()) is not None:
            found[DOUBLED] = (
                f"It last did at {system_clock() - timedelta(seconds=seconds):%Y-%m-%d %H:%M} UTC."
            )
        return found | dict.fromkeys(filter(None, [*liveness.concerns, liveness.heartbeat]), "")

    def _examine_file(self, file: Path) -> Iterator[str]:
        try:
            self._opened = self._opened or file.stat()
            is_there = os.path.samestat(self._opened, file.stat())
        except FileNotFoundError:
            is_there = False
        except OSError:
            return
        if not is_there:
            yield LOST.format(file)
        elif shutil.disk_usage(file.parent).free < FULL_BYTES:
            yield FULL.format(file.parent)
        elif locked := sqlite_file.find_lock(file):
            yield locked
