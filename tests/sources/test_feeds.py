"""What is read from each feed of `tests/data/feeds`, as well-known programs and people write them."""

import asyncio
from typing import Any

import pytest

from bot.sources import base, feed
from storage import sources
from storage.models import ReadingReport, SkipReason
from tests.support import feed_files

URL = f"{feed_files.SITE}/feed"


def read(
    name: str, states: dict[str, sources.PageState]
) -> tuple[dict[str, Any], ReadingReport, list[base.FetchResult]]:
    """Read a feed, add its page states, and return the papers with titles by day, the report and the results."""

    async def fetch() -> list[base.FetchResult]:
        site = feed_files.Site(feed_files.PAGES | {URL: feed_files.read_feed(name)})
        request = base.FetchRequest(feed_files.NOW, dict(states))
        return [result async for result in feed.FeedSource(URL, site).fetch(request)]

    results = asyncio.run(fetch())
    papers: dict[str, dict[str, str | None]] = {}
    for result in results:
        states.update({base.page_key(page.location): page for page in result.page_states})
        for digest in result.digests:
            of_day = papers.setdefault("rolling" if digest.is_rolling else str(digest.date), {})
            of_day |= {entry.paper_key: entry.title for entry in digest.entries}
    return papers, sum((result.reading for result in results if result.reading), ReadingReport()), results


@pytest.mark.parametrize("name", feed_files.EXPECTED)
def test_each_feed_gives_its_papers_and_says_what_it_left_out(name: str) -> None:
    expected = feed_files.EXPECTED[name]
    states: dict[str, sources.PageState] = {}
    papers, reading, results = read(name, states)
    skipped = {row.reason.value: row.number for row in reading.skipped}
    assert (papers, skipped) == (expected["papers"], expected.get("left_out", {}))
    assert reading.kept == sum(map(len, papers.values()))
    untold = sum(row.number for row in reading.warnings if row.reason is SkipReason.NO_DATE)
    assert untold == expected.get("untold", 0)
    facts = {fact.paper_key: fact for result in results for fact in result.facts}
    for arxiv_id, (authors, affiliations) in expected.get("authors", {}).items():
        assert [facts[arxiv_id].authors, facts[arxiv_id].affiliations] == [
            tuple(authors),
            tuple(affiliations),
        ]
    if name.endswith(".json"):
        return  # a list: that its page has not changed is seen by the fetcher
    again, reading_again, _ = read(name, states)
    assert (again, reading_again.kept) == ({}, reading.kept)
    assert {row.reason.value: row.number for row in reading_again.skipped} == skipped
