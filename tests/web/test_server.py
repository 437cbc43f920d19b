"""The addresses of the web archive over HTTP on loopback: pages, languages, conditional requests, hostile input."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import zlib
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import http_parser, web_protocol
from hypothesis import given
from hypothesis import strategies as st

from bot.app import health
from bot.core import admission, http_server
from bot.web import server
from bot.web import service as web_service
from storage import models, papers, shelf
from tests.support import digest_builders, patience, sample_archive
from tests.support.sample_archive import NewsletterPaper
from tests.web.conftest import WebArchive

PAPER = "/papers/2501.00004"
KOREAN = {"Accept-Language": "ko-KR,ko;q=0.9,en;q=0.5"}


class Elements(HTMLParser):
    """The elements of a page with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def values(self, name: str) -> list[str]:
        return [value for _, attributes in self.found if (value := attributes.get(name))]


async def test_each_address_has_its_page(archive: WebArchive) -> None:
    found = {
        "/": (200, "text/html", "Title"),
        "/days/2025-01-02": (200, "text/html", "TinyTalk"),
        "/days/2025-01-09": (404, "text/html", "No digest for January 9, 2025"),
        "/days/20250102": (404, "text/html", "Write the date like this"),
        "/days/2025-13-01": (404, "text/html", "Write the date like this"),
        "/papers/2501.00001": (200, "text/html", "Andrés Marafiori"),
        "/papers/2501.00001v3": (301, None, ""),
        "/papers/2501.99999": (404, "text/html", "2501.99999"),
        "/papers/qlora": (404, "text/html", "ends in its arXiv ID, such as 2502.02737"),
        "/papers/..%2f..%2fetc%2fpasswd": (404, "text/html", "not found"),
        "/search?q=" + quote("강화학습"): (200, "text/html", "Rewarding Steps"),
        "/search?q=2501.00003": (200, "text/html", '">January 3, 2025</time>'),
        "/search?q=qqqqzzzz": (200, "text/html", "Nothing found for “qqqqzzzz”"),
        "/search?q=qqqzzz": (200, "text/html", "You could try:"),
        "/search": (200, "text/html", "<h1>Search</h1>"),
        "/authors/" + quote("lovelace ada"): (200, "text/html", "Molecules in Motion"),
        "/authors/nobody": (404, "text/html", "No author found for “nobody”"),
        "/trends": (200, "text/html", "<svg"),
        "/trends?q=planning": (200, "text/html", "<svg"),
        "/feed.atom": (200, "application/atom+xml", "TinyTalk"),
        "/feed.json": (200, "application/feed+json", "TinyTalk"),
        "/search.atom?q=planning": (200, "application/atom+xml", "Rewarding Steps"),
        "/search.json": (400, "text/html", "at least one word"),
        "/authors/Ada%20Lovelace.atom": (200, "application/atom+xml", "Molecules in Motion"),
        "/authors/nobody.json": (404, "text/html", "No author found"),
        "/sitemap.xml": (200, "application/xml", "/days/2025-01-03</loc>"),
        "/style.css": (200, "text/css", "prefers-color-scheme: dark"),
        "/robots.txt": (200, "text/plain", "/sitemap.xml"),
        "/wp-login.php": (404, "text/html", "There is nothing at this address"),
    }
    for path, (status, kind, content) in found.items():
        answer, headers, text = await archive.get(path)
        assert (answer, content in text) == (status, True), (path, answer, text)
        assert kind is None or headers["Content-Type"].startswith(kind), path
    assert (await archive.get("/papers/2501.00001v3"))[1]["Location"] == "/papers/2501.00001"


BAD_INPUT = [
    ("/search?q=model&page=1e9", 404, "must be from 1 to 500"),
    ("/search?q=model&page=0", 404, "must be from 1 to 500"),
    ("/search?q=model&page=-1", 404, "must be from 1 to 500"),
    ("/search?q=model&page=501", 404, "must be from 1 to 500"),
    ("/days/2025-01-02?page=" + quote("２"), 404, "must be from 1 to 500"),
    ("/search?q=" + "a" * 10_000, 400, "up to 2,000 characters"),
    ("/trends?q=" + "a" * 10_000, 400, "up to 2,000 characters"),
    ("/search.atom?q=" + "a" * 2_001, 400, "up to 2,000 characters"),
    ("/search?q=" + quote("가" * 2_000), 200, ""),
    ("/search?q=%00%ff%fe%1b[2J", 200, ""),
    ("/search?q=model&page=500", 200, ""),
    ("/search?q=model&lang=xx", 200, '<html lang="en">'),
    ("/authors/" + "a" * 400, 404, "There is nothing at this address"),
    ("/search?q=" + "a" * 70_000, 400, ""),
]


async def test_bad_input_gets_a_sentence(archive: WebArchive) -> None:
    for path, status, words in BAD_INPUT:
        answer, _, text = await archive.get(path)
        assert (answer, words in text) == (status, True), (path[:60], answer, text)


async def test_only_get_and_head_are_answered_and_a_host_has_to_be_one(archive: WebArchive) -> None:
    assert (await archive.get("/", method="POST"))[0] == 405
    assert (await archive.get("/", method="HEAD"))[0::2] == (200, "")
    for host in ("a.example/<b>", "[:::::::]:1", "a:99999"):
        assert (await archive.get("/", {"Host": host}))[0::2] == (
            400,
            "The Host header is not a host name.\n",
        )
    text = (await archive.get("/", {"Host": "Papers.example", "X-Forwarded-Proto": "https"}))[2]
    assert '<link rel="canonical" href="https://papers.example/">' in text
    text = (await archive.get("/", {"X-Forwarded-Proto": "javascript"}))[2]
    assert f'<link rel="canonical" href="{archive.url}/">' in text


async def test_hostile_text_stays_text(archive: WebArchive) -> None:
    for path in (
        "/",
        "/days/2025-01-04",
        PAPER,
        "/search?q=" + quote('"><script>alert(1)</script>'),
        "/authors/evil",
    ):
        _, headers, text = await archive.get(path)
        page = Elements(text)
        scripts = [attributes for tag, attributes in page.found if tag == "script"]
        assert scripts == ([{"type": "application/ld+json"}] if path == PAPER else []), path
        assert not {name for _, attributes in page.found for name in attributes if name.startswith("on")}
        assert not {"style"} & {tag for tag, _ in page.found}
        assert all(re.match("https?://|/|#main", href) for href in page.values("href")), path
        assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e]", text)
        policy = headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "tracker.example" not in text
    text = await archive.text(PAPER)
    article = json.loads(re.findall(r'<script type="application/ld\+json">(.*?)</script>', text)[0])
    assert article["headline"].startswith('A </script><script>alert(1)</script> "><img')
    assert article["@type"] == "ScholarlyArticle"
    assert "img-src 'self' https://covers.example;" in policy_of(text)


def policy_of(text: str) -> str:
    return str(next(v for t, v in Elements(text).found if v.get("http-equiv"))["content"])


async def test_headers_stay_short_on_a_page_with_pictures_of_many_hosts(archive: WebArchive) -> None:
    hosts = [f"{'a' * 60}.covers{number}.example" for number in range(200)]
    papers_of_day = "".join(
        f"### [Covered](https://arxiv.org/abs/2501.1{number:04})\n\n![](https://{host}/cover.png)\n\nVote: 1\n\n"
        for number, host in enumerate(hosts)
    )
    ingest = sample_archive.make_ingest(archive.services.database)
    await ingest.add_text(f"## Daily Papers (2025-01-01)\n\n{papers_of_day}", location="covers.md")
    _, headers, text = await archive.get("/days/2025-01-01")
    # Nginx takes 4,000 characters by default.
    assert sum(len(name) + len(value) for name, value in headers.items()) < 2_000
    assert "img-src 'self' https:;" in policy_of(text)
    assert headers["Content-Security-Policy"].startswith(policy_of(text))
    assert len(re.findall("<img ", text)) == len(hosts)


async def test_a_page_loads_nothing_but_its_pictures_and_keeps_nothing(archive: WebArchive) -> None:
    _, headers, text = await archive.get("/days/2025-01-02")
    assert headers["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    )
    assert headers["Content-Security-Policy"].startswith(policy_of(text))
    assert "Set-Cookie" not in headers
    assert headers["Connection"] == "close"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert (headers["Referrer-Policy"], headers["Vary"]) == (
        "no-referrer",
        "Accept-Language, Accept-Encoding",
    )


async def test_a_paper_that_readers_alone_know_has_no_page(archive: WebArchive) -> None:
    database = archive.services.database
    facts = models.PaperFacts("2501.00009", "arxiv", "a", archive.now, title="Asked For by a Reader")
    await digest_builders.add_facts(database, facts)
    assert await archive.services.search.find_paper("2501.00009") is not None
    status, _, text = await archive.get("/papers/2501.00009")
    assert (status, "Asked For" in text) == (404, False)
    # Where a paper was accepted is looked for because a reader saved it.
    async with database.transaction() as connection:
        ids = list((await papers.get_ids(connection, ["2501.00001"])).values())
        await shelf.watch_papers(connection, ids, archive.now)
        news = dict.fromkeys(ids, ({models.NewsKind.VENUE: "NeurIPS 2025"}, archive.now))
        await shelf.record_news(connection, models.SourceKind.ARXIV, ids, news, archive.now)
    detail = await archive.services.search.find_paper("2501.00001")
    assert detail is not None
    assert detail.venue == "NeurIPS 2025"
    assert "NeurIPS" not in await archive.text("/papers/2501.00001")


async def test_a_list_says_which_sentences_are_in_another_language(archive: WebArchive) -> None:
    note = "Not available in English yet; shown in Korean"
    all_foreign = await archive.text("/days/2025-01-02?lang=en")
    assert (all_foreign.count(note), all_foreign.count('<p lang="ko">')) == (1, 2)
    mixed = await archive.text("/authors/Ada%20Lovelace?lang=en")
    assert mixed.count(note) == mixed.count('<p lang="ko">') > 0
    assert note not in await archive.text("/days/2025-01-04?lang=en")
    assert note not in await archive.text("/days/2025-01-02?lang=ko")


async def test_a_list_says_how_many_more_authors_a_paper_has(archive: WebArchive) -> None:
    names = [f"Author {letter}" for letter in "ABCDE"]
    paper = sample_archive.NewsletterPaper("2501.00031", "Telescopes", "망원경이에요.", authors=names)
    await sample_archive.add_digest(archive.services.database, "2025-01-04", paper)
    for language, more in (("en", "and 2 more"), ("ko", "외 2명")):
        assert f"{more}</p>" in await archive.text(f"/days/2025-01-04?lang={language}")


async def test_a_headings_count_is_on_the_line_of_its_date(archive: WebArchive) -> None:
    for language in ("en", "ko"):
        assert re.search("<h1>[^<]+\u00a0·\u00a02", await archive.text(f"/days/2025-01-02?lang={language}"))


async def test_the_language_is_that_of_the_address_else_of_the_browser(archive: WebArchive) -> None:
    _, _, text = await archive.get("/", KOREAN)
    assert '<html lang="ko">' in text
    assert 'href="/trends"' in text
    _, _, text = await archive.get("/?lang=en", KOREAN)
    assert '<html lang="en">' in text
    # What was chosen once stays chosen without a cookie: every link of the archive has it.
    links = [href for href in Elements(text).values("href") if href.startswith("/")]
    assert links
    others = [href for href in links if "lang=en" not in href and "style" not in href]
    assert others == ["/?lang=ko"]
    assert '<input type="hidden" name="lang" value="en">' in text


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("ko", "ko"),
        ("fr, ko;q=0.3", "ko"),
        ("en;q=0.4, ko-KR;q=0.9", "ko"),
        ("ko;q=0", "en"),
        ("ko;q=x, en", "en"),
        ("ko;q=2", "en"),
        ("*", "en"),
        (";;,=,;q=", "en"),
        ("ko;q=nan", "en"),
        ("x" * 9_999 + ",ko", "en"),
    ],
)
def test_a_browser_says_its_language(accepted: str, language: str) -> None:
    assert server.find_language(accepted, models.Locale.EN) == language


@given(st.text())
def test_no_header_of_a_language_raises(accepted: str) -> None:
    assert server.find_language(accepted, models.Locale.KO) in set(models.Locale)


@pytest.mark.parametrize("path", ["/feed.atom"])
async def test_a_page_that_the_client_has_is_not_sent_again(archive: WebArchive, path: str) -> None:
    _, headers, text = await archive.get(path)
    tag, modified = headers["ETag"], headers["Last-Modified"]
    later, earlier = "Tue, 01 Jan 2030 00:00:00 GMT", "Tue, 01 Jan 2019 00:00:00 GMT"
    cases: list[tuple[dict[str, str], int]] = [
        ({"If-None-Match": tag}, 304),
        ({"If-None-Match": f'"other", {tag}'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"other"'}, 200),
        ({"If-None-Match": '"other"', "If-Modified-Since": later}, 200),
        ({"If-None-Match": tag, "If-Modified-Since": earlier}, 304),
        ({"If-None-Match": "garbage", "If-Modified-Since": later}, 200),
        ({"If-Modified-Since": later}, 304),
        ({"If-Modified-Since": earlier}, 200),
        ({"If-Modified-Since": "yesterday"}, 200),
        ({"If-Modified-Since": "Fri, 31 Dec 99999999999999999999 23:59:59 GMT"}, 200),
        ({"Range": "bytes=0-9"}, 200),
        ({"Range": "bytes=9-0,x", "If-Range": tag}, 200),
        ({"Range": "bytes=0-9", "If-None-Match": tag}, 304),
    ]
    for given_headers, status in cases:
        answer, _, sent = await archive.get(path, given_headers)
        assert (answer, sent) == (status, text if status == 200 else ""), given_headers
    # It is made again after a minute, and is the same text with the same validators.
    archive.pass_time(3600)
    _, headers, _ = await archive.get(path)
    assert (headers["ETag"], headers["Last-Modified"]) == (tag, modified)


async def test_a_changed_page_has_new_validators(archive: WebArchive) -> None:
    _, headers, _ = await archive.get("/")
    archive.pass_time(server.KEPT_SECONDS)
    await digest_builders.ingest_digest(
        archive.services.database,
        digest_builders.newsletter(archive.now.date(), [("2501.00008", 3)]),
        at=archive.now,
    )
    status, new, text = await archive.get(
        "/", {"If-None-Match": headers["ETag"], "If-Modified-Since": headers["Last-Modified"]}
    )
    assert (status, "Paper 2501.00008" in text) == (200, True)
    assert new["Last-Modified"] == "Sun, 05 Jan 2025 09:01:00 GMT" != headers["Last-Modified"]


async def test_readers_of_the_web_have_one_place_among_the_look_ups(archive: WebArchive) -> None:
    lookups = archive.services.lookups
    lookups.patience = 0.0
    async with lookups.admitted(server.WEB_READER):
        status, headers, text = await archive.get("/search?q=model")
        assert (status, headers["Retry-After"], "busy right now" in text) == (503, "5", True)
        # A reader in Discord is not held up, and what needs no look-up is answered.
        async with lookups.admitted(1):
            assert (await archive.get("/style.css"))[0] == 200
    lookups.patience = admission.PATIENCE_SECONDS
    assert (await archive.get("/search?q=model"))[0] == 200
    lookups.patience = 0.0
    async with lookups.admitted(server.WEB_READER):
        assert (await archive.get("/search?q=model"))[0] == 200, "it is kept for a minute"
        archive.pass_time(2 * server.KEPT_SECONDS)
        assert (await archive.get("/search?q=model"))[0] == 200, "it is older, which is better than none"


@pytest.mark.parametrize(
    ("flooding", "other"),
    [
        ("203.0.113.9", "198.51.100.7"),
        ("2001:db8::1", "2001:db8:0:1::1"),
        ("1.1.1.1, 203.0.113.9", "::1"),
        ("::ffff:203.0.113.9", "::ffff:198.51.100.7"),
    ],
)
async def test_an_address_that_asks_for_many_pages_shuts_out_no_other(
    archive: WebArchive, monkeypatch: pytest.MonkeyPatch, flooding: str, other: str
) -> None:
    started, released, search = asyncio.Event(), asyncio.Event(), archive.services.search.search

    async def hold(*arguments: Any, **options: Any) -> Any:
        started.set()
        await released.wait()
        return await search(*arguments, **options)

    monkeypatch.setattr(archive.services.search, "search", hold)
    lane = archive.server._lane
    lane.patience = 600.0
    flood = [
        asyncio.create_task(archive.get(f"/search?q=model+{number}", {"X-Forwarded-For": flooding}))
        for number in range(40)
    ]
    await started.wait()
    await patience.wait_until(lambda: lane._waiting.total() == 39)
    asked = asyncio.create_task(archive.get(PAPER, {"X-Forwarded-For": other}))
    await patience.wait_until(lambda: lane._waiting.total() == 40)
    released.set()
    assert (await asked)[0] == 200
    assert sum(task.done() for task in flood) < 20
    for task in flood:
        task.cancel()
    await asyncio.gather(*flood, return_exceptions=True)


async def test_an_error_inside_says_nothing_of_the_inside(
    archive: WebArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(archive.services.search, "search", fail)
    status, headers, text = await archive.get("/search?q=model")
    assert (status, "secret" in text, headers["Cache-Control"]) == (500, False, "no-store")
    assert "Something went wrong" in text


async def test_a_page_is_packed_once_and_sent_without_a_thread(
    archive: WebArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "/days/2025-01-02"
    _, first, text = await archive.get(path)
    loop, jobs = asyncio.get_running_loop(), list[Any]()
    run = loop.run_in_executor

    def count(*arguments: Any) -> Any:
        jobs.append(arguments)
        return run(*arguments)

    monkeypatch.setattr(loop, "run_in_executor", count)
    monkeypatch.setattr(zlib, "compressobj", None)
    monkeypatch.setattr(gzip, "compress", None)
    packed = {
        "gzip, br": True,
        "br, *": True,
        "GZIP;q=0.1": True,
        "": False,
        "gzip;q=0, *": False,
        "br": False,
    }
    for accepted, is_packed in packed.items():
        given_headers = {"Accept-Encoding": accepted}
        status, headers, sent = await archive.get(path, given_headers)
        assert (status, sent, "Content-Encoding" in headers) == (200, text, is_packed), accepted
        assert (headers["ETag"], headers["Vary"]) == (first["ETag"], first["Vary"])
        assert (await archive.get(path, {**given_headers, "If-None-Match": first["ETag"]}))[0] == 304
    assert jobs == []


async def test_an_address_with_half_a_surrogate_is_refused(
    archive: WebArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_protocol, "HttpRequestParser", http_parser.HttpRequestParserPy)
    for path in (b"/search?q=\xed\xa0\x80", b"/trends?q=\xff", b"/search.atom?q=%ff\xff", b"/authors/\xff"):
        reader, writer = await asyncio.open_connection(*archive.url.removeprefix("http://").split(":"))
        writer.write(b"GET " + path + b" HTTP/1.1\r\nHost: papers.example\r\n\r\n")
        assert (await reader.readline()).split()[1] == b"400", path
        writer.close()
    assert (await archive.get("/search?q=%ED%A0%80"))[0] == 200


async def test_a_reader_that_has_gone_waits_no_more_and_its_page_keeps_its_place(
    archive: WebArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()
    loaded: list[str] = []

    async def load(_: object, site: web_service.Site, query: str, *, page: int = 0) -> web_service.Page:
        loaded.append(query)
        begun.set()
        await may_end.wait()
        return web_service.make_style()

    monkeypatch.setattr(web_service.WebPages, "load_search", load)
    host, port = archive.url.removeprefix("http://").split(":")
    writers = []
    before = len(asyncio.all_tasks())
    for number in range(3):
        _, writer = await asyncio.open_connection(host, port)
        writer.write(f"GET /search?q={number} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        writers.append(writer)
        await patience.wait_for(begun.wait(), 30)
    for writer in writers:
        writer.transport.abort()
    # The page that was begun is left: its handler, its connection and its work.
    await patience.wait_until(lambda: len(asyncio.all_tasks()) <= before + 3)
    rendered: list[str] = []
    render = web_service.WebPages.render

    def note(pages: web_service.WebPages, page: web_service.Page) -> str:
        rendered.append(page.template or "")
        return render(pages, page)

    monkeypatch.setattr(web_service.WebPages, "render", note)
    other = asyncio.ensure_future(archive.get("/search?q=other"))
    may_end.set()
    assert (await patience.wait_for(other, 30))[0] == 200
    assert loaded == ["0", "other"]
    assert len(rendered) == 1, "that of a reader who has gone is not made further"


@pytest.mark.parametrize(("took", "rest"), [(1.5, 1.5), (600.0, admission.PATIENCE_SECONDS)])
async def test_a_page_that_does_not_exist_rests_for_a_bounded_time_and_is_kept(
    archive: WebArchive, monkeypatch: pytest.MonkeyPatch, took: float, rest: float
) -> None:
    """Ten minutes are those of a database that was silent, and do not keep readers out for ten more."""
    looked = []

    async def look(_: object, site: web_service.Site, name: str, **given: object) -> None:
        looked.append(name)
        archive.seconds += took
        raise web_service.PageError(404, "web-no-address")

    slept: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float, *arguments: Any) -> None:
        slept.append(seconds)
        await sleep(0)

    monkeypatch.setattr(web_service.WebPages, "load_author", look)
    monkeypatch.setattr(asyncio, "sleep", note)
    for name in ("a", "a", "b"):
        assert (await archive.get(f"/authors/{name}"))[0] == 404
    assert looked == ["a", "b"]
    assert rest in slept
    assert max(slept) == rest


async def test_a_list_dated_years_ahead_hides_no_paper_that_another_has(archive: WebArchive) -> None:
    paths = "/search?q=tinytalk", "/authors/Andres%20Marafiori", "/search.atom?q=tinytalk"
    before = [(await archive.text(path)).count("2501.00001") for path in paths]
    archive.pass_time(2 * server.KEPT_SECONDS)
    await sample_archive.add_digest(archive.services.database, "2099-01-01", sample_archive.SMALL)
    after = [await archive.text(path) for path in paths]
    assert [text.count("2501.00001") for text in after] == before
    assert all(before)
    assert not any("2099" in text for text in after)


async def test_a_day_that_has_not_come_has_no_page(archive: WebArchive) -> None:
    day = archive.now.date() + timedelta(days=4)
    await digest_builders.ingest_digest(
        archive.services.database, digest_builders.newsletter(day, [("2501.00008", 3)]), at=archive.now
    )
    paper = NewsletterPaper("2501.00009", "Planning Ahead", "계획을 세웁니다.")
    await sample_archive.add_digest(archive.services.database, f"{day}", paper, sample_archive.SMALL)
    assert f"/days/{day}" not in await archive.text(f"/papers/{sample_archive.SMALL.arxiv_id}")
    lists = (
        "/search?q=planning",
        "/search.atom?q=planning",
        "/authors/Ada%20Lovelace",
        "/authors/Ada%20Lovelace.json",
    )
    for path in (f"/days/{day}", "/papers/2501.00009"):
        assert (await archive.get(path))[0] == 404
    for path in lists:
        assert "Planning Ahead" not in await archive.text(path), path
    archive.pass_time(4 * 86_400)
    assert (await archive.get(f"/days/{day}"))[0] == 200
    for path in lists:
        assert "Planning Ahead" in await archive.text(path), path


async def test_slow_clients_do_not_keep_a_reader_out(archive: WebArchive) -> None:
    limits = http_server.Limits(connections=8, seconds=600)
    serving = http_server.serving("127.0.0.1:0", "PAPERROUND_WEB", [archive.server.add_routes], limits)
    async with serving as archive.url:
        host, port = archive.url.removeprefix("http://").split(":")
        opened = [await asyncio.open_connection(host, port) for _ in range(24)]
        for _, writer in opened[-4:]:
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
        assert (await patience.wait_for(archive.get("/"), 30))[0] == 200
        for _, writer in opened:
            writer.close()


async def test_pages_of_long_queries_are_kept_within_a_bound_and_their_memory_is_given_back(
    archive: WebArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "MAX_KEPT_BYTES", 1_000_000)

    def count_bytes() -> int:
        return sum(len(answer.body) + len(answer.packed) for answer in archive.server._kept.values())

    for number in range(12):
        archive.pass_time(1)
        assert len(await archive.text("/search?q=" + quote(f"{number} " + "가나" * 990))) > 100_000
        assert count_bytes() <= 1_000_000
    assert len(archive.server._kept) > 3
    archive.pass_time(server.KEPT_SECONDS)
    for _ in range(3):  # a page that is made again counts once
        archive.pass_time(server.KEPT_SECONDS)
        await archive.text("/search?q=" + quote("11 " + "가나" * 990))
    assert archive.server._kept_bytes == count_bytes()


async def test_health_and_the_archive_can_share_an_address(archive: WebArchive) -> None:
    monitoring = health.MonitoringServer(
        archive.services.database,
        health.Metrics(),
        lambda: archive.now,
        health.Liveness(),
        role=lambda: "sender",
        is_connected=lambda: True,
    )
    both = [monitoring.add_routes, archive.server.add_routes]
    async with http_server.serving("127.0.0.1:0", "PAPERROUND_WEB", both, server.LIMITS) as archive.url:
        assert json.loads((await archive.get("/health"))[2])["up"]
        assert (await archive.get("/metrics"))[0] == 200
        assert (await archive.get("/days/2025-01-02"))[0] == 200
        assert (await archive.get("/healthy"))[0] == 404
