"""The fetcher on loopback: requests, redirects, retries, bodies, charsets, proxies and the SSRF guard."""

import asyncio
import base64
import gzip
import re
import ssl
import zlib
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
import trustme
from aiohttp import web
from multidict import CIMultiDict

from bot.core import settings
from bot.core.clock import parse_retry_after
from bot.sources.base import FetchError
from bot.sources.fetcher import HttpFetcher, Limits
from storage.models import FetchStatus
from tests.support import origin_server, patience, source_fixtures
from tests.support.origin_server import OriginServer, StubResolver, http_response, run_raw_origin
from tests.support.source_fixtures import OpenFetcher


async def test_a_response_has_the_validators_of_the_page(origin: OriginServer, fetch: HttpFetcher) -> None:
    modified = "Tue, 06 May 2025 09:00:00 GMT"
    headers = {"ETag": '"v1"', "Last-Modified": modified, "Content-Type": "text/markdown; charset=euc-kr"}
    origin.pages["/a"] = web.Response(body=b"a digest", headers=headers)
    response = await fetch.get(f"{origin.url}/a#top", accept="text/markdown")
    sent = origin.requests[0].headers
    assert (sent["User-Agent"], sent["Accept"]) == ("Paperround/test", "text/markdown")
    assert (sent["Accept-Encoding"], "Cookie" in sent) == ("gzip", False)
    assert (response.body, response.url) == (b"a digest", f"{origin.url}/a")
    assert response.charset == "euc-kr"
    page = response.page_state
    assert (page.etag, page.last_modified, page.status) == ('"v1"', modified, FetchStatus.OK)
    assert (page.location, page.read_at) == (f"{origin.url}/a#top", source_fixtures.NOW)


@pytest.mark.parametrize(
    ("validator", "condition"), [("ETag", "If-None-Match"), ("Last-Modified", "If-Modified-Since")]
)
async def test_304_response_counts_as_unchanged(
    origin: OriginServer, fetch: HttpFetcher, validator: str, condition: str
) -> None:
    async def page(request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get(condition) == '"v1"':
            return web.Response(status=304)
        return web.Response(text="a digest", headers={validator: '"v1"'})

    origin.pages["/"] = page
    first = await fetch.get(origin.url)
    second = await fetch.get(origin.url, first.page_state)
    assert second.body is None
    assert second.page_state == replace(first.page_state, status=FetchStatus.UNCHANGED)
    assert (await fetch.get(origin.url, second.page_state)).body is None


async def test_same_body_is_unchanged_without_validators(origin: OriginServer, fetch: HttpFetcher) -> None:
    origin.pages["/"] = "a digest"
    first = await fetch.get(origin.url)
    assert (await fetch.get(origin.url, first.page_state)).body is None
    origin.pages["/"] = "a corrected digest"
    assert (await fetch.get(origin.url, first.page_state)).body == b"a corrected digest"


NO_TYPES = ("text/plain; charset", "nonsense", "text/html; charset=%00%ff", ";;;")
IGNORED = ['ETag: "é"', f'ETag: "{"x" * 600}"', *(f"Content-Type: {media_type}" for media_type in NO_TYPES)]


async def test_ignores_an_invalid_etag_or_content_type(fetch: HttpFetcher) -> None:
    for header in IGNORED:
        async with run_raw_origin(http_response(b"abc", "Content-Length: 3", header)) as raw:
            response = await fetch.get(raw.url)
        assert (response.body, response.page_state.etag) == (b"abc", None), header


NOWHERE = ("http://[::1/", "http://127.0.0.1:99999/", "http://" + "a" * 5000, "http:///nowhere")


async def test_redirect_to_an_invalid_url_is_an_error(fetch: HttpFetcher) -> None:
    for location in ("ftp://papers.test/x", "file:///etc/passwd", *NOWHERE):
        script = http_response(b"", f"Location: {location}", "Content-Length: 0", status="302 Found")
        async with run_raw_origin(script) as raw:
            with pytest.raises(FetchError):
                await fetch.get(raw.url)


async def test_retries_a_temporary_error_twice_with_growing_delays(
    origin: OriginServer, fetch: HttpFetcher, sleeps: list[float]
) -> None:
    for status in (429, 500, 502, 503, 504):
        origin.requests.clear()
        sleeps.clear()
        origin.pages["/"] = web.Response(status=status)
        with pytest.raises(FetchError, match=str(status)):
            await fetch.get(origin.url)
        assert len(origin.requests) == 3, status
        assert sleeps == [1.0, 2.0], status


async def test_a_server_that_says_when_to_come_again_is_not_asked_before(
    origin: OriginServer, fetch: HttpFetcher, sleeps: list[float]
) -> None:
    """Hugging Face's documentation of its limits: `t` is the number of seconds until the reset."""
    for headers, seconds in (
        ({"RateLimit": '"api";r=0;t=55'}, 55),
        ({"RateLimit": '"pages"; r=0; t=290'}, 290),
        ({"RateLimit": '"api";r=0;t=55', "Retry-After": "120"}, 120),
        ({"Retry-After": "3600"}, 3600),
        ({"Retry-After": "Tue, 06 May 2025 13:00:00 GMT"}, 3600),
    ):
        origin.requests.clear()
        origin.pages["/"] = web.Response(status=429, headers=headers)
        with pytest.raises(FetchError) as caught:
            await fetch.get(origin.url)
        assert caught.value.retry_at == source_fixtures.NOW + timedelta(seconds=seconds), headers
        assert (len(origin.requests), sleeps) == (1, []), headers


async def test_retries_after_a_broken_response(fetch: HttpFetcher) -> None:
    for script, reason in (
        (http_response(b"half", "Content-Length: 400"), "ended early"),
        (http_response(b"ff\r\nhalf", "Transfer-Encoding: chunked"), "ended early"),
        (b"", "closed the connection"),
    ):
        async with run_raw_origin(script) as raw:
            with pytest.raises(FetchError, match=reason):
                await fetch.get(raw.url)
            assert raw.connections >= 3, script  # aiohttp itself retries once if an unused connection closes


async def test_silent_server_times_out_without_a_retry(open_fetcher: OpenFetcher) -> None:
    script = http_response(b"begin", "Content-Length: 400")
    async with (
        run_raw_origin(script, holds_open=True) as raw,
        open_fetcher(limits=Limits(read_timeout=0.1)) as fetch,
    ):
        with pytest.raises(FetchError, match=r"silent for 0\.1 s"):
            await fetch.get(raw.url)
        assert raw.connections == 1


async def test_slow_response_ends_at_total_timeout(origin: OriginServer, open_fetcher: OpenFetcher) -> None:
    async def drip(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b".")
            await asyncio.sleep(0.02)

    origin.pages["/"] = drip
    seconds = round(patience.scaled(0.4), 1)  # the request has to arrive before
    async with open_fetcher(limits=Limits(total_timeout=seconds)) as fetch:
        with pytest.raises(FetchError, match=re.escape(f"took longer than {seconds:g} s")):
            await fetch.get(origin.url)
    assert len(origin.requests) == 1


async def test_rejects_an_untrusted_certificate(open_fetcher: OpenFetcher, fetch: HttpFetcher) -> None:
    authority, client_tls = trustme.CA(), ssl.create_default_context()
    authority.configure_trust(client_tls)
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "papers.test").configure_cert(server_tls)
    resolver = StubResolver({"papers.test": [["127.0.0.1"]]})
    async with origin_server.run_origin(server_tls) as origin:
        with pytest.raises(FetchError, match="certificate"):
            await fetch.get(origin.url)
        assert origin.requests == []
        origin.pages["/"] = "a digest"
        async with open_fetcher(allow=("papers.test",), resolver=resolver, tls=client_tls) as trusting:
            assert (await trusting.get(f"https://papers.test:{origin.port}/")).body == b"a digest"
    async with origin_server.run_origin() as plain:
        with pytest.raises(FetchError, match="TLS"):
            await fetch.get(plain.url.replace("http:", "https:"))


SITE = {f"{name}.test": [["127.0.0.1"]] for name in ("www.journal", "idp.journal", "other")}


async def test_a_cookie_lasts_for_a_chain_of_redirects_on_its_site(
    origin: OriginServer, open_fetcher: OpenFetcher
) -> None:
    """RFC 6265, and reports on the feeds of Nature and Springer (NetNewsWire#5392), which redirect until it comes back."""
    home, login, other = (f"http://{name}:{origin.port}" for name in SITE)

    async def feed(request: web.BaseRequest) -> web.StreamResponse:
        if request.cookies == {"site": "a b", "of": "all"}:
            return web.Response(text="a digest")
        return web.Response(status=303, headers={"Location": f"{login}/authorize"})

    passed = CIMultiDict(
        {"Location": f"{home}/feed", "Set-Cookie": 'site="a b"; Domain=journal.test; Path=/'}
    )
    passed.add("Set-Cookie", "of=all; Domain=.journal.test; Path=/")
    for cookie in (
        "host=1; Path=/",
        "late=1; Domain=journal.test; Path=/; Max-Age=0",
        "foreign=1; Domain=other.test",
    ):
        passed.add("Set-Cookie", cookie)
    wide = {"Set-Cookie": "wide=1; Domain=test; Path=/"}
    origin.pages |= {
        "/feed": feed,
        "/authorize": web.Response(status=302, headers=passed),
        "/leave": web.Response(status=302, headers={"Location": f"{other}/pass", **wide}),
        "/pass": web.Response(status=302, headers={"Location": f"{home}/end"}),
        "/end": "an end",
    }
    async with open_fetcher(allow=tuple(SITE), resolver=StubResolver(SITE)) as fetch:
        for _ in range(2):
            assert (await fetch.get(f"{home}/feed")).body == b"a digest"
        assert [len(request.cookies) for request in origin.requests] == [0, 0, 2] * 2, "none is kept"
        origin.requests.clear()
        await fetch.get(f"{home}/leave")
    assert [len(request.cookies) for request in origin.requests] == [0, 0, 0]


async def test_a_cookie_of_https_is_not_sent_in_the_clear(
    origin: OriginServer, open_fetcher: OpenFetcher
) -> None:
    authority, client_tls = trustme.CA(), ssl.create_default_context()
    authority.configure_trust(client_tls)
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server_tls)
    origin.pages["/"] = "a digest"
    async with origin_server.run_origin(server_tls) as safe, open_fetcher(tls=client_tls) as fetch:
        headers = {"Location": origin.url, "Set-Cookie": "of=https; Path=/"}
        safe.pages["/"] = web.Response(status=302, headers=headers)
        assert (await fetch.get(safe.url)).body == b"a digest"
    assert [dict(request.cookies) for request in origin.requests] == [{}]


HOSTS = (
    "127.0.0.1 localhost 127.1 2130706433 0x7f000001 0.0.0.0 0 inside.test INSIDE.test. both.test mapped.test"
    " [::1] [::] [::ffff:127.0.0.1] [64:ff9b::7f00:1] [2002:7f00:1::] user:pass@inside.test"
)
CLOSED = [f"http://{host}:{{port}}/" for host in HOSTS.split()] + ["https://inside.test:{port}/"]
CLOSED += ["http://169.254.169.254/latest/meta-data/", "http://metadata.test/computeMetadata/v1/"]
NAMES = {
    "inside.test": [["127.0.0.1"]],
    "INSIDE.test.": [["127.0.0.1"]],
    "inside.test.": [["127.0.0.1"]],
    "localhost": [["127.0.0.1", "::1"]],
    "0x7f000001": [["127.0.0.1"]],
    "both.test": [["8.8.8.8", "127.0.0.1"]],
    "mapped.test": [["::ffff:127.0.0.1"]],
    "metadata.test": [["169.254.169.254"]],
    "front.test": [["127.0.0.1"]],
}


@pytest.mark.promise
@pytest.mark.parametrize("by_redirect", [False, True])
async def test_never_requests_a_private_address(
    origin: OriginServer, open_fetcher: OpenFetcher, connected_hosts: set[str], by_redirect: bool
) -> None:
    async with origin_server.run_origin() as front:
        allow = (f"front.test:{front.port}", f"127.0.0.1:{front.port}")
        async with open_fetcher(allow=allow, resolver=StubResolver(NAMES)) as fetch:
            for address in CLOSED:
                target = address.format(port=origin.port)
                front.pages["/"] = web.Response(status=302, headers={"Location": target})
                with pytest.raises(FetchError) as refused:
                    await fetch.get(f"http://front.test:{front.port}/" if by_redirect else target)
                assert refused.value.status is FetchStatus.REFUSED
        assert connected_hosts == ({"127.0.0.1"} if by_redirect else set())
        assert (len(front.requests), origin.requests) == (len(CLOSED) if by_redirect else 0, [])


async def test_blocks_dns_rebinding(
    origin: OriginServer, open_fetcher: OpenFetcher, connected_hosts: set[str]
) -> None:
    """The name resolves first to a public address without a server, then to the test's. Both are checked."""
    resolver = StubResolver({"rebind.test": [["1.1.1.1"], ["127.0.0.1"]]})
    async with open_fetcher(allow=(), resolver=resolver) as fetch:
        for _ in range(2):
            with pytest.raises(FetchError):
                await fetch.get(f"http://rebind.test:{origin.port}/")
    assert "127.0.0.1" not in connected_hosts
    assert origin.requests == []


async def test_unpacks_gzip_and_ignores_environment_proxies(
    origin: OriginServer, fetch: HttpFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    origin.pages["/"] = web.Response(body=gzip.compress(b"a digest"), headers={"Content-Encoding": "gzip"})
    assert (await fetch.get(origin.url)).body == b"a digest"


GZIP, DEFLATE = partial(gzip.compress, mtime=0), zlib.compress
CODED: dict[str, bytes] = {
    "x-gzip": GZIP(b"a digest"),
    "X-GZIP, identity": GZIP(b"a digest"),
    "gzip, gzip": GZIP(GZIP(b"a digest")),
    "deflate, gzip": GZIP(DEFLATE(b"a digest")),
    "gzip, x-deflate": DEFLATE(GZIP(b"a digest")),
    "deflate": DEFLATE(b"a digest")[2:-4],  # without the header
    "gzip": GZIP(b"a di") + GZIP(b"gest") + 98 * GZIP(b""),
    "": b"a digest",
    # more bytes behind the end
    "GZIP": GZIP(b"a digest") + b"\n<!-- cached -->",
    "gzip,identity": GZIP(b"a digest") + b"\0" * 9,
    "deflate, identity": DEFLATE(b"a digest") + b"\n",
    "gzip,gzip": GZIP(GZIP(b"a digest") + b"x") + b"y",
    # one format by another's name, many codings, and some that were not applied
    "identity, deflate": GZIP(b"a digest"),
    "gzip,gzip,gzip,gzip,gzip": GZIP(GZIP(GZIP(GZIP(GZIP(b"a digest"))))),
    "x-deflate": b"a digest",
    "utf-8": b"a digest",
    "none, gzip": GZIP(b"a digest"),
}


async def test_undoes_codings_in_their_order(origin: OriginServer, fetch: HttpFetcher) -> None:
    for codings, body in CODED.items():
        origin.pages["/"] = coded(codings, body)
        assert (await fetch.get(origin.url)).body == b"a digest", codings


def coded(codings: str, body: bytes) -> web.Response:
    return web.Response(body=body, headers={"Content-Encoding": codings})


async def test_says_why_a_response_is_not_read_and_asks_again_only_if_it_is_damaged(
    origin: OriginServer, fetch: HttpFetcher
) -> None:
    for response, reason in (
        (web.Response(status=403), "(403)"),
        (web.Response(status=407), "the server answers 407"),
        (web.Response(status=204), "204, no content"),
        (web.Response(status=299), "299"),
        (web.Response(status=304), "nothing was read before"),
        (web.Response(status=302), "without an address (302)"),
        (coded("br", b"\x8b"), "content coding br"),
        (coded("gzip, compress", b"\x1f\x9d"), "content coding compress"),
        (coded(", ".join(["gzip"] * 6), GZIP(b"a digest")), "6 content codings; at most 5"),
        (coded("br, gzip", GZIP(b"\x8b\x02")), "content coding br"),
        (coded("gzip", GZIP(b"a di") + GZIP(b"gest")[:-9]), "damaged or ended early"),
        (coded("x-gzip", GZIP(b"a digest")[:-9]), "damaged or ended early"),
        (coded("deflate", DEFLATE(b"a digest")[:-5]), "damaged or ended early"),
        (coded("x-gzip", b"a digest\0"), "damaged or ended early"),
        (coded("gzip, gzip", GZIP(GZIP(b"0" * 5_000_001))), "larger than 5 MB"),
        (coded("deflate", DEFLATE(b"0" * 5_000_001)), "larger than 5 MB"),
        (coded("gzip", GZIP(b"") * 101 + GZIP(b"a digest")), "over 100 compressed parts"),
        (coded("gzip, gzip", GZIP(GZIP(b"") * 200_000)), "over 100 compressed parts"),
    ):
        origin.requests.clear()
        origin.pages["/"] = response
        with pytest.raises(FetchError, match=re.escape(reason)):
            await fetch.get(origin.url)
        assert len(origin.requests) == (3 if "damaged" in reason else 1), response


PROXIED = {"papers.test": [["93.184.215.14"]], "inside.test": [["10.0.0.5"]], "proxy.test": [["127.0.0.1"]]}


@pytest.mark.parametrize(
    ("typed", "pair"),
    [
        ("user:p%40ss", "user:p@ss"),
        ("user:p:s%3As", "user:p:s:s"),
        ("user:%EC%95%94%ED%98%B8", "user:암호"),
        ("user:암호", "user:암호"),
        ("j%C3%BCrgen:p%25", "jürgen:p%"),
        ("user", "user:"),
    ],
)
async def test_passes_a_proxy_with_a_password(
    origin: OriginServer, open_fetcher: OpenFetcher, typed: str, pair: str
) -> None:
    """RFC 7617: the pair in UTF-8."""
    origin.pages["/a"] = "a digest"
    address = settings.Settings(fetch_proxy=f"http://{typed}@proxy.test:{origin.port}").fetch_proxy
    async with open_fetcher(allow=(), resolver=StubResolver(PROXIED), proxy=address) as fetch:
        response = await fetch.get("http://papers.test/a")
    assert (response.body, response.url) == (b"a digest", "http://papers.test/a")
    [request] = origin.requests
    assert str(request.url) == "http://papers.test/a"
    password = base64.b64encode(pair.encode()).decode()
    assert request.headers["Proxy-Authorization"] == f"Basic {password}"


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://inside.test/x", r"inside\.test is at 10\.0\.0\.5, which is not a public address"),
        ("https://inside.test/x", "10.0.0.5"),
        ("http://169.254.169.254/latest", "not a public address"),
        ("http://unknown.test/x", "was not found on this machine"),
        ("http://proxy.test:{port}/x", "not a public address"),
        ("http://127.0.0.1:{port}/x", "not a public address"),
        ("ftp://papers.test/x", "only http and https"),
    ],
)
@pytest.mark.parametrize("by_redirect", [False, True])
async def test_never_passes_a_blocked_address_to_the_proxy(
    origin: OriginServer, open_fetcher: OpenFetcher, address: str, reason: str, by_redirect: bool
) -> None:
    address = address.replace("{port}", str(origin.port))
    origin.pages["/start"] = web.Response(status=302, headers={"Location": address})
    names, proxy = StubResolver(PROXIED), f"http://proxy.test:{origin.port}"
    async with open_fetcher(allow=(), resolver=names, proxy=proxy) as fetch:
        with pytest.raises(FetchError, match=reason):
            await fetch.get("http://papers.test/start" if by_redirect else address)
    targets = [str(request.url) for request in origin.requests]
    assert targets == (["http://papers.test/start"] if by_redirect else [])


@pytest.mark.parametrize("status", ["407 Authentication Required", "503 Busy"])
async def test_proxy_error_hides_the_proxy_password(open_fetcher: OpenFetcher, status: str) -> None:
    refusal = http_response(b"", "Content-Length: 0", status=status)
    async with run_raw_origin(refusal) as proxy:
        address = f"http://user:Gehe1m@127.0.0.1:{proxy.port}"
        async with open_fetcher(allow=(), resolver=StubResolver(PROXIED), proxy=address) as fetch:
            named = f"the {address.replace('http', 'proxy http').replace('user:Gehe1m@', '')} of PAPERROUND_FETCH_PROXY"
            with pytest.raises(FetchError, match=f"^{named} refuses .*{status[:3]}"):
                await fetch.get("https://papers.test/a")
            with pytest.raises(FetchError, match=r"proxy wants .* \(407\)" if "407" in status else "503"):
                await fetch.get("http://papers.test/a")


@pytest.mark.parametrize(
    ("host", "said"),
    [("127.0.0.1:1", "cannot connect to {}: Connect call"), ("gone.test:3128", "cannot resolve {}.")],
)
async def test_a_proxy_that_is_away_is_named_without_its_password(
    open_fetcher: OpenFetcher, host: str, said: str
) -> None:
    proxy = f"http://user:Gehe1m@{host}"
    async with open_fetcher(allow=(), resolver=StubResolver(PROXIED), proxy=proxy) as fetch:
        for scheme in ("http", "https"):
            with pytest.raises(FetchError) as caught:
                await fetch.get(f"{scheme}://papers.test/a")
            assert str(caught.value).startswith(
                said.format(f"the proxy http://{host} of PAPERROUND_FETCH_PROXY")
            )


def test_parses_retry_after_in_seconds_or_as_a_date() -> None:
    for value, hours in (
        *(("120", 2 / 60), (" 0 ", 0), ("9" * 20, 24)),
        ("Tue, 06 May 2025 15:00:00 GMT", 3),
        ("Tuesday, 06-May-25 15:00:00 GMT", 3),
        ("Tue May  6 15:00:00 2025", 3),
        ("Tue, 06 May 2025 17:00:00 +0200", 3),
        ("Mon, 05 May 2025 15:00:00 GMT", 0),
        ("Fri, 06 May 2050 15:00:00 GMT", 24),
        *((value, None) for value in (None, "", "soon", "-5", "1.5", "٣", "Wed, 99 Nov 2026")),
    ):
        found = parse_retry_after(value, source_fixtures.NOW)
        assert found == (None if hours is None else source_fixtures.NOW + timedelta(hours=hours)), value
