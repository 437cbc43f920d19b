"""Collects the errors that this process logs, without readers' texts that their messages may contain."""

from __future__ import annotations

import importlib
import logging
import re
import secrets
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from bot.core import logs
from storage import errors
from storage.failures import MAX_KEPT, Failure

MAX_FRAMES, MAX_ERRORS = 30, 5
"""Limits: stack frames per error, and errors in a chain of causes."""
MAX_REASON = 300
_QUOTED = re.compile(r"(?<!\w)(?:'[^']*'|\"[^\"]*\"|“[^“”]*”|`[^`]*`)(?!\w)")
"""Quoted text in a message, which a reader may have typed."""


class Raised(NamedTuple):
    """An error in a chain of causes: its type and stack frames."""

    kind: str
    frames: traceback.StackSummary


Sink = Callable[[Failure, list[Raised]], None]
"""Receives each error as it is logged."""


class FailureLog(logging.Handler):
    """Collects the last errors that are logged while `listening`."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.addFilter(logs.is_event)
        self._collected = deque[Failure](maxlen=MAX_KEPT)
        self._sink: Sink | None = None

    @contextmanager
    def listening(self, sink: Sink | None) -> Iterator[None]:
        """Collect the errors of the block, and pass each to a sink."""
        root, self._sink = logging.getLogger(), sink
        root.addHandler(self)
        try:
            yield
        finally:
            root.removeHandler(self)

    def take(self) -> list[Failure]:
        """Return the collected errors, oldest first, and forget them."""
        with self._locked():
            taken = list(self._collected)
            self._collected.clear()
        return taken

    def put_back(self, taken: list[Failure]) -> None:
        """Collect errors again that could not be stored."""
        with self._locked():
            self._collected = deque([*taken, *self._collected], maxlen=MAX_KEPT)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.acquire()
        try:
            yield
        finally:
            self.release()

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == "discord.shard":
            return  # a lost connection, which discord.py restores
        try:
            if (described := _describe(record)) is None:
                return
            failure, raised = described
            self._collected.append(failure)
            if self._sink is not None:
                self._sink(failure, raised)
        except Exception:  # noqa: BLE001 - as all handlers: logging must not fail
            self.handleError(record)


def _describe(record: logging.LogRecord) -> tuple[Failure, list[Raised]] | None:
    """Return what to store of an error, or None if a takeover or a stopped database caused it."""
    # structlog's records have a dictionary; those of libraries may have readers' texts in their messages.
    details: dict[str, Any] = record.msg if isinstance(record.msg, dict) else {"event": _cut(record)}
    error = _find_error(details.get("exc_info") or record.exc_info)
    if errors.is_away(error):
        return None
    raised = list(_list_raised(error))
    reason = errors.make_printable(_QUOTED.sub("…", errors.redact(str(details.get("reason") or ""))))
    failure = Failure(
        failed_at=datetime.fromtimestamp(record.created, UTC),
        event=str(details["event"])[:MAX_REASON],
        reference=str(details.get("reference") or secrets.token_hex(3)),
        command=str(details.get("command") or ""),
        kind=raised[-1].kind if raised else "",
        reason=reason[:MAX_REASON],
        trace="".join(f"{''.join(one.frames.format())}{one.kind}\n" for one in raised),
    )
    return failure, raised


def _cut(record: logging.LogRecord) -> str:
    """Return a library's message if it is a constant of its code, without arguments; else the place that logged it."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and (frame.f_code.co_filename, frame.f_lineno) != (
        record.pathname,
        record.lineno,
    ):
        frame = frame.f_back
    if frame is not None and record.msg in frame.f_code.co_consts:
        return str(record.msg)
    known = (one for one in _OF_ASYNCIO if record.name == "asyncio" and str(record.msg).startswith(one))
    return next(known, f"{record.name}: {record.funcName}")


_OF_ASYNCIO = (
    "Exception in callback",
    "Future exception was never retrieved",
    "Task exception was never retrieved",
    "Task was destroyed but it is pending!",
)
"""Prefixes of messages that asyncio formats before it logs them."""


def _find_error(value: Any) -> BaseException | None:
    if value is True:
        value = sys.exc_info()
    if isinstance(value, tuple):
        value = value[1]
    return value if isinstance(value, BaseException) else None


def _list_raised(error: BaseException | None) -> Iterator[Raised]:
    """Yield the errors that led to this one, the first cause first."""
    chain: list[BaseException] = []
    while error is not None and len(chain) < MAX_ERRORS and error not in chain:
        chain.append(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    for one in reversed(chain):
        frames = traceback.extract_tb(one.__traceback__)
        yield Raised(_name_kind(one), traceback.StackSummary.from_list(frames[-MAX_FRAMES:]))


def _name_kind(error: BaseException) -> str:
    """Return the type of an error, with the status and code of Discord's response."""
    kind = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    numbers = [getattr(error, name, None) for name in ("status", "code")]
    return " ".join([kind, *(str(number) for number in numbers if isinstance(number, int) and number)])


def open_sentry(dsn: str, release: str) -> Sink:
    """Return a sink that sends errors to Sentry. Raises ModuleNotFoundError without the extra `sentry`.

    Its own integrations are off: they would send messages and variables, which may be readers' texts. Of what it adds
    to an event, such as the name of the machine, only what an event needs is sent.
    """
    sentry: Any = importlib.import_module("sentry_sdk")
    sentry.init(
        dsn=dsn,
        release=release,
        default_integrations=False,
        auto_enabling_integrations=False,
        include_local_variables=False,
        max_breadcrumbs=0,
        before_send=lambda event, _: {name: event[name] for name in _SENT if name in event},
    )

    def send(failure: Failure, raised: list[Raised]) -> None:
        values = [
            {
                "type": one.kind,
                "stacktrace": {
                    "frames": [
                        {"filename": _shorten(frame.filename), "function": frame.name, "lineno": frame.lineno}
                        for frame in one.frames
                    ]
                },
            }
            for one in raised
        ]
        tags = {"reference": failure.reference, "command": failure.command}
        event = {"level": "error", "message": failure.event, "tags": tags, "timestamp": failure.failed_at}
        sentry.capture_event(event | {"exception": {"values": values}} if values else event)

    return send


_SENT = ("event_id", "timestamp", "platform", "level", "release", "message", "tags", "exception")


def _shorten(filename: str) -> str:
    """Return a file's path below the folder that it is imported from, without the folders of this machine."""
    path = Path(filename)
    below = [path.relative_to(root).as_posix() for root in sys.path if root and path.is_relative_to(root)]
    return min(below, key=len, default=path.name)
