"""Reading of response bodies, bounded in size before and after decompression.

aiohttp's own decompression is off: 3.14 bounds its output, but accepts a gzip stream that is cut off as complete.
"""

from __future__ import annotations

import asyncio
import zlib

import aiohttp

from bot.sources.http import errors

_CHUNK_BYTES = 64 * 1024
# A gzip body may be several members joined; thousands of empty ones would only cost time.
_MAX_GZIP_MEMBERS = 64
_GZIP, _ZLIB, _RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS

ACCEPT_ENCODING = "gzip, deflate"
"""The encodings that `read_body` can decompress."""


async def read_body(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """Return the body of at most `limit` bytes. Raises FetchError for one that is larger or damaged."""
    if (response.content_length or 0) > limit:
        raise _too_large(limit)
    encoding = _content_encoding(response)
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    if encoding is None or not body:
        return bytes(body)
    return await asyncio.to_thread(decompress, bytes(body), encoding, limit)


def decompress(data: bytes, encoding: str, limit: int) -> bytes:
    """Return decompressed gzip, zlib or raw deflate data of at most `limit` bytes. Raises FetchError."""
    is_gzip = encoding != "deflate"
    body = b""
    for _ in range(_MAX_GZIP_MEMBERS if is_gzip else 1):
        stream = zlib.decompressobj(_GZIP if is_gzip else _deflate_bits(data))
        try:
            body += stream.decompress(data, limit + 1 - len(body))
        except zlib.error:
            raise errors.TransientError("its compressed answer is damaged") from None
        if len(body) > limit:
            raise _too_large(limit)
        if not stream.eof:
            raise errors.TransientError("its compressed answer broke off")
        data = stream.unused_data
        if not data.strip(b"\0"):
            return body
    raise errors.FetchError("its compressed answer has data behind its end")


def _deflate_bits(data: bytes) -> int:
    """Return zlib's window bits: many servers send deflate without the zlib header of the standard."""
    has_header = len(data) > 1 and data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0
    return _ZLIB if has_header else _RAW


def _content_encoding(response: aiohttp.ClientResponse) -> str | None:
    """Return the encoding of the body, None for a plain one. Raises FetchError for one that was not requested."""
    lines = response.headers.getall("Content-Encoding", [])
    names = [name.strip().lower() for line in lines for name in line.split(",")]
    names = [name for name in names if name not in ("", "identity")]
    if not names:
        return None
    if len(names) > 1 or names[0] not in ("gzip", "x-gzip", "deflate"):
        raise errors.FetchError(f"its answer is packed as {', '.join(names)}, which was not asked for")
    return names[0]


def _too_large(limit: int) -> errors.FetchError:
    return errors.FetchError(f"its answer is larger than {limit / 1_000_000:g} MB")
