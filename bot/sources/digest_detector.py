"""Detects digests in fetched texts: in Markdown, and in HTML pages that were made from Markdown.

A large answer is read in a process of its own with limited memory.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from bot import child_process, errors
from bot.digests import parse
from bot.sources import html_to_markdown
from bot.sources.http import charset
from bot.sources.http import errors as http_errors
from storage import models

if TYPE_CHECKING:
    from bot.sources.http.response import Response

ACCEPT = "text/markdown, text/plain, text/html;q=0.8, */*;q=0.5"
SUFFIXES = parse.FILE_SUFFIXES | {".markdown"}
"""Suffixes of digests in folders and repositories and at web addresses, in lower case."""

_THREAD_THRESHOLD = 200_000
"""Body size in bytes from which detection runs in a thread, off the event loop."""
LARGE_BYTES = 1_000_000
"""Body size in bytes from which detection runs in a process of its own."""
MAX_MEGABYTES = 200
"""Limit of the data segment of that process, and so of the digests that it returns."""
_MAX_CPU_SECONDS = 300.0
_ENTRIES_AT_ONCE = 50


async def detect_in_response(response: Response) -> tuple[models.Digest, ...]:
    """Return the digests in a response. Raises FetchError with the reason if there is none."""
    body = response.body or b""
    if not body.strip():
        raise http_errors.FetchError("its answer is empty")

    if len(body) >= LARGE_BYTES:
        # Where no process can be started, a thread does it.
        with contextlib.suppress(child_process.ChildStartError):
            return await _detect_in_process(body, response.charset)

    def detect() -> tuple[models.Digest, ...]:
        return detect_in_text(response.text())

    return detect() if len(body) < _THREAD_THRESHOLD else await asyncio.to_thread(detect)


def detect_in_text(text: str) -> tuple[models.Digest, ...]:
    """Return the digests in a text. Raises FetchError if there is none."""
    is_page = html_to_markdown.looks_like_html(text)
    digests = _parse(text)
    if digests is None and is_page:
        digests = _parse(html_to_markdown.to_markdown(text))
    if digests is None:
        if is_page:
            raise http_errors.HtmlPageError("it is an HTML page without a digest")
        raise http_errors.FetchError("there is no digest in it")
    if not any(digest.entries for digest in digests):
        raise http_errors.NotFoundError("its list of papers is empty")
    return digests


def _parse(text: str) -> tuple[models.Digest, ...] | None:
    try:
        return parse.parse_text(text)
    except errors.NotADigestError:
        return None


async def _detect_in_process(body: bytes, charset_name: str | None) -> tuple[models.Digest, ...]:
    parts = child_process.stream_isolated(
        _detect, body, charset_name, seconds=_MAX_CPU_SECONDS, megabytes=MAX_MEGABYTES
    )
    found: list[tuple[dict[str, Any], list[models.Entry]]] = []
    try:
        async with aclosing(parts):
            async for part in parts:
                if isinstance(part, dict):
                    found.append((part, []))
                else:
                    found[-1][1].extend(map(_build_entry, part))
    except child_process.ChildLimitError as error:
        raise http_errors.FetchError(str(error)) from error
    return tuple(
        models.Digest(
            format=models.DigestFormat(head["format"]),
            date=date.fromisoformat(head["date"]),
            entries=tuple(entries),
            problems=tuple(models.Problem(**problem) for problem in head["problems"]),
            text=head["text"],
        )
        for head, entries in found
    )


def _build_entry(fields: dict[str, Any]) -> models.Entry:
    sections = tuple(models.Section(**section) for section in fields["sections"])
    return models.Entry(**{**fields, "authors": tuple(fields["authors"]), "sections": sections})


def _detect(body: bytes, charset_name: str | None) -> Iterator[Any]:
    """Yield each digest without its entries, then its entries in parts."""
    for digest in detect_in_text(charset.decode_text(body, charset_name)):
        yield replace(digest, entries=())
        for start in range(0, len(digest.entries), _ENTRIES_AT_ONCE):
            yield digest.entries[start : start + _ENTRIES_AT_ONCE]
