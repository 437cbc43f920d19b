"""Bodies are decompressed within their size limit, and damaged ones are errors."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Callable

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from bot.sources import fetch_errors, fetcher
from tests.support import origin_server


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def _decompress(data: bytes, encoding: str = "gzip") -> bytes:
    return fetcher.decompress(data, encoding, limit=5_000_000)


@given(
    st.binary(max_size=5000),
    st.sampled_from([("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", _raw_deflate)]),
)
def test_compressed_data_is_decompressed(data: bytes, packing: tuple[str, Callable[[bytes], bytes]]) -> None:
    encoding, compress = packing
    assert _decompress(compress(data), encoding) == data


@pytest.mark.parametrize("size", [65535, 65536, 65537, 131072, 1_000_000])
def test_a_body_is_complete_to_its_last_byte(size: int) -> None:
    assert _decompress(gzip.compress(b"a" * size, mtime=0)) == b"a" * size
    noise = os.urandom(size)
    assert _decompress(gzip.compress(noise, mtime=0)) == noise


def test_joined_gzip_members_are_one_body() -> None:
    packed = gzip.compress(b"one ", mtime=0) + gzip.compress(b"two") + b"\0" * 8
    assert _decompress(packed) == b"one two"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@given(data=st.data())
def test_a_stream_that_is_cut_off_anywhere_is_an_error(encoding: str, data: st.DataObject) -> None:
    packed = gzip.compress(b"a digest", mtime=0) if encoding == "gzip" else zlib.compress(b"a digest")
    end = data.draw(st.integers(1, len(packed) - 1))
    with pytest.raises(fetch_errors.TransientError, match="its compressed answer"):
        _decompress(packed[:end], encoding)


@pytest.mark.parametrize("size", [999_999, 1_000_000, 1_000_001])
def test_the_limit_counts_decompressed_bytes_of_all_members(size: int) -> None:
    packed = gzip.compress(b"a" * 400_000) + gzip.compress(b"b" * (size - 400_000))
    if size <= 1_000_000:
        assert len(fetcher.decompress(packed, "gzip", limit=1_000_000)) == size
        return
    with pytest.raises(fetch_errors.FetchError, match="larger than 1 MB"):
        fetcher.decompress(packed, "gzip", limit=1_000_000)


def test_thousands_of_empty_members_are_not_decompressed() -> None:
    with pytest.raises(fetch_errors.FetchError, match="behind its end"):
        _decompress(gzip.compress(b"", mtime=0) * 3000)


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", _raw_deflate)]
)
async def test_a_compressed_page_is_decompressed(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher, encoding: str, pack: object
) -> None:
    packed = pack("소형 언어 모델".encode())  # type: ignore[operator]
    origin.pages["/"] = web.Response(body=packed, headers={"Content-Encoding": encoding})
    response = await fetch.get(origin.url)
    assert response.body == "소형 언어 모델".encode()


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_decompression_bomb_is_stopped_at_the_limit(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher, encoding: str
) -> None:
    bomb = (gzip.compress if encoding == "gzip" else zlib.compress)(b"\0" * 25_000_000)
    assert len(bomb) < 50_000
    origin.pages["/"] = web.Response(body=bomb, headers={"Content-Encoding": encoding})
    with pytest.raises(fetch_errors.FetchError, match="larger than 20 MB"):
        await fetch.get(origin.url)


async def test_a_page_with_a_too_large_content_length_is_not_read(fetch: fetcher.Fetcher) -> None:
    script = origin_server.http_response(b"", "Content-Length: 20000001")
    async with origin_server.run_raw_origin(script, holds_open=True) as raw:
        with pytest.raises(fetch_errors.FetchError, match="larger than 20 MB"):
            await fetch.get(f"http://127.0.0.1:{raw.port}/")


async def test_an_endless_page_is_stopped_at_the_limit(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 1_000_000)

    origin.pages["/"] = endless
    with pytest.raises(fetch_errors.FetchError, match="larger than 20 MB"):
        await fetch.get(origin.url)


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "zstd", "compress"])
async def test_an_encoding_that_was_not_requested_is_an_error(fetch: fetcher.Fetcher, encoding: str) -> None:
    script = origin_server.http_response(b"abc", "Content-Length: 3", f"Content-Encoding: {encoding}")
    async with origin_server.run_raw_origin(script) as raw:
        with pytest.raises(fetch_errors.FetchError, match="not asked for"):
            await fetch.get(f"http://127.0.0.1:{raw.port}/")


@pytest.mark.parametrize(
    "body", [gzip.compress(b"a digest" * 50, mtime=0)[:-9], b"no gzip at all"], ids=["cut off", "no gzip"]
)
async def test_a_damaged_compressed_page_is_retried(fetch: fetcher.Fetcher, body: bytes) -> None:
    script = origin_server.http_response(body, f"Content-Length: {len(body)}", "Content-Encoding: gzip")
    async with origin_server.run_raw_origin(script) as raw:
        with pytest.raises(fetch_errors.FetchError, match="its compressed answer"):
            await fetch.get(f"http://127.0.0.1:{raw.port}/")
        assert raw.connections == 3
