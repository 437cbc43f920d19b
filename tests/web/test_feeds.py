"""Feeds and the sitemap: valid by RFC 4287, whatever the papers contain."""

import re
from dataclasses import replace
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

import feedparser
import pytest

from tests.web.conftest import WebArchive

ATOM = "{http://www.w3.org/2005/Atom}"
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)")
FEEDS = (
    "/feed.atom",
    "/search.atom?q=planning",
    "/search.atom?q=" + quote("model & <b>"),
    "/authors/Ada%20Lovelace.atom",
)


def check_atom(text: str) -> ElementTree.Element:
    """Check a feed against RFC 4287, citing its sections."""
    feed = ElementTree.fromstring(text.encode())
    entries = feed.findall(f"{ATOM}entry")
    for element in (feed, *entries):
        # 4.1.1, 4.1.2: exactly one id, title and updated; 4.2.6: the id is an IRI.
        for name in ("id", "title", "updated"):
            assert len(element.findall(f"{ATOM}{name}")) == 1, name
        assert urlsplit(element.findtext(f"{ATOM}id", "")).scheme in ("http", "https", "urn")
        assert RFC3339.fullmatch(element.findtext(f"{ATOM}updated", ""))
        # At most one alternate link, since all have the same type and language.
        links = [dict(link.attrib) for link in element.findall(f"{ATOM}link")]
        kinds = [(link.get("rel", "alternate"), link.get("type")) for link in links]
        assert len(set(kinds)) == len(kinds)
        # 4.2.1: a person has exactly one name.
        for author in element.findall(f"{ATOM}author"):
            assert [child.tag for child in author] == [f"{ATOM}name"]
    # 4.1.1: the feed has an author, and links to itself.
    assert feed.find(f"{ATOM}author") is not None
    assert feed.find(f"{ATOM}link[@rel='self']") is not None
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert len(set(ids)) == len(ids)
    # 4.1.2: an entry without content has an alternate link.
    assert all(entry.find(f"{ATOM}link[@rel='alternate']") is not None for entry in entries)
    assert not feedparser.parse(text.encode())["bozo"]
    return feed


async def test_feeds_are_valid_atom(archive: WebArchive) -> None:
    for path in FEEDS:
        atom = check_atom(await archive.text(path))
        titles = [entry.findtext(f"{ATOM}title") for entry in atom.findall(f"{ATOM}entry")]
        assert titles
        alternates = atom.findall(f"{ATOM}link[@rel='alternate']")
        assert (await archive.get(alternates[0].attrib["href"].removeprefix(archive.url)))[0] == 200
    assert titles[1] == "Molecules in Motion", "after the newer, hostile one"


@pytest.mark.parametrize("web_url", [None, "https://papers.example/archive/"])
async def test_ids_and_own_addresses_depend_on_no_host(archive: WebArchive, web_url: str | None) -> None:
    object.__setattr__(archive.pages, "services", replace(archive.services, web_url=web_url))
    for path in (*FEEDS, "/days/2025-01-02", "/sitemap.xml"):
        texts = [
            (await archive.get(path, {"Host": host, "X-Forwarded-Proto": scheme}))[2]
            for host, scheme in (("a.example", "http"), ("www.a.example", "https"))
        ]
        ids, others = ({*re.findall("<id>(.*?)</id>", text)} for text in texts)
        assert ids == others
        assert bool(ids) == ("atom" in path)
        assert (texts[0] == texts[1]) == bool(web_url)
        assert ("a.example" in texts[0]) != bool(web_url)
        assert ("https://papers.example/archive/" in texts[0]) == bool(web_url)


async def test_feed_has_an_entry_for_each_day_with_its_papers(archive: WebArchive) -> None:
    feed = feedparser.parse((await archive.text("/feed.atom")).encode())
    days = [entry.id.rpartition("/")[2] for entry in feed.entries]
    assert days == ["2025-01-04", "2025-01-03", "2025-01-02"]
    content = feed.entries[-1].content[0].value
    assert f'<a href="{archive.url}/papers/2501.00001">TinyTalk' in content
    assert "▲\u00a040 · Andrés Marafiori, Jürgen Müller" in content
    assert "<script" not in "".join(entry.content[0].value for entry in feed.entries)


async def test_sitemap_lists_only_existing_pages(archive: WebArchive) -> None:
    root = ElementTree.fromstring((await archive.text("/sitemap.xml")).encode())
    addresses = [loc.text or "" for loc in root.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    assert len(addresses) == 5
    for address in addresses:
        assert (await archive.get(address.removeprefix(archive.url)))[0] == 200
