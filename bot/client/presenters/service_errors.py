"""Maps the exceptions of services to messages for the reader."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from bot.client.interactions.errors import UserError


@contextmanager
def map_service_errors(text_ids: Mapping[type[Exception], str], **arguments: int) -> Iterator[None]:
    """Raise UserError with the Fluent id of an exception that is in the table; others pass through."""
    try:
        yield
    except tuple(text_ids) as error:
        text_id = next(text_id for kind, text_id in text_ids.items() if isinstance(error, kind))
        raise UserError(text_id, **arguments) from error
