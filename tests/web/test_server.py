"""The web archive over HTTP: URLs, languages, conditional requests and hostile input."""

import asyncio
import re
from dataclasses import replace
from html.parser import HTMLParser
from unittest import mock
from urllib.parse import quote

import pytest

from bot.core import admission
from bot.demo import sample_digests
from bot.features.web import server
from bot.features.web.pages import Page as WebPage
from bot.rendering.templates import OutputFormat
from storage import models
from tests.support import digest_builders, patience
from tests.web.conftest import WebArchive

PAPER = "/papers/2501.00004"
SMOLVLA = "2506.01844"
"""A paper with summaries in both languages and a review in Korean."""
KOREAN = {"Accept-Language": "ko-KR,ko;q=0.9,en;q=0.5"}


class Elements(HTMLParser):
    """Parses a page into elements with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def values(self, name: str) -> list[str]:
        return [value for _, attributes in self.found if (value := attributes.get(name))]


async def test_every_url_returns_a_page_or_an_error_with_a_reason(archive: WebArchive) -> None:
    found = {
        "/": (200, "text/html", "Title"),
        "/days/2025-01-02": (200, "text/html", "TinyTalk"),
        "/days/2025-01-09": (404, "text/html", "No papers for January 9, 2025"),
        "/days/20250102": (404, "text/html", "Write the date like this"),
        "/days/2025-13-01": (404, "text/html", "Write the date like this"),
        "/papers/2501.00001": (200, "text/html", "Andrés Marafiori"),
        "/papers/2501.00001v3": (200, "text/html", "Andrés Marafiori"),
        "/papers/2501.99999": (404, "text/html", "2501.99999"),
        "/papers/qlora": (404, "text/html", "ends in its arXiv ID, such as 2502.02737"),
        "/papers/..%2f..%2fetc%2fpasswd": (404, "text/html", "not found"),
        "/search?q=" + quote("강화학습"): (200, "text/html", "Rewarding Steps"),
        "/search?q=2501.00003": (200, "text/html", '">January 3, 2025</time>'),
        "/search?q=qqqqzzzz": (200, "text/html", "Nothing found for “qqqqzzzz”"),
        "/search": (200, "text/html", "<h1>Search</h1>"),
        "/search?q=planning": (200, "text/html", '<a href="/ask?q=planning">'),
        "/search?q=planning+without+steps": (200, "text/html", "“steps” is not left out"),
        "/ask?q=" + quote("How are rewards given for each step?"): (
            200,
            "text/html",
            "Summary in the digest of",
        ),
        "/ask?q=" + quote("보상은 어떻게 줘?"): (200, "text/html", "Rewarding Steps"),
        "/ask?q=" + quote("What about Orca 9?"): (200, "text/html", "No paper here mentions “Orca 9”"),
        "/ask?q=" + quote("<script>alert(1)</script>"): (200, "text/html", "&lt;script&gt;"),
        "/ask?q=qqqqzzzz": (200, "text/html", "Nothing here is about this"),
        "/ask": (200, "text/html", "<h1>Search</h1>"),
        "/ask?q=": (200, "text/html", '<input id="q" name="q" type="search"'),
        "/ask?q=+&lang=ko": (200, "text/html", "<h1>검색</h1>"),
        "/ask?q=" + "a" * 2_001: (400, "text/html", "up to 2,000 characters"),
        "/authors/" + quote("lovelace ada"): (200, "text/html", "Molecules in Motion"),
        "/authors/nobody": (404, "text/html", "No author found for “nobody”"),
        "/trends": (200, "text/html", "<svg"),
        "/trends?q=planning": (200, "text/html", "<svg"),
        "/trends?q=qqqqzzzz": (200, "text/html", "qqqqzzzz"),
        "/trends?q=" + "a" * 2_001: (400, "text/html", "up to 2,000 characters"),
        "/feed.atom": (200, "application/atom+xml", "TinyTalk"),
        "/feed.json": (404, "text/html", "There is nothing at this address"),
        "/search.atom?q=planning": (200, "application/atom+xml", "Rewarding Steps"),
        "/search.atom": (400, "text/html", "at least one word"),
        "/authors/Ada%20Lovelace.atom": (200, "application/atom+xml", "Molecules in Motion"),
        "/authors/nobody.atom": (404, "text/html", "No author found"),
        "/sitemap.xml": (200, "application/xml", "/days/2025-01-03</loc>"),
        "/style.css": (200, "text/css", "prefers-color-scheme: dark"),
        "/robots.txt": (200, "text/plain", "/sitemap.xml"),
        "/wp-login.php": (404, "text/html", "There is nothing at this address"),
        "/search?q=model&page=0": (404, "text/html", "must be from 1 to 500"),
        "/search?q=model&page=501": (404, "text/html", "must be from 1 to 500"),
        "/days/2025-01-02?page=" + quote("２"): (404, "text/html", "must be from 1 to 500"),
        "/search?q=" + "a" * 10_000: (400, "text/html", "up to 2,000 characters"),
        "/search.atom?q=" + "a" * 2_001: (400, "text/html", "up to 2,000 characters"),
        "/search?q=" + quote("가" * 2_000): (200, "text/html", ""),
        "/search?q=%00%ff%fe%1b[2J": (200, "text/html", ""),
        "/search?q=model&page=500": (200, "text/html", ""),
        "/search?q=model&lang=xx": (200, "text/html", '<html lang="en">'),
        "/authors/" + "a" * 400: (404, "text/html", "There is nothing at this address"),
        "/search?q=" + "a" * 70_000: (400, "", ""),
    }
    for path, (status, kind, content) in found.items():
        answer, headers, text = await archive.get(path)
        assert (answer, content in text) == (status, True), (path[:60], answer, text)
        assert headers["Content-Type"].startswith(kind), path


async def test_rejects_other_methods_and_invalid_hosts(archive: WebArchive) -> None:
    assert (await archive.get("/", method="POST"))[0] == 405
    assert (await archive.get("/", method="HEAD"))[0::2] == (200, "")
    for host in ("a.example/<b>", "[:::::::]:1", "a:99999"):
        refused = (400, "The Host header is not a host name.\n")
        assert (await archive.get("/", {"Host": host}))[0::2] == refused
    text = (await archive.get("/", {"Host": "Papers.example", "X-Forwarded-Proto": "https"}))[2]
    assert '<link rel="canonical" href="https://papers.example/">' in text
    text = (await archive.get("/", {"Host": "paper_round:8080", "X-Forwarded-Proto": "HTTPS, http"}))[2]
    assert '<link rel="canonical" href="https://paper_round:8080/">' in text, "a service behind two proxies"
    text = (await archive.get("/", {"X-Forwarded-Proto": "javascript"}))[2]
    assert f'<link rel="canonical" href="{archive.url}/">' in text


@pytest.mark.parametrize(("version", "status"), [("1.0", 200), ("1.1", 400)])
async def test_only_http_1_0_need_not_name_its_host(archive: WebArchive, version: str, status: int) -> None:
    """As health checks of load balancers do."""
    address = archive.url.removeprefix("http://")
    reader, writer = await asyncio.open_connection(*address.split(":"))
    writer.write(f"GET / HTTP/{version}\r\nConnection: close\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    assert int(answer.split()[1]) == status, answer[:300]
    assert (f'<link rel="canonical" href="http://{address}/">' in answer) == (status == 200)


@pytest.mark.parametrize("path", ["", "/archive"])
async def test_robots_are_kept_from_search_as_clients_see_its_path(archive: WebArchive, path: str) -> None:
    address = f"https://papers.example{path}/"
    object.__setattr__(archive.pages, "services", replace(archive.services, web_url=address))
    lines = (await archive.get("/robots.txt"))[2].splitlines()
    kept = [f"Disallow: {path}/{name}" for name in ("search", "ask")]
    assert lines == ["User-agent: *", *kept, f"Sitemap: {address}sitemap.xml"]


async def test_hostile_text_is_escaped(archive: WebArchive) -> None:
    query = quote('"><script>alert(1)</script>')
    for path in ("/", "/days/2025-01-04", PAPER, f"/search?q={query}", "/authors/evil"):
        _, headers, text = await archive.get(path)
        page = Elements(text)
        assert not {name for _, attributes in page.found for name in attributes if name.startswith("on")}
        assert "style" not in {tag for tag, _ in page.found}, path
        scripts = [attributes["src"] for tag, attributes in page.found if tag == "script"]
        assert scripts == (["/paper.js"] if path == PAPER else []), path
        assert all(re.match("https?://|/|#main", href) for href in page.values("href")), path
        assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e]", text)
        policy = headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "tracker.example" not in text


async def test_pages_load_only_pictures_and_set_no_cookies(archive: WebArchive) -> None:
    _, headers, text = await archive.get("/days/2025-01-02")
    assert headers["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'self'; img-src 'self' https:; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    )
    [policy] = [str(row["content"]) for _, row in Elements(text).found if row.get("http-equiv")]
    assert headers["Content-Security-Policy"].startswith(policy)
    assert "Set-Cookie" not in headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Vary"] == "Accept-Language, X-Forwarded-Proto"


async def test_url_or_browser_determines_the_language(archive: WebArchive) -> None:
    _, _, text = await archive.get("/", KOREAN)
    assert '<html lang="ko">' in text
    assert 'href="/trends"' in text
    _, _, text = await archive.get("/?lang=en", KOREAN)
    assert '<html lang="en">' in text
    # All links on the page keep the chosen language, without a cookie.
    links = [href for href in Elements(text).values("href") if href.startswith("/")]
    assert links
    others = [href for href in links if "lang=en" not in href and "style" not in href]
    assert others == ["/?lang=ko"]
    assert '<input type="hidden" name="lang" value="en">' in text


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("fr, ko-KR;q=0.3", "ko"),
        ("fr, ko-KR;q=0.3, en", "en"),
        ("en;q=0.5, ko;q=0.9", "ko"),
        ("ko;q=0, en;q=0.1", "en"),
        ("de, ko;q=0", "en"),
        ("ko ; q = 1.0, en", "ko"),
        ("kok-IN, fr", "en"),
        ("*", "en"),
        (";;,=,;q=", "en"),
    ],
)
def test_parses_the_accept_language_header(accepted: str, language: str) -> None:
    assert server.find_language(accepted, models.Locale.EN) == language


async def test_does_not_resend_an_unchanged_page(archive: WebArchive) -> None:
    path = "/feed.atom"
    _, headers, text = await archive.get(path)
    tag = headers["ETag"]
    statuses = {tag: 304, f'"other", {tag}': 304, "*": 304, '"other"': 200, "garbage": 200}
    for known, status in statuses.items():
        answer, _, sent = await archive.get(path, {"If-None-Match": known})
        assert (answer, sent) == (status, text if status == 200 else ""), known
    added = digest_builders.newsletter(archive.now.date(), [("2501.00008", 3)])
    await digest_builders.ingest_digest(archive.services.database, added, at=archive.now)
    status, new, text = await archive.get(path, {"If-None-Match": tag})
    assert (status, "Paper 2501.00008" in text, new["ETag"] == tag) == (200, True, False)


async def test_web_readers_share_one_lookup_slot(archive: WebArchive) -> None:
    lookups = archive.services.lookups
    lookups.patience = 0.0
    async with lookups.admitted(server.WEB_READER):
        status, headers, text = await archive.get("/search?q=model")
        assert (status, headers["Retry-After"], "busy right now" in text) == (503, "5", True)
        # Readers on Discord and files that need no look-up do not wait.
        async with lookups.admitted(1):
            assert (await archive.get("/style.css"))[0] == 200
    lookups.patience, refused = admission.PATIENCE_SECONDS, list[str]()

    async def ask_meanwhile() -> None:
        try:
            async with lookups.admitted(server.WEB_READER, 0.0):
                pass
        except admission.BusyError as busy:
            refused.append(busy.key)

    def render(page: WebPage) -> str:
        asyncio.run_coroutine_threadsafe(ask_meanwhile(), loop).result(patience.scaled(patience.HANG_SECONDS))
        return archive.pages.templates.render_document(page.template, page.values, OutputFormat.XML)

    loop = asyncio.get_running_loop()
    with mock.patch.object(type(archive.pages), "render", staticmethod(render)):
        assert (await archive.get("/search?q=model"))[0] == 200
    assert refused == ["busy"], "a page has its place until it is rendered"


async def test_internal_error_page_hides_cause(archive: WebArchive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive.services.search, "search", mock.AsyncMock(side_effect=RuntimeError("secret")))
    status, headers, text = await archive.get("/search?q=model")
    assert (status, "secret" in text, headers["Cache-Control"]) == (500, False, "no-store")
    assert "Something went wrong" in text


async def test_what_is_in_another_language_is_named(archive: WebArchive) -> None:
    for sample in sample_digests.sample_texts():
        if SMOLVLA in sample.text and sample.name.startswith(("review-ko", "newsletter-en/2025")):
            await digest_builders.ingest_digest(archive.services.database, sample.text, at=archive.now)
    english = re.findall('<p class="note">(.*?)</p>', await archive.text(f"/papers/{SMOLVLA}?lang=en"))
    assert [note for note in english if "only" in note] == ["Review in Korean only"]
    korean = re.findall('<p class="note">(.*?)</p>', await archive.text(f"/papers/{SMOLVLA}?lang=ko"))
    assert [note for note in korean if "없어" in note] == []


async def test_an_answer_names_a_paper_of_which_only_the_title_is_stored_once(archive: WebArchive) -> None:
    title = "Why Kites Hallucinate Gales"
    papers = f'[{{"arxiv_id": "2501.30001", "title": "{title}"}}]'
    listed = f'{{"format": "listing", "date": "2025-01-04", "papers": {papers}}}'
    await digest_builders.ingest_digest(archive.services.database, listed, at=archive.now)
    for language, said in (("en", "Only its title is stored"), ("ko", "제목만 저장된 논문")):
        page = await archive.text(f"/ask?q=Why+do+kites+hallucinate&lang={language}")
        assert (page.count("Gales"), said in page) == (1, True), page


async def test_the_items_of_a_list_are_lines_and_more_unfolds_the_passage(archive: WebArchive) -> None:
    steps = "\n".join(f"    - Step {number} dries the wicks of the pier's lanterns." for number in range(24))
    digest = (
        "## Daily Papers (2025-01-04)\n\n### [Wicks](https://arxiv.org/abs/2501.00009)\n\nVote: 3\n\n"
        f"- ***What's New***: Wicks of lanterns are dried.\n- ***Technical Details***: In steps:\n{steps}\n"
    )
    await digest_builders.ingest_digest(archive.services.database, digest, at=archive.now)
    for language, more in (("en", "More"), ("ko", "더 보기")):
        text = (await archive.get(f"/ask?q=How+are+the+wicks+of+lanterns+dried&lang={language}"))[2]
        excerpt, whole = re.findall('<p class="text"[^>]*>(.*?)</p>', text, re.DOTALL)[:2]
        assert "\n• Step" in excerpt
        assert "Step 23" not in excerpt
        assert "\n• Step 23" in whole
        assert f"<details><summary>{more}</summary>" in text
    assert ".text { white-space: pre-line; }" in (await archive.get("/style.css"))[2]
