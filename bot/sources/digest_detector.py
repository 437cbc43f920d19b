"""Is there a digest in what a place gave? Finds it in Markdown and in a page that was made from Markdown."""

from __future__ import annotations

import asyncio

from bot import errors
from bot.digests import parse
from bot.sources import base, html_to_markdown
from bot.sources.http import charset, fetcher
from bot.sources.http import errors as http_errors
from storage import models

_LARGE = 200_000
"""From this many bytes or letters on, work is done in a thread, so that the bot goes on answering."""


async def read_answer(answer: fetcher.Answer, place: str) -> base.DigestText:
    """Return the digests in what a server sent. Raises FetchError where there is none, saying what is there instead."""
    body = answer.body or b""
    if not body.strip():
        raise http_errors.FetchError("its answer is empty")
    if len(body) < _LARGE:
        return read_text(charset.decode_text(body, answer.charset), place)
    return await asyncio.to_thread(lambda: read_text(charset.decode_text(body, answer.charset), place))


def read_text(text: str, place: str) -> base.DigestText:
    """Return the digests in a text. Raises FetchError where there is none."""
    is_page = html_to_markdown.looks_like_html(text)
    found = _parse(text)
    if found is None and is_page:
        text = html_to_markdown.to_markdown(text)
        found = _parse(text)
    if found is None:
        if is_page:
            raise http_errors.PageError("it is an HTML page without a digest")
        raise http_errors.FetchError("there is no digest in it")
    if not any(digest.papers for digest in found):
        raise http_errors.AbsentError("its list of papers is empty")
    return base.DigestText(text, place, found)


def _parse(text: str) -> tuple[models.Digest, ...] | None:
    try:
        return parse.parse_text(text)
    except errors.NotADigestError:
        return None
