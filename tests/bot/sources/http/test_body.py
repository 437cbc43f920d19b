"""Bodies are unpacked within their bound, whatever they are packed with."""

from __future__ import annotations

import gzip
import os
import zlib

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from bot.sources.http import body as http_body
from bot.sources.http import errors, fetcher
from tests.support import origin_server


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def _unpack(packed: list[bytes], *, gzip: bool = True) -> tuple[bytes, bool]:
    unpacker = http_body._Decompressor(gzip=gzip)
    result = b"".join(piece for part in packed for piece in unpacker.feed(part))
    return result, unpacker.is_complete


@given(
    st.binary(max_size=5000),
    st.integers(1, 700),
    st.sampled_from([gzip.compress, zlib.compress, _raw_deflate]),
)
def test_what_was_packed_comes_out_however_it_is_sliced(data: bytes, step: int, pack: object) -> None:
    packed = pack(data)  # type: ignore[operator]
    slices = [packed[start : start + step] for start in range(0, len(packed), step)]
    assert _unpack(slices, gzip=pack is gzip.compress) == (data, True)


@pytest.mark.parametrize("size", [65535, 65536, 65537, 131072, 1_000_000])
def test_a_body_of_whole_pieces_comes_out_to_its_last_byte(size: int) -> None:
    assert _unpack([gzip.compress(b"a" * size, mtime=0)]) == (b"a" * size, True)
    noise = os.urandom(size)
    assert _unpack([gzip.compress(noise, mtime=0)]) == (noise, True)


def test_joined_gzip_streams_are_one_body() -> None:
    assert _unpack([gzip.compress(b"one ", mtime=0) + gzip.compress(b"two") + b"\0" * 8]) == (
        b"one two",
        True,
    )


def test_a_stream_that_breaks_off_is_not_complete() -> None:
    assert _unpack([gzip.compress(b"a digest", mtime=0)[:-3]])[1] is False


def test_thousands_of_empty_streams_are_not_unpacked() -> None:
    with pytest.raises(errors.FetchError, match="behind its end"):
        _unpack([gzip.compress(b"", mtime=0) * 3000])


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", _raw_deflate)]
)
async def test_a_packed_page_is_read(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher, encoding: str, pack: object
) -> None:
    packed = pack("소형 언어 모델".encode())  # type: ignore[operator]
    origin.pages["/"] = web.Response(body=packed, headers={"Content-Encoding": encoding})
    answer = await fetch.get(origin.url)
    assert answer.body == "소형 언어 모델".encode()


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_bomb_is_put_down_at_the_bound(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher, encoding: str
) -> None:
    bomb = (gzip.compress if encoding == "gzip" else zlib.compress)(b"\0" * 25_000_000)
    assert len(bomb) < 50_000
    origin.pages["/"] = web.Response(body=bomb, headers={"Content-Encoding": encoding})
    with pytest.raises(errors.FetchError, match="larger than 20 MB"):
        await fetch.get(origin.url)


async def test_a_page_that_says_it_is_too_large_is_not_even_read(fetch: fetcher.Fetcher) -> None:
    script = origin_server.http_response(b"", "Content-Length: 20000001")
    async with origin_server.run_raw_origin(script, holds_open=True) as raw:
        with pytest.raises(errors.FetchError, match="larger than 20 MB"):
            await fetch.get(f"http://127.0.0.1:{raw.port}/")


async def test_a_page_that_never_says_its_length_ends_at_the_bound(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 1_000_000)

    origin.pages["/"] = endless
    with pytest.raises(errors.FetchError, match="larger than 20 MB"):
        await fetch.get(origin.url)


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "zstd", "compress"])
async def test_what_was_not_asked_for_is_not_unpacked(fetch: fetcher.Fetcher, encoding: str) -> None:
    script = origin_server.http_response(b"abc", "Content-Length: 3", f"Content-Encoding: {encoding}")
    async with origin_server.run_raw_origin(script) as raw:
        with pytest.raises(errors.FetchError, match="not asked for"):
            await fetch.get(f"http://127.0.0.1:{raw.port}/")


@pytest.mark.parametrize(
    "body", [gzip.compress(b"a digest" * 50, mtime=0)[:-9], b"no gzip at all"], ids=["cut off", "no gzip"]
)
async def test_a_damaged_packed_page_is_named(fetch: fetcher.Fetcher, body: bytes) -> None:
    script = origin_server.http_response(body, f"Content-Length: {len(body)}", "Content-Encoding: gzip")
    async with origin_server.run_raw_origin(script) as raw:
        with pytest.raises(errors.FetchError, match="its compressed answer"):
            await fetch.get(f"http://127.0.0.1:{raw.port}/")
        assert raw.connections == 3
