"""Feeds: each rule of RFC 4287 that they can break, also with hostile texts, and a sitemap's."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

import feedparser
from hypothesis import given
from hypothesis import strategies as st

from bot.rendering.templates import OutputFormat, Templates
from bot.web import service
from bot.web.service import Entry
from storage import models
from tests.support.hostile_papers import texts
from tests.web.conftest import WebArchive

ATOM = "{http://www.w3.org/2005/Atom}"
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)")
FEEDS = (
    "/feed.atom",
    "/search.atom?q=planning",
    "/search.atom?q=" + quote("model & <b>"),
    "/authors/Ada%20Lovelace.atom",
)
SITE = service.Site("https://papers.example/x", models.Locale.KO)


def check_atom(text: str) -> ElementTree.Element:
    """Check a feed by the rules of RFC 4287; their sections are given."""
    feed = ElementTree.fromstring(text.encode())
    assert feed.tag == f"{ATOM}feed"
    entries = feed.findall(f"{ATOM}entry")
    for element in (feed, *entries):
        # 4.1.1, 4.1.2: exactly one each of id, title and updated.
        for name in ("id", "title", "updated"):
            assert len(element.findall(f"{ATOM}{name}")) == 1, name
        # 4.2.6: an id is an absolute IRI.
        assert urlsplit(element.findtext(f"{ATOM}id", "")).scheme in ("http", "https")
        assert RFC3339.fullmatch(element.findtext(f"{ATOM}updated", ""))
        # 4.1.1, 4.1.2: at most one alternate link of a type and language; hrefs are IRIs.
        links = [dict(link.attrib) for link in element.findall(f"{ATOM}link")]
        kinds = [(link.get("rel", "alternate"), link.get("type")) for link in links]
        assert len(set(kinds)) == len(kinds)
        assert all(urlsplit(link["href"]).scheme in ("http", "https") for link in links)
        # 4.2.1: a person has exactly one name.
        for author in element.findall(f"{ATOM}author"):
            assert [child.tag for child in author] == [f"{ATOM}name"]
        # 4.1.2: at most one summary and one content, of a known type.
        assert len(element.findall(f"{ATOM}summary")) <= 1
        assert [content.get("type") for content in element.findall(f"{ATOM}content")] in ([], ["html"])
    # 4.1.1: a feed has an author unless all entries have one; it should link to itself.
    assert feed.find(f"{ATOM}author") is not None
    assert [link.get("rel") for link in feed.findall(f"{ATOM}link")].count("self") == 1
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert len(set(ids)) == len(ids)
    # 4.1.2: an entry without content has an alternate link.
    assert all(
        any(link.get("rel") == "alternate" for link in entry.findall(f"{ATOM}link")) for entry in entries
    )
    assert not feedparser.parse(text.encode())["bozo"]
    return feed


async def test_feeds_follow_the_rules(archive: WebArchive) -> None:
    for path in FEEDS:
        atom = check_atom(await archive.text(path))
        titles = [entry.findtext(f"{ATOM}title") for entry in atom.findall(f"{ATOM}entry")]
        assert titles
        alternates = atom.findall(f"{ATOM}link[@rel='alternate']")
        assert (await archive.get(alternates[0].attrib["href"].removeprefix(archive.url)))[0] == 200
    assert titles[1] == "Molecules in Motion", "behind the hostile one, which is newer"


async def test_a_day_of_the_feed_has_its_papers_with_links(archive: WebArchive) -> None:
    feed = feedparser.parse((await archive.text("/feed.atom")).encode())
    assert [entry.id.rpartition("/")[2] for entry in feed.entries] == [
        "2025-01-04",
        "2025-01-03",
        "2025-01-02",
    ]
    content = feed.entries[-1].content[0].value
    assert f'<a href="{archive.url}/papers/2501.00001">TinyTalk' in content
    assert "▲\u00a040 · Andrés Marafiori, Jürgen Müller" in content
    assert "<script" not in "".join(entry.content[0].value for entry in feed.entries)


async def test_the_sitemap_names_pages_that_exist(archive: WebArchive) -> None:
    root = ElementTree.fromstring((await archive.text("/sitemap.xml")).encode())
    addresses = [loc.text or "" for loc in root.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    assert len(addresses) == 5
    for address in addresses:
        assert (await archive.get(address.removeprefix(archive.url)))[0] == 200


any_text = texts | st.text() | st.sampled_from(["]]>", "<![CDATA[", "\ufffe\uffff\x0b", "&#0;", "\ud800"])
entries = st.lists(
    st.builds(
        Entry,
        id=st.integers().map(lambda number: f"https://arxiv.org/abs/{number}"),
        url=st.just("https://papers.example/x?a=1&b='\"<"),
        title=any_text,
        updated_at=st.integers(0, 4_000_000_000).map(lambda second: datetime.fromtimestamp(second, UTC)),
        authors=st.lists(any_text.filter(bool), max_size=3).map(tuple),
        summary=any_text,
        html=any_text,
    ),
    max_size=5,
    unique_by=lambda entry: entry.id,
)


@given(entries=entries, title=any_text)
def test_no_text_breaks_a_feed(entries: list[Entry], title: str) -> None:
    values = {
        "url": "https://papers.example/feed.atom",
        "home": "https://papers.example/",
        "title": title,
        "name": "Paperround",
        "locale": "ko",
        "updated_at": datetime(2025, 1, 1, tzinfo=UTC),
        "entries": entries,
    }
    text = Templates().render_document("web.feed.atom.j2", values, OutputFormat.XML)
    feed = ElementTree.fromstring(text.encode())
    found = feed.findall(f"{ATOM}entry")
    assert [len(entry.findall(f"{ATOM}author")) for entry in found] == [
        len(entry.authors) for entry in entries
    ]
    assert [len(list(entry.iter())) for entry in found] == [
        5 + 2 * len(entry.authors) + bool(entry.summary) + bool(entry.html) for entry in entries
    ]
