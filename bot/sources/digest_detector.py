"""Detects digests in fetched texts: in Markdown, and in HTML pages that were made from Markdown."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bot import errors
from bot.digests import parse
from bot.sources import html_to_markdown
from bot.sources.http import errors as http_errors
from storage import models

if TYPE_CHECKING:
    from bot.sources.http import fetcher

ACCEPT = "text/markdown, text/plain, text/html;q=0.8, */*;q=0.5"
SUFFIXES = parse.FILE_SUFFIXES | {".markdown"}
"""Suffixes of digests in folders and repositories and at web addresses, in lower case."""

_THREAD_THRESHOLD = 200_000
"""Body size in bytes from which detection runs in a thread, off the event loop."""


async def detect_in_response(response: fetcher.Response) -> tuple[models.Digest, ...]:
    """Return the digests in a response. Raises FetchError with the reason if there is none."""
    body = response.body or b""
    if not body.strip():
        raise http_errors.FetchError("its answer is empty")

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
