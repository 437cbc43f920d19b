"""RSS and Atom feeds: single papers, digests in entries and behind links, and no repeated reads."""

from collections.abc import Collection, Mapping
from datetime import UTC, date, time, timedelta
from typing import Any

import pytest
from aiohttp import web

from bot.archive import parse
from bot.sources import base, feed, feed_entries, pages
from bot.sources.fetcher import HttpFetcher
from storage import sources
from storage.models import FetchStatus, SkipReason
from tests.support import case_files, origin_server, source_fixtures, source_payloads
from tests.support.origin_server import OriginServer
from tests.support.source_fixtures import OpenFetcher, fetch_results, fetch_statuses, merge_page_states
from tests.support.source_payloads import rss_item as item

OK, UNCHANGED, FAILED = FetchStatus.OK, FetchStatus.UNCHANGED, FetchStatus.FAILED


class Site:
    """A server on loopback whose feed is read."""

    def __init__(self, origin: OriginServer, fetch: HttpFetcher) -> None:
        self.origin, self.url, self.pages, self.fetch = origin, origin.url, origin.pages, fetch

    async def read(
        self, states: Mapping[str, sources.PageState] | None = None, place: str = "/feed", **options: Any
    ) -> list[base.FetchResult]:
        return await fetch_results(feed.FeedSource(f"{self.url}{place}", self.fetch), states, **options)


@pytest.fixture
def site(origin: OriginServer, fetch: HttpFetcher) -> Site:
    return Site(origin, fetch)


def paper_item(number: int, *, on: str = "", votes: int = 3) -> str:
    """Return a feed item generated from a day's list, with authors, votes and a picture in its HTML."""
    html = (
        f"<p><img src='https://cdn.example/{number}.png' alt='Paper thumbnail' style='max-width: 300px' /></p>"
        f"<p><b>Authors:</b> Mina Alder, Tomas Brandt</p><p><b>Upvotes:</b> {votes}</p>"
        f"<p><b>Summary:</b> Moss number {number} grows in 97-98% of all gardens.</p>"
    )
    link = f"https://arxiv.org/abs/2503.{number:05}"
    when = f"{on}T08:00:00Z" if on else ""
    return item(link, link, html, f"Growing Moss {number}", when)


def built(*items: str, on: str) -> str:
    return source_payloads.rss(f"<lastBuildDate>{on}T00:21:29Z</lastBuildDate>", *items)


def listed(results: list[base.FetchResult]) -> list[tuple[str, str, bool, int]]:
    """Return each digest's format, date, whether it is rolling, and number of papers."""
    return [
        (digest.format.value, str(digest.date), digest.is_rolling, len(digest.entries))
        for result in results
        for digest in result.digests
    ]


async def test_entries_with_one_paper_each_are_grouped_by_day(site: Site) -> None:
    site.pages["/feed"] = source_payloads.rss(
        *(paper_item(number, on="2025-05-06", votes=number) for number in (1, 2)),
        paper_item(3, on="2025-05-05"),
    )
    results = await site.read()
    assert listed(results) == [("list", "2025-05-06", False, 2), ("list", "2025-05-05", False, 1)]
    paper = results[0].digests[0].entries[1]
    assert (paper.paper_key, paper.title, paper.votes) == ("2503.00002", "Growing Moss 2", 2)
    assert (paper.authors, paper.thumbnail) == (("Mina Alder", "Tomas Brandt"), "https://cdn.example/2.png")
    facts = results[0].facts[1]
    assert facts.abstract == "Moss number 2 grows in 97-98% of all gardens."
    assert (facts.authors, facts.votes) == (paper.authors, None), "votes of a feed are not a service's"


async def test_papers_of_an_unsorted_feed_are_listed_on_its_build_date(site: Site) -> None:
    days = [date(2025, 4, 1) + timedelta(days=number) for number in range(30)]
    items = [paper_item(number, on=str(day)) for number, day in enumerate(days, 1)]
    for entries in (items[::3] + items[1::3] + items[2::3], items[15:] + items[:15]):
        site.pages["/feed"] = built(*entries, on="2025-05-06")
        assert listed(await site.read()) == [("list", "2025-05-06", False, 30)]
        site.pages["/feed"] = built(*entries, on="2025-04-06")
        assert len(listed(await site.read())) == 30, "an old build date is ignored"


def spoilt(days: list[str], at: int, on: str) -> list[str]:
    return [*days[:at], on, *days[at:]]


DAYS = [f"2025-04-{day}" for day in range(20, 29)]


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        (DAYS, DAYS),
        (DAYS[::-1], DAYS),
        (spoilt(DAYS[::-1], 0, "2025-03-15"), ["2025-03-15", *DAYS]),
        (spoilt(DAYS, 5, "2025-03-15"), ["2025-03-15", *DAYS]),
        (spoilt(DAYS[::-1], 4, "1970-01-01"), [*DAYS, "2025-05-06"]),
        (spoilt(DAYS[::-1], 4, "2099-01-01"), [*DAYS, "2025-05-06"]),
        (spoilt(DAYS[::-1], 4, ""), [*DAYS, "2025-05-06"]),
        (["2025-04-28", "2025-04-21", "2025-04-28"], ["2025-04-21", "2025-04-28"]),
    ],
    ids=["oldest-first", "newest-first", "pinned", "late", "epoch", "future", "none", "one-of-three"],
)
@pytest.mark.parametrize("is_built", [True, False])
async def test_a_wrong_date_in_a_feed_spoils_only_its_own_entry(
    site: Site, dates: list[str], expected: list[str], is_built: bool
) -> None:
    items = [paper_item(number, on=on) for number, on in enumerate(dates, 1)]
    site.pages["/feed"] = built(*items, on="2025-05-06") if is_built else source_payloads.rss(*items)
    found = listed(await site.read())
    assert sorted(on for _, on, _, _ in found) == expected
    assert [is_rolling for _, on, is_rolling, _ in found if on == "2025-05-06"] in ([], [not is_built])


@pytest.mark.parametrize("on", ["", "2025-05-01"])
async def test_an_entry_with_a_new_id_is_the_entry_with_its_paper_or_link(site: Site, on: str) -> None:
    days = source_fixtures.NOW + timedelta(days=1), source_fixtures.NOW + timedelta(days=2)
    papers = [paper_item(number, on=on) for number in (1, 2)]
    post = item("build1-p", link=f"{site.url}/post", text=source_payloads.newsletter())
    states: dict[str, sources.PageState] = {}
    found = []
    for build, now in enumerate((source_fixtures.NOW, *days), 1):
        entries = [entry.replace("'>https", f"'>build{build}-https") for entry in papers]
        text = built(*entries, post.replace("build1", f"build{build}"), on=str(now.date()))
        site.pages["/feed"] = text.replace("<pubDate>T08:00:00Z</pubDate>", "")
        results = await site.read(states, now=now)
        states = merge_page_states(results, states)
        found.append(listed(results))
    assert [len(digests) for digests in found] == [2, 0, 0]
    assert found[0][1] == ("list", on or "2025-05-06", False, 2)


async def test_a_new_entry_that_links_to_the_same_page_reads_it_again(site: Site) -> None:
    states: dict[str, sources.PageState] = {}
    for number, day in enumerate((date(2025, 5, 5), date(2025, 5, 6))):
        site.pages["/latest.md"] = source_payloads.newsletter(day)
        entry = item(str(number), link=f"{site.url}/latest.md")
        site.pages["/feed"] = source_payloads.rss(entry)
        results = await site.read(states)
        states = merge_page_states(results, states)
        assert [on for _, on, _, _ in listed(results)] == [str(day)]


async def test_an_entry_known_by_its_id_alone_is_known_by_its_link_from_then_on(site: Site) -> None:
    site.pages["/feed"] = built(paper_item(1).replace("'>https", "'>build1-https"), on="2025-05-05")
    first = merge_page_states(await site.read())
    former = {place: state for place, state in first.items() if "#build1" in place}
    second = await site.read(former)
    assert merge_page_states(second, former).keys() == first.keys()


async def test_a_changed_paper_stays_listed_on_its_day(site: Site) -> None:
    days = [f"2025-04-{day:02}" for day in (9, 3, 21, 5, 14, 2, 30, 8)]
    items = [paper_item(number, on=on) for number, on in enumerate(days, 4)]
    papers = paper_item(2, on="2025-04-01"), paper_item(1, on="2025-05-01")
    site.pages["/feed"] = built(*papers, *items, on="2025-05-06")
    first = await site.read()
    assert listed(first) == [("list", "2025-05-06", False, 10)]
    states = merge_page_states(first)
    site.pages["/feed"] = built(
        paper_item(2, on="2025-04-01", votes=99),
        paper_item(1, on="2025-05-01").replace("Growing", "On Growing"),
        paper_item(3, on="2025-05-02"),
        *items,
        on="2025-05-07",
    )

    async def find_listed(ids: Collection[str]) -> Mapping[str, date]:
        return dict.fromkeys({*ids} - {"2503.00003"}, date(2025, 5, 6))

    later = source_fixtures.NOW + timedelta(days=1)
    second = await site.read(states, now=later, find_listed=find_listed)
    assert listed(second) == [("list", "2025-05-07", False, 1)]
    told = {fact.title: fact.listed_on for result in second for fact in result.facts}
    assert told == {"On Growing Moss 1": date(2025, 5, 6), "Growing Moss 3": date(2025, 5, 7)}


async def test_does_not_list_new_versions_in_an_arxiv_feed(site: Site) -> None:
    site.pages["/feed"] = source_payloads.rss(
        *(
            item(f"{n}", f"https://arxiv.org/abs/2505.0000{n}", text, date="2025-05-06T04:00:00Z")
            for n, kind in enumerate(("new", "cross", "replace", "replace-cross"), 1)
            for text in [f"arXiv:2505.0000{n}v1 Announce Type: {kind} \nAbstract: Moss {n}."]
        )
    )
    [result, _] = await site.read()
    assert [entry.paper_key[-1] for entry in result.digests[0].entries] == ["1", "2"]
    assert [(facts.abstract, facts.listed_on) for facts in result.facts] == [
        ("Moss 1.", date(2025, 5, 6)),
        ("Moss 2.", date(2025, 5, 6)),
        ("Moss 3.", None),
        ("Moss 4.", None),
    ]


async def test_retries_a_failed_link_even_if_the_feed_is_unchanged(site: Site) -> None:
    site.pages["/feed"] = source_payloads.rss(
        item("1", link=f"{site.url}/a.md"), item("2", text=source_payloads.review())
    )
    site.pages["/a.md"] = web.Response(status=500)
    first = await site.read()
    assert [result.status for result in first] == [OK, FAILED, UNCHANGED]
    pages = merge_page_states(first)
    site.pages["/a.md"] = source_payloads.newsletter()
    second = await site.read(pages)
    assert [result.status for result in second] == [OK, UNCHANGED]
    third = await site.read(merge_page_states(second, pages))
    assert [result.status for result in third] == [UNCHANGED]


async def test_fetches_a_link_without_a_digest_once_and_says_that_nothing_was_read(site: Site) -> None:
    links = [item(name, link=f"{site.url}/{name}") for name in ("post", "none")]
    entries = [*links, item("3", title="Note")]
    site.pages["/feed"] = source_payloads.rss(*entries)
    site.pages["/post"] = "<html><body>My holidays</body></html>"
    first = await site.read()
    assert {result.status for result in first} == {FetchStatus.NOT_YET}
    assert [result.reason for result in first][-1] == (
        "none of its entries that were read names a paper, or links to a list of papers: "
        f"{site.url}/post: it is an HTML page without a digest"
    )
    states = merge_page_states(first)
    [again] = await site.read(states)
    assert (again.status, bool(again.reason)) == (FetchStatus.NOT_YET, True)
    site.pages["/feed"] = source_payloads.rss(*entries, item("4", text=source_payloads.newsletter()))
    site.origin.requests.clear()
    second = await site.read(states)
    assert [(result.status, len(result.digests)) for result in second] == [(OK, 1), (UNCHANGED, 0)]
    assert site.origin.paths == ["/feed"]


@pytest.mark.parametrize(
    ("link", "head"),
    [
        ("/days/a.md", ""),
        ("a.md", ""),
        ("../days/a.md", ""),
        ("//127.0.0.1:{port}/days/a.md", ""),
        ("a.md", "<?xml version='1.0'?><rss xml:base='/days/'>"),
    ],
)
async def test_links_may_be_relative_to_the_feed(site: Site, link: str, head: str) -> None:
    text = source_payloads.rss(item("1", link=link.format(port=site.origin.port)))
    site.pages["/days/feed"] = text.replace("<rss ", "<rss xml:base='/days/' ", 1) if head else text
    site.pages["/days/a.md"] = source_payloads.newsletter()
    results = await site.read(place="/days/feed")
    assert [result.location for result in results if result.digests] == [f"{site.url}/days/a.md"]


async def test_link_to_a_private_address_does_not_affect_other_entries(
    origin: OriginServer, open_fetcher: OpenFetcher
) -> None:
    async with origin_server.run_origin() as inside:
        origin.pages["/feed"] = source_payloads.rss(
            item("1", link=f"{inside.url}/secret"), item("2", text=source_payloads.newsletter())
        )
        async with open_fetcher(allow=(f"127.0.0.1:{origin.port}",)) as fetch:
            assert await fetch_statuses(feed.FeedSource(f"{origin.url}/feed", fetch)) == [
                OK,
                FetchStatus.REFUSED,
                UNCHANGED,
            ]
        assert inside.requests == []


async def test_an_entry_whose_reading_fails_costs_itself_alone_and_is_read_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = feed_entries.read_paper

    def fail(entry: feed_entries.FeedEntry) -> object:
        if entry.title == "Growing Moss 2":
            raise LookupError("a row that is missing")
        return read(entry)

    with monkeypatch.context() as patched:
        patched.setattr(feed_entries, "read_paper", fail)
        site.pages["/feed"] = source_payloads.rss(*map(paper_item, (1, 2, 3)))
        first = await site.read()
    report = first[-1].reading
    assert report is not None
    assert [(row.reason, row.number) for row in report.skipped] == [(SkipReason.NOT_READ, 1)]
    assert listed(first) == [("list", listed(first)[0][1], True, 2)]
    site.pages["/feed"] = source_payloads.rss(*map(paper_item, (1, 2, 3, 4)))
    second = await site.read(merge_page_states(first))
    found = {entry.paper_key for result in second for digest in result.digests for entry in digest.entries}
    assert found == {"2503.00002", "2503.00004"}


async def test_feed_with_many_links_takes_several_polls(site: Site) -> None:
    site.pages["/feed"] = source_payloads.rss(*(item(str(n), link=f"{site.url}/{n}") for n in range(120)))
    pages: dict[str, sources.PageState] = {}
    request_counts = []
    for _ in range(4):
        site.origin.requests.clear()
        pages = merge_page_states(await site.read(pages), pages)
        request_counts.append(len(site.origin.requests) - 1)
    assert request_counts == [50, 50, 20, 0]


async def test_links_that_failed_before_do_not_keep_the_others_from_being_read(site: Site) -> None:
    """A poll reads 50 of a feed's links, and here the first 50 are dead."""
    dead, alive = [f"dead-{number}" for number in range(50)], ["day-1.md", "day-2.md"]
    entries = (item(name, link=f"{site.url}/{name}") for name in (*dead, *alive))
    site.pages["/feed"] = source_payloads.rss(*entries)
    for name in dead:
        site.pages[f"/{name}"] = web.Response(status=500)
    for name in alive:
        site.pages[f"/{name}"] = source_payloads.newsletter()
    first = await site.read()
    assert not [result for result in first if result.digests]
    second = await site.read(merge_page_states(first))
    assert [result.location for result in second if result.digests] == [f"{site.url}/{n}" for n in alive]


async def test_parses_a_large_feed_in_the_worker_process(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.pages["/feed"] = built(
        item("1", text=source_payloads.newsletter(), date="Tue, 06 May 2025 01:00:00 GMT"),
        paper_item(3, on="2025-05-06"),
        on="2025-05-06",
    )
    expected = await site.read()
    monkeypatch.setattr(base, "LARGE_BYTES", 0)
    for module, name in ((feed_entries, "parse_document"), (parse, "parse_text")):
        monkeypatch.setattr(module, name, None)  # so parsing in this process would fail
    assert await site.read() == expected
    assert listed(expected) == [("newsletter", "2025-05-06", False, 2), ("list", "2025-05-06", False, 1)]


async def test_a_page_that_names_its_feed_is_refused_with_that_address(site: Site) -> None:
    cases = case_files.load(__file__, "test_a_page_that_names_its_feed_is_refused_with_that_address")
    for head, address in cases:
        site.pages["/feed"] = (
            f"<!doctype html><html><head><title>Moss</title>{head}<body><h1>Moss</h1><p>Welcome.</p></html>"
        )
        [result] = await site.read()
        assert result.status is FAILED, head
        url = address if address is None or "://" in address else site.url + address
        assert (f"Its feed is {url}: add that address" in result.reason) == (url is not None), result.reason
        assert ("Its feed" in result.reason) == (url is not None), head


async def test_a_page_of_a_code_host_is_refused_with_the_address_of_its_file(site: Site) -> None:
    link = "<a href=https://arxiv.org/abs/2611.00001>Moss Grows on Old Walls</a>"
    script = f'<script type="application/json">{{"payload": "{link}"}}</script>'
    page = f"<!DOCTYPE html><html><head><title>README.md</title></head><body>{script}</body></html>"
    for shown, raw in (
        ("/pondlab/list/blob/main/README.md", "/pondlab/list/raw/main/README.md"),
        ("/group/pondlab/list/-/blob/main/a/2026.md", "/group/pondlab/list/-/raw/main/a/2026.md"),
        ("/pondlab/list/src/branch/main/README.md", "/pondlab/list/raw/branch/main/README.md"),
        ("/datasets/pondlab/list/blob/main/README", "/datasets/pondlab/list/raw/main/README"),
        ("/pondlab/list", None),
    ):
        site.pages[shown] = page
        as_page = await fetch_results(pages.UrlSource(f"{site.url}{shown}", site.fetch, UTC, time()))
        for result in (*as_page, *await site.read(place=shown)):
            assert (result.status, result.digests) == (FAILED, ()), shown
            text = result.reason.partition("its text is at ")[2].partition(": add that address")[0]
            assert text == (f"{site.url}{raw}" if raw else ""), shown


async def test_what_a_feed_says_that_it_leaves_out_is_named(site: Site) -> None:
    """OpenSearch's totalResults, as arXiv's API has it with ten results by default, and RFC 5005's next page."""
    for head, named in (
        (
            '<opensearch:totalResults xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">180</opensearch:totalResults>',
            "it gives 1 of 180",
        ),
        ('<link rel="next" href="/feed?page=2"/>', "only its first page is read: add http"),
        ("", ""),
    ):
        site.pages["/feed"] = source_payloads.atom(head, source_payloads.arxiv_entry("2505.00001"))
        results = await site.read()
        texts = [text for of in results if of.reading for row in of.reading.skipped for text in row.examples]
        assert any(text.startswith(named) for text in texts) if named else texts == [], head


def parse_items(*items: str) -> feed_entries.Feed:
    return feed_entries.parse_document(source_payloads.rss(*items), "https://a.example/feed")


def test_a_date_from_which_no_day_can_be_told_is_kept_as_it_is_written() -> None:
    dates = ("2026-11", "5/6/2026", "soon", "2026/11/27", "")
    entries = parse_items(*(item(on, date=on) for on in dates)).entries
    assert [entry.unreadable_date for entry in entries] == ["2026-11", "5/6/2026", "soon", None, None]


def test_a_feed_is_read_up_to_its_limit_of_items_and_the_rest_are_counted() -> None:
    """docs/sources.md, "too many": what is beyond 2,000 items of a feed."""
    read = parse_items(*(item(f"g{number}", title=f"T {number}") for number in range(2_003)))
    assert (len(read.entries), read.entries[-1].title) == (2_000, "T 1999")
    assert [(of.reason, of.number) for of in read.skipped] == [(SkipReason.TOO_MANY, 3)]


def test_each_text_of_an_entry_is_read_not_only_the_longest_and_an_endless_id_is_cut() -> None:
    """As in feeds whose content is a long post, and whose summary names the paper."""
    link = "<a href='https://arxiv.org/abs/2505.01234'>Herons Wade in Slow Water</a>"
    entry = item("i" * 5_000, text=f"<p>{'Birds stand in the river all day long. ' * 20}</p>")
    summary = f"<description><![CDATA[<p>{link}</p>]]></description></item>"
    [read] = parse_items(entry.replace("</item>", summary)).entries
    assert (read.paper_key, read.paper_title) == ("2505.01234", "Herons Wade in Slow Water")
    assert read.key == "i" * 500
