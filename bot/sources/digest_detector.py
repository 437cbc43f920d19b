"""Is there a digest in what a place gave? Finds it in Markdown and in a page that was made from Markdown."""

from __future__ import annotations

import asyncio

from bot import errors
from bot.digests import parse
from bot.sources import base, html_to_markdown
from bot.sources.http import charset, fetcher
from bot.sources.http import errors as http_errors
from storage import models

_THREAD_THRESHOLD = 200_000
"""From this many bytes or letters on, work is done in a thread, so that the bot goes on answering."""


async def detect_in_response(response: fetcher.Response, location: str) -> base.ParsedDocument:
    """Return the digests in what a server sent. Raises FetchError where there is none, saying what is there instead."""
    body = response.body or b""
    if not body.strip():
        raise http_errors.FetchError("its answer is empty")
    if len(body) < _THREAD_THRESHOLD:
        return detect_in_text(charset.decode_text(body, response.charset), location)
    return await asyncio.to_thread(
        lambda: detect_in_text(charset.decode_text(body, response.charset), location)
    )


def detect_in_text(text: str, location: str) -> base.ParsedDocument:
    """Return the digests in a text. Raises FetchError where there is none."""
    is_page = html_to_markdown.looks_like_html(text)
    found = _parse(text)
    if found is None and is_page:
        text = html_to_markdown.to_markdown(text)
        found = _parse(text)
    if found is None:
        if is_page:
            raise http_errors.HtmlPageError("it is an HTML page without a digest")
        raise http_errors.FetchError("there is no digest in it")
    if not any(digest.entries for digest in found):
        raise http_errors.NotFoundError("its list of papers is empty")
    return base.ParsedDocument(text, location, found)


def _parse(text: str) -> tuple[models.Digest, ...] | None:
    try:
        return parse.parse_text(text)
    except errors.NotADigestError:
        return None
