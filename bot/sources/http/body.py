"""An answer's body, read and unpacked within a bound, whatever the server claims of its length. Decodes no text."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

import aiohttp

from bot.sources.http import errors

_CHUNK = 64 * 1024
# A gzip stream may be several joined; thousands of empty ones would only cost us time.
_MAX_MEMBERS = 64
_GZIP, _ZLIB, _RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS

ACCEPT_ENCODING = "gzip, deflate"
"""What we say that we can unpack."""


async def read_body(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """Read the body, at most `limit` bytes packed and unpacked. Raises FetchError for one that is larger or damaged."""
    if (response.content_length or 0) > limit:
        raise _too_large(limit)
    unpacker = _open_decompressor(response.headers.getall("Content-Encoding", []))
    body = bytearray()
    packed = 0
    async for chunk in response.content.iter_chunked(_CHUNK):
        packed += len(chunk)
        if packed > limit:
            raise _too_large(limit)
        for piece in unpacker.feed(chunk) if unpacker else (chunk,):
            body += piece
            if len(body) > limit:
                raise _too_large(limit)
    if unpacker and not unpacker.is_complete:
        raise errors.TransientError("its compressed answer broke off")
    return bytes(body)


def _too_large(limit: int) -> errors.FetchError:
    return errors.FetchError(f"its answer is larger than {limit / 1_000_000:g} MB")


def _open_decompressor(encodings: Iterable[str]) -> _Decompressor | None:
    """Return the unpacker for what the server says that it used. Raises FetchError for what we never asked for."""
    names = [name.strip().lower() for line in encodings for name in line.split(",")]
    names = [name for name in names if name not in ("", "identity")]
    if not names:
        return None
    if len(names) > 1 or names[0] not in ("gzip", "x-gzip", "deflate"):
        raise errors.FetchError(f"its answer is packed as {', '.join(names)}, which was not asked for")
    return _Decompressor(gzip=names[0] != "deflate")


class _Decompressor:
    """Unpacks gzip, zlib or raw deflate step by step, so that its caller can stop a bomb early."""

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._members = 0
        self._stream: zlib._Decompress | None = None
        self._pending = b""
        self._started = False

    @property
    def is_complete(self) -> bool:
        """Whether the data ended where a stream ends. An empty body is complete."""
        return self._stream is None and not self._pending

    def feed(self, data: bytes) -> Iterable[bytes]:
        """Give the unpacked pieces of the next packed bytes, at most 64 KiB each."""
        data, self._pending = self._pending + data, b""
        more = False
        while data or more:
            if self._stream is None:
                if len(data) < 2:
                    self._pending = data
                    return
                if self._started and not data.strip(b"\0"):
                    return  # padding behind the last member
                self._stream = self._next_member(data)
            try:
                piece = self._stream.decompress(data, _CHUNK)
            except zlib.error:
                raise errors.TransientError("its compressed answer is damaged") from None
            if piece:
                yield piece
            data = self._stream.unconsumed_tail
            # A full piece means that zlib may hold more of it, even with nothing left to read.
            more = len(piece) == _CHUNK
            if self._stream.eof:
                data, self._stream, more = self._stream.unused_data, None, False

    def _next_member(self, data: bytes) -> zlib._Decompress:
        self._started = True
        self._members += 1
        if self._members > (_MAX_MEMBERS if self._gzip else 1):
            raise errors.FetchError("its compressed answer has data behind its end")
        if self._gzip:
            return zlib.decompressobj(_GZIP)
        # Half the world sends deflate without the zlib header that the standard asks for.
        has_header = data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0
        return zlib.decompressobj(_ZLIB if has_header else _RAW)
