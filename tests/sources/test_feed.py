"""RSS and Atom feeds: single papers, digests in entries and behind links, and no repeated reads."""

from __future__ import annotations

from datetime import date, timedelta
from html import escape

import pytest
from aiohttp import web

from bot.archive import parse
from bot.sources import base, feed
from bot.sources.fetcher import Fetcher
from storage import models
from storage.models import FetchStatus
from tests.support import origin_server, source_fixtures, source_payloads
from tests.support.origin_server import OriginServer
from tests.support.source_fixtures import OpenFetcher, fetch_results, fetch_statuses, merge_page_states

OK, UNCHANGED, FAILED = FetchStatus.OK, FetchStatus.UNCHANGED, FetchStatus.FAILED


def item(key: str, *, link: str = "", content: str = "", title: str = "A day", date: str = "") -> str:
    return (
        f"<item><guid isPermaLink='false'>{key}</guid><title>{title}</title><link>{link}</link>"
        f"<pubDate>{date}</pubDate><content:encoded><![CDATA[{content}]]></content:encoded></item>"
    )


def feed_at(origin: OriginServer, fetch: Fetcher) -> feed.FeedSource:
    return feed.FeedSource(f"{origin.url}/feed", fetch)


async def test_parses_digests_in_entries_as_markdown_or_html(origin: OriginServer, fetch: Fetcher) -> None:
    html = "<h2>Daily Papers (2025-05-05)</h2><h3><a href='https://arxiv.org/abs/2505.00007'>A</a></h3><p>Vote: 3</p>"
    origin.pages["/feed"] = source_payloads.rss(
        item("1", content=source_payloads.newsletter()),
        item("2", content=html),
        f"<item><guid>3</guid><description>{escape(source_payloads.review())}</description></item>",
    )
    results = await fetch_results(feed_at(origin, fetch))
    digests = [digest for result in results for digest in result.digests]
    assert [[paper.arxiv_id for paper in digest.entries] for digest in digests] == [
        ["2505.00001", "2505.00002"],
        ["2505.00007"],
        ["2505.00001"],
    ]
    assert results[0].location == f"{origin.url}/feed#1"


def paper_item(number: int, *, on: str = "", votes: int = 3) -> str:
    """Return a feed item generated from a day's list, with authors, votes and a picture in its HTML."""
    html = (
        f"<p><img src='https://cdn.example/{number}.png' alt='Paper thumbnail' style='max-width: 300px' /></p>"
        f"<p><b>Authors:</b> Mina Alder, Tomas Brandt</p><p><b>Upvotes:</b> {votes}</p>"
        f"<p><b>Summary:</b> Moss number {number} grows in 97-98% of all gardens.</p>"
    )
    link = f"https://arxiv.org/abs/2505.{number:05}"
    when = f"{on}T08:00:00Z" if on else ""
    return item(link, link=link, title=f"Growing Moss {number}", content=html, date=when)


def built(*items: str, on: str) -> str:
    return source_payloads.rss(f"<lastBuildDate>{on}T00:21:29Z</lastBuildDate>", *items)


def listed(results: list[base.FetchResult]) -> list[tuple[str, str, bool, int]]:
    """Return each digest's format, date, whether it is rolling, and number of papers."""
    return [
        (digest.format.value, str(digest.date), digest.is_rolling, len(digest.entries))
        for result in results
        for digest in result.digests
    ]


async def test_entries_with_one_paper_each_are_grouped_by_day(origin: OriginServer, fetch: Fetcher) -> None:
    origin.pages["/feed"] = source_payloads.rss(
        *(paper_item(number, on="2025-05-06", votes=number) for number in (1, 2)),
        paper_item(3, on="2025-05-05"),
    )
    results = await fetch_results(feed_at(origin, fetch))
    assert listed(results) == [("list", "2025-05-06", False, 2), ("list", "2025-05-05", False, 1)]
    paper = results[0].digests[0].entries[1]
    assert (paper.arxiv_id, paper.title, paper.votes) == ("2505.00002", "Growing Moss 2", 2)
    assert (paper.authors, paper.thumbnail) == (("Mina Alder", "Tomas Brandt"), "https://cdn.example/2.png")
    facts = results[0].facts[1]
    assert facts.abstract == "Moss number 2 grows in 97-98% of all gardens."
    assert (facts.authors, facts.votes) == (paper.authors, None), "votes of a feed are not a service's"


async def test_papers_of_an_unsorted_feed_are_listed_on_its_build_date(
    origin: OriginServer, fetch: Fetcher
) -> None:
    days = [date(2025, 3, 1) + timedelta(days=number) for number in range(30)]
    items = [paper_item(number, on=str(day)) for number, day in enumerate(days, 1)]
    for entries in (items, items[15:] + items[:15]):
        origin.pages["/feed"] = built(*entries, on="2025-05-06")
        assert listed(await fetch_results(feed_at(origin, fetch))) == [("list", "2025-05-06", False, 30)]
    origin.pages["/feed"] = built(*items[::-1], on="2025-05-06")
    assert len(listed(await fetch_results(feed_at(origin, fetch)))) == 30
    origin.pages["/feed"] = built(*items, on="2025-04-06")
    [old] = listed(await fetch_results(feed_at(origin, fetch)))
    assert old == ("list", "2025-05-06", True, 30), "an old build date is ignored"


async def test_a_changed_paper_stays_listed_on_its_day(origin: OriginServer, fetch: Fetcher) -> None:
    origin.pages["/feed"] = built(
        paper_item(2, on="2025-04-01"), paper_item(1, on="2025-05-01"), on="2025-05-06"
    )
    first = await fetch_results(feed_at(origin, fetch))
    assert listed(first) == [("list", "2025-05-06", False, 2)]
    states = merge_page_states(first)
    origin.pages["/feed"] = built(
        paper_item(2, on="2025-04-01", votes=99),
        paper_item(1, on="2025-05-01").replace("Growing", "On Growing"),
        paper_item(3, on="2025-05-02"),
        on="2025-05-07",
    )
    second = await fetch_results(feed_at(origin, fetch), states, now=source_fixtures.NOW + timedelta(days=1))
    assert listed(second) == [("list", "2025-05-06", False, 1), ("list", "2025-05-07", False, 1)]


async def test_does_not_list_new_versions_in_an_arxiv_feed(origin: OriginServer, fetch: Fetcher) -> None:
    origin.pages["/feed"] = source_payloads.rss(
        *(
            f"<item><title>Growing Moss {n}</title><link>https://arxiv.org/abs/2505.0000{n}</link><description>"
            f"arXiv:2505.0000{n}v1 Announce Type: {kind} \nAbstract: Moss {n}.</description>"
            f"<pubDate>2025-05-06T04:00:00Z</pubDate></item>"
            for n, kind in enumerate(("new", "cross", "replace", "replace-cross"), 1)
        )
    )
    [result, _] = await fetch_results(feed_at(origin, fetch))
    assert [entry.arxiv_id[-1] for entry in result.digests[0].entries] == ["1", "2"]
    assert [(facts.abstract, facts.listed_on) for facts in result.facts] == [
        ("Moss 1.", date(2025, 5, 6)),
        ("Moss 2.", date(2025, 5, 6)),
        ("Moss 3.", None),
        ("Moss 4.", None),
    ]


async def test_retries_a_failed_link_even_if_the_feed_is_unchanged(
    origin: OriginServer, fetch: Fetcher
) -> None:
    origin.pages["/feed"] = source_payloads.rss(
        item("1", link=f"{origin.url}/a.md"), item("2", content=source_payloads.review())
    )
    origin.pages["/a.md"] = web.Response(status=500)
    first = await fetch_results(feed_at(origin, fetch))
    assert [result.status for result in first] == [OK, FAILED, UNCHANGED]
    pages = merge_page_states(first)
    origin.pages["/a.md"] = source_payloads.newsletter()
    second = await fetch_results(feed_at(origin, fetch), pages)
    assert [result.status for result in second] == [OK, UNCHANGED]
    third = await fetch_results(feed_at(origin, fetch), merge_page_states(second, pages))
    assert [result.status for result in third] == [UNCHANGED]


async def test_fetches_a_link_without_a_digest_once_without_failing(
    origin: OriginServer, fetch: Fetcher
) -> None:
    links = [item(name, link=f"{origin.url}/{name}") for name in ("post", "none")]
    entries = [*links, item("3", title="Note")]
    origin.pages["/feed"] = source_payloads.rss(*entries)
    origin.pages["/post"] = "<html><body>My holidays</body></html>"
    first = await fetch_results(feed_at(origin, fetch))
    assert {result.status for result in first} == {UNCHANGED}
    origin.pages["/feed"] = source_payloads.rss(*entries, item("4", content=source_payloads.newsletter()))
    origin.requests.clear()
    second = await fetch_results(feed_at(origin, fetch), merge_page_states(first))
    assert [len(result.digests) for result in second] == [1, 0]
    assert origin.paths == ["/feed"]


async def test_link_to_a_private_address_does_not_affect_other_entries(
    origin: OriginServer, open_fetcher: OpenFetcher
) -> None:
    async with origin_server.run_origin() as inside:
        origin.pages["/feed"] = source_payloads.rss(
            item("1", link=f"{inside.url}/secret"), item("2", content=source_payloads.newsletter())
        )
        async with open_fetcher(allow=(f"127.0.0.1:{origin.port}",)) as fetch:
            assert await fetch_statuses(feed_at(origin, fetch)) == [OK, FetchStatus.REFUSED, UNCHANGED]
        assert inside.requests == []


async def test_feed_with_many_links_takes_several_polls(origin: OriginServer, fetch: Fetcher) -> None:
    origin.pages["/feed"] = source_payloads.rss(*(item(str(n), link=f"{origin.url}/{n}") for n in range(120)))
    pages: dict[str, models.PageState] = {}
    request_counts = []
    for _ in range(4):
        origin.requests.clear()
        pages = merge_page_states(await fetch_results(feed_at(origin, fetch), pages), pages)
        request_counts.append(len(origin.requests) - 1)
    assert request_counts == [50, 50, 20, 0]


NO_DATES = "yesterday|2025-02-31T25:61:00Z|31 Feb 99999||0000-00-00|Tue, 06 May 2025 99:00:00 GMT|-1"


@pytest.mark.parametrize("when", NO_DATES.split("|"))
def test_ignores_an_invalid_date(when: str) -> None:
    item = f"<item><title>A</title><guid>1</guid><pubDate>{when}</pubDate></item>"
    assert [entry.title for entry in feed.parse_document(source_payloads.rss(item)).entries] == ["A"]


async def test_parses_a_large_feed_in_the_worker_process(
    origin: OriginServer, fetch: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin.pages["/feed"] = built(
        item("1", content=source_payloads.newsletter(), date="Tue, 06 May 2025 01:00:00 GMT"),
        paper_item(3, on="2025-05-06"),
        on="2025-05-06",
    )
    expected = await fetch_results(feed_at(origin, fetch))
    monkeypatch.setattr(base, "LARGE_BYTES", 0)
    for module, name in ((feed, "parse_document"), (parse, "parse_text")):
        monkeypatch.setattr(module, name, None)  # so parsing in this process would fail
    assert await fetch_results(feed_at(origin, fetch)) == expected
    assert listed(expected) == [("newsletter", "2025-05-06", False, 2), ("list", "2025-05-06", False, 1)]
