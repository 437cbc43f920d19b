"""RSS and Atom feeds whose entries contain, link to or are digests or papers.

The day of a paper is the one that its writer gives, else the day on which the feed first had it. The archive remembers
that day: what the source listed before is not listed again. Page states only save reading an entry twice, and those of
entries that the feed does not list any more are removed.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import NamedTuple

from bot.archive import arxiv_ids, fields, listing, sorting
from bot.archive.digest_writer import MAX_POSTED_PAPERS, Arrival
from bot.sources import base, feed_entries, pages
from bot.sources.feed_entries import Feed, FeedEntry
from storage import errors, models, sources
from storage.models import FetchStatus, ReadingReport, SkipReason

_MAX_LINKS = 50
_MAX_BUILD_AGE = timedelta(days=3)
_FIRST_DAY, _EARLY = date(1991, 8, 1), timedelta(days=7)


def assign_days(entries: Iterable[FeedEntry], built_on: date | None, read_on: date) -> dict[str, date | None]:
    """Return the day of each paper in a feed (None if unknown), keyed by entry key.

    A paper's day is its entry's date. In a feed that was just generated from a day's list, the dates are those
    of publication, in no order, and the day is the feed's build date. An impossible date counts as missing.
    """
    papers = [entry for entry in entries if entry.paper_key is not None]
    is_short = len(papers) <= MAX_POSTED_PAPERS and built_on is not None
    fresh = built_on if is_short and abs(read_on - (built_on or date.min)) <= _MAX_BUILD_AGE else None
    dates = {entry.key: day for entry in papers if (day := _possible_day(entry, read_on))}
    known = {} if fresh is not None and not _are_in_order([*filter(None, dates.values())]) else dates
    return {entry.key: known.get(entry.key) or fresh for entry in papers}


def _possible_day(entry: FeedEntry, read_on: date) -> date | None:
    """Return an entry's day, unless it is after tomorrow, before arXiv existed or before the month of its paper's id."""
    arxiv_id = models.arxiv_id_of(entry.paper_key or "")
    first = arxiv_ids.first_day(arxiv_id) - _EARLY if arxiv_id else _FIRST_DAY
    on = entry.published_on
    return on if on and first <= on <= read_on + timedelta(days=1) else None


def _are_in_order(days: Sequence[date]) -> bool:
    """Return whether the newest or the oldest come first, except for one or a tenth of them, such as pinned entries."""
    longest = max(_longest_rise(days), _longest_rise(days[::-1]))
    return len(days) - longest <= max(1, len(days) // 10)


def _longest_rise(days: Sequence[date]) -> int:
    """Return the most days that rise or stay equal after others are left out."""
    last: list[date] = []  # of the earliest rise of each length
    for day in days:
        at = bisect_right(last, day)
        last[at : at + 1] = [day]
    return len(last)


class _Item(NamedTuple):
    """An entry, with the state to store once it is read, and the stored one (`known`).

    It is known by its paper or link, if no other entry has it, since some feeds give new ids at each build. The
    `last_modified` of its state is the day on which it was first seen; None in the first reading of the feed.
    """

    entry: FeedEntry
    state: sources.PageState
    known: sources.PageState | None

    @property
    def arrival(self) -> Arrival:
        """When the feed first contained the entry."""
        is_read = self.known is not None and self.known.hash is not None
        return Arrival.LATER if is_read or self.state.last_modified is not None else Arrival.FIRST_READING


@dataclass(slots=True)
class _Reading:
    """One reading of a feed, with what its own result will contain.

    `days` are those of papers by entry key, `chosen` the entry of each paper by key, `listed` the first days on
    which the source listed papers before. `is_large`: the feed is not hand-picked, so that its papers are never posted.

    `report` and `states` are those of entries without a result of their own. `is_complete`: all links were read, or
    need not be read again. `reason` is why a link has no papers.
    """

    address: str
    fetcher: base.Fetcher
    request: base.FetchRequest
    items: Sequence[_Item]
    days: Mapping[str, date | None]
    chosen: Mapping[str, FeedEntry]
    listed: Mapping[str, date]
    is_large: bool
    report: ReadingReport
    states: list[sources.PageState] = field(default_factory=list)
    has_papers: bool = False
    is_complete: bool = True
    reason: str = ""

    @classmethod
    async def begin(
        cls, address: str, fetcher: base.Fetcher, parsed: Feed, request: base.FetchRequest
    ) -> _Reading:
        """Choose one of a paper's entries: the earliest, preferably not one about a new version."""
        today = request.now.date()
        ranked = sorted(
            (entry for entry in parsed.entries if entry.paper_key is not None),
            key=lambda entry: (entry.is_replacement, _possible_day(entry, today) or date.max),
        )
        chosen = {entry.paper_key or "": entry for entry in reversed(ranked)}
        targets = Counter(map(_target_of, parsed.entries))
        seen_on = str(today) if request.page_states else None
        items = []
        for entry in parsed.entries:
            target = _target_of(entry)
            is_only = chosen[entry.paper_key] is entry if entry.paper_key else targets[target] == 1
            place = f"{address}#{target if target and is_only else entry.key}"
            known = request.known(place)
            first_seen_on = seen_on if known is None else known.last_modified
            state = sources.PageState(
                place, request.now, FetchStatus.OK, last_modified=first_seen_on, hash=entry.hash
            )
            items.append(_Item(entry, state, known))
        days = assign_days(parsed.entries, parsed.built_on, today)
        most = max(Counter(filter(None, days.values())).values(), default=0)
        is_large = pages.is_arxiv(address) or most > MAX_POSTED_PAPERS
        listed = await request.find_listed(chosen)
        skipped = ReadingReport(skipped=(*parsed.skipped, *_list_left_out(address, parsed)))
        return cls(address, fetcher, request, items, days, chosen, listed, is_large, skipped)

    async def read(self, parsed: Feed, feed_state: sources.PageState) -> AsyncIterator[base.FetchResult]:
        """Yield a result for each list in an entry, each day of single papers and each link, then the feed's own."""
        papers: list[tuple[_Item, listing.Paper]] = []
        links: list[_Item] = []
        for item in self.items:
            entry, known = item.entry, item.known
            if known is not None and known.reading is not None and known.hash == entry.hash:
                self.has_papers |= known.status is not FetchStatus.NOT_YET
                self.report += known.reading
                continue
            paper: listing.Paper | None = None
            digests: tuple[models.Digest, ...] = ()
            with errors.collected([], reraise=(errors.StorageError, MemoryError)) as failures:
                paper = await asyncio.to_thread(feed_entries.read_paper, entry)
                digests = await _read_contents(item, is_paper=paper is not None)
            if failures:  # it is read again with the feed's next version
                report = ReadingReport(skipped=(sorting.skip_failed(entry, failures[0]),))
                self.states.append(replace(item.state, status=FetchStatus.NOT_YET, hash=None, reading=report))
                self.report += report
                continue
            self.has_papers |= paper is not None or len(digests) > 0
            if digests:
                location = f"{self.address}#{_location_key(entry.key)}"
                yield base.read_result(location, digests, [item.state], arrival=item.arrival)
            elif paper is None and entry.link and not entry.is_closed:
                links.append(item)
            elif paper is None:
                self._skip(item, entry.left_out, FetchStatus.NOT_YET)
            elif self.chosen[paper["key"]] is entry or entry.is_replacement:
                papers.append((item, paper))
            else:
                self._skip(item, SkipReason.REPEATED, FetchStatus.OK)
        for result in await asyncio.to_thread(self._list_papers, papers):
            yield result
        async for result in self._read_links(links):
            yield result
        yield self._conclude(parsed, feed_state)

    def _skip(self, item: _Item, reason: SkipReason, status: FetchStatus) -> None:
        report = _skip_entry(item.entry, reason)
        self.states.append(replace(item.state, status=status, reading=report))
        self.report += report

    def _list_papers(self, papers: Sequence[tuple[_Item, listing.Paper]]) -> list[base.FetchResult]:
        """Return one list per day, and rolling lists of papers without a day: of the first reading, and later ones."""
        groups: dict[tuple[date | None, Arrival], list[tuple[_Item, listing.Paper]]] = {}
        for item, paper in papers:
            on = self.listed.get(paper["key"]) or self.days.get(item.entry.key)
            groups.setdefault((on, Arrival.LATER if on else item.arrival), []).append((item, paper))
        return [self._list_group(on, arrival, group) for (on, arrival), group in groups.items()]

    def _list_group(
        self, on: date | None, arrival: Arrival, group: Sequence[tuple[_Item, listing.Paper]]
    ) -> base.FetchResult:
        """Return the list of a day. New versions of papers, and changes of papers that are listed, only update facts."""
        now = self.request.now
        source_name = models.SourceKind.ARXIV.value if pages.is_arxiv(self.address) else self.address
        new, facts, states = [], [], []
        for item, paper in group:
            is_listed, is_replacement = paper["key"] in self.listed, item.entry.is_replacement
            new += [] if is_listed or is_replacement else [paper]
            fact = feed_entries.paper_facts(item.entry, paper, item.state.location, source_name, now)
            facts.append(replace(fact, listed_on=None if is_replacement and not is_listed else on))
            states.append(replace(item.state, reading=_report_paper(item.entry, now.date())))
        # In the first reading, the number of papers without a day is not limited.
        is_flood = arrival is Arrival.LATER and len(group) > MAX_POSTED_PAPERS
        form = models.DigestFormat.LOOKUP if self.is_large or is_flood else models.DigestFormat.LIST
        digest = listing.build(on or now.date(), new, form=form, is_rolling=on is None)
        return base.FetchResult(
            f"{self.address}#{on}" if on else self.address,
            FetchStatus.OK,
            digests=(digest,) if new else (),
            facts=tuple(facts),
            page_states=tuple(states),
            reading=sum((state.reading for state in states if state.reading), ReadingReport()),
            arrival=arrival,
        )

    async def _read_links(self, links: list[_Item]) -> AsyncIterator[base.FetchResult]:
        """Yield a result for each linked page, up to the most that are read at once."""
        # Links that failed before come last, so that dead links do not block others.
        links.sort(key=lambda item: item.known is not None and item.known.status is FetchStatus.FAILED)
        for item in links[:_MAX_LINKS]:
            result = await self._read_link(item)
            self.is_complete &= result.status is not FetchStatus.FAILED
            self.has_papers |= result.status is not FetchStatus.NOT_YET
            self.reason = self.reason or result.reason
            yield replace(result, reason="") if result.status is FetchStatus.NOT_YET else result
        for item in links[_MAX_LINKS:]:
            self.is_complete = False
            self.report += _skip_entry(item.entry, SkipReason.TOO_MANY)

    async def _read_link(self, item: _Item) -> base.FetchResult:
        """Read a linked page. If that fails, it is retried; if the page has no digest, it is skipped until it changes."""
        link = item.entry.link or ""
        known = self.request.known(link)
        try:
            page = await self.fetcher.get(link, known, accept=base.ACCEPT)
        except base.FetchError as error:
            is_gone = error.code in (base.NOT_FOUND, base.GONE)
            return _skip_link(item, error, FetchStatus.NOT_YET if is_gone else error.status, item.state)
        states = item.state, page.page_state
        if page.body is None and known is not None and known.reading is not None:
            status = known.status if known.status is FetchStatus.NOT_YET else FetchStatus.UNCHANGED
            unchanged = [replace(state, status=status) for state in states]
            return base.FetchResult(link, status).with_reading(known.reading, unchanged)
        try:
            on = _possible_day(item.entry, page.page_state.read_at.date())
            digests = await base.detect_in_response(page, on)
        except base.FetchError as error:
            return _skip_link(item, error, FetchStatus.NOT_YET, *states)
        arrival = Arrival.LATER if known is not None and known.hash is not None else item.arrival
        return base.read_result(link, digests, states, arrival=arrival)

    def _conclude(self, parsed: Feed, feed_state: sources.PageState) -> base.FetchResult:
        """Return the feed's own result. Its page state is kept if no entry has to be read again."""
        status, note = FetchStatus.UNCHANGED, ""
        if not self.has_papers:
            status = FetchStatus.NOT_YET
            note = ": ".join(filter(None, (_NO_PAPERS, self.reason))) if parsed.entries else _NO_ENTRIES
            # Without a hash it is read again, and what it contains then is new.
            feed_state = sources.PageState(self.address, self.request.now, status)
        if self.is_complete or not self.has_papers:
            self.states.append(feed_state)
        places = (item.state.location for item in self.items)
        return base.FetchResult(
            self.address,
            status,
            base.clean_reason(note),
            page_states=tuple(self.states),
            reading=self.report,
            listed=frozenset([self.address, *places, *(entry.link or "" for entry in parsed.entries)]),
        )


@dataclass(frozen=True, slots=True)
class FeedSource:
    """A feed. The location of a digest depends on where it was found.

    A digest in an entry is stored under `{feed}#{id}`, or `{feed}#entry-{id}` if the id is a date, and a
    linked digest under its own URL. Single papers form one list per day at `{feed}#{date}`; papers without a
    day form a rolling list at the feed's URL.
    """

    address: str
    fetcher: base.Fetcher

    async def fetch(self, request: base.FetchRequest) -> AsyncIterator[base.FetchResult]:
        """Read the feed and its new entries. Yields the feed's page state only if no entry failed."""
        page = await base.get_page(self.fetcher, self.address, request, accept=feed_entries.ACCEPT)
        if isinstance(page, base.FetchResult):
            yield page
            return
        try:
            parsed = await feed_entries.read_document(page)
        except base.FetchError as error:
            yield await self._read_as_digest(page, error)
            return
        reading = await _Reading.begin(self.address, self.fetcher, parsed, request)
        # The first result records which entries were seen: the poll may end before they are read.
        seen: tuple[sources.PageState, ...] = tuple(
            replace(item.state, status=FetchStatus.NOT_YET, hash=None)
            for item in reading.items
            if item.known is None
        )
        total = ReadingReport()
        async for result in reading.read(parsed, page.page_state):
            total += result.reading or ReadingReport()
            read = (
                replace(state, reading=total) if state.location == self.address else state
                for state in result.page_states
            )
            yield replace(result, page_states=(*seen, *read))
            seen = ()

    async def _read_as_digest(self, response: base.Response, feed_error: base.FetchError) -> base.FetchResult:
        result = await base.read_page(self.address, response)
        if result.status is FetchStatus.OK:
            return result
        is_other = str(feed_error) == feed_entries.NOT_A_FEED
        reason = f"{feed_error}; {result.reason}" if is_other else str(feed_error)
        return replace(result, reason=base.clean_reason(reason))


_NO_ENTRIES = "the feed has no entries"
_NO_PAPERS = "none of its entries that were read names a paper, or links to a list of papers"


async def _read_contents(item: _Item, *, is_paper: bool) -> tuple[models.Digest, ...]:
    """Return the digests in an entry's content, except a list that contains only the entry's own paper.

    A paper's day is in the content, else it is the entry's, else in the path of its link. With the entry's day, two
    papers alone in their lines are a list.
    """
    entry, read_on = item.entry, item.state.read_at.date()
    if entry.is_closed and not models.arxiv_id_of(entry.paper_key or "doi/"):
        return ()  # what an article only cites
    on = _possible_day(entry, read_on)
    name = entry.link or "" if on is None else ""
    for text in entry.contents:
        with suppress(base.FetchError):
            arguments = (text.encode("utf-8", "replace"), "utf-8", name, on, read_on)
            digests = await base.read_digests(base.detect_in_bytes, *arguments)
            is_alone = is_paper and sum(len(digest.entries) for digest in digests) == 1
            return () if is_alone else digests
    alone = await asyncio.to_thread(feed_entries.read_list_items, entry) if on and not is_paper else ()
    is_list = sum(len(digest.entries) for digest in alone) > 1 and not any(it.is_rolling for it in alone)
    return alone if is_list else ()


def _list_left_out(address: str, parsed: Feed) -> Iterator[models.Skipped]:
    """Yield what a feed says that it leaves out, with what to do: later results of a search, or its next page."""
    number = len(parsed.entries)
    if beyond := max(0, (parsed.total or 0) - number):
        advice = "ask for more in its address"
        if pages.is_arxiv(address):
            advice = "add &max_results=200, or use arxiv:cs.CL"
        note = f"it gives {number:,} of {number + beyond:,}: {advice}"
        yield sorting.skip(SkipReason.NOT_READ, note, beyond)
    elif parsed.following is not None:
        yield sorting.skip(SkipReason.NOT_READ, f"only its first page is read: add {parsed.following}")


def _location_key(key: str) -> str:
    """Return an entry's key as a part of a location; `{feed}#{date}` is that day's list."""
    return f"entry-{key}" if str(fields.clean_date(key)) == key else key


def _skip_entry(entry: FeedEntry, reason: SkipReason, example: str | None = None) -> ReadingReport:
    return ReadingReport(skipped=(sorting.skip(reason, example or entry.title or entry.link or entry.key),))


def _skip_link(
    item: _Item, error: base.FetchError, status: FetchStatus, *states: sources.PageState
) -> base.FetchResult:
    """Return the result for a linked page without a digest. If it FAILED, its entry has no hash, and is read again."""
    link, is_failed = item.entry.link or "", status is FetchStatus.FAILED
    reason = base.clean_reason(f"{link}: {error}")
    example = None if error.skip_reason is SkipReason.NO_LIST else reason
    report = _skip_entry(item.entry, error.skip_reason, example)
    unread = [replace(it, status=status, hash=None if is_failed else it.hash) for it in states]
    return base.FetchResult(link, status, reason).with_reading(report, unread)


def _report_paper(entry: FeedEntry, today: date) -> ReadingReport:
    if entry.is_replacement:
        return _skip_entry(entry, SkipReason.NEW_VERSION)
    is_impossible = entry.published_on and not _possible_day(entry, today)
    text = str(entry.published_on) if is_impossible else entry.unreadable_date
    return ReadingReport(kept=1, warnings=(sorting.skip(SkipReason.NO_DATE, text),) if text else ())


def _target_of(entry: FeedEntry) -> str | None:
    """Return what an entry is about, or None if it only links to a page, which may be another each time."""
    return entry.paper_key or (entry.link if entry.contents else None)


def _check_undated(address: str) -> None:
    """Raise UsageError if this is not an http or https URL without date fields."""
    pages.check_address(address)
    if "{" in address:
        raise errors.UsageError(
            f"{address} contains a date, which only --kind url accepts; leave out --kind feed."
        )


KIND = base.KindRecord(
    kind=models.SourceKind.FEED,
    matches=lambda *_: True,
    check=_check_undated,
    open=lambda address, _options, context: FeedSource(address, context.fetch),
    is_limited=lambda address: not pages.is_arxiv(address),
    poll_interval=timedelta(minutes=30),
)
