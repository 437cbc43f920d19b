"""The fetcher against real servers: requests, redirects, retries, errors and the SSRF guard."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp import web

from bot.sources import fetch_errors, fetcher
from bot.sources.fetcher import Limits
from storage import models
from tests.support import origin_server, patience, source_fixtures

QUICK = Limits(connect_timeout=5, read_timeout=5, total_timeout=0.4)
SILENT = Limits(read_timeout=0.1)


async def test_a_response_has_the_validators_of_the_page(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    modified = "Tue, 06 May 2025 09:00:00 GMT"
    headers = {"ETag": '"v1"', "Last-Modified": modified, "Content-Type": "text/markdown; charset=euc-kr"}
    origin.pages["/a"] = web.Response(body=b"a digest", headers=headers)
    response = await fetch.get(f"{origin.url}/a#top")
    assert (response.body, response.url) == (b"a digest", f"{origin.url}/a")
    assert (response.media_type, response.charset) == ("text/markdown", "euc-kr")
    page = response.page_state
    assert (page.etag, page.last_modified, page.status) == ('"v1"', modified, models.FetchStatus.OK)
    assert (page.location, page.read_at, page.moved_to) == (f"{origin.url}/a#top", source_fixtures.NOW, None)


async def test_every_request_has_the_user_agent(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    origin.pages["/"] = "a digest"
    await fetch.get(origin.url, accept="text/markdown")
    headers = origin.requests[0].headers
    assert headers["User-Agent"] == "Paperround/test"
    assert headers["Accept"] == "text/markdown"
    assert headers["Accept-Encoding"] == "gzip, deflate"
    assert "Cookie" not in headers


async def test_a_304_response_has_no_body(origin: origin_server.OriginServer, fetch: fetcher.Fetcher) -> None:
    async def page(request: web.BaseRequest) -> web.StreamResponse:
        response = web.Response(text="a digest", headers={"ETag": '"v1"'})
        if request.headers.get("If-None-Match") == '"v1"':
            return web.Response(status=304)
        return response

    origin.pages["/"] = page
    first = await fetch.get(origin.url)
    second = await fetch.get(origin.url, first.page_state)
    assert second.body is None
    assert second.page_state == replace(first.page_state, status=models.FetchStatus.UNCHANGED)
    third = await fetch.get(origin.url, second.page_state)
    assert third.body is None


async def test_the_same_text_from_a_server_without_validators_is_unchanged(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    origin.pages["/"] = "a digest"
    first = await fetch.get(origin.url)
    assert (await fetch.get(origin.url, first.page_state)).body is None
    origin.pages["/"] = "a corrected digest"
    assert (await fetch.get(origin.url, first.page_state)).body == b"a corrected digest"


async def test_a_304_to_an_unconditional_request_is_an_error(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    origin.pages["/"] = web.Response(status=304)
    with pytest.raises(fetch_errors.FetchError, match="asked for the first time"):
        await fetch.get(origin.url)


@pytest.mark.parametrize("etag", ['"é"', '"' + "x" * 600 + '"'])
async def test_a_validator_that_cannot_be_stored_is_dropped(fetch: fetcher.Fetcher, etag: str) -> None:
    async with origin_server.run_raw_origin(
        origin_server.http_response(b"abc", "Content-Length: 3", f"ETag: {etag}")
    ) as raw:
        assert (await fetch.get(f"http://127.0.0.1:{raw.port}/")).page_state.etag is None


async def test_a_permanent_redirect_is_followed_and_stored(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    origin.pages["/old"] = web.Response(status=301, headers={"Location": "new"})
    origin.pages["/new"] = "a digest"
    first = await fetch.get(f"{origin.url}/old")
    assert first.body == b"a digest"
    assert first.page_state.moved_to == f"{origin.url}/new"
    await fetch.get(f"{origin.url}/old", first.page_state)
    assert origin.paths == ["/old", "/new", "/new"]


async def test_a_temporary_redirect_is_not_stored(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    origin.pages["/a"] = web.Response(status=302, headers={"Location": "/b"})
    origin.pages["/b"] = web.Response(status=301, headers={"Location": f"{origin.url}/c"})
    origin.pages["/c"] = "a digest"
    assert (await fetch.get(f"{origin.url}/a")).page_state.moved_to is None


async def test_the_old_address_is_used_when_the_new_one_fails(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    origin.pages["/old"] = "a digest"
    moved = models.PageState(
        location=f"{origin.url}/old",
        read_at=source_fixtures.NOW,
        status=models.FetchStatus.OK,
        moved_to=f"{origin.url}/new",
        hash="0" * 64,
    )
    response = await fetch.get(moved.location, moved)
    assert (response.body, response.page_state.moved_to) == (b"a digest", None)


async def test_five_redirects_are_followed_and_not_six(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    for hop in range(6):
        origin.pages[f"/{hop}"] = web.Response(status=307, headers={"Location": f"/{hop + 1}"})
    origin.pages["/6"] = "a digest"
    assert (await fetch.get(f"{origin.url}/1")).body == b"a digest"
    origin.requests.clear()
    with pytest.raises(fetch_errors.FetchError, match="more than 5 times"):
        await fetch.get(f"{origin.url}/0")
    assert len(origin.requests) == 6


async def test_a_redirect_loop_is_an_error(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    origin.pages["/a"] = web.Response(status=308, headers={"Location": "/b"})
    origin.pages["/b"] = web.Response(status=308, headers={"Location": "/a"})
    with pytest.raises(fetch_errors.FetchError, match="circle"):
        await fetch.get(f"{origin.url}/a")
    assert len(origin.requests) == 2


@pytest.mark.parametrize(
    ("location", "error"),
    [
        ("ftp://papers.test/x", fetch_errors.BlockedUrlError),
        ("file:///etc/passwd", fetch_errors.BlockedUrlError),
        ("http://[::1/", fetch_errors.FetchError),
        ("http://127.0.0.1:99999/", fetch_errors.FetchError),
        ("http://" + "a" * 5000, fetch_errors.FetchError),
        ("http:///nowhere", fetch_errors.FetchError),
    ],
)
async def test_a_redirect_to_an_invalid_address_is_an_error(
    fetch: fetcher.Fetcher, location: str, error: type[Exception]
) -> None:
    script = origin_server.http_response(
        b"", f"Location: {location}", "Content-Length: 0", status="302 Found"
    )
    async with origin_server.run_raw_origin(script) as raw:
        with pytest.raises(error):
            await fetch.get(f"http://127.0.0.1:{raw.port}/")


async def test_a_redirect_without_a_location_is_an_error(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    origin.pages["/"] = web.Response(status=302)
    with pytest.raises(fetch_errors.FetchError, match=r"to nowhere \(302\)"):
        await fetch.get(origin.url)


@pytest.mark.parametrize(
    ("status", "error", "reason"),
    [
        (404, fetch_errors.NotFoundError, "nothing is there (404)"),
        (410, fetch_errors.GoneError, "gone for good (410)"),
        (403, fetch_errors.FetchError, "(403)"),
        (451, fetch_errors.FetchError, "(451)"),
        (204, fetch_errors.FetchError, "204, no content"),
        (418, fetch_errors.FetchError, "418"),
        (299, fetch_errors.FetchError, "299"),
    ],
)
async def test_an_error_status_has_a_reason_and_no_retry(
    origin: origin_server.OriginServer,
    fetch: fetcher.Fetcher,
    status: int,
    error: type[fetch_errors.FetchError],
    reason: str,
) -> None:
    origin.pages["/"] = web.Response(status=status)
    with pytest.raises(error) as caught:
        await fetch.get(origin.url)
    assert type(caught.value) is error
    assert reason in caught.value.reason
    assert len(origin.requests) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_a_transient_status_is_retried_twice_with_growing_delays(
    origin: origin_server.OriginServer,
    fetch: fetcher.Fetcher,
    sleeps: source_fixtures.SleepRecorder,
    status: int,
) -> None:
    origin.pages["/"] = web.Response(status=status)
    with pytest.raises(fetch_errors.TransientError, match=str(status)):
        await fetch.get(origin.url)
    assert len(origin.requests) == 3
    assert sleeps.seconds == [0.75, 1.5]


async def test_a_retry_waits_as_long_as_the_server_asks(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher, sleeps: source_fixtures.SleepRecorder
) -> None:
    responses = [web.Response(status=503, headers={"Retry-After": "3"}), web.Response(text="a digest")]

    async def page(request: web.BaseRequest) -> web.StreamResponse:
        return responses.pop(0)

    origin.pages["/"] = page
    assert (await fetch.get(origin.url)).body == b"a digest"
    assert sleeps.seconds == [3.0]


async def test_a_long_retry_after_ends_the_attempts(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher, sleeps: source_fixtures.SleepRecorder
) -> None:
    origin.pages["/"] = web.Response(status=429, headers={"Retry-After": "3600"})
    with pytest.raises(fetch_errors.TransientError) as caught:
        await fetch.get(origin.url)
    assert caught.value.retry_at == source_fixtures.NOW + timedelta(hours=1)
    assert (len(origin.requests), sleeps.seconds) == (1, [])


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (origin_server.http_response(b"half", "Content-Length: 400"), "broke off"),
        (origin_server.http_response(b"ff\r\nhalf", "Transfer-Encoding: chunked"), "broke off"),
        (b"", "closed the connection"),
    ],
)
async def test_a_broken_exchange_is_retried(fetch: fetcher.Fetcher, script: bytes, reason: str) -> None:
    async with origin_server.run_raw_origin(script) as raw:
        with pytest.raises(fetch_errors.TransientError, match=reason):
            await fetch.get(f"http://127.0.0.1:{raw.port}/")
        assert raw.connections >= 3  # aiohttp asks once more by itself where a connection closes unused


@pytest.mark.parametrize(
    "script",
    [
        b"this is no HTTP\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        origin_server.http_response(b"a digest and more", "Content-Length: 8"),
        origin_server.http_response(b"zz\r\nhalf\r\n", "Transfer-Encoding: chunked"),
        origin_server.http_response(b"", "Content-Length: -5"),
        origin_server.http_response(b"", "Content-Length: 5", "Content-Length: 7"),
        origin_server.http_response(b"", "X-Long: " + "x" * 20_000),
        origin_server.http_response(b"", *[f"X-{n}: {n}" for n in range(20_000)]),
    ],
)
async def test_an_invalid_http_response_is_an_error(fetch: fetcher.Fetcher, script: bytes) -> None:
    async with origin_server.run_raw_origin(script) as raw:
        with pytest.raises(fetch_errors.FetchError) as caught:
            await fetch.get(f"http://127.0.0.1:{raw.port}/")
    assert 5 < len(caught.value.reason) <= 300


@pytest.mark.parametrize(
    "media_type", ["text/plain; charset", "nonsense", "text/html; charset=%00%ff", ";;;"]
)
async def test_a_malformed_media_type_is_ignored(fetch: fetcher.Fetcher, media_type: str) -> None:
    script = origin_server.http_response(b"abc", "Content-Length: 3", f"Content-Type: {media_type}")
    async with origin_server.run_raw_origin(script) as raw:
        assert (await fetch.get(f"http://127.0.0.1:{raw.port}/")).body == b"abc"


async def test_a_closed_port_is_an_error(fetch: fetcher.Fetcher, unused_tcp_port: int) -> None:
    with pytest.raises(fetch_errors.TransientError, match="accepts no connection"):
        await fetch.get(f"http://127.0.0.1:{unused_tcp_port}/")


async def test_an_unknown_host_name_is_an_error(open_fetcher: source_fixtures.OpenFetcher) -> None:
    async with open_fetcher(resolver=origin_server.StubResolver({})) as fetch:
        with pytest.raises(fetch_errors.FetchError, match=r"the name papers\.test was not found"):
            await fetch.get("http://papers.test/")


async def test_a_silent_server_times_out_without_a_retry(open_fetcher: source_fixtures.OpenFetcher) -> None:
    script = origin_server.http_response(b"begin", "Content-Length: 400")
    async with (
        origin_server.run_raw_origin(script, holds_open=True) as raw,
        open_fetcher(limits=SILENT) as fetch,
    ):
        with pytest.raises(fetch_errors.FetchError, match=r"silent for 0\.1 s"):
            await fetch.get(f"http://127.0.0.1:{raw.port}/")
        assert raw.connections == 1


async def test_a_slow_response_ends_at_the_total_timeout(
    origin: origin_server.OriginServer, open_fetcher: source_fixtures.OpenFetcher
) -> None:
    async def drip(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b".")
            await asyncio.sleep(0.02)

    origin.pages["/"] = drip
    async with open_fetcher(limits=QUICK) as fetch:
        with pytest.raises(fetch_errors.FetchError, match=r"not done within 0\.4 s"):
            await fetch.get(origin.url)
    assert len(origin.requests) == 1


async def test_all_redirects_share_the_total_timeout(
    origin: origin_server.OriginServer, open_fetcher: source_fixtures.OpenFetcher
) -> None:
    async def slow(request: web.BaseRequest) -> web.StreamResponse:
        await asyncio.sleep(0.09)
        return web.Response(status=302, headers={"Location": f"/{len(origin.requests)}"})

    for hop in range(9):
        origin.pages[f"/{hop}"] = slow
    async with open_fetcher(limits=replace(QUICK, total_timeout=0.2)) as fetch:
        with pytest.raises(fetch_errors.FetchError, match=r"not done within 0\.2 s"):
            await fetch.get(f"{origin.url}/0")


async def test_a_host_gets_at_most_two_connections(
    origin: origin_server.OriginServer, open_fetcher: source_fixtures.OpenFetcher
) -> None:
    open_now, max_open = 0, 0

    async def page(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal open_now, max_open
        open_now += 1
        max_open = max(max_open, open_now)
        await asyncio.sleep(0.01)
        open_now -= 1
        return web.Response(text=request.path)

    for number in range(12):
        origin.pages[f"/{number}"] = page
    async with open_fetcher() as fetch:
        responses = await asyncio.gather(*(fetch.get(f"{origin.url}/{number}") for number in range(12)))
    assert [response.body for response in responses] == [f"/{number}".encode() for number in range(12)]
    assert max_open == 2


async def test_waiting_for_a_free_connection_does_not_count_as_request_time(
    origin: origin_server.OriginServer, open_fetcher: source_fixtures.OpenFetcher
) -> None:
    async def page(request: web.BaseRequest) -> web.StreamResponse:
        await asyncio.sleep(0.09)
        return web.Response(text="a digest")

    origin.pages["/"] = page
    async with open_fetcher(limits=replace(QUICK, total_timeout=patience.scaled(0.7))) as fetch:
        responses = await asyncio.gather(*(fetch.get(origin.url) for _ in range(18)))
    assert {response.body for response in responses} == {b"a digest"}


async def test_a_page_is_fetched_over_tls(
    open_fetcher: source_fixtures.OpenFetcher, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    resolver = origin_server.StubResolver({"papers.test": [["127.0.0.1"]]})
    async with origin_server.run_origin(server_tls) as origin:
        origin.pages["/"] = "a digest"
        async with open_fetcher(allow=("papers.test",), resolver=resolver, tls=client_tls) as fetch:
            assert (await fetch.get(f"https://papers.test:{origin.port}/")).body == b"a digest"


async def test_an_untrusted_certificate_is_an_error(
    fetch: fetcher.Fetcher, server_tls: ssl.SSLContext
) -> None:
    async with origin_server.run_origin(server_tls) as origin:
        with pytest.raises(fetch_errors.FetchError, match="certificate"):
            await fetch.get(origin.url)
        assert origin.requests == []


async def test_https_to_a_server_without_tls_is_an_error(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    with pytest.raises(fetch_errors.FetchError, match="TLS"):
        await fetch.get(origin.url.replace("http:", "https:"))


CLOSED = [
    "http://127.0.0.1:{port}/",
    "http://localhost:{port}/",
    "http://127.1:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://0.0.0.0:{port}/",
    "http://0:{port}/",
    "http://[::1]:{port}/",
    "http://[::]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://169.254.169.254/latest/meta-data/",
    "http://metadata.test/computeMetadata/v1/",
    "http://inside.test:{port}/",
    "http://INSIDE.test.:{port}/",
    "http://both.test:{port}/",
    "http://mapped.test:{port}/",
    "http://user:pass@inside.test:{port}/",
    "https://inside.test:{port}/",
]
NAMES = {
    "inside.test": [["127.0.0.1"]],
    "INSIDE.test.": [["127.0.0.1"]],
    "inside.test.": [["127.0.0.1"]],
    "localhost": [["127.0.0.1", "::1"]],
    "both.test": [["8.8.8.8", "127.0.0.1"]],
    "mapped.test": [["::ffff:127.0.0.1"]],
    "metadata.test": [["169.254.169.254"]],
    "front.test": [["127.0.0.1"]],
}


@pytest.mark.parametrize("address", CLOSED)
async def test_a_private_address_is_not_requested(
    origin: origin_server.OriginServer,
    open_fetcher: source_fixtures.OpenFetcher,
    watch_connections: Callable[[], origin_server.ConnectionRecorder],
    address: str,
) -> None:
    watched = watch_connections()
    async with open_fetcher(allow=(), resolver=origin_server.StubResolver(NAMES)) as fetch:
        with pytest.raises(fetch_errors.BlockedUrlError):
            await fetch.get(address.format(port=origin.port))
    assert (watched.attempted_hosts, origin.requests) == ([], [])


@pytest.mark.parametrize("address", CLOSED)
async def test_a_redirect_to_a_private_address_is_not_followed(
    origin: origin_server.OriginServer,
    open_fetcher: source_fixtures.OpenFetcher,
    watch_connections: Callable[[], origin_server.ConnectionRecorder],
    address: str,
) -> None:
    async with origin_server.run_origin() as front:
        location = address.format(port=origin.port)
        front.pages["/"] = web.Response(status=302, headers={"Location": location})
        watched = watch_connections()
        allow = (f"front.test:{front.port}", f"127.0.0.1:{front.port}")
        async with open_fetcher(allow=allow, resolver=origin_server.StubResolver(NAMES)) as fetch:
            with pytest.raises(fetch_errors.BlockedUrlError):
                await fetch.get(f"http://front.test:{front.port}/")
        assert watched.attempted_hosts == ["127.0.0.1"]
        assert (len(front.requests), origin.requests) == (1, [])


async def test_dns_rebinding_is_blocked(
    origin: origin_server.OriginServer,
    open_fetcher: source_fixtures.OpenFetcher,
    watch_connections: Callable[[], origin_server.ConnectionRecorder],
) -> None:
    """The first address is public (no server there), the second is ours: each look-up is checked."""
    resolver = origin_server.StubResolver({"rebind.test": [["1.1.1.1"], ["127.0.0.1"]]})
    watched = watch_connections()
    async with open_fetcher(allow=(), resolver=resolver) as fetch:
        for _ in range(2):
            with pytest.raises(fetch_errors.FetchError):
                await fetch.get(f"http://rebind.test:{origin.port}/")
    assert "127.0.0.1" not in watched.attempted_hosts
    assert origin.requests == []


async def test_a_stored_redirect_to_a_private_address_is_blocked(
    origin: origin_server.OriginServer,
    open_fetcher: source_fixtures.OpenFetcher,
    watch_connections: Callable[[], origin_server.ConnectionRecorder],
) -> None:
    page = models.PageState(
        location="http://inside.test/",
        read_at=source_fixtures.NOW,
        status=models.FetchStatus.OK,
        moved_to=f"{origin.url}/secret",
    )
    watched = watch_connections()
    async with open_fetcher(allow=(), resolver=origin_server.StubResolver(NAMES)) as fetch:
        with pytest.raises(fetch_errors.BlockedUrlError):
            await fetch.get(page.location, page)
    assert watched.attempted_hosts == []


async def test_proxies_of_the_environment_are_ignored(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    origin.pages["/"] = "a digest"
    assert (await fetch.get(origin.url)).body == b"a digest"
