"""The feed source: digests in entries and behind links, single papers, and no repeated reads."""

from __future__ import annotations

from html import escape

import pytest
from aiohttp import web

from bot.sources import feed, fetcher
from storage import models
from tests.support import origin_server, source_fixtures, source_payloads
from tests.support.source_requests import fetch_results, merge_page_states

OK, UNCHANGED, FAILED = models.FetchStatus.OK, models.FetchStatus.UNCHANGED, models.FetchStatus.FAILED


def item(key: str, *, link: str = "", content: str = "", title: str = "A day", date: str = "") -> str:
    return (
        f"<item><guid isPermaLink='false'>{key}</guid><title>{title}</title><link>{link}</link>"
        f"<pubDate>{date}</pubDate><content:encoded><![CDATA[{content}]]></content:encoded></item>"
    )


def feed_at(origin: origin_server.OriginServer, fetch: fetcher.Fetcher) -> feed.FeedSource:
    return feed.FeedSource(f"{origin.url}/feed", fetch)


async def test_a_digest_in_an_entry_is_read_as_markdown_or_html(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
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


async def test_a_linked_digest_has_its_own_address_as_location(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    origin.pages["/feed"] = source_payloads.rss(item("1", link=f"{origin.url}/2025-05-06.md"))
    origin.pages["/2025-05-06.md"] = source_payloads.newsletter()
    results = await fetch_results(feed_at(origin, fetch))
    assert [result.location for result in results if result.digests] == [f"{origin.url}/2025-05-06.md"]


async def test_single_papers_become_facts(origin: origin_server.OriginServer, fetch: fetcher.Fetcher) -> None:
    origin.pages["/feed"] = source_payloads.atom(
        source_payloads.arxiv_entry("2505.00001"), source_payloads.arxiv_entry("2505.00002", title="Another")
    )
    results = await fetch_results(feed_at(origin, fetch))
    facts = [paper for result in results for paper in result.facts]
    assert [(paper.arxiv_id, paper.source) for paper in facts] == [
        ("2505.00001", f"{origin.url}/feed"),
        ("2505.00002", f"{origin.url}/feed"),
    ]
    assert origin.paths == ["/feed"]


async def test_redated_or_reordered_entries_are_not_read_again(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    first = [item(str(n), content=source_payloads.newsletter(ids=[f"2505.0000{n}"])) for n in (1, 2, 3)]
    origin.pages["/feed"] = source_payloads.rss(*first)
    pages = merge_page_states(await fetch_results(feed_at(origin, fetch)))
    again = [
        item(
            str(n),
            content=source_payloads.newsletter(ids=[f"2505.0000{n}"]),
            date="Wed, 07 May 2025 00:00:00 GMT",
        )
        for n in (3, 1, 2)
    ]
    origin.pages["/feed"] = source_payloads.rss(*again)
    results = await fetch_results(feed_at(origin, fetch), pages)
    assert [(result.status, result.digests) for result in results] == [(UNCHANGED, ())]


async def test_a_corrected_entry_is_read_again_under_the_same_location(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    origin.pages["/feed"] = source_payloads.rss(item("1", content=source_payloads.newsletter()))
    first = await fetch_results(feed_at(origin, fetch))
    origin.pages["/feed"] = source_payloads.rss(
        item("1", content=source_payloads.newsletter(note="corrected"))
    )
    second = await fetch_results(feed_at(origin, fetch), merge_page_states(first))
    assert second[0].location == first[0].location
    assert "corrected" in second[0].digests[0].text


async def test_a_failed_link_is_fetched_again_although_the_feed_is_unchanged(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    origin.pages["/feed"] = source_payloads.rss(
        item("1", link=f"{origin.url}/a.md"), item("2", content=source_payloads.review())
    )
    origin.pages["/a.md"] = web.Response(status=500)
    first = await fetch_results(feed_at(origin, fetch))
    assert [result.status for result in first] == [FAILED, OK, UNCHANGED]
    pages = merge_page_states(first)
    origin.pages["/a.md"] = source_payloads.newsletter()
    second = await fetch_results(feed_at(origin, fetch), pages)
    assert [result.status for result in second] == [OK, UNCHANGED]
    third = await fetch_results(feed_at(origin, fetch), merge_page_states(second, pages))
    assert [result.status for result in third] == [UNCHANGED]


async def test_links_without_a_digest_are_fetched_once_and_are_no_failure(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    entries = [
        item("1", link=f"{origin.url}/post"),
        item("2", link=f"{origin.url}/none"),
        item("3", title="Note"),
    ]
    origin.pages["/feed"] = source_payloads.rss(*entries)
    origin.pages["/post"] = "<html><body>My holidays</body></html>"
    first = await fetch_results(feed_at(origin, fetch))
    assert {result.status for result in first} == {UNCHANGED}
    origin.pages["/feed"] = source_payloads.rss(*entries, item("4", content=source_payloads.newsletter()))
    origin.requests.clear()
    second = await fetch_results(feed_at(origin, fetch), merge_page_states(first))
    assert [len(result.digests) for result in second] == [1, 0]
    assert origin.paths == ["/feed"]


async def test_a_link_to_a_private_address_is_refused_and_other_entries_are_read(
    origin: origin_server.OriginServer, open_fetcher: source_fixtures.OpenFetcher
) -> None:
    async with origin_server.run_origin() as inside:
        origin.pages["/feed"] = source_payloads.rss(
            item("1", link=f"{inside.url}/secret"), item("2", content=source_payloads.newsletter())
        )
        async with open_fetcher(allow=(f"127.0.0.1:{origin.port}",)) as fetch:
            results = await fetch_results(feed_at(origin, fetch))
        assert [result.status for result in results] == [models.FetchStatus.REFUSED, OK, UNCHANGED]
        assert inside.requests == []


async def test_a_feed_of_many_links_is_read_in_several_runs(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    origin.pages["/feed"] = source_payloads.rss(*(item(str(n), link=f"{origin.url}/{n}") for n in range(120)))
    pages: dict[str, models.PageState] = {}
    request_counts = []
    for _ in range(4):
        origin.requests.clear()
        pages = merge_page_states(await fetch_results(feed_at(origin, fetch), pages), pages)
        request_counts.append(len(origin.requests) - 1)
    assert request_counts == [50, 50, 20, 0]


async def test_a_feed_is_skipped_after_five_failed_links(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    origin.pages["/feed"] = source_payloads.rss(*(item(str(n), link=f"{origin.url}/{n}") for n in range(20)))
    for number in range(20):
        origin.pages[f"/{number}"] = web.Response(status=500)
    results = await fetch_results(feed_at(origin, fetch))
    assert [result.status for result in results].count(FAILED) == 5


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ("<!doctype html><html><body>down</body></html>", FAILED, "it is an HTML page without a digest"),
        ("nonsense", FAILED, "it is no feed"),
        (source_payloads.rss(), models.FetchStatus.NOT_YET, "the feed has no entries"),
        ("<!DOCTYPE rss [<!ENTITY a 'b'>]>" + source_payloads.rss(head=""), FAILED, "entities of its own"),
    ],
)
async def test_an_invalid_or_empty_feed_has_a_reason(
    origin: origin_server.OriginServer,
    fetch: fetcher.Fetcher,
    body: str,
    status: models.FetchStatus,
    reason: str,
) -> None:
    origin.pages["/feed"] = body
    result = (await fetch_results(feed_at(origin, fetch)))[0]
    assert result.status is status
    assert reason in result.reason


async def test_a_digest_in_place_of_a_feed_is_accepted(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    origin.pages["/feed"] = source_payloads.newsletter()
    results = await fetch_results(feed_at(origin, fetch))
    assert [(result.status, len(result.digests)) for result in results] == [(OK, 1)]


async def test_a_missing_feed_fails_and_a_gone_one_is_not_requested_again(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    assert [result.status for result in await fetch_results(feed_at(origin, fetch))] == [FAILED]
    origin.pages["/feed"] = web.Response(status=410)
    gone = await fetch_results(feed_at(origin, fetch))
    assert [result.status for result in gone] == [models.FetchStatus.GONE]
    origin.requests.clear()
    assert [
        result.status for result in await fetch_results(feed_at(origin, fetch), merge_page_states(gone))
    ] == [models.FetchStatus.GONE]
    assert origin.requests == []


async def test_an_unchanged_feed_costs_one_request(
    origin: origin_server.OriginServer, fetch: fetcher.Fetcher
) -> None:
    origin.pages["/feed"] = source_payloads.rss(item("1", link=f"{origin.url}/a.md"))
    origin.pages["/a.md"] = source_payloads.newsletter()
    pages = merge_page_states(await fetch_results(feed_at(origin, fetch)))
    origin.requests.clear()
    assert [result.status for result in await fetch_results(feed_at(origin, fetch), pages)] == [UNCHANGED]
    assert origin.paths == ["/feed"]
