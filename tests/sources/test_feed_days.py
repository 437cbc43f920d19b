"""The day of what a feed has without a date, played over months: each paper is listed once, on the day on which it came."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta

import pytest
from aiohttp import web

from bot.features.operations.retention import Retention
from bot.sources import feed, poller
from storage import archive, sources
from tests.support import patience, source_payloads
from tests.support.polling_harness import PollingHarness
from tests.support.source_fixtures import HeldPage
from tests.support.source_payloads import rss_item as entry

BEGIN, DAYS, STEP = datetime(2025, 5, 6, 6, tzinfo=UTC), 105, 5
FILLED_ON = date(2025, 3, 7)
"""Sixty days before the first reading: too old for posts."""


def address(number: int) -> str:
    return f"https://arxiv.org/abs/2503.{number:05}"


def paper(number: int, guid: str = "") -> str:
    return entry(guid or address(number), address(number), f"Moss {number} grows.", f"Growing Moss {number}")


def links(numbers: Iterable[int]) -> str:
    return "".join(f"<li><a href='{address(n)}'>Growing Moss of Kind {n}</a></li>" for n in numbers)


def shown(day: int) -> range:
    """The numbers of a feed that gains one every ten days, begins with three, and shows the last eight."""
    return range(max(0, day // 10 - 5), day // 10 + 3)


def is_odd(day: int) -> bool:
    return day // STEP % 2 == 1


Items = Callable[[int, int, str], list[str]]
FEEDS: Mapping[str, Items] = {
    # The items of a feed on a day, with numbers of papers from `first` on, on a server.
    "papers": lambda first, day, _: [paper(first + n) for n in shown(day)],
    "papers with new ids at each build": lambda first, day, _: [
        paper(first + n, guid=f"{day}-{n}") for n in shown(day)
    ],
    "papers, in two entries each": lambda first, day, _: [
        text for n in shown(day) for text in (paper(first + n, guid=f"a{n}"), paper(first + n, guid=f"b{n}"))
    ],
    "lists": lambda first, day, _: [
        entry(f"week-{n}", text=f"<ul>{links(range(first + 4 * n, first + 4 * n + 4))}</ul>")
        for n in shown(day)
    ],
    "lists with new ids at each build": lambda first, day, _: [
        entry(f"{day}-{n}", text=f"<ul>{links(range(first + 4 * n, first + 4 * n + 4))}</ul>")
        for n in shown(day)
    ],
    "linked lists": lambda first, day, site: [
        entry(f"post-{n}", f"{site}/list/{first + 4 * n}") for n in shown(day)
    ],
    "sixty links": lambda first, day, site: [
        entry(f"post-{n}", f"{site}/list/{first + 4 * n}") for n in range(60 + day // 50)
    ],
    "a list that grows": lambda first, day, _: [
        entry("list", text=f"<ul>{links(range(first, first + 4 + day // 10))}</ul>")
    ],
    "a paper that is away for a hundred days": lambda first, day, _: [
        paper(first + n) for n in (0, 1, 2, 3) if n != 1 or day in (0, 100, 105)
    ],
    "a feed that is empty each other time": lambda first, day, _: (
        [] if is_odd(day) else [paper(first + n) for n in shown(day)]
    ),
    "a page each other time": lambda first, day, _: (
        ["page"] if is_odd(day) else [paper(first + n) for n in shown(day)]
    ),
    "one page, to which each entry links": lambda _, day, site: [
        entry(f"post-{n}", f"{site}/latest") for n in shown(day)
    ],
    "500 papers": lambda first, day, _: [paper(first + n) for n in range(500 + day // 50)],
    "dates that cannot be": lambda first, day, _: [
        paper(first + n).replace("</item>", "<pubDate>1970-01-01</pubDate></item>") for n in shown(day)
    ],
}
NUMBERS = {name: 1_000 * number for number, name in enumerate(FEEDS, 1)}


def first_days(texts: Mapping[int, str]) -> dict[str, date]:
    """Return the day on which each paper is first in one of the texts, which are keyed by day; FILLED_ON on the first."""
    found: dict[str, date] = {}
    for day, text in texts.items():
        for part in text.split("2503.")[1:]:
            found.setdefault(f"2503.{part[:5]}", (BEGIN + timedelta(day)).date() if day else FILLED_ON)
    return found


async def days_of(harness: PollingHarness) -> dict[str, list[date]]:
    """Return the days on which digests list each paper."""
    found: dict[str, list[date]] = {}
    for row in await harness.digests():
        for listed in await harness.db.fetch(archive.list_entries_by_digest, row.id):
            found.setdefault(listed.paper_key, []).append(row.date_on)
    return found


@pytest.mark.all_faults
async def test_each_paper_of_any_feed_is_listed_once_on_the_day_it_came(harness: PollingHarness) -> None:
    """Page states are removed after ninety days, as by default."""
    harness.now, site, pages = BEGIN, harness.origin.url, harness.origin.pages
    texts: dict[str, dict[int, str]] = {name: {} for name in FEEDS}
    most: dict[str, int] = {}
    rows = {name: await harness.add(f"/{first}", "feed") for name, first in NUMBERS.items()}
    for first in range(1_000, 20_000, 4):
        pages[f"/list/{first}"] = f"<html><body><ul>{links(range(first, first + 4))}</ul></body></html>"
    for day in range(0, DAYS + 1, STEP):
        harness.now = BEGIN + timedelta(day)
        pages["/latest"] = f"<html><body><ul>{links(range(1, 5 + day // 10))}</ul></body></html>"
        for name, items in FEEDS.items():
            listed = items(NUMBERS[name], day, site)
            pages[f"/{NUMBERS[name]}"] = (
                "<!doctype html><html><body>Sorry</body></html>"
                if listed == ["page"]
                else source_payloads.rss(*listed)
            )
            linked = [str(pages.get(part.split("<")[0], "")) for text in listed for part in text.split(site)]
            texts[name][day] = "".join([*listed, *linked])
        await harness.fetch_due()
        harness.now += timedelta(hours=2)  # links beyond the limit of a poll
        await harness.fetch_due()
        await Retention(harness.db, harness.clock, days=90).purge()
        for name, row in rows.items():
            count = len(await harness.db.fetch(sources.list_page_states, row.id))
            most[name] = max(most.get(name, 0), count)
    found = await days_of(harness)
    for name in FEEDS:
        expected = first_days(texts[name])
        actual = {arxiv_id: found.get(arxiv_id) for arxiv_id in expected}
        assert actual == {arxiv_id: [on] for arxiv_id, on in expected.items()}, name
    assert all(count <= 125 for name, count in most.items() if name != "500 papers"), most


async def test_what_the_first_reading_did_not_reach_is_not_of_the_day_on_which_it_is_read(
    harness: PollingHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.now, site, pages = BEGIN, harness.origin.url, harness.origin.pages
    lists = {f"/list/{n}": links(range(10 * n, 10 * n + 3)) for n in range(1, 6)}
    items = [paper(1), *(entry(f"post-{n}", f"{site}/list/{n}") for n in range(1, 5))]
    pages |= {**lists, "/list/2": web.Response(status=403), "/list/3": (held := HeldPage())}
    pages["/feed"] = source_payloads.rss(*items)
    await harness.add("/feed", "feed")
    is_due = asyncio.Event()
    with monkeypatch.context() as slow:
        slow.setattr(poller, "_PAGE_TIMEOUT_SECONDS", patience.Until(is_due))
        polling = asyncio.create_task(harness.fetch_due())
        await patience.wait_for(held.asked.wait())
        await patience.wait_for_value(lambda: days_of(harness), lambda found: "2503.00001" in found)
        is_due.set()
        [report] = await polling
    assert "the poll took too long; the next one continues" in report.reason
    pages |= {**lists, "/feed": source_payloads.rss(*items, entry("post-5", f"{site}/list/5"))}
    harness.now += timedelta(days=1)
    await harness.fetch_due()
    found = {int(arxiv_id[-5:]): days for arxiv_id, days in (await days_of(harness)).items()}
    assert found.keys() == {1, *(10 * n + k for n in range(1, 6) for k in range(3))}
    today, too_old = harness.now.date(), BEGIN.date() - timedelta(days=50)
    assert {n for n, days in found.items() if days == [today]} == {50, 51, 52}
    assert all(on < too_old for n, days in found.items() if n < 50 for on in days), found


def test_a_feed_is_in_order_but_for_one_or_a_tenth() -> None:
    for entries, pinned, is_in_order in ((12, 1, True), (12, 2, False), (20, 2, True)):
        newest_first = [date(2025, 5, 28) - timedelta(days=number) for number in range(entries - pinned)]
        on_top = [date(2024, 1, 1) + timedelta(days=number) for number in range(pinned)]
        assert feed._are_in_order([*on_top, *newest_first]) is is_in_order, entries
        assert feed._are_in_order([*newest_first[::-1], *on_top[::-1]]) is is_in_order, entries
