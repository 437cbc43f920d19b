"""Is there a digest in what a place gave? Finds it in Markdown and in a page that was made from Markdown."""

from __future__ import annotations

import asyncio

from bot import errors
from bot.digests import parse
from bot.sources import charsets, failures, fetcher, markup, source
from storage import models

_LARGE = 200_000
"""From this many bytes or letters on, work is done in a thread, so that the bot goes on answering."""


async def read_answer(answer: fetcher.Answer, place: str) -> source.DigestText:
    """Return the digests in what a server sent. Raises FetchError where there is none, saying what is there instead."""
    body = answer.body or b""
    if not body.strip():
        raise failures.FetchError("its answer is empty")
    if len(body) < _LARGE:
        return read_text(charsets.decode_text(body, answer.charset), place)
    return await asyncio.to_thread(lambda: read_text(charsets.decode_text(body, answer.charset), place))


def read_text(text: str, place: str) -> source.DigestText:
    """Return the digests in a text. Raises FetchError where there is none."""
    is_page = markup.looks_like_html(text)
    found = _parse(text)
    if found is None and is_page:
        text = markup.to_markdown(text)
        found = _parse(text)
    if found is None:
        if is_page:
            raise failures.PageError("it is an HTML page without a digest")
        raise failures.FetchError("there is no digest in it")
    if not any(digest.papers for digest in found):
        raise failures.AbsentError("its list of papers is empty")
    return source.DigestText(text, place, found)


def _parse(text: str) -> tuple[models.Digest, ...] | None:
    try:
        return parse.parse_text(text)
    except errors.NotADigestError:
        return None
