"""Detects digests in fetched texts: in Markdown, and in HTML pages that were made from Markdown.

A large answer is read in a process of its own with limited memory, which runs this module.
"""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import sys
from typing import TYPE_CHECKING

from bot import child_process, errors, isolation
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
_RESULT_MARK = b"\0digests\0"


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
    request = {"charset": charset_name, "megabytes": MAX_MEGABYTES}
    status, output = await child_process.run(__name__, request, body)
    if status < 0:
        reason = child_process.describe_exit(status)
        raise http_errors.FetchError(f"the process that read its answer ended with {reason}")
    if status:
        raise child_process.ChildError(
            f"an answer cannot be read: {output[-2000:].decode('utf-8', 'replace')}"
        )
    start = output.index(_RESULT_MARK) + len(_RESULT_MARK)
    result: tuple[models.Digest, ...] | http_errors.FetchError
    result = await asyncio.to_thread(pickle.loads, memoryview(output)[start:])  # written by our own process
    if isinstance(result, http_errors.FetchError):
        raise result
    return result


def main() -> None:
    """Run the process: read an answer from stdin and write its digests, or the FetchError, to stdout."""
    request = child_process.read_request()
    failures: list[Exception] = []
    result = b""
    with isolation.collected(failures), child_process.memory_limit(request["megabytes"]):
        text = charset.decode_text(child_process.read_data(request), request["charset"])
        result = pickle.dumps(detect_in_text(text))
    for error in failures:
        if child_process.is_out_of_memory(error):
            reason = f"its answer is too large to be read within {request['megabytes']} MB of memory"
            result = pickle.dumps(http_errors.FetchError(reason))
        elif isinstance(error, http_errors.FetchError):
            result = pickle.dumps(error)
        else:
            raise error
    sys.stdout.buffer.write(_RESULT_MARK + result)


if __name__ == "__main__":
    main()
