"""Reads a file of references in a process of its own, with little memory and time: the file may be made to take more."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from typing import Any

from bot import child_process
from bot.services.shelf import reference_parser
from bot.services.shelf.reference_parser import Reference, UnreadableFileError
from bot.sources.http import charset
from bot.sources.http.errors import FetchError

MAX_SECONDS = 40.0
_MAX_CPU_SECONDS = 30.0
_MAX_MEGABYTES = 400
_REFERENCES_AT_ONCE = 50


async def read_references(data: bytes) -> tuple[list[Reference], list[str], int]:
    """Return what `reference_parser.parse_references` returns for a file. Raises UnreadableFileError."""
    parts = child_process.stream_isolated(_parse, data, seconds=_MAX_CPU_SECONDS, megabytes=_MAX_MEGABYTES)
    references: list[Reference] = []
    try:
        async with asyncio.timeout(MAX_SECONDS), aclosing(parts):
            problems, left_out = await anext(parts)
            async for part in parts:
                references += part
    except TimeoutError as error:
        raise UnreadableFileError("reading it took too long") from error
    except (FetchError, child_process.ChildError) as error:
        raise UnreadableFileError(str(error)) from error
    return references, problems, left_out


def _parse(data: bytes) -> Iterator[Any]:
    """Yield the problems and the number left out, then the references in parts."""
    references, *others = reference_parser.parse_references(charset.decode_text(data))
    yield others
    for start in range(0, len(references), _REFERENCES_AT_ONCE):
        yield references[start : start + _REFERENCES_AT_ONCE]
