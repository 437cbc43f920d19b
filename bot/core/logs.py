"""Structured logs on stderr, as text for a console or as JSON lines for a collector."""

from __future__ import annotations

import asyncio
import functools
import logging
import sys

import structlog

from bot.core import settings
from storage import errors

SHARED_PROCESSORS: tuple[structlog.typing.Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)
_STORAGE_FIELDS = ("statement", "ms", "look_up", "waited_ms", "statements_ms", "slowest_ms", "computed_ms")
"""The extra fields in records of `storage`, which does not load structlog."""

_QUIET_SECONDS = 3600.0


def configure(log: str) -> None:
    """Configure structlog and the standard library's logging from the setting PAPERROUND_LOG."""
    style, level = settings.parse_log(log)
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if style == "json"
        # Local variables in tracebacks could show whole digests and tokens.
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[*SHARED_PROCESSORS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        cache_logger_on_first_use=False,
    )
    finish: list[structlog.typing.Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        _make_safe,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*SHARED_PROCESSORS, structlog.stdlib.ExtraAdder(_STORAGE_FIELDS)],
        processors=[*finish, renderer],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    handler.addFilter(is_event)
    handler.addFilter(functools.partial(_shorten_reconnect, {}))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(capture=True)
    # These libraries log internals at INFO.
    quiet = logging.INFO if level == "debug" else max(logging.WARNING, root.level)
    for name in ("discord", "aiosqlite", "mcp"):
        logging.getLogger(name).setLevel(quiet)
    # It warns of each run that is skipped because the job still runs.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)


def _make_safe(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Redact secrets, which texts of libraries quote, and escape control characters. Leave out what is None.

    Further lines are indented, so that none looks like another record.
    """
    return {name: _make_value_safe(value) for name, value in event.items() if value is not None}


def _make_value_safe(value: object) -> object:
    match value:
        case None | int() | float():
            return value
        case dict():
            return {_make_value_safe(key): _make_value_safe(item) for key, item in value.items()}
        case list() | tuple() | set():
            return [*map(_make_value_safe, value)]
    text = value if isinstance(value, str) else repr(value)
    return errors.make_printable(errors.redact(text)).replace("\n", "\n    ")


def _shorten_reconnect(logged_at: dict[str, float], record: logging.LogRecord) -> bool:
    """Turn discord.py's traceback of a failed connection into a line. Returns False for a type of error logged within the hour.

    `logged_at` has the time of the last line of each type (Unix seconds).
    """
    error = record.exc_info and record.exc_info[1]
    if record.name != "discord.shard" or not error:
        return True
    name = type(error).__name__
    record.msg, record.args, record.exc_info = f"{record.getMessage()}: {name}: {error}", (), None
    if abs(record.created - logged_at.get(name, 0.0)) < _QUIET_SECONDS:
        return False
    logged_at[name] = record.created
    return True


def is_event(record: logging.LogRecord) -> bool:
    """Return False for errors of cancelled tasks, as when SQLAlchemy closes a connection at shutdown."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))
