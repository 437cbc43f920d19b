"""The report on a reading: found is stored, known and left out together, and each item left out has its reason."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from bot.archive import parse, sorting
from bot.sources import base
from bot.sources.poller import SourceReport
from storage import models, sources
from storage.models import ReadingReport, SkipReason
from tests.support import feed_files, origin_server, source_payloads
from tests.support.polling_harness import PollingHarness

NOW = datetime(2025, 5, 6, 12, 0, tzinfo=UTC)


def list_papers(results: Iterable[base.FetchResult]) -> dict[str, dict[str, str | None]]:
    """Return the titles of papers by day, "rolling" for those without a date."""
    papers: dict[str, dict[str, str | None]] = {}
    for digest in (digest for result in results for digest in result.digests):
        of_day = papers.setdefault("rolling" if digest.is_rolling else str(digest.date), {})
        of_day |= {entry.paper_key: entry.title for entry in digest.entries}
    return papers


@pytest.mark.parametrize("name", feed_files.EXPECTED)
def test_each_feed_gives_its_papers_and_says_what_it_left_out(name: str) -> None:
    """As well-known programs and people write feeds: `tests/data/feeds`."""
    expected, text = feed_files.EXPECTED[name], feed_files.load(name)
    states: dict[str, sources.PageState] = {}
    results, reading = feed_files.read(text, states)
    papers, skipped = list_papers(results), {row.reason.value: row.number for row in reading.skipped}
    assert (papers, skipped) == (expected["papers"], expected.get("left_out", {}))
    assert reading.kept == sum(map(len, papers.values()))
    untold = sum(row.number for row in reading.warnings if row.reason is SkipReason.NO_DATE)
    assert untold == expected.get("untold", 0)
    facts = {fact.paper_key: fact for result in results for fact in result.facts}
    for arxiv_id, people in expected.get("authors", {}).items():
        assert [[*facts[arxiv_id].authors], [*facts[arxiv_id].affiliations]] == people
    assert {key: facts[key].abstract for key in expected.get("abstracts", {})} == expected.get(
        "abstracts", {}
    )
    if name.endswith(".json"):
        return  # a list: that its page has not changed is seen by the fetcher
    again, reading_again = feed_files.read(text, states)
    assert (list_papers(again), reading_again.kept) == ({}, reading.kept)
    assert {row.reason.value: row.number for row in reading_again.skipped} == skipped


def reasons(report: ReadingReport) -> dict[SkipReason, int]:
    return {row.reason: row.number for row in report.skipped}


def item(
    guid: str = "", link: str = "", title: str = "", date: str = "", text: str = "", *, announced: str = ""
) -> str:
    text = f"arXiv:{link[-10:]}v1 Announce Type: {announced} \nAbstract: {text}" if announced else text
    parts = {
        "guid isPermaLink='false'": guid,
        "link": link,
        "title": title,
        "pubDate": date,
        "description": text,
    }
    tags = (f"<{name}>{value}</{name.split()[0]}>" for name, value in parts.items() if value)
    return f"<item>{''.join(tags)}</item>"


PAPERS = [f"https://arxiv.org/abs/2505.{number:05}" for number in range(1, 4)]
ITEMS = st.builds(
    item,
    st.sampled_from(["", "1", "2", "N/A", PAPERS[0], "2025-05-06"]),
    st.sampled_from(["", f"{feed_files.SITE}/post", *PAPERS, f"{PAPERS[0]}v2"]),
    st.sampled_from(["", "A day", "A study of moss", "1"]),
    st.sampled_from(["", "Someday", "2025-05-05T08:00:00Z", "2025-05-06T08:00:00Z", "1970-01-01T00:00:00Z"]),
    st.sampled_from(["", "Some moss", f"See {PAPERS[1]} and {PAPERS[2]}"]),
    announced=st.sampled_from(["", "", "new", "replace"]),
)


@given(st.lists(st.lists(ITEMS, max_size=8), min_size=1, max_size=3))
def test_each_item_of_any_feed_is_kept_or_skipped(readings: list[list[str]]) -> None:
    states: dict[str, sources.PageState] = {}
    for items in readings:
        _, reading = feed_files.read(source_payloads.rss(*items), states, NOW)
        assert reading.found == len(items)
    _, again = feed_files.read(source_payloads.rss(*readings[-1]), states, NOW)
    # What is unchanged counts as before.
    assert (again.kept, reasons(again)) == (reading.kept, reasons(reading))


LINES = {
    "- [Growing Moss in Gardens {n}](https://arxiv.org/abs/2505.{n:05})": 1,
    "- https://arxiv.org/abs/2505.{n:05} Moss, [PDF](https://arxiv.org/pdf/2505.{n:05})": 1,
    "| [Moss on Old Walls](https://arxiv.org/abs/2505.{n:05}) | cs.CL |": 1,
    "As shown in https://arxiv.org/abs/2505.{n:05} before, moss grows.": 1,
    "- [A Paper about Kites and Wind](https://example.org/kites-{n})": 1,
    "<!-- https://arxiv.org/abs/2505.{n:05} -->": 1,
    "Some words about moss.": 0,
}
"""Lines of a list, and how many items each has."""


@given(st.lists(st.tuples(st.sampled_from([*LINES]), st.integers(1, 5))))
def test_each_paper_of_any_list_is_stored_or_left_out(rows: list[tuple[str, int]]) -> None:
    text = "# 2025-05-06\n\n" + "\n\n".join(line.format(n=number) for line, number in rows)
    text += "\n\n## References\n\n- https://arxiv.org/abs/2505.00009\n"
    text += "\n\n## 2025-05-05\n\n" + "".join(f"- https://arxiv.org/abs/2504.0000{n}\n" for n in range(1, 7))
    reading = sorting.report_kept(parse.parse_text(text))
    assert reading.found == 7 + sum(LINES[line] for line, _ in rows)


def paper(number: int, *, guid: str = "", link: str = "", on: str = "2025-05-06", title: str = "") -> str:
    link = link or f"https://arxiv.org/abs/2505.{number:05}"
    return item(guid, link, title or f"A study of moss {number}", f"{on}T08:00:00Z" if on else "")


async def show(harness: PollingHarness, *items: str, days: int = 1) -> SourceReport:
    """Poll the feed at `/feed` with these items, and let some days pass."""
    harness.origin.pages["/feed"] = source_payloads.rss(*items)
    [report] = await harness.fetch_due()
    harness.now += timedelta(days=days)
    return report


NOTE = item("note", title="My holidays")
NEWS = source_payloads.newsletter()
R = SkipReason


@pytest.mark.parametrize(
    "name",
    ["a_linked_digest.xml", "a_dead_link.xml", "two_versions.xml", "nothing_but_notes.xml", "no_dates.xml"],
)
async def test_the_account_of_a_feed_is_stored_and_adds_up(harness: PollingHarness, name: str) -> None:
    expected = feed_files.EXPECTED[name]
    kept, skipped = sum(map(len, expected["papers"].values())), expected.get("left_out", {})
    harness.origin.pages["/digest.md"] = NEWS
    await harness.add("/feed", "feed", feed_files.load(name).replace(feed_files.SITE, harness.origin.url))
    for stored, known in ((kept, 0), (0, kept)):
        [report] = await harness.fetch_due()
        reading = report.reading
        assert reading is not None
        assert (reading.stored, reading.known, reasons(reading)) == (stored, known, skipped)
        assert reading.stored == report.result.papers
        [row] = (await harness.health()).values()
        assert row.reading == reading
        harness.now += timedelta(hours=2)


@pytest.mark.engines("sqlite", "postgresql")
async def test_the_account_says_what_is_known_and_unclear_with_examples(harness: PollingHarness) -> None:
    notes = [item(f"{n}", title=f"Note {n}") for n in range(5)]
    items = [paper(1), item("2", PAPERS[1], "Moss", "Someday"), *notes]
    await harness.add("/feed", "feed")
    await show(harness, paper(1))
    await show(harness, *items)
    [row] = (await harness.health()).values()
    notes_skipped = models.Skipped(R.NO_ID, 5, ("Note 0", "Note 1", "Note 2"))
    assert row.reading == ReadingReport(2, 1, (notes_skipped,), (models.Skipped(R.NO_DATE, 1, ("Someday",)),))


async def test_papers_that_another_source_brought_are_known(harness: PollingHarness) -> None:
    for name, numbers in {"first": (1, 2), "second": (2, 3, 4)}.items():
        await harness.add(f"/{name}", "feed", source_payloads.rss(*map(paper, numbers)))
        [report] = await harness.fetch_due()
    assert report.reading == ReadingReport(kept=3, stored=2)


async def test_an_item_that_names_its_paper_later_is_of_its_date(harness: PollingHarness) -> None:
    soon, named = item("1", title="Moss", date="2025-05-05"), paper(1, guid="1", on="2025-05-05")
    await harness.add("/feed", "feed")
    for first in (soon, named):
        await show(harness, first, paper(2, on="2025-05-05"))
    assert (await harness.detail("2505.00001")).first_on == date(2025, 5, 5)


@pytest.mark.parametrize("former", [[], [NOTE]])
async def test_what_has_no_date_in_a_feed_that_had_no_papers_is_of_the_day_on_which_it_is_seen(
    harness: PollingHarness, former: list[str]
) -> None:
    await harness.add("/feed", "feed")
    await show(harness, *former)
    seen_on = harness.now.date()
    await show(harness, *former, paper(1, on=""))
    assert (await harness.detail("2505.00001")).first_on == seen_on


@pytest.mark.parametrize("is_gone", [False, True])
@pytest.mark.parametrize("title", ["", "A new title"])
async def test_a_paper_that_is_listed_again_stays_on_its_first_day(
    harness: PollingHarness, title: str, *, is_gone: bool
) -> None:
    await harness.add("/feed", "feed")
    await show(harness, paper(1, guid="1"), paper(2, guid="2"), days=2)
    again = paper(1, guid="1?v=2", on="2025-05-08", title=title)
    former = [] if is_gone else [paper(1, guid="1", on="2025-05-08")]
    await show(harness, *former, paper(2, guid="2"), again)
    found = await harness.detail("2505.00001")
    assert (found.first_on, found.last_on) == (date(2025, 5, 6), date(2025, 5, 6))


async def test_a_folder_says_which_files_are_not_read(harness: PollingHarness, tmp_path: Path) -> None:
    for number in range(1, 4):
        line = f"- [Growing Moss](https://arxiv.org/abs/2505.0000{number})\n"
        (tmp_path / f"2025-05-0{number}.md").write_text(line)
    (tmp_path / "bad.md").write_bytes(b"\0\xff\xfe\0")
    (tmp_path / "link.md").symlink_to(tmp_path / "2025-05-01.md")
    (tmp_path / "notes.md").write_text("Milk and bread\n")
    row = await harness.registry.add(str(tmp_path))
    for stored, known in ((3, 0), (0, 3)):
        async with harness.open_poller() as opened:
            report = await opened.fetch_first(row)
        assert report.reading is not None
        assert (report.reading.stored, report.reading.known) == (stored, known)
        examples = {of.reason: of.examples for of in report.reading.skipped}
        assert [text.partition(":")[0] for text in examples[R.NOT_READ]] == ["link.md", "bad.md"]
        assert [text.partition(":")[0] for text in examples[R.NO_LIST]] == ["notes.md"]


async def test_an_account_is_that_of_the_last_reading_of_the_source(harness: PollingHarness) -> None:
    full = ReadingReport(1, 1, (models.Skipped(R.NO_ID, 1, ("My holidays",)),))
    readings: dict[ReadingReport, list[origin_server.Page]] = {
        full: [
            source_payloads.rss(paper(1), NOTE),
            web.Response(status=500),
            "<html><body>Moss</body></html>",
        ],
        ReadingReport(): [source_payloads.rss(), web.Response(status=500)],
    }
    await harness.add("/feed", "feed")
    for expected, pages in readings.items():
        for page in pages:
            harness.origin.pages["/feed"] = page
            await harness.fetch_due()
            harness.now += timedelta(days=2)
            [row] = (await harness.health()).values()
            assert row.reading == expected


async def test_a_day_that_is_not_read_is_in_the_account(harness: PollingHarness) -> None:
    harness.origin.pages |= {"/2025-05-06.md": NEWS, "/2025-05-05.md": web.Response(status=500)}
    await harness.add("/{date:%Y-%m-%d}.md")
    [report] = await harness.fetch_due()
    assert report.reading is not None
    assert (report.reading.stored, reasons(report.reading)) == (2, {R.NOT_READ: 1})
    assert "2025-05-05: the server answers 500" in report.reading.skipped[0].examples[0]
