"""Structured logs on stderr: text for a console or JSON lines for a collector. Neither obeys a terminal's sequences."""

from __future__ import annotations

import asyncio
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


def configure(log: str) -> None:
    """Configure structlog and the standard library's logging. `log` is the PAPERROUND_LOG setting."""
    style, level = settings.parse_log(log)
    renderer: structlog.typing.Processor = (
        _render_json
        if style == "json"
        # Tracebacks without local variables, which may contain whole digests and tokens.
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
        # The console's renderer adds the terminal's colours itself. JSON is made printable as a line.
        *([] if style == "json" else [_make_values_printable]),
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=list(SHARED_PROCESSORS), processors=[*finish, renderer]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    handler.addFilter(_is_event)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # discord.py, Alembic and the SDK of MCP log internals at INFO.
    quiet = logging.INFO if level == "debug" else max(logging.WARNING, root.level)
    for name in ("discord", "alembic", "apscheduler", "aiosqlite", "mcp"):
        logging.getLogger(name).setLevel(quiet)


def _is_event(record: logging.LogRecord) -> bool:
    """Whether a record is not about a task that was cancelled, as when SQLAlchemy closes a connection while the bot ends."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


def _make_values_printable(
    logger: object, method_name: str, event_dict: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    printable = {
        name: errors.make_printable(value) if isinstance(value, str) else value
        for name, value in event_dict.items()
    }
    # The renderer writes line breaks of other values as escapes, but those of a library's message as they are.
    return {**printable, "event": str(printable["event"]).replace("\n", "\\n")}


_json_renderer = structlog.processors.JSONRenderer(ensure_ascii=False)


def _render_json(
    logger: structlog.typing.WrappedLogger, method_name: str, event_dict: structlog.typing.EventDict
) -> str:
    return errors.escape_in_json(str(_json_renderer(logger, method_name, event_dict)))
